//! The database as operators meet it: killed, damaged, too new, somebody else's.

use super::numbers::{LineOutcome, Numbers, OrderFault};
use super::{Store, StoreFault, callbacks, guards};
use crate::base::e164::E164;
use crate::base::id::CallId;
use crate::domain::dialplan::guard::Excess;
use crate::domain::dialplan::guard::kept::Kept;
use crate::domain::flow::value::Value;
use crate::domain::number::csv;
use crate::domain::number::entry::Assignment;
use crate::domain::number::inventory::{Claim, Order, Terms};
use crate::domain::number::key::Key;
use crate::domain::number::refusal::Refusal;
use crate::domain::queue::callback::{Callback, CallbackId, Standing};
use crate::domain::queue::interface::{Place, Rank};
use crate::domain::switchboard::interface::CallbackNote;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("offhook-store-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("store.sqlite")
    }

    fn open(&self) -> Numbers {
        Numbers::open(&self.file(), Terms::default()).unwrap().0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn claim(number: &str) -> Order {
    Order::Claim(Box::new(Claim::of(key(number))))
}

async fn order(numbers: &Numbers, order: Order) -> Result<(), OrderFault> {
    numbers.order("uid:7".to_owned(), order).await.map(drop)
}

#[tokio::test]
async fn what_was_answered_is_there_again_after_a_crash() {
    let scratch = Scratch::new("crash");
    let numbers = scratch.open();
    let uifn = "+80012345678";
    order(&numbers, claim("+81312345678")).await.unwrap();
    order(&numbers, claim(uifn)).await.unwrap();
    let to = |text: &str| Assignment::parse(text).unwrap();
    let country = crate::domain::number::country::Country::parse("DE");
    order(&numbers, Order::Assign { key: key(uifn), country, to: to("flow:europe") }).await.unwrap();
    order(&numbers, Order::Assign { key: key("+81312345678"), country: None, to: to("number:+80012345678") })
        .await
        .unwrap();
    order(&numbers, claim("+81312345670")).await.unwrap();
    order(&numbers, Order::Release { key: key("+81312345670") }).await.unwrap();
    // A killed process closes nothing: what the files hold now is all that the next one finds.
    let after = Scratch::new("crash-after");
    for file in std::fs::read_dir(&scratch.0).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), after.0.join(file.file_name())).unwrap();
    }
    let again = after.open();
    assert!(again.book().entries().eq(numbers.book().entries()));
    assert_eq!(again.book().len(), 3);
    let refused = order(&again, claim("+81312345670")).await;
    assert!(matches!(refused, Err(OrderFault::Refused(Refusal::CoolingDown { .. }))), "{refused:?}");
    assert!(Numbers::look(&after.file()).unwrap().entries().eq(numbers.book().entries()));
}

#[tokio::test]
async fn every_change_is_in_the_audit_trail_with_who_and_before_and_after() {
    let scratch = Scratch::new("audit");
    let numbers = scratch.open();
    order(&numbers, claim("+81312345678")).await.unwrap();
    order(&numbers, claim("+81312345679")).await.unwrap();
    let capacity = Some(30);
    order(&numbers, Order::Change { key: key("+81312345678"), capacity, carriers: None, tags: None }).await.unwrap();
    assert!(order(&numbers, claim("+81312345678")).await.is_err(), "what is refused is no change");
    let all = numbers.audit(None, None, 100).await.unwrap();
    let told: Vec<&str> = all.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["claimed", "claimed", "changed"]);
    let own = numbers.audit(Some(key("+81312345678")), None, 100).await.unwrap();
    assert_eq!(own.len(), 2);
    assert_eq!(own[1]["who"], "uid:7");
    assert_eq!((&own[1]["before"]["capacity"], &own[1]["after"]["capacity"]), (&100.into(), &30.into()));
    assert!(own[0]["before"].is_null());
    assert_eq!(numbers.audit(None, all[2]["id"].as_i64(), 1).await.unwrap(), [all[1].clone()]);
}

#[tokio::test]
async fn an_import_does_the_good_lines_and_names_the_bad_ones() {
    let scratch = Scratch::new("import");
    let numbers = scratch.open();
    let table = "number,to,capacity\n+81312345678,flow:desk,50\nnonsense,,\n+81312345678,flow:desk,50\n\
                 +81312345679,number:+81312345678,\n+81312345670,number:+81399999999,\n";
    let verdicts = numbers.import("uid:7".to_owned(), csv::read(table).unwrap()).await.unwrap();
    let told: Vec<(usize, &str)> = verdicts
        .iter()
        .map(|verdict| {
            let word = match &verdict.outcome {
                LineOutcome::Claimed(_) => "claimed",
                LineOutcome::Changed(_) => "changed",
                LineOutcome::Unchanged(_) => "unchanged",
                LineOutcome::Bad(_) => "bad",
            };
            (verdict.line, word)
        })
        .collect();
    assert_eq!(told, [(2, "claimed"), (3, "bad"), (4, "unchanged"), (5, "claimed"), (6, "bad")]);
    assert_eq!(scratch.open().book().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_kept_did_not_happen() {
    let scratch = Scratch::new("refused");
    let numbers = scratch.open();
    order(&numbers, claim("+81312345678")).await.unwrap();
    numbers.store.execute(|connection| connection.execute_batch("DROP TABLE number_audit")).await.unwrap().unwrap();
    let before = numbers.book();
    for one in [claim("+81312345679"), Order::Release { key: key("+81312345678") }] {
        let outcome = order(&numbers, one).await;
        assert!(matches!(outcome, Err(OrderFault::Store(StoreFault::Refused(_)))), "{outcome:?}");
        assert!(numbers.book().entries().eq(before.entries()));
    }
}

#[tokio::test]
async fn work_that_panics_leaves_the_store_working() {
    let scratch = Scratch::new("panic");
    let numbers = scratch.open();
    let outcome = numbers.store.execute(|_| panic!("on purpose")).await;
    assert!(matches!(outcome, Err(StoreFault::Ended)));
    order(&numbers, claim("+81312345678")).await.unwrap();
}

#[test]
fn a_file_that_is_no_database_of_ours_is_refused_in_words() {
    let scratch = Scratch::new("damaged");
    std::fs::write(scratch.file(), b"this is no database, but it is long enough to be looked at as one".repeat(20))
        .unwrap();
    let fault = Numbers::open(&scratch.file(), Terms::default()).expect_err("refused");
    assert!(matches!(fault, StoreFault::Damaged { .. }), "{fault:?}");
    assert!(fault.to_string().contains("store.sqlite is damaged"), "{fault}");

    std::fs::remove_file(scratch.file()).unwrap();
    let foreign = rusqlite::Connection::open(scratch.file()).unwrap();
    foreign.execute_batch("CREATE TABLE cakes (name TEXT)").unwrap();
    drop(foreign);
    let fault = Numbers::open(&scratch.file(), Terms::default()).expect_err("refused");
    assert!(matches!(fault, StoreFault::Foreign { .. }), "{fault:?}");
}

#[test]
fn a_torn_page_is_found_when_the_file_is_opened() {
    let scratch = Scratch::new("torn");
    drop(scratch.open());
    // The thread ends by itself; only what is on disk counts here.
    let connection = rusqlite::Connection::open(scratch.file()).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    let mut bytes = std::fs::read(scratch.file()).unwrap();
    let pages = bytes.len() / 4_096;
    for page in 1..pages {
        bytes[page * 4_096..page * 4_096 + 64].fill(0xff);
    }
    std::fs::write(scratch.file(), bytes).unwrap();
    let fault = Numbers::open(&scratch.file(), Terms::default()).expect_err("refused");
    assert!(matches!(fault, StoreFault::Damaged { .. }), "{fault:?}");
}

#[test]
fn a_database_of_a_newer_offhook_is_left_alone() {
    let scratch = Scratch::new("newer");
    drop(scratch.open());
    let connection = rusqlite::Connection::open(scratch.file()).unwrap();
    connection.pragma_update(None, "user_version", 4_000).unwrap();
    drop(connection);
    let fault = Numbers::open(&scratch.file(), Terms::default()).expect_err("refused");
    assert!(matches!(fault, StoreFault::TooNew { version: 4_000, .. }), "{fault:?}");
    assert!(matches!(Store::look(&scratch.file(), |_| Ok(())), Err(StoreFault::TooNew { .. })));
}

fn promise() -> Callback {
    Callback {
        id: CallbackId(7),
        call: CallId(0xabc),
        number: E164::parse("+81312345678").unwrap(),
        place: Place::Queue("orders".into()),
        rank: Rank { priority: Some(2), age: -30 },
        criteria: None,
        started: 1_000,
        created: 2_000,
        attempts: 1,
        retries: 2,
        gap: Duration::from_secs(600),
        standing: Standing::Scheduled { due: 3_000 },
        luggage: Arc::new(Value::map([("Shared", Value::text("x"))])),
    }
}

/// A new process opens the file.
async fn owed(scratch: &Scratch) -> (Vec<Callback>, u64) {
    scratch.open().store.execute(|connection| callbacks::read(connection, 4_000)).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_promise_is_there_again_as_it_was_until_it_is_struck_out() {
    let scratch = Scratch::new("promises");
    let (nothing, first) = owed(&scratch).await;
    assert_eq!((nothing.len(), first), (0, 1));
    for note in [
        CallbackNote::Keep(Box::new(promise())),
        CallbackNote::Keep(Box::new(Callback { standing: Standing::Queued, ..promise() })),
    ] {
        let wanted = match &note {
            CallbackNote::Keep(callback) => (**callback).clone(),
            CallbackNote::Forget { .. } => panic!("none is struck out yet"),
        };
        write(&scratch, note).await;
        assert_eq!(owed(&scratch).await, (vec![wanted], 8));
    }
    write(&scratch, CallbackNote::Forget { callback: CallbackId(7), why: "reached" }).await;
    assert_eq!(owed(&scratch).await, (Vec::new(), 8), "and no number is given twice");
}

async fn write(scratch: &Scratch, note: CallbackNote) {
    let job = move |connection: &mut rusqlite::Connection| {
        let transaction = connection.transaction().unwrap();
        callbacks::keep(&transaction, 3_500, &[note]).unwrap();
        transaction.commit().unwrap();
    };
    scratch.open().store.execute(job).await.unwrap();
}

#[test]
fn what_guards_have_counted_comes_back() {
    let scratch = Scratch::new("guards");
    let kept = |subject: &str, spent, tripped| Kept { guard: "abroad".into(), subject: subject.into(), spent, tripped };
    let all = vec![
        kept("alice", vec![(28_333_334, Duration::from_secs(90)), (28_333_336, Duration::from_millis(1))], None),
        kept("bob", Vec::new(), Some((Excess::Rate(2), None))),
        kept("carol", vec![(28_333_334, Duration::from_secs(5))], Some((Excess::Minutes(10), Some(1_700_000_100_000)))),
    ];
    let (_, read) = Store::open(&scratch.file(), |connection| {
        guards::write(connection, &all[..1])?;
        guards::write(connection, &all)?;
        guards::read(connection)
    })
    .expect("a store");
    assert_eq!(read, all);
}
