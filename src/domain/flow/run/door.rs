//! What a running flow is told, brought to the step that waits for it. Ignores what nobody waits for.

use super::waiting::Waiting;
use super::{FlowRun, Turn};
use crate::base::now::Now;
use crate::domain::flow::definition::Outcome;
use crate::domain::flow::interface::{FlowEnd, FlowInput, FlowWish, QueueOutcome, Ticket};

impl FlowRun {
    pub(super) fn on_input(&mut self, now: Now, input: FlowInput) {
        match input {
            FlowInput::Begin => {
                if matches!(self.waiting, Waiting::Begin) {
                    let place = self.at.clone();
                    self.go(now, Turn::Go(place, None));
                }
            }
            FlowInput::Key(key) => self.on_key(now, key),
            FlowInput::Offer { is_open } => self.on_offer(now, is_open),
            FlowInput::Order(flow) => self.on_order(now, &flow),
            FlowInput::CallerGone => self.stop(now, FlowEnd::CallerGone),
            FlowInput::Stop => self.stop(now, FlowEnd::Stopped),
            answer => self.on_answer(now, answer),
        }
    }

    fn on_answer(&mut self, now: Now, input: FlowInput) {
        match (std::mem::replace(&mut self.waiting, Waiting::Ended), input) {
            (Waiting::Told { ticket, .. }, FlowInput::Told { ticket: told, answer }) if ticket == told => {
                self.on_told(now, answer);
            }
            (Waiting::Number { ticket, keyed, .. }, FlowInput::Told { ticket: told, answer }) if ticket == told => {
                self.on_number(now, &keyed, answer.as_ref());
            }
            (Waiting::Fetch(fetching), FlowInput::Fetched { ticket, outcome }) if fetching.ticket == ticket => {
                self.on_fetched(now, &fetching, outcome);
            }
            (Waiting::Route(routing), FlowInput::Decided { ticket, flow }) if routing.ticket == ticket => {
                self.on_decided(now, &routing, flow);
            }
            (waiting @ Waiting::Dial { .. }, FlowInput::Dialled { ticket, outcome }) => {
                let (is_asked, is_joined) = match &waiting {
                    Waiting::Dial { ticket: asked, until } => (*asked == ticket, until.is_none()),
                    _ => (false, false),
                };
                self.waiting = waiting;
                if is_asked {
                    self.on_dialled(now, is_joined, outcome);
                }
            }
            (Waiting::Queue { ticket, queue, is_callback, .. }, FlowInput::Queued { ticket: told, outcome })
                if ticket == told =>
            {
                self.on_queued(now, queue, is_callback, outcome);
            }
            (Waiting::Done { ticket, what, .. }, FlowInput::Done { ticket: told, ok }) if ticket == told => {
                self.on_done(now, what, ok);
            }
            (Waiting::Record { ticket, .. }, FlowInput::Recorded { ticket: told, place }) if ticket == told => {
                self.on_recorded(now, place);
            }
            (Waiting::Encrypt { ticket, .. }, FlowInput::Encrypted { ticket: told, envelope }) if ticket == told => {
                self.on_encrypted(now, envelope);
            }
            (waiting, FlowInput::Played { ticket, ok }) => self.on_played(now, waiting, ticket, ok),
            (waiting, _) => self.waiting = waiting,
        }
    }

    fn on_played(&mut self, now: Now, waiting: Waiting, played: Ticket, ok: bool) {
        let outcome = |ok: bool| if ok { Outcome::Success } else { Outcome::Error };
        match waiting {
            Waiting::Play { ticket, .. } if ticket == played => self.go(now, Turn::Next(outcome(ok))),
            // Music without end that ended could not be had.
            Waiting::Loop { ticket, .. } if ticket == played => self.go(now, Turn::Next(Outcome::Error)),
            Waiting::Ask(asking) if asking.heard.is_saying(played) => self.on_ask_played(now, asking, ok),
            Waiting::Collect(collecting) if collecting.heard.is_saying(played) => {
                self.on_collect_played(now, collecting, ok);
            }
            Waiting::Confirm(confirming) if confirming.heard.is_saying(played) => {
                self.on_confirm_played(now, confirming, ok);
            }
            // Comfort that cannot be had is silence.
            Waiting::Fetch(mut fetching) if fetching.comfort == Some(played) => {
                fetching.comfort = None;
                self.waiting = Waiting::Fetch(fetching);
            }
            Waiting::Route(mut routing) if routing.comfort == Some(played) => {
                routing.comfort = None;
                self.waiting = Waiting::Route(routing);
            }
            waiting => self.waiting = waiting,
        }
    }

    fn on_offer(&mut self, now: Now, is_open: bool) {
        self.memory.is_offered = is_open;
        if let (false, Waiting::Loop { ticket, is_due: true, .. }) = (is_open, &self.waiting) {
            let ticket = *ticket;
            self.on_loop_interrupt(now, ticket);
        }
    }

    /// Everything that was started is stopped, and then the flow has ended.
    fn stop(&mut self, now: Now, end: FlowEnd) {
        if self.has_ended() {
            return;
        }
        self.halt();
        self.end(now, end);
    }

    /// What was started for the step is stopped.
    pub(super) fn halt(&mut self) {
        if let Some(ticket) = self.waiting.sounding() {
            self.stop_playing(ticket);
        }
        match &self.waiting {
            Waiting::Fetch(fetching) => {
                let ticket = fetching.ticket;
                self.wish(FlowWish::CancelFetch { ticket });
            }
            Waiting::Route(routing) => {
                let ticket = routing.ticket;
                self.wish(FlowWish::CancelRoute { ticket });
            }
            Waiting::Dial { ticket, .. } => {
                let ticket = *ticket;
                self.wish(FlowWish::CancelDial { ticket });
            }
            Waiting::Record { ticket, is_stopping: false, .. } => {
                let ticket = *ticket;
                self.wish(FlowWish::StopRecording { ticket });
            }
            _ => {}
        }
    }

    pub(super) fn on_deadline(&mut self, now: Now) {
        match std::mem::replace(&mut self.waiting, Waiting::Ended) {
            Waiting::Play { ticket, .. } => {
                self.stop_playing(ticket);
                self.go(now, Turn::Next(Outcome::Error));
            }
            Waiting::Loop { ticket, .. } => self.on_loop_interrupt(now, ticket),
            Waiting::Ask(asking) => self.on_ask_deadline(now, asking),
            Waiting::Collect(collecting) => self.on_collect_deadline(now, collecting),
            Waiting::Confirm(confirming) => self.on_confirm_deadline(now, &confirming),
            Waiting::Number { keyed, .. } => self.on_number(now, &keyed, None),
            Waiting::Encrypt { .. } => self.on_encrypted(now, None),
            Waiting::Record { ticket, is_stopping, .. } => self.on_record_deadline(now, ticket, is_stopping),
            Waiting::Pause { .. } => self.go(now, Turn::Next(Outcome::Success)),
            Waiting::Told { .. } => self.on_told(now, None),
            Waiting::Fetch(fetching) => self.on_fetch_deadline(now, &fetching),
            Waiting::Route(routing) => self.on_route_deadline(now, &routing),
            waiting @ Waiting::Dial { .. } => {
                self.waiting = waiting;
                self.on_dial_deadline(now);
            }
            Waiting::Queue { queue, is_callback, .. } => self.on_queued(now, queue, is_callback, QueueOutcome::Refused),
            Waiting::Done { what, .. } => self.on_done(now, what, false),
            waiting @ (Waiting::Begin | Waiting::Ended | Waiting::Control) => self.waiting = waiting,
        }
    }
}
