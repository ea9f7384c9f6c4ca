//! What the cases add up to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::case::{Case, Expect};
use super::play::{Played, What};
use crate::audio::FRAME_MS;
use crate::turn::Aside;

/// How one case went.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    kind: String,
    expect: Expect,
    /// More than one span: there is a pause in which the turn may be taken too early.
    has_pause: bool,
    /// What was wrong, if anything.
    pub(super) fault: Option<Fault>,
    /// From the caller's last sound to the first of ours, …
    response_ms: Option<u64>,
    /// … and to the answer, where an "mm-hm" comes first.
    answer_ms: Option<u64>,
    /// An "mm-hm" was said in a pause.
    was_nodded_at: bool,
    duck_ms: Option<u64>,
    stop_ms: Option<u64>,
    /// The prompt was paused, whatever came of it.
    was_paused: bool,
    /// Every answer that came too early was taken back.
    was_taken_back: bool,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// The caller heard an answer before they had finished.
    CutOff,
    /// A prompt ended although nobody interrupted.
    FalseStop,
    /// A prompt went on over an interruption, or ended before it.
    MissedStop,
    /// No answer came.
    NoResponse,
}

impl Verdict {
    /// Judges `played` by what `case` expects.
    pub(super) fn new(case: &Case, played: &Played) -> Self {
        let spans: Vec<_> = case.spans().collect();
        let began = spans.first().map_or(case.starts_at_ms, |(from, _)| *from);
        let ended = spans.last().map_or(began, |(_, to)| *to);
        let mut verdict = Self {
            kind: case.kind().to_owned(),
            expect: case.expect,
            has_pause: spans.len() > 1,
            fault: None,
            response_ms: None,
            answer_ms: None,
            was_nodded_at: false,
            duck_ms: None,
            stop_ms: None,
            was_paused: played.first(&What::Hushed).is_some(),
            was_taken_back: false,
        };
        let answers = || played.happened.iter().filter(|(_, what)| *what == What::Answered).map(|(at, _)| *at);
        let early = answers().filter(|at| *at < ended).count();
        let was_cut_off = early > 0;
        // It is heard from the next frame on.
        let nods = || {
            let said = played.happened.iter().filter(|(_, what)| *what == What::Said(Aside::Listening));
            said.map(|(at, _)| *at + FRAME_MS)
        };
        verdict.was_nodded_at = nods().any(|at| at < ended);
        verdict.was_taken_back = played.happened.iter().filter(|(_, what)| *what == What::WentOn).count() >= early;
        let stopped = played.first(&What::Stopped);
        match case.expect {
            Expect::Stop => {
                let after = |at: &u64| *at >= began;
                let mut ducks = played.happened.iter().filter(|(_, what)| *what == What::Ducked).map(|(at, _)| *at);
                verdict.duck_ms = ducks.find(after).map(|at| at - began);
                // It may have been paused, or have paused by itself, before it was known to end.
                let heard_until = played.prompt.map_or(began, |(_, until)| until);
                verdict.stop_ms = stopped.filter(after).map(|at| at.min(heard_until).saturating_sub(began));
                verdict.fault = verdict.stop_ms.is_none().then_some(Fault::MissedStop);
            }
            Expect::Continue => verdict.fault = stopped.is_some().then_some(Fault::FalseStop),
            Expect::Respond if was_cut_off => verdict.fault = Some(Fault::CutOff),
            Expect::Respond => {
                let after = |at: &u64| *at >= ended;
                verdict.answer_ms = answers().find(after).map(|at| at - ended);
                let nodded = nods().find(after).map(|at| at - ended);
                verdict.response_ms = verdict.answer_ms.map(|answer| nodded.map_or(answer, |nod| nod.min(answer)));
                verdict.fault = verdict.answer_ms.is_none().then_some(Fault::NoResponse);
            }
            Expect::Wait => verdict.fault = was_cut_off.then_some(Fault::CutOff),
        }
        verdict
    }
}

/// The figures of a set of cases.
#[derive(Default)]
pub(super) struct Report {
    verdicts: Vec<Verdict>,
    failed: Vec<Value>,
    /// Work of echo canceller, voice detector and turn-taking, and the sound that it was for.
    cost: (Duration, Duration),
}

impl Report {
    /// Adds a case.
    pub(super) fn add(&mut self, case: &Case, played: &Played) {
        let verdict = Verdict::new(case, played);
        self.cost.0 += played.cost.0;
        self.cost.1 += played.cost.1;
        if let Some(fault) = verdict.fault {
            let happened: Vec<_> = played.happened.iter().map(|(at, what)| format!("{at} {what}")).collect();
            let spans: Vec<_> = case.spans().collect();
            let (prompt, text) = (played.prompt, &case.text);
            self.failed.push(json!({"id": case.id, "fault": fault, "speech": spans, "prompt": prompt, "text": text, "happened": happened}));
        }
        self.verdicts.push(verdict);
    }

    /// Response, answer, duck and stop times \[ms\], for plots.
    pub(super) fn times(&self) -> [(&'static str, Vec<u64>); 4] {
        let all = |time: fn(&Verdict) -> Option<u64>| self.verdicts.iter().filter_map(time).collect();
        [
            ("response", all(|v| v.response_ms)),
            ("answer", all(|v| v.answer_ms)),
            ("duck", all(|v| v.duck_ms)),
            ("stop", all(|v| v.stop_ms)),
        ]
    }

    /// The report as one JSON object.
    pub(super) fn to_json(&self) -> Value {
        let mut kinds: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
        for verdict in &self.verdicts {
            kinds.entry(&verdict.kind).or_default().push(verdict);
        }
        let mut report = figures(&self.verdicts.iter().collect::<Vec<_>>());
        report["kinds"] = kinds.into_iter().map(|(kind, verdicts)| (kind.to_owned(), figures(&verdicts))).collect();
        // As a share of one core, for each call.
        let heard = (!self.cost.1.is_zero()).then_some(self.cost.1);
        report["cost"] = json!(heard.map(|heard| self.cost.0.as_secs_f64() / heard.as_secs_f64()));
        report["failed"] = json!(self.failed);
        report
    }
}

fn figures(verdicts: &[&Verdict]) -> Value {
    let share = |of: &dyn Fn(&Verdict) -> bool, which: &dyn Fn(&Verdict) -> bool| {
        let group: Vec<_> = verdicts.iter().filter(|verdict| of(verdict)).collect();
        let counted = group.iter().filter(|verdict| which(verdict)).count();
        (!group.is_empty()).then(|| counted as f64 / group.len() as f64)
    };
    let rate = |of: &dyn Fn(&Verdict) -> bool, fault: Fault| share(of, &|verdict| verdict.fault == Some(fault));
    let times =
        |time: fn(&Verdict) -> Option<u64>| quantiles(verdicts.iter().filter_map(|verdict| time(verdict)).collect());
    let expects = |expect: Expect| move |verdict: &Verdict| verdict.expect == expect;
    let paused = |verdict: &Verdict| verdict.expect == Expect::Respond && verdict.has_pause;
    let whole = |verdict: &Verdict| verdict.expect == Expect::Respond && !verdict.has_pause;
    json!({
        "cases": verdicts.len(),
        "false_cutoff_rate": rate(&paused, Fault::CutOff),
        "lasting_cutoff_rate": share(&paused, &|verdict| verdict.fault == Some(Fault::CutOff) && !verdict.was_taken_back),
        "early_answer_rate": rate(&whole, Fault::CutOff),
        "wait_cutoff_rate": rate(&expects(Expect::Wait), Fault::CutOff),
        "false_stop_rate": rate(&expects(Expect::Continue), Fault::FalseStop),
        "false_pause_rate": share(&expects(Expect::Continue), &|verdict| verdict.was_paused),
        "missed_stop_rate": rate(&expects(Expect::Stop), Fault::MissedStop),
        "no_response_rate": rate(&expects(Expect::Respond), Fault::NoResponse),
        "nod_rate": share(&paused, &|verdict| verdict.was_nodded_at),
        "response_ms": times(|verdict| verdict.response_ms),
        "answer_ms": times(|verdict| verdict.answer_ms),
        "duck_ms": times(|verdict| verdict.duck_ms),
        "stop_ms": times(|verdict| verdict.stop_ms),
    })
}

/// Nearest-rank quantiles; `null` for none.
fn quantiles(mut times: Vec<u64>) -> Value {
    times.sort_unstable();
    let at = |q: f64| times.get(((times.len() as f64 * q).ceil() as usize).saturating_sub(1));
    if times.is_empty() { Value::Null } else { json!({"p50": at(0.5), "p90": at(0.9), "p95": at(0.95)}) }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ducked => "ducked",
            Self::Hushed => "paused",
            Self::Restored => "restored",
            Self::Stopped => "stopped",
            Self::PromptEnded => "prompt ended",
            Self::TurnEnded => "turn ended",
            Self::WentOn => "caller went on",
            Self::Answered => "answered",
            Self::Said(Aside::Listening) => "said \"mm-hm\"",
            Self::Said(Aside::TakeYourTime) => "said \"take your time\"",
            Self::Said(Aside::Thinking) => "said \"one moment\"",
            Self::Heard(text) => return write!(f, "heard \"{text}\""),
        })
    }
}

/// Columns of the table, and their places in the report.
const RATES: [(&str, &str); 8] = [
    ("cut off", "false_cutoff_rate"),
    ("for good", "lasting_cutoff_rate"),
    ("early", "early_answer_rate"),
    ("wait cut", "wait_cutoff_rate"),
    ("f. stop", "false_stop_rate"),
    ("f. pause", "false_pause_rate"),
    ("missed", "missed_stop_rate"),
    ("no resp.", "no_response_rate"),
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.to_json();
        let rate = |figures: &Value, key: &str| {
            figures[key].as_f64().map_or("–".into(), |rate| format!("{:.1} %", rate * 100.0))
        };
        let time = |figures: &Value, key: &str| match &figures[key] {
            Value::Null => "–".to_owned(),
            times => format!("{}/{}", times["p50"], times["p95"]),
        };
        write!(f, "{:14} {:>5}", "kind", "cases")?;
        for (name, _) in RATES {
            write!(f, " {name:>8}")?;
        }
        writeln!(f, " {:>11} {:>11} {:>11} {:>11}", "resp. ms", "answer ms", "duck ms", "stop ms")?;
        let kinds = report["kinds"].as_object().into_iter().flatten();
        let all = [("all", &report)];
        for (kind, figures) in kinds.map(|(kind, figures)| (kind.as_str(), figures)).chain(all) {
            write!(f, "{kind:14} {:>5}", figures["cases"])?;
            for (_, key) in RATES {
                write!(f, " {:>8}", rate(figures, key))?;
            }
            for key in ["response_ms", "answer_ms", "duck_ms", "stop_ms"] {
                write!(f, " {:>11}", time(figures, key))?;
            }
            writeln!(f)?;
        }
        if let Some(cost) = report["cost"].as_f64() {
            writeln!(
                f,
                "echo canceller, voice detector and turn-taking: {:.2} % of a core for each call",
                cost * 100.0
            )?;
        }
        for line in &self.failed {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(expect: &str, speech: &str) -> Case {
        let line = format!(
            r#"{{"id":"a-1","prompt":"p","ask":"open","caller_wav":"x","starts_at_ms":1000,"expect":"{expect}","speech":{speech}}}"#
        );
        serde_json::from_str(&line).unwrap()
    }

    fn judge(case: &Case, happened: Vec<(u64, What)>) -> Verdict {
        Verdict::new(case, &Played { happened, ..Played::default() })
    }

    #[test]
    fn an_answer_in_a_pause_cuts_the_caller_off_and_a_late_one_is_a_response() {
        let case = case("respond", "[[0,500],[1000,1500]]");
        let answered = |at| vec![(at, What::TurnEnded), (at, What::Answered)];
        assert_eq!(judge(&case, answered(1_800)).fault, Some(Fault::CutOff));
        assert_eq!(judge(&case, answered(2_900)).response_ms, Some(400));
        assert_eq!(judge(&case, vec![]).fault, Some(Fault::NoResponse));
        // Nobody hears an answer that is taken back in time.
        assert_eq!(judge(&case, vec![(1_800, What::TurnEnded), (2_900, What::Answered)]).fault, None);
    }

    #[test]
    fn a_nod_is_a_response_and_cuts_nobody_off() {
        let case = case("respond", "[[0,500],[1000,1500]]");
        let nod = What::Said(Aside::Listening);
        let verdict = judge(&case, vec![(1_800, nod.clone()), (2_800, nod), (3_900, What::Answered)]);
        assert_eq!((verdict.fault, verdict.was_nodded_at), (None, true));
        assert_eq!((verdict.response_ms, verdict.answer_ms), (Some(320), Some(1_400)));
        let verdict = judge(&case, vec![(2_700, What::Said(Aside::TakeYourTime)), (2_900, What::Answered)]);
        assert_eq!(verdict.response_ms, Some(400), "no answer is begun by that");
    }

    #[test]
    fn a_stop_counts_from_the_first_sound_and_not_before_it() {
        let case = case("stop", "[[200,900]]");
        let happened = vec![(1_280, What::Ducked), (1_600, What::Stopped)];
        let verdict = Verdict::new(&case, &Played { happened, prompt: Some((0, 1_500)), ..Played::default() });
        assert_eq!((verdict.duck_ms, verdict.stop_ms, verdict.fault), (Some(80), Some(300), None));
        assert_eq!(judge(&case, vec![(900, What::Stopped)]).fault, Some(Fault::MissedStop));
    }

    #[test]
    fn rates_are_of_the_cases_that_they_are_about() {
        let mut report = Report::default();
        let prompt = Some((0, 5_000));
        for (case, happened) in [
            (case("continue", "[]"), vec![(500, What::Stopped)]),
            (case("continue", "[]"), vec![(500, What::Ducked), (900, What::Restored)]),
            (case("stop", "[[0,100]]"), vec![(1_300, What::Stopped)]),
        ] {
            report.add(&case, &Played { happened, prompt, ..Played::default() });
        }
        let json = report.to_json();
        assert_eq!((&json["false_stop_rate"], &json["missed_stop_rate"]), (&json!(0.5), &json!(0.0)));
        assert_eq!(json["stop_ms"], json!({"p50": 300, "p90": 300, "p95": 300}));
        assert_eq!(json["kinds"]["a"]["cases"], json!(3));
        assert_eq!(json["failed"][0]["fault"], "false_stop");
        assert_eq!(json["false_cutoff_rate"], Value::Null);
    }

    #[test]
    fn an_answer_that_is_taken_back_cuts_off_but_not_for_good() {
        let mut report = Report::default();
        let case = || case("respond", "[[0,500],[1000,1500]]");
        let early = vec![(1_800, What::Answered)];
        let taken_back = vec![(1_800, What::Answered), (2_300, What::WentOn), (2_900, What::Answered)];
        for happened in [early, taken_back] {
            report.add(&case(), &Played { happened, ..Played::default() });
        }
        let json = report.to_json();
        assert_eq!((&json["false_cutoff_rate"], &json["lasting_cutoff_rate"]), (&json!(1.0), &json!(0.5)));
    }
}
