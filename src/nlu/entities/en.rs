//! What an English sentence holds at one place: a day, a time, an amount, digits or a number.

use jiff::civil::DateTime;

use super::{Reading, cents, en_date, en_number};
use crate::nlu::Value;

/// Currencies: names, ISO 4217 code, the sign before the figure, and the name of a hundredth.
struct Currency {
    names: &'static [&'static str],
    code: &'static str,
    sign: &'static str,
    hundredths: &'static [&'static str],
}

const CURRENCIES: &[Currency] = &[
    Currency { names: &["dollar", "dollars", "buck", "bucks"], code: "USD", sign: "$", hundredths: &["cent", "cents"] },
    Currency { names: &["pound", "pounds", "quid"], code: "GBP", sign: "£", hundredths: &["pence", "penny", "p"] },
    Currency { names: &["euro", "euros"], code: "EUR", sign: "€", hundredths: &["cent", "cents"] },
    Currency { names: &["yuan", "rmb", "renminbi", "kuai"], code: "CNY", sign: "", hundredths: &["fen"] },
    Currency { names: &["yen"], code: "JPY", sign: "¥", hundredths: &[] },
    Currency { names: &["won"], code: "KRW", sign: "₩", hundredths: &[] },
    Currency { names: &["rupee", "rupees"], code: "INR", sign: "₹", hundredths: &["paise"] },
    Currency { names: &["franc", "francs"], code: "CHF", sign: "", hundredths: &["rappen"] },
];

/// The longest reading of the words from `at` on; `before` is the character in front of them, which may be a currency sign.
pub(super) fn read(words: &[&str], at: usize, before: Option<char>, now: DateTime) -> Option<Reading> {
    let rest = &words[at..];
    let previous = at.checked_sub(1).map(|before| words[before]);
    let date = en_date::date(rest, previous, now.date());
    let time = en_date::time(rest, previous);
    let in_time = Reading::longer(date, time);
    let in_money = Reading::longer(amount(rest, before), digits(rest));
    // "Seven a m" is no code.
    let code = if in_time.is_none() { code(rest) } else { None };
    let in_figures = Reading::longer(number(rest, previous), code);
    Reading::longer(Reading::longer(in_time, in_money), in_figures)
}

/// "Twenty nine dollars and fifty cents", "£20", "fifty p".
fn amount(words: &[&str], before: Option<char>) -> Option<Reading> {
    let number = paired(words).or_else(|| en_number::number(words))?;
    let signed = before.and_then(|sign| CURRENCIES.iter().find(|currency| currency.sign.starts_with(sign)));
    if let Some(currency) = signed {
        return Some(Reading::new(number.length, Some(money(number.value, currency)?), number.written));
    }
    let mut length = number.length + named_country(&words[number.length..]);
    let name = words.get(length)?;
    if let Some(currency) = CURRENCIES.iter().find(|currency| currency.hundredths.contains(name)) {
        let written = format!("{}{:.2}", currency.sign, number.value / 100.0);
        return Some(Reading::new(length + 1, Some(money(number.value / 100.0, currency)?), written));
    }
    let currency = CURRENCIES.iter().find(|currency| currency.names.contains(name))?;
    if *name == "dollars" && number.value == 1.0 {
        return None;
    }
    length += 1;
    let (cents, read) = small_change(&words[length..], currency);
    let mut written = number.written;
    if read > 0 {
        written = format!("{written}.{cents:02}");
    }
    written = match currency.sign {
        "" => format!("{written} {name}"),
        sign => format!("{sign}{written}"),
    };
    let value = number.value + cents as f64 / 100.0;
    Some(Reading::new(length + read, Some(money(value, currency)?), written))
}

fn money(value: f64, currency: &Currency) -> Option<Value> {
    Some(Value::Amount { cents: cents(value)?, currency: Some(currency.code.to_owned()) })
}

/// "United States" before "dollars".
fn named_country(words: &[&str]) -> usize {
    match words {
        ["united", "states", ..] => 2,
        ["us" | "american" | "british" | "chinese", ..] => 1,
        _ => 0,
    }
}

/// "One fifty five" is 155 before the name of a currency.
fn paired(words: &[&str]) -> Option<en_number::Number> {
    let hundreds = en_number::digit(words.first()?).filter(|digit| *digit > 0)?;
    let (rest, read) = en_number::below_hundred(&words[1..]).filter(|&(rest, _)| rest >= 10)?;
    let value = u128::from(hundreds) * 100 + rest;
    Some(en_number::Number { length: 1 + read, value: value as f64, written: value.to_string() })
}

/// "And fifty cents", or just "fifty" behind the name of the currency: hundredths and the words read.
fn small_change(words: &[&str], currency: &Currency) -> (u128, usize) {
    let and = usize::from(words.first() == Some(&"and"));
    let Some((cents, read)) = en_number::below_hundred(&words[and..]) else { return (0, 0) };
    let length = and + read;
    match words.get(length) {
        Some(name) if currency.hundredths.contains(name) => (cents, length + 1),
        // Two figures behind the name need no "cents", unless they begin something else.
        next if and == 0 && cents >= 10 && next.is_none_or(|next| en_number::scale(next).is_none()) => (cents, length),
        _ => (0, 0),
    }
}

fn digits(words: &[&str]) -> Option<Reading> {
    let plus = usize::from(words.first() == Some(&"plus"));
    let (digits, length) = en_number::digits(&words[plus..])?;
    let written = format!("{}{}", if plus == 1 { "+" } else { "" }, grouped(&digits));
    Some(Reading::new(plus + length, Some(Value::Digits(digits)), written))
}

/// Ten digits and more as telephone numbers are written: 123-123-5678, with what is in front apart.
fn grouped(digits: &str) -> String {
    match digits.len() {
        10..=13 => {
            let (front, number) = digits.split_at(digits.len() - 10);
            let space = if front.is_empty() { "" } else { " " };
            format!("{front}{space}{}-{}-{}", &number[..3], &number[3..6], &number[6..])
        }
        _ => digits.to_owned(),
    }
}

/// Letters and digits spelled in one go, "a b nine", "x three eighty six": written together. The value is the digits.
fn code(words: &[&str]) -> Option<Reading> {
    let mut written = String::new();
    let (mut at, mut letters) = (0, 0);
    while let Some(word) = words.get(at) {
        if word.len() == 1 && word.as_bytes()[0].is_ascii_lowercase() && (*word != "o" || letters == 0) {
            written.push_str(word);
            letters += 1;
            at += 1;
        } else if let Some(digit) = en_number::digit(word) {
            written.push(char::from(b'0' + digit));
            at += 1;
        } else if let Some((pair, read)) = en_number::below_hundred(&words[at..]) {
            written.push_str(&pair.to_string());
            at += read;
        } else {
            break;
        }
    }
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    // "I three", "a thirty six": a word and a number.
    let is_word = letters == 1 && matches!(words[0], "a" | "i" | "o" | "p");
    let spelled = letters > 0 && !is_word && digits.len() + letters >= 3 && !digits.is_empty();
    spelled.then(|| Reading::new(at, (digits.len() >= 3).then_some(Value::Digits(digits)), written))
}

fn number(words: &[&str], previous: Option<&str>) -> Option<Reading> {
    if let Some((value, length)) = ordinal(words, previous) {
        return Some(Reading::new(length, None, format!("{value}{}", suffix(value))));
    }
    let number = en_number::number(words)?;
    let alone = number.length == 1 && words.len() == 1 && previous.is_none();
    // "One", "oh" and "a" are mostly no numbers, and nobody writes "2 weeks".
    match (words[0], number.length) {
        ("one" | "zero", 1) if !alone => None,
        _ if number.length == 1 && number.value < 10.0 && !alone => {
            Some(Reading::new(1, Some(Value::Number(number.value)), words[0]))
        }
        _ => Some(Reading::new(number.length, Some(Value::Number(number.value)), number.written)),
    }
}

/// An ordinal that is surely one: "second" is mostly a short time or an enumeration, so it must stand alone.
fn ordinal(words: &[&str], previous: Option<&str>) -> Option<(u128, usize)> {
    let (value, length) = en_number::ordinal(words)?;
    let sure = length > 1 || value > 3 || (previous.is_none() && words.len() == 1);
    sure.then_some((value, length))
}

fn suffix(value: u128) -> &'static str {
    match (value % 100, value % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}
