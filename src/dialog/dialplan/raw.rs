//! A dialplan as written: every value still text or number, with its place, nothing resolved.
//!
//! ```text
//! yaml::Table ─► Hotline (dialplan.yaml) | Scenes (scenes/*.yaml)
//! ```
//!
//! This is the only place that knows how the keys are spelt.

mod steps;

pub(super) use self::steps::{Deed, Slot, Step, Sub};
use super::yaml::{self, At, Findings, Node, Table, texts};
use crate::diag::Place;

/// The main file.
pub(super) struct Hotline {
    pub(super) language: Option<At<String>>,
    pub(super) voice: Option<At<String>>,
    pub(super) daytimes: Daytimes,
    pub(super) prompts: Vec<Prompt>,
    pub(super) prompts_at: Place,
    pub(super) thresholds: Vec<(At<String>, At<f64>)>,
    pub(super) timings: Timings,
    pub(super) slots: Vec<Slot>,
    pub(super) actions: Vec<Action>,
    pub(super) dialogs: Vec<Sub>,
    pub(super) nobody_free: Option<At<String>>,
    pub(super) queues: Vec<Queue>,
    pub(super) default_queue: Option<At<String>>,
    pub(super) corpora: Vec<At<String>>,
    pub(super) policy: Option<At<String>>,
    /// Header fields of the INVITE that are read as `header.name`.
    pub(super) headers: Vec<At<String>>,
}

#[derive(Default)]
pub(super) struct Daytimes {
    pub(super) morning: Option<At<String>>,
    pub(super) afternoon: Option<At<String>>,
    pub(super) evening: Option<At<String>>,
}

pub(super) struct Prompt {
    pub(super) kind: At<String>,
    pub(super) barge_in: Option<At<String>>,
    pub(super) no_input: Option<At<String>>,
    pub(super) variants: Vec<At<String>>,
}

#[derive(Default)]
pub(super) struct Timings {
    pub(super) no_input: Option<At<String>>,
    pub(super) wait: Option<At<String>>,
    pub(super) look_up: Option<At<String>>,
    pub(super) max_prompts: Option<At<f64>>,
}

pub(super) struct Action {
    pub(super) name: At<String>,
    pub(super) kind: Option<At<String>>,
    pub(super) url: Option<At<String>>,
    pub(super) method: Option<At<String>>,
    pub(super) text: Option<At<String>>,
    pub(super) query: Option<At<String>>,
    pub(super) phone: Option<At<String>>,
    pub(super) day: Option<At<String>>,
    pub(super) time: Option<At<String>>,
    pub(super) number: Option<At<String>>,
    /// Name of each value, and where it stands in the answer.
    pub(super) returns: Vec<(At<String>, At<String>)>,
}

pub(super) struct Queue {
    pub(super) name: At<String>,
    pub(super) target: Option<At<String>>,
    pub(super) method: Option<At<String>>,
    pub(super) timeout: Option<At<String>>,
}

/// A scene file.
pub(super) struct Scenes {
    pub(super) main_scene: Option<At<String>>,
    pub(super) name: Option<At<String>>,
    pub(super) vague: Vec<At<String>>,
    pub(super) scenes: Vec<Scene>,
    pub(super) at: Place,
}

pub(super) struct Scene {
    pub(super) at: Place,
    pub(super) scene: Option<At<String>>,
    pub(super) name: Option<At<String>>,
    pub(super) order: Option<Order>,
    pub(super) examples: Vec<At<String>>,
    pub(super) steps: Vec<Step>,
    pub(super) answer: Option<At<String>>,
    pub(super) action: Option<At<String>>,
    pub(super) transfer: Option<At<String>>,
}

pub(super) struct Order {
    pub(super) at: Place,
    pub(super) kinds: Vec<At<String>>,
    pub(super) need: Option<At<String>>,
    pub(super) about: Option<At<String>>,
}

pub(super) fn hotline(findings: &mut Findings<'_>) -> Option<Hotline> {
    let mut root = yaml::parse(None, findings)?;
    let prompts = root.table("prompts", findings);
    let hotline = Hotline {
        language: root.needed_text("language", "write `language: en` or `language: zh`", findings),
        voice: root.text("voice", findings),
        daytimes: daytimes(&mut root, findings),
        prompts_at: prompts.as_ref().map_or(root.place, |table| table.place),
        prompts: named(prompts).into_iter().filter_map(|(kind, node)| prompt(kind, node, findings)).collect(),
        thresholds: thresholds(&mut root, findings),
        timings: timings(&mut root, findings),
        slots: tables(&mut root, "slots", findings, steps::slot),
        actions: tables(&mut root, "actions", findings, action),
        dialogs: tables(&mut root, "dialogs", findings, steps::sub_dialog),
        nobody_free: root.text("nobody_free", findings),
        queues: tables(&mut root, "queues", findings, queue),
        default_queue: root.needed_text("default_queue", "name the queue that takes everything else", findings),
        corpora: root.texts("corpora", findings),
        policy: root.text("policy", findings),
        headers: root.texts("headers", findings),
    };
    let known = [
        "language",
        "voice",
        "daytimes",
        "prompts",
        "thresholds",
        "timings",
        "slots",
        "dialogs",
        "nobody_free",
        "policy",
        "actions",
        "queues",
        "default_queue",
        "corpora",
        "headers",
    ];
    root.finish(&known, findings);
    Some(hotline)
}

pub(super) fn scenes(spoken: Option<&str>, findings: &mut Findings<'_>) -> Option<Scenes> {
    let mut root = yaml::parse(spoken, findings)?;
    let scenes = Scenes {
        at: root.place,
        main_scene: root.needed_text("main_scene", "give the group an id, as in `main_scene: card`", findings),
        name: root.needed_text("name", "write what fits into \"Is it about …?\"", findings),
        vague: root.texts("vague", findings),
        scenes: root.tables("scenes", findings).into_iter().map(|table| scene(table, findings)).collect(),
    };
    root.finish(&["main_scene", "name", "vague", "scenes"], findings);
    Some(scenes)
}

fn scene(mut table: Table, findings: &mut Findings<'_>) -> Scene {
    let scene = Scene {
        at: table.place,
        scene: table.needed_text("scene", "give the problem an id, as in `scene: lost_card`", findings),
        name: table.needed_text("name", "write what fits into \"Is it about …?\"", findings),
        order: table.table("order", findings).map(|table| order(table, findings)),
        examples: table.texts("examples", findings),
        steps: steps::steps(&mut table, "steps", findings),
        answer: table.text("answer", findings),
        action: table.text("action", findings),
        transfer: table.text("transfer", findings),
    };
    table.finish(&["scene", "name", "order", "examples", "steps", "answer", "action", "transfer"], findings);
    scene
}

fn order(mut table: Table, findings: &mut Findings<'_>) -> Order {
    let order = Order {
        at: table.place,
        kinds: table.texts("kinds", findings),
        need: table.needed_text("need", "write `need: wanted` or `need: needed`", findings),
        about: table.text("about", findings),
    };
    table.finish(&["kinds", "need", "about"], findings);
    order
}

fn daytimes(root: &mut Table, findings: &mut Findings<'_>) -> Daytimes {
    let Some(mut table) = root.table("daytimes", findings) else {
        let help = "write the salutations under `morning`, `afternoon` and `evening`";
        findings.error(root.place, "`daytimes` is missing", help);
        return Daytimes::default();
    };
    let help = "write a salutation, as in `morning: Good morning`";
    let daytimes = Daytimes {
        morning: table.needed_text("morning", help, findings),
        afternoon: table.needed_text("afternoon", help, findings),
        evening: table.needed_text("evening", help, findings),
    };
    table.finish(&["morning", "afternoon", "evening"], findings);
    daytimes
}

fn prompt(kind: At<String>, node: At<Node>, findings: &mut Findings<'_>) -> Option<Prompt> {
    if !matches!(node.value, Node::Table(_)) {
        let variants = texts(node, &kind.value, findings);
        return Some(Prompt { kind, barge_in: None, no_input: None, variants });
    }
    let mut table = Table::from_node(node, &kind.value, findings)?;
    let barge_in = table.text("barge_in", findings);
    let no_input = span(&mut table, "no_input", findings);
    let variants = table.texts("variants", findings);
    table.finish(&["barge_in", "no_input", "variants"], findings);
    Some(Prompt { kind, barge_in, no_input, variants })
}

fn thresholds(root: &mut Table, findings: &mut Findings<'_>) -> Vec<(At<String>, At<f64>)> {
    let entries = named(root.table("thresholds", findings));
    let mut thresholds = Vec::with_capacity(entries.len());
    for (name, node) in entries {
        match node.value {
            Node::Number(value) => thresholds.push((name, At { value, place: node.place })),
            _ => findings.error(node.place, format!("`{}` is not a number", name.value), "write it as in `0.7`"),
        }
    }
    thresholds
}

fn timings(root: &mut Table, findings: &mut Findings<'_>) -> Timings {
    let Some(mut table) = root.table("timings", findings) else { return Timings::default() };
    let timings = Timings {
        no_input: span(&mut table, "no_input", findings),
        wait: span(&mut table, "wait", findings),
        look_up: span(&mut table, "look_up", findings),
        max_prompts: table.number("max_prompts", findings),
    };
    table.finish(&["no_input", "wait", "look_up", "max_prompts"], findings);
    timings
}

/// A span of time as text, unit and all.
pub(super) fn span(table: &mut Table, key: &str, findings: &mut Findings<'_>) -> Option<At<String>> {
    let node = table.take(key)?;
    if let Node::Text(value) = node.value {
        return Some(At { value, place: node.place });
    }
    findings.error(node.place, format!("`{key}` has no unit"), "write it as in `6s` or `800ms`");
    None
}

fn action(name: At<String>, mut table: Table, findings: &mut Findings<'_>) -> Action {
    let kinds = "write `kind: log`, `sms`, `http`, `sql`, `appointment` or `identity`";
    let returns = named(table.table("returns", findings)).into_iter();
    let returns = returns.filter_map(|(name, node)| match node.value {
        Node::Text(value) => Some((name, At { value, place: node.place })),
        _ => {
            let help = "write where it stands, as in `status: status` or `status: /order/status`";
            findings.error(node.place, format!("`{}` is not a text", name.value), help);
            None
        }
    });
    let returns = returns.collect();
    let action = Action {
        kind: table.needed_text("kind", kinds, findings),
        url: table.text("url", findings),
        method: table.text("method", findings),
        text: table.text("text", findings),
        query: table.text("query", findings),
        phone: table.text("phone", findings),
        day: table.text("day", findings),
        time: table.text("time", findings),
        number: table.text("number", findings),
        returns,
        name,
    };
    let known = ["kind", "url", "method", "text", "query", "phone", "day", "time", "number", "returns"];
    table.finish(&known, findings);
    action
}

fn queue(name: At<String>, mut table: Table, findings: &mut Findings<'_>) -> Queue {
    let queue = Queue {
        target: table.needed_text("target", "write a SIP URI, as in `target: sip:agents@10.0.0.5`", findings),
        method: table.needed_text("method", "write `method: refer` or `method: bridge`", findings),
        timeout: span(&mut table, "timeout", findings),
        name,
    };
    table.finish(&["target", "method", "timeout"], findings);
    queue
}

/// The named tables under `key`, each read by `read`.
fn tables<T>(
    root: &mut Table,
    key: &str,
    findings: &mut Findings<'_>,
    read: fn(At<String>, Table, &mut Findings<'_>) -> T,
) -> Vec<T> {
    let entries = named(root.table(key, findings));
    let mut tables = Vec::with_capacity(entries.len());
    for (name, node) in entries {
        if let Some(table) = Table::from_node(node, &name.value, findings) {
            tables.push(read(name, table, findings));
        }
    }
    tables
}

pub(super) fn named(table: Option<Table>) -> Vec<(At<String>, At<Node>)> {
    table.map_or_else(Vec::new, |table| table.entries().collect())
}
