//! From a turn's words to its answer, and ahead of them.
//!
//! ```text
//! TurnEnding ─► Understand (the words so far) ─► what the dialog would say ─► Prepare: its sound waits in the cache
//! TurnEnded ─► final text ──┬─ other words ─► Understand ──────────┬─► Dialog ─► Speak
//!                           └─ the same, surely ─► what it meant ──┘
//! ```
//!
//! Who goes on when the answer has just begun was not through: the dialog is set back to where it was before that turn, and the
//! turn is understood as a whole.
//!
//! Understanding may take some frames' time, so it is asked for and not waited for: the call's packets go on meanwhile. Whether
//! somebody has finished is known only after a silence in which there is nothing to do but to prepare the answer.

use super::conversation::{Conversation, Mind, Request};
use super::io::{Understand, Understood};
use crate::dialog::{Dialog, DialogInput, Listen};
use crate::nlu::{Heard, UserTurn};
use crate::speech::asr::Transcript;
use crate::units::{HearingId, SampleTime};

/// Of all ways to hear a sentence, the best with this share of the probability stands for them all.
const CLEAR: f32 = 0.5;

/// What is thought about a turn.
#[derive(Debug, Default)]
pub(super) struct Thoughts {
    /// The words so far of the turn that is being heard.
    pub(super) partial: String,
    /// The words whose meaning is prepared, and what they mean, once that is known.
    ahead: Option<(String, Option<UserTurn>)>,
    /// A turn whose final text is still to come although the caller has gone on speaking: it belongs to the next turn.
    continued: Option<HearingId>,
    /// The text of such a turn.
    carried: String,
    /// The turn that is being answered, if the answer does nothing that could not be taken back.
    pub(super) answered: Option<Answered>,
}

/// What was before a turn was answered.
#[derive(Debug)]
pub(super) struct Answered {
    words: String,
    listen: Listen,
    dialog: Dialog,
}

impl Thoughts {
    /// A new turn begins: what was thought of the last one's words is not true of this one's.
    pub(super) fn forget(&mut self) {
        self.partial.clear();
        self.ahead = None;
    }

    /// The caller goes on with the turn that `hearing` was about, although it seemed to have ended; `heard` is its final text,
    /// if that is known.
    pub(super) fn go_on(&mut self, hearing: HearingId, heard: Option<&Heard>) {
        match heard {
            Some(heard) => self.carried.clone_from(&heard.text),
            None => self.continued = Some(hearing),
        }
    }

    /// The caller goes on with a turn that has been answered: sets `dialog` back. Answers how the turn was listened to.
    pub(super) fn unanswer(&mut self, answered: Answered, dialog: &mut Dialog) -> Listen {
        self.carried = answered.words;
        *dialog = answered.dialog;
        answered.listen
    }

    /// `text` after what was carried over from the turn before.
    fn joined(&self, text: &str) -> String {
        [self.carried.as_str(), text].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// What `heard` means, if that was thought of ahead.
    fn foreseen(&mut self, heard: &Heard) -> Option<UserTurn> {
        let (text, turn) = self.ahead.take()?;
        let is_clear = heard.n_best.first().is_none_or(|(_, share)| *share >= CLEAR);
        let turn = turn.filter(|_| is_clear && text == heard.text)?;
        Some(UserTurn { confidence: heard.confidence, ..turn })
    }
}

impl Conversation {
    /// The turn that is being heard seems to be over: what it means, and what to answer, is worked out while the silence lasts.
    pub(super) fn think_ahead(&mut self, hearing: HearingId) {
        let text = self.thoughts.joined(&self.thoughts.partial);
        let is_new = self.thoughts.ahead.as_ref().is_none_or(|(known, _)| *known != text);
        if text.is_empty() || !is_new || !matches!(self.mind, Mind::Listening(_)) {
            return;
        }
        self.thoughts.ahead = Some((text.clone(), None));
        let heard = Heard { text, confidence: 1.0, n_best: Vec::new() };
        self.ask_what_is_meant(hearing, heard, false);
    }

    pub(super) fn turn_ended(&mut self, hearing: HearingId, spoke_until: SampleTime) {
        let now = self.now();
        self.ledger.endpoint(spoke_until, now);
        self.mind = Mind::Thinking { hearing, since: now, listen: self.listen(), heard: None };
    }

    pub(super) fn final_text(&mut self, id: HearingId, mut transcript: Transcript) {
        if let Some(channel) = transcript.channel.take() {
            self.duplex.learn(channel);
        }
        if self.thoughts.continued == Some(id) {
            self.thoughts.continued = None;
            self.thoughts.carried = transcript.text;
            return;
        }
        if !matches!(&self.mind, Mind::Thinking { hearing, .. } if *hearing == id) {
            return;
        }
        if !self.thoughts.carried.is_empty() {
            transcript.text = self.thoughts.joined(&transcript.text);
            transcript.n_best.clear();
            self.thoughts.carried.clear();
        }
        self.ledger.final_text(self.now());
        if transcript.text.trim().is_empty() {
            return self.answer(DialogInput::NotUnderstood);
        }
        let heard = Heard {
            text: transcript.text,
            confidence: transcript.confidence,
            n_best: transcript.n_best.into_iter().map(|guess| (guess.text, guess.confidence)).collect(),
        };
        match self.thoughts.foreseen(&heard) {
            Some(turn) => self.answer_turn(&heard, turn),
            None => {
                if let Mind::Thinking { heard: awaited, .. } = &mut self.mind {
                    *awaited = Some(heard.clone());
                }
                self.ask_what_is_meant(id, heard, true);
            }
        }
    }

    /// What was asked for by [`Request::Understand`] is known.
    pub fn understood(&mut self, Understood { hearing: about, is_final, turn }: Understood) {
        if is_final {
            // By now the caller may have gone on, or pressed a key.
            if let Mind::Thinking { hearing, heard, .. } = &mut self.mind
                && *hearing == about
                && let Some(heard) = heard.take()
            {
                self.answer_turn(&heard, turn);
            }
            return;
        }
        let Some((text, meaning)) = &mut self.thoughts.ahead else { return };
        if *text != turn.text {
            return;
        }
        *meaning = Some(turn.clone());
        if let Some(answer) = first_words(self.dialog.clone(), turn) {
            self.requests.push_back(Request::Prepare(answer));
        }
    }

    fn ask_what_is_meant(&mut self, hearing: HearingId, heard: Heard, is_final: bool) {
        let expect = self.listen().expect;
        self.requests.push_back(Request::Understand(Box::new(Understand { hearing, heard, expect, is_final })));
    }

    fn answer_turn(&mut self, heard: &Heard, understood: UserTurn) {
        let turn = self.ledger.caller_turned(heard, &understood);
        self.tell_turn(turn);
        let before = Answered { words: heard.text.clone(), listen: self.listen(), dialog: self.dialog.clone() };
        let reply = self.ask_the_dialog(DialogInput::Turned(Box::new(understood)));
        self.thoughts.answered = reply.is_talk().then_some(before);
        self.carry_out(reply);
    }
}

/// What `dialog` would say first in answer to `turn`.
fn first_words(mut dialog: Dialog, turn: UserTurn) -> Option<String> {
    let reply = dialog.handle(DialogInput::Turned(Box::new(turn)));
    let (text, _) = reply.prompt.spans().next()?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audio::{FRAME_MS, Frame};
    use crate::call::{EarRequest, Happened, Hearing, Hotline, Speaking};
    use crate::dialog::testing::plan;
    use crate::identify::Identified;
    use crate::nlu::Understanding;
    use crate::speech::vad::VoiceDetector;
    use crate::units::{Pii, SampleRate};

    /// Whatever is loud is a voice.
    struct Loudness;

    impl VoiceDetector for Loudness {
        fn speech_probability(&mut self, frame: &Frame) -> f32 {
            if frame.level() > -40.0 { 0.95 } else { 0.0 }
        }

        fn reset(&mut self) {}
    }

    /// A caller who has been greeted and may speak.
    struct Caller {
        conversation: Conversation,
        understanding: Understanding,
        hearing: HearingId,
    }

    impl Caller {
        fn new() -> Self {
            let plan = plan();
            let understanding = Understanding::train(&plan.corpus(), None).unwrap();
            let hotline =
                Hotline { plan: Arc::new(plan), understanding: understanding.clone(), recordings: Arc::default() };
            let now = "2026-08-12T10:00:00".parse().unwrap();
            let mut conversation = Conversation::new(Arc::new(hotline), Box::new(Loudness), Pii("1".into()), now, 1);
            conversation.start(Identified::default());
            let mut caller = Self { conversation, understanding, hearing: HearingId::default() };
            for request in caller.passes(0, 40) {
                if let Request::Speak(id, _) = request {
                    caller.conversation.spoken(id, Speaking::Complete);
                }
            }
            caller.passes(0, 40);
            caller
        }

        /// `ms` of the caller's sound of this loudness; answers what was asked for meanwhile.
        fn passes(&mut self, loudness: i16, ms: u64) -> Vec<Request> {
            let mut requests = Vec::new();
            for frame in 0..ms / FRAME_MS {
                let mut sound = Frame::SILENCE;
                // No voice is as steady as a tone.
                let height = if frame % 2 == 0 { loudness } else { loudness / 2 };
                sound.0.iter_mut().step_by(2).for_each(|sample| *sample = height);
                self.conversation.hear(&sound, "");
                self.conversation.say();
                requests.extend(std::iter::from_fn(|| self.conversation.poll()));
            }
            for request in &requests {
                if let Request::Ears(id, EarRequest::Begin(_)) = request {
                    self.hearing = *id;
                }
            }
            requests
        }

        fn says(&mut self, text: &str) {
            self.passes(8_000, 600);
            self.conversation.heard(self.hearing, Hearing::Partial(text.into()));
        }

        fn final_text(&mut self, text: &str) -> Vec<Request> {
            let transcript = Transcript { text: text.into(), confidence: 0.9, ..Transcript::default() };
            self.conversation.heard(self.hearing, Hearing::Final(transcript));
            std::iter::from_fn(|| self.conversation.poll()).collect()
        }

        fn understands(&mut self, words: &Understand) -> Vec<Request> {
            self.conversation.understood(words.by(&self.understanding));
            std::iter::from_fn(|| self.conversation.poll()).collect()
        }
    }

    fn asked(requests: &[Request]) -> Option<&Understand> {
        requests.iter().find_map(|request| match request {
            Request::Understand(words) => Some(&**words),
            _ => None,
        })
    }

    fn spoken(requests: &[Request]) -> Option<&str> {
        requests.iter().find_map(|request| match request {
            Request::Speak(_, text) => Some(text.as_str()),
            _ => None,
        })
    }

    #[test]
    fn the_answer_is_prepared_while_the_silence_lasts() {
        let mut caller = Caller::new();
        caller.says("lost_card example 1");
        let requests = caller.passes(0, 140);
        let ahead = asked(&requests).expect("the end is foreseen");
        assert!(!ahead.is_final);
        let requests = caller.understands(ahead);
        let [Request::Prepare(prepared)] = requests.as_slice() else { panic!("{requests:?}") };
        assert!(caller.passes(0, 500).iter().any(|request| matches!(request, Request::Ears(_, EarRequest::Finish))));
        let requests = caller.final_text("lost_card example 1");
        assert_eq!(spoken(&requests), Some(prepared.as_str()));
        assert!(asked(&requests).is_none(), "it is known what that means");
    }

    #[test]
    fn recognisers_are_told_what_the_line_carries() {
        let width = |rate: SampleRate| {
            let mut caller = Caller::new();
            caller.conversation.set_line_rate(rate);
            let requests = caller.passes(8_000, 600);
            requests.into_iter().find_map(|request| match request {
                Request::Ears(_, EarRequest::Begin(listening)) => Some(listening.is_wideband),
                _ => None,
            })
        };
        assert_eq!(width(SampleRate::NARROWBAND), Some(false));
        assert_eq!(width(SampleRate::WIDEBAND), Some(true));
    }

    #[test]
    fn other_words_than_were_foreseen_are_understood_anew() {
        let mut caller = Caller::new();
        caller.says("lost_card example 1");
        let requests = caller.passes(0, 1_600);
        let ahead = asked(&requests).expect("the end is foreseen");
        caller.understands(ahead);
        let requests = caller.final_text("refund example 2");
        assert_eq!(spoken(&requests), None);
        let meant = asked(&requests).expect("it is asked what they mean");
        assert!(meant.is_final && meant.heard.text == "refund example 2");
        assert!(spoken(&caller.understands(meant)).is_some_and(|text| text.contains("refund")));
    }

    #[test]
    fn who_goes_on_before_the_answer_is_understood_as_a_whole() {
        let mut caller = Caller::new();
        caller.says("lost_card");
        caller.passes(0, 1_600);
        let requests = caller.final_text("lost_card");
        let first = asked(&requests).expect("it is asked what it means").clone();
        caller.says("and this is example 3");
        caller.passes(8_000, 600);
        assert_eq!(spoken(&caller.understands(&first)), None, "the caller has the floor");
        caller.passes(0, 1_600);
        let requests = caller.final_text("and this is example 3");
        let meant = asked(&requests).map(|words| words.heard.text.as_str());
        assert_eq!(meant, Some("lost_card and this is example 3"));
    }

    #[test]
    fn who_goes_on_as_the_answer_begins_was_not_answered() {
        let mut caller = Caller::new();
        let before = caller.conversation.progress().clone();
        caller.says("lost_card");
        let is_end = |request: &Request| matches!(request, Request::Ears(_, EarRequest::Finish));
        while !caller.passes(0, 20).iter().any(is_end) {}
        let requests = caller.final_text("lost_card");
        let first = asked(&requests).expect("it is asked what it means").clone();
        let requests = caller.understands(&first);
        assert!(spoken(&requests).is_some() && *caller.conversation.progress() != before);
        caller.passes(0, 400);
        caller.says("and this is example 3");
        let requests = caller.passes(8_000, 600);
        let has = |wanted: fn(&Request) -> bool| requests.iter().any(wanted);
        assert!(has(|request| matches!(request, Request::Tell(Happened::WentOn))));
        assert!(has(|request| matches!(request, Request::Hush(_))));
        assert_eq!(*caller.conversation.progress(), before, "the dialog is where it was");
        caller.passes(0, 1_600);
        let requests = caller.final_text("and this is example 3");
        let meant = asked(&requests).expect("it is asked what the whole means").clone();
        assert_eq!(meant.heard.text, "lost_card and this is example 3");
        caller.understands(&meant);
        assert_eq!(caller.conversation.progress().turns, before.turns + 1);
        let acts: Vec<_> = caller.conversation.ledger().turns().iter().map(|turn| turn.act.as_str()).collect();
        assert_eq!(acts.iter().filter(|act| **act == "went on").count(), 1, "{acts:?}");
    }

    #[test]
    fn words_before_a_key_are_answered_with_those_after_it() {
        let mut caller = Caller::new();
        caller.says("lost_card");
        caller.passes(0, 1_600);
        let requests = caller.final_text("lost_card");
        let first = asked(&requests).expect("it is asked what it means").clone();
        caller.conversation.hear(&Frame::SILENCE, "1");
        std::iter::from_fn(|| caller.conversation.poll()).for_each(drop);
        assert!(caller.understands(&first).is_empty());
        caller.says("refund example 2");
        caller.passes(0, 1_600);
        let requests = caller.final_text("refund example 2");
        assert_eq!(asked(&requests).map(|words| words.heard.text.as_str()), Some("lost_card refund example 2"));
    }
}
