//! What named clients have had done, so that a command that comes again is answered again and not done again. Bounded.

use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names that are remembered; the one that asked longest ago is forgotten first.
const CLIENTS_MAX: usize = 64;
/// Commands of one name.
const COMMANDS_MAX: usize = 512;
/// Bytes of the answers of one name.
const BYTES_MAX: usize = 256 * 1_024;

/// What is known of a command that has come.
#[derive(Clone, PartialEq, Debug)]
pub enum Known {
    /// It is new; from now on it is under way.
    New,
    /// It is being done, asked for on another connection.
    UnderWay,
    Done(Bytes),
}

#[derive(Default)]
pub struct Remembered {
    by_client: Mutex<BTreeMap<Box<str>, Commands>>,
    asked: AtomicU64,
}

#[derive(Default)]
struct Commands {
    /// Oldest first.
    done: VecDeque<Done>,
    bytes: usize,
    used: u64,
}

struct Done {
    id: Box<str>,
    line: Box<[u8]>,
    /// `None` while it is under way.
    answer: Option<Bytes>,
}

impl Remembered {
    /// Looks the command up, and notes it as under way if it is new. The id of another command is taken for a new one: a program
    /// that was started again may count from one again.
    pub fn begin(&self, client: &str, id: &str, line: &[u8]) -> Known {
        let used = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut clients = self.clients();
        if !clients.contains_key(client) && clients.len() >= CLIENTS_MAX {
            let idle = clients.iter().min_by_key(|(_, own)| own.used).map(|(name, _)| name.clone());
            idle.and_then(|name| clients.remove(&name));
        }
        let own = clients.entry(client.into()).or_default();
        own.used = used;
        match own.done.iter().rev().find(|known| *known.id == *id).filter(|before| *before.line == *line) {
            Some(before) => before.answer.clone().map_or(Known::UnderWay, Known::Done),
            None => {
                own.bytes += line.len();
                own.done.push_back(Done { id: id.into(), line: line.into(), answer: None });
                own.forget();
                Known::New
            }
        }
    }

    pub fn done(&self, client: &str, id: &str, answer: &Bytes) {
        let mut clients = self.clients();
        let Some(own) = clients.get_mut(client) else { return };
        if let Some(kept) = own.done.iter_mut().rev().find(|known| *known.id == *id) {
            kept.answer = Some(answer.clone());
            own.bytes += answer.len();
            own.forget();
        }
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Commands>> {
        self.by_client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Commands {
    /// The newest stays, whatever its size: it is the one that may come again.
    fn forget(&mut self) {
        while self.done.len() > COMMANDS_MAX || (self.bytes > BYTES_MAX && self.done.len() > 1) {
            let Some(Done { line, answer, .. }) = self.done.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(line.len() + answer.map_or(0, |answer| answer.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_answered_again() {
        let remembered = Remembered::default();
        let answer = Bytes::from_static(b"done\n");
        assert_eq!(remembered.begin("acd", "1", b"drain"), Known::New);
        assert_eq!(remembered.begin("acd", "1", b"drain"), Known::UnderWay);
        remembered.done("acd", "1", &answer);
        assert_eq!(remembered.begin("acd", "1", b"drain"), Known::Done(answer));
        assert_eq!(remembered.begin("acd", "1", b"reload"), Known::New, "another command has come with its id");
        assert_eq!(remembered.begin("acd", "1", b"reload"), Known::UnderWay);
        assert_eq!(remembered.begin("other", "1", b"drain"), Known::New, "ids are a client's own");
    }

    #[test]
    fn it_grows_neither_with_commands_nor_with_clients() {
        let remembered = Remembered::default();
        let large = Bytes::from(vec![b'x'; 4_096]);
        for number in 0..2_000_u64 {
            let id = number.to_string();
            assert_eq!(remembered.begin("acd", &id, b"x"), Known::New);
            remembered.done("acd", &id, &large);
            remembered.begin(&format!("client {number}"), "1", b"x");
        }
        let clients = remembered.clients();
        assert_eq!(clients.len(), CLIENTS_MAX);
        let own = clients.get("acd").unwrap();
        assert!(own.done.len() <= COMMANDS_MAX && own.bytes <= BYTES_MAX, "{} {}", own.done.len(), own.bytes);
        assert!(own.bytes >= BYTES_MAX - 8_192, "and forgets no more than it must: {}", own.bytes);
    }
}
