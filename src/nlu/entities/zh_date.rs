//! Mandarin days and times of day.

use jiff::civil::{Date, Time, Weekday};

use super::{Reading, relative, zh_number};
use crate::nlu::Value;

/// A day at the head of `tokens`.
pub(super) fn date(tokens: &[&str], today: Date) -> Option<Reading> {
    Reading::longer(relative_day(tokens, today), calendar_day(tokens, today))
}

/// 昨天, 上周三, 三天前, 上个月三号: written as spoken, figures apart.
fn relative_day(tokens: &[&str], today: Date) -> Option<Reading> {
    let named = |days, length| {
        Some(Reading::new(length, Some(Value::Date(relative::days(today, days)?)), tokens[..length].concat()))
    };
    match tokens {
        ["大", "前", "天", ..] => return named(-3, 3),
        ["前", "天", ..] => return named(-2, 2),
        ["昨", "天" | "晚" | "日", ..] => return named(-1, 2),
        ["今", "天" | "晚" | "早" | "日", ..] => return named(0, 2),
        ["明", "天" | "早" | "晚", ..] => return named(1, 2),
        ["后", "天", ..] => return named(2, 2),
        _ => {}
    }
    week_day(tokens, today).or_else(|| month_day(tokens, today)).or_else(|| before(tokens, today))
}

/// 上周三, 这个星期天, 礼拜五.
fn week_day(tokens: &[&str], today: Date) -> Option<Reading> {
    let (weeks, which) = match tokens {
        ["上", "上", ..] => (Some(-2), 2),
        ["上", ..] => (Some(-1), 1),
        ["这" | "本", ..] => (Some(0), 1),
        ["下", ..] => (Some(1), 1),
        _ => (None, 0),
    };
    let measure = usize::from(tokens.get(which) == Some(&"个"));
    let at = which + measure;
    let week = match tokens.get(at..)? {
        ["周", ..] => 1,
        ["星", "期", ..] | ["礼", "拜", ..] => 2,
        _ => return None,
    };
    let day = match *tokens.get(at + week)? {
        "天" | "日" => Weekday::Sunday,
        day => Weekday::from_monday_one_offset(zh_number::digit(day)? as i8).ok()?,
    };
    let length = at + week + 1;
    let value = match weeks {
        Some(weeks) => relative::in_week(today, weeks, day)?,
        None => relative::last(today, day)?,
    };
    Some(Reading::new(length, Some(Value::Date(value)), tokens[..length].concat()))
}

/// 上个月三号, 这个月十五日, 五号.
fn month_day(tokens: &[&str], today: Date) -> Option<Reading> {
    let (months, length) = match tokens {
        ["上", "上", "个", "月", ..] => (Some(-2), 4),
        ["上", "个", "月", ..] => (Some(-1), 3),
        ["这", "个", "月", ..] => (Some(0), 3),
        ["上", "月", ..] => (Some(-1), 2),
        ["本", "月", ..] => (Some(0), 2),
        ["下", "个", "月", ..] => (Some(1), 3),
        _ => (None, 0),
    };
    let (day, read) = counted(&tokens[length..], &["号", "日"])?;
    let value = match months {
        Some(months) => {
            let first = relative::months(today.first_of_month(), months)?;
            Date::new(first.year(), first.month(), day).ok()?
        }
        None => relative::without_month(today, day)?,
    };
    let end = length + read;
    let written = format!("{}{day}{}", tokens[..length].concat(), tokens[end - 1]);
    Some(Reading::new(end, Some(Value::Date(value)), written))
}

/// 三天前, 两个月前, 一年前.
fn before(tokens: &[&str], today: Date) -> Option<Reading> {
    let number = zh_number::number(tokens).filter(|number| number.value.fract() == 0.0 && number.value < 10_000.0)?;
    let measure = number.length + usize::from(tokens.get(number.length) == Some(&"个"));
    let (unit, read) = match tokens.get(measure..)? {
        ["天", ..] => ("天", 1),
        ["周", ..] => ("周", 1),
        ["星", "期", ..] | ["礼", "拜", ..] => ("周", 2),
        ["月", ..] => ("月", 1),
        ["年", ..] => ("年", 1),
        _ => return None,
    };
    let end = match tokens.get(measure + read..)? {
        ["前", ..] => measure + read + 1,
        ["之" | "以", "前", ..] => measure + read + 2,
        _ => return None,
    };
    let count = number.value as i64;
    let value = match unit {
        "天" => relative::days(today, -count),
        "周" => relative::days(today, -7 * count),
        "月" => relative::months(today, -count),
        _ => relative::months(today, -12 * count),
    };
    let written = format!("{}{}", number.written, tokens[number.length..end].concat());
    Some(Reading::new(end, Some(Value::Date(value?)), written))
}

/// 二零零八年八月八日, 八月八号, 去年三月, 二零零八年八月.
fn calendar_day(tokens: &[&str], today: Date) -> Option<Reading> {
    let (year, in_figures, year_read) = year(tokens, today).unwrap_or((0, String::new(), 0));
    let (month, month_read) = counted(&tokens[year_read..], &["月"])?;
    if !(1..=12).contains(&month) {
        return None;
    }
    let until_month = year_read + month_read;
    let slash = if year_read > 0 && !in_figures.ends_with('年') { "/" } else { "" };
    let Some((day, day_read)) = counted(&tokens[until_month..], &["号", "日"]) else {
        return (!in_figures.is_empty())
            .then(|| Reading::new(until_month, None, format!("{in_figures}{slash}{month:02}")));
    };
    let value = match year {
        0 => relative::without_year(today, month, day),
        year => Date::new(year, month, day).ok(),
    };
    let written = format!("{in_figures}{slash}{month:02}/{day:02}");
    Some(Reading::new(until_month + day_read, Some(Value::Date(value?)), written))
}

/// A number below a hundred with one of `names` behind it.
fn counted(tokens: &[&str], names: &[&str]) -> Option<(i8, usize)> {
    let number = zh_number::number(tokens).filter(|number| number.value.fract() == 0.0)?;
    let value = i8::try_from(number.value as i64).ok().filter(|value| (1..=31).contains(value))?;
    tokens.get(number.length).is_some_and(|name| names.contains(name)).then_some((value, number.length + 1))
}

/// A year, how it is written, and the tokens read: 二零零八年, 两千零五年, 八五年, 去年.
fn year(tokens: &[&str], today: Date) -> Option<(i16, String, usize)> {
    match tokens {
        ["去", "年", ..] => return Some((today.year() - 1, "去年".to_owned(), 2)),
        ["前", "年", ..] => return Some((today.year() - 2, "前年".to_owned(), 2)),
        ["今", "年", ..] => return Some((today.year(), "今年".to_owned(), 2)),
        _ => {}
    }
    let (figures, read, by_digits) = match zh_number::digits(tokens) {
        Some((figures, read)) => (figures, read, true),
        None => {
            let number = zh_number::number(tokens).filter(|number| number.value.fract() == 0.0)?;
            (number.written, number.length, false)
        }
    };
    if tokens.get(read) != Some(&"年") {
        return None;
    }
    let year: i16 = figures.parse().ok()?;
    let full = match figures.len() {
        4 => year,
        // 八五年: the year of that ending that is not in the future.
        2 if by_digits => {
            (0..2).map(|back| today.year() / 100 * 100 - back * 100 + year).find(|year| *year <= today.year())?
        }
        _ => return None,
    };
    Some((full, if by_digits { figures } else { format!("{figures}年") }, read + 1))
}

/// 下午三点四十, 八点半, 十点一刻.
pub(super) fn time(tokens: &[&str]) -> Option<Reading> {
    let (half, head) = match tokens {
        ["上" | "中", "午", ..] => (Some(Half::of(tokens[0])), 2),
        ["下", "午", ..] | ["晚" | "夜", "上" | "里", ..] | ["傍", "晚", ..] => (Some(Half::After), 2),
        ["早", "上" | "晨", ..] | ["凌" | "清", "晨", ..] => (Some(Half::Before), 2),
        _ => (None, 0),
    };
    let hour = zh_number::number(&tokens[head..]).filter(|hour| !hour.written.contains('.'));
    // 八点零五 reads as a decimal; a clock has whole hours.
    let (hour, hour_read) = match hour {
        Some(hour) => (hour.value, hour.length),
        None => {
            let until = tokens.iter().skip(head).position(|token| *token == "点")?;
            let hour = zh_number::number(&tokens[head..head + until]).filter(|hour| hour.length == until)?;
            (hour.value, until)
        }
    };
    if !(0.0..24.0).contains(&hour) || hour.fract() != 0.0 || tokens.get(head + hour_read) != Some(&"点") {
        return None;
    }
    let at = head + hour_read + 1;
    let (minute, second, read) = minutes(&tokens[at..]);
    // 三点 alone is a time, 三点五 is a number.
    let decimal = read == 0 && tokens.get(at).is_some_and(|next| zh_number::digit(next).is_some());
    if decimal {
        return None;
    }
    let hour = hour as i8;
    let hour_of_day = match half {
        Some(Half::After) if hour < 12 => hour + 12,
        Some(Half::Before) if hour == 12 => 0,
        _ => hour,
    };
    let value = Time::new(hour_of_day, minute, second.unwrap_or(0), 0).ok()?;
    let shown = match (half, hour) {
        (None, 0) => "00".to_owned(),
        _ => hour.to_string(),
    };
    let seconds = second.map(|second| format!(":{second:02}")).unwrap_or_default();
    let suffix = match half {
        Some(Half::Before) => "a.m.",
        Some(Half::After) => "p.m.",
        None => "",
    };
    let written = match (read, half) {
        (0, None) => format!("{hour}点"),
        _ => format!("{shown}:{minute:02}{seconds}{suffix}"),
    };
    Some(Reading::new(at + read, Some(Value::Time(value)), written))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Before,
    After,
}

impl Half {
    fn of(noon: &str) -> Self {
        if noon == "上" { Self::Before } else { Self::After }
    }
}

/// Minutes, seconds if they were said, and the tokens read.
fn minutes(tokens: &[&str]) -> (i8, Option<i8>, usize) {
    match tokens {
        ["半", ..] => return (30, None, 1),
        ["整" | "钟", ..] => return (0, None, 1),
        ["一", "刻", ..] => return (15, None, 2),
        ["三", "刻", ..] => return (45, None, 2),
        _ => {}
    }
    let zero = usize::from(tokens.first() == Some(&"零"));
    let Some(minute) = zh_number::number(&tokens[zero..]).filter(|number| (0.0..60.0).contains(&number.value)) else {
        return (0, None, 0);
    };
    let mut read = zero + minute.length;
    let named = tokens.get(read) == Some(&"分");
    // One digit needs 零 before it or 分 behind it, to be minutes.
    if minute.value.fract() != 0.0 || (minute.value < 10.0 && zero == 0 && !named) {
        return (0, None, 0);
    }
    read += usize::from(named);
    let second = zh_number::number(&tokens[read..]).filter(|second| {
        named && (0.0..60.0).contains(&second.value) && tokens.get(read + second.length) == Some(&"秒")
    });
    read += second.as_ref().map_or(0, |second| second.length + 1);
    (minute.value as i8, second.map(|second| second.value as i8), read)
}
