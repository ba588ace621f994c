//! Everything that flows are made of: their files, hours and prompts. Reads whole folders; judges through `flow` and `hours`.

use crate::domain::flow::definition::Flows;
use crate::domain::hours::HoursBook;
use crate::edge::config::Daemon;
use crate::edge::config::cross;
use crate::edge::config::fields::Fields;
use crate::edge::config::flow::{self, Surroundings};
use crate::edge::config::hours;
use crate::edge::config::place::Fault;
use crate::edge::config::read::{feed, load, short_hex, stem, toml_files};
use crate::edge::config::reading::Reading;
use crate::edge::media::prompts::PromptLibrary;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

pub const FLOW_FILES: &str = "dialplans/flows/*.toml";
pub const HOURS_FILES: &str = "dialplans/hours/*.toml";

/// The end of the name of a file of tests, which stands beside its flow.
pub const TEST_SUFFIX: &str = ".test.toml";

pub fn hours(reading: &Reading, digest: &mut Sha256) -> HoursBook {
    let mut files = Vec::new();
    for relative in toml_files(reading, "dialplans/hours", true) {
        let Some((index, table, _)) = load(reading, &relative, digest) else { continue };
        files.extend(hours::hours(Fields::root(reading, &table, index, HOURS_FILES), stem(&relative)));
    }
    cross::once(reading, "set of hours", files.iter().map(|file| &file.name));
    HoursBook::new(files.into_iter().map(|file| file.hours))
}

/// `None` where there is no telling which prompts there are.
pub fn prompts(reading: &Reading, daemon: &Daemon, digest: &mut Sha256) -> Option<PromptLibrary> {
    let settings = &daemon.prompts;
    let folder = reading.folder.join(&settings.folder);
    if !settings.is_required && !folder.exists() {
        return Some(PromptLibrary::default());
    }
    let (library, faults) = PromptLibrary::load(&folder);
    for fault in &faults {
        let name = fault.path.display().to_string();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        reading.fault(Fault::of_file(name, fault.reason.to_string()));
    }
    for name in library.names() {
        feed(digest, name, library.digest(name).unwrap_or_default().as_bytes());
    }
    faults.is_empty().then_some(library)
}

/// The files of flows, without those of their tests.
pub fn files(reading: &Reading) -> Vec<String> {
    let all = toml_files(reading, "dialplans/flows", true).into_iter();
    all.filter(|relative| !relative.ends_with(TEST_SUFFIX)).collect()
}

/// What flows may name besides each other.
pub struct Around<'a> {
    pub daemon: &'a Daemon,
    pub hours: &'a HoursBook,
    pub prompts: Option<&'a PromptLibrary>,
    pub queues: Vec<&'a str>,
    pub agents: Vec<&'a str>,
    pub engines: Vec<&'a str>,
}

pub fn flows(reading: &Reading, around: Around<'_>, digest: &mut Sha256) -> Flows {
    let mut files = Vec::new();
    for relative in self::files(reading) {
        let Some((index, table, _)) = load(reading, &relative, digest) else { continue };
        let text = reading.source(index).map(|source| Sha256::digest(source.text.as_bytes()));
        let version = text.map(|text| short_hex(text.as_slice())).unwrap_or_default();
        files.extend(flow::flow(reading, (index, table), (stem(&relative), &version)));
    }
    cross::once(reading, "flow", files.iter().map(|file| &file.name));
    let Around { daemon, hours, prompts, queues, agents, engines } = around;
    let prompts: Option<BTreeSet<String>> = prompts.map(|library| library.names().map(str::to_owned).collect());
    let keys = daemon.outside.keys.iter().map(|key| &*key.name).collect();
    let surroundings = Surroundings { hours, prompts: prompts.as_ref(), queues, agents, engines, keys };
    Flows::new(flow::book(reading, files, &surroundings))
}
