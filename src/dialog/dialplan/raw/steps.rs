//! Slots, steps and sub-dialogs as written.

use super::{named, span};
use crate::diag::Place;
use crate::dialog::dialplan::yaml::{At, Findings, Node, Table};

/// Something to ask for.
pub(in crate::dialog::dialplan) struct Slot {
    pub(in crate::dialog::dialplan) name: At<String>,
    pub(in crate::dialog::dialplan) kind: Option<At<String>>,
    pub(in crate::dialog::dialplan) length: Option<At<String>>,
    pub(in crate::dialog::dialplan) hours: Option<At<String>>,
    pub(in crate::dialog::dialplan) when: Option<At<String>>,
    pub(in crate::dialog::dialplan) options: Vec<(At<String>, At<String>)>,
    pub(in crate::dialog::dialplan) ask: Vec<At<String>>,
    pub(in crate::dialog::dialplan) read_back: Option<At<String>>,
    pub(in crate::dialog::dialplan) known: Option<At<String>>,
    pub(in crate::dialog::dialplan) no_input: Option<At<String>>,
}

/// A sub-dialog.
pub(in crate::dialog::dialplan) struct Sub {
    pub(in crate::dialog::dialplan) name: At<String>,
    pub(in crate::dialog::dialplan) spoken: Option<At<String>>,
    pub(in crate::dialog::dialplan) starts: Vec<At<String>>,
    pub(in crate::dialog::dialplan) steps: Vec<Step>,
}

/// One step.
pub(in crate::dialog::dialplan) struct Step {
    pub(in crate::dialog::dialplan) at: Place,
    pub(in crate::dialog::dialplan) deed: Deed,
}

/// What a step does.
pub(in crate::dialog::dialplan) enum Deed {
    Say { variants: Vec<At<String>>, barge_in: Option<At<String>> },
    Ask(At<String>),
    Do { action: At<String>, failed: Option<Vec<Step>> },
    Dialog { dialog: At<String>, failed: Option<Vec<Step>> },
    If { condition: At<String>, then: Vec<Step>, otherwise: Vec<Step> },
    Transfer(At<String>),
    End(At<String>),
}

/// What a step begins with.
const DEEDS: &[&str] = &["say", "ask", "do", "dialog", "if", "transfer", "end"];

pub(super) fn slot(name: At<String>, mut table: Table, findings: &mut Findings<'_>) -> Slot {
    let kinds = "write `type: digits`, `amount`, `number`, `date`, `time`, `yes_no`, `choice` or `words`";
    let options = named(table.table("options", findings)).into_iter().filter_map(|(name, node)| match node.value {
        Node::Text(value) => Some((name, At { value, place: node.place })),
        _ => {
            let help = "write it as callers would say it, as in `stolen: it was stolen`";
            findings.error(node.place, format!("the option `{}` is not a text", name.value), help);
            None
        }
    });
    let options = options.collect();
    let length = length(&mut table, findings);
    let slot = Slot {
        kind: table.needed_text("type", kinds, findings),
        length,
        hours: table.text("hours", findings),
        when: table.text("when", findings),
        options,
        ask: table.texts("ask", findings),
        read_back: table.text("read_back", findings),
        known: table.text("known", findings),
        no_input: span(&mut table, "no_input", findings),
        name,
    };
    let known = ["type", "length", "hours", "when", "options", "ask", "read_back", "known", "no_input"];
    table.finish(&known, findings);
    slot
}

/// `length: 4` or `length: 7-13`.
fn length(table: &mut Table, findings: &mut Findings<'_>) -> Option<At<String>> {
    let node = table.take("length")?;
    match node.value {
        Node::Text(value) => Some(At { value, place: node.place }),
        Node::Number(number) => Some(At { value: number.to_string(), place: node.place }),
        _ => {
            findings.error(node.place, "`length` is no number of digits", "write it as in `4` or `7-13`");
            None
        }
    }
}

pub(super) fn sub_dialog(name: At<String>, mut table: Table, findings: &mut Findings<'_>) -> Sub {
    let sub = Sub {
        spoken: table.needed_text("name", "write what fits into \"Back to …\"", findings),
        starts: table.texts("starts", findings),
        steps: steps(&mut table, "steps", findings),
        name,
    };
    if sub.steps.is_empty() {
        findings.error(
            sub.name.place,
            format!("the dialog `{}` has no steps", sub.name.value),
            "list them under `steps:`",
        );
    }
    table.finish(&["name", "starts", "steps"], findings);
    sub
}

/// The steps listed under `key`.
pub(super) fn steps(table: &mut Table, key: &str, findings: &mut Findings<'_>) -> Vec<Step> {
    table.tables(key, findings).into_iter().filter_map(|table| step(table, findings)).collect()
}

fn step(mut table: Table, findings: &mut Findings<'_>) -> Option<Step> {
    let at = table.place;
    let Some(deed) = DEEDS.iter().find(|deed| table.has(deed)) else {
        let help = format!("begin it with one of: {}", DEEDS.join(", "));
        findings.error(at, "a step that does nothing", help);
        return None;
    };
    let (deed, keys): (Deed, &[&str]) = match *deed {
        "say" => {
            let variants = table.texts("say", findings);
            (Deed::Say { variants, barge_in: table.text("barge_in", findings) }, &["say", "barge_in"])
        }
        "ask" => (Deed::Ask(table.text("ask", findings)?), &["ask"]),
        "do" => {
            let action = table.text("do", findings)?;
            (Deed::Do { action, failed: fallback(&mut table, findings) }, &["do", "failed"])
        }
        "dialog" => {
            let dialog = table.text("dialog", findings)?;
            (Deed::Dialog { dialog, failed: fallback(&mut table, findings) }, &["dialog", "failed"])
        }
        "if" => {
            let condition = table.text("if", findings)?;
            let then = steps(&mut table, "then", findings);
            let otherwise = steps(&mut table, "else", findings);
            (Deed::If { condition, then, otherwise }, &["if", "then", "else"])
        }
        "transfer" => (Deed::Transfer(table.text("transfer", findings)?), &["transfer"]),
        _ => (Deed::End(table.text("end", findings)?), &["end"]),
    };
    table.finish(keys, findings);
    Some(Step { at, deed })
}

fn fallback(table: &mut Table, findings: &mut Findings<'_>) -> Option<Vec<Step>> {
    table.has("failed").then(|| steps(table, "failed", findings))
}
