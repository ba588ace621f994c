//! What the tasks of the daemon reach each other by. Holds no state of its own.

use crate::edge::dispatch::Dispatch;
use crate::edge::journal::Journal;
use crate::edge::live::LiveCalls;
use crate::edge::metrics::Metrics;
use crate::edge::resolver::Resolver;
use crate::edge::transport::Transports;
use std::sync::Arc;

pub struct Ports {
    pub dispatch: Arc<Dispatch>,
    pub transports: Transports,
    pub resolver: Resolver,
    pub metrics: Metrics,
    pub journal: Journal,
    pub live: LiveCalls,
}
