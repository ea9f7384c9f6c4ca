//! Steps: what is done for a problem, or in a sub-dialog, one after the other.
//!
//! ```text
//! steps as written ─► Program: a list in which every jump goes forward ─► the machine's stack
//! ```
//!
//! Jumps go forward and sub-dialogs never come back to themselves, so whatever callers do, steps come to an end.

use super::{Condition, SlotId, Wording};
use crate::dialog::BargeIn;

/// Position of a sub-dialog in [`Plan::dialogs`](super::Plan::dialogs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId(pub(crate) usize);

/// A sub-dialog: steps that can be called from anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct DialogPlan {
    /// Its name.
    pub name: String,
    /// As spoken: "your call-back".
    pub spoken: String,
    /// What callers say to have it, at any time; lower case.
    pub starts: Vec<String>,
    /// What is done.
    pub program: Program,
}

/// A step as it was checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Say something.
    Say {
        /// Ways to say it.
        variants: Vec<Wording>,
        /// Who may interrupt it.
        barge_in: BargeIn,
    },
    /// Ask for a value, unless it is known.
    Ask(SlotId),
    /// Carry out an action, by its position, and wait for what it brings.
    Do {
        /// Which.
        action: usize,
        /// What to do where it fails; without, these steps fail too.
        failed: Option<Vec<Self>>,
    },
    /// Go through a sub-dialog.
    Dialog {
        /// Which.
        dialog: DialogId,
        /// What to do where it fails; without, these steps fail too.
        failed: Option<Vec<Self>>,
    },
    /// Take one way or the other.
    If {
        /// What decides.
        condition: Condition,
        /// Where it holds.
        then: Vec<Self>,
        /// Where it does not.
        otherwise: Vec<Self>,
    },
    /// Hand the call over: to this queue, or the problem's own.
    Transfer(Option<usize>),
    /// Leave these steps; `done` where they did what they are for.
    End {
        /// Whether they did.
        done: bool,
    },
}

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Say one of these.
    Say {
        /// Ways to say it.
        variants: Vec<Wording>,
        /// Who may interrupt it.
        barge_in: BargeIn,
    },
    /// Ask for a value, unless it is known.
    Ask(SlotId),
    /// Carry out an action; go on at `failed` where it fails, if that is given.
    Do {
        /// Which.
        action: usize,
        /// Where to go on.
        failed: Option<usize>,
    },
    /// Go through a sub-dialog; go on at `failed` where it fails, if that is given.
    Dialog {
        /// Which.
        dialog: DialogId,
        /// Where to go on.
        failed: Option<usize>,
    },
    /// Go on at `to` where the condition does not hold.
    Unless {
        /// What decides.
        condition: Condition,
        /// Where to go on.
        to: usize,
    },
    /// Go on at this place.
    Goto(usize),
    /// Hand the call over.
    Transfer(Option<usize>),
    /// Leave.
    End {
        /// Whether the steps did what they are for.
        done: bool,
    },
}

/// Instructions; every jump goes forward.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program(Vec<Op>);

impl Program {
    /// The instructions for `steps`.
    pub(super) fn of(steps: &[Step]) -> Self {
        let mut program = Self::default();
        program.add(steps);
        program
    }

    /// The instruction at `at`; `None` behind the last one.
    pub fn op(&self, at: usize) -> Option<&Op> {
        self.0.get(at)
    }

    /// All instructions.
    pub fn ops(&self) -> &[Op] {
        &self.0
    }

    fn add(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Say { variants, barge_in } => {
                    self.0.push(Op::Say { variants: variants.clone(), barge_in: *barge_in });
                }
                Step::Ask(slot) => self.0.push(Op::Ask(*slot)),
                Step::Do { action, failed } => {
                    let action = *action;
                    self.with_fallback(|failed| Op::Do { action, failed }, failed.as_deref());
                }
                Step::Dialog { dialog, failed } => {
                    let dialog = *dialog;
                    self.with_fallback(|failed| Op::Dialog { dialog, failed }, failed.as_deref());
                }
                Step::If { condition, then, otherwise } => {
                    let unless = self.hole();
                    self.add(then);
                    let goto = (!otherwise.is_empty()).then(|| self.hole());
                    self.0[unless] = Op::Unless { condition: condition.clone(), to: self.0.len() };
                    if let Some(goto) = goto {
                        self.add(otherwise);
                        self.0[goto] = Op::Goto(self.0.len());
                    }
                }
                Step::Transfer(queue) => self.0.push(Op::Transfer(*queue)),
                Step::End { done } => self.0.push(Op::End { done: *done }),
            }
        }
    }

    /// An instruction that may fail, and what is done then.
    fn with_fallback(&mut self, op: impl Fn(Option<usize>) -> Op, failed: Option<&[Step]>) {
        let at = self.hole();
        let Some(steps) = failed else {
            self.0[at] = op(None);
            return;
        };
        let over = self.hole();
        self.0[at] = op(Some(self.0.len()));
        self.add(steps);
        self.0[over] = Op::Goto(self.0.len());
    }

    /// A place that is filled in once it is known how far to jump.
    fn hole(&mut self) -> usize {
        self.0.push(Op::End { done: false });
        self.0.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::dialplan::{Fact, Name};

    fn known() -> Condition {
        Condition::Known(Name::Fact(Fact::Order))
    }

    #[test]
    fn steps_become_instructions_that_jump_forward() {
        let steps = [
            Step::If { condition: known(), then: vec![Step::Ask(SlotId(0))], otherwise: vec![Step::Ask(SlotId(1))] },
            Step::Do { action: 0, failed: Some(vec![Step::End { done: false }]) },
            Step::Transfer(None),
        ];
        let program = Program::of(&steps);
        let expected = [
            Op::Unless { condition: known(), to: 3 },
            Op::Ask(SlotId(0)),
            Op::Goto(4),
            Op::Ask(SlotId(1)),
            Op::Do { action: 0, failed: Some(6) },
            Op::Goto(7),
            Op::End { done: false },
            Op::Transfer(None),
        ];
        assert_eq!(program.ops(), expected);
    }
}
