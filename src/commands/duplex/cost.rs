//! What a call costs without its recogniser: echo canceller, voice detector, turn-taking.

use std::fs;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use super::case::Case;
use super::play::{NEVER, Partial};
use crate::audio::{FRAME_MS, Frame};
use crate::call::{Duplex, Moment, Speaking};
use crate::speech::vad::Earshot;
use crate::turn::Yields;

/// Work, and how much sound it was for: what it takes to hear `heard` again, without a recogniser: its words are known.
pub(super) fn of(case: &Case, prompt: Option<Vec<i16>>, heard: &[Frame], words: &[Partial]) -> (Duration, Duration) {
    let mut duplex = Duplex::new(Box::new(Earshot::default()));
    match prompt {
        Some(sound) => {
            let id = duplex.speak(case.ask, Yields::ToSpeech);
            duplex.sound(id, Speaking::Sound(Arc::from(sound)));
            duplex.sound(id, Speaking::Complete);
        }
        None => duplex.offer(case.ask, NEVER),
    }
    let (mut words, mut hearing) = (words.iter().peekable(), None);
    let began = work();
    for frame in heard {
        duplex.say();
        duplex.hear(frame);
        while let Some(moment) = duplex.poll() {
            if let Moment::Ears(id, _) = moment {
                hearing = Some(id);
            }
        }
        while let Some(partial) = words.next_if(|partial| partial.at <= duplex.now().as_millis()) {
            if let Some(id) = hearing {
                duplex.words(id, &partial.text, |_| partial.whole);
            }
        }
    }
    (work().saturating_sub(began), Duration::from_millis(heard.len() as u64 * FRAME_MS))
}

/// Processor time of this thread; where the system does not tell, the time that has gone by.
#[allow(clippy::disallowed_methods)] // measures how long the engines take
pub(super) fn work() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    // Its first number is the time spent on a processor [ns] (Linux, Documentation/scheduler/sched-stats.rst).
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.as_deref().and_then(|line| line.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| BEGAN.elapsed(), Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time() {
        let began = work();
        let mut sum = 0u64;
        while work() == began && sum < u64::MAX {
            sum = (0..100_000).fold(sum, |sum, i| std::hint::black_box(sum ^ i));
        }
        assert!(work() > began);
    }
}
