//! The floor: epoll, receive, send, and not one look at the packet.

use crate::{Options, Places, loopback, until_input_ends, write_addresses};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

pub fn run(options: &Options) {
    let (calls, base) = (options.number("calls", 500_u16), options.number("base", 10_000_u16));
    let places = Places::of(options);
    let (mut sockets, mut targets) = (Vec::new(), Vec::new());
    for call in 0..calls {
        // What comes on a side's port leaves from the other's, as in a relay.
        for (port, target) in [(base + 4 * call, places.b(call)), (base + 4 * call + 2, places.a(call))] {
            sockets.push(socket(loopback(port)));
            targets.push(target);
        }
    }
    let side = |offset: u16| -> Vec<SocketAddr> { (0..calls).map(|call| loopback(base + 4 * call + offset)).collect() };
    write_addresses(options.text("out").unwrap_or("forward"), &side(0), &side(2));
    let round = Duration::from_micros(options.number("round-us", 500));
    std::thread::spawn(move || forward(&sockets, &targets, round));
    println!("{{\"ready\":\"forward\",\"calls\":{calls}}}");
    until_input_ends();
}

fn socket(address: SocketAddr) -> OwnedFd {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None).expect("socket");
    sockopt::set_socket_recv_buffer_size(&socket, 48 * 1_024).expect("buffer");
    rustix::net::bind(&socket, &address).expect("bind");
    socket
}

fn forward(sockets: &[OwnedFd], targets: &[SocketAddr], round: Duration) {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll");
    for (number, socket) in sockets.iter().enumerate() {
        let number = epoll::EventData::new_u64(u64::try_from(number).unwrap_or(0));
        epoll::add(&epoll, socket, number, epoll::EventFlags::IN).expect("watch");
    }
    let mut found = Vec::with_capacity(256);
    let mut buffer = [0; 2_048];
    loop {
        found.clear();
        let _ = epoll::wait(&epoll, spare_capacity(&mut found), None);
        for event in &found {
            let at = usize::try_from(event.data.u64()).unwrap_or(0);
            let Ok((length, _, _)) = rustix::net::recvfrom(&sockets[at], &mut buffer[..], RecvFlags::DONTWAIT) else {
                continue;
            };
            let SocketAddr::V4(to) = targets[at] else { continue };
            let _ = rustix::net::sendto(&sockets[at ^ 1], &buffer[..length], SendFlags::DONTWAIT, &to);
        }
        if found.len() < 256 && !round.is_zero() {
            std::thread::sleep(round);
        }
    }
}
