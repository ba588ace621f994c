//! `offhook dial`: a test caller that places one call and shows what happened.

use super::outcome::Style;
use crate::edge::test_phone::caller::{self, Order, Outcome};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

/// What to dial, as the command line gives it.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// What stands in the Request-URI: a number or a name.
    pub number: String,
    /// The caller's number or name.
    #[arg(long, default_value = "+81312345678")]
    pub from: String,
    /// The daemon's SIP address (UDP).
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5060")]
    pub to: SocketAddr,
    /// The address that the call comes from: trunks are recognised by it.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub bind: SocketAddr,
    /// Sign in as a phone, `user:password`.
    #[arg(long, value_name = "USER:PASSWORD")]
    pub login: Option<String>,
    /// How long to talk.
    #[arg(long, default_value_t = 2)]
    pub seconds: u64,
    /// How long to let it ring.
    #[arg(long, default_value_t = 30)]
    pub ring_seconds: u64,
}

pub fn dial(dial: &Arguments, style: Style) -> ExitCode {
    let login = dial.login.as_deref().and_then(|login| login.split_once(':'));
    if dial.login.is_some() && login.is_none() {
        return fail("--login takes user:password");
    }
    let order = Order {
        number: dial.number.clone(),
        from: dial.from.clone(),
        to: dial.to,
        credentials: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
        ring_max: Duration::from_secs(dial.ring_seconds),
        talk: Duration::from_secs(dial.seconds),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(caller::call(dial.bind, &order)) {
        Ok(outcome) => {
            if style == Style::Json {
                print_json(&outcome)
            } else {
                print(&outcome)
            }
            if outcome.status.is_some_and(|status| status < 300) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => fail(&format!("{}: {error}", dial.bind)),
    }
}

fn fail(error: &str) -> ExitCode {
    eprintln!("offhook dial: {error}");
    ExitCode::FAILURE
}

/// The ladder and one line of result.
pub fn print(outcome: &Outcome) {
    for step in &outcome.ladder {
        println!("{step}");
    }
    println!("{}", summary(outcome));
}

pub fn summary(outcome: &Outcome) -> String {
    let millis =
        |time: Option<Duration>| time.map_or("-".to_owned(), |t| format!("{:.1} ms", t.as_secs_f64() * 1000.0));
    match outcome.status {
        Some(status) if status < 300 => format!(
            "answered after {} (first sign after {}); ended by {}",
            millis(outcome.answer_after),
            millis(outcome.progress_after),
            if outcome.ended_by_peer { "the other side" } else { "us" }
        ),
        Some(status) => {
            let reason = outcome.reason.as_deref().map(|reason| format!("; Reason: {reason}")).unwrap_or_default();
            format!("not answered: {status} {}{reason}", outcome.phrase)
        }
        None => format!("not answered: {}", outcome.phrase),
    }
}

fn print_json(outcome: &Outcome) {
    let millis = |time: Option<Duration>| time.map(|t| t.as_secs_f64() * 1000.0);
    let ladder: Vec<String> = outcome.ladder.iter().map(ToString::to_string).collect();
    let value = serde_json::json!({
        "status": outcome.status, "phrase": outcome.phrase, "reason": outcome.reason,
        "progress_ms": millis(outcome.progress_after), "answer_ms": millis(outcome.answer_after),
        "ended_by_peer": outcome.ended_by_peer, "ladder": ladder,
    });
    println!("{value}");
}
