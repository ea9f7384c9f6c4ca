//! One turn of the caller, understood: acts, scenes and values together.
//!
//! ```text
//! Heard, Expect ─► acts ─► what is left of the words ─► intents, over the n-best ─┐
//!                    └─► entities ─────────────────────────────────────────────────┴─► UserTurn
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::nlu::calibrate::Judgement;
use crate::nlu::intents::Intents;
use crate::nlu::minilm::Encoder;
use crate::nlu::{Corpus, Endings, Expect, Heard, SceneScore, UserTurn, acts, entities};
use crate::units::Scene;

/// First bytes of a model file: name and version of the format.
const MAGIC: &[u8; 8] = b"avnlu\0\0\x04";

/// What counts of the log-odds that the ending tells: what is judged is what a recogniser heard, not what was said. It and the
/// next two were fitted to what was heard of 150 whole questions and of the beginnings of 150 others: of pairs of both, 92.4 %
/// are ranked rightly by the ending alone, 93.1 % together.
const TRUST: f32 = 0.6;
/// What it adds to them that it is clear what the sentence is about, …
const CLARITY: f32 = 2.5;
/// … and how clear a sentence is of which that tells nothing: the mean of the probabilities of the likeliest scene and of the
/// likeliest main scene.
const USUAL: f32 = 0.44;

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
    /// It was trained with the sentence model, which is not at hand.
    #[error(
        "it was trained with the sentence model, which is not installed: run `antevox models get minilm`, or train it again with --backend linear"
    )]
    NeedsSentenceModel,
    /// It was trained with another sentence model.
    #[error("it was trained with another sentence model than the one installed: train it again")]
    OtherSentenceModel,
}

/// Everything needed to understand a caller of one hotline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Understanding {
    intents: Intents,
    endings: Endings,
}

impl Understanding {
    /// Learns from example sentences: seconds for a thousand of them. With a sentence model it understands more of what no
    /// example says.
    ///
    /// # Errors
    /// The corpus is empty, has one scene only, or a scene without words.
    pub fn train(corpus: &Corpus, encoder: Option<&Arc<Encoder>>) -> Result<Self, NluError> {
        let sentences = corpus.examples.iter().chain(&corpus.vague).map(|example| example.text.as_str());
        let endings = Endings::general(corpus.lang).learn(sentences);
        Ok(Self { intents: Intents::train(corpus, encoder)?, endings })
    }

    /// The intent classifier alone.
    pub fn intents(&self) -> &Intents {
        &self.intents
    }

    /// Probability that `text`, as far as it is heard, is all that the caller wants to say, 0–1.
    ///
    /// How it ends tells that, and how clear it is what it is about. It is asked several times a second while words come, so
    /// the sentence model is not.
    pub fn is_whole(&self, text: &str) -> f32 {
        let ends = self.endings.probability(text);
        let judgement = self.intents.glance(text);
        let likeliest = |p: &[f32]| p.iter().copied().fold(0.0, f32::max);
        let main = self.intents.main_probabilities(&judgement);
        let clear = (likeliest(&judgement.scenes) + likeliest(&main)) / 2.0;
        let ends = ends.clamp(f32::EPSILON, 1.0 - f32::EPSILON);
        let log_odds = TRUST * (ends / (1.0 - ends)).ln() + CLARITY * (clear - USUAL);
        1.0 / (1.0 + (-log_odds).exp())
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
        let best = n_best.first().map_or(1.0, |(_, p)| p.max(0.0));
        let alternatives: Vec<&(String, f32)> = n_best.iter().skip(1).filter(|(_, p)| *p > 0.0).collect();
        let total = best + alternatives.iter().map(|(_, p)| p).sum::<f32>();
        if alternatives.is_empty() || total <= 0.0 {
            return self.intents.judge(rest);
        }
        let texts: Vec<&str> = [rest].into_iter().chain(alternatives.iter().map(|(text, _)| text.as_str())).collect();
        let mut judged = self.intents.judge_all(&texts).into_iter();
        // There is one for each text.
        let Some(mut mean) = judged.next() else { return self.intents.judge(rest) };
        mean.scale(best / total);
        for (judgement, (_, p)) in judged.zip(alternatives) {
            mean.add(&judgement, p / total);
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

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. The sentence model is not part of it.
    ///
    /// # Errors
    /// It is no model of this version, damaged, or trained with a sentence model that `encoder` is not.
    pub fn from_bytes(bytes: &[u8], encoder: Option<&Arc<Encoder>>) -> Result<Self, NluError> {
        let body = bytes.strip_prefix(MAGIC).ok_or(NluError::NotAModel)?;
        let mut understanding: Self = postcard::from_bytes(body).map_err(|_| NluError::Damaged)?;
        if !understanding.intents.is_whole() {
            return Err(NluError::Damaged);
        }
        understanding.intents.attach(encoder)?;
        Ok(understanding)
    }
}

/// Names with their probabilities, most probable first.
fn ranked(names: &[Scene], probabilities: &[f32]) -> Vec<SceneScore> {
    let mut scores: Vec<SceneScore> =
        names.iter().zip(probabilities).map(|(scene, &p)| SceneScore { scene: scene.clone(), p }).collect();
    scores.sort_by(|a, b| b.p.total_cmp(&a.p));
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::{Example, UserAct};
    use crate::units::{Ask, Lang};

    fn corpus() -> Corpus {
        let example = |text: &str, scene: &str, main: &str| Example {
            text: text.into(),
            scene: scene.into(),
            main_scene: main.into(),
        };
        let examples = vec![
            example("i have lost my card", "lost", "card"),
            example("my card is missing", "lost", "card"),
            example("i can't find my card anywhere", "lost", "card"),
            example("activate my new card", "activate", "card"),
            example("how do i switch on the card that came", "activate", "card"),
            example("the card needs to be activated", "activate", "card"),
            example("my transfer has not arrived", "late_transfer", "transfer"),
            example("i sent money and it isn't there", "late_transfer", "transfer"),
            example("where is the transfer that i made", "late_transfer", "transfer"),
        ];
        Corpus { lang: Lang::En, examples, vague: vec![example("it's about my card", "", "card")] }
    }

    fn heard(text: &str) -> Heard {
        Heard { text: text.into(), confidence: 1.0, n_best: Vec::new() }
    }

    fn understand(text: &str, ask: Ask) -> UserTurn {
        let understanding = Understanding::train(&corpus(), None).unwrap();
        understanding.understand(&heard(text), &Expect { ask, ..Expect::default() })
    }

    #[test]
    fn a_turn_holds_acts_scenes_and_values() {
        let turn = understand("no, I lost my card yesterday", Ask::YesNo);
        assert_eq!(turn.acts, [UserAct::Deny]);
        assert_eq!(turn.scenes[0].scene.as_str(), "lost");
        assert_eq!(turn.main_scenes[0].scene.as_str(), "card");
        assert_eq!(turn.entities.len(), 1);
        let sum = turn.scenes.iter().map(|score| score.p).sum::<f32>() + turn.out_of_scope;
        assert!((sum - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_bare_answer_has_no_scenes() {
        let turn = understand("yes please", Ask::YesNo);
        assert_eq!((turn.acts.as_slice(), turn.scenes.len()), (&[UserAct::Affirm][..], 0));
    }

    #[test]
    fn a_vague_sentence_tells_the_main_scene_only() {
        let turn = understand("it's about my card", Ask::Open);
        assert_eq!(turn.main_scenes[0].scene.as_str(), "card");
        assert!(turn.scenes[0].p < 0.75 * turn.main_scenes[0].p, "{:?}", turn.scenes);
    }

    #[test]
    fn alternatives_weigh_by_their_probability() {
        let understanding = Understanding::train(&corpus(), None).unwrap();
        let wrong_first = |p: f32| Heard {
            text: "my cart is mess".into(),
            confidence: 0.5,
            n_best: vec![("my cart is mess".into(), 1.0 - p), ("the transfer has not arrived".into(), p)],
        };
        let p = |heard: &Heard| {
            let turn = understanding.understand(heard, &Expect::default());
            turn.scenes.iter().find(|score| score.scene.as_str() == "late_transfer").map_or(0.0, |score| score.p)
        };
        assert!(p(&wrong_first(0.9)) > p(&wrong_first(0.1)) + 0.2);
    }

    #[test]
    fn a_model_survives_its_file_and_damage_is_told() {
        let understanding = Understanding::train(&corpus(), None).unwrap();
        let bytes = understanding.to_bytes();
        let again = Understanding::from_bytes(&bytes, None).unwrap();
        assert_eq!(again.intents().judge("lost card"), understanding.intents().judge("lost card"));
        assert_eq!(Understanding::from_bytes(b"text", None).unwrap_err(), NluError::NotAModel);
        assert_eq!(Understanding::from_bytes(&bytes[..bytes.len() / 2], None).unwrap_err(), NluError::Damaged);
    }

    #[test]
    fn what_cannot_be_learned_is_told() {
        let train = |change: fn(&mut Corpus)| {
            let mut corpus = corpus();
            change(&mut corpus);
            Understanding::train(&corpus, None).unwrap_err()
        };
        assert_eq!(train(|corpus| corpus.examples.clear()), NluError::EmptyCorpus);
        assert_eq!(train(|corpus| corpus.examples.truncate(2)), NluError::OneScene("lost".into()));
        let wordless = |corpus: &mut Corpus| {
            let main_scene = "card".into();
            corpus.examples.push(Example { text: "…".into(), scene: "empty".into(), main_scene });
        };
        assert_eq!(train(wordless), NluError::SceneWithoutExamples("empty".into()));
    }
}
