//! Digits that the caller corrects while saying them.
//!
//! ```text
//! one three nine │ no │ one three eight        said again          ─► 138
//! four four seven two │ sorry │ three          the end said again  ─► 4473
//! one three nine │ no │ eight not nine         one exchanged       ─► 138
//! ```

use super::Mention;
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
        let Some(after) = short_digits(&mention) else {
            done.push(mention);
            continue;
        };
        // "eight not nine": what is wrong follows what is right.
        let wrong = mentions.peek().filter(|next| is_denial(&words[mention.tokens.end..next.tokens.start], lang));
        let wrong = wrong.and_then(short_digits);
        let corrected = done.last_mut().and_then(|said| {
            let gap = &words[said.tokens.end..mention.tokens.start];
            let digits = long_digits(said)?;
            is_correction(gap, lang).then(|| correct(digits, &after, wrong.as_deref())).map(|digits| (said, digits))
        });
        let end = mention.tokens.end;
        match corrected {
            Some((said, digits)) => {
                said.tokens.end = end;
                said.written.clone_from(&digits);
                said.value = Some(Value::Digits(digits));
                if wrong.is_some() {
                    said.tokens.end = mentions.next().map_or(end, |next| next.tokens.end);
                }
            }
            None => done.push(mention),
        }
    }
    done
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

fn is_correction(gap: &[&str], lang: Lang) -> bool {
    let (marks, needed): (_, &[&str]) = match lang {
        Lang::En => (MARKS_EN, &["no", "sorry", "mean", "correction", "wait", "rather", "actually", "make"]),
        Lang::Zh => (MARKS_ZH, &["不", "错"]),
    };
    gap.iter().any(|word| needed.contains(word)) && gap.iter().all(|word| marks.contains(word))
}

fn is_denial(gap: &[&str], lang: Lang) -> bool {
    match lang {
        Lang::En => matches!(gap, ["not"] | ["not", "a"] | ["and", "not"]),
        Lang::Zh => matches!(gap, ["不", "是"]),
    }
}

/// `said`, with `wrong` exchanged for `right` where it stands last; else with its end, or all of it, replaced.
fn correct(said: &str, right: &str, wrong: Option<&str>) -> String {
    if let Some(wrong) = wrong {
        return match said.rfind(wrong) {
            Some(at) => format!("{}{right}{}", &said[..at], &said[at + wrong.len()..]),
            None => said.to_owned(),
        };
    }
    let kept = said.len().saturating_sub(right.len());
    format!("{}{right}", &said[..kept])
}
