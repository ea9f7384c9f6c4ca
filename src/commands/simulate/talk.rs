//! One simulated caller's part of a spoken call: a pure machine.
//!
//! ```text
//! what the server tells (Happened) ─┐              ┌─► sound of this frame
//! words, made audible ──────────────┼─► Talk::tick ┘
//! the server's sound ───────────────┘   Talk::notice, hear ─► Deed: say this, hang up
//! ```
//!
//! The caller answers when the server gives them the floor, after the pause that people make. Time is counted in frames of
//! 20 ms since the call was answered.

use std::sync::Arc;

use super::speech::Exchange;
use crate::call::{CallOutcome, CallRecord, Happened, Party};
use crate::commands::call::figures::{Kind as SpokenKind, Spoken, stretches};
use crate::commands::call::sound::{LineFrame, Utterance};
use crate::dialog::dialplan::Plan;
use crate::dialog::policy::Taken;
use crate::dialog::simulated::{Caller, End, Profile, Said, SimulatedCall};
use crate::dialog::{Asked, Progress};
use crate::nlu::text;
use crate::units::Scene;

/// Pause before an answer \[frames\]: 200 ms, the middle of what people make (Stivers et al., PNAS 2009).
const PAUSE: u64 = 10;
/// Sound after which the human who was fetched has surely taken over \[frames\]: 1 s.
const GREETED: u32 = 50;

/// What the line should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Make this audible, and give it to [`Talk::made`].
    Say(String),
    /// Hang up.
    HangUp,
}

enum State {
    /// The hotline has the floor, or the caller is silent.
    Listening,
    /// The words are being made audible; they are not said before this frame.
    Preparing {
        from: u64,
    },
    /// They can be said.
    Ready {
        from: u64,
        utterance: Arc<Utterance>,
    },
    Speaking {
        utterance: Arc<Utterance>,
        next: usize,
    },
    /// A human is being fetched, and was heard for so many frames.
    Fetched {
        heard: u32,
    },
    /// The caller has hung up.
    Gone {
        end: End,
    },
}

/// A simulated caller on the telephone.
pub(super) struct Talk<'a> {
    caller: Caller<'a>,
    profile: &'a Profile,
    state: State,
    now: u64,
    /// The problem that stands is the true one.
    found: bool,
    guess: Option<Scene>,
    words: usize,
    last_prompt: String,
    repeated: bool,
    transcript: Vec<String>,
    exchanges: Vec<Exchange>,
    spoken: Vec<Spoken>,
}

/// A call that is over.
pub(super) struct Held {
    /// For the report.
    pub(super) call: SimulatedCall,
    /// What was said and heard.
    pub(super) exchanges: Vec<Exchange>,
    /// Time to each answer that came when the caller had ended \[ms\].
    pub(super) responses_ms: Vec<i64>,
    /// Utterances into which the server spoke before they ended, whether it then gave way or not.
    pub(super) cut_in: usize,
}

impl<'a> Talk<'a> {
    /// Somebody who calls a hotline that follows `plan`; `seed` draws the moods.
    pub(super) fn new(plan: &'a Plan, profile: &'a Profile, seed: u64) -> Self {
        Self {
            caller: Caller::new(plan, profile, seed),
            profile,
            state: State::Listening,
            now: 0,
            found: false,
            guess: None,
            words: 0,
            last_prompt: String::new(),
            repeated: false,
            transcript: Vec::new(),
            exchanges: Vec::new(),
            spoken: Vec::new(),
        }
    }

    /// Something happened in the call.
    pub(super) fn notice(&mut self, what: &Happened) -> Option<Deed> {
        match what {
            Happened::Speaking { text } => {
                self.repeated |= *text == self.last_prompt;
                self.last_prompt.clone_from(text);
                self.transcript.push(format!("hotline: {text}"));
            }
            Happened::Problem { scene, .. } => self.found = *scene == *self.profile.scene.as_str(),
            Happened::Turned(turn) if turn.who == Party::Caller => self.was_heard(&turn.text),
            Happened::Transferring { .. } if !self.is_gone() => self.state = State::Fetched { heard: 0 },
            Happened::TransferFailed if !self.is_gone() => self.state = State::Listening,
            Happened::Listening { question } => return self.asked(question),
            _ => {}
        }
        None
    }

    fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone { .. })
    }

    fn asked(&mut self, question: &Asked) -> Option<Deed> {
        // Who is about to speak, or speaking, goes on; the server listens, or asks again.
        let State::Listening = self.state else { return None };
        if let Asked::Guess { scene } = question {
            self.guess.get_or_insert_with(|| scene.clone());
        }
        match self.caller.answer(question, self.found) {
            Said::Words(words) if !words.is_empty() => {
                self.words += text::tokens(&words).len();
                self.transcript.push(format!("caller:  {words}"));
                self.exchanges.push(Exchange { said: words.clone(), heard: String::new() });
                self.state = State::Preparing { from: self.now + PAUSE };
                Some(Deed::Say(words))
            }
            Said::Words(_) | Said::Nothing => None,
            Said::Bye => {
                self.state = State::Gone { end: if self.found { End::Answered } else { End::Abandoned } };
                Some(Deed::HangUp)
            }
        }
    }

    fn was_heard(&mut self, text: &str) {
        match self.exchanges.last_mut() {
            Some(Exchange { heard, .. }) if heard.is_empty() => text.clone_into(heard),
            Some(Exchange { heard, .. }) => *heard = format!("{heard} {text}"),
            // A sound was taken for words before the caller said any.
            None => self.exchanges.push(Exchange { said: String::new(), heard: text.to_owned() }),
        }
        let heard = format!("   [heard: {text}]");
        match self.transcript.last_mut().filter(|line| line.starts_with("caller:")) {
            Some(line) => line.push_str(&heard),
            None => self.transcript.push(format!("caller:{heard}")),
        }
    }

    /// The words of [`Deed::Say`] can be said.
    pub(super) fn made(&mut self, utterance: Utterance) {
        if let State::Preparing { from } = self.state {
            self.state = State::Ready { from, utterance: Arc::new(utterance) };
        }
    }

    /// The server sent a frame, audible or not.
    pub(super) fn hear(&mut self, audible: bool) -> Option<Deed> {
        let State::Fetched { heard } = &mut self.state else { return None };
        *heard += u32::from(audible);
        // The end depends on whether the server, too, says that a human took over.
        (*heard >= GREETED).then(|| {
            self.state = State::Gone { end: End::DeadEnd };
            Deed::HangUp
        })
    }

    /// The next 20 ms; `None` is silence.
    pub(super) fn tick(&mut self) -> Option<LineFrame> {
        if let State::Ready { from, utterance } = &self.state
            && *from <= self.now
        {
            self.spoken.push(Spoken {
                kind: SpokenKind::Say,
                name: utterance.name.clone(),
                on: self.now + utterance.first as u64,
                off: self.now + utterance.last as u64,
            });
            self.state = State::Speaking { utterance: utterance.clone(), next: 0 };
        }
        self.now += 1;
        let State::Speaking { utterance, next } = &mut self.state else { return None };
        let frame = utterance.frames.get(*next).copied();
        *next += 1;
        if frame.is_none() {
            self.state = State::Listening;
        }
        frame
    }

    /// The call has lasted longer than any should.
    pub(super) fn give_up(&mut self) -> Deed {
        self.state = State::Gone { end: End::DeadEnd };
        Deed::HangUp
    }

    /// What became of it, by the server's own `record` and what could be heard of it, by frame.
    pub(super) fn finish(self, record: &CallRecord, audible: &[bool]) -> Held {
        let scene = |name: &Option<String>| name.as_deref().map(Scene::from);
        let progress = Progress {
            guess: self.guess.filter(|_| record.guess_spoken),
            scene: scene(&record.scene),
            main_scene: scene(&record.main_scene),
            order_id: record.order.as_ref().map(|order| order.id.clone()),
            confirmed: record.confirmed,
            turns: record.turns_to_problem,
            resolved: record.outcome == CallOutcome::Resolved,
        };
        let reason = record.transfer.as_ref().map(|transfer| transfer.reason.clone());
        let end = match (self.state, reason) {
            (_, Some(reason)) if record.outcome == CallOutcome::Transferred => End::Human(reason.into()),
            (State::Gone { end }, _) => end,
            _ if record.hangup_by == Party::Server => End::Goodbye,
            _ => End::DeadEnd,
        };
        let server = stretches(audible);
        let call = SimulatedCall {
            profile: self.profile.clone(),
            progress,
            end,
            turns: self.caller.turns(),
            words: self.words,
            turns_after_asking: self.caller.turns_after_asking(),
            repeated: self.repeated,
            transcript: self.transcript,
            decisions: Vec::new(),
            taken: record.decisions.iter().map(Taken::from).collect(),
        };
        let cut_in = |spoken: &Spoken| server.iter().any(|(from, _)| (spoken.on..spoken.off).contains(from));
        let times = self.spoken.iter().filter_map(|spoken| spoken.response_ms(&server));
        Held {
            call,
            exchanges: self.exchanges,
            responses_ms: times.filter(|&ms| ms >= 0).collect(),
            cut_in: self.spoken.iter().filter(|spoken| cut_in(spoken)).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::server::dialplan_files;

    fn plan() -> Plan {
        dialplan_files::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/hotline-en")).unwrap().0
    }

    /// Somebody who wants a human, since such callers have no moods.
    fn profile() -> Profile {
        serde_json::from_value(json!({
            "call_id": "C1", "phone": "1", "at": "2026-08-12T09:30:00", "scene": "card_arrival", "main_scene": "card",
            "kind": "wants_agent", "utterances": ["my card is late"], "patience": 5,
        }))
        .unwrap()
    }

    fn record(outcome: &str, hangup_by: &str, reason: Option<&str>) -> CallRecord {
        serde_json::from_value(json!({
            "call_id": "a", "direction": "inbound", "from": "1", "to": "95188-0", "started_at": "2026-08-12T01:30:00Z",
            "answered_at": null, "ended_at": "2026-08-12T01:31:00Z", "hangup_by": hangup_by, "member": null, "order": null,
            "guess": [], "guess_spoken": true, "turns": [], "scene": "card_arrival", "main_scene": "card",
            "identified": true, "confirmed": true, "turns_to_problem": 1, "outcome": outcome,
            "transfer": reason.map(|reason| json!({"target": "sip:a@b", "how": "bridge", "reason": reason})),
            "rtp": null, "recording": null,
        }))
        .unwrap()
    }

    fn turned(text: &str) -> Happened {
        serde_json::from_value(json!({
            "event": "turned", "who": "caller", "text": text, "confidence": 0.9, "from_ms": 0, "to_ms": 1, "act": "",
            "heard_ms": 0, "barged_in": false, "latency": null,
        }))
        .unwrap()
    }

    fn ask(talk: &mut Talk<'_>, question: Asked) -> String {
        let Some(Deed::Say(words)) = talk.notice(&Happened::Listening { question }) else { panic!("nothing is said") };
        words
    }

    #[test]
    fn a_caller_answers_after_a_pause_and_reaches_a_human() {
        let (plan, profile) = (plan(), profile());
        let mut talk = Talk::new(&plan, &profile, 1);
        talk.notice(&Happened::Speaking { text: "Is it your card?".into() });
        let words = ask(&mut talk, Asked::Guess { scene: "card_arrival".into() });
        let again = talk.notice(&Happened::Listening { question: Asked::Open });
        assert_eq!(again, None, "who is about to speak is not asked again");
        talk.made(Utterance::new(words.clone(), &[3_000; 5 * 160]));
        let said: Vec<bool> = (0..20).map(|_| talk.tick().is_some()).collect();
        let first = said.iter().position(|said| *said);
        assert_eq!((first, said.iter().filter(|said| **said).count()), (Some(PAUSE as usize), 5));
        talk.notice(&turned("heard"));
        talk.notice(&turned("twice"));
        talk.notice(&Happened::Transferring { target: "sip:a@b".into(), reason: "caller_asked".into() });
        let deeds: Vec<_> = (0..100).filter_map(|_| talk.hear(true)).collect();
        assert_eq!(deeds, [Deed::HangUp], "the human is heard before the caller hangs up");

        let audible: Vec<bool> = (0..100).map(|frame| frame >= 50).collect();
        let held = talk.finish(&record("transferred", "caller", Some("caller_asked")), &audible);
        assert_eq!(held.call.end, End::Human("caller_asked".into()));
        assert_eq!(held.call.progress.guess, Some("card_arrival".into()));
        assert_eq!(held.exchanges, [Exchange { said: words, heard: "heard twice".into() }]);
        assert_eq!((held.responses_ms, held.cut_in), (vec![(50 - 14) * 20], 0));
    }

    #[test]
    fn how_a_call_ended_is_what_both_sides_say() {
        let (plan, profile) = (plan(), profile());
        let end = |talk: Talk<'_>, record: &CallRecord| talk.finish(record, &[]).call.end;
        let talk = || Talk::new(&plan, &profile, 1);
        assert_eq!(end(talk(), &record("resolved", "server", None)), End::Goodbye);
        assert_eq!(end(talk(), &record("abandoned", "caller", None)), End::DeadEnd);
        let mut patient = talk();
        for turn in 0..=profile.patience {
            let deed = patient.notice(&Happened::Listening { question: Asked::Open });
            if turn == profile.patience {
                assert_eq!(deed, Some(Deed::HangUp));
            }
            patient.made(Utterance::new(String::new(), &[]));
            let said = (0..=PAUSE).filter(|_| patient.tick().is_some()).count();
            assert_eq!(said, 0, "an empty utterance");
        }
        assert_eq!(end(patient, &record("abandoned", "caller", None)), End::Abandoned);
        let mut lost = talk();
        lost.notice(&Happened::Transferring { target: String::new(), reason: String::new() });
        lost.notice(&Happened::TransferFailed);
        ask(&mut lost, Asked::Open);
    }
}
