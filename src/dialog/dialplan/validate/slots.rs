//! Slots: kinds with what belongs to them, at least two ways to ask.

use std::ops::RangeInclusive;

use super::{duration, resolve};
use crate::dialog::dialplan::yaml::{At, Findings, unknown};
use crate::dialog::dialplan::{Fact, SlotKind, SlotPlan, raw};

/// Kinds by name.
const KINDS: &[&str] = &["digits", "amount", "number", "date", "time", "yes_no", "choice", "words"];
/// More digits than this nobody says in one go.
const MAX_DIGITS: usize = 24;

/// `None` when something that is needed is missing; then there is a finding.
pub(super) fn slot(raw: &raw::Slot, findings: &mut Findings<'_>) -> Option<SlotPlan> {
    let name = &raw.name.value;
    if raw.ask.len() < 2 {
        let help = "list two questions under `ask:`, so that nobody hears the same words twice in a row";
        findings.error(raw.name.place, format!("the slot `{name}` has fewer than two questions"), help);
    }
    for (at, ask) in raw.ask.iter().enumerate() {
        if ask.value.is_empty() || ask.value.contains(['{', '}']) {
            findings.error(ask.place, "a question of a slot is plain text", "write it without placeholders");
        }
        if raw.ask[..at].iter().any(|other| other.value == ask.value) {
            findings.error(ask.place, "this question stands there twice", "ask it in other words");
        }
    }
    let read_back = match raw.read_back.as_ref().map(|written| (written.value.as_str(), written)) {
        None | Some(("never", _)) => false,
        Some(("always", _)) => true,
        Some((_, written)) => {
            unknown("read_back", written, ["always", "never"].into_iter(), findings);
            false
        }
    };
    let known = raw.known.as_ref().and_then(|written| {
        let facts = Fact::ALL.iter().map(|fact| fact.name());
        resolve("fact", written, facts, findings).map(|at| Fact::ALL[at])
    });
    Some(SlotPlan {
        name: name.clone(),
        kind: kind(raw, findings)?,
        ask: raw.ask.iter().map(|text| text.value.clone()).collect(),
        read_back,
        known,
        no_input: raw.no_input.as_ref().and_then(|text| duration(text, findings)),
    })
}

fn kind(raw: &raw::Slot, findings: &mut Findings<'_>) -> Option<SlotKind> {
    let kind = raw.kind.as_ref()?;
    for (key, belongs, place) in [
        ("length", "digits", raw.length.as_ref().map(|at| at.place)),
        ("hours", "time", raw.hours.as_ref().map(|at| at.place)),
        ("when", "date", raw.when.as_ref().map(|at| at.place)),
        ("options", "choice", raw.options.first().map(|(name, _)| name.place)),
    ] {
        if let Some(place) = place.filter(|_| kind.value != belongs) {
            findings.error(place, format!("`{key}` means nothing here"), format!("it belongs to `type: {belongs}`"));
        }
    }
    Some(match kind.value.as_str() {
        "digits" => SlotKind::Digits(match &raw.length {
            Some(written) => range(written, 1..=MAX_DIGITS, "number of digits", "`4` or `7-13`", findings)?,
            None => 1..=MAX_DIGITS,
        }),
        "amount" => SlotKind::Amount,
        "number" => SlotKind::Number,
        "date" => SlotKind::Date {
            future: match raw.when.as_ref().map(|written| (written.value.as_str(), written)) {
                None | Some(("any", _)) => false,
                Some(("future", _)) => true,
                Some((_, written)) => {
                    unknown("when", written, ["future", "any"].into_iter(), findings);
                    false
                }
            },
        },
        "time" => SlotKind::Time(match &raw.hours {
            Some(written) => range(written, 0..=23, "span of hours", "`8-19`", findings)?,
            None => 0..=23,
        }),
        "yes_no" => SlotKind::YesNo,
        "choice" => SlotKind::Choice(options(raw, findings)?),
        "words" => SlotKind::Words,
        _ => {
            unknown("type", kind, KINDS.iter().copied(), findings);
            return None;
        }
    })
}

fn options(raw: &raw::Slot, findings: &mut Findings<'_>) -> Option<Vec<(String, String)>> {
    if !(2..=5).contains(&raw.options.len()) {
        let message = format!("the slot `{}` has {} options, not two to five", raw.name.value, raw.options.len());
        findings.error(raw.name.place, message, "list them under `options:`, as in `stolen: it was stolen`");
        return None;
    }
    Some(raw.options.iter().map(|(name, spoken)| (name.value.clone(), spoken.value.clone())).collect())
}

/// "4", "7-13".
fn range<T: std::str::FromStr + PartialOrd + Copy + std::fmt::Display>(
    written: &At<String>,
    limits: RangeInclusive<T>,
    what: &str,
    example: &str,
    findings: &mut Findings<'_>,
) -> Option<RangeInclusive<T>> {
    let (from, to) = written.value.split_once('-').unwrap_or((&written.value, &written.value));
    let range = from.trim().parse::<T>().ok().zip(to.trim().parse::<T>().ok());
    match range.filter(|(from, to)| from <= to && limits.contains(from) && limits.contains(to)) {
        Some((from, to)) => Some(from..=to),
        None => {
            let help = format!("write it as in {example}, from {} to {}", limits.start(), limits.end());
            findings.error(written.place, format!("`{}` is no {what}", written.value), help);
            None
        }
    }
}
