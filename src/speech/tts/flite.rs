//! flite, in process: English voices that stream while they are rendered.
//!
//! ```text
//! clause ─► utterance ─► text analysis, durations, pitch ─► vocoder ─► callback ─► sink
//!                        └──── ~10 ms per spoken second ───┘ └──── ~17 ms ────┘
//! ```
//!
//! What threads share (flite 2.2, `utt_init`): a voice's features are *linked* into an utterance, which looks in its own
//! first; synthesis only reads them. So voices are registered once, under a lock, and then used by all threads, while
//! whatever differs between two utterances (the callback, the rate) is set on the utterance. The noise in unvoiced sounds
//! comes from libc's `rand()`: two renderings of a sentence have the same length and the same sound, not the same bits.
//!
//! The text reaches C only through `alphabet::legible`: flite's letter rules index tables with what they read.

#![allow(unsafe_code, reason = "the engine is a C library")]

use std::any::Any;
use std::ffi::{CString, c_char, c_int, c_void};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use super::alphabet::legible;
use super::voice::Rate;
use super::{Synthesiser, TtsError};
use crate::audio::resample::Resampler;
use crate::units::{Lang, SampleRate};

/// Samples after which flite calls back: 50 ms at 16 kHz.
const CALLBACK_SAMPLES: c_int = 800;

/// The voices that Debian builds into flite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FliteVoice {
    /// Woman, United States.
    Slt,
    /// Man, United States.
    Rms,
    /// Man, Scotland.
    Awb,
    /// Man, United States, diphones at 8 kHz.
    Kal,
}

/// One voice at one rate.
#[derive(Debug)]
pub struct Flite {
    voice: &'static SharedVoice,
    /// How much longer than usual sounds last.
    stretch: f32,
}

impl Flite {
    /// Registers the voice with flite, the first time.
    ///
    /// # Errors
    /// [`TtsError::EngineFailed`]: flite does not give it out.
    pub fn new(voice: FliteVoice, rate: Rate) -> Result<Self, TtsError> {
        Ok(Self { voice: SharedVoice::registered(voice)?, stretch: 100.0 / f32::from(rate.percent()) })
    }
}

impl Synthesiser for Flite {
    fn synthesise(&mut self, clause: &str, sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>) -> Result<(), TtsError> {
        let text = legible(clause, Lang::En);
        if !text.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(());
        }
        let text = CString::new(text).map_err(|_| TtsError::EngineFailed("read the text"))?;
        let mut relay = Relay { sink, resampler: None, pcm: Vec::new(), state: RelayState::Flowing };
        // SAFETY: `text` and `relay` outlive the call; the voice is registered and never unregistered.
        let rendered = unsafe { render(self.voice.0, &text, self.stretch, &mut relay) };
        relay.finish();
        if rendered { Ok(()) } else { Err(TtsError::EngineFailed("speak a clause")) }
    }
}

/// A voice that flite owns and nobody changes or frees.
#[derive(Debug)]
struct SharedVoice(*mut c_void);

// SAFETY: synthesis only reads a voice (see the module's documentation), and nothing else is done with it.
unsafe impl Send for SharedVoice {}
// SAFETY: as above.
unsafe impl Sync for SharedVoice {}

impl SharedVoice {
    /// Registration writes flite's global tables, so one thread at a time does it, once for each voice.
    fn registered(voice: FliteVoice) -> Result<&'static Self, TtsError> {
        static REGISTERED: Mutex<[Option<&SharedVoice>; 4]> = Mutex::new([None; 4]);
        let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(voice) = registered[voice as usize] {
            return Ok(voice);
        }
        // SAFETY: no other thread registers, and no voice that is in use changes: the functions build a new one or
        // answer the one that they built; a null folder means the data that is linked in.
        let pointer = unsafe {
            flite_init();
            match voice {
                FliteVoice::Slt => register_cmu_us_slt(std::ptr::null()),
                FliteVoice::Rms => register_cmu_us_rms(std::ptr::null()),
                FliteVoice::Awb => register_cmu_us_awb(std::ptr::null()),
                FliteVoice::Kal => register_cmu_us_kal(std::ptr::null()),
            }
        };
        if pointer.is_null() {
            return Err(TtsError::EngineFailed("register a voice"));
        }
        let shared: &'static Self = Box::leak(Box::new(Self(pointer)));
        registered[voice as usize] = Some(shared);
        Ok(shared)
    }
}

/// Carries sound from the callback to the sink.
struct Relay<'a> {
    sink: &'a mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    /// Made by the first callback that brings another rate than ours.
    resampler: Option<Resampler>,
    /// Scratch: what the resampler gave.
    pcm: Vec<i16>,
    state: RelayState,
}

enum RelayState {
    Flowing,
    BrokenOff,
    /// The sink panicked; a panic must not cross C, so it waits here.
    Panicked(Box<dyn Any + Send>),
}

impl Relay<'_> {
    fn take(&mut self, pcm: &[i16], rate: SampleRate) -> ControlFlow<()> {
        let RelayState::Flowing = self.state else { return ControlFlow::Break(()) };
        let flow = catch_unwind(AssertUnwindSafe(|| {
            if rate == SampleRate::WIDEBAND {
                return (self.sink)(pcm);
            }
            self.pcm.clear();
            let resampler = self.resampler.get_or_insert_with(|| Resampler::new(rate, SampleRate::WIDEBAND));
            resampler.push(pcm, &mut self.pcm);
            (self.sink)(&self.pcm)
        }));
        match flow {
            Ok(ControlFlow::Continue(())) => return ControlFlow::Continue(()),
            Ok(ControlFlow::Break(())) => self.state = RelayState::BrokenOff,
            Err(panic) => self.state = RelayState::Panicked(panic),
        }
        ControlFlow::Break(())
    }

    /// Gives the sink what the resampler still holds, or its own panic back.
    fn finish(mut self) {
        match self.state {
            RelayState::Flowing => {}
            RelayState::BrokenOff => return,
            RelayState::Panicked(panic) => resume_unwind(panic),
        }
        if let Some(resampler) = self.resampler {
            self.pcm.clear();
            resampler.finish(&mut self.pcm);
            // There is nothing left to break off.
            let _ = (self.sink)(&self.pcm);
        }
    }
}

/// Renders `text`, with the sound going to `relay`; false when flite gave up.
///
/// # Safety
/// `voice` is registered.
unsafe fn render(voice: *mut c_void, text: &CString, stretch: f32, relay: &mut Relay<'_>) -> bool {
    // SAFETY: `utterance` is made here and freed once: by flite when it fails (it then answers null), else by us. It owns
    // `info` through its features. Feature names are static; strings and values are copied or owned by the features.
    unsafe {
        let utterance = new_utterance();
        let info = new_audio_streaming_info();
        (*info).min_buffsize = CALLBACK_SAMPLES;
        (*info).callback = Some(deliver);
        (*info).relay = std::ptr::from_mut(relay).cast();
        let features = (*utterance).features;
        feat_set(features, c"streaming_info".as_ptr(), audio_streaming_info_val(info));
        feat_set_float(features, c"duration_stretch".as_ptr(), stretch);
        feat_set_string(features, c"input_text".as_ptr(), text.as_ptr());
        let rendered = flite_do_synth(utterance, voice, utt_synth);
        if rendered.is_null() {
            return false;
        }
        delete_utterance(rendered);
    }
    true
}

/// flite's callback: `size` new samples of `wave` from `start` on. Answers 0 to go on, −1 to stop (`cst_audio.h`).
unsafe extern "C" fn deliver(
    wave: *const Wave,
    start: c_int,
    size: c_int,
    _last: c_int,
    info: *mut StreamingInfo,
) -> c_int {
    // SAFETY: flite passes the wave that it renders and the info that `render` made, whose relay outlives the call.
    let (wave, relay) = unsafe { (&*wave, &mut *(*info).relay.cast::<Relay<'_>>()) };
    let (Ok(start), Ok(size)) = (usize::try_from(start), usize::try_from(size)) else { return -1 };
    let Some(rate) = u32::try_from(wave.sample_rate).ok().and_then(SampleRate::new) else { return -1 };
    if size == 0 {
        return 0;
    }
    // SAFETY: flite has written these samples, and does not write while it calls back.
    let pcm = unsafe { std::slice::from_raw_parts(wave.samples.add(start), size) };
    match relay.take(pcm, rate) {
        ControlFlow::Continue(()) => 0,
        ControlFlow::Break(()) => -1,
    }
}

/// `cst_wave` (`cst_wave.h`).
#[repr(C)]
struct Wave {
    kind: *const c_char,
    sample_rate: c_int,
    num_samples: c_int,
    num_channels: c_int,
    samples: *const i16,
}

/// `cst_audio_streaming_info` (`cst_audio.h`).
#[repr(C)]
struct StreamingInfo {
    min_buffsize: c_int,
    callback: Option<unsafe extern "C" fn(*const Wave, c_int, c_int, c_int, *mut StreamingInfo) -> c_int>,
    utterance: *const c_void,
    item: *const c_void,
    relay: *mut c_void,
}

/// The head of `cst_utterance` (`cst_utterance.h`).
#[repr(C)]
struct Utterance {
    features: *mut c_void,
}

#[link(name = "flite_cmu_us_slt")]
#[link(name = "flite_cmu_us_rms")]
#[link(name = "flite_cmu_us_awb")]
#[link(name = "flite_cmu_us_kal")]
#[link(name = "flite_usenglish")]
#[link(name = "flite_cmulex")]
#[link(name = "flite")]
unsafe extern "C" {
    fn flite_init() -> c_int;
    fn register_cmu_us_slt(folder: *const c_char) -> *mut c_void;
    fn register_cmu_us_rms(folder: *const c_char) -> *mut c_void;
    fn register_cmu_us_awb(folder: *const c_char) -> *mut c_void;
    fn register_cmu_us_kal(folder: *const c_char) -> *mut c_void;
    fn new_utterance() -> *mut Utterance;
    fn delete_utterance(utterance: *mut Utterance);
    fn new_audio_streaming_info() -> *mut StreamingInfo;
    fn audio_streaming_info_val(info: *mut StreamingInfo) -> *mut c_void;
    fn feat_set(features: *mut c_void, name: *const c_char, value: *const c_void);
    fn feat_set_float(features: *mut c_void, name: *const c_char, value: f32);
    fn feat_set_string(features: *mut c_void, name: *const c_char, value: *const c_char);
    fn flite_do_synth(
        utterance: *mut Utterance,
        voice: *mut c_void,
        synth: unsafe extern "C" fn(*mut Utterance) -> *mut Utterance,
    ) -> *mut Utterance;
    fn utt_synth(utterance: *mut Utterance) -> *mut Utterance;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENTENCE: &str = "Is it about the refund of two hundred yuan for the rice cooker?";

    /// The lengths of the pieces, and the sound.
    fn speak(voice: FliteVoice, rate: Rate, text: &str) -> (Vec<usize>, Vec<i16>) {
        let (mut lengths, mut pcm) = (Vec::new(), Vec::new());
        let mut flite = Flite::new(voice, rate).unwrap();
        flite
            .synthesise(text, &mut |piece| {
                lengths.push(piece.len());
                pcm.extend_from_slice(piece);
                ControlFlow::Continue(())
            })
            .unwrap();
        (lengths, pcm)
    }

    #[test]
    fn every_voice_speaks_a_sentence_in_its_time_and_in_pieces() {
        for voice in [FliteVoice::Slt, FliteVoice::Rms, FliteVoice::Awb, FliteVoice::Kal] {
            let (lengths, pcm) = speak(voice, Rate::NORMAL, SENTENCE);
            let seconds = pcm.len() as f64 / 16_000.0;
            assert!((2.5..6.0).contains(&seconds), "{voice:?}: {seconds} s");
            assert!(lengths.len() > 20 && lengths.iter().all(|&samples| samples <= 2_000), "{voice:?}: {lengths:?}");
            let rms = (pcm.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt();
            assert!(rms > 300.0, "{voice:?}: {rms}");
        }
    }

    #[test]
    fn a_sentence_always_has_the_same_length() {
        assert_eq!(
            speak(FliteVoice::Slt, Rate::NORMAL, SENTENCE).1.len(),
            speak(FliteVoice::Slt, Rate::NORMAL, SENTENCE).1.len()
        );
    }

    #[test]
    fn the_rate_changes_the_length() {
        let [slow, normal, fast] =
            [50, 100, 200].map(|p| speak(FliteVoice::Slt, Rate::new(p).unwrap(), SENTENCE).1.len() as f64);
        assert!((1.8..2.2).contains(&(slow / normal)), "{}", slow / normal);
        assert!((1.8..2.2).contains(&(normal / fast)), "{}", normal / fast);
    }

    #[test]
    fn the_first_piece_comes_before_the_rest_is_rendered() {
        // flite stops at the first refusal, so a sink that breaks off sees one piece: the others were not there yet.
        for voice in [FliteVoice::Slt, FliteVoice::Kal] {
            let mut pieces = 0;
            let mut flite = Flite::new(voice, Rate::NORMAL).unwrap();
            flite
                .synthesise(SENTENCE, &mut |_| {
                    pieces += 1;
                    ControlFlow::Break(())
                })
                .unwrap();
            assert_eq!(pieces, 1);
        }
    }

    #[test]
    fn a_panic_of_the_sink_comes_back_to_its_owner() {
        let panic = catch_unwind(|| {
            let mut flite = Flite::new(FliteVoice::Slt, Rate::NORMAL).unwrap();
            flite.synthesise(SENTENCE, &mut |_| panic!("the sink is full"))
        });
        assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "the sink is full");
    }

    #[test]
    fn threads_speak_at_once() {
        let alone = speak(FliteVoice::Slt, Rate::NORMAL, SENTENCE).1.len();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..3 {
                        assert_eq!(speak(FliteVoice::Slt, Rate::NORMAL, SENTENCE).1.len(), alone);
                    }
                });
            }
        });
    }

    #[test]
    fn bad_input_is_spoken_or_skipped() {
        for text in
            ["", " ", "\0", "a\0b", "😀", "...", "\u{7}\u{1b}[31m", "שלום", "你好", "naïve café", "''''", "<<>>[[]]"]
        {
            speak(FliteVoice::Slt, Rate::FASTEST, text);
        }
        for unit in ["x", "9", ".", "'", "Ab-", "$"] {
            speak(FliteVoice::Kal, Rate::FASTEST, &unit.repeat(300));
        }
    }
}
