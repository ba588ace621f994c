//! From the kind of a step to what does it. Does nothing itself.

use super::waiting::Waiting;
use super::{FlowRun, Turn};
use crate::base::now::Now;
use crate::domain::flow::act::Act;
use crate::domain::flow::interface::FlowEnd;

impl FlowRun {
    pub(super) fn perform(&mut self, now: Now, act: &Act) -> Turn {
        match act {
            Act::Answer => self.answer(now),
            Act::Play(play) => self.play(now, play),
            Act::LoopPrompts(prompts) => self.loop_prompts(now, prompts),
            Act::Ask(ask) => self.ask(now, ask),
            Act::Collect(collect) => self.collect(now, collect),
            Act::Record(record) => self.record(now, record),
            Act::Wait(time) => Turn::Wait(Waiting::Pause { until: now.instant + *time }),
            Act::Check(check) => self.check(check),
            Act::CheckHours(check) => self.check_hours(now, check),
            Act::CheckQueue(check) => self.check_queue(now, check),
            Act::CheckStaffing(check) => self.check_staffing(now, check),
            Act::QueueMetrics(queue) => self.ask_of_queue(now, queue.as_ref()),
            Act::Distribute(shares) => self.distribute(shares),
            Act::Loop(count) => self.count_loop(count),
            Act::Webhook(webhook) => self.webhook(now, webhook),
            Act::Function(function) => self.function(now, function),
            Act::Queue(queue) => self.queue(now, queue.as_ref()),
            Act::Callback(callback) => self.callback(now, callback),
            Act::Dial(dial) => self.dial(now, dial),
            Act::CallOut(call_out) => self.call_out(now, call_out),
            Act::TransferToFlow(flow) => self.transfer_to_flow(flow),
            Act::TransferToAgent(agent) => self.transfer_to_agent(now, agent.as_ref()),
            Act::Module(name) => self.module(name),
            Act::Return => self.go_back(),
            Act::Hold(who) => self.hold(now, *who),
            Act::StreamStart(what) => self.stream(now, Some(*what)),
            Act::StreamStop => self.stream(now, None),
            Act::SendDigits(digits) => self.send_digits(now, digits),
            Act::HangUp(cause) => Turn::End(FlowEnd::HangUp(*cause)),
            Act::End => self.finish(),
            Act::Route(route) => self.route(now, route),
            Act::Control(came) => self.expect_orders(came),
            Act::Fallback => self.fall_back(),
            Act::Redirect(to) => Turn::End(FlowEnd::Redirect(to.clone())),
            _ => self.set(now, act),
        }
    }
}
