//! One socket and the transactions that run over it.
//!
//! ```text
//! datagram ─► guard ─► Shared::take ─┬─► stateless answer ───────────────► Lane::send_raw ─► socket
//!                                    └─► Lane::transact (rsipstack) ─► Transaction ─► leg
//! ```
//!
//! Every UDP socket and every stream connection has its own `rsipstack` endpoint, fed by hand through
//! `on_received_message`: so its unbounded queues between transport and transactions stay empty, a transaction always
//! knows its socket, and a stream that does not take its answers blocks nobody else. `rsipstack`'s own listeners are not
//! used: they hide the port that a TCP listener on port 0 got, report a failed bind only in the log, send to an IPv6 peer
//! from the first UDP socket even if that is IPv4, and end a stream on the first message that does not parse.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::EndpointBuilder;
use rsipstack::sip::{Header, Request, SipMessage};
use rsipstack::transaction::endpoint::{EndpointInnerRef, EndpointOption, MessageInspector};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::Transaction;
use rsipstack::transaction::{TransactionReceiver, random_text};
use rsipstack::transport::udp::{UdpConnection, UdpInner};
use rsipstack::transport::{SipAddr, SipConnection, TransportLayer, transport_layer::DomainResolver};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::framing::{MAX_MESSAGE, is_noise};
use super::message::tag_to;
use super::route::Shared;
use super::{SipConfig, Transport};

/// One socket with its transactions.
pub(super) struct Lane {
    endpoint: EndpointInnerRef,
    connection: SipConnection,
    out: Out,
    /// What the socket speaks.
    pub(super) transport: Transport,
    /// Address that the socket is bound to.
    local: SocketAddr,
    /// Host that others should use instead of the bound one.
    external: Option<IpAddr>,
    /// Port that others should connect to; a stream that we opened has none of its own.
    contact_port: u16,
    /// Fires when the socket is gone.
    pub(super) closed: CancellationToken,
}

/// Where bytes go that no transaction sends.
pub(super) enum Out {
    /// A UDP socket.
    Datagrams(Arc<UdpSocket>),
    /// The writer of a stream.
    Stream(mpsc::Sender<Vec<u8>>),
}

/// The parts of a new lane.
pub(super) struct LaneParts {
    pub(super) connection: SipConnection,
    pub(super) out: Out,
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) contact_port: u16,
    pub(super) closed: CancellationToken,
}

impl Lane {
    /// Puts a lane together and starts its timers. The receiver yields the transactions that [`transact`](Self::transact)
    /// makes.
    pub(super) fn new(parts: LaneParts, config: &SipConfig) -> (Arc<Self>, TransactionReceiver) {
        let LaneParts { connection, out, transport, local, contact_port, closed } = parts;
        let option = EndpointOption { t1: config.t1, t1x64: config.t1 * 64, auto_ack_2xx: false, ..Default::default() };
        let endpoint = EndpointBuilder::new()
            .with_user_agent(&config.user_agent)
            .with_option(option)
            .with_inspector(Box::new(TagAnswers))
            .with_transport_layer(TransportLayer::new_with_domain_resolver(closed.child_token(), Box::new(NoNames)))
            .with_cancel_token(closed.child_token())
            .build();
        let incoming = endpoint
            .incoming_transactions()
            .unwrap_or_else(|_| unreachable!("the receiver of an endpoint that was just built has not been taken"));
        let endpoint = endpoint.inner.clone();
        let (timers, ended) = (Arc::clone(&endpoint), closed.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = timers.process_timer() => {}
                () = ended.cancelled() => {}
            }
        });
        let lane =
            Self { endpoint, connection, out, transport, local, external: config.external, contact_port, closed };
        (Arc::new(lane), incoming)
    }

    /// Opens a UDP socket and starts to read it.
    pub(super) async fn open_udp(shared: &Arc<Shared>, listen: SocketAddr) -> std::io::Result<SocketAddr> {
        let socket = Arc::new(UdpSocket::bind(listen).await?);
        let local = socket.local_addr()?;
        let addr = SipAddr::new(rsipstack::sip::Transport::Udp, local.into());
        let connection = UdpConnection::attach(UdpInner { conn: socket.clone(), addr }, None, None).await;
        let parts = LaneParts {
            connection: SipConnection::Udp(connection),
            out: Out::Datagrams(Arc::clone(&socket)),
            transport: Transport::Udp,
            local,
            contact_port: local.port(),
            closed: shared.closed.child_token(),
        };
        let (lane, incoming) = Self::new(parts, &shared.config);
        if let Ok(mut lanes) = shared.datagrams.lock() {
            lanes.push(Arc::clone(&lane));
        }
        tokio::spawn(read_datagrams(Arc::clone(shared), lane, socket, incoming));
        Ok(local)
    }

    /// Whether a transaction of this request is under way, or ended a short while ago.
    pub(super) fn knows(&self, request: &Request) -> bool {
        TransactionKey::from_request(request, TransactionRole::Server).is_ok_and(|key| {
            self.endpoint.transactions.get(&key).is_some() || self.endpoint.finished_transactions.get(&key).is_some()
        })
    }

    /// Whether a client transaction waits for this response.
    pub(super) fn awaits(&self, response: &rsipstack::sip::Response) -> bool {
        TransactionKey::from_response(response, TransactionRole::Client)
            .is_ok_and(|key| self.endpoint.transactions.get(&key).is_some())
    }

    /// Gives a message to its transaction, or makes one for it.
    pub(super) async fn transact(&self, message: SipMessage, source: SocketAddr) {
        let from = SipAddr::new(self.transport.into(), source.into());
        if let Err(error) = self.endpoint.on_received_message(message, self.connection.clone(), &from).await {
            tracing::debug!(%source, %error, "message without a transaction");
        }
    }

    /// A client transaction for `request`, to be sent to `peer`.
    pub(super) fn client(&self, request: Request, peer: SocketAddr) -> Option<Transaction> {
        let key = TransactionKey::from_request(&request, TransactionRole::Client).ok()?;
        let mut transaction =
            Transaction::new_client(key, request, Arc::clone(&self.endpoint), Some(self.connection.clone()));
        transaction.destination = Some(SipAddr::new(self.transport.into(), peer.into()));
        Some(transaction)
    }

    /// Sends a message that has no transaction: an ACK of a 2xx.
    pub(super) async fn send(&self, message: SipMessage, peer: SocketAddr) {
        let destination = SipAddr::new(self.transport.into(), peer.into());
        if let Err(error) = self.connection.send(message, Some(&destination)).await {
            tracing::debug!(%peer, %error, "could not send");
        }
    }

    /// Sends bytes that no transaction knows of; dropped when the writer of a stream is behind, as a packet would be.
    pub(super) async fn send_raw(&self, bytes: Vec<u8>, peer: SocketAddr) {
        match &self.out {
            Out::Datagrams(socket) => {
                if let Err(error) = socket.send_to(&bytes, peer).await {
                    tracing::debug!(%peer, %error, "could not send");
                }
            }
            Out::Stream(writer) => {
                if writer.try_send(bytes).is_err() {
                    tracing::debug!(%peer, "answer dropped: the stream is behind");
                }
            }
        }
    }

    /// Address that the socket is bound to.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Transactions under way.
    pub(super) fn transactions(&self) -> usize {
        self.endpoint.transactions.len()
    }

    /// A fresh Via for a request to `peer` (RFC 3261 §18.1.1, RFC 3581 §3).
    pub(super) fn via(&self, peer: SocketAddr) -> String {
        let sent_by = SocketAddr::new(self.host_towards(peer), self.local.port());
        format!("SIP/2.0/{} {sent_by};branch=z9hG4bK{};rport", self.transport.name(), random_text(16))
    }

    /// The request with a Via of its own in the place of its topmost one.
    pub(super) fn stamped(&self, mut request: Request, peer: SocketAddr) -> Request {
        let via = Header::Via(self.via(peer).into());
        let top = request.headers.iter().position(|header| matches!(header, Header::Via(_)));
        if let Some(at) = top {
            request.headers.0.remove(at);
        }
        request.headers.push_front(via);
        request
    }

    /// The URI under which `peer` reaches us.
    pub(super) fn contact(&self, peer: SocketAddr) -> String {
        let address = SocketAddr::new(self.host_towards(peer), self.contact_port);
        match self.transport {
            Transport::Udp => format!("sip:antevox@{address}"),
            Transport::Tcp => format!("sip:antevox@{address};transport=tcp"),
            Transport::Tls => format!("sip:antevox@{address};transport=tls"),
            Transport::Ws | Transport::Wss => format!("sip:antevox@{address};transport=ws"),
        }
    }

    /// Our address as `peer` should see it.
    pub(super) fn host_towards(&self, peer: SocketAddr) -> IpAddr {
        match self.external {
            Some(external) if external.is_ipv4() == peer.is_ipv4() && !peer.ip().is_loopback() => external,
            _ if self.local.ip().is_unspecified() => route_towards(peer).unwrap_or(self.local.ip()),
            _ => self.local.ip(),
        }
    }
}

/// The local address that the kernel would send from; connecting a UDP socket sends nothing.
pub(super) fn route_towards(peer: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if peer.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let socket = std::net::UdpSocket::bind(any).ok()?;
    socket.connect(peer).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

async fn read_datagrams(
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    socket: Arc<UdpSocket>,
    mut incoming: TransactionReceiver,
) {
    let mut buffer = vec![0; MAX_MESSAGE + 1];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = lane.closed.cancelled() => return,
        };
        match received {
            Ok((len, source)) if !is_noise(&buffer[..len]) => {
                shared.take(&lane, &mut incoming, &buffer[..len], source).await;
            }
            Ok(_) => {}
            Err(error) => {
                // ICMP errors of earlier answers end up here; a socket in real trouble must not spin.
                tracing::debug!(%error, "UDP receive");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

/// Adds the To tag that `rsipstack` forgets in its 200 to a CANCEL whose INVITE had no more than a 100 (RFC 3261 §8.2.6.2).
struct TagAnswers;

impl MessageInspector for TagAnswers {
    fn before_send(&self, message: SipMessage, _: Option<&SipAddr>) -> SipMessage {
        match message {
            SipMessage::Response(mut answer) if answer.status_code.code() > 100 => {
                tag_to(&mut answer.headers, &random_text(12));
                SipMessage::Response(answer)
            }
            message => message,
        }
    }

    fn after_received(&self, message: SipMessage, _: Option<&SipAddr>) -> SipMessage {
        message
    }
}

/// Names are resolved before a transaction is made; inside the stack there are only addresses.
struct NoNames;

#[async_trait::async_trait]
impl DomainResolver for NoNames {
    async fn resolve(&self, target: &SipAddr) -> rsipstack::Result<SipAddr> {
        Err(rsipstack::Error::DnsResolutionError(target.to_string()))
    }
}
