//! The engine in this process.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::library::{Api, Handle, LoadedModel};
use super::{FEATURES, Reply, check, grammar, text, transcript};
use crate::speech::asr::lm::{self, AskTable, LanguageMaterial};
use crate::speech::asr::{AsrError, Listening, Recogniser, RecogniserModel, Transcript, Word};
use crate::units::{Ask, Lang, SampleRate};

/// A partial text is asked for so often \[ms\]: the library looks at sound in chunks of about this length.
const PARTIAL_EVERY_MS: u32 = 100;
/// Kaldi's rate where the model's configuration names none \[Hz\].
const USUAL_HERTZ: u32 = 16_000;

/// A model and what its callers may say.
pub struct Model {
    loaded: Arc<LoadedModel>,
    rate: SampleRate,
    lang: Lang,
    /// For each kind of question, a JSON list of phrases.
    grammars: Arc<[Option<String>; Ask::COUNT]>,
}

impl Model {
    /// Loads the model in `folder` with the library in the file `library`.
    ///
    /// # Errors
    /// [`AsrError::LibraryMissing`], [`AsrError::ModelFileMissing`], [`AsrError::ModelFileDamaged`], [`AsrError::OtherRate`].
    pub fn load(library: &Path, folder: &Path, material: &LanguageMaterial) -> Result<Self, AsrError> {
        check(folder)?;
        let rate = rate(folder)?;
        let loaded = Arc::new(LoadedModel::load(Api::load(library)?, folder)?);
        let grammar = |ask| lm::phrases(material, ask).map(|phrases| grammar(&phrases));
        Ok(Self { loaded, rate, lang: material.lang, grammars: Arc::new(Ask::ALL.map(grammar)) })
    }
}

/// The rate that the model's features are computed at.
fn rate(folder: &Path) -> Result<SampleRate, AsrError> {
    let file = folder.join(FEATURES);
    let text = fs::read_to_string(&file).map_err(|_| AsrError::ModelFileDamaged(file.clone()))?;
    let named = text.lines().find_map(|line| line.trim().strip_prefix("--sample-frequency="));
    let hertz = match named.map(|value| value.trim().parse::<f32>()) {
        None => USUAL_HERTZ,
        Some(Ok(hertz)) => hertz as u32,
        Some(Err(_)) => return Err(AsrError::ModelFileDamaged(file)),
    };
    match hertz {
        8_000 => Ok(SampleRate::NARROWBAND),
        16_000 => Ok(SampleRate::WIDEBAND),
        hertz => Err(AsrError::OtherRate { file, hertz }),
    }
}

impl RecogniserModel for Model {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        let (loaded, grammars) = (self.loaded.clone(), self.grammars.clone());
        let (rate, lang) = (self.rate, self.lang);
        let mut made = Vosk { loaded, grammars, rate, lang, handles: Default::default(), utterance: None };
        // The first one is made now, so that a model that cannot recognise is refused at the start.
        made.handle(Ask::Open)?;
        Ok(Box::new(made))
    }
}

struct Vosk {
    loaded: Arc<LoadedModel>,
    grammars: Arc<[Option<String>; Ask::COUNT]>,
    rate: SampleRate,
    lang: Lang,
    handles: [Option<Handle>; Ask::COUNT],
    utterance: Option<Utterance>,
}

struct Utterance {
    ask: Ask,
    /// What the library heard before: it counts time from the first utterance on.
    before: Duration,
    /// Segments that the library has ended.
    ended: Vec<Word>,
    /// Samples since a partial text was asked for.
    unasked: u32,
    told: String,
}

impl Utterance {
    /// Takes the words of a segment that has ended.
    fn end(&mut self, segment: &str) -> Result<(), AsrError> {
        let mut words = Reply::read(segment)?.words();
        for word in &mut words {
            word.from = word.from.saturating_sub(self.before);
            word.to = word.to.saturating_sub(self.before);
        }
        self.ended.extend(words);
        Ok(())
    }
}

impl Vosk {
    fn handle(&mut self, ask: Ask) -> Result<&mut Handle, AsrError> {
        let place = &mut self.handles[ask.index()];
        if place.is_none() {
            *place = Some(self.loaded.recogniser(self.rate.hertz(), self.grammars[ask.index()].as_deref())?);
        }
        place.as_mut().ok_or(AsrError::EngineFailed("make a recogniser"))
    }
}

impl Recogniser for Vosk {
    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn begin(&mut self, listening: &Listening) -> Result<(), AsrError> {
        let ask = listening.ask;
        self.utterance = None;
        let rate = self.rate;
        let handle = self.handle(ask)?;
        handle.forget();
        let before = rate.duration(handle.fed());
        self.utterance = Some(Utterance { ask, before, ended: Vec::new(), unasked: 0, told: String::new() });
        Ok(())
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        let Some(mut utterance) = self.utterance.take() else { return Err(AsrError::NotListening) };
        let lang = self.lang;
        let every = self.rate.hertz() * PARTIAL_EVERY_MS / 1_000;
        let handle = self.handle(utterance.ask)?;
        utterance.unasked += pcm.len() as u32;
        let mut partial = None;
        if handle.accept(pcm)? {
            let segment = handle.result();
            utterance.end(&segment)?;
            partial = Some(text(&utterance.ended, "", lang));
        } else if utterance.unasked >= every {
            utterance.unasked = 0;
            let Reply { partial: so_far, .. } = Reply::read(&handle.partial())?;
            partial = Some(text(&utterance.ended, &so_far, lang));
        }
        let news = partial.filter(|text| *text != utterance.told);
        if let Some(text) = &news {
            utterance.told.clone_from(text);
        }
        self.utterance = Some(utterance);
        Ok(news)
    }

    fn finish(&mut self) -> Result<Transcript, AsrError> {
        let Some(mut utterance) = self.utterance.take() else { return Err(AsrError::NotListening) };
        let handle = self.handle(utterance.ask)?;
        let segment = handle.final_result();
        utterance.end(&segment)?;
        Ok(transcript(utterance.ended, self.lang))
    }
}
