//! A leg that we start: to a human agent, or to a server under test.

use std::net::SocketAddr;
use std::sync::Arc;

use rsipstack::sip::{Header, Host, Method, Param, Request, Response, Scheme, Uri};
use rsipstack::transaction::random_text;
use tokio::time::Instant;

use super::dialog::Dialog;
use super::exchange::Asking;
use super::lane::Lane;
use super::leg::{Beginning, Calling, LegTask, SipLeg, State, Talking};
use super::message::{ALLOW, Body, SDP, body, call_id, cseq};
use super::onward::Onward;
use super::route::Shared;
use super::talking::extra;
use super::{Dial, Purpose, SipError, Transport};
use crate::leg::LegEvent;

/// Where a URI leads, and by what. `None` for a name that does not resolve, or a transport that we do not speak.
pub(super) async fn resolve(uri: &Uri) -> Option<(Transport, SocketAddr)> {
    let is_secure = uri.scheme == Some(Scheme::Sips);
    let transport = match transport(uri) {
        Some(rsipstack::sip::Transport::Tls) => Transport::Tls,
        Some(rsipstack::sip::Transport::Tcp) | None if is_secure => Transport::Tls,
        Some(rsipstack::sip::Transport::Tcp) => Transport::Tcp,
        Some(rsipstack::sip::Transport::Udp) | None if !is_secure => Transport::Udp,
        _ => return None,
    };
    let default = if transport == Transport::Tls { 5061 } else { 5060 };
    let port = uri.host_with_port.port.map_or(default, |port| port.value());
    let address = match &uri.host_with_port.host {
        Host::IpAddr(ip) => SocketAddr::new(*ip, port),
        Host::Domain(name) => tokio::net::lookup_host((name.0.as_str(), port)).await.ok()?.next()?,
    };
    Some((transport, address))
}

fn transport(uri: &Uri) -> Option<rsipstack::sip::Transport> {
    uri.params.iter().find_map(|parameter| match parameter {
        Param::Transport(transport) => Some(*transport),
        _ => None,
    })
}

/// Starts an outgoing leg.
pub(super) async fn dial(shared: &Arc<Shared>, dial: Dial) -> Result<SipLeg, SipError> {
    let target = Uri::try_from(dial.target.as_str()).map_err(|_| SipError::BadTarget)?;
    let permit = match dial.purpose {
        Purpose::Own => None,
        Purpose::Caller => Some(shared.lines.may_call(&dial.target, false)?),
    };
    let mut ways = shared.ways(&target, dial.credentials);
    let (way, lane, peer) = shared.first_reached(&mut ways).await.ok_or(SipError::Unreachable)?;
    let host = SocketAddr::new(lane.host_towards(peer), lane.local().port());
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "+-_.".contains(*c);
    let user: String = dial.from.chars().filter(is_plain).collect();
    let called: String = dial.called.chars().filter(is_plain).collect();
    let local = match dial.purpose {
        // Somebody who wants to stay unknown to us does to others as well (RFC 3323 §4.1.1.3).
        Purpose::Caller if user.is_empty() => "\"Anonymous\" <sip:anonymous@anonymous.invalid>".to_owned(),
        _ if user.is_empty() => format!("<sip:{host}>"),
        _ => format!("<sip:{user}@{host}>"),
    };
    let asserted = asserted(shared, way.trunk, (&user, &called), host);
    let composing = Composing { local: &local, headers: dial.headers, offer: dial.offer.as_deref(), asserted };
    let (dialog, mut invite) = compose(shared, way.uri, (&lane, peer), composing);
    invite.headers.push(Header::Supported("100rel".into()));
    let beginning = Beginning {
        shared: Arc::clone(shared),
        lane: Arc::clone(&lane),
        peer,
        dialog,
        permit,
        credentials: way.credentials.clone(),
    };
    let onward = Onward { ways, target: way.trunk, hops: 0, until: None };
    Ok(beginning.start(None, |inbox| {
        Asking { request: invite.clone(), lane, peer, credentials: way.credentials }.start(inbox);
        let onward = Box::new(onward.patient(shared.config.t1));
        State::Calling(Calling { invite, provisional: false, cancelled: false, onward, early: Box::default() })
    }))
}

/// What goes into a first INVITE.
pub(super) struct Composing<'a> {
    /// Our From without a tag.
    pub(super) local: &'a str,
    /// Extra header fields.
    pub(super) headers: Vec<(String, String)>,
    /// SDP offer.
    pub(super) offer: Option<&'a str>,
    /// Who calls, and whom they called, where that is to be said.
    pub(super) asserted: Vec<Header>,
}

/// A new dialog and the INVITE that asks for it.
pub(super) fn compose(
    shared: &Shared,
    target: Uri,
    (lane, peer): (&Lane, SocketAddr),
    composing: Composing<'_>,
) -> (Dialog, Request) {
    let Composing { local, headers, offer, asserted } = composing;
    let call_id = format!("{}@{}", random_text(24), lane.host_towards(peer));
    let mut dialog = Dialog::outgoing(call_id, local, random_text(16), target);
    let mut invite = dialog.request(Method::Invite);
    invite.headers.push_front(Header::Via(lane.via(peer).into()));
    invite.headers.push(Header::Contact(format!("<{}>", lane.contact(peer)).into()));
    invite.headers.push(Header::Allow(ALLOW.into()));
    invite.headers.push(Header::UserAgent(shared.config.user_agent.clone().into()));
    invite.headers.extend(asserted);
    invite.headers.extend(extra(headers));
    if let Some(sdp) = offer {
        invite.headers.push(Header::ContentType(SDP.into()));
        invite.body = sdp.as_bytes().to_vec();
    }
    (dialog, invite)
}

/// For a trunk that believes us: who calls (RFC 3325 §5), or that nobody is to know it, and whom they called before we passed
/// them on (RFC 5806 §4).
fn asserted(
    shared: &Shared,
    trunk: Option<(usize, usize)>,
    (user, called): (&str, &str),
    host: SocketAddr,
) -> Vec<Header> {
    if !trunk.is_some_and(|(trunk, _)| shared.lines.trunks[trunk].is_trusted) {
        return Vec::new();
    }
    let other = |name: &str, value: String| Header::Other(name.to_owned(), value);
    let caller = match user {
        "" => other("Privacy", "id".to_owned()),
        _ => other("P-Asserted-Identity", format!("<sip:{user}@{host}>")),
    };
    let diversion =
        (!called.is_empty()).then(|| other("Diversion", format!("<sip:{called}@{host}>;reason=deflection")));
    [caller].into_iter().chain(diversion).collect()
}

impl Shared {
    /// A socket that can reach `peer`, which is `host`.
    pub(super) async fn lane_to(
        self: &Arc<Self>,
        transport: Transport,
        peer: SocketAddr,
        host: &Host,
    ) -> Option<Arc<Lane>> {
        match transport {
            Transport::Udp => {
                let lanes = self.datagrams.lock().ok()?;
                lanes.iter().find(|lane| lane.local().is_ipv4() == peer.is_ipv4()).cloned()
            }
            Transport::Tcp | Transport::Tls => super::stream::connect(self, transport, peer, host).await.ok(),
            // Nobody can be called by WebSocket (RFC 7118 §5): a browser is reached by the connection that it opened.
            Transport::Ws | Transport::Wss => None,
        }
    }
}

impl LegTask {
    /// A response to our first INVITE.
    pub(super) async fn call_responded(&mut self, response: Response) {
        let State::Calling(calling) = &mut self.state else { return };
        match response.status_code.code() {
            100..200 => {
                calling.onward.until = None;
                let first = !std::mem::replace(&mut calling.provisional, true);
                if calling.cancelled && first {
                    self.send_cancel();
                } else if response.status_code.code() > 100 {
                    self.progressed(&response).await;
                }
            }
            200..300 => {
                let cancelled = calling.cancelled;
                let early = calling.early.answer_of(&response);
                self.described = String::from_utf8_lossy(&calling.invite.body).into_owned();
                self.dialog.establish(&response);
                self.state = State::Talking(Talking::Settled);
                self.deadline = None;
                self.acknowledge_response(&response).await;
                let sdp = match body(&response.headers, &response.body) {
                    Body::Sdp(sdp) => Some(sdp),
                    Body::Empty => early,
                    Body::Other => None,
                };
                let sdp = match sdp {
                    Some(sdp) if !cancelled => sdp,
                    // Too late to be cancelled, or answered without the media that we asked for.
                    _ => {
                        self.end(if cancelled { 487 } else { 488 });
                        return self.leave().await;
                    }
                };
                let _ = self.place.set(self.dialog.place());
                self.tell(LegEvent::Answered { sdp });
            }
            status => {
                if !self.go_onward(status, &response).await {
                    self.end(status);
                    self.state = State::Ended;
                }
            }
        }
    }

    /// A request of ours went out again with credentials: a CANCEL must now repeat that one (RFC 3261 §9.1).
    pub(super) fn retried(&mut self, request: Request) {
        if self.is_moving(&call_id(&request)) {
            return self.moving_retried(request);
        }
        self.dialog.skip_to(cseq(&request).map_or(0, |(number, _)| number));
        match &mut self.state {
            State::Calling(calling) if request.method == Method::Invite => {
                calling.provisional = false;
                calling.invite = request;
            }
            State::Talking(Talking::WeOffer(number)) if request.method == Method::Invite => {
                *number = self.dialog.local_seq();
            }
            _ => {}
        }
    }

    /// The call hangs up before an answer.
    pub(super) fn cancel(&mut self, calling: Calling) {
        let provisional = calling.provisional;
        self.end(487);
        self.deadline = Some(Instant::now() + self.patience());
        self.state = State::Calling(Calling { cancelled: true, ..calling });
        if provisional {
            self.send_cancel();
        }
    }

    fn send_cancel(&mut self) {
        let State::Calling(calling) = &self.state else { return };
        self.start(cancel_of(&self.dialog, &calling.invite), None);
        self.deadline = Some(Instant::now() + self.patience());
    }
}

/// CANCEL repeats the INVITE's Via, so it is not built like other requests (RFC 3261 §9.1).
pub(super) fn cancel_of(dialog: &Dialog, invite: &Request) -> Request {
    let number = cseq(invite).map_or(0, |(number, _)| number);
    let mut cancel = dialog.numbered(Method::Cancel, number);
    cancel.uri = invite.uri.clone();
    let via = invite.headers.iter().find(|header| matches!(header, Header::Via(_)));
    cancel.headers.0.splice(0..0, via.cloned());
    cancel
}
