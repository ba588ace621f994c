//! A worker that wakes too late, again and again: what it sends keeps to the time of the world.

use super::world::*;
use crate::media::command::{Command, Part, Playlist, SourceId, Tone};
use crate::media::matrix::{Hears, Matrix, Voice};
use std::time::Duration;

#[test]
fn timestamps_keep_to_the_clock_however_late_beats_are() {
    for late in [60, 90, 105, 110, 119, 125, 150, 400, 2_000] {
        let mut world = World::of_two(plan(ALICE), plan(BOB));
        let source = SourceId(1);
        let pairs = vec![Hears { ear: A, voice: Voice::Source(source), gain: 0 }];
        world.tell(Command::Matrix { call: CALL, matrix: Matrix { pairs } });
        let parts = vec![Part::Tone(Tone::steady([440, 0, 0, 0], 16))];
        world.tell(Command::Play { call: CALL, source, playlist: Playlist { parts, times: None } });
        world.pass(Duration::from_millis(200));
        let start = world.now.instant;
        let said = |world: &World| {
            let audio = world.made.iter().rfind(|left| left.to == address(ALICE) && !left.from.control);
            audio.expect("audio").header().timestamp
        };
        let first = said(&world);
        for _ in 0..50 {
            world.oversleep(Duration::from_millis(late));
            world.pass(Duration::from_millis(200));
        }
        let told = i64::from(said(&world).wrapping_sub(first)) / 8;
        let gone = i64::try_from(world.now.instant.duration_since(start).as_millis()).expect("minutes");
        assert!((told - gone).abs() <= 40, "{late} ms late fifty times: {told} ms told in {gone} ms");
    }
}
