//! Orders by hand, at times made up.

use super::*;
use crate::domain::number::book::Lead;

const DAY: Millis = 86_400_000;

fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}

fn inventory(quota: u32) -> Inventory {
    Inventory::new(Terms { quota, ..Terms::default() }, Vec::new(), Vec::new())
}

fn claim(number: &str) -> Order {
    Order::Claim(Box::new(Claim::of(key(number))))
}

fn assign(number: &str, to: &str) -> Order {
    Order::Assign { key: key(number), country: None, to: Assignment::parse(to).expect("an assignment") }
}

fn tokyo(last: u32) -> String {
    format!("+8131234{last:04}")
}

/// Does orders that must be done.
#[track_caller]
fn all(inventory: &mut Inventory, now: Millis, orders: impl IntoIterator<Item = Order>) {
    for order in orders {
        let said = format!("{order:?}");
        if let Err(refusal) = inventory.apply(now, order) {
            panic!("{said}: {refusal}");
        }
    }
}

#[track_caller]
fn check_lead(inventory: &Inventory, number: &str, origin: Option<&str>, expected: &str) {
    let book = inventory.book();
    let origin = origin.and_then(Country::parse);
    let told = match book.lead((Some(number), number), origin, 0) {
        Lead::NotOurs => "not ours".to_owned(),
        Lead::Unassigned(entry) => format!("unassigned {}", entry.key),
        Lead::Released(entry) => format!("released {}", entry.key),
        Lead::To { through, to } => {
            let through: Vec<&str> = through.iter().map(|entry| entry.key.text()).collect();
            format!("{} {to}", through.join(" "))
        }
    };
    assert_eq!(told, expected);
}

#[test]
fn a_claimed_number_knows_its_kind_country_and_capacity() {
    let mut inventory = inventory(100);
    for (number, sort, country, capacity) in [
        ("+81312345678", Sort::Did, Some("JP"), 100),
        ("+81120123456", Sort::TollFree, Some("JP"), 0),
        ("+80012345678", Sort::Uifn, None, 0),
        ("+819012345678", Sort::Mobile, Some("JP"), 0),
        ("1001", Sort::Extension, None, 0),
    ] {
        let change = inventory.apply(0, claim(number)).expect("claimed");
        let entry = change.after.expect("there");
        assert_eq!((entry.sort, entry.country, entry.capacity), (sort, country.and_then(Country::parse), capacity));
        assert_eq!(inventory.apply(0, claim(number)), Err(Refusal::AlreadyOurs(key(number))));
    }
    let bare = Order::Claim(Box::new(Claim { sort: Some(Sort::ShortCode), ..Claim::of(key("+81312345679")) }));
    assert!(matches!(inventory.apply(0, bare), Err(Refusal::KindDiffers { .. })));
    assert_eq!(inventory.apply(0, claim("+81312")), Err(Refusal::NotInPlan(key("+81312"))));
}

#[test]
fn unknown_unassigned_and_released_numbers_are_three_things() {
    let mut inventory = inventory(100);
    all(&mut inventory, 0, [claim("+81312345678")]);
    check_lead(&inventory, "+81312345679", None, "not ours");
    check_lead(&inventory, "+81312345678", None, "unassigned +81312345678");
    all(&mut inventory, 0, [assign("+81312345678", "flow:desk")]);
    check_lead(&inventory, "+81312345678", None, "+81312345678 flow:desk");
    all(&mut inventory, 0, [Order::Release { key: key("+81312345678") }]);
    check_lead(&inventory, "+81312345678", None, "released +81312345678");
    assert_eq!(inventory.apply(0, assign("+81312345678", "flow:desk")), Err(Refusal::NotOurs(key("+81312345678"))));
}

#[test]
fn a_released_number_rests_for_thirty_days() {
    let mut inventory = inventory(100);
    let number = "+81312345678";
    all(&mut inventory, 0, [claim(number), Order::Release { key: key(number) }]);
    let refused = inventory.apply(30 * DAY - 1, claim(number));
    assert_eq!(refused, Err(Refusal::CoolingDown { key: key(number), until: 30 * DAY }));
    assert!(inventory.expire(30 * DAY - 1).is_empty());
    assert_eq!(inventory.expire(30 * DAY).len(), 1);
    check_lead(&inventory, number, None, "not ours");
    all(&mut inventory, 30 * DAY, [claim(number)]);
}

#[test]
fn a_loaded_number_takes_calls_before_it_is_ported() {
    let mut inventory = inventory(100);
    let number = "+81312345678";
    let loaded = Claim { in_progress: true, to: Assignment::parse("phone:alice"), ..Claim::of(key(number)) };
    all(&mut inventory, 0, [Order::Claim(Box::new(loaded))]);
    check_lead(&inventory, number, None, "+81312345678 phone:alice");
    let failed = Order::Settle { key: key(number), outcome: Err("target over its number limit".into()) };
    all(&mut inventory, DAY, [failed.clone()]);
    check_lead(&inventory, number, None, "unassigned +81312345678");
    assert!(
        matches!(inventory.apply(2 * DAY - 1, claim(number)), Err(Refusal::RetryLater { until, .. }) if until == 2 * DAY)
    );
    all(&mut inventory, 2 * DAY, [claim(number)]);
    assert_eq!(inventory.apply(2 * DAY, failed), Err(Refusal::NotInProgress(key(number))));
}

#[test]
fn churn_is_two_hundred_per_cent_of_the_quota_in_thirty_days() {
    // The model's own example: quota 99, then 99 releases, 99 claims, 99 releases.
    let mut inventory = inventory(99);
    let block = |from: u32| (from..from + 99).map(tokyo);
    let release = |number: String| Order::Release { key: key(&number) };
    all(&mut inventory, 0, block(0).map(|number| claim(&number)));
    assert_eq!(inventory.apply(0, claim(&tokyo(500))), Err(Refusal::QuotaReached { quota: 99 }));
    let later = 31 * DAY;
    all(&mut inventory, later, block(0).map(release));
    all(&mut inventory, later + 1, block(100).map(|number| claim(&number)));
    all(&mut inventory, later + 2, block(100).map(release));
    let refused = inventory.apply(later + 3, claim(&tokyo(500)));
    assert_eq!(refused, Err(Refusal::Churn { most: 198, until: later + 30 * DAY }));
    all(&mut inventory, later + 30 * DAY + 2, [claim(&tokyo(500))]);
}

#[test]
fn numbers_lead_to_numbers_and_never_in_a_circle() {
    let mut inventory = inventory(100);
    let [a, b, c] = [tokyo(1), tokyo(2), tokyo(3)];
    all(&mut inventory, 0, [claim(&a), claim(&b), claim(&c)]);
    let to = |number: &str| format!("number:{number}");
    all(&mut inventory, 0, [assign(&a, &to(&b)), assign(&b, &to(&c)), assign(&c, "queue:sales")]);
    check_lead(&inventory, &a, None, &format!("{a} {b} {c} queue:sales"));
    assert_eq!(inventory.apply(0, assign(&c, &to(&a))), Err(Refusal::AliasLoop(key(&a))));
    assert_eq!(inventory.apply(0, assign(&a, &to(&a))), Err(Refusal::AliasLoop(key(&a))));
    assert_eq!(inventory.apply(0, assign(&c, &to("+81399999999"))), Err(Refusal::AliasUnknown(key("+81399999999"))));
    let aliased = Refusal::AliasedBy { key: key(&c), by: key(&b) };
    assert_eq!(inventory.apply(0, Order::Release { key: key(&c) }), Err(aliased));
}

#[test]
fn a_chain_of_numbers_has_an_end() {
    let mut inventory = inventory(100);
    all(&mut inventory, 0, (0..7).map(|last| claim(&tokyo(last))));
    for last in (1..6).rev() {
        let outcome = inventory.apply(0, assign(&tokyo(last), &format!("number:{}", tokyo(last + 1))));
        assert_eq!(outcome.is_ok(), last > 1, "{last}: {outcome:?}");
    }
}

#[test]
fn a_uifn_goes_by_the_country_that_the_call_comes_from() {
    let mut inventory = inventory(100);
    let uifn = "+80012345678";
    let from = |country: &str, to: &str| Order::Assign {
        key: key(uifn),
        country: Country::parse(country),
        to: Assignment::parse(to).expect("an assignment"),
    };
    all(&mut inventory, 0, [claim(uifn), assign(uifn, "flow:world"), from("DE", "flow:europe")]);
    check_lead(&inventory, uifn, Some("DE"), "+80012345678 flow:europe");
    check_lead(&inventory, uifn, Some("JP"), "+80012345678 flow:world");
    check_lead(&inventory, uifn, None, "+80012345678 flow:world");
    all(&mut inventory, 0, [claim(&tokyo(1))]);
    let other = Order::Assign { key: key(&tokyo(1)), country: Country::parse("DE"), to: Assignment::Flow("x".into()) };
    assert_eq!(inventory.apply(0, other), Err(Refusal::OnlyForUifn(key(&tokyo(1)))));
}

#[test]
fn a_did_has_one_carrier_and_a_toll_free_number_several() {
    let mut inventory = inventory(100);
    let carriers: BTreeSet<Box<str>> = ["a", "b"].into_iter().map(Box::from).collect();
    let with = |number: &str| Claim { carriers: carriers.clone(), ..Claim::of(key(number)) };
    let did = inventory.apply(0, Order::Claim(Box::new(with("+81312345678"))));
    assert_eq!(did, Err(Refusal::OneCarrier(key("+81312345678"))));
    all(&mut inventory, 0, [Order::Claim(Box::new(with("+18005550199")))]);
}

#[test]
fn a_number_that_moves_has_to_be_assigned_anew() {
    let mut inventory = inventory(100);
    let number = tokyo(1);
    all(&mut inventory, 0, [claim(&number), assign(&number, "flow:desk")]);
    all(&mut inventory, 0, [Order::Move { key: key(&number), account: "osaka".into() }]);
    check_lead(&inventory, &number, None, &format!("unassigned {number}"));
}

#[test]
fn what_could_not_be_kept_is_undone_whole() {
    let mut inventory = inventory(2);
    all(&mut inventory, 0, [claim(&tokyo(1)), assign(&tokyo(1), "flow:desk")]);
    let before = inventory.clone();
    for order in [claim(&tokyo(2)), Order::Release { key: key(&tokyo(1)) }, assign(&tokyo(1), "flow:other")] {
        let change = inventory.apply(5, order).expect("done");
        inventory.revert(&change);
        assert_eq!(inventory.ours, before.ours);
        assert_eq!(inventory.turnover, before.turnover);
        assert!(inventory.book.entries().eq(before.book.entries()));
    }
}

#[test]
fn a_snapshot_stays_as_it_was_taken() {
    let mut inventory = inventory(10);
    all(&mut inventory, 0, [claim(&tokyo(1))]);
    let book = inventory.book();
    all(&mut inventory, 0, [claim(&tokyo(2))]);
    assert_eq!((book.len(), inventory.book().len()), (1, 2));
    assert!(inventory.book().version() > book.version());
}

#[test]
fn an_import_of_what_is_there_changes_only_what_it_says() {
    let mut inventory = inventory(10);
    let number = tokyo(1);
    all(&mut inventory, 0, [claim(&number), assign(&number, "flow:desk")]);
    let import = |capacity| Order::Import(Box::new(Claim { capacity: Some(capacity), ..Claim::of(key(&number)) }));
    let change = inventory.apply(1, import(30)).expect("changed");
    assert_eq!(change.action, Action::Changed);
    let after = change.after.expect("there");
    assert_eq!((after.capacity, after.to.clone()), (30, Assignment::parse("flow:desk")));
    assert_eq!(inventory.apply(2, import(30)), Err(Refusal::NothingToChange(key(&number))));
}
