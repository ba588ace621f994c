//! What has reached the exchange, and what it owes for it. Sees only what goes over the wire.

use super::dialog::GIVE_UP;
use super::text::Text;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

/// A 2xx to an INVITE: Call-ID, CSeq, and the tag of who sent it.
type Answer = (String, u32, String);

#[derive(Default)]
pub struct Ledger {
    /// Callers whose first INVITE has arrived at least once.
    invited: BTreeSet<SocketAddr>,
    /// Whose answer made each call: the first 2xx that arrived. Further ones are of other places that were rung.
    chosen: BTreeMap<String, String>,
    /// When each 2xx first arrived and when its ACK first left (RFC 3261 13.2.2.4).
    answers: BTreeMap<Answer, (Duration, Option<Duration>)>,
}

impl Ledger {
    pub fn arrived(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        let text = Text::read(bytes);
        if text.method() != "INVITE" {
            return;
        }
        match text.status() {
            0 if text.to_tag().is_empty() => {
                self.invited.insert(from);
            }
            200..300 => {
                let (call, tag) = (text.header("call-id").to_owned(), text.to_tag());
                if text.cseq() == 1 {
                    self.chosen.entry(call.clone()).or_insert_with(|| tag.clone());
                }
                self.answers.entry((call, text.cseq(), tag)).or_insert((now, None));
            }
            _ => {}
        }
    }

    pub fn sent(&mut self, now: Duration, text: &Text) {
        if text.method() == "ACK" && text.status() == 0 {
            let answer = (text.header("call-id").to_owned(), text.cseq(), text.to_tag());
            if let Some((_, acknowledged)) = self.answers.get_mut(&answer) {
                acknowledged.get_or_insert(now);
            }
        }
    }

    pub fn has_invited(&self, caller: SocketAddr) -> bool {
        self.invited.contains(&caller)
    }

    /// Whether the leg of this call is a dialog with the place of this tag; as long as nobody has answered, with all.
    pub fn may_be_of(&self, call: &str, tag: &str) -> bool {
        self.chosen.get(call).is_none_or(|chosen| chosen == tag)
    }

    /// The peer gives up 64*T1 after its 2xx; an ACK after that is none.
    pub fn unacknowledged(&self) -> impl Iterator<Item = String> {
        let late = |(arrived, acknowledged): &(Duration, Option<Duration>)| {
            acknowledged.is_none_or(|at| at >= *arrived + GIVE_UP)
        };
        let owed = self.answers.iter().filter(move |(_, times)| late(times));
        owed.map(|((call, cseq, tag), times)| {
            format!("the 2xx {cseq} of {tag} in {call} has no ACK in time: {times:?}")
        })
    }
}
