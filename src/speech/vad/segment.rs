//! From probabilities to stretches of speech.
//!
//! ```text
//!  probability  ▁▁▁▇▁▁▁▁▅▇▇▇▇▇▇▅▁▇▇▇▇▂▁▁▁▁▁▁▁▁▁▁▁
//!  state        QUIET  ? QUIET STARTING SPEAKING   STOPPING    QUIET
//!  events                      └ SpeechStarted{at}  ·········└ SpeechEnded{at}
//!                              at: first frame of it         at: end of its last frame
//! ```
//!
//! A click lasts one or two frames and never leaves STARTING. A cough gets further; how long the voice has been heard and
//! how sure the detector was is told by [`Segmenter::evidence`], for whoever has to decide whether it interrupts.

use std::time::Duration;

use crate::audio::{FRAME_MS, FRAME_SAMPLES};
use crate::units::SampleTime;

/// What the caller's voice did. Times lie in the past: an onset is only certain some frames later, an end after the hangover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VadEvent {
    /// A voice began.
    SpeechStarted {
        /// Start of the first frame that counts.
        at: SampleTime,
    },
    /// The voice stopped.
    SpeechEnded {
        /// End of the last frame that counts.
        at: SampleTime,
    },
}

/// When a voice counts as begun and as ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// A frame is voiced from this probability on.
    pub voiced: f32,
    /// Speech goes on as long as frames reach this probability.
    pub unvoiced: f32,
    /// So many voiced frames in a row make an onset \[frames\].
    pub onset: u32,
    /// So long without a voice makes an end; shorter gaps lie within words.
    pub hangover: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        DEFAULT
    }
}

/// Chosen on the table in the documentation of [`vad`](super).
const DEFAULT: Thresholds = Thresholds { voiced: 0.6, unvoiced: 0.5, onset: 3, hangover: Duration::from_millis(200) };

/// How much of a voice was heard in the stretch at hand, or in the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Voiced frames [frames of 20 ms].
    pub frames: u32,
    /// Sum of their probabilities.
    sum: f32,
}

impl Evidence {
    /// How long a voice was heard, gaps not counted.
    pub fn voiced(&self) -> Duration {
        Duration::from_millis(u64::from(self.frames) * FRAME_MS)
    }

    /// Mean probability of the voiced frames, 0–1; 0 when there are none.
    pub fn probability(&self) -> f32 {
        if self.frames == 0 { 0.0 } else { self.sum / self.frames as f32 }
    }

    fn add(&mut self, p: f32) {
        self.frames += 1;
        self.sum += p;
    }
}

/// Where the voice stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Quiet,
    /// Voiced frames, too few to be sure.
    Starting {
        since: SampleTime,
    },
    Speaking,
    /// No voice since the end of the last voiced frame.
    Stopping {
        since: SampleTime,
    },
}

/// Follows one party's voice. Feed it every frame, in order.
#[derive(Clone, Debug)]
pub struct Segmenter {
    thresholds: Thresholds,
    state: State,
    evidence: Evidence,
}

impl Default for Segmenter {
    fn default() -> Self {
        Self::new(Thresholds::default())
    }
}

impl Segmenter {
    /// Begins in silence.
    pub fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, state: State::Quiet, evidence: Evidence::default() }
    }

    /// Takes the probability `p` of the frame that starts at `at`.
    pub fn push(&mut self, at: SampleTime, p: f32) -> Option<VadEvent> {
        let frame_end = SampleTime(at.0 + FRAME_SAMPLES as u64);
        let is_voiced = p >= self.thresholds.voiced;
        let (state, event) = match self.state {
            State::Quiet if is_voiced => {
                self.evidence = Evidence::default();
                self.start(at, p)
            }
            State::Quiet => (State::Quiet, None),
            State::Starting { since } if is_voiced => self.start(since, p),
            State::Starting { .. } => (State::Quiet, None),
            State::Speaking | State::Stopping { .. } if p >= self.thresholds.unvoiced => {
                self.evidence.add(p);
                (State::Speaking, None)
            }
            State::Speaking => (State::Stopping { since: at }, None),
            State::Stopping { since } if frame_end.since(since) >= self.thresholds.hangover => {
                (State::Quiet, Some(VadEvent::SpeechEnded { at: since }))
            }
            State::Stopping { since } => (State::Stopping { since }, None),
        };
        self.state = state;
        event
    }

    fn start(&mut self, since: SampleTime, p: f32) -> (State, Option<VadEvent>) {
        self.evidence.add(p);
        if self.evidence.frames >= self.thresholds.onset {
            (State::Speaking, Some(VadEvent::SpeechStarted { at: since }))
        } else {
            (State::Starting { since }, None)
        }
    }

    /// What was heard of the voice so far, from the first frame that may belong to it.
    pub fn evidence(&self) -> Evidence {
        self.evidence
    }

    /// Whether a voice is on, short gaps included.
    pub fn is_speaking(&self) -> bool {
        matches!(self.state, State::Speaking | State::Stopping { .. })
    }

    /// Forgets what was heard, as for a new call.
    pub fn reset(&mut self) {
        *self = Self::new(self.thresholds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One character a frame: `▁` quiet, `▅` uncertain, `▇` voiced.
    fn run(drawn: &str) -> (Vec<(u64, VadEvent)>, Segmenter) {
        let mut segmenter = Segmenter::default();
        let mut events = Vec::new();
        for (i, c) in drawn.chars().enumerate() {
            let p = match c {
                '▇' => 0.9,
                '▅' => 0.55,
                _ => 0.1,
            };
            let at = SampleTime(i as u64 * FRAME_SAMPLES as u64);
            events.extend(segmenter.push(at, p).map(|event| (i as u64 * FRAME_MS, event)));
        }
        (events, segmenter)
    }

    fn started(ms: u64) -> VadEvent {
        VadEvent::SpeechStarted { at: SampleTime::from_millis(ms) }
    }

    fn ended(ms: u64) -> VadEvent {
        VadEvent::SpeechEnded { at: SampleTime::from_millis(ms) }
    }

    #[test]
    fn speech_is_told_within_sixty_milliseconds_and_ends_after_the_hangover() {
        let (events, segmenter) = run("▁▁▇▇▇▇▅▇▁▁▇▇▁▁▁▁▁▁▁▁▁▁▁▁▁");
        assert_eq!(events, [(80, started(40)), (420, ended(240))]);
        assert!(!segmenter.is_speaking());
        assert_eq!(segmenter.evidence().voiced(), Duration::from_millis(160));
    }

    #[test]
    fn a_click_is_no_speech() {
        assert_eq!(run("▁▇▁▁▇▇▁▁▅▅▅▅▅▁▁").0, []);
    }

    #[test]
    fn a_cough_is_short_in_evidence() {
        let (_, segmenter) = run("▁▇▇▇▇▇▇▁▁▁");
        assert!(segmenter.is_speaking());
        assert_eq!(segmenter.evidence().voiced(), Duration::from_millis(120));
        assert!((segmenter.evidence().probability() - 0.9).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn starts_and_ends_take_turns_and_times_go_forward(ps in proptest::collection::vec(0.0f32..1.0, 0..400)) {
            let mut segmenter = Segmenter::default();
            let mut last: Option<VadEvent> = None;
            for (i, p) in ps.into_iter().enumerate() {
                let now = SampleTime((i * FRAME_SAMPLES) as u64);
                let Some(event) = segmenter.push(now, p) else { continue };
                let in_order = match (last, event) {
                    (None, VadEvent::SpeechStarted { at }) => at <= now,
                    (Some(VadEvent::SpeechEnded { at: before }), VadEvent::SpeechStarted { at })
                    | (Some(VadEvent::SpeechStarted { at: before }), VadEvent::SpeechEnded { at }) => before < at && at <= now,
                    _ => false,
                };
                prop_assert!(in_order, "{event:?} after {last:?}");
                last = Some(event);
            }
        }
    }
}
