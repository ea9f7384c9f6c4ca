//! What was heard of the caller in one stretch, and what it is evidence of.

use std::time::Duration;

use super::words::{is_backchannel, takes_the_floor};
use crate::audio::FRAME_MS;
use crate::units::SampleTime;

/// What one frame of the caller sounds like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Voice {
    /// Whether it belongs to a stretch of speech, hangover not included.
    pub speech: bool,
    /// Probability that it is speech, 0–1.
    pub probability: f32,
    /// Level \[dBov\].
    pub level: f32,
    /// How much of its energy was our own voice, 0–1, as the echo canceller sees it.
    pub echo: f32,
    /// Loudest of what we played in the last third of a second, which an echo may still come back from \[dBov\].
    pub played: f32,
}

/// Most of such a frame is our own voice.
const MOSTLY_ECHO: f32 = 0.5;
/// So much softer than what we play, it may be an echo that the canceller has not learned yet \[dB\]. Measured: half of the
/// frames of people who interrupt are less than 8 dB softer, echoes at −20 dB are 20 dB and more softer.
const ECHO_LOSS: f32 = 14.0;
/// A frame is surely speech from this probability on. Measured: half of the frames of speech reach 0.87; music, noise and
/// babble reach 0.77 in one frame of twenty.
const SURE: f32 = 0.8;
/// Softer than this in its loudest frame, it is somebody in the background \[dBov\].
const NEARBY: f32 = -36.0;
/// Sure frames from which a voice likely interrupts, before its words are known …
const LIKELY: u32 = 9;
/// … from which it does even if no words are made out of it: a bad line, another language …
const WORDLESS: u32 = 40;
/// … from which words interrupt …
const WORDED: u32 = 7;
/// … and words that ask for the floor: "stop", "no", "wait".
const COMMANDED: u32 = 3;
/// A sound that is not surely speech for so long is none that talks to us \[frames\].
const BACKGROUND: u32 = 40;

impl Voice {
    /// Whether it is the caller's voice rather than our own, come back from the line.
    pub(super) fn is_callers(&self) -> bool {
        self.speech && self.echo < MOSTLY_ECHO && self.level > self.played - ECHO_LOSS
    }
}

/// What a stretch of sound over a prompt is evidence of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Somebody takes the floor.
    Interrupts,
    /// Very likely, though the words do not say so yet.
    Likely,
    /// Too early to tell, or a listener's noise.
    Unclear,
    /// A noise, music, somebody in the background.
    Unlikely,
}

/// A stretch of the caller's speech.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Speech {
    /// Start of its first frame.
    pub(super) from: SampleTime,
    /// End of the last frame that held speech.
    pub(super) until: SampleTime,
    /// The words so far.
    pub(super) words: String,
    /// How surely they are a whole sentence, 0–1.
    pub(super) whole: f32,
    /// Until when the caller may answer, if they were asked.
    pub(super) answering: Option<SampleTime>,
    /// Frames since it began.
    frames: u32,
    /// Frames that surely held speech.
    sure: u32,
    /// Level of the loudest frame \[dBov\].
    loudest: f32,
}

impl Speech {
    /// Begins at `from` with a frame that ends at `now`.
    pub(super) fn beginning(from: SampleTime, now: SampleTime, voice: Voice) -> Self {
        let mut speech = Self {
            from,
            until: now,
            words: String::new(),
            whole: 0.0,
            answering: None,
            frames: 0,
            sure: 0,
            loudest: f32::NEG_INFINITY,
        };
        speech.hear(voice, now);
        speech
    }

    /// The same, as an answer that may come until `until`.
    pub(super) fn answering_until(self, until: SampleTime) -> Self {
        Self { answering: Some(until), ..self }
    }

    /// One more frame.
    pub(super) fn hear(&mut self, voice: Voice, now: SampleTime) {
        self.frames += 1;
        if voice.is_callers() {
            self.until = now;
            self.sure += u32::from(voice.probability >= SURE);
            self.loudest = self.loudest.max(voice.level);
        }
    }

    /// What the recogniser makes of it so far.
    pub(super) fn understand(&mut self, words: &str, whole: f32) {
        words.clone_into(&mut self.words);
        self.whole = whole;
    }

    /// How long nothing has been heard.
    pub(super) fn silent_for(&self, now: SampleTime) -> Duration {
        now.since(self.until)
    }

    /// Whether it was no speech at all.
    pub(super) fn is_nothing(&self) -> bool {
        self.words.is_empty() && self.sure < COMMANDED
    }

    /// What it is evidence of, over a prompt; `is_over` when nothing more comes of it.
    pub(super) fn evidence(&self, is_over: bool) -> Evidence {
        let noise = self.words.is_empty() || is_backchannel(&self.words);
        let needed = if takes_the_floor(&self.words) || is_over { COMMANDED } else { WORDED };
        if self.loudest < NEARBY {
            return if self.frames >= BACKGROUND { Evidence::Unlikely } else { Evidence::Unclear };
        }
        if (!noise && self.sure >= needed) || (self.words.is_empty() && self.sure >= WORDLESS) {
            Evidence::Interrupts
        } else if self.sure >= LIKELY && !is_backchannel(&self.words) {
            Evidence::Likely
        } else if self.frames >= BACKGROUND && u64::from(self.sure) * FRAME_MS < 100 {
            Evidence::Unlikely
        } else {
            Evidence::Unclear
        }
    }
}
