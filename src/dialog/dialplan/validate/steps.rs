//! Steps: every name points at something, every value is known where it is used, and everything comes to an end.
//!
//! ```text
//! raw steps ─► Walk: what is known, and was anything said, on every way through ─► Step… ─► Program
//! ```

use std::collections::BTreeSet;

use super::names::Names;
use crate::diag::Place;
use crate::dialog::BargeIn;
use crate::dialog::dialplan::yaml::{At, Findings, unknown};
use crate::dialog::dialplan::{Action, Condition, DialogId, Fact, Name, SlotKind, SlotPlan, Step, Wording, raw};

/// What steps may refer to.
pub(super) struct World<'a> {
    pub(super) slots: &'a [SlotPlan],
    pub(super) actions: &'a [Action],
    /// What is known after each sub-dialog that did what it is for; `None` for one that is not checked yet.
    pub(super) gains: &'a [Option<BTreeSet<Name>>],
    pub(super) names: &'a mut Names,
}

/// What is so at one place in the steps.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Values that are known here whatever happened before.
    pub(super) known: BTreeSet<Name>,
    /// Something was said.
    pub(super) said: bool,
}

impl State {
    /// The same where `names` are known too, and what comes with them: an action has brought nothing without what it needs.
    fn knows(mut self, names: impl IntoIterator<Item = Name>, actions: &[Action]) -> Self {
        for name in names {
            self.known.insert(name);
            match name {
                Name::Fact(fact) => self.known.extend(fact.brings().iter().map(|fact| Name::Fact(*fact))),
                Name::Result(action, _) => {
                    let needs = actions.get(action).map(Action::needs).unwrap_or_default();
                    self = self.knows(needs, &[]);
                }
                Name::Slot(_) | Name::Header(_) => {}
            }
        }
        self
    }

    /// What is so where two ways meet; one of them may not lead there.
    fn meets(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(a), Some(b)) => {
                Some(Self { known: a.known.intersection(&b.known).copied().collect(), said: a.said && b.said })
            }
            (only, None) | (None, only) => only,
        }
    }
}

/// Checks `steps`, which begin in `state`. Tells what is so behind them, where they did what they are for.
pub(super) fn steps(
    raw: &[raw::Step],
    state: State,
    world: &mut World<'_>,
    findings: &mut Findings<'_>,
) -> (Vec<Step>, Option<State>) {
    let mut walk = Walk { world, findings, ends: None };
    let (steps, behind) = walk.block(raw, Some(state));
    (steps, State::meets(behind, walk.ends))
}

struct Walk<'a, 'w, 'f, 'd> {
    world: &'a mut World<'w>,
    findings: &'f mut Findings<'d>,
    /// What is so where the steps are left early, as done.
    ends: Option<State>,
}

impl Walk<'_, '_, '_, '_> {
    fn block(&mut self, raw: &[raw::Step], mut state: Option<State>) -> (Vec<Step>, Option<State>) {
        let mut steps = Vec::with_capacity(raw.len());
        for step in raw {
            let Some(before) = state.take() else {
                self.findings.error(step.at, "nothing ever comes to this step", "remove it, or what leaves before it");
                return (steps, None);
            };
            let (checked, behind) = self.step(step, before);
            steps.extend(checked);
            state = behind;
        }
        (steps, state)
    }

    fn step(&mut self, step: &raw::Step, mut state: State) -> (Option<Step>, Option<State>) {
        match &step.deed {
            raw::Deed::Say { variants, barge_in } => {
                let barge_in = barge_in_of(barge_in.as_ref(), self.findings);
                let variants = variants.iter().filter_map(|text| self.wording(text, &state)).collect::<Vec<_>>();
                state.said = true;
                ((!variants.is_empty()).then_some(Step::Say { variants, barge_in }), Some(state))
            }
            raw::Deed::Ask(slot) => {
                let slot = self.world.names.slot(slot, self.findings);
                (slot.map(Step::Ask), Some(state.knows(slot.map(Name::Slot), &[])))
            }
            raw::Deed::Do { action, failed } => self.act(action, failed.as_deref(), state),
            raw::Deed::Dialog { dialog, failed } => self.dialog(dialog, failed.as_deref(), state),
            raw::Deed::If { condition, then, otherwise } => self.branch(condition, then, otherwise, state),
            raw::Deed::Transfer(queue) => (self.transfer(queue), None),
            raw::Deed::End(how) => self.end(how, state),
        }
    }

    fn act(&mut self, name: &At<String>, failed: Option<&[raw::Step]>, state: State) -> (Option<Step>, Option<State>) {
        let found = self.world.names.action(name, self.findings);
        let action =
            found.and_then(|at| Some((at, self.world.actions.iter().find(|action| action.name == name.value)?)));
        let Some((at, action)) = action else { return (None, Some(state)) };
        let (needs, fields) = (action.needs(), action.returns.len());
        for need in needs {
            self.needed(need, name.place, &state);
        }
        let succeeded = state.clone().knows((0..fields).map(|field| Name::Result(at, field)), &[]);
        match failed {
            Some(raw) => {
                let (steps, behind) = self.block(raw, Some(state));
                (Some(Step::Do { action: at, failed: Some(steps) }), State::meets(Some(succeeded), behind))
            }
            None => (Some(Step::Do { action: at, failed: None }), Some(succeeded)),
        }
    }

    fn dialog(
        &mut self,
        name: &At<String>,
        failed: Option<&[raw::Step]>,
        state: State,
    ) -> (Option<Step>, Option<State>) {
        let Some(dialog) = self.world.names.dialog(name, self.findings) else { return (None, Some(state)) };
        let gains = self.world.gains.get(dialog.0).cloned().flatten().unwrap_or_default();
        let succeeded = state.clone().knows(gains, &[]);
        match failed {
            Some(raw) => {
                let (steps, behind) = self.block(raw, Some(state));
                (Some(Step::Dialog { dialog, failed: Some(steps) }), State::meets(Some(succeeded), behind))
            }
            None => (Some(Step::Dialog { dialog, failed: None }), Some(succeeded)),
        }
    }

    fn branch(
        &mut self,
        written: &At<String>,
        then: &[raw::Step],
        otherwise: &[raw::Step],
        state: State,
    ) -> (Option<Step>, Option<State>) {
        let names = &*self.world.names;
        let condition = match Condition::parse(&written.value, &|name| names.resolve(name)) {
            Ok(condition) => condition,
            Err(error) => {
                let help =
                    "write it as in `known order and not order.status is pending`; dialplans/README.md lists the names";
                self.findings.error(written.place, error.to_string(), help);
                return (None, Some(state));
            }
        };
        self.options(&condition, written.place);
        let (then, behind) = self.block(then, Some(state.clone().knows(condition.implies(true), self.world.actions)));
        let (otherwise, behind_else) =
            self.block(otherwise, Some(state.knows(condition.implies(false), self.world.actions)));
        (Some(Step::If { condition, then, otherwise }), State::meets(behind, behind_else))
    }

    fn transfer(&mut self, queue: &At<String>) -> Option<Step> {
        if queue.value == "default" {
            return Some(Step::Transfer(None));
        }
        self.world.names.queue(queue, self.findings).map(|queue| Step::Transfer(Some(queue)))
    }

    fn end(&mut self, how: &At<String>, state: State) -> (Option<Step>, Option<State>) {
        let done = match how.value.as_str() {
            "done" => true,
            "failed" => false,
            _ => {
                unknown("end", how, ["done", "failed"].into_iter(), self.findings);
                return (None, None);
            }
        };
        if done {
            self.ends = State::meets(self.ends.take(), Some(state));
        }
        (Some(Step::End { done }), None)
    }

    fn wording(&mut self, written: &At<String>, state: &State) -> Option<Wording> {
        let wording = wording(written, self.world.names, self.findings)?;
        for name in wording.names() {
            self.needed(name, written.place, state);
        }
        Some(wording)
    }

    /// A value that is used at `place` has to be known there.
    fn needed(&mut self, name: Name, place: Place, state: &State) {
        if name == Name::Fact(Fact::CallId) || state.known.contains(&name) {
            return;
        }
        let spelt = self.world.names.spell(name);
        let help = match name {
            Name::Slot(_) => format!("write `- ask: {spelt}` before it"),
            Name::Fact(_) | Name::Header(_) => format!("put it under `- if: known {spelt}`"),
            Name::Result(..) => "carry the action out before it, and leave where it fails".to_owned(),
        };
        self.findings.error(place, format!("`{spelt}` may not be known here"), help);
    }

    /// What a choice is compared with is one of its options.
    fn options(&mut self, condition: &Condition, place: Place) {
        for (name, value) in condition.comparisons() {
            let spelt = self.world.names.spell(name);
            let slot = self.world.slots.iter().find(|slot| matches!(name, Name::Slot(_)) && slot.name == spelt);
            let options: Vec<&str> = match slot.map(|slot| &slot.kind) {
                Some(SlotKind::Choice(options)) => options.iter().map(|(name, _)| name.as_str()).collect(),
                Some(SlotKind::YesNo) => vec!["yes", "no"],
                _ => continue,
            };
            if !options.contains(&value) {
                let value = At { value: value.to_owned(), place };
                unknown("answer", &value, options.into_iter(), self.findings);
            }
        }
    }
}

/// A text with values in it.
pub(super) fn wording(written: &At<String>, names: &Names, findings: &mut Findings<'_>) -> Option<Wording> {
    if written.value.is_empty() {
        findings.error(written.place, "there is nothing to say", "write a sentence");
        return None;
    }
    match Wording::parse(&written.value, &|name| names.resolve(name)) {
        Ok(wording) => Some(wording),
        Err(error) => {
            let help =
                "put the name of a slot, of a fact, or action.field into the braces; dialplans/README.md lists them";
            findings.error(written.place, error.to_string(), help);
            None
        }
    }
}

pub(super) fn barge_in_of(written: Option<&At<String>>, findings: &mut Findings<'_>) -> BargeIn {
    match written.map(|written| (written.value.as_str(), written)) {
        None | Some(("allowed", _)) => BargeIn::Allowed,
        Some(("command", _)) => BargeIn::Command,
        Some(("never", _)) => BargeIn::Never,
        Some((_, written)) => {
            unknown("barge_in", written, ["allowed", "command", "never"].into_iter(), findings);
            BargeIn::Allowed
        }
    }
}

/// The order in which sub-dialogs are checked: those that one needs come before it. A circle is a finding.
pub(super) fn order(dialogs: &[raw::Sub], findings: &mut Findings<'_>) -> Vec<DialogId> {
    let mut order = Vec::with_capacity(dialogs.len());
    let mut seen = vec![Seen::No; dialogs.len()];
    for at in 0..dialogs.len() {
        visit(at, dialogs, &mut seen, &mut order, findings);
    }
    order
}

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    No,
    OnTheWay,
    Done,
}

fn visit(at: usize, dialogs: &[raw::Sub], seen: &mut [Seen], order: &mut Vec<DialogId>, findings: &mut Findings<'_>) {
    if seen[at] != Seen::No {
        return;
    }
    seen[at] = Seen::OnTheWay;
    let mut calls = Vec::new();
    called(&dialogs[at].steps, &mut calls);
    for call in calls {
        let Some(next) = dialogs.iter().position(|dialog| dialog.name.value == call.value) else { continue };
        if seen[next] == Seen::OnTheWay {
            let message = format!("the dialog `{}` comes back to itself", call.value);
            findings.error(call.place, message, "let it end instead: whoever called it goes on");
            continue;
        }
        visit(next, dialogs, seen, order, findings);
    }
    seen[at] = Seen::Done;
    order.push(DialogId(at));
}

/// Names of the sub-dialogs that steps call.
fn called<'a>(steps: &'a [raw::Step], calls: &mut Vec<&'a At<String>>) {
    for step in steps {
        match &step.deed {
            raw::Deed::Dialog { dialog, failed } => {
                calls.push(dialog);
                called(failed.as_deref().unwrap_or_default(), calls);
            }
            raw::Deed::Do { failed, .. } => called(failed.as_deref().unwrap_or_default(), calls),
            raw::Deed::If { then, otherwise, .. } => {
                called(then, calls);
                called(otherwise, calls);
            }
            raw::Deed::Say { .. } | raw::Deed::Ask(_) | raw::Deed::Transfer(_) | raw::Deed::End(_) => {}
        }
    }
}
