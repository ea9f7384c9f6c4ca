//! The task that owns one call: everything that reaches the call comes through one `select!`.
//!
//! ```text
//! RTP sockets ─┐
//! SIP legs ────┤
//! engines ─────┼─► Call::handle ─► Call::poll … Deadline ─► sleep
//! store ───────┤                        └─► sockets, legs, engines, store, board
//! operator ────┘
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::House;
use super::engines::{EngineMessage, Mailbox};
use super::recording::Recording;
use super::rtp::{RtpError, RtpSockets};
use super::sip::{self, IncomingCall, Purpose, SipLeg};
use crate::call::{
    Arrival, Call, CallEvent, Dial, Happened, Hotline, Input, LookUp, Output, Stream, Understand, Understood,
};
use crate::config::Encryption;
use crate::dialog::ActionResult;
use crate::identify::Identified;
use crate::leg::{LegEvent, LegRequest, ReferTo};
use crate::sdp::{self, Fingerprint, Protected, SECRET_BYTES, Secret, Security};
use crate::speech::vad::Earshot;
use crate::units::{CallId, LegId};

/// Largest datagram taken: an Ethernet frame. RTP of a telephone call is far smaller.
const MAX_DATAGRAM: usize = 1_500;
/// Packets of one party that are taken in at once before time goes on: more than a second of sound. A stranger who sends more
/// takes turns with the clock.
const AT_ONCE: usize = 64;
/// Answers of the store and of actions that may wait for one call. The task takes them at once; a call asks for a handful.
const ANSWERS: usize = 16;

/// What other tasks of ours tell a call.
enum Answer {
    Known(Box<Identified>),
    Understood(Box<Understood>),
    ActionEnded(ActionResult),
    Dialled(Box<AgentLeg>),
    DialFailed,
}

/// The second leg at the edge.
struct AgentLeg {
    sip: SipLeg,
    sockets: RtpSockets,
    local: sdp::Local,
}

/// Something for the call, from wherever it came.
enum Arrived {
    Packet(LegId, SocketAddr, usize),
    Leg(LegId, LegEvent),
    Engine(EngineMessage),
    Answer(Answer),
    Closing,
    Deadline,
}

struct Task {
    house: Arc<House>,
    id: CallId,
    /// The number that was called.
    called: String,
    /// The edition that the call began with.
    hotline: Arc<Hotline>,
    call: Call,
    caller: SipLeg,
    sockets: RtpSockets,
    agent: Option<AgentLeg>,
    recording: Option<Recording>,
    /// To be said before the first words.
    announcement: Option<String>,
    mailbox: Mailbox,
    messages: mpsc::Receiver<EngineMessage>,
    answers: (mpsc::Sender<Answer>, mpsc::Receiver<Answer>),
    packet: Vec<u8>,
}

/// Serves call `number` from its INVITE to its record.
pub async fn serve(house: Arc<House>, incoming: IncomingCall, number: u64) {
    let id = CallId(format!("{:x}-{number}", house.started.as_second()).into());
    let span = tracing::info_span!("call", %id, dir = "inbound");
    async {
        match media(&house, incoming.peer) {
            Ok((sockets, local)) => Task::new(house.clone(), incoming, sockets, local, id, number).run().await,
            Err(error) => {
                tracing::warn!(%error, "call refused");
                refused(error.sip_status());
                incoming.leg.request(LegRequest::Reject { status: error.sip_status() }).ok();
            }
        }
    }
    .instrument(span)
    .await;
}

/// Opens sockets for a party's media, and says how they appear to `peer`.
fn media(house: &House, peer: SocketAddr) -> Result<(RtpSockets, sdp::Local), RtpError> {
    // Where the signalling of the peer's family listens, its media is received.
    let own = house.sip.bound().iter().map(|(_, local)| local.ip()).find(|own| own.is_ipv4() == peer.is_ipv4());
    let sockets = own.map_or_else(|| house.ports.open(), |own| house.ports.at(own).open())?;
    let bound = sockets.local_addr().map_err(|_| RtpError::Exhausted)?;
    let seen = house.sip.address_towards(peer).unwrap_or(bound.ip());
    let local = sdp::Local::new(SocketAddr::new(seen, bound.port()), fastrand::u64(..));
    let security = match house.encryption {
        Encryption::Off => Security::Clear,
        Encryption::Allowed => Security::Possible(secret()?),
        Encryption::Required => Security::Demanded(secret()?),
    };
    let certificate = house.engine.as_ref().map(|engine| Fingerprint::of(engine.certificate()));
    let local = sdp::Local { codecs: house.codecs.clone(), security, certificate, ..local };
    Ok((sockets, local))
}

/// A key for one party's sound.
fn secret() -> Result<Secret, RtpError> {
    let mut random = [0; SECRET_BYTES];
    // The system has no randomness: no call without.
    SystemRandom::new().fill(&mut random).map_err(|_| RtpError::Exhausted)?;
    Ok(Secret::new(random))
}

fn refused(status: u16) {
    metrics::counter!("antevox_calls_refused_total", "status" => status.to_string()).increment(1);
}

impl Task {
    fn new(
        house: Arc<House>,
        incoming: IncomingCall,
        sockets: RtpSockets,
        local: sdp::Local,
        id: CallId,
        number: u64,
    ) -> Self {
        let called = incoming.to.user.0;
        let zoned = (house.clock)(&called);
        let arrival = Arrival {
            id: id.clone(),
            from: incoming.from.user,
            to: called.clone(),
            facts: incoming.facts,
            offer: incoming.offer,
            hears_early: incoming.hears_early,
            local,
            engine: house.engine.clone(),
            at: zoned.timestamp(),
            local_time: zoned.datetime(),
            seed: fastrand::u64(..),
        };
        let (mailbox, messages) = Mailbox::new(number);
        let hotline = house.hotlines.current();
        let mut call = Call::new(Instant::now(), hotline.clone(), arrival, Box::new(Earshot::default()));
        let recording = house.recorder.as_ref().and_then(|recorder| recorder.begin(&id));
        if recording.is_some() {
            call.record_sound();
        }
        let announcement = house.announcement.clone();
        Self {
            house,
            id,
            called,
            hotline,
            call,
            caller: incoming.leg,
            sockets,
            agent: None,
            recording,
            announcement,
            mailbox,
            messages,
            answers: mpsc::channel(ANSWERS),
            packet: Vec::with_capacity(MAX_DATAGRAM),
        }
    }

    async fn run(mut self) {
        tracing::info!("call arrived");
        metrics::gauge!("antevox_calls_up").increment(1);
        let mut datagram = [0; MAX_DATAGRAM];
        while let Some(deadline) = self.carry_out() {
            let arrived = self.next(&mut datagram, deadline).await;
            let now = Instant::now();
            match arrived {
                Arrived::Packet(leg, from, length) => {
                    self.call.handle(now, Input::Packet { leg, from, bytes: &datagram[..length] });
                }
                Arrived::Leg(leg, event) => self.call.handle(now, Input::Leg(leg, event)),
                Arrived::Engine(EngineMessage::Heard(id, hearing)) => self.call.handle(now, Input::Heard(id, hearing)),
                Arrived::Engine(EngineMessage::Spoken(id, said)) => self.call.handle(now, Input::Spoken(id, said)),
                Arrived::Answer(answer) => self.answered(now, answer),
                Arrived::Closing => self.call.handle(now, Input::HangUp),
                Arrived::Deadline => {
                    self.take_in_what_waits(now, &mut datagram);
                    self.call.handle(now, Input::Timeout);
                }
            }
            if let Some(recording) = &self.recording {
                self.call.recorded().for_each(|sides| recording.add(&sides));
            }
        }
        self.house.ears.forget(&self.mailbox);
        metrics::gauge!("antevox_calls_up").decrement(1);
        tracing::info!("call over");
    }

    /// Takes in the sound that came before `now`. Where the machine stalled, that is more than a packet: what came in time
    /// must not be missed because we are late.
    fn take_in_what_waits(&mut self, now: Instant, datagram: &mut [u8; MAX_DATAGRAM]) {
        let agent = self.agent.as_ref().map(|agent| (LegId::AGENT, &agent.sockets));
        for (leg, sockets) in std::iter::once((LegId::CALLER, &self.sockets)).chain(agent) {
            for _ in 0..AT_ONCE {
                let Ok((length, from)) = sockets.rtp.try_recv_from(datagram) else { break };
                self.call.take_in(now, leg, from, &datagram[..length]);
            }
        }
    }

    /// Waits for whatever comes first. Nothing is lost when another arm wins: every source keeps what it has.
    async fn next(&mut self, datagram: &mut [u8; MAX_DATAGRAM], deadline: Instant) -> Arrived {
        // Each source writes into a buffer of its own, since all of them are asked at once.
        let (mut reports, mut from_agent) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
        let arrived = tokio::select! {
            biased;
            event = leg_event(&mut self.caller) => return Arrived::Leg(LegId::CALLER, event),
            () = self.house.hang_up.cancelled() => return Arrived::Closing,
            () = tokio::time::sleep_until(deadline.into()) => return Arrived::Deadline,
            Some(message) = self.messages.recv() => return Arrived::Engine(message),
            Some(answer) = self.answers.1.recv() => return Arrived::Answer(answer),
            Ok((length, from)) = self.sockets.rtp.recv_from(datagram) => return Arrived::Packet(LegId::CALLER, from, length),
            Ok((length, from)) = self.sockets.rtcp.recv_from(&mut reports) => Arrived::Packet(LegId::CALLER, from, length),
            arrived = agent_event(&mut self.agent, &mut from_agent) => arrived,
        };
        match arrived {
            Arrived::Packet(LegId::CALLER, ..) => *datagram = reports,
            Arrived::Packet(..) => *datagram = from_agent,
            _ => {}
        }
        arrived
    }

    /// Does what the call wants; answers when it wants to be woken, `None` when it is over.
    fn carry_out(&mut self) -> Option<Instant> {
        loop {
            match self.call.poll(Instant::now(), &mut self.packet) {
                Output::Packet { leg, stream, to } => {
                    let agent = self.agent.as_ref().filter(|_| leg == LegId::AGENT);
                    send(agent.map_or(&self.sockets, |agent| &agent.sockets), stream, &self.packet, to);
                }
                Output::Leg(LegId::CALLER, request) => self.tell_caller(request),
                Output::Leg(_, request) => {
                    if let Some(agent) = &self.agent {
                        agent.sip.request(request).ok();
                    }
                }
                Output::Dial(dial) => self.dial(*dial),
                Output::Ears(id, request) => self.house.ears.request(&self.mailbox, id, request),
                Output::Understand(words) => self.understand(*words),
                Output::Prepare(text) => self.house.mouths.anticipate(text, &self.hotline.recordings),
                Output::Speak(id, text) => {
                    let text = match self.announcement.take() {
                        Some(announcement) => format!("{announcement} {text}"),
                        None => text,
                    };
                    self.house.mouths.speak(&self.mailbox, id, text, &self.hotline.recordings);
                }
                Output::Hush(id) => self.mailbox.hush(id),
                Output::LookUp(whose) => self.look_up(whose),
                Output::Act(request) => {
                    let (plan, answers) = (self.hotline.plan.clone(), self.answers.0.clone());
                    let (house, id) = (self.house.clone(), self.id.clone());
                    let task = async move {
                        let result = super::actions::carry_out(&plan, &house.store, &id.0, request).await;
                        answers.send(Answer::ActionEnded(result)).await.ok();
                    };
                    tokio::spawn(task.in_current_span());
                }
                Output::Event(event) => self.post(event),
                Output::Deadline(deadline) => return deadline,
            }
        }
    }

    fn tell_caller(&self, request: LegRequest) {
        if let LegRequest::Reject { status } = request {
            refused(status);
        }
        let request = match request {
            LegRequest::Refer { to: ReferTo::PartyOf(LegId::AGENT), headers } => {
                let place = self.agent.as_ref().and_then(|agent| agent.sip.place()).map(str::to_owned);
                LegRequest::Refer { to: place.map_or(ReferTo::PartyOf(LegId::AGENT), ReferTo::Uri), headers }
            }
            request => request,
        };
        // A leg that is over, or that does not keep up, tells so itself: its events end.
        if let Err(error) = self.caller.request(request) {
            tracing::debug!(%error, "the caller's leg took no request");
        }
    }

    /// On a thread where it may take its time: other calls' packets are due every few milliseconds.
    fn understand(&self, words: Understand) {
        let (hotline, answers) = (self.hotline.clone(), self.answers.0.clone());
        tokio::task::spawn_blocking(move || {
            let understood = words.by(&hotline.understanding);
            // The call may be over by now.
            answers.blocking_send(Answer::Understood(Box::new(understood))).ok();
        });
    }

    fn look_up(&self, whose: LookUp) {
        let (house, answers) = (self.house.clone(), self.answers.0.clone());
        let now = (self.house.clock)(&self.called).datetime();
        let task = async move {
            let identified = house.identify(&whose, now).await;
            answers.send(Answer::Known(Box::new(identified))).await.ok();
        };
        tokio::spawn(task.in_current_span());
    }

    fn dial(&self, dial: Dial) {
        let (house, answers) = (self.house.clone(), self.answers.0.clone());
        let task = async move {
            let answer = match place(&house, dial).await {
                Ok(agent) => Answer::Dialled(Box::new(agent)),
                Err(error) => {
                    tracing::warn!(%error, "the agent could not be called");
                    Answer::DialFailed
                }
            };
            answers.send(answer).await.ok();
        };
        tokio::spawn(task.in_current_span());
    }

    fn answered(&mut self, now: Instant, answer: Answer) {
        match answer {
            Answer::Known(identified) => self.call.handle(now, Input::CallerKnown(identified)),
            Answer::Understood(understood) => self.call.handle(now, Input::Understood(*understood)),
            Answer::ActionEnded(result) => self.call.handle(now, Input::ActionEnded(result)),
            Answer::Dialled(agent) => {
                self.call.handle(now, Input::Dialled(Box::new(agent.local.clone())));
                self.agent = Some(*agent);
            }
            Answer::DialFailed => self.call.handle(now, Input::Leg(LegId::AGENT, LegEvent::Ended { status: 503 })),
        }
    }

    /// Puts an event on the board, into the figures and, the last one, into the store.
    fn post(&self, mut event: CallEvent) {
        if let Happened::Ended { record } = &mut event.what {
            record.recording = self.recording.as_ref().map(|recording| recording.name().to_owned());
        }
        match &event.what {
            Happened::Answered { latency } => {
                let response = Duration::from_millis(latency.first_audio_ms);
                metrics::histogram!("antevox_response_seconds").record(response);
                tracing::debug!(?latency, "turn answered");
            }
            Happened::WentOn => metrics::counter!("antevox_answers_taken_back_total").increment(1),
            Happened::BargedIn => metrics::counter!("antevox_barge_ins_total").increment(1),
            Happened::Ended { record } => {
                let outcome = format!("{:?}", record.outcome).to_lowercase();
                tracing::info!(outcome, scene = record.scene, confirmed = record.confirmed, "call ended");
                metrics::counter!("antevox_calls_total", "outcome" => outcome).increment(1);
                let (house, record) = (self.house.clone(), record.clone());
                tokio::spawn(async move { house.keep(&record).await }.in_current_span());
            }
            _ => {}
        }
        self.house.board.post(event);
    }
}

/// Calls an agent, with media sockets of its own.
async fn place(house: &House, dial: Dial) -> Result<AgentLeg, Box<dyn std::error::Error + Send + Sync>> {
    let Dial { target, from, called, headers } = dial;
    let (transport, peer) = house.sip.first_hop(&target).await?;
    let (sockets, mut local) = media(house, peer)?;
    // Browsers take nothing else; others need not know it.
    if transport.is_web() && local.certificate.is_some() {
        local.protected = Protected::ByHandshake(None);
    }
    let offer = Some(sdp::offer(&local));
    let sip = house
        .sip
        .dial(sip::Dial { target, from: from.0, called, offer, headers, credentials: None, purpose: Purpose::Caller })
        .await?;
    Ok(AgentLeg { sip, sockets, local })
}

/// Sends a datagram. One that the system has no room for is dropped, as on any network; RTCP of the peer counts it.
fn send(sockets: &RtpSockets, stream: Stream, packet: &[u8], to: SocketAddr) {
    let socket = match stream {
        Stream::Sound => &sockets.rtp,
        Stream::Reports => &sockets.rtcp,
    };
    if let Err(error) = socket.try_send_to(packet, to) {
        tracing::trace!(%error, "a packet was not sent");
    }
}

/// The leg's next event. A leg whose events are over has ended.
async fn leg_event(leg: &mut SipLeg) -> LegEvent {
    leg.events.recv().await.unwrap_or(LegEvent::Ended { status: 500 })
}

/// What the agent does or says; nothing while there is none.
async fn agent_event(agent: &mut Option<AgentLeg>, datagram: &mut [u8]) -> Arrived {
    let Some(AgentLeg { sip, sockets, .. }) = agent else { return std::future::pending().await };
    tokio::select! {
        event = sip.events.recv() => match event {
            Some(event) => Arrived::Leg(LegId::AGENT, event),
            None => {
                *agent = None;
                Arrived::Leg(LegId::AGENT, LegEvent::Ended { status: 500 })
            }
        },
        Ok((length, from)) = sockets.rtp.recv_from(datagram) => Arrived::Packet(LegId::AGENT, from, length),
    }
}
