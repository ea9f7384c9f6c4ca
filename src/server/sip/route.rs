//! Where a message goes: to its transaction, to its leg, to a new leg, or back.
//!
//! ```text
//! banned source, and it begins something ─► dropped unread
//! guard ─► request ─┬─ known transaction, CANCEL, ACK ─► rsipstack
//!                   ├─ To tag ──── leg there? ─► transaction ─► leg's inbox
//!                   │                     └────► 481
//!                   ├─ too many from this source: 503, or silence
//!                   ├─ INVITE ──── Gate, Require, body ─► transaction ─► new leg ─► IncomingCall
//!                   ├─ REGISTER ── registrar, where there are telephones
//!                   └─ OPTIONS 200, others 405, merged 482
//! ```
//!
//! Whatever is refused outside a dialog is refused without state: a flood costs no memory, and a repeated request gets
//! the same answer again (RFC 3261 §8.2.7). `Max-Forwards: 0` is served, as an endpoint should (RFC 4475 §3.1.2.16 leaves
//! 483 to proxies).

use std::net::SocketAddr;
use std::sync::Arc;

use dashmap::DashMap;
use rsipstack::sip::{Method, Request, Response, SipMessage};
use rsipstack::transaction::{TransactionReceiver, random_text};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::{Admission, Verdict};
use super::exchange::{Answering, Input};
use super::gate::Gate;
use super::guard::{Answer, Passed, Refused, examine, refusal};
use super::handshakes::Handshakes;
use super::head::begins_something;
use super::incoming::NewCall;
use super::lane::Lane;
use super::lines::Lines;
use super::message::{ALLOW, Body, SDP, SUPPORTED, body, call_id, cseq, from_tag, takes_sdp, to_tag, unsupported};
use super::session_timer::{MIN_SECONDS, SessionTimer};
use super::trunk::{Admitted, Origin};
use super::{IncomingCall, SipConfig, Transport};

/// Seconds after which a caller who was turned away may try again.
const RETRY_AFTER: &str = "10";
/// Transactions of one socket at which new calls are turned away, whatever the [`Gate`] says: some thousand calls have this
/// many for the 32 s in which an ended transaction is remembered.
const MAX_TRANSACTIONS: usize = 20_000;

/// `Call-ID` and our tag: names a leg, whoever forked it.
pub(super) type LegKey = (String, String);

/// What all sockets and legs of one edge share.
pub(super) struct Shared {
    pub(super) config: SipConfig,
    pub(super) gate: Gate,
    /// Trunks and telephones.
    pub(super) lines: Lines,
    /// Fires when our registrations are to be taken back.
    pub(super) leaving: CancellationToken,
    /// The tasks that keep them.
    pub(super) registrants: TaskTracker,
    pub(super) admission: Admission,
    /// Inboxes of the live legs.
    pub(super) legs: DashMap<LegKey, mpsc::Sender<Input>>,
    /// `Call-ID`, From tag and CSeq number of the INVITEs that made a live leg, to find merged ones (RFC 3261 §8.2.2.2).
    pub(super) invites: DashMap<(String, String, u32), ()>,
    /// Stream connections by peer.
    pub(super) streams: DashMap<SocketAddr, Arc<Lane>>,
    /// The UDP sockets.
    pub(super) datagrams: std::sync::Mutex<Vec<Arc<Lane>>>,
    /// Bound addresses of the stream listeners.
    pub(super) listeners: std::sync::Mutex<Vec<(Transport, SocketAddr)>>,
    /// Room for handshakes of TLS and WebSocket.
    pub(super) handshakes: Handshakes,
    /// New calls, 64 at most; when the house is slower than that, callers get 503.
    pub(super) calls: mpsc::Sender<IncomingCall>,
    pub(super) closed: CancellationToken,
}

impl Shared {
    /// Takes one message off a socket.
    pub(super) async fn take(
        self: &Arc<Self>,
        lane: &Arc<Lane>,
        incoming: &mut TransactionReceiver,
        bytes: &[u8],
        source: SocketAddr,
    ) {
        // Of a flood nothing is read, while the calls of its address go on.
        if self.admission.is_banned(source.ip(), tokio::time::Instant::now()) && begins_something(bytes) {
            self.admit(source);
            return;
        }
        match examine(bytes, source) {
            Ok(Passed::Response(response)) => self.take_response(lane, response, source).await,
            Ok(Passed::Request(request)) => match self.decide(lane, &request, source) {
                Decision::Transact(origin) => {
                    let acknowledged = (request.method == Method::Ack).then(|| request.clone());
                    if let (Some(ack), Some(leg)) = (acknowledged, self.leg_of(&request)) {
                        // The ACK of a 2xx may come over another socket than the INVITE: the leg must hear of it anyway.
                        let _ = leg.try_send(Input::Acknowledged(ack));
                    }
                    lane.transact(SipMessage::Request(request), source).await;
                    self.hand_over(lane, incoming, source, &origin);
                }
                Decision::Refuse(refused, fields) => self.answer(lane, bytes, source, refused, &fields).await,
            },
            // An answer to nonsense costs as much as any, and may go to somebody who never asked.
            Err(refused) => match self.admit(source) {
                Verdict::Admitted => self.refuse(lane, bytes, source, refused).await,
                Verdict::Refused | Verdict::Banned => {}
            },
        }
    }

    /// Judges a request outside of dialogs, or a handshake, and counts it when it is turned away.
    pub(super) fn admit(&self, source: SocketAddr) -> Verdict {
        let verdict = self.admission.admit(source.ip(), tokio::time::Instant::now());
        let why = match verdict {
            Verdict::Admitted => return verdict,
            Verdict::Refused => "rate",
            Verdict::Banned => "ban",
        };
        metrics::counter!("antevox_requests_turned_away_total", "why" => why).increment(1);
        verdict
    }

    async fn take_response(&self, lane: &Arc<Lane>, response: Response, source: SocketAddr) {
        let again = cseq(&response).is_some_and(|(_, method)| method == Method::Invite)
            && (200..300).contains(&response.status_code.code())
            && !lane.awaits(&response);
        if !again {
            return lane.transact(SipMessage::Response(response), source).await;
        }
        // A 2xx that is repeated or forked: its ACK is ours to send, the transaction has ended (RFC 6026 §7.2).
        let key = (call_id(&response), from_tag(&response).unwrap_or_default());
        if let Some(leg) = self.legs.get(&key).map(|entry| entry.value().clone()) {
            let _ = leg.try_send(Input::AcceptedAgain(response));
        }
    }

    /// Passes the transactions that the last message made to their legs.
    fn hand_over(
        self: &Arc<Self>,
        lane: &Arc<Lane>,
        incoming: &mut TransactionReceiver,
        source: SocketAddr,
        origin: &Origin,
    ) {
        while let Ok(transaction) = incoming.try_recv() {
            let request = &transaction.original;
            if to_tag(request).is_none() && request.method == Method::Invite {
                NewCall { shared: self, lane, source, origin }.begin(transaction);
                continue;
            }
            let leg = self.leg_of(request);
            let answering = Answering::serve(transaction, source, leg.clone(), &self.config.user_agent);
            // A leg that is this far behind (or has just ended) cannot take the request: it comes again.
            let status = match leg.as_ref().map(mpsc::Sender::try_reserve) {
                Some(Ok(room)) => {
                    room.send(Input::Asked(answering));
                    continue;
                }
                Some(Err(mpsc::error::TrySendError::Full(()))) => 503,
                Some(Err(mpsc::error::TrySendError::Closed(()))) | None => 481,
            };
            answering.reply(status);
        }
    }

    fn leg_of(&self, request: &Request) -> Option<mpsc::Sender<Input>> {
        let key = (call_id(request), to_tag(request)?);
        self.legs.get(&key).map(|entry| entry.value().clone())
    }

    fn decide(&self, lane: &Arc<Lane>, request: &Request, source: SocketAddr) -> Decision {
        if matches!(request.method, Method::Ack | Method::Cancel) || lane.knows(request) {
            return Decision::Transact(Origin::Stranger);
        }
        if to_tag(request).is_some() {
            return match self.leg_of(request) {
                Some(_) => Decision::Transact(Origin::Stranger),
                None => Decision::refuse(481, "Call/Transaction Does Not Exist"),
            };
        }
        match self.admit(source) {
            Verdict::Admitted => {}
            Verdict::Refused => return Decision::busy(),
            Verdict::Banned => return Decision::Refuse(Refused::Silently, Vec::new()),
        }
        if let Some(tags) = unsupported(&request.headers) {
            return Decision::Refuse(Refused::With(420, "Bad Extension"), vec![("Unsupported", tags)]);
        }
        match request.method {
            Method::Invite => match self.decide_invite(lane, request) {
                // Last, since it costs most: whoever is refused anyway is not asked for a password.
                Decision::Transact(_) => match self.calling(request, source) {
                    Admitted::As(origin) => Decision::Transact(origin),
                    Admitted::Prove(challenges) => Decision::prove(challenges),
                    Admitted::No => Decision::refuse(403, "Forbidden"),
                },
                refused => refused,
            },
            Method::Register if self.lines.has_phones => self.register(lane, request, source),
            Method::Options => Decision::Refuse(
                Refused::With(200, "OK"),
                vec![("Allow", ALLOW.to_owned()), ("Accept", SDP.to_owned()), ("Supported", SUPPORTED.join(", "))],
            ),
            Method::Bye | Method::Update | Method::Info | Method::PRack | Method::Notify => {
                Decision::refuse(481, "Call/Transaction Does Not Exist")
            }
            _ => Decision::Refuse(Refused::With(405, "Method Not Allowed"), vec![("Allow", ALLOW.to_owned())]),
        }
    }

    fn decide_invite(&self, lane: &Lane, request: &Request) -> Decision {
        let number = cseq(request).map_or(0, |(number, _)| number);
        let invite = (call_id(request), from_tag(request).unwrap_or_default(), number);
        if self.invites.contains_key(&invite) {
            return Decision::refuse(482, "Loop Detected");
        }
        if !takes_sdp(&request.headers) {
            return Decision::refuse(406, "Not Acceptable");
        }
        if body(&request.headers, &request.body) == Body::Other {
            return Decision::Refuse(
                Refused::With(415, "Unsupported Media Type"),
                vec![("Accept", SDP.to_owned()), ("Accept-Encoding", "identity".to_owned())],
            );
        }
        if SessionTimer::asked(&request.headers).is_err() {
            let least = vec![("Min-SE", MIN_SECONDS.to_string())];
            return Decision::Refuse(Refused::With(422, "Session Interval Too Small"), least);
        }
        if super::message::contact(&request.headers).is_none() {
            return Decision::refuse(400, "Missing Contact");
        }
        if !self.gate.has_room() || lane.transactions() > MAX_TRANSACTIONS {
            return Decision::busy();
        }
        Decision::Transact(Origin::Stranger)
    }

    /// Answers a message that may not even be parsable.
    pub(super) async fn refuse(&self, lane: &Lane, bytes: &[u8], source: SocketAddr, refused: Refused) {
        self.answer(lane, bytes, source, refused, &[]).await;
    }

    async fn answer(
        &self,
        lane: &Lane,
        bytes: &[u8],
        source: SocketAddr,
        refused: Refused,
        fields: &[(&'static str, String)],
    ) {
        let Refused::With(status, reason) = refused else { return };
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if matches!(status, 405 | 501) && !fields.iter().any(|(name, _)| *name == "Allow") {
            all.push(("Allow", ALLOW));
        }
        let tag = random_text(12);
        let answer = Answer { status, reason, fields: &all, tag: &tag, server: &self.config.user_agent };
        if let Some((bytes, target)) = refusal(bytes, source, &answer) {
            lane.send_raw(bytes, target).await;
        }
    }

    /// Port of a listener of that kind and of the family of `peer`, for the Contact of a connection that we open.
    pub(super) fn stream_port(&self, transport: Transport, peer: SocketAddr) -> Option<u16> {
        let listeners = self.listeners.lock().ok()?;
        let fits = |&&(kind, local): &&(Transport, SocketAddr)| kind == transport && local.is_ipv4() == peer.is_ipv4();
        listeners.iter().find(fits).map(|(_, local)| local.port())
    }
}

/// What becomes of a request.
pub(super) enum Decision {
    /// It gets (or has) a transaction; a new call comes from here.
    Transact(Origin),
    /// It is answered without one.
    Refuse(Refused, Vec<(&'static str, String)>),
}

impl Decision {
    pub(super) fn refuse(status: u16, reason: &'static str) -> Self {
        Self::Refuse(Refused::With(status, reason), Vec::new())
    }

    /// Who it is must be proven first; best challenge first (RFC 8760 §2.4).
    pub(super) fn prove(challenges: Vec<String>) -> Self {
        metrics::counter!("antevox_challenges_total").increment(1);
        let fields = challenges.into_iter().map(|challenge| ("WWW-Authenticate", challenge)).collect();
        Self::Refuse(Refused::With(401, "Unauthorized"), fields)
    }

    pub(super) fn busy() -> Self {
        Self::Refuse(Refused::With(503, "Service Unavailable"), vec![("Retry-After", RETRY_AFTER.to_owned())])
    }
}
