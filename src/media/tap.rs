//! The bounded pipes between live audio and whoever records, listens or talks from outside. Never waits for anybody.

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
    gathered: Vec<i16>,
    lost: u64,
    lost_ever: u64,
    gone: bool,
}

/// A tap of at most `blocks` blocks of `block_ms` milliseconds each under way.
pub fn tap(block_ms: u16, blocks: usize) -> (TapOut, Receiver<TapBlock>) {
    let (out, listener) = sync_channel(blocks);
    let out = TapOut { blocks: out, block_ms, gathered: Vec::new(), lost: 0, lost_ever: 0, gone: false };
    (out, listener)
}

impl TapOut {
    /// Takes one frame, interleaved when there are two channels.
    pub fn write(&mut self, rate: u32, channels: u8, frame: &[i16]) {
        if self.gone {
            return;
        }
        self.gathered.extend_from_slice(frame);
        let per_block = u64::from(rate) * u64::from(self.block_ms) / 1_000 * u64::from(channels);
        if u64::try_from(self.gathered.len()).unwrap_or(u64::MAX) >= per_block {
            self.flush(rate, channels);
        }
    }

    /// Offers what was gathered, also when it is less than a block.
    pub fn flush(&mut self, rate: u32, channels: u8) {
        if self.gathered.is_empty() || self.gone {
            return;
        }
        let samples: Box<[i16]> = self.gathered.as_slice().into();
        self.gathered.clear();
        let each = u64::try_from(samples.len() / usize::from(channels.max(1))).unwrap_or(0);
        match self.blocks.try_send(TapBlock { rate, channels, samples, lost_before: self.lost }) {
            Ok(()) => self.lost = 0,
            Err(TrySendError::Full(_)) => {
                self.lost += each;
                self.lost_ever += each;
            }
            Err(TrySendError::Disconnected(_)) => self.gone = true,
        }
    }

    /// Samples per channel that were dropped because the listener was slow.
    pub fn lost(&self) -> u64 {
        self.lost_ever
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
        out.write(8_000, 1, &[1; 160]);
        assert!(listener.try_recv().is_err(), "half a block waits");
        out.write(8_000, 1, &[2; 160]);
        let block = listener.try_recv().expect("a whole block");
        assert_eq!((block.samples.len(), block.samples[0], block.samples[319], block.lost_before), (320, 1, 2, 0));
    }

    #[test]
    fn a_slow_listener_loses_audio_and_is_told_how_much_and_nobody_waits() {
        let (mut out, listener) = tap(20, 1);
        for _ in 0..5 {
            out.write(8_000, 2, &[7; 320]);
        }
        assert_eq!(out.lost(), 4 * 160);
        assert_eq!(listener.try_recv().expect("the first").lost_before, 0);
        out.write(8_000, 2, &[8; 320]);
        assert_eq!(listener.try_recv().expect("the sixth").lost_before, 4 * 160);
    }

    #[test]
    fn a_listener_that_went_away_costs_nothing_more() {
        let (mut out, listener) = tap(20, 1);
        drop(listener);
        out.write(8_000, 1, &[7; 160]);
        out.write(8_000, 1, &[7; 160]);
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
