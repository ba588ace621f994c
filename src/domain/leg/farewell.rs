//! The last message to a party whose call has failed on our side: 500, CANCEL's place, or BYE. Changes no state.

use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::base::now::Now;
use crate::domain::leg::headers;
use crate::domain::leg::leg::{Leg, State, target_of};
use crate::domain::leg::wire::Wire;
use crate::protocol::sip::message::method::Method;
use crate::protocol::sip::message::writer::Writer;
use crate::protocol::sip::path::Outgoing;
use crate::protocol::sip::stamp;

impl Leg {
    /// What ends this leg at its peer; `None` where nothing of it is left.
    pub fn farewell(&self, wire: &Wire, now: Now) -> Option<Outgoing> {
        match self.state() {
            State::Inbound(inbound) => {
                let from = *inbound.from();
                // RFC 3261 8.2.6.2: a final response has a tag; the one of the early dialog, if there is one.
                let tag = inbound.tag(wire);
                let mut writer = Writer::reply(&inbound.invite, from.remote, 500, "Server Internal Error", Some(&tag));
                headers::reason(&mut writer, Cause::Fault);
                Some(Outgoing { target: target_of(from), token: 0, bytes: writer.finish() })
            }
            State::Established(established) => {
                let mut entropy = Entropy::from_number(now.unix_millis() ^ wire.call.0);
                // The last number of all: nothing of the call that could have it is going to be sent.
                let branch = stamp::branch(wire.call, u32::MAX, &mut entropy);
                let via = wire.via(&self.line.target.path, &branch);
                let mut writer = established.dialog().clone().request(Method::Bye, &via);
                headers::reason(&mut writer, Cause::Fault);
                Some(Outgoing { target: self.line.target.clone(), token: 0, bytes: writer.finish() })
            }
            // One that nobody has heard of yet ends by its own time-out; its 2xx finds no call and ends by theirs.
            State::Outbound(outbound) => {
                let bytes = outbound.farewell(&self.line, wire)?;
                Some(Outgoing { target: self.line.target.clone(), token: 0, bytes })
            }
            State::Over(_) => None,
        }
    }
}
