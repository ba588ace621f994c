//! Descriptions of a page, said again for another purpose while the page is not asked. Knows no dialog.

use crate::protocol::sdp::attribute::Direction;
use crate::protocol::sdp::parse::{Description, Line, Media};
use std::borrow::Cow;

/// Our end of the handshake for keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Active,
    Passive,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Active => "active",
            Role::Passive => "passive",
        }
    }

    /// What the other side's answer leaves to us.
    pub fn left_by(answer: &str) -> Option<Role> {
        Role::of(answer).map(|role| match role {
            Role::Active => Role::Passive,
            Role::Passive => Role::Active,
        })
    }

    /// What an answer claims.
    pub fn of(answer: &str) -> Option<Role> {
        let description = Description::parse(answer.as_bytes()).ok()?;
        let media = audio(&description)?;
        match description.setup(media)? {
            "active" => Some(Role::Active),
            "passive" => Some(Role::Passive),
            _ => None,
        }
    }
}

/// The series of descriptions of one call: one identity, rising versions (RFC 3264 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    pub id: u32,
    pub version: u32,
}

impl Origin {
    fn text(self) -> String {
        format!("- {} {} IN IP4 0.0.0.0", self.id, self.version)
    }
}

fn audio<'s, 'a>(description: &'s Description<'a>) -> Option<&'s Media<'a>> {
    description.media.iter().find(|media| media.kind == "audio" && media.port != 0)
}

/// What the page says now, under the call's own origin; held, if the agent holds.
pub fn fresh(page: &str, origin: Origin, is_held: bool) -> Option<String> {
    let mut description = Description::parse(page.as_bytes()).ok()?;
    audio(&description)?;
    description.origin = Some(Cow::from(origin.text()));
    if is_held {
        direct(&mut description, Direction::SendOnly);
    }
    Some(description.to_string())
}

/// What the page said last, as a new offer.
pub fn offer_again(stored: &str, origin: Origin, is_held: bool) -> Option<String> {
    let mut description = Description::parse(stored.as_bytes()).ok()?;
    audio(&description)?;
    description.origin = Some(Cow::from(origin.text()));
    direct(&mut description, if is_held { Direction::SendOnly } else { Direction::SendRecv });
    set_up(&mut description, "actpass");
    Some(description.to_string())
}

/// What the page said last, as the answer to an offer of the other side.
pub fn answer_again(
    stored: &str,
    offer: &[u8],
    (origin, role): (Origin, Option<Role>),
    is_held: bool,
) -> Option<String> {
    let own = Description::parse(stored.as_bytes()).ok()?;
    let offered = Description::parse(offer).ok()?;
    let asked = audio(&offered)?;
    let said = audio(&own)?;
    let wanted = if is_held { Direction::SendOnly } else { Direction::SendRecv };
    let direction = offered.direction(asked).mirrored().and(wanted);
    let mut answer = Description {
        origin: Some(Cow::from(origin.text())),
        lines: own.lines.clone(),
        media: offered.media.iter().map(declined).collect(),
    };
    let at = offered.media.iter().position(|media| std::ptr::eq(media, asked))?;
    let mut media = said.clone();
    media.formats.retain(|format| asked.formats.contains(format));
    if media.formats.is_empty() {
        return None;
    }
    let mid = asked.lines.iter().find(|line| line.is("mid").is_some()).cloned();
    media.lines.retain(|line| line.is("mid").is_none());
    media.lines.extend(mid);
    *answer.media.get_mut(at)? = media;
    direct(&mut answer, direction);
    set_up(&mut answer, role.unwrap_or(Role::Active).name());
    Some(answer.to_string())
}

fn declined<'a>(media: &Media<'a>) -> Media<'a> {
    let lines = media.lines.iter().filter(|line| line.is("mid").is_some()).cloned().collect();
    Media { port: 0, ports: None, lines, ..media.clone() }
}

fn direct(description: &mut Description<'_>, direction: Direction) {
    let is_direction = |line: &Line<'_>| line.attribute().is_some_and(|(name, _)| Direction::parse(name).is_some());
    description.lines.retain(|line| !is_direction(line));
    for media in description.media.iter_mut().filter(|media| media.port != 0) {
        media.lines.retain(|line| !is_direction(line));
        media.lines.push(Line::new(b'a', direction.name()));
    }
}

fn set_up(description: &mut Description<'_>, setup: &str) {
    description.lines.retain(|line| line.is("setup").is_none());
    for media in description.media.iter_mut().filter(|media| media.port != 0) {
        media.lines.retain(|line| line.is("setup").is_none());
        media.lines.push(Line::new(b'a', format!("setup:{setup}")));
    }
}

/// Whether audio goes to the same place under the same keys as before: otherwise only the page itself can follow.
pub fn is_same_place(before: &str, now: &[u8]) -> bool {
    let (Ok(before), Ok(now)) = (Description::parse(before.as_bytes()), Description::parse(now)) else { return true };
    let (Some(old), Some(new)) = (audio(&before), audio(&now)) else { return true };
    old.port == new.port
        && before.ice(old) == now.ice(new)
        && before.fingerprint(old).map(|one| one.value) == now.fingerprint(new).map(|one| one.value)
}
