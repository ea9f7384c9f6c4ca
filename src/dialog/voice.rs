//! Finds the words: picks a variant, fills it in, and never says the same prompt twice in a row.
//!
//! ```text
//! [Line::Prompt(Confirm, values), Line::Text(answer), …] ─► Voice::say ─► Prompt { text, barge_in }
//! ```

use std::sync::Arc;

use crate::dialog::dialplan::{Plan, PromptKind, Slot};
use crate::dialog::{BargeIn, Prompt};
use crate::units::Lang;

/// One sentence or more of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// One of the plan's prompts.
    Prompt(PromptKind, Vec<(Slot, String)>),
    /// A text as it stands.
    Text(String),
}

impl Line {
    /// A prompt without placeholders.
    pub(super) fn plain(kind: PromptKind) -> Self {
        Self::Prompt(kind, Vec::new())
    }

    /// A prompt with one placeholder.
    pub(super) fn with(kind: PromptKind, slot: Slot, value: String) -> Self {
        Self::Prompt(kind, vec![(slot, value)])
    }
}

/// The hotline's memory of its own words.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    plan: Arc<Plan>,
    random: fastrand::Rng,
    /// Which variant of each kind was said last.
    last_variant: Vec<Option<usize>>,
    last_text: String,
}

impl Voice {
    pub(super) fn new(plan: Arc<Plan>, seed: u64) -> Self {
        let last_variant = vec![None; PromptKind::ALL.len()];
        Self { plan, random: fastrand::Rng::with_seed(seed), last_variant, last_text: String::new() }
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

    fn compose(&mut self, lines: &[Line]) -> Prompt {
        let mut prompt = Prompt::default();
        for line in lines {
            let text = match line {
                Line::Text(text) => text.clone(),
                Line::Prompt(kind, values) => {
                    if self.plan.prompts.of(*kind).barge_in == BargeIn::Never {
                        prompt.barge_in = BargeIn::Never;
                    }
                    self.variant(*kind, values)
                }
            };
            if !prompt.text.is_empty() && !text.is_empty() && self.plan.lang == Lang::En {
                prompt.text.push(' ');
            }
            prompt.text.push_str(&text);
        }
        prompt
    }

    /// Any variant but the last one that was said.
    fn variant(&mut self, kind: PromptKind, values: &[(Slot, String)]) -> String {
        let variants = &self.plan.prompts.of(kind).variants;
        let last = &mut self.last_variant[kind as usize];
        let at = match *last {
            None => self.random.usize(..variants.len()),
            Some(last) => (last + 1 + self.random.usize(..variants.len() - 1)) % variants.len(),
        };
        *last = Some(at);
        // A plan that exists has no prompt with a placeholder that its kind does not fill.
        variants[at].fill(values).unwrap_or_else(|| variants[at].fixed())
    }
}
