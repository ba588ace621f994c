//! `offhook dial` talks with phones and carriers that we did not write: tones both ways, keys in each form, its recording.

use crate::audio::{House, hears_tone, recording, sound};
use crate::baresip::Baresip;
use crate::daemon::{Daemon, Files, Scratch, free_port, free_ports, wait_for};
use crate::sipp::{CALLEE, CALLER, Part, Sipp, Wire};
use crate::turns::in_real_time;
use crate::wav;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const OURS: u16 = 523;
const BOB: u16 = 1_000;

/// A call that `offhook dial` places while the test does something else.
struct Dialled {
    child: Child,
    recording: PathBuf,
}

impl Dialled {
    fn place(folder: &Path, daemon: &Daemon, number: &str, more: &[&str]) -> Dialled {
        let recording = folder.join("heard.wav");
        let child = Command::new(env!("CARGO_BIN_EXE_offhook"))
            .args([
                "dial",
                number,
                "--to",
                &format!("127.0.0.1:{}", daemon.sip),
                "--play",
                &OURS.to_string(),
                "--record",
            ])
            .arg(&recording)
            .args(["--json"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("offhook dial starts");
        Dialled { child, recording }
    }

    /// What it told when the call had ended, and what it recorded.
    fn told(self, daemon: &Daemon) -> (serde_json::Value, wav::Sound) {
        let output = self.child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(told["status"], 200, "{told}\n{}", daemon.log());
        let heard = wav::read(&self.recording).expect("a recording");
        let seconds = told["heard"]["seconds"].as_f64().expect("a number");
        assert!((heard.seconds() - seconds).abs() < 0.01, "the file holds {} s: {told}", heard.seconds());
        (told, heard)
    }
}

/// It names the tone that it heard, and its recording holds nothing else.
fn check_told((told, recording): &(serde_json::Value, wav::Sound), hertz: u16, what: &str) {
    let heard = &told["heard"];
    let found = heard["hertz"].as_u64().unwrap_or(0).abs_diff(u64::from(hertz));
    assert!(found <= 2 && heard["share"].as_f64() > Some(0.5), "{what}: {heard}");
    let share = recording.clearest(hertz).share_of(hertz);
    assert!(share > 0.9, "{what}: {share} of the recording; {heard}");
}

/// bob by baresip, who sings, and alice by `offhook dial`.
struct Talk {
    house: House,
    bob: Baresip,
    alice: Dialled,
    _scratch: Scratch,
}

impl Talk {
    fn begin((alices, bobs): (&str, &str), codec: &str, more: &[&str]) -> Talk {
        let house = House::open(alices, bobs);
        let scratch = Scratch::new();
        let mut bob = house.phone(&scratch, "bob", &sound(BOB, codec, ""));
        let login = ["--login", "alice:secret-of-alice", "--from", "alice"];
        let alice = Dialled::place(&scratch.0, &house.daemon, "bob", &[&login, more].concat());
        bob.hears("CALL_ESTABLISHED");
        Talk { house, bob, alice, _scratch: scratch }
    }
}

#[test]
fn a_tone_is_heard_both_ways_in_each_codec_that_it_speaks() {
    in_real_time(|| {
        for (ours, bobs) in [("pcmu", "pcma"), ("g722", "opus/48000/2"), ("opus", "pcmu")] {
            let Talk { house, mut bob, alice, _scratch } =
                Talk::begin(("", ""), bobs, &["--codecs", ours, "--seconds", "5"]);
            hears_tone(&bob, OURS, ours);
            let told = alice.told(&house.daemon);
            bob.hears("CALL_CLOSED");
            check_told(&told, BOB, ours);
            assert_eq!(told.0["heard"]["media"]["received"]["lost"], 0, "{}", told.0);
        }
    });
}

/// Keys of each form, to a phone that wants tones: each is heard once.
#[test]
fn keys_of_each_form_are_heard_once_by_a_phone_that_wants_tones() {
    in_real_time(|| {
        for form in ["events", "tones", "info"] {
            let alices = if form == "tones" { "dtmf_in_band = true" } else { "" };
            let keys = ["--digits", ",4,2#", "--digits-as", form, "--seconds", "6"];
            let Talk { house, mut bob, alice, _scratch } = Talk::begin((alices, "dtmf = \"in-band\""), "pcmu", &keys);
            alice.told(&house.daemon);
            bob.hears("CALL_CLOSED");
            let heard = recording(bob.folder(), "dec").expect("a recording");
            let presses = [(770, 1_209), (697, 1_336), (941, 1_477)].map(|(low, high)| heard.presses_of(low, high));
            assert_eq!(presses, [1, 1, 1], "{form}");
        }
    });
}

/// Keys of each form, to a phone that wants events, and one that wants INFO.
#[test]
fn keys_of_each_form_arrive_once_in_each_other() {
    in_real_time(|| {
        for form in ["events", "tones", "info"] {
            for wish in ["rfc4733", "info-relay"] {
                let alices = if form == "tones" { "dtmf_in_band = true" } else { "" };
                let bobs = format!("dtmf = \"{wish}\"");
                let keys = ["--digits", ",4,2#", "--digits-as", form, "--seconds", "5"];
                let Talk { house, mut bob, alice, _scratch } = Talk::begin((alices, &bobs), "pcmu", &keys);
                for key in ["4", "2", "#"] {
                    bob.hears(&format!("\"param\":\"{key}\""));
                }
                alice.told(&house.daemon);
                bob.hears("CALL_CLOSED");
                assert_eq!(bob.count("CALL_DTMF_START"), 3, "{form} to {wish}: {}", bob.log());
            }
        }
    });
}

#[test]
fn who_is_held_hears_nothing_and_then_the_other_again() {
    in_real_time(|| {
        let Talk { house, mut bob, alice, _scratch } = Talk::begin(("", ""), "pcma", &["--seconds", "9"]);
        hears_tone(&bob, OURS, "before the hold");
        let events = || house.daemon.metric("offhook_call_events_total");
        let before = events();
        bob.command("hold", "");
        wait_for(|| events() > before);
        let since = Instant::now();
        wait_for(|| since.elapsed() > Duration::from_secs(2));
        bob.command("resume", "");
        let spells = alice.told(&house.daemon).1.spells_of(BOB);
        let longer = |sounds: bool| spells.iter().filter(|spell| spell.0 == sounds && spell.1 > 1.0).count();
        assert_eq!((longer(true), longer(false)), (2, 1), "heard, held, heard: {spells:.2?}");
    });
}

/// The trunks of the SIPp tests, with a callee that sends back what it hears.
#[test]
fn what_a_carrier_sends_back_is_what_was_said() {
    in_real_time(|| {
        let (callee, media) = (free_port(), free_ports(4));
        let fill =
            [("{callee}", callee.to_string()), ("{second}", free_port().to_string()), ("{wire}", "udp".to_owned())];
        let files = Files {
            profile: include_str!("config/trunks.toml"),
            dialplan: include_str!("config/dialplan.toml"),
            fill: &fill,
        };
        let daemon = Daemon::start(&files);
        let part = Part { scenario: "uas_waits", address: CALLEE, port: callee, wire: Wire::Udp, calls: 1 };
        let echo = Sipp::echoing_callee(&daemon.folder, &part, media);
        let from = format!("{CALLER}:0");
        let dialled = Dialled::place(&daemon.folder.0, &daemon, "+815012340001", &["--bind", &from, "--seconds", "4"]);
        let told = dialled.told(&daemon);
        echo.passes(&daemon);
        check_told(&told, OURS, "an echo");
        let level = told.1.clearest(OURS).level();
        assert!((level + 19.0).abs() < 1.0, "{level} dB of -19: {}", told.0);
        let record = daemon.records(1).pop().expect("a record");
        for leg in [0, 1] {
            let refused = &record["legs"][leg]["media"]["refused"];
            assert_eq!(
                (refused["stranger"].as_u64(), refused["strange_reports"].as_u64()),
                (Some(0), Some(0)),
                "{record}"
            );
        }
    });
}
