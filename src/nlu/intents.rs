//! Which scene a sentence is about.
//!
//! ```text
//! Corpus ─► train ─► Intents (serde)        text ─► Intents::judge ─► Judgement { scenes, out_of_scope }
//! ```
//!
//! [`Eyes`] read the text, [`Scorer`] scores the scenes and one class more, "off topic", and [`Calibration`], fitted by
//! cross-validation on the training examples, turns scores into probabilities. The probability of a main scene is the sum over
//! its scenes, so both levels agree; a vague sentence is taught to the scenes of its main scene in equal shares.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::nlu::calibrate::{Calibration, Judged, Judgement};
use crate::nlu::document::{Document, Eyes};
use crate::nlu::learn::Material;
use crate::nlu::minilm::Encoder;
use crate::nlu::scorer::Scorer;
use crate::nlu::{Corpus, NluError, features};
use crate::units::{Lang, Scene};

/// The label of examples that belong to no scene.
pub const OUT_OF_SCOPE: &str = "oos";

/// A trained intent classifier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Intents {
    scenes: Vec<Scene>,
    main_scenes: Vec<Scene>,
    /// By scene: the index of its main scene.
    main_of: Vec<usize>,
    scorer: Scorer,
    /// Which sentence model the scorer was trained with, if any.
    fingerprint: Option<u64>,
    calibration: Calibration,
    /// For what counts alone say.
    glance: Calibration,
    #[serde(skip)]
    encoder: Option<Arc<Encoder>>,
}

impl Intents {
    /// Trains and calibrates: seconds for a thousand examples, as it trains once for every part of the cross-validation too.
    /// With `encoder` it looks at what sentences mean, too, if they are in the encoder's language.
    ///
    /// # Errors
    /// The corpus is empty, has one scene only, or a scene without words.
    pub fn train(corpus: &Corpus, encoder: Option<&Arc<Encoder>>) -> Result<Self, NluError> {
        let eyes = Eyes::new(corpus.lang, encoder.cloned());
        let mut material = Material::gather(corpus, eyes)?;
        material.add_off_topic();
        Ok(Self::learn(material))
    }

    fn learn(material: Material) -> Self {
        let mut judged: Vec<Judged> = material.cross_validate().into_iter().map(|entry| entry.1).collect();
        let calibration = Calibration::fit(&judged);
        judged.iter_mut().for_each(|one| one.scores = std::mem::take(&mut one.by_counts));
        let glance = Calibration::fit(&judged);
        let scorer = material.whole_model();
        let encoder = material.eyes().encoder().filter(|_| scorer.has_meaning()).cloned();
        let fingerprint = encoder.as_ref().map(|encoder| encoder.fingerprint());
        let Material { scenes, main_scenes, main_of, .. } = material;
        Self { scenes, main_scenes, main_of, scorer, fingerprint, calibration, glance, encoder }
    }

    /// Gives a model that was read from a file the sentence model that it was trained with.
    ///
    /// # Errors
    /// It needs one and `encoder` is none or another.
    pub(super) fn attach(&mut self, encoder: Option<&Arc<Encoder>>) -> Result<(), NluError> {
        let Some(wanted) = self.fingerprint else { return Ok(()) };
        let encoder = encoder.ok_or(NluError::NeedsSentenceModel)?;
        if encoder.fingerprint() != wanted {
            return Err(NluError::OtherSentenceModel);
        }
        self.encoder = Some(encoder.clone());
        Ok(())
    }

    /// What reads sentences for this classifier.
    pub fn eyes(&self) -> Eyes {
        Eyes::new(self.scorer.lang, self.encoder.clone())
    }

    /// Probabilities of the scenes, in the order of [`scenes`](Self::scenes).
    pub fn judge(&self, text: &str) -> Judgement {
        self.judge_all(&[text]).remove(0)
    }

    /// The same for several texts, quicker than one by one.
    pub fn judge_all(&self, texts: &[&str]) -> Vec<Judgement> {
        self.eyes().read(texts).iter().map(|document| self.judge_document(document)).collect()
    }

    /// The same for a document that [`eyes`](Self::eyes) read.
    pub fn judge_document(&self, document: &Document) -> Judgement {
        self.calibration.judge(&self.scorer.scores(document), self.scorer.coverage(&document.features))
    }

    /// The same by counts alone, in less than a millisecond: for words that are still coming.
    pub fn glance(&self, text: &str) -> Judgement {
        let features = features::features(text, self.scorer.lang);
        self.glance.judge(&self.scorer.scores_by_counts(&features), self.scorer.coverage(&features))
    }

    /// The language of the examples.
    pub fn lang(&self) -> Lang {
        self.scorer.lang
    }

    /// All scenes, sorted by name.
    pub fn scenes(&self) -> &[Scene] {
        &self.scenes
    }

    /// All main scenes, sorted by name.
    pub fn main_scenes(&self) -> &[Scene] {
        &self.main_scenes
    }

    /// The main scene of a scene; `None` for one that was not trained.
    pub fn main_scene(&self, scene: &Scene) -> Option<&Scene> {
        let scene = self.scenes.binary_search(scene).ok()?;
        Some(&self.main_scenes[self.main_of[scene]])
    }

    /// One probability a main scene: the sums over their scenes.
    pub fn main_probabilities(&self, judgement: &Judgement) -> Vec<f32> {
        let mut sums = vec![0.0; self.main_scenes.len()];
        judgement.scenes.iter().zip(&self.main_of).for_each(|(p, &main)| sums[main] += p);
        sums
    }

    /// Out-of-scope probability from which a sentence is best taken to belong to no scene.
    pub fn out_of_scope_threshold(&self) -> f32 {
        self.calibration.threshold
    }

    /// Whether the parts belong together: false for a damaged model file.
    pub(super) fn is_whole(&self) -> bool {
        self.scorer.is_whole(self.scenes.len() + 1)
            && self.fingerprint.is_some() == self.scorer.has_meaning()
            && self.main_of.len() == self.scenes.len()
            && self.main_of.iter().all(|&main| main < self.main_scenes.len())
    }
}
