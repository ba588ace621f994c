//! What waits to leave by one UDP socket while a round of datagrams is worked through. Opens and closes no socket.

use crate::base::id::CallId;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More than one round brings about: beyond, a message leaves at once.
const WAITING_MAX: usize = 1_024;

/// One message on its way out.
#[derive(Debug)]
pub struct Letter {
    pub owner: CallId,
    pub token: u32,
    pub remote: SocketAddr,
    pub bytes: Bytes,
}

/// Messages are gathered from the first datagram of a round until its end, and then leave together: peers are woken once, and
/// the system's part of sending stays warm.
#[derive(Debug, Default)]
pub struct Outbox(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    gathers: bool,
    letters: Vec<Letter>,
}

impl Outbox {
    /// A round has begun: it must end with `close`.
    pub fn open(&self) {
        self.waiting().gathers = true;
    }

    /// Keeps a letter for the end of the round; gives it back outside of one, or when too many wait.
    pub fn put(&self, letter: Letter) -> Option<Letter> {
        let mut waiting = self.waiting();
        if !waiting.gathers || waiting.letters.len() >= WAITING_MAX {
            return Some(letter);
        }
        waiting.letters.push(letter);
        None
    }

    /// The round is over. Letters leave in their order; what is put meanwhile leaves after them, and at once.
    pub fn close(&self, post: impl FnMut(Letter)) {
        let mut waiting = self.waiting();
        waiting.gathers = false;
        waiting.letters.drain(..).for_each(post);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(token: u32) -> Letter {
        Letter { owner: CallId(1), token, remote: SocketAddr::from(([192, 0, 2, 1], 5060)), bytes: Bytes::new() }
    }

    fn closed(outbox: &Outbox) -> Vec<u32> {
        let mut tokens = Vec::new();
        outbox.close(|letter| tokens.push(letter.token));
        tokens
    }

    #[test]
    fn within_a_round_letters_wait_in_order_and_outside_of_it_none_does() {
        let outbox = Outbox::default();
        assert!(outbox.put(letter(1)).is_some());
        outbox.open();
        assert!(outbox.put(letter(2)).is_none());
        assert!(outbox.put(letter(3)).is_none());
        assert_eq!(closed(&outbox), [2, 3]);
        assert!(outbox.put(letter(4)).is_some());
        assert!(closed(&outbox).is_empty());
    }

    #[test]
    fn a_full_outbox_keeps_no_more() {
        let outbox = Outbox::default();
        outbox.open();
        let kept = (0..).take_while(|token| outbox.put(letter(*token)).is_none()).count();
        assert_eq!(kept, WAITING_MAX);
        assert_eq!(closed(&outbox).len(), WAITING_MAX);
    }
}
