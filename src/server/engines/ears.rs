//! A pool of recognisers, lent to whoever's caller is speaking.
//!
//! Where the engine has recognisers for wideband lines, the pool keeps a few more, which only callers on such lines get. When
//! none of them is free these callers get one of those for everybody, as all callers do: nobody waits for a better ear.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{EngineMessage, Mailbox};
use crate::audio::resample::Downsampler;
use crate::call::{EarRequest, Hearing};
use crate::speech::asr::{AsrError, Listening, Recogniser, RecogniserModel};
use crate::units::{HearingId, SampleRate};

/// Requests of one hearing that may wait: 30 s of sound. Beyond that the hearing fails, and the dialog says so.
const MAX_WAITING: usize = 1_500;

/// One wideband recogniser for so many that serve everybody: each costs 25 MB, and most lines are narrow.
const WIDEBAND_SHARE: usize = 4;

/// Names one hearing among all calls.
type Key = (u64, HearingId);

/// One stretch of listening, from its first request to its last.
struct Loan {
    mailbox: Mailbox,
    queue: VecDeque<EarRequest>,
    /// Whether a wideband recogniser would do.
    is_wideband: bool,
    /// At home here while no worker has it; `None` too before one was free.
    recogniser: Option<Borrowed>,
    /// A worker is serving this loan.
    busy: bool,
}

/// A recogniser of the pool.
struct Ear {
    recogniser: Box<dyn Recogniser>,
    /// Only callers on wideband lines get it.
    is_wideband: bool,
}

/// One that is lent, and what it needs of the stream's past.
struct Borrowed {
    ear: Ear,
    halver: Downsampler,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Ear>,
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

impl Pool {
    /// Takes what suits a line: on a wideband one, what is made for it first.
    fn take_idle(&mut self, is_wideband: bool) -> Option<Borrowed> {
        let made_for_it = self.idle.iter().rposition(|ear| ear.is_wideband && is_wideband);
        let at = made_for_it.or_else(|| self.idle.iter().rposition(|ear| !ear.is_wideband))?;
        Some(Borrowed::new(self.idle.swap_remove(at)))
    }

    /// Lends `ear` to whoever waits longest of those whom it serves, or lets it rest.
    fn give_back(&mut self, ear: Ear) {
        self.waiting.retain(|key| self.loans.contains_key(key));
        let served = |key: &Key| !ear.is_wideband || self.loans.get(key).is_some_and(|loan| loan.is_wideband);
        let next = self.waiting.iter().position(served).and_then(|at| self.waiting.remove(at));
        match next.and_then(|key| Some((key, self.loans.get_mut(&key)?))) {
            Some((key, loan)) => {
                loan.recogniser = Some(Borrowed::new(ear));
                self.ready.push_back(key);
            }
            None => self.idle.push(ear),
        }
    }
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
    /// Makes `recognisers` of them, and some for wideband lines where the engine has such, served by `threads` threads.
    ///
    /// # Errors
    /// The model could not make that many.
    pub fn new(model: &dyn RecogniserModel, recognisers: usize, threads: usize) -> Result<Self, AsrError> {
        let for_all = (0..recognisers).map(|_| Ok(Ear { recogniser: model.recogniser()?, is_wideband: false }));
        let mut idle = for_all.collect::<Result<Vec<_>, AsrError>>()?;
        for _ in 0..recognisers.div_ceil(WIDEBAND_SHARE) {
            let wide = model.wideband_recogniser()?;
            idle.extend(wide.map(|recogniser| Ear { recogniser, is_wideband: true }));
        }
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
        if let EarRequest::Begin(Listening { is_wideband, .. }) = request {
            let recogniser = pool.take_idle(is_wideband);
            if recogniser.is_none() {
                metrics::counter!("antevox_hearings_delayed_total").increment(1);
                pool.waiting.push_back(key);
            }
            let loan = Loan { mailbox: mailbox.clone(), queue: VecDeque::new(), is_wideband, recogniser, busy: false };
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
                pool.give_back(borrowed.ear);
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
    fn new(ear: Ear) -> Self {
        Self { ear, halver: Downsampler::default() }
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
            pool.give_back(borrowed.ear);
        } else if let Some(loan) = pool.loans.get_mut(&key) {
            loan.recogniser = Some(borrowed);
            loan.busy = false;
            if !loan.queue.is_empty() {
                pool.ready.push_back(key);
            }
        }
    }
}

/// Carries out one request; answers whether the loan is over with it.
fn carry_out(borrowed: &mut Borrowed, mailbox: &Mailbox, id: HearingId, request: EarRequest) -> bool {
    let recogniser = &mut borrowed.ear.recogniser;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::asr::Transcript;

    struct Deaf(SampleRate);

    impl Recogniser for Deaf {
        fn sample_rate(&self) -> SampleRate {
            self.0
        }

        fn begin(&mut self, _: &Listening) -> Result<(), AsrError> {
            Ok(())
        }

        fn feed(&mut self, _: &[i16]) -> Result<Option<String>, AsrError> {
            Ok(None)
        }

        fn finish(&mut self) -> Result<Transcript, AsrError> {
            Ok(Transcript::default())
        }
    }

    fn ear(is_wideband: bool) -> Ear {
        let rate = if is_wideband { SampleRate::WIDEBAND } else { SampleRate::NARROWBAND };
        Ear { recogniser: Box::new(Deaf(rate)), is_wideband }
    }

    fn taken(pool: &mut Pool, is_wideband: bool) -> Option<bool> {
        pool.take_idle(is_wideband).map(|borrowed| borrowed.ear.is_wideband)
    }

    #[test]
    fn wideband_lines_get_what_is_made_for_them_and_others_never_do() {
        let mut pool = Pool { idle: vec![ear(true), ear(false), ear(false)], ..Pool::default() };
        assert_eq!(taken(&mut pool, true), Some(true));
        assert_eq!(taken(&mut pool, true), Some(false), "nobody waits for a better ear");
        assert_eq!(taken(&mut pool, false), Some(false));
        pool.give_back(ear(true));
        assert_eq!(taken(&mut pool, false), None);
    }
}
