//! The caller's part of the call: a pure machine that is ticked each 20 ms.
//!
//! ```text
//! hear(frame, audible) ─┐                ┌─► sound of this frame
//!                       ├─► tick() ─► Deeds
//! updated(accepted) ────┘                └─► keys, hold, resume, hang up
//! ```
//!
//! Time is counted in frames since the call was answered, so the same script gives the same figures in a test.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::figures::{Kind, Occurrence, Spoken};
use super::sound::{LineFrame, Utterance};

/// Frames a second.
const FRAMES_PER_SECOND: f64 = 50.0;
/// A pause of the server's speech that does not end it for `barge` \[frames\]: 300 ms.
const BREATH: u64 = 15;
/// How long `listen` waits for the server to begin \[frames\]: 15 s.
const BEGIN_LIMIT: u64 = 750;
/// How long `listen` waits for the server to end \[frames\]: 60 s.
const END_LIMIT: u64 = 3_000;
/// How long `barge` waits for the server to speak \[frames\]: 20 s.
const BARGE_LIMIT: u64 = 1_000;
/// How long the server may take to answer `hold` and `resume` \[frames\]: 4 s.
const UPDATE_LIMIT: u64 = 200;

/// A step with its sound loaded.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Say(Arc<Utterance>),
    Barge { after: u64, utterance: Arc<Utterance> },
    Listen { quiet: u64 },
    Wait(u64),
    Keys(String),
    Hold,
    Resume,
    HangUp,
}

/// What the line should do in this frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Deeds {
    /// What to send; `None` is silence.
    pub(super) sound: Option<LineFrame>,
    /// What else to do.
    pub(super) request: Option<Request>,
}

/// Something that is not sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Press(String),
    Hold,
    Resume,
    HangUp,
}

#[derive(Clone, Debug)]
enum Doing {
    /// The next step is due.
    Choosing,
    Speaking {
        utterance: Arc<Utterance>,
        next: usize,
    },
    /// Waits for the server to begin to speak.
    Expecting {
        since: u64,
        quiet: u64,
    },
    /// Waits for the server to end.
    Hearing {
        since: u64,
        quiet: u64,
    },
    Lurking {
        since: u64,
        after: u64,
        utterance: Arc<Utterance>,
    },
    Waiting {
        until: u64,
    },
    /// Until the line has no key left to send.
    Pressing,
    Updating {
        since: u64,
    },
    Done,
}

/// A scripted caller.
#[derive(Debug)]
pub(super) struct Caller {
    acts: VecDeque<(String, Act)>,
    doing: Doing,
    /// Name of the step that is being done.
    step: String,
    now: u64,
    /// Whether the server could be heard, by frame.
    audible: Vec<bool>,
    /// What the caller has said.
    pub(super) spoken: Vec<Spoken>,
    /// What happened, for the report.
    pub(super) events: Vec<Occurrence>,
    /// Why the script was not carried out to its end.
    pub(super) error: Option<String>,
}

/// Frames in a time.
pub(super) fn frames(time: Duration) -> u64 {
    (time.as_secs_f64() * FRAMES_PER_SECOND).round() as u64
}

impl Caller {
    /// A caller who will do `acts`; each comes with its name.
    pub(super) fn new(acts: impl IntoIterator<Item = (String, Act)>) -> Self {
        Self {
            acts: acts.into_iter().collect(),
            doing: Doing::Choosing,
            step: String::new(),
            now: 0,
            audible: Vec::new(),
            spoken: Vec::new(),
            events: Vec::new(),
            error: None,
        }
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.doing, Doing::Done)
    }

    /// Frames since the answer.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Notes something for the report.
    pub(super) fn note(&mut self, event: impl Into<String>) {
        self.events.push(Occurrence { frame: self.now, event: event.into() });
    }

    /// The server sent this frame, audible or not.
    pub(super) fn hear(&mut self, frame: u64, audible: bool) {
        let at = frame as usize;
        if self.audible.len() <= at {
            self.audible.resize(at + 1, false);
        }
        self.audible[at] |= audible;
    }

    /// The server answered `hold` or `resume`.
    pub(super) fn updated(&mut self, accepted: bool) {
        if matches!(self.doing, Doing::Updating { .. }) {
            self.doing = Doing::Choosing;
            if !accepted {
                self.fail();
            }
        }
    }

    /// The call ended from the other side, or its time is up.
    pub(super) fn cut_off(&mut self, why: &str) {
        if let Some((step, _)) = self.acts.front() {
            self.error.get_or_insert(format!("{why} before step {step}"));
        }
        self.doing = Doing::Done;
    }

    /// One frame of the caller's life. `pressing`: the line still has keys to send.
    pub(super) fn tick(&mut self, pressing: bool) -> Deeds {
        let mut deeds = Deeds::default();
        self.advance(pressing);
        while let (Doing::Choosing, None) = (&self.doing, &deeds.request) {
            deeds.request = self.choose();
            self.advance(pressing);
        }
        if let Doing::Speaking { utterance, next } = &mut self.doing {
            deeds.sound = utterance.frames.get(*next).copied();
            *next += 1;
        }
        self.now += 1;
        deeds
    }

    /// Takes up the next step.
    fn choose(&mut self) -> Option<Request> {
        let Some((step, act)) = self.acts.pop_front() else {
            self.doing = Doing::Done;
            return None;
        };
        self.note(step.clone());
        self.step = step;
        let since = self.now;
        let (doing, request) = match act {
            Act::Say(utterance) => {
                self.speak(Kind::Say, utterance);
                return None;
            }
            Act::Barge { after, utterance } => (Doing::Lurking { since, after, utterance }, None),
            Act::Listen { quiet } => (Doing::Expecting { since, quiet }, None),
            Act::Wait(time) => (Doing::Waiting { until: since + time }, None),
            Act::Keys(keys) => (Doing::Pressing, Some(Request::Press(keys))),
            Act::Hold => (Doing::Updating { since }, Some(Request::Hold)),
            Act::Resume => (Doing::Updating { since }, Some(Request::Resume)),
            Act::HangUp => (Doing::Done, Some(Request::HangUp)),
        };
        self.doing = doing;
        request
    }

    fn speak(&mut self, kind: Kind, utterance: Arc<Utterance>) {
        self.spoken.push(Spoken {
            kind,
            name: utterance.name.clone(),
            on: self.now + utterance.first as u64,
            off: self.now + utterance.last as u64,
        });
        self.doing = Doing::Speaking { utterance, next: 0 };
    }

    /// Ends what has run its course.
    fn advance(&mut self, pressing: bool) {
        let now = self.now;
        match &self.doing {
            Doing::Speaking { utterance, next } if *next >= utterance.frames.len() => self.doing = Doing::Choosing,
            Doing::Expecting { since, quiet } => {
                if self.heard_since(*since) || self.speaking_for() > 0 {
                    self.doing = Doing::Hearing { since: now, quiet: *quiet };
                    self.advance(pressing);
                } else if now > since + BEGIN_LIMIT {
                    self.fail();
                }
            }
            Doing::Hearing { since, quiet } => {
                if !self.heard_since(now.saturating_sub(*quiet)) {
                    self.doing = Doing::Choosing;
                } else if now > since + END_LIMIT {
                    self.fail();
                }
            }
            Doing::Lurking { since, after, utterance } => {
                let speaking = self.speaking_for();
                if speaking > 0 && speaking >= *after {
                    let utterance = Arc::clone(utterance);
                    self.speak(Kind::Barge, utterance);
                } else if now > since + BARGE_LIMIT {
                    self.fail();
                }
            }
            Doing::Waiting { until } if now >= *until => self.doing = Doing::Choosing,
            Doing::Pressing if !pressing => self.doing = Doing::Choosing,
            Doing::Updating { since } if now > since + UPDATE_LIMIT => self.fail(),
            _ => {}
        }
    }

    fn fail(&mut self) {
        self.error.get_or_insert(format!("step {} did not happen", self.step));
        self.doing = Doing::Done;
    }

    fn heard_since(&self, frame: u64) -> bool {
        self.audible.iter().skip(frame as usize).any(|&audible| audible)
    }

    /// For how many frames the server has been speaking without more than a breath; 0 when it is silent.
    fn speaking_for(&self) -> u64 {
        let mut start = None;
        let mut silent = 0;
        for frame in (0..self.now).rev() {
            if self.audible.get(frame as usize).copied().unwrap_or(false) {
                (start, silent) = (Some(frame), 0);
            } else {
                silent += 1;
                if silent > BREATH {
                    break;
                }
            }
        }
        start.map_or(0, |start| self.now - start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utterance(frames: usize) -> Arc<Utterance> {
        Arc::new(Utterance::new("a.wav".into(), &vec![3_000; frames * 160]))
    }

    /// Runs a caller against a server that can be heard in these frames, and answers the frames in which it spoke.
    fn run(caller: &mut Caller, server: &[std::ops::Range<u64>], limit: u64) -> Vec<u64> {
        let mut spoke = Vec::new();
        for frame in 0..limit {
            caller.hear(frame, server.iter().any(|range| range.contains(&frame)));
            let deeds = caller.tick(false);
            if deeds.sound.is_some() {
                spoke.push(frame);
            }
            if deeds.request == Some(Request::Hold) {
                caller.updated(true);
            }
        }
        spoke
    }

    #[test]
    fn a_listener_speaks_after_the_servers_silence() {
        let acts = [("listen".to_owned(), Act::Listen { quiet: 40 }), ("say".to_owned(), Act::Say(utterance(10)))];
        let mut caller = Caller::new(acts);
        let spoke = run(&mut caller, &[20..50, 60..80], 200);
        assert_eq!((spoke.first(), spoke.len()), (Some(&120), 10), "80 + 40 frames of silence");
        assert!(caller.is_done() && caller.error.is_none());
    }

    #[test]
    fn an_interrupter_waits_for_the_server_to_be_under_way() {
        let mut caller = Caller::new([("barge".to_owned(), Act::Barge { after: 25, utterance: utterance(5) })]);
        let spoke = run(&mut caller, &[10..30, 40..90], 100);
        assert_eq!(spoke.first(), Some(&35), "a breath does not count as an end");
        assert_eq!((caller.spoken[0].on, caller.spoken[0].off), (35, 39));
    }

    #[test]
    fn a_step_that_cannot_happen_is_named() {
        let mut caller = Caller::new([("listen".to_owned(), Act::Listen { quiet: 40 })]);
        run(&mut caller, &[], BEGIN_LIMIT + 5);
        assert_eq!(caller.error.as_deref(), Some("step listen did not happen"));
        let mut caller = Caller::new([("hold".to_owned(), Act::Hold), ("wait".to_owned(), Act::Wait(5))]);
        run(&mut caller, &[], 3);
        caller.cut_off("the server hung up");
        assert_eq!(caller.error, None, "its last step was under way");
    }
}
