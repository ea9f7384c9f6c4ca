//! The caller's sound on its way to words: voice activity now, and the last moments kept for the recogniser.
//!
//! ```text
//! Frame ─► VoiceDetector ─► Voice (for turn-taking)
//!       └► the last 640 ms ─► Hearing (lead-in, then live)
//! ```
//!
//! Turn-taking notices speech some frames after it began; the recogniser is fed from before that, so no first sound is lost.

use crate::audio::{FRAME_MS, FRAME_SAMPLES, Frame};
use crate::speech::asr::Listening;
use crate::speech::vad::{Gate, VoiceDetector};
use crate::turn::Voice;
use crate::units::{HearingId, SampleTime};

use super::io::EarRequest;

/// Frames kept: enough for the onset delay of the detector and the lead-in.
const KEPT: usize = 32;
/// Sound before the first speech frame that the recogniser gets as well \[frames\]: soft onsets, and silence to settle on.
const LEAD_IN: u64 = 12;
/// Listens to one party.
pub(super) struct Ears {
    detector: Box<dyn VoiceDetector>,
    kept: [Frame; KEPT],
    /// Frames heard so far.
    count: u64,
    gate: Gate,
    hearing: Option<Hearing>,
    last_id: HearingId,
}

/// A recogniser on loan, and the frames that it has been fed with.
struct Hearing {
    id: HearingId,
    /// First frame not fed yet.
    next: u64,
}

impl Ears {
    pub(super) fn new(detector: Box<dyn VoiceDetector>) -> Self {
        Self {
            detector,
            kept: [Frame::SILENCE; KEPT],
            count: 0,
            gate: Gate::default(),
            hearing: None,
            last_id: HearingId::default(),
        }
    }

    /// Takes the next frame. What is our own voice in it, the ears do not know.
    pub(super) fn hear(&mut self, frame: &Frame) -> Voice {
        self.kept[self.count as usize % KEPT] = *frame;
        self.count += 1;
        let probability = self.detector.speech_probability(frame);
        let level = frame.level();
        Voice { speech: self.gate.push(probability, level), probability, level, ..Voice::default() }
    }

    /// Media time at the end of the last frame.
    pub(super) fn now(&self) -> SampleTime {
        SampleTime(self.count * FRAME_SAMPLES as u64)
    }

    /// Borrows a recogniser for what is heard from `from` on.
    pub(super) fn begin(&mut self, from: SampleTime, listening: Listening) -> (HearingId, EarRequest) {
        self.last_id = HearingId(self.last_id.0 + 1);
        let first = (from.as_millis() / FRAME_MS).saturating_sub(LEAD_IN);
        self.hearing = Some(Hearing { id: self.last_id, next: first.max(self.count.saturating_sub(KEPT as u64)) });
        (self.last_id, EarRequest::Begin(listening))
    }

    /// What the recogniser on loan has not been fed with yet.
    pub(super) fn feed(&mut self) -> Option<(HearingId, EarRequest)> {
        let hearing = self.hearing.as_mut().filter(|hearing| hearing.next < self.count)?;
        let pcm = (hearing.next..self.count).flat_map(|frame| self.kept[frame as usize % KEPT].0).collect();
        hearing.next = self.count;
        Some((hearing.id, EarRequest::Feed(pcm)))
    }

    /// The current hearing.
    pub(super) fn hearing(&self) -> Option<HearingId> {
        Some(self.hearing.as_ref()?.id)
    }

    /// Ends the current hearing, if there is one.
    pub(super) fn end(&mut self) -> Option<HearingId> {
        Some(self.hearing.take()?.id)
    }
}
