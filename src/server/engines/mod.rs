//! Recognisers and synthesisers on named worker threads.
//!
//! ```text
//! call task ─► EarPool::request ─► hearing's queue ─► worker (borrowed recogniser) ─┐
//!           └► MouthPool::speak ─► job queue ───────► worker (own synthesiser) ─────┤
//!           ◄──────────────────────── Mailbox (bounded) ◄───────────────────────────┘
//! ```
//!
//! No model runs in a call's task, and no call waits for another one's engine longer than the queues here say.

pub mod choice;
mod ears;
mod mouth;
pub mod prompt_store;
pub mod remote;
pub mod voices;
mod watched;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

pub use ears::EarPool;
pub use mouth::MouthPool;
pub use watched::WatchedModel;

use crate::call::{Hearing, Speaking};
use crate::units::{HearingId, UtteranceId};

/// Messages of the engines that wait for one call. A call's task takes them as they come; if it stalls, partial texts are
/// dropped first (`antevox_partials_dropped_total`) and the worker waits with everything else.
const MAILBOX: usize = 256;

/// What an engine tells a call.
#[derive(Debug)]
pub enum EngineMessage {
    /// From a recogniser.
    Heard(HearingId, Hearing),
    /// From a synthesiser.
    Spoken(UtteranceId, Speaking),
}

/// Where the engines answer one call.
#[derive(Clone, Debug)]
pub struct Mailbox {
    call: u64,
    messages: mpsc::Sender<EngineMessage>,
    /// Utterances up to this one are not wanted any more.
    hushed: Arc<AtomicU64>,
}

impl Mailbox {
    /// A mailbox for the call numbered `call`, unique among live calls, and its receiving end.
    pub fn new(call: u64) -> (Self, mpsc::Receiver<EngineMessage>) {
        let (messages, receiver) = mpsc::channel(MAILBOX);
        (Self { call, messages, hushed: Arc::default() }, receiver)
    }

    /// Lets go of `utterance` and all before it.
    pub fn hush(&self, utterance: UtteranceId) {
        self.hushed.fetch_max(utterance.0, Ordering::Relaxed);
    }

    fn is_hushed(&self, utterance: UtteranceId) -> bool {
        utterance.0 <= self.hushed.load(Ordering::Relaxed) || self.messages.is_closed()
    }

    /// Delivers from a worker thread. A call that is over takes nothing; that is no error.
    fn deliver(&self, message: EngineMessage) {
        if let EngineMessage::Heard(_, Hearing::Partial(_)) = message {
            if self.messages.try_send(message).is_err() {
                metrics::counter!("antevox_partials_dropped_total").increment(1);
            }
        } else {
            self.messages.blocking_send(message).ok();
        }
    }
}
