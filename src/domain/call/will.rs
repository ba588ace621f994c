//! What is left to say when a call's own code has failed: a farewell to each party, and the record. Changes nothing.

use crate::base::cause::{Cause, Fault};
use crate::base::now::Now;
use crate::domain::call::parts::Parts;
use crate::domain::call::record;
use crate::domain::contact::Record;
use crate::media::command::{Command, StreamId};
use crate::protocol::sip::path::Outgoing;

pub struct Will {
    pub farewells: Vec<Outgoing>,
    /// What lets go of the ports.
    pub closings: Vec<Command>,
    pub record: Record,
}

pub fn read(parts: &Parts, now: Now) -> Will {
    let call = parts.wire.call;
    let closings = parts.streams.left_open().map(|leg| Command::Close { stream: StreamId { call, leg } }).collect();
    let farewells = parts.legs.iter().filter_map(|leg| leg.farewell(&parts.wire, now)).collect();
    let mut record = record::draw_up(parts);
    record.cause = Cause::Fault;
    record.fault = Fault::Ours;
    Will { farewells, closings, record }
}
