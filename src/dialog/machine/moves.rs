//! What the dialog does once it knows the problem: order, answer, action, human, goodbye.
//!
//! ```text
//! accept ─► concern ─► (Order | Number) ─► solve ─► answer + action ─► Solved | Offer | AnythingElse | human
//! ```

use super::{Dialog, MAX_FAILED_TRANSFERS, Question, State, Troubles};
use crate::dialog::dialplan::{Need, PromptKind, SceneId, Slot};
use crate::dialog::voice::Line;
use crate::dialog::{ActionRequest, Next, Reply, Transfer, spoken};
use crate::identify::Order;

/// An order that is this likely to be meant is used without asking.
const ORDER_SURE: f32 = 0.5;
/// Letters of the caller's last words that a human is shown.
const SHOWN_WORDS: usize = 120;

/// How a problem came to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// The caller said yes to it.
    Confirmed,
    /// The words were clear.
    Heard,
}

impl Dialog {
    /// `scene` is the problem.
    pub(super) fn accept(&mut self, scene: SceneId, sure: Sure) -> Reply {
        let plan = self.plan.clone();
        let id = &plan.scene(scene).scene;
        if self.progress.scene.as_ref() != Some(id) {
            self.progress.turns = self.troubles.turns;
            self.progress.confirmed = false;
            self.progress.scene = Some(id.clone());
            self.progress.main_scene = Some(plan.main(plan.scene(scene).main).scene.clone());
        }
        self.progress.confirmed |= sure == Sure::Confirmed;
        self.troubles = Troubles { silent: 0, unmatched: 0, ..self.troubles.clone() };
        self.order = self.order_for(scene);
        self.concern(scene)
    }

    /// Asks for the order, where the problem needs one that is not known; else answers.
    pub(super) fn concern(&mut self, scene: SceneId) -> Reply {
        let plan = self.plan.clone();
        let needed = plan.scene(scene).order.as_ref().filter(|order| order.need == Need::Needed);
        let Some(needed) = needed.filter(|_| self.order.is_none()) else { return self.solve(scene) };
        let fitting = self.identified.orders.iter().filter(|guess| needed.kinds.contains(&guess.order.kind));
        let orders: Vec<Order> = fitting.take(2).map(|guess| guess.order.clone()).collect();
        let asked = matches!(self.question(), Some(Question::LookUp(_)));
        let question = match orders.is_empty() {
            false => Question::Order(scene, orders),
            true if self.identified.ask_number && !asked => Question::Number(scene),
            true => return self.solve(scene),
        };
        let mut lines = self.lead_in(scene);
        lines.extend(self.wording(&question));
        self.ask(lines, question)
    }

    /// The order that `scene` is most likely about.
    pub(super) fn order_for(&self, scene: SceneId) -> Option<Order> {
        let plan = self.plan.scene(scene);
        let kinds = &plan.order.as_ref()?.kinds;
        if let Some(order) = self.order.as_ref().filter(|order| kinds.contains(&order.kind)) {
            return Some(order.clone());
        }
        let guessed = self.identified.scenes.iter().find(|guess| guess.scene == plan.scene);
        let guessed = guessed.and_then(|guess| guess.order.as_ref());
        let sure = self.identified.orders.iter().filter(|guess| guess.p >= ORDER_SURE);
        let fits = |order: &&Order| kinds.contains(&order.kind);
        guessed.into_iter().chain(sure).map(|guess| &guess.order).find(fits).cloned()
    }

    /// Answers `scene` and carries out what belongs to it.
    pub(super) fn solve(&mut self, scene: SceneId) -> Reply {
        let plan = self.plan.clone();
        let solved = plan.scene(scene);
        self.progress.order_id = self.order.as_ref().map(|order| order.order_id.clone());
        self.progress.resolved = true;
        let mut lines = self.lead_in(scene);
        lines.push(Line::Text(solved.answer.clone()));
        let mut reply = match (self.progress.confirmed, solved.transfer) {
            (true, Some(_)) => self.hand_over(lines, "scene"),
            (true, None) => self.ask_after(lines, Question::AnythingElse),
            (false, Some(_)) => self.ask_after(lines, Question::Offer(scene)),
            (false, None) => self.ask_after(lines, Question::Solved(scene)),
        };
        reply.actions.extend(solved.action.map(|action| ActionRequest {
            action: plan.actions[action].name.clone(),
            scene: solved.scene.clone(),
            order_id: self.progress.order_id.clone(),
        }));
        reply
    }

    /// Names the problem, unless the caller just did by saying yes to it.
    fn lead_in(&self, scene: SceneId) -> Vec<Line> {
        match self.question() {
            Some(Question::Order(..) | Question::Number(_) | Question::LookUp(_)) => {
                vec![Line::plain(PromptKind::Acknowledge)]
            }
            _ if self.progress.confirmed => vec![Line::plain(PromptKind::Acknowledge)],
            _ => vec![Line::with(PromptKind::LeadIn, Slot::Problem, self.problem(scene))],
        }
    }

    /// `lines`, then `question` in its usual words.
    pub(super) fn ask_after(&mut self, mut lines: Vec<Line>, question: Question) -> Reply {
        lines.extend(self.wording(&question));
        self.ask(lines, question)
    }

    /// To a human, unless nobody took the call often enough.
    pub(super) fn hand_over(&mut self, mut lines: Vec<Line>, reason: &'static str) -> Reply {
        if self.troubles.transfers >= MAX_FAILED_TRANSFERS {
            lines.push(Line::plain(PromptKind::TransferFailed));
            return self.hang_up(lines);
        }
        let scene = self.progress.scene.as_ref().and_then(|scene| self.plan.find(scene));
        // That the human will know what was said is promised only where something was.
        lines.push(Line::plain(if scene.is_some() { PromptKind::Connecting } else { PromptKind::Transfer }));
        let prompt = self.say(lines);
        let queue = self.plan.queue_for(scene).name.clone();
        let transfer = Transfer { queue, reason, summary: self.summary() };
        self.state = State::Transferring(transfer.clone());
        Reply { prompt, actions: Vec::new(), look_up: None, next: Next::Transfer(transfer) }
    }

    /// Says goodbye.
    pub(super) fn hang_up(&mut self, mut lines: Vec<Line>) -> Reply {
        lines.push(Line::plain(PromptKind::Goodbye));
        let prompt = self.say(lines);
        self.state = State::Over;
        Reply { prompt, actions: Vec::new(), look_up: None, next: Next::HangUp }
    }

    /// All that is known, on one line.
    fn summary(&self) -> String {
        let mut known = Vec::new();
        if let Some(guess) = &self.identified.member {
            let name = spoken::address(&guess.member, self.plan.lang).unwrap_or_default();
            known.push(format!("caller: {name} {} ({})", guess.member.member_id, guess.how));
        }
        if let Some(scene) = self.progress.scene.as_ref().and_then(|scene| self.plan.find(scene)) {
            let how = if self.progress.confirmed { "confirmed" } else { "not confirmed" };
            known.push(format!("problem: {} ({how})", self.problem(scene)));
        } else if let Some(guess) = self.identified.scenes.first() {
            known.push(format!("guess: {} (p {:.2})", guess.scene, guess.p));
        }
        if let Some(order) = &self.order {
            known.push(format!("order: {} {}", order.order_id, self.spoken_order(order)));
        }
        if !self.last_words.is_empty() {
            let words = self.last_words.split_whitespace().collect::<Vec<_>>().join(" ");
            known.push(format!("said: \"{}\"", words.chars().take(SHOWN_WORDS).collect::<String>()));
        }
        known.join("; ")
    }
}
