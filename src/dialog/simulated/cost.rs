//! What a call cost, in turns of the caller: what a strategy is judged by.

use super::{End, Kind, SimulatedCall};

/// Prices, in turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// A turn until the problem stands.
    pub turn: f64,
    /// The wrong problem stands at the end.
    pub wrong: f64,
    /// A human takes over without the problem, where the hotline knows it.
    pub human: f64,
    /// The caller gives up, or is told goodbye with nothing.
    pub lost: f64,
    /// The caller never said yes to the problem.
    pub unconfirmed: f64,
}

impl Default for Costs {
    /// A wrong answer is as dear as eight turns: the caller calls again, in a worse mood. A human costs somebody's time.
    fn default() -> Self {
        Self { turn: 1.0, wrong: 8.0, human: 5.0, lost: 8.0, unconfirmed: 0.5 }
    }
}

impl Costs {
    /// What `call` cost.
    pub fn of(&self, call: &SimulatedCall) -> f64 {
        let human = matches!(call.end, End::Human(_));
        if matches!(call.profile.kind, Kind::WantsAgent | Kind::OutOfScope) {
            let lost = if human { 0.0 } else { self.lost };
            return self.turn * f64::from(call.turns) + lost;
        }
        match &call.progress.scene {
            Some(scene) if *scene == call.profile.scene => {
                let unconfirmed = if call.progress.confirmed { 0.0 } else { self.unconfirmed };
                self.turn * f64::from(call.progress.turns) + unconfirmed
            }
            Some(_) => self.turn * f64::from(call.turns) + self.wrong,
            None if human => self.turn * f64::from(call.turns) + self.human,
            None => self.turn * f64::from(call.turns) + self.lost,
        }
    }
}
