//! What must hold at the end of every simulated run, whatever the network did.

use super::World;
use super::address;
use super::caller::Caller;
use super::setup;
use offhook::base::cause::Cause;
use offhook::domain::contact::Record;
use std::collections::BTreeSet;
use std::time::Duration;

/// From the silence of a peer to the record: a session interval, and twice 64*T1 for what is still being tried.
const NOTICED: Duration = Duration::from_secs(100 + 64);

impl World {
    pub fn judge(&mut self) {
        let mut faults = std::mem::take(&mut self.report.faults);
        faults.extend(self.exchange.leftovers());
        if !self.flying.is_empty() {
            faults.push(format!("{} datagrams still fly", self.flying.len()));
        }
        if self.exchange.unreadable > 0 {
            faults.push(format!("{} unreadable messages", self.exchange.unreadable));
        }
        self.judge_records(&mut faults);
        for caller in &self.callers {
            self.judge_caller(caller, &mut faults);
        }
        self.judge_callees(&mut faults);
        faults.extend(self.ledger.unacknowledged());
        self.count();
        self.report.faults = faults;
    }

    fn judge_records(&self, faults: &mut Vec<String>) {
        let (records, started) = (&self.exchange.records, self.exchange.started);
        if records.len() != started {
            faults.push(format!("{} records for {started} calls", records.len()));
        }
        if started > self.callers.len() {
            faults.push(format!("{started} calls for {} callers", self.callers.len()));
        }
        let ids: BTreeSet<_> = records.iter().map(|record| record.call).collect();
        if ids.len() != records.len() {
            faults.push("a call has two records".to_owned());
        }
        for record in records {
            let ends = record.legs.iter().all(|leg| leg.started_at <= leg.ended_at && leg.ended_at <= record.ended_at);
            if !ends || record.started_at > record.ended_at {
                faults.push(format!("call {} has times out of order", record.call));
            }
            if record.cause == Cause::Fault {
                faults.push(format!("call {} ended by a fault of ours: {:?}", record.call, record.trail));
            }
        }
    }

    /// The records of this caller's call: one, if its INVITE arrived.
    fn records(&self, caller: &Caller) -> Vec<&Record> {
        let own =
            |record: &&Record| record.legs.first().is_some_and(|leg| *leg.sip_call_id == *caller.dialog().call_id);
        self.exchange.records.iter().filter(own).collect()
    }

    fn judge_caller(&self, caller: &Caller, faults: &mut Vec<String>) {
        let (host, finals) = (&caller.host, &caller.finals);
        if finals.len() > 1 {
            faults.push(format!("caller {host} heard several final answers: {finals:?}"));
        }
        faults
            .extend(doubled(&caller.dialog().finals).map(|cseq| format!("caller {host} heard two answers to {cseq}")));
        if caller.was_asked_too_early {
            faults.push(format!("caller {host} was asked for a change of a call that it did not have yet"));
        }
        if !caller.is_done() {
            faults.push(format!("caller {host} was left in its call"));
        }
        // RFC 3261 17.1.1.2: who hears nothing of an INVITE that never arrived is told so by its own timer B.
        let was_heard = self.ledger.has_invited(address(host));
        if finals.is_empty() && caller.vanished_at.is_none() && was_heard {
            faults.push(format!("caller {host} heard no final answer"));
        }
        let records = self.records(caller);
        if records.len() != usize::from(was_heard) {
            faults.push(format!("caller {host} has {} records", records.len()));
        }
        let Some(record) = records.first() else { return };
        if let Some((status, _)) = finals.first()
            && (record.answered_at.is_some() != (*status < 300) || record.status.is_some_and(|told| told != *status))
        {
            let told = (record.status, record.answered_at);
            faults.push(format!("caller {host} heard {status}, the record says {told:?}"));
        }
        if let Some(at) = caller.vanished_at {
            // Who has left its callee to somebody else has ended with its own leg.
            let own = record.legs.first().filter(|_| caller.plan.transfer.is_some());
            let ended = own.map_or(record.ended_at, |leg| leg.ended_at);
            let ended = Duration::from_millis(ended).saturating_sub(setup::EPOCH);
            if ended > at + NOTICED {
                faults
                    .push(format!("caller {host} vanished at {at:?}, its call ended at {ended:?}: {:?}", record.trail));
            }
        }
    }

    fn judge_callees(&self, faults: &mut Vec<String>) {
        let legs: Vec<_> = self.exchange.records.iter().flat_map(|record| &record.legs).collect();
        for callee in &self.callees {
            for call in &callee.calls {
                let name = format!("call {} at {}", call.dialog().call_id, callee.host);
                if call.hangs() {
                    faults.push(format!("{name} was answered and never ended"));
                }
                let leg = legs.iter().find(|leg| *leg.sip_call_id == *call.dialog().call_id);
                let ended =
                    leg.map_or(Duration::MAX, |leg| Duration::from_millis(leg.ended_at).saturating_sub(setup::EPOCH));
                let is_peer = self.ledger.may_be_of(&call.dialog().call_id, call.tag());
                if call.vanished_at.is_some_and(|at| is_peer && ended > at + NOTICED) {
                    faults.push(format!("{name} vanished at {:?}, its leg ended at {ended:?}", call.vanished_at));
                }
                faults.extend(doubled(&call.dialog().finals).map(|cseq| format!("{name} heard two answers to {cseq}")));
            }
        }
    }

    fn count(&mut self) {
        let tally = &mut self.report.tally;
        let records = &self.exchange.records;
        let calls = || self.callees.iter().flat_map(|callee| &callee.calls);
        let dialogs = || self.callers.iter().map(Caller::dialog).chain(calls().map(|call| call.dialog()));
        let sum = |counts: &mut dyn Iterator<Item = u32>| usize::try_from(counts.sum::<u32>()).unwrap_or(usize::MAX);
        tally.calls = self.callers.len();
        tally.records = records.len();
        tally.answered = records.iter().filter(|record| record.answered_at.is_some()).count();
        tally.refused = tally.records - tally.answered;
        tally.cancelled = self.callers.iter().filter(|c| c.finals.iter().any(|(status, _)| *status == 487)).count();
        tally.failed_over = records.iter().filter(|record| record.legs.len() > 2).count();
        tally.changed = sum(&mut dialogs().map(|dialog| dialog.held));
        let crossed = dialogs().flat_map(|dialog| &dialog.finals).filter(|(_, status, _)| *status == 491).count();
        tally.glares = sum(&mut dialogs().map(|dialog| dialog.glares)) + crossed;
        tally.referred = sum(&mut dialogs().map(|dialog| dialog.referred));
        tally.transferred = sum(&mut dialogs().map(|dialog| dialog.transferred));
        let lines = records.iter().flat_map(|record| record.trail.iter());
        tally.handed_over = lines.filter(|line| line.contains("comes over from call")).count();
        tally.refreshed = sum(&mut dialogs().map(|dialog| dialog.refreshed));
        tally.rang_reliably = calls().filter(|call| call.rang_reliably()).count();
        tally.forked = calls().filter(|call| call.is_fork && call.was_answered()).count();
        tally.callers_vanished = self.callers.iter().filter(|caller| caller.vanished_at.is_some()).count();
        tally.callees_vanished = calls().filter(|call| call.vanished_at.is_some()).count();
        tally.expired = records.iter().filter(|record| record.cause == Cause::PeerVanished).count();
        tally.too_long = records.iter().filter(|record| record.cause == Cause::MaxDuration).count();
    }
}

/// CSeq numbers that were given two different final answers.
fn doubled(finals: &[(u32, u16, String)]) -> impl Iterator<Item = u32> {
    let again = |(at, (cseq, _, _)): (usize, &(u32, u16, String))| {
        finals.iter().take(at).any(|(other, _, _)| other == cseq).then_some(*cseq)
    };
    finals.iter().enumerate().filter_map(again)
}
