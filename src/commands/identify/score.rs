//! How often identification was right, against a table of the truth.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{read_csv, read_json_lines};
use crate::identify::{Identified, SceneGuess};

/// The precision at which coverage is counted.
const PRECISION: f64 = 0.8;

/// Bins of the expected calibration error.
const BINS: usize = 15;

/// A row of the truth.
#[derive(Debug, Deserialize)]
struct Row {
    call_id: String,
    member_id: String,
    main_scene: String,
    scene: String,
    order_id: String,
}

/// What a caller can do.
#[derive(Debug, Deserialize)]
struct Caller {
    call_id: String,
    can_state_mobile: bool,
}

/// Who called and why, by call.
pub(super) struct Truth {
    rows: BTreeMap<String, Row>,
    /// Who can state their number; empty when everybody can.
    can_state: BTreeMap<String, bool>,
}

impl Truth {
    pub(super) fn read(truth: &Path, callers: Option<&Path>) -> Result<Self, String> {
        let rows: Vec<Row> = read_csv(truth)?;
        let callers: Vec<Caller> = callers.map(read_json_lines).transpose()?.unwrap_or_default();
        Ok(Self {
            rows: rows.into_iter().map(|row| (row.call_id.clone(), row)).collect(),
            can_state: callers.into_iter().map(|caller| (caller.call_id, caller.can_state_mobile)).collect(),
        })
    }

    /// The member whose registered number the caller says when asked, if they can.
    pub(super) fn stated(&self, call_id: &str) -> Option<&str> {
        let can = self.can_state.get(call_id).copied().unwrap_or(true);
        self.rows.get(call_id).filter(|_| can).map(|row| row.member_id.as_str())
    }

    /// How often `identified` is right, as JSON; `ids` are their calls.
    pub(super) fn figures(&self, ids: &[&str], identified: &[Identified]) -> Value {
        let known = ids.iter().zip(identified);
        let judged: Vec<Judged> = known.filter_map(|(id, known)| Some(judge(self.rows.get(*id)?, known))).collect();
        let share = |of: fn(&Judged) -> bool| part(judged.iter().filter(|call| of(call)).count(), judged.len());
        let guesses: Vec<(f64, bool)> = judged.iter().map(|call| (call.p, call.top1)).collect();
        let about_order = judged.iter().filter(|call| call.order.is_some()).count();
        let (coverage, threshold) = coverage(&guesses);
        json!({
            "ask_number": share(|call| call.asks),
            "member": share(|call| call.member),
            "order": part(judged.iter().filter(|call| call.order == Some(true)).count(), about_order),
            "top1": share(|call| call.top1),
            "top3": share(|call| call.top3),
            "main_scene": share(|call| call.main),
            "coverage_at_80_precision": coverage,
            "threshold": threshold,
            "calibration_error": calibration_error(&guesses),
        })
    }
}

fn judge(truth: &Row, known: &Identified) -> Judged {
    let right = |guess: &SceneGuess| guess.scene.as_str() == truth.scene;
    let first = known.scenes.first();
    let order = known.orders.first().is_some_and(|guess| guess.order.order_id == truth.order_id);
    Judged {
        asks: known.ask_number,
        member: known.member.as_ref().is_some_and(|guess| guess.member.member_id == truth.member_id),
        order: (!truth.order_id.is_empty()).then_some(order),
        p: first.map_or(0.0, |guess| f64::from(guess.p)),
        top1: first.is_some_and(right),
        top3: known.scenes.iter().take(3).any(right),
        main: first.is_some_and(|guess| guess.main_scene.as_str() == truth.main_scene),
    }
}

/// One call, compared with the truth.
struct Judged {
    asks: bool,
    member: bool,
    /// `None` when the call was about no order.
    order: Option<bool>,
    p: f64,
    top1: bool,
    top3: bool,
    main: bool,
}

fn part(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

/// The largest part of calls that can be guessed, surest first, so that four in five guesses are right; and from which
/// probability on.
fn coverage(guesses: &[(f64, bool)]) -> (f64, f64) {
    let mut surest = guesses.to_vec();
    surest.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut right = 0;
    let mut best = (0.0, 1.0);
    for (i, (p, is_right)) in surest.iter().enumerate() {
        right += usize::from(*is_right);
        if part(right, i + 1) >= PRECISION {
            best = (part(i + 1, surest.len()), *p);
        }
    }
    best
}

/// Expected calibration error: how far stated probabilities are from what happened, over bins of equal width.
fn calibration_error(guesses: &[(f64, bool)]) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for (p, right) in guesses {
        let bin = &mut bins[((p * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += p;
        bin.1 += f64::from(u8::from(*right));
    }
    bins.iter().map(|(stated, happened)| (stated - happened).abs()).sum::<f64>() / guesses.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_the_most_that_keeps_the_precision() {
        let guesses = [(0.5, false), (0.9, true), (0.8, true), (0.7, false), (0.6, true), (0.55, true)];
        assert_eq!(coverage(&guesses), (5.0 / 6.0, 0.55));
        assert_eq!(coverage(&[(0.9, false)]), (0.0, 1.0));
        assert_eq!(coverage(&[]), (0.0, 1.0));
    }

    #[test]
    fn true_probabilities_have_no_calibration_error() {
        let half: Vec<(f64, bool)> = (0..100).map(|i| (0.5, i % 2 == 0)).collect();
        assert!(calibration_error(&half) < 1e-9);
        assert!((calibration_error(&[(1.0, false)]) - 1.0).abs() < 1e-9);
    }
}
