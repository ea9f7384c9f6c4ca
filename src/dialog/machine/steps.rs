//! Carries out steps: a stack of programs, each at one of its instructions.
//!
//! ```text
//! solve, "call me back", nobody free ─► start ─► run ─► say … ask … do … ─► ended ─► answer │ the question that stood │ human
//!                                                 ▲         │
//!                                                 └─ answer ┘
//! ```
//!
//! Every jump goes forward and sub-dialogs never call themselves, so [`Dialog::run`] always comes to a question or an end.

use super::{Dialog, Question, values};
use crate::dialog::dialplan::{
    ActionKind, DialogId, Name, Op, Placeholder, PromptKind, SceneId, SlotId, SlotValue, Wording,
};
use crate::dialog::voice::{Line, Source};
use crate::dialog::{ActionRequest, ActionResult, BargeIn, Reply};
use crate::identify::Order;
use crate::units::Pii;

/// Whose steps they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::dialog) enum Program {
    /// A problem's.
    Scene(SceneId),
    /// A sub-dialog's.
    Dialog(DialogId),
}

/// Steps under way, and why they were begun.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Running {
    purpose: Purpose,
    /// The innermost last: whose steps, and at which instruction.
    stack: Vec<(Program, usize)>,
}

/// What steps were begun for, and so what comes after them.
#[derive(Clone, Debug, PartialEq)]
enum Purpose {
    /// To solve this problem.
    Solve(SceneId),
    /// Because the caller wished so, or nobody was free; if it comes to nothing, this question stands again.
    Aside(Box<Question>),
}

/// Steps that were left for another problem.
#[derive(Clone, Debug)]
pub(super) struct Suspended {
    running: Running,
    scene: Option<SceneId>,
    order: Option<Order>,
    confirmed: bool,
}

/// Where an instruction leads.
enum Led {
    On,
    To(usize),
    Reply(Box<Reply>),
}

impl Dialog {
    /// Begins the steps of `scene`, after `lines`.
    pub(super) fn begin(&mut self, scene: SceneId, lines: Vec<Line>) -> Reply {
        // What was brought for another problem says nothing of this one.
        self.values.results.clear();
        self.running = Some(Running { purpose: Purpose::Solve(scene), stack: vec![(Program::Scene(scene), 0)] });
        self.run(lines)
    }

    /// Goes through `dialog` aside, while `question` stands.
    pub(super) fn aside(&mut self, dialog: DialogId, question: Question, lines: Vec<Line>) -> Reply {
        // Steps that are left for it are taken up again behind it.
        self.suspend();
        let purpose = Purpose::Aside(Box::new(question));
        self.running = Some(Running { purpose, stack: vec![(Program::Dialog(dialog), 0)] });
        self.run(lines)
    }

    /// Leaves the steps under way for something else; the first ones that were left are taken up again.
    pub(super) fn suspend(&mut self) {
        let Some(running) = self.running.take() else { return };
        let scene = match running.purpose {
            Purpose::Solve(scene) => Some(scene),
            Purpose::Aside(_) => None,
        };
        let (order, confirmed) = (self.order.clone(), self.progress.confirmed);
        self.suspended.get_or_insert(Suspended { running, scene, order, confirmed });
    }

    /// Takes up what was left for another problem, if anything was.
    pub(super) fn come_back(&mut self, mut lines: Vec<Line>) -> Result<Reply, Vec<Line>> {
        let Some(Suspended { running, scene, order, confirmed }) = self.suspended.take() else { return Err(lines) };
        let topic = match (scene, running.stack.first()) {
            (Some(scene), _) => {
                self.progress.scene = Some(self.plan.scene(scene).scene.clone());
                self.progress.main_scene = Some(self.plan.main(self.plan.scene(scene).main).scene.clone());
                self.progress.confirmed = confirmed;
                self.order = order;
                self.problem(scene)
            }
            (None, Some((Program::Dialog(dialog), _))) => self.plan.dialog(*dialog).spoken.clone(),
            (None, _) => String::new(),
        };
        lines.push(Line::with(PromptKind::ComeBack, Placeholder::Problem, topic));
        self.running = Some(running);
        Ok(self.run(lines))
    }

    /// The problem whose steps are under way.
    pub(super) fn solving(&self) -> Option<SceneId> {
        match self.running.as_ref()?.purpose {
            Purpose::Solve(scene) => Some(scene),
            Purpose::Aside(_) => None,
        }
    }

    /// Whether the steps of `dialog` are under way.
    pub(super) fn is_in(&self, dialog: DialogId) -> bool {
        let programs = self.running.iter().flat_map(|running| &running.stack);
        programs.into_iter().any(|(program, _)| *program == Program::Dialog(dialog))
    }

    /// Goes on until something is asked, awaited, or the steps end.
    pub(super) fn run(&mut self, mut lines: Vec<Line>) -> Reply {
        let plan = self.plan.clone();
        while let Some((program, at)) = self.running.as_ref().and_then(|running| running.stack.last().copied()) {
            let ops = match program {
                Program::Scene(scene) => &plan.scene(scene).steps,
                Program::Dialog(dialog) => &plan.dialog(dialog).program,
            };
            let Some(op) = ops.op(at) else {
                self.leave(true);
                continue;
            };
            match self.step(op, (program, at), &mut lines) {
                Led::On => self.go_to(at + 1),
                Led::To(to) => self.go_to(to),
                Led::Reply(reply) => return *reply,
            }
        }
        self.ended(lines)
    }

    fn step(&mut self, op: &Op, place: (Program, usize), lines: &mut Vec<Line>) -> Led {
        match op {
            Op::Say { variants, barge_in } => {
                let line = self.wording_of(variants, *barge_in, place);
                self.solution.extend(line.clone());
                lines.extend(line);
                Led::On
            }
            Op::Ask(slot) => match self.open_question(*slot) {
                None => Led::On,
                Some(question) => Led::Reply(Box::new(self.ask_after(std::mem::take(lines), question))),
            },
            Op::Do { action, .. } => Led::Reply(Box::new(self.act(*action, std::mem::take(lines)))),
            Op::Dialog { dialog, .. } => {
                if let Some(running) = &mut self.running {
                    running.stack.push((Program::Dialog(*dialog), 0));
                }
                Led::To(0)
            }
            Op::Unless { condition, to } => match condition.holds(&|name| self.datum(name)) {
                true => Led::On,
                false => Led::To(*to),
            },
            Op::Goto(to) => Led::To(*to),
            Op::Transfer(queue) => {
                let lines = std::mem::take(lines);
                Led::Reply(Box::new(self.hand_over_to(*queue, lines, "scene")))
            }
            Op::End { done } => {
                self.leave(*done);
                // The place of whoever called these steps is right already.
                match self.running.as_ref().and_then(|running| running.stack.last()) {
                    Some((_, at)) => Led::To(*at),
                    None => Led::On,
                }
            }
        }
    }

    fn go_to(&mut self, at: usize) {
        if let Some(top) = self.running.as_mut().and_then(|running| running.stack.last_mut()) {
            top.1 = at;
        }
    }

    /// Leaves the innermost steps, and with a failure all that have no other way.
    fn leave(&mut self, done: bool) {
        let plan = self.plan.clone();
        let Some(running) = &mut self.running else { return };
        running.stack.pop();
        self.failed = !done;
        while let Some((program, at)) = running.stack.last_mut() {
            let ops = match program {
                Program::Scene(scene) => &plan.scene(*scene).steps,
                Program::Dialog(dialog) => &plan.dialog(*dialog).program,
            };
            if done {
                *at += 1;
                return;
            }
            if let Some(Op::Dialog { failed: Some(to), .. } | Op::Do { failed: Some(to), .. }) = ops.op(*at) {
                *at = *to;
                self.failed = false;
                return;
            }
            running.stack.pop();
        }
    }

    /// The step that waits came to nothing: another way, or the steps fail.
    pub(super) fn fail(&mut self, lines: Vec<Line>) -> Reply {
        let plan = self.plan.clone();
        let top = self.running.as_ref().and_then(|running| running.stack.last().copied());
        let op = top.and_then(|(program, at)| match program {
            Program::Scene(scene) => plan.scene(scene).steps.op(at),
            Program::Dialog(dialog) => plan.dialog(dialog).program.op(at),
        });
        match op {
            Some(Op::Do { failed: Some(to), .. }) => self.go_to(*to),
            Some(Op::Do { .. }) => {
                self.news = Some(PromptKind::ActionFailed);
                self.leave(false);
            }
            _ => self.leave(false),
        }
        self.run(lines)
    }

    /// The last step was taken, or there was no way on.
    fn ended(&mut self, lines: Vec<Line>) -> Reply {
        let failed = std::mem::take(&mut self.failed);
        let purpose = self.running.take().map(|running| running.purpose);
        match purpose {
            Some(Purpose::Solve(_)) if failed => self.hand_over(lines, "steps_failed"),
            Some(Purpose::Solve(scene)) => self.answer(scene, lines),
            Some(Purpose::Aside(question)) if failed => match self.come_back(lines) {
                Ok(reply) => reply,
                Err(lines) => self.ask_after(lines, *question),
            },
            Some(Purpose::Aside(_)) | None => self.finish(lines),
        }
    }

    /// Behind a topic: back to one that was left for it, or is there anything else?
    pub(super) fn finish(&mut self, lines: Vec<Line>) -> Reply {
        match self.come_back(lines) {
            Ok(reply) => reply,
            Err(lines) => self.ask_after(lines, Question::AnythingElse),
        }
    }

    /// What has to be asked for `slot`: nothing where it is known, from before, from the call, or from the words that were
    /// just said.
    fn open_question(&mut self, slot: SlotId) -> Option<Question> {
        if self.values.slots.contains_key(&slot) {
            return None;
        }
        let plan = self.plan.clone();
        let slot_plan = plan.slot(slot);
        let known = slot_plan.known.and_then(|fact| self.datum(Name::Fact(fact)));
        if let Some(value) = known.and_then(|datum| slot_plan.keyed(&datum.text)) {
            self.values.slots.insert(slot, value);
            return None;
        }
        match slot_plan.take(&mut self.spare, self.now) {
            Some(value) if slot_plan.read_back => Some(Question::ReadBack(slot, value)),
            Some(value) => {
                self.values.slots.insert(slot, value);
                None
            }
            None => Some(Question::Slot(slot, slot_plan.listens_for())),
        }
    }

    /// Carries out an action and waits for it.
    fn act(&mut self, action: usize, lines: Vec<Line>) -> Reply {
        let kind = self.plan.actions[action].kind.clone();
        let mut reply = self.ask_quietly(lines, Question::Doing(action));
        match kind {
            ActionKind::Identity { number } => match self.values.slots.get(&number) {
                Some(SlotValue::Digits(digits)) => reply.look_up = Some(Pii(digits.clone())),
                _ => return self.fail(Vec::new()),
            },
            _ => reply.actions.push(self.request(action)),
        }
        reply
    }

    /// What the server is asked to do.
    pub(super) fn request(&self, action: usize) -> ActionRequest {
        let action = &self.plan.actions[action];
        let values = action.needs().into_iter().filter_map(|name| Some((name, Pii(self.datum(name)?))));
        ActionRequest {
            action: action.name.clone(),
            scene: self.progress.scene.clone(),
            order_id: self.order.as_ref().map(|order| order.order_id.clone()),
            values: values.collect(),
        }
    }

    /// The action that was awaited ended.
    pub(super) fn acted(&mut self, action: usize, result: ActionResult) -> Reply {
        if !result.succeeded {
            return self.fail(Vec::new());
        }
        for (field, value) in result.values.into_iter().enumerate() {
            self.values.results.insert((action, field), value.0);
        }
        self.proceed(Vec::new())
    }

    /// Goes on behind the step that waited.
    pub(super) fn proceed(&mut self, lines: Vec<Line>) -> Reply {
        if let Some(top) = self.running.as_mut().and_then(|running| running.stack.last_mut()) {
            top.1 += 1;
        }
        self.run(lines)
    }

    fn wording_of(&self, variants: &[Wording], barge_in: BargeIn, (program, at): (Program, usize)) -> Option<Line> {
        let value = |name: Name| self.datum(name).map(|datum| datum.spoken);
        let texts: Vec<String> = variants.iter().filter_map(|variant| variant.fill(&value)).collect();
        (!texts.is_empty()).then_some(Line::OneOf { of: Source::Step(program, at), texts, barge_in })
    }

    /// The value that was heard, as it is said back.
    pub(super) fn spoken_value(&self, slot: SlotId, value: &SlotValue) -> String {
        values::slot_datum(self.plan.slot(slot), value, self.now, self.plan.lang).spoken
    }
}
