//! Scenes: ids that are there once, enough examples, orders of known kinds, actions and queues that exist.

use std::collections::HashMap;
use std::path::PathBuf;

use super::prompts::template;
use super::resolve;
use super::steps::{self, State, World};
use crate::diag::Place;
use crate::dialog::dialplan::yaml::{At, Findings, unknown};
use crate::dialog::dialplan::{Fact, MainId, MainScene, Name, Need, OrderPlan, Placeholder, Program, ScenePlan, raw};
use crate::units::Scene;

/// Kinds of orders, as in the store's `orders` table.
const ORDER_KINDS: &[&str] =
    &["card_payment", "cash_withdrawal", "transfer_out", "transfer_in", "top_up", "exchange", "direct_debit"];
/// Fewer examples than this teach a classifier next to nothing.
const MIN_EXAMPLES: usize = 10;

/// Scenes as they come, file by file.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) main_scenes: Vec<MainScene>,
    pub(super) scenes: Vec<ScenePlan>,
    /// Where each id was first given.
    seen: HashMap<String, (PathBuf, Place)>,
}

impl Groups {
    pub(super) fn add(&mut self, raw: raw::Scenes, world: &mut World<'_>, findings: &mut Findings<'_>) {
        let main = MainId(self.main_scenes.len());
        if let Some(id) = &raw.main_scene {
            self.claim("main scene", id, findings);
        }
        if raw.vague.is_empty() {
            let help = "list how callers name the topic without the problem, as in `it's about my card`";
            findings.warning(raw.at, "the main scene has no `vague` sentences", help);
        }
        if raw.scenes.is_empty() {
            findings.error(raw.at, "the file has no scenes", "list them under `scenes:`");
        }
        if let (Some(id), Some(name)) = (&raw.main_scene, &raw.name) {
            let vague = raw.vague.iter().map(|text| text.value.clone()).collect();
            self.main_scenes.push(MainScene { scene: id.value.as_str().into(), name: name.value.clone(), vague });
        }
        for raw in &raw.scenes {
            if let Some(scene) = self.scene(main, raw, world, findings) {
                self.scenes.push(scene);
            }
        }
    }

    fn scene(
        &mut self,
        main: MainId,
        raw: &raw::Scene,
        world: &mut World<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<ScenePlan> {
        if let Some(id) = &raw.scene {
            self.claim("scene", id, findings);
        }
        let label = raw.scene.as_ref().map_or("?", |id| id.value.as_str());
        if raw.examples.len() < MIN_EXAMPLES {
            let message = format!("scene `{label}` has too few examples: {} of {MIN_EXAMPLES}", raw.examples.len());
            findings.error(raw.at, message, "write more of what callers say");
        }
        examples_differ(&raw.examples, findings);
        let order = raw.order.as_ref().map(|order_raw| order(order_raw, findings));
        let action = raw.action.as_ref().and_then(|name| world.names.action(name, findings));
        let transfer = raw.transfer.as_ref().and_then(|name| world.names.queue(name, findings));
        let steps = scene_steps(raw, world, findings);
        if let Some(answer) = raw.answer.as_ref().filter(|answer| answer.value.contains('{')) {
            findings.error(answer.place, "an answer has no placeholders", "say it without, or in a step");
        }
        Some(ScenePlan {
            scene: Scene::from(raw.scene.as_ref()?.value.as_str()),
            main,
            name: raw.name.as_ref()?.value.clone(),
            order: order.flatten(),
            examples: raw.examples.iter().map(|text| text.value.clone()).collect(),
            steps,
            answer: raw.answer.as_ref().map_or_else(String::new, |answer| on_one_line(&answer.value)),
            action,
            transfer,
        })
    }

    /// Notes that `id` is taken; a finding if it already was.
    fn claim(&mut self, what: &str, id: &At<String>, findings: &mut Findings<'_>) {
        let key = format!("{what} {}", id.value);
        if let Some((file, place)) = self.seen.get(&key) {
            let help = format!("it stands in {}:{} too: give one of the two another id", file.display(), place.line);
            findings.error(id.place, format!("the {what} `{}` is there twice", id.value), help);
            return;
        }
        self.seen.insert(key, (findings.file.to_owned(), id.place));
    }
}

/// What is done before the answer. Without an answer, something has to be said on every way through.
fn scene_steps(raw: &raw::Scene, world: &mut World<'_>, findings: &mut Findings<'_>) -> Program {
    let answered = raw.answer.as_ref().is_some_and(|answer| !answer.value.is_empty());
    if raw.steps.is_empty() {
        if !answered {
            findings.error(raw.at, "`answer` is missing", "write what solves the problem, one to three sentences");
        }
        return Program::default();
    }
    let facts = [Fact::Scene, Fact::Problem].map(Name::Fact);
    let begin = State { known: facts.into_iter().collect(), said: false };
    let (steps, behind) = steps::steps(&raw.steps, begin, world, findings);
    if !answered && behind.is_some_and(|state| !state.said) {
        let help = "write an `answer`, or `- say:` something on every way";
        findings.error(raw.at, "there is a way through the steps on which nothing is said", help);
    }
    Program::of(&steps)
}

/// Joins lines: with a space, except behind Chinese, which has none between words.
pub(in crate::dialog::dialplan) fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if line.chars().next_back().is_some_and(|last| last < '\u{2e80}') {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

fn examples_differ(examples: &[At<String>], findings: &mut Findings<'_>) {
    let mut seen = HashMap::new();
    for example in examples {
        if example.value.is_empty() {
            findings.error(example.place, "the example is empty", "write what a caller says, or remove the line");
        } else if let Some(line) = seen.insert(example.value.as_str(), example.place.line) {
            let help = format!("it stands in line {line} too: write another one");
            findings.warning(example.place, "the example is there twice", help);
        }
    }
}

fn order(raw: &raw::Order, findings: &mut Findings<'_>) -> Option<OrderPlan> {
    if raw.kinds.is_empty() {
        findings.error(raw.at, "`kinds` is missing", format!("use one or more of: {}", ORDER_KINDS.join(", ")));
    }
    for kind in &raw.kinds {
        resolve("kind of order", kind, ORDER_KINDS.iter().copied(), findings);
    }
    let about = raw
        .about
        .as_ref()
        .and_then(|text| template(text, &[Placeholder::Product, Placeholder::Price, Placeholder::Date], findings));
    let need = raw.need.as_ref()?;
    let need = match need.value.as_str() {
        "wanted" => Need::Wanted,
        "needed" => Need::Needed,
        _ => {
            unknown("need", need, ["wanted", "needed"].into_iter(), findings);
            return None;
        }
    };
    Some(OrderPlan { kinds: raw.kinds.iter().map(|kind| kind.value.clone()).collect(), need, about })
}
