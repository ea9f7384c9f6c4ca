//! espeak-ng, in process: Mandarin, and English accents to test recognition with.
//!
//! ```text
//! clause ─► the one engine, locked ─► 22.05 kHz ─► unlocked: resample ─► sink
//! ```
//!
//! The library keeps its state in globals, so there is one instance behind a lock for the whole process. The lock is held
//! while a clause is rendered (0.4 % of its duration), never while the sink runs: a slow listener does not silence
//! other calls. Streaming is therefore by clause.
//!
//! The text reaches C only through `alphabet::legible`: 1.51 has known overruns on strange scripts and endless words.

#![allow(unsafe_code, reason = "the engine is a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::alphabet::legible;
use super::voice::Rate;
use super::{Synthesiser, TtsError};
use crate::audio::resample::Resampler;
use crate::units::{Lang, SampleRate};

/// How much sound the sink gets at once \[samples\]: 50 ms at 16 kHz.
const PIECE_SAMPLES: usize = 800;
/// What espeak-ng can do [words per minute] (`speak_lib.h`).
const RATES: std::ops::RangeInclusive<c_int> = 80..=450;

/// One voice at one rate.
#[derive(Clone, Copy, Debug)]
pub struct Espeak {
    voice: &'static CStr,
    lang: Lang,
    words_per_minute: c_int,
}

impl Espeak {
    /// `voice` is espeak-ng's own name, with `words_per_minute` at 100 %.
    ///
    /// # Errors
    /// [`TtsError::EngineFailed`]: espeak-ng's data is missing, or it has no such voice.
    pub fn new(voice: &'static CStr, lang: Lang, words_per_minute: u16, rate: Rate) -> Result<Self, TtsError> {
        let words_per_minute = c_int::from(words_per_minute) * c_int::from(rate.percent()) / 100;
        let espeak = Self { voice, lang, words_per_minute: words_per_minute.clamp(*RATES.start(), *RATES.end()) };
        Library::locked()?.select(voice)?;
        Ok(espeak)
    }
}

impl Synthesiser for Espeak {
    fn synthesise(&mut self, clause: &str, sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>) -> Result<(), TtsError> {
        let text = legible(clause, self.lang);
        if !text.chars().any(char::is_alphanumeric) {
            return Ok(());
        }
        let text = CString::new(text).map_err(|_| TtsError::EngineFailed("read the text"))?;
        let (pcm, rate) = Library::locked()?.render(self, &text)?;
        let mut wideband = Vec::with_capacity(pcm.len());
        let mut resampler = Resampler::new(rate, SampleRate::WIDEBAND);
        resampler.push(&pcm, &mut wideband);
        resampler.finish(&mut wideband);
        for piece in wideband.chunks(PIECE_SAMPLES) {
            if sink(piece).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The library's global state. Whoever holds the guard of [`Library::locked`] may call into it.
struct Library {
    rate: Option<SampleRate>,
    /// The voice that is set.
    voice: Option<&'static CStr>,
}

impl Library {
    fn locked() -> Result<MutexGuard<'static, Self>, TtsError> {
        static LIBRARY: Mutex<Library> = Mutex::new(Library { rate: None, voice: None });
        let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
        if library.rate.is_none() {
            // SAFETY: called once, under the lock; a null path means the installed data.
            let hertz = unsafe { espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, std::ptr::null(), DO_NOT_EXIT) };
            let rate = u32::try_from(hertz).ok().and_then(SampleRate::new);
            library.rate = Some(rate.ok_or(TtsError::EngineFailed("find espeak-ng's data"))?);
            // SAFETY: under the lock, and `collect` has the signature that the library asks for.
            unsafe { espeak_SetSynthCallback(collect) };
        }
        Ok(library)
    }

    fn select(&mut self, voice: &'static CStr) -> Result<(), TtsError> {
        if self.voice == Some(voice) {
            return Ok(());
        }
        self.voice = None;
        // SAFETY: under the lock; the name is a C string.
        if unsafe { espeak_SetVoiceByName(voice.as_ptr()) } != EE_OK {
            return Err(TtsError::EngineFailed("select a voice"));
        }
        self.voice = Some(voice);
        Ok(())
    }

    fn render(&mut self, espeak: &Espeak, text: &CStr) -> Result<(Vec<i16>, SampleRate), TtsError> {
        self.select(espeak.voice)?;
        let rate = self.rate.ok_or(TtsError::EngineFailed("find espeak-ng's data"))?;
        let mut pcm: Vec<i16> = Vec::new();
        // SAFETY: under the lock; `text` and `pcm` outlive the calls, which render before they return.
        let status = unsafe {
            espeak_SetParameter(PARAMETER_RATE, espeak.words_per_minute, 0);
            espeak_Synth(
                text.as_ptr().cast(),
                text.to_bytes_with_nul().len(),
                0,
                POSITION_CHARACTER,
                0,
                CHARS_UTF8,
                std::ptr::null_mut(),
                std::ptr::from_mut(&mut pcm).cast(),
            )
        };
        if status == EE_OK { Ok((pcm, rate)) } else { Err(TtsError::EngineFailed("speak a clause")) }
    }
}

/// espeak-ng's callback: answers 0 to go on, 1 to stop.
unsafe extern "C" fn collect(pcm: *const i16, samples: c_int, events: *const Event) -> c_int {
    if pcm.is_null() || samples <= 0 || events.is_null() {
        return 0;
    }
    // SAFETY: the list has at least its end mark, which carries the pointer that `render` passed; it and the `samples`
    // samples are valid until we return.
    unsafe {
        let Some(collected) = (*events).user_data.cast::<Vec<i16>>().as_mut() else { return 1 };
        collected.extend_from_slice(std::slice::from_raw_parts(pcm, samples as usize));
    }
    0
}

/// `espeak_EVENT` (`speak_lib.h`).
#[repr(C)]
struct Event {
    kind: c_int,
    unique_identifier: c_uint,
    text_position: c_int,
    length: c_int,
    audio_position: c_int,
    sample: c_int,
    user_data: *mut c_void,
    id: [c_char; 8],
}

// From `speak_lib.h`, revision 12.
const AUDIO_OUTPUT_SYNCHRONOUS: c_int = 2;
const DO_NOT_EXIT: c_int = 0x8000;
const EE_OK: c_int = 0;
const PARAMETER_RATE: c_int = 1;
const POSITION_CHARACTER: c_int = 1;
const CHARS_UTF8: c_uint = 1;

#[link(name = "espeak-ng")]
unsafe extern "C" {
    fn espeak_Initialize(output: c_int, buffer_ms: c_int, path: *const c_char, options: c_int) -> c_int;
    fn espeak_SetSynthCallback(callback: unsafe extern "C" fn(*const i16, c_int, *const Event) -> c_int);
    fn espeak_SetVoiceByName(name: *const c_char) -> c_int;
    fn espeak_SetParameter(parameter: c_int, value: c_int, relative: c_int) -> c_int;
    fn espeak_Synth(
        text: *const c_void,
        size: usize,
        position: c_uint,
        position_type: c_int,
        end_position: c_uint,
        flags: c_uint,
        unique_identifier: *mut c_uint,
        user_data: *mut c_void,
    ) -> c_int;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speak(voice: &'static CStr, lang: Lang, rate: Rate, text: &str) -> Vec<i16> {
        let mut pcm = Vec::new();
        let mut espeak = Espeak::new(voice, lang, 165, rate).unwrap();
        espeak
            .synthesise(text, &mut |piece| {
                pcm.extend_from_slice(piece);
                ControlFlow::Continue(())
            })
            .unwrap();
        pcm
    }

    #[test]
    fn mandarin_and_english_take_their_time() {
        for (voice, lang, text) in [
            (c"cmn", Lang::Zh, "您是想问昨天那笔二百元的退款吗？"),
            (c"en-us", Lang::En, "Is it about yesterday's refund of two hundred yuan?"),
        ] {
            let pcm = speak(voice, lang, Rate::NORMAL, text);
            let seconds = pcm.len() as f64 / 16_000.0;
            assert!((2.0..6.0).contains(&seconds), "{text}: {seconds} s");
            let rms = (pcm.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt();
            assert!(rms > 300.0, "{text}: {rms}");
            let fast = speak(voice, lang, Rate::FASTEST, text);
            assert!(fast.len() < pcm.len() * 7 / 10, "{} of {}", fast.len(), pcm.len());
        }
    }

    #[test]
    fn voices_do_not_leak_into_each_other() {
        let mandarin = || speak(c"cmn", Lang::Zh, Rate::NORMAL, "请稍等。").len();
        let before = mandarin();
        speak(c"en", Lang::En, Rate::FASTEST, "Please hold the line.");
        let after = mandarin();
        // The flutter of the pitch goes on where it was and moves the length by a per cent or two; the other rate
        // would take a third of it away.
        assert!(after.abs_diff(before) < before / 10, "{after} and {before}");
    }

    #[test]
    fn a_voice_that_is_not_there_is_an_error() {
        let missing = Espeak::new(c"no-such-voice", Lang::En, 165, Rate::NORMAL);
        assert_eq!(missing.err(), Some(TtsError::EngineFailed("select a voice")));
    }

    #[test]
    fn a_sink_may_break_off() {
        let mut pieces = 0;
        let mut espeak = Espeak::new(c"cmn", Lang::Zh, 165, Rate::NORMAL).unwrap();
        espeak
            .synthesise("请您再说一遍。", &mut |_| {
                pieces += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!(pieces, 1);
    }

    #[test]
    fn bad_input_is_spoken_or_skipped() {
        for text in
            ["", "\0", "你\0好", "😀", "。。。", "\u{7}\u{1b}[31m", "שלום", "[[h@l'oU]]", "<audio src='x'/>", "龘"]
        {
            speak(c"cmn", Lang::Zh, Rate::FASTEST, text);
        }
        for unit in ["好", "9", "。", "x", "Ab-", "，好"] {
            speak(c"cmn", Lang::Zh, Rate::FASTEST, &unit.repeat(2_000));
        }
    }
}
