//! `offhook run`: reads the configuration, starts logging, serves until told to end.

use crate::edge::config::{self, LogFormat as Wanted};
use crate::edge::logging::{self, LogFormat};
use crate::edge::{daemon, serve};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Bad usage or bad configuration, as sysexits.h numbers it.
pub const BAD_CONFIGURATION: u8 = 64;

pub fn run(folder: &Path) -> ExitCode {
    let configuration = match config::read(folder, std::env::vars()) {
        Ok(configuration) => configuration,
        Err(faults) => {
            for fault in &faults {
                eprintln!("{fault}");
            }
            eprintln!("{}: {} faults; offhook was not started", folder.display(), faults.len());
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let format = match configuration.daemon.log.format {
        Wanted::Auto => LogFormat::Auto,
        Wanted::Human => LogFormat::Human,
        Wanted::Json => LogFormat::Json,
    };
    let logging = match logging::start(&configuration.daemon.log.level, format) {
        Ok(logging) => logging,
        Err(error) => {
            eprintln!("offhook: logging: {error}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    for warning in &configuration.warnings {
        tracing::warn!(warning = %warning, "configuration");
    }
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
