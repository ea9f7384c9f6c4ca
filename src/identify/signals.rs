//! Signals: whatever happened lately that may be the reason for a call.
//!
//! ```text
//! CallerFacts, member, now ─► signals ─► [ card_payment/declined 2 h ago │ card_delivered 20 h ago │ call, unsolved ]
//!                          └► hint    ─► the help page that was read just before
//! ```
//!
//! A signal has a key (what it is), a [`Group`] (how its urge to call fades) and an age class. Nothing younger than `now` is
//! ever a signal.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::{CallerFacts, Event, Order, PastCall};

/// Upper ends of the age classes (hours). Fine where the urge to call fades fast, nothing beyond 30 days.
pub const AGE_ENDS: [f64; 11] = [1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 96.0, 168.0, 336.0, 720.0];

/// How long before a call a visit to the help pages tells what the call is about (hours). Visitors who find no answer there call
/// within hours; an older visit had its own end.
pub const HINT_HOURS: f64 = 3.0;

/// The event kind that names a main scene in its reference: somebody looked for help.
pub const HINT_EVENT: &str = "help_page_viewed";

/// The order status that needs nobody's attention.
const DONE: &str = "completed";

/// Signals whose urge to call fades alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Group {
    /// An order that is not simply completed.
    Trouble,
    /// A completed order.
    Done,
    /// Something that happened to the account.
    Event,
    /// An earlier call that was solved, or so it seemed.
    Solved,
    /// An earlier call that was not.
    Unsolved,
}

impl Group {
    /// All groups, in the order of [`index`](Self::index).
    pub const ALL: [Self; 5] = [Self::Trouble, Self::Done, Self::Event, Self::Solved, Self::Unsolved];

    /// Position in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source<'a> {
    /// An order of the member.
    Order(&'a Order),
    /// An event of the account.
    Event(&'a Event),
    /// The member's latest call.
    Call(&'a PastCall),
}

/// One possible reason for a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal<'a> {
    /// What it is: `card_payment/declined`, `card_delivered`, `call`.
    pub key: String,
    /// How its urge to call fades.
    pub group: Group,
    /// Age class: index into [`AGE_ENDS`].
    pub age: usize,
    /// Age (hours).
    pub hours: f64,
    /// The row it comes from.
    pub source: Source<'a>,
}

/// Hours from `earlier` to `later`; negative when they are the other way round.
pub fn hours_between(earlier: DateTime, later: DateTime) -> f64 {
    later.duration_since(earlier).as_secs_f64() / 3600.0
}

/// The age class of something `hours` old; `None` for the future and for what is too old to matter.
pub fn age_class(hours: f64) -> Option<usize> {
    if hours <= 0.0 {
        return None;
    }
    AGE_ENDS.iter().position(|&end| hours < end)
}

/// The key of an order: kind and status, and whether a completed one was in foreign money, which raises other questions.
pub fn order_key(order: &Order, home_currency: &str) -> String {
    let foreign = order.status == DONE && order.currency != home_currency;
    format!("{}/{}{}", order.kind, order.status, if foreign { "/foreign" } else { "" })
}

/// The group of an order.
pub fn order_group(order: &Order) -> Group {
    if order.status == DONE { Group::Done } else { Group::Trouble }
}

/// The group of an earlier call.
pub fn call_group(call: &PastCall) -> Group {
    if call.resolved { Group::Solved } else { Group::Unsolved }
}

/// The signals of one member at `now`. An order that the member has called about already counts through that call only.
pub fn signals<'a>(facts: &'a CallerFacts, member_id: &str, now: DateTime, home_currency: &str) -> Vec<Signal<'a>> {
    let calls = || calls_of(facts, member_id).filter(|call| call.at < now);
    let discussed: BTreeSet<&str> = calls().filter_map(|call| call.order_id.as_deref()).collect();
    let mut found = Vec::new();
    let mut add = |key: String, group: Group, at: DateTime, source: Source<'a>| {
        let hours = hours_between(at, now);
        if let Some(age) = age_class(hours) {
            found.push(Signal { key, group, age, hours, source });
        }
    };
    for order in facts.orders.iter().filter(|order| order.member_id == member_id) {
        if !discussed.contains(order.order_id.as_str()) {
            add(order_key(order, home_currency), order_group(order), order.at, Source::Order(order));
        }
    }
    for event in facts.events.iter().filter(|event| event.member_id == member_id && event.kind != HINT_EVENT) {
        add(event.kind.clone(), Group::Event, event.at, Source::Event(event));
    }
    if let Some(call) = calls().max_by_key(|call| call.at) {
        add("call".to_owned(), call_group(call), call.at, Source::Call(call));
    }
    found
}

/// The main scene whose help page the member read last, if that was within [`HINT_HOURS`] before `now`.
pub fn hint<'a>(facts: &'a CallerFacts, member_id: &str, now: DateTime) -> Option<&'a str> {
    facts
        .events
        .iter()
        .filter(|event| event.member_id == member_id && event.kind == HINT_EVENT)
        .filter(|event| (0.0..HINT_HOURS).contains(&hours_between(event.at, now)) && event.at < now)
        .max_by_key(|event| event.at)
        .map(|event| event.reference.as_str())
}

/// Calls of the member, and calls from this number whose caller was never told, unless the number identifies nobody.
fn calls_of<'a, 'm>(facts: &'a CallerFacts, member_id: &'m str) -> impl Iterator<Item = &'a PastCall> + use<'a, 'm> {
    facts.calls.iter().filter(move |call| {
        call.member_id == member_id
            || (call.member_id.is_empty() && call.phone == facts.phone && facts.blacklisted.is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{at, call, event, order};

    #[test]
    fn only_what_is_older_than_the_call_is_a_signal() {
        let facts = CallerFacts {
            orders: vec![
                order("T1", "card_payment/declined", "2026-05-01T10:00:00"),
                order("T2", "top_up/failed", "2026-05-01T13:00:00"),
            ],
            events: vec![event("card_delivered", "", "2026-03-01T00:00:00")],
            ..CallerFacts::default()
        };
        let found = signals(&facts, "M1", at("2026-05-01T12:00:00"), "CNY");
        assert_eq!(found.len(), 1, "the future and what is 60 days old do not count: {found:?}");
        assert_eq!((found[0].key.as_str(), found[0].age, found[0].hours), ("card_payment/declined", 1, 2.0));
        assert_eq!(signals(&facts, "M1", at("2026-05-01T10:00:00"), "CNY").len(), 0, "at the same second is not older");
    }

    #[test]
    fn an_order_that_was_discussed_counts_through_its_call() {
        let mut facts = CallerFacts {
            orders: vec![order("T1", "card_payment/declined", "2026-05-01T10:00:00")],
            calls: vec![call("declined_card_payment", Some("T1"), "2026-05-01T11:00:00")],
            ..CallerFacts::default()
        };
        let now = at("2026-05-01T12:00:00");
        let keys = |facts: &CallerFacts| -> Vec<String> {
            signals(facts, "M1", now, "CNY").into_iter().map(|signal| signal.key).collect()
        };
        assert_eq!(keys(&facts), ["call"]);
        facts.calls[0].at = at("2026-05-01T12:30:00");
        assert_eq!(keys(&facts), ["card_payment/declined"], "a call that is yet to come discusses nothing");
    }

    #[test]
    fn the_hint_is_the_last_help_page_within_hours() {
        let facts = CallerFacts {
            events: vec![
                event(HINT_EVENT, "card", "2026-05-01T08:59:00"),
                event(HINT_EVENT, "cash", "2026-05-01T11:00:00"),
                event(HINT_EVENT, "account", "2026-05-01T12:00:01"),
            ],
            ..CallerFacts::default()
        };
        assert_eq!(hint(&facts, "M1", at("2026-05-01T12:00:00")), Some("cash"));
        assert_eq!(hint(&facts, "M1", at("2026-05-01T10:30:00")), Some("card"));
        assert_eq!(hint(&facts, "M2", at("2026-05-01T12:00:00")), None);
    }

    #[test]
    fn foreign_money_makes_a_key_of_its_own_only_when_all_went_well() {
        let mut bought = order("T1", "card_payment/completed", "2026-05-01T10:00:00");
        bought.currency = "USD".to_owned();
        assert_eq!(order_key(&bought, "CNY"), "card_payment/completed/foreign");
        bought.status = "declined".to_owned();
        assert_eq!(order_key(&bought, "CNY"), "card_payment/declined");
    }
}
