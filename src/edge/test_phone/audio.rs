//! The audio of a test phone: one stream on a media worker of its own, as a far end has it. Sends no SIP.

use crate::base::entropy::Entropy;
use crate::base::id::{CallId, LegId};
use crate::base::limits;
use crate::domain::leg::media_plan::agreement::{Agreement, Secrecy, View};
use crate::domain::leg::media_plan::formats;
use crate::domain::trunk::media::{LearningPolicy, MediaSettings};
use crate::edge::media::{MediaPlane, WorkerSettings};
use crate::edge::metrics::Metrics;
use crate::edge::test_phone::heard::Heard;
use crate::edge::test_phone::sound::Sound;
use crate::media::command::{Command, SentDigit, SourceId, StreamId, TapChoice, TapId};
use crate::media::event::{Event, Quality};
use crate::media::matrix::{Hears, Matrix, Voice};
use crate::media::tap::{TapBlock, tap};
use crate::protocol::audio::codec::Codec;
use crate::protocol::audio::wav::Shape;
use crate::protocol::sdp::attribute::Direction;
use crate::protocol::sdp::codec::Codec as Format;
use crate::protocol::sdp::parse::Description;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::Duration;

/// Below those that the system gives to anybody, above those that a daemon has where nothing is written.
const PORTS: RangeInclusive<u16> = 30_000..=32_767;
/// The only stream of the only call.
const STREAM: StreamId = StreamId { call: CallId(1), leg: LegId(0) };
const VOICE: SourceId = SourceId(0);
const LISTENER: TapId = TapId(0);
/// How long our own worker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// One block of what is heard, and how many may wait for us.
const BLOCK_MS: u16 = 100;
const BLOCKS: usize = 600;

pub struct Audio {
    plane: MediaPlane,
    events: tokio::sync::mpsc::Receiver<Event>,
    local: SocketAddr,
    sound: Sound,
    number: u64,
    version: u32,
    /// What we described last.
    ours: String,
    codec: Option<Codec>,
    listener: Option<JoinHandle<(u32, Vec<i16>)>>,
    keys: String,
    quality: Option<Box<Quality>>,
}

impl Audio {
    pub async fn open(bind: IpAddr, sound: &Sound, entropy: &mut Entropy) -> io::Result<Audio> {
        let settings = WorkerSettings { workers: 1, ports: PORTS, ..WorkerSettings::default() };
        let metrics = Metrics::new(Duration::ZERO).map_err(io::Error::other)?;
        let (plane, mut events) = MediaPlane::start(&settings, entropy, &metrics)?;
        let _ = plane.send(Command::Open { stream: STREAM, bind });
        let opened = tokio::time::timeout(PATIENCE, events.recv()).await;
        let Ok(Some(Event::Opened { local, .. })) = opened else {
            return Err(io::Error::other(format!("no port for audio is free on {bind}")));
        };
        Ok(Audio {
            plane,
            events,
            local,
            sound: sound.clone(),
            number: entropy.number() >> 16,
            version: 0,
            ours: String::new(),
            codec: None,
            listener: None,
            keys: String::new(),
            quality: None,
        })
    }

    /// Everything that we could speak.
    pub fn offer(&mut self) -> &str {
        let formats: Vec<Format<'_>> = self.sound.codecs.iter().map(|codec| format(*codec)).collect();
        self.describe(&formats, EVENTS, Direction::SendRecv)
    }

    /// What we speak of what is offered; `None` when that is nothing.
    pub fn answer(&mut self, offer: &[u8]) -> Option<&str> {
        let offer = Description::parse(offer).ok()?;
        let theirs = View::audio(&offer).filter(|view| !view.media.is_secure())?;
        let speaks = |format: &Format<'_>| self.sound.codecs.contains(&formats::codec_of(format));
        let chosen = theirs.media.codecs().find(|format| !format.is_companion() && speaks(format))?;
        let events = theirs.media.codecs().find(|format| format.is_telephone_event());
        self.describe(&[chosen], events.unwrap_or(EVENTS), theirs.direction().mirrored());
        let ours = self.ours.clone();
        let ours = Description::parse(ours.as_bytes()).ok()?;
        let own = View::audio(&ours)?;
        self.settle(&Agreement::new(own, theirs, own, Secrecy::None)).then_some(self.ours.as_str())
    }

    /// The other side has answered what we offered; `false` when there is nothing to be spoken.
    pub fn answered(&mut self, answer: &[u8]) -> bool {
        let (text, answer) = (self.ours.clone(), Description::parse(answer));
        let (Ok(ours), Ok(answer)) = (Description::parse(text.as_bytes()), answer) else { return false };
        let (Some(own), Some(theirs)) = (View::audio(&ours), View::audio(&answer)) else { return false };
        self.settle(&Agreement::new(own, theirs, theirs, Secrecy::None))
    }

    fn settle(&mut self, agreement: &Agreement) -> bool {
        let Some(first) = agreement.codecs.first() else { return false };
        let settings = MediaSettings {
            learning: LearningPolicy::Never,
            dtmf: self.sound.keys_as,
            detect_in_band: true,
            silent_after: None,
            ..MediaSettings::of_trunk()
        };
        let rate = first.codec.sample_rate();
        self.codec = Some(first.codec);
        let plan = agreement.plan(&settings, None);
        let is_first = self.listener.is_none();
        let _ = self.plane.send(Command::Plan { stream: STREAM, plan: Box::new(plan) });
        if is_first {
            self.begin(rate);
        }
        true
    }

    /// Says what is to be said and keeps what is heard.
    fn begin(&mut self, rate: u32) {
        let call = STREAM.call;
        let hears = Hears { ear: STREAM.leg, voice: Voice::Source(VOICE), gain: 0 };
        let (out, blocks) = tap(BLOCK_MS, BLOCKS);
        let what = TapChoice::Spoken { leg: STREAM.leg, rate };
        let playlist = self.sound.playlist();
        for command in [
            Command::Matrix { call, matrix: Matrix { pairs: vec![hears] } },
            Command::Play { call, source: VOICE, playlist },
            Command::Tap { call, tap: LISTENER, what, out },
        ] {
            let _ = self.plane.send(command);
        }
        let named = std::thread::Builder::new().name("listener".to_owned());
        self.listener = named.spawn(move || (rate, listen(&blocks))).ok();
    }

    pub fn press(&mut self, key: SentDigit) {
        let _ = self.plane.send(Command::SendDigits { stream: STREAM, digits: Box::new([key]) });
    }

    /// A key of the other side that came as a message.
    pub fn key_told(&mut self, digit: u8) {
        self.notice();
        self.keys.push(char::from(digit));
    }

    fn notice(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
    }

    /// `true` when it was the last one.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Digit { digit, .. } => self.keys.push(char::from(digit)),
            Event::Closed { quality, .. } => {
                self.quality = Some(quality);
                return true;
            }
            _ => {}
        }
        false
    }

    /// Hangs up, and tells what was heard.
    pub async fn end(mut self) -> io::Result<Heard> {
        let _ = self.plane.send(Command::Close { stream: STREAM });
        while let Ok(Some(event)) = tokio::time::timeout(PATIENCE, self.events.recv()).await {
            if self.take(event) {
                break;
            }
        }
        self.plane.stop();
        let heard = self.listener.take().and_then(|listener| listener.join().ok());
        let (rate, samples) = heard.unwrap_or((8_000, Vec::new()));
        if let Some(path) = &self.sound.record {
            write(path, rate, &samples)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        }
        let keys = std::mem::take(&mut self.keys);
        Ok(Heard { codec: self.codec, keys, quality: self.quality.take(), ..Heard::measure(rate, &samples) })
    }

    fn describe(&mut self, formats: &[Format<'_>], events: Format<'_>, direction: Direction) -> &str {
        self.version += 1;
        let host = self.local.ip();
        let family = if host.is_ipv6() { "IP6" } else { "IP4" };
        let port = self.local.port();
        let all = || formats.iter().chain([&events]);
        let numbers: String = all().map(|format| format!(" {}", format.payload)).collect();
        let mut text = format!(
            "v=0\r\no=- {} {} IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP{numbers}\r\n",
            self.number, self.version
        );
        for Format { payload, name, clock, channels, .. } in all() {
            let channels = if *channels > 1 { format!("/{channels}") } else { String::new() };
            let _ = write!(text, "a=rtpmap:{payload} {name}/{clock}{channels}\r\n");
        }
        let _ = write!(
            text,
            "a=fmtp:{} 0-15\r\na=ptime:20\r\na=rtcp:{}\r\na={}\r\n",
            events.payload,
            port.saturating_add(1),
            direction.name()
        );
        self.ours = text;
        &self.ours
    }
}

const fn own(payload: u8, name: &'static str, clock: u32, channels: u8) -> Format<'static> {
    Format { payload, name, clock, channels, parameters: None }
}

const EVENTS: Format<'static> = own(101, "telephone-event", 8_000, 1);

fn format(codec: Codec) -> Format<'static> {
    match codec {
        Codec::Pcma => own(8, "PCMA", 8_000, 1),
        Codec::G722 => own(9, "G722", 8_000, 1),
        Codec::Opus => own(111, "opus", 48_000, 2),
        Codec::Pcmu | Codec::L16 { .. } | Codec::Opaque => own(0, "PCMU", 8_000, 1),
    }
}

/// All that is heard until the stream ends, half an hour at most; silence where it could not be taken in time.
fn listen(blocks: &Receiver<TapBlock>) -> Vec<i16> {
    let mut samples = Vec::new();
    for block in blocks {
        let missing = usize::try_from(block.lost_before).unwrap_or(usize::MAX);
        let room = limits::RECORDING_SAMPLES_MAX.saturating_sub(samples.len());
        samples.resize(samples.len() + missing.min(room), 0);
        let room = limits::RECORDING_SAMPLES_MAX.saturating_sub(samples.len());
        samples.extend(block.samples.iter().take(room));
    }
    samples
}

fn write(path: &Path, rate: u32, samples: &[i16]) -> io::Result<()> {
    let length = u64::try_from(samples.len() * 2).unwrap_or(0);
    let mut bytes = Shape { rate, channels: 1 }.header(length).to_vec();
    crate::protocol::audio::wav::append(samples, &mut bytes);
    std::fs::write(path, bytes)
}
