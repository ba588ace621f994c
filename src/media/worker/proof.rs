//! A worker's streams whose peers are browsers: checks answered at once, handshakes given to others. Performs none itself.

use crate::base::now::Now;
use crate::media::command::StreamId;
use crate::media::counters::Refusal;
use crate::media::event::Event;
use crate::media::handshake::{HandshakeNews, HandshakeOrder};
use crate::media::transmit::SocketId;
use crate::media::worker::{Arrived, Output, Sending, Worker};
use crate::protocol::rtp::kind::Kind;

impl Worker {
    /// A datagram by which a browser proves itself, or a stranger tries to.
    pub(super) fn take_proof(&mut self, now: Now, arrived: Arrived, kind: Kind, buffer: &mut [u8]) -> Option<Sending> {
        let stream = self.streams.at_mut(arrived.socket.slot)?;
        let id = stream.id;
        if kind == Kind::Dtls {
            let wish = stream.web.as_mut().and_then(|web| web.admits(now.instant, arrived.from));
            let Some(wish) = wish else {
                stream.refuse(Refusal::Dtls);
                self.counters.refuse(Refusal::Dtls);
                return None;
            };
            let datagram = Some(buffer.get(..arrived.length)?.into());
            self.outputs.push_back(Output::Handshake(HandshakeOrder::Go { stream: id, wish, datagram }));
            return None;
        }
        let web = stream.web.as_mut()?;
        let checked = web.check(now.instant, arrived.from, arrived.length, buffer);
        self.counters.checked(checked.outcome);
        if checked.outcome.is_ok() {
            if let Some(wish) = web.begins().filter(|_| web.responder.chosen().is_some()) {
                self.outputs.push_back(Output::Handshake(HandshakeOrder::Go { stream: id, wish, datagram: None }));
            }
            stream.follow(now.instant);
            self.arm_stream(arrived.socket.slot);
        } else {
            stream.refuse(Refusal::Stun);
            self.counters.refuse(Refusal::Stun);
        }
        let length = checked.answer?;
        Some(Sending { socket: arrived.socket, to: arrived.from, length })
    }

    /// What became of a stream's handshake.
    pub(super) fn handshake(&mut self, now: Now, id: StreamId, news: HandshakeNews) {
        let slot = self.circuits.get(&id.call).and_then(|circuit| circuit.slot_of(id.leg));
        let Some((slot, stream)) = slot.and_then(|slot| Some((slot, self.streams.at_mut(slot)?))) else { return };
        match news {
            HandshakeNews::Keys(wish, keys) => stream.take_keys(now.instant, wish, &keys),
            HandshakeNews::Failed(fault) => {
                self.outputs.push_back(Output::Event(Event::NotSecured { stream: id, fault }));
            }
            HandshakeNews::Send(datagram) => {
                let Some(to) = stream.web.as_ref().and_then(|web| web.answers_to()) else { return };
                self.outbox.add(SocketId { slot, control: false }, to, datagram.len(), |room| {
                    room.copy_from_slice(&datagram);
                    Some(datagram.len())
                });
            }
        }
    }
}
