//! Places one call, waits for its answer, talks for a while and hangs up.

use super::audio::Audio;
use super::heard::Heard;
use super::inside;
use super::ladder::Step;
use super::line::Line;
use super::sound::{Press, Sound};
use crate::base::entropy::Entropy;
use crate::base::secret::Secret;
use crate::domain::call::digits;
use crate::edge::clock;
use crate::protocol::sip::digest::client::{Challenge, Login};
use crate::protocol::sip::message::{HeaderName, Message, Method, Writer};
use crate::protocol::sip::stamp;
use crate::protocol::sip::transaction::set::{ClientKey, ClientRequest, TransactionOutput};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is dialled, by whom, and for how long.
#[derive(Clone, Debug)]
pub struct Order {
    pub number: String,
    pub from: String,
    /// The daemon's SIP address.
    pub to: SocketAddr,
    pub credentials: Option<(String, String)>,
    pub ring_max: Duration,
    pub talk: Duration,
    pub sound: Sound,
}

/// How the call went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The final response; `None` when none came.
    pub status: Option<u16>,
    pub phrase: String,
    pub reason: Option<String>,
    pub ladder: Vec<Step>,
    /// From the INVITE to the first ringing or progress, and to the answer.
    pub progress_after: Option<Duration>,
    pub answer_after: Option<Duration>,
    /// The other side hung up before our time was over.
    pub ended_by_peer: bool,
    /// From the first description of the other side on, so also before the answer.
    pub heard: Option<Heard>,
}

/// The dialog as far as a test phone needs one.
struct Placed {
    call_id: String,
    from: String,
    cseq: u32,
    uri: String,
    authorization: Option<(HeaderName, String)>,
    /// Of the INVITE that is under way: its CANCEL carries the same (RFC 3261 9.1).
    branch: String,
    audio: Audio,
}

pub async fn call(bind: SocketAddr, order: &Order) -> std::io::Result<Outcome> {
    let mut line = Line::open(reachable(bind, order.to)?).await?;
    let audio = Audio::open(line.local.ip(), &order.sound, &mut line.entropy).await?;
    let started = clock::now().instant;
    let tag = format!("{:016x}", line.entropy.number());
    let mut placed = Placed {
        call_id: stamp::call_id(&mut line.entropy),
        from: format!("<sip:{}@{}>;tag={tag}", order.from, line.local),
        cseq: 1,
        uri: format!("sip:{}@{}", order.number, order.to),
        authorization: None,
        branch: String::new(),
        audio,
    };
    let mut outcome = Outcome {
        status: None,
        phrase: "no answer".to_owned(),
        reason: None,
        ladder: Vec::new(),
        progress_after: None,
        answer_after: None,
        ended_by_peer: false,
        heard: None,
    };
    let (key, answer) = ring(&mut line, order, &mut placed, &mut outcome, started).await;
    match answer {
        Some(answer) if answer.status() < 300 => {
            outcome.answer_after = Some(clock::now().instant.saturating_duration_since(started));
            placed.audio.answered(answer.body());
            talk(&mut line, order, &mut placed, &answer, &mut outcome).await;
        }
        Some(_) => {}
        None => cancel(&mut line, order, &placed, key).await,
    }
    outcome.ladder = std::mem::take(&mut line.ladder);
    outcome.heard = Some(placed.audio.end().await?);
    Ok(outcome)
}

/// Where nothing is said of our own address, the one that leads to the daemon.
fn reachable(bind: SocketAddr, to: SocketAddr) -> std::io::Result<SocketAddr> {
    if !bind.ip().is_unspecified() {
        return Ok(bind);
    }
    let probe = std::net::UdpSocket::bind((bind.ip(), 0))?;
    probe.connect(to)?;
    Ok(SocketAddr::new(probe.local_addr()?.ip(), bind.port()))
}

/// Sends the INVITE, once more with credentials when asked for them, until its final response.
async fn ring(
    line: &mut Line,
    order: &Order,
    placed: &mut Placed,
    outcome: &mut Outcome,
    started: Instant,
) -> (ClientKey, Option<Box<Message>>) {
    let mut key = invite(line, order, placed).await;
    let until = started + order.ring_max;
    let mut asked = false;
    while let Some(event) = line.next(until).await {
        let TransactionOutput::Response { client, message, .. } = event else {
            if matches!(event, TransactionOutput::TimedOut { .. }) {
                "no response".clone_into(&mut outcome.phrase);
                return (key, None);
            }
            continue;
        };
        if client != key {
            continue;
        }
        let status = message.status();
        if status > 100 && status < 300 && outcome.progress_after.is_none() {
            outcome.progress_after = Some(clock::now().instant.saturating_duration_since(started));
        }
        if status > 100 && status < 200 && !message.body().is_empty() {
            placed.audio.answered(message.body());
        }
        if matches!(status, 401 | 407) && !asked {
            asked = true;
            if let Some(authorization) = credentials_for(order, placed, &message, &mut line.entropy) {
                placed.authorization = Some(authorization);
                placed.cseq += 1;
                key = invite(line, order, placed).await;
                continue;
            }
        }
        if status >= 200 {
            outcome.status = Some(status);
            message.reason().clone_into(&mut outcome.phrase);
            outcome.reason = message.get(HeaderName::Reason).map(str::to_owned);
            return (key, Some(message));
        }
    }
    (key, None)
}

fn credentials_for(
    order: &Order,
    placed: &Placed,
    challenge: &Message,
    entropy: &mut Entropy,
) -> Option<(HeaderName, String)> {
    let (user, password) = order.credentials.as_ref()?;
    let mut login = Login::new(Challenge::strongest(challenge, "")?);
    let value = login.answer(user, &Secret::new(password.as_str()), "INVITE", &placed.uri, entropy);
    Some((login.header(), value))
}

async fn invite(line: &mut Line, order: &Order, placed: &mut Placed) -> ClientKey {
    let (key, branch, via) = line.next_via();
    placed.branch.clone_from(&branch);
    let mut writer = Writer::request("INVITE", &placed.uri);
    writer
        .header(HeaderName::Via, via)
        .header(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, &placed.from)
        .header(HeaderName::To, format_args!("<{}>", placed.uri))
        .header(HeaderName::CallId, &placed.call_id)
        .header(HeaderName::CSeq, format_args!("{} INVITE", placed.cseq))
        .header(HeaderName::Contact, format_args!("<sip:{}@{}>", order.from, line.local))
        .header(HeaderName::Allow, "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO");
    if let Some((name, value)) = &placed.authorization {
        writer.header(*name, value);
    }
    let bytes = writer.finish_with("application/sdp", placed.audio.offer().as_bytes());
    let target = line.to(order.to);
    line.request(
        key,
        ClientRequest { method: Method::Invite, target, branch: branch.into(), bytes, no_response: None },
    )
    .await;
    key
}

async fn talk(line: &mut Line, order: &Order, placed: &mut Placed, answer: &Message, outcome: &mut Outcome) {
    let target_uri = answer.contact().ok().flatten().map_or_else(|| placed.uri.clone(), |c| c.uri.text.to_owned());
    let to = answer.get(HeaderName::To).unwrap_or_default().to_owned();
    let (_, _, via) = line.next_via();
    let peer = Peer { uri: target_uri, to, at: order.to };
    let ack = in_dialog("ACK", &via, placed, &peer).finish();
    line.send_plain(order.to, &ack).await;
    let answered_at = clock::now().instant;
    let until = answered_at + order.talk;
    let mut presses = order.sound.keys.iter().peekable();
    loop {
        let next = presses.peek().map(|press| answered_at + press.after).filter(|at| *at < until);
        match line.next(next.unwrap_or(until)).await {
            Some(TransactionOutput::Request { server, from, message }) => {
                inside::respond(line, (server, from, &message), Some(&mut placed.audio), &order.from).await;
                if message.method() == Method::Bye {
                    outcome.ended_by_peer = true;
                    outcome.reason = message.get(HeaderName::Reason).map(str::to_owned);
                    return;
                }
            }
            Some(TransactionOutput::Response { message, .. }) => {
                let is_invite = message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
                if is_invite && message.status() >= 200 {
                    line.send_plain(order.to, &ack).await;
                }
            }
            Some(TransactionOutput::Acknowledged { message, .. }) if !message.body().is_empty() => {
                placed.audio.answered(message.body());
            }
            Some(_) => {}
            None => match presses.next().filter(|_| next.is_some()) {
                Some(press) => send_key(line, placed, &peer, (press, order)).await,
                None => break,
            },
        }
    }
    let key = request(line, placed, &peer, (Method::Bye, None)).await;
    await_final(line, key).await;
}

/// The other side, as its answer has named it.
struct Peer {
    uri: String,
    to: String,
    at: SocketAddr,
}

async fn send_key(line: &mut Line, placed: &mut Placed, peer: &Peer, (press, order): (&Press, &Order)) {
    match digits::write(order.sound.keys_as, press.key) {
        Some(told) => {
            request(line, placed, peer, (Method::Info, Some(told))).await;
        }
        None => placed.audio.press(press.key),
    }
}

async fn request(
    line: &mut Line,
    placed: &mut Placed,
    peer: &Peer,
    (method, body): (Method, Option<(&str, String)>),
) -> ClientKey {
    placed.cseq += 1;
    let (key, branch, via) = line.next_via();
    let writer = in_dialog(method.name(), &via, placed, peer);
    let bytes = match body {
        Some((content_type, text)) => writer.finish_with(content_type, text.as_bytes()),
        None => writer.finish(),
    };
    let target = line.to(peer.at);
    line.request(key, ClientRequest { method, target, branch: branch.into(), bytes, no_response: None }).await;
    key
}

async fn cancel(line: &mut Line, order: &Order, placed: &Placed, invite: ClientKey) {
    let key = line.transactions.next_key();
    let via = format!("SIP/2.0/UDP {};branch={};rport", line.local, placed.branch);
    let mut writer = Writer::request("CANCEL", &placed.uri);
    writer
        .header(HeaderName::Via, via)
        .header(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, &placed.from)
        .header(HeaderName::To, format_args!("<{}>", placed.uri))
        .header(HeaderName::CallId, &placed.call_id)
        .header(HeaderName::CSeq, format_args!("{} CANCEL", placed.cseq));
    let target = line.to(order.to);
    let (bytes, branch) = (writer.finish(), placed.branch.as_str().into());
    line.request(key, ClientRequest { method: Method::Cancel, target, branch, bytes, no_response: None }).await;
    await_final(line, invite).await;
}

async fn await_final(line: &mut Line, key: ClientKey) {
    let until = clock::now().instant + Duration::from_secs(3);
    while let Some(event) = line.next(until).await {
        match event {
            TransactionOutput::Response { client, message, .. } if client == key && message.status() >= 200 => return,
            _ => {}
        }
    }
}

fn in_dialog(method: &str, via: &str, placed: &Placed, peer: &Peer) -> Writer {
    let mut writer = Writer::request(method, &peer.uri);
    writer
        .header(HeaderName::Via, via)
        .header(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, &placed.from)
        .header(HeaderName::To, &peer.to)
        .header(HeaderName::CallId, &placed.call_id)
        .header(HeaderName::CSeq, format_args!("{} {method}", placed.cseq));
    writer
}
