//! The hotline that the next call gets: read again when its files change.
//!
//! ```text
//! files ─ every 2 s ─► changed, and quiet again? ─► prepare ─► Editions::offer ─► HotlineShelf::current ─► the next call
//!                                                                    └─► log, /health, /metrics
//! ```
//!
//! Calls that are up keep theirs. The recogniser's language model and the voice are those of the start: words that are new in
//! an edition are recognised better after the next one, and its prompts are rendered ahead at once.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::hotline::{self, HotlineError, Prepared};
use super::{dialplan_files, learned, sounds};
use crate::call::Hotline;
use crate::dialog::dialplan::Editions;
use crate::nlu::Understanding;
use crate::nlu::minilm::Encoder;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Where a hotline comes from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The dialplan's folder.
    pub folder: PathBuf,
    /// Corpora besides those that the dialplan names.
    pub more: Vec<PathBuf>,
    /// Where the humans of all queues are reached, instead of where the dialplan says.
    pub agents: Option<SocketAddr>,
    /// What looks at the meaning of sentences, if anything.
    pub encoder: Option<Arc<Encoder>>,
    /// Where what was learned with it is kept.
    pub learned: PathBuf,
}

impl Source {
    /// Reads it all, and learns from it where that was not done before.
    ///
    /// # Errors
    /// [`HotlineError`]; warnings are logged.
    pub fn prepare(&self) -> Result<Prepared, HotlineError> {
        let read = hotline::read(&self.folder, &self.more, self.agents)?;
        let understanding = match &self.encoder {
            None => Understanding::train(&read.examples, None)?,
            Some(encoder) => match learned::recall(&self.learned, &read.examples, encoder) {
                Some(recalled) => recalled,
                None => learned::learn(&self.learned, &read.examples, encoder)?,
            },
        };
        Ok(read.understood(understanding))
    }

    /// The same in a few seconds at most: what would take longer to learn is left out, which is told by `false`.
    ///
    /// # Errors
    /// [`HotlineError`]; warnings are logged.
    pub fn prepare_quickly(&self) -> Result<(Prepared, bool), HotlineError> {
        let read = hotline::read(&self.folder, &self.more, self.agents)?;
        let recalled = self.encoder.as_ref().map(|encoder| learned::recall(&self.learned, &read.examples, encoder));
        let is_complete = !matches!(recalled, Some(None));
        let understanding = match recalled.flatten() {
            Some(recalled) => recalled,
            None => Understanding::train(&read.examples, None)?,
        };
        Ok((read.understood(understanding), is_complete))
    }
}

/// Hands out the hotline that serves.
pub struct HotlineShelf {
    source: Source,
    // Held for a few lines, never across an await.
    editions: RwLock<Editions<Hotline>>,
    /// The one that serves, for who waits for the next.
    served: watch::Sender<Arc<Hotline>>,
    /// Whether the first edition is all that can be learned from its files.
    is_complete: bool,
}

/// What serves, for `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Serving {
    /// Number of the edition in service, from 1.
    pub edition: u32,
    /// Why the files' present state is not in service; `null` when it is.
    pub refused: Option<String>,
}

/// When each file was last written, and its length [bytes]; `None` for one that is not there.
type Stamp = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl HotlineShelf {
    /// A shelf with what was made from `source`; where that is not complete, the rest is learned while it serves.
    pub fn new(source: Source, first: Arc<Hotline>, is_complete: bool) -> Self {
        let served = watch::Sender::new(first.clone());
        Self { source, editions: RwLock::new(Editions::new(first)), served, is_complete }
    }

    /// What the next call gets.
    pub fn current(&self) -> Arc<Hotline> {
        self.editions.read().unwrap_or_else(PoisonError::into_inner).serving().clone()
    }

    /// What serves, and what will.
    pub fn served(&self) -> watch::Receiver<Arc<Hotline>> {
        self.served.subscribe()
    }

    /// What serves, and whether that is what the files say.
    pub fn serving(&self) -> Serving {
        let editions = self.editions.read().unwrap_or_else(PoisonError::into_inner);
        Serving { edition: editions.number(), refused: editions.refused().map(str::to_owned) }
    }

    /// Looks at the files until `closing`, and takes what they say into service when they have changed.
    pub async fn watch(self: Arc<Self>, closing: CancellationToken) {
        let mut served = self.stamp();
        let mut last = served.clone();
        if !self.is_complete {
            tracing::info!("callers are understood by words alone until the sentence model has learned the examples");
            self.reload_aside().await;
        }
        let mut clock = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                _ = clock.tick() => {}
            }
            let stamp = self.stamp();
            // Whoever writes several files is given the time to finish.
            let is_quiet = stamp == last;
            last.clone_from(&stamp);
            if stamp == served || !is_quiet {
                continue;
            }
            served = stamp;
            self.reload_aside().await;
        }
    }

    /// Learning takes seconds of computing: not on a thread that serves sockets.
    async fn reload_aside(self: &Arc<Self>) {
        let shelf = self.clone();
        if let Err(panicked) = tokio::task::spawn_blocking(move || shelf.reload()).await {
            tracing::error!(%panicked, "the dialplan could not be read again");
        }
    }

    /// Reads the files again. What does not pass the check leaves the old edition in service, and says so.
    pub fn reload(&self) -> bool {
        let made = self.prepare();
        let refused = made.as_ref().err().cloned();
        let (taken, edition) = {
            let mut editions = self.editions.write().unwrap_or_else(PoisonError::into_inner);
            (editions.offer(made), editions.number())
        };
        if taken {
            self.served.send_replace(self.current());
        }
        let outcome = if taken { "taken" } else { "refused" };
        metrics::counter!("antevox_dialplan_reloads_total", "outcome" => outcome).increment(1);
        let folder = self.source.folder.display();
        match refused {
            None => tracing::info!(%folder, edition, "what was read and learned serves from the next call on"),
            Some(why) => {
                tracing::error!(%folder, edition, "the changed dialplan is not taken, the old one stays: {why}")
            }
        }
        taken
    }

    fn prepare(&self) -> Result<Arc<Hotline>, String> {
        let prepared = self.source.prepare().map_err(|error| error.to_string())?;
        let serving = self.current();
        prepared.hotline.plan.can_replace(&serving.plan).map_err(|misfit| misfit.to_string())?;
        Ok(prepared.hotline)
    }

    /// The state of everything that [`Self::prepare`] reads.
    fn stamp(&self) -> Stamp {
        let (hotline, folder) = (self.current(), &self.source.folder);
        let plan = &hotline.plan;
        let named = plan.corpora.iter().chain(&plan.policy_file).map(|path| folder.join(path));
        let named = named.chain(sounds::files(plan, folder)).chain(self.source.more.iter().cloned());
        dialplan_files::files(folder).into_iter().chain(named).map(|path| state(&path)).collect()
    }
}

fn state(path: &Path) -> (PathBuf, Option<(SystemTime, u64)>) {
    let written = std::fs::metadata(path).and_then(|found| Ok((found.modified()?, found.len())));
    (path.to_owned(), written.ok())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A small dialplan in a folder of its own: the first two scene files of a real one.
    fn folder() -> tempfile::TempDir {
        let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/hotline-en");
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("scenes")).unwrap();
        for file in ["dialplan.yaml", "scenes/cash.yaml", "scenes/exchange.yaml"] {
            fs::copy(real.join(file), folder.path().join(file)).unwrap();
        }
        folder
    }

    fn shelf(folder: &Path) -> HotlineShelf {
        let learned = folder.join(learned::FILE);
        let source = Source { folder: folder.to_owned(), more: Vec::new(), agents: None, encoder: None, learned };
        let (first, is_complete) = source.prepare_quickly().unwrap();
        HotlineShelf::new(source, first.hotline, is_complete)
    }

    fn change(folder: &Path, from: &str, to: &str) {
        let path = folder.join("dialplan.yaml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    #[test]
    fn a_good_change_serves_the_next_call_and_a_bad_one_does_not() {
        let folder = folder();
        let shelf = shelf(folder.path());
        let call_that_is_up = shelf.current();
        let before = shelf.stamp();

        change(folder.path(), "Does that help you?", "Does that help you at all?");
        assert_ne!(shelf.stamp(), before, "a change is seen");
        assert!(shelf.reload());
        assert_eq!(shelf.serving(), Serving { edition: 2, refused: None });
        assert!(!Arc::ptr_eq(&shelf.current(), &call_that_is_up));

        let good = shelf.current();
        change(folder.path(), "default_queue: general", "default_queue: nobody");
        assert!(!shelf.reload());
        let serving = shelf.serving();
        assert_eq!(serving.edition, 2);
        let why = serving.refused.unwrap();
        assert!(why.contains("dialplan.yaml:") && why.contains("nobody"), "{why}");
        assert!(Arc::ptr_eq(&shelf.current(), &good), "the old one stays");

        change(folder.path(), "default_queue: nobody", "default_queue: general");
        assert!(shelf.reload());
        assert_eq!(shelf.serving(), Serving { edition: 3, refused: None });
    }

    #[test]
    fn another_voice_needs_another_start() {
        let folder = folder();
        let shelf = shelf(folder.path());
        change(folder.path(), "voice: slt", "voice: rms");
        assert!(!shelf.reload());
        assert!(shelf.serving().refused.unwrap().contains("voice"));
    }
}
