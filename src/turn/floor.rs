//! The floor as a state machine.

use std::collections::VecDeque;
use std::time::Duration;

use super::onset::{Onset, Suspicion};
use super::patience::Patience;
use super::room::Room;
use super::speech::{Evidence, Speech, Voice};
use super::wholeness::is_sentence;
use crate::audio::FRAME_MS;
use crate::units::{Ask, SampleTime};

/// Who speaks again so soon after their turn seemed to be over goes on with it: of the answer they have heard a word or two at
/// most, and people take a fifth of a second to begin to say anything. Longer pauses are rare, and most are heard out.
const GOES_ON: Duration = Duration::from_millis(700);

/// What should happen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Lend the call a recogniser, and feed it from `from` on.
    StartHearing {
        /// Beginning of the sound to recognise.
        from: SampleTime,
        /// The question that it most likely answers.
        ask: Ask,
    },
    /// Turn the prompt down: somebody may be interrupting.
    Duck,
    /// Pause the prompt: somebody very likely is, and their words will tell.
    Hush,
    /// Nobody was: the prompt goes on at full level, from where it was paused.
    Restore,
    /// It is an interruption: end the prompt here.
    StopPrompt,
    /// The caller goes on with the turn that seemed to have ended: end the prompt that answers it here, and take it back.
    TakeBack,
    /// The caller seems to have finished, and the turn will end in a moment unless they go on: time to think ahead.
    EndIsNear,
    /// The caller has finished; recognise what was heard and answer.
    EndTurn {
        /// End of the caller's last audible speech.
        spoke_until: SampleTime,
    },
    /// What was being heard is not a turn: give the recogniser back.
    DropHearing,
    /// The caller has said nothing for as long as was agreed.
    NoInput,
    /// A few words beside the turns: the floor stays where it is.
    Say(Aside),
}

/// What a good listener says without taking the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// "Mm-hm": the caller pauses in a long story, or has said what may be all or not.
    Listening,
    /// "Take your time": the caller began and falters.
    TakeYourTime,
    /// "One moment": the answer is slow to come.
    Thinking,
}

/// Who may take the floor from a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Yields {
    /// Anybody who speaks to us.
    #[default]
    ToSpeech,
    /// Only who asks for the floor: "stop", "agent". Nothing else is heard in it, not even as a reason to speak more softly.
    ToCommands,
    /// Nobody.
    ToNobody,
}

#[derive(Clone, Debug, PartialEq)]
enum Floor {
    /// The server is about to speak or does; the caller listens.
    Server,
    /// The same, and the caller makes a sound that is being judged.
    Contested(Speech, Yielding),
    /// Nobody speaks; the caller is expected to, until the given time.
    Offered { until: SampleTime },
    /// The caller speaks.
    Caller(Speech),
}

/// How far the server has given way to a sound that is being judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Yielding {
    /// Not at all: the prompt must be heard, or the sound has turned out to be none that talks to us.
    No,
    /// The prompt is turned down.
    Ducked,
    /// The prompt is paused.
    Hushed,
}

/// A turn that was taken to be over.
#[derive(Clone, Debug, PartialEq)]
struct Ended {
    at: SampleTime,
    /// The question that it answered.
    ask: Ask,
    words: String,
}

/// Turn-taking for one caller.
#[derive(Debug)]
pub struct Turn {
    floor: Floor,
    ask: Ask,
    yields: Yields,
    /// When the answer to a turn is late, if none was begun until then.
    late_at: Option<SampleTime>,
    /// The last turn, which may not have been over.
    ended: Option<Ended>,
    onset: Onset,
    room: Room,
    decisions: VecDeque<Decision>,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            floor: Floor::Server,
            ask: Ask::Open,
            yields: Yields::ToSpeech,
            late_at: None,
            ended: None,
            onset: Onset::default(),
            room: Room::default(),
            decisions: VecDeque::new(),
        }
    }
}

impl Turn {
    /// The server takes the floor with a prompt that asks for `ask`.
    ///
    /// Speech that was contesting an earlier prompt goes on contesting this one.
    pub fn server_speaks(&mut self, ask: Ask, yields: Yields) {
        let was_heard = std::mem::replace(&mut self.yields, yields) != Yields::ToNobody;
        self.ask = ask;
        self.late_at = None;
        self.onset.proved();
        match &mut self.floor {
            Floor::Contested(speech, yielding) => {
                *yielding = Yielding::No;
                let from = speech.from;
                let ask = self.asked(from);
                match (was_heard, yields != Yields::ToNobody) {
                    (false, true) => self.decisions.push_back(Decision::StartHearing { from, ask }),
                    (true, false) => self.decisions.push_back(Decision::DropHearing),
                    _ => {}
                }
            }
            floor => *floor = Floor::Server,
        }
    }

    /// The prompt has been heard to its end at `now`: the caller may answer `ask`, until `until` at the latest.
    pub fn offer(&mut self, ask: Ask, now: SampleTime, until: SampleTime) {
        self.ask = ask;
        self.late_at = None;
        self.ended = None;
        match std::mem::replace(&mut self.floor, Floor::Offered { until }) {
            // Whoever is already speaking when the prompt ends has the floor.
            Floor::Contested(speech, _) => {
                if self.yields == Yields::ToNobody {
                    self.decisions.push_back(Decision::StartHearing { from: speech.from, ask });
                }
                self.floor = Floor::Caller(speech.answering_until(until));
                self.judge_end(now);
            }
            speaking @ Floor::Caller(_) => self.floor = speaking,
            Floor::Server | Floor::Offered { .. } => {}
        }
    }

    /// One more frame of the caller's sound, which ends at `now`.
    pub fn frame(&mut self, now: SampleTime, voice: Voice) {
        let from = SampleTime(now.0.saturating_sub(FRAME_MS * 16));
        self.onset.learn(voice);
        self.room.learn(voice);
        let room = self.room;
        match &mut self.floor {
            Floor::Server if voice.is_callers() => {
                let suspected = self.onset.proved();
                let (from, is_ducked) = (suspected.unwrap_or(from), suspected.is_some());
                let yielding = if self.yields == Yields::ToSpeech { Yielding::Ducked } else { Yielding::No };
                let mut speech = Speech::beginning(from, now, voice, room);
                if let Some(ended) = self.gone_on_with(from) {
                    speech = speech.after(&ended.words);
                }
                self.floor = Floor::Contested(speech, yielding);
                let is_heard = self.yields != Yields::ToNobody;
                self.decisions.extend((yielding == Yielding::Ducked && !is_ducked).then_some(Decision::Duck));
                let ask = self.asked(from);
                self.decisions.extend(is_heard.then_some(Decision::StartHearing { from, ask }));
            }
            Floor::Server => {
                self.suspect(now, voice);
                self.excuse_delay(now);
            }
            Floor::Offered { until } if voice.is_callers() => {
                self.floor = Floor::Caller(Speech::beginning(from, now, voice, room).answering_until(*until));
                self.decisions.push_back(Decision::StartHearing { from, ask: self.ask });
            }
            Floor::Offered { until } if now >= *until => {
                self.floor = Floor::Server;
                self.decisions.push_back(Decision::NoInput);
            }
            Floor::Contested(speech, _) => {
                speech.hear(voice, now, room);
                self.judge_interruption(now);
            }
            Floor::Caller(speech) => {
                speech.hear(voice, now, room);
                self.judge_end(now);
            }
            Floor::Offered { .. } => {}
        }
    }

    /// The recogniser's text so far for what is being heard. `is_whole` tells how surely all that was said in this turn is a
    /// whole sentence, 0–1: what was said before the turn seemed to have ended belongs to it.
    pub fn words(&mut self, now: SampleTime, words: &str, is_whole: impl FnMut(&str) -> f32) {
        match &mut self.floor {
            Floor::Contested(speech, _) => {
                speech.understand(words, is_whole);
                self.judge_interruption(now);
            }
            Floor::Caller(speech) => speech.understand(words, is_whole),
            Floor::Server | Floor::Offered { .. } => {}
        }
    }

    /// Takes the floor from the caller without judging, because something else decided: a key, the end of the call.
    pub fn withdraw(&mut self) {
        if matches!(self.floor, Floor::Contested(..) | Floor::Caller(_)) {
            self.decisions.push_back(Decision::DropHearing);
        }
        self.floor = Floor::Server;
        self.late_at = None;
        self.ended = None;
    }

    /// What to do now; call it until it answers `None`.
    pub fn poll(&mut self) -> Option<Decision> {
        self.decisions.pop_front()
    }

    /// Ducks a prompt for what may become a voice.
    fn suspect(&mut self, now: SampleTime, voice: Voice) {
        if self.yields != Yields::ToSpeech {
            return;
        }
        self.decisions.extend(self.onset.hear(now, voice).map(|suspicion| match suspicion {
            Suspicion::Arose => Decision::Duck,
            Suspicion::Vanished => Decision::Restore,
        }));
    }

    /// Says that an answer is late, once.
    fn excuse_delay(&mut self, now: SampleTime) {
        if self.late_at.is_some_and(|late_at| now >= late_at) {
            self.late_at = None;
            self.decisions.push_back(Decision::Say(Aside::Thinking));
        }
    }

    fn judge_interruption(&mut self, now: SampleTime) {
        let Floor::Contested(speech, _) = &self.floor else { return };
        let patience = Patience::for_ask(self.ask);
        let is_over = speech.is_over(now, patience.forget);
        match self.yields {
            Yields::ToNobody if is_over => self.floor = Floor::Server,
            Yields::ToCommands if speech.commands() => self.interrupt(now),
            Yields::ToCommands if is_over => {
                self.decisions.push_back(Decision::DropHearing);
                self.floor = Floor::Server;
            }
            Yields::ToNobody | Yields::ToCommands => {}
            Yields::ToSpeech => self.weigh(now, is_over),
        }
    }

    fn interrupt(&mut self, now: SampleTime) {
        let Floor::Contested(speech, _) = &self.floor else { return };
        let from = speech.from;
        self.floor = Floor::Caller(speech.clone());
        self.late_at = None;
        self.ask = self.asked(from);
        let went_on = self.gone_on_with(from).is_some();
        self.ended = None;
        self.decisions.push_back(if went_on { Decision::TakeBack } else { Decision::StopPrompt });
        self.judge_end(now);
    }

    /// The question that a voice answers which began at `from`: nobody answers what they have not heard yet.
    fn asked(&self, from: SampleTime) -> Ask {
        self.gone_on_with(from).map_or(self.ask, |ended| ended.ask)
    }

    /// The turn that seemed to be over and goes on with a voice that began at `from`.
    fn gone_on_with(&self, from: SampleTime) -> Option<&Ended> {
        self.ended.as_ref().filter(|ended| from.since(ended.at) <= GOES_ON)
    }

    /// Weighs what may be an interruption of a prompt that yields to speech.
    fn weigh(&mut self, now: SampleTime, is_over: bool) {
        let Floor::Contested(speech, yielding) = &mut self.floor else { return };
        match speech.evidence(self.ask, is_over) {
            Evidence::Interrupts => self.interrupt(now),
            _ if is_over => {
                if *yielding != Yielding::No {
                    self.decisions.push_back(Decision::Restore);
                }
                self.decisions.push_back(Decision::DropHearing);
                self.floor = Floor::Server;
            }
            Evidence::Likely if *yielding != Yielding::Hushed => {
                *yielding = Yielding::Hushed;
                self.decisions.push_back(Decision::Hush);
            }
            Evidence::Unlikely if *yielding != Yielding::No => {
                *yielding = Yielding::No;
                self.decisions.push_back(Decision::Restore);
            }
            Evidence::Likely | Evidence::Unlikely | Evidence::Unclear => {}
        }
    }

    fn judge_end(&mut self, now: SampleTime) {
        let Floor::Caller(speech) = &mut self.floor else { return };
        // Whoever answers a yes/no question with a sentence is patiently heard out, as after an open question.
        let words = speech.told();
        let ask = if is_sentence(self.ask, &words) { Ask::Open } else { self.ask };
        let patience = Patience::for_ask(ask);
        let (long, pauses) = speech.pace();
        let mut wait = patience.silence(ask, &words, speech.whole, pauses);
        if ask == Ask::Open {
            wait = wait.max(patience.least(long, pauses));
        }
        if speech.lingers(now) {
            wait += patience.linger;
        }
        if speech.falters(ask) {
            // Nobody who falters is helped by an answer, nor by silence.
            if speech.silent_for(now) >= patience.unfinished && !speech.was_encouraged() {
                speech.encourage();
                self.decisions.push_back(Decision::Say(Aside::TakeYourTime));
            }
            wait = patience.unfinished + patience.encouraged;
        }
        let silence = speech.silent_for(now);
        let may_go_on = speech.may_go_on(ask);
        if may_go_on {
            // The floor stays where it is, and the caller knows as soon as by an answer that they were heard.
            wait = wait.max(patience.unfinished);
            if silence >= patience.nod && speech.nod() {
                self.decisions.push_back(Decision::Say(Aside::Listening));
            }
        }
        if silence < wait {
            let is_near = wait <= patience.unclear || may_go_on;
            if silence >= patience.foresee && is_near && speech.foresee() {
                self.decisions.push_back(Decision::EndIsNear);
            }
            if ask == Ask::Open
                && silence >= patience.breath
                && wait - silence >= patience.breath
                && speech.is_story(now)
            {
                speech.acknowledge(now);
                self.decisions.push_back(Decision::Say(Aside::Listening));
            }
            return;
        }
        if let Some(until) = speech.answering.filter(|_| speech.is_nothing()) {
            // A noise is no answer: the caller still has the time they were given.
            self.floor = Floor::Offered { until };
            self.decisions.push_back(Decision::DropHearing);
            return;
        }
        let spoke_until = speech.until;
        self.ended = Some(Ended { at: now, ask: self.ask, words: speech.told().into_owned() });
        self.floor = Floor::Server;
        self.late_at = Some(now + patience.late);
        self.decisions.push_back(Decision::EndTurn { spoke_until });
    }
}

#[cfg(test)]
mod tests;
