//! When an order was, in a caller's words: "two weeks ago", "in May", "last Sunday", "this morning".
//!
//! ```text
//! words, now ─► Days { from ..= to, slack } ─► fit(order.at) [nat]: 0 inside, falling outside
//! ```

use jiff::civil::{Date, DateTime};
use jiff::{Span, ToSpan};

use crate::english;

/// A stretch of days, and how sharp its ends are.
#[derive(Clone, Debug, PartialEq)]
pub struct Days {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// How far beyond the ends is half as likely (days); 0: only the days themselves.
    pub slack: f64,
    /// Only hours of the day before this one, 24 for all.
    pub before_hour: i8,
}

/// What a day far outside costs (nat).
const FAR: f64 = -6.0;

/// What the wrong time of day costs (nat).
const WRONG_HOURS: f64 = -2.0;
impl Days {
    fn exactly(day: Date) -> Self {
        Self { from: day, to: day, slack: 0.0, before_hour: 24 }
    }

    fn between(from: Date, to: Date, slack: f64) -> Self {
        Self { from, to, slack, before_hour: 24 }
    }

    /// How well `at` fits (nat): 0 inside, falling outside.
    pub fn fit(&self, at: DateTime) -> f64 {
        let day = at.date();
        let outside = if day < self.from {
            days_between(day, self.from)
        } else if day > self.to {
            days_between(self.to, day)
        } else {
            return if at.hour() >= self.before_hour { WRONG_HOURS } else { 0.0 };
        };
        if self.slack == 0.0 {
            return if outside <= 1.0 { FAR * 2.0 / 3.0 } else { FAR };
        }
        (-outside / self.slack * std::f64::consts::LN_2).max(FAR)
    }
}

/// Finds when something was, and which words said so.
pub(super) fn read(words: &[String], now: DateTime) -> (Option<Days>, Vec<usize>) {
    let found = (0..words.len()).find_map(|i| {
        let rest: Vec<&str> = words[i..].iter().map(String::as_str).collect();
        let (days, length) = phrase(&rest, now.date())?;
        Some((Some(days), (i..i + length).collect()))
    });
    found.unwrap_or((None, Vec::new()))
}

/// A phrase at the start of `words`: its meaning and its length in words.
fn phrase(words: &[&str], today: Date) -> Option<(Days, usize)> {
    let back = |span: Span| today.checked_sub(span).unwrap_or(today);
    let found = match words {
        ["the", "day", "before", "yesterday", ..] => (Days::exactly(back(2.days())), 4),
        ["this", "morning", ..] => (Days { before_hour: 12, ..Days::exactly(today) }, 2),
        ["today" | "tonight", ..] => (Days::exactly(today), 1),
        ["this", "afternoon" | "evening", ..] => (Days::exactly(today), 2),
        ["yesterday", ..] => (Days::exactly(back(1.day())), 1),
        ["last", "night", ..] => (Days::between(back(1.day()), today, 0.0), 2),
        ["last", "week", ..] => (Days::between(back(13.days()), back(6.days()), 2.0), 2),
        ["this", "week", ..] => (Days::between(back(6.days()), today, 1.0), 2),
        ["last", "month", ..] => (whole_month(today.first_of_month().checked_sub(1.day()).ok()?), 2),
        ["this", "month", ..] => (whole_month(today), 2),
        [count, unit @ ("day" | "days" | "week" | "weeks" | "month" | "months"), "ago", ..] => {
            (ago(count_of(count)?, unit, today)?, 3)
        }
        ["last", name, ..] => (Days::exactly(last_weekday(name, today)?), 2),
        ["the", ordinal, "of", month, ..] => (Days::exactly(day_of(month, ordinal, today)?), 4),
        [month, day, ..] if month_of(month).is_some() && day_number(day).is_some() => {
            (Days::exactly(day_of(month, day, today)?), 2)
        }
        ["in" | "of" | "from", month, ..] if month_of(month).is_some() => {
            (whole_month(latest(month_of(month)?, 1, today)?), 2)
        }
        [name, ..] => (Days::exactly(last_weekday(name, today)?), 1),
        [] => return None,
    };
    Some(found)
}

/// "13 weeks ago" said by somebody who counts whole weeks, or rounds.
fn ago(count: i32, unit: &str, today: Date) -> Option<Days> {
    let back = |days: i32| today.checked_sub(days.days()).ok();
    match unit {
        "day" | "days" => {
            let day = back(count)?;
            Some(if count < 4 { Days::exactly(day) } else { Days::between(day, day, 1.0) })
        }
        "week" | "weeks" => Some(Days::between(back(count * 7 + 6)?, back(count * 7)?, 1.5)),
        _ => Some(Days::between(back(count * 31 + 15)?, back(count * 30 - 15)?, 7.0)),
    }
}

fn count_of(word: &str) -> Option<i32> {
    match word {
        "a" | "an" => Some(1),
        "couple" => Some(2),
        _ => {
            let spelled = english::SMALL[..=12]
                .iter()
                .position(|count| *count == word)
                .and_then(|count| i32::try_from(count).ok());
            spelled.or_else(|| word.parse().ok().filter(|count| (0..=400).contains(count)))
        }
    }
}

fn month_of(word: &str) -> Option<i8> {
    english::month(word, |word| word.len() == 3)
}

fn day_number(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

fn day_of(month: &str, day: &str, today: Date) -> Option<Date> {
    latest(month_of(month)?, day_number(day)?, today)
}

/// The latest such day that is not in the future.
fn latest(month: i8, day: i8, today: Date) -> Option<Date> {
    [today.year(), today.year() - 1]
        .into_iter()
        .filter_map(|y| Date::new(y, month, day).ok())
        .find(|date| *date <= today)
}

fn last_weekday(name: &str, today: Date) -> Option<Date> {
    let weekday = english::weekday(name)?;
    today.nth_weekday(-1, weekday).ok()
}

fn whole_month(day: Date) -> Days {
    Days::between(day.first_of_month(), day.last_of_month(), 0.0)
}

fn days_between(earlier: Date, later: Date) -> f64 {
    later.duration_since(earlier).as_secs_f64() / 86_400.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_in_words() {
        let now = date(2026, 8, 20).at(10, 0, 0, 0); // a Thursday
        let table = [
            ("the rice cooker i bought today", date(2026, 8, 20), date(2026, 8, 20)),
            ("the one from yesterday", date(2026, 8, 19), date(2026, 8, 19)),
            ("two weeks ago", date(2026, 7, 31), date(2026, 8, 6)),
            ("about a week ago", date(2026, 8, 7), date(2026, 8, 13)),
            ("3 days ago", date(2026, 8, 17), date(2026, 8, 17)),
            ("it was last sunday", date(2026, 8, 16), date(2026, 8, 16)),
            ("on thursday", date(2026, 8, 13), date(2026, 8, 13)),
            ("in may", date(2026, 5, 1), date(2026, 5, 31)),
            ("in december", date(2025, 12, 1), date(2025, 12, 31)),
            ("on may 30", date(2026, 5, 30), date(2026, 5, 30)),
            ("the 30th of may", date(2026, 5, 30), date(2026, 5, 30)),
            ("last month", date(2026, 7, 1), date(2026, 7, 31)),
        ];
        for (text, from, to) in table {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            let days = read(&words, now).0.unwrap_or_else(|| panic!("{text}"));
            assert_eq!((days.from, days.to), (from, to), "{text}");
            assert_eq!(days.fit(from.at(0, 0, 0, 0)), 0.0, "{text}");
            assert!(days.fit(date(2020, 1, 1).at(0, 0, 0, 0)) <= FAR, "{text}");
        }
    }

    #[test]
    fn other_words_are_no_days() {
        for text in ["my order", "i may have paid", "the last one", "", "feb 31", "400 weeks"] {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(read(&words, date(2026, 8, 20).at(10, 0, 0, 0)).0, None, "{text}");
        }
    }
}
