//! `[[engine]]` of files in `dialplans/`: whom to ask, how long, and what happens when nobody decides. Asks nobody.

use crate::base::cause::Cause;
use crate::base::limits;
use crate::domain::flow::act::RouteReason;
use crate::domain::routing::engine::{Engine, Fallback};
use crate::edge::config::convert_dialplan::{DialplanFile, Sort};
use crate::edge::config::fields::{Fields, printable};
use crate::edge::config::flow::sounds;
use crate::edge::config::reading::Item;
use crate::edge::config::shared;
use crate::edge::config::suggest;
use std::time::Duration;

const SCHEMES: [&str; 4] = ["flow", "queue", "dial", "reject"];
const GRACE_MAX: Duration = Duration::from_secs(3_600);

pub fn engine(fields: Fields<'_>, file: &mut DialplanFile) {
    let name = shared::name(&fields);
    let client = fields.text("client", "the engine's own name");
    let range = Duration::from_millis(100)..=limits::ROUTE_PATIENCE_MAX;
    let patience = fields.duration("deadline", limits::FETCH_PATIENCE, range);
    let fallback = fields.required("fallback").and_then(|item| fallback(&fields, &item, file));
    let comfort = sounds::list(&fields, "comfort");
    let grace = fields.duration("grace", Duration::ZERO, Duration::ZERO..=GRACE_MAX);
    let (Some(name), Some(fallback)) = (name, fallback) else { return fields.finish() };
    let client = client.map_or_else(|| name.text.clone(), |item| item.text);
    let engine =
        Engine { name: name.text.as_str().into(), client: client.as_str().into(), patience, fallback, comfort, grace };
    if engine.flow(RouteReason::Inbound).is_none() {
        fields.error("comfort", "what is to be heard cannot be played, or the name is too long", None);
    }
    fields.finish();
    file.engines.push((name, engine));
}

fn fallback(fields: &Fields<'_>, item: &Item, file: &mut DialplanFile) -> Option<Fallback> {
    let Some((scheme, name)) = item.text.split_once(':') else {
        let problem = format!("`{}` is no fallback", printable(&item.text));
        let meant = "write \"flow:NAME\", \"queue:NAME\", \"dial:NUMBER\" or \"reject:CAUSE\"".to_owned();
        fields.reading.error(item.at, &item.path, problem, Some(meant));
        return None;
    };
    let named = Item { text: name.to_owned(), ..item.clone() };
    match scheme {
        "flow" => {
            file.references.push((Sort::Flow, named));
            Some(Fallback::Flow(name.into()))
        }
        "queue" => {
            file.references.push((Sort::Queue, named));
            Some(Fallback::Queue(name.into()))
        }
        "dial" if !name.trim().is_empty() => Some(Fallback::Dial(name.into())),
        "reject" => {
            let cause = Cause::all().find(|cause| cause.name() == name);
            if cause.is_none() {
                let meant = suggest::did_you_mean(name, Cause::all().map(Cause::name).collect::<Vec<_>>(), "causes");
                fields.reading.error(item.at, &item.path, format!("`{}` is no cause", printable(name)), meant);
            }
            cause.map(Fallback::Reject)
        }
        _ => {
            let meant = suggest::did_you_mean(scheme, SCHEMES, "kinds of fallback");
            fields.reading.error(item.at, &item.path, format!("`{}` is no kind of fallback", printable(scheme)), meant);
            None
        }
    }
}
