//! How the softphone writes its messages. Decides nothing.

use crate::base::id::CallId;
use crate::base::now::Now;
use crate::domain::softphone::phone::{Asked, Softphone};
use crate::domain::softphone::talk::Talk;
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::Target;
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::{ClientKey, ClientRequest, ServerKey};
use bytes::Bytes;

const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY";
/// The owner in branches of ours: they are looked at by this phone alone.
const OWNER: CallId = CallId(1);

impl Softphone {
    pub(super) fn target(&self) -> Target {
        Target { path: self.path, tls_name: None }
    }

    /// A key, its branch, and the Via that carries it.
    pub(super) fn next_via(&mut self) -> (ClientKey, String, String) {
        let key = self.transactions.next_key();
        let branch = stamp::branch(OWNER, key.0, &mut self.entropy);
        let via = self.via(&branch);
        (key, branch, via)
    }

    pub(super) fn via(&self, branch: &str) -> String {
        format!("SIP/2.0/{} {};branch={branch}", self.path.transport.via_name(), self.host)
    }

    pub(super) fn contact(&self) -> String {
        format!("<sip:{}@{};transport=ws>", self.account.name, self.host)
    }

    pub(super) fn start(
        &mut self,
        now: Now,
        asked: Asked,
        (method, branch, bytes): (Method, String, Bytes),
        key: ClientKey,
    ) {
        self.asked.insert(key.0, asked);
        let target = self.target();
        let request = ClientRequest { method, target, branch: branch.into(), bytes, no_response: None };
        self.transactions.request(now, key, request);
    }

    /// A request in the dialog of a call; `None` without one.
    pub(super) fn ask_inside(
        &mut self,
        now: Now,
        (at, method): (usize, Method),
        asked: Asked,
        write: impl FnOnce(&mut Writer),
        body: Option<(&str, &str)>,
    ) -> Option<ClientKey> {
        let (key, branch, via) = self.next_via();
        let contact = self.contact();
        let dialog = self.talks.get_mut(at)?.dialog.as_mut()?;
        let mut writer = dialog.request(method, &via);
        if matches!(method, Method::Invite | Method::Refer) {
            writer.header(HeaderName::Contact, contact).header(HeaderName::Allow, ALLOW);
        }
        write(&mut writer);
        let bytes = match body {
            Some((kind, text)) => writer.finish_with(kind, text.as_bytes()),
            None => writer.finish(),
        };
        self.start(now, asked, (method, branch, bytes), key);
        Some(key)
    }

    /// The first INVITE of a call, with credentials where the exchange asked for them.
    pub(super) fn written_invite(&mut self, talk: &Talk, (via, uri): (&str, &str), cseq: u32, call_id: &str) -> Bytes {
        let mut writer = Writer::request("INVITE", uri);
        let account = &self.account;
        writer
            .header(HeaderName::Via, via)
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("<sip:{}@{}>;tag={}", account.name, account.realm, talk.tag))
            .header(HeaderName::To, format_args!("<{uri}>"))
            .header(HeaderName::CallId, call_id)
            .header(HeaderName::CSeq, format_args!("{cseq} INVITE"))
            .header(HeaderName::Contact, self.contact())
            .header(HeaderName::Allow, ALLOW);
        if let Some((name, value)) = self.credentials("INVITE", uri) {
            writer.header(name, value);
        }
        writer.finish_with("application/sdp", talk.stored.as_deref().unwrap_or_default().as_bytes())
    }

    pub(super) fn credentials(&mut self, method: &str, uri: &str) -> Option<(HeaderName, String)> {
        let login = self.login.as_mut()?;
        let value = login.answer(&self.account.user, &self.account.password, method, uri, &mut self.entropy);
        Some((login.header(), value))
    }

    pub(super) fn respond(
        &mut self,
        now: Now,
        (server, request): (ServerKey, &Message),
        (status, phrase): (u16, &str),
        tag: Option<&str>,
        body: Option<&str>,
    ) {
        let mut writer = Writer::reply(request, self.path.remote, status, phrase, tag);
        if matches!(request.method(), Method::Invite | Method::Update) && (101..300).contains(&status) {
            writer.header(HeaderName::Contact, self.contact()).header(HeaderName::Allow, ALLOW);
        }
        let bytes = match body {
            Some(text) => writer.finish_with("application/sdp", text.as_bytes()),
            None => writer.finish(),
        };
        self.transactions.respond(now, server, status, bytes);
    }
}

/// What may be dialled, as the user part of an address; `None`: it is nothing of the kind.
pub(super) fn destination(text: &str) -> Option<String> {
    let kind = text.split_once(':');
    if let Some((kind @ ("agent" | "queue"), name)) = kind {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
        return (!name.is_empty() && name.len() <= 64 && name.bytes().all(fits)).then(|| format!("{kind}:{name}"));
    }
    let plain: String = text.chars().filter(|letter| !matches!(letter, ' ' | '(' | ')' | '-')).collect();
    let plain =
        if plain.starts_with(|first: char| first.is_ascii_digit() || first == '+') { plain } else { text.into() };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+*#._-".contains(&byte);
    let is_number = !plain.is_empty() && plain.len() <= 64 && plain.bytes().all(fits);
    is_number.then(|| plain.replace('#', "%23"))
}
