//! Numbers from a table of comma-separated values (RFC 4180): each line an order or its fault. Does none of them.

use crate::domain::number::entry::Assignment;
use crate::domain::number::inventory::{Claim, Order};
use crate::domain::number::key::Key;
use crate::domain::number::kind::Sort;
use crate::domain::number::refusal::Refusal;
use std::collections::BTreeSet;

/// Columns by name, in any order; only `number` is needed.
pub const COLUMNS: &[&str] = &["number", "kind", "carriers", "capacity", "to", "account", "tags", "status"];

/// Lines of one import: a large carrier's whole block.
pub const LINES_MAX: usize = 200_000;

/// One line: where it stands, and the order or what is wrong with it.
pub type Line = (usize, Result<Order, Box<str>>);

/// Reads a table. `Err`: the first line does not name its columns.
pub fn read(text: &str) -> Result<Vec<Line>, Box<str>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = records(text).into_iter();
    let Some((_, head)) = records.next() else { return Err("the file is empty".into()) };
    let head: Vec<String> = head.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    if let Some(unknown) = head.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        let known = COLUMNS.join(", ");
        return Err(format!("`{}` is no column; there are {known}", unknown.escape_default()).into());
    }
    if !head.iter().any(|name| name == "number") {
        return Err("the first line must name the columns, with `number` among them".into());
    }
    let lines: Vec<Line> =
        records.map(|(at, record)| (at, order(&head, &record))).filter(|(_, order)| !is_blank(order)).collect();
    if lines.len() > LINES_MAX {
        return Err(format!("{} lines; an import has at most {LINES_MAX}", lines.len()).into());
    }
    Ok(lines)
}

/// A line without anything in it is passed over.
fn is_blank(order: &Result<Order, Box<str>>) -> bool {
    order.as_ref().is_err_and(|fault| fault.is_empty())
}

fn order(head: &[String], record: &[String]) -> Result<Order, Box<str>> {
    if record.iter().all(|field| field.trim().is_empty()) {
        return Err("".into());
    }
    if record.len() > head.len() {
        return Err(format!("{} fields under {} columns", record.len(), head.len()).into());
    }
    let field = |name: &str| {
        let at = head.iter().position(|column| column == name);
        at.and_then(|at| record.get(at)).map_or("", |field| field.trim())
    };
    if record.iter().any(|field| field.chars().any(char::is_control)) {
        return Err("a field holds control characters".into());
    }
    let key = Key::parse(field("number")).map_err(|error| Refusal::NotANumber(error).to_string())?;
    let mut claim = Claim::of(key);
    if !field("kind").is_empty() {
        let kind = field("kind");
        claim.sort = Some(Sort::parse(kind).ok_or_else(|| format!("`{kind}` is no kind of number"))?);
    }
    if !field("capacity").is_empty() {
        let capacity = field("capacity");
        claim.capacity = Some(capacity.parse().map_err(|_| format!("`{capacity}` is no capacity"))?);
    }
    if !field("to").is_empty() {
        let to = field("to");
        let fault =
            || format!("`{to}` is no assignment; write flow:, phone:, group:, queue:, trunk: or number: and a name");
        claim.to = Some(Assignment::parse(to).ok_or_else(fault)?);
    }
    claim.carriers = list(field("carriers"));
    claim.tags = list(field("tags"));
    claim.account = field("account").into();
    claim.in_progress = match field("status").to_ascii_uppercase().as_str() {
        "" | "CLAIMED" => false,
        "IN_PROGRESS" => true,
        other => return Err(format!("`{}` is no status to begin with", other.escape_default()).into()),
    };
    Ok(Order::Import(Box::new(claim)))
}

/// Words with semicolons or spaces between them.
pub fn list(text: &str) -> BTreeSet<Box<str>> {
    text.split([';', ' ']).map(str::trim).filter(|word| !word.is_empty()).map(Box::from).collect()
}

/// The records of a table, each with the line that it begins on.
fn records(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut records = Vec::new();
    let (mut record, mut field) = (Vec::new(), String::new());
    let (mut line, mut began, mut is_quoted) = (1, 1, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if field.is_empty() => is_quoted = true,
            ',' if !is_quoted => record.push(std::mem::take(&mut field)),
            '\r' if !is_quoted && chars.peek() == Some(&'\n') => {}
            '\n' => {
                line += 1;
                if is_quoted {
                    field.push(c);
                    continue;
                }
                record.push(std::mem::take(&mut field));
                records.push((began, std::mem::take(&mut record)));
                began = line;
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push((began, record));
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Result<Claim, String> {
        let lines = read(text).map_err(String::from)?;
        match lines.into_iter().next() {
            Some((_, Ok(Order::Import(claim)))) => Ok(*claim),
            Some((_, Err(fault))) => Err(fault.into()),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn a_line_says_what_its_columns_name() {
        let claim = read_one("tags,number,to,capacity\r\n\"tokyo; sales\",+81 3-1234-5678,flow:order-desk,30\r\n");
        let claim = claim.expect("a claim");
        assert_eq!((claim.key.text(), claim.capacity), ("+81312345678", Some(30)));
        assert_eq!(claim.to, Assignment::parse("flow:order-desk"));
        assert_eq!(claim.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["sales", "tokyo"]);
    }

    #[test]
    fn a_bad_line_is_named_and_the_others_are_read() {
        let lines =
            read("number,kind\n+81312345678,did\nhello,did\n\n+81312345679,fancy\n+81312345670,\n").expect("read");
        let told: Vec<(usize, bool)> = lines.iter().map(|(line, order)| (*line, order.is_ok())).collect();
        assert_eq!(told, [(2, true), (3, false), (5, false), (6, true)]);
        assert!(lines[2].1.as_ref().is_err_and(|fault| fault.contains("fancy")));
    }

    #[test]
    fn quotes_may_hold_commas_quotes_and_line_ends() {
        let found = records("a,\"b,\"\"c\"\"\nd\"\ne");
        assert_eq!(found, [(1, vec!["a".to_owned(), "b,\"c\"\nd".to_owned()]), (3, vec!["e".to_owned()])]);
    }

    #[test]
    fn a_table_without_named_columns_is_refused() {
        assert!(read("").is_err());
        assert!(read("+81312345678,did\n").is_err());
        assert!(read("number,colour\n").is_err());
        assert_eq!(read("number\n"), Ok(Vec::new()));
    }
}
