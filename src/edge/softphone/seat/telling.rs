//! What pages are told: snapshots of what has changed, each whole. Changes nothing itself.

use super::{News, Page, Seat};
use crate::base::id::CallId;
use crate::edge::clock;
use crate::edge::softphone::wire::{self, ContactLine, VERSION};
use crate::edge::softphone::{ice, lines, panel, words};
use serde_json::{Value, json};
use std::sync::Arc;

impl Seat {
    /// Looks how the agent stands now, and tells what has changed.
    pub(super) async fn look(&mut self) {
        let name = self.agent.clone();
        let view = self.ports.dispatch.ask(move |switchboard| panel::view(switchboard, clock::now(), &name)).await;
        let Some(view) = view else { return };
        let Some(view) = view else {
            // Configuration knows the agent no more.
            self.bye("expired");
            return;
        };
        let is_news = self.view.as_ref().is_none_or(|known| known.agent != view.agent);
        self.view = Some(view);
        if is_news && let Some(view) = &self.view {
            let text = told("agent", json!(view.agent));
            self.write_all(&text);
        }
        self.tell_contacts();
    }

    pub(super) fn tell_contacts(&mut self) {
        let now = self.contact_lines();
        let before = std::mem::take(&mut self.contacts);
        for line in now.iter().filter(|line| !before.contains(line)) {
            self.write_all(&told("contact", json!(line)));
        }
        for gone in before.iter().filter(|gone| !now.iter().any(|line| line.id == gone.id)) {
            self.write_all(&told_as("contact_gone", ("contact", json!(gone.id))));
        }
        self.remember(&before, &now);
        self.contacts = now;
    }

    /// What has come to its end goes into the history.
    fn remember(&self, before: &[ContactLine], now: &[ContactLine]) {
        let Some(phone) = &self.phone else { return };
        for line in now.iter().filter(|line| line.ended.is_some()) {
            let was_over = before.iter().any(|known| known.id == line.id && known.ended.is_some());
            let talk = phone.machine.talks().iter().find(|talk| lines::name(self.number, talk) == line.id);
            if !was_over && let Some(past) = talk.and_then(|talk| lines::past(talk, line)) {
                self.seats.remember(&self.agent, past);
            }
        }
    }

    fn contact_lines(&self) -> Vec<ContactLine> {
        let talks = self.phone.as_ref().map_or(&[][..], |phone| phone.machine.talks());
        let slots = self.view.as_ref().map_or(&[][..], |view| &view.slots);
        let mut lines = lines::contacts(self.number, (talks, self.phone.is_some()), slots, &self.offers);
        for line in lines.iter_mut().filter(|line| line.direction != "outbound") {
            // What the customer dialled is known to the call; what it was stays known when the call is over.
            let before = || self.contacts.iter().find(|known| known.id == line.id).and_then(|known| known.to.clone());
            let call = line.call.as_deref().and_then(CallId::parse);
            line.to = call.and_then(|call| self.ports.live.dialled(call)).or_else(before).or(line.to.take());
        }
        lines
    }

    pub(super) fn tell_roster(&mut self) {
        let roster = Arc::clone(&self.roster.borrow_and_update());
        self.write_all(&told_as("agents", ("agents", json!(*roster))));
    }

    /// The answer to a page's hello: everything that there is to know.
    pub(super) async fn welcome(&mut self, id: &str, (token, resume, until): (String, String, u64)) -> String {
        let seen = self
            .ports
            .dispatch
            .ask(|switchboard| (panel::statuses(switchboard.queues().settings()), panel::colleagues(switchboard)));
        let (statuses, colleagues) = seen.await.unwrap_or_default();
        let settings = &self.seats.settings;
        let owner = self.pages.last().is_some_and(|page| self.owner == Some(page.socket));
        let quick: Vec<Value> = settings.quick_connects.iter().map(words::quick_connect).collect();
        let caller_ids: Vec<&str> =
            self.phone.iter().map(|phone| &*phone.caller_number).filter(|number| !number.is_empty()).collect();
        let answer = json!({
            "version": VERSION, "agent": self.view.as_ref().map(|view| json!(view.agent)),
            "contacts": self.contacts, "token": token, "token_until": until, "resume": resume,
            "resume_for_s": settings.resume.as_secs(), "owner": owner, "statuses": statuses,
            "caller_ids": caller_ids, "quick_connects": quick, "agents": colleagues,
            "ice_servers": ice::servers(&settings.ice_servers, &self.agent, clock::now()),
            "history": self.seats.history(&self.agent),
        });
        let Value::Object(answer) = answer else { return String::new() };
        wire::done(id, answer)
    }

    pub(super) fn write(&mut self, socket: u64, text: String) {
        self.write_where(|page| page.socket == socket, &text);
    }

    fn write_all(&mut self, text: &str) {
        self.write_where(|_| true, text);
    }

    /// A page that does not read what it is told is left: it comes back and is told all.
    fn write_where(&mut self, is_meant: impl Fn(&Page) -> bool, text: &str) {
        let stuck: Vec<u64> = self
            .pages
            .iter()
            .filter(|page| is_meant(page) && page.news.try_send(News::Text(text.to_owned())).is_err())
            .map(|page| page.socket)
            .collect();
        for socket in stuck {
            self.left(socket);
        }
    }
}

pub(super) fn bye(why: &str) -> String {
    told_as("bye", ("reason", json!(why)))
}

pub(super) fn audio(is_owner: bool) -> String {
    told_as("audio", ("owner", json!(is_owner)))
}

fn told(what: &str, value: Value) -> String {
    told_as(what, (what, value))
}

fn told_as(what: &str, (name, value): (&str, Value)) -> String {
    wire::told(what, [(name.to_owned(), value)].into_iter().collect())
}
