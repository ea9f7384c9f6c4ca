//! The flags that choose what finds out what a sentence is about.

use std::path::PathBuf;
use std::sync::Arc;

use crate::nlu::minilm::Encoder;
use crate::server::sentence_model::{self, Backend, SentenceModelError};

/// The sentence model.
#[derive(Debug, clap::Args)]
pub(super) struct Sentences {
    /// What finds out what a sentence is about: `auto` takes the sentence model where it is installed.
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
    /// Folder that holds the models.
    #[arg(long, default_value = "models", value_name = "DIR")]
    models: PathBuf,
}

impl Sentences {
    /// The sentence model, if it is to be used.
    pub(super) fn open(&self) -> Result<Option<Arc<Encoder>>, SentenceModelError> {
        sentence_model::open(&self.models, self.backend)
    }
}
