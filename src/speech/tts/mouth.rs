//! The whole room in one call: text in, pieces of levelled speech out.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::cache::{ClauseCache, Key};
use super::clauses::Ending;
use super::level::Leveller;
use super::script::{Line, script};
use super::{Piece, Recordings, TtsError, Voice};

/// Pause after a sentence \[ms\], what a speaker makes between two of a prompt.
const SENTENCE_PAUSE_MS: u64 = 350;
/// Pause after a phrase \[ms\].
const PHRASE_PAUSE_MS: u64 = 120;
/// Samples of a millisecond at 16 kHz.
const SAMPLES_PER_MS: u64 = 16;

/// Renders one clause after the other, whatever the voice.
pub trait Renderer: Send {
    /// Who renders, where it is not the voice's own engine.
    fn by(&self) -> Option<Arc<str>> {
        None
    }

    /// What brings its sound to the common loudness \[dB\].
    fn gain_db(&self, voice: &Voice) -> f32 {
        voice.gain_db()
    }

    /// Renders `clause` into `sink` as a [`Synthesiser`](super::Synthesiser) does.
    ///
    /// # Errors
    /// [`TtsError`]; what `sink` has taken so far is sound.
    fn render(
        &mut self,
        voice: &Voice,
        clause: &str,
        sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    ) -> Result<(), TtsError>;
}

/// Renders with the voice's own engine, in the thread that asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct InPlace;

impl Renderer for InPlace {
    fn render(
        &mut self,
        voice: &Voice,
        clause: &str,
        sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    ) -> Result<(), TtsError> {
        voice.synthesiser()?.synthesise(clause, sink)
    }
}

/// Speaks. Each worker thread has one; all share a cache.
pub struct Mouth {
    cache: Arc<ClauseCache>,
    /// Best first. Which one fails before its first sound of a clause leaves the clause to the next.
    renderers: Vec<Box<dyn Renderer>>,
    /// What needs no engine.
    recordings: Arc<Recordings>,
}

impl Mouth {
    /// A mouth that looks into `cache` before it renders.
    pub fn new(cache: Arc<ClauseCache>) -> Self {
        Self::with(cache, vec![Box::new(InPlace)])
    }

    /// A mouth that renders with the first of `renderers` that can.
    pub fn with(cache: Arc<ClauseCache>, renderers: Vec<Box<dyn Renderer>>) -> Self {
        Self { cache, renderers, recordings: Arc::default() }
    }

    /// Says from now on what stands in `recordings` with their sound.
    pub fn use_recordings(&mut self, recordings: Arc<Recordings>) {
        self.recordings = recordings;
    }

    /// Renders `text` and keeps it for good where the cache has a store: for prompts that everybody hears.
    ///
    /// # Errors
    /// As [`speak`](Self::speak).
    pub fn prepare(&mut self, voice: &Voice, text: &str) -> Result<(), TtsError> {
        self.speak(voice, text, &mut |_| ControlFlow::Continue(()))?;
        let by = self.renderers.first().and_then(|renderer| renderer.by());
        for line in script(voice, text, &self.recordings)? {
            let Line::Clause { voice, words, .. } = line else { continue };
            let key = Key::new(by.clone(), &voice, &words);
            if let Some(pieces) = self.cache.find(&key) {
                self.cache.keep_for_good(&key, &pieces);
            }
        }
        Ok(())
    }

    /// Speaks `text` with `voice`: hands 16 kHz mono pieces to `sink`, the first as soon as it is rendered, until all is
    /// spoken or `sink` breaks off. What stands between `<speak>` and `</speak>` is read as [markup](super::markup).
    ///
    /// # Errors
    /// [`TtsError::Markup`], before anything is spoken; [`TtsError::EngineFailed`], after what `sink` has taken.
    pub fn speak(
        &mut self,
        voice: &Voice,
        text: &str,
        sink: &mut dyn FnMut(Piece) -> ControlFlow<()>,
    ) -> Result<(), TtsError> {
        let mut pause = Duration::ZERO;
        for line in script(voice, text, &self.recordings)? {
            if let Line::Pause(length) = line {
                pause = pause.max(length);
                continue;
            }
            if !pause.is_zero() && sink(silence(pause)).is_break() {
                return Ok(());
            }
            let (flow, ending) = match line {
                Line::Pause(_) => continue,
                Line::Clause { voice, words, ending } => (self.speak_clause(&voice, &words, sink)?, ending),
                Line::Recorded { pieces, ending } => {
                    (pieces.iter().try_for_each(|piece| sink(Arc::clone(piece))), ending)
                }
            };
            if flow.is_break() {
                return Ok(());
            }
            pause = pause_after(ending);
        }
        Ok(())
    }

    /// Renders the first clause of `text` into the cache, so that [`speak`](Self::speak) begins without delay. What is wrong
    /// with the text is told when it is spoken.
    pub fn anticipate(&mut self, voice: &Voice, text: &str) {
        let mut is_within = true;
        self.speak(voice, text, &mut |piece| {
            // A pause, which is silence, ends the clause.
            is_within &= piece.iter().any(|sample| *sample != 0);
            if is_within { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .ok();
    }

    fn speak_clause(
        &mut self,
        voice: &Voice,
        clause: &str,
        sink: &mut dyn FnMut(Piece) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TtsError> {
        let mut failed = TtsError::EngineFailed("choose one of no engines");
        for (number, renderer) in self.renderers.iter_mut().enumerate() {
            let key = Key::new(renderer.by(), voice, clause);
            if let Some(pieces) = self.cache.find(&key) {
                return Ok(pieces.iter().try_for_each(|piece| sink(Arc::clone(piece))));
            }
            match rendered(&self.cache, &mut **renderer, key, voice, clause, sink) {
                Ok(flow) => return Ok(flow),
                Err((error, Spoken::Partly)) => return Err(error),
                Err((error, Spoken::Nothing)) => {
                    tracing::warn!(%error, number, "a clause is left to the next speech engine");
                    failed = error;
                }
            }
        }
        Err(failed)
    }
}

/// What was heard of a clause whose engine failed.
enum Spoken {
    Nothing,
    Partly,
}

/// Renders a clause into `sink`, and into `cache` when it is whole.
fn rendered(
    cache: &ClauseCache,
    renderer: &mut dyn Renderer,
    key: Key,
    voice: &Voice,
    clause: &str,
    sink: &mut dyn FnMut(Piece) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, (TtsError, Spoken)> {
    let mut pieces = Vec::new();
    let mut flow = ControlFlow::Continue(());
    let mut hand_over = |pcm: &mut Vec<i16>| {
        if pcm.is_empty() {
            return ControlFlow::Continue(());
        }
        let piece: Piece = pcm.as_slice().into();
        pcm.clear();
        pieces.push(Arc::clone(&piece));
        sink(piece)
    };
    let mut leveller = Leveller::new(voice.timbre, renderer.gain_db(voice));
    let mut pcm = Vec::new();
    let outcome = renderer.render(voice, clause, &mut |rendered| {
        leveller.push(rendered, &mut pcm);
        flow = hand_over(&mut pcm);
        flow
    });
    if let Err(error) = outcome {
        return Err((error, if pieces.is_empty() { Spoken::Nothing } else { Spoken::Partly }));
    }
    if flow.is_continue() {
        leveller.finish(&mut pcm);
        flow = hand_over(&mut pcm);
        // The clause is whole even when its last piece was refused.
        cache.keep(key, pieces);
    }
    Ok(flow)
}

fn pause_after(ending: Ending) -> Duration {
    Duration::from_millis(match ending {
        Ending::Sentence => SENTENCE_PAUSE_MS,
        Ending::Phrase => PHRASE_PAUSE_MS,
        Ending::Cut => 0,
    })
}

fn silence(pause: Duration) -> Piece {
    let samples = pause.as_millis() as u64 * SAMPLES_PER_MS;
    vec![0; samples as usize].into()
}

#[cfg(test)]
mod tests {
    use super::super::level::{LEAD_SAMPLES, TARGET_DBOV, active_level};
    use super::super::voice::VOICES;
    use super::*;
    use crate::units::Lang;

    const GREETING: &str =
        "Good morning Ms. Li, is it about the refund of ¥200 for the rice cooker? Please say yes or no.";

    fn mouth() -> Mouth {
        Mouth::new(Arc::new(ClauseCache::new(ClauseCache::SERVER_CAPACITY)))
    }

    fn speak(mouth: &mut Mouth, voice: &Voice, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        mouth
            .speak(voice, text, &mut |piece| {
                pieces.push(piece);
                ControlFlow::Continue(())
            })
            .unwrap();
        pieces
    }

    #[test]
    fn a_repeated_prompt_costs_nothing_and_sounds_the_same() {
        let mut mouth = mouth();
        let rendered = speak(&mut mouth, &Voice::default(), GREETING);
        assert_eq!((mouth.cache.stats().hits, mouth.cache.stats().misses), (0, 3));
        let found = speak(&mut Mouth::new(mouth.cache.clone()), &Voice::default(), GREETING);
        assert_eq!((mouth.cache.stats().hits, mouth.cache.stats().misses), (3, 3));
        assert_eq!(rendered, found);
    }

    /// Fails after so many pieces of sound.
    struct Fails(usize);

    impl Renderer for Fails {
        fn by(&self) -> Option<Arc<str>> {
            Some("fails".into())
        }

        fn render(
            &mut self,
            _: &Voice,
            _: &str,
            sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
        ) -> Result<(), TtsError> {
            for _ in 0..self.0 {
                let _ = sink(&[9_000; 8_000]);
            }
            Err(TtsError::Crashed)
        }
    }

    #[test]
    fn a_clause_is_left_to_the_next_engine_unless_its_beginning_was_heard() {
        let with = |pieces| {
            let cache = Arc::new(ClauseCache::new(ClauseCache::SERVER_CAPACITY));
            Mouth::with(cache, vec![Box::new(Fails(pieces)), Box::new(InPlace)])
        };
        // flite never renders a clause twice alike: its noise is drawn by chance.
        let plain = speak(&mut mouth(), &Voice::default(), GREETING).concat().len();
        let left = speak(&mut with(0), &Voice::default(), GREETING).concat().len();
        assert!(left.abs_diff(plain) < 1_600, "{left} and {plain} samples");
        let mut heard = 0;
        let outcome = with(1).speak(&Voice::default(), GREETING, &mut |_| {
            heard += 1;
            ControlFlow::Continue(())
        });
        assert_eq!((outcome, heard), (Err(TtsError::Crashed), 1));
    }

    #[test]
    fn what_was_prepared_is_found_by_another_cache_and_what_was_only_spoken_is_not() {
        #[derive(Default)]
        struct InMemory(std::sync::Mutex<std::collections::HashMap<String, Vec<i16>>>);

        impl super::super::ClauseStore for InMemory {
            fn find(&self, key: &Key) -> Option<Vec<i16>> {
                self.0.lock().unwrap().get(&key.written()).cloned()
            }

            fn keep(&self, key: &Key, pcm: &[i16]) {
                self.0.lock().unwrap().insert(key.written(), pcm.to_vec());
            }
        }

        let store = Arc::new(InMemory::default());
        let mouth = || Mouth::new(Arc::new(ClauseCache::new(1 << 20).backed_by(store.clone())));
        let rendered = speak(&mut mouth(), &Voice::default(), "Good morning Ms. Li.").concat();
        assert!(store.0.lock().unwrap().is_empty(), "a name stays in memory");
        mouth().prepare(&Voice::default(), "Please say yes or no.").unwrap();
        assert_eq!(store.0.lock().unwrap().len(), 1);
        let mut later = mouth();
        let prepared = speak(&mut later, &Voice::default(), "Please say yes or no.").concat();
        assert_eq!(*store.0.lock().unwrap().values().next().unwrap(), prepared);
        assert_ne!(prepared, rendered);
    }

    #[test]
    fn the_first_sound_leaves_before_the_rest_is_rendered() {
        let mut mouth = mouth();
        let mut pieces = 0;
        mouth
            .speak(&Voice::default(), GREETING, &mut |_| {
                pieces += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!(pieces, 1);
        // Only the first of three clauses was looked for, and it was not finished.
        assert_eq!((mouth.cache.stats().misses, mouth.cache.stats().clauses), (1, 0));
    }

    #[test]
    fn what_was_anticipated_begins_from_the_cache() {
        let mut mouth = mouth();
        mouth.anticipate(&Voice::default(), GREETING);
        assert_eq!((mouth.cache.stats().misses, mouth.cache.stats().clauses), (1, 1));
        mouth.speak(&Voice::default(), GREETING, &mut |_| ControlFlow::Break(())).unwrap();
        assert_eq!((mouth.cache.stats().misses, mouth.cache.stats().clauses), (1, 1));
        mouth.anticipate(&Voice::default(), "<speak>not closed");
    }

    #[test]
    fn all_voices_are_equally_loud_and_begin_at_once() {
        let mut mouth = mouth();
        let natural = VOICES.iter().map(|entry| entry.name.parse::<Voice>().unwrap());
        for voice in natural.flat_map(|voice| [voice, voice.clear()]) {
            let texts: &[&str] = match voice.lang() {
                Lang::En => &[GREETING, "I am sorry to hear that.", "Your card will arrive within seven working days."],
                Lang::Zh => &[
                    "李女士您好，您是想问昨天那笔退款吗？请直接说。",
                    "请稍等，我帮您转接人工客服。",
                    "对不起，我没有听清楚，请您再说一遍。",
                ],
            };
            let mut pcm = Vec::new();
            for piece in texts.iter().flat_map(|text| speak(&mut mouth, &voice, text)) {
                pcm.extend_from_slice(&piece);
            }
            let level = active_level(&pcm).unwrap();
            assert!((level - TARGET_DBOV).abs() < 1.5, "{voice:?}: {level} dBov");
            let onset = pcm.iter().position(|sample| sample.abs() > 300).unwrap();
            assert!(onset < LEAD_SAMPLES + 1_600, "{voice:?}: {onset} samples");
        }
    }
}
