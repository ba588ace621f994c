//! `offhook flows check`: faults of flows, hours and prompts alone, and a table of the flows. Starts nothing.

use super::{Folder, Told};
use crate::cli::outcome::{Answer, Failure};
use crate::cli::table;
use crate::domain::flow::definition::Flow;
use crate::edge::config::{self, Fault};
use serde_json::{Value, json};
use std::sync::Arc;

pub fn check(folder: &Folder) -> Result<Told, Failure> {
    let read = config::read(&folder.config, std::env::vars());
    let faults = match &read {
        Ok(configuration) => &configuration.warnings,
        Err(faults) => faults,
    };
    let (own, others): (Vec<&Fault>, Vec<&Fault>) = faults.iter().partition(|fault| is_of_flows(fault));
    let flows: Vec<Value> = read.iter().flat_map(|read| read.exchange.flows.iter()).map(row).collect();
    let mut words: String = own.iter().map(|fault| format!("{fault}\n\n")).collect();
    if !flows.is_empty() {
        words += &table::of(Some(&json!(flows)), &["flow", "kind", "steps", "branches", "version"], "");
    }
    let errors = own.iter().filter(|fault| fault.is_error()).count();
    let elsewhere = others.iter().filter(|fault| fault.is_error()).count();
    words += &format!("{} flows, {errors} errors\n", flows.len());
    if elsewhere > 0 {
        words += &format!("{elsewhere} errors in other files, which hide the flows: see `offhook check`\n");
    }
    let told: Vec<String> = own.iter().map(|fault| fault.summary()).collect();
    let is_good = errors + elsewhere == 0;
    let json = json!({ "ok": is_good, "flows": flows, "faults": told, "errors_elsewhere": elsewhere });
    Ok(Told { answer: Answer { words, json }, is_good })
}

/// Prompts are told by their files, which may stand anywhere; their faults have no line.
fn is_of_flows(fault: &Fault) -> bool {
    ["dialplans/flows/", "dialplans/hours/"].iter().any(|folder| fault.file.contains(folder)) || fault.line == 0
}

fn row(flow: &Arc<Flow>) -> Value {
    let branches: usize = flow.steps.iter().map(|step| step.next.len()).sum();
    json!({
        "flow": &*flow.name, "kind": flow.kind.name(), "steps": flow.steps.len(), "branches": branches,
        "version": &*flow.version, "description": &*flow.options.description,
    })
}
