//! `docs/configuration.md` holds exactly the keys that the code knows, with their kinds and defaults.

use crate::edge::config::read::read_with;
use crate::edge::config::reading::{Known, Reading};
use crate::edge::config::tests::{Folder, repository};
use std::collections::{BTreeMap, BTreeSet};

type Keys = BTreeMap<(String, String), Known>;

/// One of each thing that may be there, so that the readers ask for every key that there is.
fn known() -> Keys {
    let folder = Folder::empty();
    folder.write("offhook.toml", "[softphone.jwt]\n[[softphone.ice_server]]\n[[softphone.quick_connect]]\n");
    let profile = "[[listener]]\n[[trunk]]\nregistration = {}\ninbound_digest = {}\noutbound_digest = {}\n[[trunk.target]]\n[[phone]]\n";
    folder.write("sip-profiles/a.toml", profile);
    folder.write("dialplans/a.toml", "[[rule]]\n[[group]]\n[[trunk_group]]\n[[trunk_group.member]]\n[[emergency]]\n[[status]]\n[[queue]]\n[[routing_profile]]\n[[routing_profile.queue]]\n[[agent]]\n[[agent.proficiency]]\n[outbound]\n[[caller_id]]\n[[guard]]\n[[account]]\n[[rate]]\n[[engine]]\n");
    folder.write("dialplans/hours/a.toml", "[[holiday]]\n[[exception]]\n");
    let reading = Reading::new(folder.path().to_owned(), BTreeMap::new());
    read_with(&reading);
    let keys = reading.known().into_iter();
    let keys = keys.filter(|(_, known)| known.kind != "table" && known.kind != "list of tables");
    keys.map(|((file, key), known)| ((file.to_owned(), key), known)).collect()
}

/// The rows of the document's tables; the heading above names the file.
fn documented() -> Keys {
    let text = std::fs::read_to_string(repository().join("docs/configuration.md")).unwrap();
    let mut keys = Keys::new();
    let mut file = String::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## `") {
            title.trim_end_matches('`').clone_into(&mut file);
        } else if let Some(row) = line.strip_prefix("| `") {
            let cells: Vec<&str> = row.trim_end_matches('|').split(" | ").map(str::trim).collect();
            assert!(cells.len() == 4 && !cells[3].is_empty(), "{line}");
            let key = (file.clone(), cells[0].trim_end_matches('`').to_owned());
            let known = Known { kind: cells[1].to_owned(), default: cells[2].to_owned() };
            assert_eq!(keys.insert(key, known), None, "twice: {line}");
        }
    }
    keys
}

#[test]
fn every_key_is_documented_with_its_kind_and_default() {
    let (known, documented) = (known(), documented());
    let names = |keys: &Keys| -> BTreeSet<(String, String)> { keys.keys().cloned().collect() };
    let missing: Vec<_> = names(&known).difference(&names(&documented)).cloned().collect();
    let surplus: Vec<_> = names(&documented).difference(&names(&known)).cloned().collect();
    assert!(missing.is_empty() && surplus.is_empty(), "not documented: {missing:#?}\nnot known: {surplus:#?}");
    for (key, known) in &known {
        assert_eq!(documented.get(key), Some(known), "{key:?}");
    }
    assert!(known.len() > 120, "{} keys", known.len());
}
