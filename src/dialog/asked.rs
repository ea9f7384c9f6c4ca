//! A question as others may know it: by the dialplan's names, not by positions in this server's copy of it.
//!
//! ```text
//! Question, Plan ─► Asked ─► {"ask":"confirm","scene":"lost_card"} ─► live page, simulated callers, other programs
//! ```

use serde::{Deserialize, Serialize};

use super::Question;
use super::dialplan::{Plan, SceneId};
use crate::units::Scene;

/// What the caller was asked. Serialised with its kind in `ask`.
///
/// Values that the caller has said are left out: they are personal, and whoever may read them finds them in the words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Asked {
    /// What is it about?
    Open,
    /// What about this main scene?
    Narrow {
        /// The main scene.
        main_scene: Scene,
    },
    /// Is it about this (stated before the caller said a word)?
    Guess {
        /// The problem stated.
        scene: Scene,
    },
    /// Is it about this?
    Confirm {
        /// The problem stated.
        scene: Scene,
    },
    /// Is it this one or that one?
    Choice {
        /// Both, in the order in which they are named.
        scenes: [Scene; 2],
    },
    /// Which order is the problem about?
    Order {
        /// The problem.
        scene: Scene,
        /// Ids of the one or two that are named, in that order.
        orders: Vec<String>,
    },
    /// Which number are you registered with?
    Number {
        /// The problem that needs an order.
        scene: Scene,
    },
    /// Nothing: the number is being looked up.
    LookUp {
        /// The problem that needs an order.
        scene: Scene,
    },
    /// In which year were you born?
    Proof {
        /// The problem that needs an order.
        scene: Scene,
    },
    /// What steps of the dialplan ask for.
    Slot {
        /// Name of the slot.
        slot: String,
    },
    /// Is this the value?
    ReadBack {
        /// Name of the slot.
        slot: String,
    },
    /// Nothing: an action is being carried out.
    Doing {
        /// Name of the action.
        action: String,
    },
    /// Does the answer help?
    Solved {
        /// The problem that was answered.
        scene: Scene,
    },
    /// Shall I put you through?
    Offer {
        /// The problem that a human would solve.
        scene: Scene,
    },
    /// Is there anything else?
    AnythingElse,
}

impl Asked {
    /// `question`, asked by a dialog that follows `plan`.
    pub fn of(plan: &Plan, question: &Question) -> Self {
        let name = |id: &SceneId| plan.scene(*id).scene.clone();
        match question {
            Question::Open => Self::Open,
            Question::Narrow(main) => Self::Narrow { main_scene: plan.main(*main).scene.clone() },
            Question::Guess(scene) => Self::Guess { scene: name(scene) },
            Question::Confirm(scene) => Self::Confirm { scene: name(scene) },
            Question::Choice(first, second) => Self::Choice { scenes: [name(first), name(second)] },
            Question::Order(scene, orders) => {
                Self::Order { scene: name(scene), orders: orders.iter().map(|order| order.order_id.clone()).collect() }
            }
            Question::Number(scene) => Self::Number { scene: name(scene) },
            Question::LookUp(scene) => Self::LookUp { scene: name(scene) },
            Question::Proof { scene, .. } => Self::Proof { scene: name(scene) },
            Question::Slot(slot, _) => Self::Slot { slot: plan.slot(*slot).name.clone() },
            Question::ReadBack(slot, _) => Self::ReadBack { slot: plan.slot(*slot).name.clone() },
            Question::Doing(action) | Question::StillDoing(action) => {
                Self::Doing { action: plan.actions[*action].name.clone() }
            }
            Question::Solved(scene) => Self::Solved { scene: name(scene) },
            Question::Offer(scene) => Self::Offer { scene: name(scene) },
            Question::AnythingElse => Self::AnythingElse,
        }
    }

    /// The problem that is being stated, which a caller who says yes confirms.
    pub fn stated(&self) -> Option<&Scene> {
        match self {
            Self::Guess { scene } | Self::Confirm { scene } | Self::Solved { scene } | Self::Offer { scene } => {
                Some(scene)
            }
            Self::Open
            | Self::Narrow { .. }
            | Self::Choice { .. }
            | Self::Order { .. }
            | Self::Number { .. }
            | Self::LookUp { .. }
            | Self::Proof { .. }
            | Self::Slot { .. }
            | Self::ReadBack { .. }
            | Self::Doing { .. }
            | Self::AnythingElse => None,
        }
    }

    /// Whether the caller is to say something.
    pub fn wants_answer(&self) -> bool {
        !matches!(self, Self::LookUp { .. } | Self::Doing { .. })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialog::testing::plan;

    #[test]
    fn questions_go_out_by_name_and_come_back() {
        let plan = plan();
        let id = |scene: &str| plan.find(&scene.into()).unwrap();
        let (lost, pin) = (id("lost_card"), id("forgot_pin"));
        let main = plan.scene(lost).main;
        for (question, form) in [
            (Question::Open, json!({"ask": "open"})),
            (Question::Narrow(main), json!({"ask": "narrow", "main_scene": "card"})),
            (Question::Guess(lost), json!({"ask": "guess", "scene": "lost_card"})),
            (Question::Confirm(lost), json!({"ask": "confirm", "scene": "lost_card"})),
            (Question::Choice(lost, pin), json!({"ask": "choice", "scenes": ["lost_card", "forgot_pin"]})),
            (Question::Order(lost, Vec::new()), json!({"ask": "order", "scene": "lost_card", "orders": []})),
            (Question::LookUp(pin), json!({"ask": "look_up", "scene": "forgot_pin"})),
            (Question::Proof { scene: pin, again: true }, json!({"ask": "proof", "scene": "forgot_pin"})),
            (Question::AnythingElse, json!({"ask": "anything_else"})),
        ] {
            let asked = Asked::of(&plan, &question);
            let written = serde_json::to_value(&asked).unwrap();
            assert_eq!(written, form);
            assert_eq!(serde_json::from_value::<Asked>(written).unwrap(), asked);
            assert_eq!(asked.stated(), question.stated().map(|scene| &plan.scene(scene).scene));
        }
    }
}
