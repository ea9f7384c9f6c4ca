//! Renders what everybody hears before anybody does: at the start, and again when another edition of the dialplan serves.

#![allow(clippy::disallowed_methods, reason = "the edge reads the clock")]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::call::Hotline;
use crate::speech::tts::{Mouth, Voice};

/// A server that closes waits no longer than this for the prompt that is being rendered to be rested from.
const LONGEST_REST: Duration = Duration::from_secs(2);
/// Callers come first: it rests so many times as long as it works.
const REST: u32 = 4;

/// Renders prompts ahead.
pub(super) struct Rendering {
    mouth: Mouth,
    voice: Voice,
    rest: u32,
    /// What is there already.
    rendered: HashSet<String>,
}

impl Rendering {
    /// Renders with `mouth`, whose cache keeps it.
    pub(super) fn new(mouth: Mouth, voice: Voice) -> Self {
        Self { mouth, voice, rest: REST, rendered: HashSet::new() }
    }

    /// Renders the prompts of each edition that serves, until `closing`.
    pub(super) async fn keep_up(mut self, mut serving: watch::Receiver<Arc<Hotline>>, closing: CancellationToken) {
        loop {
            let hotline = serving.borrow_and_update().clone();
            let (closing_too, newer) = (closing.clone(), serving.clone());
            let work = move || {
                let stale = || closing_too.is_cancelled() || newer.has_changed().unwrap_or(true);
                self.render(&hotline, &stale);
                self
            };
            self = match tokio::task::spawn_blocking(work).await {
                Ok(rendering) => rendering,
                Err(panicked) => {
                    tracing::error!(%panicked, "prompts are not rendered ahead any more");
                    return;
                }
            };
            tokio::select! {
                () = closing.cancelled() => return,
                changed = serving.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Renders one after the other, until all are there or `stale` says that they are not wanted.
    fn render(&mut self, hotline: &Hotline, stale: &dyn Fn() -> bool) {
        self.mouth.use_recordings(hotline.recordings.clone());
        let mut texts = hotline.plan.fixed_prompts();
        texts.retain(|text| !self.rendered.contains(text));
        let prompts = texts.len();
        for text in texts {
            if stale() {
                return;
            }
            let begun = Instant::now();
            if let Err(error) = self.mouth.prepare(&self.voice, &text) {
                tracing::warn!(%error, "a prompt of the dialplan cannot be rendered");
            }
            self.rendered.insert(text);
            std::thread::sleep((self.rest * begun.elapsed()).min(LONGEST_REST));
        }
        tracing::info!(prompts, "what everybody hears is rendered");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::server::engines::prompt_store::PromptStore;
    use crate::server::hotline;
    use crate::speech::tts::ClauseCache;

    /// The hotline of a small dialplan with `answer` in it.
    fn edition(answer: &str) -> Arc<Hotline> {
        let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/hotline-en");
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("scenes")).unwrap();
        for file in ["dialplan.yaml", "scenes/cash.yaml"] {
            std::fs::copy(real.join(file), folder.path().join(file)).unwrap();
        }
        let mut prepared = hotline::prepare(folder.path(), &[], None, None).unwrap();
        let hotline = Arc::get_mut(&mut prepared.hotline).unwrap();
        let plan = Arc::get_mut(&mut hotline.plan).unwrap();
        plan.scenes.truncate(1);
        plan.scenes[0].answer = answer.to_owned();
        prepared.hotline
    }

    #[test]
    fn a_new_edition_is_rendered_without_the_old_one_being_rendered_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(PromptStore::open(folder.path().to_owned(), 1 << 30).unwrap());
        let cache = Arc::new(ClauseCache::new(1 << 28).backed_by(store));
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        let mut rendering = Rendering { rest: 0, ..Rendering::new(Mouth::new(cache.clone()), Voice::default()) };
        rendering.render(&edition("First come, first served."), &|| true);
        assert_eq!(files(), 0, "who is not wanted renders nothing");
        rendering.render(&edition("First come, first served."), &|| false);
        let (first, misses) = (files(), cache.stats().misses);
        assert!(first > 1);
        rendering.render(&edition("Nothing of this was said before."), &|| false);
        assert_eq!(files() - first, 1, "one clause is new");
        assert!(cache.stats().misses - misses <= 2, "the others were not asked for again");
    }
}
