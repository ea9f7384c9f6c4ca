//! The talk with the caller: frames in, frames out, and between them ears, turn-taking, dialog and playout.
//!
//! ```text
//! hear ──► Duplex ─► Moment ──────────┐                                     ┌─► Duplex ─► say
//!                                     ▼                                     │
//! heard ─► Transcript ─► Understanding ─► Dialog ─► Reply ─► Speak … spoken ┘
//! ```
//!
//! It knows nothing of packets, parties or clocks: media time advances by one frame with every [`Conversation::hear`].
//! Its state is what the server is doing ([`Mind`]); who has the floor is decided below, by [`Duplex`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use super::Hotline;
use super::duplex::{Duplex, Moment};
use super::event::Happened;
use super::io::{EarRequest, Hearing, Speaking, Understand};
use super::keypad::Keypad;
use super::ledger::Ledger;
use super::playout::Heard as Played;
use super::thinking::Thoughts;
use crate::audio::Frame;
use crate::dialog::policy::Decision;
use crate::dialog::{
    ActionRequest, ActionResult, Asked, BargeIn, CallFacts, Dialog, DialogInput, Listen, Next, Progress, PromptKind,
    Question, Reply, Transfer,
};
use crate::identify::Identified;
use crate::nlu::Heard;
use crate::speech::tts::markup::words;
use crate::speech::vad::VoiceDetector;
use crate::turn::{Aside, Yields};
use crate::units::{HearingId, Pii, SampleRate, SampleTime, UtteranceId};

/// A final text that takes longer than this does not come any more.
const MAX_THINKING: Duration = Duration::from_secs(5);

/// What the conversation wants from outside.
#[derive(Debug)]
pub enum Request {
    /// For a recogniser.
    Ears(HearingId, EarRequest),
    /// Find out what was meant; [`Conversation::understood`] takes the answer.
    Understand(Box<Understand>),
    /// Synthesise the beginning of this, which may soon be spoken.
    Prepare(String),
    /// Synthesise.
    Speak(UtteranceId, String),
    /// Stop synthesising.
    Hush(UtteranceId),
    /// Carry out an action of the dialplan.
    Act(ActionRequest),
    /// Find out who is behind this number, which the caller stated.
    LookUp(Pii<String>),
    /// Tell the world.
    Tell(Happened),
    /// What was to be heard before an answer has been heard.
    Answer,
    /// Hand the caller over; the prompt that announces it has been heard.
    Transfer(Transfer),
    /// The conversation is over.
    HangUp,
}

/// What the server is doing.
#[derive(Debug)]
pub(super) enum Mind {
    /// Nothing: the conversation has not begun, or the caller is with somebody else.
    Away,
    /// Saying something to a caller who is not answered yet.
    Announcing(UtteranceId),
    /// Saying a span of a prompt; then the others, then `next`.
    Speaking { id: UtteranceId, rest: VecDeque<(String, BargeIn)>, next: Next },
    /// Waiting for the caller, or hearing them out.
    Listening(Listen),
    /// Waiting for the final text of a turn; then, with it, for what it means.
    Thinking { hearing: HearingId, since: SampleTime, listen: Listen, heard: Option<Heard> },
}

/// One conversation.
pub struct Conversation {
    hotline: Arc<Hotline>,
    pub(super) duplex: Duplex,
    keypad: Keypad,
    pub(super) dialog: Dialog,
    pub(super) ledger: Ledger,
    pub(super) mind: Mind,
    pub(super) thoughts: Thoughts,
    /// What an action brought that the dialog waits for, while somebody speaks.
    brought: Option<DialogInput>,
    pub(super) requests: VecDeque<Request>,
}

impl Conversation {
    /// A conversation in silence; [`start`](Self::start) begins it. `phone` is the calling number,
    /// `now` the local time of the call, `seed` chooses among prompt variants.
    pub fn new(
        hotline: Arc<Hotline>,
        detector: Box<dyn VoiceDetector>,
        phone: Pii<String>,
        now: DateTime,
        seed: u64,
    ) -> Self {
        Self {
            dialog: Dialog::new(hotline.plan.clone(), seed, now).calling(phone),
            hotline,
            duplex: Duplex::new(detector),
            keypad: Keypad::default(),
            ledger: Ledger::default(),
            mind: Mind::Away,
            thoughts: Thoughts::default(),
            brought: None,
            requests: VecDeque::new(),
        }
    }

    /// The same for a call of which the line told this.
    pub fn knowing(mut self, facts: CallFacts) -> Self {
        self.dialog = self.dialog.knowing(facts);
        self
    }

    /// The caller's line samples at `rate` from here on.
    pub fn set_line_rate(&mut self, rate: SampleRate) {
        self.duplex.set_line_rate(rate);
    }

    /// Says what the dialplan has for callers who are not answered yet, and then asks for the answer; whether it has anything.
    pub fn announce(&mut self) -> bool {
        if self.hotline.plan.prompts.of(PromptKind::BeforeAnswer).variants.is_empty() {
            return false;
        }
        let text = self.dialog.beside(PromptKind::BeforeAnswer);
        let id = self.duplex.speak(Default::default(), Yields::ToNobody);
        self.tell(Happened::Aside { text: words(&text).into_owned() });
        self.requests.push_back(Request::Speak(id, text));
        self.mind = Mind::Announcing(id);
        true
    }

    /// Greets the caller, with what is known of them.
    pub fn start(&mut self, identified: Identified) {
        self.answer(DialogInput::Started(Box::new(identified)));
    }

    /// Takes 20 ms of the caller's sound and the keys that were pressed meanwhile.
    pub fn hear(&mut self, frame: &Frame, keys: &str) {
        if matches!(self.mind, Mind::Away | Mind::Announcing(_)) {
            return self.duplex.overhear(frame);
        }
        self.duplex.hear(frame);
        let now = self.now();
        for key in keys.chars() {
            self.key(key);
        }
        if let Some(digits) = self.keypad.elapsed(now) {
            self.answer(DialogInput::Keyed(digits));
        }
        self.follow();
        if let Mind::Thinking { since, .. } = &self.mind
            && now.since(*since) > MAX_THINKING
        {
            self.answer(DialogInput::EngineFailed);
        }
    }

    /// The next 20 ms for the caller.
    pub fn say(&mut self) -> Frame {
        let frame = self.duplex.say();
        self.follow();
        frame
    }

    /// A recogniser answered.
    pub fn heard(&mut self, id: HearingId, hearing: Hearing) {
        match hearing {
            Hearing::Partial(text) => {
                if self.duplex.words(id, &text, |text| self.hotline.understanding.is_whole(text)) {
                    self.thoughts.partial.clone_from(&text);
                    self.follow();
                    self.tell(Happened::Hearing { text });
                }
            }
            Hearing::Final(transcript) => self.final_text(id, transcript),
            Hearing::Failed(error) => {
                tracing::warn!(%error, "recognition failed");
                let was_awaited = matches!(&self.mind, Mind::Thinking { hearing, .. } if *hearing == id);
                if self.duplex.recogniser_failed(id) || was_awaited {
                    self.answer(DialogInput::EngineFailed);
                }
            }
        }
    }

    /// A synthesiser answered.
    pub fn spoken(&mut self, id: UtteranceId, speaking: Speaking) {
        self.duplex.sound(id, speaking);
    }

    /// An action of the dialplan ended.
    pub fn action_ended(&mut self, result: ActionResult) {
        if matches!(self.dialog.question(), Some(Question::Doing(_) | Question::StillDoing(_))) {
            return self.bring(DialogInput::ActionEnded(result));
        }
        let reply = self.dialog.handle(DialogInput::ActionEnded(result));
        // The dialog has learned something since the turn: it is not set back any more.
        self.thoughts.answered = None;
        // An action ends when it ends; it does not take the floor from whoever has it.
        if let Mind::Listening(_) | Mind::Away = self.mind
            && !reply.prompt.text.is_empty()
            && !self.duplex.is_hearing()
        {
            self.carry_out(reply);
        }
    }

    /// The store answered a [`Request::LookUp`].
    pub fn member_found(&mut self, identified: Identified) {
        self.bring(DialogInput::MemberFound(Box::new(identified)));
    }

    /// Tells the dialog what it waits for, as soon as nobody speaks.
    fn bring(&mut self, input: DialogInput) {
        match self.mind {
            Mind::Listening(_) if !self.duplex.is_hearing() => self.answer(input),
            Mind::Away => self.answer(input),
            Mind::Listening(_) | Mind::Announcing(_) | Mind::Speaking { .. } | Mind::Thinking { .. } => {
                self.brought = Some(input)
            }
        }
    }

    /// Nobody took the caller over: the conversation goes on.
    pub fn transfer_failed(&mut self) {
        self.answer(DialogInput::TransferFailed);
    }

    /// Leaves the caller to somebody else; [`transfer_failed`](Self::transfer_failed) takes them back.
    pub fn step_aside(&mut self) {
        if let Mind::Speaking { id, .. } = std::mem::replace(&mut self.mind, Mind::Away) {
            self.requests.push_back(Request::Hush(id));
            let played = self.duplex.stop();
            self.stopped(played, false);
        }
        self.duplex.withdraw();
        self.follow();
    }

    /// How far the dialog has come.
    pub fn progress(&self) -> &Progress {
        self.dialog.progress()
    }

    /// What the dialog decided so far, and why.
    pub fn decisions(&self) -> Vec<Decision> {
        self.dialog.taken().iter().map(Decision::from).collect()
    }

    /// Who said what so far.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Media time: how much the caller has been listened to.
    pub fn now(&self) -> SampleTime {
        self.duplex.now()
    }

    /// What is wanted from outside; call it until it answers `None`.
    pub fn poll(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    fn tell(&mut self, what: Happened) {
        self.requests.push_back(Request::Tell(what));
    }

    fn key(&mut self, key: char) {
        let played = self.duplex.stop();
        self.interrupted(played);
        self.duplex.withdraw();
        self.follow();
        if let Some(digits) = self.keypad.press(key, self.listen().ask(), self.now()) {
            self.answer(DialogInput::Keyed(digits));
        }
    }

    /// How the caller is listened to at this moment.
    pub(super) fn listen(&self) -> Listen {
        match &self.mind {
            Mind::Listening(listen)
            | Mind::Thinking { listen, .. }
            | Mind::Speaking { next: Next::Listen(listen), .. } => listen.clone(),
            Mind::Speaking { .. } | Mind::Announcing(_) | Mind::Away => Listen::default(),
        }
    }

    /// Follows what the two voices led to.
    fn follow(&mut self) {
        while let Some(moment) = self.duplex.poll() {
            match moment {
                Moment::Ears(id, request) => self.requests.push_back(Request::Ears(id, request)),
                Moment::CallerBegan { from } => {
                    self.thoughts.forget();
                    self.ledger.caller_started(from);
                }
                Moment::Audible => {
                    let latency = self.ledger.first_audio(self.duplex.now());
                    self.requests.extend(latency.map(|latency| Request::Tell(Happened::Answered { latency })));
                }
                Moment::Ducked => self.tell(Happened::Ducked),
                // A step on the way: the world is told how it ends.
                Moment::Hushed => {}
                Moment::Restored => self.tell(Happened::Restored),
                Moment::Interrupted(played) => self.interrupted(played),
                Moment::WentOn(played) => self.went_on(played),
                Moment::PromptEnded(played) => self.prompt_ended(played),
                Moment::TurnEnding { hearing } => self.think_ahead(hearing),
                Moment::TurnEnded { hearing, spoke_until } => self.turn_ended(hearing, spoke_until),
                Moment::WasSilent => self.answer(DialogInput::WasSilent),
                Moment::Aside(aside) => self.say_aside(aside),
            }
        }
    }

    /// The caller took the floor from the server.
    fn interrupted(&mut self, played: Option<Played>) {
        let listen = self.listen();
        match &self.mind {
            Mind::Speaking { id, .. } => {
                self.requests.push_back(Request::Hush(*id));
                if played.is_some() {
                    self.tell(Happened::BargedIn);
                }
                self.stopped(played, true);
                self.mind = Mind::Listening(listen);
            }
            Mind::Thinking { hearing, heard, .. } => {
                self.thoughts.go_on(*hearing, heard.as_ref());
                self.mind = Mind::Listening(listen);
            }
            Mind::Listening(_) | Mind::Announcing(_) | Mind::Away => {}
        }
    }

    /// The caller goes on with the turn that is being answered, and was not through: it is as if it had not been answered.
    fn went_on(&mut self, played: Option<Played>) {
        let answered = self.thoughts.answered.take();
        let (Mind::Speaking { id, .. }, Some(answered)) = (&self.mind, answered) else {
            return self.interrupted(played);
        };
        self.requests.push_back(Request::Hush(*id));
        self.ledger.went_on();
        self.stopped(played, true);
        self.tell(Happened::WentOn);
        let listen = self.thoughts.unanswer(answered, &mut self.dialog);
        self.mind = Mind::Listening(listen);
    }

    /// What was playing ended before its end.
    fn stopped(&mut self, played: Option<Played>, barged_in: bool) {
        let now = self.now();
        let turn = played.and_then(|played| self.ledger.server_stopped(played, now, barged_in));
        self.tell_turn(turn);
    }

    fn prompt_ended(&mut self, played: Played) {
        self.stopped(Some(played), false);
        match std::mem::replace(&mut self.mind, Mind::Away) {
            Mind::Speaking { id, mut rest, next } if id == played.id => match rest.pop_front() {
                Some((text, barge_in)) => self.speak(text, barge_in, rest, next),
                None => self.go_on(next),
            },
            Mind::Announcing(id) if id == played.id => self.requests.push_back(Request::Answer),
            other => self.mind = other,
        }
    }

    /// What comes after a prompt.
    fn go_on(&mut self, next: Next) {
        match next {
            Next::Listen(listen) => {
                self.duplex.offer(listen.ask(), listen.no_input);
                self.mind = Mind::Listening(listen);
                if let Some(input) = self.brought.take() {
                    return self.answer(input);
                }
                if let Some(question) = self.dialog.question() {
                    let question = Asked::of(&self.hotline.plan, question);
                    self.tell(Happened::Listening { question });
                }
            }
            Next::Transfer(transfer) => {
                self.mind = Mind::Away;
                self.requests.push_back(Request::Transfer(transfer));
            }
            Next::HangUp => {
                self.mind = Mind::Away;
                self.requests.push_back(Request::HangUp);
            }
        }
    }

    /// Says a few words that are nobody's turn.
    fn say_aside(&mut self, aside: Aside) {
        let text = self.dialog.beside(match aside {
            Aside::Listening => PromptKind::Listening,
            Aside::TakeYourTime => PromptKind::TakeYourTime,
            Aside::Thinking => PromptKind::Thinking,
        });
        let id = self.duplex.aside();
        self.tell(Happened::Aside { text: words(&text).into_owned() });
        self.requests.push_back(Request::Speak(id, text));
    }

    /// Tells the dialog what happened and carries out its reply.
    pub(super) fn answer(&mut self, input: DialogInput) {
        let reply = self.ask_the_dialog(input);
        self.thoughts.answered = None;
        self.carry_out(reply);
    }

    /// What the dialog replies to what happened.
    pub(super) fn ask_the_dialog(&mut self, input: DialogInput) -> Reply {
        let before = (self.progress().scene.clone(), self.progress().confirmed);
        let reply = self.dialog.handle(input);
        let progress = self.dialog.progress();
        if let Some(scene) = &progress.scene
            && before != (progress.scene.clone(), progress.confirmed)
        {
            let problem = Happened::Problem { scene: scene.to_string(), confirmed: progress.confirmed };
            self.requests.push_back(Request::Tell(problem));
        }
        reply
    }

    pub(super) fn carry_out(&mut self, reply: Reply) {
        self.ledger.acted(self.now());
        self.requests.extend(reply.actions.into_iter().map(Request::Act));
        self.requests.extend(reply.look_up.map(Request::LookUp));
        if reply.prompt.text.is_empty() {
            return self.go_on(reply.next);
        }
        let mut spans: VecDeque<_> = reply.prompt.spans().map(|(text, barge_in)| (text.to_owned(), barge_in)).collect();
        self.tell(Happened::Speaking { text: words(&reply.prompt.text).into_owned() });
        match spans.pop_front() {
            Some((text, barge_in)) => self.speak(text, barge_in, spans, reply.next),
            None => self.go_on(reply.next),
        }
    }

    /// Says `text`, one span of a prompt, then the `rest` of them.
    fn speak(&mut self, text: String, barge_in: BargeIn, rest: VecDeque<(String, BargeIn)>, next: Next) {
        let (ask, yields) = match (&next, barge_in) {
            (Next::Listen(listen), BargeIn::Allowed) => (listen.ask(), Yields::ToSpeech),
            (Next::Listen(listen), BargeIn::Command) => (listen.ask(), Yields::ToCommands),
            (Next::Listen(listen), BargeIn::Never) => (listen.ask(), Yields::ToNobody),
            // Nobody is asked anything: the announcement is heard to its end.
            (Next::Transfer(_) | Next::HangUp, _) => (Default::default(), Yields::ToNobody),
        };
        let id = self.duplex.speak(ask, yields);
        let now = self.now();
        self.ledger.server_started(&words(&text), &next, now);
        self.requests.push_back(Request::Speak(id, text));
        self.mind = Mind::Speaking { id, rest, next };
    }

    pub(super) fn tell_turn(&mut self, turn: Option<super::record::TurnRecord>) {
        if let Some(turn) = turn {
            self.tell(Happened::Turned(turn));
        }
    }
}
