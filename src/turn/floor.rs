//! The floor as a state machine.

use std::collections::VecDeque;

use super::patience::Patience;
use super::speech::{Evidence, Speech, Voice};
use super::words::is_sentence;
use crate::audio::FRAME_MS;
use crate::units::{Ask, SampleTime};

/// What should happen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Lend the call a recogniser, and feed it from `from` on.
    StartHearing {
        /// Beginning of the sound to recognise.
        from: SampleTime,
    },
    /// Turn the prompt down: somebody may be interrupting.
    Duck,
    /// Pause the prompt: somebody very likely is, and their words will tell.
    Hush,
    /// Nobody was: the prompt goes on at full level, from where it was paused.
    Restore,
    /// It is an interruption: end the prompt here.
    StopPrompt,
    /// The caller has finished; recognise what was heard and answer.
    EndTurn {
        /// End of the caller's last audible speech.
        spoke_until: SampleTime,
    },
    /// What was being heard is not a turn: give the recogniser back.
    DropHearing,
    /// The caller has said nothing for as long as was agreed.
    NoInput,
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

/// Turn-taking for one caller.
#[derive(Debug)]
pub struct Turn {
    floor: Floor,
    ask: Ask,
    interruptible: bool,
    decisions: VecDeque<Decision>,
}

impl Default for Turn {
    fn default() -> Self {
        Self { floor: Floor::Server, ask: Ask::Open, interruptible: true, decisions: VecDeque::new() }
    }
}

impl Turn {
    /// The server takes the floor with a prompt that asks for `ask`.
    ///
    /// Speech that was contesting an earlier prompt goes on contesting this one.
    pub fn server_speaks(&mut self, ask: Ask, interruptible: bool) {
        self.ask = ask;
        self.interruptible = interruptible;
        match &mut self.floor {
            Floor::Contested(_, yielding) => *yielding = Yielding::No,
            floor => *floor = Floor::Server,
        }
    }

    /// The prompt has been heard to its end at `now`: the caller may answer `ask`, until `until` at the latest.
    pub fn offer(&mut self, ask: Ask, now: SampleTime, until: SampleTime) {
        self.ask = ask;
        match std::mem::replace(&mut self.floor, Floor::Offered { until }) {
            // Whoever is already speaking when the prompt ends has the floor.
            Floor::Contested(speech, _) => {
                if !self.interruptible {
                    self.decisions.push_back(Decision::StartHearing { from: speech.from });
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
        match &mut self.floor {
            Floor::Server if voice.is_callers() => {
                let yielding = if self.interruptible { Yielding::Ducked } else { Yielding::No };
                self.floor = Floor::Contested(Speech::beginning(from, now, voice), yielding);
                if self.interruptible {
                    self.decisions.extend([Decision::Duck, Decision::StartHearing { from }]);
                }
            }
            Floor::Offered { until } if voice.is_callers() => {
                self.floor = Floor::Caller(Speech::beginning(from, now, voice).answering_until(*until));
                self.decisions.push_back(Decision::StartHearing { from });
            }
            Floor::Offered { until } if now >= *until => {
                self.floor = Floor::Server;
                self.decisions.push_back(Decision::NoInput);
            }
            Floor::Contested(speech, _) => {
                speech.hear(voice, now);
                self.judge_interruption(now);
            }
            Floor::Caller(speech) => {
                speech.hear(voice, now);
                self.judge_end(now);
            }
            Floor::Server | Floor::Offered { .. } => {}
        }
    }

    /// The recogniser's text so far for what is being heard, and how surely it is a whole sentence, 0–1.
    pub fn words(&mut self, now: SampleTime, words: &str, whole: f32) {
        match &mut self.floor {
            Floor::Contested(speech, _) => {
                speech.understand(words, whole);
                self.judge_interruption(now);
            }
            Floor::Caller(speech) => speech.understand(words, whole),
            Floor::Server | Floor::Offered { .. } => {}
        }
    }

    /// Takes the floor from the caller without judging, because something else decided: a key, the end of the call.
    pub fn withdraw(&mut self) {
        if matches!(self.floor, Floor::Contested(..) | Floor::Caller(_)) {
            self.decisions.push_back(Decision::DropHearing);
        }
        self.floor = Floor::Server;
    }

    /// What to do now; call it until it answers `None`.
    pub fn poll(&mut self) -> Option<Decision> {
        self.decisions.pop_front()
    }

    fn judge_interruption(&mut self, now: SampleTime) {
        let Floor::Contested(speech, yielding) = &mut self.floor else { return };
        let patience = Patience::for_ask(self.ask);
        let is_over = speech.silent_for(now) >= patience.forget;
        if !self.interruptible {
            if is_over {
                self.floor = Floor::Server;
            }
            return;
        }
        match speech.evidence(is_over) {
            Evidence::Interrupts => {
                self.floor = Floor::Caller(speech.clone());
                self.decisions.push_back(Decision::StopPrompt);
                self.judge_end(now);
            }
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
        let Floor::Caller(speech) = &self.floor else { return };
        // Whoever answers a yes/no question with a sentence is patiently heard out, as after an open question.
        let ask = if is_sentence(self.ask, &speech.words) { Ask::Open } else { self.ask };
        if speech.silent_for(now) < Patience::for_ask(ask).silence(ask, &speech.words, speech.whole) {
            return;
        }
        if let Some(until) = speech.answering.filter(|_| speech.is_nothing()) {
            // A noise is no answer: the caller still has the time they were given.
            self.floor = Floor::Offered { until };
            self.decisions.push_back(Decision::DropHearing);
            return;
        }
        let spoke_until = speech.until;
        self.floor = Floor::Server;
        self.decisions.push_back(Decision::EndTurn { spoke_until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Plays a caller against the floor: feeds frames and collects what is decided, with the time in ms.
    struct Caller {
        turn: Turn,
        now: SampleTime,
        decided: Vec<(u64, Decision)>,
    }

    impl Caller {
        fn new() -> Self {
            Self { turn: Turn::default(), now: SampleTime(0), decided: Vec::new() }
        }

        fn sound(&mut self, ms: u64, probability: f32) -> &mut Self {
            for _ in 0..ms / FRAME_MS {
                self.now = self.now + Duration::from_millis(FRAME_MS);
                // A voice is never as steady as a tone.
                let level = if self.now.as_millis().is_multiple_of(40) { -20.0 } else { -22.0 };
                let voice = Voice { speech: probability >= 0.5, probability, level, echo: 0.0, played: -127.0 };
                self.turn.frame(self.now, voice);
                while let Some(decision) = self.turn.poll() {
                    self.decided.push((self.now.as_millis(), decision));
                }
            }
            self
        }

        fn speech(&mut self, ms: u64) -> &mut Self {
            self.sound(ms, 0.95)
        }

        fn silence(&mut self, ms: u64) -> &mut Self {
            self.sound(ms, 0.0)
        }

        fn words(&mut self, words: &str) -> &mut Self {
            // Whole sentences are long here.
            let whole = if words.split_whitespace().count() > 4 { 0.9 } else { 0.1 };
            self.turn.words(self.now, words, whole);
            self
        }

        fn prompt(&mut self, ask: Ask) -> &mut Self {
            self.turn.server_speaks(ask, true);
            self
        }

        fn offer(&mut self) -> &mut Self {
            self.turn.offer(self.turn.ask, self.now, self.now + Duration::from_secs(6));
            self
        }

        fn when(&self, wanted: impl Fn(&Decision) -> bool) -> Option<u64> {
            self.decided.iter().find(|(_, decision)| wanted(decision)).map(|(ms, _)| *ms)
        }
    }

    fn ended(decision: &Decision) -> bool {
        matches!(decision, Decision::EndTurn { .. })
    }

    #[test]
    fn a_yes_is_answered_sooner_than_half_a_sentence() {
        let mut yes = Caller::new();
        yes.prompt(Ask::YesNo).offer().silence(200).speech(300).words("yes").silence(2_000);
        let mut half = Caller::new();
        half.prompt(Ask::Open).offer().silence(200).speech(300).words("i'd like to").silence(2_000);
        assert_eq!(yes.when(ended), Some(700));
        assert_eq!(half.when(ended), Some(1_760));
    }

    #[test]
    fn a_pause_inside_a_number_does_not_end_the_turn() {
        let mut caller = Caller::new();
        caller.prompt(Ask::Digits).offer().speech(600).words("one three eight").silence(1_200);
        assert_eq!(caller.when(ended), None);
        caller.speech(900).words("one three eight one two three four five six seven eight").silence(500);
        assert_eq!(caller.when(ended), Some(2_940));
    }

    #[test]
    fn a_cough_ducks_the_prompt_and_brings_it_back() {
        let mut caller = Caller::new();
        caller.prompt(Ask::Open).silence(400).sound(120, 0.75).silence(600);
        let decisions: Vec<_> = caller.decided.iter().map(|(_, decision)| *decision).collect();
        let from = SampleTime::from_millis(400);
        assert_eq!(
            decisions,
            [Decision::Duck, Decision::StartHearing { from }, Decision::Restore, Decision::DropHearing]
        );
        assert_eq!(caller.decided[0].0, 420);
    }

    #[test]
    fn words_over_a_prompt_stop_it_and_backchannels_do_not() {
        let mut caller = Caller::new();
        caller.prompt(Ask::Open).silence(400).speech(260).words("no it's").speech(600).silence(1_500);
        assert_eq!(caller.when(|d| *d == Decision::StopPrompt), Some(680));
        assert!(caller.when(ended).is_some());

        let mut listener = Caller::new();
        listener.prompt(Ask::Open).silence(400).speech(200).words("uh-huh").speech(200).silence(600);
        assert_eq!(listener.when(|d| *d == Decision::StopPrompt), None);
        assert!(listener.when(|d| *d == Decision::Restore).is_some());
    }

    #[test]
    fn long_speech_without_words_stops_the_prompt_but_music_does_not() {
        let mut speaker = Caller::new();
        speaker.prompt(Ask::Open).speech(1_000);
        assert_eq!(speaker.when(|d| *d == Decision::Hush), Some(120));
        assert_eq!(speaker.when(|d| *d == Decision::StopPrompt), Some(700));
        let mut music = Caller::new();
        music.prompt(Ask::Open).sound(3_000, 0.6);
        assert_eq!(music.when(|d| *d == Decision::StopPrompt), None);
    }

    #[test]
    fn silence_after_a_question_is_reported_once() {
        let mut caller = Caller::new();
        caller.prompt(Ask::Open).offer().silence(20_000);
        assert_eq!(caller.decided, [(6_000, Decision::NoInput)]);
    }

    #[test]
    fn whoever_speaks_when_the_prompt_ends_has_the_floor() {
        let mut caller = Caller::new();
        caller.prompt(Ask::YesNo).silence(100).speech(160).words("yeah").offer().speech(160).silence(400);
        assert_eq!(caller.when(|d| *d == Decision::DropHearing), None);
        assert!(caller.when(ended).is_some());
    }

    #[test]
    fn an_announcement_that_must_be_heard_is_not_ducked() {
        let mut caller = Caller::new();
        caller.turn.server_speaks(Ask::Open, false);
        caller.speech(2_000).words("stop it").silence(500);
        assert!(caller.decided.is_empty());
    }
}
