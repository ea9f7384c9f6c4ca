//! English days and times of day.

use jiff::civil::{Date, Time, Weekday};

use super::{Reading, en_number, relative};
use crate::english;
use crate::nlu::Value;
/// The month that `word` names, in full or by its first letters.
fn month(word: &str) -> Option<i8> {
    english::month(word, |word| matches!(word.len(), 3 | 4) && word != "may" && word != "mar")
}

fn weekday(word: &str) -> Option<Weekday> {
    english::weekday(word.trim_end_matches("'s"))
}

/// A day at the head of `words`; `previous` is the word before.
pub(super) fn date(words: &[&str], previous: Option<&str>, today: Date) -> Option<Reading> {
    Reading::longer(relative_day(words, today), calendar_day(words, previous, today))
}

/// "Yesterday evening", "last tuesday", "three days ago": written as spoken.
fn relative_day(words: &[&str], today: Date) -> Option<Reading> {
    let (day, length) = match words {
        ["the", "day", "before", "yesterday", ..] => (relative::days(today, -2), 4),
        ["the", "day", "after", "tomorrow", ..] => (relative::days(today, 2), 4),
        ["yesterday", ..] => (relative::days(today, -1), 1),
        ["today" | "tonight", ..] | ["this", "morning" | "afternoon" | "evening", ..] => {
            (Some(today), usize::from(words[0] == "this") + 1)
        }
        ["tomorrow", ..] => (relative::days(today, 1), 1),
        ["last", "night", ..] => (relative::days(today, -1), 2),
        ["a", "week", "last", day, ..] => (relative::last(relative::days(today, -7)?, weekday(day)?), 4),
        ["last", day, ..] if weekday(day).is_some() => (relative::last(today, weekday(day)?), 2),
        ["next", day, ..] if weekday(day).is_some() => (relative::next(today, weekday(day)?), 2),
        ["this", day, ..] if weekday(day).is_some() => (relative::in_week(today, 0, weekday(day)?), 2),
        [day, ..] if weekday(day).is_some() => (relative::last(today, weekday(day)?), 1),
        _ => ago(words, today)?,
    };
    let part = usize::from(matches!(words.get(length), Some(&("morning" | "afternoon" | "evening" | "night"))));
    Some(Reading::new(length + part, Some(Value::Date(day?)), words[..length + part].join(" ")))
}

/// "Two weeks ago", "a couple of days ago".
fn ago(words: &[&str], today: Date) -> Option<(Option<Date>, usize)> {
    let (count, length) = match words {
        ["a" | "one", "couple", "of", ..] => (2, 3),
        ["a" | "an", ..] => (1, 1),
        _ => {
            let number = en_number::number(words).filter(|number| number.value.fract() == 0.0)?;
            (number.value as i64, number.length)
        }
    };
    if words.get(length + 1) != Some(&"ago") {
        return None;
    }
    let day = match words[length] {
        "day" | "days" => relative::days(today, -count),
        "week" | "weeks" => relative::days(today, count.checked_mul(-7)?),
        "month" | "months" => relative::months(today, -count),
        "year" | "years" => relative::months(today, count.checked_mul(-12)?),
        _ => return None,
    };
    Some((day, length + 2))
}

/// "July twenty fifth twenty twelve", "the twenty fifth of july", "july twenty twelve", "nineteen ninety four".
fn calendar_day(words: &[&str], previous: Option<&str>, today: Date) -> Option<Reading> {
    if let Some(month) = words.first().and_then(|word| month(word)) {
        return month_first(words, month, today);
    }
    let the = usize::from(words.first() == Some(&"the"));
    if let Some((day, read)) = en_number::ordinal(&words[the..]).or_else(|| en_number::below_hundred(&words[the..])) {
        let day = i8::try_from(day).ok()?;
        let of = usize::from(words.get(the + read) == Some(&"of"));
        let named = words.get(the + read + of).and_then(|word| Some((word, month(word)?)));
        if let Some((name, month)) = named {
            let length = the + read + of + 1;
            let (year, read) = year(&words[length..]).unwrap_or((0, 0));
            let value = resolve(today, year, month, day)?;
            let written = format!("{day} {name}{}", in_figures(year));
            return Some(Reading::new(length + read, Some(Value::Date(value)), written));
        }
        // "On the third".
        if the == 1 && previous == Some("on") && en_number::ordinal(&words[1..]).is_some() && words.len() == 1 + read {
            let value = relative::without_month(today, day)?;
            return Some(Reading::new(1 + read, Some(Value::Date(value)), words[..=read].join(" ")));
        }
    }
    let (year, read) = year(words)?;
    (read > 1).then(|| Reading::new(read, Some(Value::Number(f64::from(year))), year.to_string()))
}

fn month_first(words: &[&str], month: i8, today: Date) -> Option<Reading> {
    let name = words[0];
    let the = 1 + usize::from(words.get(1) == Some(&"the"));
    let day = words.get(the..).and_then(|rest| en_number::ordinal(rest).or_else(|| en_number::below_hundred(rest)));
    // "July twenty twelve" is a month and a year, "march sixteen sixty five" too; "july twenty five" is a day.
    if let Some((in_year, read)) = words.get(1..).and_then(year).filter(|&(_, read)| read > 1) {
        let with_day = day.filter(|&(_, read)| year(&words[the + read..]).is_some());
        if with_day.is_none() {
            return Some(Reading::new(1 + read, None, format!("{name} {in_year}")));
        }
    }
    let (day, read) = day?;
    let day = i8::try_from(day).ok()?;
    let length = the + read;
    let (in_year, year_read) = year(&words[length..]).unwrap_or((0, 0));
    let value = resolve(today, in_year, month, day)?;
    Some(Reading::new(length + year_read, Some(Value::Date(value)), format!("{name} {day}{}", in_figures(in_year))))
}

fn resolve(today: Date, year: i16, month: i8, day: i8) -> Option<Date> {
    if year == 0 { relative::without_year(today, month, day) } else { Date::new(year, month, day).ok() }
}

fn in_figures(year: i16) -> String {
    if year == 0 { String::new() } else { format!(" {year}") }
}

/// A year from 1000 to 2999 as years are said: "twenty twelve", "nineteen oh five", "two thousand nine", "2012".
fn year(words: &[&str]) -> Option<(i16, usize)> {
    let plausible = |year: u128, read| (1_000..3_000).contains(&year).then_some((year as i16, read));
    let (century, read) = en_number::below_hundred(words).unwrap_or((0, 0));
    if (10..30).contains(&century) && read == 1 {
        let rest = &words[1..];
        if let [zero, digit, ..] = rest
            && matches!(*zero, "oh" | "o")
            && let Some(digit) = en_number::digit(digit)
        {
            return plausible(century * 100 + u128::from(digit), 3);
        }
        if let Some((in_century, read)) = en_number::below_hundred(rest).filter(|&(value, _)| value >= 10) {
            return plausible(century * 100 + in_century, 1 + read);
        }
    }
    let number = en_number::number(words).filter(|number| number.value.fract() == 0.0 && number.value > 0.0)?;
    let thousands = words.get(1) == Some(&"thousand") || (number.length == 1 && words[0].len() == 4);
    if thousands { plausible(number.value as u128, number.length) } else { None }
}

/// A time of day at the head of `words`.
pub(super) fn time(words: &[&str], previous: Option<&str>) -> Option<Reading> {
    let (hour, minute, mut length, sure) = clock(words)?;
    let part = part_of_day(&words[length..]);
    if !sure && part.is_none() && previous != Some("at") {
        return None;
    }
    let mut written = format!("{hour:02}:{minute:02}");
    let mut hour_of_day = hour;
    if let Some(part) = part {
        length += part.length;
        hour_of_day = match part.half {
            Half::Before => hour % 12,
            Half::After => hour % 12 + 12,
        };
        written.push_str(if part.spoken_out {
            ""
        } else if part.half == Half::Before {
            " a.m."
        } else {
            " p.m."
        });
        if part.spoken_out {
            written = format!("{hour_of_day:02}:{minute:02}");
        }
    }
    let value = Time::new(hour_of_day, minute, 0, 0).ok()?;
    Some(Reading::new(length, Some(Value::Time(value)), written))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Before,
    After,
}

struct PartOfDay {
    half: Half,
    length: usize,
    /// "In the evening" instead of "pm".
    spoken_out: bool,
}

fn part_of_day(words: &[&str]) -> Option<PartOfDay> {
    let (half, length, spoken_out) = match words {
        ["am", ..] => (Half::Before, 1, false),
        ["pm", ..] => (Half::After, 1, false),
        ["a", "m", ..] => (Half::Before, 2, false),
        ["p", "m", ..] => (Half::After, 2, false),
        ["in", "the", "morning", ..] => (Half::Before, 3, true),
        ["in", "the", "afternoon" | "evening", ..] => (Half::After, 3, true),
        ["at", "night", ..] => (Half::After, 2, true),
        _ => return None,
    };
    Some(PartOfDay { half, length, spoken_out })
}

/// Hour, minute, words read, and whether it is surely a time without "at" or "pm".
fn clock(words: &[&str]) -> Option<(i8, i8, usize, bool)> {
    match *words.first()? {
        "noon" | "midday" => return Some((12, 0, 1, true)),
        "midnight" => return Some((0, 0, 1, true)),
        figures if figures.contains(':') => {
            let (hour, minute) = figures.split_once(':')?;
            return Some((hour.parse().ok()?, minute.parse().ok().filter(|minute| *minute < 60)?, 1, true));
        }
        _ => {}
    }
    if let Some(found) = around_the_hour(words) {
        return Some(found);
    }
    let (hour, read) = hour(words)?;
    match &words[read..] {
        ["o'clock" | "oclock", ..] => Some((hour, 0, read + 1, true)),
        ["o" | "oh", "clock", ..] | ["o'", "clock", ..] => Some((hour, 0, read + 2, true)),
        ["oh" | "o", digit, ..] => {
            let digit = en_number::digit(digit)? as i8;
            Some((hour, digit, read + 2, hour < 10))
        }
        rest => match en_number::below_hundred(rest).filter(|&(minute, _)| (10..60).contains(&minute)) {
            // "Eleven fifty five" alone is as well a year or a number.
            Some((minute, more)) => Some((hour, minute as i8, read + more, hour < 10 && !is_measured(&rest[more..]))),
            None => Some((hour, 0, read, false)),
        },
    }
}

/// Whether a number goes on behind what looked like minutes.
fn is_measured(words: &[&str]) -> bool {
    words
        .first()
        .is_some_and(|word| *word == "hundred" || en_number::scale(word).is_some() || en_number::digit(word).is_some())
}

fn hour(words: &[&str]) -> Option<(i8, usize)> {
    let (hour, read) = en_number::below_hundred(words)?;
    (1..=12).contains(&hour).then_some((hour as i8, read))
}

/// "Half past three", "twenty five to one".
fn around_the_hour(words: &[&str]) -> Option<(i8, i8, usize, bool)> {
    let article = usize::from(words.first() == Some(&"a"));
    let (minutes, read) = match *words.get(article)? {
        "half" => (30, 1),
        "quarter" => (15, 1),
        _ => en_number::below_hundred(&words[article..]).filter(|&(minutes, _)| minutes < 60)?,
    };
    let unit = usize::from(matches!(words.get(article + read), Some(&("minutes" | "minute" | "min" | "mins"))));
    let at = article + read + unit;
    let (hour, more) = hour(words.get(at + 1..)?)?;
    let length = at + 1 + more;
    match *words.get(at)? {
        "past" | "after" => Some((hour, minutes as i8, length, true)),
        "to" | "till" | "til" | "before" => {
            let before = if hour == 1 { 12 } else { hour - 1 };
            // "Two to three" is a range as often as a time.
            Some((before, 60 - minutes as i8, length, minutes % 5 == 0 || unit == 1))
        }
        _ => None,
    }
}
