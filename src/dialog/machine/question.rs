//! What the dialog waits for: the question that stands, with what belongs to it.

use crate::dialog::dialplan::{MainId, SceneId, SlotId, SlotValue};
use crate::identify::Order;
use crate::units::Ask;

/// A question that the caller was asked. Whoever wants to know what is being stated looks here, not at the words.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// What is it about?
    Open,
    /// What about this main scene?
    Narrow(MainId),
    /// Is it about this (stated before the caller said a word)?
    Guess(SceneId),
    /// Is it about this?
    Confirm(SceneId),
    /// Is it this one or that one?
    Choice(SceneId, SceneId),
    /// Which order is the problem about? One or two are named.
    Order(SceneId, Vec<Order>),
    /// Which number are you registered with? The problem waits for the order that it concerns.
    Number(SceneId),
    /// The number is being looked up.
    LookUp(SceneId),
    /// In which year were you born? Anybody can state a number: before anything of its owner is said, they prove who they are.
    /// Asked `again` when another year was heard.
    Proof {
        /// The problem that needs an order.
        scene: SceneId,
        /// Whether it is the second time.
        again: bool,
    },
    /// What the steps under way ask for, and the kind of answer.
    Slot(SlotId, Ask),
    /// Is this the value?
    ReadBack(SlotId, SlotValue),
    /// Nothing is asked: an action is being carried out.
    Doing(usize),
    /// The same, and the caller was told that it takes a moment.
    StillDoing(usize),
    /// Does the answer help?
    Solved(SceneId),
    /// Shall I put you through, with this problem?
    Offer(SceneId),
    /// Is there anything else?
    AnythingElse,
}

impl Question {
    /// The problem that is being stated, which a caller who says yes confirms.
    pub fn stated(&self) -> Option<SceneId> {
        match self {
            Self::Guess(scene) | Self::Confirm(scene) | Self::Solved(scene) | Self::Offer(scene) => Some(*scene),
            Self::Open
            | Self::Narrow(_)
            | Self::Choice(..)
            | Self::Order(..)
            | Self::Number(_)
            | Self::LookUp(_)
            | Self::Proof { .. }
            | Self::Slot(..)
            | Self::ReadBack(..)
            | Self::Doing(_)
            | Self::StillDoing(_)
            | Self::AnythingElse => None,
        }
    }

    /// The kind of answer that fits.
    pub fn ask(&self) -> Ask {
        match self {
            Self::Open | Self::Narrow(_) | Self::LookUp(_) | Self::Doing(_) | Self::StillDoing(_) => Ask::Open,
            Self::Slot(_, ask) => *ask,
            Self::ReadBack(..) => Ask::YesNo,
            Self::Guess(_) | Self::Confirm(_) | Self::Solved(_) | Self::Offer(_) | Self::AnythingElse => Ask::YesNo,
            Self::Order(_, orders) if orders.len() < 2 => Ask::YesNo,
            Self::Choice(..) | Self::Order(..) => Ask::Choice,
            Self::Number(_) | Self::Proof { .. } => Ask::Digits,
        }
    }
}
