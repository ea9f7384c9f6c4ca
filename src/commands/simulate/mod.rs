//! `antevox simulate`: let simulated callers talk to the dialog and report.
//!
//! ```text
//! callers.jsonl ─┬─ text ──► Dialog (dialog::simulated) ──────────┬─► Report ─► table, JSON, picture
//!                └─ --audio ► telephone ─► server (audio, talk) ──┘     └► Speech
//! ```

mod audio;
mod speech;
mod talk;

use std::fmt::Display;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::sentences::Sentences;
use super::{Outcome, callers};
use crate::config::HotlineSettings;
use crate::dialog::simulated::{self, Profile, Report, SimulatedCall, WordErrors, World};
use crate::dialog::strategy::Strategy;
use crate::identify::Identified;
use crate::server::hotline;
use crate::speech::tts::Voice;
use audio::{Spoken, Wanted};
use speech::Speech;

/// Callers taken by `--audio` where no number is given: spoken calls take as long as calls do.
const SPOKEN_CALLS: usize = 20;

/// Let simulated callers talk to the dialog and report.
///
/// With --audio they call: synthesised voices, SIP and RTP over loopback, and a server in this process that works on a copy
/// of the store. Its prompts and the timing then vary from run to run, whatever the seed.
#[derive(Debug, clap::Args)]
pub struct Simulate {
    /// The dialplan's folder
    #[arg(long)]
    dialplan: PathBuf,
    /// The callers: one JSON object a line
    #[arg(long)]
    callers: PathBuf,
    /// Folder of the store with members and orders
    #[arg(long)]
    data: Option<PathBuf>,
    /// More examples: text, tab, scene
    #[arg(long)]
    corpus: Vec<PathBuf>,
    #[command(flatten)]
    sentences: Sentences,
    /// Chooses the callers' moods, the recogniser's errors and the variants of prompts
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of the words that are misheard, 0–1
    #[arg(long, default_value_t = 0.0, conflicts_with = "audio")]
    word_error_rate: f64,
    /// Take this many of the callers, spread evenly over the file [default: all, with --audio 20]
    #[arg(long, value_name = "N")]
    calls: Option<NonZeroUsize>,
    /// Hold the calls by voice: synthesis, telephone line, recognition
    #[arg(long)]
    audio: bool,
    /// Spoken calls at the same time
    #[arg(long, value_name = "N", default_value_t = 2, requires = "audio", value_parser = clap::value_parser!(u8).range(1..=60))]
    parallel: u8,
    /// The callers' voices in turn, parted by commas [default: those made from recordings, but not the hotline's]
    #[arg(long, value_name = "VOICE", requires = "audio", value_delimiter = ',')]
    voices: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Draw the funnel and the turns into this SVG file
    #[arg(long)]
    plot: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Simulate {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        if !(0.0..=1.0).contains(&self.word_error_rate) {
            return Err(format!("--word-error-rate {} does not lie between 0 and 1", self.word_error_rate).into());
        }
        let calls = self.calls.map_or(if self.audio { SPOKEN_CALLS } else { usize::MAX }, NonZeroUsize::get);
        let mut profiles = spread(read_callers(&self.callers)?, calls);
        let store = callers::Callers::open(self.data.as_deref())?;
        for profile in &mut profiles {
            // People know when they were born, the file does not.
            let own = store.identify_stated(&profile.mobile.0, profile.at)?.member.map(|guess| guess.member);
            let own = own.filter(|member| member.mobile == profile.mobile).map(|member| member.birth_year);
            profile.birth_year = profile.birth_year.or(own);
        }
        drop(store);
        if !self.audio {
            let report = Report::of(&self.typed(&profiles)?);
            return self.show(&report, &report);
        }
        let Spoken { calls, lang } = audio::hold(self.wanted()?, profiles)?;
        let speech = Speech::of(calls.iter().map(|(voice, held)| (*voice, held)), lang);
        let calls: Vec<_> = calls.into_iter().map(|(_, held)| held.call).collect();
        let heard = Heard { report: Report::of(&calls), speech };
        self.show(&heard.report, &heard)
    }

    /// Prints `all`, and draws the picture of `report`.
    fn show(&self, report: &Report, all: &(impl Serialize + Display)) -> Outcome {
        if let Some(path) = &self.plot {
            fs::write(path, report.svg()).map_err(|error| format!("{}: cannot be written: {error}", path.display()))?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(all)?);
        } else {
            println!("{all}");
        }
        Ok(())
    }

    fn wanted(&self) -> Result<Wanted<'_>, Failure> {
        let hotline = HotlineSettings { dialplan: self.dialplan.clone(), agents: None, corpus: self.corpus.clone() };
        let voices = self.voices.iter().map(|name| name.parse()).collect::<Result<Vec<Voice>, _>>()?;
        let (data, parallel) = (self.data.as_deref(), usize::from(self.parallel));
        Ok(Wanted { hotline, data, seed: self.seed, parallel, voices })
    }

    /// The calls in text.
    fn typed(&self, profiles: &[Profile]) -> Result<Vec<SimulatedCall>, Failure> {
        let hotline = hotline::prepare(&self.dialplan, &self.corpus, None, self.sentences.open()?.as_ref())?.hotline;
        let callers = callers::Callers::open(self.data.as_deref())?;
        let mut known = Vec::with_capacity(profiles.len());
        for profile in profiles {
            known.push(callers.identify(&profile.phone.0, profile.at)?);
        }
        // A number that is stated in the call is looked up then; a store that fails meanwhile knows nobody.
        let by_number = |number: &str, at| callers.identify_stated(number, at).unwrap_or_default();
        let mut errors = WordErrors::new(&hotline.plan, self.word_error_rate, self.seed);
        #[expect(clippy::disallowed_methods, reason = "a command may read the clock")]
        let began = Instant::now();
        let world = World {
            plan: hotline.plan.clone(),
            identify: &by_number,
            act: &|request| callers.act(&hotline.plan, request),
            understand: &|heard, expect| hotline.understanding.understand(heard, expect),
            clock: &|| began.elapsed(),
        };
        Ok(self.hold(&world, &mut errors, profiles, known))
    }

    fn hold(
        &self,
        world: &World<'_>,
        errors: &mut WordErrors,
        profiles: &[Profile],
        known: Vec<Identified>,
    ) -> Vec<SimulatedCall> {
        let watched = stderr().is_terminal();
        let mut calls = Vec::with_capacity(profiles.len());
        for (i, (profile, identified)) in profiles.iter().zip(known).enumerate() {
            let seed = self.seed.wrapping_add(i as u64);
            calls.push(simulated::call(world, errors, profile, identified, Strategy::Plan, seed));
            if watched && (i + 1) % 100 == 0 {
                eprint!("\r{} of {} calls", i + 1, profiles.len());
            }
        }
        if watched {
            eprintln!();
        }
        calls
    }
}

/// The report of spoken calls.
#[derive(Serialize)]
struct Heard {
    #[serde(flatten)]
    report: Report,
    speech: Speech,
}

impl Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}", self.report, self.speech)
    }
}

/// `count` of the callers, or all if there are no more, as far apart as they can be.
fn spread<T>(callers: Vec<T>, count: usize) -> Vec<T> {
    let all = callers.len();
    if count >= all {
        return callers;
    }
    // The first of each of `count` equal parts.
    callers.into_iter().enumerate().filter(|(at, _)| at * count % all < count).map(|(_, caller)| caller).collect()
}

/// Reads a callers file.
pub(super) fn read_callers(path: &Path) -> Result<Vec<Profile>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: cannot be read: {error}", path.display()))?;
    let mut profiles = Vec::new();
    for (line, row) in (1..).zip(text.lines()).filter(|(_, row)| !row.trim().is_empty()) {
        let profile = serde_json::from_str::<Profile>(row).map_err(|error| {
            format!("{}:{line}:{}: {error}: write one caller a line", path.display(), error.column())
        })?;
        profiles.push(profile);
    }
    if profiles.is_empty() {
        return Err(format!("{}: no callers in it: write one JSON object a line", path.display()));
    }
    Ok(profiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_callers_stand_for_all() {
        for (all, count) in [(918, 20), (10, 3), (7, 7), (5, 9), (3, 1)] {
            let taken = spread((0..all).collect(), count);
            assert_eq!(taken.len(), count.min(all));
            let gaps: Vec<_> = taken.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.iter().all(|gap| (all / count..=all / count + 1).contains(gap)) || count > all, "{gaps:?}");
        }
        assert!(spread(vec![1, 2], 0).is_empty());
    }
}
