//! Which formats our own end of a stream has, and under which payload types. Knows no address and no key.

use crate::protocol::audio::codec::Codec;
use crate::protocol::sdp::codec::Codec as Format;

/// What one party may be offered.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// Configured names in order of preference; empty allows all.
    pub allowed: &'a [Box<str>],
    pub recode: bool,
}

const fn own(payload: u8, name: &'static str, clock: u32, channels: u8) -> Format<'static> {
    Format { payload, name, clock, channels, parameters: None }
}

const PCMU: Format<'static> = own(0, "PCMU", 8_000, 1);
const PCMA: Format<'static> = own(8, "PCMA", 8_000, 1);
const G722: Format<'static> = own(9, "G722", 8_000, 1);
const OPUS: Format<'static> = Format { parameters: Some("useinbandfec=1"), ..own(FREE, "opus", 48_000, 2) };
const L16: Format<'static> = own(FREE, "L16", 16_000, 1);

/// No number yet: the first free one of the dynamic range.
const FREE: u8 = 0xff;
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;
/// What nearly everybody calls telephone-event.
const EVENTS: u8 = 101;

/// What we add where nothing is configured: first what costs least beside the other side's best codec.
const NARROW: [Format<'static>; 4] = [PCMU, PCMA, G722, OPUS];
const WIDE: [Format<'static>; 4] = [OPUS, G722, PCMU, PCMA];
/// What we add where it is configured by name.
const NAMED: [Format<'static>; 5] = [OPUS, G722, PCMU, PCMA, L16];

/// Everything that we can make, for telephones.
pub fn narrow() -> [Format<'static>; 4] {
    NARROW
}

/// A codec of ours as a format; its number is its own or free.
pub fn known(codec: Codec) -> Option<Format<'static>> {
    NAMED.into_iter().find(|format| codec_of(format) == codec)
}

pub fn codec_of(format: &Format<'_>) -> Codec {
    Codec::parse(format.name, format.clock, format.channels)
}

pub fn can_be_recoded(format: &Format<'_>) -> bool {
    !format.is_companion() && codec_of(format).can_be_recoded()
}

/// Equal for two formats whose payloads are the same: FNV-1a of what `Format::matches` compares.
pub fn kind_of(format: &Format<'_>) -> u32 {
    let name = format.name.bytes().map(|byte| byte.to_ascii_lowercase());
    let numbers = format.clock.to_be_bytes().into_iter().chain([format.channels]);
    let all = name.chain(numbers).chain(format.framing().bytes());
    all.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What to offer to a party: what the other side has, then what we can make of it. `before`: what the dialog's last
/// description had, whose numbers keep their meaning (RFC 3264 8.3.2). Empty: there is no common codec.
pub fn to_offer<'a>(theirs: &[Format<'a>], before: &[Format<'a>], choice: &Choice<'a>) -> Vec<Format<'a>> {
    let rank = |format: &Format<'_>| choice.allowed.iter().position(|name| format.is_named(name));
    let is_allowed = |format: &Format<'_>| choice.allowed.is_empty() || rank(format).is_some();
    let mut offered: Vec<Format<'a>> = Vec::with_capacity(12);
    for format in theirs.iter().filter(|format| !format.is_companion() && is_allowed(format)) {
        add(&mut offered, *format);
    }
    offered.sort_by_key(rank);
    if choice.recode && theirs.iter().any(can_be_recoded) {
        let mut ours = ours(theirs, choice);
        ours.sort_by_key(rank);
        ours.into_iter().for_each(|format| add(&mut offered, format));
    }
    if !offered.is_empty() {
        add_companions(&mut offered, theirs);
        number(&mut offered, before);
    }
    offered
}

fn add<'a>(list: &mut Vec<Format<'a>>, format: Format<'a>) {
    if !list.iter().any(|known| known.matches(&format)) {
        list.push(format);
    }
}

/// What we can make of the other side's audio, as far as the party is allowed it.
fn ours(theirs: &[Format<'_>], choice: &Choice<'_>) -> Vec<Format<'static>> {
    if !choice.allowed.is_empty() {
        let named = NAMED.into_iter();
        return named.filter(|format| choice.allowed.iter().any(|name| format.is_named(name))).collect();
    }
    let first = theirs.iter().find(|format| can_be_recoded(format));
    let is_wide = first.is_some_and(|format| codec_of(format).sample_rate() > 8_000);
    if is_wide { WIDE.to_vec() } else { NARROW.to_vec() }
}

/// RFC 4733 2.1: an event's clock is that of the audio beside it; 8000 always, because many have no other.
fn add_companions<'a>(offered: &mut Vec<Format<'a>>, theirs: &[Format<'a>]) {
    let mut clocks: Vec<u32> = offered.iter().map(|format| format.clock).chain([8_000]).collect();
    clocks.sort_unstable();
    clocks.dedup();
    for clock in clocks.iter().copied() {
        let known = theirs.iter().find(|format| format.is_telephone_event() && format.clock == clock);
        let payload = known.map_or(if clock == 8_000 { EVENTS } else { FREE }, |format| format.payload);
        add(offered, Format { parameters: Some("0-15"), ..own(payload, "telephone-event", clock, 1) });
    }
    let comfort = theirs.iter().filter(|format| format.is_companion() && !format.is_telephone_event());
    comfort.filter(|format| clocks.contains(&format.clock)).for_each(|format| add(offered, *format));
}

/// Gives each format a number of its own: the one that the dialog knows it by, else its own, else a free one.
fn number(offered: &mut [Format<'_>], before: &[Format<'_>]) {
    let mut taken: Vec<u8> = before.iter().map(|format| format.payload).collect();
    for format in offered.iter_mut() {
        let known = before.iter().find(|known| known.matches(format)).map(|known| known.payload);
        format.payload = match known {
            Some(payload) => payload,
            None if taken.contains(&format.payload) => FREE,
            None => format.payload,
        };
        taken.push(format.payload);
    }
    for format in offered.iter_mut().filter(|format| format.payload == FREE) {
        if let Some(payload) = DYNAMIC.into_iter().find(|payload| !taken.contains(payload)) {
            format.payload = payload;
            taken.push(payload);
        }
    }
}

/// Opus before all others, where nobody has said otherwise: over the ways of browsers it stands losses best.
pub fn prefer_opus(offered: &mut [Format<'_>]) {
    offered.sort_by_key(|format| format.is_companion() || codec_of(format) != Codec::Opus);
}

/// What our answer prefers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answering {
    /// The other side's codec, and nothing else.
    Alike,
    /// The other side's codec where both have it, else one that we can make of it.
    AlikeFirst,
    /// What the peer likes best of what we can make.
    Best,
}

/// What of an offer is answered when the other side has answered `chosen`: one codec, and its companions. `None`: nothing.
pub fn to_answer<'a>(offered: &[Format<'a>], chosen: &[Format<'_>], how: Answering) -> Option<Vec<Format<'a>>> {
    let substance = || offered.iter().filter(|format| !format.is_companion());
    let theirs = || chosen.iter().filter(|format| !format.is_companion());
    let same = || theirs().find_map(|format| substance().find(|own| own.matches(format)));
    let made = || substance().find(|format| can_be_recoded(format)).filter(|_| theirs().any(can_be_recoded));
    let codec = *match how {
        Answering::Alike => same(),
        Answering::AlikeFirst => same().or_else(made),
        Answering::Best => made().or_else(same),
    }?;
    let mut answered = vec![codec];
    // Digits at the codec's clock, else at the one that the peer has.
    let events = || offered.iter().filter(|format| format.is_telephone_event());
    answered.extend(events().find(|event| event.clock == codec.clock).or_else(|| events().next()));
    let comfort = offered.iter().find(|format| {
        format.is_companion()
            && !format.is_telephone_event()
            && format.clock == codec.clock
            && chosen.iter().any(|other| other.matches(format))
    });
    answered.extend(comfort);
    Some(answered)
}
