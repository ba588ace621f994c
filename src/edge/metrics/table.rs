//! The table of all metrics: the one place where a name, a kind, labels and help stand. `docs/metrics.md` repeats it, checked.

/// One row: everything that a scraper and a reader are told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Row {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    /// With the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// Waiting for people: from a quick network to a patient caller.
const WAITING: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0];
/// Our own work on a call before somebody is dialled.
const WORKING: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
const TALKING: &[f64] = &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 14_400.0];
/// From one packet taken at once to a stall that everybody hears.
const LATENESS_BOUNDS: &[f64] = &[0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0];
const SYNCING: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

/// From a local engine that decides at once to one that takes all of its time.
const DECIDING: &[f64] = &[
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0,
    8.2, 30.0,
];

const LOSS_SHARES: &[f64] = &[0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const JITTER_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25];
const ROUND_TRIPS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0];
const SCORES: &[f64] = &[1.5, 2.0, 2.5, 3.0, 3.5, 3.8, 4.0, 4.2, 4.4];

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Row {
    Row { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Row {
    Row { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, bounds: &'static [f64], help: &'static str) -> Row {
    Row { name, kind: Kind::Histogram(bounds), labels: &[], help }
}

const fn histograms(
    name: &'static str,
    labels: &'static [&'static str],
    bounds: &'static [f64],
    help: &'static str,
) -> Row {
    Row { name, kind: Kind::Histogram(bounds), labels, help }
}

pub const CALLS_STARTED: Row =
    counter("offhook_calls_started_total", &["caller"], "Calls that got a task, by what kind of party called.");
pub const CALLS_ENDED: Row =
    counter("offhook_calls_ended_total", &["cause", "fault"], "Calls that ended, by cause and whose fault it was.");
pub const CALLS_ACTIVE: Row = gauge("offhook_calls_active", &[], "Calls running now.");
pub const CALLS_REFUSED: Row =
    counter("offhook_calls_refused_total", &["reason"], "Calls refused before or at routing, by reason.");
pub const CALLS_PANICKED: Row = counter("offhook_calls_panicked_total", &[], "Calls ended by a caught panic.");
pub const POST_DIAL: Row = histogram(
    "offhook_post_dial_delay_seconds",
    WAITING,
    "From the caller's INVITE to the first ringing or early media.",
);
pub const SETUP: Row =
    histogram("offhook_setup_seconds", WORKING, "From the caller's INVITE to the first outbound INVITE.");
pub const ANSWER: Row = histogram("offhook_answer_seconds", WAITING, "From the caller's INVITE to the answer.");
pub const DURATION: Row = histogram("offhook_call_duration_seconds", TALKING, "From the answer to the end.");
pub const CALL_EVENTS: Row =
    counter("offhook_call_events_total", &["event"], "Things that happened inside calls, such as hold or transfer.");
pub const INBOX_OVERFLOWS: Row =
    counter("offhook_inbox_overflows_total", &["inbox"], "Inputs dropped because an inbox was full.");
pub const MESSAGES: Row = counter(
    "offhook_sip_messages_total",
    &["direction", "kind", "transport"],
    "SIP messages by method or status class.",
);
pub const MALFORMED: Row =
    counter("offhook_sip_malformed_total", &["error", "transport"], "Bytes that were not a message, by parse error.");
pub const TRANSACTIONS: Row = gauge("offhook_sip_transactions", &["owner"], "Transactions alive now.");
pub const RETRANSMISSIONS: Row =
    counter("offhook_sip_retransmissions_total", &["direction"], "Messages sent again, and repeats received.");
pub const DATAGRAMS: Row = counter("offhook_transport_datagrams_total", &["direction"], "UDP datagrams.");
pub const BYTES: Row = counter("offhook_transport_datagram_bytes_total", &["direction"], "Bytes of UDP datagrams.");
pub const KEEPALIVES: Row = counter("offhook_transport_keepalives_total", &[], "Keep-alives received.");
pub const SEND_DROPS: Row = counter(
    "offhook_transport_send_drops_total",
    &[],
    "Datagrams that the system did not take, its buffer being full.",
);
pub const CONNECTIONS: Row = gauge("offhook_transport_connections", &[], "Stream connections open now.");
pub const CONNECTIONS_OPENED: Row =
    counter("offhook_transport_connections_opened_total", &[], "Stream connections opened.");
pub const CONNECTIONS_CLOSED: Row =
    counter("offhook_transport_connections_closed_total", &[], "Stream connections closed.");
pub const CONNECTIONS_REFUSED: Row = counter(
    "offhook_transport_connections_refused_total",
    &["reason"],
    "Stream connections refused or closed by a limit before they carried a message.",
);
pub const TLS_FAILURES: Row = counter("offhook_transport_tls_failures_total", &["kind"], "TLS handshakes that failed.");
pub const UNDELIVERABLE: Row =
    counter("offhook_transport_undeliverable_total", &[], "Messages that could not be handed to the network.");
pub const QUEUE_OVERFLOWS: Row =
    counter("offhook_transport_queue_overflows_total", &[], "Stream connections closed because their queue was full.");
pub const BANS: Row = counter("offhook_bans_total", &[], "Sources banned.");
pub const BANNED_DROPS: Row =
    counter("offhook_banned_drops_total", &[], "Datagrams and connections dropped from banned sources.");
pub const AUTH_FAILURES: Row =
    counter("offhook_authentication_failures_total", &[], "Requests with wrong credentials.");
pub const LATENESS: Row = gauge("offhook_loop_lateness_seconds", &[], "How far the signalling loops are behind.");
pub const TRUNK_UP: Row =
    gauge("offhook_trunk_up", &["trunk", "target"], "1 while calls may go to this target of a trunk.");
pub const TRUNK_REGISTERED: Row = gauge("offhook_trunk_registered", &["trunk"], "1 while our registration stands.");
pub const TRUNK_CALLS: Row = gauge("offhook_trunk_calls", &["trunk"], "Calls that hold a place of a trunk.");
pub const PHONES_REGISTERED: Row = gauge("offhook_phones_registered", &[], "Phones with at least one binding.");
pub const REGISTRATIONS: Row =
    counter("offhook_registrations_total", &["outcome"], "Phones that registered or ceased to be registered.");
pub const NUMBERS: Row = gauge("offhook_numbers", &["status"], "Numbers of the inventory by their status.");
pub const GUARD_STOPS: Row =
    gauge("offhook_guard_stops", &["guard"], "How many of those whom a tripped guard counts may not call out.");
pub const GUARD_TRIPS: Row = counter("offhook_guard_trips_total", &["guard"], "Times that a spending guard tripped.");
pub const MEDIA_PACKETS: Row =
    counter("offhook_media_packets_total", &["direction"], "Datagrams on media ports, whatever became of them.");
pub const MEDIA_BYTES: Row = counter("offhook_media_bytes_total", &["direction"], "Bytes of these datagrams.");
pub const MEDIA_FORWARDED: Row =
    counter("offhook_media_forwarded_total", &[], "Packets that crossed from one leg to the other untouched.");
pub const MEDIA_CONTROL: Row = counter("offhook_media_control_total", &["direction"], "RTCP packets.");
pub const MEDIA_REFUSED: Row =
    counter("offhook_media_refused_total", &["reason"], "Datagrams on media ports that were not taken, by reason.");
pub const ICE_CHECKS: Row =
    counter("offhook_ice_checks_total", &["outcome"], "Connectivity checks of browsers: taken, or why not.");
pub const ICE_CONSENTS_LOST: Row =
    counter("offhook_ice_consents_lost_total", &[], "Browsers that did not renew their consent for 30 seconds.");
pub const DTLS_HANDSHAKES: Row =
    counter("offhook_dtls_handshakes_total", &["outcome"], "DTLS handshakes with browsers: done, or why they failed.");
pub const DTLS_DROPPED: Row = counter(
    "offhook_dtls_dropped_total",
    &[],
    "Datagrams of DTLS handshakes dropped because too many waited or were under way.",
);
pub const MEDIA_STALE: Row = counter(
    "offhook_media_stale_total",
    &[],
    "Packets passed over because they had grown old while a worker stood still.",
);
pub const MEDIA_SEND_DROPS: Row =
    counter("offhook_media_send_drops_total", &[], "Media packets that the system did not take.");
pub const MEDIA_STREAMS: Row = gauge("offhook_media_streams", &[], "Streams open now; a call has one for each leg.");
pub const MEDIA_PORTS: Row =
    gauge("offhook_media_ports", &["state"], "Port pairs in use, and those free or resting at the fullest address.");
pub const MEDIA_LATENESS: Row = histogram(
    "offhook_media_lateness_seconds",
    LATENESS_BOUNDS,
    "How late a round of a media worker ended, counted from when it should have begun.",
);
pub const MEDIA_COMMANDS_REFUSED: Row =
    counter("offhook_media_commands_refused_total", &[], "Commands that a media worker's full queue refused.");
pub const MEDIA_EVENTS_LOST: Row =
    counter("offhook_media_events_lost_total", &[], "Events of media workers that found every queue full.");
pub const MEDIA_LOSS: Row = histograms(
    "offhook_media_loss_ratio",
    &["direction"],
    LOSS_SHARES,
    "Share of a leg's packets that were lost, at its end; absent when not measured.",
);
pub const MEDIA_JITTER: Row = histograms(
    "offhook_media_jitter_seconds",
    &["direction"],
    JITTER_SECONDS,
    "Jitter of a leg's packets, at its end; absent when not measured.",
);
pub const MEDIA_MOS: Row = histograms(
    "offhook_media_mos",
    &["direction"],
    SCORES,
    "Quality of a leg's audio by the E-model, 1 to 4.5, at its end; absent when not measured.",
);
pub const MEDIA_ROUND_TRIP: Row = histogram(
    "offhook_media_round_trip_seconds",
    ROUND_TRIPS,
    "Round trip to a leg's peer by RTCP, at its end; absent when not measured.",
);
pub const JOURNAL_QUEUE: Row = gauge("offhook_journal_queue", &[], "Records that wait for the journal.");
pub const JOURNAL_RECORDS: Row = counter("offhook_journal_records_total", &[], "Records written.");
pub const JOURNAL_ERRORS: Row = counter("offhook_journal_errors_total", &[], "Attempts to write or sync that failed.");
pub const JOURNAL_FULL: Row =
    gauge("offhook_journal_full", &[], "1 while new calls are refused because records cannot be kept.");
pub const JOURNAL_LOST: Row = counter("offhook_journal_lost_total", &[], "Records lost because the queue overflowed.");
pub const JOURNAL_SYNC: Row =
    histogram("offhook_journal_sync_seconds", SYNCING, "Time of one sync of the journal to disk.");
pub const LOG_DROPPED: Row =
    counter("offhook_log_lines_dropped_total", &[], "Log lines dropped because the log was stuck.");
pub const RELOADS: Row = counter("offhook_reloads_total", &["outcome"], "Reloads applied or refused.");
pub const RELOAD_TIME: Row = gauge(
    "offhook_reload_success_timestamp_seconds",
    &[],
    "When the running configuration was read, seconds since 1970.",
);
pub const CONFIGURATION: Row = gauge("offhook_configuration_info", &["hash"], "The running configuration.");
pub const BUILD: Row = gauge("offhook_build_info", &["version"], "The running program.");
pub const START_TIME: Row =
    gauge("offhook_start_timestamp_seconds", &[], "When the process started, seconds since 1970.");
pub const WEBHOOKS: Row =
    counter("offhook_webhooks_total", &["outcome"], "Questions of flows to servers of the house, by outcome.");
pub const SPEECHES: Row =
    counter("offhook_speeches_total", &["outcome"], "Texts that were to be spoken: made, found ready, or failed.");
pub const RECORDINGS: Row = counter("offhook_recordings_total", &["outcome"], "Recordings that have ended.");
pub const FLOW_ERRORS: Row =
    counter("offhook_flow_errors_total", &["flow"], "Steps that took their error outcome, by flow.");
pub const FLOW_FATAL_ERRORS: Row =
    counter("offhook_flow_fatal_errors_total", &["flow"], "Flows that broke one of their limits, by flow.");
pub const FLOW_LOG_LOST: Row =
    counter("offhook_flow_log_lost_total", &[], "Lines of the log of flows that found its queue full.");
pub const EVENTS: Row = counter("offhook_events_total", &[], "Events numbered for whoever follows them.");
pub const EVENTS_LOST: Row =
    counter("offhook_events_lost_total", &[], "Events without a place in the log's queue; followers find a gap.");
pub const EVENTS_UNWRITTEN: Row =
    counter("offhook_events_write_errors_total", &[], "Attempts to write or sync the event log that failed.");
pub const CONTROL_CLIENTS: Row = gauge("offhook_control_clients", &[], "Clients of the control protocol.");
pub const DECISIONS: Row = histograms(
    "offhook_decision_seconds",
    &["engine", "outcome"],
    DECIDING,
    "From a question to an engine to its decision taking effect, or to what happens without one.",
);
pub const CONTROL_FAULTS: Row = counter(
    "offhook_control_faults_total",
    &["kind"],
    "Clients of the control protocol that were refused or dropped, and commands of theirs that were.",
);
pub const SOFTPHONE_LOGINS: Row =
    counter("offhook_softphone_logins_total", &["outcome"], "Logins of agents' pages, by outcome.");
pub const SOFTPHONE_SOCKETS: Row = gauge("offhook_softphone_sockets", &[], "Agents' pages that are logged in.");
pub const SOFTPHONE_SEATS: Row =
    gauge("offhook_softphone_seats", &[], "Agents with a page, or whose page may come back.");
pub const SOFTPHONE_RESUMED: Row =
    counter("offhook_softphone_resumed_total", &[], "Calls whose audio came back after their page had gone.");
pub const DRAINING: Row = gauge("offhook_draining", &[], "1 while new calls are refused because the daemon is ending.");
pub const MEMORY: Row = gauge("offhook_memory_bytes", &[], "Resident memory of the process.");
pub const FILES: Row = gauge("offhook_open_files", &[], "Open file descriptors of the process.");
pub const CPU: Row = counter("offhook_cpu_seconds_total", &[], "CPU time of the process, user and system.");

pub const QUEUE_WAITING: Row =
    gauge("offhook_queue_waiting", &["queue"], "Contacts that wait in a queue, those included that are being offered.");
pub const QUEUE_OLDEST: Row =
    gauge("offhook_queue_oldest_seconds", &["queue"], "How long the contact has waited that has waited longest.");
pub const QUEUE_CONTACTS: Row = counter(
    "offhook_queue_contacts_total",
    &["queue", "outcome"],
    "Contacts of a queue: queued, answered, abandoned, refused-full, moved-in, moved-out.",
);
pub const QUEUE_OFFERS: Row = counter(
    "offhook_queue_offers_total",
    &["queue", "outcome"],
    "Offers to agents: made, missed, rejected, unreachable, abandoned by the customer.",
);
pub const QUEUE_CALLBACKS: Row = counter(
    "offhook_queue_callbacks_total",
    &["queue", "outcome"],
    "Callbacks of a queue: promised, reached, unanswered dials, not-dialable, expired.",
);
pub const CALLBACKS_OWED: Row = gauge(
    "offhook_callbacks_owed",
    &["standing"],
    "Callbacks that are owed: scheduled for a time, or queued for an agent.",
);
pub const CALLBACKS_ENDED: Row =
    counter("offhook_callbacks_ended_total", &["why"], "Callbacks that are owed no longer, and why.");
pub const AGENTS: Row =
    gauge("offhook_agents", &["activity"], "Agents by what they do; `all` counts every one of them.");

/// Every metric, in the order of the document.
pub const TABLE: &[Row] = &[
    CALLS_STARTED,
    CALLS_ENDED,
    CALLS_ACTIVE,
    CALLS_REFUSED,
    CALLS_PANICKED,
    POST_DIAL,
    SETUP,
    ANSWER,
    DURATION,
    CALL_EVENTS,
    INBOX_OVERFLOWS,
    MESSAGES,
    MALFORMED,
    TRANSACTIONS,
    RETRANSMISSIONS,
    DATAGRAMS,
    BYTES,
    KEEPALIVES,
    SEND_DROPS,
    CONNECTIONS,
    CONNECTIONS_OPENED,
    CONNECTIONS_CLOSED,
    CONNECTIONS_REFUSED,
    TLS_FAILURES,
    UNDELIVERABLE,
    QUEUE_OVERFLOWS,
    BANS,
    BANNED_DROPS,
    AUTH_FAILURES,
    LATENESS,
    TRUNK_UP,
    TRUNK_REGISTERED,
    TRUNK_CALLS,
    PHONES_REGISTERED,
    REGISTRATIONS,
    NUMBERS,
    GUARD_STOPS,
    GUARD_TRIPS,
    QUEUE_WAITING,
    QUEUE_OLDEST,
    QUEUE_CONTACTS,
    QUEUE_OFFERS,
    QUEUE_CALLBACKS,
    CALLBACKS_OWED,
    CALLBACKS_ENDED,
    AGENTS,
    MEDIA_PACKETS,
    MEDIA_BYTES,
    MEDIA_FORWARDED,
    MEDIA_CONTROL,
    MEDIA_REFUSED,
    ICE_CHECKS,
    ICE_CONSENTS_LOST,
    DTLS_HANDSHAKES,
    DTLS_DROPPED,
    MEDIA_STALE,
    MEDIA_SEND_DROPS,
    MEDIA_STREAMS,
    MEDIA_PORTS,
    MEDIA_LATENESS,
    MEDIA_COMMANDS_REFUSED,
    MEDIA_EVENTS_LOST,
    MEDIA_LOSS,
    MEDIA_JITTER,
    MEDIA_MOS,
    MEDIA_ROUND_TRIP,
    JOURNAL_QUEUE,
    JOURNAL_RECORDS,
    JOURNAL_ERRORS,
    JOURNAL_FULL,
    JOURNAL_LOST,
    JOURNAL_SYNC,
    LOG_DROPPED,
    RELOADS,
    RELOAD_TIME,
    CONFIGURATION,
    BUILD,
    START_TIME,
    WEBHOOKS,
    SPEECHES,
    RECORDINGS,
    FLOW_ERRORS,
    FLOW_FATAL_ERRORS,
    FLOW_LOG_LOST,
    EVENTS,
    EVENTS_LOST,
    EVENTS_UNWRITTEN,
    CONTROL_CLIENTS,
    CONTROL_FAULTS,
    DECISIONS,
    SOFTPHONE_LOGINS,
    SOFTPHONE_SOCKETS,
    SOFTPHONE_SEATS,
    SOFTPHONE_RESUMED,
    DRAINING,
    MEMORY,
    FILES,
    CPU,
];
