//! What is left to say when a call's own code has failed: a farewell to each party, and the record. Changes nothing.

use crate::base::cause::{Cause, Fault};
use crate::base::now::Now;
use crate::domain::call::parts::Parts;
use crate::domain::call::record;
use crate::domain::contact::Record;
use crate::protocol::sip::path::Outgoing;

pub fn read(parts: &Parts, now: Now) -> (Vec<Outgoing>, Record) {
    let farewells = parts.legs.iter().filter_map(|leg| leg.farewell(&parts.wire, now)).collect();
    let mut record = record::draw_up(parts);
    record.cause = Cause::Fault;
    record.fault = Fault::Ours;
    (farewells, record)
}
