//! `[[status]]`, `[[queue]]`, `[[routing_profile]]` and `[[agent]]` of files in `dialplans/`. Knows nobody's state.

use crate::base::e164::E164;
use crate::base::limits::{AGENT_SLOTS_MAX, PROFICIENCY_LEVEL_MAX, STATUSES_MAX, WAITING_MAX};
use crate::base::secret::Secret;
use crate::domain::flow::act::Role;
use crate::domain::flow::definition::{Flows, Kind};
use crate::domain::hours::HoursBook;
use crate::domain::queue::criteria::{self, Proficiency};
use crate::domain::queue::settings::{
    AgentSettings, ProfileEntry, QueueFlows, QueueSettings, Reach, RoutingProfile, Settings, Status,
};
use crate::edge::config::convert_dialplan::Sort;
use crate::edge::config::cross;
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::{Item, Reading};
use crate::edge::config::shared;
use crate::edge::config::suggest;
use crate::edge::softphone::password;
use std::sync::Arc;
use std::time::Duration;

/// What one file says about queues, each with the place of its name.
#[derive(Default)]
pub struct QueueFile {
    pub statuses: Vec<Item>,
    pub queues: Vec<(Item, QueueSettings)>,
    pub profiles: Vec<(Item, RoutingProfile)>,
    pub agents: Vec<(Item, AgentSettings)>,
    /// Flows of queues, each with what it is for.
    flows: Vec<(Role, Item)>,
    /// Names of opening hours that queues use.
    hours: Vec<Item>,
    /// Statuses that agents begin with.
    first: Vec<Item>,
}

pub fn queues(fields: &Fields<'_>, references: &mut Vec<(Sort, Item)>) -> QueueFile {
    let mut file = QueueFile::default();
    for one in fields.tables("status") {
        file.statuses.extend(shared::name(&one));
        one.finish();
    }
    for one in fields.tables("queue") {
        queue(one, &mut file);
    }
    for one in fields.tables("routing_profile") {
        file.profiles.extend(profile(one, references));
    }
    for one in fields.tables("agent") {
        agent(one, &mut file, references);
    }
    file
}

fn seconds(low: u64, high: u64) -> std::ops::RangeInclusive<Duration> {
    Duration::from_secs(low)..=Duration::from_secs(high)
}

fn queue(fields: Fields<'_>, file: &mut QueueFile) {
    let name = shared::name(&fields);
    let hours = fields.text("hours", "always open");
    let capacity = fields.integer_opt("capacity", "as many as there may be", 0..=WAITING_MAX);
    let is_in_service = fields.flag("in_service", true);
    let sticky = fields.duration_opt("last_agent_first", "not waited for", seconds(1, 3_600));
    let caller_id = number(&fields, "caller_id");
    let mut flow = |key, role: Role| {
        let item = fields.text(key, "the default flow")?;
        let name = item.text.as_str().into();
        file.flows.push((role, item));
        Some(name)
    };
    let flows = QueueFlows {
        waiting: flow("waiting_flow", Role::CustomerQueue),
        agent_whisper: flow("agent_whisper", Role::AgentWhisper),
        customer_whisper: flow("customer_whisper", Role::CustomerWhisper),
        outbound_whisper: flow("outbound_whisper", Role::OutboundWhisper),
    };
    fields.finish();
    file.hours.extend(hours.clone());
    let Some(name) = name else { return };
    let hours = hours.map(|item| item.text.as_str().into());
    let settings =
        QueueSettings { name: name.text.as_str().into(), hours, capacity, is_in_service, sticky, caller_id, flows };
    file.queues.push((name, settings));
}

/// A number as E.164 with the plus.
fn number(fields: &Fields<'_>, key: &'static str) -> Option<E164> {
    let item = fields.text(key, "none")?;
    let number = E164::parse(&item.text);
    if number.is_err() {
        let meant = Some("write it with its country code, such as \"+815012345678\"".to_owned());
        fields.error(key, format!("`{}` is no number", printable(&item.text)), meant);
    }
    number.ok()
}

fn profile(fields: Fields<'_>, references: &mut Vec<(Sort, Item)>) -> Option<(Item, RoutingProfile)> {
    let name = shared::name(&fields);
    let slots = fields.integer("slots", 1, 1..=AGENT_SLOTS_MAX);
    let keeps_place_after_outbound = fields.flag("outbound_keeps_place", false);
    if !fields.has("queue") {
        fields.missing("queue");
    }
    let mut entries: Vec<ProfileEntry> = Vec::new();
    for one in fields.tables("queue") {
        let queue = one.required("name");
        let priority = one.integer("priority", 1, 1..=99_u32);
        let delay = one.duration("delay", Duration::ZERO, seconds(0, 9_999));
        if let Some(queue) = queue {
            if entries.iter().any(|entry| *entry.queue == *queue.text) {
                one.error("name", format!("queue `{}` is there twice", printable(&queue.text)), None);
            }
            entries.push(ProfileEntry { queue: queue.text.as_str().into(), priority, delay });
            references.push((Sort::Queue, queue));
        }
        one.finish();
    }
    fields.finish();
    let name = name?;
    let profile = RoutingProfile { name: name.text.as_str().into(), entries, slots, keeps_place_after_outbound };
    Some((name, profile))
}

fn agent(fields: Fields<'_>, file: &mut QueueFile, references: &mut Vec<(Sort, Item)>) {
    let name = shared::name(&fields);
    let profile = fields.required("routing_profile");
    let reach = reach(&fields, references);
    let auto_accept = fields.flag("auto_accept", false);
    let wrap_up = fields.duration_opt("wrap_up", "until the agent says so", seconds(0, 2_000_000));
    let password = password_hash(&fields);
    let first = fields.text("status", "`offline`");
    let written = fields.tables("proficiency");
    let proficiencies = written.into_iter().filter_map(proficiency).collect();
    let proficiencies = criteria::proficiencies(proficiencies).unwrap_or_else(|fault| {
        fields.error("proficiency", fault.to_string(), None);
        Vec::new()
    });
    fields.finish();
    references.extend(profile.iter().map(|item| (Sort::RoutingProfile, item.clone())));
    file.first.extend(first.clone());
    let (Some(name), Some(profile), Some(reach)) = (name, profile, reach) else { return };
    // Which of the configured statuses that is, is known when all files have been read.
    let first_status = first.map_or(Status::Offline, |item| Status::Custom(item.text.as_str().into()));
    let settings = AgentSettings {
        name: name.text.as_str().into(),
        profile: profile.text.as_str().into(),
        reach,
        auto_accept,
        wrap_up,
        proficiencies,
        password,
        first_status,
    };
    file.agents.push((name, settings));
}

/// What `offhook password` prints.
fn password_hash(fields: &Fields<'_>) -> Option<Secret> {
    let item = fields.text("password_hash", "none: no password opens the softphone")?;
    if let Err(why) = password::check(&item.text) {
        let meant = Some("`offhook password` makes one".to_owned());
        fields.error("password_hash", format!("this is no Argon2 hash that can be used: {why}"), meant);
        return None;
    }
    Some(Secret::new(item.text))
}

/// `phone` or `number`: exactly one of them.
fn reach(fields: &Fields<'_>, references: &mut Vec<(Sort, Item)>) -> Option<Reach> {
    let phone = fields.text("phone", "one of the two is required");
    let desk = number(fields, "number");
    match (phone, fields.has("number")) {
        (Some(_), true) => {
            fields.error("number", "only one of `phone` and `number` may stand here", None);
            None
        }
        (Some(phone), false) => {
            let reach = Reach::Phone(phone.text.as_str().into());
            references.push((Sort::Phone, phone));
            Some(reach)
        }
        (None, true) => desk.map(Reach::Number),
        (None, false) => {
            let meant = Some("add `phone`, a phone's name, or `number`".to_owned());
            fields.reading.error(fields.at, &fields.path("phone"), "missing key `phone`", meant);
            None
        }
    }
}

fn proficiency(fields: Fields<'_>) -> Option<Proficiency> {
    let attribute = fields.required("attribute");
    let value = fields.required("value");
    let level = fields.integer("level", PROFICIENCY_LEVEL_MAX, 1..=PROFICIENCY_LEVEL_MAX);
    let proficiency = Proficiency::new(&attribute?.text, &value.as_ref()?.text, level);
    if let Err(fault) = &proficiency {
        fields.error("value", fault.to_string(), None);
    }
    fields.finish();
    proficiency.ok()
}

/// Names that are there twice, hours and statuses that are not there.
pub fn check<'a>(reading: &Reading, files: impl Iterator<Item = &'a QueueFile> + Clone, hours: &HoursBook) {
    cross::once(reading, "status", files.clone().flat_map(|file| &file.statuses));
    cross::once(reading, "queue", files.clone().flat_map(|file| file.queues.iter().map(|(name, _)| name)));
    cross::once(reading, "routing profile", files.clone().flat_map(|file| file.profiles.iter().map(|(name, _)| name)));
    cross::once(reading, "agent", files.clone().flat_map(|file| file.agents.iter().map(|(name, _)| name)));
    let statuses: Vec<&Item> = files.clone().flat_map(|file| &file.statuses).collect();
    if let Some(one) = statuses.get(STATUSES_MAX) {
        reading.error(one.at, &one.path, format!("at most {STATUSES_MAX} statuses"), None);
    }
    let names: Vec<&str> = statuses.iter().map(|item| item.text.as_str()).chain(["available", "offline"]).collect();
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    for item in files.clone().flat_map(|file| &file.first).filter(|item| !has(&item.text)) {
        let meant = suggest::did_you_mean(&item.text, names.iter().copied(), "statuses");
        reading.error(item.at, &item.path, format!("no status is named `{}`", printable(&item.text)), meant);
    }
    for item in files.flat_map(|file| &file.hours).filter(|item| hours.find(&item.text).is_none()) {
        let meant = suggest::did_you_mean(&item.text, hours.names().collect::<Vec<_>>(), "hours");
        let meant = meant.or_else(|| Some("there are no hours".to_owned()));
        reading.error(item.at, &item.path, format!("no hours are named `{}`", printable(&item.text)), meant);
    }
}

/// The flows that queues name; each is a file, also where it could not be read, and of the kind that is heard there.
pub fn check_flows<'a>(
    reading: &Reading,
    files: impl Iterator<Item = &'a QueueFile>,
    (names, book): (&[&str], &Flows),
) {
    for (role, item) in files.flat_map(|file| &file.flows) {
        if !names.contains(&item.text.as_str()) {
            let meant = suggest::did_you_mean(&item.text, names.iter().copied(), "flows");
            let meant = meant.or_else(|| Some("there are no flows".to_owned()));
            reading.error(item.at, &item.path, format!("no flow is named `{}`", printable(&item.text)), meant);
        }
        if let Some(flow) = book.find(&item.text).filter(|flow| !role.fits(flow.kind)) {
            let wanted = Kind::ALL.into_iter().find(|kind| role.fits(*kind)).map_or("another", Kind::name);
            let problem =
                format!("flow `{}` is of kind {}, and here is one of kind {wanted}", flow.name, flow.kind.name());
            reading.error(item.at, &item.path, problem, None);
        }
    }
}

/// All files as one.
pub fn merge(files: impl Iterator<Item = QueueFile>) -> Settings {
    let mut settings = Settings::default();
    for file in files {
        settings.statuses.extend(file.statuses.into_iter().map(|item| -> Arc<str> { item.text.as_str().into() }));
        settings.queues.extend(file.queues.into_iter().map(|(_, queue)| queue));
        settings.profiles.extend(file.profiles.into_iter().map(|(_, profile)| profile));
        settings.agents.extend(file.agents.into_iter().map(|(_, agent)| agent));
    }
    let mut agents = std::mem::take(&mut settings.agents);
    for agent in &mut agents {
        agent.first_status = settings.status(agent.first_status.name()).unwrap_or_default();
    }
    Settings { agents, ..settings }
}
