//! How long to wait before deciding: the knobs of turn-taking.

use std::time::Duration;

use super::words::{Completeness, completeness};
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
    /// Silence after which voice over a prompt that was no interruption is forgotten.
    pub forget: Duration,
}

impl Patience {
    /// The profile for one kind of question.
    ///
    /// People pause 300–1,200 ms *inside* a turn when they look for a number or a word, hardly at all inside a yes.
    pub const fn for_ask(ask: Ask) -> Self {
        let (complete, unclear, unfinished) = match ask {
            Ask::YesNo => (200, 500, 1_200),
            Ask::Choice => (240, 500, 1_200),
            Ask::Digits => (240, 900, 1_250),
            Ask::Open => (300, 700, 1_250),
        };
        Self {
            complete: Duration::from_millis(complete),
            unclear: Duration::from_millis(unclear),
            unfinished: Duration::from_millis(unfinished),
            forget: Duration::from_millis(240),
        }
    }

    /// The silence that ends a turn of these words, which are a whole sentence with the probability `whole`.
    pub fn silence(&self, ask: Ask, words: &str, whole: f32) -> Duration {
        match completeness(ask, words, whole) {
            Completeness::Complete => self.complete,
            Completeness::Unclear => self.unclear,
            Completeness::Unfinished => self.unfinished,
        }
    }
}
