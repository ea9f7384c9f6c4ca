//! The first moment of a sound: what ducks a prompt before anybody can tell whether it is a voice.
//!
//! ```text
//!  level  ▁▁▁▁▁▅▇▇▇▇▇▁▁▁        floor: what the line sounds like when nobody speaks; falls quickly, rises slowly
//!  sounds      └ from here on   a sound that was no voice raises the floor to itself
//! ```
//!
//! A word begins with a hiss that no voice detector counts as voice, and a detector needs some frames to be sure. Turning a
//! prompt down costs nothing if it was a cough, so that does not wait for it.

use std::time::Duration;

use super::speech::Voice;
use crate::units::SampleTime;

/// So much above the floor it is a sound \[dB\].
const ABOVE: f32 = 12.0;
/// Softer than this it is none, however silent the line \[dBov\].
const AUDIBLE: f32 = -54.0;
/// Much of such a frame may be our own voice.
const MAYBE_ECHO: f32 = 0.25;
/// So long our voice must have been on the line until it is known whether it comes back \[frames\] …
const KNOWN: u32 = 40;
/// … and until then less than this softer than what we play it is none \[dB\].
const UNKNOWN_LOSS: f32 = 8.0;
/// From so many frames on that were mostly our own voice the line has an echo, …
const ECHOES: u32 = 5;
/// … and what is left of one is softer than what we play by so much \[dB\], and than this \[dBov\]. Measured on echoes of −10 to
/// −30 dB: after the first second 95 % of what is left.
const ECHO_LOSS: f32 = 20.0;
const RESIDUE: f32 = -40.0;
/// How fast the floor rises \[dB a frame\]: 5 dB a second.
const RISE: f32 = 0.1;
/// How fast it falls \[dB a frame\]: a noise comes and goes.
const FALL: f32 = 0.4;
/// The floor before anything was heard, and the lowest \[dBov\].
const LOWEST: f32 = -65.0;
/// A sound that is no voice so long after it began is none.
const PROVED: Duration = Duration::from_millis(300);

/// Notices that something begins to sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Onset {
    /// Level of the line when nobody speaks \[dBov\].
    floor: f32,
    /// Which of the last frames stood out, the newest in the lowest bit.
    stood_out: u8,
    /// Frames during which our voice was on the line, and frames in which it was what was heard.
    said: u32,
    echoes: u32,
    /// When the sound that is being suspected was noticed.
    suspected: Option<SampleTime>,
    /// The loudest of it \[dBov\].
    peak: f32,
}

impl Default for Onset {
    fn default() -> Self {
        Self { floor: LOWEST, stood_out: 0, said: 0, echoes: 0, suspected: None, peak: LOWEST }
    }
}

/// What became of a suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// Something begins to sound.
    Arose,
    /// It was no voice.
    Vanished,
}

impl Onset {
    /// One more frame, which ends at `now` and is not yet known to be a voice.
    pub(super) fn hear(&mut self, now: SampleTime, voice: Voice) -> Option<Suspicion> {
        let stands_out = voice.level > AUDIBLE && voice.level > self.floor + ABOVE && !self.may_be_ours(voice);
        self.stood_out = (self.stood_out << 1 | u8::from(stands_out)) & 0b111;
        self.floor = (self.floor + RISE).min(voice.level.max(self.floor - FALL)).max(LOWEST);
        self.peak = self.peak.max(voice.level);
        match self.suspected {
            None if self.stood_out.count_ones() >= 2 => {
                self.suspected = Some(now);
                self.peak = voice.level;
                Some(Suspicion::Arose)
            }
            Some(since) if now.since(since) >= PROVED => {
                self.suspected = None;
                self.stood_out = 0;
                // Whatever it is, it belongs to the line.
                self.floor = self.floor.max(self.peak);
                Some(Suspicion::Vanished)
            }
            None | Some(_) => None,
        }
    }

    /// Learns from any frame whether our own voice comes back from the line.
    pub(super) fn learn(&mut self, voice: Voice) {
        self.said = self.said.saturating_add(u32::from(voice.played > AUDIBLE));
        self.echoes = self.echoes.saturating_add(u32::from(voice.echo >= 0.5));
    }

    fn may_be_ours(&self, voice: Voice) -> bool {
        let below = |loss: f32| voice.level < voice.played - loss;
        voice.echo >= MAYBE_ECHO
            || (self.said < KNOWN && below(UNKNOWN_LOSS))
            || (self.echoes >= ECHOES && voice.level < RESIDUE && below(ECHO_LOSS))
    }

    /// It is a voice. Answers since when it was suspected.
    pub(super) fn proved(&mut self) -> Option<SampleTime> {
        self.stood_out = 0;
        self.suspected.take()
    }
}
