//! Configurations that are broken in one way each, and the exact words that say so: `tests/data/config/broken.txt`.

use crate::edge::config::tests::{Folder, pair, repository};

/// One case as it stands in the file.
#[derive(Default)]
struct Case {
    name: String,
    steps: Vec<Step>,
    expected: Vec<String>,
}

struct Step {
    verb: String,
    object: String,
    from: String,
    to: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        if mark == "==" {
            cases.push(Case { name: rest.to_owned(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().unwrap();
        match mark {
            "!" => case.expected.push(rest.to_owned()),
            "<" => case.steps.last_mut().unwrap().from += &format!("{rest}\n"),
            ">" => case.steps.last_mut().unwrap().to += &format!("{rest}\n"),
            _ => {
                let step =
                    Step { verb: mark.to_owned(), object: rest.to_owned(), from: String::new(), to: String::new() };
                case.steps.push(step);
            }
        }
    }
    cases
}

/// What is told of the folder once the steps are done.
fn told(case: &Case) -> Vec<String> {
    let folder = Folder::sample();
    let mut variables = Vec::new();
    for step in &case.steps {
        let last = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
        match step.verb.as_str() {
            "edit" => folder.edit(&step.object, &last(&step.from), &last(&step.to)),
            "write" => folder.write(&step.object, &step.to),
            "remove" => folder.remove(&step.object),
            "set" => variables.push(step.object.split_once('=').unwrap()),
            other => panic!("{}: no step is called {other}", case.name),
        }
    }
    let faults = match folder.try_read(&variables) {
        Ok(configuration) => configuration.warnings,
        Err(faults) => faults,
    };
    folder.summaries(&faults)
}

#[test]
fn every_fault_is_told_in_its_exact_words() {
    let text = std::fs::read_to_string(repository().join("tests/data/config/broken.txt")).unwrap();
    let cases = cases(&text);
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let told = told(case);
        if told != case.expected || told.is_empty() {
            let lines: String = told.iter().map(|line| format!("! {line}\n")).collect();
            wrong.push_str(&format!("== {}\n{lines}\n", case.name));
        }
    }
    assert!(wrong.is_empty(), "told otherwise:\n{wrong}");
}

#[test]
fn a_key_of_another_certificate_is_found() {
    let folder = Folder::sample();
    let ((certificate, _), (_, key)) = (pair(), pair());
    folder.write("a.pem", &certificate);
    folder.write("a.key", &key);
    let tls = "transport = \"tls\"\ncertificate = \"a.pem\"\nkey = \"a.key\"";
    folder.edit("sip-profiles/phones.toml", "transport = \"udp\"", tls);
    let faults = folder.try_read(&[]).unwrap_err();
    let expected =
        "sip-profiles/phones.toml:4:7: error: listener[0].key: the key does not belong to the certificate `a.pem`";
    assert_eq!(folder.summaries(&faults), [expected]);
}

#[test]
fn a_password_for_everybody_to_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::sample();
    folder.edit("sip-profiles/phones.toml", "password_env = \"ALICE\"", "password = \"hush\"");
    let file = folder.path().join("sip-profiles/phones.toml");
    let warned = |mode: u32| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        folder.summaries(&folder.read().warnings)
    };
    assert_eq!(warned(0o640), Vec::<String>::new());
    assert_eq!(
        warned(0o644),
        ["sip-profiles/phones.toml: warning: holds passwords and can be read by everybody on this machine; \
          chmod o-r sip-profiles/phones.toml, or use `password_file`"]
    );
}
