//! What a page orders: for the agent's state from the switchboard, for calls from the phone. Tells nobody what has changed.

use super::{Answer, Obeyed, Seat, nothing};
use crate::domain::queue::interface::{AgentCommand, By};
use crate::domain::queue::settings::Status;
use crate::domain::softphone::interface::{Dialling, Order as PhoneOrder, Ticket};
use crate::edge::clock;
use crate::edge::softphone::wire::{Order, Refusal};
use crate::edge::softphone::{lines, reception, words};
use serde_json::{Value, json};

/// Orders that wait for the exchange.
const WAITING_MAX: usize = 64;

/// Which page says it, and under what it is to be answered.
type From<'a> = (u64, &'a str);

fn unknown() -> Refusal {
    Refusal::new("unknown_contact", "no contact of that name is here").at("/contact")
}

impl Seat {
    pub(super) async fn obey(&mut self, from: From<'_>, order: Order) -> Obeyed {
        match order {
            Order::SetStatus { status } => self.set_status(&status).await,
            Order::CancelNextStatus {} => self.command(AgentCommand::NextStatus(None)).await,
            Order::Clear { contact } => self.clear(&contact).await,
            Order::Logout {} => self.log_out().await,
            Order::Ping { at } => {
                let pairs = [("at", at.unwrap_or(Value::Null)), ("now", json!(clock::now().unix_millis()))];
                Ok(Answer::Done(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
            }
            Order::Report { .. } => Ok(nothing()),
            Order::Dial { number, sdp, caller_id } => self.dial(from, (number, sdp), (None, caller_id)),
            Order::Consult { contact, to, sdp } => self.dial(from, (to, sdp), (Some(&contact), None)),
            Order::Accept { contact, sdp } => {
                self.only_owner(from)?;
                self.pass_on(from, &contact, PhoneOrder::Accept { description: sdp.into() })
            }
            Order::Attach { contact, sdp } => {
                self.only_owner(from)?;
                self.pass_on(from, &contact, PhoneOrder::Attach { description: sdp.into() })
            }
            Order::Reject { contact } | Order::HangUp { contact } => self.pass_on(from, &contact, PhoneOrder::HangUp),
            Order::Hold { contact } => self.pass_on(from, &contact, PhoneOrder::Hold { is_held: true }),
            Order::Resume { contact } => self.pass_on(from, &contact, PhoneOrder::Hold { is_held: false }),
            Order::Mute { contact, on } => self.pass_on(from, &contact, PhoneOrder::Mute { is_muted: on }),
            Order::Dtmf { contact, digits } => self.pass_on(from, &contact, PhoneOrder::Keys { keys: digits.into() }),
            Order::Transfer { contact, to } => self.pass_on(from, &contact, PhoneOrder::Transfer { to: to.into() }),
            Order::Complete { contact } => self.pass_on(from, &contact, PhoneOrder::Complete),
        }
    }

    fn only_owner(&self, (socket, _): From<'_>) -> Result<(), Refusal> {
        match self.owner == Some(socket) {
            true => Ok(()),
            false => Err(Refusal::new("not_owner", "another page has the audio")),
        }
    }

    /// An order for a call of the phone, which answers it in its time.
    fn pass_on(&mut self, (socket, id): From<'_>, contact: &str, order: PhoneOrder) -> Obeyed {
        let phone = self.phone.as_mut().ok_or_else(unknown)?;
        let talk = lines::named(self.number, phone.machine.talks(), contact).ok_or_else(unknown)?;
        if self.waiting.len() >= WAITING_MAX {
            return Err(Refusal::new("too_many", "too many orders wait for their answer"));
        }
        self.last_ticket += 1;
        self.waiting.insert(self.last_ticket, (socket, id.to_owned()));
        phone.machine.order(clock::now(), Ticket(self.last_ticket), talk, order);
        Ok(Answer::Waits)
    }

    fn dial(
        &mut self,
        from: From<'_>,
        (to, description): (String, String),
        (consults, caller_id): (Option<&str>, Option<String>),
    ) -> Obeyed {
        self.only_owner(from)?;
        let phone = self.phone.as_mut().ok_or_else(|| Refusal::new("not_allowed", "this agent has no phone here"))?;
        if caller_id.is_some_and(|number| *number != *phone.caller_number) {
            return Err(Refusal::new("not_allowed", "this number may not be shown").at("/caller_id"));
        }
        let consults = match consults {
            None => None,
            Some(contact) => Some(lines::named(self.number, phone.machine.talks(), contact).ok_or_else(unknown)?),
        };
        let dialling = Dialling { to: to.into(), description: description.into(), consults };
        let talk = phone.machine.dial(clock::now(), dialling).map_err(words::refused)?;
        let name = phone.machine.talks().iter().find(|one| one.id == talk).map(|one| lines::name(self.number, one));
        Ok(Answer::Done([("contact".to_owned(), json!(name))].into_iter().collect()))
    }

    /// Ends work after a contact, or puts away what was missed.
    async fn clear(&mut self, contact: &str) -> Obeyed {
        let cleared = self.command(AgentCommand::Clear).await;
        let over = self.phone.as_mut().and_then(|phone| {
            let talk = lines::named(self.number, phone.machine.talks(), contact)?;
            let is_over = phone.machine.talks().iter().any(|one| one.id == talk && one.is_over());
            is_over.then(|| phone.machine.forget(talk))
        });
        self.look().await;
        if over.is_some() { Ok(nothing()) } else { cleared }
    }

    /// While a contact is in hand a status is the next one.
    async fn set_status(&mut self, name: &str) -> Obeyed {
        let wanted = name.to_owned();
        let found = self.ports.dispatch.ask(move |switchboard| switchboard.queues().settings().status(&wanted)).await;
        let Some(status) = found.flatten() else {
            return Err(Refusal::new("bad_request", "no status has this name").at("/status"));
        };
        let is_busy = self.view.as_ref().is_some_and(|view| !view.slots.is_empty());
        match is_busy {
            true => self.command(AgentCommand::NextStatus(Some(status))).await,
            false => match self.command(AgentCommand::Status(status.clone())).await {
                // A contact has come meanwhile.
                Err(refusal) if refusal.code == "wrong_state" => {
                    self.command(AgentCommand::NextStatus(Some(status))).await
                }
                outcome => outcome,
            },
        }
    }

    async fn log_out(&mut self) -> Obeyed {
        if self.phone.as_ref().is_some_and(|phone| !phone.machine.is_idle()) {
            return Err(Refusal::new("wrong_state", "a contact is in hand"));
        }
        if let Err(refusal) = self.command(AgentCommand::SignOut).await
            && refusal.code == "wrong_state"
        {
            self.command(AgentCommand::NextStatus(Some(Status::Offline))).await?;
        }
        self.seats.said_farewell(&self.agent, clock::now().unix_millis());
        Ok(nothing())
    }

    pub(super) async fn command(&mut self, command: AgentCommand) -> Obeyed {
        let name = self.agent.clone();
        let outcome = self
            .ports
            .dispatch
            .change(move |switchboard| switchboard.handle_agent(clock::now(), &name, command, By::Agent));
        match outcome.await {
            Some(Ok(())) => Ok(nothing()),
            Some(Err(why)) => Err(words::refusal(why)),
            None => Err(reception::ending()),
        }
    }
}
