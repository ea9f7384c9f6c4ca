//! A pool of recognisers, lent to whoever's caller is speaking.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{EngineMessage, Mailbox};
use crate::audio::resample::Downsampler;
use crate::call::{EarRequest, Hearing};
use crate::speech::asr::{AsrError, Recogniser, RecogniserModel};
use crate::units::{HearingId, SampleRate};

/// Requests of one hearing that may wait: 30 s of sound. Beyond that the hearing fails, and the dialog says so.
const MAX_WAITING: usize = 1_500;

/// Names one hearing among all calls.
type Key = (u64, HearingId);

/// One stretch of listening, from its first request to its last.
struct Loan {
    mailbox: Mailbox,
    queue: VecDeque<EarRequest>,
    /// At home here while no worker has it; `None` too before one was free.
    recogniser: Option<Borrowed>,
    /// A worker is serving this loan.
    busy: bool,
}

/// A recogniser and what it needs of the stream's past.
struct Borrowed {
    recogniser: Box<dyn Recogniser>,
    halver: Downsampler,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Box<dyn Recogniser>>,
    loans: HashMap<Key, Loan>,
    /// Loans with something to do and a recogniser, in order of arrival.
    ready: VecDeque<Key>,
    /// Loans that wait for a recogniser, in order of arrival.
    waiting: VecDeque<Key>,
    closed: bool,
}

struct Shared {
    pool: Mutex<Pool>,
    work: Condvar,
}

impl Shared {
    /// A worker that panicked leaves the pool consistent: it is only changed between two statements that cannot panic.
    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Recognisers and the threads that run them.
pub struct EarPool {
    shared: Arc<Shared>,
}

impl EarPool {
    /// Makes `recognisers` of them, served by `threads` threads.
    ///
    /// # Errors
    /// The model could not make that many.
    pub fn new(model: &dyn RecogniserModel, recognisers: usize, threads: usize) -> Result<Self, AsrError> {
        let idle = (0..recognisers).map(|_| model.recogniser()).collect::<Result<_, _>>()?;
        let shared = Arc::new(Shared { pool: Mutex::new(Pool { idle, ..Pool::default() }), work: Condvar::new() });
        for number in 0..threads {
            let shared = shared.clone();
            thread::Builder::new()
                .name(format!("ears-{number}"))
                .spawn(move || serve(&shared))
                .map_err(|_| AsrError::EngineFailed("start a thread"))?;
        }
        Ok(Self { shared })
    }

    /// Takes a request of the call that `mailbox` belongs to.
    pub fn request(&self, mailbox: &Mailbox, id: HearingId, request: EarRequest) {
        let key = (mailbox.call, id);
        let mut pool = self.shared.lock();
        if matches!(request, EarRequest::Begin(_)) {
            let recogniser = pool.idle.pop().map(Borrowed::new);
            if recogniser.is_none() {
                metrics::counter!("antevox_hearings_delayed_total").increment(1);
                pool.waiting.push_back(key);
            }
            let loan = Loan { mailbox: mailbox.clone(), queue: VecDeque::new(), recogniser, busy: false };
            pool.loans.insert(key, loan);
        }
        let Some(loan) = pool.loans.get_mut(&key) else { return };
        if loan.queue.len() >= MAX_WAITING {
            if loan.queue.len() == MAX_WAITING {
                loan.queue.push_back(EarRequest::Drop);
                let failed = Hearing::Failed(AsrError::EngineFailed("keep up with the caller"));
                loan.mailbox.messages.try_send(EngineMessage::Heard(id, failed)).ok();
            }
            return;
        }
        loan.queue.push_back(request);
        if loan.recogniser.is_some() && !loan.busy && loan.queue.len() == 1 {
            pool.ready.push_back(key);
            drop(pool);
            self.shared.work.notify_one();
        }
    }

    /// Ends every hearing of a call that is over.
    pub fn forget(&self, mailbox: &Mailbox) {
        let mut pool = self.shared.lock();
        let left: Vec<Key> = pool.loans.keys().filter(|key| key.0 == mailbox.call).copied().collect();
        for key in left {
            // A busy one is taken back by its worker, which finds the mailbox closed.
            if let Some(borrowed) = pool.loans.get_mut(&key).and_then(|loan| loan.recogniser.take()) {
                pool.loans.remove(&key);
                give_back(&mut pool, borrowed.recogniser);
            }
        }
    }

    /// Hearings that are under way or waiting.
    pub fn in_use(&self) -> usize {
        self.shared.lock().loans.len()
    }
}

impl Drop for EarPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl Borrowed {
    fn new(recogniser: Box<dyn Recogniser>) -> Self {
        Self { recogniser, halver: Downsampler::default() }
    }
}

/// A worker: takes the longest-waiting loan, serves what it has queued, and puts it back.
fn serve(shared: &Shared) {
    let mut pool = shared.lock();
    while !pool.closed {
        let Some(key) = pool.ready.pop_front() else {
            pool = shared.work.wait(pool).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let Some(loan) = pool.loans.get_mut(&key) else { continue };
        let Some(mut borrowed) = loan.recogniser.take() else { continue };
        let requests = std::mem::take(&mut loan.queue);
        let mailbox = loan.mailbox.clone();
        loan.busy = true;
        drop(pool);

        let is_over = requests.into_iter().any(|request| carry_out(&mut borrowed, &mailbox, key.1, request));

        pool = shared.lock();
        if is_over || mailbox.messages.is_closed() {
            pool.loans.remove(&key);
            give_back(&mut pool, borrowed.recogniser);
        } else if let Some(loan) = pool.loans.get_mut(&key) {
            loan.recogniser = Some(borrowed);
            loan.busy = false;
            if !loan.queue.is_empty() {
                pool.ready.push_back(key);
            }
        }
    }
}

/// Lends `recogniser` to whoever waits longest, or lets it rest.
fn give_back(pool: &mut Pool, recogniser: Box<dyn Recogniser>) {
    while let Some(key) = pool.waiting.pop_front() {
        if let Some(loan) = pool.loans.get_mut(&key) {
            loan.recogniser = Some(Borrowed::new(recogniser));
            pool.ready.push_back(key);
            return;
        }
    }
    pool.idle.push(recogniser);
}

/// Carries out one request; answers whether the loan is over with it.
fn carry_out(borrowed: &mut Borrowed, mailbox: &Mailbox, id: HearingId, request: EarRequest) -> bool {
    let recogniser = &mut borrowed.recogniser;
    let outcome = match request {
        EarRequest::Begin(listening) => recogniser.begin(&listening).map(|()| None),
        EarRequest::Feed(pcm) => {
            let partial = if recogniser.sample_rate() == SampleRate::NARROWBAND {
                let mut narrow = vec![0; pcm.len() / 2];
                borrowed.halver.process(&pcm, &mut narrow);
                recogniser.feed(&narrow)
            } else {
                recogniser.feed(&pcm)
            };
            partial.map(|text| text.map(Hearing::Partial))
        }
        EarRequest::Finish => recogniser.finish().map(|transcript| Some(Hearing::Final(transcript))),
        EarRequest::Drop => return true,
    };
    let hearing = outcome.unwrap_or_else(|error| Some(Hearing::Failed(error)));
    let is_over = matches!(hearing, Some(Hearing::Final(_) | Hearing::Failed(_)));
    if let Some(hearing) = hearing {
        mailbox.deliver(EngineMessage::Heard(id, hearing));
    }
    is_over
}
