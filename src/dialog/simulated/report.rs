//! What is counted over all simulated calls, and the worst of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{End, Kind, SimulatedCall};

/// Calls shown in full.
const WORST: usize = 10;

/// The figures of a simulation. Callers who want a human or something off topic are counted apart.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// All callers.
    pub callers: usize,
    /// The figures over callers with a problem that the hotline knows.
    #[serde(flatten)]
    pub figures: Figures,
    /// Calls to a human, and why.
    pub hand_over: HandOver,
    /// Calls that went nowhere, of all callers.
    pub dead_ends: usize,
    /// Calls with the same prompt twice in a row, of all callers.
    pub repeated_prompts: usize,
    /// The same by main scene.
    pub by_main_scene: BTreeMap<String, Group>,
    /// The same by kind of caller.
    pub by_kind: BTreeMap<Kind, Group>,
    /// Callers who want a human.
    pub wants_agent: ToHuman,
    /// Callers who want something off topic.
    pub out_of_scope: ToHuman,
    /// How long the dialog took to decide \[ms\], where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_ms: Option<DecisionTime>,
    /// Transcripts of the worst calls.
    pub worst: Vec<WorstCall>,
}

/// Everything over some of the calls.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Group {
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Calls to a human, and why.
    pub hand_over: HandOver,
    /// Calls that went nowhere.
    pub dead_ends: usize,
}

/// Figures over a set of calls; shares are 0–1.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Calls counted.
    pub calls: usize,
    /// A problem was identified.
    pub coverage: f64,
    /// Of those, the true one.
    pub correct: f64,
    /// The caller said yes to the stated problem.
    pub confirmed: f64,
    /// Caller utterances until the problem stood.
    pub turns_mean: f64,
    /// How many calls took how many.
    pub turns: BTreeMap<u32, usize>,
    /// The guess in the greeting.
    pub guess: GuessFigures,
    /// Words that the caller had to say.
    pub words_mean: f64,
    /// The caller gave up.
    pub abandoned: f64,
}

/// How guesses did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GuessFigures {
    /// Calls in which one was spoken.
    pub coverage: f64,
    /// Of those, right ones.
    pub precision: f64,
}

/// Calls to a human.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HandOver {
    /// Share of the calls.
    pub rate: f64,
    /// How often for which reason.
    pub why: BTreeMap<Cow<'static, str>, usize>,
}

/// Callers who should reach a human.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ToHuman {
    /// How many.
    pub calls: usize,
    /// Share who reached one.
    pub human: f64,
    /// Share who reached one at most one turn after asking (who never asked counts from the first turn).
    pub within_one_turn: f64,
    /// Caller utterances until then.
    pub turns_mean: f64,
}

/// Decision times \[ms\].
#[derive(Clone, Debug, Default, Serialize)]
pub struct DecisionTime {
    /// Median.
    pub p50: f64,
    /// All but one in a hundred are quicker.
    pub p99: f64,
}

/// One call in full.
#[derive(Clone, Debug, Serialize)]
pub struct WorstCall {
    /// Name of the call.
    pub call_id: String,
    /// Kind of caller.
    pub kind: Kind,
    /// The true problem.
    pub truth: String,
    /// The problem that stood.
    pub found: Option<String>,
    /// How it ended.
    pub end: End,
    /// Who said what.
    pub transcript: Vec<String>,
}

impl Report {
    /// Counts.
    pub fn of(calls: &[SimulatedCall]) -> Self {
        let of_kind = |kind: Kind| calls.iter().filter(move |call| call.profile.kind == kind);
        let counted: Vec<&SimulatedCall> = of_kind(Kind::Plain).chain(of_kind(Kind::Vague)).collect();
        let mut mains: BTreeMap<String, Vec<&SimulatedCall>> = BTreeMap::new();
        let mut kinds: BTreeMap<Kind, Vec<&SimulatedCall>> = BTreeMap::new();
        for &call in &counted {
            mains.entry(call.profile.main_scene.to_string()).or_default().push(call);
            kinds.entry(call.profile.kind).or_default().push(call);
        }
        Self {
            callers: calls.len(),
            hand_over: HandOver::of(&counted),
            dead_ends: dead_ends(calls),
            repeated_prompts: calls.iter().filter(|call| call.repeated).count(),
            by_main_scene: mains.into_iter().map(|(main, calls)| (main, Group::of(&calls))).collect(),
            by_kind: kinds.into_iter().map(|(kind, calls)| (kind, Group::of(&calls))).collect(),
            wants_agent: ToHuman::of(of_kind(Kind::WantsAgent)),
            out_of_scope: ToHuman::of(of_kind(Kind::OutOfScope)),
            decision_ms: DecisionTime::of(calls),
            worst: worst(calls),
            figures: Figures::of(&counted),
        }
    }
}

impl Group {
    fn of(calls: &[&SimulatedCall]) -> Self {
        Self {
            figures: Figures::of(calls),
            hand_over: HandOver::of(calls),
            dead_ends: dead_ends(calls.iter().copied()),
        }
    }
}

fn dead_ends<'a>(calls: impl IntoIterator<Item = &'a SimulatedCall>) -> usize {
    calls.into_iter().filter(|call| call.end == End::DeadEnd).count()
}

impl Figures {
    fn of(calls: &[&SimulatedCall]) -> Self {
        let found: Vec<_> = calls.iter().filter(|call| call.progress.scene.is_some()).collect();
        let guessed: Vec<_> = calls.iter().filter(|call| call.progress.guess.is_some()).collect();
        let is_true = |call: &SimulatedCall| call.progress.scene.as_ref() == Some(&call.profile.scene);
        let mut turns = BTreeMap::new();
        for call in &found {
            *turns.entry(call.progress.turns).or_insert(0) += 1;
        }
        Self {
            calls: calls.len(),
            coverage: share(found.len(), calls.len()),
            correct: share(found.iter().filter(|call| is_true(call)).count(), found.len()),
            confirmed: share(calls.iter().filter(|call| call.progress.confirmed).count(), calls.len()),
            turns_mean: mean(found.iter().map(|call| f64::from(call.progress.turns))),
            turns,
            guess: GuessFigures {
                coverage: share(guessed.len(), calls.len()),
                precision: share(
                    guessed.iter().filter(|call| call.progress.guess.as_ref() == Some(&call.profile.scene)).count(),
                    guessed.len(),
                ),
            },
            words_mean: mean(calls.iter().map(|call| call.words as f64)),
            abandoned: share(calls.iter().filter(|call| call.end == End::Abandoned).count(), calls.len()),
        }
    }
}

impl HandOver {
    fn of(calls: &[&SimulatedCall]) -> Self {
        let mut why = BTreeMap::new();
        for call in calls {
            if let End::Human(reason) = &call.end {
                *why.entry(reason.clone()).or_insert(0) += 1;
            }
        }
        Self { rate: share(why.values().sum(), calls.len()), why }
    }
}

impl ToHuman {
    fn of<'a>(calls: impl Iterator<Item = &'a SimulatedCall>) -> Self {
        let calls: Vec<_> = calls.collect();
        let reached: Vec<_> = calls.iter().filter(|call| matches!(call.end, End::Human(_))).collect();
        let quick = |call: &SimulatedCall| call.turns_after_asking.unwrap_or(call.turns.saturating_sub(1)) <= 1;
        Self {
            calls: calls.len(),
            human: share(reached.len(), calls.len()),
            within_one_turn: share(reached.iter().filter(|call| quick(call)).count(), calls.len()),
            turns_mean: mean(reached.iter().map(|call| f64::from(call.turns))),
        }
    }
}

impl DecisionTime {
    fn of(calls: &[SimulatedCall]) -> Option<Self> {
        let mut times: Vec<Duration> = calls.iter().flat_map(|call| call.decisions.iter().copied()).collect();
        if times.is_empty() {
            return None;
        }
        times.sort_unstable();
        let at = |share: f64| {
            let at = (times.len() as f64 * share) as usize;
            times.get(at.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
        };
        Some(Self { p50: at(0.5), p99: at(0.99) })
    }
}

/// The calls that went least well: dead ends, wrong problems, none, then the longest.
fn worst(calls: &[SimulatedCall]) -> Vec<WorstCall> {
    let badness = |call: &&SimulatedCall| {
        let with_problem = matches!(call.profile.kind, Kind::Plain | Kind::Vague);
        let wrong = call.progress.scene.as_ref().is_some_and(|scene| *scene != call.profile.scene);
        let kind = match &call.end {
            End::DeadEnd => 4,
            _ if with_problem && wrong => 3,
            _ if with_problem && call.progress.scene.is_none() => 2,
            _ => 1,
        };
        std::cmp::Reverse((kind, call.turns))
    };
    let mut sorted: Vec<&SimulatedCall> = calls.iter().collect();
    sorted.sort_by_key(badness);
    sorted.into_iter().take(WORST).map(WorstCall::of).collect()
}

impl WorstCall {
    fn of(call: &SimulatedCall) -> Self {
        Self {
            call_id: call.profile.call_id.clone(),
            kind: call.profile.kind,
            truth: call.profile.scene.to_string(),
            found: call.progress.scene.as_ref().map(ToString::to_string),
            end: call.end.clone(),
            transcript: call.transcript.clone(),
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22} {:>6} {:>9} {:>8} {:>10} {:>6} {:>11} {:>11} {:>8} {:>6}",
            "", "calls", "coverage", "correct", "confirmed", "turns", "guess cov.", "guess prec.", "human", "words"
        )?;
        row(f, "all", &self.figures, self.hand_over.rate)?;
        for (kind, group) in &self.by_kind {
            row(f, if *kind == Kind::Plain { "  plain" } else { "  vague" }, &group.figures, group.hand_over.rate)?;
        }
        for (main, group) in &self.by_main_scene {
            row(f, &format!("  {main}"), &group.figures, group.hand_over.rate)?;
        }
        writeln!(f, "\nturns until the problem stands: {:?}", self.figures.turns)?;
        writeln!(f, "to a human: {:.1} % {:?}", 100.0 * self.hand_over.rate, self.hand_over.why)?;
        writeln!(f, "given up: {:.1} %, words said: {:.1}", 100.0 * self.figures.abandoned, self.figures.words_mean)?;
        for (name, group) in [("wants a human", &self.wants_agent), ("off topic", &self.out_of_scope)] {
            writeln!(
                f,
                "{name}: {} calls, {:.1} % reached one, {:.1} % within one turn, {:.2} turns",
                group.calls,
                100.0 * group.human,
                100.0 * group.within_one_turn,
                group.turns_mean
            )?;
        }
        write!(f, "dead ends: {}, same prompt twice: {}", self.dead_ends, self.repeated_prompts)?;
        match &self.decision_ms {
            Some(times) => write!(f, "\ndecision: p50 {:.3} ms, p99 {:.3} ms", times.p50, times.p99),
            None => Ok(()),
        }
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, figures: &Figures, human: f64) -> fmt::Result {
    let Figures { calls, coverage, correct, confirmed, turns_mean, guess, words_mean, .. } = figures;
    let percent = |share: &f64| format!("{:.1} %", 100.0 * share);
    writeln!(
        f,
        "{name:<22} {calls:>6} {:>9} {:>8} {:>10} {turns_mean:>6.2} {:>11} {:>11} {:>8} {words_mean:>6.1}",
        percent(coverage),
        percent(correct),
        percent(confirmed),
        percent(&guess.coverage),
        percent(&guess.precision),
        percent(&human)
    )
}
