//! PocketSphinx on a telephone line: the embedded recogniser. [`Bands`] has a [`Model`] for what each kind of line carries.
//!
//! ```text
//! model folder ─┐                                    ┌─► Recogniser (one call at a time)
//!               ├─► Model::load ─► dictionary, LMs ─►┼─► Recogniser
//! material ─────┘      (once for a dialplan)         └─► Recogniser …
//! ```
//!
//! Loading builds the language models of the dialplan, and a dictionary with just their words, in a folder of its own that
//! goes when the model goes. Each recogniser maps the senone weights from the same file; means, search network and
//! language models are its own, since the library's look-up caches forbid sharing them between threads.

pub mod adaptation;
mod bands;
mod by_ask;
mod bytes;
mod channel;
#[allow(unsafe_code)] // wraps the C library; every call carries its reason
mod decoder;
mod dictionary;
mod enhancement;
#[allow(unsafe_code)] // declarations of the C library
mod ffi;
pub mod folder;
pub mod mandarin;
mod mdef;
pub mod narrowband;
mod order;
mod recogniser;
pub mod s3;
mod scratch;

use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::sync::Arc;

pub use self::bands::Bands;
use self::by_ask::ByAsk;
use self::dictionary::Dictionary;
use self::enhancement::Network;
use self::folder::Line;
use self::narrowband::{CEPSTRA, parameter, parse_mean};
use self::recogniser::PocketSphinx;
use self::scratch::Scratch;
use super::lm::ngram::NGrams;
use super::lm::{AskTable, LanguageMaterial, Models};
use super::{AsrError, Recogniser, RecogniserModel};
use crate::units::{Ask, Lang, SampleRate};

/// The folder of the model for telephone lines, among the models.
pub const fn model_name(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en-us-8k",
        Lang::Zh => "zh-cn-8k",
    }
}

/// The folder of the model for lines of 16 kHz, in English.
pub const WIDEBAND_MODEL: &str = "en-us-16k";

/// Everything that recognisers of one dialplan have in common.
#[derive(Debug)]
pub struct Model {
    /// The acoustic model's folder.
    folder: String,
    /// Dictionary and language models, written for the library to read.
    written: Scratch,
    /// The language model of each kind of question: file name in `written`.
    models: [&'static str; Ask::COUNT],
    /// Of the sound that the acoustic model is for.
    rate: SampleRate,
    prior: [f32; CEPSTRA],
    /// Takes noise out for the acoustic model that telephone speech moved.
    enhancement: Arc<Network>,
    lang: Lang,
    /// Whether nothing is known of the hotline, so that what is open is heard with the general model.
    is_general: bool,
}

impl Model {
    /// Opens a model folder and makes it fit for `material`. Without any sentence the general model, where the language has
    /// one, serves all questions but digits, at several times the cost.
    ///
    /// # Errors
    /// [`AsrError::ModelFileMissing`], [`AsrError::ModelFileDamaged`], [`AsrError::ModelOutdated`],
    /// [`AsrError::OtherLanguage`], [`AsrError::NoScratchSpace`].
    pub fn load(folder: &Path, material: &LanguageMaterial) -> Result<Self, AsrError> {
        folder::check(folder, material.lang)?;
        let damaged = |name: &str| AsrError::ModelFileDamaged(folder.join(name));
        let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|_| damaged(name));
        let parameters = read(folder::PARAMETERS)?;
        let rate = parameter(&parameters, "-samprate").and_then(|hertz| SampleRate::new(hertz.parse().ok()?));
        let prior = parameter(&parameters, "-cmninit").and_then(parse_mean);
        let (rate, prior) = rate.zip(prior).ok_or_else(|| damaged(folder::PARAMETERS))?;
        let general = match material.lang {
            Lang::En => {
                let pairs = read(folder::GENERAL_PAIRS)?;
                Some(NGrams::parse_arpa(&pairs, 2).map_err(|_| damaged(folder::GENERAL_PAIRS))?)
            }
            Lang::Zh => None,
        };
        let line = if rate == SampleRate::WIDEBAND { Line::Wideband } else { Line::Narrowband };
        let enhancement = Network::english(line).map_err(|_| AsrError::EngineFailed("read what takes noise out"))?;
        let enhancement = Arc::new(enhancement);
        let dictionary = read(folder::DICTIONARY)?;
        let dictionary = Dictionary::parse(&dictionary);

        let written = Scratch::new()?;
        let built = Models::build(material, general.as_ref(), &|word| dictionary.knows(word));
        let all_words = [built.of(Ask::Open), built.of(Ask::Digits), built.of(Ask::Choice)];
        let whole_general = general.as_ref().filter(|_| material.sentences.is_empty());
        let words = all_words.into_iter().chain(whole_general).flat_map(NGrams::vocabulary);
        written.write(DICTIONARY, &dictionary.for_words(words))?;
        let mut models = ["open.arpa", "yes_no.arpa", "digits.arpa", "choice.arpa"];
        for ask in Ask::ALL {
            written.write(models[ask.index()], &built.of(ask).to_arpa())?;
        }
        if whole_general.is_some() {
            let full = folder.join(folder::GENERAL_FULL);
            fs::copy(full, written.path().join(folder::GENERAL_FULL)).map_err(|_| AsrError::NoScratchSpace)?;
            models[Ask::Open.index()] = folder::GENERAL_FULL;
        }
        let folder = folder.to_str().ok_or_else(|| damaged(""))?.to_owned();
        let is_general = whole_general.is_some();
        Ok(Self { folder, written, models, rate, prior, enhancement, lang: material.lang, is_general })
    }

    /// A recogniser for `asks`, with the acoustic model that hears their answers best.
    fn new_recogniser(&self, asks: &[Ask], acoustics: Acoustics) -> Result<PocketSphinx, AsrError> {
        let dictionary = self.written.path().join(DICTIONARY);
        let dictionary = dictionary.to_str().ok_or(AsrError::NoScratchSpace)?;
        let mut arguments = vec![("-hmm", self.folder.as_str()), ("-dict", dictionary)];
        arguments.extend(SETTINGS);
        if self.is_general && asks.contains(&Ask::Open) {
            arguments.push(FEWER_WORDS);
        }
        let adapted = folder::TELEPHONE.map(|name| format!("{}/{name}", self.folder));
        let enhancement = (acoustics == Acoustics::Telephone).then(|| Arc::clone(&self.enhancement));
        if acoustics == Acoustics::Telephone {
            arguments.extend(QUICKER);
            arguments.extend(["-mean", "-var", "-sendump"].into_iter().zip(adapted.iter().map(String::as_str)));
        }
        let (mut decoder, front_end) = decoder::Decoder::new(&arguments)?;
        for &ask in asks {
            decoder.add_language_model(&search_name(ask), &self.written.path().join(self.models[ask.index()]))?;
        }
        Ok(PocketSphinx::new(decoder, front_end, self.rate, self.prior, enhancement, self.lang))
    }
}

impl RecogniserModel for Model {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        match self.lang {
            Lang::Zh => Ok(Box::new(self.new_recogniser(&Ask::ALL, Acoustics::Derived)?)),
            Lang::En if self.is_general => Ok(Box::new(ByAsk::new(
                self.new_recogniser(&[Ask::Open], Acoustics::Derived)?,
                self.new_recogniser(&[Ask::YesNo, Ask::Digits, Ask::Choice], Acoustics::Telephone)?,
            ))),
            Lang::En => Ok(Box::new(self.new_recogniser(&Ask::ALL, Acoustics::Telephone)?)),
        }
    }
}

/// Which Gaussians and weights a recogniser hears with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acoustics {
    /// Those of the model folder.
    Derived,
    /// Those that callers' speech moved: better where few words are expected, worse where any may come.
    Telephone,
}

/// The dictionary of a loaded model.
const DICTIONARY: &str = "dictionary.txt";

/// Settings of the search; the others are the library's own.
const SETTINGS: [decoder::Argument<'static>; 4] = [
    // Frames must stay where they were said: silence is ours to cut.
    ("-remove_silence", "no"),
    // A second pass over the whole utterance would delay the final text by up to 300 ms, and gains no accuracy here.
    ("-fwdflat", "no"),
    ("-mmap", "yes"),
    // Room for the ends of words in one utterance. The library ends the process when it is asked for the text at a moment
    // when this table is full and has not grown yet (an assertion in `ngram_search_find_exit`; seen once, at the default of
    // 5,000 and with the general model), so it must never be full: the busiest sound tried took 43 a frame, and an utterance
    // has 6,000 frames. What is not written to takes no memory.
    ("-latsize", "400000"),
];

/// Where few words are expected, less is looked at than the library would (its `-topn 4`, `-pl_weight 3` and `-lw 6.5`): three
/// Gaussians of each codebook; a phone that the next 50 ms speak against costs more, and so does a word that is not expected.
/// The first two save a seventh of the processor time: of the words of questions 9.1 % are wrong (9.2 % before), with a corpus
/// 5.1 (4.7), of spelled words 7.5 (7.5), and 11 of 300 digits (10). The third saves 3 % more: questions 9.6 (10.0), with a
/// corpus 5.7 (5.4), orders described 16.5 (16.7), spelled words 7.1 (7.5), of strangers 19.7 (19.6), 12 digits (11). `-topn 2`
/// and `-ds 2` would save a seventh and a quarter more, but strangers pay for it: 22.1 and 21.0 % of their spelled words.
const QUICKER: [decoder::Argument<'static>; 3] = [("-topn", "3"), ("-pl_weight", "5"), ("-lw", "7.2")];

/// Where any word may come, breath and room become "to", "the" and "a": a new word costs more than the library's 0.65. Of the
/// words of 150 prompts by a person 32.7 % are wrong instead of 35.3 %; of the half it was not chosen on, 33.5 instead of 35.0 %.
const FEWER_WORDS: decoder::Argument<'static> = ("-wip", "0.1");

/// The library's name for the search that answers `ask`.
fn search_name(ask: Ask) -> CString {
    let name = match ask {
        Ask::Open => c"open",
        Ask::YesNo => c"yes_no",
        Ask::Digits => c"digits",
        Ask::Choice => c"choice",
    };
    name.to_owned()
}
