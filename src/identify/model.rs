//! The guess: competing reasons for a call, each with a rate.
//!
//! ```text
//! signals ──► rate of calls [1/h] by kind and age ──► × share of each scene ──┐
//! nothing ──► background rate ──────────────────────► × share of each scene ──┴─► Σ ─► × hint ─► P(scene), P(order), why
//! ```
//!
//! A member calls because of one thing. Each signal (a declined payment, a delivered card, an unsolved call …) makes calls at
//! a rate that fades with its age, and calls without a visible reason come at a small constant rate. *Given that the phone
//! rings now*, the share of each rate in their sum is the probability that it is the reason; so one model tells the problem,
//! the order and the words that explain it, and the sum itself tells which of several members is likely to be calling.
//!
//! Invariant: every share table has one positive entry for each scene, so probabilities are positive and sum to 1.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::rules::Rules;
use super::signals::{AGE_ENDS, Group, Signal, Source, hint, signals};
use super::{CallerFacts, PastCall, member};
use crate::units::Scene;

/// Changes when what is stored changes its meaning.
const VERSION: u32 = 1;

/// Signals that are expected to lead to a call within a day: one in four, so about 1/100 an hour at first.
/// A prior; what is learned replaces it.
const FRESH_RATE: f64 = 0.01;

/// A completed order leads to few calls: a tenth of [`FRESH_RATE`]. A prior.
const DONE_RATE: f64 = 0.001;

/// Calls without a visible reason: one in a year and a bit [1/h]. A prior.
pub(super) const BACKGROUND_RATE: f64 = 1e-4;

/// The share of a rate that goes to scenes nobody foresaw, as a number of calls. A prior.
pub(super) const UNFORESEEN: f64 = 0.6;

/// How many scenes' shares a kind of signal or the background has, and how many calls stand behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Shares(pub(super) Vec<f64>);

impl Shares {
    pub(super) fn of(&self, scene: usize) -> f64 {
        self.0.get(scene).copied().unwrap_or(0.0) / self.0.iter().sum::<f64>()
    }
}

/// One kind of signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kind {
    /// Its rate, relative to its group's.
    pub(super) factor: f64,
    /// Calls by scene.
    pub(super) shares: Shares,
}

/// How visits to the help pages read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct HintModel {
    /// Callers who had read the page of their own main scene.
    pub(super) right: f64,
    /// Callers who had read another.
    pub(super) wrong: f64,
    /// How much likelier a member is to call after a visit than without.
    pub(super) lift: f64,
}

/// What is known about reasons for calls: the rules, and what was learned from past calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    version: u32,
    /// Scene and the main scene of each.
    pub(super) scenes: Vec<(Scene, Scene)>,
    pub(super) home_currency: String,
    /// Calls an hour by group and age class.
    pub(super) rates: Vec<[f64; AGE_ENDS.len()]>,
    pub(super) kinds: BTreeMap<String, Kind>,
    /// Calls an hour without a visible reason.
    pub(super) background_rate: f64,
    pub(super) background: Shares,
    /// Calls soon after another, about the same problem and about another.
    pub(super) same: f64,
    pub(super) other: f64,
    pub(super) hint: HintModel,
    /// Sharpness of the probabilities, fitted on calls that were held out: 1 leaves them alone.
    pub(super) temperature: f64,
    pub(super) member: member::Weights,
    /// Past calls that it was trained on.
    trained_on: u64,
}

/// One reason that competes for a call.
pub(super) struct Reason<'a> {
    /// `None`: the background.
    pub(super) signal: Option<Signal<'a>>,
    /// Calls an hour by scene.
    pub(super) rates: Vec<f64>,
}

impl Model {
    /// A model that knows the rules and has seen no call. `scenes` are the scenes with their main scenes; rules for other
    /// scenes are left out.
    pub fn untrained(scenes: Vec<(Scene, Scene)>, rules: &Rules) -> Self {
        let flat = vec![UNFORESEEN / scenes.len().max(1) as f64; scenes.len()];
        let index: BTreeMap<&str, usize> =
            scenes.iter().enumerate().map(|(i, (scene, _))| (scene.as_str(), i)).collect();
        let kinds = rules.signals.iter().map(|(key, counts)| {
            let mut shares = flat.clone();
            for (scene, count) in counts {
                if let Some(&i) = index.get(scene.as_str()) {
                    shares[i] += count;
                }
            }
            (key.clone(), Kind { factor: 1.0, shares: Shares(shares) })
        });
        Self {
            version: VERSION,
            kinds: kinds.collect(),
            background: Shares(flat),
            scenes,
            home_currency: rules.home_currency.clone(),
            rates: Group::ALL.map(prior_rates).to_vec(),
            background_rate: BACKGROUND_RATE,
            same: 9.0,
            other: 1.0,
            hint: HintModel { right: 8.0, wrong: 2.0, lift: 30.0 },
            temperature: 1.0,
            member: member::Weights::default(),
            trained_on: 0,
        }
    }

    /// Past calls that it was trained on; 0 when it only knows the rules.
    pub fn trained_on(&self) -> u64 {
        self.trained_on
    }

    /// Sharpness of its probabilities: above 1 they were blunted, below 1 sharpened.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Notes that `calls` past calls stand behind the model.
    pub(super) fn set_trained_on(&mut self, calls: u64) {
        self.trained_on = calls;
    }

    /// Whether a model that was stored can be used: by its version, and by the scenes of today.
    pub fn fits(&self, scenes: &[(Scene, Scene)]) -> bool {
        self.version == VERSION && self.scenes == scenes
    }

    /// The main scene of a scene that the model knows.
    pub fn main_scene(&self, scene: &Scene) -> Option<&Scene> {
        self.scenes.iter().find(|(known, _)| known == scene).map(|(_, main)| main)
    }

    /// Probability of each of the model's scenes, in their order.
    pub(super) fn scene_probabilities(&self, facts: &CallerFacts, member_id: &str, now: DateTime) -> Vec<f64> {
        self.probabilities(&self.reasons(facts, member_id, now), hint(facts, member_id, now))
    }

    /// How much likelier than a member without any signal this one is to call at `now`; 1 or more.
    pub fn urge(&self, facts: &CallerFacts, member_id: &str, now: DateTime) -> f64 {
        let signals = signals(facts, member_id, now, &self.home_currency);
        let rate: f64 = self.background_rate + signals.iter().map(|signal| self.rate(signal)).sum::<f64>();
        let lift = if hint(facts, member_id, now).is_some() { self.hint.lift } else { 1.0 };
        rate / self.background_rate * lift
    }

    /// Adds what an ended call teaches: the shares of its possible reasons move towards its scene. Rates stay as they are
    /// until the next training, since they need the calls that did *not* come as well.
    pub fn learn(&mut self, facts: &CallerFacts, ended: &PastCall) {
        let Some(scene) = self.scenes.iter().position(|(scene, _)| *scene == ended.scene) else { return };
        let blame: Vec<(Option<String>, f64)> = self
            .reasons(facts, &ended.member_id, ended.at)
            .into_iter()
            .map(|reason| (reason.signal.map(|signal| signal.key), reason.rates[scene]))
            .collect();
        let total: f64 = blame.iter().map(|(_, rate)| rate).sum();
        for (key, rate) in blame {
            let shares = match key {
                None => Some(&mut self.background),
                Some(key) => self.kinds.get_mut(&key).map(|kind| &mut kind.shares),
            };
            if let Some(shares) = shares {
                shares.0[scene] += rate / total;
            }
        }
        self.trained_on += 1;
    }

    /// The rate of a signal [calls/h]; 0 for a kind that the model does not know.
    fn rate(&self, signal: &Signal<'_>) -> f64 {
        let factor = match signal.source {
            Source::Call(_) => 1.0,
            Source::Order(_) | Source::Event(_) => self.kinds.get(&signal.key).map_or(0.0, |kind| kind.factor),
        };
        self.rates.get(signal.group.index()).map_or(0.0, |rates| rates[signal.age]) * factor
    }

    /// What competes for a call of `member_id` at `now`.
    pub(super) fn reasons<'a>(&self, facts: &'a CallerFacts, member_id: &str, now: DateTime) -> Vec<Reason<'a>> {
        let spread = |rate: f64, shares: &Shares| -> Vec<f64> {
            let total: f64 = shares.0.iter().sum();
            shares.0.iter().map(|share| rate * share / total).collect()
        };
        let mut reasons = vec![Reason { signal: None, rates: spread(self.background_rate, &self.background) }];
        for signal in signals(facts, member_id, now, &self.home_currency) {
            let rate = self.rate(&signal);
            let rates = match signal.source {
                Source::Call(call) => self.repeat(facts, member_id, call, rate),
                Source::Order(_) | Source::Event(_) => match self.kinds.get(&signal.key) {
                    Some(kind) => spread(rate, &kind.shares),
                    None => continue,
                },
            };
            reasons.push(Reason { signal: Some(signal), rates });
        }
        reasons
    }

    /// A call soon after another is mostly about the same problem. Where nobody noted which that was, it is guessed from
    /// what was known then.
    fn repeat(&self, facts: &CallerFacts, member_id: &str, call: &PastCall, rate: f64) -> Vec<f64> {
        let same = self.same / (self.same + self.other);
        let before: Vec<f64> = match self.scenes.iter().position(|(scene, _)| *scene == call.scene) {
            Some(known) => (0..self.scenes.len()).map(|i| if i == known { 1.0 } else { 0.0 }).collect(),
            None => self.probabilities(&self.reasons(facts, member_id, call.at), hint(facts, member_id, call.at)),
        };
        before.iter().enumerate().map(|(i, p)| rate * (same * p + (1.0 - same) * self.background.of(i))).collect()
    }

    /// Probability of each scene: the summed rates, weighed by the help page that was read, tempered.
    pub(super) fn probabilities(&self, reasons: &[Reason<'_>], hint: Option<&str>) -> Vec<f64> {
        let mains: BTreeSet<&str> = self.scenes.iter().map(|(_, main)| main.as_str()).collect();
        let others = mains.len().saturating_sub(1).max(1) as f64;
        let right = self.hint.right / (self.hint.right + self.hint.wrong);
        let weigh = |main: &str| match hint {
            Some(hint) if mains.contains(hint) => {
                if main == hint {
                    right
                } else {
                    (1.0 - right) / others
                }
            }
            _ => 1.0,
        };
        let mut p: Vec<f64> = (0..self.scenes.len())
            .map(|i| reasons.iter().map(|reason| reason.rates[i]).sum::<f64>() * weigh(self.scenes[i].1.as_str()))
            .collect();
        normalise(&mut p);
        for p in &mut p {
            *p = p.powf(1.0 / self.temperature);
        }
        normalise(&mut p);
        p
    }
}

fn normalise(p: &mut [f64]) {
    let total: f64 = p.iter().sum();
    if total > 0.0 {
        p.iter_mut().for_each(|p| *p /= total);
    }
}

/// What is assumed about a group before any call was seen: the urge to call halves every day; a solved call is rarely
/// followed by another, an unsolved one often.
pub(super) fn prior_rates(group: Group) -> [f64; AGE_ENDS.len()] {
    let fresh = match group {
        Group::Trouble | Group::Event | Group::Unsolved => FRESH_RATE,
        Group::Done | Group::Solved => DONE_RATE,
    };
    AGE_ENDS.map(|end| fresh * 0.5_f64.powf(end / 24.0).max(1e-6))
}
