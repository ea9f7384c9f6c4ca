//! The evidence in a few words, for call records, the live page and the human who takes over.

use super::signals::{Signal, Source};

/// Said when the caller read the help page of the guessed main scene.
pub(super) const HELP_PAGE: &str = "read its help page just before";

/// "card payment declined 2 hours ago".
pub(super) fn explain(signal: Option<&Signal<'_>>) -> String {
    let Some(signal) = signal else { return "often asked".to_owned() };
    let what = match signal.source {
        Source::Order(order) => format!("{} {}", words(&order.kind), words(&order.status)),
        Source::Event(event) => words(&event.kind),
        Source::Call(call) if call.resolved => "called about it".to_owned(),
        Source::Call(_) => "called about it, unsolved,".to_owned(),
    };
    format!("{what} {}", ago(signal.hours))
}

fn words(id: &str) -> String {
    id.replace('_', " ")
}

/// "5 minutes ago", "1 hour ago", "3 days ago".
fn ago(hours: f64) -> String {
    let (count, unit) = match hours {
        h if h < 1.0 => ((h * 60.0).round().max(1.0), "minute"),
        h if h < 36.0 => (h.round(), "hour"),
        h => ((h / 24.0).round(), "day"),
    };
    let plural = if count == 1.0 { "" } else { "s" };
    format!("{count:.0} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::CallerFacts;
    use crate::identify::signals::signals;
    use crate::identify::testing::{at, call, event, order};

    #[test]
    fn reasons_read_as_a_person_would_say_them() {
        let facts = CallerFacts {
            orders: vec![order("T1", "card_payment/declined", "2026-05-03T10:00:00")],
            events: vec![event("card_delivered", "", "2026-05-03T11:53:00")],
            calls: vec![call("pin_blocked", None, "2026-05-01T12:00:00")],
            ..CallerFacts::default()
        };
        let told: Vec<String> = signals(&facts, "M1", at("2026-05-03T12:00:00"), "CNY")
            .iter()
            .map(|signal| explain(Some(signal)))
            .collect();
        assert_eq!(
            told,
            ["card payment declined 2 hours ago", "card delivered 7 minutes ago", "called about it 2 days ago"]
        );
        assert_eq!(explain(None), "often asked");
    }
}
