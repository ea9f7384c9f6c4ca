//! A recogniser on a thread of its own, watched: when it crashes or hangs, that is an error like any other.
//!
//! ```text
//! worker ─► order ─► thread with the engine
//!        ◄─ answer ◄─┘       panics: Crashed, no answer in time: Hung; the next utterance gets a new one
//! ```
//!
//! A thread that hangs is left behind; should it ever return, it finds nobody there and ends. A fault that ends the process
//! (a C library that writes where it must not) cannot be survived here: who distrusts an engine that much runs it behind a
//! server.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::speech::asr::{AsrError, Listening, Recogniser, RecogniserModel, Transcript};
use crate::units::SampleRate;

/// How long an engine that keeps up with speech may take over a piece of it: what a machine does in that time that is busy
/// with other things has been seen to be little.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long one may take that reads a window of half a minute at once, on a slow machine.
const PATIENCE_WITH_SLOW: Duration = Duration::from_secs(30);

/// Makes recognisers of `model` that are watched.
pub struct WatchedModel {
    model: Arc<dyn RecogniserModel>,
    patience: Duration,
}

impl WatchedModel {
    /// Watches over the recognisers of `model`.
    pub fn new(model: Arc<dyn RecogniserModel>) -> Self {
        let patience = if model.is_slow() { PATIENCE_WITH_SLOW } else { PATIENCE };
        Self { model, patience }
    }
}

/// Makes another recogniser of the same kind.
type Make = Box<dyn Fn() -> Result<Box<dyn Recogniser>, AsrError> + Send>;

impl WatchedModel {
    fn watch(&self, first: Box<dyn Recogniser>, another: Make) -> Result<Box<dyn Recogniser>, AsrError> {
        let rate = first.sample_rate();
        let engine = Some(Engine::start(first)?);
        Ok(Box::new(Watched { another, patience: self.patience, rate, engine }))
    }
}

impl RecogniserModel for WatchedModel {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        let model = self.model.clone();
        self.watch(model.recogniser()?, Box::new(move || model.recogniser()))
    }

    fn wideband_recogniser(&self) -> Result<Option<Box<dyn Recogniser>>, AsrError> {
        let model = self.model.clone();
        let another = move || model.wideband_recogniser()?.ok_or(AsrError::EngineFailed("listen to a wideband line"));
        let first = self.model.wideband_recogniser()?;
        first.map(|first| self.watch(first, Box::new(another))).transpose()
    }

    fn is_slow(&self) -> bool {
        self.model.is_slow()
    }
}

struct Watched {
    another: Make,
    patience: Duration,
    rate: SampleRate,
    /// `None` after it was lost.
    engine: Option<Engine>,
}

/// One order is on its way at a time, so the bounds of both queues are never met.
struct Engine {
    orders: SyncSender<Order>,
    answers: Receiver<Result<Answer, AsrError>>,
}

enum Order {
    Begin(Listening),
    Feed(Box<[i16]>),
    Finish,
}

enum Answer {
    Begun,
    Partial(Option<String>),
    Final(Transcript),
}

impl Engine {
    fn start(mut recogniser: Box<dyn Recogniser>) -> Result<Self, AsrError> {
        let (orders, queue) = sync_channel(1);
        let (tell, answers) = sync_channel(1);
        let run = move || {
            while let Ok(order) = queue.recv() {
                let answer = match order {
                    Order::Begin(listening) => recogniser.begin(&listening).map(|()| Answer::Begun),
                    Order::Feed(pcm) => recogniser.feed(&pcm).map(Answer::Partial),
                    Order::Finish => recogniser.finish().map(Answer::Final),
                };
                if tell.send(answer).is_err() {
                    return;
                }
            }
        };
        let started = thread::Builder::new().name("recogniser".to_owned()).spawn(run);
        started.map_err(|_| AsrError::EngineFailed("start a thread"))?;
        Ok(Self { orders, answers })
    }
}

impl Watched {
    fn ask(&mut self, order: Order) -> Result<Answer, AsrError> {
        let engine = self.engine.as_ref().ok_or(AsrError::NotListening)?;
        let lost = match engine.orders.send(order) {
            Err(_) => AsrError::Crashed,
            Ok(()) => match engine.answers.recv_timeout(self.patience) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) => AsrError::Hung,
                Err(RecvTimeoutError::Disconnected) => AsrError::Crashed,
            },
        };
        metrics::counter!("antevox_recognisers_lost_total").increment(1);
        self.engine = None;
        Err(lost)
    }
}

/// What an engine says that answers another question than it was asked.
const CONFUSED: AsrError = AsrError::EngineFailed("answer in order");

impl Recogniser for Watched {
    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn begin(&mut self, listening: &Listening) -> Result<(), AsrError> {
        if self.engine.is_none() {
            self.engine = Some(Engine::start((self.another)()?)?);
        }
        match self.ask(Order::Begin(listening.clone()))? {
            Answer::Begun => Ok(()),
            Answer::Partial(_) | Answer::Final(_) => Err(CONFUSED),
        }
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        match self.ask(Order::Feed(pcm.into()))? {
            Answer::Partial(partial) => Ok(partial),
            Answer::Begun | Answer::Final(_) => Err(CONFUSED),
        }
    }

    fn finish(&mut self) -> Result<Transcript, AsrError> {
        match self.ask(Order::Finish)? {
            Answer::Final(transcript) => Ok(transcript),
            Answer::Begun | Answer::Partial(_) => Err(CONFUSED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does what the first sample that it is fed says.
    struct Whim;

    const FINE: i16 = 0;
    const CRASH: i16 = 1;
    const HANG: i16 = 2;

    impl Recogniser for Whim {
        fn sample_rate(&self) -> SampleRate {
            SampleRate::NARROWBAND
        }

        fn begin(&mut self, _: &Listening) -> Result<(), AsrError> {
            Ok(())
        }

        fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
            match pcm[0] {
                CRASH => panic!("as it was told"),
                HANG => loop {
                    thread::park();
                },
                _ => Ok(Some("fine".into())),
            }
        }

        fn finish(&mut self) -> Result<Transcript, AsrError> {
            Ok(Transcript { text: "fine".into(), ..Transcript::default() })
        }
    }

    struct WhimModel;

    impl RecogniserModel for WhimModel {
        fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
            Ok(Box::new(Whim))
        }
    }

    #[test]
    fn what_is_lost_is_named_and_replaced() {
        // Long where an answer is awaited, so that no busy machine decides.
        let hangs = (HANG, AsrError::Hung, Duration::from_millis(500));
        for (order, error, patience) in [(CRASH, AsrError::Crashed, Duration::from_secs(60)), hangs] {
            let watch = WatchedModel { patience, ..WatchedModel::new(Arc::new(WhimModel)) };
            let mut recogniser = watch.recogniser().unwrap();
            recogniser.begin(&Listening::default()).unwrap();
            assert_eq!(recogniser.feed(&[order]), Err(error));
            assert_eq!(recogniser.finish(), Err(AsrError::NotListening), "it is gone");
            recogniser.begin(&Listening::default()).unwrap();
            assert_eq!(recogniser.feed(&[FINE]), Ok(Some("fine".into())), "another one took its place");
            assert_eq!(recogniser.finish().unwrap().text, "fine");
        }
    }
}
