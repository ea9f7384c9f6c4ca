//! Whisper, by whisper.cpp: one reading of a whole window at a time.
//!
//! ```text
//! sound ─► window (the last 28 s) ─ every second ─► reading ─► Agreement ─► partial text
//!                                 └ at the end ───► reading ─► phantoms out ─► Transcript
//! ```
//!
//! The model was made for sentences of 30 s that are read afterwards; a reading costs the same however much was read
//! before. Words are believed when two readings agree on them, and phantoms of silence are taken out ([`phantoms`]).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

use super::agreement::Agreement;
use super::phantoms::{self, Evidence};
use super::{AsrError, Listening, Recogniser, RecogniserModel, Transcript, Word};
use crate::units::{Lang, SampleRate};

/// The window \[samples\]: 28 s. Beyond 30 s the library would read twice.
const WINDOW: usize = 28 * HERTZ;
/// A reading for a partial text so often \[samples\]: every second.
const STEP: usize = HERTZ;
/// The library refuses less than 100 ms; silence fills up to this \[samples\].
const SHORTEST: usize = HERTZ * 11 / 10;
/// What is not a model is shorter, or begins otherwise: "ggml", little-endian.
const MAGIC: [u8; 4] = *b"lmgg";
const HERTZ: usize = SampleRate::WIDEBAND.hertz() as usize;
/// Times of the library [ms].
const TICK_MS: u64 = 10;

/// A model file and the language to expect.
pub struct Model {
    context: Arc<WhisperContext>,
    lang: Lang,
}

impl Model {
    /// Loads the model in `file`.
    ///
    /// # Errors
    /// [`AsrError::ModelFileMissing`], [`AsrError::ModelFileDamaged`], [`AsrError::OtherLanguage`] for an English-only model
    /// that is to hear another language.
    pub fn load(file: &Path, lang: Lang) -> Result<Self, AsrError> {
        check(file)?;
        whisper_rs::install_logging_hooks();
        let damaged = |_| AsrError::ModelFileDamaged(file.to_owned());
        let path = file.to_str().ok_or(AsrError::ModelFileMissing(file.to_owned()))?;
        let context = WhisperContext::new_with_params(path, WhisperContextParameters::default()).map_err(damaged)?;
        if lang != Lang::En && !context.is_multilingual() {
            return Err(AsrError::OtherLanguage);
        }
        Ok(Self { context: Arc::new(context), lang })
    }
}

/// Whether `file` is there and begins like a model.
///
/// # Errors
/// [`AsrError::ModelFileMissing`], [`AsrError::ModelFileDamaged`].
pub fn check(file: &Path) -> Result<(), AsrError> {
    use std::io::Read as _;
    let mut magic = [0; MAGIC.len()];
    let mut opened = std::fs::File::open(file).map_err(|_| AsrError::ModelFileMissing(file.to_owned()))?;
    match opened.read_exact(&mut magic) {
        Ok(()) if magic == MAGIC => Ok(()),
        _ => Err(AsrError::ModelFileDamaged(file.to_owned())),
    }
}

impl RecogniserModel for Model {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        let state = self.context.create_state().map_err(|_| AsrError::EngineFailed("make a recogniser"))?;
        Ok(Box::new(Whisper { state, lang: self.lang, utterance: None }))
    }

    fn is_slow(&self) -> bool {
        true
    }
}

struct Whisper {
    state: WhisperState,
    lang: Lang,
    utterance: Option<Utterance>,
}

#[derive(Default)]
struct Utterance {
    /// The last [`WINDOW`] samples at most.
    window: Vec<i16>,
    /// Samples that have left the window.
    gone: usize,
    /// Samples since the last reading.
    unread: usize,
    agreement: Agreement,
    /// What was read of sound that has left the window.
    before: Vec<Word>,
}

impl Whisper {
    /// Reads the window; phantoms are left out.
    fn read(&mut self, utterance: &Utterance) -> Result<Vec<Word>, AsrError> {
        let level_dbov = phantoms::loudest_second(&utterance.window, HERTZ);
        let mut pcm: Vec<f32> = utterance.window.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
        pcm.resize(pcm.len().max(SHORTEST), 0.0);
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        parameters.set_n_threads(1);
        parameters.set_language(Some(match self.lang {
            Lang::En => "en",
            Lang::Zh => "zh",
        }));
        parameters.set_no_context(true);
        parameters.set_suppress_nst(true);
        // One attempt: an utterance that is read five times at rising temperatures comes seconds late.
        parameters.set_temperature_inc(0.0);
        parameters.set_token_timestamps(true);
        parameters.set_max_len(1);
        parameters.set_split_on_word(true);
        parameters.set_print_special(false);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_timestamps(false);
        self.state.full(parameters, &pcm).map_err(|_| AsrError::EngineFailed("read a window"))?;
        let offset = SampleRate::WIDEBAND.duration(utterance.gone as u64);
        // The library reads half a minute, with silence behind the sound.
        let length = SampleRate::WIDEBAND.duration(utterance.window.len() as u64);
        let (mut words, mut no_speech, mut logs) = (Vec::new(), 0.0_f32, Vec::new());
        for segment in self.state.as_iter() {
            let Ok(text) = segment.to_str_lossy() else { continue };
            no_speech = no_speech.max(segment.no_speech_probability());
            let tokens = (0..segment.n_tokens()).filter_map(|i| segment.get_token(i));
            let probabilities: Vec<f32> = tokens.map(|token| token.token_probability().max(1e-9)).collect();
            logs.extend(probabilities.iter().map(|p| p.ln()));
            let at = |ticks: i64| offset + Duration::from_millis(ticks.max(0) as u64 * TICK_MS).min(length);
            let confidence = probabilities.iter().sum::<f32>() / probabilities.len().max(1) as f32;
            let (from, to) = (at(segment.start_timestamp()), at(segment.end_timestamp()));
            words.extend(spoken(&text).map(|text| Word { text, from, to, confidence: confidence.min(1.0) }));
        }
        let log_probability = logs.iter().sum::<f32>() / logs.len().max(1) as f32;
        let text = text(&words);
        let is_phantom = phantoms::is_phantom(&text, Evidence { no_speech, log_probability, level_dbov });
        Ok(if is_phantom { Vec::new() } else { words })
    }
}

/// The words of a written text as other recognisers spell them: lower case, no punctuation.
fn spoken(text: &str) -> impl Iterator<Item = String> + '_ {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    text.split_whitespace().map(bare).filter(|word| !word.is_empty())
}

fn text(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

impl Recogniser for Whisper {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::WIDEBAND
    }

    fn begin(&mut self, _: &Listening) -> Result<(), AsrError> {
        self.utterance = Some(Utterance::default());
        Ok(())
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        let Some(mut utterance) = self.utterance.take() else { return Err(AsrError::NotListening) };
        utterance.window.extend_from_slice(pcm);
        utterance.unread += pcm.len();
        let mut partial = None;
        if utterance.window.len() > WINDOW {
            // What is read now stands; the window begins anew.
            let words = self.read(&utterance)?;
            utterance.before.extend(words);
            utterance.gone += utterance.window.len();
            utterance.window.clear();
            utterance.unread = 0;
            utterance.agreement = Agreement::default();
            partial = Some(text(&utterance.before));
        } else if utterance.unread >= STEP {
            utterance.unread = 0;
            let words = self.read(&utterance)?;
            let agreed = utterance.agreement.read(&text(&words));
            partial = agreed.map(|agreed| format!("{} {agreed}", text(&utterance.before)).trim().to_owned());
        }
        self.utterance = Some(utterance);
        Ok(partial)
    }

    fn finish(&mut self) -> Result<Transcript, AsrError> {
        let Some(mut utterance) = self.utterance.take() else { return Err(AsrError::NotListening) };
        let last = if utterance.window.is_empty() { Vec::new() } else { self.read(&utterance)? };
        utterance.before.extend(last);
        let words = utterance.before;
        let confidence = words.iter().map(|word| word.confidence).sum::<f32>() / words.len().max(1) as f32;
        let written = match self.lang {
            Lang::En => text(&words),
            Lang::Zh => text(&words).replace(' ', ""),
        };
        Ok(Transcript { text: written, confidence, words, ..Transcript::default() })
    }
}
