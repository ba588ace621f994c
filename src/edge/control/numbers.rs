//! Orders about our numbers, done for whoever asks on the control socket; calls see them as soon as they are on disk.

use super::wire::Fault;
use super::wire_numbers::{self, Ask};
use crate::base::secret::Masked;
use crate::domain::number::csv;
use crate::domain::number::entry::{Assignment, Entry};
use crate::domain::number::inventory::Order;
use crate::domain::switchboard::Switchboard;
use crate::domain::switchboard::interface::SwitchboardInput;
use crate::edge::events::wire::Event;
use crate::edge::ports::Ports;
use crate::edge::store::numbers::{LineOutcome, OrderFault, Verdict};
use crate::edge::store::{StoreFault, rows};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Numbers in one answer.
const PAGE: usize = 1_000;
/// Lines of the audit trail in one answer.
const AUDIT_PAGE: u32 = 1_000;

/// Does what was asked for `who`.
pub async fn execute(ports: &Ports, who: &str, ask: Ask) -> Result<Value, Fault> {
    match ask {
        Ask::List { .. } => list(ports, &ask),
        Ask::Show { number } => {
            let key = wire_numbers::key(&number)?;
            let book = ports.numbers.book();
            let entry = book.entry(&key).ok_or_else(|| Fault::new("not_ours", format!("{key} is not ours")))?;
            Ok(json!({ "number": shown(ports, entry).await }))
        }
        Ask::Import { csv, first_line } => import(ports, who, &csv, first_line).await,
        Ask::Audit { number, before, most } => {
            let key = number.as_deref().map(wire_numbers::key).transpose()?;
            let most = most.unwrap_or(100).min(AUDIT_PAGE);
            let lines = ports.numbers.audit(key, before, most).await.map_err(|fault| store_fault(&fault))?;
            Ok(json!({ "audit": lines }))
        }
        order => {
            let Some(order) = order.order()? else { return Err(Fault::new("bad_request", "nothing was asked")) };
            leads_somewhere(ports, &order).await?;
            let outcome = ports.numbers.order(who.to_owned(), order).await;
            publish(ports).await;
            let entry = outcome.map_err(|fault| order_fault(&fault))?;
            tracing::info!(who, number = %Masked(entry.key.text()), "a number was changed");
            tell(ports, who, &entry);
            Ok(json!({ "number": rows::as_json(&entry) }))
        }
    }
}

/// A number is not assigned to what nobody configured.
async fn leads_somewhere(ports: &Ports, order: &Order) -> Result<(), Fault> {
    let to = match order {
        Order::Assign { to, .. } => Some(to.clone()),
        Order::Claim(claim) | Order::Import(claim) => claim.to.clone(),
        _ => None,
    };
    let Some(to) = to else { return Ok(()) };
    let text = to.to_string();
    match ports.dispatch.ask(move |switchboard| switchboard.is_configured(&to)).await {
        Some(false) => Err(Fault::new("no_such_target", format!("{text} is not in the configuration"))),
        _ => Ok(()),
    }
}

/// Lines that would assign a number to what nobody configured are not done. All targets are asked about at once.
async fn judge_targets(ports: &Ports, lines: &mut [csv::Line]) {
    let target = |order: &Order| match order {
        Order::Claim(claim) | Order::Import(claim) => claim.to.clone(),
        _ => None,
    };
    let all: BTreeSet<Assignment> = lines.iter().filter_map(|(_, order)| target(order.as_ref().ok()?)).collect();
    let asked = ports.dispatch.ask(move |switchboard| {
        all.into_iter().filter(|to| !switchboard.is_configured(to)).collect::<BTreeSet<Assignment>>()
    });
    let unknown = asked.await.unwrap_or_default();
    for (_, order) in lines {
        let Some(to) = order.as_ref().ok().and_then(&target).filter(|to| unknown.contains(to)) else { continue };
        *order = Err(format!("{to} is not in the configuration").into());
    }
}

/// Numbers whose assignments lead nowhere since something was taken out of the configuration.
pub async fn warn_of_strays(ports: &Ports) {
    let strays = ports.dispatch.ask(Switchboard::stray_numbers).await.unwrap_or_default();
    for (number, to) in strays.iter().take(20) {
        tracing::warn!(number = %Masked(number), to, "a number is assigned to what is not in the configuration");
    }
    if strays.len() > 20 {
        tracing::warn!(numbers = strays.len(), "so are more numbers");
    }
}

fn tell(ports: &Ports, who: &str, entry: &Entry) {
    let (number, status) = (entry.key.text().into(), entry.status.name());
    ports.events.tell(Event::NumberChanged { number, status, by: who.into() });
}

/// Calls look numbers up in what the switchboard was told last.
pub async fn publish(ports: &Ports) {
    let book = ports.numbers.book();
    ports.metrics.numbers(&book);
    ports.dispatch.to_desk_surely(SwitchboardInput::Numbers(book)).await;
}

fn list(ports: &Ports, ask: &Ask) -> Result<Value, Fault> {
    let Ask::List { status, kind, country, tag, account, after } = ask else {
        return Err(Fault::new("bad_request", "nothing was asked"));
    };
    let sort = kind.as_deref().map(wire_numbers::sort).transpose()?;
    let country = country.as_deref().map(wire_numbers::country).transpose()?;
    let fits = |entry: &Entry| {
        status.as_deref().is_none_or(|status| entry.status.name().eq_ignore_ascii_case(status))
            && sort.is_none_or(|sort| entry.sort == sort)
            && (country.is_none() || entry.country == country)
            && tag.as_deref().is_none_or(|tag| entry.tags.contains(tag))
            && account.as_deref().is_none_or(|account| *entry.account == *account)
            && after.as_deref().is_none_or(|after| entry.key.text() > after)
    };
    let book = ports.numbers.book();
    let page: Vec<Value> =
        book.entries().filter(|entry| fits(entry)).take(PAGE).map(|entry| rows::as_json(entry)).collect();
    let is_last = page.len() < PAGE;
    Ok(json!({ "numbers": page, "of": book.len(), "last": is_last }))
}

/// A number with the calls that it has now.
async fn shown(ports: &Ports, entry: &Arc<Entry>) -> Value {
    let key = entry.key.clone();
    let calls = ports.dispatch.ask(move |switchboard| switchboard.number_calls(&key)).await;
    let mut object = rows::as_json(entry);
    if let (Some(object), Some(calls)) = (object.as_object_mut(), calls) {
        object.insert("calls".to_owned(), json!(calls));
    }
    object
}

async fn import(ports: &Ports, who: &str, table: &str, first_line: usize) -> Result<Value, Fault> {
    let mut lines = csv::read(table).map_err(|fault| Fault::new("bad_table", fault))?;
    judge_targets(ports, &mut lines).await;
    let verdicts = ports.numbers.import(who.to_owned(), lines).await.map_err(|fault| store_fault(&fault));
    publish(ports).await;
    let book = ports.numbers.book();
    for verdict in verdicts.iter().flatten() {
        if let LineOutcome::Claimed(key) | LineOutcome::Changed(key) = &verdict.outcome
            && let Some(entry) = book.entry(key)
        {
            tell(ports, who, entry);
        }
    }
    let shift = first_line.saturating_sub(2);
    let told: Vec<Value> = verdicts?.iter().map(|verdict| line(verdict, shift)).collect();
    tracing::info!(who, lines = told.len(), "numbers were imported");
    Ok(json!({ "lines": told }))
}

fn line(Verdict { line, outcome }: &Verdict, shift: usize) -> Value {
    let line = line + shift;
    match outcome {
        LineOutcome::Claimed(key) => json!({ "line": line, "outcome": "claimed", "number": key.text() }),
        LineOutcome::Changed(key) => json!({ "line": line, "outcome": "changed", "number": key.text() }),
        LineOutcome::Unchanged(key) => json!({ "line": line, "outcome": "unchanged", "number": key.text() }),
        LineOutcome::Bad(why) => json!({ "line": line, "outcome": "refused", "why": why }),
    }
}

fn order_fault(fault: &OrderFault) -> Fault {
    match fault {
        OrderFault::Refused(refusal) => Fault::new(refusal.code(), refusal.to_string()),
        OrderFault::Store(fault) => store_fault(fault),
    }
}

fn store_fault(fault: &StoreFault) -> Fault {
    tracing::error!(%fault, "an order about numbers could not be kept; nothing was changed");
    Fault::new(fault.code(), fault.to_string())
}
