//! What the caller said or keyed: commands first, then answers to the question that stands, then new words.
//!
//! ```text
//! turn ─► a human, wait, help …? ─► yes, no, the first …? ─► words: belief ─► decide ─► Confirm, Choice, solve …
//! ```

use super::moves::Sure;
use super::proof::{YEARS, year};
use super::stray::{self, Weight};
use super::{Dialog, Question, orders, silent};
use crate::dialog::belief::Belief;
use crate::dialog::dialplan::{DialogId, PromptKind, SceneId};
use crate::dialog::strategy::Move;
use crate::dialog::voice::Line;
use crate::dialog::{Next, Reply};
use crate::nlu::{UserAct, UserTurn, Value, text};
use crate::units::Pii;

/// Digits that make a phone number.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 7..=13;
/// Words whose likeliest scene stays below this say nothing about the problem.
const TELLING: f32 = 0.1;

/// What a turn says to a question that can be answered with yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    No,
    Neither,
}

impl Dialog {
    /// The caller finished a turn.
    pub(super) fn turned(&mut self, question: Question, turn: &UserTurn) -> Reply {
        self.troubles.turns += 1;
        self.troubles.silent = 0;
        self.spare.clone_from(&turn.entities);
        // "Yes please" tells the human who takes over nothing.
        if telling(turn) || (self.progress.scene.is_none() && verdict(turn) == Verdict::Neither) {
            self.last_words.clone_from(&turn.text);
        }
        if turn.did(&UserAct::Upset) {
            self.troubles.upset += 1;
            if self.troubles.upset > 1 {
                return self.hand_over(vec![Line::plain(PromptKind::Sorry)], "upset");
            }
        }
        match self.command(&question, turn) {
            Some(reply) => reply,
            None => match self.weigh(&question, turn) {
                Weight::Full => self.answered(question, turn),
                Weight::Light => self.answered(question, &UserTurn { confidence: 0.0, ..turn.clone() }),
                Weight::Stray => self.not_understood(question),
            },
        }
    }

    /// What callers may say at any time. Words that are about a problem are no command, whatever they sound like: "what
    /// are my options for topping up?" asks for no help, and "i need an answer today, bye" says no goodbye.
    fn command(&mut self, question: &Question, turn: &UserTurn) -> Option<Reply> {
        let about = self.alone_from(self.plan.thresholds.accept, turn);
        let misheard = turn.acts.is_empty() && stray::may_wish_a_human(&self.plan, turn, about);
        if turn.did(&UserAct::Agent) || misheard {
            return Some(self.hand_over(Vec::new(), "caller_asked"));
        }
        if let Some(dialog) = self.wished(turn) {
            return Some(self.aside(dialog, question.clone(), Vec::new()));
        }
        if self.alone(turn).is_some() {
            return None;
        }
        if turn.did(&UserAct::Goodbye) {
            return Some(self.hang_up(Vec::new()));
        }
        let again = |dialog: &mut Self, kind| Some(dialog.ask_after(vec![Line::plain(kind)], question.clone()));
        match turn.acts.first()? {
            UserAct::Repeat => Some(self.repeat(question)),
            UserAct::Help => again(self, PromptKind::Help),
            UserAct::WhoIsThis => again(self, PromptKind::WhoIsThis),
            UserAct::Wait => Some(self.wait(question)),
            UserAct::Filler => Some(self.let_pass(question)),
            UserAct::Thank if !thanks_answer(question) => again(self, PromptKind::Welcome),
            _ => None,
        }
    }

    /// Says nothing and goes on listening; that counts as well, so that it ends.
    pub(super) fn let_pass(&mut self, question: &Question) -> Reply {
        self.troubles.prompts += 1;
        silent(self.listen(question))
    }

    /// The sub-dialog that the caller's words begin, unless it is under way.
    fn wished(&self, turn: &UserTurn) -> Option<DialogId> {
        let said = text::tokens(&turn.text);
        let begins = |phrase: &String| {
            let phrase = text::tokens(phrase);
            let same = |window: &[text::Token]| window.iter().zip(&phrase).all(|(a, b)| a.text == b.text);
            !phrase.is_empty() && said.windows(phrase.len()).any(same)
        };
        let mut dialogs = (0..self.plan.dialogs.len()).map(DialogId);
        dialogs.find(|dialog| !self.is_in(*dialog) && self.plan.dialog(*dialog).starts.iter().any(begins))
    }

    fn repeat(&mut self, question: &Question) -> Reply {
        let mut lines = vec![Line::plain(PromptKind::OnceMore)];
        if let Question::Solved(_) | Question::Offer(_) = question {
            lines.extend(self.solution.clone());
        }
        self.ask_after(lines, question.clone())
    }

    fn wait(&mut self, question: &Question) -> Reply {
        let mut reply = self.ask(vec![Line::plain(PromptKind::Wait)], question.clone());
        if let Next::Listen(listen) = &mut reply.next {
            listen.no_input = self.plan.timings.wait;
        }
        reply
    }

    /// The answer to `question`.
    fn answered(&mut self, question: Question, turn: &UserTurn) -> Reply {
        let verdict = verdict(turn);
        if let Some(reply) = self.about_another_order(&question, verdict, turn) {
            return reply;
        }
        match question {
            Question::Open | Question::Narrow(_) => self.told(question, turn),
            Question::LookUp(scene) if !telling(turn) => self.solve(scene),
            Question::LookUp(_) => self.told(question, turn),
            Question::Guess(scene) | Question::Confirm(scene) => match verdict {
                Verdict::Yes => self.accept(scene, Sure::Confirmed),
                Verdict::No => self.denied(&[scene], question, turn),
                Verdict::Neither => self.told(question, turn),
            },
            Question::Choice(first, second) => match (self.chosen([first, second], turn), verdict) {
                (Some(scene), _) => self.accept(scene, Sure::Confirmed),
                (None, Verdict::No) => self.denied(&[first, second], question, turn),
                (None, Verdict::Yes) if !telling(turn) => self.ask_after(Vec::new(), Question::Confirm(first)),
                (None, _) => self.told(question, turn),
            },
            Question::Order(scene, ref orders) => match orders::pick(orders, turn, verdict) {
                Some(order) => {
                    self.order = Some(order);
                    self.solve(scene)
                }
                None if verdict == Verdict::No || !telling(turn) => self.solve(scene),
                None => self.told(question, turn),
            },
            Question::Number(scene) => match digits(turn) {
                Some(number) => self.look_up(scene, number),
                None if telling(turn) && verdict == Verdict::Neither => self.told(question, turn),
                None => self.solve(scene),
            },
            Question::Proof { scene, again } => match year(turn) {
                Some(year) => self.prove(scene, again, year),
                None if telling(turn) && verdict == Verdict::Neither => self.told(question, turn),
                None => self.unproved(scene),
            },
            Question::Slot(slot, _) => self.slot_answered(slot, turn),
            Question::ReadBack(slot, value) => self.read_back(slot, value, turn),
            // Words while something is done are heard when it is done.
            Question::Doing(_) | Question::StillDoing(_) => self.let_pass(&question),
            Question::Solved(scene) | Question::Offer(scene) => self.judged(scene, &question, verdict, turn),
            Question::AnythingElse => self.anything_else(verdict, turn),
        }
    }

    /// Which of the two that were offered the caller named, unless the words are about something else.
    fn chosen(&self, offered: [SceneId; 2], turn: &UserTurn) -> Option<SceneId> {
        let scene = *offered.get(choice(turn)?)?;
        let told = self.alone(turn);
        // "Neither, i want my refund" has words of an option in it; "no, the second one" has nothing else.
        let contradicted = told.is_some_and(|told| told != scene) || (turn.did(&UserAct::Deny) && telling(turn));
        (!contradicted || told == Some(scene)).then_some(scene)
    }

    fn look_up(&mut self, scene: SceneId, number: String) -> Reply {
        let mut reply = self.ask_after(Vec::new(), Question::LookUp(scene));
        reply.look_up = Some(Pii(number));
        reply
    }

    /// After an answer: it helped, it did not, or the caller went on.
    fn judged(&mut self, scene: SceneId, question: &Question, verdict: Verdict, turn: &UserTurn) -> Reply {
        let yes = verdict == Verdict::Yes || (turn.did(&UserAct::Thank) && verdict != Verdict::No);
        if yes && !self.new_problem(scene, turn) {
            self.progress.confirmed = true;
            return match question {
                Question::Offer(_) => self.hand_over(Vec::new(), "scene"),
                _ => self.finish(Vec::new()),
            };
        }
        if verdict == Verdict::No {
            self.progress.resolved = false;
            // The answer may be at fault, or the problem: another one is tried before a human.
            self.belief.deny(scene);
            self.order = None;
        }
        match (telling(turn), verdict, question) {
            (true, Verdict::Neither, _) => match self.alone(turn) {
                Some(again) if again == scene => self.hand_over(vec![Line::plain(PromptKind::Sorry)], "not_solved"),
                Some(_) => self.told(Question::Open, turn),
                // Taken together with the words before, these would only bring the same answer again.
                None => self.not_understood(question.clone()),
            },
            (true, ..) => self.told(Question::Open, turn),
            (false, Verdict::No, Question::Offer(_)) => self.finish(Vec::new()),
            (false, Verdict::No, _) => self.unsolved(),
            (false, ..) => self.not_understood(question.clone()),
        }
    }

    fn anything_else(&mut self, verdict: Verdict, turn: &UserTurn) -> Reply {
        if telling(turn) {
            if let Some(solved) = self.progress.scene.as_ref().and_then(|scene| self.plan.find(scene)) {
                self.belief.turn_page(solved);
                self.order = None;
            }
            return self.told(Question::Open, turn);
        }
        match verdict {
            Verdict::No => self.hang_up(Vec::new()),
            Verdict::Neither if turn.did(&UserAct::Thank) => self.hang_up(vec![Line::plain(PromptKind::Welcome)]),
            Verdict::Yes => self.ask_after(Vec::new(), Question::Open),
            Verdict::Neither => self.not_understood(Question::AnythingElse),
        }
    }

    /// The caller said no to `scenes`, and perhaps what it is instead.
    fn denied(&mut self, scenes: &[SceneId], question: Question, turn: &UserTurn) -> Reply {
        for scene in scenes {
            self.belief.deny(*scene);
        }
        self.order = None;
        if telling(turn) || self.is_off_topic(turn) {
            return self.told(Question::Open, turn);
        }
        if matches!(question, Question::Guess(_)) {
            return self.ask(vec![Line::plain(PromptKind::GuessWrong)], Question::Open);
        }
        self.troubles.unmatched += 1;
        if self.troubles.unmatched > 2 {
            return self.hand_over(vec![Line::plain(PromptKind::Sorry)], "no_match");
        }
        // What was said before may point to another problem well enough to ask.
        match self.decide(turn.confidence) {
            Move::Solve(scene) | Move::Confirm(scene) => self.ask_after(Vec::new(), Question::Confirm(scene)),
            Move::Choose(first, second) => self.ask_after(Vec::new(), Question::Choice(first, second)),
            Move::Narrow(_) | Move::Rephrase | Move::GiveUp => {
                self.ask(vec![Line::plain(PromptKind::Rephrase)], Question::Open)
            }
        }
    }

    /// The caller described the problem.
    pub(super) fn told(&mut self, question: Question, turn: &UserTurn) -> Reply {
        if !telling(turn) && !self.is_off_topic(turn) {
            return self.not_understood(question);
        }
        let surely = self.alone_from(self.plan.thresholds.accept, turn);
        if self.troubles.unsolved > 0 && surely.is_some_and(|again| self.is_answered(again)) {
            return self.hand_over(vec![Line::plain(PromptKind::Sorry)], "not_solved");
        }
        self.belief.hear(&self.plan, turn);
        match self.decide(turn.confidence) {
            // Said once already: hearing it again helps nobody.
            Move::Solve(scene) if self.progress.resolved && self.is_answered(scene) => {
                self.hand_over(vec![Line::plain(PromptKind::Sorry)], "not_solved")
            }
            Move::Solve(scene) => self.accept(scene, sure(&question, scene)),
            Move::Confirm(scene) if question.stated() == Some(scene) => self.accept(scene, Sure::Confirmed),
            Move::Confirm(scene) => self.ask_after(Vec::new(), Question::Confirm(scene)),
            Move::Choose(first, second) => self.ask_after(Vec::new(), Question::Choice(first, second)),
            Move::Narrow(main) if question != Question::Narrow(main) => {
                self.ask_after(Vec::new(), Question::Narrow(main))
            }
            Move::Narrow(_) | Move::Rephrase => self.not_understood(Question::Open),
            Move::GiveUp => self.out_of_scope(),
        }
    }

    /// Whether the words are about nothing that the hotline knows.
    fn is_off_topic(&self, turn: &UserTurn) -> bool {
        // Who was off topic before is likely to be so again.
        let share = if self.troubles.off_topic > 0 { 0.5 } else { 1.0 };
        f64::from(turn.out_of_scope) >= share * self.plan.thresholds.out_of_scope
    }

    /// Whether `scene` is the problem that was answered last.
    fn is_answered(&self, scene: SceneId) -> bool {
        self.progress.scene.as_ref() == Some(&self.plan.scene(scene).scene)
    }

    /// Whether `turn`, taken alone, is clearly about something else than `scene`.
    fn new_problem(&self, scene: SceneId, turn: &UserTurn) -> bool {
        telling(turn) && self.alone(turn).is_some_and(|other| other != scene)
    }

    /// The problem that `turn` is about, taken alone.
    fn alone(&self, turn: &UserTurn) -> Option<SceneId> {
        self.alone_from(self.plan.thresholds.confirm, turn)
    }

    /// The problem that `turn`, taken alone, is about with probability `least` or more.
    pub(super) fn alone_from(&self, least: f64, turn: &UserTurn) -> Option<SceneId> {
        let mut belief = Belief::new(&self.plan, &Default::default());
        belief.hear(&self.plan, turn);
        let (ranked, none) = belief.ranked();
        let first = ranked.first()?;
        (first.p >= least && first.p > none).then_some(first.id)
    }

    /// The caller pressed keys: 0 a human, 1 and 2 yes and no or the first and second, * again, or a number.
    pub(super) fn keyed(&mut self, question: Question, keys: &str) -> Reply {
        let digits: String = keys.chars().filter(char::is_ascii_digit).collect();
        if let Question::Number(scene) = question
            && NUMBER_DIGITS.contains(&digits.len())
        {
            self.troubles.turns += 1;
            return self.look_up(scene, digits);
        }
        if let Question::Proof { scene, again } = question
            && let Some(year) = digits.parse().ok().filter(|year| YEARS.contains(year))
        {
            self.troubles.turns += 1;
            return self.prove(scene, again, year);
        }
        if let Question::Slot(slot, _) = question
            && keys != "0"
            && let Some(value) = self.plan.slot(slot).keyed(&digits)
        {
            self.troubles.turns += 1;
            return self.filled(slot, value, true);
        }
        let act = match (keys.trim_end_matches('#'), &question) {
            ("0", _) => UserAct::Agent,
            ("*" | "9", _) => UserAct::Repeat,
            ("1", Question::Choice(..)) => UserAct::Choose(0),
            ("2", Question::Choice(..)) => UserAct::Choose(1),
            ("1", Question::Order(_, orders)) if orders.len() > 1 => UserAct::Choose(0),
            ("2", Question::Order(_, orders)) if orders.len() > 1 => UserAct::Choose(1),
            ("1", _) => UserAct::Affirm,
            ("2", _) => UserAct::Deny,
            _ => return self.not_understood(question),
        };
        self.turned(question, &UserTurn { confidence: 1.0, acts: vec![act], ..UserTurn::default() })
    }
}

/// Whether the words say anything about a problem.
fn telling(turn: &UserTurn) -> bool {
    turn.scenes.first().is_some_and(|best| best.p >= TELLING)
        || turn.main_scenes.first().is_some_and(|best| best.p >= 0.5)
}

/// Words that say again what was asked confirm it.
fn sure(question: &Question, scene: SceneId) -> Sure {
    match question {
        Question::Guess(stated) | Question::Confirm(stated) if *stated == scene => Sure::Confirmed,
        Question::Choice(first, second) if [*first, *second].contains(&scene) => Sure::Confirmed,
        _ => Sure::Heard,
    }
}

pub(super) fn verdict(turn: &UserTurn) -> Verdict {
    match turn.acts.iter().find(|act| matches!(act, UserAct::Affirm | UserAct::Deny)) {
        Some(UserAct::Affirm) => Verdict::Yes,
        Some(_) => Verdict::No,
        None => Verdict::Neither,
    }
}

pub(super) fn choice(turn: &UserTurn) -> Option<usize> {
    turn.acts.iter().find_map(|act| match act {
        UserAct::Choose(at) => Some(*at),
        _ => None,
    })
}

/// Questions to which "thanks" is an answer.
fn thanks_answer(question: &Question) -> bool {
    matches!(question, Question::Solved(_) | Question::Offer(_) | Question::AnythingElse)
}

fn digits(turn: &UserTurn) -> Option<String> {
    turn.entities.iter().find_map(|entity| match &entity.value {
        Value::Digits(digits) if NUMBER_DIGITS.contains(&digits.len()) => Some(digits.clone()),
        _ => None,
    })
}
