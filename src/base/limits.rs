//! Every bound of every queue, table and message, each with its reason. What configuration may change has its default here.

use std::time::Duration;

/// A SIP message: the largest UDP datagram, and the same over streams so that one parser bound holds everywhere.
pub const MESSAGE_BYTES_MAX: usize = 65_535;
/// Header lines of one message: twenty times what carriers send.
pub const HEADERS_MAX: usize = 512;
/// Requests above this go by TCP where the peer has it (RFC 3261 18.1.1: MTU 1500 less 200).
pub const DATAGRAM_REQUEST_BYTES_MAX: usize = 1_300;
/// Inbox of one call: more than one call can sensibly have under way; full means the message is dropped and counted.
pub const CALL_INBOX: usize = 64;
/// Inbox of the switchboard: about 100 ms of work; full means new work is refused, statelessly.
pub const SWITCHBOARD_INBOX: usize = 4_096;
/// Transactions of one owner that is not a call (registrations, health checks, subscriptions).
pub const SWITCHBOARD_TRANSACTIONS: u32 = 50_000;
/// Transactions of one call: re-INVITEs and the like arrive one after the other.
pub const CALL_TRANSACTIONS: u32 = 64;
/// Legs of one call (RFC 3261 forking to phones, ring groups).
pub const LEGS_MAX: usize = 32;
/// Early dialogs that one outbound INVITE may open before further ones are ignored.
pub const FORKS_MAX: usize = 8;
/// Bytes waiting to be written to one stream connection before it is closed as stuck.
pub const STREAM_BACKLOG: usize = 256;
/// Trail lines of one call; later ones are counted, not kept.
pub const TRAIL_MAX: usize = 64;
/// How long a new TCP, TLS or WebSocket peer has to send its first whole message.
pub const STREAM_FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// Records waiting for the journal; full means new calls are refused, a record is never lost.
pub const JOURNAL_QUEUE: usize = 65_536;
/// A forgotten INVITE transaction that nobody ends: longer than any ring time-out, so that only a fault ever meets it.
pub const INVITE_PENDING_MAX: Duration = Duration::from_secs(3_600);
/// How often an unanswered INVITE's provisional response is repeated, so that no proxy gives up (RFC 3261 13.3.1.1).
pub const PROVISIONAL_EVERY: Duration = Duration::from_secs(60);
/// Log lines waiting to be written: some seconds at info; full means the line is dropped and counted.
pub const LOG_QUEUE: usize = 8_192;
/// Lines of one session description: a browser's offer with every candidate has some two hundred.
pub const SDP_LINES_MAX: usize = 1_000;
/// Media lines of one session description: conference clients send up to a dozen.
pub const SDP_MEDIA_MAX: usize = 32;
/// Formats of one media line: payload types are 128 numbers.
pub const SDP_FORMATS_MAX: usize = 128;
/// Parts of one multipart body.
pub const MULTIPART_PARTS_MAX: usize = 16;
/// Octets of a User-to-User value: RFC 7433 says 128 of content, twice that in hexadecimal, and parameters.
pub const USER_TO_USER_BYTES_MAX: usize = 512;
/// Octets of one header value that crosses from one leg to the other.
pub const CROSSING_VALUE_BYTES_MAX: usize = 1_024;
/// Diversion or History-Info entries that cross; more is a forwarding loop.
pub const DIVERSIONS_MAX: usize = 16;
/// Letters of a display name that cross.
pub const DISPLAY_CHARS_MAX: usize = 128;
/// Nonces in use that are remembered per realm; the oldest is refused when there are more.
pub const NONCES_MAX: usize = 16_384;
/// How long a search for a name may take before what is known by then is used.
pub const LOCATE_PATIENCE: Duration = Duration::from_secs(3);
/// SRV names and SRV targets followed for one name.
pub const LOCATE_NAMES_MAX: usize = 16;
/// Places to try for one name; more would outlast every caller.
pub const LOCATIONS_MAX: usize = 32;
/// Reliable provisional responses of one INVITE that wait for the PRACK of those before.
pub const RELIABLE_PENDING_MAX: usize = 8;
/// Unknown sources whose requests are counted one by one; beyond, the oldest in turn is forgotten. About 8 MB.
pub const STRANGERS_MAX: usize = 65_536;
/// Subscriptions of all phones together: ten per phone of a large site.
pub const SUBSCRIPTIONS_MAX: usize = 20_000;
/// Subscriptions of one phone: a busy-lamp field of a large console.
pub const SUBSCRIPTIONS_PER_PHONE_MAX: usize = 256;
/// How long after its plan a stream may learn where its peer really sends from; later every stranger is refused.
pub const LEARNING_WINDOW: Duration = Duration::from_secs(10);
/// After which silence of a peer that should send its call is told of it, where nothing else is configured.
pub const SILENCE_TOLD: Duration = Duration::from_secs(60);
/// How long a flow may serve a caller whom it has not answered: longer than networks wait.
pub const UNANSWERED_MAX: Duration = Duration::from_secs(600);
/// How long texts may take to be spoken before the step that wants them is an error.
pub const SPEECH_PATIENCE: Duration = Duration::from_secs(10);
/// Steps of flows that a call's record tells one by one.
pub const STEPS_RECORDED_MAX: usize = 256;
/// How long a media worker may take to open or close a stream before it counts as not done.
pub const STREAM_PATIENCE: Duration = Duration::from_secs(3);
/// Commands waiting for one media worker: some thousand calls that change at once; full means that the sender is told.
pub const MEDIA_COMMANDS: usize = 8_192;
/// Events of all media workers waiting for their calls; full means that they wait in the worker, and quality is dropped.
pub const MEDIA_EVENTS: usize = 8_192;
/// Samples of one recording to be played: half an hour at 48 kHz; more would not be kept in memory, and small files can claim days.
pub const RECORDING_SAMPLES_MAX: usize = 30 * 60 * 48_000;
/// Steps of a flow that follow each other without waiting for anything: more is a circle.
pub const FLOW_STEPS_AT_ONCE: u32 = 1_000;
/// Steps of all flows of one call: a day of music that is interrupted every half minute has 6,000.
pub const FLOW_STEPS_PER_CALL: u32 = 10_000;
/// Keys that are kept while no step listens; more than anybody keys ahead.
pub const FLOW_KEYS_MAX: usize = 64;
/// Octets of a call's attributes as JSON, and of a flow's own.
pub const ATTRIBUTES_BYTES_MAX: usize = 32 * 1_024;
/// Octets of the answer to a flow's question to the outside.
pub const FETCHED_BYTES_MAX: usize = 32 * 1_024;
/// How long all tries of one question to the outside may take together, and how many there are.
pub const FETCH_PATIENCE: Duration = Duration::from_secs(8);
pub const FETCH_TRIES: u8 = 3;
/// As long as an engine may have for a decision: beyond that a caller believes that nobody is there.
pub const ROUTE_PATIENCE_MAX: Duration = Duration::from_secs(60);
/// How often engines are asked about one call: beyond that an engine goes round in a circle, and what was declared happens.
pub const DECISIONS_MAX: u16 = 200;
/// How often one question is asked where the engine that had it is lost or says no.
pub const ROUTE_TRIES: u8 = 3;
/// How long questions may follow each other without anything being said between them.
pub const FETCH_CHAIN: Duration = Duration::from_secs(20);
/// Letters of a text that is spoken, its references filled in.
pub const SPOKEN_CHARS_MAX: usize = 6_000;
/// How long a flow waits for an answer that its owner knows at once.
pub const FLOW_ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// How long anything that is played once may take: the longest prompt has five minutes.
pub const FLOW_PLAY_MAX: Duration = Duration::from_secs(15 * 60);
/// How long a caller's ACK, and a callee's answer, may be awaited by a flow: longer than any timer of SIP.
pub const FLOW_ANSWERED_MAX: Duration = Duration::from_secs(60);
pub const FLOW_CALL_OUT_MAX: Duration = Duration::from_secs(600);
/// Moves from queue to queue of one call.
pub const QUEUE_MOVES_MAX: u8 = 11;
/// How long an agent has to accept or reject an offer.
pub const OFFER_PATIENCE: Duration = Duration::from_secs(20);
/// How long a whisper may last; then its hearer is hung up instead of being kept in "connecting" for ever.
pub const WHISPER_MAX: Duration = Duration::from_secs(120);
/// Contacts in the queue of one agent.
pub const AGENT_QUEUE_MAX: u32 = 10;
/// Contacts that wait in all queues together, and in a queue without a capacity of its own: more than there can be calls.
pub const WAITING_MAX: u32 = 100_000;
/// Per cent of a queue's capacity kept beyond it for callbacks that come due and for transfers.
pub const QUEUE_BUFFER_PERCENT: u32 = 20;
/// Steps of one contact's routing criteria.
pub const CRITERIA_STEPS_MAX: usize = 5;
/// Conditions of one step that all must hold.
pub const CRITERIA_CONDITIONS_MAX: usize = 8;
/// How often the criteria of a contact that waits may be replaced.
pub const CRITERIA_CHANGES_MAX: u8 = 2;
/// Proficiencies of one agent.
pub const PROFICIENCIES_MAX: usize = 10;
/// The best level of a proficiency.
pub const PROFICIENCY_LEVEL_MAX: u8 = 5;
/// Letters of a proficiency's attribute or value.
pub const PROFICIENCY_CHARS_MAX: usize = 64;
/// Statuses of agents besides Available and Offline.
pub const STATUSES_MAX: usize = 50;
/// Contacts of one agent at a time, where a routing profile allows more than one.
pub const AGENT_SLOTS_MAX: u8 = 10;
/// Callbacks that are owed; beyond, none is promised.
pub const CALLBACKS_MAX: usize = 100_000;
/// How long a callback is owed.
pub const CALLBACK_LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// When a callback whose queue is full on its time tries again.
pub const CALLBACK_FULL_RETRY: Duration = Duration::from_secs(10);
/// Customers whose last agent is remembered; the one remembered longest is forgotten first.
pub const LAST_AGENTS_MAX: usize = 100_000;
/// Events that wait for their numbers: seconds of a busy exchange. One more is lost, counted, and a gap to followers.
pub const EVENT_QUEUE: usize = 16_384;
/// Events in memory for those who follow closely; the ones before are read from disk. Half a megabyte.
pub const EVENTS_RECENT: usize = 2_048;
/// How long a callback's customer is rung at most, whatever the trunk says.
pub const CALLBACK_DIAL_MAX: Duration = Duration::from_secs(180);
/// DTLS handshakes under way or just over, on all workers together: half a minute of a hundred new browser calls a second.
pub const HANDSHAKES_MAX: usize = 3_000;
/// Datagrams of handshakes that wait for the thread that performs them; the peer repeats what is dropped.
pub const HANDSHAKE_ORDERS: usize = 1_024;
/// How long a handshake may take before it is given up.
pub const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(25);
