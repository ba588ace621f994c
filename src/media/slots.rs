//! Streams by number, so that a packet finds its stream with one step. Gives a number again once it is free.

use crate::media::stream::Stream;

/// One worker's streams.
#[derive(Default)]
pub struct Slots {
    streams: Vec<Option<Box<Stream>>>,
    free: Vec<u32>,
}

impl Slots {
    pub fn insert(&mut self, stream: Box<Stream>) -> u32 {
        if let Some(slot) = self.free.pop()
            && let Some(place) = index(slot).and_then(|at| self.streams.get_mut(at))
        {
            *place = Some(stream);
            return slot;
        }
        self.streams.push(Some(stream));
        u32::try_from(self.streams.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn remove(&mut self, slot: u32) -> Option<Box<Stream>> {
        let stream = index(slot).and_then(|at| self.streams.get_mut(at))?.take()?;
        self.free.push(slot);
        Some(stream)
    }

    #[inline]
    pub fn at(&self, slot: u32) -> Option<&Stream> {
        self.streams.get(index(slot)?)?.as_deref()
    }

    #[inline]
    pub fn at_mut(&mut self, slot: u32) -> Option<&mut Stream> {
        self.streams.get_mut(index(slot)?)?.as_deref_mut()
    }

    pub fn len(&self) -> usize {
        self.streams.len() - self.free.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn index(slot: u32) -> Option<usize> {
    usize::try_from(slot).ok()
}
