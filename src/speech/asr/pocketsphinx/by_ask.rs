//! Two recognisers as one: what is open is heard by the one, answers to narrower questions by the other.

use super::recogniser::PocketSphinx;
use crate::speech::asr::{AsrError, Listening, Recogniser, Transcript};
use crate::units::{Ask, SampleRate};

/// Lends each utterance to the recogniser that hears its kind best.
pub(super) struct ByAsk {
    open: PocketSphinx,
    narrow: PocketSphinx,
    asked: Ask,
}

impl ByAsk {
    pub(super) fn new(open: PocketSphinx, narrow: PocketSphinx) -> Self {
        Self { open, narrow, asked: Ask::Open }
    }

    fn listening(&mut self) -> &mut PocketSphinx {
        if self.asked == Ask::Open { &mut self.open } else { &mut self.narrow }
    }
}

impl Recogniser for ByAsk {
    fn sample_rate(&self) -> SampleRate {
        self.open.sample_rate()
    }

    fn begin(&mut self, listening: &Listening) -> Result<(), AsrError> {
        self.asked = listening.ask;
        self.listening().begin(listening)
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        self.listening().feed(pcm)
    }

    fn finish(&mut self) -> Result<Transcript, AsrError> {
        self.listening().finish()
    }
}
