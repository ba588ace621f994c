//! One event as one line, human or JSON. Every value is escaped here, so that none can end the line or steer a terminal.

use crate::base::secret::Masked;
use crate::edge::clock::Stamp;
use std::fmt::{self, Write};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Fields that name a person or a place. They are masked in every line above debug, and in spans always.
const PERSONAL: &[&str] = &["number", "caller", "callee", "dialled", "display", "source", "remote", "uri", "user"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineFormat {
    Human { colour: bool },
    Json,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, scope: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let meta = event.metadata();
        let time = Stamp::of(SystemTime::now());
        let level = meta.level();
        match self {
            LineFormat::Json => {
                write!(out, "{{\"time\":\"{time}\",\"level\":\"{level}\",\"target\":\"{}\"", meta.target())?;
            }
            LineFormat::Human { colour } => {
                let (on, off) = if *colour { (colour_of(level), "\u{1b}[0m") } else { ("", "") };
                write!(out, "{time} {on}{level:>5}{off}")?;
            }
        }
        let mut fields = Fields { format: *self, masked: *level <= Level::INFO, out: &mut out, result: Ok(()) };
        if let Some(message) = meta.fields().field("message") {
            event.record(&mut Only { field: message, inner: &mut fields });
        }
        fields.result?;
        for span in scope.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(text) = span.extensions().get::<FormattedFields<N>>() {
                out.write_str(&text.fields)?;
            }
        }
        let mut fields = Fields { format: *self, masked: *level <= Level::INFO, out: &mut out, result: Ok(()) };
        event.record(&mut Rest { inner: &mut fields });
        fields.result?;
        match self {
            LineFormat::Json => out.write_str("}\n"),
            LineFormat::Human { .. } => writeln!(out, " ({})", meta.target()),
        }
    }
}

impl<'w> FormatFields<'w> for LineFormat {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Fields { format: *self, masked: true, out: &mut out, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }

    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &tracing::span::Record<'_>) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

fn colour_of(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

/// Writes each field with what separates it from the one before.
struct Fields<'a, 'w> {
    format: LineFormat,
    masked: bool,
    out: &'a mut Writer<'w>,
    result: fmt::Result,
}

impl Fields<'_, '_> {
    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>, bare: bool) {
        if self.result.is_ok() {
            self.result = self.write(field.name(), value, bare);
        }
    }

    fn write(&mut self, name: &str, value: fmt::Arguments<'_>, bare: bool) -> fmt::Result {
        let masked = self.masked && PERSONAL.contains(&name);
        let hidden;
        let value = if masked {
            hidden = value.to_string();
            format_args!("{}", Masked(&hidden))
        } else {
            value
        };
        match self.format {
            LineFormat::Json if bare && !masked => write!(self.out, ",\"{name}\":{value}"),
            LineFormat::Json => {
                write!(self.out, ",\"{name}\":\"")?;
                write!(Escaped { out: self.out, quotes: true }, "{value}")?;
                self.out.write_char('"')
            }
            LineFormat::Human { .. } if name == "message" => {
                self.out.write_char(' ')?;
                write!(Escaped { out: self.out, quotes: false }, "{value}")
            }
            LineFormat::Human { .. } => {
                write!(self.out, " {name}=")?;
                write!(Escaped { out: self.out, quotes: false }, "{value}")
            }
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format_args!("{value:?}"), false);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, format_args!("{value}"), false);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, format_args!("{value}"), true);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, format_args!("{value}"), true);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, format_args!("{value}"), true);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, format_args!("{value}"), value.is_finite());
    }
}

/// Lets one field through.
struct Only<'a, 'b, 'w> {
    field: Field,
    inner: &'a mut Fields<'b, 'w>,
}

impl Visit for Only<'_, '_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if *field == self.field {
            self.inner.record_debug(field, value);
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        if *field == self.field {
            self.inner.record_str(field, value);
        }
    }
}

/// Lets all fields but the message through.
struct Rest<'a, 'b, 'w> {
    inner: &'a mut Fields<'b, 'w>,
}

macro_rules! pass_all_but_message {
    ($($name:ident: $kind:ty),*) => {
        impl Visit for Rest<'_, '_, '_> {
            $(fn $name(&mut self, field: &Field, value: $kind) {
                if field.name() != "message" {
                    self.inner.$name(field, value);
                }
            })*
        }
    };
}

pass_all_but_message!(record_debug: &dyn fmt::Debug, record_str: &str, record_u64: u64, record_i64: i64,
    record_bool: bool, record_f64: f64);

/// Passes text on with every character escaped that could end the line, close a JSON string or steer a terminal.
struct Escaped<'a, 'w> {
    out: &'a mut Writer<'w>,
    quotes: bool,
}

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut from = 0;
        for (at, c) in text.char_indices() {
            let quoted = self.quotes && (c == '"' || c == '\\');
            if !quoted && !steers(c) {
                continue;
            }
            self.out.write_str(text.get(from..at).unwrap_or_default())?;
            from = at + c.len_utf8();
            match c {
                '"' | '\\' => write!(self.out, "\\{c}")?,
                '\n' => self.out.write_str("\\n")?,
                '\r' => self.out.write_str("\\r")?,
                '\t' => self.out.write_str("\\t")?,
                c => write!(self.out, "\\u{:04x}", u32::from(c))?,
            }
        }
        self.out.write_str(text.get(from..).unwrap_or_default())
    }
}

/// Controls of C0 and C1, line and paragraph separators, and marks that turn the writing direction.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
