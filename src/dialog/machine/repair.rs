//! When it does not go smoothly: silence, words that say nothing, failures. Help escalates, then a human takes over.
//!
//! | trouble | first | second | third |
//! |---|---|---|---|
//! | silence | asked again | keys are offered | human |
//! | not understood | asked in other words | an example, keys | human |
//! | out of scope | what the hotline can do | human | |
//! | recogniser fails | keys for yes and no | human | |
//! | nobody takes the call | the call goes on | goodbye | |

use super::{Dialog, MAX_FAILED_TRANSFERS, Question};
use crate::dialog::Reply;
use crate::dialog::dialplan::PromptKind;
use crate::dialog::voice::Line;
use crate::units::Ask;

impl Dialog {
    /// The caller said nothing.
    pub(super) fn was_silent(&mut self, question: Question) -> Reply {
        match question {
            Question::LookUp(scene) => return self.solve(scene),
            Question::AnythingElse => return self.hang_up(Vec::new()),
            Question::Solved(_) => return self.finish(Vec::new()),
            Question::Doing(action) => return self.still_doing(action, false),
            Question::StillDoing(action) => return self.still_doing(action, true),
            _ => {}
        }
        self.troubles.silent += 1;
        match self.troubles.silent {
            1 => self.ask_after(vec![Line::plain(PromptKind::NoInput1)], question),
            2 => self.ask_after(vec![Line::plain(PromptKind::NoInput2)], question),
            _ => self.hand_over(Vec::new(), "no_input"),
        }
    }

    /// What the caller said brought the problem no nearer.
    pub(super) fn not_understood(&mut self, question: Question) -> Reply {
        match question {
            Question::Slot(..) | Question::ReadBack(..) => return self.missed(question),
            Question::Doing(_) | Question::StillDoing(_) => return self.let_pass(&question),
            _ => {}
        }
        self.troubles.unmatched += 1;
        // Somebody who is upset is not asked a third time.
        let patience = if self.troubles.upset > 0 { 1 } else { 2 };
        if self.troubles.unmatched > patience {
            return self.hand_over(vec![Line::plain(PromptKind::Sorry)], "no_match");
        }
        let lines = |kind| vec![Line::plain(kind)];
        match (self.troubles.unmatched, question) {
            (1, Question::Open) => self.ask(lines(PromptKind::Rephrase), Question::Open),
            (_, Question::Open | Question::LookUp(_)) => self.ask(lines(PromptKind::NoMatch2), Question::Open),
            (1, question) => self.ask_after(lines(PromptKind::NoMatch1), question),
            (_, Question::Order(scene, _) | Question::Number(scene)) => self.solve(scene),
            (_, Question::Proof { scene, .. }) => self.unproved(scene),
            (_, question) if question.ask() == Ask::YesNo => self.ask_after(lines(PromptKind::NoMatch1), question),
            (_, Question::Choice(first, _)) => self.ask_after(lines(PromptKind::NoMatch1), Question::Confirm(first)),
            (_, _) => self.ask(lines(PromptKind::NoMatch2), Question::Open),
        }
    }

    /// The words are about nothing that the hotline knows.
    pub(super) fn out_of_scope(&mut self) -> Reply {
        if self.troubles.unmatched > 0 || self.troubles.upset > 0 {
            return self.hand_over(Vec::new(), "out_of_scope");
        }
        self.troubles.unmatched += 1;
        self.troubles.off_topic += 1;
        self.ask_after(vec![Line::plain(PromptKind::OutOfScope)], Question::Open)
    }

    /// The answer to `question` was no help; `words` say what the caller added.
    pub(super) fn unsolved(&mut self) -> Reply {
        self.troubles.unsolved += 1;
        self.progress.resolved = false;
        if self.troubles.unsolved > 1 {
            return self.hand_over(vec![Line::plain(PromptKind::Sorry)], "not_solved");
        }
        self.ask(vec![Line::plain(PromptKind::NotSolved)], Question::Open)
    }

    /// The recogniser failed: keys still work, where a key can answer.
    pub(super) fn engine_failed(&mut self, question: Question) -> Reply {
        self.troubles.deaf += 1;
        if self.troubles.deaf > 1 || !matches!(question.ask(), Ask::YesNo | Ask::Choice) {
            return self.hand_over(Vec::new(), "engine_failed");
        }
        // With keys for yes and no, a choice becomes two questions.
        let question = match question {
            Question::Choice(first, _) => Question::Confirm(first),
            other => other,
        };
        let lines = [vec![Line::plain(PromptKind::EngineFailed)], self.wording(&question)].concat();
        self.ask(lines, question)
    }

    /// Nobody took the call over.
    pub(super) fn transfer_failed(&mut self) -> Reply {
        self.troubles.transfers += 1;
        let lines = vec![Line::plain(PromptKind::TransferFailed)];
        if self.troubles.transfers >= MAX_FAILED_TRANSFERS {
            return self.hang_up(lines);
        }
        match self.plan.nobody_free {
            Some(dialog) => self.aside(dialog, Question::AnythingElse, lines),
            None => self.ask_after(lines, Question::AnythingElse),
        }
    }
}
