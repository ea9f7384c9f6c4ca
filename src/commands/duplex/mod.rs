//! `antevox duplex`: plays situations of turn-taking with the real ears and voice, in virtual time, and counts what went wrong.

mod case;
mod cost;
pub(super) mod picture;
mod play;
mod report;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::Args;

use super::Outcome;
use crate::audio::FRAME_MS;
use crate::call::Hotline;
use crate::server::hotline;
use crate::speech::asr::RecogniserModel;
use crate::speech::asr::pocketsphinx::{Model, model_name};
use crate::speech::tts::{ClauseCache, Mouth, Voice};
use case::Case;
use play::{Played, Stage};
use report::Report;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Sound that the voices may keep \[bytes\].
const CACHE: usize = 32 << 20;

/// Measure turn-taking on situations with the real engines, in virtual time.
#[derive(Debug, Args)]
pub struct DuplexBench {
    /// The cases, one JSON object a line.
    manifest: PathBuf,
    /// Where the acoustic models are.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// What callers may say: for the recogniser, and to know when they have said it.
    #[arg(long, default_value = "dialplans/hotline-en")]
    dialplan: PathBuf,
    /// Play only cases whose name begins so.
    #[arg(long, default_value = "")]
    only: String,
    /// Write timelines of the cases whose names are given, or of a typical case of each sort, and the distributions, as SVG into this folder.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Cases for which to write a timeline.
    #[arg(long, value_name = "ID", requires = "plots")]
    timeline: Vec<String>,
    /// Write what was heard of each case, frame by frame, as CSV into this folder.
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
    /// How many cases to play at once.
    #[arg(long, default_value_t = default_jobs())]
    jobs: usize,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

fn default_jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl DuplexBench {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        let mut cases = case::read(&self.manifest)?;
        cases.retain(|case| case.id.starts_with(&self.only));
        let hotline = hotline::prepare(&self.dialplan, &[], None, None)?;
        let model = Model::load(&self.models.join(model_name(hotline.material.lang)), &hotline.material)?;
        let played = self.play(&cases, &model, &hotline.hotline)?;
        let mut report = Report::default();
        for (case, played) in cases.iter().zip(&played) {
            report.add(case, played);
        }
        if let Some(folder) = &self.plots {
            self.draw(folder, &cases, &played, &report)?;
        }
        if let Some(folder) = &self.trace {
            for (case, played) in cases.iter().zip(&played) {
                write(folder, &format!("{}.csv", case.id), &trace(played))?;
            }
        }
        if self.json {
            println!("{}", report.to_json())
        } else {
            print!("{report}")
        }
        Ok(())
    }

    /// Plays all cases, several at a time.
    fn play(&self, cases: &[Case], model: &Model, hotline: &Arc<Hotline>) -> Result<Vec<Played>, Failure> {
        let (next, cache) = (AtomicUsize::new(0), Arc::new(ClauseCache::new(CACHE)));
        let results: Mutex<Vec<(usize, Result<Played, String>)>> = Mutex::default();
        thread::scope(|scope| -> Result<(), Failure> {
            for _ in 0..self.jobs.clamp(1, cases.len().max(1)) {
                let mouth = Mouth::new(cache.clone());
                let mut stage = Stage::new(hotline.clone(), model.recogniser()?, mouth, Voice::default());
                let (next, results) = (&next, &results);
                scope.spawn(move || {
                    while let number = next.fetch_add(1, Ordering::Relaxed)
                        && let Some(case) = cases.get(number)
                    {
                        let result = stage.play(case);
                        results.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
                        show_progress(number + 1, cases.len());
                    }
                });
            }
            Ok(())
        })?;
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(number, _)| *number);
        Ok(results.into_iter().map(|(_, result)| result).collect::<Result<_, _>>()?)
    }

    fn draw(&self, folder: &Path, cases: &[Case], played: &[Played], report: &Report) -> Result<(), String> {
        let mut drawn = Vec::new();
        let wanted = cases.iter().zip(played).filter(|(case, _)| match self.timeline.as_slice() {
            [] => {
                let is_new = !drawn.contains(&case.sort());
                drawn.push(case.sort());
                is_new
            }
            named => named.contains(&case.id),
        });
        write(folder, "timelines.svg", &picture::timelines(&wanted.collect::<Vec<_>>()))?;
        write(folder, "latencies.svg", &picture::distributions(&report.times()))
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = folder.join(name);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// What was heard in each frame: its end \[ms\], level \[dBov\], probability of speech, whether it counts as such, share of our
/// own voice, level of what the caller heard, and the loudest of it lately \[dBov\], and the text when it changed.
fn trace(played: &Played) -> String {
    let mut csv = "ms,level,probability,speech,echo,said,played,whole,words\n".to_owned();
    for (i, (sound, said)) in played.frames.iter().enumerate() {
        let ms = (i as u64 + 1) * FRAME_MS;
        let partial = played.words.iter().rfind(|partial| partial.at == ms);
        let words = partial.map_or_else(|| ",".to_owned(), |partial| format!("{:.3},{}", partial.whole, partial.text));
        let (level, probability, speech, echo) = (sound.level, sound.probability, u8::from(sound.speech), sound.echo);
        let played = sound.played;
        csv += &format!("{ms},{level:.3},{probability:.4},{speech},{echo:.3},{said:.1},{played:.1},{words}\n");
    }
    csv
}

fn show_progress(done: usize, all: usize) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(terminal, "\r{done} of {all} cases{}", if done == all { "\n" } else { "" });
    }
}
