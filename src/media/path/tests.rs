//! The way of a call, case by case.

use super::*;
use crate::media::command::PayloadPair;

const A: LegId = LegId(0);
const B: LegId = LegId(1);
const C: LegId = LegId(2);

const PCMU: PlannedCodec = planned(Codec::Pcmu, 0, 8_000, 0);
const PCMA: PlannedCodec = planned(Codec::Pcma, 8, 8_000, 1);
const G729: PlannedCodec = planned(Codec::Opaque, 18, 8_000, 9);

const fn planned(codec: Codec, payload_type: u8, clock: u32, kind: u32) -> PlannedCodec {
    PlannedCodec { codec, payload: PayloadPair { receive: payload_type, send: payload_type, clock }, kind }
}

const fn pair(receive: u8, send: u8, clock: u32) -> Option<PayloadPair> {
    Some(PayloadPair { receive, send, clock })
}

fn plan(codecs: &[PlannedCodec]) -> StreamPlan {
    let plan = StreamPlan::of(codecs.first().copied().unwrap_or(PCMU));
    StreamPlan { codecs: codecs.to_vec(), telephone_event: pair(101, 101, 8_000), ..plan }
}

struct Situation {
    plans: Vec<(LegId, StreamPlan)>,
    spoken: Option<(LegId, u8)>,
    digits: Option<LegId>,
    matrix: Matrix,
    sources: Vec<SourceId>,
    is_tapped: bool,
}

impl Situation {
    fn two(a: StreamPlan, b: StreamPlan) -> Situation {
        let plans = vec![(A, a), (B, b)];
        Situation { plans, spoken: None, digits: None, matrix: Matrix::of_two(A, B), sources: vec![], is_tapped: false }
    }

    fn and(mut self, change: impl FnOnce(&mut Situation)) -> Situation {
        change(&mut self);
        self
    }

    fn path(&self) -> Path {
        let member = |(leg, plan): &'_ (LegId, StreamPlan)| -> (LegId, Option<u8>, bool) {
            let _ = plan;
            let spoken = self.spoken.filter(|(who, _)| who == leg).map(|(_, payload_type)| payload_type);
            (*leg, spoken, self.digits == Some(*leg))
        };
        let members: Vec<Member<'_>> = self
            .plans
            .iter()
            .map(|entry| {
                let (leg, spoken, has_digits) = member(entry);
                Member { leg, plan: &entry.1, spoken, has_digits }
            })
            .collect();
        let facts =
            Facts { members: &members, matrix: &self.matrix, sources: &self.sources, is_tapped: self.is_tapped };
        facts.path()
    }
}

fn source_to(ear: LegId) -> Hears {
    Hears { ear, voice: Voice::Source(SourceId(1)), gain: 0 }
}

fn listener(situation: &mut Situation) {
    situation.plans.push((C, plan(&[PCMU])));
    situation.matrix.pairs.push(Hears { ear: C, voice: Voice::Leg(A), gain: 0 });
    situation.matrix.pairs.push(Hears { ear: C, voice: Voice::Leg(B), gain: 0 });
}

#[test]
fn each_situation_has_its_way() {
    let same = || Situation::two(plan(&[PCMU]), plan(&[PCMU]));
    let different = || Situation::two(plan(&[PCMU]), plan(&[PCMA]));
    let opaque = || Situation::two(plan(&[G729]), plan(&[G729]));
    let cases: Vec<(&str, Situation, Path)> = vec![
        ("same codec", same(), Path::Forward),
        ("different codecs", different(), Path::Desk),
        ("nobody hears anybody", same().and(|s| s.matrix.pairs.clear()), Path::Held),
        ("different codecs, but held", different().and(|s| s.matrix.pairs.clear()), Path::Held),
        ("one way only", same().and(|s| s.matrix.pairs.truncate(1)), Path::Forward),
        ("an ear that is not sent to", same().and(|s| s.plans[0].1.sends = false), Path::Forward),
        (
            "inactive both ways",
            same().and(|s| s.plans[0].1.sends = false).and(|s| s.plans[0].1.receives = false),
            Path::Held,
        ),
        ("a gain", same().and(|s| s.matrix.pairs[0].gain = -6), Path::Desk),
        ("a tap", same().and(|s| s.is_tapped = true), Path::Desk),
        ("a tap of a held call", same().and(|s| s.matrix.pairs.clear()).and(|s| s.is_tapped = true), Path::Desk),
        ("another packet time", same().and(|s| s.plans[1].1.ptime = 30), Path::Desk),
        ("digits listened for in the audio", same().and(|s| s.plans[0].1.detect_in_band = true), Path::Desk),
        ("digits to be sent", same().and(|s| s.digits = Some(B)), Path::Desk),
        (
            "a source that plays",
            same().and(|s| s.matrix.pairs.push(source_to(A))).and(|s| s.sources.push(SourceId(1))),
            Path::Desk,
        ),
        ("a source that has ended", same().and(|s| s.matrix.pairs.push(source_to(A))), Path::Forward),
        (
            "a source alone",
            same().and(|s| s.matrix.pairs = vec![source_to(A)]).and(|s| s.sources.push(SourceId(1))),
            Path::Desk,
        ),
        (
            "the second codec is common and spoken",
            Situation::two(plan(&[PCMU, PCMA]), plan(&[PCMA])).and(|s| s.spoken = Some((A, 8))),
            Path::Forward,
        ),
        ("the second codec is common and not spoken", Situation::two(plan(&[PCMU, PCMA]), plan(&[PCMA])), Path::Desk),
        ("same codecs in another order", Situation::two(plan(&[PCMU, PCMA]), plan(&[PCMA, PCMU])), Path::Forward),
        ("events of another clock", same().and(|s| s.plans[1].1.telephone_event = pair(110, 110, 48_000)), Path::Desk),
        ("events on one side only", same().and(|s| s.plans[1].1.telephone_event = None), Path::Forward),
        ("nobody can decode it", opaque(), Path::Forward),
        ("nobody can decode it, another packet time", opaque().and(|s| s.plans[1].1.ptime = 30), Path::Forward),
        ("nobody can decode it, tapped", opaque().and(|s| s.is_tapped = true), Path::Forward),
        ("nobody can decode it, digits to be sent", opaque().and(|s| s.digits = Some(A)), Path::Desk),
        ("a third who hears both", same().and(listener), Path::Desk),
        ("a third who waits apart", same().and(|s| s.plans.push((C, plan(&[PCMA])))), Path::Forward),
    ];
    for (name, situation, expected) in cases {
        assert_eq!(situation.path(), expected, "{name}");
    }
}

#[test]
fn a_packet_crosses_under_the_number_that_the_other_side_gave() {
    let opus = |receive, send| PlannedCodec {
        codec: Codec::Opus,
        payload: PayloadPair { receive, send, clock: 48_000 },
        kind: 5,
    };
    let mut voice = plan(&[opus(96, 97), PCMU]);
    let mut ear = plan(&[opus(111, 110)]);
    voice.comfort_noise = pair(13, 13, 8_000);
    ear.telephone_event = pair(126, 126, 8_000);
    assert_eq!(payload_across(&voice, &ear, 96), Some(110), "audio");
    assert_eq!(payload_across(&voice, &ear, 0), None, "a codec that the other does not have");
    assert_eq!(payload_across(&voice, &ear, 101), Some(126), "events of the same clock");
    assert_eq!(payload_across(&voice, &ear, 13), None, "comfort noise that was not agreed");
    assert_eq!(payload_across(&voice, &ear, 77), None, "a stray number");
    ear.dtmf_out = DigitForm::Info;
    assert_eq!(payload_across(&voice, &ear, 101), None, "digits go another way");
    ear.dtmf_out = DigitForm::TelephoneEvent;
    ear.telephone_event = pair(126, 126, 48_000);
    assert_eq!(payload_across(&voice, &ear, 101), None, "events of another clock");
}
