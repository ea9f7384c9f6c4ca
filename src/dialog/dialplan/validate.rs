//! From what was written to a [`Plan`]: names resolved, ranges checked, every mistake reported.
//!
//! ```text
//! raw::Hotline + raw::Scenes… ─► names of actions and queues ─► scenes ─► what nobody uses ─► Plan
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::prompt::BadTemplate;
use super::yaml::{At, Findings, unknown};
use super::{
    Action, ActionKind, Daytimes, Handover, MAIN_FILE, MainId, MainScene, Need, OrderPlan, Plan, PromptKind,
    PromptPlan, Prompts, Queue, SceneId, ScenePlan, Slot, Template, Thresholds, Timings, raw,
};
use crate::diag::{Diagnostics, Place};
use crate::dialog::BargeIn;
use crate::units::{Lang, Scene};

/// Kinds of orders, as in the store's `orders` table.
const ORDER_KINDS: &[&str] =
    &["card_payment", "cash_withdrawal", "transfer_out", "transfer_in", "top_up", "exchange", "direct_debit"];
/// Fewer examples than this teach nothing (dialplans/README.md); Chinese ones say more in a sentence.
const MIN_EXAMPLES: usize = 10;
/// Longest wait that makes sense on a telephone.
const MAX_WAIT: Duration = Duration::from_secs(120);

pub(super) fn plan(files: &[(PathBuf, String)]) -> Result<(Plan, Diagnostics), Diagnostics> {
    let mut found = Diagnostics::default();
    let main = files.iter().find(|(path, _)| path.file_name().is_some_and(|name| name == MAIN_FILE));
    let Some((path, text)) = main else {
        let folder = files.first().and_then(|(path, _)| path.parent()).unwrap_or(Path::new(""));
        let message = format!("there is no {MAIN_FILE}");
        found.error(&folder.join(MAIN_FILE), "", Place::default(), message, "write one, as in dialplans/README.md");
        return Err(found);
    };
    let mut findings = Findings { file: path, text, found: &mut found };
    let hotline = raw::hotline(&mut findings);
    let whole = hotline.as_ref().map(|hotline| Whole::new(hotline, &mut findings));
    let mut names = Names::of(hotline.as_ref());
    let mut groups = Groups::default();
    for (path, text) in files.iter().filter(|(other, _)| other != path) {
        let mut findings = Findings { file: path, text, found: &mut found };
        if let Some(raw) = raw::scenes(&mut findings) {
            groups.add(raw, &mut names, &mut findings);
        }
    }
    let mut findings = Findings { file: path, text, found: &mut found };
    if groups.scenes.is_empty() {
        findings.error(Place::default(), "the dialplan has no scenes", "write scenes/*.yaml beside it");
    }
    names.report_unused(&mut findings);
    match whole.flatten() {
        Some(whole) if !found.has_errors() => Ok((whole.with(groups), found)),
        _ => Err(found),
    }
}

/// Everything in the main file.
struct Whole {
    lang: Lang,
    voice: Option<String>,
    prompts: Prompts,
    daytimes: Daytimes,
    thresholds: Thresholds,
    timings: Timings,
    actions: Vec<Action>,
    queues: Vec<Queue>,
    default_queue: usize,
    corpora: Vec<PathBuf>,
}

impl Whole {
    /// `None` when something that is needed is missing; then there is a finding.
    fn new(raw: &raw::Hotline, findings: &mut Findings<'_>) -> Option<Self> {
        let lang = language(raw.language.as_ref(), findings);
        let prompts = prompts(raw, findings);
        let daytimes = daytimes(&raw.daytimes);
        let thresholds = thresholds(&raw.thresholds, findings);
        let timings = timings(&raw.timings, findings);
        let actions: Vec<_> = raw.actions.iter().filter_map(|raw| action(raw, findings)).collect();
        let queues: Vec<_> = raw.queues.iter().filter_map(|raw| queue(raw, findings)).collect();
        let default_queue = raw.default_queue.as_ref().and_then(|name| {
            let names = raw.queues.iter().map(|queue| queue.name.value.as_str());
            resolve("queue", name, names, findings)
        });
        Some(Self {
            lang: lang?,
            voice: raw.voice.as_ref().map(|voice| voice.value.clone()),
            prompts: prompts?,
            daytimes: daytimes?,
            thresholds,
            timings,
            actions,
            queues,
            default_queue: default_queue?,
            corpora: raw.corpora.iter().map(|path| PathBuf::from(&path.value)).collect(),
        })
    }

    fn with(self, groups: Groups) -> Plan {
        let ids = groups.scenes.iter().enumerate().map(|(i, scene)| (scene.scene.clone(), SceneId(i))).collect();
        Plan {
            lang: self.lang,
            voice: self.voice,
            prompts: self.prompts,
            daytimes: self.daytimes,
            thresholds: self.thresholds,
            timings: self.timings,
            actions: self.actions,
            queues: self.queues,
            default_queue: self.default_queue,
            main_scenes: groups.main_scenes,
            scenes: groups.scenes,
            corpora: self.corpora,
            ids,
        }
    }
}

fn language(raw: Option<&At<String>>, findings: &mut Findings<'_>) -> Option<Lang> {
    let raw = raw?;
    match raw.value.as_str() {
        "en" => Some(Lang::En),
        "zh" => Some(Lang::Zh),
        _ => {
            unknown("language", raw, ["en", "zh"].into_iter(), findings);
            None
        }
    }
}

fn daytimes(raw: &raw::Daytimes) -> Option<Daytimes> {
    let text = |raw: &Option<At<String>>| raw.as_ref().map(|text| text.value.clone());
    Some(Daytimes { morning: text(&raw.morning)?, afternoon: text(&raw.afternoon)?, evening: text(&raw.evening)? })
}

fn prompts(raw: &raw::Hotline, findings: &mut Findings<'_>) -> Option<Prompts> {
    let names = || PromptKind::ALL.iter().map(|kind| kind.name());
    for prompt in &raw.prompts {
        if !names().any(|name| name == prompt.kind.value) {
            unknown("prompt", &prompt.kind, names(), findings);
        }
    }
    let mut plans = Vec::with_capacity(PromptKind::ALL.len());
    for &kind in PromptKind::ALL {
        match raw.prompts.iter().find(|prompt| prompt.kind.value == kind.name()) {
            Some(written) => plans.extend(prompt(kind, written, findings)),
            None => {
                let help = "add it with at least two variants";
                findings.error(raw.prompts_at, format!("the prompt `{}` is missing", kind.name()), help);
            }
        }
    }
    (plans.len() == PromptKind::ALL.len()).then_some(Prompts(plans))
}

fn prompt(kind: PromptKind, raw: &raw::Prompt, findings: &mut Findings<'_>) -> Option<PromptPlan> {
    let barge_in = match raw.barge_in.as_ref() {
        None => BargeIn::Allowed,
        Some(written) if written.value == "allowed" => BargeIn::Allowed,
        Some(written) if written.value == "never" => BargeIn::Never,
        Some(written) => {
            unknown("barge_in", written, ["allowed", "never"].into_iter(), findings);
            BargeIn::Allowed
        }
    };
    let mut variants: Vec<Template> = Vec::with_capacity(raw.variants.len());
    for written in &raw.variants {
        let Some(template) = template(written, kind.allowed(), findings) else { continue };
        for slot in kind.needed() {
            if !template.slots().any(|other| other == *slot) {
                let message = format!("`{}` does not say {{{}}}", kind.name(), slot.name());
                findings.error(written.place, message, "put the placeholder where it is to be heard");
            }
        }
        if variants.contains(&template) {
            findings.error(written.place, "this variant stands there twice", "say it in other words");
        }
        variants.push(template);
    }
    if raw.variants.len() < 2 {
        let message = format!("the prompt `{}` has fewer than two variants", kind.name());
        findings.error(raw.kind.place, message, "add one, so that nobody hears the same words twice in a row");
    }
    (variants.len() >= 2).then_some(PromptPlan { variants, barge_in })
}

fn template(written: &At<String>, allowed: &[Slot], findings: &mut Findings<'_>) -> Option<Template> {
    if written.value.is_empty() {
        findings.error(written.place, "there is nothing to say", "write a sentence");
        return None;
    }
    let braced = |slot: &Slot| format!("{{{}}}", slot.name());
    let help = match allowed {
        [] => "no placeholder has a value here: write plain text".to_owned(),
        _ => format!("use only {}", allowed.iter().map(braced).collect::<Vec<_>>().join(" ")),
    };
    match Template::parse(&written.value) {
        Ok(template) => {
            for slot in template.slots().filter(|slot| !allowed.contains(slot)) {
                findings.error(written.place, format!("{} has no value here", braced(&slot)), help.as_str());
            }
            Some(template)
        }
        Err(BadTemplate::Unknown(name)) => {
            findings.error(written.place, format!("unknown placeholder `{{{name}}}`"), help);
            None
        }
        Err(BadTemplate::Unclosed) => {
            findings.error(written.place, "a `{` is not closed", help);
            None
        }
    }
}

fn thresholds(raw: &[(At<String>, At<f64>)], findings: &mut Findings<'_>) -> Thresholds {
    // Measured with `antevox simulate`: see README.md beside the dialplans.
    let mut thresholds = Thresholds {
        guess: 0.45,
        accept: 0.62,
        confirm: 0.28,
        choice_margin: 0.18,
        out_of_scope: 0.6,
        prior_weight: 0.6,
    };
    let names = ["guess", "accept", "confirm", "choice_margin", "out_of_scope", "prior_weight"];
    for (name, value) in raw {
        let target = match name.value.as_str() {
            "guess" => &mut thresholds.guess,
            "accept" => &mut thresholds.accept,
            "confirm" => &mut thresholds.confirm,
            "choice_margin" => &mut thresholds.choice_margin,
            "out_of_scope" => &mut thresholds.out_of_scope,
            "prior_weight" => &mut thresholds.prior_weight,
            _ => {
                unknown("threshold", name, names.into_iter(), findings);
                continue;
            }
        };
        *target = value.value;
        if !(0.0..=1.0).contains(&value.value) {
            let message = format!("`{}` is {}, not between 0 and 1", name.value, value.value);
            findings.error(value.place, message, "write a probability, as in `0.7`");
        }
    }
    if thresholds.confirm > thresholds.accept {
        let place = raw.iter().find(|(name, _)| name.value == "confirm").map_or(Place::default(), |(_, at)| at.place);
        let help = "let `confirm` be the lower one: less certain problems are confirmed first";
        findings.error(place, "`confirm` lies above `accept`", help);
    }
    thresholds
}

fn timings(raw: &raw::Timings, findings: &mut Findings<'_>) -> Timings {
    let mut wait = |written: &Option<At<String>>, default: u64| {
        written.as_ref().and_then(|text| duration(text, findings)).unwrap_or(Duration::from_secs(default))
    };
    let (no_input, pause, look_up) = (wait(&raw.no_input, 6), wait(&raw.wait, 30), wait(&raw.look_up, 2));
    let max_prompts = match &raw.max_prompts {
        Some(written) if (5.0..=100.0).contains(&written.value) => written.value as u32,
        Some(written) => {
            findings.error(written.place, "`max_prompts` does not lie between 5 and 100", "write it as in `20`");
            20
        }
        None => 20,
    };
    Timings { no_input, wait: pause, look_up, max_prompts }
}

/// "6s", "800ms".
fn duration(written: &At<String>, findings: &mut Findings<'_>) -> Option<Duration> {
    let text = written.value.as_str();
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s').unwrap_or(""), 1_000.0),
    };
    let duration = number.trim().parse::<f64>().ok().map(|number| number * unit_ms);
    match duration.filter(|ms| *ms > 0.0).map(|ms| Duration::from_millis(ms as u64)) {
        Some(duration) if duration <= MAX_WAIT => Some(duration),
        _ => {
            let help = format!("write up to {} seconds with the unit, as in `6s` or `800ms`", MAX_WAIT.as_secs());
            findings.error(written.place, format!("`{text}` is no span of time"), help);
            None
        }
    }
}

fn action(raw: &raw::Action, findings: &mut Findings<'_>) -> Option<Action> {
    let kind = raw.kind.as_ref()?;
    let mut part = |part: &Option<At<String>>, name: &str| {
        if part.is_none() {
            let help = format!("write `{name}:` beside `kind: {}`", kind.value);
            findings.error(kind.place, format!("the action `{}` has no {name}", raw.name.value), help);
        }
        part.as_ref().map(|text| values_known(text, findings))
    };
    let kind = match kind.value.as_str() {
        "log" => ActionKind::Log,
        "sms" => {
            let (url, text) = (part(&raw.url, "url"), part(&raw.text, "text"));
            ActionKind::Sms { url: url?, text: text? }
        }
        "http" => ActionKind::Http { url: part(&raw.url, "url")? },
        _ => {
            unknown("kind of action", kind, ["log", "sms", "http"].into_iter(), findings);
            return None;
        }
    };
    Some(Action { name: raw.name.value.clone(), kind })
}

/// The text, after a look at the values in its braces.
fn values_known(written: &At<String>, findings: &mut Findings<'_>) -> String {
    let mut rest = written.value.as_str();
    while let Some((name, behind)) = rest.split_once('{').and_then(|(_, after)| after.split_once('}')) {
        if !super::ACTION_VALUES.contains(&name) {
            let name = At { value: name.to_owned(), place: written.place };
            unknown("placeholder", &name, super::ACTION_VALUES.iter().copied(), findings);
        }
        rest = behind;
    }
    written.value.clone()
}

fn queue(raw: &raw::Queue, findings: &mut Findings<'_>) -> Option<Queue> {
    let target = raw.target.as_ref()?;
    let host = target.value.strip_prefix("sip:").or_else(|| target.value.strip_prefix("sips:"));
    if !host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace)) {
        findings.error(
            target.place,
            format!("`{}` is no SIP URI", target.value),
            "write it as in `sip:agents@10.0.0.5`",
        );
    }
    let method = raw.method.as_ref()?;
    let handover = match method.value.as_str() {
        "refer" => Handover::Refer,
        "bridge" => Handover::Bridge,
        _ => {
            unknown("method", method, ["refer", "bridge"].into_iter(), findings);
            return None;
        }
    };
    let timeout = raw.timeout.as_ref().and_then(|text| duration(text, findings)).unwrap_or(Duration::from_secs(20));
    Some(Queue { name: raw.name.value.clone(), target: target.value.clone(), method: handover, timeout })
}

fn resolve<'n>(
    what: &str,
    name: &At<String>,
    mut names: impl Iterator<Item = &'n str> + Clone,
    findings: &mut Findings<'_>,
) -> Option<usize> {
    let found = names.clone().position(|known| known == name.value);
    if found.is_none() {
        unknown(what, name, &mut names, findings);
    }
    found
}

/// Actions and queues by name, and whether a scene uses them.
#[derive(Default)]
struct Names {
    actions: Vec<(At<String>, bool)>,
    queues: Vec<(At<String>, bool)>,
}

impl Names {
    fn of(hotline: Option<&raw::Hotline>) -> Self {
        let Some(hotline) = hotline else { return Self::default() };
        let default = hotline.default_queue.as_ref().map(|name| name.value.as_str());
        let used = |name: &At<String>| default == Some(name.value.as_str());
        Self {
            actions: hotline.actions.iter().map(|action| (action.name.clone(), false)).collect(),
            queues: hotline.queues.iter().map(|queue| (queue.name.clone(), used(&queue.name))).collect(),
        }
    }

    fn report_unused(&self, findings: &mut Findings<'_>) {
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
struct Groups {
    main_scenes: Vec<MainScene>,
    scenes: Vec<ScenePlan>,
    /// Where each id was first given.
    seen: HashMap<String, (PathBuf, Place)>,
}

impl Groups {
    fn add(&mut self, raw: raw::Scenes, names: &mut Names, findings: &mut Findings<'_>) {
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
            let message = format!("scene `{label}` has {} examples, fewer than {MIN_EXAMPLES}", raw.examples.len());
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
fn on_one_line(text: &str) -> String {
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
