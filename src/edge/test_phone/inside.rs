//! What a test phone answers to requests within its call: hang-up, keys, and other descriptions. Starts nothing itself.

use super::audio::Audio;
use super::line::Line;
use crate::domain::call::digits;
use crate::edge::clock;
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::path::Path;
use crate::protocol::sip::transaction::set::ServerKey;

/// Answers one request of a dialog. `user`: what stands in our Contact.
pub async fn respond(line: &mut Line, request: (ServerKey, Path, &Message), audio: Option<&mut Audio>, user: &str) {
    let (server, from, message) = request;
    let reply = |status, phrase| (status, Writer::reply(message, from.remote, status, phrase, None));
    let (status, bytes) = match message.method() {
        Method::Invite | Method::Update => match described(message, audio) {
            Some(description) => {
                let (status, mut writer) = reply(200, "OK");
                writer.header(HeaderName::Contact, format_args!("<sip:{user}@{}>", line.local));
                let bytes = match description {
                    Description::None => writer.finish(),
                    Description::Ours(text) => writer.finish_with("application/sdp", text.as_bytes()),
                };
                (status, bytes)
            }
            None => finished(reply(488, "Not Acceptable Here")),
        },
        Method::Info => {
            let content_type = message.get(HeaderName::ContentType).unwrap_or_default();
            if let (Some(sent), Some(audio)) = (digits::read(content_type, message.body()), audio) {
                audio.key_told(sent.digit);
            }
            finished(reply(200, "OK"))
        }
        Method::Bye | Method::Options => finished(reply(200, "OK")),
        _ => finished(reply(501, "Not Implemented")),
    };
    line.transactions.respond(clock::now(), server, status, bytes);
    line.flush().await;
}

fn finished((status, writer): (u16, Writer)) -> (u16, bytes::Bytes) {
    (status, writer.finish())
}

enum Description {
    /// An UPDATE that describes nothing.
    None,
    Ours(String),
}

fn described(message: &Message, audio: Option<&mut Audio>) -> Option<Description> {
    let audio = audio?;
    match (message.body(), message.method()) {
        ([], Method::Invite) => Some(Description::Ours(audio.offer().to_owned())),
        ([], _) => Some(Description::None),
        (offer, _) => audio.answer(offer).map(|text| Description::Ours(text.to_owned())),
    }
}
