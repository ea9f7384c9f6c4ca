//! A conversation with its engines in place, in virtual time: what the server does with threads and sockets, without them.
//!
//! ```text
//! caller's frame, keys ─► Studio::tick ─► frame for the caller
//!                            └─► recogniser and synthesiser answer before the tick is over
//! ```
//!
//! The same turn-taking, dialog and playout run here as in a live call, on real sound and real words, as fast as the machine
//! can. Benches and tests play whole calls with it.

use std::ops::ControlFlow;

use super::conversation::{Conversation, Request};
use super::event::Happened;
use super::io::{EarRequest, Hearing, Speaking};
use crate::audio::Frame;
use crate::audio::resample::Downsampler;
use crate::dialog::Transfer;
use crate::identify::Identified;
use crate::speech::asr::{AsrError, Recogniser};
use crate::speech::tts::{Mouth, Voice};
use crate::units::SampleRate;

/// How a conversation ended, if it did.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The caller goes to a human.
    Transfer(Transfer),
    /// The server hung up.
    HangUp,
}

/// A conversation and its engines.
pub struct Studio {
    conversation: Conversation,
    recogniser: Box<dyn Recogniser>,
    halver: Downsampler,
    mouth: Mouth,
    voice: Voice,
    /// What happened, with its media time \[ms\].
    events: Vec<(u64, Happened)>,
    ending: Option<Ending>,
}

impl Studio {
    /// Puts `conversation` together with its engines.
    pub fn new(conversation: Conversation, recogniser: Box<dyn Recogniser>, mouth: Mouth, voice: Voice) -> Self {
        let (halver, events) = (Downsampler::default(), Vec::new());
        Self { conversation, recogniser, halver, mouth, voice, events, ending: None }
    }

    /// The conversation, to start it or to look at it.
    pub fn conversation(&mut self) -> &mut Conversation {
        &mut self.conversation
    }

    /// Lets 20 ms pass: the caller sounds like `frame` and presses `keys`. Answers what the caller hears.
    pub fn tick(&mut self, frame: &Frame, keys: &str) -> Frame {
        self.conversation.hear(frame, keys);
        self.serve();
        let said = self.conversation.say();
        self.serve();
        said
    }

    /// What happened so far.
    pub fn events(&self) -> &[(u64, Happened)] {
        &self.events
    }

    /// How it ended, if it did.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    fn serve(&mut self) {
        while let Some(request) = self.conversation.poll() {
            match request {
                Request::Ears(id, request) => {
                    if let Some(hearing) = self.listen(request).unwrap_or_else(|error| Some(Hearing::Failed(error))) {
                        self.conversation.heard(id, hearing);
                    }
                }
                Request::Speak(id, text) => {
                    let mut pieces = Vec::new();
                    let spoken = self.mouth.speak(&self.voice, &text, &mut |piece| {
                        pieces.push(piece);
                        ControlFlow::Continue(())
                    });
                    for piece in pieces {
                        self.conversation.spoken(id, Speaking::Sound(piece));
                    }
                    let ended = if spoken.is_ok() { Speaking::Complete } else { Speaking::Failed };
                    self.conversation.spoken(id, ended);
                }
                Request::Tell(what) => self.events.push((self.conversation.now().as_millis(), what)),
                Request::Transfer(transfer) => self.ending = Some(Ending::Transfer(transfer)),
                Request::HangUp => self.ending = Some(Ending::HangUp),
                // There is no store here: every number is a stranger's.
                Request::LookUp(_) => self.conversation.member_found(Identified::default()),
                Request::Hush(_) | Request::Act(_) => {}
            }
        }
    }

    fn listen(&mut self, request: EarRequest) -> Result<Option<Hearing>, AsrError> {
        Ok(match request {
            EarRequest::Begin(listening) => {
                self.recogniser.begin(&listening)?;
                None
            }
            EarRequest::Feed(pcm) if self.recogniser.sample_rate() == SampleRate::NARROWBAND => {
                let mut narrow = vec![0; pcm.len() / 2];
                self.halver.process(&pcm, &mut narrow);
                self.recogniser.feed(&narrow)?.map(Hearing::Partial)
            }
            EarRequest::Feed(pcm) => self.recogniser.feed(&pcm)?.map(Hearing::Partial),
            EarRequest::Finish => Some(Hearing::Final(self.recogniser.finish()?)),
            EarRequest::Drop => None,
        })
    }
}
