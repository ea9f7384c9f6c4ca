//! Rows for the tests of this room.

use jiff::civil::DateTime;

use super::{Event, Member, Order, PastCall};
use crate::units::{Pii, Scene};

pub(super) fn at(text: &str) -> DateTime {
    text.parse().expect("a test's time")
}

pub(super) fn member(id: &str, mobile: &str, landline: &str) -> Member {
    Member {
        member_id: id.to_owned(),
        name: Pii(format!("Member {id}")),
        gender: String::new(),
        birth_year: 1990,
        mobile: Pii(mobile.to_owned()),
        landline: Pii(landline.to_owned()),
        level: "basic".to_owned(),
        city: "Oslo".to_owned(),
        registered_at: at("2020-01-01T00:00:00"),
    }
}

/// An order of member `M1`; `key` is `kind/status`.
pub(super) fn order(id: &str, key: &str, when: &str) -> Order {
    let (kind, status) = key.split_once('/').expect("kind/status");
    Order {
        order_id: id.to_owned(),
        member_id: "M1".to_owned(),
        kind: kind.to_owned(),
        product: String::new(),
        category: String::new(),
        price_cents: 10_000,
        currency: "CNY".to_owned(),
        at: at(when),
        status: status.to_owned(),
    }
}

/// An event of member `M1`.
pub(super) fn event(kind: &str, reference: &str, when: &str) -> Event {
    Event { member_id: "M1".to_owned(), at: at(when), kind: kind.to_owned(), reference: reference.to_owned() }
}

/// A call of member `M1` from their mobile `1391`, solved.
pub(super) fn call(scene: &str, order_id: Option<&str>, when: &str) -> PastCall {
    PastCall {
        call_id: format!("C{when}"),
        phone: Pii("1391".to_owned()),
        member_id: "M1".to_owned(),
        at: at(when),
        main_scene: Scene::from(""),
        scene: Scene::from(scene),
        order_id: order_id.map(str::to_owned),
        resolved: true,
        is_repeat: false,
    }
}
