//! Finds the words: picks a variant, fills it in, and never says the same prompt twice in a row.
//!
//! ```text
//! [Line::Prompt(Confirm, values), Line::Text(answer), …] ─► Voice::say ─► Prompt { text, barge_in }
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use super::machine::Program;
use crate::dialog::dialplan::{Placeholder, Plan, PromptKind, SlotId};
use crate::dialog::{BargeIn, Prompt};
use crate::units::Lang;

/// One sentence or more of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// One of the plan's prompts.
    Prompt(PromptKind, Vec<(Placeholder, String)>),
    /// A text as it stands.
    Text(String),
    /// One of a few texts that the dialplan has beside its prompts.
    OneOf { of: Source, texts: Vec<String>, barge_in: BargeIn },
}

/// What has several ways to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A prompt.
    Prompt(PromptKind),
    /// The question for a slot.
    Slot(SlotId),
    /// A step: of a problem or of a sub-dialog, by its place.
    Step(Program, usize),
}

impl Line {
    /// A prompt without placeholders.
    pub(super) fn plain(kind: PromptKind) -> Self {
        Self::Prompt(kind, Vec::new())
    }

    /// A prompt with one placeholder.
    pub(super) fn with(kind: PromptKind, slot: Placeholder, value: String) -> Self {
        Self::Prompt(kind, vec![(slot, value)])
    }
}

/// The hotline's memory of its own words.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    plan: Arc<Plan>,
    random: fastrand::Rng,
    /// Which variant was said last.
    last_variant: HashMap<Source, usize>,
    last_text: String,
}

impl Voice {
    pub(super) fn new(plan: Arc<Plan>, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { plan, random, last_variant: HashMap::new(), last_text: String::new() }
    }

    /// Says `lines` one after the other; nothing for no lines.
    pub(super) fn say(&mut self, lines: &[Line]) -> Prompt {
        let mut prompt = Prompt::default();
        // Every kind takes another variant than last time, so a repetition takes two kinds that share a text.
        for _ in 0..4 {
            prompt = self.compose(lines);
            if prompt.text != self.last_text || prompt.text.is_empty() {
                break;
            }
        }
        if !prompt.text.is_empty() {
            self.last_text.clone_from(&prompt.text);
        }
        prompt
    }

    /// A few words beside the turns.
    pub(super) fn aside(&mut self, kind: PromptKind) -> String {
        self.variant(kind, &[])
    }

    fn compose(&mut self, lines: &[Line]) -> Prompt {
        let mut prompt = Prompt::default();
        for line in lines {
            let (text, barge_in) = match line {
                Line::Text(text) => (text.clone(), BargeIn::Allowed),
                Line::Prompt(kind, values) => (self.variant(*kind, values), self.plan.prompts.of(*kind).barge_in),
                Line::OneOf { of, texts, barge_in } => {
                    let at = self.pick(*of, texts.len());
                    (texts.get(at).cloned().unwrap_or_default(), *barge_in)
                }
            };
            prompt.add(&text, barge_in, self.plan.lang == Lang::En);
        }
        prompt
    }

    fn variant(&mut self, kind: PromptKind, values: &[(Placeholder, String)]) -> String {
        let at = self.pick(Source::Prompt(kind), self.plan.prompts.of(kind).variants.len());
        let variant = &self.plan.prompts.of(kind).variants[at];
        // A plan that exists has no prompt with a placeholder that its kind does not fill.
        variant.fill(values).unwrap_or_else(|| variant.fixed())
    }

    /// Any of `count` variants but the last one that was said.
    fn pick(&mut self, of: Source, count: usize) -> usize {
        let at = match self.last_variant.get(&of) {
            Some(last) if count > 1 => (last + 1 + self.random.usize(..count - 1)) % count,
            _ => self.random.usize(..count.max(1)),
        };
        self.last_variant.insert(of, at);
        at
    }
}
