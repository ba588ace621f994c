//! What dialplan files say of calls that go out, as lines for comparing. Reads no file.

use crate::domain::dialplan::Dialplan;
use crate::domain::dialplan::caller_id::CallerId;
use crate::domain::dialplan::guard::Guard;
use crate::domain::dialplan::outbound::Outbound;
use crate::edge::config::plan::Effect;
use crate::edge::config::written::{Line, Lines};

type Named = Vec<(String, Vec<Line>)>;

/// Destinations and what else there is once.
pub fn outbound(plan: &Dialplan) -> Vec<Line> {
    let Outbound { countries, kinds_denied, deny, allow, only_numbers } = &plan.outbound;
    let mut lines = Lines::new(Effect::NewCalls);
    match countries {
        Some(countries) => lines.list("countries", countries),
        None => lines.text("countries", "all"),
    }
    lines.list("kinds_denied", kinds_denied);
    lines.list("deny", deny);
    lines.list("allow", allow);
    lines.text("only_numbers", only_numbers);
    lines.text("caller_id_owned", plan.caller_ids.only_owned);
    let rates = plan.rates.iter().map(|rate| format!("{} {} {}", rate.trunk, rate.prefix, rate.price));
    lines.list("rate", rates);
    lines.all
}

pub fn caller_ids(plan: &Dialplan) -> Named {
    let each = plan.caller_ids.rules.iter().map(|rule| {
        let CallerId { name, from, countries, number, display } = rule;
        let mut lines = Lines::new(Effect::NewCalls);
        lines.list("from", from);
        lines.list("countries", countries);
        lines.text("number", number);
        lines.text("display", display.as_deref().unwrap_or("the caller's own"));
        (name.to_string(), lines.all)
    });
    each.collect()
}

pub fn guards(plan: &Dialplan) -> Named {
    let each = plan.guards.iter().map(|guard| {
        let Guard { name, per, countries, kinds, prefixes, calls_per_minute, concurrent, minutes, window, trips_for } =
            guard;
        let mut lines = Lines::new(Effect::NewCalls);
        lines.word("per", per);
        lines.list("countries", countries);
        lines.list("kinds", kinds);
        lines.list("prefixes", prefixes);
        lines.text("calls_per_minute", calls_per_minute);
        lines.text("concurrent", concurrent);
        lines.text("minutes", minutes);
        lines.time("window", *window);
        match trips_for {
            Some(time) => lines.time("trips_for", *time),
            None => lines.text("trips_for", "until it is reset"),
        }
        (name.to_string(), lines.all)
    });
    each.collect()
}

pub fn accounts(plan: &Dialplan) -> Named {
    let each = plan.accounts.iter().map(|account| {
        let mut lines = Lines::new(Effect::NewCalls);
        lines.list("members", &account.members);
        (account.name.to_string(), lines.all)
    });
    each.collect()
}
