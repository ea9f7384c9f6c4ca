//! From what was written to a [`Plan`]: names resolved, ranges checked, every mistake reported.
//!
//! ```text
//! raw::Hotline + raw::Scenes… ─► names ─► slots, actions, sub-dialogs ─► scenes ─► what nobody uses ─► Plan
//! ```

mod actions;
mod names;
mod prompts;
mod scenes;
mod slots;
mod steps;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::names::Names;
use self::prompts::prompts;
use self::scenes::Groups;
pub(super) use self::scenes::on_one_line;
use self::steps::{State, World};
use super::yaml::{At, Findings, unknown};
use super::{
    Action, Daytimes, DialogId, DialogPlan, MAIN_FILE, Name, Plan, Program, Prompts, Queue, Recording, SceneId,
    SlotPlan, Thresholds, Timings, raw, recorded,
};
use crate::diag::{Diagnostics, Place};
use crate::units::Lang;

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
    let mut recordings = Vec::new();
    let mut hotline = raw::hotline(&mut findings);
    if let Some(raw) = &mut hotline {
        recorded::in_hotline(raw, &mut recordings, &mut findings);
    }
    let mut names = Names::of(hotline.as_ref());
    let deeds = hotline.as_ref().map(|hotline| Deeds::new(hotline, &mut names, &mut findings)).unwrap_or_default();
    let whole = hotline.as_ref().map(|hotline| Whole::new(hotline, &mut names, &mut findings));
    let mut groups = Groups::default();
    let spoken = hotline.as_ref().and_then(|hotline| hotline.language.as_ref()).map(|language| language.value.as_str());
    for (path, text) in files.iter().filter(|(other, _)| other != path) {
        let mut findings = Findings { file: path, text, found: &mut found };
        if let Some(mut raw) = raw::scenes(spoken, &mut findings) {
            recorded::in_scenes(&mut raw, &mut recordings, &mut findings);
            groups.add(raw, &mut deeds.world(&mut names), &mut findings);
        }
    }
    let mut findings = Findings { file: path, text, found: &mut found };
    if groups.scenes.is_empty() {
        findings.error(Place::default(), "the dialplan has no scenes", "write scenes/*.yaml beside it");
    }
    names.report_unused(&mut findings);
    match whole.flatten() {
        Some(whole) if !found.has_errors() => Ok((whole.with(deeds, groups, recordings), found)),
        _ => Err(found),
    }
}

/// What steps refer to: checked first, since every scene may.
#[derive(Default)]
struct Deeds {
    slots: Vec<SlotPlan>,
    actions: Vec<Action>,
    /// In the order in which they were written.
    dialogs: Vec<Option<DialogPlan>>,
    gains: Vec<Option<BTreeSet<Name>>>,
}

impl Deeds {
    fn new(raw: &raw::Hotline, names: &mut Names, findings: &mut Findings<'_>) -> Self {
        names.report_clashes(findings);
        let slots: Vec<_> = raw.slots.iter().filter_map(|raw| slots::slot(raw, findings)).collect();
        let actions = raw.actions.iter().filter_map(|raw| actions::action(raw, &slots, names, findings)).collect();
        let count = raw.dialogs.len();
        let mut deeds = Self { slots, actions, dialogs: vec![None; count], gains: vec![None; count] };
        for DialogId(at) in steps::order(&raw.dialogs, findings) {
            let raw = &raw.dialogs[at];
            let (checked, behind) = steps::steps(&raw.steps, State::default(), &mut deeds.world(names), findings);
            deeds.gains[at] = Some(behind.unwrap_or_default().known);
            let Some(spoken) = &raw.spoken else { continue };
            deeds.dialogs[at] = Some(DialogPlan {
                name: raw.name.value.clone(),
                spoken: spoken.value.clone(),
                starts: raw.starts.iter().map(|text| text.value.to_lowercase()).collect(),
                program: Program::of(&checked),
            });
        }
        deeds
    }

    fn world<'a>(&'a self, names: &'a mut Names) -> World<'a> {
        World { slots: &self.slots, actions: &self.actions, gains: &self.gains, names }
    }
}

/// Everything else in the main file.
struct Whole {
    lang: Lang,
    voice: Option<String>,
    prompts: Prompts,
    daytimes: Daytimes,
    thresholds: Thresholds,
    timings: Timings,
    nobody_free: Option<DialogId>,
    queues: Vec<Queue>,
    default_queue: usize,
    corpora: Vec<PathBuf>,
    headers: Vec<String>,
    policy_file: Option<PathBuf>,
}

impl Whole {
    /// `None` when something that is needed is missing; then there is a finding.
    fn new(raw: &raw::Hotline, names: &mut Names, findings: &mut Findings<'_>) -> Option<Self> {
        let lang = language(raw.language.as_ref(), findings);
        let prompts = prompts(raw, lang, findings);
        let daytimes = daytimes(&raw.daytimes);
        let thresholds = thresholds(&raw.thresholds, findings);
        let timings = timings(&raw.timings, findings);
        let queues: Vec<_> = raw.queues.iter().filter_map(|raw| actions::queue(raw, findings)).collect();
        let nobody_free = raw.nobody_free.as_ref().and_then(|name| names.dialog(name, findings));
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
            nobody_free,
            queues,
            default_queue: default_queue?,
            corpora: raw.corpora.iter().map(|path| PathBuf::from(&path.value)).collect(),
            headers: raw.headers.iter().map(|name| name.value.clone()).collect(),
            policy_file: raw.policy.as_ref().map(|path| PathBuf::from(&path.value)),
        })
    }

    fn with(self, deeds: Deeds, groups: Groups, recordings: Vec<Recording>) -> Plan {
        let ids = groups.scenes.iter().enumerate().map(|(i, scene)| (scene.scene.clone(), SceneId(i))).collect();
        Plan {
            lang: self.lang,
            voice: self.voice,
            prompts: self.prompts,
            recordings,
            daytimes: self.daytimes,
            thresholds: self.thresholds,
            timings: self.timings,
            slots: deeds.slots,
            actions: deeds.actions,
            dialogs: deeds.dialogs.into_iter().flatten().collect(),
            nobody_free: self.nobody_free,
            queues: self.queues,
            default_queue: self.default_queue,
            main_scenes: groups.main_scenes,
            scenes: groups.scenes,
            corpora: self.corpora,
            headers: self.headers,
            policy_file: self.policy_file,
            policy: None,
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

fn thresholds(raw: &[(At<String>, At<f64>)], findings: &mut Findings<'_>) -> Thresholds {
    // Found with `antevox simulate` on callers from outside, with and without misheard words.
    let mut thresholds = Thresholds {
        guess: 0.45,
        accept: 0.7,
        confirm: 0.25,
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

#[cfg(test)]
mod tests {
    use super::on_one_line;
    use super::*;
    use crate::dialog::testing::{main_file, scene_file};

    fn mistakes(main: String, scenes: String) -> Vec<(usize, String)> {
        let files = vec![(PathBuf::from(MAIN_FILE), main), (PathBuf::from("scenes/card.yaml"), scenes)];
        match plan(&files) {
            Ok((_, found)) | Err(found) => found.0.into_iter().map(|one| (one.place.line, one.message)).collect(),
        }
    }

    fn scenes() -> String {
        scene_file("card", &["lost_card", "forgot_pin"])
    }

    #[test]
    fn a_whole_plan_has_no_mistakes() {
        assert_eq!(mistakes(main_file(), scenes()), []);
    }

    #[test]
    fn spans_of_time_need_their_unit() {
        for (written, good) in
            [("6s", true), ("800ms", true), ("1.5s", true), ("6", false), ("0s", false), ("1h", false)]
        {
            let found = mistakes(main_file() + &format!("timings: {{no_input: '{written}'}}\n"), scenes());
            assert_eq!(found.is_empty(), good, "{written}: {found:?}");
        }
    }

    #[test]
    fn a_missing_prompt_and_a_missing_variant_are_found() {
        let without = main_file().replace("  goodbye:\n    - \"goodbye a .\"\n    - \"goodbye b .\"\n", "");
        assert_eq!(mistakes(without, scenes())[0].1, "these prompts are missing: `goodbye`");
        let single = main_file().replace("    - \"goodbye b .\"\n", "");
        assert_eq!(mistakes(single, scenes())[0].1, "the prompt `goodbye` has fewer than two variants");
    }

    #[test]
    fn texts_may_be_given_by_language() {
        let by_language = main_file().replace("\"goodbye b .\"", "{en: So long., zh: 再见。}");
        assert_eq!(mistakes(by_language.clone(), scenes()), []);
        let named = scenes().replace("name: card\n", "name: {en: card, zh: 银行卡}\n");
        assert_eq!(mistakes(main_file(), named.clone()), []);
        let files = vec![(PathBuf::from(MAIN_FILE), by_language.replace("language: en", "language: zh"))];
        let found = plan(&[files, vec![(PathBuf::from("scenes/card.yaml"), named)]].concat()).unwrap().0;
        assert_eq!(found.main_scenes[0].name, "银行卡");
        let half = main_file().replace("\"goodbye b .\"", "{zh: 再见。}");
        assert_eq!(mistakes(half, scenes())[0].1, "there is no text in `en`");
    }

    #[test]
    fn lines_of_an_answer_are_joined_as_the_language_does() {
        assert_eq!(on_one_line("one\n  two"), "one two");
        assert_eq!(on_one_line("请先\n  打开应用。"), "请先打开应用。");
    }
}
