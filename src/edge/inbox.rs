//! The inbox of one call: a bounded queue with one reader, small while a call is silent. Never blocks, never loses an order.

use crate::domain::call::interface::CallInput;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The way into a call. Cheap to clone.
#[derive(Clone)]
pub struct CallInbox(Arc<Shared>);

/// The call's own end; dropping it closes the inbox.
pub struct CallInputs(Arc<Shared>);

/// What became of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    Taken,
    /// The inbox was full. What comes from the wire is lost, and will come again; what is our own was taken all the same.
    Overflowed,
}

struct Shared {
    bound: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<CallInput>>,
    reader: Option<Waker>,
    is_closed: bool,
}

pub fn open(bound: usize) -> (CallInbox, CallInputs) {
    let shared = Arc::new(Shared { bound, state: Mutex::default() });
    (CallInbox(Arc::clone(&shared)), CallInputs(shared))
}

impl CallInbox {
    /// Gives the input back when the call has ended. Answers and orders of our own are taken beyond the bound: each belongs
    /// to a question of the call's or to an operator's wish, so they are few.
    pub fn put(&self, input: Box<CallInput>) -> Result<Put, Box<CallInput>> {
        let mut state = self.0.state();
        if state.is_closed {
            return Err(input);
        }
        let is_full = state.waiting.len() >= self.0.bound;
        if !is_full || !matches!(*input, CallInput::Sip { .. } | CallInput::Undeliverable { .. }) {
            state.waiting.push_back(input);
            let reader = state.reader.take();
            drop(state);
            if let Some(reader) = reader {
                reader.wake();
            }
        }
        Ok(if is_full { Put::Overflowed } else { Put::Taken })
    }
}

impl CallInputs {
    /// The next input, in the order in which they were put.
    pub async fn next(&mut self) -> Box<CallInput> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Box<CallInput>> {
        let mut state = self.0.state();
        match state.waiting.pop_front() {
            Some(input) => Poll::Ready(input),
            None => {
                if !state.reader.as_ref().is_some_and(|reader| reader.will_wake(context.waker())) {
                    state.reader = Some(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for CallInputs {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_closed = true;
        let unread = std::mem::take(&mut state.waiting);
        drop(state);
        drop(unread);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cause::Cause;

    fn from_wire(token: u32) -> Box<CallInput> {
        Box::new(CallInput::Undeliverable { token })
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_by_the_next_input() {
        let (inbox, mut inputs) = open(1);
        let reader = tokio::spawn(async move { inputs.next().await });
        tokio::task::yield_now().await;
        assert_eq!(inbox.put(from_wire(7)).ok(), Some(Put::Taken));
        assert!(matches!(*reader.await.unwrap(), CallInput::Undeliverable { token: 7 }));
        assert!(inbox.put(from_wire(8)).is_err(), "its reader is gone");
    }

    #[tokio::test]
    async fn a_full_inbox_loses_what_the_wire_repeats_and_never_an_order_of_ours() {
        let (inbox, mut inputs) = open(1);
        assert_eq!(inbox.put(from_wire(1)).ok(), Some(Put::Taken));
        assert_eq!(inbox.put(from_wire(2)).ok(), Some(Put::Overflowed));
        assert_eq!(inbox.put(Box::new(CallInput::HangUp { cause: Cause::Drained })).ok(), Some(Put::Overflowed));
        assert!(matches!(*inputs.next().await, CallInput::Undeliverable { token: 1 }));
        assert!(matches!(*inputs.next().await, CallInput::HangUp { .. }));
        assert!(inputs.0.state().waiting.is_empty(), "nothing more was kept");
    }
}
