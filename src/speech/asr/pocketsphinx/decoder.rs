//! One PocketSphinx decoder and one front end, made safe: all `unsafe` of the recogniser is in this file.
//!
//! ```text
//! samples ─► FrontEnd::cepstra ─► (channel mean, in Rust) ─► Decoder::process ─► best text, words, n-best
//! ```
//!
//! The two are kept apart because the channel mean is ours: the library is told `-cmn none` and fed with cepstra.

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Once;

use super::ffi;
use super::narrowband::CEPSTRA;
use crate::speech::asr::AsrError;

/// Frames that the front end hands over at once.
const CHUNK: usize = 64;

/// Frames that are searched at once. Without a second pass the library keeps features in a ring of about a dozen frames,
/// and loses its place when it is given more: the utterance ends with no text.
const SEARCHED_AT_ONCE: usize = 4;

/// Arguments of the library: a name with its dash, and a value.
pub(super) type Argument<'a> = (&'a str, &'a str);

/// Calls the library's `free` for a configuration that was made here.
struct OwnedConfig(NonNull<ffi::Config>);

impl OwnedConfig {
    fn new(arguments: &[Argument<'_>]) -> Result<Self, AsrError> {
        let failed = AsrError::EngineFailed("take its settings");
        let words = arguments.iter().flat_map(|(name, value)| [*name, *value]);
        let words = words.map(CString::new).collect::<Result<Vec<_>, _>>().map_err(|_| failed.clone())?;
        let mut argv: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
        silence_log();
        // SAFETY: `argv` holds `argc` terminated strings that outlive the call; the library copies them and writes to none.
        let config =
            unsafe { ffi::cmd_ln_parse_r(ptr::null_mut(), ffi::ps_args(), argv.len() as i32, argv.as_mut_ptr(), 1) };
        NonNull::new(config).map(Self).ok_or(failed)
    }
}

impl Drop for OwnedConfig {
    fn drop(&mut self) {
        // SAFETY: made by `cmd_ln_parse_r`, and whoever else uses it holds a count of its own.
        unsafe { ffi::cmd_ln_free_r(self.0.as_ptr()) };
    }
}

/// The library writes pages to stderr; errors are told by return values, and their causes are checked before.
fn silence_log() {
    static ONCE: Once = Once::new();
    // SAFETY: no callback and no stream mean no logging, which the library allows; the callback is set once, before any
    // other use, and the stream belongs to this thread.
    unsafe {
        ONCE.call_once(|| ffi::err_set_callback(None, ptr::null_mut()));
        ffi::err_set_logfp(ptr::null_mut());
    }
}

/// Turns samples into cepstra, 100 a second.
pub(super) struct FrontEnd(NonNull<ffi::FrontEnd>);

// SAFETY: the front end has no ties to the thread that made it; `&mut self` keeps it to one thread at a time.
unsafe impl Send for FrontEnd {}

impl FrontEnd {
    /// Forgets everything, noise level included, and starts an utterance.
    pub(super) fn start(&mut self) -> Result<(), AsrError> {
        // SAFETY: the pointer is valid as long as `self`.
        let started = unsafe {
            ffi::fe_start_stream(self.0.as_ptr());
            ffi::fe_start_utt(self.0.as_ptr())
        };
        check(started, "start its front end")
    }

    /// Appends the cepstra of `pcm`, as far as whole frames are there, to `cepstra`.
    pub(super) fn cepstra(&mut self, pcm: &[i16], cepstra: &mut Vec<[f32; CEPSTRA]>) -> Result<(), AsrError> {
        let mut rows = [[0.0f32; CEPSTRA]; CHUNK];
        let mut samples = pcm.as_ptr();
        let mut left = pcm.len();
        loop {
            let (before, mut frames, mut index) = (left, CHUNK as i32, 0);
            let mut row_pointers: [*mut f32; CHUNK] = rows.each_mut().map(|row| row.as_mut_ptr());
            // SAFETY: `samples` points at `left` samples of `pcm`; there are `frames` rows of 13 numbers, which is what
            // the front end makes (`-ncep 13`, its default and what `feat.params` is checked for).
            let done = unsafe {
                ffi::fe_process_frames(
                    self.0.as_ptr(),
                    &mut samples,
                    &mut left,
                    row_pointers.as_mut_ptr(),
                    &mut frames,
                    &mut index,
                )
            };
            check(done, "compute features")?;
            cepstra.extend_from_slice(&rows[..(frames.max(0) as usize).min(CHUNK)]);
            if left == 0 || (left == before && frames <= 0) {
                return Ok(());
            }
        }
    }

    /// Ends the utterance; what is left of the samples makes one more frame.
    pub(super) fn finish(&mut self, cepstra: &mut Vec<[f32; CEPSTRA]>) -> Result<(), AsrError> {
        let (mut row, mut frames) = ([0.0f32; CEPSTRA], 0);
        // SAFETY: `row` has room for one frame, which is all that this call makes.
        check(unsafe { ffi::fe_end_utt(self.0.as_ptr(), row.as_mut_ptr(), &mut frames) }, "end its front end")?;
        if frames > 0 {
            cepstra.push(row);
        }
        Ok(())
    }
}

impl Drop for FrontEnd {
    fn drop(&mut self) {
        // SAFETY: made by `fe_init_auto_r` and freed once.
        unsafe { ffi::fe_free(self.0.as_ptr()) };
    }
}

/// A word of the best path, with its frames \[10 ms\].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) word: String,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) posterior: f32,
}

/// A decoder with its language models.
pub(super) struct Decoder(NonNull<ffi::PsDecoder>);

// SAFETY: a decoder has no ties to the thread that made it; `&mut self` keeps it, and the language models that only it
// uses, to one thread at a time.
unsafe impl Send for Decoder {}

impl Decoder {
    /// Loads an acoustic model and a dictionary, and the front end that belongs to them.
    pub(super) fn new(arguments: &[Argument<'_>]) -> Result<(Self, FrontEnd), AsrError> {
        let config = OwnedConfig::new(arguments)?;
        // SAFETY: the configuration is valid; the decoder takes a count of its own.
        let decoder = unsafe { ffi::ps_init(config.0.as_ptr()) };
        let decoder = Self(NonNull::new(decoder).ok_or(AsrError::EngineFailed("load the acoustic model"))?);
        // SAFETY: the decoder's configuration, with `feat.params` read in, lives as long as the decoder; the front end
        // takes a count of its own.
        let front_end = unsafe { ffi::fe_init_auto_r(ffi::ps_get_config(decoder.0.as_ptr())) };
        let front_end = NonNull::new(front_end).ok_or(AsrError::EngineFailed("make its front end"))?;
        Ok((decoder, FrontEnd(front_end)))
    }

    /// Reads a language model and makes it one that can be chosen.
    pub(super) fn add_language_model(&mut self, name: &CStr, file: &Path) -> Result<(), AsrError> {
        let failed = || AsrError::EngineFailed("read a language model");
        let path = c_path(file).ok_or_else(failed)?;
        // SAFETY: decoder, its configuration and its log table are valid; the decoder takes a count of the model, so that
        // ours is given back.
        let added = unsafe {
            let decoder = self.0.as_ptr();
            let math = ffi::ps_get_logmath(decoder);
            let model = ffi::ngram_model_read(ffi::ps_get_config(decoder), path.as_ptr(), ffi::NGRAM_AUTO, math);
            if model.is_null() {
                return Err(failed());
            }
            let added = ffi::ps_set_lm(decoder, name.as_ptr(), model);
            ffi::ngram_model_free(model);
            added
        };
        check(added, "read a language model")
    }

    /// Starts an utterance with the language model `name`.
    pub(super) fn start(&mut self, name: &CStr) -> Result<(), AsrError> {
        // SAFETY: the pointer is valid as long as `self`; an unknown name is refused by the library.
        unsafe {
            check(ffi::ps_set_search(self.0.as_ptr(), name.as_ptr()), "choose a language model")?;
            check(ffi::ps_start_utt(self.0.as_ptr()), "start an utterance")
        }
    }

    /// Searches through `cepstra`.
    pub(super) fn process(&mut self, cepstra: &mut [[f32; CEPSTRA]]) -> Result<(), AsrError> {
        for chunk in cepstra.chunks_mut(SEARCHED_AT_ONCE) {
            let count = chunk.len() as c_int;
            let mut rows = [ptr::null_mut(); SEARCHED_AT_ONCE];
            for (row, frame) in rows.iter_mut().zip(chunk) {
                *row = frame.as_mut_ptr();
            }
            // SAFETY: `rows` holds `count` pointers to 13 numbers each, exclusively borrowed for the call.
            let searched = unsafe { ffi::ps_process_cep(self.0.as_ptr(), rows.as_mut_ptr(), count, 0, 0) };
            check(searched, "search")?;
        }
        Ok(())
    }

    /// Ends the utterance: the best path through its lattice is looked for now.
    pub(super) fn end(&mut self) -> Result<(), AsrError> {
        // SAFETY: the pointer is valid as long as `self`.
        check(unsafe { ffi::ps_end_utt(self.0.as_ptr()) }, "end an utterance")
    }

    /// The best text so far.
    pub(super) fn best(&mut self) -> String {
        // SAFETY: the score may be unwanted; the string lives until the next call and is copied here.
        unsafe { copied(ffi::ps_get_hyp(self.0.as_ptr(), ptr::null_mut())) }
    }

    /// Posterior probability of the best text, 0–1; only after [`end`](Self::end).
    pub(super) fn posterior(&mut self) -> f32 {
        // SAFETY: the pointer is valid as long as `self`.
        let log = unsafe { ffi::ps_get_prob(self.0.as_ptr()) };
        self.probability(log)
    }

    /// The words of the best text, fillers included.
    pub(super) fn segments(&mut self) -> Vec<Segment> {
        let mut segments = Vec::new();
        // SAFETY: the iterator is followed to its end, where the library frees it; its strings are copied at once.
        unsafe {
            let mut at = ffi::ps_seg_iter(self.0.as_ptr());
            while !at.is_null() {
                let (mut first, mut last, mut ascr, mut lscr, mut order) = (0, 0, 0, 0, 0);
                ffi::ps_seg_frames(at, &mut first, &mut last);
                let log = ffi::ps_seg_prob(at, &mut ascr, &mut lscr, &mut order);
                segments.push(Segment {
                    word: copied(ffi::ps_seg_word(at)),
                    first: first.max(0) as u32,
                    last: last.max(0) as u32,
                    posterior: self.probability(log),
                });
                at = ffi::ps_seg_next(at);
            }
        }
        segments
    }

    /// Up to `most` different texts with their path scores (logarithms to base e), best first.
    pub(super) fn n_best(&mut self, most: usize) -> Vec<(String, f64)> {
        let mut list: Vec<(String, f64)> = Vec::new();
        // Paths that differ in pauses only read the same, so more paths are looked at than texts are wanted.
        let mut paths = most * 10;
        // SAFETY: the iterator is freed by `next` at its end, or below; its strings are copied at once.
        unsafe {
            let mut at = ffi::ps_nbest(self.0.as_ptr());
            while !at.is_null() && paths > 0 && list.len() < most {
                let mut score = 0;
                let text = copied(ffi::ps_nbest_hyp(at, &mut score));
                if !text.is_empty() && !list.iter().any(|(known, _)| *known == text) {
                    list.push((text, f64::from(score)));
                }
                paths -= 1;
                at = ffi::ps_nbest_next(at);
            }
            if !at.is_null() {
                ffi::ps_nbest_free(at);
            }
        }
        list
    }

    fn probability(&self, log: i32) -> f32 {
        // SAFETY: the log table lives as long as the decoder.
        let p = unsafe { ffi::logmath_exp(ffi::ps_get_logmath(self.0.as_ptr()), log) };
        (p as f32).clamp(0.0, 1.0)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `ps_init` and freed once.
        unsafe { ffi::ps_free(self.0.as_ptr()) };
    }
}

/// A language model file opened for questions.
pub(super) struct GeneralModel {
    model: NonNull<ffi::NGramModel>,
    math: NonNull<ffi::LogMath>,
}

impl GeneralModel {
    /// Reads the file.
    pub(super) fn open(file: &Path) -> Result<Self, AsrError> {
        let failed = || AsrError::EngineFailed("read a language model");
        let path = c_path(file).ok_or_else(failed)?;
        silence_log();
        // SAFETY: a missing configuration means defaults; the path outlives the call, and what was made is freed here.
        unsafe {
            let math = NonNull::new(ffi::logmath_init(1.0001, 0, 1)).ok_or_else(failed)?;
            match NonNull::new(ffi::ngram_model_read(ptr::null_mut(), path.as_ptr(), ffi::NGRAM_AUTO, math.as_ptr())) {
                Some(model) => Ok(Self { model, math }),
                None => {
                    ffi::logmath_free(math.as_ptr());
                    Err(failed())
                }
            }
        }
    }

    /// All words; their positions are their numbers.
    pub(super) fn words(&self) -> Vec<String> {
        // SAFETY: the counts are as many as the model's order, at least one; there are so many words.
        unsafe {
            let count = *ffi::ngram_model_get_counts(self.model.as_ptr());
            (0..count as i32).map(|word| copied(ffi::ngram_word(self.model.as_ptr(), word))).collect()
        }
    }

    /// Probability of word number `word`.
    pub(super) fn unigram(&mut self, word: usize) -> f64 {
        let mut used = 0;
        // SAFETY: without a history none is read; a number beyond the vocabulary is answered with zero.
        unsafe {
            let log = ffi::ngram_ng_score(self.model.as_ptr(), word as i32, ptr::null_mut(), 0, &mut used);
            ffi::logmath_exp(self.math.as_ptr(), log)
        }
    }

    /// Probability of word number `word` after word number `before`; `None` where the model has no such pair.
    pub(super) fn bigram(&mut self, before: usize, word: usize) -> Option<f64> {
        let (mut history, mut used) = (before as i32, 0);
        // SAFETY: one word of history is read from `history`.
        unsafe {
            let log = ffi::ngram_ng_score(self.model.as_ptr(), word as i32, &mut history, 1, &mut used);
            (used == 2).then(|| ffi::logmath_exp(self.math.as_ptr(), log))
        }
    }
}

impl Drop for GeneralModel {
    fn drop(&mut self) {
        // SAFETY: both were made in `open` and are freed once, the model before the table that it uses.
        unsafe {
            ffi::ngram_model_free(self.model.as_ptr());
            ffi::logmath_free(self.math.as_ptr());
        }
    }
}

fn check(status: c_int, doing: &'static str) -> Result<(), AsrError> {
    if status < 0 { Err(AsrError::EngineFailed(doing)) } else { Ok(()) }
}

fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.to_str()?).ok()
}

/// Copies a string of the library; none is empty.
///
/// # Safety
/// `string` is null or points at a terminated string.
unsafe fn copied(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: promised by the caller.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
