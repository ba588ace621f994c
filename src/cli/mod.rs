//! The command line: what an operator can ask for, one file per command. Decides nothing about calls.

// Clocks, threads and tasks are what this layer is for.
#![allow(clippy::disallowed_methods)]

pub mod agents;
pub mod callbacks;
pub mod calls;
pub mod check;
pub mod client;
pub mod completions;
pub mod ctl;
pub mod demo;
pub mod dial;
pub mod drain;
pub mod explain;
pub mod flows;
pub mod guards;
pub mod hangup;
pub mod log;
pub mod man;
pub mod numbers;
pub mod outcome;
pub mod password;
pub mod phones;
pub mod queues;
pub mod reload;
pub mod run;
pub mod schema;
pub mod status;
pub mod table;
pub mod trunks;

use self::client::Client;
use self::outcome::{Outcome, Style};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Telephony gateway: SIP trunks in, agents and phones out, every decision explained.
#[derive(Parser, Debug)]
#[command(name = "offhook", version, max_term_width = 100, help_template = HELP, after_help = EXIT_CODES)]
pub struct Offhook {
    /// Answer with JSON, one object, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

const HELP: &str = "\
{about}

Usage: {usage}

Start here:
  run          Serve, as the configuration folder says
  check        Everything that is wrong with a configuration folder
  demo         A whole exchange on loopback: two calls, shown and explained
  dial         A test caller: one call, shown message by message

A running daemon:
  status       What it is doing
  calls        The calls that are running, or one of them
  hangup       End a call
  trunks       The trunks, whether they are up, and their calls
  phones       The phones and where they are registered
  queues       Who waits where, and what became of those who did
  agents       What agents do; the status of one
  callbacks    Who is owed a call; taking a promise back
  numbers      The numbers that are ours, and where each leads
  guards       Spending guards that have tripped
  explain      Where a call would go and why, without making it
  reload       Read the configuration again: whole or not at all
  drain        Refuse new calls, end when the running ones have ended
  log          Change the log level
  ctl          Any command of the control protocol; its events as they happen

Without a daemon:
  flows        Check flows, run the tests beside them, draw them
  password     The hash of an agent's password, said on standard input
  schema       The messages of the control protocol, as JSON Schema or AsyncAPI

For the shell:
  completions  Completions for a shell
  man          The manual page

Options:
{options}{after-help}
";

const EXIT_CODES: &str = "\n\nExit codes: 0 fine, 1 failed, 64 wrong usage or bad configuration.";

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serve, as the configuration folder says, until told to end.
    Run(run::Arguments),
    /// Everything that is wrong with a configuration folder, all at once.
    Check(run::Arguments),
    /// A whole exchange on loopback: a simulated carrier and desk, two calls, shown and explained.
    Demo(demo::Arguments),
    /// A test caller: places one call and shows it message by message.
    Dial(dial::Arguments),
    /// What the daemon is doing.
    Status(Daemon),
    /// The calls that are running, or one of them.
    Calls(calls::Arguments),
    /// End a call.
    Hangup(hangup::Arguments),
    /// The trunks, whether they are up, and their calls.
    Trunks(Daemon),
    /// The phones and where they are registered.
    Phones(Daemon),
    /// Who waits where, and what became of those who did.
    Queues(Daemon),
    /// What agents do; with a name and a status, sets that agent's status.
    Agents(agents::Arguments),
    /// Who is owed a call, and taking a promise back.
    Callbacks(callbacks::Arguments),
    /// The numbers that are ours, where each leads, and what was done to them.
    Numbers(numbers::Arguments),
    /// Spending guards that have tripped, and letting calls out again.
    Guards(guards::Arguments),
    /// Where a call would go and why, without making it.
    Explain(explain::Arguments),
    /// Read the configuration again: whole or not at all.
    Reload(reload::Arguments),
    /// Refuse new calls, end when the running ones have ended.
    Drain(Daemon),
    /// Change the log level of the running daemon, such as `info,offhook::edge=debug`.
    Log(log::Arguments),
    /// Any command of the control protocol, and its events as they happen.
    Ctl(ctl::Arguments),
    /// Flows without a daemon: check them, run the tests beside them, draw them.
    Flows(flows::Arguments),
    /// The hash of a password that is said on standard input, for an agent's `password_hash`.
    Password(password::Arguments),
    /// The messages of the control protocol, as JSON Schema or AsyncAPI.
    Schema(schema::Arguments),
    /// Completions for a shell.
    Completions(completions::Arguments),
    /// The manual page.
    Man,
}

/// Where the running daemon answers.
#[derive(Args, Clone, Debug)]
pub struct Daemon {
    /// The control socket; also `OFFHOOK_SOCKET`.
    #[arg(long, value_name = "PATH", global = true)]
    pub socket: Option<PathBuf>,
}

impl Daemon {
    fn client(&self) -> Client {
        let given = self.socket.clone().or_else(|| std::env::var_os("OFFHOOK_SOCKET").map(PathBuf::from));
        Client::new(given.unwrap_or_else(|| PathBuf::from("run/control.sock")))
    }
}

/// Reads the arguments, executes the command, tells its outcome.
pub fn run() -> ExitCode {
    let arguments = match Offhook::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { outcome::USAGE } else { 0 };
            // Nobody is left to tell when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let style = if arguments.json { Style::Json } else { Style::Words };
    match arguments.command {
        Command::Run(arguments) => run::run(&arguments.config),
        Command::Check(arguments) => check::check(&arguments.config, style == Style::Json),
        Command::Demo(arguments) => demo::demo(arguments.once),
        Command::Dial(arguments) => dial::dial(&arguments, style),
        Command::Flows(arguments) => flows::flows(&arguments, style),
        Command::Ctl(arguments) => ctl::run(&arguments, style),
        command => outcome::tell(execute(command, style), style),
    }
}

/// Commands that end with an answer; those that serve or show as they go have their own way out in `run`.
fn execute(command: Command, style: Style) -> Outcome {
    match command {
        Command::Run(_)
        | Command::Check(_)
        | Command::Demo(_)
        | Command::Dial(_)
        | Command::Flows(_)
        | Command::Ctl(_) => Err(outcome::Failure::failed("not_here", "this command has no answer")),
        Command::Status(daemon) => status::execute(&daemon.client()),
        Command::Calls(arguments) => calls::execute(&arguments),
        Command::Hangup(arguments) => hangup::execute(&arguments),
        Command::Trunks(daemon) => trunks::execute(&daemon.client()),
        Command::Phones(daemon) => phones::execute(&daemon.client()),
        Command::Queues(daemon) => queues::execute(&daemon.client()),
        Command::Agents(arguments) => agents::execute(&arguments),
        Command::Callbacks(arguments) => callbacks::execute(&arguments),
        Command::Numbers(arguments) => numbers::execute(&arguments),
        Command::Guards(arguments) => guards::execute(&arguments),
        Command::Explain(arguments) => explain::execute(&arguments),
        Command::Reload(arguments) => reload::execute(&arguments),
        Command::Drain(daemon) => drain::execute(&daemon.client()),
        Command::Log(arguments) => log::execute(&arguments),
        Command::Password(arguments) => password::execute(&arguments),
        Command::Schema(arguments) => schema::execute(&arguments),
        Command::Completions(arguments) => completions::execute(&arguments),
        Command::Man => man::execute(style),
    }
}

#[cfg(test)]
mod tests;
