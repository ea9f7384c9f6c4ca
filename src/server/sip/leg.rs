//! One leg: the task that owns a dialog, and the handle that a call holds.
//!
//! ```text
//! call ─ LegRequest (16) ─► ┌───────────┐ ◄─ Input (32) ─ transactions, sockets
//! call ◄─ LegEvent (32) ─── │  LegTask  │ ─► answers, requests
//!                           └───────────┘
//! ```
//!
//! ```text
//! incoming: Ringing ─Accept─► Answered ─ACK─► Talking ─BYE─► Leaving ─► Ended
//! outgoing: Calling ─200────────────────────► Talking
//! ```
//!
//! Invariants: each INVITE gets one final answer; a 2xx of ours is followed by their ACK or by our BYE; a 2xx of theirs is
//! always acknowledged; `Ended` is the last event and is told once; the leg leaves the table of legs when its task ends,
//! whatever ended it.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rsipstack::sip::{Header, Method, Request, Response};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::dialog::Dialog;
use super::exchange::{Answering, Asking, Input};
use super::gate::Permit;
use super::glare::Postponed;
use super::lane::Lane;
use super::moving::{Moving, Replacement};
use super::onward::Onward;
use super::reliable::{Early, Reliable};
use super::route::{LegKey, Shared};
use super::session_timer::SessionTimer;
use super::{Credentials, LegError};
use crate::leg::{LegEvent, LegRequest};

/// Events that wait for the call. A call that is this far behind loses `Rang` and `Referred`; an `Updated` that does not fit
/// is answered with 500, and the end of the leg shows as the end of the channel.
const EVENTS: usize = 32;
/// Requests of the call that wait for the leg; one more is refused with [`LegError::Busy`].
const REQUESTS: usize = 16;
/// Messages from the wire that wait for the leg; one more is answered with 503, or comes again.
const INBOX: usize = 32;

/// A call's handle on one leg. Dropping it hangs up.
#[derive(Debug)]
pub struct SipLeg {
    requests: mpsc::Sender<LegRequest>,
    /// What the party does. Closed after [`LegEvent::Ended`].
    pub events: mpsc::Receiver<LegEvent>,
    place: Arc<OnceLock<String>>,
}

impl SipLeg {
    /// What somebody calls to take our place with the party: its URI, with the dialog that is to be replaced (RFC 3891 §4).
    /// Of a leg that we dialled, once it was answered.
    pub fn place(&self) -> Option<&str> {
        self.place.get().map(String::as_str)
    }

    /// Asks the leg to do something; what comes of it is told by [`events`](Self::events).
    ///
    /// # Errors
    /// [`LegError::Ended`] when the leg is over, [`LegError::Busy`] when it is too far behind.
    pub fn request(&self, request: LegRequest) -> Result<(), LegError> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LegError::Busy,
            mpsc::error::TrySendError::Closed(_) => LegError::Ended,
        })
    }
}

/// Where a leg stands.
#[derive(Debug)]
pub(super) enum State {
    /// Their INVITE waits for our final answer.
    Ringing(Answering),
    /// We sent 200 and wait for the ACK.
    Answered(Answered),
    /// We sent an INVITE.
    Calling(Calling),
    /// Both sides agreed.
    Talking(Talking),
    /// We are hanging up and wait for the other side's answer.
    Leaving,
    /// Nothing more will happen.
    Ended,
}

/// [`State::Answered`].
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) invite: Answering,
    /// The call has hung up meanwhile: BYE must wait for the ACK (RFC 3261 §15).
    pub(super) then_leave: bool,
}

/// [`State::Calling`].
#[derive(Debug)]
pub(super) struct Calling {
    /// The INVITE as it was sent, for its CANCEL.
    pub(super) invite: Request,
    /// A provisional answer came: only then may a CANCEL go out (RFC 3261 §9.1).
    pub(super) provisional: bool,
    /// The call has hung up meanwhile.
    pub(super) cancelled: bool,
    /// What else can be tried.
    pub(super) onward: Box<Onward>,
    /// What was said before an answer.
    pub(super) early: Box<Early>,
}

/// [`State::Talking`]: at most one offer is open at a time (RFC 3264 §4).
#[derive(Debug, Default)]
pub(super) enum Talking {
    /// No offer is open.
    #[default]
    Settled,
    /// Their re-INVITE or UPDATE waits for our answer.
    TheyOffer(Answering),
    /// Our 200 to their re-INVITE waits for its ACK.
    TheyAcknowledge(Answering),
    /// Our re-INVITE with this CSeq number waits for their answer.
    WeOffer(u32),
    /// They asked us to call somebody else, and the call was asked for an offer.
    Moving,
}

/// The task of one leg.
pub(super) struct LegTask {
    pub(super) shared: Arc<Shared>,
    pub(super) lane: Arc<Lane>,
    /// Where their last request came from.
    pub(super) peer: SocketAddr,
    pub(super) dialog: Dialog,
    pub(super) state: State,
    pub(super) credentials: Option<Credentials>,
    /// Fires when somebody owes us an answer for too long.
    pub(super) deadline: Option<Instant>,
    /// A 180 that waits for its PRACK.
    pub(super) reliable: Option<Reliable>,
    /// How long the session may go on unrefreshed, and until when.
    pub(super) session: Option<(SessionTimer, Instant)>,
    /// What we said last of our media, and they took.
    pub(super) described: String,
    /// Their wish to go on with somebody else.
    pub(super) moving: Option<Moving>,
    /// Somebody who is to take their place, until the call agrees.
    pub(super) replacement: Option<Replacement>,
    /// An offer of ours that waits for its turn.
    pub(super) postponed: Option<Postponed>,
    permit: Option<Permit>,
    /// The right to have placed a call for somebody else.
    pub(super) outgoing: Option<Permit>,
    inbox_sender: mpsc::Sender<Input>,
    inbox: mpsc::Receiver<Input>,
    requests: mpsc::Receiver<LegRequest>,
    events: Option<mpsc::Sender<LegEvent>>,
    /// See [`SipLeg::place`].
    pub(super) place: Arc<OnceLock<String>>,
    pub(super) entry: Entry,
}

/// The parts of a leg that is about to start.
pub(super) struct Beginning {
    pub(super) shared: Arc<Shared>,
    pub(super) lane: Arc<Lane>,
    pub(super) peer: SocketAddr,
    pub(super) dialog: Dialog,
    pub(super) permit: Option<Permit>,
    pub(super) credentials: Option<Credentials>,
}

/// Keeps a leg in the tables of the edge until it is dropped.
pub(super) struct Entry {
    shared: Arc<Shared>,
    /// Every dialog of this leg: a party may be replaced.
    keys: Vec<LegKey>,
    invite: Option<(String, String, u32)>,
}

impl Entry {
    /// Requests of one more dialog belong to this leg.
    pub(super) fn add(&mut self, key: LegKey, inbox: mpsc::Sender<Input>) {
        self.shared.legs.insert(key.clone(), inbox);
        self.keys.push(key);
    }

    /// Those of this one do not any more.
    pub(super) fn remove(&mut self, key: &LegKey) {
        self.shared.legs.remove(key);
        self.keys.retain(|known| known != key);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        for key in &self.keys {
            self.shared.legs.remove(key);
        }
        if let Some(invite) = &self.invite {
            self.shared.invites.remove(invite);
        }
    }
}

impl Beginning {
    /// Registers the leg, lets `state` make its first state with the leg's inbox, and starts its task.
    pub(super) fn start(
        self,
        invite: Option<(String, String, u32)>,
        state: impl FnOnce(mpsc::Sender<Input>) -> State,
    ) -> SipLeg {
        let (inbox_sender, inbox) = mpsc::channel(INBOX);
        let (request_sender, requests) = mpsc::channel(REQUESTS);
        let (event_sender, events) = mpsc::channel(EVENTS);
        let key = (self.dialog.call_id().to_owned(), self.dialog.local_tag().to_owned());
        self.shared.legs.insert(key.clone(), inbox_sender.clone());
        if let Some(invite) = &invite {
            self.shared.invites.insert(invite.clone(), ());
        }
        let place = Arc::new(OnceLock::new());
        let entry = Entry { shared: Arc::clone(&self.shared), keys: vec![key], invite };
        let task = LegTask {
            state: state(inbox_sender.clone()),
            shared: self.shared,
            lane: self.lane,
            peer: self.peer,
            dialog: self.dialog,
            credentials: self.credentials,
            deadline: None,
            reliable: None,
            session: None,
            described: String::new(),
            moving: None,
            replacement: None,
            postponed: None,
            outgoing: None,
            permit: self.permit,
            inbox_sender,
            inbox,
            requests,
            events: Some(event_sender),
            place: Arc::clone(&place),
            entry,
        };
        tokio::spawn(task.run());
        SipLeg { requests: request_sender, events, place }
    }
}

impl LegTask {
    async fn run(mut self) {
        let mut served = true;
        while !matches!(self.state, State::Ended) {
            let due = self.due();
            tokio::select! {
                input = self.inbox.recv() => match input {
                    Some(input) => self.take(input).await,
                    None => break, // cannot be: we hold a sender ourselves
                },
                request = self.requests.recv(), if served => match request {
                    Some(request) => self.carry_out(request).await,
                    None => {
                        served = false;
                        self.hang_up().await;
                    }
                },
                () = self.shared.closed.cancelled(), if served => {
                    served = false;
                    self.hang_up().await;
                }
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.wake().await,
            }
        }
        self.end(408);
        tracing::trace!(leg = ?self.entry.keys, "leg ended");
    }

    /// When something happens although nobody says anything.
    fn due(&self) -> Option<Instant> {
        let again = self.reliable.as_ref().map(|reliable| reliable.again);
        let offer = self.postponed.as_ref().and_then(|postponed| postponed.again);
        let refresh = self.session.map(|(_, until)| until);
        [self.deadline, again, refresh, self.next_way_at(), self.moving_until(), offer].into_iter().flatten().min()
    }

    /// When another target is tried because this one says nothing.
    fn next_way_at(&self) -> Option<Instant> {
        match &self.state {
            State::Calling(calling) if !calling.cancelled => calling.onward.until,
            _ => None,
        }
    }

    async fn wake(&mut self) {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            if !self.is_calling_elsewhere() {
                self.state = State::Ended;
            }
        } else if self.reliable.as_ref().is_some_and(|reliable| reliable.again <= now) {
            self.ring_again();
        } else if self.session.is_some_and(|(_, until)| until <= now) {
            self.session_due().await;
        } else if self.next_way_at().is_some_and(|at| at <= now) {
            self.nobody_there().await;
        } else if self.moving_until().is_some_and(|at| at <= now) {
            self.moving_overdue().await;
        } else {
            self.offer_again().await;
        }
    }

    async fn take(&mut self, input: Input) {
        match input {
            Input::Asked(answering) => self.answer(answering).await,
            Input::Cancelled => self.cancelled(),
            Input::Acknowledged(ack) => self.acknowledged(&ack).await,
            Input::Settled(number) => self.settled(number).await,
            Input::Responded(response) => self.responded(response).await,
            Input::Retried(request) => self.retried(request),
            Input::AcceptedAgain(response) => self.accepted_again(&response).await,
            Input::Replaced(replacement) => self.replacement(*replacement),
        }
    }

    async fn carry_out(&mut self, request: LegRequest) {
        match request {
            LegRequest::Ring => self.ring(),
            LegRequest::Progress { sdp } => self.progress(&sdp),
            LegRequest::Accept { sdp } => self.accept(&sdp),
            LegRequest::Reject { status } => self.reject(status),
            LegRequest::AcceptUpdate { sdp } => self.accept_update(&sdp).await,
            LegRequest::RejectUpdate { status } => self.reject_update(status).await,
            LegRequest::Update { sdp } => self.offer(&sdp).await,
            LegRequest::Refer { to, headers } => self.refer(&to, headers).await,
            LegRequest::HangUp => self.hang_up().await,
        }
    }

    /// Ends the leg, whatever state it is in.
    async fn hang_up(&mut self) {
        match std::mem::replace(&mut self.state, State::Leaving) {
            State::Ringing(invite) => {
                invite.reply(480);
                self.end(480);
                self.state = State::Ended;
            }
            State::Answered(answered) => {
                self.end(200);
                self.state = State::Answered(Answered { then_leave: true, ..answered });
            }
            State::Calling(calling) => self.cancel(calling),
            State::Talking(talking) => {
                if let Talking::TheyOffer(answering) = talking {
                    answering.reply(487);
                }
                self.leave_with_moving().await;
            }
            State::Leaving => {}
            State::Ended => self.state = State::Ended,
        }
    }

    /// Sends BYE and waits for its answer.
    pub(super) async fn leave(&mut self) {
        self.end(200);
        self.state = State::Leaving;
        let bye = self.dialog.request(Method::Bye);
        self.deadline = Some(Instant::now() + self.patience() + Duration::from_secs(1));
        self.ask(bye).await;
    }

    /// 64·T1, after which an answer does not come any more (RFC 3261 §17).
    pub(super) fn patience(&self) -> Duration {
        self.shared.config.t1 * 64
    }

    /// Tells the call something; `false` when it is too far behind, or has been told the end.
    pub(super) fn tell(&self, event: LegEvent) -> bool {
        self.events.as_ref().is_some_and(|events| events.try_send(event).is_ok())
    }

    /// Tells the call that the leg is over, and gives its place to the next one.
    pub(super) fn end(&mut self, status: u16) {
        if let Some(events) = self.events.take() {
            let _ = events.try_send(LegEvent::Ended { status });
        }
        self.permit = None;
    }

    /// Sends a request inside the dialog by the way that it must take.
    pub(super) async fn ask(&mut self, request: Request) {
        let dialog = self.dialog.clone();
        self.ask_in(&dialog, request).await;
    }

    /// The same for a dialog that is not, or not yet, this leg's.
    pub(super) async fn ask_in(&mut self, dialog: &Dialog, request: Request) {
        let way = self.way_in(dialog).await;
        self.ask_by(request, way).await;
    }

    /// The same by a way that is known.
    pub(super) async fn ask_by(&self, mut request: Request, (lane, peer): (Arc<Lane>, SocketAddr)) {
        request.headers.push_front(Header::Via(lane.via(peer).into()));
        request.headers.push(Header::UserAgent(self.shared.config.user_agent.clone().into()));
        let asking = Asking { request, lane, peer, credentials: self.credentials.clone() };
        asking.send(self.inbox_sender.clone()).await;
    }

    /// Acknowledges a 2xx (RFC 3261 §13.2.2.4).
    pub(super) async fn acknowledge(&mut self, dialog: &Dialog, number: u32) {
        let (lane, peer) = self.way().await;
        let mut ack = dialog.numbered(Method::Ack, number);
        ack.headers.push_front(Header::Via(lane.via(peer).into()));
        ack.headers.push(Header::ContentLength(0.into()));
        lane.send(ack.into(), peer).await;
    }

    /// The socket and address for our next request.
    ///
    /// A live stream is used again (RFC 5923). Without proxies in between, a peer whose Contact is not the address that it
    /// sends from is behind a NAT: what it sends from is what reaches it.
    pub(super) async fn way(&self) -> (Arc<Lane>, SocketAddr) {
        self.way_in(&self.dialog).await
    }

    async fn way_in(&self, dialog: &Dialog) -> (Arc<Lane>, SocketAddr) {
        let hop = dialog.next_hop();
        let stream_lives = !self.lane.closed.is_cancelled() && self.lane.transport != super::Transport::Udp;
        if stream_lives {
            return (Arc::clone(&self.lane), self.peer);
        }
        match super::outgoing::resolve(&hop).await {
            Some((_, address)) if !dialog.is_routed() && address.ip() != self.peer.ip() => {}
            Some((transport, address)) => {
                let host = &hop.host_with_port.host;
                if let Some(lane) = self.shared.lane_to(transport, address, host).await {
                    return (lane, address);
                }
            }
            None => {}
        }
        (Arc::clone(&self.lane), self.peer)
    }

    /// For transactions that should report to this leg.
    pub(super) fn inbox(&self) -> mpsc::Sender<Input> {
        self.inbox_sender.clone()
    }

    /// Adds our Contact to a response.
    pub(super) fn contacted(&self, response: Response) -> Response {
        super::message::with(response, "Contact", format!("<{}>", self.lane.contact(self.peer)))
    }
}
