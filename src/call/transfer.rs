//! Handing a call to a human: by REFER, by a second leg that is bridged to the first, or by both in turn.
//!
//! ```text
//! Request::Transfer ─► Refer ─► Referred 2xx ────────────────────────► caller talks to the agent, we leave
//!                  └─► Dial ──► Dialled ─► Rang ─► Answered ─► Bridged   both talk through us
//!                                  │  │                           └─► Refer into the agent's call ─► Referred 2xx ─► we leave
//!                                  │  └► Progressed: the caller hears what the agent's network says     └─ else: we stay
//!                                  └────────── nobody, in time ────────► the dialog goes on
//! ```

use std::time::Instant;

use super::io::{Dial, Output};
use super::line::Line;
use super::record::{Party, TransferRecord};
use super::{Arrival, Call, Happened, Stage, Timer};
use crate::dialog::{Handover, Transfer};
use crate::leg::{LegEvent, LegRequest, ReferTo};
use crate::sdp::{self, Agreed};
use crate::timer::TimerTable;
use crate::units::LegId;

/// How a call got to a human, in its record, where we stay in between.
const BRIDGE: &str = "bridge";

/// Caller and human talk to each other.
pub(super) struct Bridge {
    /// The human's media.
    pub(super) agent: Box<Line>,
    /// When the human's last packet came.
    pub(super) last_packet: Instant,
    /// The caller's side was asked to take our place in the human's call.
    is_referred: bool,
    /// What was agreed on with a human who sends us on to somebody else, while there is something to be heard from there.
    before: Option<Box<Agreed>>,
}

/// A human is being fetched.
pub(super) enum Transferring {
    /// The caller was asked to call somebody else.
    Referring {
        /// They said that they will.
        accepted: bool,
    },
    /// A second leg is being placed.
    Dialling {
        /// Whether we leave once it stands.
        method: Handover,
        /// Where our media socket for it is, once it is known.
        local: Option<Box<sdp::Local>>,
        /// Its media before an answer, once there is some.
        early: Option<Box<Line>>,
    },
}

impl Call {
    /// Begins a transfer.
    pub(super) fn transfer(&mut self, now: Instant, transfer: Transfer) {
        let plan = self.hotline.plan.clone();
        let Some(queue) = plan.queue(&transfer.queue) else {
            tracing::error!(queue = transfer.queue, "no such queue");
            return self.conversation.transfer_failed();
        };
        let headers = self.known_as_headers(&transfer);
        let target = queue.target.clone();
        let (how, transferring) = match queue.method {
            Handover::Refer => {
                let refer = LegRequest::Refer { to: ReferTo::Uri(target.clone()), headers };
                self.outputs.push_back(Output::Leg(LegId::CALLER, refer));
                ("refer", Transferring::Referring { accepted: false })
            }
            method @ (Handover::Bridge | Handover::Consult) => {
                let Arrival { from, to: called, .. } = &self.arrival;
                let dial = Dial { target: target.clone(), from: from.clone(), called: called.clone(), headers };
                self.outputs.push_back(Output::Dial(Box::new(dial)));
                let how = if method == Handover::Bridge { BRIDGE } else { "consult" };
                (how, Transferring::Dialling { method, local: None, early: None })
            }
        };
        self.timers.set(Timer::Transfer, now + queue.timeout);
        self.stage = Stage::Transferring(transferring);
        self.tell(Happened::Transferring { target: target.clone(), reason: transfer.reason.to_owned() });
        self.transfer = Some(TransferRecord { target, how: how.to_owned(), reason: transfer.reason.to_owned() });
    }

    /// What whoever takes over should know: ours, and what the caller's switch said about the call.
    fn known_as_headers(&self, transfer: &Transfer) -> Vec<(String, String)> {
        let progress = self.conversation.progress();
        let member = self.identified.as_ref().and_then(|identified| identified.member.as_ref());
        let ours = [
            ("Call", Some(self.arrival.id.to_string())),
            ("Reason", Some(transfer.reason.to_owned())),
            ("Summary", Some(transfer.summary.clone())),
            ("Scene", progress.scene.as_ref().map(ToString::to_string)),
            ("Member", member.map(|guess| guess.member.member_id.clone())),
            ("Diverted-From", self.arrival.facts.diverted_from.as_ref().map(|number| number.0.clone())),
        ];
        let ours = ours.into_iter().filter_map(|(name, value)| Some((format!("X-Antevox-{name}"), value?)));
        let is_own =
            |(name, _): &&(String, String)| name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-"));
        let theirs = self.arrival.facts.headers.iter().filter(is_own).cloned();
        ours.chain(theirs).map(|(name, value)| (name, header_value(&value))).collect()
    }

    pub(super) fn dialled(&mut self, local: Box<sdp::Local>) {
        if let Stage::Transferring(Transferring::Dialling { local: known, .. }) = &mut self.stage {
            *known = Some(local);
        }
    }

    /// The party that was asked to call an agent reports how that goes (RFC 3515 §2.4.5).
    pub(super) fn referred(&mut self, now: Instant, status: u16) {
        let accepted = match &mut self.stage {
            Stage::Transferring(Transferring::Referring { accepted }) => accepted,
            Stage::Bridged(bridge) if bridge.is_referred => return self.referred_to_agent(now, status),
            _ => return,
        };
        match status {
            100..200 => *accepted = true,
            200..300 => {
                *accepted = true;
                self.outputs.push_back(Output::Leg(LegId::CALLER, LegRequest::HangUp));
                self.end(now, Party::Server);
            }
            _ => self.transfer_failed("refused"),
        }
    }

    /// The same, where caller and agent talk already: where the caller's side cannot do without us, we stay.
    fn referred_to_agent(&mut self, now: Instant, status: u16) {
        match status {
            100..200 => {}
            200..300 => self.hang_up(now, Party::Server),
            _ => {
                tracing::info!(status, "the caller's side does not take our place");
                if let Stage::Bridged(bridge) = &mut self.stage {
                    bridge.is_referred = false;
                }
                self.transfer.iter_mut().for_each(|transfer| BRIDGE.clone_into(&mut transfer.how));
            }
        }
    }

    pub(super) fn agent_leg(&mut self, now: Instant, event: LegEvent) {
        match (event, &mut self.stage) {
            (LegEvent::Progressed { sdp }, Stage::Transferring(Transferring::Dialling { local, early, .. })) => {
                // What cannot be heard yet may be agreed on later.
                if let Some(Ok(agreed)) = local.as_ref().map(|local| sdp::accept_answer(local, &sdp)) {
                    *early = Some(agent_line(&self.arrival, early.take(), &agreed));
                }
            }
            (LegEvent::Answered { sdp }, Stage::Transferring(Transferring::Dialling { method, local, early })) => {
                let agreed = local.as_ref().map(|local| sdp::accept_answer(local, &sdp));
                let Some(Ok(agreed)) = agreed else { return self.transfer_failed("incompatible") };
                self.timers.stop(Timer::Transfer);
                // People may talk for as long as they like.
                self.timers.stop(Timer::Longest);
                self.agent_local = Some(agreed.next_local());
                let (is_referred, agent) =
                    (*method == Handover::Consult, agent_line(&self.arrival, early.take(), &agreed));
                self.stage = Stage::Bridged(Bridge { agent, last_packet: now, is_referred, before: None });
                self.conversation.step_aside();
                if is_referred {
                    // The agent knows all that the headers of a blind transfer would tell.
                    let refer = LegRequest::Refer { to: ReferTo::PartyOf(LegId::AGENT), headers: Vec::new() };
                    self.outputs.push_back(Output::Leg(LegId::CALLER, refer));
                }
            }
            (LegEvent::Pressed { key }, Stage::Bridged(_)) => {
                if let Some(line) = &mut self.line {
                    line.press(key.encode_utf8(&mut [0; 4]));
                }
            }
            (LegEvent::Ended { .. }, Stage::Transferring(_)) => self.transfer_failed("refused"),
            (LegEvent::Ended { .. }, Stage::Bridged(_)) => {
                self.outputs.push_back(Output::Leg(LegId::CALLER, LegRequest::HangUp));
                self.end(now, Party::Agent);
            }
            (LegEvent::Updated { sdp }, Stage::Bridged(_)) => self.agent_updated(sdp),
            (LegEvent::Progressed { sdp }, Stage::Bridged(Bridge { agent, before, .. })) => {
                let agreed = self.agent_local.as_ref().map(|local| sdp::accept_answer(local, &sdp));
                if let Some(Ok(agreed)) = agreed {
                    before.get_or_insert_with(|| Box::new(agent.agreed().clone()));
                    agent.renegotiate(&agreed);
                }
            }
            (LegEvent::UpdateRefused { .. }, Stage::Bridged(Bridge { agent, before, .. })) => {
                before.take().iter().for_each(|agreed| agent.renegotiate(agreed));
            }
            (LegEvent::Acknowledged { sdp: Some(answer) }, Stage::Bridged(Bridge { agent, before, .. })) => {
                *before = None;
                let agreed = self.agent_local.as_ref().map(|local| sdp::accept_answer(local, &answer));
                if let Some(Ok(agreed)) = agreed {
                    self.agent_local = Some(agreed.next_local());
                    agent.renegotiate(&agreed);
                }
            }
            _ => {}
        }
    }

    /// The agent holds, resumes, or goes on at another telephone (RFC 3264 §8).
    fn agent_updated(&mut self, offer: Option<String>) {
        let (Stage::Bridged(Bridge { agent, .. }), Some(local)) = (&mut self.stage, &self.agent_local) else { return };
        let request = match offer {
            None => LegRequest::AcceptUpdate { sdp: sdp::offer(local) },
            Some(offer) => match sdp::negotiate(local, &offer) {
                Ok(agreed) => {
                    self.agent_local = Some(agreed.next_local());
                    agent.renegotiate(&agreed);
                    LegRequest::AcceptUpdate { sdp: agreed.answer_sdp() }
                }
                Err(refusal) => LegRequest::RejectUpdate { status: refusal.status() },
            },
        };
        self.outputs.push_back(Output::Leg(LegId::AGENT, request));
    }

    /// Nobody took over: the caller is told, and the call goes on.
    pub(super) fn transfer_failed(&mut self, why: &'static str) {
        let Stage::Transferring(transferring) = std::mem::replace(&mut self.stage, Stage::Talking) else { return };
        tracing::info!(why, "transfer failed");
        if matches!(transferring, Transferring::Dialling { .. }) {
            self.outputs.push_back(Output::Leg(LegId::AGENT, LegRequest::HangUp));
        }
        self.timers.stop(Timer::Transfer);
        self.transfer = None;
        self.tell(Happened::TransferFailed);
        self.conversation.transfer_failed();
    }

    /// Ends every leg from our side.
    pub(super) fn hang_up(&mut self, now: Instant, by: Party) {
        if !matches!(self.stage, Stage::Ended) {
            self.outputs.push_back(Output::Leg(LegId::CALLER, LegRequest::HangUp));
            self.end(now, by);
        }
    }

    /// The caller's leg is over: closes everything else, and the record.
    pub(super) fn end(&mut self, now: Instant, by: Party) {
        let handed_over = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Ended => return,
            Stage::Announcing | Stage::Answering | Stage::Talking => false,
            // Many telephones hang up on us as soon as they have accepted to call somebody else.
            Stage::Transferring(Transferring::Referring { accepted }) => accepted,
            Stage::Transferring(Transferring::Dialling { .. }) => {
                self.outputs.push_back(Output::Leg(LegId::AGENT, LegRequest::HangUp));
                false
            }
            Stage::Bridged(_) => {
                if by != Party::Agent {
                    self.outputs.push_back(Output::Leg(LegId::AGENT, LegRequest::HangUp));
                }
                true
            }
        };
        if handed_over {
            self.tell(Happened::Transferred);
        }
        self.conversation.step_aside();
        self.serve_conversation(now);
        let record = self.record(now, by, handed_over);
        self.tell(Happened::Ended { record: Box::new(record) });
        self.timers = TimerTable::default();
    }
}

/// The agent's media as agreed on; `before`: as far as it has run already.
fn agent_line(arrival: &Arrival, before: Option<Box<Line>>, agreed: &Agreed) -> Box<Line> {
    match before {
        Some(mut line) => {
            line.renegotiate(agreed);
            line
        }
        // Another stream than the caller's, so another SSRC: the seed must differ.
        None => Box::new(Line::new(LegId::AGENT, agreed, !arrival.seed, arrival.engine.clone())),
    }
}

/// A header value holds no line breaks (RFC 3261 §25.1) and should fit into one datagram with all the others.
fn header_value(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(240).collect()
}
