//! Whether a stated number is the caller's own.
//!
//! ```text
//! number stated ─► owner found ─┬─ the calling line says the same ─► known
//!                               └─ Proof: year of birth ─┬─ theirs ─► known
//!                                                        └─ not, twice ─► helped as somebody unknown
//! ```
//!
//! Anybody can state a number. Before anything of its owner is said, such as what they bought, the caller says something else
//! that the owner knows.

use std::ops::RangeInclusive;

use super::{Dialog, Question};
use crate::dialog::Reply;
use crate::dialog::dialplan::{PromptKind, SceneId};
use crate::dialog::voice::Line;
use crate::identify::Identified;
use crate::nlu::{UserTurn, Value};

/// Years in which callers were born.
pub(super) const YEARS: RangeInclusive<i16> = 1900..=2100;

/// The year in what was said: four digits, or as a number ("nineteen ninety").
pub(super) fn year(turn: &UserTurn) -> Option<i16> {
    turn.entities.iter().find_map(|entity| {
        let year = match &entity.value {
            Value::Digits(digits) => digits.parse().ok()?,
            Value::Number(number) if number.fract() == 0.0 => *number as i16,
            _ => return None,
        };
        YEARS.contains(&year).then_some(year)
    })
}

impl Dialog {
    /// The caller says to be `identified`, whom the calling line does not tell.
    pub(super) fn claims(&mut self, scene: SceneId, identified: Identified) -> Reply {
        self.claimed = Some(Box::new(identified));
        self.ask_after(Vec::new(), Question::Proof { scene, again: false })
    }

    /// The caller says to be born in `year`.
    pub(super) fn prove(&mut self, scene: SceneId, again: bool, year: i16) -> Reply {
        let is_theirs = |claimed: &mut Box<Identified>| {
            claimed.member.as_ref().is_some_and(|guess| guess.member.birth_year == year)
        };
        match self.claimed.take_if(is_theirs) {
            Some(claimed) => {
                self.belief.expect(&self.plan, &claimed);
                self.identified = *claimed;
                self.order = self.order_for(scene);
                self.concern(scene)
            }
            // A year is easily misheard.
            None if !again => {
                self.ask_after(vec![Line::plain(PromptKind::NoMatch1)], Question::Proof { scene, again: true })
            }
            None => self.unproved(scene),
        }
    }

    /// The caller does not prove who they are: they are helped as anybody is.
    pub(super) fn unproved(&mut self, scene: SceneId) -> Reply {
        self.claimed = None;
        self.identified.ask_number = false;
        self.news = Some(PromptKind::NotProved);
        self.solve(scene)
    }
}
