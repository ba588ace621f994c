//! What we describe where nobody but us speaks and hears: to be handed to `answer_to` and `offer_to` as the other side's
//! description. Its address is nobody's and never leaves us.

use crate::domain::leg::media_plan::formats;
use crate::media::command::PlannedCodec;
use crate::protocol::sdp::codec::Codec as Format;
use crate::protocol::sdp::parse::Description;
use bytes::Bytes;
use std::fmt::Write;

/// The answer to what a peer offers: each format that we can make, in the peer's order.
pub fn answer(offer: &[u8]) -> Bytes {
    let Ok(offer) = Description::parse(offer) else { return write(&formats::narrow()) };
    let mut made: Vec<Format<'_>> = Vec::new();
    for media in offer.media.iter().filter(|media| media.is_audio() && media.port != 0 && media.is_rtp()) {
        for format in media.codecs().filter(formats::can_be_recoded) {
            if !made.iter().any(|known| known.matches(&format)) {
                made.push(format);
            }
        }
    }
    if made.is_empty() { write(&formats::narrow()) } else { write(&made) }
}

/// An offer: what another peer of the call already speaks with us, else everything that we can make.
pub fn offer(spoken: &[PlannedCodec]) -> Bytes {
    let spoken: Vec<Format<'_>> = spoken.iter().filter_map(|planned| formats::known(planned.codec)).collect();
    if spoken.is_empty() { write(&formats::narrow()) } else { write(&spoken) }
}

fn write(list: &[Format<'_>]) -> Bytes {
    let mut text =
        String::from("v=0\r\no=- 1 1 IN IP4 192.0.2.0\r\ns=-\r\nc=IN IP4 192.0.2.0\r\nt=0 0\r\nm=audio 9 RTP/AVP");
    let mut numbered: Vec<Format<'_>> = Vec::with_capacity(list.len());
    for format in list {
        let is_free = |payload: u8| !numbered.iter().any(|other| other.payload == payload);
        let payload = match format.payload {
            own if own <= 127 && is_free(own) => Some(own),
            _ => (96..=127).find(|payload| is_free(*payload)),
        };
        numbered.extend(payload.map(|payload| Format { payload, ..*format }));
    }
    for format in &numbered {
        let _ = write!(text, " {}", format.payload);
    }
    text.push_str("\r\n");
    for Format { payload, name, clock, channels, parameters } in &numbered {
        let channels = if *channels > 1 { format!("/{channels}") } else { String::new() };
        let _ = write!(text, "a=rtpmap:{payload} {name}/{clock}{channels}\r\n");
        if let Some(parameters) = parameters {
            let _ = write!(text, "a=fmtp:{payload} {parameters}\r\n");
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::codec::Codec;

    fn formats_of(description: &[u8]) -> Vec<String> {
        let description = Description::parse(description).expect("it reads back");
        description.media[0]
            .codecs()
            .map(|format| format!("{} {}/{}", format.payload, format.name, format.clock))
            .collect()
    }

    #[test]
    fn the_answer_holds_what_we_can_make_in_the_peers_order() {
        let offer = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
            m=audio 4000 RTP/AVP 18 8 0 101\r\na=rtpmap:18 G729/8000\r\na=rtpmap:101 telephone-event/8000\r\n";
        assert_eq!(formats_of(&answer(offer)), ["8 PCMA/8000", "0 PCMU/8000"]);
    }

    #[test]
    fn two_streams_do_not_share_a_number() {
        let offer = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
            m=audio 4000 RTP/SAVP 96\r\na=rtpmap:96 opus/48000/2\r\n\
            m=audio 4002 RTP/AVP 96 0\r\na=rtpmap:96 L16/16000\r\n";
        assert_eq!(formats_of(&answer(offer)), ["96 opus/48000", "97 L16/16000", "0 PCMU/8000"]);
    }

    #[test]
    fn an_offer_says_what_the_other_party_speaks_or_everything() {
        let payload = crate::media::command::PayloadPair { receive: 8, send: 8, clock: 8_000 };
        let spoken = PlannedCodec { codec: Codec::Pcma, payload, kind: 0 };
        assert_eq!(formats_of(&offer(&[spoken])), ["8 PCMA/8000"]);
        assert_eq!(formats_of(&offer(&[])).len(), 4);
    }
}
