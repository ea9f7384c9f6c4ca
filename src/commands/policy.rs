//! `antevox policy`: learn when to answer, ask and confirm, and use it only where it is better.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use serde::Serialize;
use serde_json::Value;

use super::sentences::Sentences;
use super::simulate::read_callers;
use super::{Outcome, callers};
use crate::call::Hotline;
use crate::dialog::policy::{Decision, Episode, Learner, Policy as Learned, Taken};
use crate::dialog::simulated::{self, Costs, Profile, Report, SimulatedCall, WordErrors, World};
use crate::dialog::strategy::Strategy;
use crate::identify::Identified;
use crate::server::hotline;
use crate::server::store::Store;

/// Every so many callers one is held out, and never learned from.
const HELD_OUT: usize = 3;
/// Word error rates that are learned from in turn, and compared with.
const ERROR_RATES: [f64; 2] = [0.0, 0.1];
/// How often a held-out caller calls with each word error rate.
const REPEATS: u64 = 2;
/// A better mean may be chance; this many standard errors of it are not (one-sided 95 %).
const SURE: f64 = 1.645;

/// Learn when to answer, ask and confirm.
#[derive(Debug, clap::Args)]
pub struct Policy {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, clap::Subcommand)]
enum Job {
    /// Learn from recorded calls and simulated callers; write the strategy if it is better than the dialplan's thresholds.
    Train(Train),
}

#[derive(Debug, clap::Args)]
struct Train {
    /// The dialplan's folder
    #[arg(long)]
    dialplan: PathBuf,
    /// The callers: one JSON object a line; every third is held out
    #[arg(long)]
    callers: PathBuf,
    /// Folder of the store with members, orders, and recorded calls to begin from
    #[arg(long)]
    data: Option<PathBuf>,
    /// More examples: text, tab, scene
    #[arg(long)]
    corpus: Vec<PathBuf>,
    #[command(flatten)]
    sentences: Sentences,
    /// How often every caller calls while it learns
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Chooses what is tried
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the strategy; name it in the dialplan with `policy:`
    #[arg(short, long, value_name = "F.json")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Policy {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        let Job::Train(train) = self.job;
        train.run()
    }
}

impl Train {
    fn run(self) -> Outcome {
        let profiles = read_callers(&self.callers)?;
        if profiles.len() < 2 * HELD_OUT {
            return Err(format!("{}: too few callers to learn from and to compare with", self.callers.display()).into());
        }
        let recorded = match &self.data {
            Some(folder) => recorded(folder)?,
            None => Vec::new(),
        };
        let hotline = hotline::prepare(&self.dialplan, &self.corpus, None, self.sentences.open()?.as_ref())?.hotline;
        let callers = callers::Callers::open(self.data.as_deref())?;
        let school = School::new(&hotline, &callers, profiles)?;
        let policy = Arc::new(self.learn(&school, &recorded));
        let seeds = self.seed.wrapping_add(1_000_000);
        let (default, learned) =
            (school.held_out(&Strategy::Thresholds, seeds), school.held_out(&Strategy::Learned(policy.clone()), seeds));
        let comparison = Comparison::of(&default, &learned, recorded.len());
        if comparison.better {
            let write = |error: io::Error| format!("{}: cannot be written: {error}", self.output.display());
            fs::write(&self.output, policy.to_json()).map_err(write)?;
        }
        match self.json {
            true => println!("{}", serde_json::to_string_pretty(&comparison)?),
            false => comparison.print(&self.output),
        }
        Ok(())
    }

    /// As others did, first; then whatever costs less.
    fn learn(&self, school: &School<'_>, recorded: &[Episode]) -> Learned {
        let mut learner = Learner::new(Learned::default());
        for rate in ERROR_RATES {
            let shown = school.taught(&Strategy::Thresholds, rate, self.seed);
            shown.iter().for_each(|episode| learner.imitate(episode));
        }
        recorded.iter().for_each(|episode| learner.imitate(episode));
        let mut best = (f64::INFINITY, learner.policy().clone());
        for round in 0..self.rounds {
            let seed = self.seed.wrapping_add(u64::from(round) * 7919);
            for rate in ERROR_RATES {
                school.practise(&mut learner, rate, seed.wrapping_add((rate * 100.0) as u64));
            }
            learner.next_round();
            let greedy = Strategy::Learned(Arc::new(learner.policy().clone()));
            let costs = ERROR_RATES.map(|rate| mean_cost(&school.taught(&greedy, rate, self.seed)));
            let cost = costs.iter().sum::<f64>() / costs.len() as f64;
            if cost < best.0 {
                best = (cost, learner.policy().clone());
            }
            eprint!("\rround {} of {}: a call costs {cost:.2} turns, at best {:.2}   ", round + 1, self.rounds, best.0);
        }
        eprintln!();
        best.1
    }
}

fn mean_cost(episodes: &[Episode]) -> f64 {
    episodes.iter().map(|episode| episode.cost).sum::<f64>() / episodes.len().max(1) as f64
}

/// Decisions of the calls in the store that ended well.
fn recorded(folder: &std::path::Path) -> Result<Vec<Episode>, Box<dyn std::error::Error + Send + Sync>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let records = runtime.block_on(async {
        let store = Store::open_existing(folder).await?;
        let records = store.records(None).await?;
        store.close().await;
        Ok::<_, crate::server::store::StoreError>(records)
    })?;
    let episode = |json: &str| {
        let record: Value = serde_json::from_str(json).ok()?;
        let well = record["confirmed"] == true && record["outcome"] != "abandoned";
        let decisions: Vec<Decision> = serde_json::from_value(record["decisions"].clone()).ok()?;
        let taken: Vec<Taken> = decisions.iter().map(Taken::from).collect();
        (well && !taken.is_empty()).then_some(Episode { taken, cost: 0.0 })
    };
    Ok(records.iter().filter_map(|record| episode(&record.json)).collect())
}

/// Where a strategy learns and is examined.
struct School<'a> {
    hotline: &'a Arc<Hotline>,
    callers: &'a callers::Callers,
    /// Who calls, and what is known of them.
    profiles: Vec<(Profile, Identified)>,
}

impl<'a> School<'a> {
    fn new(
        hotline: &'a Arc<Hotline>,
        callers: &'a callers::Callers,
        profiles: Vec<Profile>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let known = |profile: Profile| {
            let identified = callers.identify(&profile.phone.0, profile.at)?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((profile, identified))
        };
        Ok(Self { hotline, callers, profiles: profiles.into_iter().map(known).collect::<Result<_, _>>()? })
    }

    /// Holds the calls of those for whom `takes` says so, and hands each to `then`.
    fn calls(&self, rate: f64, seed: u64, takes: fn(usize) -> bool, mut then: impl FnMut(&mut Hold<'_>, u64)) {
        let by_number = |number: &str, at| self.callers.identify_stated(number, at).unwrap_or_default();
        let world = World {
            plan: self.hotline.plan.clone(),
            identify: &by_number,
            act: &|request| self.callers.act(&self.hotline.plan, request),
            understand: &|heard, expect| self.hotline.understanding.understand(heard, expect),
            clock: &|| Duration::ZERO,
        };
        let mut errors = WordErrors::new(&self.hotline.plan, rate, seed);
        for (at, (profile, identified)) in self.profiles.iter().enumerate().filter(|(at, _)| takes(*at)) {
            then(&mut Hold { world: &world, errors: &mut errors, profile, identified }, seed.wrapping_add(at as u64));
        }
    }

    /// What `strategy` does with the callers who are learned from.
    fn taught(&self, strategy: &Strategy, rate: f64, seed: u64) -> Vec<Episode> {
        let mut episodes = Vec::new();
        self.calls(
            rate,
            seed,
            |at| at % HELD_OUT != 0,
            |hold, seed| {
                episodes.push(episode(&hold.call(strategy.clone(), seed)));
            },
        );
        episodes
    }

    /// One call of each caller who is learned from, and a lesson from each.
    fn practise(&self, learner: &mut Learner, rate: f64, seed: u64) {
        self.calls(
            rate,
            seed,
            |at| at % HELD_OUT != 0,
            |hold, seed| {
                let policy = Arc::new(learner.policy().clone());
                let random = fastrand::Rng::with_seed(seed ^ 0x5eed);
                let tried = episode(&hold.call(Strategy::Exploring(policy.clone(), random), seed));
                let usual = episode(&hold.call(Strategy::Learned(policy), seed));
                learner.learn(&tried, usual.cost);
            },
        );
    }

    /// The calls of those who were held out, the same ones for every strategy.
    fn held_out(&self, strategy: &Strategy, seed: u64) -> Vec<SimulatedCall> {
        let mut calls = Vec::new();
        for rate in ERROR_RATES {
            for repeat in 0..REPEATS {
                let seed = seed.wrapping_add(repeat * 104_729);
                self.calls(
                    rate,
                    seed,
                    |at| at % HELD_OUT == 0,
                    |hold, seed| {
                        calls.push(hold.call(strategy.clone(), seed));
                    },
                );
            }
        }
        calls
    }
}

/// A caller about to call.
struct Hold<'a> {
    world: &'a World<'a>,
    errors: &'a mut WordErrors,
    profile: &'a Profile,
    identified: &'a Identified,
}

impl Hold<'_> {
    fn call(&mut self, strategy: Strategy, seed: u64) -> SimulatedCall {
        simulated::call(self.world, self.errors, self.profile, self.identified.clone(), strategy, seed)
    }
}

fn episode(call: &SimulatedCall) -> Episode {
    Episode { taken: call.taken.clone(), cost: Costs::default().of(call) }
}

/// How a strategy did on the callers who were held out.
#[derive(Debug, Serialize)]
struct Figures {
    cost: f64,
    coverage: f64,
    correct: f64,
    confirmed: f64,
    turns_mean: f64,
    human: f64,
}

impl Figures {
    fn of(calls: &[SimulatedCall]) -> Self {
        let report = Report::of(calls);
        let cost = calls.iter().map(|call| Costs::default().of(call)).sum::<f64>() / calls.len().max(1) as f64;
        let simulated = report.figures;
        Self {
            cost,
            coverage: simulated.coverage,
            correct: simulated.correct,
            confirmed: simulated.confirmed,
            turns_mean: simulated.turns_mean,
            human: report.hand_over.rate,
        }
    }
}

/// The dialplan's thresholds against what was learned.
#[derive(Debug, Serialize)]
struct Comparison {
    recorded_calls: usize,
    held_out_calls: usize,
    thresholds: Figures,
    learned: Figures,
    /// What a call costs less, in turns, and the standard error of that.
    saved: f64,
    standard_error: f64,
    better: bool,
}

impl Comparison {
    fn of(default: &[SimulatedCall], learned: &[SimulatedCall], recorded_calls: usize) -> Self {
        let costs = Costs::default();
        let saved: Vec<f64> = default.iter().zip(learned).map(|(a, b)| costs.of(a) - costs.of(b)).collect();
        let count = saved.len().max(1) as f64;
        let mean = saved.iter().sum::<f64>() / count;
        let variance = saved.iter().map(|saved| (saved - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
        let standard_error = (variance / count).sqrt();
        Self {
            recorded_calls,
            held_out_calls: default.len(),
            thresholds: Figures::of(default),
            learned: Figures::of(learned),
            saved: mean,
            standard_error,
            better: mean > SURE * standard_error,
        }
    }

    fn print(&self, output: &std::path::Path) {
        println!(
            "{:<12} {:>6} {:>9} {:>8} {:>10} {:>6} {:>6}",
            "", "cost", "coverage", "correct", "confirmed", "turns", "human"
        );
        for (name, figures) in [("thresholds", &self.thresholds), ("learned", &self.learned)] {
            let Figures { cost, coverage, correct, confirmed, turns_mean, human } = figures;
            let percent = |share: &f64| format!("{:.1} %", 100.0 * share);
            println!(
                "{name:<12} {cost:>6.2} {:>9} {:>8} {:>10} {turns_mean:>6.2} {:>6}",
                percent(coverage),
                percent(correct),
                percent(confirmed),
                percent(human),
            );
        }
        println!(
            "{} held-out calls, {} recorded ones; a call costs {:.2} ± {:.2} turns less",
            self.held_out_calls, self.recorded_calls, self.saved, self.standard_error
        );
        match self.better {
            true => println!("better: written to {0}; name it in dialplan.yaml: `policy: {0}`", output.display()),
            false => println!("not surely better: nothing was written, the thresholds stay"),
        }
    }
}
