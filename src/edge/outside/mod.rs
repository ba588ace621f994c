//! What flows have done for them outside of the exchange: webhooks, spoken texts, recordings, their log. Knows no flow.

pub mod envelope;
mod flow_log;
mod http;
pub mod json;
pub mod settings;
mod speech;
mod tape;
mod webhook;

use crate::base::id::CallId;
use crate::domain::call::interface::{CallInput, News, Slip, Speech, Tape};
use crate::domain::flow::interface::{FetchFault, FetchOrder};
use crate::domain::flow::log::Entry;
use crate::domain::flow::value::Value;
use crate::edge::dispatch::Dispatch;
use crate::edge::metrics::Metrics;
use crate::edge::outside::flow_log::FlowLog;
use crate::edge::outside::http::HttpClient;
use crate::edge::outside::settings::OutsideSettings;
use crate::edge::outside::speech::Speaker;
use crate::edge::outside::tape::Tapes;
use crate::edge::outside::webhook::Webhooks;
use crate::media::command::{Command, TapChoice, TapId};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// Every name of an outcome, for the metrics.
pub use self::speech::OUTCOMES as SPEECHES;
pub use self::webhook::OUTCOMES as WEBHOOKS;

pub struct Outside {
    webhooks: Webhooks,
    speaker: Speaker,
    tapes: Tapes,
    log: FlowLog,
    keys: envelope::PublicKeys,
    dispatch: Arc<Dispatch>,
}

/// What is under way outside for one call. When the call is over, so is that.
#[derive(Default)]
pub struct Errands {
    under_way: Vec<(Slip, AbortHandle)>,
}

impl Errands {
    fn add(&mut self, slip: Slip, handle: AbortHandle) {
        self.under_way.retain(|(_, handle)| !handle.is_finished());
        self.under_way.push((slip, handle));
    }

    /// Nobody waits for that answer any more.
    pub fn cancel(&mut self, wish: Slip) {
        self.under_way.retain(|(slip, handle)| {
            if *slip == wish {
                handle.abort();
            }
            *slip != wish
        });
    }
}

impl Drop for Errands {
    fn drop(&mut self) {
        self.under_way.iter().for_each(|(_, handle)| handle.abort());
    }
}

impl Outside {
    pub fn start(settings: &OutsideSettings, dispatch: Arc<Dispatch>, metrics: Metrics) -> io::Result<Outside> {
        let client = HttpClient::new();
        Ok(Outside {
            webhooks: Webhooks::new(&settings.webhooks, client.clone(), metrics.clone()),
            speaker: Speaker::start(&settings.speech, client, metrics.clone())?,
            tapes: Tapes::start(&settings.recordings, metrics.clone())?,
            log: FlowLog::start(&settings.log, metrics)?,
            keys: envelope::PublicKeys::new(&settings.keys),
            dispatch,
        })
    }

    pub fn fetch(self: &Arc<Outside>, call: CallId, (slip, order): (Slip, FetchOrder), errands: &mut Errands) {
        let outside = Arc::clone(self);
        let work = async move {
            let outcome = outside.webhooks.fetch(&order).await;
            outside.tell(call, slip, News::Fetched(outcome));
        };
        errands.add(slip, tokio::spawn(work).abort_handle());
    }

    /// The same of a function that an engine works out.
    pub fn work_out(
        self: &Arc<Outside>,
        call: CallId,
        slip: Slip,
        work: impl Future<Output = Result<Value, FetchFault>> + Send + 'static,
        errands: &mut Errands,
    ) {
        let outside = Arc::clone(self);
        let work = async move {
            let outcome = work.await;
            outside.webhooks.count(&outcome);
            outside.tell(call, slip, News::Fetched(outcome));
        };
        errands.add(slip, tokio::spawn(work).abort_handle());
    }

    pub fn speak(self: &Arc<Outside>, call: CallId, (slip, part): (Slip, u16), speech: Speech, errands: &mut Errands) {
        let outside = Arc::clone(self);
        let work = async move {
            let prompt = outside.speaker.speak(&speech).await;
            outside.tell(call, slip, News::Spoken { part, prompt });
        };
        errands.add(slip, tokio::spawn(work).abort_handle());
    }

    /// Gives a tap its end, and tells where it writes to. The command is for the worker of the call.
    pub fn tape(self: &Arc<Outside>, call: CallId, slip: Slip, tap: (TapId, TapChoice), tape: Tape) -> Option<Command> {
        let (tap, what) = tap;
        let silence = match tape {
            Tape::Talk => None,
            Tape::Message { silence } => silence,
        };
        let outside = Arc::clone(self);
        let when_quiet = move || outside.tell(call, slip, News::Quiet { tap });
        let begun = self.tapes.begin(call, silence, when_quiet);
        let place = begun.as_ref().map(|(place, _)| place.clone());
        self.tell(call, slip, News::Taping { tap, place });
        begun.map(|(_, out)| Command::Tap { call, tap, what, out })
    }

    pub fn encrypt(&self, call: CallId, slip: Slip, key: &str, digits: &str) {
        self.tell(call, slip, News::Encrypted(self.keys.seal(key, digits)));
    }

    pub fn log(&self, call: CallId, entry: &Entry) {
        self.log.append(call, entry);
    }

    /// What is still being written is written.
    pub fn stop(&self, longest: Duration) {
        self.tapes.stop();
        self.log.stop(longest);
    }

    fn tell(&self, call: CallId, slip: Slip, news: News) {
        if self.dispatch.to_call(call, Box::new(CallInput::News { slip, news: Box::new(news) })).is_err() {
            tracing::debug!("an answer from outside came for a call that has ended");
        }
    }
}

#[cfg(test)]
mod tests;
