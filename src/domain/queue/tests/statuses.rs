//! What agents and supervisors may say, and what becomes of it.

use super::{Centre, call, seconds, settings};
use crate::domain::queue::interface::{AgentChange, AgentCommand, AgentRefusal, By, OfferAnswer, QueueOutput};
use crate::domain::queue::settings::Status;

fn lunch() -> Status {
    Status::Custom("Lunch".into())
}

fn refusal(centre: &mut Centre, command: AgentCommand, by: By) -> Option<AgentRefusal> {
    centre.queues.handle_command(centre.now, "ann", command, by).err()
}

/// Ann, in conversation.
fn on_contact() -> Centre {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    centre.said();
    centre
}

#[test]
fn nobody_is_offered_anything_before_he_is_available() {
    let mut centre = Centre::new(settings());
    centre.enter(1, "orders");
    centre.command("ann", AgentCommand::SignIn);
    assert!(centre.offers().is_empty());
    centre.command("ann", AgentCommand::Status(lunch()));
    assert!(centre.offers().is_empty());
    centre.command("ann", AgentCommand::Status(Status::Available));
    assert_eq!(centre.offer().1, "ann");
}

#[test]
fn signing_in_gives_the_first_status_that_is_configured() {
    let mut settings = settings();
    settings.agents[1].first_status = Status::Available;
    let mut centre = Centre::new(settings);
    assert_eq!((centre.activity("ann").as_str(), centre.activity("bob").as_str()), ("Offline", "Available"));
    centre.command("bob", AgentCommand::SignOut);
    assert_eq!(centre.activity("bob"), "Offline");
    centre.command("bob", AgentCommand::SignIn);
    assert_eq!(centre.activity("bob"), "Available");
}

#[test]
fn neither_agent_nor_supervisor_changes_the_status_over_a_contact() {
    let mut centre = on_contact();
    for by in [By::Agent, By::Supervisor] {
        assert_eq!(refusal(&mut centre, AgentCommand::Status(lunch()), by), Some(AgentRefusal::OnContact));
    }
    centre.end(1);
    assert_eq!(centre.activity("ann"), "After contact work");
    let status = AgentCommand::Status(Status::Offline);
    assert_eq!(refusal(&mut centre, status, By::Supervisor), Some(AgentRefusal::OnContact));
}

#[test]
fn while_it_rings_a_supervisor_changes_nothing_and_after_a_miss_he_may() {
    let mut centre = Centre::with_agents(settings(), &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    assert_eq!(centre.activity("ann"), "Incoming");
    let available = AgentCommand::Status(Status::Available);
    assert_eq!(refusal(&mut centre, available.clone(), By::Supervisor), Some(AgentRefusal::OnContact));
    centre.answer(offer, OfferAnswer::Rejected);
    assert_eq!(centre.activity("ann"), "Missed");
    assert_eq!(refusal(&mut centre, available, By::Supervisor), None);
    assert_eq!(centre.activity("ann"), "Incoming", "she is offered the contact again");
}

#[test]
fn the_next_status_comes_when_all_contacts_are_cleared() {
    let mut centre = on_contact();
    centre.command("ann", AgentCommand::NextStatus(Some(lunch())));
    assert_eq!(centre.activity("ann"), "On contact");
    centre.enter(2, "orders");
    centre.end(1);
    assert!(centre.offers().is_empty());
    centre.pass(seconds(30));
    assert_eq!(centre.activity("ann"), "Lunch");
    assert!(centre.offers().is_empty(), "no contact in between");
}

#[test]
fn a_next_status_during_work_after_a_contact_ends_that_work() {
    let mut centre = on_contact();
    centre.end(1);
    centre.pass(seconds(5));
    centre.command("ann", AgentCommand::NextStatus(Some(Status::Offline)));
    assert_eq!(centre.activity("ann"), "Offline");
}

#[test]
fn a_next_status_can_be_taken_back_and_is_not_a_supervisors_to_choose() {
    let mut centre = on_contact();
    let next = AgentCommand::NextStatus(Some(lunch()));
    assert_eq!(refusal(&mut centre, next.clone(), By::Supervisor), Some(AgentRefusal::NotForSupervisors));
    centre.command("ann", next);
    centre.command("ann", AgentCommand::NextStatus(None));
    let said = centre.said().pop();
    assert!(matches!(said, Some(QueueOutput::Agent { change: AgentChange::NextStatus(None), .. })), "{said:?}");
    centre.finish(1, "ann");
    assert_eq!(centre.activity("ann"), "Available");
}

#[test]
fn signing_out_during_a_contact_waits_for_its_end() {
    let mut centre = on_contact();
    centre.command("ann", AgentCommand::SignOut);
    assert_eq!(centre.activity("ann"), "On contact");
    centre.end(1);
    centre.command("ann", AgentCommand::Clear);
    assert_eq!(centre.activity("ann"), "Offline");
}

#[test]
fn work_after_a_contact_ends_by_itself_only_where_a_time_is_set_for_it() {
    let mut settings = settings();
    settings.agents[0].wrap_up = None;
    let mut centre = Centre::with_agents(settings, &["ann"]);
    centre.enter(1, "orders");
    let (_, _, offer) = centre.offer();
    centre.join(offer);
    centre.end(1);
    centre.pass(seconds(24 * 3_600));
    assert_eq!(centre.activity("ann"), "After contact work");
    centre.command("ann", AgentCommand::Clear);
    assert_eq!(centre.activity("ann"), "Available");
}

#[test]
fn what_is_not_known_or_not_there_is_refused() {
    let mut centre = Centre::new(settings());
    let unknown = AgentCommand::Status(Status::Custom("Fishing".into()));
    assert_eq!(refusal(&mut centre, unknown, By::Agent), Some(AgentRefusal::UnknownStatus));
    assert_eq!(refusal(&mut centre, AgentCommand::Clear, By::Agent), Some(AgentRefusal::NothingToClear));
    let outcome = centre.queues.handle_command(centre.now, "zoe", AgentCommand::SignIn, By::Agent);
    assert_eq!(outcome, Err(AgentRefusal::UnknownAgent));
    assert_eq!(centre.queues.position(call(1)), None);
}
