//! `offhook run`: reads the configuration, starts logging, serves until told to end.

use super::outcome;
use crate::edge::config;
use crate::edge::logging;
use crate::edge::memory;
use crate::edge::{daemon, serve};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The configuration folder: offhook.toml, sip-profiles/, dialplans/.
    #[arg(long, value_name = "DIR", default_value = ".", env = "OFFHOOK_CONFIG")]
    pub config: PathBuf,
}

pub fn run(folder: &Path) -> ExitCode {
    let configuration = match config::read(folder, std::env::vars()) {
        Ok(configuration) => configuration,
        Err(faults) => {
            for fault in &faults {
                eprintln!("{fault}");
            }
            eprintln!("{}: {} faults; offhook was not started", folder.display(), faults.len());
            return ExitCode::from(outcome::USAGE);
        }
    };
    let logging = match logging::start(&configuration.daemon.log.level, configuration.daemon.log.format) {
        Ok(logging) => logging,
        Err(error) => {
            eprintln!("offhook: logging: {error}");
            return ExitCode::from(outcome::USAGE);
        }
    };
    for warning in &configuration.warnings {
        tracing::warn!(warning = %warning, "configuration");
    }
    memory::give_back_early();
    let runtime = match daemon::runtime(&configuration.daemon) {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve::serve(Arc::new(configuration), logging)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offhook: {error}");
            ExitCode::FAILURE
        }
    }
}
