//! What dialplan files say of calls that go out: destinations, caller identities, guards, accounts, rates. References wait.

use crate::base::e164::E164;
use crate::domain::dialplan::caller_id::{CallerId, CallerIds};
use crate::domain::dialplan::guard::{Guard, Per};
use crate::domain::dialplan::outbound::Outbound;
use crate::domain::dialplan::{Account, Rate};
use crate::domain::number::country::Country;
use crate::domain::number::kind::Kind;
use crate::domain::number::plan;
use crate::edge::config::convert_dialplan::{DialplanFile, Sort, caller};
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::reading::Item;
use crate::edge::config::shared;
use crate::edge::config::suggest;
use std::time::Duration;

const PER: &[(&str, Per)] =
    &[("trunk", Per::Trunk), ("phone", Per::Phone), ("account", Per::Account), ("house", Per::House)];

/// `[outbound]`, which one file of all may hold.
pub fn outbound(fields: Fields<'_>, at: Item, file: &mut DialplanFile) {
    let countries = fields.has("countries");
    let listed = self::countries(&fields, "empty: every country");
    let policy = Outbound {
        countries: countries.then(|| listed.into_iter().collect()),
        kinds_denied: kinds(&fields, "kinds_denied", "empty").into_iter().collect(),
        deny: prefixes(&fields, "deny"),
        allow: prefixes(&fields, "allow"),
        only_numbers: fields.flag("only_numbers", true),
    };
    let only_owned = fields.flag("caller_id_owned", true);
    fields.finish();
    file.outbound.push((at, policy, only_owned));
}

pub fn caller_id(fields: Fields<'_>, file: &mut DialplanFile) {
    let name = shared::name(&fields);
    let from = fields.texts("from", "empty: every caller");
    let countries = countries(&fields, "empty: every country");
    let number = fields.required("number").filter(|item| {
        let is_number = E164::parse(&item.text).is_ok();
        if !is_number {
            let meant = Some("write it with a plus, such as \"+815012345678\"".to_owned());
            fields.error("number", format!("`{}` is no number", printable(&item.text)), meant);
        }
        is_number
    });
    let display = fields.text("display", "the caller's own").filter(|item| {
        let fits = item.text.chars().count() <= DISPLAY_CHARS_MAX;
        if !fits {
            fields.error("display", format!("a name may have {DISPLAY_CHARS_MAX} letters"), None);
        }
        fits
    });
    fields.finish();
    file.references.extend(from.iter().map(caller));
    let (Some(name), Some(number)) = (name, number) else { return };
    let rule = CallerId {
        name: name.text.as_str().into(),
        from: from.into_iter().map(|item| item.text.into()).collect(),
        countries,
        number: number.text.into(),
        display: display.map(|item| item.text.into()),
    };
    file.caller_ids.push((name, rule));
}

/// A display name that carriers still carry whole.
const DISPLAY_CHARS_MAX: usize = 255;

pub fn guard(fields: Fields<'_>, file: &mut DialplanFile) {
    let name = shared::name(&fields);
    let per = fields.choice_opt("per", PER, "required");
    if !fields.has("per") {
        fields.missing("per");
    }
    let day = Duration::from_secs(86_400);
    let second = Duration::from_secs(1);
    let guard = Guard {
        name: name.as_ref().map_or("", |name| name.text.as_str()).into(),
        per: per.unwrap_or(Per::House),
        countries: countries(&fields, "empty"),
        kinds: kinds(&fields, "kinds", "empty"),
        prefixes: prefixes(&fields, "prefixes"),
        calls_per_minute: fields.integer("calls_per_minute", 0, 0..=100_000),
        concurrent: fields.integer("concurrent", 0, 0..=1_000_000),
        minutes: fields.integer("minutes", 0, 0..=10_000_000),
        window: fields.duration("window", day, Duration::from_secs(60)..=day * 31),
        trips_for: fields.duration_opt("trips_for", "until it is reset", second..=day * 31),
    };
    if guard.calls_per_minute == 0 && guard.concurrent == 0 && guard.minutes == 0 && name.is_some() {
        let meant = Some("add `calls_per_minute`, `concurrent` or `minutes`".to_owned());
        fields.reading.error(fields.at, &fields.path("name"), "a guard without a limit guards nothing", meant);
    }
    fields.finish();
    if let Some(name) = name {
        file.guards.push((name, guard));
    }
}

pub fn account(fields: Fields<'_>, file: &mut DialplanFile) {
    let name = shared::name(&fields);
    let members = fields.texts("members", "required");
    if !fields.has("members") {
        fields.missing("members");
    } else if members.is_empty() && fields.is_list("members") {
        fields.error("members", "an account needs a member", None);
    }
    fields.finish();
    file.references.extend(members.iter().map(caller));
    if let Some(name) = name {
        let members = members.into_iter().map(|item| item.text.into()).collect();
        let account = Account { name: name.text.as_str().into(), members };
        file.accounts.push((name, account));
    }
}

pub fn rate(fields: Fields<'_>, file: &mut DialplanFile) {
    let trunk = fields.required("trunk");
    let prefix = fields.required("prefix").filter(|item| prefix(&fields, item).is_some());
    let price = fields.integer("price", 0, 0..=1_000_000_000);
    if !fields.has("price") {
        fields.missing("price");
    }
    fields.finish();
    let (Some(trunk), Some(prefix)) = (trunk, prefix) else { return };
    file.rates.push(Rate { trunk: trunk.text.as_str().into(), prefix: prefix.text.into(), price });
    file.references.push((Sort::Trunk, trunk));
}

/// Two letters each, and of a country that has numbers.
pub fn countries(fields: &Fields<'_>, absent: &str) -> Vec<Country> {
    let items = fields.texts("countries", absent);
    let read = items.iter().filter_map(|item| {
        let country = Country::parse(&item.text).filter(|country| plan::calling_code(*country).is_some());
        if country.is_none() {
            let meant = Some("write two letters such as \"JP\" or \"GB\" (ISO 3166)".to_owned());
            let problem = format!("`{}` is no country with numbers", printable(&item.text));
            fields.reading.error(item.at, &item.path, problem, meant);
        }
        country
    });
    read.collect()
}

pub fn kinds(fields: &Fields<'_>, key: &'static str, absent: &str) -> Vec<Kind> {
    let items = fields.texts(key, absent);
    let read = items.iter().filter_map(|item| {
        let kind = Kind::parse(&item.text);
        if kind.is_none() {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            let meant = suggest::did_you_mean(&item.text, names, "kinds of number");
            let problem = format!("`{}` is no kind of number", printable(&item.text));
            fields.reading.error(item.at, &item.path, problem, meant);
        }
        kind
    });
    read.collect()
}

fn prefixes(fields: &Fields<'_>, key: &'static str) -> Vec<Box<str>> {
    fields.texts(key, "empty").iter().filter_map(|item| prefix(fields, item)).collect()
}

/// `+447`, or digits that are no number, such as `117`. A star at the end is allowed and means nothing.
fn prefix(fields: &Fields<'_>, item: &Item) -> Option<Box<str>> {
    let text = item.text.strip_suffix('*').unwrap_or(&item.text);
    let digits = text.strip_prefix('+').unwrap_or(text);
    if !text.is_empty() && digits.len() <= 15 && digits.chars().all(|c| c.is_ascii_digit()) {
        return Some(text.into());
    }
    let meant = Some("write how the numbers begin, with a plus, such as \"+447\"".to_owned());
    let problem = format!("`{}` is no beginning of numbers", printable(&item.text));
    fields.reading.error(item.at, &item.path, problem, meant);
    None
}

/// What all files together say of caller identities.
pub fn caller_ids(files: &[DialplanFile]) -> CallerIds {
    let owned = files.iter().flat_map(|file| &file.outbound).any(|(_, _, only_owned)| *only_owned);
    let rules = files.iter().flat_map(|file| &file.caller_ids).map(|(_, rule)| rule.clone()).collect();
    CallerIds { only_owned: owned, rules }
}
