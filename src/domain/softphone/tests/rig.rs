//! An exchange of a few words: takes what the phone says, answers it, calls it.

use crate::base::entropy::Entropy;
use crate::base::id::{CallId, LegId};
use crate::base::now::Now;
use crate::base::secret::Secret;
use crate::domain::softphone::interface::{Account, Dialling, Order, Output, Refused, TalkId, Ticket};
use crate::domain::softphone::{Softphone, Talk};
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::{ConnectionId, ListenerId, Path, Transport};
use crate::protocol::sip::stamp;
use std::time::{Duration, Instant, UNIX_EPOCH};

pub const RESUME: Duration = Duration::from_secs(60);

/// A browser's, with its DTLS certificate by name.
pub fn page(fragment: &str, setup: &str) -> String {
    format!(
        "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0 126\r\n\
         c=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\na=ice-ufrag:{fragment}\r\n\
         a=ice-pwd:{fragment}0123456789012345678901\r\na=fingerprint:sha-256 {}\r\na=setup:{setup}\r\na=rtcp-mux\r\na=sendrecv\r\n",
        fingerprint(fragment)
    )
}

fn fingerprint(of: &str) -> String {
    vec![format!("{:02X}", of.bytes().next().unwrap_or(0)); 32].join(":")
}

/// The exchange's.
pub fn described(fragment: &str, setup: &str, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0\r\n\
         m=audio 20000 UDP/TLS/RTP/SAVPF 111 126\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\n\
         a=ice-ufrag:{fragment}\r\na=ice-pwd:{fragment}0123456789012345678901\r\na=fingerprint:sha-256 {}\r\na=setup:{setup}\r\n\
         a=rtcp-mux\r\na={direction}\r\n",
        fingerprint("X")
    )
}

pub struct Rig {
    pub phone: Softphone,
    pub now: Now,
    pub entropy: Entropy,
    /// Requests of the phone that nobody has looked at.
    pub said: Vec<Message>,
    /// And its responses.
    pub answers: Vec<Message>,
    pub done: Vec<(u64, Option<String>)>,
    pub refused: Vec<(u64, Refused)>,
    pub resumed: usize,
    last: u64,
    cseq: u32,
}

impl Rig {
    /// With a page that has the audio.
    pub fn new() -> Rig {
        let account = Account {
            name: "alice".into(),
            realm: "offhook.test".into(),
            user: "alice".into(),
            password: Secret::new("secret"),
            resume: RESUME,
        };
        let remote = "192.0.2.9:5000".parse().expect("an address");
        let path =
            Path { transport: Transport::Ws, listener: ListenerId(0), remote, connection: Some(ConnectionId(1)) };
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH + Duration::from_secs(1_000) };
        let mut phone = Softphone::new(account, path, Entropy::from_number(7), now);
        phone.heard(now, true);
        let mut rig = Rig {
            phone,
            now,
            entropy: Entropy::from_number(8),
            said: Vec::new(),
            answers: Vec::new(),
            done: Vec::new(),
            refused: Vec::new(),
            resumed: 0,
            last: 0,
            cseq: 100,
        };
        rig.drain();
        rig
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            match output {
                Output::Say(bytes) => {
                    let message = Message::parse(&bytes).expect("a message");
                    if message.is_request() { self.said.push(message) } else { self.answers.push(message) }
                }
                Output::Done { ticket, description } => self.done.push((ticket.0, description.map(Into::into))),
                Output::Refused { ticket, why } => self.refused.push((ticket.0, why)),
                Output::Resumed => self.resumed += 1,
                Output::Changed => {}
            }
        }
    }

    pub fn pass(&mut self, time: Duration) {
        let until = self.now.after(time);
        while let Some(due) = self.phone.deadline().filter(|due| *due <= until.instant) {
            let step = due.saturating_duration_since(self.now.instant);
            self.now = self.now.after(step);
            self.phone.handle_deadline(self.now);
            self.drain();
        }
        self.now = until;
    }

    pub fn order(&mut self, talk: TalkId, order: Order) -> u64 {
        self.last += 1;
        self.phone.order(self.now, Ticket(self.last), talk, order);
        self.drain();
        self.last
    }

    pub fn dial(&mut self, to: &str, consults: Option<TalkId>) -> TalkId {
        let dialling = Dialling { to: to.into(), description: page("d", "actpass").into(), consults };
        let id = self.phone.dial(self.now, dialling).expect("dialled");
        self.drain();
        id
    }

    /// The oldest request of the phone of that kind.
    pub fn says(&mut self, method: Method) -> Message {
        let at = self.said.iter().position(|message| message.method() == method);
        let at = at.unwrap_or_else(|| panic!("no {method:?} among {:?}", self.said));
        self.said.remove(at)
    }

    pub fn is_quiet(&self) -> bool {
        self.said.is_empty()
    }

    pub fn answer(&mut self) -> Message {
        assert!(!self.answers.is_empty(), "nothing was answered");
        self.answers.remove(0)
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        self.phone.receive(self.now, Box::new(Message::parse(bytes).expect("a message")));
        self.drain();
    }

    pub fn reply(&mut self, request: &Message, status: u16, body: &str) {
        let tag = stamp::tag(CallId(77), LegId(0), 0, &mut self.entropy);
        self.reply_as(request, (status, &tag), body);
    }

    pub fn reply_as(&mut self, request: &Message, (status, tag): (u16, &str), body: &str) {
        let mut writer = Writer::reply(request, "192.0.2.9:5000".parse().expect("one"), status, "Said", Some(tag));
        writer.header(HeaderName::Contact, "<sip:exchange@192.0.2.1;transport=ws>");
        if status == 401 {
            writer.header(
                HeaderName::WwwAuthenticate,
                r#"Digest realm="offhook.test", nonce="n", qop="auth", algorithm=MD5"#,
            );
        }
        let bytes =
            if body.is_empty() { writer.finish() } else { writer.finish_with("application/sdp", body.as_bytes()) };
        self.receive(&bytes);
    }

    fn via(&mut self) -> String {
        format!("SIP/2.0/WS exchange.invalid;branch={}", stamp::branch(CallId(9), 1, &mut self.entropy))
    }

    /// A call that rings; what is written of it, to be answered and gone on with.
    pub fn rings(&mut self, call: u64) -> (TalkId, Message) {
        let (via, tag) = (self.via(), stamp::tag(CallId(call), LegId(1), 0, &mut self.entropy));
        let mut writer = Writer::request("INVITE", "sip:alice@x.invalid;transport=ws");
        writer
            .header(HeaderName::Via, via)
            .header(HeaderName::From, format_args!("\"Customer\" <sip:+81312345678@offhook.test>;tag={tag}"))
            .header(HeaderName::To, "<sip:0120444444@offhook.test>")
            .header(HeaderName::CallId, format_args!("call-{call}"))
            .header(HeaderName::CSeq, "1 INVITE")
            .header(HeaderName::Contact, "<sip:exchange@192.0.2.1;transport=ws>");
        let bytes = writer.finish_with("application/sdp", described("E", "actpass", "sendrecv").as_bytes());
        self.receive(&bytes);
        let ringing = self.answer();
        assert_eq!(ringing.status(), 180);
        (self.phone.talks().last().expect("a call").id, ringing)
    }

    /// A request of the exchange in the dialog of such a call.
    pub fn asks(&mut self, ringing: &Message, method: &str, (kind, body): (&str, &str)) {
        self.cseq += 1;
        let via = self.via();
        let mut writer = Writer::request(method, "sip:alice@x.invalid;transport=ws");
        writer
            .header(HeaderName::Via, via)
            .copy(ringing, HeaderName::From)
            .copy(ringing, HeaderName::To)
            .copy(ringing, HeaderName::CallId)
            .header(HeaderName::CSeq, format_args!("{} {method}", self.cseq))
            .header(HeaderName::Contact, "<sip:exchange@192.0.2.1;transport=ws>");
        let bytes = if kind.is_empty() { writer.finish() } else { writer.finish_with(kind, body.as_bytes()) };
        self.receive(&bytes);
    }

    /// A call that the agent has taken.
    pub fn talks(&mut self, call: u64) -> (TalkId, Message) {
        let (id, ringing) = self.rings(call);
        let ticket = self.order(id, Order::Accept { description: page("p", "active").into() });
        assert_eq!(self.done, [(ticket, None)]);
        self.done.clear();
        assert_eq!(self.answer().status(), 200);
        (id, ringing)
    }

    pub fn talk(&self, id: TalkId) -> &Talk {
        self.phone.talks().iter().find(|talk| talk.id == id).expect("the call is known")
    }
}

pub fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).expect("text")
}
