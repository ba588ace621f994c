//! Lists of JSON objects as columns for people.

use super::outcome::plain;
use serde_json::Value;

/// One line per object under a heading; `columns` are keys. Nothing in `rows` gives `nothing`.
pub fn of(rows: Option<&Value>, columns: &[&str], nothing: &str) -> String {
    let rows = rows.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return nothing.to_owned();
    }
    let mut lines = vec![columns.iter().map(|column| column.replace('_', " ")).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|column| cell(row.get(*column))).collect()));
    let width = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|text| text.chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).map(|at| width(at).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// One value as words: lists joined, absent as a dash.
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => plain(text).replace('\n', " "),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(values)) if values.is_empty() => "-".to_owned(),
        Some(Value::Array(values)) => values.iter().map(|value| cell(Some(value))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(object)) => object.values().map(|value| cell(Some(value))).collect::<Vec<_>>().join(" "),
        Some(Value::Number(number)) => number.to_string(),
    }
}

/// The keys and values of one object, one a line.
pub fn of_one(object: &Value) -> String {
    let Some(object) = object.as_object() else { return cell(Some(object)) };
    let width = object.keys().map(|key| key.chars().count()).max().unwrap_or_default();
    object.iter().map(|(key, value)| format!("{:<width$}  {}\n", key.replace('_', " "), cell(Some(value)))).collect()
}
