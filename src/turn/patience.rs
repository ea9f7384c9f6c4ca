//! How long to wait before deciding: the knobs of turn-taking.

use std::time::Duration;

use super::wholeness::wholeness;
use crate::units::Ask;

/// Words that are all with this probability are complete; …
const COMPLETE: f32 = 0.8;
/// … from this one down …
pub(super) const UNCLEAR: f32 = 0.6;
/// … to this one they do not tell; …
const DOUBTFUL: f32 = 0.12;
/// … and with this one they break off. What was misheard seldom looks whole, so little that is whole lies below: of 354 answers
/// to open questions in three sets 16 lie below 0.1, with 118 of 165 pauses, and 35 answers and 8 pauses between 0.1 and 0.2.
pub(super) const UNFINISHED: f32 = 0.08;
/// Who speaks for so long seldom does so in one go; …
const LONG_WINDED: Duration = Duration::from_millis(3_500);
/// … after so long they are not taken to be through before [`Patience::steady`].
const STEADY: Duration = Duration::from_millis(6_000);

/// Waiting times for one kind of answer. The defaults come from [`Patience::for_ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Silence that ends a turn whose words are complete for what was asked.
    pub complete: Duration,
    /// Silence that ends a turn when the words do not tell.
    pub unclear: Duration,
    /// Silence that ends a turn that breaks off in mid-sentence or mid-number.
    pub unfinished: Duration,
    /// Silence after which the end of a turn is foreseen, and its answer prepared.
    pub foresee: Duration,
    /// Silence that ends a turn at the earliest in which the caller has paused already, …
    pub halting: Duration,
    /// … and one in which they have spoken for long.
    pub steady: Duration,
    /// Silence after which somebody hears "mm-hm" who may be through or not, and whose turn ends as if they were not.
    pub nod: Duration,
    /// How much longer is waited while there is still a faint voice.
    pub linger: Duration,
    /// How much longer one is waited for who falters and was told to take their time.
    pub encouraged: Duration,
    /// A pause in a long story in which a listener says "mm-hm"; as much must be left until the turn would end.
    pub breath: Duration,
    /// Time after the end of a turn after which the answer is excused for being late.
    pub late: Duration,
    /// Silence after which voice over a prompt that was no interruption is forgotten.
    pub forget: Duration,
}

impl Patience {
    /// The profile for one kind of question.
    ///
    /// People pause 300–1,200 ms *inside* a turn when they look for a number or a word, so words that break off are waited for
    /// a little longer; and since most of these pauses are longer than a wait that feels prompt, little is gained in between:
    /// words that do not tell are waited for as long as still feels prompt.
    pub const fn for_ask(ask: Ask) -> Self {
        let (complete, unclear, unfinished, nod) = match ask {
            Ask::Open | Ask::YesNo | Ask::Choice => (180, 540, 1_400, 300),
            Ask::Digits => (240, 480, 1_450, 480),
        };
        Self {
            complete: Duration::from_millis(complete),
            unclear: Duration::from_millis(unclear),
            unfinished: Duration::from_millis(unfinished),
            foresee: Duration::from_millis(100),
            nod: Duration::from_millis(nod),
            halting: Duration::from_millis(240),
            steady: Duration::from_millis(640),
            linger: Duration::from_millis(160),
            encouraged: Duration::from_millis(2_400),
            breath: Duration::from_millis(300),
            late: Duration::from_millis(1_200),
            forget: Duration::from_millis(320),
        }
    }

    /// The silence that ends a turn of these words, which are a whole sentence with the probability `whole`, and which came
    /// after so many `pauses`.
    pub fn silence(&self, ask: Ask, words: &str, whole: f32, pauses: u32) -> Duration {
        let p = wholeness(ask, words, whole, pauses);
        if p >= UNCLEAR {
            between(self.unclear, self.complete, (p - UNCLEAR) / (COMPLETE - UNCLEAR))
        } else {
            between(self.unfinished, self.unclear, (p - UNFINISHED) / (DOUBTFUL - UNFINISHED))
        }
    }

    /// The least silence that ends a story which has lasted for `long`, with so many `pauses`: who has paused will pause again.
    pub fn least(&self, long: Duration, pauses: u32) -> Duration {
        let beyond = long.saturating_sub(LONG_WINDED).as_secs_f32() / (STEADY - LONG_WINDED).as_secs_f32();
        let least = between(self.complete, self.steady, beyond);
        if pauses > 0 { least.max(self.halting) } else { least }
    }
}

/// To the millisecond: a frame more would be waited for a wait that is longer by a rounding error.
fn between(from: Duration, to: Duration, at: f32) -> Duration {
    let (from, to) = (from.as_millis() as f32, to.as_millis() as f32);
    Duration::from_millis((from + (to - from) * at.clamp(0.0, 1.0)).round() as u64)
}
