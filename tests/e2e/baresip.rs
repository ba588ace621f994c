//! baresip as a phone, led through its control port. Sounds are made, played to nobody and recorded.

use crate::daemon::{Scratch, free_port, free_ports, wait_for};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Baresip {
    child: Child,
    folder: PathBuf,
    control: TcpStream,
    heard: String,
    /// What follows the @ of those whom it calls: the daemon itself, so that no name is looked up.
    exchange: String,
}

/// Whose phone it is and how it reaches the daemon.
pub struct Account<'a> {
    pub user: &'a str,
    pub registrar: String,
    pub transport: &'a str,
    pub answers: bool,
    pub authority: Option<PathBuf>,
}

/// What it says and how.
pub struct Sound<'a> {
    pub hertz: u16,
    /// As in its accounts file.
    pub codecs: &'a str,
    /// Further parameters of its account.
    pub more: &'a str,
    /// What it says and hears is kept in its folder.
    pub is_recorded: bool,
}

impl Baresip {
    pub fn start(scratch: &Scratch, account: &Account<'_>) -> Baresip {
        Baresip::start_with(scratch, account, &Sound { hertz: 440, codecs: "pcmu,pcma", more: "", is_recorded: false })
    }

    pub fn start_with(scratch: &Scratch, account: &Account<'_>, sound: &Sound<'_>) -> Baresip {
        let folder = scratch.0.join(format!("baresip-{}", account.user));
        std::fs::create_dir_all(&folder).expect("a folder");
        let control = free_port();
        let media = free_ports(10);
        let config = config((account, sound), control, media, &folder);
        std::fs::write(folder.join("config"), config).expect("written");
        let answermode = if account.answers { "auto" } else { "manual" };
        let line = format!(
            "<sip:{user}@{registrar};transport={transport}>;auth_user={user};auth_pass=secret-of-{user};answermode={answermode};regint=60;audio_codecs={codecs}{more}\n",
            codecs = sound.codecs,
            more = sound.more,
            user = account.user,
            registrar = account.registrar,
            transport = account.transport
        );
        std::fs::write(folder.join("accounts"), line).expect("written");
        std::fs::write(folder.join("contacts"), "").expect("written");
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let child = Command::new("baresip")
            .args(["-f", &folder.display().to_string(), "-v"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("baresip starts (Debian package baresip-core)");
        let mut stream = None;
        wait_for(|| {
            stream = TcpStream::connect(("127.0.0.1", control)).ok();
            stream.is_some()
        });
        let stream = stream.unwrap_or_else(|| panic!("baresip: {}", read(&folder.join("log"))));
        stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a deadline");
        let exchange = format!("{};transport={}", account.registrar, account.transport);
        Baresip { child, folder, control: stream, heard: String::new(), exchange }
    }

    pub fn command(&mut self, command: &str, parameters: &str) {
        let body = format!(r#"{{"command":"{command}","params":"{parameters}","token":"t"}}"#);
        write!(self.control, "{}:{body},", body.len()).expect("written");
    }

    pub fn dial(&mut self, user: &str) {
        let to = format!("sip:{user}@{}", self.exchange);
        self.command("dial", &to);
    }

    /// Waits until baresip has told of this event.
    pub fn hears(&mut self, event: &str) {
        let mut buffer = [0; 65_536];
        wait_for(|| {
            if let Ok(count) = self.control.read(&mut buffer) {
                self.heard += &String::from_utf8_lossy(buffer.get(..count).unwrap_or_default());
            }
            self.heard.contains(event)
        });
        assert!(
            self.heard.contains(event),
            "baresip never told of {event}; it told:\n{}\nlog:\n{}",
            self.heard,
            self.log()
        );
    }

    /// How often it has told of this event.
    pub fn count(&self, event: &str) -> usize {
        self.heard.matches(event).count()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn log(&self) -> String {
        read(&self.folder.join("log"))
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn modules() -> String {
    let listing = Command::new("dpkg").args(["-L", "baresip-core"]).output().expect("dpkg runs");
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    listing.lines().find(|line| line.ends_with("/modules")).expect("baresip's modules").to_owned()
}

fn config((account, sound): (&Account<'_>, &Sound<'_>), control: u16, media: u16, folder: &Path) -> String {
    let mut text = format!(
        "sip_listen 127.0.0.1:{}\naudio_player aubridge,sink\naudio_alert aubridge,alert\naudio_source ausine,{}\n\
         ausrc_srate 48000\nauplay_srate 48000\nausrc_channels 2\nauplay_channels 2\nrtp_ports {media}-{}\n\
         module_path {}\nctrl_tcp_listen 127.0.0.1:{control}\nsnd_path {}\n",
        free_ports(2),
        sound.hertz,
        media + 9,
        modules(),
        folder.display()
    );
    if let Some(authority) = &account.authority {
        text += &format!("sip_cafile {}\nsip_verify_server yes\n", authority.display());
    }
    let recorder = sound.is_recorded.then_some("sndfile");
    for module in ["g711", "g722", "opus", "srtp", "ausine", "aubridge"].into_iter().chain(recorder) {
        text += &format!("module {module}.so\n");
    }
    text += "module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\nmodule ctrl_tcp.so\n";
    text
}
