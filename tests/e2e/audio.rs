//! What is said on one side is heard on the other: baresip phones with tones, every pair of codecs, keys, digits, hold.

use crate::baresip::{Account, Baresip, Sound};
use crate::daemon::{Daemon, Files, Scratch, wait_for};
use crate::turns::in_real_time;
use crate::wav;
use std::path::Path;

/// What alice and bob each sound like.
const ALICE: u16 = 440;
const BOB: u16 = 1_000;

const PROFILE: &str = r#"
[profile]
realm = "offhook.test"
digest = "md5"
reliable = "supported"
[[listener]]
transport = "udp"
bind = "127.0.0.1:{sip}"
[[phone]]
name = "alice"
password = "secret-of-alice"
{alice}
[[phone]]
name = "bob"
password = "secret-of-bob"
{bob}
"#;

pub struct House {
    pub daemon: Daemon,
}

impl House {
    /// With these settings of the two phones.
    pub fn open(alice: &str, bob: &str) -> House {
        let relay = |more: &str| format!("media = \"relay\"\n{more}");
        let fill = [("{alice}", relay(alice)), ("{bob}", relay(bob))];
        let dialplan = include_str!("config/audio-dialplan.toml");
        House { daemon: Daemon::start(&Files { profile: PROFILE, dialplan, fill: &fill }) }
    }

    pub fn phone(&self, scratch: &Scratch, user: &str, sound: &Sound<'_>) -> Baresip {
        registered(&self.daemon, scratch, user, sound)
    }
}

/// A phone that this daemon knows of; any but alice's takes what comes.
pub fn registered(daemon: &Daemon, scratch: &Scratch, user: &str, sound: &Sound<'_>) -> Baresip {
    let registrar = format!("127.0.0.1:{}", daemon.sip);
    let account = Account { user, registrar, transport: "udp", answers: user != "alice", authority: None };
    let phone = Baresip::start_with(scratch, &account, sound);
    let is_registered = || {
        let told = daemon.control(r#"{"id":1,"command":"phones"}"#);
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        let phones = told["result"]["phones"].as_array().cloned().unwrap_or_default();
        phones.iter().any(|one| one["phone"] == user && one["contacts"].as_array().is_some_and(|c| !c.is_empty()))
    };
    wait_for(is_registered);
    assert!(is_registered(), "{user} did not register: {}\n{}", phone.log(), daemon.log());
    phone
}

/// What a phone recorded of one direction: `enc` is what it said, `dec` what it heard.
pub fn recording(folder: &Path, which: &str) -> Option<wav::Sound> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut names = entries.map(|entry| entry.path());
    let path = names.find(|path| path.to_string_lossy().ends_with(&format!("-{which}.wav")))?;
    wav::read(&path)
}

/// Waits until a tone, and nothing else, was heard.
pub fn hears_tone(phone: &Baresip, hertz: u16, what: &str) {
    let heard = || recording(phone.folder(), "dec");
    let share = || heard().filter(|sound| sound.seconds() > 2.0).map_or(0.0, |it| it.clearest(hertz).share_of(hertz));
    wait_for(|| share() > 0.9);
    let seconds = heard().map_or(0.0, |sound| sound.seconds());
    assert!(share() > 0.9, "{what}: {hertz} Hz are {} of {seconds} s:\n{}", share(), phone.log());
}

/// The tone of the other side, at its level, and nothing else.
fn check_tone(ear: &Baresip, mouth: &Baresip, hertz: u16, what: &str) {
    let heard = recording(ear.folder(), "dec").expect("a recording").clearest(hertz);
    let said = recording(mouth.folder(), "enc").expect("a recording").clearest(hertz);
    assert!(heard.share_of(hertz) > 0.9, "{what}: {hertz} Hz are {} of what was heard", heard.share_of(hertz));
    let lost = said.level() - heard.level();
    assert!(lost.abs() < 1.0, "{what}: {hertz} Hz arrive {lost} dB lower");
}

struct Talk {
    alice: Baresip,
    bob: Baresip,
    // Their folders go with it.
    _scratch: Scratch,
}

fn talk(house: &House, alice: &Sound<'_>, bob: &Sound<'_>, what: &str) -> Talk {
    let scratch = Scratch::new();
    let mut bob = house.phone(&scratch, "bob", bob);
    let mut alice = house.phone(&scratch, "alice", alice);
    alice.dial("bob");
    alice.hears("CALL_ESTABLISHED");
    bob.hears("CALL_ESTABLISHED");
    hears_tone(&alice, BOB, what);
    hears_tone(&bob, ALICE, what);
    Talk { alice, bob, _scratch: scratch }
}

impl Talk {
    fn end(mut self, what: &str) {
        self.alice.command("hangup", "");
        self.bob.hears("CALL_CLOSED");
        check_tone(&self.alice, &self.bob, BOB, &format!("{what}, from bob to alice"));
        check_tone(&self.bob, &self.alice, ALICE, &format!("{what}, from alice to bob"));
    }
}

pub fn sound<'a>(hertz: u16, codecs: &'a str, more: &'a str) -> Sound<'a> {
    Sound { hertz, codecs, more, is_recorded: true }
}

fn check_pairs(first: &str, seconds: &[&str]) {
    let house = House::open("", "");
    for (count, second) in seconds.iter().enumerate() {
        let what = format!("{first} and {second}");
        talk(&house, &sound(ALICE, first, ""), &sound(BOB, second, ""), &what).end(&what);
        let record = house.daemon.records(count + 1).pop().expect("a record");
        for leg in [0, 1] {
            let media = &record["legs"][leg]["media"];
            assert!(media["received"]["packets"].as_u64().is_some_and(|packets| packets > 50), "{what}: {media}");
            // It has signalled another address than it sends from: that is believed of a phone with the third packet in a
            // row. Reports of its own that come before are refused as well.
            assert_eq!(media["refused"]["stranger"].as_u64(), Some(2), "{what}: {media}");
            assert!(
                media["refused"]["strange_reports"].as_u64().is_some_and(|reports| reports <= 2),
                "{what}: {media}"
            );
        }
    }
}

const PCMU: &str = "pcmu";
const PCMA: &str = "pcma";
const G722: &str = "g722/16000/1";
const OPUS: &str = "opus/48000/2";

#[test]
fn pcmu_is_heard_as_every_codec() {
    in_real_time(|| {
        check_pairs(PCMU, &[PCMU, PCMA, G722, OPUS]);
    });
}

#[test]
fn pcma_is_heard_as_every_codec() {
    in_real_time(|| {
        check_pairs(PCMA, &[PCMA, G722, OPUS]);
    });
}

#[test]
fn wideband_codecs_are_heard_as_each_other() {
    in_real_time(|| {
        check_pairs(G722, &[G722, OPUS]);
        check_pairs(OPUS, &[OPUS]);
    });
}

#[test]
fn a_phone_with_keys_talks_to_one_without() {
    in_real_time(|| {
        let house = House::open("srtp = \"required\"", "");
        let what = "SRTP and RTP";
        let keyed = sound(ALICE, PCMA, ";mediaenc=srtp-mand");
        talk(&house, &keyed, &sound(BOB, PCMA, ""), what).end(what);
        let record = house.daemon.records(1).pop().expect("a record");
        // A busy phone may send its first report before it has its keys.
        let refused = record["legs"][0]["media"]["refused"]["not_authentic"].as_u64();
        assert!(refused.is_some_and(|packets| packets <= 1), "{record}");
    });
}

#[test]
fn two_phones_with_keys_have_each_their_own() {
    in_real_time(|| {
        let house = House::open("srtp = \"required\"", "srtp = \"optional\"");
        let what = "SRTP on both sides";
        let (must, may) = (sound(ALICE, PCMU, ";mediaenc=srtp-mand"), sound(BOB, OPUS, ";mediaenc=srtp"));
        talk(&house, &must, &may, what).end(what);
    });
}

/// Loud packets from an address that nobody has signalled, to every port of the daemon, over and over.
fn attack(house: &House, number: u16) {
    let stranger = std::net::UdpSocket::bind("127.0.0.9:0").expect("an address of the loopback");
    let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7];
    packet.resize(12 + 160, 0x00);
    packet[2..4].copy_from_slice(&number.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(number) * 160).to_be_bytes());
    for port in house.daemon.media_ports() {
        // A port that nobody has open says so, which is no concern of a stranger.
        let _ = stranger.send_to(&packet, ("127.0.0.1", port));
    }
}

#[test]
fn a_strangers_packets_are_heard_by_nobody() {
    in_real_time(|| {
        let house = House::open("", "");
        let what = "with a stranger";
        let talk = talk(&house, &sound(ALICE, PCMU, ""), &sound(BOB, PCMA, ""), what);
        let heard = |phone: &Baresip| recording(phone.folder(), "dec").map_or(0.0, |sound| sound.seconds());
        let (before, mut number) = (heard(&talk.bob), 0);
        wait_for(|| {
            number += 1;
            attack(&house, number);
            heard(&talk.bob) > before + 2.0
        });
        let attacked = recording(talk.bob.folder(), "dec").expect("a recording").since(before).clearest(ALICE);
        assert!(attacked.share_of(ALICE) > 0.9, "{} of what bob hears is alice", attacked.share_of(ALICE));
        talk.end(what);
        let record = house.daemon.records(1).pop().expect("a record");
        let refused = record["legs"].as_array().expect("legs").iter().map(|leg| &leg["media"]["refused"]["stranger"]);
        assert!(refused.filter_map(serde_json::Value::as_u64).sum::<u64>() > 20, "{record}");
    });
}

/// alice presses keys as events; bob is told in the form that he wants, once for each.
fn check_digits(wish: &str) {
    let house = House::open("", &format!("dtmf = \"{wish}\""));
    let mut talk = talk(&house, &sound(ALICE, PCMU, ""), &sound(BOB, PCMU, ""), wish);
    for key in ["4", "2", "#"] {
        talk.alice.command("sndcode", key);
        talk.bob.hears(&format!("\"param\":\"{key}\""));
    }
    talk.alice.command("hangup", "");
    talk.bob.hears("CALL_CLOSED");
    assert_eq!(talk.bob.count("CALL_DTMF_START"), 3, "{wish}: {}", talk.bob.log());
}

#[test]
fn keys_arrive_once_as_events() {
    in_real_time(|| {
        check_digits("rfc4733");
    });
}

#[test]
fn keys_arrive_once_as_tones() {
    in_real_time(|| {
        let house = House::open("", "dtmf = \"in-band\"");
        let mut talk = talk(&house, &sound(ALICE, PCMU, ""), &sound(BOB, PCMU, ""), "tones");
        talk.alice.command("sndcode", "5");
        let presses = || recording(talk.bob.folder(), "dec").map_or(0, |sound| sound.presses_of(770, 1_336));
        wait_for(|| presses() > 0);
        let pressed_at = recording(talk.bob.folder(), "dec").map_or(0.0, |sound| sound.seconds());
        // Should it come twice, it comes soon.
        wait_for(|| recording(talk.bob.folder(), "dec").is_some_and(|sound| sound.seconds() > pressed_at + 1.0));
        assert_eq!(presses(), 1, "{}", talk.bob.log());
    });
}

#[test]
fn keys_arrive_once_as_info() {
    in_real_time(|| {
        check_digits("info-relay");
    });
}
