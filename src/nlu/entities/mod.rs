//! Values in what was said: money, days, times, numbers, digits.
//!
//! ```text
//! "i paid twenty nine dollars fifty last tuesday, my number is one three eight no one three nine"
//!    ─► Amount 29.50 USD │ Date 2024-03-12 │ Digits "139"
//!    ─► written: "i paid $29.50 last tuesday, my number is 139"
//! ```
//!
//! Each language has its own recognisers; every one looks at the tokens from one position on, and the longest reading wins.
//! "Last Tuesday" is counted back from the local time of the call, and a day without a year is the latest one that is not in
//! the future: callers speak of what happened.

mod correction;
mod en;
mod en_date;
mod en_number;
mod relative;
mod zh;
mod zh_date;
mod zh_number;

use std::ops::Range;

use jiff::civil::DateTime;

use crate::nlu::text::{self, Token};
use crate::nlu::{Entity, Value};
use crate::units::Lang;

/// A place in the text that is written otherwise than it is spoken, and the value behind it if it has one.
#[derive(Clone, Debug, PartialEq)]
struct Mention {
    /// Which tokens.
    tokens: Range<usize>,
    value: Option<Value>,
    /// As one would write it.
    written: String,
}

/// What a recogniser found at the head of the tokens that it was shown.
#[derive(Clone, Debug, PartialEq)]
struct Reading {
    /// Tokens read.
    length: usize,
    value: Option<Value>,
    written: String,
}

impl Reading {
    fn new(length: usize, value: Option<Value>, written: impl Into<String>) -> Self {
        Self { length, value, written: written.into() }
    }

    /// The longer of two; the first where they are equal.
    fn longer(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (&a, &b) {
            (Some(one), Some(other)) if other.length > one.length => b,
            (None, _) => b,
            _ => a,
        }
    }
}

/// The values in `text`, in the order in which they were said; `now` is the local time of the call.
pub fn find(text: &str, lang: Lang, now: DateTime) -> Vec<Entity> {
    let tokens = text::tokens(text);
    let place = |tokens_read: &Range<usize>| tokens[tokens_read.start].span.start..tokens[tokens_read.end - 1].span.end;
    mentions(text, &tokens, lang, now)
        .into_iter()
        .filter_map(|mention| Some(Entity { value: mention.value?, span: place(&mention.tokens) }))
        .collect()
}

/// `text` with its values as one writes them: inverse text normalisation.
pub fn written(text: &str, lang: Lang, now: DateTime) -> String {
    let tokens = text::tokens(text);
    let mut written = String::with_capacity(text.len());
    let mut from = 0;
    for mention in mentions(text, &tokens, lang, now) {
        written.push_str(&text[from..tokens[mention.tokens.start].span.start]);
        written.push_str(&mention.written);
        from = tokens[mention.tokens.end - 1].span.end;
    }
    written.push_str(&text[from..]);
    written
}

fn mentions(text: &str, tokens: &[Token], lang: Lang, now: DateTime) -> Vec<Mention> {
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let mut mentions = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let before = text[..tokens[at].span.start].chars().next_back();
        let reading = match lang {
            Lang::En => en::read(&words, at, before, now),
            Lang::Zh => zh::read(&words, at, before, now),
        };
        match reading {
            Some(reading) => {
                let end = at + reading.length;
                mentions.push(Mention { tokens: at..end, value: reading.value, written: reading.written });
                at = end;
            }
            None => at += 1,
        }
    }
    correction::apply(mentions, &words, lang)
}

/// Hundredths of `value`, if it is an amount that fits.
fn cents(value: f64) -> Option<i64> {
    let cents = (value * 100.0).round();
    (cents.abs() < 1e15).then_some(cents as i64)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    use super::*;

    /// A Thursday.
    fn now() -> DateTime {
        date(2024, 3, 14).at(15, 0, 0, 0)
    }

    fn values(text: &str, lang: Lang) -> Vec<Value> {
        find(text, lang, now()).into_iter().map(|entity| entity.value).collect()
    }

    fn amount(cents: i64, currency: &str) -> Value {
        Value::Amount { cents, currency: (!currency.is_empty()).then(|| currency.to_owned()) }
    }

    fn digits(digits: &str) -> Value {
        Value::Digits(digits.to_owned())
    }

    #[track_caller]
    fn check(lang: Lang, cases: &[(&str, &[Value])]) {
        for (text, expected) in cases {
            assert_eq!(values(text, lang), *expected, "{text}");
        }
    }

    #[test]
    fn english_amounts() {
        check(
            Lang::En,
            &[
                ("i paid twenty nine dollars fifty cents", &[amount(2950, "USD")]),
                ("it was £1,200.50", &[amount(120_050, "GBP")]),
                ("about a hundred and five quid", &[amount(10_500, "GBP")]),
                ("seventy five euros sixty three", &[amount(7563, "EUR")]),
                ("fifty p", &[amount(50, "GBP")]),
                ("one fifty five dollars", &[amount(15_500, "USD")]),
                ("two hundred yuan", &[amount(20_000, "CNY")]),
            ],
        );
    }

    #[test]
    fn english_days_and_times() {
        check(
            Lang::En,
            &[
                ("last tuesday", &[Value::Date(date(2024, 3, 12))]),
                ("on thursday", &[Value::Date(date(2024, 3, 7))]),
                ("yesterday evening", &[Value::Date(date(2024, 3, 13))]),
                ("two weeks ago", &[Value::Date(date(2024, 2, 29))]),
                ("the twenty fifth of july", &[Value::Date(date(2023, 7, 25))]),
                ("march third", &[Value::Date(date(2024, 3, 3))]),
                ("july twenty fifth two thousand twelve", &[Value::Date(date(2012, 7, 25))]),
                ("half past three", &[Value::Time(time(3, 30, 0, 0))]),
                ("at eight thirty pm", &[Value::Time(time(20, 30, 0, 0))]),
                ("quarter to one in the afternoon", &[Value::Time(time(12, 45, 0, 0))]),
                ("i may have lost it", &[]),
                ("february thirtieth", &[]),
            ],
        );
    }

    #[test]
    fn english_digits_and_their_corrections() {
        check(
            Lang::En,
            &[
                ("double oh seven", &[digits("007")]),
                ("one three eight", &[digits("138")]),
                ("one three eight no eight not nine", &[digits("138")]),
                ("one three nine, no, eight not nine", &[digits("138")]),
                ("one three nine sorry one three eight", &[digits("138")]),
                ("four four seven two sorry three", &[digits("4473")]),
                ("five five one two sorry one three", &[digits("5513")]),
                ("five five one two no two three", &[digits("5523")]),
                ("oh four two nine no eight not nine double seven", &[digits("042877")]),
                ("oh four two one no eight not nine double seven", &[digits("042177")]),
                ("13800138000", &[digits("13800138000")]),
                ("eleven hundred twenty one", &[Value::Number(1121.0)]),
                ("which one is it", &[]),
            ],
        );
    }

    #[test]
    fn mandarin_values() {
        check(
            Lang::Zh,
            &[
                ("我付了两百块钱", &[amount(20_000, "CNY")]),
                ("十二块五", &[amount(1250, "CNY")]),
                ("三千三百八十元五角八分", &[amount(338_058, "CNY")]),
                ("一百二十美元", &[amount(12_000, "USD")]),
                ("上个月三号", &[Value::Date(date(2024, 2, 3))]),
                ("昨天晚上八点半", &[Value::Date(date(2024, 3, 13)), Value::Time(time(20, 30, 0, 0))]),
                ("上周三", &[Value::Date(date(2024, 3, 6))]),
                ("三月五号", &[Value::Date(date(2024, 3, 5))]),
                ("二零零八年八月八日", &[Value::Date(date(2008, 8, 8))]),
                ("三天前", &[Value::Date(date(2024, 3, 11))]),
                ("幺三八零零", &[digits("13800")]),
                ("一三九 不对 是八不是九", &[digits("138")]),
                ("一共多少", &[]),
                ("三千六", &[Value::Number(3600.0)]),
            ],
        );
    }

    #[test]
    fn values_are_written_as_one_writes_them() {
        let cases = [
            (Lang::En, "set it for ten to eleven pm", "set it for 10:50 p.m."),
            (Lang::En, "my number is double oh three", "my number is 003"),
            (Lang::En, "two point five billion dollars", "$2.5 billion"),
            (Lang::Zh, "尾号幺七零二的卡", "尾号1702的卡"),
            (Lang::Zh, "百分之二点五", "2.5%"),
            (Lang::Zh, "一共三百一十五万", "一共315万"),
        ];
        for (lang, text, expected) in cases {
            assert_eq!(written(text, lang, now()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn spans_lie_in_the_text_in_order(
            words in proptest::collection::vec(
                proptest::sample::select(vec!["double", "oh", "twenty", "one", "hundred", "million", "dollars", "no", "not", "last",
                    "tuesday", "july", "first", "half", "past", "point", "and", "31", "9:75", "pm", "百", "零", "三", "号", "月", "点", "万", "亿", "年", "块", "上"]),
                0..12,
            ),
        ) {
            for lang in [Lang::En, Lang::Zh] {
                let text = words.join(" ");
                let mut last = 0;
                for entity in find(&text, lang, now()) {
                    prop_assert!(entity.span.start >= last && entity.span.end > entity.span.start);
                    prop_assert!(text.get(entity.span.clone()).is_some());
                    last = entity.span.end;
                }
                written(&text, lang, now());
            }
        }
    }
}
