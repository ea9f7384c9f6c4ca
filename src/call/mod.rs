//! One call: legs, conversation, transfer and bridge, composed.
//!
//! ```text
//! Input ─► Call::handle(now, …) ─► legs ─► 20 ms tick ─► Conversation ─► legs ─► Call::poll ─► Output … Deadline
//! ```
//!
//! The contract is one loop: `handle` something, then `poll` until it answers [`Output::Deadline`], then sleep until that
//! deadline or the next input. A call owns no socket, clock or thread, so it runs whole in a test, in virtual time. It is
//! ignorant of who placed the call and over what; `Stage` is the only state besides its parts.

mod conversation;
mod duplex;
mod ears;
mod event;
mod io;
mod keypad;
mod ledger;
mod line;
mod media;
mod playout;
mod record;
mod thinking;
mod transfer;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::DateTime;

pub use conversation::{Conversation, Request};
pub use duplex::{Duplex, Moment};
pub use event::{CallEvent, Happened, VERSION};
pub use io::{Dial, EarRequest, Hearing, Input, LookUp, Output, Speaking, Stream, Understand, Understood};
pub use ledger::Ledger;
pub use playout::Heard as Played;
pub use record::{
    CallOutcome, CallRecord, Direction, GuessRecord, Latency, MemberRecord, OrderRecord, Party, RtpRecord,
    TransferRecord, TurnRecord,
};

use crate::audio::Frame;
use crate::dialog::{CallFacts, Plan};
use crate::identify::Identified;
use crate::leg::{Keys, LegEvent, LegRequest};
use crate::nlu::Understanding;
use crate::rtp::dtls::Engine;
use crate::sdp::{self, Agreed};
use crate::speech::tts::Recordings;
use crate::speech::vad::VoiceDetector;
use crate::timer::{TimerName, TimerTable};
use crate::units::{CallId, LegId, Pii};
use line::Line;
use transfer::{Bridge, Transferring};

/// What all calls of one hotline share.
pub struct Hotline {
    /// What is said.
    pub plan: Arc<Plan>,
    /// What callers mean.
    pub understanding: Understanding,
    /// What is said with a person's voice.
    pub recordings: Arc<Recordings>,
}

/// How a call came in.
pub struct Arrival {
    /// Our name for the call.
    pub id: CallId,
    /// Calling number.
    pub from: Pii<String>,
    /// Called number.
    pub to: String,
    /// What else the line told.
    pub facts: CallFacts,
    /// SDP offer, if the INVITE had one.
    pub offer: Option<String>,
    /// Whether the caller hears what is said before the answer.
    pub hears_early: bool,
    /// Where our media socket for the caller is, and what we can do.
    pub local: sdp::Local,
    /// Shakes hands for keys with those who ask for that.
    pub engine: Option<Arc<Engine>>,
    /// When the INVITE came.
    pub at: Timestamp,
    /// The same as local time.
    pub local_time: DateTime,
    /// Chooses prompt variants, SSRC, first sequence number and the like.
    pub seed: u64,
}

/// Longest wait for the store before the caller is greeted as a stranger.
const MAX_LOOK_UP: Duration = Duration::from_millis(400);
/// Longest announcement before an answer: networks give a call up that is not answered in time.
const MAX_ANNOUNCEMENT: Duration = Duration::from_secs(30);
/// Longest call without a human; nobody talks to a machine that long, a stuck one might.
const MAX_CALL: Duration = Duration::from_secs(3_600);
/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// The next 20 ms of media.
    Media,
    /// The end of what is said before the answer.
    Announcement,
    /// The store's answer.
    LookUp,
    /// The agent who is being called, or the party who was asked to call one.
    Transfer,
    /// The end of the longest call.
    Longest,
}

impl TimerName for Timer {
    const ALL: &'static [Self] = &[Self::Media, Self::Announcement, Self::LookUp, Self::Transfer, Self::Longest];

    fn index(self) -> usize {
        self as usize
    }
}

/// How far the call is.
enum Stage {
    /// The caller hears something before we answer.
    Announcing,
    /// Our answer is out; an INVITE without SDP still owes us one with its ACK.
    Answering,
    /// The caller talks to the server.
    Talking,
    /// A human is being fetched.
    Transferring(Transferring),
    /// Caller and human talk to each other.
    Bridged(Bridge),
    /// Over.
    Ended,
}

/// The moments that a call counts from.
struct Times {
    /// When the INVITE came.
    arrived: Instant,
    /// When media began.
    answered: Option<Instant>,
    /// When the next 20 ms of media are due.
    next_tick: Instant,
    /// When the last packet of the caller came.
    last_packet: Instant,
}

/// One call.
pub struct Call {
    arrival: Arrival,
    times: Times,
    stage: Stage,
    line: Option<Line>,
    conversation: Conversation,
    /// Keys that came by signalling since the last tick.
    pressed: Keys,
    identified: Option<Identified>,
    transfer: Option<TransferRecord>,
    /// What was agreed with the agent who talks to the caller.
    agent_local: Option<sdp::Local>,
    timers: TimerTable<Timer, 5>,
    outputs: VecDeque<Output>,
    hotline: Arc<Hotline>,
    /// What both sides said since it was asked for last, where it is recorded.
    recorded: Option<Vec<[Frame; 2]>>,
}

impl Call {
    /// Answers a call, or refuses it: see what [`poll`](Self::poll) says first.
    pub fn new(now: Instant, hotline: Arc<Hotline>, arrival: Arrival, detector: Box<dyn VoiceDetector>) -> Self {
        let conversation =
            Conversation::new(hotline.clone(), detector, arrival.from.clone(), arrival.local_time, arrival.seed)
                .knowing(arrival.facts.clone());
        let mut call = Self {
            times: Times { arrived: now, answered: None, next_tick: now, last_packet: now },
            stage: Stage::Answering,
            line: None,
            conversation,
            pressed: Keys::default(),
            identified: None,
            transfer: None,
            agent_local: None,
            timers: TimerTable::default(),
            outputs: VecDeque::new(),
            hotline,
            recorded: None,
            arrival,
        };
        let (from, to) = (call.arrival.from.0.clone(), call.arrival.to.clone());
        call.tell(Happened::Started { from, to });
        call.pick_up(now);
        call
    }

    /// Keeps what both sides say from now on, to be taken with [`recorded`](Self::recorded).
    pub fn record_sound(&mut self) {
        self.recorded.get_or_insert_default();
    }

    /// What was said since the last time: of the caller, and to the caller, 20 ms each.
    pub fn recorded(&mut self) -> impl Iterator<Item = [Frame; 2]> {
        self.recorded.iter_mut().flat_map(|said| said.drain(..))
    }

    /// Takes in something that happened at `now`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Packet { leg, from, bytes } => self.packet(now, leg, from, bytes),
            Input::Leg(LegId::CALLER, event) => self.caller_leg(now, event),
            Input::Leg(_, event) => self.agent_leg(now, event),
            Input::Dialled(local) => self.dialled(local),
            Input::Heard(id, hearing) => self.conversation.heard(id, hearing),
            Input::Understood(understood) => self.conversation.understood(understood),
            Input::Spoken(id, speaking) => self.conversation.spoken(id, speaking),
            Input::CallerKnown(identified) => self.caller_known(*identified),
            Input::ActionEnded(result) => self.conversation.action_ended(result),
            Input::HangUp => self.hang_up(now, Party::Server),
            Input::Timeout => {}
        }
        while let Some(timer) = self.timers.expired(now) {
            self.expired(now, timer);
        }
        self.serve_conversation(now);
    }

    /// Takes in a packet that came by `now`, and does not yet do what has become due meanwhile: on a machine that stalled, all
    /// that has come is taken in before time goes on.
    pub fn take_in(&mut self, now: Instant, leg: LegId, from: SocketAddr, bytes: &[u8]) {
        self.packet(now, leg, from, bytes);
    }

    /// What to do now. A packet to send is written into `packet`. [`Output::Deadline`] is always the last.
    pub fn poll(&mut self, now: Instant, packet: &mut Vec<u8>) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        if let Some((stream, to)) = self.line.as_mut().and_then(|line| line.transmit(now, packet)) {
            return Output::Packet { leg: LegId::CALLER, stream, to };
        }
        if let Stage::Bridged(Bridge { agent, .. })
        | Stage::Transferring(Transferring::Dialling { early: Some(agent), .. }) = &mut self.stage
            && let Some((stream, to)) = agent.transmit(now, packet)
        {
            return Output::Packet { leg: LegId::AGENT, stream, to };
        }
        match self.stage {
            Stage::Ended => Output::Deadline(None),
            _ => Output::Deadline(self.timers.next()),
        }
    }

    /// Answers the INVITE, or refuses it.
    fn pick_up(&mut self, now: Instant) {
        let sdp = match &self.arrival.offer {
            Some(offer) => match sdp::negotiate(&self.arrival.local, offer) {
                Ok(agreed) => {
                    self.agree(&agreed);
                    agreed.answer_sdp()
                }
                Err(refusal) => {
                    tracing::info!(%refusal, "call refused");
                    self.outputs.push_back(Output::Leg(LegId::CALLER, LegRequest::Reject { status: refusal.status() }));
                    return self.end(now, Party::Server);
                }
            },
            None => sdp::offer(&self.arrival.local),
        };
        self.outputs.push_back(Output::LookUp(LookUp::Calling(self.arrival.from.clone())));
        self.timers.set(Timer::Longest, now + MAX_CALL);
        if self.arrival.hears_early && self.line.is_some() && self.conversation.announce() {
            self.outputs.push_back(Output::Leg(LegId::CALLER, LegRequest::Progress { sdp }));
            self.timers.set(Timer::Announcement, now + MAX_ANNOUNCEMENT);
            self.stage = Stage::Announcing;
            return self.run_media(now);
        }
        // Some switches count a call as reached only by a 180, however soon the 200 follows.
        self.outputs.push_back(Output::Leg(LegId::CALLER, LegRequest::Ring));
        self.outputs.push_back(Output::Leg(LegId::CALLER, LegRequest::Accept { sdp }));
        if self.line.is_some() {
            self.run_media(now);
            self.begin(now);
        }
    }

    /// What was to be said before the answer has been heard, or takes too long.
    fn announced(&mut self, now: Instant) {
        let (Stage::Announcing, Some(line)) = (&self.stage, &self.line) else { return };
        let sdp = line.answer_sdp();
        self.timers.stop(Timer::Announcement);
        self.outputs.push_back(Output::Leg(LegId::CALLER, LegRequest::Accept { sdp }));
        self.begin(now);
    }

    /// The conversation begins.
    fn begin(&mut self, now: Instant) {
        self.stage = Stage::Talking;
        self.times.answered = Some(now);
        self.times.last_packet = now;
        match self.identified.take() {
            Some(identified) => self.caller_known(identified),
            None => self.timers.set(Timer::LookUp, now + MAX_LOOK_UP),
        }
    }

    fn caller_leg(&mut self, now: Instant, event: LegEvent) {
        match event {
            LegEvent::Acknowledged { sdp: Some(answer) } => self.late_answer(now, &answer),
            LegEvent::Acknowledged { sdp: None } if self.line.is_none() => self.hang_up(now, Party::Server),
            LegEvent::Updated { sdp } => self.update(sdp),
            LegEvent::Referred { status } => self.referred(now, status),
            LegEvent::Pressed { key } => self.pressed.push(key),
            LegEvent::Ended { .. } => self.end(now, Party::Caller),
            LegEvent::Rang
            | LegEvent::Progressed { .. }
            | LegEvent::Answered { .. }
            | LegEvent::Acknowledged { .. }
            | LegEvent::UpdateRefused { .. } => {}
        }
    }

    /// The answer to our offer, which the ACK brought (RFC 3261 §13.2.1).
    fn late_answer(&mut self, now: Instant, answer: &str) {
        let is_first = self.line.is_none();
        match sdp::accept_answer(&self.arrival.local, answer) {
            Ok(agreed) => {
                self.agree(&agreed);
                if is_first {
                    self.run_media(now);
                    self.begin(now);
                }
            }
            // Nothing can be refused any more: what was agreed before stays, and without that there is no call.
            Err(refusal) => {
                tracing::info!(%refusal, "late answer refused");
                if is_first {
                    self.hang_up(now, Party::Server);
                }
            }
        }
    }

    /// A re-INVITE: hold, resume, another port or codec (RFC 3264 §8).
    fn update(&mut self, offer: Option<String>) {
        let request = match offer {
            None => LegRequest::AcceptUpdate { sdp: sdp::offer(&self.arrival.local) },
            Some(_) if self.line.is_none() => LegRequest::RejectUpdate { status: 491 },
            Some(offer) => match sdp::negotiate(&self.arrival.local, &offer) {
                Ok(agreed) => {
                    self.agree(&agreed);
                    LegRequest::AcceptUpdate { sdp: agreed.answer_sdp() }
                }
                Err(refusal) => LegRequest::RejectUpdate { status: refusal.status() },
            },
        };
        self.outputs.push_back(Output::Leg(LegId::CALLER, request));
    }

    /// The caller's media goes as agreed from here on.
    fn agree(&mut self, agreed: &Agreed) {
        self.arrival.local = agreed.next_local();
        self.conversation.set_line_rate(agreed.codec.sample_rate());
        let Some(line) = &mut self.line else {
            let engine = self.arrival.engine.clone();
            self.line = Some(Line::new(LegId::CALLER, agreed, self.arrival.seed, engine));
            return;
        };
        let was_held = line.is_held();
        line.renegotiate(agreed);
        let is_held = line.is_held();
        if was_held != is_held {
            self.tell(if is_held { Happened::Held } else { Happened::Resumed });
        }
    }

    fn caller_known(&mut self, identified: Identified) {
        if matches!(self.stage, Stage::Announcing | Stage::Answering) {
            self.identified = Some(identified);
            return;
        }
        let is_greeted = self.identified.is_some();
        self.timers.stop(Timer::LookUp);
        self.tell(Happened::Identified {
            member: record::member(&identified),
            order: record::order(&identified),
            guess: record::guess(&identified),
        });
        self.identified = Some(identified.clone());
        if is_greeted {
            self.conversation.member_found(identified);
        } else {
            self.conversation.start(identified);
        }
    }

    fn expired(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Media => self.tick(now),
            Timer::Announcement => self.announced(now),
            Timer::LookUp => self.caller_known(Identified::default()),
            Timer::Transfer => self.transfer_failed("no_answer"),
            Timer::Longest => self.hang_up(now, Party::Server),
        }
    }

    fn serve_conversation(&mut self, now: Instant) {
        while let Some(request) = self.conversation.poll() {
            match request {
                Request::Ears(id, request) => self.outputs.push_back(Output::Ears(id, request)),
                Request::Understand(words) => self.outputs.push_back(Output::Understand(words)),
                Request::Prepare(text) => self.outputs.push_back(Output::Prepare(text)),
                Request::Speak(id, text) => self.outputs.push_back(Output::Speak(id, text)),
                Request::Hush(id) => self.outputs.push_back(Output::Hush(id)),
                Request::Act(action) => self.outputs.push_back(Output::Act(action)),
                Request::LookUp(number) => self.outputs.push_back(Output::LookUp(LookUp::Stated(number))),
                Request::Tell(what) => self.tell(what),
                Request::Answer => self.announced(now),
                Request::Transfer(transfer) => self.transfer(now, transfer),
                Request::HangUp => self.hang_up(now, Party::Server),
            }
        }
    }

    fn tell(&mut self, what: Happened) {
        let at_ms = self.conversation.now().as_millis();
        self.outputs.push_back(Output::Event(CallEvent { v: VERSION, call_id: self.arrival.id.clone(), at_ms, what }));
    }
}

#[cfg(test)]
mod tests;
