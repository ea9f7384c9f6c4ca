//! Digits that the caller corrects while saying them.
//!
//! ```text
//! one three nine │ no │ one three eight        said again          ─► 138
//! four four seven two │ sorry │ three          the end said again  ─► 4473
//! one three nine │ no │ eight not nine         one exchanged       ─► 138
//! ```

use super::Mention;
use super::en_number::digit;
use crate::nlu::Value;
use crate::units::Lang;

/// Words between digits and their correction.
const MARKS_EN: &[&str] = &[
    "no",
    "sorry",
    "i",
    "mean",
    "correction",
    "wait",
    "make",
    "that",
    "rather",
    "actually",
    "it's",
    "its",
    "is",
    "a",
    "oh",
];
const MARKS_ZH: &[&str] = &["不", "对", "是", "错", "了", "说", "应", "该", "抱", "歉", "我", "的", "啊", "哦"];

/// Joins corrected digits into one mention.
pub(super) fn apply(mentions: Vec<Mention>, words: &[&str], lang: Lang) -> Vec<Mention> {
    let mut done: Vec<Mention> = Vec::with_capacity(mentions.len());
    let mut mentions = mentions.into_iter().peekable();
    while let Some(mention) = mentions.next() {
        let corrected = done.last_mut().and_then(|said| {
            let gap = &words[said.tokens.end..mention.tokens.start];
            let mut right = after_correction(gap, lang)?;
            right.push_str(&short_digits(&mention)?);
            Some((long_digits(said)?.to_owned(), right, said))
        });
        let Some((digits, mut right, said)) = corrected else {
            done.push(mention);
            continue;
        };
        said.tokens.end = mention.tokens.end;
        // Two digits are two numbers to those who read them.
        while let Some(next) = mentions.next_if(|next| next.tokens.start == said.tokens.end && is_short(next)) {
            right.extend(short_digits(&next));
            said.tokens.end = next.tokens.end;
        }
        // "eight not nine": what is wrong follows what is right.
        let wrong = mentions
            .next_if(|next| is_denial(&words[said.tokens.end..next.tokens.start], lang) && is_short(next))
            .and_then(|wrong| {
                said.tokens.end = wrong.tokens.end;
                short_digits(&wrong)
            });
        let digits = match wrong {
            Some(wrong) => exchange(&digits, &right, &wrong),
            None => replace_end(&digits, &right),
        };
        said.written.clone_from(&digits);
        said.value = Some(Value::Digits(digits));
    }
    done
}

fn is_short(mention: &Mention) -> bool {
    short_digits(mention).is_some()
}

/// The digits of a run, or of a number below ten that was said by itself.
fn short_digits(mention: &Mention) -> Option<String> {
    match mention.value.as_ref()? {
        Value::Digits(digits) => Some(digits.clone()),
        Value::Number(number) if (0.0..10.0).contains(number) && number.fract() == 0.0 => Some(format!("{number}")),
        _ => None,
    }
}

fn long_digits(mention: &Mention) -> Option<&str> {
    match mention.value.as_ref()? {
        Value::Digits(digits) => Some(digits),
        _ => None,
    }
}

/// The digits at the end of the words between two mentions, if words of correction stand before them. A single "one" is no
/// mention by itself ("which one is it").
fn after_correction(gap: &[&str], lang: Lang) -> Option<String> {
    let (marks, needed): (_, &[&str]) = match lang {
        Lang::En => (MARKS_EN, &["no", "sorry", "mean", "correction", "wait", "rather", "actually", "make"]),
        Lang::Zh => (MARKS_ZH, &["不", "错"]),
    };
    let from = gap.iter().rposition(|word| marks.contains(word))? + 1;
    let (gap, spelled) = gap.split_at(from);
    let digits: Option<String> = spelled.iter().map(|word| digit(word).map(|digit| char::from(b'0' + digit))).collect();
    let is_correction = gap.iter().any(|word| needed.contains(word)) && gap.iter().all(|word| marks.contains(word));
    digits.filter(|_| is_correction)
}

fn is_denial(gap: &[&str], lang: Lang) -> bool {
    match lang {
        Lang::En => matches!(gap, ["not"] | ["not", "a"] | ["and", "not"]),
        Lang::Zh => matches!(gap, ["不", "是"]),
    }
}

/// `said`, with `wrong` exchanged for `right` where it stands last. As many digits are denied as are put right: with those
/// after them the number goes on ("no, eight not nine double seven").
fn exchange(said: &str, right: &str, wrong: &str) -> String {
    let (wrong, more) = wrong.split_at(right.len().min(wrong.len()));
    match said.rfind(wrong) {
        Some(at) => format!("{}{right}{}{more}", &said[..at], &said[at + wrong.len()..]),
        None => format!("{said}{more}"),
    }
}

/// `said`, with its end, or all of it, said again.
fn replace_end(said: &str, right: &str) -> String {
    let kept = said.len().saturating_sub(right.len());
    format!("{}{right}", &said[..kept])
}
