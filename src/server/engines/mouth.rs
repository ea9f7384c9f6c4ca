//! Synthesisers, one a thread, behind one bounded queue of prompts.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::{EngineMessage, Mailbox};
use crate::call::Speaking;
use crate::speech::tts::{Mouth, Recordings, TtsError, Voice, markup};
use crate::units::UtteranceId;

/// Prompts that may wait. With more, the engine is overrun, and a prompt fails (`antevox_prompts_refused_total`) rather than
/// coming seconds late; the caller then hears silence and may speak.
const QUEUE: usize = 128;

enum Job {
    Speak { mailbox: Mailbox, id: UtteranceId, text: String, recordings: Arc<Recordings> },
    Anticipate { text: String, recordings: Arc<Recordings> },
}

/// The threads that speak.
pub struct MouthPool {
    jobs: SyncSender<Job>,
}

impl MouthPool {
    /// Starts one thread for each of `mouths`, all speaking with `voice`.
    ///
    /// # Errors
    /// A thread could not be started.
    pub fn new(mouths: Vec<Mouth>, voice: &Voice) -> Result<Self, TtsError> {
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for (number, mut mouth) in mouths.into_iter().enumerate() {
            let (queue, voice) = (queue.clone(), *voice);
            thread::Builder::new()
                .name(format!("mouth-{number}"))
                .spawn(move || {
                    while let Some(job) = next(&queue) {
                        match job {
                            Job::Speak { mailbox, id, text, recordings } => {
                                mouth.use_recordings(recordings);
                                speak(&mut mouth, &voice, &mailbox, id, &text);
                            }
                            Job::Anticipate { text, recordings } => {
                                mouth.use_recordings(recordings);
                                mouth.anticipate(&voice, &text);
                            }
                        }
                    }
                })
                .map_err(|_| TtsError::EngineFailed("start a thread"))?;
        }
        Ok(Self { jobs })
    }

    /// Speaks `text` into the mailbox, what stands in `recordings` with their sound.
    pub fn speak(&self, mailbox: &Mailbox, id: UtteranceId, text: String, recordings: &Arc<Recordings>) {
        let job = Job::Speak { mailbox: mailbox.clone(), id, text, recordings: recordings.clone() };
        if self.jobs.try_send(job).is_err() {
            metrics::counter!("antevox_prompts_refused_total").increment(1);
            mailbox.messages.try_send(EngineMessage::Spoken(id, Speaking::Failed)).ok();
        }
    }

    /// Has the beginning of `text` at hand, for it may be spoken in a moment. When there is much to speak already, it is not.
    pub fn anticipate(&self, text: String, recordings: &Arc<Recordings>) {
        self.jobs.try_send(Job::Anticipate { text, recordings: recordings.clone() }).ok();
    }
}

/// The next job; `None` when the pool is gone.
fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn speak(mouth: &mut Mouth, voice: &Voice, mailbox: &Mailbox, id: UtteranceId, text: &str) {
    let mut sink = |piece| {
        if mailbox.is_hushed(id) {
            return ControlFlow::Break(());
        }
        mailbox.deliver(EngineMessage::Spoken(id, Speaking::Sound(piece)));
        ControlFlow::Continue(())
    };
    let outcome = match mouth.speak(voice, text, &mut sink) {
        // A value with a `<` in it must not silence the prompt.
        Err(TtsError::Markup(mistake)) => {
            tracing::warn!(%mistake, "a prompt is said without its markup");
            mouth.speak(voice, &markup::words(text), &mut sink)
        }
        outcome => outcome,
    };
    let ended = match outcome {
        Ok(()) => Speaking::Complete,
        Err(error) => {
            tracing::warn!(%error, "a prompt could not be spoken to its end");
            Speaking::Failed
        }
    };
    mailbox.deliver(EngineMessage::Spoken(id, ended));
}
