//! Scenes: ids that are there once, enough examples, orders of known kinds, actions and queues that exist.

use std::collections::HashMap;
use std::path::PathBuf;

use super::prompts::template;
use super::resolve;
use crate::diag::Place;
use crate::dialog::dialplan::yaml::{At, Findings, unknown};
use crate::dialog::dialplan::{MainId, MainScene, Need, OrderPlan, ScenePlan, Slot, raw};
use crate::units::Scene;

/// Kinds of orders, as in the store's `orders` table.
const ORDER_KINDS: &[&str] =
    &["card_payment", "cash_withdrawal", "transfer_out", "transfer_in", "top_up", "exchange", "direct_debit"];
/// Fewer examples than this teach a classifier next to nothing.
const MIN_EXAMPLES: usize = 10;

/// Actions and queues by name, and whether a scene uses them.
#[derive(Default)]
pub(super) struct Names {
    actions: Vec<(At<String>, bool)>,
    queues: Vec<(At<String>, bool)>,
}

impl Names {
    pub(super) fn of(hotline: Option<&raw::Hotline>) -> Self {
        let Some(hotline) = hotline else { return Self::default() };
        let default = hotline.default_queue.as_ref().map(|name| name.value.as_str());
        let used = |name: &At<String>| default == Some(name.value.as_str());
        Self {
            actions: hotline.actions.iter().map(|action| (action.name.clone(), false)).collect(),
            queues: hotline.queues.iter().map(|queue| (queue.name.clone(), used(&queue.name))).collect(),
        }
    }

    pub(super) fn report_unused(&self, findings: &mut Findings<'_>) {
        for (what, names) in [("action", &self.actions), ("queue", &self.queues)] {
            for (name, _) in names.iter().filter(|(_, used)| !used) {
                let help = "name it in a scene, or remove it";
                findings.warning(name.place, format!("no scene uses the {what} `{}`", name.value), help);
            }
        }
    }
}

fn used(what: &str, name: &At<String>, names: &mut [(At<String>, bool)], findings: &mut Findings<'_>) -> Option<usize> {
    let found = resolve(what, name, names.iter().map(|(name, _)| name.value.as_str()), findings)?;
    names[found].1 = true;
    Some(found)
}

/// Scenes as they come, file by file.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) main_scenes: Vec<MainScene>,
    pub(super) scenes: Vec<ScenePlan>,
    /// Where each id was first given.
    seen: HashMap<String, (PathBuf, Place)>,
}

impl Groups {
    pub(super) fn add(&mut self, raw: raw::Scenes, names: &mut Names, findings: &mut Findings<'_>) {
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
            if let Some(scene) = self.scene(main, raw, names, findings) {
                self.scenes.push(scene);
            }
        }
    }

    fn scene(
        &mut self,
        main: MainId,
        raw: &raw::Scene,
        names: &mut Names,
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
        let action = raw.action.as_ref().and_then(|name| used("action", name, &mut names.actions, findings));
        let transfer = raw.transfer.as_ref().and_then(|name| used("queue", name, &mut names.queues, findings));
        if let Some(answer) = raw.answer.as_ref().filter(|answer| answer.value.contains('{')) {
            findings.error(answer.place, "an answer has no placeholders", "say it without");
        }
        Some(ScenePlan {
            scene: Scene::from(raw.scene.as_ref()?.value.as_str()),
            main,
            name: raw.name.as_ref()?.value.clone(),
            order: order.flatten(),
            examples: raw.examples.iter().map(|text| text.value.clone()).collect(),
            answer: on_one_line(&raw.answer.as_ref()?.value),
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

/// Joins lines: with a space, except behind Chinese, which has none between words.
pub(super) fn on_one_line(text: &str) -> String {
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
    let about = raw.about.as_ref().and_then(|text| template(text, &[Slot::Product, Slot::Price, Slot::Date], findings));
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
