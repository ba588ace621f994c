//! Why something ended and whose fault it was, in our words; the only table to and from SIP and Q.850.

/// Why a leg or a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    Normal,
    Cancelled,
    Busy,
    NoAnswer,
    Rejected,
    /// 603, 600, 606: the callee speaks for all its places, so nothing else is tried.
    Declined,
    NumberUnknown,
    NumberGone,
    NumberIncomplete,
    NotAllowed,
    /// No place could be reached: no route, DNS failure, connection refused, time-out without a response.
    Unreachable,
    TemporarilyUnavailable,
    MediaNotAcceptable,
    Overload,
    LimitReached,
    /// The peer broke the protocol so far that the call could not go on.
    PeerMisbehaved,
    /// A session timer or an acknowledgement ran out: the peer is presumed dead.
    PeerVanished,
    MaxDuration,
    Drained,
    /// Our own failure.
    Fault,
}

/// Who made it end (livekit's five).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    Nobody,
    Ours,
    Caller,
    Callee,
    Carrier,
}

struct Row {
    cause: Cause,
    name: &'static str,
    status: u16,
    phrase: &'static str,
    q850: u8,
    text: &'static str,
}

const TABLE: &[Row] = &[
    Row {
        cause: Cause::Normal,
        name: "normal",
        status: 480,
        phrase: "Temporarily Unavailable",
        q850: 16,
        text: "Normal call clearing",
    },
    Row {
        cause: Cause::Cancelled,
        name: "cancelled",
        status: 487,
        phrase: "Request Terminated",
        q850: 16,
        text: "Cancelled",
    },
    Row { cause: Cause::Busy, name: "busy", status: 486, phrase: "Busy Here", q850: 17, text: "User busy" },
    Row {
        cause: Cause::NoAnswer,
        name: "no-answer",
        status: 480,
        phrase: "Temporarily Unavailable",
        q850: 19,
        text: "No answer",
    },
    Row {
        cause: Cause::Rejected,
        name: "rejected",
        status: 480,
        phrase: "Temporarily Unavailable",
        q850: 21,
        text: "Call rejected",
    },
    Row { cause: Cause::Declined, name: "declined", status: 603, phrase: "Decline", q850: 21, text: "Call declined" },
    Row {
        cause: Cause::NumberUnknown,
        name: "number-unknown",
        status: 404,
        phrase: "Not Found",
        q850: 1,
        text: "Unallocated number",
    },
    Row {
        cause: Cause::NumberGone,
        name: "number-gone",
        status: 410,
        phrase: "Gone",
        q850: 22,
        text: "Number changed",
    },
    Row {
        cause: Cause::NumberIncomplete,
        name: "number-incomplete",
        status: 484,
        phrase: "Address Incomplete",
        q850: 28,
        text: "Address incomplete",
    },
    Row {
        cause: Cause::NotAllowed,
        name: "not-allowed",
        status: 403,
        phrase: "Forbidden",
        q850: 57,
        text: "Not authorised",
    },
    Row {
        cause: Cause::Unreachable,
        name: "unreachable",
        status: 500,
        phrase: "Server Internal Error",
        q850: 38,
        text: "No route reachable",
    },
    Row {
        cause: Cause::TemporarilyUnavailable,
        name: "temporarily-unavailable",
        status: 480,
        phrase: "Temporarily Unavailable",
        q850: 20,
        text: "Subscriber absent",
    },
    Row {
        cause: Cause::MediaNotAcceptable,
        name: "media-not-acceptable",
        status: 488,
        phrase: "Not Acceptable Here",
        q850: 88,
        text: "Incompatible media",
    },
    Row {
        cause: Cause::Overload,
        name: "overload",
        status: 503,
        phrase: "Service Unavailable",
        q850: 42,
        text: "Switching equipment congestion",
    },
    Row {
        cause: Cause::LimitReached,
        name: "limit-reached",
        status: 503,
        phrase: "Service Unavailable",
        q850: 34,
        text: "Limit reached",
    },
    Row {
        cause: Cause::PeerMisbehaved,
        name: "peer-misbehaved",
        status: 502,
        phrase: "Bad Gateway",
        q850: 111,
        text: "Protocol error",
    },
    Row {
        cause: Cause::PeerVanished,
        name: "peer-vanished",
        status: 504,
        phrase: "Server Time-out",
        q850: 102,
        text: "Recovery on timer expiry",
    },
    Row {
        cause: Cause::MaxDuration,
        name: "max-duration",
        status: 480,
        phrase: "Temporarily Unavailable",
        q850: 31,
        text: "Longest call duration reached",
    },
    Row {
        cause: Cause::Drained,
        name: "drained",
        status: 503,
        phrase: "Service Unavailable",
        q850: 41,
        text: "Server is shutting down",
    },
    Row {
        cause: Cause::Fault,
        name: "fault",
        status: 500,
        phrase: "Server Internal Error",
        q850: 41,
        text: "Internal failure",
    },
];

impl Cause {
    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.cause == self).unwrap_or(&TABLE[TABLE.len() - 1])
    }

    pub fn all() -> impl Iterator<Item = Cause> {
        TABLE.iter().map(|row| row.cause)
    }

    /// The label used in records, metrics and logs.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The final response that tells a caller of this cause.
    pub fn status(self) -> (u16, &'static str) {
        (self.row().status, self.row().phrase)
    }

    /// The Q.850 number and text for a Reason header (RFC 3326).
    pub fn q850(self) -> (u8, &'static str) {
        (self.row().q850, self.row().text)
    }

    /// What a final response from a callee or carrier means.
    pub fn from_status(status: u16) -> Cause {
        match status {
            200..=299 => Cause::Normal,
            404 | 604 => Cause::NumberUnknown,
            410 => Cause::NumberGone,
            484 => Cause::NumberIncomplete,
            486 | 600 => Cause::Busy,
            487 => Cause::Cancelled,
            488 | 606 | 415 => Cause::MediaNotAcceptable,
            480 => Cause::TemporarilyUnavailable,
            603 | 607 | 608 => Cause::Declined,
            401 | 403 | 407 => Cause::NotAllowed,
            408 | 504 => Cause::NoAnswer,
            503 => Cause::Overload,
            500..=599 => Cause::Unreachable,
            _ => Cause::Rejected,
        }
    }

    /// What a Q.850 number in a peer's Reason header means, where it says more than the status does.
    pub fn from_q850(number: u8) -> Option<Cause> {
        TABLE.iter().find(|row| row.q850 == number).map(|row| row.cause)
    }
}

impl Fault {
    pub fn name(self) -> &'static str {
        match self {
            Fault::Nobody => "nobody",
            Fault::Ours => "ours",
            Fault::Caller => "caller",
            Fault::Callee => "callee",
            Fault::Carrier => "carrier",
        }
    }
}
