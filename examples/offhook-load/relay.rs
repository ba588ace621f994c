//! Our own media workers with calls as signalling would have set them up, to be measured from outside.

use crate::meter::resident_kilobytes;
use crate::{Options, Places, until_input_ends, write_addresses};
use offhook::base::entropy::Entropy;
use offhook::base::id::{CallId, LegId};
use offhook::edge::media::{MediaPlane, WorkerSettings};
use offhook::edge::metrics::Metrics;
use offhook::media::command::{Command, PayloadPair, PlannedCodec, SrtpKeys, StreamId, StreamPlan};
use offhook::media::event::Event;
use offhook::media::matrix::Matrix;
use offhook::protocol::audio::codec::Codec;
use offhook::protocol::rtp::suite::Suite;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

pub fn run(options: &Options) {
    let calls: u16 = options.number("calls", 500);
    let settings = WorkerSettings {
        workers: options.number("workers", 1),
        pin: options.text("pin").and_then(|core| core.parse().ok()).into_iter().collect(),
        ports: options.number("first-port", 10_000)..=options.number("last-port", 39_999),
        dscp: 0,
        ..WorkerSettings::default()
    };
    let metrics = Metrics::new(Duration::ZERO).expect("metrics");
    let (plane, mut told) = MediaPlane::start(&settings, &mut Entropy::from_number(1), &metrics).expect("workers");
    let before = resident_kilobytes();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for call in 0..calls {
        let [to_a, to_b] = open(&plane, &mut told, call, options);
        a.push(to_a);
        b.push(to_b);
    }
    write_addresses(options.text("out").unwrap_or("relay"), &a, &b);
    let grown = resident_kilobytes().saturating_sub(before);
    println!("{{\"ready\":\"relay\",\"calls\":{calls},\"kb_per_call\":{:.2}}}", grown as f64 / f64::from(calls.max(1)));
    std::thread::spawn(move || while told.blocking_recv().is_some() {});
    until_input_ends();
    let grown = resident_kilobytes().saturating_sub(before);
    plane.stop();
    let tally = plane.tally();
    println!("{{\"kb_per_call_after\":{:.2},\"tally\":\"{tally:?}\"}}", grown as f64 / f64::from(calls.max(1)));
}

fn open(
    plane: &MediaPlane,
    told: &mut tokio::sync::mpsc::Receiver<Event>,
    number: u16,
    options: &Options,
) -> [SocketAddr; 2] {
    let places = Places::of(options);
    let call = CallId(u64::from(number) + 1);
    let remotes = [places.a(number), places.b(number)];
    let mut ports = Vec::new();
    for (leg, remote) in (0..).map(LegId).zip(remotes) {
        let stream = StreamId { call, leg };
        plane.send(Command::Open { stream, bind: IpAddr::V4(Ipv4Addr::LOCALHOST) }).expect("room");
        loop {
            match told.blocking_recv() {
                Some(Event::Opened { local, .. }) => break ports.push(local),
                Some(Event::NotOpened { .. }) | None => panic!("no port: raise the limit of open files or the range"),
                Some(_) => {}
            }
        }
        let plan = Box::new(plan(remote, leg, options));
        plane.send(Command::Plan { stream, plan }).expect("room");
    }
    plane.send(Command::Matrix { call, matrix: Matrix::of_two(LegId(0), LegId(1)) }).expect("room");
    [ports[0], ports[1]]
}

fn plan(remote: SocketAddr, leg: LegId, options: &Options) -> StreamPlan {
    let recoded = options.has("recode") && leg == LegId(1);
    let (codec, payload_type) = if recoded { (Codec::Opus, 96) } else { (Codec::Pcmu, 0) };
    let payload = PayloadPair { receive: payload_type, send: payload_type, clock: codec.clock() };
    let plan = StreamPlan::of(PlannedCodec { codec, payload, kind: 1 + u32::from(recoded) }).toward(remote);
    StreamPlan {
        remote_rtcp: plan.remote_rtcp.filter(|_| !options.has("no-rtcp")),
        sends: !options.has("held"),
        receives: !options.has("held"),
        srtp: (options.has("srtp") && leg == LegId(1)).then(keys),
        silent_after: Some(Duration::from_secs(3_600)),
        ..plan
    }
}

/// The same in both directions, so that what we protect can be sent back to us.
fn keys() -> SrtpKeys {
    let suite = Suite::AesCm128HmacSha1_80;
    let key: Box<[u8]> = (0..30).collect();
    SrtpKeys { suite, ours: key.clone(), theirs: key }
}
