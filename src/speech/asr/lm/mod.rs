//! Language models made from what callers of this hotline may say.
//!
//! ```text
//! LanguageMaterial ──► build(material, general) ──► Models { open, yes_no, digits, choice }
//! ```
//!
//! A model of the dialplan's own sentences is worth more than anything else in recognition; a general model, at a low
//! weight, keeps a way open for what nobody foresaw. For each kind of question the likely answers count more.

mod english;
pub mod ngram;
pub mod text;

use crate::units::{Ask, Lang};
use ngram::NGrams;

/// What callers may say, as plain sentences in any spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LanguageMaterial {
    /// Language of all of it.
    pub lang: Lang,
    /// Example sentences: of the dialplan, of corpora.
    pub sentences: Vec<String>,
    /// Names and products that may come up, and the names of what can be chosen.
    pub names: Vec<String>,
}

/// Share of the hotline's own sentences in the open model; the rest is the general model.
const OWN_SHARE: f64 = 0.9;
/// Share of yes and no where they are asked for; the rest is the open model.
const YES_NO_SHARE: f64 = 0.7;
/// Share of names and positions where something is to be chosen; the rest is the open model.
const CHOICE_SHARE: f64 = 0.5;
/// How often a listener's noises and commands count beside the hotline's sentences: over a prompt they are half of all that is said.
const INTERJECTIONS: usize = 24;
/// Likeliest words of the general model that a hotline's recogniser knows besides its own.
const GENERAL_WORDS: usize = 3_000;

/// One model for each kind of question.
#[derive(Clone, Debug)]
pub struct Models {
    models: [NGrams; Ask::COUNT],
}

/// The kinds of question, for everything that keeps something for each.
pub(crate) trait AskTable {
    /// How many there are.
    const COUNT: usize = 4;
    /// All of them.
    const ALL: [Ask; 4] = [Ask::Open, Ask::YesNo, Ask::Digits, Ask::Choice];

    /// Position in [`ALL`](Self::ALL).
    fn index(self) -> usize;
}

impl AskTable for Ask {
    fn index(self) -> usize {
        match self {
            Self::Open => 0,
            Self::YesNo => 1,
            Self::Digits => 2,
            Self::Choice => 3,
        }
    }
}

impl Models {
    /// Counts `material`, and mixes it with as much of the `general` model as helps.
    pub fn build(material: &LanguageMaterial, general: &NGrams) -> Self {
        let own = material.sentences.iter().chain(&material.names).map(|sentence| text::words(sentence));
        let everywhere = phrases(&[english::YES, english::NO, english::BACKCHANNELS, english::COMMANDS]);
        let interjections = (1..INTERJECTIONS).flat_map(|_| phrases(&[english::BACKCHANNELS, english::COMMANDS]));
        let own: Vec<Vec<String>> =
            own.chain(everywhere).chain(interjections).filter(|sentence| !sentence.is_empty()).collect();
        let general = general.restrict(GENERAL_WORDS, 0.0, |_| true);
        let open = estimate(&own).mix(OWN_SHARE, &general);
        let yes_no = estimate(&phrases(&[english::YES, english::NO, english::BACKCHANNELS]).collect::<Vec<_>>())
            .mix(YES_NO_SHARE, &open);
        let names = material.names.iter().map(|name| text::words(name)).filter(|name| !name.is_empty());
        let choices: Vec<Vec<String>> = phrases(&[english::CHOICES]).chain(names).collect();
        let choice = estimate(&choices).mix(CHOICE_SHARE, &open);
        Self { models: [open, yes_no, Self::digits(), choice] }
    }

    fn digits() -> NGrams {
        NGrams::estimate(english::digit_sentences())
    }

    /// The model for answers to `ask`.
    pub fn of(&self, ask: Ask) -> &NGrams {
        &self.models[ask.index()]
    }
}

fn phrases(lists: &[&'static [&'static str]]) -> impl Iterator<Item = Vec<String>> {
    lists.concat().into_iter().map(text::words)
}

fn estimate(sentences: &[Vec<String>]) -> NGrams {
    NGrams::estimate(sentences.iter().map(|sentence| sentence.iter().map(String::as_str)))
}
