//! What a dialogue says of audio: whose goes through us, what workers were told, and what they tell.

use super::world::World;
use crate::plane::Plane;
use offhook::base::id::{CallId, LegId};
use offhook::domain::call::interface::CallInput;
use offhook::domain::trunk::media::{DtmfForm, MediaRoute, MediaSettings};
use offhook::media::command::StreamId;
use offhook::media::event::{Event, HeardAs};
use std::time::Duration;

#[derive(Default)]
pub struct Audio {
    pub plane: Plane,
    relayed: Vec<String>,
    dtmf: Vec<(String, DtmfForm)>,
    silence_ends: bool,
}

impl Audio {
    pub fn set(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["relay", names @ ..] => self.relayed = names.iter().map(|name| (*name).to_owned()).collect(),
            ["full"] => self.plane.is_full = true,
            ["silence-ends"] => self.silence_ends = true,
            ["dtmf", name, "info"] => self.dtmf.push(((*name).to_owned(), DtmfForm::Info)),
            _ => return Err("no such setting".into()),
        }
        Ok(())
    }

    pub fn settings(&self, name: &str) -> MediaSettings {
        let is_relayed = self.relayed.iter().any(|own| own == name);
        let dtmf = self.dtmf.iter().find(|(own, _)| own == name).map_or(DtmfForm::Rfc4733, |(_, form)| *form);
        let route = if is_relayed { MediaRoute::Relay } else { MediaRoute::Pass };
        MediaSettings { route, dtmf, silence_ends: self.silence_ends, ..MediaSettings::of_trunk() }
    }
}

impl World {
    pub fn on_audio(&mut self, words: &[&str]) -> Result<(), String> {
        let holds = |is_so: bool, told: String| is_so.then_some(()).ok_or(format!("but {told}"));
        match words {
            ["stream", number, wanted @ ..] => {
                let told = self.audio.plane.stream(leg(number)?).unwrap_or_else(|| "none".into());
                holds(told == wanted.join(" "), told)
            }
            ["talking", wanted @ ..] => {
                let told = self.audio.plane.talking();
                holds(told == wanted.join(" "), told)
            }
            ["sent-digit", number, digit] => {
                let sent = self.audio.plane.digits.pop();
                let is_so = sent.is_some_and(|(own, sent)| {
                    own.to_string() == *number && char::from(sent.digit).to_string() == *digit
                });
                holds(is_so, format!("{sent:?}"))
            }
            ["media", "digit", number, digit] => {
                let digit = digit.bytes().next().ok_or("no digit")?;
                let (stream, lasted) = (stream(number)?, Duration::from_millis(200));
                self.tell(CallInput::Media(Box::new(Event::Digit {
                    stream,
                    digit,
                    lasted,
                    form: HeardAs::TelephoneEvent,
                })));
                Ok(())
            }
            ["media", "silent", number] => {
                let event = Event::Silent { stream: stream(number)?, since: Duration::from_secs(60) };
                self.tell(CallInput::Media(Box::new(event)));
                Ok(())
            }
            _ => Err("not a line of a dialogue".into()),
        }
    }
}

fn leg(number: &str) -> Result<LegId, String> {
    number.parse().map(LegId).map_err(|_| "no leg".to_owned())
}

/// Of the call that the first INVITE began.
fn stream(number: &str) -> Result<StreamId, String> {
    Ok(StreamId { call: CallId(0x00ab_cdef), leg: leg(number)? })
}
