//! Documents say what is: words, dependencies, files that they name.

use crate::source::{self, read, root};
use std::collections::BTreeSet;

/// The words that the code uses and the place of each. ARCHITECTURE.md holds the same table with the meanings.
const VOCABULARY: &[(&str, &str)] = &[
    ("call", "domain::call"),
    ("leg", "domain::leg"),
    ("party", "domain::leg::party::Party"),
    ("trunk", "domain::trunk"),
    ("target", "domain::trunk::settings::TrunkTarget"),
    ("profile", "domain::profile"),
    ("listener", "domain::profile::Listener"),
    ("phone", "domain::phone"),
    ("number", "base::e164::E164"),
    ("inventory", "domain::number::inventory::Inventory"),
    ("book", "domain::number::book::Book"),
    ("kind", "domain::number::kind::Kind"),
    ("gate", "domain::switchboard::gate"),
    ("guard", "domain::dialplan::guard::Guard"),
    ("hours", "domain::hours"),
    ("dialplan", "domain::dialplan"),
    ("flow", "domain::flow"),
    ("trial", "domain::flow::trial"),
    ("step", "domain::flow::definition::Step"),
    ("memory", "domain::flow::memory::Memory"),
    ("queue", "domain::queue"),
    ("agent", "domain::queue::agent::Agent"),
    ("offer", "domain::queue::interface::Offer"),
    ("engine", "domain::routing::engine::Engine"),
    ("decision", "domain::routing::order::Decision"),
    ("lease", "domain::routing::lease::Lease"),
    ("callback", "domain::queue::callback::Callback"),
    ("promise", "domain::switchboard::callbacks"),
    ("luggage", "domain::flow::luggage"),
    ("routing profile", "domain::queue::settings::RoutingProfile"),
    ("criteria", "domain::queue::criteria::Criteria"),
    ("stage", "domain::call::interface::Stage"),
    ("switchboard", "domain::switchboard"),
    ("exchange", "domain::switchboard::interface::Exchange"),
    ("refusal", "domain::switchboard::interface::RefusalReason"),
    ("hand-over", "domain::call::handover"),
    ("event", "edge::events::wire::Event"),
    ("scope", "edge::control::scope::Scope"),
    ("record", "domain::contact::Record"),
    ("trail", "domain::contact::Record"),
    ("cause", "base::cause::Cause"),
    ("fault", "base::cause::Fault"),
    ("machine", "base::machine::Machine"),
    ("path", "protocol::sip::path::Path"),
    ("stamp", "protocol::sip::stamp"),
    ("transaction", "protocol::sip::transaction"),
    ("store", "edge::store"),
    ("journal", "edge::journal"),
    ("supervisor", "edge::systemd::Supervisor"),
    ("desk", "media::desk::Desk"),
    ("ear", "media::ear::Ear"),
    ("mouth", "media::mouth::Mouth"),
    ("tap", "media::tap::TapOut"),
    ("script", "domain::call::serving::Script"),
    ("attendant", "domain::call::serving::attendant::Attendant"),
    ("slip", "domain::call::serving::news::Slip"),
    ("outside", "edge::outside"),
    ("softphone", "domain::softphone"),
    ("talk", "domain::softphone::talk::Talk"),
    ("seat", "edge::softphone::seats::SeatDoor"),
    ("page", "edge::softphone::socket"),
    ("prompt", "media::prompt::Prompt"),
];

/// Rows of the table under a heading of ARCHITECTURE.md: the first two columns without backticks.
fn table(heading: &str) -> Vec<(String, String)> {
    let text = read("ARCHITECTURE.md");
    let section = text.split(&format!("## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', ""));
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    })
    .collect()
}

#[test]
fn the_vocabulary_is_that_of_the_code() {
    let written = table("Vocabulary");
    let expected: Vec<(String, String)> =
        VOCABULARY.iter().map(|(word, place)| ((*word).to_owned(), (*place).to_owned())).collect();
    assert_eq!(written, expected, "ARCHITECTURE.md and tests/tidy/documents.rs differ");
    let sources = source::all();
    for (word, place) in VOCABULARY {
        let (module, name) = place.rsplit_once("::").unwrap_or((place, ""));
        let is_module = sources.iter().any(|source| source.module == *place);
        let forms = ["struct", "enum", "trait"].map(|form| format!("pub {form} {name}"));
        let is_type = sources
            .iter()
            .any(|source| source.module == module && forms.iter().any(|form| source.text.contains(form.as_str())));
        assert!(is_module || is_type, "`{word}`: there is no `{place}`");
    }
}

#[test]
fn every_dependency_has_its_reason_and_every_reason_a_dependency() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml");
    let keys = |section: &str| {
        manifest.get(section).and_then(|value| value.as_table()).map(|table| table.keys().cloned().collect())
    };
    let mut declared: BTreeSet<String> = keys("dependencies").unwrap_or_default();
    declared.extend(keys("dev-dependencies").unwrap_or_default());
    let written: BTreeSet<String> = table("Dependencies").into_iter().map(|(name, _)| name).collect();
    assert_eq!(written, declared, "ARCHITECTURE.md gives each dependency its reason");
    for (name, reason) in table("Dependencies") {
        assert!(reason.len() > 10, "{name} has no reason");
    }
}

#[test]
fn files_that_documents_name_exist() {
    for document in ["README.md", "ARCHITECTURE.md", "docs/operations.md", "docs/metrics.md"] {
        for (line, path) in links(&read(document)) {
            let folder = root().join(document).parent().expect("a folder").to_owned();
            assert!(folder.join(&path).exists(), "{document}:{line}: {path} does not exist");
        }
    }
}

/// Relative targets of Markdown links.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for rest in line.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default().split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                found.push((at + 1, target.to_owned()));
            }
        }
    }
    found
}

#[test]
fn links_are_found_in_text() {
    let text = "see [a](docs/a.md), [b](https://x/y)\nand [c](d.md#part), [e](#here)";
    assert_eq!(links(text), [(1, "docs/a.md".to_owned()), (2, "d.md".to_owned())]);
}
