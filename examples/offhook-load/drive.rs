//! Sends numbered, time-stamped packets on many streams, takes them in again, and says what became of them.

use crate::meter::{Delays, run_seconds};
use crate::speech::Speech;
use crate::{Options, Places, loopback};
use rustix::net::{RecvFlags, SendFlags, sockopt};
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

const MAGIC: [u8; 8] = *b"offhookL";
const PAYLOAD: usize = 160;
const PAYLOAD_MAX: usize = 1_275;
/// Packets sent before the sinks are looked at again.
const BURST: usize = 32;

struct Stream {
    /// What it says in the place of numbers: which of `Run::speeches`.
    side: usize,
    to: SocketAddrV4,
    socket: usize,
    sent: u32,
    next_at: u64,
    highest: Option<u32>,
    /// Bit n: the packet n below the highest has come.
    seen: u64,
    came_after_stall: Option<u64>,
}

#[derive(Default)]
struct Found {
    sent: u64,
    refused: u64,
    came: u64,
    came_in_time: u64,
    again: u64,
    out_of_order: u64,
    unknown: u64,
}

struct Run {
    start: Instant,
    sockets: Vec<UdpSocket>,
    streams: Vec<Stream>,
    order: Vec<usize>,
    at: usize,
    period: u64,
    measure_from: u64,
    measure_to: u64,
    woken_at: Option<u64>,
    delays: Delays,
    found: Found,
    lag_max: u64,
    /// Of each side, when what they say is to be understood.
    speeches: Option<[Speech; 2]>,
}

pub fn run(options: &Options) {
    let mut run = Run::prepare(options);
    let pid: Option<u32> = options.text("pid").and_then(|text| text.parse().ok());
    let stall_for = Duration::from_secs_f64(options.number("stall-for", 0.0));
    let (mut used_before, mut used) = (None, 0.0);
    let end = run.measure_to + 500_000_000 + nanos(stall_for);
    let mut stalled_at = None;
    let mut own_before = 0.0;
    loop {
        let now = run.now();
        if used_before.is_none() && now >= run.measure_from {
            used_before = pid.map(run_seconds).or(Some(0.0));
            own_before = run_seconds(std::process::id());
        }
        if now < run.measure_to {
            run.send_due(now);
            if let Some(pid) = pid {
                used = run_seconds_once(&mut used, now, run.measure_to, pid, run.period);
            }
        } else if now >= end {
            break;
        }
        stall(&mut run, pid, stall_for, &mut stalled_at);
        if !run.take() {
            std::thread::sleep(Duration::from_micros(60));
        }
    }
    let used = pid.map_or(0.0, |_| used - used_before.unwrap_or(0.0));
    report(&run, options, used, run_seconds(std::process::id()) - own_before);
}

/// Reads the processor time close to the end of the measured time; cheap before.
fn run_seconds_once(last: &mut f64, now: u64, end: u64, pid: u32, period: u64) -> f64 {
    if end - now < period.min(5_000_000) { run_seconds(pid) } else { *last }
}

/// In the middle of the run the process is stopped for a while; what comes after it is woken is timed.
fn stall(run: &mut Run, pid: Option<u32>, stall_for: Duration, stalled_at: &mut Option<u64>) {
    let (Some(pid), false) = (pid, stall_for.is_zero()) else { return };
    let now = run.now();
    let middle = (run.measure_from + run.measure_to) / 2;
    let signal = |name: &str| drop(Command::new("kill").args([name, &pid.to_string()]).status());
    match *stalled_at {
        None if now >= middle => {
            signal("-STOP");
            *stalled_at = Some(now);
        }
        Some(at) if run.woken_at.is_none() && now >= at + nanos(stall_for) => {
            signal("-CONT");
            run.woken_at = Some(run.now());
        }
        _ => {}
    }
}

impl Run {
    fn prepare(options: &Options) -> Run {
        let places = Places::of(options);
        let bases = [places.a_base, places.b_base];
        let sockets: Vec<UdpSocket> = bases
            .iter()
            .flat_map(|base| (0..places.sockets).map(move |index| loopback(base + 2 * index)))
            .map(open)
            .collect();
        let sides = ["a", "b"].map(|side| options.text(side).map(addresses).unwrap_or_default());
        let pps: f64 = options.number("pps", 50.0);
        let period = (1e9 / pps) as u64;
        let mut streams = Vec::new();
        for (side, addresses) in (0..).zip(&sides) {
            for (index, to) in addresses.iter().enumerate() {
                let socket = side * usize::from(places.sockets) + index % usize::from(places.sockets);
                let next_at = 0;
                streams.push(Stream {
                    side,
                    to: *to,
                    socket,
                    sent: 0,
                    next_at,
                    highest: None,
                    seen: 0,
                    came_after_stall: None,
                });
            }
        }
        // The two directions of a call take turns, and all streams share the period evenly.
        let count = streams.len();
        let half = sides[0].len();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|index| if *index < half { 2 * index } else { 2 * (index - half) + 1 });
        let first = 50_000_000;
        for (place, index) in order.iter().enumerate() {
            streams[*index].next_at = first + period * place as u64 / count.max(1) as u64;
        }
        let measure_from = first + nanos(Duration::from_secs_f64(options.number("warm", 2.0)));
        let measure_to = measure_from + nanos(Duration::from_secs_f64(options.number("seconds", 10.0)));
        Run {
            start: Instant::now(),
            sockets,
            streams,
            order,
            at: 0,
            period,
            measure_from,
            measure_to,
            woken_at: None,
            delays: Delays::new(),
            found: Found::default(),
            lag_max: 0,
            speeches: options.has("recode").then(|| [Speech::pcmu(), Speech::opus()]),
        }
    }

    fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    fn send_due(&mut self, now: u64) {
        let mut packet = [0xff; 12 + PAYLOAD_MAX];
        for _ in 0..BURST {
            let Some(stream) = self.order.get(self.at).and_then(|index| self.streams.get_mut(*index)) else { return };
            if stream.next_at > now {
                return;
            }
            let measured = stream.next_at >= self.measure_from;
            if measured {
                self.lag_max = self.lag_max.max(now - stream.next_at);
            }
            let number = self.order[self.at] as u32;
            let speech = self.speeches.as_ref().map(|speeches| &speeches[stream.side]);
            let (payload_type, step) = speech.map_or((0, 160), |speech| (speech.payload_type, speech.step));
            packet[..2].copy_from_slice(&[0x80, payload_type]);
            packet[2..4].copy_from_slice(&(stream.sent as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&stream.sent.wrapping_mul(step).to_be_bytes());
            packet[8..12].copy_from_slice(&(0x4f48_0000 | number).to_be_bytes());
            let length = match speech {
                Some(speech) => {
                    let payload = speech.payload(stream.sent);
                    packet[12..12 + payload.len()].copy_from_slice(payload);
                    payload.len()
                }
                None => {
                    packet[12..20].copy_from_slice(&MAGIC);
                    packet[20..24].copy_from_slice(&number.to_be_bytes());
                    packet[24..28].copy_from_slice(&stream.sent.to_be_bytes());
                    packet[28..36].copy_from_slice(&nanos(self.start.elapsed()).to_be_bytes());
                    packet[36] = u8::from(measured);
                    PAYLOAD
                }
            };
            let packet = &packet[..12 + length];
            match rustix::net::sendto(&self.sockets[stream.socket], packet, SendFlags::DONTWAIT, &stream.to) {
                Ok(_) if measured => self.found.sent += 1,
                Ok(_) => {}
                Err(_) => self.found.refused += 1,
            }
            stream.sent += 1;
            stream.next_at += self.period;
            self.at = (self.at + 1) % self.order.len();
        }
    }

    /// Takes in what has come; whether that was anything.
    fn take(&mut self) -> bool {
        let mut any = false;
        let mut buffer = [0; 2_048];
        for index in 0..self.sockets.len() {
            for _ in 0..64 {
                let taken = rustix::net::recv(&self.sockets[index], &mut buffer[..], RecvFlags::DONTWAIT);
                let Ok((length, _)) = taken else { break };
                any = true;
                self.account(&buffer[..length]);
            }
        }
        any
    }

    fn account(&mut self, packet: &[u8]) {
        let now = self.now();
        if packet.get(12..20) != Some(&MAGIC) || packet.len() < 37 {
            self.found.unknown += 1;
            return;
        }
        let word = |at: usize| u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
        let (number, sequence) = (word(20), word(24));
        let sent_at = u64::from(word(28)) << 32 | u64::from(word(32));
        let Some(stream) = self.streams.get_mut(number as usize) else {
            self.found.unknown += 1;
            return;
        };
        if self.woken_at.is_some() && stream.came_after_stall.is_none() {
            stream.came_after_stall = Some(now);
        }
        match stream.highest {
            Some(highest) if sequence <= highest => {
                let bit = 1_u64.checked_shl(highest - sequence).unwrap_or(0);
                if bit == 0 || stream.seen & bit != 0 {
                    self.found.again += 1;
                    return;
                }
                stream.seen |= bit;
                self.found.out_of_order += 1;
            }
            highest => {
                let ahead = highest.map_or(64, |highest| sequence - highest);
                stream.seen = stream.seen.checked_shl(ahead).unwrap_or(0) | 1;
                stream.highest = Some(sequence);
            }
        }
        if packet[36] == 1 {
            self.found.came += 1;
            self.found.came_in_time += u64::from(now < self.measure_to);
            self.delays.add(now.saturating_sub(sent_at));
        }
    }
}

fn report(run: &Run, options: &Options, used: f64, own: f64) {
    let found = &run.found;
    let seconds = (run.measure_to - run.measure_from) as f64 / 1e9;
    let lost = found.sent.saturating_sub(found.came);
    let per_packet = |used: f64| used * 1e6 / found.came_in_time.max(1) as f64;
    let silent = run.streams.iter().filter(|stream| stream.highest.is_none()).count();
    let resumed = run.woken_at.map(|woken| {
        let after = run.streams.iter().map(|stream| stream.came_after_stall.map_or(u64::MAX, |came| came - woken));
        let after: Vec<u64> = after.collect();
        let late = after.iter().filter(|nanos| **nanos > 100_000_000).count();
        (after.into_iter().max().unwrap_or(0) / 1_000_000, late)
    });
    let resumed = resumed.map_or(String::new(), |(millis, late)| {
        format!(",\"resumed_ms_max\":{millis},\"streams_later_than_100_ms\":{late}")
    });
    println!(
        "{{\"label\":\"{}\",\"streams\":{},\"sent\":{},\"came\":{},\"loss\":{:.6},\"again\":{},\"out_of_order\":{},\
         \"unknown\":{},\"send_refused\":{},\"silent_streams\":{silent},\"pps\":{:.0},\"p50_us\":{},\"p99_us\":{},\
         \"p999_us\":{},\"us_per_packet\":{:.3},\"core_share\":{:.4},\"own_us_per_packet\":{:.3},\"lag_ms_max\":{:.1}{resumed}}}",
        options.text("label").unwrap_or(""),
        run.streams.len(),
        found.sent,
        found.came,
        lost as f64 / found.sent.max(1) as f64,
        found.again,
        found.out_of_order,
        found.unknown,
        found.refused,
        found.came_in_time as f64 / seconds,
        run.delays.percentile(0.5),
        run.delays.percentile(0.99),
        run.delays.percentile(0.999),
        per_packet(used),
        used / seconds,
        per_packet(own),
        run.lag_max as f64 / 1e6,
    );
}

fn open(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    for size in [32 << 20, 4 << 20] {
        if sockopt::set_socket_recv_buffer_size_force(&socket, size).is_err() {
            let _ = sockopt::set_socket_recv_buffer_size(&socket, size);
        }
    }
    socket
}

fn addresses(file: &str) -> Vec<SocketAddrV4> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines().filter_map(|line| line.trim().parse().ok()).filter(|it: &SocketAddrV4| it.ip().is_loopback()).collect()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
