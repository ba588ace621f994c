//! `offhook flows`: what can be done with flows without a daemon: check, test, draw. Calls nobody.

pub mod check;
pub mod graph;
mod layout;
mod svg;
pub mod test;

use super::outcome::{self, Answer, Failure, Style, USAGE};
use crate::edge::config::{self, Configuration};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Subcommand, Debug)]
pub enum What {
    /// What is wrong with flows, hours and prompts, and which flows there are.
    Check(Folder),
    /// Run the tests that stand beside flows, in virtual time.
    Test(test::Arguments),
    /// Draw a flow.
    Graph(graph::Arguments),
}

#[derive(Args, Clone, Debug)]
pub struct Folder {
    /// The configuration folder.
    #[arg(long, value_name = "DIR", default_value = ".", env = "OFFHOOK_CONFIG")]
    pub config: PathBuf,
}

/// An answer that counts as failed is told whole all the same.
pub struct Told {
    pub answer: Answer,
    pub is_good: bool,
}

pub fn flows(arguments: &Arguments, style: Style) -> ExitCode {
    let told = match &arguments.what {
        What::Check(folder) => check::check(folder),
        What::Test(arguments) => test::test(arguments),
        What::Graph(arguments) => graph::graph(arguments).map(|answer| Told { answer, is_good: true }),
    };
    match told {
        Ok(told) => {
            outcome::tell(Ok(told.answer), style);
            if told.is_good { ExitCode::SUCCESS } else { ExitCode::from(outcome::FAILED) }
        }
        Err(failure) => outcome::tell(Err(failure), style),
    }
}

/// The folder as the daemon would read it.
fn read(folder: &Path) -> Result<Configuration, Failure> {
    config::read(folder, std::env::vars()).map_err(|faults| Failure {
        exit: USAGE,
        details: faults.iter().map(ToString::to_string).collect(),
        ..Failure::failed("bad_configuration", format!("{} has faults", folder.display()))
    })
}

#[cfg(test)]
mod tests;
