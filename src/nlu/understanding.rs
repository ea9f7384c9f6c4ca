//! One turn of the caller, understood: acts, scenes and values together.
//!
//! ```text
//! Heard, Expect ─► acts ─► what is left of the words ─► intents, over the n-best ─┐
//!                    └─► entities ─────────────────────────────────────────────────┴─► UserTurn
//! ```

use serde::{Deserialize, Serialize};

use crate::nlu::calibrate::Judgement;
use crate::nlu::intents::Intents;
use crate::nlu::{Corpus, Expect, Heard, SceneScore, UserTurn, acts, entities};
use crate::units::Scene;

/// First bytes of a model file: name and version of the format.
const MAGIC: &[u8; 8] = b"avnlu\0\0\x01";

/// Why something could not be learned, or a model not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NluError {
    /// There is no example with a scene.
    #[error("the corpus holds no examples")]
    EmptyCorpus,
    /// There is nothing to tell apart.
    #[error("the corpus holds one scene only, `{0}`: a classifier needs two")]
    OneScene(Scene),
    /// No example of a scene has a word in it.
    #[error("scene `{0}` has no example with a word in it")]
    SceneWithoutExamples(Scene),
    /// The bytes are not a model, or one of another version.
    #[error("not a model that this version reads: train it again")]
    NotAModel,
    /// The model file was cut short or changed.
    #[error("the model is damaged: train it again")]
    Damaged,
}

/// Everything needed to understand a caller of one hotline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Understanding {
    intents: Intents,
}

impl Understanding {
    /// Learns from example sentences: about a second for a thousand of them.
    ///
    /// # Errors
    /// The corpus is empty, has one scene only, or a scene without words.
    pub fn train(corpus: &Corpus) -> Result<Self, NluError> {
        Ok(Self { intents: Intents::train(corpus)? })
    }

    /// The intent classifier alone.
    pub fn intents(&self) -> &Intents {
        &self.intents
    }

    /// What the caller meant.
    pub fn understand(&self, heard: &Heard, expect: &Expect) -> UserTurn {
        let lang = self.intents.lang();
        let entities = entities::find(&heard.text, lang, expect.now);
        let read = acts::read(&heard.text, lang, expect);
        let mut turn = UserTurn {
            text: heard.text.clone(),
            confidence: heard.confidence,
            acts: read.acts,
            entities,
            ..UserTurn::default()
        };
        if let Some(rest) = read.rest {
            let judgement = self.judge(&heard.text[rest], &heard.n_best);
            self.rank(&judgement, &mut turn);
        }
        turn
    }

    /// The mean over the ways to hear the sentence, weighted by their probability. What the acts took from the head of the
    /// best text is small beside a sentence, so the alternatives are read whole.
    fn judge(&self, rest: &str, n_best: &[(String, f32)]) -> Judgement {
        let mut mean = self.intents.judge(rest);
        let alternatives = || n_best.iter().skip(1).filter(|(_, p)| *p > 0.0);
        let best = n_best.first().map_or(1.0, |(_, p)| p.max(0.0));
        let total = best + alternatives().map(|(_, p)| p).sum::<f32>();
        if alternatives().next().is_none() || total <= 0.0 {
            return mean;
        }
        mean.scale(best / total);
        for (text, p) in alternatives() {
            mean.add(&self.intents.judge(text), p / total);
        }
        mean
    }

    fn rank(&self, judgement: &Judgement, turn: &mut UserTurn) {
        turn.scenes = ranked(self.intents.scenes(), &judgement.scenes);
        turn.main_scenes = ranked(self.intents.main_scenes(), &self.intents.main_probabilities(judgement));
        turn.out_of_scope = judgement.out_of_scope;
    }

    /// The model as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, MAGIC.to_vec()).expect("a model holds nothing that cannot be written")
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// It is no model of this version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NluError> {
        let body = bytes.strip_prefix(MAGIC).ok_or(NluError::NotAModel)?;
        let understanding: Self = postcard::from_bytes(body).map_err(|_| NluError::Damaged)?;
        understanding.intents.is_whole().then_some(understanding).ok_or(NluError::Damaged)
    }
}

/// Names with their probabilities, most probable first.
fn ranked(names: &[Scene], probabilities: &[f32]) -> Vec<SceneScore> {
    let mut scores: Vec<SceneScore> =
        names.iter().zip(probabilities).map(|(scene, &p)| SceneScore { scene: scene.clone(), p }).collect();
    scores.sort_by(|a, b| b.p.total_cmp(&a.p));
    scores
}
