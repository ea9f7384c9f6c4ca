//! What a Mandarin sentence holds at one place: a day, a time, an amount, digits or a number.

use jiff::civil::DateTime;

use super::{Reading, cents, zh_date, zh_number};
use crate::nlu::Value;

/// Names of currencies, longest first: tokens, ISO 4217 code, and the sign before the figure (empty: the name stays).
const CURRENCIES: &[(&[&str], &str, &str)] = &[
    (&["人", "民", "币"], "CNY", "CNY"),
    (&["块", "钱"], "CNY", ""),
    (&["美", "元"], "USD", "$"),
    (&["美", "金"], "USD", "$"),
    (&["港", "元"], "HKD", "HKD"),
    (&["港", "币"], "HKD", "HKD"),
    (&["欧", "元"], "EUR", "€"),
    (&["英", "镑"], "GBP", "£"),
    (&["日", "元"], "JPY", "JPY"),
    (&["澳", "元"], "AUD", "A$"),
    (&["元"], "CNY", "¥"),
    (&["块"], "CNY", ""),
];

/// What is counted with a bare 一 … 九: elsewhere they are mostly part of a word (一下, 第三方).
const MEASURES: &[&str] =
    &["年", "月", "天", "号", "日", "人", "次", "笔", "岁", "张", "期", "分", "秒", "小", "折", "倍", "毛", "角"];

/// The longest reading of the tokens from `at` on; `before` is the character in front of them, which may be a currency sign.
pub(super) fn read(tokens: &[&str], at: usize, before: Option<char>, now: DateTime) -> Option<Reading> {
    let rest = &tokens[at..];
    let in_time = Reading::longer(zh_date::date(rest, now.date()), zh_date::time(rest));
    let in_money = Reading::longer(amount(rest, before), share(rest));
    let in_figures = Reading::longer(digits(rest), number(rest, at));
    if let Some(estimate) = estimate(rest) {
        return Some(estimate);
    }
    Reading::longer(Reading::longer(in_time, in_money), in_figures)
}

/// 三千三百八十元五角八分, 十二块五, ￥20.
fn amount(tokens: &[&str], before: Option<char>) -> Option<Reading> {
    let number = zh_number::number(tokens)?;
    if matches!(before, Some('¥' | '￥')) {
        let value = Value::Amount { cents: cents(number.value)?, currency: Some("CNY".into()) };
        return Some(Reading::new(number.length, Some(value), number.written));
    }
    let rest = &tokens[number.length..];
    let (name, code, sign) = CURRENCIES.iter().find(|(name, ..)| rest.starts_with(name))?;
    let at = number.length + name.len();
    let (hundredths, read) = small_change(&tokens[at..]);
    let value = Value::Amount { cents: cents(number.value)? + hundredths, currency: Some((*code).to_owned()) };
    let change = match hundredths {
        0 => String::new(),
        cents if cents % 10 == 0 => format!(".{}", cents / 10),
        cents => format!(".{cents:02}"),
    };
    let written = match *sign {
        "" => format!("{}{}{}", number.written, name.concat(), figures_of(&tokens[at..at + read])),
        sign => format!("{sign}{}{change}", number.written),
    };
    Some(Reading::new(at + read, Some(value), written))
}

/// 三五百, 八九千美元: written, but no value to go by.
fn estimate(tokens: &[&str]) -> Option<Reading> {
    let (written, length) = zh_number::estimate(tokens)?;
    if zh_number::digits(tokens).is_some_and(|(digits, _)| digits.len() > 2) {
        return None;
    }
    let currency = CURRENCIES.iter().find(|(name, _, sign)| !sign.is_empty() && tokens[length..].starts_with(name));
    Some(match currency {
        Some((name, _, sign)) => Reading::new(length + name.len(), None, format!("{sign}{written}")),
        None => Reading::new(length, None, written),
    })
}

/// 五毛八分, 五角, or a bare digit behind 块: hundredths and tokens read.
fn small_change(tokens: &[&str]) -> (i64, usize) {
    let digit = |at: usize| tokens.get(at).and_then(|token| zh_number::digit(token)).map(|digit| digit as i64);
    match (digit(0), tokens.get(1).copied()) {
        (Some(tenths), Some("毛" | "角")) => match (digit(2), tokens.get(3).copied()) {
            (Some(cents), Some("分")) => (tenths * 10 + cents, 4),
            _ => (tenths * 10, 2),
        },
        (Some(cents), Some("分")) => (cents, 2),
        (Some(tenths), next)
            if next.is_none_or(|next| {
                zh_number::digit(next).is_none() && !matches!(next, "十" | "百" | "个" | "天" | "年" | "月")
            }) =>
        {
            (tenths * 10, 1)
        }
        _ => (0, 0),
    }
}

fn figures_of(tokens: &[&str]) -> String {
    tokens
        .iter()
        .map(|token| zh_number::digit(token).map_or_else(|| (*token).to_owned(), |digit| digit.to_string()))
        .collect()
}

/// 百分之二点五, 四分之三.
fn share(tokens: &[&str]) -> Option<Reading> {
    let minus = usize::from(tokens.first() == Some(&"负"));
    let sign = if minus == 1 { "-" } else { "" };
    let rest = &tokens[minus..];
    let percent = match rest {
        ["百", "分", "之", "百", ..] => {
            return Some(Reading::new(minus + 4, Some(Value::Number(1.0)), format!("{sign}100%")));
        }
        ["百", "分", "百", ..] => {
            return Some(Reading::new(minus + 3, Some(Value::Number(1.0)), format!("{sign}100%")));
        }
        ["百", "分", "之", ..] => 3,
        ["百", "分", ..] => 2,
        _ => 0,
    };
    if percent > 0 {
        let number = zh_number::number(&rest[percent..])?;
        let value = Value::Number(number.value / 100.0);
        return Some(Reading::new(minus + percent + number.length, Some(value), format!("{sign}{}%", number.written)));
    }
    let below = zh_number::number(rest)?;
    let ["分", "之", above @ ..] = &rest[below.length..] else { return None };
    let above = zh_number::number(above)?;
    let value = (below.value != 0.0).then(|| Value::Number(above.value / below.value));
    Some(Reading::new(
        minus + below.length + 2 + above.length,
        value,
        format!("{sign}{}/{}", above.written, below.written),
    ))
}

fn digits(tokens: &[&str]) -> Option<Reading> {
    let (digits, length) = zh_number::digits(tokens)?;
    // Two digits are a number or an estimate (三五天); 幺 is only ever said in a number read out.
    (digits.len() >= 3 || tokens[..length].contains(&"幺"))
        .then(|| Reading::new(length, Some(Value::Digits(digits.clone())), digits))
}

fn number(tokens: &[&str], at: usize) -> Option<Reading> {
    let number = zh_number::number(tokens)?;
    let bare = number.length == 1 && zh_number::digit(tokens[0]).is_some();
    let whole_text = at == 0 && tokens.len() == 1;
    let counts = tokens.get(1).is_some_and(|next| MEASURES.contains(next));
    let spoken = bare && !whole_text && (!counts || (tokens[0] == "一" && tokens.get(1) == Some(&"分")));
    match spoken {
        true if tokens[0] == "一" => None,
        true => Some(Reading::new(1, Some(Value::Number(number.value)), tokens[0])),
        false => Some(Reading::new(number.length, Some(Value::Number(number.value)), number.written)),
    }
}
