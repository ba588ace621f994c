//! What the handshake answers.

mod replay;
use super::*;

#[test]
fn without_a_list_every_origin_may_come_and_none_need_be_said() {
    let head = "GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: SIP\r\n\r\n";
    assert!(answer(head, &[]).is_ok());
    assert_eq!(answer(head, &["https://phone.example".into()]), Err(Refusal::Origin));
    assert!(answer(&head.replace("1.1\r\n", "1.1\r\norigin: null\r\n"), &[]).is_ok());
}

#[test]
fn nothing_of_the_request_stands_in_the_answer() {
    let head = "GET /<script> HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                origin: <script>\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: sip, <script>\r\n\r\n";
    assert!(!answer(head, &[]).unwrap().contains("script"));
}

#[test]
fn heads_that_are_no_requests_are_refused() {
    for head in ["", "\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1 x\r\n\r\n", "GET /  HTTP/1.1\r\n\r\n"] {
        assert!(matches!(answer(head, &[]), Err(Refusal::BadRequest(_))), "{head:?}");
    }
}
