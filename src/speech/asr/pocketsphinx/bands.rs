//! The models for both kinds of line: callers are heard with all that theirs carries.

use std::path::Path;

use super::{Model, WIDEBAND_MODEL, model_name};
use crate::speech::asr::lm::LanguageMaterial;
use crate::speech::asr::{AsrError, Recogniser, RecogniserModel};
use crate::units::Lang;

/// The model of telephone lines, and where it is installed the one of lines that carry 16 kHz.
#[derive(Debug)]
pub struct Bands {
    narrow: Model,
    wide: Option<Model>,
}

impl Bands {
    /// Opens what the folder of all models has for the language of `material`.
    ///
    /// # Errors
    /// As [`Model::load`]. A wideband model that is not there is none; one that is damaged is an error.
    pub fn load(models: &Path, material: &LanguageMaterial) -> Result<Self, AsrError> {
        let narrow = Model::load(&models.join(model_name(material.lang)), material)?;
        let folder = models.join(WIDEBAND_MODEL);
        let is_there = material.lang == Lang::En && folder.is_dir();
        let wide = is_there.then(|| Model::load(&folder, material)).transpose()?;
        Ok(Self { narrow, wide })
    }
}

impl RecogniserModel for Bands {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        self.narrow.recogniser()
    }

    fn wideband_recogniser(&self) -> Result<Option<Box<dyn Recogniser>>, AsrError> {
        self.wide.as_ref().map(Model::recogniser).transpose()
    }
}
