//! Sounds and ends as trials write them down. Decides nothing.

use crate::domain::flow::act::{Spoken, Tone};
use crate::domain::flow::interface::{Break, FlowEnd, Sound};
use crate::domain::flow::memory::{Memory, QueueName};

pub fn sound(sound: &Sound) -> String {
    match sound {
        Sound::Prompt(name) => format!("prompt {name}"),
        Sound::Text { text, is_ssml: false, .. } => format!("say {text}"),
        Sound::Text { text, .. } => format!("ssml {text}"),
        Sound::Say { how, value, .. } => match how {
            Spoken::Number => format!("number {value}"),
            Spoken::Digits => format!("digits {value}"),
            Spoken::Telephone => format!("telephone {value}"),
            Spoken::Date => format!("date {value}"),
            Spoken::Time => format!("time {value}"),
            Spoken::Money(currency) => format!("money {value} {currency}"),
        },
        Sound::Tone(tone) => match tone {
            Tone::Beep => "tone beep".to_owned(),
            Tone::Ringing => "tone ringing".to_owned(),
            Tone::Busy => "tone busy".to_owned(),
            Tone::Reorder => "tone reorder".to_owned(),
        },
        Sound::Silence(time) => format!("silence {}ms", time.as_millis()),
    }
}

pub fn end(end: &FlowEnd, memory: &Memory) -> String {
    match end {
        FlowEnd::Resume => "resume".to_owned(),
        FlowEnd::HangUp(cause) => format!("hang-up {}", cause.name()),
        FlowEnd::Queued => match &memory.queue {
            Some(QueueName::Queue(name)) => format!("queued {name}"),
            Some(QueueName::Agent(name)) => format!("queued agent {name}"),
            None => "queued".to_owned(),
        },
        FlowEnd::Redirect(to) => format!("redirect {to}"),
        FlowEnd::Handed => "handed".to_owned(),
        FlowEnd::CallerGone => "caller-gone".to_owned(),
        FlowEnd::Stopped => "stopped".to_owned(),
        FlowEnd::Broken(broken) => {
            let why = match broken {
                Break::Spinning => "spinning",
                Break::TooManySteps => "too-many-steps",
                Break::NotWired => "not-wired",
                Break::NotReached => "not-reached",
            };
            format!("broken {why}")
        }
    }
}
