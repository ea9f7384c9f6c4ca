//! What a caller notices, in figures, and how it is shown.
//!
//! *Response*: end of the caller's last audible frame → first audible frame of the answer. *Barge-in stop*: caller's first
//! audible frame → last audible frame of the prompt. All from what went over the line, in frames of 20 ms.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

/// Pause that splits the server's audio into two stretches \[frames\]: 400 ms.
const STRETCH_GAP: usize = 20;
/// How long a prompt may go on after an interruption before it counts as talked through \[frames\]: 300 ms.
const TALKED_THROUGH: u64 = 15;

/// How the caller spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Kind {
    /// In turn.
    Say,
    /// Into a prompt.
    Barge,
}

/// Something that the caller said, by its audible frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Spoken {
    pub(in crate::commands) kind: Kind,
    pub(in crate::commands) name: String,
    pub(in crate::commands) on: u64,
    pub(in crate::commands) off: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) frame: u64,
    pub(super) event: String,
}

/// What became of the packets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Traffic {
    pub(super) received: u64,
    pub(super) lost: u64,
    /// Times between packets \[ms\].
    pub(super) gaps: Vec<f64>,
}

/// A whole call.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) answered: bool,
    pub(super) error: Option<String>,
    /// INVITE to 200.
    pub(super) setup: Option<Duration>,
    /// Length of the call \[frames\].
    pub(super) frames: u64,
    pub(super) referred_to: Option<u16>,
    pub(super) traffic: Traffic,
    pub(super) spoken: Vec<Spoken>,
    /// Whether the server could be heard, by frame.
    pub(super) audible: Vec<bool>,
    pub(super) events: Vec<Occurrence>,
}

/// First and last audible frame of each stretch of the server's audio.
pub(in crate::commands) fn stretches(audible: &[bool]) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for (frame, _) in audible.iter().enumerate().filter(|(_, audible)| **audible) {
        let frame = frame as u64;
        match found.last_mut() {
            Some((_, last)) if frame - *last <= STRETCH_GAP as u64 => *last = frame,
            _ => found.push((frame, frame)),
        }
    }
    found
}

impl Spoken {
    /// Time to the answer \[ms\], negative where the server began before the caller had ended.
    pub(in crate::commands) fn response_ms(&self, server: &[(u64, u64)]) -> Option<i64> {
        let answers = |&&(from, to): &&(u64, u64)| from > self.off || (self.off < to && from > self.on);
        let (from, _) = server.iter().find(answers).filter(|_| self.kind == Kind::Say)?;
        Some((*from as i64 - self.off as i64) * 20)
    }

    /// The prompt that was spoken into.
    fn interrupted<'a>(&self, server: &'a [(u64, u64)]) -> Option<&'a (u64, u64)> {
        server.iter().find(|(from, to)| *from <= self.on && self.on <= *to).filter(|_| self.kind == Kind::Barge)
    }

    fn json(&self, server: &[(u64, u64)]) -> Value {
        let prompt = self.interrupted(server);
        json!({
            "kind": match self.kind { Kind::Say => "say", Kind::Barge => "barge" },
            "file": self.name,
            "on": seconds(self.on),
            "off": seconds(self.off),
            "response_ms": self.response_ms(server),
            "barge_in_ms": prompt.map(|(_, to)| (to - self.on) * 20),
            "talked_through": (self.kind == Kind::Barge).then(|| prompt.is_some_and(|(_, to)| *to > self.off + TALKED_THROUGH)),
        })
    }
}

impl Report {
    /// For machines; the same fields as `sipcall.py` prints.
    pub(super) fn json(&self) -> Value {
        let server = stretches(&self.audible);
        let mut gaps = self.traffic.gaps.clone();
        gaps.sort_by(f64::total_cmp);
        let pick = |q: f64| {
            gaps.get(((gaps.len() as f64 * q) as usize).min(gaps.len().saturating_sub(1))).map(|ms| tenths(*ms))
        };
        json!({
            "answered": self.answered,
            "error": self.error,
            "seconds": seconds(self.frames),
            "referred": self.referred_to,
            "setup_ms": self.setup.map(|setup| tenths(setup.as_secs_f64() * 1e3)),
            "rtp": {
                "received": self.traffic.received,
                "lost": self.traffic.lost,
                "gap_ms_p50": pick(0.5),
                "gap_ms_p99": pick(0.99),
                "gap_ms_max": pick(1.0),
            },
            "speech": self.spoken.iter().map(|spoken| spoken.json(&server)).collect::<Vec<_>>(),
            "server_audio": server.iter().map(|(from, to)| json!([seconds(*from), seconds(to + 1)])).collect::<Vec<_>>(),
            "events": self.events.iter().map(|event| json!({"t": seconds(event.frame), "event": event.event})).collect::<Vec<_>>(),
        })
    }

    /// For people: who speaks when, one line each, then the figures.
    pub(super) fn table(&self) -> String {
        let server = stretches(&self.audible);
        let mut lines: Vec<(u64, String)> = server
            .iter()
            .map(|(from, to)| (*from, format!("{:7.2} {:7.2}  server speaks", seconds(*from), seconds(to + 1))))
            .collect();
        for spoken in &self.spoken {
            let mut line =
                format!("{:7.2} {:7.2}  caller: {}", seconds(spoken.on), seconds(spoken.off + 1), spoken.name);
            if let Some(response) = spoken.response_ms(&server) {
                let _ = write!(line, "  (answered after {response} ms)");
            }
            if let Some((_, to)) = spoken.interrupted(&server) {
                let _ = write!(line, "  (server silent after {} ms)", (to - spoken.on) * 20);
            }
            lines.push((spoken.on, line));
        }
        let spoke = |event: &Occurrence| event.event.starts_with("say:") || event.event.starts_with("text:");
        for event in self.events.iter().filter(|event| !spoke(event)) {
            lines.push((event.frame, format!("{:7.2}          {}", seconds(event.frame), event.event)));
        }
        lines.sort_by_key(|(frame, _)| *frame);
        let mut text = String::from("   from      to\n");
        for (_, line) in lines {
            let _ = writeln!(text, "{line}");
        }
        let setup = self
            .setup
            .map_or("not answered".to_owned(), |setup| format!("answered after {:.0} ms", setup.as_secs_f64() * 1e3));
        let _ = write!(
            text,
            "{setup}, {:.1} s, {} packets received, {} lost",
            seconds(self.frames),
            self.traffic.received,
            self.traffic.lost
        );
        text
    }
}

fn seconds(frames: u64) -> f64 {
    (frames * 2) as f64 / 100.0
}

fn tenths(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audible(ranges: &[std::ops::Range<usize>]) -> Vec<bool> {
        (0..300).map(|frame| ranges.iter().any(|range| range.contains(&frame))).collect()
    }

    #[test]
    fn response_and_barge_in_are_counted_from_audible_frames() {
        let report = Report {
            audible: audible(&[0..50, 55..80, 130..200]),
            spoken: vec![
                Spoken { kind: Kind::Barge, name: "a".into(), on: 60, off: 100 },
                Spoken { kind: Kind::Say, name: "b".into(), on: 105, off: 110 },
            ],
            ..Report::default()
        };
        let json = report.json();
        assert_eq!(json["server_audio"], json!([[0.0, 1.6], [2.6, 4.0]]));
        assert_eq!(json["speech"][0]["barge_in_ms"], 380);
        assert_eq!(json["speech"][0]["talked_through"], false);
        assert_eq!(json["speech"][1]["response_ms"], 400);
        assert!(report.table().contains("server silent after 380 ms"));
    }
}
