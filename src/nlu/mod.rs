//! From what a caller said to what it means.
//!
//! ```text
//! text, n-best ─► normalise ─► intents (which scene?) ─┐
//!                     │                                ├─► UserTurn
//!                     └─► acts, entities ──────────────┘
//! ```
//!
//! # Two back ends
//!
//! Words, letters, sounds and concepts are counted always ([`features`]); for English, where the sentence model is installed
//! ([`minilm`]), what the sentence means counts beside them ([`scorer`]). Measured (accuracy in percent; no test sentence was
//! learned from):
//!
//! | test | counts alone | with the sentence model |
//! |---|---|---|
//! | banking77, 10 examples per intent, all others, two draws (counts: 2,000, one draw) | 78.0 | 85.3 |
//! | banking77, nine tenths, two parts of ten (counts alone: one): scene, main scene | 90.9 | 93.4, 97.7 |
//! | expected calibration error of the two rows above, 15 bins | | 0.9, 2.0 |
//! | seven domains of CLINC150, 60 examples an intent, 4 parts: in scope, and out-of-scope recall at the same threshold | | 95.9, 92.5 |
//! | expected calibration error of the row above, 15 bins | | 0.8 |
//! | the examples of `hotline-en`, all 10,003 sentences of banking77 (counts alone: 500) | 86.0 | 87.5 |
//! | expected calibration error of the row above: scene, main scene | | 3.5, 1.3 |
//! | `95188-zh`, `heldout.tsv` (blind) and `development.tsv` (examples were chosen by it) | 98.1, 83.3 | Chinese is not read |
//!
//! Tried for ten examples per intent and left: counts and embedding in one vector (82.7), shared-covariance Gaussians (81.9),
//! whitening (84.1 alone, 85.4 joined), nearest neighbours and centroids (79.7, 79.0; joined no better), states of inner
//! layers (77.7 and less; joined no better), tokens weighted by rarity (85.7 joined, within the noise of the draw). By logistic
//! regression alone, mean of two or three draws: 83.6; with the scenes' names as examples 84.0, which stayed; whitened by the
//! spread within scenes of CLINC150 83.7, of the examples themselves 83.7, of those of `hotline-en` 84.1. With nine tenths: 92.0;
//! with the last layer's maximum or the fourth layer's mean beside it 92.7 and 93.3, which stayed; with four views 93.6.

pub mod acts;
pub mod bayes;
pub mod calibrate;
pub mod concepts;
pub mod corpus;
pub mod discover;
pub mod document;
mod endings;
pub mod entities;
pub mod eval;
pub mod features;
pub mod intents;
mod learn;
pub mod linear;
pub mod minilm;
pub mod phonetic;
pub mod products;
pub mod review;
mod scorer;
pub mod text;
mod understanding;

use jiff::civil;

pub use self::endings::Endings;
pub use self::understanding::{NluError, Understanding};
use crate::units::{Ask, Lang, Scene};

/// What the recogniser heard, or what was typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The best text.
    pub text: String,
    /// Recognition confidence, 0–1; 1 for typed text.
    pub confidence: f32,
    /// Alternatives with their share of the probability, best first; may be empty.
    pub n_best: Vec<(String, f32)>,
}

/// What the dialog waits for: helps to read short answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// The kind of question that was asked.
    pub ask: Ask,
    /// The options that were named, in their order, as they were spoken ([`Ask::Choice`] only).
    pub options: Vec<String>,
    /// Local time of the call, to which "last Tuesday" refers.
    pub now: civil::DateTime,
}

/// Something that callers do with words, whatever the scene.
#[derive(Clone, Debug, PartialEq)]
pub enum UserAct {
    /// "Yes", "that's right".
    Affirm,
    /// "No", "that's not it".
    Deny,
    /// "Say that again".
    Repeat,
    /// "What can I say?"
    Help,
    /// "I want to talk to a person".
    Agent,
    /// "Hold on a second".
    Wait,
    /// "Goodbye", "that's all".
    Goodbye,
    /// "Thanks".
    Thank,
    /// "Who is this?", "are you a robot?"
    WhoIsThis,
    /// Names one of [`Expect::options`], by its position.
    Choose(usize),
    /// Only fillers, a backchannel or noise words: nothing was said.
    Filler,
    /// Is upset: swears, complains of having called before.
    Upset,
}

/// How likely it is that one scene is meant.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneScore {
    /// The scene.
    pub scene: Scene,
    /// Calibrated probability, 0–1.
    pub p: f32,
}

/// A value that was said.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An amount of money in hundredths, with its ISO 4217 currency when one was named.
    Amount {
        /// In hundredths of the unit.
        cents: i64,
        /// `CNY`, `USD` …
        currency: Option<String>,
    },
    /// A day.
    Date(civil::Date),
    /// A time of day.
    Time(civil::Time),
    /// A plain number.
    Number(f64),
    /// Digits one by one: a phone or order number, with corrections applied.
    Digits(String),
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// What was said.
    pub value: Value,
    /// Byte range in [`UserTurn::text`].
    pub span: std::ops::Range<usize>,
}

/// One finished turn of the caller, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserTurn {
    /// The text that was read.
    pub text: String,
    /// Recognition confidence, 0–1.
    pub confidence: f32,
    /// What the caller did, most certain first; empty when the words only describe something.
    pub acts: Vec<UserAct>,
    /// Scenes by falling probability; their sum and `out_of_scope` make 1. Empty when there was nothing to classify.
    pub scenes: Vec<SceneScore>,
    /// Main scenes by falling probability.
    pub main_scenes: Vec<SceneScore>,
    /// Probability that none of the scenes is meant.
    pub out_of_scope: f32,
    /// Values in the order in which they were said.
    pub entities: Vec<Entity>,
}

impl UserTurn {
    /// Whether the caller did `act`.
    pub fn did(&self, act: &UserAct) -> bool {
        self.acts.contains(act)
    }
}

/// One example sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What somebody may say.
    pub text: String,
    /// The scene that it belongs to.
    pub scene: Scene,
    /// The main scene of that scene.
    pub main_scene: Scene,
}

/// The language that an understanding is built for decides tokens, numbers and sounds-alikes.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// Language of all examples.
    pub lang: Lang,
    /// Sentences with their scene.
    pub examples: Vec<Example>,
    /// Sentences that tell only the main scene.
    pub vague: Vec<Example>,
}
