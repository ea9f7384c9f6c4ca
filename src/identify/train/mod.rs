//! Learning from past calls which reasons make people call, and about what.
//!
//! ```text
//! History ─► rows (scene, signals of the caller then) ─┐
//!         └► hours that signals of each kind and age    ├─► expectation maximisation ─► Model
//!            existed without a call, too ───────────────┘
//! ```
//!
//! Each reason makes calls as a Poisson process, so its rate is the calls it caused over the hours it existed. Which reason
//! caused a call is not written down: it is shared out by the present rates (expectation), and the rates follow from the
//! shares (maximisation), some rounds long. Rules enter as calls seen before. Nothing is random, and no call looks at
//! anything that is not older than itself.

use super::history::{Archive, History};
use super::member;
use super::model::Model;
use super::rules::Rules;
use desk::Desk;

mod desk;

/// Rounds of expectation maximisation; the likelihood of all data seen moves by less than 1e-4 per call after 12.
const ROUNDS: usize = 15;

/// A reason that does not fit the order that a call was about is this much less likely to have caused it.
const WRONG_ORDER: f64 = 1e-4;

/// Hours of experience behind the prior rates of a group.
const PRIOR_HOURS: f64 = 200.0;

/// Calls behind the prior that a kind is like its group.
const PRIOR_CALLS: f64 = 0.2;

/// Parts that calls are divided into to fit the temperature.
const FOLDS: usize = 5;

/// Why nothing could be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// No scenes.
    #[error("no scenes are known: import a `scenes` table first")]
    NoScenes,
    /// No calls with a known scene.
    #[error("no past call has a known scene: import a `calls` table first")]
    NoCalls,
}

/// Learns a model from `history`.
///
/// # Errors
/// [`TrainError`]: nothing to learn from.
pub fn train(history: &History, rules: &Rules) -> Result<Model, TrainError> {
    if history.scenes.is_empty() {
        return Err(TrainError::NoScenes);
    }
    let archive = Archive::new(history);
    let start = Model::untrained(history.scenes.clone(), rules);
    let desk = Desk::new(history, &archive, &start).ok_or(TrainError::NoCalls)?;
    let temperature = fit_temperature(&desk, &archive, &start);
    let mut model = desk.fit(&start, |_| true);
    model.temperature = temperature;
    model.member = learn_members(&desk, &archive, &model);
    model.set_trained_on(desk.rows.len() as u64);
    Ok(model)
}

/// The temperature at which calls that were held out are likeliest.
fn fit_temperature(desk: &Desk<'_>, archive: &Archive<'_>, start: &Model) -> f64 {
    let mut held_out: Vec<(Vec<f64>, usize)> = Vec::new();
    for fold in 0..FOLDS {
        let model = desk.fit(start, |i| i % FOLDS != fold);
        for row in desk.rows.iter().skip(fold).step_by(FOLDS) {
            let facts = archive.facts_of_member(&row.call.member_id, row.call.at);
            held_out.push((model.scene_probabilities(&facts, &row.call.member_id, row.call.at), row.scene));
        }
    }
    let loss = |temperature: f64| -> f64 {
        let of = |(p, right): &(Vec<f64>, usize)| {
            let total: f64 = p.iter().map(|p| p.powf(1.0 / temperature)).sum();
            -(p[*right].powf(1.0 / temperature) / total).ln()
        };
        held_out.iter().map(of).sum()
    };
    lowest(loss, 0.5, 2.0)
}

/// Golden-section search for the lowest point of a function with one valley between `low` and `high`.
fn lowest(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    while high - low > 0.01 {
        let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if f(left) < f(right) { high = right } else { low = left }
    }
    f64::midpoint(low, high)
}

fn learn_members(desk: &Desk<'_>, archive: &Archive<'_>, model: &Model) -> member::Weights {
    let calls: Vec<_> = desk
        .rows
        .iter()
        .map(|row| {
            let facts = archive.facts(&row.call.phone.0, row.call.at);
            let right = facts.members.iter().position(|member| member.member_id == row.call.member_id);
            let evidence = member::evidence(model, &facts, row.call.at);
            (evidence, right.unwrap_or(facts.members.len()))
        })
        .collect();
    member::learn(&calls)
}
