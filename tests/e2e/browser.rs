//! A phone of JsSIP or SIP.js, or the softphone's page, in Chromium, led line by line. Its microphone is a tone, and what it
//! hears is measured.

use crate::web;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than any wait of the page's own.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Browser {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

/// Whose phone it is and which library it is made of.
pub struct Phone<'a> {
    pub library: &'a str,
    pub user: &'a str,
    pub hertz: u16,
}

impl Browser {
    /// Registered over this WebSocket.
    pub fn start(url: &str, phone: &Phone<'_>) -> Browser {
        let Phone { library, user, hertz } = phone;
        let password = format!("secret-of-{user}");
        let mut browser = Browser::led("browser.mjs", &[library, url, user, &password, &hertz.to_string()]);
        browser.does("start");
        browser.does("tells registered");
        browser
    }

    /// The softphone's page as the daemon serves it there, before anybody has logged in.
    pub fn at_the_page(url: &str, hertz: u16) -> Browser {
        Browser::led("softphone.mjs", &[url, &hertz.to_string()])
    }

    fn led(script: &str, arguments: &[&str]) -> Browser {
        web::install();
        let mut child = Command::new("node")
            .arg(web::folder().join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("an output"));
        let (told, answers) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        let browser = Browser { child, input, answers };
        browser.answer("start-up");
        browser
    }

    /// Has it do something and gives what it says of that.
    pub fn does(&mut self, line: &str) -> String {
        let input = self.input.as_mut().expect("it is asked before its end");
        writeln!(input, "{line}").expect("the browser's script listens");
        self.answer(line)
    }

    fn answer(&self, asked: &str) -> String {
        let told = self.answers.recv_timeout(PATIENCE).unwrap_or_else(|error| format!("no answer: {error}"));
        let told = told.strip_prefix("ok ").unwrap_or_else(|| panic!("{asked}: {told}"));
        println!("{asked}: {told}");
        told.to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The script takes Chromium down with it when nobody has anything more to say.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
