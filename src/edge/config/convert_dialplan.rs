//! Files in `dialplans/`: rules, groups, trunk groups, emergency numbers. References are checked in `cross`.

use crate::base::cause::Cause;
use crate::domain::dialplan::caller_id::CallerId;
use crate::domain::dialplan::guard::Guard;
use crate::domain::dialplan::outbound::Outbound;
use crate::domain::dialplan::{
    Account, Destination, During, Emergency, Group, Pattern, Rate, Rule, TrunkGroup, TrunkMember,
};
use crate::domain::routing::engine::Engine;
use crate::edge::config::convert_engine;
use crate::edge::config::convert_outbound;
use crate::edge::config::convert_queue::{self, QueueFile};
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::Item;
use crate::edge::config::shared;
use crate::edge::config::suggest;
use std::time::Duration;

/// What a reference must name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sort {
    Trunk,
    Phone,
    Group,
    TrunkGroup,
    Flow,
    Queue,
    Engine,
    RoutingProfile,
    /// A trunk, or the word `phones`.
    Caller,
    Hours,
}

/// One dialplan file. Each part keeps its name's place; references wait for all files.
#[derive(Default)]
pub struct DialplanFile {
    pub rules: Vec<(Item, Rule)>,
    pub groups: Vec<(Item, Group)>,
    pub trunk_groups: Vec<(Item, TrunkGroup)>,
    pub emergency: Vec<(Item, Emergency)>,
    pub queues: QueueFile,
    pub outbound: Vec<(Item, Outbound, bool)>,
    pub caller_ids: Vec<(Item, CallerId)>,
    pub guards: Vec<(Item, Guard)>,
    pub accounts: Vec<(Item, Account)>,
    pub rates: Vec<Rate>,
    pub engines: Vec<(Item, Engine)>,
    pub references: Vec<(Sort, Item)>,
}

const SCHEMES: &[&str] = &["trunk", "trunk-group", "phone", "group", "flow", "queue", "engine", "reject"];

pub fn dialplan(fields: Fields<'_>) -> DialplanFile {
    let mut file = DialplanFile::default();
    for one in fields.tables("rule") {
        rule(one, &mut file);
    }
    for one in fields.tables("group") {
        group(one, &mut file);
    }
    for one in fields.tables("trunk_group") {
        trunk_group(one, &mut file);
    }
    for one in fields.tables("emergency") {
        emergency(one, &mut file);
    }
    file.queues = convert_queue::queues(&fields, &mut file.references);
    let at = Item { text: "outbound".to_owned(), at: fields.place("outbound"), path: "outbound".to_owned() };
    if let Some(one) = fields.table_opt("outbound") {
        convert_outbound::outbound(one, at, &mut file);
    }
    for one in fields.tables("caller_id") {
        convert_outbound::caller_id(one, &mut file);
    }
    for one in fields.tables("guard") {
        convert_outbound::guard(one, &mut file);
    }
    for one in fields.tables("account") {
        convert_outbound::account(one, &mut file);
    }
    for one in fields.tables("rate") {
        convert_outbound::rate(one, &mut file);
    }
    for one in fields.tables("engine") {
        convert_engine::engine(one, &mut file);
    }
    fields.finish();
    file
}

fn rule(fields: Fields<'_>, file: &mut DialplanFile) {
    let name = shared::name(&fields);
    let from = fields.texts("from", "empty: every caller");
    let pattern = fields.required("number").and_then(|item| pattern(&fields, &item));
    let to = destinations(&fields, file);
    let ring_timeout = ring_timeout(&fields);
    let countries = convert_outbound::countries(&fields, "empty: every country");
    let kinds = convert_outbound::kinds(&fields, "kinds", "empty: every kind");
    let hours = during(&fields, file);
    fields.finish();
    file.references.extend(from.iter().map(caller));
    if let (Some(name), Some(pattern)) = (name, pattern) {
        let from = from.into_iter().map(|item| item.text.into()).collect();
        let rule = Rule { name: name.text.as_str().into(), from, pattern, countries, kinds, hours, to, ring_timeout };
        file.rules.push((name, rule));
    }
}

/// `office` while somebody is there, `not:office` while nobody is.
fn during(fields: &Fields<'_>, file: &mut DialplanFile) -> Option<During> {
    let item = fields.text("hours", "at any time")?;
    let (name, open) = item.text.strip_prefix("not:").map_or((item.text.as_str(), true), |name| (name, false));
    let during = During { hours: name.into(), open };
    file.references.push((Sort::Hours, Item { text: name.to_owned(), ..item.clone() }));
    Some(during)
}

/// `phones`, a trunk's name, or `trunk:NAME` or `phone:NAME`.
pub fn caller(item: &Item) -> (Sort, Item) {
    let (sort, name) = match item.text.split_once(':') {
        Some(("trunk", name)) => (Sort::Trunk, name),
        Some(("phone", name)) => (Sort::Phone, name),
        _ => (Sort::Caller, item.text.as_str()),
    };
    (sort, Item { text: name.to_owned(), ..item.clone() })
}

fn ring_timeout(fields: &Fields<'_>) -> Option<Duration> {
    let range = Duration::from_secs(1)..=Duration::from_secs(600);
    fields.duration_opt("ring_timeout", "the destination's own", range)
}

/// `+815012345678` or `1001` exactly, `+8150*` by prefix, `*` for all.
fn pattern(fields: &Fields<'_>, item: &Item) -> Option<Pattern> {
    let text = item.text.as_str();
    if text == "*" {
        return Some(Pattern::Any);
    }
    // A star that is dialled, such as *43, is literal; only the last one stands for the rest.
    let (literal, prefix) = text.strip_suffix('*').map_or((text, false), |literal| (literal, true));
    let digits = literal.strip_prefix('+').unwrap_or(literal);
    let is_name = shared::is_token(literal) && literal.chars().any(|c| c.is_ascii_alphabetic());
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#');
    if !is_number && !is_name {
        let meant = "write \"+815012345678\" for one number, \"+8150*\" for all that begin so, \"*\" for every one";
        fields.error("number", format!("`{}` is no number pattern", printable(text)), Some(meant.to_owned()));
        return None;
    }
    Some(if prefix { Pattern::Prefix(literal.into()) } else { Pattern::Exact(literal.into()) })
}

fn destinations(fields: &Fields<'_>, file: &mut DialplanFile) -> Vec<Destination> {
    if !fields.has("to") {
        fields.missing("to");
    }
    let items = fields.texts("to", "required");
    if items.is_empty() && fields.has("to") && fields.is_list("to") {
        fields.error(
            "to",
            "a call must have somewhere to go",
            Some("add \"reject:number-unknown\" to refuse it".to_owned()),
        );
    }
    items.iter().filter_map(|item| destination(fields, item, file)).collect()
}

fn destination(fields: &Fields<'_>, item: &Item, file: &mut DialplanFile) -> Option<Destination> {
    let Some((scheme, name)) = item.text.split_once(':') else {
        let problem = format!("`{}` is no destination", printable(&item.text));
        let meant = "write one such as \"trunk:NAME\", \"trunk-group:NAME\", \"phone:NAME\", \"group:NAME\", \"flow:NAME\", \"queue:NAME\", \"engine:NAME\" or \"reject:CAUSE\"";
        fields.reading.error(item.at, &item.path, problem, Some(meant.to_owned()));
        return None;
    };
    let named = Item { text: name.to_owned(), ..item.clone() };
    let (sort, destination) = match scheme {
        "trunk" => (Sort::Trunk, Destination::Trunk(name.into())),
        "trunk-group" => (Sort::TrunkGroup, Destination::TrunkGroup(name.into())),
        "phone" => (Sort::Phone, Destination::Phone(name.into())),
        "group" => (Sort::Group, Destination::Group(name.into())),
        "flow" => (Sort::Flow, Destination::Flow(name.into())),
        "queue" => (Sort::Queue, Destination::Queue(name.into())),
        "engine" => (Sort::Engine, Destination::Engine(name.into())),
        "reject" => return reject(fields, item, name),
        _ => {
            let meant = suggest::did_you_mean(scheme, SCHEMES.iter().copied(), "kinds of destination");
            let problem = format!("`{}` is no kind of destination", printable(scheme));
            fields.reading.error(item.at, &item.path, problem, meant);
            return None;
        }
    };
    file.references.push((sort, named));
    Some(destination)
}

fn reject(fields: &Fields<'_>, item: &Item, name: &str) -> Option<Destination> {
    let cause = Cause::all().find(|cause| cause.name() == name);
    if cause.is_none() {
        let meant = suggest::did_you_mean(name, Cause::all().map(Cause::name).collect::<Vec<_>>(), "causes");
        fields.reading.error(item.at, &item.path, format!("`{}` is no cause", printable(name)), meant);
    }
    cause.map(Destination::Reject)
}

fn group(fields: Fields<'_>, file: &mut DialplanFile) {
    let name = shared::name(&fields);
    let phones = fields.texts("phones", "required");
    let together = fields.flag("together", true);
    let ring_timeout =
        fields.duration("ring_timeout", Duration::from_secs(30), Duration::from_secs(1)..=Duration::from_secs(600));
    if !fields.has("phones") {
        fields.missing("phones");
    } else if phones.len() > crate::base::limits::LEGS_MAX - 1 {
        let problem = format!("a group may hold {} phones", crate::base::limits::LEGS_MAX - 1);
        fields.error("phones", problem, None);
    } else if phones.is_empty() && fields.is_list("phones") {
        fields.error("phones", "a group needs a phone", None);
    }
    fields.finish();
    file.references.extend(phones.iter().map(|item| (Sort::Phone, item.clone())));
    let Some(name) = name else { return };
    let phones = phones.into_iter().map(|item| item.text.into()).collect();
    let group = Group { name: name.text.as_str().into(), phones, together, ring_timeout };
    file.groups.push((name, group));
}

fn trunk_group(fields: Fields<'_>, file: &mut DialplanFile) {
    let name = shared::name(&fields);
    if !fields.has("member") {
        fields.missing("member");
    }
    let mut members = Vec::new();
    for one in fields.tables("member") {
        let trunk = one.required("trunk");
        let priority = one.integer("priority", 1, 0..=u16::MAX);
        let weight = one.integer("weight", 1, 0..=u16::MAX);
        one.finish();
        if let Some(trunk) = trunk {
            members.push(TrunkMember { trunk: trunk.text.as_str().into(), priority, weight });
            file.references.push((Sort::Trunk, trunk));
        }
    }
    members.sort_by_key(|member| member.priority);
    let by_price = fields.flag("by_price", false);
    fields.finish();
    let Some(name) = name else { return };
    let group = TrunkGroup { name: name.text.as_str().into(), members, by_price };
    file.trunk_groups.push((name, group));
}

fn emergency(fields: Fields<'_>, file: &mut DialplanFile) {
    let digits = fields.required("digits");
    let to = destinations(&fields, file);
    let is_dialled = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c));
    if let Some(digits) = digits.as_ref().filter(|digits| !is_dialled(&digits.text)) {
        fields.error("digits", format!("`{}` cannot be dialled", printable(&digits.text)), None);
    }
    fields.finish();
    let Some(digits) = digits else { return };
    let emergency = Emergency { digits: digits.text.as_str().into(), to };
    file.emergency.push((digits, emergency));
}
