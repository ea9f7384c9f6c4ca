//! The whole room in one call: text in, pieces of levelled speech out.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::alphabet::legible;
use super::cache::{ClauseCache, Key};
use super::clauses::{Ending, clauses};
use super::level::Leveller;
use super::markup::{self, Part};
use super::normalise::normalise;
use super::{Piece, TtsError, Voice};

/// Pause after a sentence \[ms\], what a speaker makes between two of a prompt.
const SENTENCE_PAUSE_MS: u64 = 350;
/// Pause after a phrase \[ms\].
const PHRASE_PAUSE_MS: u64 = 120;
/// Samples of a millisecond at 16 kHz.
const SAMPLES_PER_MS: u64 = 16;

/// Speaks. Each worker thread has one; all share a cache.
#[derive(Clone, Debug)]
pub struct Mouth {
    cache: Arc<ClauseCache>,
}

impl Mouth {
    /// A mouth that looks into `cache` before it renders.
    pub fn new(cache: Arc<ClauseCache>) -> Self {
        Self { cache }
    }

    /// Speaks `text` with `voice`: hands 16 kHz mono pieces to `sink`, the first as soon as it is rendered, until all is
    /// spoken or `sink` breaks off. Text that begins with `<speak>` is read as [markup].
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
        for part in markup::parse(text)? {
            let (words, voice) = match part {
                Part::Break(length) => {
                    pause = pause.max(length);
                    continue;
                }
                Part::Text { text, read_as, rate } => {
                    (normalise(&text, voice.lang(), read_as), voice.at(voice.rate.scaled(rate)))
                }
            };
            for clause in clauses(&words) {
                let spoken = legible(clause.text.trim(), voice.lang());
                if !spoken.contains(char::is_alphanumeric) {
                    continue;
                }
                if !pause.is_zero() && sink(silence(pause)).is_break() {
                    return Ok(());
                }
                if self.speak_clause(&voice, &spoken, sink)?.is_break() {
                    return Ok(());
                }
                pause = pause_after(clause.ending);
            }
        }
        Ok(())
    }

    /// Renders the first clause of `text` into the cache, so that [`speak`](Self::speak) begins without delay. What is wrong
    /// with the text is told when it is spoken.
    pub fn prepare(&mut self, voice: &Voice, text: &str) {
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
        let key = Key::new(voice, clause);
        if let Some(pieces) = self.cache.find(&key) {
            return Ok(pieces.iter().try_for_each(|piece| sink(Arc::clone(piece))));
        }
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
        let mut leveller = Leveller::new(voice.gain_db());
        let mut pcm = Vec::new();
        voice.synthesiser()?.synthesise(clause, &mut |rendered| {
            leveller.push(rendered, &mut pcm);
            flow = hand_over(&mut pcm);
            flow
        })?;
        if flow.is_continue() {
            leveller.finish(&mut pcm);
            flow = hand_over(&mut pcm);
            // The clause is whole even when its last piece was refused.
            self.cache.keep(key, pieces);
        }
        Ok(flow)
    }
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
        let found = speak(&mut mouth.clone(), &Voice::default(), GREETING);
        assert_eq!((mouth.cache.stats().hits, mouth.cache.stats().misses), (3, 3));
        assert_eq!(rendered, found);
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
    fn what_was_prepared_begins_from_the_cache() {
        let mut mouth = mouth();
        mouth.prepare(&Voice::default(), GREETING);
        assert_eq!((mouth.cache.stats().misses, mouth.cache.stats().clauses), (1, 1));
        mouth.speak(&Voice::default(), GREETING, &mut |_| ControlFlow::Break(())).unwrap();
        assert_eq!((mouth.cache.stats().misses, mouth.cache.stats().clauses), (1, 1));
        mouth.prepare(&Voice::default(), "<speak>not closed");
    }

    #[test]
    fn all_voices_are_equally_loud_and_begin_at_once() {
        let mut mouth = mouth();
        for entry in VOICES {
            let voice: Voice = entry.name.parse().unwrap();
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

            assert!((level - TARGET_DBOV).abs() < 1.5, "{}: {level} dBov", entry.name);
            let onset = pcm.iter().position(|sample| sample.abs() > 300).unwrap();
            assert!(onset < LEAD_SAMPLES + 1_600, "{}: {onset} samples", entry.name);
        }
    }
}
