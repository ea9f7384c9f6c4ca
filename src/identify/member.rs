//! Who calls: the same person who registered the number, and if not, which member?
//!
//! ```text
//! number ─► candidates, each with a tie ─┐   own mobile │ family │ household landline │ seen here before
//! facts  ─► urge to call of each        ─┴─► scores ─► softmax with "nobody of these" ─► p ─► state it, or ask
//! ```
//!
//! A mobile asks two questions at once. *Is it the same person?* The registered owner competes with everybody else. *Which
//! member?* The family of the owner, and whoever was found behind the number before, share the rest by how much reason each
//! has to call just now: somebody whose payment was declined an hour ago is likelier to be on the line than the owner who has
//! not been seen for a month. A landline asks the second question only. The weights are learned from past calls whose caller
//! was found out; a blacklisted number, or one that nobody registered, identifies hardly anybody.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::model::Model;
use super::{CallerFacts, Member, MemberGuess};

/// Below this probability it pays to ask for the registered number. Measured on 918 calls of a payment hotline: one caller in
/// six is asked, and 97 % are right afterwards, though one in five of those asked cannot say it.
pub const ASK_BELOW: f64 = 0.9;

/// What ties a member to the calling number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    OwnMobile,
    Family,
    Household,
    Seen,
}

impl Tie {
    const fn how(self) -> &'static str {
        match self {
            Self::OwnMobile => "registered mobile",
            Self::Family => "same household as the registered mobile",
            Self::Household => "household landline",
            Self::Seen => "seen behind this number before",
        }
    }
}

/// What kind of line calls: decides how likely it is that it is nobody of those known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Somebody registered it as a mobile.
    Owned,
    /// A household registered it.
    Home,
    /// Nobody registered it.
    Unknown,
    /// On the blacklist.
    Blacklisted,
}

/// Positions of the weights: four ties, four lines, then the rest.
const LINES: usize = 4;
const URGE: usize = 8;
const SEEN_OFTEN: usize = 9;
const SEEN_LAST: usize = 10;

/// How many weights there are.
pub(super) const WEIGHTS: usize = 11;

/// What each piece of evidence weighs (nat).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Weights(pub(super) [f64; WEIGHTS]);

impl Default for Weights {
    /// Before anything was learned: an own mobile tells its owner nine times in ten, a household shares its line, a number
    /// that nobody registered tells little, a blacklisted one nothing.
    fn default() -> Self {
        let ties = [3.0, -1.0, 0.5, -0.5];
        let lines = [-1.0, -1.0, 1.0, 4.0];
        let mut weights = [0.0; WEIGHTS];
        weights[..LINES].copy_from_slice(&ties);
        weights[LINES..URGE].copy_from_slice(&lines);
        weights[URGE] = 0.5;
        weights[SEEN_OFTEN] = 0.5;
        weights[SEEN_LAST] = 0.5;
        Self(weights)
    }
}

/// Evidence for one candidate, or (the last of a list) for nobody of them.
pub(super) type Evidence = [f64; WEIGHTS];

/// The evidence for each of `facts.members`, in their order, then for nobody.
pub(super) fn evidence(model: &Model, facts: &CallerFacts, now: DateTime) -> Vec<Evidence> {
    let latest = facts.sightings.iter().rev().find(|seen| seen.at < now && seen.source != "registered");
    let mut all: Vec<Evidence> = facts
        .members
        .iter()
        .map(|member| {
            let mut evidence = [0.0; WEIGHTS];
            evidence[tie(facts, member) as usize] = 1.0;
            evidence[URGE] = model.urge(facts, &member.member_id, now).ln();
            let seen = facts
                .sightings
                .iter()
                .filter(|seen| seen.at < now && seen.member_id == member.member_id && seen.source != "registered");
            evidence[SEEN_OFTEN] = (1.0 + seen.count() as f64).ln();
            evidence[SEEN_LAST] = if latest.is_some_and(|seen| seen.member_id == member.member_id) { 1.0 } else { 0.0 };
            evidence
        })
        .collect();
    let mut nobody = [0.0; WEIGHTS];
    nobody[LINES + line(facts) as usize] = 1.0;
    all.push(nobody);
    all
}

/// Probability of each, in the order of `evidence`; they sum to 1.
pub(super) fn probabilities(weights: &Weights, evidence: &[Evidence]) -> Vec<f64> {
    let scores: Vec<f64> =
        evidence.iter().map(|e| e.iter().zip(&weights.0).map(|(value, weight)| value * weight).sum()).collect();
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = scores.iter().map(|score| (score - top).exp()).collect();
    let total: f64 = shares.iter().sum();
    shares.iter().map(|share| share / total).collect()
}

/// Probability of each of `facts.members` in their order, then of nobody of them.
pub(super) fn candidates(model: &Model, facts: &CallerFacts, now: DateTime) -> Vec<f64> {
    probabilities(&model.member, &evidence(model, facts, now))
}

/// The likeliest of `callers`, if there is any.
pub(super) fn likeliest(facts: &CallerFacts, callers: &[(&str, f64)]) -> Option<MemberGuess> {
    let (member, (_, p)) = facts.members.iter().zip(callers).max_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b))?;
    Some(MemberGuess { member: member.clone(), p: *p as f32, how: tie(facts, member).how() })
}

/// Whether to ask for the registered number.
pub(super) fn worth_asking(guess: Option<&MemberGuess>) -> bool {
    guess.is_none_or(|guess| f64::from(guess.p) < ASK_BELOW)
}

fn tie(facts: &CallerFacts, member: &Member) -> Tie {
    if member.mobile == facts.phone {
        Tie::OwnMobile
    } else if member.landline == facts.phone {
        Tie::Household
    } else if owner(facts).is_some_and(|o| !o.landline.0.is_empty() && o.landline == member.landline) {
        Tie::Family
    } else {
        Tie::Seen
    }
}

fn owner(facts: &CallerFacts) -> Option<&Member> {
    facts.members.iter().find(|member| member.mobile == facts.phone)
}

fn line(facts: &CallerFacts) -> Line {
    if facts.blacklisted.is_some() {
        Line::Blacklisted
    } else if owner(facts).is_some() {
        Line::Owned
    } else if facts.members.iter().any(|member| member.landline == facts.phone) {
        Line::Home
    } else {
        Line::Unknown
    }
}

/// Learns the weights from past calls: the evidence of each, and which of it was right (the last: nobody).
///
/// Conditional logistic regression with a quadratic pull of one observation towards the defaults, climbed with Rprop
/// (Riedmiller and Braun 1993): steps by sign only, so that no learning rate has to be tuned.
pub(super) fn learn(calls: &[(Vec<Evidence>, usize)]) -> Weights {
    let prior = Weights::default();
    let mut weights = prior;
    let mut step = [0.1; WEIGHTS];
    let mut last = [0.0; WEIGHTS];
    for _ in 0..ROUNDS {
        let mut slope = [0.0; WEIGHTS];
        for (evidence, right) in calls {
            let p = probabilities(&weights, evidence);
            for (i, (evidence, p)) in evidence.iter().zip(&p).enumerate() {
                let pull = if i == *right { 1.0 - p } else { -p };
                for (slope, value) in slope.iter_mut().zip(evidence) {
                    *slope += pull * value;
                }
            }
        }
        for i in 0..WEIGHTS {
            let slope = slope[i] - (weights.0[i] - prior.0[i]);
            let agreement: f64 = slope * last[i];
            if agreement > 0.0 {
                step[i] = f64::min(step[i] * 1.2, 1.0);
            } else if agreement < 0.0 {
                step[i] *= 0.5;
            }
            if slope != 0.0 {
                weights.0[i] += step[i] * slope.signum();
            }
            last[i] = slope;
        }
    }
    weights
}

/// Rprop halves its steps when it overshoots: after so many rounds they are below 0.001 on all data seen.
const ROUNDS: usize = 120;
