//! linphone as a phone: it registers with digest over UDP, TCP and TLS, calls and is called, holds and hangs up.

use crate::audio;
use crate::baresip::{Account, Baresip, Sound};
use crate::certificates;
use crate::daemon::{Daemon, Files, Scratch, free_port, wait_for};
use crate::own_network::in_own_network;
use crate::turns::in_real_time;
use crate::wav;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

struct Linphone {
    child: Child,
    keyboard: ChildStdin,
    log: PathBuf,
    /// How much of the log earlier waits have used up.
    heard: usize,
}

impl Linphone {
    fn start(folder: &Path, config: &str, answers: bool) -> Linphone {
        std::fs::create_dir_all(folder.join(".local/share/linphone")).expect("a folder");
        std::fs::write(folder.join("linphonerc"), config).expect("written");
        let log = folder.join("log");
        let screen = std::fs::File::create(folder.join("screen")).expect("a file");
        let mut command = Command::new("linphonec");
        command.args(answers.then_some("-a")).arg("-c").arg(folder.join("linphonerc"));
        let mut child = command
            .args(["-d", "6", "-l"])
            .arg(&log)
            .env("HOME", folder)
            .stdin(Stdio::piped())
            .stdout(screen.try_clone().expect("a second handle"))
            .stderr(screen)
            .spawn()
            .expect("linphonec starts (Debian package linphone-cli)");
        let keyboard = child.stdin.take().expect("piped");
        let mut phone = Linphone { child, keyboard, log, heard: 0 };
        phone.types("soundcard use files");
        phone
    }

    fn types(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").expect("linphonec reads");
    }

    /// Waits until the phone has told of this, after what was heard before.
    fn hears(&mut self, what: &str) {
        let mut text = String::new();
        let mut found = None;
        wait_for(|| {
            let bytes = std::fs::read(&self.log).unwrap_or_default();
            text = String::from_utf8_lossy(bytes.get(self.heard..).unwrap_or_default()).into_owned();
            found = text.find(what);
            found.is_some()
        });
        let at = found.unwrap_or_else(|| panic!("linphone never told of {what}; it told:\n{text}"));
        self.heard += at + what.len();
    }

    /// Plays a sound that comes with it, as if spoken.
    fn speaks(&mut self) {
        self.types("play /usr/share/sounds/linphone/hello8000.wav");
    }

    /// Waits for speech: its own account of what comes in, in kbit/s, once a second. Silence takes next to nothing.
    fn hears_speech(&mut self) {
        let mut text = String::new();
        let mut heard = false;
        wait_for(|| {
            let bytes = std::fs::read(&self.log).unwrap_or_default();
            text = String::from_utf8_lossy(bytes.get(self.heard..).unwrap_or_default()).into_owned();
            let rates = text.split("RTP : [d=").skip(1).filter_map(|rest| rest.split(',').next()?.parse::<f32>().ok());
            heard = rates.fold(0.0, f32::max) > 8.0;
            heard
        });
        assert!(heard, "linphone never heard speech; it told:\n{text}");
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Office {
    daemon: Daemon,
    tls: u16,
    certificates: Scratch,
}

impl Office {
    /// `digest` as in the profile: `both`, or `md5` where a phone knows no more.
    fn open(digest: &str) -> Office {
        let (tls, ws) = (free_port(), free_port());
        let certificates = Scratch::new();
        certificates::make(&certificates.0);
        let profile = include_str!("config/phones.toml").replace("{dir}", &certificates.0.display().to_string());
        let fill = [("{tls}", tls.to_string()), ("{ws}", ws.to_string()), ("{digest}", digest.to_owned())];
        let files = Files { profile: &profile, dialplan: include_str!("config/phones-dialplan.toml"), fill: &fill };
        Office { daemon: Daemon::start(&files), tls, certificates }
    }

    fn linphone(&self, user: &str, transport: &str, answers: bool) -> Linphone {
        // Its TLS library knows names in certificates only, no addresses.
        let (host, port) = if transport == "tls" { ("localhost", self.tls) } else { ("127.0.0.1", self.daemon.sip) };
        let (udp, tcp, tls, rtp) = (free_port(), free_port(), free_port(), free_port());
        let authority = self.certificates.0.join("ca.pem");
        let config = format!(
            "[sip]\nsip_port={udp}\nsip_tcp_port={tcp}\nsip_tls_port={tls}\nuse_ipv6=0\nguess_hostname=0\n\
             contact=<sip:{user}@127.0.0.1>\nroot_ca={}\nverify_server_certs=1\nverify_server_cn=1\ndefault_proxy=0\n\
             [rtp]\naudio_rtp_port={rtp}\n\
             [proxy_0]\nreg_proxy=<sip:{host}:{port};transport={transport}>\n\
             reg_route=<sip:{host}:{port};transport={transport};lr>\nreg_identity=sip:{user}@offhook.test\n\
             reg_expires=60\nreg_sendregister=1\npublish=0\n\
             [auth_info_0]\nusername={user}\npasswd=secret-of-{user}\nrealm=offhook.test\n",
            authority.display()
        );
        let folder = self.daemon.folder.0.join(format!("linphone-{user}"));
        let mut phone = Linphone::start(&folder, &config, answers);
        phone.hears("to [LinphoneRegistrationOk]");
        phone
    }

    fn baresip(&self, user: &str, answers: bool) -> Baresip {
        let sound = Sound { hertz: 440, codecs: "pcmu,pcma", more: "", is_recorded: false };
        self.baresip_with(user, answers, &sound)
    }

    fn baresip_with(&self, user: &str, answers: bool, sound: &Sound<'_>) -> Baresip {
        let registrar = format!("127.0.0.1:{}", self.daemon.sip);
        let account = Account { user, registrar, transport: "udp", answers, authority: None };
        let phone = Baresip::start_with(&self.daemon.folder, &account, sound);
        // It may have registered before anybody listened to its events.
        let registered = format!(r#""message":"phone registered","phone":"{user}""#);
        wait_for(|| self.daemon.log().contains(&registered));
        assert!(self.daemon.log().contains(&registered), "baresip does not register:\n{}", phone.log());
        phone
    }

    /// The one call of the test ended as calls should, and alice had placed it.
    fn has_recorded_a_good_call(&self) {
        let records = self.daemon.records(1);
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!(records[0]["cause"], "normal", "{records:?}");
        assert_eq!(records[0]["caller"]["party"], "phone:alice");
        assert_eq!(records[0]["legs"][1]["party"], "phone:bob");
        assert!(records[0]["answered_at"].is_number(), "{records:?}");
    }
}

const TALKING: &str = "to LinphoneCallStreamsRunning";
const ENDED: &str = "to LinphoneCallEnd";

/// Two linphones on one transport: one calls the other, they talk, and one of them hangs up.
fn check(transport: &str, caller_hangs_up: bool) {
    let office = Office::open("both");
    let mut bob = office.linphone("bob", transport, true);
    let mut alice = office.linphone("alice", transport, false);
    alice.types("call sip:bob@offhook.test");
    alice.hears("to LinphoneCallOutgoingRinging");
    alice.hears(TALKING);
    bob.hears(TALKING);
    alice.speaks();
    bob.hears_speech();
    bob.speaks();
    alice.hears_speech();
    let (first, other) = if caller_hangs_up { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
    first.types("terminate");
    first.hears(ENDED);
    other.hears(ENDED);
    office.has_recorded_a_good_call();
}

#[test]
fn two_linphones_over_udp_talk_and_the_caller_hangs_up() {
    in_own_network(|| check("udp", true));
}

#[test]
fn two_linphones_over_tcp_talk_and_the_callee_hangs_up() {
    in_own_network(|| check("tcp", false));
}

#[test]
fn two_linphones_over_tls_talk_and_the_caller_hangs_up() {
    in_own_network(|| check("tls", true));
}

#[test]
fn a_linphone_holds_and_resumes_another() {
    in_own_network(|| {
        let office = Office::open("both");
        let mut bob = office.linphone("bob", "tcp", true);
        let mut alice = office.linphone("alice", "udp", false);
        alice.types("call sip:bob@offhook.test");
        alice.hears(TALKING);
        bob.hears(TALKING);
        alice.types("pause");
        alice.hears("to LinphoneCallPaused");
        bob.hears("to LinphoneCallPausedByRemote");
        alice.types("resume");
        alice.hears(TALKING);
        bob.hears(TALKING);
        bob.types("terminate");
        alice.hears(ENDED);
        office.has_recorded_a_good_call();
    });
}

#[test]
fn a_linphone_calls_a_baresip_which_hangs_up() {
    in_own_network(|| {
        let office = Office::open("md5");
        let mut bob = office.baresip("bob", true);
        let mut alice = office.linphone("alice", "tcp", false);
        alice.types("call sip:bob@offhook.test");
        alice.hears(TALKING);
        bob.hears("CALL_ESTABLISHED");
        bob.command("hangup", "");
        alice.hears(ENDED);
        office.has_recorded_a_good_call();
    });
}

#[test]
fn a_baresip_calls_a_linphone_and_hangs_up() {
    in_own_network(|| {
        let office = Office::open("md5");
        let mut bob = office.linphone("bob", "tls", true);
        let mut alice = office.baresip("alice", false);
        alice.command("dial", &format!("sip:bob@127.0.0.1:{}", office.daemon.sip));
        alice.hears("CALL_ESTABLISHED");
        bob.hears(TALKING);
        alice.command("hangup", "");
        bob.hears(ENDED);
        office.has_recorded_a_good_call();
    });
}

/// Half a minute of a tone, for a linphone to say.
fn write_tone(path: &Path, hertz: f64) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a file");
    for at in 0..8_000 * 30 {
        let value = (std::f64::consts::TAU * hertz * f64::from(at) / 8_000.0).sin();
        writer.write_sample((value * 8_000.0).round() as i16).expect("room");
    }
    writer.finalize().expect("written");
}

/// A linphone, which offers Opus first, says one tone, a baresip that has this codec only another.
fn check_tones(codec: &str) {
    let office = Office::open("md5");
    let folder = &office.daemon.folder.0;
    let (said, heard) = (folder.join("said.wav"), folder.join("heard.wav"));
    write_tone(&said, 440.0);
    let sound = Sound { hertz: 1_000, codecs: codec, more: "", is_recorded: true };
    let mut bob = office.baresip_with("bob", true, &sound);
    let mut alice = office.linphone("alice", "udp", false);
    alice.types("call sip:bob@offhook.test");
    alice.hears(TALKING);
    bob.hears("CALL_ESTABLISHED");
    alice.types(&format!("play {}", said.display()));
    alice.types(&format!("record {}", heard.display()));
    audio::hears_tone(&bob, 440, codec);
    // A second at 48,000 samples, six at 8,000. It writes the file's head when the call is over.
    wait_for(|| std::fs::metadata(&heard).is_ok_and(|file| file.len() > 96_000));
    alice.types("terminate");
    alice.hears(ENDED);
    let share = || wav::read(&heard).map_or(0.0, |sound| sound.clearest(1_000).share_of(1_000));
    wait_for(|| share() > 0.9);
    assert!(share() > 0.9, "{codec}: {} of what linphone heard", share());
    office.has_recorded_a_good_call();
}

#[test]
fn a_linphone_and_a_baresip_hear_each_others_tones_in_g711() {
    in_own_network(|| in_real_time(|| check_tones("pcma")));
}

#[test]
fn a_linphone_and_a_baresip_hear_each_others_tones_in_g722() {
    in_own_network(|| in_real_time(|| check_tones("g722/16000/1")));
}

#[test]
fn a_linphone_and_a_baresip_hear_each_others_tones_in_opus() {
    in_own_network(|| in_real_time(|| check_tones("opus/48000/2")));
}

/// RFC 5589: bob has alice on hold, asks carol, and joins the two.
#[test]
fn a_linphone_transfers_attended_and_the_other_two_talk() {
    in_own_network(|| {
        let office = Office::open("both");
        let mut carol = office.linphone("carol", "tcp", true);
        let mut bob = office.linphone("bob", "udp", true);
        let mut alice = office.linphone("alice", "udp", false);
        alice.types("call sip:bob@offhook.test");
        alice.hears(TALKING);
        bob.hears(TALKING);
        bob.types("pause");
        alice.hears("to LinphoneCallPausedByRemote");
        bob.types("call sip:carol@offhook.test");
        bob.hears(TALKING);
        carol.hears(TALKING);
        bob.types("transfer 1 --to-call 2");
        bob.hears(ENDED);
        bob.hears(ENDED);
        alice.hears(TALKING);
        alice.speaks();
        carol.hears_speech();
        carol.speaks();
        alice.hears_speech();
        carol.types("terminate");
        alice.hears(ENDED);
        let records = office.daemon.records(2);
        let of = |caller: &str| {
            let found = records.iter().find(|record| record["caller"]["party"] == caller);
            found.unwrap_or_else(|| panic!("no record of {caller}: {records:?}"))
        };
        let parties = |record: &serde_json::Value| {
            let legs = record["legs"].as_array().expect("legs");
            legs.iter().map(|leg| leg["party"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(parties(of("phone:alice")), ["phone:alice", "phone:bob", "phone:carol"]);
        assert_eq!(parties(of("phone:bob")), ["phone:bob", "phone:carol"]);
        assert!(records.iter().all(|record| record["cause"] == "normal"), "{records:?}");
    });
}
