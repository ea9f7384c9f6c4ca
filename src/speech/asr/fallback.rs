//! One recogniser out of several: when one fails, the next takes over, within the same utterance.
//!
//! ```text
//! sound ─┬─► kept, up to a minute ───────────────┐ all of it, again
//!        └─► first engine ─► text    fails ─► next engine ─► text
//! ```
//!
//! Nobody has to repeat what they said. An engine that failed rests for a while, longer each time, so that a server that is
//! down does not delay every utterance. Utterances are counted instead of time; nothing here reads a clock.

use std::sync::Arc;

use super::{AsrError, Listening, Recogniser, RecogniserModel, Transcript};
use crate::audio::resample::Downsampler;
use crate::units::SampleRate;

/// Sound that is kept for the next engine \[s\]; who talks longer is heard by one engine or not at all.
const KEPT_S: u32 = 60;
/// The longest rest \[utterances\].
const LONGEST_REST: u32 = 32;

/// Models in the order in which they are asked.
pub struct Fallbacks(Vec<Arc<dyn RecogniserModel>>);

impl Fallbacks {
    /// `first` is asked as long as it works, then those of `others`, in order.
    pub fn new(first: Arc<dyn RecogniserModel>, others: impl IntoIterator<Item = Arc<dyn RecogniserModel>>) -> Self {
        Self(std::iter::once(first).chain(others).collect())
    }
}

impl Fallbacks {
    fn of(engines: Vec<Box<dyn Recogniser>>) -> Result<Box<dyn Recogniser>, AsrError> {
        let engines: Vec<Engine> = engines.into_iter().map(Engine::new).collect();
        let widest = engines.iter().map(|engine| engine.recogniser.sample_rate()).max();
        let rate = widest.ok_or(AsrError::EngineFailed("choose one of no engines"))?;
        Ok(Box::new(Fallback { engines, rate, utterance: None }))
    }
}

impl RecogniserModel for Fallbacks {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        Self::of(self.0.iter().map(|model| model.recogniser()).collect::<Result<_, _>>()?)
    }

    /// Where any engine has one, with those of the others that serve all.
    fn wideband_recogniser(&self) -> Result<Option<Box<dyn Recogniser>>, AsrError> {
        let wide = self.0.iter().map(|model| model.wideband_recogniser()).collect::<Result<Vec<_>, _>>()?;
        if wide.iter().all(Option::is_none) {
            return Ok(None);
        }
        let engines = self.0.iter().zip(wide).map(|(model, wide)| wide.map_or_else(|| model.recogniser(), Ok));
        Self::of(engines.collect::<Result<_, _>>()?).map(Some)
    }

    fn is_slow(&self) -> bool {
        self.0.iter().any(|model| model.is_slow())
    }
}

struct Engine {
    recogniser: Box<dyn Recogniser>,
    /// Utterances that it is still not asked for.
    resting: u32,
    /// How long it rests when it fails next.
    next_rest: u32,
}

impl Engine {
    fn new(recogniser: Box<dyn Recogniser>) -> Self {
        Self { recogniser, resting: 0, next_rest: 1 }
    }

    fn failed(&mut self) {
        self.resting = self.next_rest;
        self.next_rest = (self.next_rest * 2).min(LONGEST_REST);
    }
}

struct Utterance {
    listening: Listening,
    /// The engine that listens.
    at: usize,
    /// Everything heard so far, at the common rate; `None` when it was too much to keep.
    kept: Option<Vec<i16>>,
    halver: Downsampler,
}

struct Fallback {
    engines: Vec<Engine>,
    /// The rate of the widest engine; narrower ones get theirs.
    rate: SampleRate,
    utterance: Option<Utterance>,
}

impl Fallback {
    /// Begins with the first engine from `from` on that can.
    fn begin_from(&mut self, from: usize, listening: &Listening) -> Result<usize, AsrError> {
        let mut why = AsrError::EngineFailed("take over from another engine");
        let last = self.engines.len() - 1;
        for (at, engine) in self.engines.iter_mut().enumerate().skip(from) {
            // The last one has nobody to rest for it.
            if engine.resting > 0 && at < last {
                engine.resting -= 1;
                continue;
            }
            match engine.recogniser.begin(listening) {
                Ok(()) => return Ok(at),
                Err(error) => {
                    tracing::warn!(%error, engine = at, "an engine cannot begin");
                    engine.failed();
                    why = error;
                }
            }
        }
        Err(why)
    }

    /// Hands the whole utterance to the next engine that works; `error` is why this one cannot go on. Tells the text so far.
    fn take_over(&mut self, utterance: &mut Utterance, mut error: AsrError) -> Result<Option<String>, AsrError> {
        loop {
            tracing::warn!(%error, engine = utterance.at, "an engine failed in the middle of an utterance");
            self.engines[utterance.at].failed();
            let Some(kept) = &utterance.kept else { return Err(error) };
            if utterance.at + 1 == self.engines.len() {
                return Err(error);
            }
            utterance.at = self.begin_from(utterance.at + 1, &utterance.listening)?;
            utterance.halver = Downsampler::default();
            let engine = &mut *self.engines[utterance.at].recogniser;
            match fed(engine, self.rate, &mut utterance.halver, kept) {
                Ok(partial) => return Ok(partial),
                Err(next) => error = next,
            }
        }
    }
}

/// Feeds `pcm` of rate `rate` to an engine that may want half of it.
fn fed(
    engine: &mut dyn Recogniser,
    rate: SampleRate,
    halver: &mut Downsampler,
    pcm: &[i16],
) -> Result<Option<String>, AsrError> {
    if engine.sample_rate() == rate {
        return engine.feed(pcm);
    }
    let mut narrow = vec![0; pcm.len() / 2];
    halver.process(pcm, &mut narrow);
    engine.feed(&narrow)
}

impl Recogniser for Fallback {
    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn begin(&mut self, listening: &Listening) -> Result<(), AsrError> {
        self.utterance = None;
        let at = self.begin_from(0, listening)?;
        let (listening, halver) = (listening.clone(), Downsampler::default());
        self.utterance = Some(Utterance { listening, at, kept: Some(Vec::new()), halver });
        Ok(())
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        let Some(mut utterance) = self.utterance.take() else { return Err(AsrError::NotListening) };
        let most = (self.rate.hertz() * KEPT_S) as usize;
        match &mut utterance.kept {
            Some(kept) if kept.len() + pcm.len() <= most => kept.extend_from_slice(pcm),
            kept => *kept = None,
        }
        let engine = &mut *self.engines[utterance.at].recogniser;
        let partial = match fed(engine, self.rate, &mut utterance.halver, pcm) {
            Ok(partial) => partial,
            Err(error) => self.take_over(&mut utterance, error)?,
        };
        self.utterance = Some(utterance);
        Ok(partial)
    }

    fn finish(&mut self) -> Result<Transcript, AsrError> {
        let Some(mut utterance) = self.utterance.take() else { return Err(AsrError::NotListening) };
        loop {
            match self.engines[utterance.at].recogniser.finish() {
                Ok(transcript) => {
                    self.engines[utterance.at].next_rest = 1;
                    return Ok(transcript);
                }
                Err(error) => self.take_over(&mut utterance, error)?,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hears how many samples it was fed; fails from its `fails_at`-th sample on.
    struct Counter {
        rate: SampleRate,
        fails_at: usize,
        heard: Option<usize>,
    }

    impl Recogniser for Counter {
        fn sample_rate(&self) -> SampleRate {
            self.rate
        }

        fn begin(&mut self, _: &Listening) -> Result<(), AsrError> {
            self.heard = Some(0);
            if self.fails_at == 0 { Err(AsrError::Crashed) } else { Ok(()) }
        }

        fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
            let heard = self.heard.as_mut().ok_or(AsrError::NotListening)?;
            *heard += pcm.len();
            if *heard >= self.fails_at { Err(AsrError::Hung) } else { Ok(Some(heard.to_string())) }
        }

        fn finish(&mut self) -> Result<Transcript, AsrError> {
            let heard = self.heard.take().ok_or(AsrError::NotListening)?;
            Ok(Transcript { text: format!("{heard} at {}", self.rate.hertz()), ..Transcript::default() })
        }
    }

    struct CounterModel(SampleRate, usize);

    impl RecogniserModel for CounterModel {
        fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
            Ok(Box::new(Counter { rate: self.0, fails_at: self.1, heard: None }))
        }
    }

    const NEVER: usize = usize::MAX;

    fn fallback(wide_fails_at: usize, narrow_fails_at: usize) -> Box<dyn Recogniser> {
        let wide = Arc::new(CounterModel(SampleRate::WIDEBAND, wide_fails_at));
        let narrow: Arc<dyn RecogniserModel> = Arc::new(CounterModel(SampleRate::NARROWBAND, narrow_fails_at));
        Fallbacks::new(wide, [narrow]).recogniser().unwrap()
    }

    fn hear(recogniser: &mut dyn Recogniser, pieces: usize) -> Result<String, AsrError> {
        recogniser.begin(&Listening::default())?;
        for _ in 0..pieces {
            recogniser.feed(&[0; 320])?;
        }
        Ok(recogniser.finish()?.text)
    }

    #[test]
    fn the_next_engine_hears_all_of_it() {
        assert_eq!(hear(&mut *fallback(NEVER, NEVER), 5).unwrap(), "1600 at 16000");
        for fails_at in [0, 1, 1_000, 1_600] {
            assert_eq!(hear(&mut *fallback(fails_at, NEVER), 5).unwrap(), "800 at 8000", "{fails_at}");
        }
        assert_eq!(hear(&mut *fallback(600, 700), 5), Err(AsrError::Hung));
    }

    #[test]
    fn an_engine_that_failed_rests_longer_each_time() {
        let mut recogniser = fallback(1_000, NEVER);
        // Short utterances end before the first engine fails, so they show who was asked.
        let asked_first = |recogniser: &mut dyn Recogniser| hear(recogniser, 1).unwrap().ends_with("16000");
        assert!(asked_first(&mut *recogniser));
        hear(&mut *recogniser, 5).unwrap();
        assert!(!asked_first(&mut *recogniser), "it rests for one utterance");
        hear(&mut *recogniser, 5).unwrap();
        assert!(!asked_first(&mut *recogniser) && !asked_first(&mut *recogniser), "then for two");
        assert!(asked_first(&mut *recogniser), "one success");
        hear(&mut *recogniser, 5).unwrap();
        assert!(!asked_first(&mut *recogniser), "and it is trusted as before");
        assert!(asked_first(&mut *recogniser));
    }

    #[test]
    fn what_is_too_long_to_keep_fails_with_its_engine() {
        let too_long = 61 * 50;
        assert_eq!(hear(&mut *fallback(16_000 * 61, NEVER), too_long), Err(AsrError::Hung));
        assert!(hear(&mut *fallback(NEVER, NEVER), too_long).is_ok());
    }
}
