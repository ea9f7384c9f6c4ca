//! The flags that choose what finds out what a sentence is about.

use std::fs;
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
    /// File in which what the sentence model makes of examples is kept from one run to the next.
    #[arg(long, value_name = "F")]
    remember: Option<PathBuf>,
}

impl Sentences {
    /// The sentence model, if it is to be used. A memory that is not there yet or is another model's is begun anew.
    pub(super) fn open(&self) -> Result<Option<Arc<Encoder>>, SentenceModelError> {
        let encoder = sentence_model::open(&self.models, self.backend)?;
        if let (Some(encoder), Some(file)) = (&encoder, &self.remember)
            && let Ok(bytes) = fs::read(file)
        {
            encoder.remember(&bytes);
        }
        Ok(encoder)
    }

    /// Keeps what `encoder` remembers, where that was asked for.
    pub(super) fn keep(&self, encoder: Option<&Arc<Encoder>>) -> Result<(), String> {
        match (encoder, &self.remember) {
            (Some(encoder), Some(file)) => {
                fs::write(file, encoder.memory_to_bytes()).map_err(|error| format!("{}: {error}", file.display()))
            }
            _ => Ok(()),
        }
    }
}
