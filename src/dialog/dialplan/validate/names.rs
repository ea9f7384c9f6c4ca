//! Names of slots, actions, sub-dialogs and queues, and whether anything uses them.

use super::resolve;
use crate::dialog::dialplan::yaml::{At, Findings};
use crate::dialog::dialplan::{DialogId, Fact, Name, SlotId, raw};

/// Everything that has a name, with whether it is used.
#[derive(Default)]
pub(super) struct Names {
    slots: Vec<(At<String>, bool)>,
    actions: Vec<(At<String>, bool)>,
    dialogs: Vec<(At<String>, bool)>,
    queues: Vec<(At<String>, bool)>,
    /// Values that each action brings.
    fields: Vec<Vec<String>>,
    /// Header fields of the INVITE, in lower case.
    headers: Vec<String>,
}

impl Names {
    pub(super) fn of(hotline: Option<&raw::Hotline>) -> Self {
        let Some(hotline) = hotline else { return Self::default() };
        let default = hotline.default_queue.as_ref().map(|name| name.value.as_str());
        let nobody_free = hotline.nobody_free.as_ref().map(|name| name.value.as_str());
        let is = |used: Option<&str>, name: &At<String>| used == Some(name.value.as_str());
        let dialog =
            |dialog: &raw::Sub| (dialog.name.clone(), is(nobody_free, &dialog.name) || !dialog.starts.is_empty());
        Self {
            slots: hotline.slots.iter().map(|slot| (slot.name.clone(), false)).collect(),
            actions: hotline.actions.iter().map(|action| (action.name.clone(), false)).collect(),
            dialogs: hotline.dialogs.iter().map(dialog).collect(),
            queues: hotline.queues.iter().map(|queue| (queue.name.clone(), is(default, &queue.name))).collect(),
            fields: hotline
                .actions
                .iter()
                .map(|action| action.returns.iter().map(|(field, _)| field.value.clone()).collect())
                .collect(),
            headers: hotline.headers.iter().map(|name| name.value.to_ascii_lowercase()).collect(),
        }
    }

    /// What `name` stands for in conditions and texts.
    pub(super) fn resolve(&self, name: &str) -> Option<Name> {
        if let Some(fact) = Fact::ALL.iter().find(|fact| fact.name() == name) {
            return Some(Name::Fact(*fact));
        }
        if let Some(at) = self.slots.iter().position(|(slot, _)| slot.value == name) {
            return Some(Name::Slot(SlotId(at)));
        }
        let (action, field) = name.split_once('.')?;
        if action == "header" {
            return self.headers.iter().position(|known| known == field).map(Name::Header);
        }
        let at = self.actions.iter().position(|(known, _)| known.value == action)?;
        let field = self.fields[at].iter().position(|known| known == field)?;
        Some(Name::Result(at, field))
    }

    /// How `name` is spelt.
    pub(super) fn spell(&self, name: Name) -> String {
        match name {
            Name::Fact(fact) => fact.name().to_owned(),
            Name::Slot(slot) => self.slots[slot.0].0.value.clone(),
            Name::Result(action, field) => format!("{}.{}", self.actions[action].0.value, self.fields[action][field]),
            Name::Header(at) => format!("header.{}", self.headers[at]),
        }
    }

    pub(super) fn slot(&mut self, name: &At<String>, findings: &mut Findings<'_>) -> Option<SlotId> {
        used("slot", name, &mut self.slots, findings).map(SlotId)
    }

    pub(super) fn action(&mut self, name: &At<String>, findings: &mut Findings<'_>) -> Option<usize> {
        used("action", name, &mut self.actions, findings)
    }

    pub(super) fn dialog(&mut self, name: &At<String>, findings: &mut Findings<'_>) -> Option<DialogId> {
        used("dialog", name, &mut self.dialogs, findings).map(DialogId)
    }

    pub(super) fn queue(&mut self, name: &At<String>, findings: &mut Findings<'_>) -> Option<usize> {
        used("queue", name, &mut self.queues, findings)
    }

    pub(super) fn report_unused(&self, findings: &mut Findings<'_>) {
        let all =
            [("slot", &self.slots), ("action", &self.actions), ("dialog", &self.dialogs), ("queue", &self.queues)];
        for (what, names) in all {
            for (name, _) in names.iter().filter(|(_, used)| !used) {
                let help = "name it in a scene, or remove it";
                findings.warning(name.place, format!("no scene uses the {what} `{}`", name.value), help);
            }
        }
    }

    /// Two things of one name, or one that hides a fact.
    pub(super) fn report_clashes(&self, findings: &mut Findings<'_>) {
        for (slot, _) in &self.slots {
            if Fact::ALL.iter().any(|fact| fact.name() == slot.value) {
                let help = "give the slot another name: this one is known of every call";
                findings.error(slot.place, format!("`{}` is the name of a fact", slot.value), help);
            }
        }
    }
}

fn used(what: &str, name: &At<String>, names: &mut [(At<String>, bool)], findings: &mut Findings<'_>) -> Option<usize> {
    let found = resolve(what, name, names.iter().map(|(name, _)| name.value.as_str()), findings)?;
    names[found].1 = true;
    Some(found)
}
