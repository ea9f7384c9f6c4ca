//! Actions and queues: kinds with what each needs.

use std::time::Duration;

use super::names::Names;
use super::{duration, resolve, steps};
use crate::dialog::dialplan::yaml::{At, Findings, unknown};
use crate::dialog::dialplan::{Action, ActionKind, Handover, Method, Queue, SlotId, SlotKind, SlotPlan, Wording, raw};

/// Kinds by name.
const KINDS: &[&str] = &["log", "sms", "http", "sql", "appointment", "identity"];

/// `None` when something that is needed is missing; then there is a finding.
pub(super) fn action(
    raw: &raw::Action,
    slots: &[SlotPlan],
    names: &mut Names,
    findings: &mut Findings<'_>,
) -> Option<Action> {
    let kind = raw.kind.as_ref()?;
    let mut parts = Parts { raw, slots, names, findings };
    let kind = match kind.value.as_str() {
        "log" => ActionKind::Log,
        "sms" => {
            let (url, text) = (parts.text("url", &raw.url), parts.text("text", &raw.text));
            ActionKind::Sms { url: url?, text: text? }
        }
        "http" => {
            let method = parts.method();
            ActionKind::Http { url: parts.text("url", &raw.url)?, method }
        }
        "sql" => ActionKind::Sql { query: parts.query()? },
        "appointment" => {
            let phone = parts.text("phone", &raw.phone);
            let day = parts.slot("day", &raw.day, |kind| matches!(kind, SlotKind::Date { .. }));
            let time = parts.slot("time", &raw.time, |kind| matches!(kind, SlotKind::Time(_)));
            ActionKind::Appointment { phone: phone?, day: day?, time: time? }
        }
        "identity" => {
            let number = parts.slot("number", &raw.number, |kind| matches!(kind, SlotKind::Digits(_)));
            ActionKind::Identity { number: number? }
        }
        _ => {
            unknown("kind of action", kind, KINDS.iter().copied(), findings);
            return None;
        }
    };
    if !raw.returns.is_empty() && !matches!(kind, ActionKind::Http { .. } | ActionKind::Sql { .. }) {
        let help = "only `kind: http` and `kind: sql` bring values: remove it";
        findings.error(raw.name.place, format!("the action `{}` returns nothing", raw.name.value), help);
    }
    if matches!(kind, ActionKind::Http { .. })
        && let Some((_, pointer)) = raw.returns.iter().find(|(_, pointer)| !pointer.value.starts_with('/'))
    {
        let help = "write where it stands in the JSON answer, as in `/order/status`";
        findings.error(pointer.place, format!("`{}` is no JSON pointer", pointer.value), help);
    }
    let returns = raw.returns.iter().map(|(name, place)| (name.value.clone(), place.value.clone())).collect();
    Some(Action { name: raw.name.value.clone(), kind, returns })
}

struct Parts<'a, 'f, 'd> {
    raw: &'a raw::Action,
    slots: &'a [SlotPlan],
    names: &'a mut Names,
    findings: &'f mut Findings<'d>,
}

impl Parts<'_, '_, '_> {
    fn there<'p>(&mut self, key: &str, part: &'p Option<At<String>>) -> Option<&'p At<String>> {
        if part.is_none() {
            let kind = self.raw.kind.as_ref().map_or("", |kind| kind.value.as_str());
            let help = format!("write `{key}:` beside `kind: {kind}`");
            let message = format!("the action `{}` has no {key}", self.raw.name.value);
            self.findings.error(self.raw.name.place, message, help);
        }
        part.as_ref()
    }

    fn text(&mut self, key: &str, part: &Option<At<String>>) -> Option<Wording> {
        let written = self.there(key, part)?;
        steps::wording(written, self.names, self.findings)
    }

    fn slot(&mut self, key: &str, part: &Option<At<String>>, fits: fn(&SlotKind) -> bool) -> Option<SlotId> {
        let written = self.there(key, part)?;
        let slot = self.names.slot(written, self.findings)?;
        if self.slots.iter().any(|slot| slot.name == written.value && !fits(&slot.kind)) {
            let message = format!("the slot `{}` is of another type than `{key}`", written.value);
            self.findings.error(written.place, message, "name a slot of the right type");
        }
        Some(slot)
    }

    fn method(&mut self) -> Method {
        match self.raw.method.as_ref().map(|written| (written.value.as_str(), written)) {
            Some(("get", _)) => Method::Get,
            None | Some(("post", _)) => Method::Post,
            Some((_, written)) => {
                unknown("method", written, ["get", "post"].into_iter(), self.findings);
                Method::Post
            }
        }
    }

    /// One SELECT and nothing else.
    fn query(&mut self) -> Option<Wording> {
        let written = self.there("query", &self.raw.query)?;
        let text = written.value.trim_end_matches(';');
        let reads = text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
        if !reads || text.contains(';') {
            let help = "write one SELECT: the store is only read";
            self.findings.error(written.place, "the query is not one SELECT", help);
        }
        if text.contains(['\'', '"']) && text.contains("'{") {
            let help = "write {name} without quotes: values are bound, not pasted in";
            self.findings.error(written.place, "a value stands in quotes", help);
        }
        if self.raw.returns.is_empty() {
            let help = "name the columns under `returns:`, as in `status: status`";
            self.findings.error(
                self.raw.name.place,
                format!("the action `{}` returns nothing", self.raw.name.value),
                help,
            );
        }
        steps::wording(written, self.names, self.findings)
    }
}

pub(super) fn queue(raw: &raw::Queue, findings: &mut Findings<'_>) -> Option<Queue> {
    let target = raw.target.as_ref()?;
    let host = target.value.strip_prefix("sip:").or_else(|| target.value.strip_prefix("sips:"));
    if !host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace)) {
        let help = "write it as in `sip:agents@10.0.0.5`";
        findings.error(target.place, format!("`{}` is no SIP URI", target.value), help);
    }
    let method = raw.method.as_ref()?;
    let handover = match resolve("method", method, ["refer", "bridge", "consult"].into_iter(), findings)? {
        0 => Handover::Refer,
        1 => Handover::Bridge,
        _ => Handover::Consult,
    };
    let timeout = raw.timeout.as_ref().and_then(|text| duration(text, findings)).unwrap_or(Duration::from_secs(20));
    Some(Queue { name: raw.name.value.clone(), target: target.value.clone(), method: handover, timeout })
}
