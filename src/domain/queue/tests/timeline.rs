//! The worked example of a callback, second by second: a delay of 99 s, whispers of 10 and 15 s.

use super::{Centre, callback, seconds, settings};
use crate::domain::queue::callback::DialOutcome;
use crate::domain::queue::interface::{AgentCommand, CallbackOrder, Place, QueueInput, QueueOutput};
use crate::domain::queue::settings::Status;
use std::time::Duration;

/// Seconds after 11:35:00 at which the outputs of these kinds were said.
fn when(log: &[(u64, QueueOutput)], which: impl Fn(&QueueOutput) -> bool) -> Vec<u64> {
    log.iter().filter(|(_, said)| which(said)).map(|(at, _)| *at).collect()
}

#[test]
fn the_worked_timeline_of_a_callback() {
    let mut centre = Centre::new(settings());
    centre.said();
    let began = centre.now;
    let mut log: Vec<(u64, QueueOutput)> = Vec::new();
    let at = |centre: &mut Centre, second: u64, log: &mut Vec<(u64, QueueOutput)>| {
        let target = began.after(seconds(second)).instant;
        let wait = target.saturating_duration_since(centre.now.instant);
        centre.pass(wait);
        let spoken = centre.said();
        log.extend(spoken.into_iter().map(|said| (second, said)));
    };
    // 11:35:00 the caller waits; 11:37:00 the flow promises a callback and ends the call.
    let started = began.unix_millis();
    at(&mut centre, 120, &mut log);
    let order = CallbackOrder { started, delay: seconds(99), retries: 2, ..Centre::order(7, "orders") };
    centre.tell(QueueInput::Schedule(Box::new(order)));
    // 11:38:38 it is not in the queue yet, 11:38:39 it is.
    at(&mut centre, 120 + 98, &mut log);
    assert!(centre.queues.line(&Place::Queue("orders".into())).is_empty());
    at(&mut centre, 120 + 99, &mut log);
    assert_eq!(centre.queues.line(&Place::Queue("orders".into())), [callback(1)]);
    // 11:39:00 an agent comes and accepts at once.
    at(&mut centre, 240, &mut log);
    centre.command("ann", AgentCommand::Status(Status::Available));
    let (_, _, offer) = centre.offer();
    centre.accept(offer);
    at(&mut centre, 240, &mut log);
    // 11:39:10 the agent has heard her whisper, the customer is dialled and answers.
    at(&mut centre, 250, &mut log);
    centre.tell(QueueInput::AgentWhispered { offer });
    centre.dialled(offer, DialOutcome::Answered);
    at(&mut centre, 250, &mut log);
    // 11:39:25 the customer has heard his.
    at(&mut centre, 265, &mut log);
    centre.tell(QueueInput::CustomerWhispered { offer });
    at(&mut centre, 265, &mut log);
    // 11:45:00 the customer hangs up.
    at(&mut centre, 600, &mut log);
    centre.tell(QueueInput::Gone { contact: callback(1) });
    at(&mut centre, 600, &mut log);

    assert_eq!(when(&log, |said| matches!(said, QueueOutput::Entered { .. })), [219]);
    assert_eq!(when(&log, |said| matches!(said, QueueOutput::StartAgentWhisper { .. })), [240]);
    assert_eq!(when(&log, |said| matches!(said, QueueOutput::Dial { .. })), [250]);
    assert_eq!(when(&log, |said| matches!(said, QueueOutput::StartCustomerWhisper { .. })), [250]);
    assert_eq!(when(&log, |said| matches!(said, QueueOutput::Join { .. })), [265]);
    let waits: Vec<Duration> = log
        .iter()
        .filter_map(|(_, said)| match said {
            QueueOutput::Dequeued { waited, .. } => Some(*waited),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [seconds(21)], "from 11:38:39 to 11:39:00");
    assert_eq!(centre.activity("ann"), "After contact work");
    assert_eq!(centre.queues.callbacks().count(), 0);
}
