//! From a dialplan's folder to what calls share: plan, understanding, and what the recogniser should expect.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{dialplan_files, sounds};
use crate::call::Hotline;
use crate::diag::Diagnostics;
use crate::dialog::Plan;
use crate::nlu::corpus;
use crate::nlu::intents::OUT_OF_SCOPE;
use crate::nlu::minilm::Encoder;
use crate::nlu::{Corpus, NluError, Understanding};
use crate::speech::asr::lm::LanguageMaterial;
use crate::speech::tts::Recordings;

/// Why a hotline could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum HotlineError {
    /// Mistakes in the dialplan or in a corpus.
    #[error("{0}")]
    Mistakes(Diagnostics),
    /// A corpus cannot be read.
    #[error("{path}: {source}; name a file of lines `text<TAB>scene`")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The examples do not make a classifier.
    #[error("the dialplan's examples cannot be learned from: {0}")]
    Training(#[from] NluError),
}

/// A hotline that is ready, and what its callers may say.
pub struct Prepared {
    /// For calls.
    pub hotline: Arc<Hotline>,
    /// For the recogniser.
    pub material: LanguageMaterial,
}

/// What the files say, before anything is learned from it.
pub struct Read {
    plan: Plan,
    recordings: Recordings,
    /// What sentences are about.
    pub examples: Corpus,
    /// For the recogniser.
    sentences: Vec<String>,
}

/// Reads the dialplan in `folder` and the corpora it names and those in `more`, and learns from all examples. With `agents`
/// the humans of all queues are reached there; with `encoder` the understanding looks at what sentences mean, too.
///
/// # Errors
/// [`HotlineError`]; warnings are logged.
pub fn prepare(
    folder: &Path,
    more: &[PathBuf],
    agents: Option<SocketAddr>,
    encoder: Option<&Arc<Encoder>>,
) -> Result<Prepared, HotlineError> {
    let read = read(folder, more, agents)?;
    let understanding = Understanding::train(&read.examples, encoder)?;
    Ok(read.understood(understanding))
}

/// Reads the dialplan in `folder` and the corpora it names and those in `more`; `agents` as in [`prepare`].
///
/// # Errors
/// [`HotlineError`]; warnings are logged.
pub fn read(folder: &Path, more: &[PathBuf], agents: Option<SocketAddr>) -> Result<Read, HotlineError> {
    let (mut plan, warnings) = dialplan_files::load(folder).map_err(HotlineError::Mistakes)?;
    for warning in &warnings.0 {
        tracing::warn!("{warning}");
    }
    let (recordings, unheard) = sounds::load(&plan, folder);
    for unheard in &unheard.0 {
        tracing::warn!("the voice says the words of a recording: {unheard}");
    }
    if let Some(agents) = agents {
        for queue in &mut plan.queues {
            let name = queue.target.split_once('@').map_or(queue.target.as_str(), |(name, _)| name);
            queue.target = format!("{name}@{agents}");
        }
    }
    let mut examples = plan.corpus();
    let mut sentences = plan.sentences();
    let named = plan.corpora.iter().map(|path| folder.join(path));
    for path in named.chain(more.iter().cloned()) {
        let further = read_corpus(&path, &plan)?;
        sentences.extend(further.examples.iter().map(|example| example.text.clone()));
        examples.extend(further);
    }
    Ok(Read { plan, recordings, examples, sentences })
}

impl Read {
    /// The hotline that understands by what was learned from the examples.
    pub fn understood(self, understanding: Understanding) -> Prepared {
        let material = LanguageMaterial { lang: self.plan.lang, sentences: self.sentences, names: Vec::new() };
        let (plan, recordings) = (Arc::new(self.plan), Arc::new(self.recordings));
        Prepared { hotline: Arc::new(Hotline { plan, understanding, recordings }), material }
    }
}

/// Reads a corpus. Its labels are scenes of `plan`, which tells their main scenes; sentences of other scenes are left out,
/// since nothing could be answered to them.
fn read_corpus(path: &Path, plan: &Plan) -> Result<Corpus, HotlineError> {
    let table =
        std::fs::read_to_string(path).map_err(|source| HotlineError::Unreadable { path: path.to_owned(), source })?;
    let mut corpus = corpus::parse(path, &table).map_err(HotlineError::Mistakes)?;
    corpus.lang = plan.lang;
    let mains: HashMap<_, _> =
        plan.scenes.iter().map(|scene| (scene.scene.clone(), plan.main(scene.main).scene.clone())).collect();
    let before = corpus.examples.len();
    corpus.examples.retain_mut(|example| match mains.get(&example.scene) {
        Some(main) => {
            example.main_scene = main.clone();
            true
        }
        None => example.scene.as_str() == OUT_OF_SCOPE,
    });
    let left_out = before - corpus.examples.len();
    if left_out > 0 {
        tracing::warn!(corpus = %path.display(), left_out, "sentences of scenes that the dialplan does not have");
    }
    Ok(corpus)
}
