//! A flow that is heard by whoever is held while the others talk, or while they wait. Holds nobody itself.

use crate::base::id::LegId;
use crate::domain::call::parts::Parts;
use crate::domain::call::serving::Serving;
use crate::domain::call::serving::attendant::Attendant;
use crate::domain::call::serving::grant::Granted;
use crate::domain::call::serving::news::{News, Slip};
use crate::domain::flow::act::Role;
use crate::domain::flow::interface::FlowInput;
use crate::media::command::SourceId;
use crate::media::event::SourceOutcome;
use std::sync::Arc;
use std::time::Instant;

impl Serving {
    /// Who is held hears the flow that is for it; `None`: nobody is.
    pub fn play_aside(&mut self, parts: &mut Parts, held: Option<LegId>) {
        if self.aside.as_ref().map(|aside| aside.ear) == held {
            return;
        }
        if let Some(mut aside) = self.aside.take() {
            aside.leave(parts);
        }
        let Some(leg) = held else { return };
        let role = if leg == parts.served { Role::CustomerHold } else { Role::AgentHold };
        let Some(flow) = self.flow_named(role, None) else { return };
        let (memory, book) = (self.attendant.take_memory(), Arc::clone(&self.script.book));
        self.aside = Some(Box::new(Attendant::begin(parts, (&book, &flow), memory, leg)));
        self.in_aside(parts, |_, _| {});
    }

    /// Does something as the one who plays to whoever is held, and grants what that flow wishes then.
    fn in_aside(&mut self, parts: &mut Parts, act: impl FnOnce(&mut Serving, &mut Parts)) {
        let Some(mut aside) = self.aside.take() else { return };
        std::mem::swap(&mut self.attendant, &mut aside);
        act(self, parts);
        let mut has_ended = false;
        while let Some(wish) = self.attendant.next_wish() {
            has_ended |= matches!(self.grant(parts, wish), Granted::Ended(_) | Granted::Over(..));
        }
        std::mem::swap(&mut self.attendant, &mut aside);
        if has_ended {
            aside.leave(parts);
        }
        self.aside = Some(aside);
    }

    pub fn aside_source(&self) -> Option<SourceId> {
        self.aside.as_ref()?.sounding.source()
    }

    pub fn aside_deadline(&self) -> Option<Instant> {
        self.aside.as_ref()?.deadline()
    }

    pub fn aside_due(&mut self, parts: &mut Parts) {
        self.in_aside(parts, |aside, parts| {
            let now = parts.wire.now;
            if let Some(heard) = aside.attendant.sounding.handle_deadline(now) {
                aside.feed(parts, FlowInput::Played { ticket: heard.ticket, ok: heard.ok });
            }
            aside.attendant.handle_deadline(now);
        });
    }

    /// A source that is played beside the talk has ended.
    pub fn aside_played(&mut self, parts: &mut Parts, source: SourceId, outcome: SourceOutcome) {
        self.in_aside(parts, |aside, parts| {
            if let Some(heard) = aside.attendant.sounding.on_source(source, outcome) {
                aside.feed(parts, FlowInput::Played { ticket: heard.ticket, ok: heard.ok });
            }
        });
    }

    pub(super) fn is_for_aside(&self, slip: Slip) -> bool {
        self.aside.as_ref().is_some_and(|aside| aside.is_for(slip))
    }

    pub(super) fn aside_news(&mut self, parts: &mut Parts, slip: Slip, news: News) {
        self.in_aside(parts, |aside, parts| aside.take_news(parts, slip, news));
    }
}
