//! The bounded pipes between live audio and whoever records, listens or talks from outside. Never waits for anybody.

use super::desk::FRAME_MAX;
use super::mouth::samples_of;
use crate::protocol::audio::resample::Resampler;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

/// One run of samples that left a tap; two channels are interleaved, left first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TapBlock {
    pub rate: u32,
    pub channels: u8,
    pub samples: Box<[i16]>,
    /// Samples per channel that found no room before this block: the listener fills them with silence to stay in time.
    pub lost_before: u64,
}

/// The worker's end of a tap: collects frames into blocks and offers each once.
#[derive(Debug)]
pub struct TapOut {
    blocks: SyncSender<TapBlock>,
    block_ms: u16,
    rate: u32,
    channels: u8,
    gathered: Vec<i16>,
    lost_before: u64,
    lost: u64,
    gone: bool,
    /// Left and right, from a desk of this rate to the tap's.
    filters: Option<(u32, Box<[Resampler; 2]>)>,
}

/// A tap of at most `blocks` blocks of `block_ms` milliseconds each under way.
pub fn tap(block_ms: u16, blocks: usize) -> (TapOut, Receiver<TapBlock>) {
    let (out, listener) = sync_channel(blocks);
    let out = TapOut {
        blocks: out,
        block_ms,
        rate: 8_000,
        channels: 1,
        gathered: Vec::new(),
        lost_before: 0,
        lost: 0,
        gone: false,
        filters: None,
    };
    (out, listener)
}

impl TapOut {
    /// What it is from now on. Before the first frame.
    pub fn shape(&mut self, rate: u32, channels: u8) {
        (self.rate, self.channels) = (rate.clamp(8_000, 48_000), channels);
    }

    /// Takes one frame of a desk at `rate`: one voice on each channel, `None` where nothing is to be heard.
    pub fn write(&mut self, rate: u32, left: Option<&[i16]>, right: Option<&[i16]>) {
        if self.gone {
            return;
        }
        let (mut turned, silence) = ([[0; FRAME_MAX]; 2], [0; FRAME_MAX]);
        let frame = silence.get(..samples_of(20, rate)).unwrap_or_default();
        let (left, right) = (left.unwrap_or(frame), right.unwrap_or(frame));
        let [first, second] = &mut turned;
        let (left, right) = if rate == self.rate {
            (left, right)
        } else {
            if self.filters.as_ref().is_none_or(|(from, _)| *from != rate) {
                let filters = Resampler::new(rate, self.rate).zip(Resampler::new(rate, self.rate));
                self.filters = filters.map(|(left, right)| (rate, Box::new([left, right])));
            }
            let Some((_, filters)) = &mut self.filters else { return };
            let [to_left, to_right] = filters.as_mut();
            let length = to_left.process(left, first);
            if self.channels == 2 {
                to_right.process(right, second);
            }
            (first.get(..length).unwrap_or_default(), second.get(..length).unwrap_or_default())
        };
        if self.channels == 2 {
            left.iter().zip(right).for_each(|(left, right)| self.gathered.extend([*left, *right]));
        } else {
            self.gathered.extend_from_slice(left);
        }
        if self.gathered.len() >= samples_of(u32::from(self.block_ms), self.rate) * usize::from(self.channels) {
            self.flush();
        }
    }

    /// Offers what was gathered, also when it is less than a block.
    pub fn flush(&mut self) {
        if self.gathered.is_empty() || self.gone {
            return;
        }
        let samples: Box<[i16]> = self.gathered.as_slice().into();
        self.gathered.clear();
        let each = u64::try_from(samples.len() / usize::from(self.channels.max(1))).unwrap_or(0);
        let block = TapBlock { rate: self.rate, channels: self.channels, samples, lost_before: self.lost_before };
        match self.blocks.try_send(block) {
            Ok(()) => self.lost_before = 0,
            Err(TrySendError::Full(_)) => {
                self.lost_before += each;
                self.lost += each;
            }
            Err(TrySendError::Disconnected(_)) => self.gone = true,
        }
    }

    /// Samples per channel that were dropped because the listener was slow.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The listener has gone: nothing more will be heard of it.
    pub fn is_gone(&self) -> bool {
        self.gone
    }
}

/// The worker's end of a source that is fed from outside, such as a bot's voice.
#[derive(Debug)]
pub struct FeedIn {
    blocks: Receiver<Box<[i16]>>,
    rate: u32,
    current: Box<[i16]>,
    at: usize,
    given: bool,
}

/// A feed of at most `blocks` blocks under way, all at one rate. The giver's end refuses what does not fit.
pub fn feed(rate: u32, blocks: usize) -> (SyncSender<Box<[i16]>>, FeedIn) {
    let (giver, from) = sync_channel(blocks);
    (giver, FeedIn { blocks: from, rate, current: Box::default(), at: 0, given: true })
}

impl FeedIn {
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Fills what it can and leaves the rest alone; gives how much that was. Nothing is waited for.
    pub fn read(&mut self, frame: &mut [i16]) -> usize {
        let mut filled = 0;
        while filled < frame.len() {
            let rest = self.current.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                match self.blocks.try_recv() {
                    Ok(block) => (self.current, self.at) = (block, 0),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.given = false;
                        break;
                    }
                }
                continue;
            }
            let run = rest.len().min(frame.len() - filled);
            for (to, from) in frame.iter_mut().skip(filled).zip(rest.iter().take(run)) {
                *to = *from;
            }
            self.at += run;
            filled += run;
        }
        filled
    }

    /// The giver has gone and everything that it gave was read.
    pub fn has_ended(&self) -> bool {
        !self.given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_leave_as_blocks_in_order() {
        let (mut out, listener) = tap(40, 4);
        out.write(8_000, Some(&[1; 160]), None);
        assert!(listener.try_recv().is_err(), "half a block waits");
        out.write(8_000, Some(&[2; 160]), None);
        let block = listener.try_recv().expect("a whole block");
        assert_eq!((block.samples.len(), block.samples[0], block.samples[319], block.lost_before), (320, 1, 2, 0));
    }

    #[test]
    fn two_voices_stand_on_two_channels_and_silence_keeps_its_place() {
        let (mut out, listener) = tap(20, 4);
        out.shape(8_000, 2);
        out.write(8_000, Some(&[1; 160]), Some(&[2; 160]));
        out.write(8_000, None, Some(&[3; 160]));
        let starts: Vec<[i16; 2]> = listener.try_iter().map(|block| [block.samples[0], block.samples[1]]).collect();
        assert_eq!(starts, [[1, 2], [0, 3]]);
    }

    #[test]
    fn a_tap_keeps_its_rate_when_the_desk_changes_its_own() {
        let (mut out, listener) = tap(20, 16);
        out.shape(16_000, 2);
        for rate in [8_000, 16_000, 48_000, 8_000] {
            let frame = vec![100; samples_of(20, rate)];
            out.write(rate, Some(&frame), Some(&frame));
        }
        out.flush();
        let blocks: Vec<TapBlock> = listener.try_iter().collect();
        assert!(blocks.iter().all(|block| (block.rate, block.channels) == (16_000, 2)));
        assert_eq!(blocks.iter().map(|block| block.samples.len()).sum::<usize>(), 4 * 640);
    }

    #[test]
    fn a_slow_listener_loses_audio_and_is_told_how_much_and_nobody_waits() {
        let (mut out, listener) = tap(20, 1);
        for _ in 0..5 {
            out.write(8_000, Some(&[7; 160]), None);
        }
        assert_eq!(out.lost(), 4 * 160);
        assert_eq!(listener.try_recv().expect("the first").lost_before, 0);
        out.write(8_000, Some(&[8; 160]), None);
        assert_eq!(listener.try_recv().expect("the sixth").lost_before, 4 * 160);
    }

    #[test]
    fn a_listener_that_went_away_costs_nothing_more() {
        let (mut out, listener) = tap(20, 1);
        drop(listener);
        out.write(8_000, Some(&[7; 160]), None);
        out.write(8_000, Some(&[7; 160]), None);
        assert!(out.is_gone());
        assert_eq!(out.lost(), 0);
    }

    #[test]
    fn a_feed_is_read_across_its_blocks_and_ends_with_its_giver() {
        let (giver, mut from) = feed(16_000, 4);
        giver.try_send(vec![1; 100].into()).expect("room");
        giver.try_send(vec![2; 100].into()).expect("room");
        let mut frame = [0; 160];
        assert_eq!(from.read(&mut frame), 160);
        assert_eq!((frame[99], frame[100]), (1, 2));
        assert_eq!(from.read(&mut frame), 40, "the rest, without waiting");
        assert!(!from.has_ended());
        drop(giver);
        assert_eq!(from.read(&mut frame), 0);
        assert!(from.has_ended());
    }
}
