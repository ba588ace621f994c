//! A party of a dialogue: writes and reads SIP as plain text, with nothing of the product's own stack.

use std::collections::VecDeque;
use std::net::SocketAddr;

pub struct Peer {
    pub name: String,
    pub address: SocketAddr,
    /// What was sent to it and no line of the dialogue has named yet.
    pub inbox: VecDeque<String>,
    seen: Vec<String>,
    pub last_sent: String,
    call_id: String,
    branches: u32,
    cseq: u32,
    invite_cseq: u32,
    invite_branch: String,
}

/// What a line of the dialogue says of a message.
#[derive(Default, Clone)]
pub struct Words {
    pub tag: Option<String>,
    pub to: Option<String>,
    pub body: Option<String>,
    pub headers: Vec<String>,
    pub no_contact: bool,
    /// A number for CSeq other than the next.
    pub cseq: Option<u32>,
}

pub fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let head = message.split("\r\n\r\n").next()?;
    head.lines().skip(1).find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub fn headers(message: &str, name: &str) -> Vec<String> {
    let head = message.split("\r\n\r\n").next().unwrap_or("");
    let found = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    found.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
}

pub fn method(message: &str) -> &str {
    let first = message.split(' ').next().unwrap_or("");
    if first == "SIP/2.0" {
        header(message, "CSeq").and_then(|cseq| cseq.split(' ').nth(1)).unwrap_or("")
    } else {
        first
    }
}

pub fn status(message: &str) -> Option<u16> {
    message.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

fn tags(message: &str) -> (Option<String>, Option<String>) {
    let tag = |name| {
        let (_, tag) = header(message, name)?.split_once(";tag=")?;
        Some(tag.split(';').next().unwrap_or(tag).to_owned())
    };
    (tag("From"), tag("To"))
}

/// The tag of the other side: in To of an answer, in From of a request.
fn ours(message: &str) -> Option<String> {
    let (from, to) = tags(message);
    if status(message).is_some() { to } else { from }
}

fn uri_of(value: &str) -> &str {
    value.split('<').nth(1).and_then(|rest| rest.split('>').next()).unwrap_or(value)
}

impl Peer {
    pub fn new(name: &str, address: &str) -> Peer {
        Peer {
            name: name.into(),
            address: address.parse().expect("an address"),
            inbox: VecDeque::new(),
            seen: Vec::new(),
            last_sent: String::new(),
            call_id: format!("{name}-call"),
            branches: 0,
            cseq: 100,
            invite_cseq: 0,
            invite_branch: String::new(),
        }
    }

    /// The next message to it; from now on it can be answered.
    pub fn take(&mut self) -> Option<String> {
        let message = self.inbox.pop_front()?;
        self.seen.push(message.clone());
        Some(message)
    }

    fn tag(&self, words: &Words) -> String {
        words.tag.clone().unwrap_or_else(|| format!("{}-tag", self.name))
    }

    pub fn answer(&mut self, status: u16, words: &Words) -> String {
        let wanted = words.to.as_deref();
        let request = self.seen.iter().rev().find(|message| {
            crate::dialogue::peer::status(message).is_none()
                && wanted.map_or(method(message) != "ACK", |wanted| method(message) == wanted)
        });
        let request = request.unwrap_or_else(|| panic!("{} has no request to answer", self.name)).clone();
        let mut text = format!("SIP/2.0 {status} Whatever\r\n");
        for via in headers(&request, "Via") {
            text += &format!("Via: {via}\r\n");
        }
        text += &format!("From: {}\r\n", header(&request, "From").expect("From"));
        let to = header(&request, "To").expect("To");
        let tag =
            if status == 100 || to.contains("tag=") { String::new() } else { format!(";tag={}", self.tag(words)) };
        text += &format!("To: {to}{tag}\r\n");
        text += &format!("Call-ID: {}\r\n", header(&request, "Call-ID").expect("Call-ID"));
        text += &format!("CSeq: {}\r\n", header(&request, "CSeq").expect("CSeq"));
        if !words.no_contact {
            text += &format!("Contact: <sip:{}@{}>\r\n", self.name, self.address);
        }
        self.finish(text, words)
    }

    pub fn request(&mut self, name: &str, words: &Words) -> String {
        if name != "ACK" && name != "CANCEL" {
            self.cseq += 1;
            self.branches += 1;
        }
        if let Some(cseq) = words.cseq {
            self.cseq = cseq;
        }
        let fresh = format!("z9hG4bK-{}-{}", self.name, self.branches);
        let (branch, cseq) = match name {
            "INVITE" => {
                self.invite_branch = fresh.clone();
                self.invite_cseq = self.cseq;
                (fresh, self.cseq)
            }
            "CANCEL" => (self.invite_branch.clone(), self.invite_cseq),
            "ACK" if self.last_final().is_some_and(|status| status >= 300) => {
                (self.invite_branch.clone(), self.invite_cseq)
            }
            "ACK" => (format!("{fresh}-ack"), self.invite_cseq),
            _ => (fresh, self.cseq),
        };
        let (from, to, call_id, target) = self.dialog(words, name == "CANCEL");
        let mut text = format!("{name} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch}\r\n", self.address);
        text +=
            &format!("Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {name}\r\n");
        if !words.no_contact {
            text += &format!("Contact: <sip:{}@{}>\r\n", self.name, self.address);
        }
        if name == "PRACK" && !words.headers.iter().any(|line| line.starts_with("RAck")) {
            let ringing = self.seen.iter().rev().find_map(|message| header(message, "RSeq"));
            text += &format!("RAck: {} {} INVITE\r\n", ringing.expect("a reliable response"), self.invite_cseq);
        }
        self.finish(text, words)
    }

    fn last_final(&self) -> Option<u16> {
        let finals = self.seen.iter().rev().filter(|message| method(message) == "INVITE");
        finals.filter_map(|message| status(message)).find(|status| *status >= 200)
    }

    /// From, To, Call-ID and Request-URI: of the dialog that it is in, or of a new one.
    fn dialog(&self, words: &Words, out: bool) -> (String, String, String, String) {
        let invite = self.seen.iter().find(|message| status(message).is_none() && method(message) == "INVITE");
        let contact = |message: &String| header(message, "Contact").map(|value| uri_of(value).to_owned());
        if let Some(invite) = invite {
            // It was called.
            let to = header(invite, "To").expect("To");
            let from = if to.contains("tag=") { to.to_owned() } else { format!("{to};tag={}", self.tag(words)) };
            let other = header(invite, "From").expect("From").to_owned();
            let call_id = header(invite, "Call-ID").expect("Call-ID").to_owned();
            return (from, other, call_id, contact(invite).unwrap_or_default());
        }
        let from = format!("\"Caller\" <sip:+819011112222@{}>;tag={}", self.address.ip(), self.tag(words));
        let answered = self
            .seen
            .iter()
            .rev()
            .find(|message| status(message).is_some_and(|status| status > 100) && method(message) == "INVITE");
        let to = answered
            .filter(|_| !out)
            .and_then(|message| header(message, "To"))
            .unwrap_or("<sip:+815012345678@10.0.0.1>");
        let target = answered.filter(|_| !out).and_then(contact).unwrap_or_else(|| "sip:+815012345678@10.0.0.1".into());
        (from, to.to_owned(), self.call_id.clone(), target)
    }

    /// Its dialog as a Replaces header names it for the other side.
    pub fn replaces(&self) -> String {
        let last = self.seen.iter().rev().find(|message| method(message) == "INVITE" && ours(message).is_some());
        let last = last.expect("a dialog");
        let (from, to) = tags(last);
        let own = if status(last).is_some() { from } else { to };
        let call_id = header(last, "Call-ID").expect("Call-ID");
        let own = own.unwrap_or_else(|| format!("{}-tag", self.name));
        format!("{call_id};to-tag={};from-tag={own}", ours(last).expect("a tag of ours"))
    }

    fn finish(&mut self, mut text: String, words: &Words) -> String {
        for line in &words.headers {
            text += &format!("{line}\r\n");
        }
        match words.body.as_deref() {
            None => text += "Content-Length: 0\r\n\r\n",
            Some(kind) => {
                let (content_type, body) = self.body(kind);
                text += &format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            }
        }
        self.last_sent = text.clone();
        text
    }

    fn body(&self, kind: &str) -> (&'static str, String) {
        let ip = self.address.ip();
        let (version, connection, codecs, direction) = match kind {
            "offer" => (1, ip.to_string(), "0 8", "sendrecv"),
            "answer" => (1, ip.to_string(), "0", "sendrecv"),
            "hold" => (2, ip.to_string(), "0 8", "sendonly"),
            "recvonly" => (2, ip.to_string(), "0", "recvonly"),
            "inactive" => (2, ip.to_string(), "0", "inactive"),
            "zero" => (2, "0.0.0.0".to_owned(), "0 8", "sendrecv"),
            "opus" => {
                return (
                    "application/sdp",
                    format!(
                        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
                    ),
                );
            }
            "resume" => (3, ip.to_string(), "0 8", "sendrecv"),
            "secure" => {
                return (
                    "application/sdp",
                    format!(
                        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n"
                    ),
                );
            }
            "large" => {
                let lines = "a=candidate:1 1 UDP 2130706431 192.0.2.99 4000 typ host\r\n".repeat(24);
                let body = format!(
                    "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n{lines}"
                );
                return ("application/sdp", body);
            }
            "digit" => return ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n".into()),
            other => panic!("no such body: {other}"),
        };
        let text = format!(
            "v=0\r\no={} 7 {version} IN IP4 {ip}\r\ns=secret of {}\r\nc=IN IP4 {connection}\r\nt=0 0\r\nm=audio 4000 RTP/AVP {codecs}\r\na={direction}\r\n",
            self.name, self.name
        );
        ("application/sdp", text)
    }
}
