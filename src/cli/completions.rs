//! `offhook completions SHELL`: what the shell should know of our commands.

use super::Offhook;
use super::outcome::{Answer, Outcome};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

#[derive(Args, Debug)]
pub struct Arguments {
    pub shell: Shell,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Offhook::command(), "offhook", &mut script);
    let words = String::from_utf8_lossy(&script).into_owned();
    let json = json!({ "shell": arguments.shell.to_string(), "script": words });
    Ok(Answer { words, json })
}
