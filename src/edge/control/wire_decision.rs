//! What engines say about calls, as JSON: decisions and orders, each fault with the field that is at fault. Executes nothing.

use crate::base::cause::Cause;
use crate::base::id::LegId;
use crate::base::limits::USER_TO_USER_BYTES_MAX;
use crate::domain::call::interface::Wanted;
use crate::domain::flow::act::{Recorded, SoundSpec, Spoken as SpokenAs, Tone};
use crate::domain::flow::key::Key;
use crate::domain::flow::run::DIGITS_MAX;
use crate::domain::flow::template::Template;
use crate::domain::routing::order::{CollectOrder, Decision, DialOrder, Order, QueueOrder};
use crate::domain::routing::request::OrderFault;
use crate::domain::routing::talk::{Inform, TalkOrder};
use crate::edge::outside::json;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// What a body of an INFO may hold.
const INFO_BYTES_MAX: usize = 4_096;

/// What can be decided and ordered. docs/engines.md says what each means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Decision")]
pub enum Spoken {
    /// A flow of the configuration goes on with the caller.
    Flow { flow: String },
    /// The caller waits in a queue.
    Queue {
        queue: String,
        priority: Option<u8>,
        /// Seconds that the caller counts as longer waiting.
        age: Option<i64>,
        criteria: Option<Value>,
    },
    /// One agent after the other is offered the caller, each for so many seconds.
    Offer {
        agents: Vec<String>,
        #[serde(default = "twenty")]
        timeout: u64,
    },
    /// Somebody is called and joined.
    Dial {
        to: String,
        /// A trunk group, instead of what the dialplan says.
        trunk_group: Option<String>,
        #[serde(default = "thirty")]
        timeout: u64,
        /// Sent once the far end has answered.
        digits: Option<String>,
        caller_number: Option<String>,
        caller_name: Option<String>,
    },
    /// The end, with this cause, after something was heard.
    Reject {
        #[serde(default = "busy")]
        cause: String,
        #[serde(default)]
        play: Vec<Sound>,
    },
    /// 302: somebody else takes the call. Only before the answer.
    Redirect { to: String },
    /// Digits, which come with the next request as `details.StoredCustomerInput`.
    Collect {
        #[serde(default)]
        play: Vec<Sound>,
        digits: u16,
        #[serde(default = "five")]
        first_timeout: u64,
        #[serde(default = "five")]
        next_timeout: u64,
        #[serde(default = "hash")]
        terminator: String,
        #[serde(default = "yes")]
        answer: bool,
    },
    /// The engine is asked again after so many seconds.
    Wait {
        seconds: u64,
        #[serde(default)]
        play: Vec<Sound>,
    },
    /// The engine has control from now on, and orders what happens.
    Control,
    /// Takes the call.
    Answer,
    Play {
        play: Vec<Sound>,
        #[serde(default = "one")]
        times: u8,
    },
    /// What the caller says is kept as a message.
    Record {
        #[serde(default = "sixty")]
        seconds: u64,
        silence: Option<u64>,
    },
    /// To the caller, or to that leg.
    SendDigits { digits: String, leg: Option<u8> },
    /// What is under way ends, and nothing else happens.
    Stop,
    /// Only the attributes are set.
    Set,
    /// The end of the call, at any moment.
    HangUp {
        #[serde(default = "normal")]
        cause: String,
        /// RFC 7433, as it is to stand in the BYE.
        user_to_user: Option<String>,
    },
    /// The party that the caller talks with is let go.
    Unbridge,
    /// Another engine has control from now on.
    HandOver { to: String },
    /// Nobody has control any more: what was declared happens.
    Release,
    /// The same engine after it was lost: a new token.
    Resume,
    /// A party hears the flow of those who are held, and nobody hears it; `"on": false`: it is back.
    Hold {
        #[serde(default)]
        leg: u8,
        #[serde(default = "yes")]
        on: bool,
    },
    /// Nobody hears a party; `"on": false`: it is heard again.
    Mute {
        #[serde(default)]
        leg: u8,
        #[serde(default = "yes")]
        on: bool,
    },
    /// Somebody more is called, and talks with all.
    Add {
        to: String,
        trunk_group: Option<String>,
        #[serde(default = "thirty")]
        timeout: u64,
        caller_number: Option<String>,
        caller_name: Option<String>,
    },
    /// A party is let go; the others talk on.
    Remove { leg: u8 },
    /// Somebody else is called in the place of the party that the caller talks with.
    Transfer { to: String, trunk_group: Option<String>, caller_number: Option<String>, caller_name: Option<String> },
    /// A SIP INFO to a party.
    Info {
        #[serde(default)]
        leg: u8,
        /// Of the body: `application/json`.
        content_type: Option<String>,
        body: Option<String>,
        /// RFC 7433.
        user_to_user: Option<String>,
    },
    /// Who is recorded from now on and once somebody is joined: `both`, `customer`, `agent` or `nobody`.
    Recording { who: String },
}

/// Something to be heard: the name of a prompt, or one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Sound {
    Prompt(String),
    Other(OtherSound),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtherSound {
    Prompt(String),
    Say(String),
    Ssml(String),
    Number(String),
    Digits(String),
    Telephone(String),
    Date(String),
    Time(String),
    /// `beep`, `ringing`, `busy` or `reorder`.
    Tone(String),
    SilenceMs(u64),
}

fn one() -> u8 {
    1
}

fn five() -> u64 {
    5
}

fn twenty() -> u64 {
    20
}

fn thirty() -> u64 {
    30
}

fn sixty() -> u64 {
    60
}

fn hash() -> String {
    "#".to_owned()
}

fn busy() -> String {
    Cause::Busy.name().to_owned()
}

fn normal() -> String {
    Cause::Normal.name().to_owned()
}

fn yes() -> bool {
    true
}

/// A decision about a call that was asked about.
pub fn decision(value: Value) -> Result<Decision, OrderFault> {
    match wanted(value)? {
        Wanted::Do(decision) => Ok(*decision),
        _ => Err(OrderFault::new("needs_control", "do", "this is for whoever has control of the call")),
    }
}

/// An order under a lease.
pub fn wanted(value: Value) -> Result<Wanted, OrderFault> {
    let Value::Object(mut object) = value else {
        return Err(OrderFault::new("bad_decision", "", "an object with `do` in it"));
    };
    let attributes = match object.remove("attributes") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(map)) => map.into_iter().map(|(name, value)| (name.into(), json::read(value))).collect(),
        Some(_) => return Err(OrderFault::new("bad_decision", "attributes", "an object of names and values")),
    };
    let spoken = read(object)?;
    let order = match order(spoken)? {
        Ok(order) => order,
        Err(wanted) => return Ok(wanted),
    };
    Ok(Wanted::Do(Box::new(Decision { order, attributes })))
}

/// The fields by their types. The one at fault is the one without which the complaint is another one.
fn read(object: Map<String, Value>) -> Result<Spoken, OrderFault> {
    let read = |object: &Map<String, Value>| Spoken::deserialize(Value::Object(object.clone()));
    let error = match read(&object) {
        Ok(spoken) => return Ok(spoken),
        Err(error) => error.to_string(),
    };
    let is_at_fault = |name: &&String| {
        let mut without = object.clone();
        without.remove(name.as_str());
        read(&without).err().is_none_or(|other| other.to_string() != error)
    };
    let fields = object.keys().filter(|name| *name != "do");
    // A field that is missing, or not known, is named in the words.
    let named = || error.split('`').nth(1).unwrap_or("do").to_owned();
    let is_variant = error.starts_with("unknown variant") || error.contains("field `do`");
    let path = match is_variant {
        true => "do".to_owned(),
        false if error.starts_with("missing") || error.starts_with("unknown field") => named(),
        false => fields.clone().find(is_at_fault).cloned().unwrap_or_else(|| "do".to_owned()),
    };
    Err(OrderFault::new("bad_decision", &path, error))
}

/// An order, or what is none but concerns the lease itself.
fn order(spoken: Spoken) -> Result<Result<Order, Wanted>, OrderFault> {
    let optional = |text: Option<String>| text.map(String::into_boxed_str);
    Ok(Ok(match spoken {
        Spoken::Flow { flow } => Order::Flow(flow.into()),
        Spoken::Queue { queue, priority, age, criteria } => {
            let criteria = criteria.map(json::read);
            Order::Queue(QueueOrder { queue: queue.into(), priority, age, criteria })
        }
        Spoken::Offer { agents, timeout } => Order::Offer {
            agents: agents.into_iter().map(String::into_boxed_str).collect(),
            each: seconds("timeout", timeout, 1..=600)?,
        },
        Spoken::Dial { to, trunk_group, timeout, digits, caller_number, caller_name } => Order::Dial(DialOrder {
            to: to.into(),
            via: optional(trunk_group),
            timeout: seconds("timeout", timeout, 1..=600)?,
            digits: optional(digits),
            caller_number: optional(caller_number),
            caller_name: optional(caller_name),
        }),
        Spoken::Reject { cause: name, play } => Order::Reject { cause: cause(&name)?, sounds: sounds(play)? },
        Spoken::Redirect { to } => Order::Redirect(to.into()),
        Spoken::Collect { play, digits, first_timeout, next_timeout, terminator, answer } => {
            Order::Collect(CollectOrder {
                sounds: sounds(play)?,
                digits_max: digits,
                first_timeout: seconds("first_timeout", first_timeout, 1..=179)?,
                next_timeout: seconds("next_timeout", next_timeout, 1..=20)?,
                terminator: keys(&terminator)?,
                answers: answer,
            })
        }
        Spoken::Wait { seconds: time, play } => {
            Order::Wait { time: seconds("seconds", time, 1..=3_600)?, sounds: sounds(play)? }
        }
        Spoken::Control => Order::Control,
        Spoken::Answer => Order::Answer,
        Spoken::Play { play, times } => Order::Play { sounds: sounds(play)?, times },
        Spoken::Record { seconds: limit, silence } => Order::Record {
            limit: seconds("seconds", limit, 1..=600)?,
            silence: silence.map(|silence| seconds("silence", silence, 1..=60)).transpose()?,
        },
        Spoken::SendDigits { digits, leg: None } => Order::SendDigits(digits.into()),
        Spoken::SendDigits { digits, leg: Some(leg) } => {
            return talk(TalkOrder::SendDigits { leg: LegId(leg), digits: keyed(&digits)?.into() });
        }
        Spoken::Stop => Order::Stop,
        Spoken::Set => Order::Note,
        Spoken::HangUp { cause: name, user_to_user: None } => return Ok(Err(Wanted::HangUp(cause(&name)?))),
        Spoken::HangUp { cause: name, user_to_user: Some(words) } => {
            return Ok(Err(Wanted::HangUpSaying(cause(&name)?, one_line("user_to_user", words)?)));
        }
        Spoken::Unbridge => return Ok(Err(Wanted::Unbridge)),
        Spoken::HandOver { to } => return Ok(Err(Wanted::HandOver(to.as_str().into()))),
        Spoken::Release => return Ok(Err(Wanted::Release)),
        Spoken::Resume => return Ok(Err(Wanted::Resume)),
        of_talk => return talk(talk_order(of_talk)?),
    }))
}

fn talk(order: TalkOrder) -> Result<Result<Order, Wanted>, OrderFault> {
    Ok(Err(Wanted::Talk(order)))
}

/// What concerns a talk.
fn talk_order(spoken: Spoken) -> Result<TalkOrder, OrderFault> {
    let optional = |text: Option<String>| text.map(String::into_boxed_str);
    Ok(match spoken {
        Spoken::Hold { leg, on } => TalkOrder::Hold { leg: LegId(leg), is_on: on },
        Spoken::Mute { leg, on } => TalkOrder::Mute { leg: LegId(leg), is_on: on },
        Spoken::Remove { leg } => TalkOrder::Remove(LegId(leg)),
        Spoken::Add { to, trunk_group, timeout, caller_number, caller_name } => TalkOrder::Add(Box::new(DialOrder {
            to: to.into(),
            via: optional(trunk_group),
            timeout: seconds("timeout", timeout, 1..=600)?,
            digits: None,
            caller_number: optional(caller_number),
            caller_name: optional(caller_name),
        })),
        Spoken::Transfer { to, trunk_group, caller_number, caller_name } => TalkOrder::Transfer(Box::new(DialOrder {
            to: to.into(),
            via: optional(trunk_group),
            timeout: Duration::from_secs(thirty()),
            digits: None,
            caller_number: optional(caller_number),
            caller_name: optional(caller_name),
        })),
        Spoken::Info { leg, content_type, body, user_to_user } => {
            let user_to_user = user_to_user.map(|words| one_line("user_to_user", words)).transpose()?;
            let kind = content_type.map(|kind| media_type(&kind)).transpose()?;
            let body = match (kind, body) {
                (Some(kind), Some(body)) if body.len() <= INFO_BYTES_MAX => Some((kind, body.into())),
                (Some(_), Some(_)) => return Err(OrderFault::new("out_of_range", "body", "at most 4096 bytes")),
                (None, None) => None,
                (None, _) => return Err(OrderFault::new("bad_decision", "content_type", "what the body is")),
                (_, None) => return Err(OrderFault::new("bad_decision", "body", "what is of that type")),
            };
            TalkOrder::Inform(Box::new(Inform { leg: LegId(leg), body, user_to_user }))
        }
        Spoken::Recording { who } => TalkOrder::Recording(match &*who {
            "both" => Recorded::Both,
            "customer" => Recorded::Customer,
            "agent" => Recorded::Agent,
            "nobody" => Recorded::Nobody,
            _ => return Err(OrderFault::new("bad_decision", "who", "one of both, customer, agent, nobody")),
        }),
        _ => return Err(OrderFault::new("bad_decision", "do", "this is no order of a talk")),
    })
}

/// What stands in one header line.
fn one_line(path: &str, text: String) -> Result<Box<str>, OrderFault> {
    let is_line = text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic());
    match is_line && !text.trim().is_empty() && text.len() <= USER_TO_USER_BYTES_MAX {
        true => Ok(text.trim().into()),
        false => Err(OrderFault::new("bad_decision", path, "one line of at most 512 printable characters")),
    }
}

fn media_type(text: &str) -> Result<Box<str>, OrderFault> {
    let is_token =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-+._".contains(c));
    let is_type = text.split_once('/').is_some_and(|(kind, of)| is_token(kind) && is_token(of));
    match is_type && text.len() <= 100 {
        true => Ok(text.into()),
        false => Err(OrderFault::new("bad_decision", "content_type", "a media type such as application/json")),
    }
}

fn keyed(digits: &str) -> Result<&str, OrderFault> {
    let are_keys = digits.chars().all(|letter| Key::from_char(letter).is_some());
    match are_keys && (1..=DIGITS_MAX).contains(&digits.len()) {
        true => Ok(digits),
        false => Err(OrderFault::new("bad_decision", "digits", "from 1 to 50 keys of a telephone")),
    }
}

fn seconds(path: &str, count: u64, range: std::ops::RangeInclusive<u64>) -> Result<Duration, OrderFault> {
    if range.contains(&count) {
        return Ok(Duration::from_secs(count));
    }
    let words = format!("from {} to {} seconds", range.start(), range.end());
    Err(OrderFault::new("out_of_range", path, words))
}

fn cause(name: &str) -> Result<Cause, OrderFault> {
    let known = || Cause::all().map(Cause::name).collect::<Vec<_>>().join(", ");
    let found = Cause::all().find(|cause| cause.name() == name);
    found.ok_or_else(|| OrderFault::new("no_such_cause", "cause", format!("one of {}", known())))
}

fn keys(text: &str) -> Result<Vec<Key>, OrderFault> {
    let keys: Option<Vec<Key>> = text.chars().map(Key::from_char).collect();
    keys.ok_or_else(|| OrderFault::new("bad_decision", "terminator", "keys of a telephone"))
}

fn sounds(all: Vec<Sound>) -> Result<Vec<SoundSpec>, OrderFault> {
    all.into_iter().enumerate().map(|(at, one)| sound(at, one)).collect()
}

/// Texts stand as they are: what an engine says refers to nothing.
fn sound(at: usize, sound: Sound) -> Result<SoundSpec, OrderFault> {
    let text = |text: String| Template::plain(&text);
    let said = |how: SpokenAs, value: String| SoundSpec::Say(how, Template::plain(&value));
    Ok(match sound {
        Sound::Prompt(name) | Sound::Other(OtherSound::Prompt(name)) => SoundSpec::Prompt(text(name)),
        Sound::Other(other) => match other {
            OtherSound::Prompt(name) => SoundSpec::Prompt(text(name)),
            OtherSound::Say(words) => SoundSpec::Text(text(words)),
            OtherSound::Ssml(words) => SoundSpec::Ssml(text(words)),
            OtherSound::Number(value) => said(SpokenAs::Number, value),
            OtherSound::Digits(value) => said(SpokenAs::Digits, value),
            OtherSound::Telephone(value) => said(SpokenAs::Telephone, value),
            OtherSound::Date(value) => said(SpokenAs::Date, value),
            OtherSound::Time(value) => said(SpokenAs::Time, value),
            OtherSound::SilenceMs(lasts) => SoundSpec::Silence(Duration::from_millis(lasts)),
            OtherSound::Tone(name) => {
                let tones = [
                    ("beep", Tone::Beep),
                    ("ringing", Tone::Ringing),
                    ("busy", Tone::Busy),
                    ("reorder", Tone::Reorder),
                ];
                let tone = tones.into_iter().find(|(known, _)| *known == name).map(|(_, tone)| tone);
                let path = format!("play[{at}].tone");
                let fault = || OrderFault::new("bad_decision", &path, "one of beep, ringing, busy, reorder");
                SoundSpec::Tone(tone.ok_or_else(fault)?)
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(value: Value) -> OrderFault {
        decision(value).expect_err("refused")
    }

    #[test]
    fn a_decision_is_read_with_its_attributes() {
        let read = decision(json!({"do": "queue", "queue": "orders", "priority": 2, "attributes": {"who": "Ada"}}));
        let read = read.expect("understood");
        assert!(matches!(&read.order, Order::Queue(order) if &*order.queue == "orders" && order.priority == Some(2)));
        assert_eq!(read.attributes.len(), 1);
    }

    #[test]
    fn a_fault_names_its_field() {
        let path = |value| fault(value).path.to_string();
        assert_eq!(path(json!({"do": "queue", "queue": 7})), "queue");
        assert_eq!(path(json!({"do": "queue"})), "queue");
        assert_eq!(path(json!({"do": "queue", "queue": "a", "prioriti": 1})), "prioriti");
        assert_eq!(path(json!({"do": "offer", "agents": ["a"], "timeout": 0})), "timeout");
        assert_eq!(path(json!({"do": "dial", "to": "1", "timeout": "long"})), "timeout");
        assert_eq!(path(json!({"do": "fly"})), "do");
        assert_eq!(path(json!({})), "do");
        assert_eq!(path(json!({"do": "reject", "cause": "bussy"})), "cause");
        assert_eq!(path(json!({"do": "reject", "play": ["a", {"tone": "x"}]})), "play[1].tone");
        assert_eq!(path(json!({"do": "set", "attributes": 3})), "attributes");
        assert_eq!(fault(json!({"do": "release"})).code, "needs_control");
        assert_eq!(fault(json!([1])).code, "bad_decision");
    }

    #[test]
    fn what_an_engine_says_refers_to_nothing() {
        let read = decision(json!({"do": "reject", "play": [{"say": "$.Attributes.card"}]})).expect("understood");
        let Order::Reject { sounds, .. } = read.order else { panic!("no rejection") };
        assert!(matches!(&sounds[..], [SoundSpec::Text(text)] if text.fixed() == Some("$.Attributes.card")));
    }
}
