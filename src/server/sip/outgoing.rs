//! A leg that we start: to a human agent, or to a server under test.

use std::net::SocketAddr;
use std::sync::Arc;

use rsipstack::dialog::authenticate::Credential;
use rsipstack::sip::{Header, Host, Method, Param, Response, Scheme, Uri};
use rsipstack::transaction::random_text;
use tokio::time::Instant;

use super::dialog::Dialog;
use super::exchange::Asking;
use super::lane::Lane;
use super::leg::{Beginning, Calling, LegTask, SipLeg, State, Talking};
use super::message::{ALLOW, Body, SDP, body};
use super::route::Shared;
use super::talking::extra;
use super::{Dial, SipError, Transport};
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
    let (transport, peer) = resolve(&target).await.ok_or(SipError::Unreachable)?;
    let host = &target.host_with_port.host;
    let lane = shared.lane_to(transport, peer, host).await.ok_or(SipError::Unreachable)?;
    let host = SocketAddr::new(lane.host_towards(peer), lane.local().port());
    let user: String = dial.from.chars().filter(|c| c.is_ascii_alphanumeric() || "+-_.".contains(*c)).collect();
    let local = if user.is_empty() { format!("<sip:{host}>") } else { format!("<sip:{user}@{host}>") };
    let call_id = format!("{}@{}", random_text(24), lane.host_towards(peer));
    let mut dialog = Dialog::outgoing(call_id, &local, random_text(16), target);
    let mut invite = dialog.request(Method::Invite);
    invite.headers.push_front(Header::Via(lane.via(peer).into()));
    invite.headers.push(Header::Contact(format!("<{}>", lane.contact(peer)).into()));
    invite.headers.push(Header::Allow(ALLOW.into()));
    invite.headers.push(Header::UserAgent(shared.config.user_agent.clone().into()));
    invite.headers.extend(extra(dial.headers));
    if let Some(sdp) = &dial.offer {
        invite.headers.push(Header::ContentType(SDP.into()));
        invite.body = sdp.as_bytes().to_vec();
    }
    let credentials = dial.credentials.map(|credentials| Credential {
        username: credentials.user,
        password: credentials.password.0,
        realm: None,
        auth_username: None,
    });
    let beginning = Beginning {
        shared: Arc::clone(shared),
        lane: Arc::clone(&lane),
        peer,
        dialog,
        permit: None,
        credentials: credentials.clone(),
    };
    Ok(beginning.start(None, |inbox| {
        Asking { request: invite.clone(), lane, peer, credentials }.start(inbox);
        State::Calling(Calling { invite, provisional: false, cancelled: false })
    }))
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
                let first = !std::mem::replace(&mut calling.provisional, true);
                if calling.cancelled && first {
                    self.send_cancel();
                } else if response.status_code.code() > 100 {
                    self.tell(LegEvent::Rang);
                }
            }
            200..300 => {
                let cancelled = calling.cancelled;
                self.dialog.establish(&response);
                self.state = State::Talking(Talking::Settled);
                self.deadline = None;
                self.acknowledge_response(&response).await;
                let sdp = match body(&response.headers, &response.body) {
                    Body::Sdp(sdp) if !cancelled => sdp,
                    // Too late to be cancelled, or answered without the media that we asked for.
                    _ => {
                        self.end(if cancelled { 487 } else { 488 });
                        return self.leave().await;
                    }
                };
                self.tell(LegEvent::Answered { sdp });
            }
            status => {
                self.end(status);
                self.state = State::Ended;
            }
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

    /// CANCEL repeats the INVITE's Via, so it is not built like other requests (RFC 3261 §9.1).
    fn send_cancel(&mut self) {
        let State::Calling(calling) = &self.state else { return };
        let number = self.dialog.local_seq();
        let mut cancel = self.dialog.numbered(Method::Cancel, number);
        cancel.uri = calling.invite.uri.clone();
        let via = calling.invite.headers.iter().find(|header| matches!(header, Header::Via(_)));
        cancel.headers.0.splice(0..0, via.cloned());
        Asking { request: cancel, lane: Arc::clone(&self.lane), peer: self.peer, credentials: None }
            .start(self.inbox());
        self.deadline = Some(Instant::now() + self.patience());
    }
}
