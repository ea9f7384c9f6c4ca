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

/// What was learned, and how good it is on calls that it was not learned from.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The model, learned from all calls.
    pub model: Model,
    /// How often models that had not seen a call guessed it, the caller being known.
    pub held_out: HeldOut,
}

/// Parts of all calls, 0–1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeldOut {
    /// The likeliest problem was the right one.
    pub top1: f64,
    /// One of the three likeliest was.
    pub top3: f64,
}

/// Learns a model from `history`.
///
/// # Errors
/// [`TrainError`]: nothing to learn from.
pub fn train(history: &History, rules: &Rules) -> Result<Trained, TrainError> {
    if history.scenes.is_empty() {
        return Err(TrainError::NoScenes);
    }
    let archive = Archive::new(history);
    let start = Model::untrained(history.scenes.clone(), rules);
    let desk = Desk::new(history, &archive, &start).ok_or(TrainError::NoCalls)?;
    let held_out = guess_held_out(&desk, &archive, &start);
    let mut model = desk.fit(&start, |_| true);
    model.temperature = fit_temperature(&held_out);
    model.member = learn_members(&desk, &archive, &model);
    model.set_trained_on(desk.rows.len() as u64);
    Ok(Trained { model, held_out: judge(&held_out) })
}

/// Probabilities of all scenes, and the scene that it was.
type Guessed = (Vec<f64>, usize);

/// Guesses every call with a model that was learned from four fifths of the others.
fn guess_held_out(desk: &Desk<'_>, archive: &Archive<'_>, start: &Model) -> Vec<Guessed> {
    let mut held_out = Vec::with_capacity(desk.rows.len());
    for fold in 0..FOLDS {
        let model = desk.fit(start, |i| i % FOLDS != fold);
        for row in desk.rows.iter().skip(fold).step_by(FOLDS) {
            let facts = archive.facts_of_member(&row.call.member_id, row.call.at);
            held_out.push((model.scene_probabilities(&facts, &row.call.member_id, row.call.at), row.scene));
        }
    }
    held_out
}

fn judge(held_out: &[Guessed]) -> HeldOut {
    let within = |places: usize| {
        let right = |(p, right): &&Guessed| p.iter().filter(|other| **other > p[*right]).count() < places;
        held_out.iter().filter(right).count() as f64 / held_out.len().max(1) as f64
    };
    HeldOut { top1: within(1), top3: within(3) }
}

/// The temperature at which calls that were held out are likeliest.
fn fit_temperature(held_out: &[Guessed]) -> f64 {
    let loss = |temperature: f64| -> f64 {
        let of = |(p, right): &Guessed| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::identify;
    use crate::identify::signals::HINT_EVENT;
    use crate::identify::testing::{at, call, event, member, order};
    use crate::units::{Pii, Scene};
    use jiff::SignedDuration;

    /// Two hundred members of whom every other has a payment declined and calls two hours later about a bag, which no rule
    /// foresees; each tenth calls for no reason.
    fn history() -> History {
        let mut history = History {
            scenes: vec![(Scene::from("bag"), Scene::from("shop")), (Scene::from("pin"), Scene::from("card"))],
            ..History::default()
        };
        for i in 0..200_i64 {
            let id = format!("M{i:03}");
            let mut who = member(&id, &format!("139{i:03}"), "");
            who.member_id.clone_from(&id);
            let day = at("2026-05-01T08:00:00").saturating_add(SignedDuration::from_hours(i * 7));
            if i % 2 == 0 {
                let mut bad = order(&format!("T{i}"), "card_payment/declined", "2026-05-01T08:00:00");
                (bad.member_id, bad.at) = (id.clone(), day);
                history.orders.push(bad);
            }
            if i % 2 == 0 || i % 10 == 1 {
                let mut made = call(if i % 2 == 0 { "bag" } else { "pin" }, None, "2026-05-01T08:00:00");
                made.call_id = format!("C{i}");
                (made.member_id, made.at) = (id.clone(), day.saturating_add(SignedDuration::from_hours(2)));
                made.phone = who.mobile.clone();
                history.calls.push(made);
            }
            history.members.push(who);
        }
        history
    }

    #[test]
    fn what_calls_teach_outweighs_the_rules() {
        let history = history();
        let trained = train(&history, &Rules::built_in()).unwrap();
        assert!(trained.held_out.top1 > 0.95, "{:?}", trained.held_out);
        assert_eq!(trained.model.trained_on(), 120);
        let now = at("2026-07-20T10:00:00");
        let mut facts = Archive::new(&history).facts("139001", now);
        let quiet = identify(&trained.model, &facts, now);
        let mut bad = order("T", "card_payment/declined", "2026-07-20T09:00:00");
        bad.member_id = "M001".to_owned();
        facts.orders.push(bad);
        let known = identify(&trained.model, &facts, now);
        assert_eq!(known.member.as_ref().map(|guess| guess.how), Some("registered mobile"));
        assert!(!known.ask_number);
        assert_eq!(known.scenes[0].scene.as_str(), "bag");
        assert!(known.scenes[0].p > 0.8 && quiet.scenes[0].p < known.scenes[0].p, "{known:?} {quiet:?}");
        assert_eq!(known.orders[0].order.order_id, "T");
    }

    #[test]
    fn training_is_the_same_every_time_and_survives_storage() {
        let trained = train(&history(), &Rules::built_in()).unwrap();
        assert_eq!(train(&history(), &Rules::built_in()).unwrap(), trained);
        let json = serde_json::to_string(&trained.model).unwrap();
        let back: Model = serde_json::from_str(&json).unwrap();
        assert!(back.fits(&history().scenes) && !back.fits(&[]));
        let now = at("2026-06-20T10:00:00");
        let history = history();
        let facts = Archive::new(&history).facts("139002", now);
        let (a, b) = (identify(&trained.model, &facts, now), identify(&back, &facts, now));
        assert_eq!(
            a.scenes.iter().map(|s| &s.scene).collect::<Vec<_>>(),
            b.scenes.iter().map(|s| &s.scene).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_hotter_member_of_a_household_is_on_the_line() {
        let mut history = history();
        let mut sister = member("M900", "139900", "0105");
        sister.landline = Pii("0105".to_owned());
        history.members[1].landline = Pii("0105".to_owned());
        history.members.push(sister);
        let model = train(&history, &Rules::built_in()).unwrap().model;
        let now = at("2026-07-20T10:00:00");
        let mut bad = order("T", "card_payment/declined", "2026-07-20T08:30:00");
        bad.member_id = "M900".to_owned();
        history.orders.push(bad);
        let mut read = event(HINT_EVENT, "shop", "2026-07-20T09:30:00");
        read.member_id = "M900".to_owned();
        history.events.push(read);
        let archive = Archive::new(&history);
        let home = identify(&model, &archive.facts("0105", now), now).member.unwrap();
        assert_eq!((home.member.member_id.as_str(), home.how), ("M900", "household landline"));
        assert!(home.p > 0.7, "{}", home.p);
        let stranger = identify(&model, &archive.facts("0999", now), now);
        assert!(stranger.member.is_none() && stranger.ask_number);
    }

    #[test]
    fn an_ended_call_moves_the_shares() {
        let history = history();
        let mut model = train(&history, &Rules::built_in()).unwrap().model;
        let now = at("2026-07-20T10:00:00");
        let mut facts = Archive::new(&history).facts_of_member("M001", now);
        let mut bad = order("T", "card_payment/declined", "2026-07-20T09:00:00");
        bad.member_id = "M001".to_owned();
        facts.orders.push(bad);
        let before = model.guess(&facts, &[("M001", 1.0)], now).scenes[0].p;
        let mut ended = call("pin", None, "2026-07-20T10:00:00");
        ended.member_id = "M001".to_owned();
        (0..30).for_each(|_| model.learn(&facts, &ended));
        let after = model.guess(&facts, &[("M001", 1.0)], now).scenes[0].p;
        assert!(after < before - 0.05, "{before} {after}");
    }

    #[test]
    fn nothing_to_learn_from_is_said() {
        let rules = Rules::built_in();
        assert_eq!(train(&History::default(), &rules).unwrap_err(), TrainError::NoScenes);
        let scenes = History { scenes: history().scenes, ..History::default() };
        assert_eq!(train(&scenes, &rules).unwrap_err(), TrainError::NoCalls);
    }
}
