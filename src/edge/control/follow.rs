//! One client's way through the events: from a number on, those that it chose, and a gap told wherever some are missing.

use super::wire::Fault;
use crate::edge::events::EventLog;
use crate::edge::events::file::{Entry, Keys, Mark};
use crate::edge::events::log::Recent;
use crate::edge::events::wire::Gap;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch;

/// Words in one list of a choice.
const CHOICES_MAX: usize = 100;
/// Events that are looked at at once.
const PAGE: usize = 256;

/// Which events. An empty list chooses all; several lists must all agree.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Choice {
    /// Kinds, such as `call.ended`; `call.*` chooses all that begin so.
    pub kinds: Vec<String>,
    pub calls: Vec<String>,
    /// Health of these trunks, and legs on them.
    pub trunks: Vec<String>,
    pub queues: Vec<String>,
    pub agents: Vec<String>,
}

impl Choice {
    pub fn check(&self) -> Result<(), Fault> {
        let lists = [
            ("kinds", &self.kinds),
            ("calls", &self.calls),
            ("trunks", &self.trunks),
            ("queues", &self.queues),
            ("agents", &self.agents),
        ];
        match lists.into_iter().find(|(_, list)| list.len() > CHOICES_MAX) {
            Some((name, _)) => {
                let words = format!("a list holds at most {CHOICES_MAX} words");
                Err(Fault::new("too_many", words).at(format!("/only/{name}")))
            }
            None => Ok(()),
        }
    }

    fn takes(&self, keys: &Keys) -> bool {
        let is_in = |list: &[String], word: &Option<Box<str>>| {
            list.is_empty() || word.as_deref().is_some_and(|word| list.iter().any(|one| one == word))
        };
        let kind = |wanted: &String| match wanted.strip_suffix('*') {
            Some(beginning) => keys.event.starts_with(beginning),
            None => *wanted == *keys.event,
        };
        (self.kinds.is_empty() || self.kinds.iter().any(kind))
            && is_in(&self.calls, &keys.call)
            && is_in(&self.trunks, &keys.trunk)
            && is_in(&self.queues, &keys.queue)
            && is_in(&self.agents, &keys.agent)
    }
}

/// From which number on, and which.
#[derive(Clone, PartialEq, Debug)]
pub struct Following {
    pub from: u64,
    pub only: Choice,
}

/// Where a follower stands.
pub struct Cursor {
    log: EventLog,
    told: watch::Receiver<u64>,
    next: u64,
    only: Choice,
    mark: Option<Mark>,
}

impl Cursor {
    pub fn new(log: EventLog, following: Following) -> Cursor {
        let told = log.watch();
        Cursor { log, told, next: following.from, only: following.only, mark: None }
    }

    /// The next events that were chosen, at least one, or a gap. Loses nothing when it is given up between two polls.
    pub async fn next(&mut self) -> Vec<Bytes> {
        loop {
            let frames = match self.log.recent(self.next, PAGE) {
                Recent::Entries(entries) if entries.is_empty() => {
                    // A number above the next one is waited for.
                    if self.told.wait_for(|next| *next > self.next).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    continue;
                }
                Recent::Entries(entries) => {
                    self.mark = None;
                    self.pass(entries.iter().map(|entry| &**entry), "lost")
                }
                Recent::Older(oldest) => {
                    let (entries, mark) = self.log.older(self.next, self.mark).await;
                    self.mark = mark;
                    match entries.is_empty() {
                        true => vec![self.skip(oldest, "too-old")],
                        false => self.pass(entries.iter(), "too-old"),
                    }
                }
            };
            if !frames.is_empty() {
                return frames;
            }
            tokio::task::yield_now().await;
        }
    }

    fn pass<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>, why: &'static str) -> Vec<Bytes> {
        let mut frames = Vec::new();
        let mut why = why;
        for entry in entries {
            if entry.seq > self.next {
                frames.push(self.skip(entry.seq, why));
            }
            // What is missing between two that are there was never written.
            why = "lost";
            self.next = entry.seq + 1;
            if self.only.takes(entry.keys()) {
                frames.push(entry.line.clone());
            }
        }
        frames
    }

    fn skip(&mut self, to: u64, why: &'static str) -> Bytes {
        let gap = gap(&Gap::new(self.next, to.saturating_sub(1), why));
        self.next = to;
        gap
    }

    /// What it will not be told any more, because it does not read.
    pub fn abandoned(&self) -> Bytes {
        gap(&Gap::new(self.next, self.log.next().saturating_sub(1).max(self.next), "slow"))
    }
}

fn gap(gap: &Gap) -> Bytes {
    let mut line = serde_json::to_vec(gap).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::events::log::EventSettings;
    use crate::edge::events::wire::Event;
    use crate::edge::metrics::Metrics;
    use serde_json::Value;
    use std::time::Duration;

    struct World {
        log: EventLog,
        folder: std::path::PathBuf,
    }

    impl World {
        fn new(name: &str, bytes_max: u64) -> World {
            let folder = std::env::temp_dir().join(format!("offhook-follow-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            let settings = EventSettings { folder: folder.clone(), bytes_max };
            World { log: EventLog::start(&settings, Metrics::new(Duration::ZERO).unwrap()).unwrap(), folder }
        }

        fn status(&self, agent: &str) {
            self.log.tell(Event::AgentStatus { agent: agent.into(), status: "Available".into() });
        }

        async fn tell(&self, count: u64) {
            let mut watch = self.log.watch();
            for _ in 0..count / 1_000 + 1 {
                let next = self.log.next();
                (0..1_000.min(count)).for_each(|_| self.status("a"));
                watch.wait_for(|now| *now >= next + 1_000.min(count)).await.unwrap();
            }
        }
    }

    impl Drop for World {
        fn drop(&mut self) {
            self.log.stop(Duration::from_secs(30));
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    fn read(frames: Vec<Bytes>) -> Vec<Value> {
        frames.iter().map(|frame| serde_json::from_slice(frame).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_follower_gets_all_from_its_number_on_from_disk_and_memory_without_a_gap() {
        let world = World::new("all", 100_000_000);
        world.tell(12_000).await;
        let next = world.log.next();
        assert!(matches!(world.log.recent(1, 1), Recent::Older(_)), "the first ones are on disk alone");
        let mut cursor = Cursor::new(world.log.clone(), Following { from: 1, only: Choice::default() });
        let mut expected = 1;
        while expected < next {
            for event in read(cursor.next().await) {
                assert_eq!(event["seq"], expected, "{event}");
                expected += 1;
            }
        }
        world.status("b");
        assert_eq!(read(cursor.next().await)[0]["agent"], "b");
    }

    #[tokio::test]
    async fn what_is_not_kept_any_more_is_a_gap_and_then_it_goes_on() {
        let world = World::new("old", 400_000);
        world.tell(20_000).await;
        let mut cursor = Cursor::new(world.log.clone(), Following { from: 1, only: Choice::default() });
        let first = read(cursor.next().await);
        assert_eq!(
            (&first[0]["event"], &first[0]["from"], &first[0]["why"]),
            (&"gap".into(), &1.into(), &"too-old".into())
        );
        let next = match first.get(1) {
            Some(event) => event["seq"].clone(),
            None => read(cursor.next().await)[0]["seq"].clone(),
        };
        assert_eq!(next.as_u64(), first[0]["to"].as_u64().map(|to| to + 1));
    }

    #[tokio::test]
    async fn a_choice_is_by_kind_and_by_name() {
        let world = World::new("choice", 1_000_000);
        let only = Choice { kinds: vec!["agent.*".into()], agents: vec!["b".into()], ..Choice::default() };
        let mut cursor = Cursor::new(world.log.clone(), Following { from: 1, only });
        world.status("a");
        world.status("b");
        let told = read(cursor.next().await);
        assert_eq!(told.iter().map(|event| event["agent"].as_str()).collect::<Vec<_>>(), [Some("b")]);
        let many = Choice { calls: vec![String::new(); CHOICES_MAX + 1], ..Choice::default() };
        assert_eq!(many.check().unwrap_err().path.as_deref(), Some("/only/calls"));
    }
}
