//! An attended transfer through the whole switchboard: places on trunks go with the leg, and nothing is left.

use crate::dialogue::peer::{Peer, Words, method, status};
use crate::world::Running;
use crate::world::setup;
use offhook::base::now::Now;
use std::time::{Duration, Instant, SystemTime};

struct Scene {
    now: Now,
    exchange: Running,
    peers: Vec<Peer>,
}

impl Scene {
    fn new() -> Scene {
        let now = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH + setup::EPOCH };
        let peers = vec![
            // One party of the trunk "north", in two calls, and whom it calls on the two others.
            Peer::new("first", "10.1.0.8:5060"),
            Peer::new("second", "10.1.0.9:5060"),
            Peer::new("customer", "10.2.0.2:5060"),
            Peer::new("expert", "10.2.0.3:5060"),
        ];
        Scene { now, exchange: Running::new(setup::exchange(), 7, now), peers }
    }

    fn peer(&mut self, name: &str) -> &mut Peer {
        self.peers.iter_mut().find(|peer| peer.name == name).expect("a party")
    }

    fn send(&mut self, name: &str, text: &str) {
        let from = self.peer(name).address;
        self.exchange.receive(self.now, from, text.as_bytes());
        self.collect();
    }

    fn collect(&mut self) {
        for datagram in std::mem::take(&mut self.exchange.out) {
            let text = String::from_utf8(datagram.bytes).expect("SIP is text here");
            let peer = self.peers.iter_mut().find(|peer| peer.address == datagram.to).expect("a party");
            peer.inbox.push_back(text);
        }
    }

    fn request(&mut self, name: &str, what: &str, body: Option<&str>, headers: &[String]) {
        let words = Words { body: body.map(str::to_owned), headers: headers.to_vec(), ..Words::default() };
        let text =
            self.peer(name).request(what, &words).replace("+815012345678", DIALLED[usize::from(name == "second")]);
        self.send(name, &text);
    }

    fn answer(&mut self, name: &str, code: u16, to: &str, body: Option<&str>) {
        let words = Words { body: body.map(str::to_owned), to: Some(to.to_owned()), ..Words::default() };
        let text = self.peer(name).answer(code, &words);
        self.send(name, &text);
    }

    /// The next message to a party is this.
    fn hears(&mut self, name: &str, what: &str) {
        let message = self.peer(name).take().unwrap_or_else(|| panic!("{name} hears nothing, not {what}"));
        let told = status(&message).map_or_else(|| method(&message).to_owned(), |status| status.to_string());
        assert_eq!(told, what, "{name} hears\n{message}");
    }

    fn call(&mut self, caller: &str, callee: &str) {
        self.request(caller, "INVITE", Some("offer"), &[]);
        self.hears(caller, "100");
        self.hears(callee, "INVITE");
        self.answer(callee, 200, "INVITE", Some("answer"));
        self.hears(callee, "ACK");
        self.hears(caller, "200");
        self.request(caller, "ACK", None, &[]);
    }

    fn places(&self) -> Vec<(String, u32)> {
        let states = self.exchange.switchboard.trunk_states();
        states.into_iter().map(|trunk| (trunk.name.to_string(), trunk.calls)).collect()
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(due) = self.exchange.deadline().filter(|due| *due <= end) {
            self.now = self.now.after(due.saturating_duration_since(self.now.instant));
            self.exchange.wake(self.now);
            self.exchange.out.clear();
        }
        self.now = self.now.after(end.saturating_duration_since(self.now.instant));
    }
}

const DIALLED: [&str; 2] = ["+815012300001", "+819012345678"];

fn places(north: u32, first: u32, second: u32) -> Vec<(String, u32)> {
    [("north", north), ("carrier-1", first), ("carrier-2", second)].map(|(name, calls)| (name.to_owned(), calls)).into()
}

#[test]
fn an_attended_transfer_takes_the_place_on_the_trunk_with_it() {
    let mut scene = Scene::new();
    scene.call("first", "customer");
    scene.call("second", "expert");
    assert_eq!(scene.places(), places(2, 1, 1));
    let dialog = scene.peer("second").replaces().replace(';', "%3B").replace('=', "%3D");
    scene.request("first", "REFER", None, &[format!("Refer-To: <sip:+819012345678@10.0.0.1?Replaces={dialog}>")]);
    scene.hears("first", "202");
    scene.hears("first", "NOTIFY");
    scene.answer("first", 200, "NOTIFY", None);
    scene.hears("expert", "INVITE");
    scene.answer("expert", 200, "INVITE", Some("offer"));
    scene.hears("customer", "INVITE");
    scene.answer("customer", 200, "INVITE", Some("answer"));
    scene.hears("customer", "ACK");
    scene.hears("expert", "ACK");
    // Its audio has a port in its new call, and it is told so.
    scene.hears("expert", "INVITE");
    scene.answer("expert", 200, "INVITE", Some("answer"));
    scene.hears("expert", "ACK");
    scene.hears("second", "BYE");
    scene.answer("second", 200, "BYE", None);
    scene.hears("first", "NOTIFY");
    scene.hears("first", "BYE");
    scene.answer("first", 200, "NOTIFY", None);
    scene.answer("first", 200, "BYE", None);
    // The second call is over, and the expert's place is the first one's now.
    assert_eq!(scene.exchange.records.len(), 1);
    assert_eq!(scene.places(), places(1, 1, 1));
    // Longer than the last transaction of the call that is over, shorter than the session timer.
    scene.pass(Duration::from_secs(40));
    assert_eq!(scene.exchange.leftovers().iter().filter(|left| left.starts_with("call ")).count(), 1);
    scene.peers.iter_mut().for_each(|peer| peer.inbox.clear());
    // Its own call is long gone; its dialog is not.
    scene.request("expert", "BYE", None, &[]);
    scene.hears("expert", "200");
    scene.hears("customer", "BYE");
    scene.answer("customer", 200, "BYE", None);
    assert_eq!(scene.exchange.records.len(), 2);
    assert_eq!(scene.places(), places(0, 0, 0));
    scene.pass(Duration::from_secs(64));
    assert_eq!(scene.exchange.leftovers(), Vec::<String>::new());
}
