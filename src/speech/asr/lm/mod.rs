//! Language models made from what callers of this hotline may say.
//!
//! ```text
//! LanguageMaterial ──► build(material, general) ──► Models { open, yes_no, digits, choice }
//! ```
//!
//! A model of the dialplan's own sentences is worth more than anything else in recognition; a general model, at a low
//! weight, keeps a way open for what nobody foresaw. For each kind of question the likely answers count more.

mod classes;
mod english;
mod hanzi;
mod mandarin;
pub mod ngram;
pub mod text;

use self::classes::Class;
use self::ngram::NGrams;
use crate::units::{Ask, Lang};

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
/// Share of sentences about numbers, names and days in what the hotline's own sentences give, which name few of them. Of the
/// words of 60 descriptions of orders that did not choose it, 13.3 % are wrong instead of 25.5 %; of the questions about other
/// things 9.0 instead of 9.2 %, and with a corpus 5.0 instead of 4.7 %.
const CLASS_SHARE: f64 = 0.2;
/// Share of callers who answer a question for yes or no with one of these; the others say a sentence of the open model. Who is
/// asked so and says one of 119 questions instead has as few words misheard as with 0.7 (10.5 %); 0.95: 10.7 %.
const YES_NO_SHARE: f64 = 0.9;
/// The same where something is to be chosen, with names and positions. Of the words of those questions 9.3 % are misheard, with
/// 0.7 9.4 %, and 10.9 % if the share were the same after every word.
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

/// What callers say in a language whatever the hotline is about.
struct Phrases {
    yes: &'static [&'static str],
    no: &'static [&'static str],
    backchannels: &'static [&'static str],
    commands: &'static [&'static str],
    choices: &'static [&'static str],
    digits: fn() -> Vec<Vec<&'static str>>,
    /// Sentences with places for members of the classes.
    frames: &'static [&'static str],
    /// The classes but for names.
    classes: fn() -> Vec<Class>,
}

/// How the sentences of a language become words.
struct Splitter<'a> {
    lang: Lang,
    is_word: &'a dyn Fn(&str) -> bool,
}

impl Splitter<'_> {
    /// The words of a sentence, in every way that they are counted.
    fn readings(&self, sentence: &str) -> Vec<Vec<String>> {
        let mut readings = match self.lang {
            Lang::En => vec![text::words(sentence)],
            Lang::Zh => {
                let characters = hanzi::characters(sentence);
                vec![hanzi::words(&characters, self.is_word), characters.iter().map(char::to_string).collect()]
            }
        };
        readings.dedup();
        readings.retain(|words| !words.is_empty());
        readings
    }

    fn all<'s>(&self, lists: &[&'s [&'s str]]) -> Vec<Vec<String>> {
        lists.concat().into_iter().flat_map(|sentence| self.readings(sentence)).collect()
    }
}

impl Models {
    /// Counts `material`, and mixes it with as much of the `general` model of the language, if there is one, as helps.
    /// `is_word` tells what the dictionary can pronounce, where words must be found in a sentence.
    pub fn build(material: &LanguageMaterial, general: Option<&NGrams>, is_word: &dyn Fn(&str) -> bool) -> Self {
        let phrases = match material.lang {
            Lang::En => &english::PHRASES,
            Lang::Zh => &mandarin::PHRASES,
        };
        let splitter = Splitter { lang: material.lang, is_word };
        let mut own: Vec<Vec<String>> =
            material.sentences.iter().chain(&material.names).flat_map(|sentence| splitter.readings(sentence)).collect();
        own.extend(splitter.all(&[phrases.yes, phrases.no, phrases.backchannels, phrases.commands]));
        let interjections = splitter.all(&[phrases.backchannels, phrases.commands]);
        own.extend((1..INTERJECTIONS).flat_map(|_| interjections.clone()));
        let classed = classed(&own, material, phrases, &splitter);
        let mut open = estimate(&own).mix(1.0 - CLASS_SHARE, &estimate(&classed));
        if let Some(general) = general {
            open = open.mix(OWN_SHARE, &general.restrict(GENERAL_WORDS, 0.0, |_| true));
        }
        let yes_no = estimate(&splitter.all(&[phrases.yes, phrases.no, phrases.backchannels]))
            .mix_sentences(YES_NO_SHARE, &open);
        let mut choices = splitter.all(&[phrases.choices]);
        choices.extend(material.names.iter().flat_map(|name| splitter.readings(name)));
        let choice = estimate(&choices).mix_sentences(CHOICE_SHARE, &open);
        Self { models: [open, yes_no, NGrams::estimate((phrases.digits)()), choice] }
    }

    /// The model for answers to `ask`.
    pub fn of(&self, ask: Ask) -> &NGrams {
        &self.models[ask.index()]
    }
}

/// What is said with other numbers and names than the sentences of a hotline hold.
fn classed(
    own: &[Vec<String>],
    material: &LanguageMaterial,
    phrases: &Phrases,
    splitter: &Splitter<'_>,
) -> Vec<Vec<String>> {
    let mut classes = (phrases.classes)();
    classes.push(Class { slot: "{name}", members: material.names.clone() });
    let frames = classes::frames_of(own);
    let frames = phrases.frames.iter().copied().chain(frames.iter().map(String::as_str));
    classes::fill(frames, &classes).iter().flat_map(|sentence| splitter.readings(sentence)).collect()
}

/// Sentences of a dialplan that are still worth listing as phrases; an engine composes their graph when it starts to listen.
const MOST_LISTED: usize = 2_000;

/// What answers to `ask` are made of, for engines that take a list of phrases in place of a model; `None` where their own
/// general model serves better: what is open, or too much to list.
pub fn phrases(material: &LanguageMaterial, ask: Ask) -> Option<Vec<String>> {
    let phrases = match material.lang {
        Lang::En => &english::PHRASES,
        Lang::Zh => &mandarin::PHRASES,
    };
    let alike = |lists: &[&[&str]]| lists.concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let mut listed = match ask {
        Ask::Open => return None,
        // Any order of the words may be said.
        Ask::Digits => (phrases.digits)().concat().into_iter().map(str::to_owned).collect(),
        Ask::YesNo => alike(&[phrases.yes, phrases.no, phrases.backchannels, phrases.commands]),
        Ask::Choice => alike(&[phrases.choices, phrases.commands]),
    };
    if ask != Ask::Digits {
        if material.sentences.len() + material.names.len() > MOST_LISTED {
            return None;
        }
        listed.extend(material.names.iter().chain(&material.sentences).map(|sentence| text::words(sentence).join(" ")));
    }
    listed.sort_unstable();
    listed.dedup();
    listed.retain(|phrase| !phrase.is_empty());
    Some(listed)
}

/// What is counted in a transcript: words, or characters where the language has no spaces.
pub fn units(sentence: &str, lang: Lang) -> Vec<String> {
    match lang {
        Lang::En => text::words(sentence),
        Lang::Zh => hanzi::characters(sentence).iter().map(char::to_string).collect(),
    }
}

fn estimate(sentences: &[Vec<String>]) -> NGrams {
    NGrams::estimate(sentences.iter().map(|sentence| sentence.iter().map(String::as_str)))
}
