//! All tables at once, to train on and to compare the store with.
//!
//! ```text
//! History (rows as imported) ─► Archive (indexed) ─► CallerFacts of any number at any time
//! ```
//!
//! A live call asks the store instead; both answer alike.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::{Span, ToSpan};

use super::{CallerFacts, Event, Member, Order, PastCall, PhoneSighting};
use crate::units::{Pii, Scene};

/// How far back orders and calls are looked at: callers describe orders of some months ago (days).
pub const ORDER_DAYS: i32 = 180;

/// How far back events are looked at: as far as any signal reaches (days).
pub const EVENT_DAYS: i32 = 30;

/// More members than this behind one number identify nobody; the newest registered are left out.
pub const MAX_MEMBERS: usize = 16;

/// Rows of all tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// `scenes`: scene and main scene.
    pub scenes: Vec<(Scene, Scene)>,
    /// `members`.
    pub members: Vec<Member>,
    /// `phone_history`, with the number of each.
    pub sightings: Vec<(Pii<String>, PhoneSighting)>,
    /// `phone_blacklist`: number and reason.
    pub blacklist: Vec<(Pii<String>, String)>,
    /// `orders`.
    pub orders: Vec<Order>,
    /// `events`.
    pub events: Vec<Event>,
    /// `calls`.
    pub calls: Vec<PastCall>,
}

/// The same, found by number and by member.
#[derive(Debug)]
pub struct Archive<'a> {
    members: BTreeMap<&'a str, &'a Member>,
    by_number: BTreeMap<&'a str, Vec<&'a Member>>,
    sightings: BTreeMap<&'a str, Vec<&'a PhoneSighting>>,
    blacklist: BTreeMap<&'a str, &'a str>,
    orders: BTreeMap<&'a str, Vec<&'a Order>>,
    events: BTreeMap<&'a str, Vec<&'a Event>>,
    calls_of: BTreeMap<&'a str, Vec<&'a PastCall>>,
    calls_from: BTreeMap<&'a str, Vec<&'a PastCall>>,
}

impl<'a> Archive<'a> {
    /// Indexes `history`.
    pub fn new(history: &'a History) -> Self {
        let mut by_number: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
        for member in &history.members {
            by_number.entry(&member.mobile.0).or_default().push(member);
            by_number.entry(&member.landline.0).or_default().push(member);
        }
        by_number.remove("");
        Self {
            members: history.members.iter().map(|member| (member.member_id.as_str(), member)).collect(),
            by_number,
            sightings: grouped(history.sightings.iter().map(|(phone, seen)| (phone.0.as_str(), seen)), |seen| seen.at),
            blacklist: history.blacklist.iter().map(|(phone, why)| (phone.0.as_str(), why.as_str())).collect(),
            orders: grouped(history.orders.iter().map(|order| (order.member_id.as_str(), order)), |order| order.at),
            events: grouped(history.events.iter().map(|event| (event.member_id.as_str(), event)), |event| event.at),
            calls_of: grouped(history.calls.iter().map(|call| (call.member_id.as_str(), call)), |call| call.at),
            calls_from: grouped(history.calls.iter().map(|call| (call.phone.0.as_str(), call)), |call| call.at),
        }
    }

    /// What was known around `phone` before `at`.
    pub fn facts(&self, phone: &str, at: DateTime) -> CallerFacts {
        let sightings = older(self.sightings.get(phone), at, |seen| seen.at).cloned().collect::<Vec<_>>();
        let mut ids: Vec<&str> = self.registered(phone).map(|member| member.member_id.as_str()).collect();
        ids.extend(
            sightings.iter().filter_map(|seen| self.members.get(seen.member_id.as_str())).map(|m| &*m.member_id),
        );
        let mut facts = CallerFacts {
            phone: Pii(phone.to_owned()),
            blacklisted: self.blacklist.get(phone).map(|&why| why.to_owned()),
            sightings,
            ..CallerFacts::default()
        };
        self.fill(&mut facts, ids, at);
        facts
    }

    /// What was known of one member before `at`, whatever the number.
    pub fn facts_of_member(&self, member_id: &str, at: DateTime) -> CallerFacts {
        let mut facts = CallerFacts::default();
        self.fill(&mut facts, vec![member_id], at);
        facts
    }

    /// Whoever registered `phone`, and the household of whoever registered it as a mobile.
    fn registered(&self, phone: &str) -> impl Iterator<Item = &'a Member> {
        let owners = self.by_number.get(phone).into_iter().flatten().copied();
        let families =
            owners.clone().filter_map(|owner| self.by_number.get(owner.landline.0.as_str())).flatten().copied();
        owners.chain(families)
    }

    fn fill(&self, facts: &mut CallerFacts, mut ids: Vec<&str>, at: DateTime) {
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(MAX_MEMBERS);
        let known = ids.iter().filter_map(|id| self.members.get(id)).filter(|member| member.registered_at < at);
        facts.members = known.map(|&member| member.clone()).collect();
        let of = |days: i32| at.checked_sub(days_span(days)).unwrap_or(DateTime::MIN);
        for member in &facts.members {
            let id = member.member_id.as_str();
            let (long, short) = (of(ORDER_DAYS), of(EVENT_DAYS));
            facts.orders.extend(older(self.orders.get(id), at, |o| o.at).filter(|o| o.at >= long).cloned());
            facts.events.extend(older(self.events.get(id), at, |e| e.at).filter(|e| e.at >= short).cloned());
            facts.calls.extend(older(self.calls_of.get(id), at, |c| c.at).filter(|c| c.at >= long).cloned());
        }
        for call in older(self.calls_from.get(facts.phone.0.as_str()), at, |c| c.at).filter(|c| c.at >= of(ORDER_DAYS))
        {
            if !facts.members.iter().any(|member| member.member_id == call.member_id) {
                facts.calls.push(call.clone());
            }
        }
        facts.orders.sort_by(|a, b| (a.at, &a.order_id).cmp(&(b.at, &b.order_id)));
        facts.events.sort_by(|a, b| (a.at, &a.member_id, &a.kind).cmp(&(b.at, &b.member_id, &b.kind)));
        facts.calls.sort_by(|a, b| (a.at, &a.call_id).cmp(&(b.at, &b.call_id)));
    }
}

/// `days` as a span.
pub fn days_span(days: i32) -> Span {
    days.days()
}

fn grouped<'a, T>(
    rows: impl Iterator<Item = (&'a str, &'a T)>,
    at: impl Fn(&T) -> DateTime,
) -> BTreeMap<&'a str, Vec<&'a T>> {
    let mut groups: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    for (key, row) in rows {
        groups.entry(key).or_default().push(row);
    }
    for group in groups.values_mut() {
        group.sort_by_key(|row| at(row));
    }
    groups
}

fn older<'r, T>(
    rows: Option<&'r Vec<&'r T>>,
    now: DateTime,
    at: impl Fn(&T) -> DateTime + 'r,
) -> impl Iterator<Item = &'r T> {
    rows.into_iter().flatten().copied().take_while(move |row| at(row) < now)
}
