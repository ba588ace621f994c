//! `offhook man`: the manual page, for `man -l -`.

use super::Offhook;
use super::outcome::{Answer, Failure, Outcome, Style};
use clap::CommandFactory;
use serde_json::json;

pub fn execute(style: Style) -> Outcome {
    let mut page = Vec::new();
    let command = Offhook::command();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::failed("no_page", format!("the page could not be written: {error}")))?;
    let words = String::from_utf8_lossy(&page).into_owned();
    let json = if style == Style::Json { json!({ "page": words }) } else { json!(null) };
    Ok(Answer { words, json })
}
