//! `offhook password`: the hash of a password for `password_hash` of an agent. Asks no daemon.

use super::outcome::{Answer, Failure, Outcome};
use crate::edge::softphone::password;
use clap::Args;
use serde_json::json;
use std::io::Read;

#[derive(Args, Debug)]
pub struct Arguments {}

/// The password comes by standard input, so that it stands in no list of processes.
pub fn execute(_arguments: &Arguments) -> Outcome {
    let mut text = String::new();
    let limit = u64::try_from(password::BYTES_MAX).unwrap_or(u64::MAX) + 2;
    let read = std::io::stdin().take(limit).read_to_string(&mut text);
    let given = text.trim_end_matches(['\r', '\n']);
    if read.is_err() || given.is_empty() || given.len() > password::BYTES_MAX {
        return Err(Failure::failed("no_password", "say one password on standard input, of up to 512 bytes"));
    }
    match password::hash(given) {
        Some(hash) => Ok(Answer { words: hash.clone(), json: json!({ "password_hash": hash }) }),
        None => Err(Failure::failed("no_randomness", "the system gives no randomness")),
    }
}
