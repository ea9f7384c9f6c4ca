//! What the caller hears: one utterance at a time, ducked, stopped, and counted to the sample.
//!
//! ```text
//! Speaking::Sound ─► pieces ─► next_frame ─► gain ─► Frame
//! ```
//!
//! Interrupting is dropping the current utterance: sound that a slow synthesiser still delivers for it no longer finds it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::{FRAME_SAMPLES, Frame};
use crate::units::{SampleRate, UtteranceId};

/// How far a prompt is turned down while a possible interruption is judged: −14 dB, still understood, clearly yielding.
const DUCKED: f32 = 0.2;
/// Most sound of one utterance that waits here: two minutes, which no prompt lasts. More is dropped, and the utterance ends
/// early rather than growing without bound.
const MAX_WAITING: u64 = 120 * 16_000;

/// The sound of the current utterance.
#[derive(Debug)]
struct Utterance {
    id: UtteranceId,
    /// Sound to play, the first piece from `offset` on.
    pieces: VecDeque<Arc<[i16]>>,
    offset: usize,
    /// Samples taken.
    taken: u64,
    /// Samples played.
    heard: u64,
    /// The synthesiser has delivered all.
    complete: bool,
}

/// What became of an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Which.
    pub id: UtteranceId,
    /// How much of it the caller heard.
    pub time: Duration,
}

/// Plays to one party.
#[derive(Debug)]
pub(super) struct Playout {
    current: Option<Utterance>,
    /// A few words beside the utterances, which belong to no turn: "mm-hm". They are heard before the current utterance.
    aside: Option<Utterance>,
    /// Gain that the last frame ended with.
    gain: f32,
    target: f32,
    /// The tail of a stopped utterance, faded within one frame so that it does not click.
    fading: Option<Utterance>,
}

impl Default for Playout {
    fn default() -> Self {
        Self { current: None, aside: None, gain: 1.0, target: 1.0, fading: None }
    }
}

impl Playout {
    /// Makes `id` the current utterance, at full level.
    pub(super) fn start(&mut self, id: UtteranceId) {
        self.current = Some(Utterance::new(id));
        // What excuses a delay need not be said any more, unless it is half said.
        self.aside.take_if(|aside| aside.heard == 0);
        self.gain = 1.0;
        self.target = 1.0;
    }

    /// Takes sound for `id`; that of any other utterance falls out here. Answers whether it was taken.
    pub(super) fn push(&mut self, id: UtteranceId, piece: Arc<[i16]>) -> bool {
        match self.find(id) {
            Some(utterance) if utterance.taken - utterance.heard < MAX_WAITING => {
                utterance.taken += piece.len() as u64;
                utterance.pieces.push_back(piece);
                true
            }
            _ => false,
        }
    }

    /// No more sound comes for `id`.
    pub(super) fn complete(&mut self, id: UtteranceId) {
        if let Some(utterance) = self.find(id) {
            utterance.complete = true;
        }
    }

    fn find(&mut self, id: UtteranceId) -> Option<&mut Utterance> {
        self.current.iter_mut().chain(&mut self.aside).find(|utterance| utterance.id == id)
    }

    /// Makes `id` something to say beside the utterances.
    pub(super) fn start_aside(&mut self, id: UtteranceId) {
        self.aside = Some(Utterance::new(id));
    }

    /// Whether the caller has heard any of the current utterance.
    pub(super) fn is_audible(&self) -> bool {
        self.current.as_ref().is_some_and(|utterance| utterance.heard > 0)
    }

    /// Turns the utterance down within the next frame.
    pub(super) fn duck(&mut self) {
        self.target = DUCKED;
    }

    /// Pauses the utterance: the next frame fades out, and nothing is played until [`restore`](Self::restore).
    pub(super) fn hush(&mut self) {
        self.target = 0.0;
    }

    /// Lets the utterance go on at full level, from where it was paused.
    pub(super) fn restore(&mut self) {
        self.target = 1.0;
    }

    /// Drops the current utterance: one more frame fades it out.
    pub(super) fn stop(&mut self) -> Option<Heard> {
        self.aside = None;
        let utterance = self.current.take()?;
        let heard = utterance.heard();
        self.fading = (utterance.heard > 0).then_some(utterance);
        Some(heard)
    }

    /// The next 20 ms, and the utterance that ended with it.
    pub(super) fn next_frame(&mut self) -> (Frame, Option<Heard>) {
        let mut frame = Frame::SILENCE;
        if let Some(mut tail) = self.fading.take() {
            tail.fill(&mut frame);
            ramp(&mut frame, self.gain, 0.0);
            return (frame, None);
        }
        if let Some(aside) = self.aside.as_mut().filter(|aside| !aside.pieces.is_empty()) {
            aside.fill(&mut frame);
            self.aside.take_if(|aside| aside.complete && aside.pieces.is_empty());
            return (frame, None);
        }
        let Some(utterance) = &mut self.current else { return (frame, None) };
        if self.gain == 0.0 && self.target == 0.0 {
            return (frame, None);
        }
        utterance.fill(&mut frame);
        ramp(&mut frame, self.gain, self.target);
        self.gain = self.target;
        if utterance.complete && utterance.pieces.is_empty() {
            let heard = utterance.heard();
            self.current = None;
            return (frame, Some(heard));
        }
        (frame, None)
    }
}

impl Utterance {
    fn new(id: UtteranceId) -> Self {
        Self { id, pieces: VecDeque::new(), offset: 0, taken: 0, heard: 0, complete: false }
    }

    fn heard(&self) -> Heard {
        Heard { id: self.id, time: SampleRate::WIDEBAND.duration(self.heard) }
    }

    /// Fills `frame` as far as there is sound; the rest stays silent while the synthesiser catches up.
    fn fill(&mut self, frame: &mut Frame) {
        let mut filled = 0;
        while let Some(piece) = self.pieces.front().filter(|_| filled < FRAME_SAMPLES) {
            let take = (piece.len() - self.offset).min(FRAME_SAMPLES - filled);
            frame.0[filled..filled + take].copy_from_slice(&piece[self.offset..self.offset + take]);
            filled += take;
            self.offset += take;
            if self.offset == piece.len() {
                self.pieces.pop_front();
                self.offset = 0;
            }
        }
        self.heard += filled as u64;
    }
}

/// Scales `frame` by a gain that runs linearly from `from` to `to`.
fn ramp(frame: &mut Frame, from: f32, to: f32) {
    if from == 1.0 && to == 1.0 {
        return;
    }
    let step = (to - from) / FRAME_SAMPLES as f32;
    for (i, sample) in frame.0.iter_mut().enumerate() {
        *sample = (f32::from(*sample) * (from + step * i as f32)) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: UtteranceId = UtteranceId(1);
    const SECOND: UtteranceId = UtteranceId(2);

    fn tone(samples: usize) -> Arc<[i16]> {
        vec![1_000; samples].into()
    }

    #[test]
    fn what_was_heard_is_counted_to_the_sample() {
        let mut playout = Playout::default();
        playout.start(FIRST);
        playout.push(FIRST, tone(500));
        playout.push(FIRST, tone(100));
        assert_eq!(playout.next_frame().0, Frame([1_000; FRAME_SAMPLES]));
        playout.complete(FIRST);
        let (frame, ended) = playout.next_frame();
        assert_eq!(frame.0[279], 1_000);
        assert_eq!(frame.0[280], 0);
        assert_eq!(ended, Some(Heard { id: FIRST, time: Duration::from_micros(37_500) }));
        assert!(playout.current.is_none());
    }

    #[test]
    fn late_sound_of_an_interrupted_utterance_falls_out() {
        let mut playout = Playout::default();
        playout.start(FIRST);
        playout.push(FIRST, tone(3_200));
        playout.next_frame();
        assert_eq!(playout.stop().map(|heard| heard.time), Some(Duration::from_millis(20)));
        playout.start(SECOND);
        assert!(!playout.push(FIRST, tone(320)));
        assert!(playout.push(SECOND, tone(320)));
    }

    #[test]
    fn an_aside_is_heard_beside_the_turns_and_falls_out_when_the_answer_comes_first() {
        let mut playout = Playout::default();
        playout.start_aside(FIRST);
        assert!(playout.push(FIRST, tone(2 * FRAME_SAMPLES)));
        playout.complete(FIRST);
        assert_eq!(playout.next_frame().0.0[0], 1_000);
        assert!(!playout.is_audible(), "it is nobody's turn");
        playout.start(SECOND);
        playout.push(SECOND, tone(FRAME_SAMPLES));
        playout.complete(SECOND);
        assert_eq!(playout.next_frame().1, None, "what is half said is said to its end");
        assert_eq!(playout.next_frame().1.map(|heard| heard.id), Some(SECOND));

        playout.start_aside(FIRST);
        playout.start(SECOND);
        assert!(!playout.push(FIRST, tone(FRAME_SAMPLES)));
    }

    #[test]
    fn stopping_fades_within_one_frame() {
        let mut playout = Playout::default();
        playout.start(FIRST);
        playout.push(FIRST, tone(3_200));
        playout.next_frame();
        playout.stop();
        let (tail, _) = playout.next_frame();
        assert!(tail.0[0] > 990 && tail.0[FRAME_SAMPLES - 1] < 10);
        assert_eq!(playout.next_frame().0, Frame::SILENCE);
    }

    #[test]
    fn ducking_turns_down_and_back_without_a_step() {
        let mut playout = Playout::default();
        playout.start(FIRST);
        playout.push(FIRST, tone(3_200));
        playout.duck();
        let (falling, _) = playout.next_frame();
        assert!(falling.0[0] == 1_000 && falling.0[FRAME_SAMPLES - 1] < 210);
        assert_eq!(playout.next_frame().0.0[0], 200);
        playout.restore();
        playout.next_frame();
        assert_eq!(playout.next_frame().0.0[0], 1_000);
    }

    #[test]
    fn a_paused_prompt_goes_on_where_it_was() {
        let mut playout = Playout::default();
        playout.start(FIRST);
        playout.push(FIRST, tone(4 * FRAME_SAMPLES));
        playout.complete(FIRST);
        playout.next_frame();
        playout.hush();
        assert!(playout.next_frame().0.0[FRAME_SAMPLES - 1] < 10);
        for _ in 0..100 {
            assert_eq!(playout.next_frame(), (Frame::SILENCE, None));
        }
        playout.restore();
        assert_eq!(playout.next_frame().1, None);
        let heard = playout.next_frame().1.map(|heard| heard.time);
        assert_eq!(heard, Some(Duration::from_millis(80)), "nothing of it was skipped");
    }
}
