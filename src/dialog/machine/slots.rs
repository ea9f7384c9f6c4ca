//! What the caller answers to the question for a slot.
//!
//! ```text
//! words, keys ─► a value? ─► (ReadBack ─ yes ─┐) ─► the steps go on
//!      │                       └─ no ─► asked again, or the value that was meant
//!      └─► another problem? ─► it first, then back │ no, I won't ─► the steps fail │ else ─► asked again, by keys too
//! ```

use super::turned::{Verdict, verdict};
use super::{Dialog, Question, State, silent};
use crate::dialog::Reply;
use crate::dialog::dialplan::{Fact, Name, PromptKind, SlotId, SlotKind, SlotValue};
use crate::dialog::voice::Line;
use crate::nlu::{UserAct, UserTurn};
use crate::units::Ask;

/// Times that a slot is asked for again before its steps fail.
const MAX_MISSES: u32 = 2;

impl Dialog {
    /// The answer to the question for `slot`.
    pub(super) fn slot_answered(&mut self, slot: SlotId, turn: &UserTurn) -> Reply {
        let plan = self.plan.clone();
        let slot_plan = plan.slot(slot);
        if let Some(value) = slot_plan.read(turn, self.now) {
            // What was said beside it may answer what is asked next.
            slot_plan.take(&mut self.spare, self.now);
            return self.filled(slot, value, false);
        }
        if let Some(reply) = self.other_problem(turn) {
            return reply;
        }
        if turn.did(&UserAct::Deny) {
            return self.fail(vec![Line::plain(PromptKind::Acknowledge)]);
        }
        self.missed(Question::Slot(slot, slot_plan.listens_for()))
    }

    /// The answer to "…, is that right?".
    pub(super) fn read_back(&mut self, slot: SlotId, value: SlotValue, turn: &UserTurn) -> Reply {
        let plan = self.plan.clone();
        let slot_plan = plan.slot(slot);
        let other = match slot_plan.kind {
            // "Yes" and "no" are about the value, and any words might be another one.
            SlotKind::YesNo | SlotKind::Choice(_) | SlotKind::Words => None,
            _ => slot_plan.read(turn, self.now).filter(|other| *other != value),
        };
        match (verdict(turn), other) {
            (Verdict::No | Verdict::Neither, Some(other)) => {
                self.troubles.unmatched += 1;
                if self.troubles.unmatched > MAX_MISSES {
                    return self.fail(Vec::new());
                }
                self.ask_after(Vec::new(), Question::ReadBack(slot, other))
            }
            (Verdict::Yes, _) => self.keep(slot, value),
            (Verdict::No, None) => self.missed(Question::Slot(slot, slot_plan.listens_for())),
            (Verdict::Neither, None) => match self.other_problem(turn) {
                Some(reply) => reply,
                None => self.missed(Question::ReadBack(slot, value)),
            },
        }
    }

    /// A value for `slot` was heard or keyed; keys are not misheard.
    pub(super) fn filled(&mut self, slot: SlotId, value: SlotValue, keyed: bool) -> Reply {
        if self.plan.slot(slot).read_back && !keyed {
            return self.ask_after(Vec::new(), Question::ReadBack(slot, value));
        }
        self.keep(slot, value)
    }

    fn keep(&mut self, slot: SlotId, value: SlotValue) -> Reply {
        self.troubles.unmatched = 0;
        self.values.slots.insert(slot, value);
        self.run(Vec::new())
    }

    /// The question is asked again, in other words; numbers by keys too; and in the end not at all.
    pub(super) fn missed(&mut self, question: Question) -> Reply {
        self.troubles.unmatched += 1;
        let first = self.troubles.unmatched == 1;
        if self.troubles.unmatched > MAX_MISSES {
            return self.fail(Vec::new());
        }
        let kind = if !first && question.ask() == Ask::Digits { PromptKind::ByKeys } else { PromptKind::NoMatch1 };
        self.ask_after(vec![Line::plain(kind)], question)
    }

    /// The caller has turned to another problem: it comes first, the steps afterwards.
    fn other_problem(&mut self, turn: &UserTurn) -> Option<Reply> {
        let other = self.alone_from(self.plan.thresholds.accept, turn)?;
        if self.solving() == Some(other) {
            return None;
        }
        self.suspend();
        self.belief.forget();
        self.order = None;
        Some(self.told(Question::Open, turn))
    }

    /// Nothing was heard of an action for a while: "one moment", then it is given up.
    pub(super) fn still_doing(&mut self, action: usize, reminded: bool) -> Reply {
        if reminded {
            return self.fail(Vec::new());
        }
        self.ask(vec![Line::plain(PromptKind::OneMoment)], Question::StillDoing(action))
    }

    /// `lines`, without a question behind them.
    pub(super) fn ask_quietly(&mut self, lines: Vec<Line>, question: Question) -> Reply {
        if !lines.is_empty() {
            return self.ask(lines, question);
        }
        let next = self.listen(&question);
        self.state = State::Asking(question);
        silent(next)
    }

    /// What the human who takes over should know beside the problem: answers, without what is nobody's business.
    pub(super) fn answers(&self) -> Vec<String> {
        let known = self.values.slots.keys().filter_map(|slot| {
            let plan = self.plan.slot(*slot);
            let datum = self.datum(Name::Slot(*slot))?;
            (plan.known != Some(Fact::Phone)).then(|| format!("{}: {}", plan.name, datum.text))
        });
        known.collect()
    }
}
