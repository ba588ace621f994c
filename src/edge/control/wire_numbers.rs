//! What a client may ask of the inventory, as JSON. Executes nothing.

use crate::domain::number::country::Country;
use crate::domain::number::csv;
use crate::domain::number::entry::Assignment;
use crate::domain::number::inventory::{Claim, Order};
use crate::domain::number::key::Key;
use crate::domain::number::kind::Sort;
use crate::domain::number::refusal::Refusal;
use crate::edge::control::wire::Fault;
use serde::Deserialize;
use std::collections::BTreeSet;

/// `{"command":"numbers","ask":{"do":"claim","number":"+81..."}}`
#[derive(Clone, PartialEq, Debug, Deserialize, schemars::JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    List {
        #[serde(default)]
        status: Option<String>,
        #[serde(default)]
        kind: Option<String>,
        #[serde(default)]
        country: Option<String>,
        #[serde(default)]
        tag: Option<String>,
        #[serde(default)]
        account: Option<String>,
        /// Only numbers after this one: for the next page.
        #[serde(default)]
        after: Option<String>,
    },
    Show {
        number: String,
    },
    Claim {
        number: String,
        #[serde(default)]
        kind: Option<String>,
        #[serde(default)]
        carriers: Vec<String>,
        #[serde(default)]
        capacity: Option<u32>,
        #[serde(default)]
        to: Option<String>,
        #[serde(default)]
        account: String,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        in_progress: bool,
        #[serde(default)]
        anyway: bool,
    },
    Settle {
        number: String,
        /// Why the claim failed; absent: it is ours.
        #[serde(default)]
        failed: Option<String>,
    },
    Assign {
        number: String,
        to: String,
        #[serde(default)]
        country: Option<String>,
    },
    Unassign {
        number: String,
        #[serde(default)]
        country: Option<String>,
    },
    Change {
        number: String,
        #[serde(default)]
        capacity: Option<u32>,
        #[serde(default)]
        carriers: Option<Vec<String>>,
        #[serde(default)]
        tags: Option<Vec<String>>,
    },
    Move {
        number: String,
        account: String,
    },
    Release {
        number: String,
    },
    Import {
        /// A table with its line of column names.
        csv: String,
        /// The line of the file that its second line is.
        #[serde(default)]
        first_line: usize,
    },
    Audit {
        #[serde(default)]
        number: Option<String>,
        /// Only lines with a smaller number: for the page before.
        #[serde(default)]
        before: Option<i64>,
        #[serde(default)]
        most: Option<u32>,
    },
}

/// Letters of a reason that are kept.
const WHY_CHARS_MAX: usize = 200;

impl Ask {
    pub fn only_looks(&self) -> bool {
        matches!(self, Ask::List { .. } | Ask::Show { .. } | Ask::Audit { .. })
    }

    /// The order that this is; `None` for what only looks, and for imports.
    pub fn order(self) -> Result<Option<Order>, Fault> {
        Ok(Some(match self {
            Ask::Claim { number, kind, carriers, capacity, to, account, tags, in_progress, anyway } => {
                Order::Claim(Box::new(Claim {
                    key: key(&number)?,
                    sort: kind.as_deref().map(sort).transpose()?,
                    carriers: words(carriers),
                    capacity,
                    account: account.into(),
                    to: to.as_deref().map(assignment).transpose()?,
                    tags: words(tags),
                    in_progress,
                    anyway,
                }))
            }
            Ask::Settle { number, failed } => {
                let clean = |why: String| -> Box<str> {
                    why.chars().filter(|c| !c.is_control()).take(WHY_CHARS_MAX).collect::<String>().into()
                };
                Order::Settle { key: key(&number)?, outcome: failed.map_or(Ok(()), |why| Err(clean(why))) }
            }
            Ask::Assign { number, to, country } => Order::Assign {
                key: key(&number)?,
                country: country.as_deref().map(self::country).transpose()?,
                to: assignment(&to)?,
            },
            Ask::Unassign { number, country } => {
                Order::Unassign { key: key(&number)?, country: country.as_deref().map(self::country).transpose()? }
            }
            Ask::Change { number, capacity, carriers, tags } => {
                Order::Change { key: key(&number)?, capacity, carriers: carriers.map(words), tags: tags.map(words) }
            }
            Ask::Move { number, account } => Order::Move { key: key(&number)?, account: account.into() },
            Ask::Release { number } => Order::Release { key: key(&number)? },
            Ask::List { .. } | Ask::Show { .. } | Ask::Import { .. } | Ask::Audit { .. } => return Ok(None),
        }))
    }
}

pub fn key(text: &str) -> Result<Key, Fault> {
    Key::parse(text).map_err(|error| {
        let refusal = Refusal::NotANumber(error);
        Fault::new(refusal.code(), refusal.to_string())
    })
}

pub fn sort(text: &str) -> Result<Sort, Fault> {
    let names: Vec<&str> = Sort::ALL.iter().map(|sort| sort.name()).collect();
    Sort::parse(text).ok_or_else(|| {
        Fault::new(
            "bad_kind",
            format!("`{}` is no kind of number; there are {}", text.escape_debug(), names.join(", ")),
        )
    })
}

pub fn country(text: &str) -> Result<Country, Fault> {
    Country::parse(text)
        .ok_or_else(|| Fault::new("bad_country", format!("`{}` is no country; write two letters", text.escape_debug())))
}

fn assignment(text: &str) -> Result<Assignment, Fault> {
    Assignment::parse(text).ok_or_else(|| {
        let meant = "write flow:NAME, phone:NAME, group:NAME, queue:NAME, trunk:NAME or number:+DIGITS";
        Fault::new("bad_assignment", format!("`{}` is no assignment; {meant}", text.escape_debug()))
    })
}

fn words(given: Vec<String>) -> BTreeSet<Box<str>> {
    given.iter().flat_map(|text| csv::list(text)).collect()
}
