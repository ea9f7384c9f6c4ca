//! Values by name: what is known of the call, what the caller answered, what actions brought.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::Dialog;
use crate::dialog::dialplan::{Datum, Fact, Name, SlotId, SlotKind, SlotPlan, SlotValue};
use crate::dialog::spoken;
use crate::identify::Order;
use crate::units::Lang;

/// What was answered and brought so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub(super) slots: BTreeMap<SlotId, SlotValue>,
    /// By the position of the action and of the field in its `returns`.
    pub(super) results: BTreeMap<(usize, usize), String>,
}

impl Dialog {
    /// The value of `name`, if it is known.
    pub(super) fn datum(&self, name: Name) -> Option<Datum> {
        match name {
            Name::Fact(fact) => self.fact(fact),
            Name::Slot(slot) => {
                let value = self.values.slots.get(&slot)?;
                Some(slot_datum(self.plan.slot(slot), value, self.now, self.plan.lang))
            }
            Name::Header(at) => self.facts.header(self.plan.headers.get(at)?).map(plain),
            Name::Result(action, field) => self.values.results.get(&(action, field)).map(|text| plain(text)),
        }
    }

    fn fact(&self, fact: Fact) -> Option<Datum> {
        let member = self.identified.member.as_ref().map(|guess| &guess.member);
        let order = self.order.as_ref();
        let scene = self.progress.scene.as_ref();
        match fact {
            Fact::Phone => {
                self.phone.as_ref().map(|phone| Datum { spoken: digit_by_digit(&phone.0), ..plain(&phone.0) })
            }
            Fact::Member => spoken::address(member?, self.plan.lang).map(|name| plain(&name)),
            Fact::MemberId => member.map(|member| plain(&member.member_id)),
            Fact::MemberLevel => member.map(|member| plain(&member.level)),
            Fact::MemberCity => member.map(|member| plain(&member.city)),
            Fact::Order => order.map(|order| plain(&self.spoken_order(order))),
            Fact::OrderId => order.map(|order| plain(&order.order_id)),
            Fact::OrderKind => order.map(|order| plain(&order.kind)),
            Fact::OrderStatus => order.map(|order| plain(&order.status)),
            Fact::OrderPrice => order.filter(|order| order.price_cents != 0).map(|order| price(order, self.plan.lang)),
            Fact::OrderProduct => order.map(|order| plain(&order.product)),
            Fact::OrderDay => order.map(|order| Datum {
                text: order.at.date().to_string(),
                spoken: spoken::day(order.at.date(), self.now.date(), self.plan.lang),
                number: None,
            }),
            Fact::Scene => scene.map(|scene| plain(scene.as_str())),
            Fact::Problem => scene.and_then(|scene| self.plan.find(scene)).map(|scene| plain(&self.problem(scene))),
            Fact::CallTrunk => self.facts.trunk.as_deref().map(plain),
            Fact::CallDivertedFrom => self
                .facts
                .diverted_from
                .as_ref()
                .map(|number| Datum { spoken: digit_by_digit(&number.0), ..plain(&number.0) }),
            Fact::CallVerified => self.facts.verified.map(|verified| plain(verified.name())),
            Fact::CallId => None,
        }
        .filter(|datum| !datum.text.is_empty())
    }
}

/// A text that is said as it stands.
fn plain(text: &str) -> Datum {
    Datum { text: text.to_owned(), spoken: text.to_owned(), number: text.trim().parse().ok() }
}

fn price(order: &Order, lang: Lang) -> Datum {
    money(order.price_cents, &order.currency, lang)
}

fn money(cents: i64, currency: &str, lang: Lang) -> Datum {
    let units = cents as f64 / 100.0;
    Datum { text: format!("{units:.2}"), spoken: spoken::amount(cents, currency, lang), number: Some(units) }
}

/// What was answered to `slot`, as conditions see it and as it is said.
pub(super) fn slot_datum(slot: &SlotPlan, value: &SlotValue, now: DateTime, lang: Lang) -> Datum {
    match value {
        SlotValue::Digits(digits) => Datum { spoken: digit_by_digit(digits), ..plain(digits) },
        SlotValue::Amount(cents, currency) => money(*cents, currency.as_deref().unwrap_or("CNY"), lang),
        SlotValue::Number(number) => plain(&number.to_string()),
        SlotValue::Date(date) => {
            Datum { text: date.to_string(), spoken: spoken::day(*date, now.date(), lang), number: None }
        }
        SlotValue::Time(time) => {
            Datum { text: time.strftime("%H:%M").to_string(), spoken: spoken::time(*time, lang), number: None }
        }
        SlotValue::YesNo(yes) => {
            let spoken = match (yes, lang) {
                (true, Lang::En) => "yes",
                (false, Lang::En) => "no",
                (true, Lang::Zh) => "是",
                (false, Lang::Zh) => "不是",
            };
            Datum { spoken: spoken.to_owned(), ..plain(if *yes { "yes" } else { "no" }) }
        }
        SlotValue::Choice(at) => match &slot.kind {
            SlotKind::Choice(options) => {
                let (name, spoken) = options.get(*at).cloned().unwrap_or_default();
                Datum { text: name, spoken, number: None }
            }
            _ => Datum::default(),
        },
        SlotValue::Words(words) => plain(words),
    }
}

/// "1 3 8": a number is read as one, digits as digits.
fn digit_by_digit(digits: &str) -> String {
    let digits: Vec<String> = digits.chars().filter(char::is_ascii_digit).map(String::from).collect();
    digits.join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dialog::dialplan::Plan;
    use crate::dialog::{CallFacts, Verified, testing};
    use crate::units::Pii;
    use jiff::civil::{date, time};

    #[test]
    fn what_the_line_told_is_known() {
        let main = format!("{}headers: [X-Account]\n", testing::main_file());
        let scenes = testing::scene_file("card", &["lost_card", "forgot_pin"]);
        let others = testing::scene_file("payment", &["refund"]);
        let files = vec![
            ("dialplan.yaml".into(), main),
            ("scenes/card.yaml".into(), scenes),
            ("scenes/payment.yaml".into(), others),
        ];
        let plan = Plan::from_files(files).unwrap_or_else(|found| panic!("{found}")).0;
        let facts = CallFacts {
            trunk: Some("carrier".into()),
            diverted_from: Some(Pii("200".into())),
            verified: Some(Verified::B),
            headers: vec![("x-account".into(), "gold".into())],
        };
        let dialog = Dialog::new(Arc::new(plan), 1, date(2026, 8, 12).at(9, 30, 0, 0)).knowing(facts);
        let text = |name| dialog.datum(name).map(|datum| datum.text);
        assert_eq!(text(Name::Header(0)).as_deref(), Some("gold"));
        assert_eq!(text(Name::Header(1)), None);
        for (fact, value) in [(Fact::CallTrunk, "carrier"), (Fact::CallDivertedFrom, "200"), (Fact::CallVerified, "B")]
        {
            assert_eq!(text(Name::Fact(fact)).as_deref(), Some(value));
        }
    }

    #[test]
    fn values_have_a_form_for_machines_and_one_for_ears() {
        let now = date(2026, 8, 12).at(9, 30, 0, 0);
        let slot =
            |kind| SlotPlan { name: "x".into(), kind, ask: vec![], read_back: false, known: None, no_input: None };
        for (kind, value, text, said) in [
            (SlotKind::Digits(4..=4), SlotValue::Digits("4711".into()), "4711", "4 7 1 1"),
            (SlotKind::Amount, SlotValue::Amount(4_261, None), "42.61", "42.61 yuan"),
            (SlotKind::Date { future: true }, SlotValue::Date(date(2026, 8, 13)), "2026-08-13", "tomorrow"),
            (SlotKind::Time(0..=23), SlotValue::Time(time(17, 0, 0, 0)), "17:00", "5 pm"),
            (SlotKind::YesNo, SlotValue::YesNo(false), "no", "no"),
        ] {
            let datum = slot_datum(&slot(kind), &value, now, Lang::En);
            assert_eq!((datum.text.as_str(), datum.spoken.as_str()), (text, said));
        }
    }
}
