//! The softphone's page in a browser before a daemon that is not one: what the library makes of snapshots, and how each state looks.

use crate::daemon::Scratch;
use crate::web;
use std::path::Path;
use std::process::Command;

/// Runs Node there and fails with all that it said.
fn node(folder: &Path, arguments: &[&str]) {
    let outcome =
        Command::new("node").args(arguments).current_dir(folder).output().expect("node runs (Debian package nodejs)");
    let told = [outcome.stdout, outcome.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(outcome.status.success(), "node {arguments:?}:\n{told}");
}

#[test]
fn what_the_library_makes_of_snapshots_and_the_texts_of_the_pages_hold() {
    node(&Path::new(env!("CARGO_MANIFEST_DIR")).join("web"), &["--test", "test/"]);
}

#[test]
fn the_page_talks_in_a_browser_through_reloads_and_losses() {
    web::install();
    node(&web::folder(), &["--test", "page.test.mjs"]);
}

/// The pictures are of a person's eyes; what fails here is what axe-core finds, and what does not fit the screen.
#[test]
fn every_state_of_the_page_is_accessible_and_fits_a_telephone() {
    web::install();
    let pictures = Scratch::new();
    let folder = pictures.0.display().to_string();
    node(&web::folder(), &["pictures.mjs", &folder, "wide-light-en", "narrow-dark-ja"]);
    assert!(std::fs::read_dir(&pictures.0).expect("a folder").count() > 40, "not every state was seen");
}
