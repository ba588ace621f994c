//! Destinations of a rule as choices in the order in which they are tried: groups opened, weights drawn. Reaches nobody.

use crate::base::cause::Cause;
use crate::base::entropy::Entropy;
use crate::domain::dialplan::{Destination, Dialplan, TrunkMember};
use std::sync::Arc;
use std::time::Duration;

/// One thing to try.
#[derive(Clone, PartialEq, Debug)]
pub enum Choice {
    Trunk(Arc<str>),
    /// Phones that ring at the same time, all contacts of each.
    Phones {
        names: Vec<Arc<str>>,
        ring_timeout: Option<Duration>,
    },
    Flow(Arc<str>),
    Queue(Arc<str>),
    Engine(Arc<str>),
    /// Nothing further is tried.
    Reject(Cause),
    /// The configuration names something that is not there (a reload may have removed it).
    Missing(Arc<str>),
}

/// Opens the destinations in their order. Trunks of a group by priority, within one priority drawn by weight; or by what they
/// take for a minute to `number` first.
pub fn choices(plan: &Dialplan, to: &[Destination], number: Option<&str>, entropy: &mut Entropy) -> Vec<Choice> {
    let mut choices = Vec::with_capacity(to.len());
    for destination in to {
        match destination {
            Destination::Trunk(name) => choices.push(Choice::Trunk(name.clone())),
            Destination::TrunkGroup(name) => match plan.trunk_groups.iter().find(|group| group.name == *name) {
                Some(group) => {
                    let mut members = in_order(&group.members, entropy, weighing_of_member);
                    if group.by_price {
                        // A stable sort: among equal prices the order above stays.
                        members.sort_by_key(|member| price(plan, &member.trunk, number));
                    }
                    choices.extend(members.into_iter().map(|member| Choice::Trunk(member.trunk.clone())));
                }
                None => choices.push(Choice::Missing(name.clone())),
            },
            Destination::Phone(name) => {
                choices.push(Choice::Phones { names: vec![name.clone()], ring_timeout: None });
            }
            Destination::Group(name) => open_group(plan, name, &mut choices),
            Destination::Flow(name) => choices.push(Choice::Flow(name.clone())),
            Destination::Queue(name) => choices.push(Choice::Queue(name.clone())),
            Destination::Engine(name) => choices.push(Choice::Engine(name.clone())),
            Destination::Reject(cause) => {
                choices.push(Choice::Reject(*cause));
                break;
            }
        }
    }
    choices
}

/// What a trunk takes for a minute to a number; one that names no price for it comes last.
pub fn price(plan: &Dialplan, trunk: &str, number: Option<&str>) -> u32 {
    let fits = |prefix: &str| number.is_some_and(|number| number.starts_with(prefix));
    let rates = plan.rates.iter().filter(|rate| *rate.trunk == *trunk && fits(&rate.prefix));
    rates.max_by_key(|rate| rate.prefix.len()).map_or(u32::MAX, |rate| rate.price)
}

fn open_group(plan: &Dialplan, name: &Arc<str>, choices: &mut Vec<Choice>) {
    let Some(group) = plan.groups.iter().find(|group| group.name == *name) else {
        choices.push(Choice::Missing(name.clone()));
        return;
    };
    let ring_timeout = Some(group.ring_timeout);
    if group.together {
        choices.push(Choice::Phones { names: group.phones.clone(), ring_timeout });
    } else {
        let one = |phone: &Arc<str>| Choice::Phones { names: vec![phone.clone()], ring_timeout };
        choices.extend(group.phones.iter().map(one));
    }
}

/// Priority and weight of one candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weighing {
    pub priority: u16,
    pub weight: u16,
}

fn weighing_of_member(member: &TrunkMember) -> Weighing {
    Weighing { priority: member.priority, weight: member.weight }
}

/// Lower priority first; within one priority drawn one after the other in proportion to weight, as RFC 2782 has it
/// (those of weight zero come last).
pub fn in_order<'a, T>(items: &'a [T], entropy: &mut Entropy, weighing: impl Fn(&T) -> Weighing) -> Vec<&'a T> {
    let mut left: Vec<&T> = items.iter().collect();
    if left.len() < 2 {
        return left;
    }
    left.sort_by_key(|item| weighing(item).priority);
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(first) = left.first() {
        let priority = weighing(first).priority;
        let alike = left.iter().take_while(|item| weighing(item).priority == priority).count();
        let total: u64 = left.iter().take(alike).map(|item| u64::from(weighing(item).weight)).sum();
        let mut drawn = entropy.below(total);
        let picked = left.iter().take(alike).position(|item| {
            let weight = u64::from(weighing(item).weight);
            let hit = drawn < weight;
            drawn = drawn.saturating_sub(weight);
            hit
        });
        ordered.push(left.remove(picked.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dialplan::{Group, Rate, TrunkGroup};

    fn member(trunk: &str, priority: u16, weight: u16) -> TrunkMember {
        TrunkMember { trunk: trunk.into(), priority, weight }
    }

    fn group(together: bool) -> Dialplan {
        let phones = vec!["alice".into(), "bob".into()];
        let sales = Group { name: "sales".into(), phones, together, ring_timeout: Duration::from_secs(20) };
        Dialplan { groups: vec![sales], ..Dialplan::default() }
    }

    fn with_group(members: Vec<TrunkMember>, by_price: bool) -> Dialplan {
        Dialplan { trunk_groups: vec![TrunkGroup { name: "out".into(), members, by_price }], ..Dialplan::default() }
    }

    #[test]
    fn a_group_rings_together_or_in_turn() {
        let to = [Destination::Group("sales".into())];
        let mut entropy = Entropy::from_number(1);
        assert_eq!(choices(&group(true), &to, None, &mut entropy).len(), 1);
        assert_eq!(choices(&group(false), &to, None, &mut entropy).len(), 2);
    }

    #[test]
    fn after_a_rejection_nothing_is_tried() {
        let to = [Destination::Reject(Cause::NumberGone), Destination::Trunk("a".into())];
        let choices = choices(&Dialplan::default(), &to, None, &mut Entropy::from_number(1));
        assert_eq!(choices, [Choice::Reject(Cause::NumberGone)]);
    }

    #[test]
    fn a_missing_group_is_named() {
        let to = [Destination::Group("gone".into()), Destination::TrunkGroup("lost".into())];
        let choices = choices(&Dialplan::default(), &to, None, &mut Entropy::from_number(1));
        assert_eq!(choices, [Choice::Missing("gone".into()), Choice::Missing("lost".into())]);
    }

    #[test]
    fn the_cheapest_trunk_to_a_number_comes_first() {
        let members = vec![member("dear", 1, 1), member("silent", 1, 1), member("cheap", 2, 1)];
        let rate = |trunk: &str, prefix: &str, price| Rate { trunk: trunk.into(), prefix: prefix.into(), price };
        let rates =
            vec![rate("dear", "+", 90), rate("dear", "+8190", 10), rate("cheap", "+81", 20), rate("cheap", "+", 30)];
        let plan = Dialplan { rates, ..with_group(members, true) };
        let mut entropy = Entropy::from_number(7);
        let mut order =
            |number| -> Vec<Choice> { choices(&plan, &[Destination::TrunkGroup("out".into())], number, &mut entropy) };
        let named = |names: [&str; 3]| names.map(|name| Choice::Trunk(name.into())).to_vec();
        assert_eq!(order(Some("+81312345678")), named(["cheap", "dear", "silent"]));
        assert_eq!(order(Some("+819012345678")), named(["dear", "cheap", "silent"]));
        assert_eq!(order(Some("+12125550100")), named(["cheap", "dear", "silent"]));
        assert_eq!(
            order(None).last(),
            Some(&Choice::Trunk("cheap".into())),
            "without a number priority is all there is"
        );
    }

    #[test]
    fn trunks_come_by_priority_and_share_by_weight() {
        let members = vec![member("backup", 2, 1), member("big", 1, 3), member("small", 1, 1), member("none", 1, 0)];
        let plan = with_group(members, false);
        let mut entropy = Entropy::from_number(7);
        let mut big = 0;
        for _ in 0..4_000 {
            let choices = choices(&plan, &[Destination::TrunkGroup("out".into())], None, &mut entropy);
            assert_eq!(choices.len(), 4);
            assert_eq!(choices[3], Choice::Trunk("backup".into()));
            assert_eq!(choices[2], Choice::Trunk("none".into()));
            big += u32::from(choices[0] == Choice::Trunk("big".into()));
        }
        assert!((2_850..3_150).contains(&big), "{big} of 4000 went to the trunk of three quarters");
    }
}
