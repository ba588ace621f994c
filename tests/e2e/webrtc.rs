//! Phones in a real browser, unmodified JsSIP and SIP.js: what is said on one side is heard on the other, through us.

use crate::audio::{hears_tone, registered, sound};
use crate::baresip::Baresip;
use crate::browser::{Browser, Phone};
use crate::daemon::{Daemon, Files, Scratch, free_port};
use crate::turns::in_real_time;

/// What each sounds like.
const BROWSER: u16 = 600;
const TELEPHONE: u16 = 1_000;
const CAROL: u16 = 1_500;

const PROFILE: &str = r#"
[profile]
realm = "offhook.test"
digest = "md5"
[[listener]]
transport = "udp"
bind = "127.0.0.1:{sip}"
[[listener]]
transport = "ws"
bind = "127.0.0.1:{ws}"
[[phone]]
name = "alice"
password = "secret-of-alice"
[[phone]]
name = "bob"
password = "secret-of-bob"
codecs = ["PCMU"]
[[phone]]
name = "carol"
password = "secret-of-carol"
codecs = ["PCMA"]
"#;

struct Office {
    daemon: Daemon,
    url: String,
    scratch: Scratch,
}

impl Office {
    fn open() -> Office {
        let ws = free_port();
        let fill = [("{ws}", ws.to_string())];
        let carol = "[[rule]]\nname = \"carol\"\nnumber = \"carol\"\nto = [\"phone:carol\"]\n";
        let dialplan = [include_str!("config/audio-dialplan.toml"), carol].concat();
        let daemon = Daemon::start(&Files { profile: PROFILE, dialplan: &dialplan, fill: &fill });
        Office { daemon, url: format!("ws://127.0.0.1:{ws}"), scratch: Scratch::new() }
    }

    fn browser(&self, library: &str) -> Browser {
        Browser::start(&self.url, &Phone { library, user: "alice", hertz: BROWSER })
    }

    fn telephone(&self) -> Baresip {
        registered(&self.daemon, &self.scratch, "bob", &sound(TELEPHONE, "pcmu", ""))
    }

    /// What only a handshake, checks and Opus through us leave behind.
    fn check_record(&self) {
        let record = self.daemon.records(1).pop().expect("a record");
        let legs = record["legs"].as_array().expect("legs");
        let mut codecs: Vec<&str> = legs.iter().filter_map(|leg| leg["media"]["codec"].as_str()).collect();
        codecs.sort_unstable();
        assert_eq!(codecs, ["PCMU", "opus"], "{record}");
        let (_, page) = self.daemon.get("/metrics").expect("a page");
        assert!(page.contains("offhook_dtls_handshakes_total{outcome=\"done\"} 1\n"), "{page}");
        assert!((self.daemon.metric("offhook_dtls_handshakes_total") - 1.0).abs() < 0.5, "one has failed: {page}");
        assert!(!page.contains("offhook_ice_checks_total{outcome=\"taken\"} 0\n"), "{page}");
    }
}

/// Both are heard, through what a browser is right to expect.
fn talk(browser: &mut Browser, telephone: &Baresip) {
    browser.does(&format!("hears {TELEPHONE}"));
    hears_tone(telephone, BROWSER, "from the browser");
    let connection = browser.does("connection");
    for part in ["connected", "SRTP_A", "audio/opus"] {
        assert!(connection.contains(part), "{part} is not in {connection}");
    }
    assert!(browser.does("tells streams") != "streams 0");
}

fn hold(browser: &mut Browser) {
    browser.does("hold");
    browser.does("tells hold");
    browser.does("silence");
    browser.does("unhold");
    browser.does("tells unhold");
    browser.does(&format!("hears {TELEPHONE}"));
}

fn keys(browser: &mut Browser, telephone: &mut Baresip) {
    browser.does("key 5");
    telephone.hears("\"param\":\"5\"");
    assert_eq!(telephone.count("CALL_DTMF_START"), 1);
}

#[test]
fn a_browser_with_jssip_calls_a_telephone_and_is_heard_and_hears() {
    in_real_time(|| {
        let office = Office::open();
        let mut telephone = office.telephone();
        let mut browser = office.browser("jssip");
        browser.does("call bob");
        talk(&mut browser, &telephone);
        browser.does("tells confirmed");
        keys(&mut browser, &mut telephone);
        hold(&mut browser);
        browser.does("end");
        telephone.hears("CALL_CLOSED");
        office.check_record();
    });
}

#[test]
fn a_telephone_calls_a_browser_with_jssip_and_hangs_up() {
    in_real_time(|| {
        let office = Office::open();
        let mut telephone = office.telephone();
        let mut browser = office.browser("jssip");
        telephone.dial("alice");
        browser.does("tells rings: bob");
        browser.does("answer");
        talk(&mut browser, &telephone);
        telephone.command("hold", "");
        browser.does("tells hold");
        browser.does("silence");
        telephone.command("resume", "");
        browser.does("tells unhold");
        browser.does(&format!("hears {TELEPHONE}"));
        telephone.command("hangup", "");
        browser.does("tells ended");
        office.check_record();
    });
}

#[test]
fn a_browser_that_a_telephone_transfers_hears_the_new_one() {
    in_real_time(|| {
        let office = Office::open();
        let mut bob = office.telephone();
        let carol = registered(&office.daemon, &office.scratch, "carol", &sound(CAROL, "pcma", ""));
        let mut browser = office.browser("jssip");
        browser.does("call bob");
        talk(&mut browser, &bob);
        bob.command("transfer", &format!("sip:carol@127.0.0.1:{}", office.daemon.sip));
        browser.does(&format!("hears {CAROL}"));
        hears_tone(&carol, BROWSER, "from the browser");
        browser.does("end");
    });
}

#[test]
fn a_browser_with_sip_js_calls_a_telephone_and_is_heard_and_hears() {
    in_real_time(|| {
        let office = Office::open();
        let mut telephone = office.telephone();
        let mut browser = office.browser("sipjs");
        browser.does("call bob");
        talk(&mut browser, &telephone);
        browser.does("tells confirmed");
        keys(&mut browser, &mut telephone);
        hold(&mut browser);
        browser.does("end");
        telephone.hears("CALL_CLOSED");
        office.check_record();
    });
}

#[test]
fn a_telephone_calls_a_browser_with_sip_js_and_hangs_up() {
    in_real_time(|| {
        let office = Office::open();
        let mut telephone = office.telephone();
        let mut browser = office.browser("sipjs");
        telephone.dial("alice");
        browser.does("tells rings: bob");
        browser.does("answer");
        talk(&mut browser, &telephone);
        telephone.command("hangup", "");
        browser.does("tells ended");
        office.check_record();
    });
}
