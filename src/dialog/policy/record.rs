//! Decisions as call records keep them: what was known, and what was done.

use serde::{Deserialize, Serialize};

use super::Taken;
use crate::dialog::dialplan::{MainId, SceneId};
use crate::dialog::strategy::{Move, Situation};

/// One decision of the dialog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "taken", rename_all = "snake_case")]
pub enum Decision {
    /// Whether the guess was stated before the caller said a word.
    Guess {
        /// Its probability.
        p: f64,
        /// That of the next one.
        second: f64,
        /// Whether it was.
        stated: bool,
    },
    /// The problem was answered.
    Solve(Known),
    /// The caller was asked whether it is this problem.
    Confirm(Known),
    /// The caller was offered two.
    Choose(Known),
    /// The caller was asked for more about a main scene.
    Narrow(Known),
    /// The caller was asked for other words.
    Rephrase(Known),
    /// It was taken for nothing that the hotline knows.
    GiveUp(Known),
}

/// What was known when it was decided: probabilities, 0–1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Of the likeliest problem.
    pub first: Option<f64>,
    /// Of the next one.
    pub second: Option<f64>,
    /// Of the likeliest main scene.
    pub main: Option<f64>,
    /// That it is nothing that the hotline knows.
    pub none: f64,
    /// The recogniser's confidence.
    pub heard: f32,
    /// Caller utterances so far.
    pub turns: u32,
    /// Turns in a row that brought the problem no nearer.
    pub misses: u32,
}

impl From<&Taken> for Decision {
    fn from(taken: &Taken) -> Self {
        let (situation, taken) = match taken {
            Taken::Guess { p, second, stated } => return Self::Guess { p: *p, second: *second, stated: *stated },
            Taken::Move { situation, taken } => (situation, taken),
        };
        let Situation { first, second, main, none, heard, turns, misses } = *situation;
        let known = Known {
            first: first.map(|(_, p)| p),
            second: second.map(|(_, p)| p),
            main: main.map(|(_, p)| p),
            none,
            heard,
            turns,
            misses,
        };
        match taken {
            Move::Solve(_) => Self::Solve(known),
            Move::Confirm(_) => Self::Confirm(known),
            Move::Choose(..) => Self::Choose(known),
            Move::Narrow(_) => Self::Narrow(known),
            Move::Rephrase => Self::Rephrase(known),
            Move::GiveUp => Self::GiveUp(known),
        }
    }
}

impl From<&Decision> for Taken {
    /// The same decision about problems without names: what is learned does not depend on them.
    fn from(decision: &Decision) -> Self {
        let (first, second, main) = (SceneId(0), SceneId(1), MainId(0));
        let (known, taken) = match decision {
            Decision::Guess { p, second, stated } => {
                return Self::Guess { p: *p, second: *second, stated: *stated };
            }
            Decision::Solve(known) => (known, Move::Solve(first)),
            Decision::Confirm(known) => (known, Move::Confirm(first)),
            Decision::Choose(known) => (known, Move::Choose(first, second)),
            Decision::Narrow(known) => (known, Move::Narrow(main)),
            Decision::Rephrase(known) => (known, Move::Rephrase),
            Decision::GiveUp(known) => (known, Move::GiveUp),
        };
        let situation = Situation {
            first: known.first.map(|p| (first, p)),
            second: known.second.map(|p| (second, p)),
            main: known.main.map(|p| (main, p)),
            none: known.none,
            heard: known.heard,
            turns: known.turns,
            misses: known.misses,
        };
        Self::Move { situation, taken }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::situation;
    use super::*;

    #[test]
    fn a_decision_survives_its_record() {
        let moves = [Move::Solve(SceneId(0)), Move::Choose(SceneId(0), SceneId(1)), Move::Rephrase];
        let taken = moves.map(|taken| Taken::Move { situation: situation(0.5, 0.25), taken });
        for taken in taken.into_iter().chain([Taken::Guess { p: 0.5, second: 0.25, stated: true }]) {
            let json = serde_json::to_string(&Decision::from(&taken)).unwrap();
            let read: Decision = serde_json::from_str(&json).unwrap();
            assert_eq!(Taken::from(&read), taken, "{json}");
        }
    }
}
