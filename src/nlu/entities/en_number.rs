//! English numbers: "two hundred and fifty four", "eighteen point o five", "double oh seven".

use crate::english;

/// A number at the head of some words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    /// Words read.
    pub(super) length: usize,
    pub(super) value: f64,
    /// In digits; a lone scale stays a word: "5.2 million".
    pub(super) written: String,
}

/// Scales by name; the names of the large ones are American, as everywhere today.
const SCALES: [(&str, u128); 7] = [
    ("thousand", 1_000),
    ("million", 1_000_000),
    ("billion", 1_000_000_000),
    ("trillion", 1_000_000_000_000),
    ("quadrillion", 1_000_000_000_000_000),
    ("quintillion", 1_000_000_000_000_000_000),
    ("sextillion", 1_000_000_000_000_000_000_000),
];

/// A digit word, "oh" among them.
pub(super) fn digit(word: &str) -> Option<u8> {
    match word {
        "oh" | "o" | "zero" | "nought" => Some(0),
        _ => below_twenty(word).filter(|&value| value < 10).map(|value| value as u8),
    }
}

fn below_twenty(word: &str) -> Option<u128> {
    english::SMALL.iter().position(|name| *name == word).map(|value| value as u128)
}

fn tens(word: &str) -> Option<u128> {
    let spelled = if word == "fourty" { "forty" } else { word };
    english::TENS.iter().skip(2).position(|name| *name == spelled).map(|value| (value as u128 + 2) * 10)
}

/// The scale that `word` names.
pub(super) fn scale(word: &str) -> Option<u128> {
    SCALES.iter().find(|(name, _)| *name == word).map(|&(_, scale)| scale)
}

/// 0 to 99 in words or figures, and the words read.
pub(super) fn below_hundred(words: &[&str]) -> Option<(u128, usize)> {
    let first = words.first()?;
    if let Some(tens) = tens(first) {
        let ones = words.get(1).and_then(|word| below_twenty(word)).filter(|ones| (1..10).contains(ones));
        return Some((tens + ones.unwrap_or(0), 1 + usize::from(ones.is_some())));
    }
    let figures = || first.parse().ok().filter(|value| first.len() <= 2 && *value < 100);
    Some((below_twenty(first).or_else(figures)?, 1))
}

/// "Eleven hundred and twenty one": up to 9,999 without "thousand".
fn hundreds(words: &[&str]) -> Option<(u128, usize)> {
    let article = matches!(words, ["a" | "an", next, ..] if *next == "hundred" || scale(next).is_some());
    let (first, mut length) = if article { (1, 1) } else { below_hundred(words)? };
    if words.get(length) != Some(&"hundred") || first == 0 {
        return Some((first, length));
    }
    length += 1;
    let and = usize::from(words.get(length) == Some(&"and"));
    match below_hundred(&words[length + and..]) {
        Some((rest, read)) if rest > 0 => Some((first * 100 + rest, length + and + read)),
        _ => Some((first * 100, length)),
    }
}

/// A whole number in words, the words read, and the one scale it ends on if there is no other part.
fn cardinal(words: &[&str]) -> Option<(u128, usize, Option<usize>)> {
    let (mut total, mut length) = (0u128, 0);
    let mut lowest: u128 = u128::MAX;
    let mut lone_scale = None;
    loop {
        let and = usize::from(length > 0 && words.get(length) == Some(&"and"));
        let Some((part, read)) = words.get(length + and..).and_then(hundreds) else { break };
        let named = words.get(length + and + read).and_then(|word| scale(word)).filter(|scale| *scale < lowest);
        match named {
            Some(scale) if part > 0 => {
                lone_scale = (length == 0).then_some(length + and + read);
                total += part * scale;
                length += and + read + 1;
                lowest = scale;
            }
            _ if part < lowest && (length == 0 || part > 0) => {
                lone_scale = None;
                total += part;
                length += and + read;
                break;
            }
            _ => break,
        }
    }
    (length > 0).then_some((total, length, lone_scale))
}

/// A number in words or figures at the head of `words`.
pub(super) fn number(words: &[&str]) -> Option<Number> {
    let minus = usize::from(matches!(words.first(), Some(&("minus" | "negative"))));
    let unsigned = decimal(&words[minus..]).or_else(|| figures(&words[minus..])).or_else(|| whole(&words[minus..]))?;
    if minus == 0 {
        return Some(unsigned);
    }
    Some(Number { length: unsigned.length + 1, value: -unsigned.value, written: format!("-{}", unsigned.written) })
}

fn whole(words: &[&str]) -> Option<Number> {
    let (value, length, lone_scale) = cardinal(words)?;
    let written = match lone_scale.map(|at| words[at]) {
        Some(name) if name != "thousand" => format!("{} {name}", value / scale(name)?),
        _ => value.to_string(),
    };
    Some(Number { length, value: value as f64, written })
}

/// "1,200", "12.50", "20 million".
fn figures(words: &[&str]) -> Option<Number> {
    let plain = words.first()?.replace(',', "");
    let value: f64 = plain.parse().ok().filter(|_| plain.starts_with(|c: char| c.is_ascii_digit()))?;
    match words.get(1).and_then(|word| Some((word, scale(word)?))) {
        Some((name, scale)) => {
            Some(Number { length: 2, value: value * scale as f64, written: format!("{plain} {name}") })
        }
        None => Some(Number { length: 1, value, written: plain }),
    }
}

/// "Eighteen point o five million".
fn decimal(words: &[&str]) -> Option<Number> {
    let (front, length) = match cardinal(words) {
        Some((front, length, _)) => (front.to_string(), length),
        None => (String::new(), 0),
    };
    if words.get(length) != Some(&"point") {
        return None;
    }
    let behind: String =
        words[length + 1..].iter().map_while(|word| digit(word)).map(|d| char::from(b'0' + d)).collect();
    if behind.is_empty() {
        return None;
    }
    let length = length + 1 + behind.len();
    let written = format!("{front}.{behind}");
    let value: f64 = format!("0{written}").parse().ok()?;
    match words.get(length).and_then(|word| Some((word, scale(word)?))) {
        Some((name, scale)) => {
            Some(Number { length: length + 1, value: value * scale as f64, written: format!("{written} {name}") })
        }
        None => Some(Number { length, value, written }),
    }
}

/// "Twenty first" is 21; the words read.
pub(super) fn ordinal(words: &[&str]) -> Option<(u128, usize)> {
    let below_twenty = |word: &str| english::ORDINALS.iter().position(|name| *name == word).map(|value| value as u128);
    let first = words.first()?;
    if let Some(value) = below_twenty(first) {
        return Some((value, 1));
    }
    let figures = ["st", "nd", "rd", "th"].iter().find_map(|ending| first.strip_suffix(ending)?.parse().ok());
    if let Some(value) = figures {
        return Some((value, 1));
    }
    if let Some(value) = first.strip_suffix("ieth").and_then(|stem| tens(&format!("{stem}y"))) {
        return Some((value, 1));
    }
    // The last word is the ordinal, those before it a cardinal: "one hundred | eleventh", "one | hundredth".
    let length = (2..=words.len().min(12)).find(|&length| is_ordinal_word(words[length - 1]))?;
    let (head, last) = (&words[..length - 1], words[length - 1]);
    let (front, read, _) = cardinal(head).filter(|&(_, read, _)| read == head.len())?;
    let value = match last.strip_suffix("th").map(|stem| if stem == "hundred" { Some(100) } else { scale(stem) }) {
        Some(Some(scale)) => front.checked_mul(scale)?,
        _ => front + ordinal(&[last])?.0,
    };
    Some((value, read + 1))
}

fn is_ordinal_word(word: &str) -> bool {
    word.ends_with("th") || matches!(word, "first" | "second" | "third")
}

/// A run of digits said one by one, with "double" and "triple", and pairs ("forty two") among them; at least three of them.
pub(super) fn digits(words: &[&str]) -> Option<(String, usize)> {
    let mut digits = String::new();
    let (mut at, mut groups) = (0, 0);
    while let Some(&word) = words.get(at) {
        let times = match word {
            "double" => 2,
            "triple" | "treble" => 3,
            _ => 0,
        };
        if times > 0 {
            let Some(digit) = words.get(at + 1).and_then(|word| digit(word)) else { break };
            digits.extend(std::iter::repeat_n(char::from(b'0' + digit), times));
            at += 2;
            groups += 1;
        } else if let Some(digit) = digit(word) {
            digits.push(char::from(b'0' + digit));
            at += 1;
        } else if word.len() <= 12 && word.bytes().all(|byte| byte.is_ascii_digit()) && (word.len() > 2 || at > 0) {
            digits.push_str(word);
            at += 1;
        } else if let Some((pair, read)) = below_hundred(&words[at..]).filter(|&(pair, _)| pair >= 10) {
            digits.push_str(&pair.to_string());
            at += read;
        } else {
            break;
        }
        groups += 1;
    }
    let spelled = words.get(at).is_none_or(|word| *word != "hundred" && *word != "point" && scale(word).is_none());
    let figures = groups == 1 && digits.len() >= 5;
    (spelled && digits.len() >= 3 && (groups >= 3 || figures || is_doubled(words))).then_some((digits, at))
}

fn is_doubled(words: &[&str]) -> bool {
    matches!(words.first(), Some(&("double" | "triple" | "treble")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        let cases = [
            ("two hundred and fifty four people", "254", 5),
            ("eleven hundred twenty one", "1121", 4),
            ("one million one hundred fifty six thousand one hundred seventy three", "1156173", 11),
            ("four hundred million", "400 million", 3),
            ("fifteen thousand", "15000", 2),
            ("eighteen point o five", "18.05", 4),
            ("minus sixty", "-60", 2),
            ("a hundred", "100", 2),
            ("5.2 million", "5.2 million", 2),
            ("two thousand and nine", "2009", 4),
        ];
        for (text, written, length) in cases {
            let words: Vec<&str> = text.split(' ').collect();
            let number = number(&words).unwrap();
            assert_eq!((number.written.as_str(), number.length), (written, length), "{text}");
        }
        assert_eq!(number(&["card"]), None);
    }

    #[test]
    fn digits_need_to_be_at_least_three() {
        let read = |text: &str| digits(&text.split(' ').collect::<Vec<_>>()).map(|found| found.0);
        assert_eq!(read("double oh seven").as_deref(), Some("007"));
        assert_eq!(read("forty two seventeen nine").as_deref(), Some("42179"));
        assert_eq!(read("one two"), None);
        assert_eq!(read("one two hundred"), None);
        assert_eq!(read("eight six five"), Some("865".into()));
    }

    #[test]
    fn ordinals_may_be_long() {
        let read = |text: &str| ordinal(&text.split(' ').collect::<Vec<_>>()).map(|found| found.0);
        assert_eq!(read("twenty first"), Some(21));
        assert_eq!(read("one hundredth"), Some(100));
        assert_eq!(read("twenty five thousand one hundred eleventh"), Some(25_111));
        assert_eq!(read("twentieth"), Some(20));
        assert_eq!(read("3rd"), Some(3));
        assert_eq!(read("month"), None);
    }
}
