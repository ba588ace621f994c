//! `offhook dial`: a test caller that places one call and shows what happened.

use super::outcome::Style;
use crate::domain::trunk::media::DtmfForm;
use crate::edge::media_line::MediaLine;
use crate::edge::test_phone::caller::{self, Order, Outcome};
use crate::edge::test_phone::heard::Heard;
use crate::edge::test_phone::sound::{self, Says, Sound};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
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
    /// What to say: a tone in hertz (440, or 440+480 for several at once) or a file (WAV, Ogg Opus, .ul, .al, .sln).
    #[arg(long, value_name = "FILE|TONE")]
    pub play: Option<String>,
    /// Keys to press once the call is answered; a comma waits a second.
    #[arg(long, value_name = "KEYS")]
    pub digits: Option<String>,
    /// How keys are sent.
    #[arg(long, value_name = "FORM", default_value = "events")]
    pub digits_as: KeyForm,
    /// Keep what was heard, also before the answer, as a WAV file.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Codecs in order of preference: pcmu, pcma, g722, opus.
    #[arg(long, value_name = "NAMES", default_value = "pcmu,pcma")]
    pub codecs: String,
    /// How long to talk; else two seconds, or as long as the file and the keys take.
    #[arg(long)]
    pub seconds: Option<u64>,
    /// How long to let it ring.
    #[arg(long, default_value_t = 30)]
    pub ring_seconds: u64,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum KeyForm {
    /// RFC 4733.
    Events,
    /// In the audio.
    Tones,
    /// SIP INFO with application/dtmf-relay.
    Info,
}

const TALK: Duration = Duration::from_secs(2);

impl Arguments {
    fn order(&self) -> Result<Order, String> {
        let credentials = match self.login.as_deref().map(|login| login.split_once(':')) {
            None => None,
            Some(Some((user, password))) => Some((user.to_owned(), password.to_owned())),
            Some(None) => return Err("--login takes user:password".to_owned()),
        };
        let sound = Sound {
            says: self.play.as_deref().map_or(Ok(Says::Silence), Says::parse)?,
            codecs: sound::codecs(&self.codecs)?,
            keys: sound::keys(self.digits.as_deref().unwrap_or_default())?,
            keys_as: match self.digits_as {
                KeyForm::Events => DtmfForm::Rfc4733,
                KeyForm::Tones => DtmfForm::InBand,
                KeyForm::Info => DtmfForm::InfoRelay,
            },
            record: self.record.clone(),
        };
        let usual = sound.lasts().map_or(TALK, |lasts| lasts.max(TALK));
        Ok(Order {
            number: self.number.clone(),
            from: self.from.clone(),
            to: self.to,
            credentials,
            ring_max: Duration::from_secs(self.ring_seconds),
            talk: self.seconds.map_or(usual, Duration::from_secs),
            sound,
        })
    }
}

pub fn dial(dial: &Arguments, style: Style) -> ExitCode {
    let order = match dial.order() {
        Ok(order) => order,
        Err(error) => return fail(&error),
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
    if let Some(heard) = outcome.heard.as_ref().filter(|heard| heard.codec.is_some()) {
        println!("{heard}");
    }
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
    let value = json!({
        "status": outcome.status, "phrase": outcome.phrase, "reason": outcome.reason,
        "progress_ms": millis(outcome.progress_after), "answer_ms": millis(outcome.answer_after),
        "ended_by_peer": outcome.ended_by_peer, "ladder": ladder,
        "heard": outcome.heard.as_ref().filter(|heard| heard.codec.is_some()).map(heard_json),
    });
    println!("{value}");
}

fn heard_json(heard: &Heard) -> Value {
    json!({
        "seconds": heard.lasted.as_secs_f64(),
        "level": heard.level,
        "hertz": heard.tone.map(|tone| tone.hertz),
        "share": heard.tone.map(|tone| tone.share),
        "keys": heard.keys,
        "media": heard.quality.as_deref().map(|quality| MediaLine::new(heard.codec, quality)),
    })
}
