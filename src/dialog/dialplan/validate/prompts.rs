//! Prompts: every occasion has at least two variants, with the placeholders that its question needs.

use super::duration;
use super::steps::barge_in_of;
use crate::dialog::BargeIn;
use crate::dialog::dialplan::prompt::BadTemplate;
use crate::dialog::dialplan::yaml::{At, Findings, unknown};
use crate::dialog::dialplan::{Placeholder, PromptKind, PromptPlan, Prompts, Template, raw};
use crate::units::Lang;

pub(super) fn prompts(raw: &raw::Hotline, lang: Option<Lang>, findings: &mut Findings<'_>) -> Option<Prompts> {
    let names = || PromptKind::ALL.iter().map(|kind| kind.name());
    for prompt in &raw.prompts {
        if !names().any(|name| name == prompt.kind.value) {
            unknown("prompt", &prompt.kind, names(), findings);
        }
    }
    let mut plans = Vec::with_capacity(PromptKind::ALL.len());
    let mut missing = Vec::new();
    for &kind in PromptKind::ALL {
        match raw.prompts.iter().find(|prompt| prompt.kind.value == kind.name()) {
            Some(written) => plans.extend(prompt(kind, written, findings)),
            None if kind.is_optional() || !kind.usual(lang.unwrap_or_default()).is_empty() => {
                let variants =
                    kind.usual(lang.unwrap_or_default()).iter().filter_map(|text| Template::parse(text).ok());
                plans.push(PromptPlan { variants: variants.collect(), barge_in: BargeIn::Allowed, no_input: None });
            }
            None => missing.push(format!("`{}`", kind.name())),
        }
    }
    if !missing.is_empty() {
        let message = format!("these prompts are missing: {}", missing.join(", "));
        findings.error(raw.prompts_at, message, "add them, each with at least two variants");
    }
    (plans.len() == PromptKind::ALL.len()).then_some(Prompts(plans))
}

fn prompt(kind: PromptKind, raw: &raw::Prompt, findings: &mut Findings<'_>) -> Option<PromptPlan> {
    let barge_in = barge_in_of(raw.barge_in.as_ref(), findings);
    let no_input = raw.no_input.as_ref().and_then(|text| duration(text, findings));
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
    if raw.variants.is_empty() || raw.variants.len() < kind.least_variants() {
        let message = format!("the prompt `{}` has fewer than two variants", kind.name());
        findings.error(raw.kind.place, message, "add one, so that nobody hears the same words twice in a row");
    }
    (variants.len() >= kind.least_variants()).then_some(PromptPlan { variants, barge_in, no_input })
}

pub(super) fn template(written: &At<String>, allowed: &[Placeholder], findings: &mut Findings<'_>) -> Option<Template> {
    if written.value.is_empty() {
        findings.error(written.place, "there is nothing to say", "write a sentence");
        return None;
    }
    let braced = |slot: &Placeholder| format!("{{{}}}", slot.name());
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
