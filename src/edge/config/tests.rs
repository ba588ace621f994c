//! The samples, and configurations that are broken in one way each.

use crate::edge::config::read;
use std::path::Path;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_sample_has_no_faults() {
    let configuration = read(repository(), std::iter::empty()).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    });
    let exchange = &configuration.exchange;
    assert_eq!(exchange.trunks.iter().map(|trunk| trunk.name.as_ref()).collect::<Vec<_>>(), ["carrier-a"]);
    assert_eq!(exchange.phones.iter().map(|phone| phone.name.as_ref()).collect::<Vec<_>>(), ["alice", "bob"]);
    assert_eq!(exchange.profiles.listeners, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]);
    assert_eq!(exchange.dialplan.rules.len(), 7);
    for warning in &configuration.warnings {
        assert!(warning.problem.starts_with("holds passwords"), "{warning}");
    }
}
