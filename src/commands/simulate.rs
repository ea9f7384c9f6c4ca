//! `antevox simulate`: let simulated callers talk to the dialog and report.

use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::sentences::Sentences;
use super::{Outcome, callers};
use crate::dialog::simulated::{self, Profile, Report, SimulatedCall, WordErrors, World};
use crate::dialog::strategy::Strategy;
use crate::identify::Identified;
use crate::server::hotline;

/// Let simulated callers talk to the dialog and report.
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
    #[arg(long, default_value_t = 0.0)]
    word_error_rate: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Draw the funnel and the turns into this SVG file
    #[arg(long)]
    plot: Option<PathBuf>,
}

impl Simulate {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        if !(0.0..=1.0).contains(&self.word_error_rate) {
            return Err(format!("--word-error-rate {} does not lie between 0 and 1", self.word_error_rate).into());
        }
        let profiles = read_callers(&self.callers)?;
        let hotline = hotline::prepare(&self.dialplan, &self.corpus, None, self.sentences.open()?.as_ref())?.hotline;
        let callers = callers::Callers::open(self.data.as_deref())?;
        let mut known = Vec::with_capacity(profiles.len());
        for profile in &profiles {
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
        let calls = self.hold(&world, &mut errors, &profiles, known);
        let report = Report::of(&calls);
        if let Some(path) = &self.plot {
            fs::write(path, report.svg()).map_err(|error| format!("{}: cannot be written: {error}", path.display()))?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            println!("{report}");
        }
        Ok(())
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
