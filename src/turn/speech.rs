//! What was heard of the caller in one stretch, and what it is evidence of.

use std::time::Duration;

use super::words::{content_words, is_backchannel, takes_the_floor};
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
/// A frame of this probability is no evidence of speech, … Measured: half of the frames of speech reach 0.87; music, noise and
/// babble reach 0.77 in one frame of twenty.
const DOUBTFUL: f32 = 0.65;
/// … and one of this probability is all the evidence that a frame can be.
const SURE: f32 = 0.85;
/// Softer than this in its loudest frame, it is somebody in the background \[dBov\].
const NEARBY: f32 = -36.0;
/// A tone changes less from frame to frame, a voice more \[dB\]. Measured: ring-back 0.0–0.1, nine of ten frames of speech
/// more than 0.2.
const STEADY: f32 = 0.12;
/// What is left of the evidence of sure frames after each frame: half of it is half a second old at most. Music and babble,
/// of which few frames pass for speech, never gather enough.
const KEPT: f32 = 0.96;
/// Evidence, in sure frames, from which a voice likely interrupts, before its words are known …
const LIKELY: f32 = 5.0;
/// … from which it does even if no words are made out of it: a bad line, another language …
const WORDLESS: f32 = 19.0;
/// … from which words interrupt …
const WORDED: f32 = 5.0;
/// … and words that ask for the floor: "stop", "no", "wait".
const COMMANDED: f32 = 2.5;
/// A word that means something, in so many frames of a voice, makes an interruption likely.
const A_WORD: u32 = 9;
/// A word or two within so many frames are a listener's, unless they ask for the floor.
const SHORT: u32 = 22;
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
    /// Frames that held the caller's voice.
    voiced: u32,
    /// Evidence of those that surely did, fading.
    sure: f32,
    /// The most that it has been.
    surest: f32,
    /// Level of the last frame, and of the loudest \[dBov\].
    level: f32,
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
            voiced: 0,
            sure: 0.0,
            surest: 0.0,
            level: f32::NEG_INFINITY,
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
        self.sure *= KEPT;
        if voice.is_callers() {
            self.until = now;
            self.voiced += 1;
            if (voice.level - self.level).abs() > STEADY {
                self.sure += ((voice.probability - DOUBTFUL) / (SURE - DOUBTFUL)).clamp(0.0, 1.0);
                self.surest = self.surest.max(self.sure);
            }
            self.loudest = self.loudest.max(voice.level);
        }
        self.level = voice.level;
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
        self.words.is_empty() && self.surest < COMMANDED
    }

    /// What it is evidence of, over a prompt; `is_over` when nothing more comes of it.
    pub(super) fn evidence(&self, is_over: bool) -> Evidence {
        if self.loudest < NEARBY {
            return if self.frames >= BACKGROUND { Evidence::Unlikely } else { Evidence::Unclear };
        }
        let content = content_words(&self.words);
        let interrupts = if takes_the_floor(&self.words) {
            self.surest >= COMMANDED
        } else {
            let enough = content >= 3 || (content >= 1 && self.voiced >= SHORT);
            (enough && if is_over { self.surest } else { self.sure } >= WORDED)
                || (self.words.is_empty() && self.sure >= WORDLESS)
        };
        let likely = self.sure >= LIKELY || (content >= 1 && self.voiced >= A_WORD && self.sure >= COMMANDED);
        if interrupts {
            Evidence::Interrupts
        } else if likely && !is_over && !is_backchannel(&self.words) {
            Evidence::Likely
        } else if self.frames >= BACKGROUND && self.sure < COMMANDED {
            Evidence::Unlikely
        } else {
            Evidence::Unclear
        }
    }
}
