//! A media plane without media: hands out ports, keeps the wishes, and says what is wrong with them.

use offhook::base::id::{CallId, LegId};
use offhook::media::command::{Command, Part, Playlist, SentDigit, SourceId, StreamId, StreamPlan, TapId};
use offhook::media::event::{Event, Quality, SourceOutcome};
use offhook::media::matrix::{Matrix, Voice};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

#[derive(Default)]
pub struct Plane {
    open: BTreeMap<StreamId, SocketAddr>,
    plans: BTreeMap<StreamId, StreamPlan>,
    matrices: BTreeMap<CallId, Matrix>,
    playing: Vec<(CallId, SourceId, String)>,
    taps: Vec<TapId>,
    pub digits: Vec<(LegId, SentDigit)>,
    next: u16,
    /// Nothing is free.
    pub is_full: bool,
    pub opened: usize,
    pub planned: usize,
    pub faults: Vec<String>,
}

impl Plane {
    pub fn take(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Open { stream, bind } => return Some(self.open(stream, bind)),
            Command::Close { stream } => {
                self.plans.remove(&stream);
                if self.open.remove(&stream).is_none() {
                    self.faults.push(format!("{stream:?} was closed and is not open"));
                }
                if !self.open.keys().any(|other| other.call == stream.call) {
                    self.matrices.remove(&stream.call);
                }
                return Some(Event::Closed { stream, quality: Box::new(Quality::default()) });
            }
            Command::Plan { stream, plan } => {
                self.planned += 1;
                if !self.open.contains_key(&stream) {
                    self.faults.push(format!("a plan for {stream:?}, which is not open"));
                }
                if plan.codecs.is_empty() {
                    self.faults.push(format!("{stream:?} has no codec"));
                }
                self.plans.insert(stream, *plan);
            }
            Command::Matrix { call, matrix } => {
                for pair in &matrix.pairs {
                    let Voice::Leg(voice) = pair.voice else { continue };
                    for leg in [pair.ear, voice] {
                        if !self.open.contains_key(&StreamId { call, leg }) {
                            self.faults.push(format!("leg {leg} of call {call} is to talk and has no stream"));
                        }
                    }
                }
                self.matrices.insert(call, matrix);
            }
            Command::SendDigits { stream, digits } => {
                self.digits.extend(digits.iter().map(|digit| (stream.leg, *digit)));
            }
            Command::Play { call, source, playlist } => {
                if self.playing.iter().any(|(at, own, _)| (*at, *own) == (call, source)) {
                    self.faults.push(format!("{source:?} is played twice"));
                }
                self.playing.push((call, source, written(&playlist)));
            }
            Command::Stop { call, source } => {
                let before = self.playing.len();
                self.playing.retain(|(at, own, _)| (*at, *own) != (call, source));
                if before == self.playing.len() {
                    self.faults.push(format!("{source:?} was stopped and does not play"));
                }
            }
            Command::StopTap { tap, .. } => {
                if self.taps.contains(&tap) {
                    self.faults.push(format!("{tap:?} was stopped twice"));
                }
                self.taps.push(tap);
            }
            other => self.faults.push(format!("nobody asked for {other:?}")),
        }
        None
    }

    fn open(&mut self, stream: StreamId, bind: IpAddr) -> Event {
        if self.is_full {
            return Event::NotOpened { stream };
        }
        let local = SocketAddr::new(bind, 20_000 + self.next);
        self.next = (self.next + 2) % 10_000;
        self.opened += 1;
        if self.open.insert(stream, local).is_some() {
            self.faults.push(format!("{stream:?} was opened twice"));
        }
        Event::Opened { stream, local, certificates: std::sync::Arc::default() }
    }

    /// What the caller hears of sources that play: `welcome music forever`; nothing that no ear has.
    pub fn playing(&self) -> Option<String> {
        let is_heard = |source: SourceId| {
            let pairs = self.matrices.values().flat_map(|matrix| &matrix.pairs);
            pairs.into_iter().any(|pair| pair.voice == Voice::Source(source))
        };
        self.playing.iter().find(|(_, source, _)| is_heard(*source)).map(|(_, _, written)| written.clone())
    }

    pub fn play_to_its_end(&mut self) -> Option<Event> {
        let (call, source, _) = self.playing.pop()?;
        Some(Event::SourceEnded { call, source, outcome: SourceOutcome::Finished })
    }

    /// The same for what does not go on for ever.
    pub fn play_once_to_its_end(&mut self) -> Option<Event> {
        let at = self.playing.iter().rposition(|(_, _, written)| !written.ends_with("forever"))?;
        let (call, source, _) = self.playing.remove(at);
        Some(Event::SourceEnded { call, source, outcome: SourceOutcome::Finished })
    }

    /// Who hears whom, leg by leg, and who hears something that is played: `1<2 2<1 2<*`.
    pub fn ears(&self) -> String {
        let pairs = self.matrices.values().flat_map(|matrix| &matrix.pairs);
        let told = pairs.map(|pair| match pair.voice {
            Voice::Leg(leg) => format!("{}<{leg}", pair.ear),
            Voice::Source(_) => format!("{}<*", pair.ear),
        });
        told.collect::<Vec<_>>().join(" ")
    }

    /// What is left and should not be, after what was wrong before.
    pub fn leftovers(&self) -> Vec<String> {
        let left = self.open.keys().map(|stream| format!("{stream:?} is left open"));
        self.faults.iter().cloned().chain(left).collect()
    }

    /// What a leg's worker was told: `PCMU 192.0.2.1:4000 both`.
    pub fn stream(&self, leg: LegId) -> Option<String> {
        let (_, plan) = self.plans.iter().find(|(stream, _)| stream.leg == leg)?;
        let codec = plan.codecs.first().map(|planned| format!("{:?}", planned.codec).to_uppercase())?;
        let remote = plan.remote.map_or("nowhere".to_owned(), |remote| remote.to_string());
        let direction = match (plan.sends, plan.receives) {
            (true, true) => "both",
            (true, false) => "sends",
            (false, true) => "receives",
            (false, false) => "neither",
        };
        Some(format!("{codec} {remote} {direction}"))
    }

    /// Who talks with whom: `0 1`, or nothing.
    pub fn talking(&self) -> String {
        let pairs = self.matrices.values().flat_map(|matrix| &matrix.pairs);
        let pairs = pairs.filter(|pair| matches!(pair.voice, Voice::Leg(_)));
        pairs.map(|pair| pair.ear.to_string()).collect::<Vec<_>>().join(" ")
    }
}

/// The names of prompts, and what else there is.
fn written(playlist: &Playlist) -> String {
    let parts = playlist.parts.iter().map(|part| match part {
        Part::Prompt(prompt) => prompt.name.to_string(),
        Part::Tone(_) => "tone".to_owned(),
        Part::Silence(_) => "silence".to_owned(),
    });
    let mut words: Vec<String> = parts.collect();
    words.extend(playlist.times.is_none().then(|| "forever".to_owned()));
    words.join(" ")
}
