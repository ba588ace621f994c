//! `offhook schema`: the control protocol's messages as JSON Schema or AsyncAPI. Asks nobody.

use super::outcome::{Answer, Outcome};
use crate::edge::control::schema;
use clap::Args;

#[derive(Args, Debug)]
pub struct Arguments {
    /// AsyncAPI 3 instead of JSON Schema.
    #[arg(long)]
    pub asyncapi: bool,
}

pub fn execute(arguments: &Arguments) -> Outcome {
    let json = match arguments.asyncapi {
        true => schema::async_api(),
        false => schema::json_schema().clone(),
    };
    Ok(Answer { words: serde_json::to_string_pretty(&json).unwrap_or_default(), json })
}
