//! One beat of the desk: voices are heard, mixed, said and tapped. Decides no way.

use super::bench::{FRAME_MAX, Workbench};
use super::seat::Seat;
use super::{Desk, LATE_MAX, Layout, Outgoing, Source, TICK, Tapped, Timing};
use crate::base::id::LegId;
use crate::media::command::{SourceId, TapChoice};
use crate::media::event::{Event, SourceOutcome};
use crate::media::keypad::{Keyed, Keypad};
use crate::media::matrix::Voice;
use crate::media::mouth::{Spoken, samples_of};
use crate::media::path::Facts;
use crate::media::prompt::RATES;
use crate::media::recipe::{Recipe, Recipes};
use crate::protocol::rtp::telephone_event::EventPacket;
use std::time::Instant;

/// What follows from the facts for the beats to come.
pub fn layout(facts: &Facts<'_>, sources: &[Source], taps: &[Tapped]) -> Layout {
    let heard = |leg: LegId| facts.pairs().any(|pair| pair.voice == Voice::Leg(leg));
    let tapped = |leg: LegId| taps.iter().any(|tapped| tapped.what.listens_to(leg));
    let legs = facts.members.iter().filter(|member| member.plan.receives);
    let needed = legs.filter(|m| heard(m.leg) || tapped(m.leg) || m.plan.detect_in_band).map(|m| Voice::Leg(m.leg));
    let voices: Vec<Voice> = needed.chain(sources.iter().map(|source| Voice::Source(source.id))).collect();
    let ears: Vec<LegId> = facts.members.iter().map(|member| member.leg).collect();
    let recipes = Recipes::new(facts.matrix, &voices, &ears);
    Layout { rate: rate(facts, sources, taps), voices, recipes }
}

/// The widest that any ear can hear of any of its voices.
fn rate(facts: &Facts<'_>, sources: &[Source], taps: &[Tapped]) -> u32 {
    let each = facts.pairs().filter_map(|pair| {
        let ear = facts.member(pair.ear)?.plan.codecs.first()?.codec.sample_rate();
        let voice = match pair.voice {
            Voice::Leg(leg) => facts.member(leg)?.speaks()?.codec.sample_rate(),
            Voice::Source(source) => sources.iter().find(|running| running.id == source)?.player.best_rate(),
        };
        Some(ear.min(voice))
    });
    // A tap takes what there is; only where nobody else listens does it ask for more.
    let tapped = || {
        let legs = facts.members.iter().filter_map(|member| Some((member.leg, member.speaks()?.codec.sample_rate())));
        let pairs = legs.flat_map(|leg| taps.iter().map(move |tapped| (leg, tapped.what)));
        let pairs = pairs.filter(|((leg, _), what)| what.listens_to(*leg));
        pairs.map(|((_, voice), what)| voice.min(what.rate())).max()
    };
    let widest = each.max().or_else(tapped).unwrap_or(8_000);
    RATES.into_iter().find(|rate| *rate >= widest).unwrap_or(48_000)
}

/// An event goes out, and the audio's time goes by.
fn send_event(
    seat: &mut Seat,
    event: Option<EventPacket>,
    (due, frame): (Instant, usize),
    send: &mut impl FnMut(Outgoing<'_>),
) {
    let Some(Keypad::Events { payload_type, .. }) = &seat.keypad else { return };
    let clock = seat.plan.codecs.first().map_or(8_000, |planned| planned.payload.clock);
    let passed = seat.mouth.as_mut().map_or(0, |mouth| mouth.take_passed());
    if let Some(event) = event {
        send(Outgoing {
            leg: seat.leg,
            due,
            payload_type: *payload_type,
            marker: event.marker,
            clock,
            passed,
            timing: Timing::Event { first: event.begins, offset: event.timestamp_offset },
            payload: &event.payload,
        });
    }
    if let Some(mouth) = &mut seat.mouth {
        mouth.pass(frame);
    }
}

impl TapChoice {
    fn rate(self) -> u32 {
        match self {
            TapChoice::Stereo { rate, .. }
            | TapChoice::Spoken { rate, .. }
            | TapChoice::Heard { rate, .. }
            | TapChoice::Mixed { rate } => rate,
        }
    }

    fn listens_to(self, leg: LegId) -> bool {
        match self {
            TapChoice::Stereo { leg: tapped, .. } | TapChoice::Spoken { leg: tapped, .. } => tapped == leg,
            TapChoice::Heard { .. } => false,
            TapChoice::Mixed { .. } => true,
        }
    }
}

impl Desk {
    /// Gives each seat what the layout needs of it.
    pub fn prepare(&mut self) {
        let leaves: Vec<bool> = self.seats.iter().map(|seat| self.digits_leave_audio(seat.leg)).collect();
        let Some(layout) = &self.layout else { return };
        for ((place, seat), digits_leave) in self.seats.iter_mut().enumerate().zip(leaves) {
            let speaks = layout.voices.contains(&Voice::Leg(seat.leg));
            let silent = matches!(layout.recipes.ears.get(place), None | Some(Recipe::Silence));
            let hears = seat.plan.sends && (!silent || seat.has_digits());
            seat.prepare(layout.rate, speaks, hears, digits_leave);
        }
    }

    /// One beat: hands each packet that is to be sent to `send`. Called for nothing, it does nothing.
    pub fn tick(&mut self, now: Instant, bench: &mut Workbench, send: &mut impl FnMut(Outgoing<'_>)) {
        self.release_keys(now);
        let Some(due) = self.next_tick.filter(|due| *due <= now) else { return };
        let next = due + TICK;
        self.next_tick = Some(if next + LATE_MAX < now { now + TICK } else { next });
        match self.layout.take() {
            Some(layout) => {
                bench.lay_out(layout.voices.len(), self.seats.len(), samples_of(20, layout.rate));
                self.gather(now, &layout, bench);
                self.measure(&layout, bench);
                bench.mix(&layout.recipes);
                self.say(due, &layout, bench, send);
                self.copy_to_taps(&layout, bench);
                self.layout = Some(layout);
            }
            None => self.pass_time(bench),
        }
        (0..self.seats.len()).for_each(|at| self.tell_sounded(now, at));
        self.end_what_ended(now);
    }

    /// Each voice fills its frame.
    fn gather(&mut self, now: Instant, layout: &Layout, bench: &mut Workbench) {
        let length = bench.frame;
        for (voice, frame) in layout.voices.iter().zip(&mut bench.voices) {
            let samples = frame.samples.get_mut(..length).unwrap_or_default();
            frame.sounds = match voice {
                Voice::Leg(leg) => {
                    let seat = self.seats.iter_mut().find(|seat| seat.leg == *leg);
                    let heard = seat
                        .and_then(|seat| Some(seat.ear.as_mut()?.hear(now, &seat.plan, &mut bench.decoded, samples)));
                    heard.unwrap_or(false)
                }
                Voice::Source(id) => {
                    let source = self.sources.iter_mut().find(|source| source.id == *id);
                    source.map(|source| source.player.fill(layout.rate, samples)).is_some()
                }
            };
        }
    }

    /// What each leg says is weighed, beside what it was sent in the beat before.
    fn measure(&mut self, layout: &Layout, bench: &Workbench) {
        for (place, voice) in layout.voices.iter().enumerate() {
            let Voice::Leg(leg) = voice else { continue };
            if let Some(seat) = self.seats.iter_mut().find(|seat| seat.leg == *leg) {
                seat.measure(bench.said_by(place), TICK);
            }
        }
    }

    /// Each mouth says what its leg hears, or sends a digit in its place.
    fn say(&mut self, due: Instant, layout: &Layout, bench: &Workbench, send: &mut impl FnMut(Outgoing<'_>)) {
        for (place, seat) in self.seats.iter_mut().enumerate() {
            let mut own = [0; FRAME_MAX];
            let own = own.get_mut(..bench.frame).unwrap_or_default();
            let keyed = match seat.keypad.as_mut().filter(|_| seat.plan.sends) {
                Some(keypad) => keypad.beat(due, layout.rate, own),
                None => Keyed::Nothing,
            };
            let mix = match keyed {
                Keyed::Tone => Some(&*own),
                Keyed::Nothing => bench.heard_at(&layout.recipes, place),
                Keyed::Event(_) => None,
            };
            if let Keyed::Event(event) = keyed {
                send_event(seat, event, (due, bench.frame), send);
                continue;
            }
            if let Some(mix) = mix {
                seat.note_sent(mix);
            }
            let leg = seat.leg;
            let Some(mouth) = &mut seat.mouth else { continue };
            mouth.say(mix.unwrap_or(own), &mut |spoken: Spoken<'_>| {
                send(Outgoing {
                    leg,
                    due,
                    payload_type: spoken.payload_type,
                    marker: spoken.marker,
                    clock: spoken.clock,
                    passed: spoken.passed,
                    timing: Timing::Audio { ticks: spoken.ticks },
                    payload: spoken.payload,
                });
            });
        }
    }

    fn copy_to_taps(&mut self, layout: &Layout, bench: &Workbench) {
        for tapped in &mut self.taps {
            let said = |leg: LegId| {
                let place = layout.voices.iter().position(|voice| *voice == Voice::Leg(leg))?;
                bench.said_by(place)
            };
            let heard = |leg: LegId| {
                let place = self.seats.iter().position(|seat| seat.leg == leg)?;
                bench.heard_at(&layout.recipes, place)
            };
            match tapped.what {
                TapChoice::Stereo { leg, .. } => tapped.out.write(layout.rate, said(leg), heard(leg)),
                TapChoice::Spoken { leg, .. } => tapped.out.write(layout.rate, said(leg), None),
                TapChoice::Heard { leg, .. } => tapped.out.write(layout.rate, heard(leg), None),
                TapChoice::Mixed { .. } => {
                    let legs = layout.voices.iter().take_while(|voice| matches!(voice, Voice::Leg(_))).count();
                    let mixed = bench.all_of(legs);
                    tapped.out.write(layout.rate, Some(&mixed), None);
                }
            }
        }
    }

    /// Sources that nobody hears go on all the same.
    fn pass_time(&mut self, bench: &mut Workbench) {
        bench.lay_out(1, 0, samples_of(20, 8_000));
        let Some(frame) = bench.voices.first_mut() else { return };
        let samples = frame.samples.get_mut(..bench.frame).unwrap_or_default();
        self.sources.iter_mut().for_each(|source| source.player.fill(8_000, samples));
    }

    fn end_what_ended(&mut self, now: Instant) {
        // The last digit has been sent: perhaps the desk is needed no more.
        if self.seats.iter_mut().any(Seat::has_sent_all) {
            self.decide(now);
        }
        if self.sources.iter().any(|source| source.player.has_ended()) {
            let ended = self.sources.iter().filter(|source| source.player.has_ended()).map(|source| source.id);
            let ended: Vec<SourceId> = ended.collect();
            self.sources.retain(|source| !ended.contains(&source.id));
            let outcome = SourceOutcome::Finished;
            let told = ended.into_iter().map(|source| Event::SourceEnded { call: self.call, source, outcome });
            self.events.extend(told);
            self.decide(now);
        }
        let gone: Vec<_> = self.taps.iter().filter(|tapped| tapped.out.is_gone()).map(|tapped| tapped.id).collect();
        gone.into_iter().for_each(|tap| self.stop_tap(now, tap));
    }
}
