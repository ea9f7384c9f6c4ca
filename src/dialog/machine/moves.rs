//! What the dialog does once it knows the problem: order, answer, action, human, goodbye.
//!
//! ```text
//! accept ─► concern ─► (Order | Number) ─► solve ─► answer + action ─► Solved | Offer | AnythingElse | human
//! ```

use super::{Dialog, MAX_FAILED_TRANSFERS, Question, State, Troubles};
use crate::dialog::dialplan::{Need, Placeholder, PromptKind, SceneId};
use crate::dialog::voice::Line;
use crate::dialog::{Next, Reply, Transfer, spoken};
use crate::identify::Order;

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
        self.running = None;
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

    /// Goes through what has to be done for `scene`, then answers it.
    pub(super) fn solve(&mut self, scene: SceneId) -> Reply {
        self.progress.order_id = self.order.as_ref().map(|order| order.order_id.clone());
        self.solution.clear();
        let lines = self.lead_in(scene);
        match self.plan.scene(scene).steps.ops() {
            [] => self.answer(scene, lines),
            _ => self.begin(scene, lines),
        }
    }

    /// Answers `scene`, after `lines`, and carries out what belongs to it.
    pub(super) fn answer(&mut self, scene: SceneId, mut lines: Vec<Line>) -> Reply {
        let plan = self.plan.clone();
        let solved = plan.scene(scene);
        self.progress.resolved = true;
        if !solved.answer.is_empty() {
            let text = Line::Text(solved.answer.clone());
            self.solution.push(text.clone());
            lines.push(text);
        }
        let mut reply = match (self.progress.confirmed, solved.transfer) {
            (true, Some(_)) => self.hand_over(lines, "scene"),
            (true, None) => self.finish(lines),
            (false, Some(_)) => self.ask_after(lines, Question::Offer(scene)),
            (false, None) => self.ask_after(lines, Question::Solved(scene)),
        };
        reply.actions.extend(solved.action.map(|action| self.request(action)));
        reply
    }

    /// Names the problem, unless the caller just did by saying yes to it.
    fn lead_in(&self, scene: SceneId) -> Vec<Line> {
        match self.question() {
            Some(Question::Order(..) | Question::Number(_) | Question::LookUp(_) | Question::Proof { .. }) => {
                vec![Line::plain(PromptKind::Acknowledge)]
            }
            _ if self.progress.confirmed => vec![Line::plain(PromptKind::Acknowledge)],
            _ => vec![Line::with(PromptKind::LeadIn, Placeholder::Problem, self.problem(scene))],
        }
    }

    /// `lines`, then `question` in its usual words.
    pub(super) fn ask_after(&mut self, mut lines: Vec<Line>, question: Question) -> Reply {
        lines.extend(self.wording(&question));
        self.ask(lines, question)
    }

    /// To a human, unless nobody took the call often enough.
    pub(super) fn hand_over(&mut self, lines: Vec<Line>, reason: &'static str) -> Reply {
        self.hand_over_to(None, lines, reason)
    }

    /// To the humans of `queue`; those of the problem where none is named.
    pub(super) fn hand_over_to(&mut self, queue: Option<usize>, mut lines: Vec<Line>, reason: &'static str) -> Reply {
        (self.running, self.suspended) = (None, None);
        if self.troubles.transfers >= MAX_FAILED_TRANSFERS {
            lines.push(Line::plain(PromptKind::TransferFailed));
            return self.hang_up(lines);
        }
        let scene = self.progress.scene.as_ref().and_then(|scene| self.plan.find(scene));
        // That the human will know what was said is promised only where something was.
        lines.push(Line::plain(if scene.is_some() { PromptKind::Connecting } else { PromptKind::Transfer }));
        let prompt = self.say(lines);
        let queue = queue.map_or_else(|| self.plan.queue_for(scene), |queue| &self.plan.queues[queue]).name.clone();
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
        known.extend(self.answers());
        if !self.last_words.is_empty() {
            let words = self.last_words.split_whitespace().collect::<Vec<_>>().join(" ");
            known.push(format!("said: \"{}\"", words.chars().take(SHOWN_WORDS).collect::<String>()));
        }
        known.join("; ")
    }
}
