//! Slots: what the hotline may ask a caller for, and how an answer is read.
//!
//! ```text
//! turn ─► SlotPlan::read ─► SlotValue ─► actions, conditions, prompts
//! ```

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};

use super::Fact;
use crate::nlu::{Entity, UserAct, UserTurn, Value};
use crate::units::Ask;

/// Position of a slot in [`Plan::slots`](super::Plan::slots).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub(crate) usize);

/// Something to ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotPlan {
    /// Its name.
    pub name: String,
    /// What an answer is.
    pub kind: SlotKind,
    /// How it is asked for: at least two ways.
    pub ask: Vec<String>,
    /// Whether the value is said back before it is used.
    pub read_back: bool,
    /// What is known without asking.
    pub known: Option<Fact>,
    /// Silence that counts as no answer, where it is not the usual one.
    pub no_input: Option<Duration>,
}

/// Kinds of answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// So many digits: a phone number, the last four of a card.
    Digits(RangeInclusive<usize>),
    /// An amount of money.
    Amount,
    /// A number.
    Number,
    /// A day: today or later, or any.
    Date {
        /// "Monday" is the next one, and no day that has passed will do.
        future: bool,
    },
    /// A time of day within these hours; "at five" is taken for the five that lies within them.
    Time(RangeInclusive<i8>),
    /// Yes or no.
    YesNo,
    /// One of these: its name in conditions, and as it is said.
    Choice(Vec<(String, String)>),
    /// Any words.
    Words,
}

/// What a caller answered.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotValue {
    /// Digits one by one.
    Digits(String),
    /// In hundredths, with the currency where one was named.
    Amount(i64, Option<String>),
    /// A number.
    Number(f64),
    /// A day.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// Yes or no.
    YesNo(bool),
    /// The option at this position.
    Choice(usize),
    /// Words as they were recognised.
    Words(String),
}

impl SlotPlan {
    /// The kind of answer that is listened for.
    pub fn listens_for(&self) -> Ask {
        match self.kind {
            SlotKind::Digits(_) => Ask::Digits,
            SlotKind::YesNo => Ask::YesNo,
            SlotKind::Choice(_) => Ask::Choice,
            SlotKind::Amount | SlotKind::Number | SlotKind::Date { .. } | SlotKind::Time(_) | SlotKind::Words => {
                Ask::Open
            }
        }
    }

    /// The options as they are said.
    pub fn options(&self) -> Vec<String> {
        match &self.kind {
            SlotKind::Choice(options) => options.iter().map(|(_, spoken)| spoken.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// The answer in `turn`, if there is one. `now` is the local time of the call.
    pub fn read(&self, turn: &UserTurn, now: DateTime) -> Option<SlotValue> {
        match &self.kind {
            SlotKind::YesNo => turn.acts.iter().find_map(|act| match act {
                UserAct::Affirm => Some(SlotValue::YesNo(true)),
                UserAct::Deny => Some(SlotValue::YesNo(false)),
                _ => None,
            }),
            SlotKind::Choice(options) => turn.acts.iter().find_map(|act| match act {
                UserAct::Choose(at) if *at < options.len() => Some(SlotValue::Choice(*at)),
                _ => None,
            }),
            SlotKind::Words => {
                let command = turn.acts.iter().any(|act| !matches!(act, UserAct::Affirm | UserAct::Deny));
                (!command && !turn.text.trim().is_empty()).then(|| SlotValue::Words(turn.text.trim().to_owned()))
            }
            _ => turn.entities.iter().find_map(|entity| self.fits(entity, now)),
        }
    }

    /// Takes the first of `entities` that answers, which the caller said beside something else.
    pub fn take(&self, entities: &mut Vec<Entity>, now: DateTime) -> Option<SlotValue> {
        let (at, value) = entities.iter().enumerate().find_map(|(at, entity)| Some((at, self.fits(entity, now)?)))?;
        entities.remove(at);
        Some(value)
    }

    /// The digits of a keypad as an answer.
    pub fn keyed(&self, digits: &str) -> Option<SlotValue> {
        match &self.kind {
            SlotKind::Digits(lengths) => lengths.contains(&digits.len()).then(|| SlotValue::Digits(digits.to_owned())),
            SlotKind::Choice(options) => {
                let at = digits.parse::<usize>().ok()?.checked_sub(1)?;
                (at < options.len()).then_some(SlotValue::Choice(at))
            }
            SlotKind::Number => digits.parse().ok().map(SlotValue::Number),
            SlotKind::Amount => Some(SlotValue::Amount(digits.parse::<i64>().ok()?.checked_mul(100)?, None)),
            SlotKind::YesNo | SlotKind::Date { .. } | SlotKind::Time(_) | SlotKind::Words => None,
        }
    }

    fn fits(&self, entity: &Entity, now: DateTime) -> Option<SlotValue> {
        match (&self.kind, &entity.value) {
            (SlotKind::Digits(lengths), Value::Digits(digits)) => {
                lengths.contains(&digits.len()).then(|| SlotValue::Digits(digits.clone()))
            }
            (SlotKind::Digits(lengths), Value::Number(number)) => {
                // "Four thousand two hundred ten" for the four digits 4210.
                let digits = (number.fract() == 0.0 && *number >= 0.0).then(|| format!("{number:.0}"))?;
                lengths.contains(&digits.len()).then_some(SlotValue::Digits(digits))
            }
            (SlotKind::Amount, Value::Amount { cents, currency }) => Some(SlotValue::Amount(*cents, currency.clone())),
            (SlotKind::Amount, Value::Number(number)) => Some(SlotValue::Amount((number * 100.0).round() as i64, None)),
            (SlotKind::Number, Value::Number(number)) => Some(SlotValue::Number(*number)),
            (SlotKind::Date { future }, Value::Date(date)) => day(*date, *future, now.date()).map(SlotValue::Date),
            (SlotKind::Time(hours), Value::Time(time)) => within(*time, hours).map(SlotValue::Time),
            _ => None,
        }
    }
}

/// `date` itself; where only the future will do, the same weekday of a coming week instead of a day of the week past.
fn day(date: Date, future: bool, today: Date) -> Option<Date> {
    if !future || date >= today {
        return Some(date);
    }
    let next = date.checked_add(7.days()).ok()?;
    (next >= today).then_some(next)
}

/// `time`, or the same hour of the afternoon, whichever lies within `hours`.
fn within(time: Time, hours: &RangeInclusive<i8>) -> Option<Time> {
    let later = time.hour().checked_add(12).filter(|hour| *hour < 24);
    [Some(time.hour()), later]
        .into_iter()
        .flatten()
        .find(|hour| hours.contains(hour))
        .and_then(|hour| Time::new(hour, time.minute(), 0, 0).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn slot(kind: SlotKind) -> SlotPlan {
        SlotPlan { name: "x".into(), kind, ask: Vec::new(), read_back: false, known: None, no_input: None }
    }

    fn said(values: Vec<Value>) -> UserTurn {
        let entities = values.into_iter().map(|value| Entity { value, span: 0..0 }).collect();
        UserTurn { text: "words".into(), entities, ..UserTurn::default() }
    }

    #[test]
    fn an_answer_is_read_by_its_kind() {
        let now = date(2026, 8, 12).at(9, 30, 0, 0);
        let turn = said(vec![
            Value::Digits("4711".into()),
            Value::Amount { cents: 2_000, currency: Some("CNY".into()) },
            Value::Date(date(2026, 8, 10)),
            Value::Time(time(5, 0, 0, 0)),
        ]);
        for (kind, value) in [
            (SlotKind::Digits(4..=4), Some(SlotValue::Digits("4711".into()))),
            (SlotKind::Digits(6..=6), None),
            (SlotKind::Amount, Some(SlotValue::Amount(2_000, Some("CNY".into())))),
            (SlotKind::Date { future: false }, Some(SlotValue::Date(date(2026, 8, 10)))),
            (SlotKind::Date { future: true }, Some(SlotValue::Date(date(2026, 8, 17)))),
            (SlotKind::Time(8..=19), Some(SlotValue::Time(time(17, 0, 0, 0)))),
            (SlotKind::Time(0..=23), Some(SlotValue::Time(time(5, 0, 0, 0)))),
            (SlotKind::Time(9..=12), None),
            (SlotKind::Number, None),
            (SlotKind::Words, Some(SlotValue::Words("words".into()))),
        ] {
            assert_eq!(slot(kind.clone()).read(&turn, now), value, "{kind:?}");
        }
    }

    #[test]
    fn a_value_that_was_said_answers_one_question() {
        let now = date(2026, 8, 12).at(9, 30, 0, 0);
        let mut spare = said(vec![Value::Digits("4711".into())]).entities;
        assert!(slot(SlotKind::Digits(4..=4)).take(&mut spare, now).is_some());
        assert_eq!(slot(SlotKind::Digits(4..=4)).take(&mut spare, now), None);
    }

    #[test]
    fn keys_answer_what_keys_can() {
        let options = vec![("lost".to_owned(), "lost".to_owned()), ("stolen".to_owned(), "stolen".to_owned())];
        for (kind, keys, value) in [
            (SlotKind::Digits(4..=4), "4711", Some(SlotValue::Digits("4711".into()))),
            (SlotKind::Digits(4..=4), "47", None),
            (SlotKind::Choice(options.clone()), "2", Some(SlotValue::Choice(1))),
            (SlotKind::Choice(options), "3", None),
            (SlotKind::Amount, "99999999999999999999", None),
            (SlotKind::YesNo, "1", None),
        ] {
            assert_eq!(slot(kind.clone()).keyed(keys), value, "{kind:?} {keys}");
        }
    }
}
