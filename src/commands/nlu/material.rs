//! What the classifier learns from and is tested on: tables, and the examples of a dialplan.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::at;
use crate::nlu::minilm::Encoder;
use crate::nlu::{Corpus, NluError, Understanding, corpus, text};
use crate::server::dialplan_files;

/// What to learn from.
#[derive(Debug, clap::Args)]
pub(super) struct Material {
    /// Table of examples: text<TAB>label[<TAB>main label]. May be given several times.
    #[arg(long, value_name = "F.tsv")]
    corpus: Vec<PathBuf>,
    /// Dialplan whose scenes' examples are used.
    #[arg(long, value_name = "DIR")]
    dialplan: Option<PathBuf>,
}

impl Material {
    /// Where the examples come from, for whoever has to mend them.
    pub(super) fn blame(&self, error: &NluError) -> String {
        let sources: Vec<String> =
            self.dialplan.iter().chain(&self.corpus).map(|path| path.display().to_string()).collect();
        format!("{}: {error}", sources.join(", "))
    }

    pub(super) fn learn(&self, corpus: &Corpus, encoder: Option<&Arc<Encoder>>) -> Result<Understanding, String> {
        Understanding::train(corpus, encoder).map_err(|error| self.blame(&error))
    }

    pub(super) fn read(&self) -> Result<Corpus, Box<dyn std::error::Error + Send + Sync>> {
        let mut corpus = match &self.dialplan {
            Some(folder) => dialplan_files::load(folder).map_err(|mistakes| mistakes.to_string())?.0.corpus(),
            None if self.corpus.is_empty() => {
                return Err("nothing to learn from: name --corpus F.tsv or --dialplan DIR".into());
            }
            None => Corpus::default(),
        };
        for file in &self.corpus {
            corpus.extend(read_table(file)?);
        }
        corpus.lang = text::guess_lang(corpus.examples.iter().map(|example| example.text.as_str()));
        Ok(corpus)
    }
}

/// A table of labelled sentences.
pub(super) fn read_table(file: &Path) -> Result<Corpus, Box<dyn std::error::Error + Send + Sync>> {
    let table = fs::read_to_string(file).map_err(|error| at(file, &error))?;
    corpus::parse(file, &table).map_err(|mistakes| mistakes.to_string().into())
}
