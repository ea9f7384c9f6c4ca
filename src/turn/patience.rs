//! How long to wait before deciding: the knobs of turn-taking.

use std::time::Duration;

use super::words::Completeness;
use crate::units::Ask;

/// Waiting times for one kind of answer. The defaults come from [`Patience::for_ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Silence that ends a turn whose words are complete for what was asked.
    pub complete: Duration,
    /// Silence that ends a turn when the words do not tell.
    pub unclear: Duration,
    /// Silence that ends a turn that breaks off in mid-sentence or mid-number.
    pub unfinished: Duration,
    /// Voice over a prompt that cannot be an interruption yet: a click, a cough.
    pub shortest_interruption: Duration,
    /// Voice over a prompt that is an interruption even though no word of it was recognised.
    pub wordless_interruption: Duration,
    /// Silence after which voice over a prompt that was no interruption is forgotten.
    pub forget: Duration,
}

impl Patience {
    /// The profile for one kind of question.
    ///
    /// People pause 300–1,200 ms *inside* a turn when they look for a number or a word, hardly at all inside a yes; the
    /// longest turn that never pauses that long is the one that was complete.
    pub const fn for_ask(ask: Ask) -> Self {
        let (complete, unclear, unfinished) = match ask {
            Ask::YesNo => (260, 500, 1_000),
            Ask::Choice => (320, 550, 1_000),
            Ask::Digits => (400, 900, 1_400),
            Ask::Open => (420, 600, 1_200),
        };
        Self {
            complete: Duration::from_millis(complete),
            unclear: Duration::from_millis(unclear),
            unfinished: Duration::from_millis(unfinished),
            shortest_interruption: Duration::from_millis(220),
            wordless_interruption: Duration::from_millis(420),
            forget: Duration::from_millis(240),
        }
    }

    /// The silence that ends a turn.
    pub const fn silence(&self, words: Completeness) -> Duration {
        match words {
            Completeness::Complete => self.complete,
            Completeness::Unclear => self.unclear,
            Completeness::Unfinished => self.unfinished,
        }
    }
}
