//! Between the seat and its phone: what the exchange says goes in, what the phone says goes out. Decides nothing.

use super::Seat;
use crate::domain::softphone::interface::{Output, Ticket};
use crate::edge::clock;
use crate::edge::softphone::handset::{self, Heard};
use crate::edge::softphone::wire::{self, Refusal};
use crate::edge::softphone::words;
use crate::protocol::sip::path::Path;
use serde_json::{Map, Value, json};

impl Seat {
    /// A phone stands at the seat as soon as somebody can talk on it.
    pub(super) async fn pick_up(&mut self, path: Path) {
        if self.phone.is_some() {
            return;
        }
        let resume = self.seats.settings.resume;
        match handset::open(&self.ports, &self.agent, path, resume).await {
            Ok(phone) => self.phone = Some(phone),
            Err(why) => tracing::warn!(agent = %self.agent, why, "an agent's page has no phone"),
        }
    }

    pub(super) fn fall_silent(&mut self) {
        let now = clock::now();
        self.silent_since = Some(now.instant);
        if let Some(phone) = &mut self.phone {
            phone.machine.silent(now);
        }
    }

    pub(super) fn hear_exchange(&mut self, said: Option<Heard>) {
        match (said, &mut self.phone) {
            (Some(message), Some(phone)) => phone.machine.receive(clock::now(), message),
            (None, Some(_)) => {
                // The connection was closed over its head: its calls are gone with it.
                self.phone = None;
                self.tell_contacts();
            }
            (_, None) => {}
        }
    }

    /// What the phone has to say, to the exchange and to pages.
    pub(super) fn work(&mut self) {
        let mut is_changed = false;
        while let Some(output) = self.phone.as_mut().and_then(|phone| phone.machine.poll_output()) {
            match output {
                Output::Say(bytes) => self.phone.iter().for_each(|phone| phone.say(&bytes)),
                Output::Done { ticket, description } => {
                    let more = description.map(|text| ("sdp".to_owned(), json!(text))).into_iter().collect();
                    self.answer(ticket, Ok(more));
                }
                Output::Refused { ticket, why } => self.answer(ticket, Err(words::refused(why))),
                Output::Changed => is_changed = true,
                Output::Resumed => self.ports.metrics.softphone_resumed(),
            }
        }
        if is_changed {
            self.tell_contacts();
        }
    }

    fn answer(&mut self, ticket: Ticket, outcome: Result<Map<String, Value>, Refusal>) {
        let Some((socket, id)) = self.waiting.remove(&ticket.0) else { return };
        let text = match outcome {
            Ok(more) => wire::done(&id, more),
            Err(refusal) => wire::refused(Some(&id), &refusal),
        };
        self.write(socket, text);
    }
}
