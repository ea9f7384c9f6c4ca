//! SIP over TCP, TLS and WebSocket: listeners, connections that we open, and the two tasks of each connection.
//!
//! ```text
//! socket ─► reader: Framer ─► Shared::take          writer ◄─ 64 messages ◄─ transactions, legs, stateless answers
//! ```
//!
//! A stranger gets little: at most [`MAX_CONNECTIONS`] connections in all and [`MAX_PER_ADDRESS`] from one address, 3 s for each
//! handshake, for which there must be room and a token, 5 s for a first message, 5 minutes of silence, 64 KB a message, and 10 s
//! to take an answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::Host;
use rsipstack::transaction::TransactionReceiver;
use rsipstack::transport::channel::ChannelConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Transport;
use super::admission::Verdict;
use super::framing::{Framer, FramingError, Piece};
use super::guard::Refused;
use super::lane::{Lane, LaneParts, Out};
use super::patience::Patience;
use super::route::Shared;

/// Connections from everybody together.
pub(super) const MAX_CONNECTIONS: usize = 2_048;
/// Connections from one address: a proxy needs one, a test tool some hundreds.
pub(super) const MAX_PER_ADDRESS: usize = 512;
/// How long a peer may take to accept a message.
const WRITE: Duration = Duration::from_secs(10);
/// How long a connection that we open may take.
const CONNECT: Duration = Duration::from_secs(4);
/// Messages that wait for the writer of one connection. When it is full, transactions of this connection wait and stateless
/// answers are dropped.
pub(super) const WRITE_QUEUE: usize = 64;

/// Bytes both ways, in the clear or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A new connection.
struct Opened {
    stream: Box<dyn Stream>,
    transport: Transport,
    local: SocketAddr,
    peer: SocketAddr,
}

/// Opens a listener and starts to accept.
pub(super) async fn listen(
    shared: &Arc<Shared>,
    transport: Transport,
    listen: SocketAddr,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let local = listener.local_addr()?;
    if let Ok(mut listeners) = shared.listeners.lock() {
        listeners.push((transport, local));
    }
    tokio::spawn(accept(Arc::clone(shared), listener, transport, local));
    Ok(local)
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, transport: Transport, local: SocketAddr) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.closed.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) if has_room(&shared, peer.ip()) => {
                welcome(&shared, stream, transport, peer, local.port()).await;
            }
            Ok((_, peer)) => tracing::debug!(%peer, "connection refused: too many"),
            Err(error) => {
                // Out of file descriptors, mostly: wait for others to close.
                tracing::warn!(%error, "accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn has_room(shared: &Shared, address: IpAddr) -> bool {
    shared.streams.len() < MAX_CONNECTIONS
        && shared.streams.iter().filter(|entry| entry.key().ip() == address).count() < MAX_PER_ADDRESS
}

/// Takes a connection in; one with a handshake in a task of its own, so that nobody else waits for it.
async fn welcome(shared: &Arc<Shared>, stream: TcpStream, transport: Transport, peer: SocketAddr, port: u16) {
    let (Ok(local), Ok(())) = (stream.local_addr(), stream.set_nodelay(true)) else { return };
    if transport == Transport::Tcp {
        let opened = Opened { stream: Box::new(stream), transport, local, peer };
        open(shared, opened, port, Patience::with_stranger(Instant::now())).await;
        return;
    }
    let Some(handshake) = shared.handshakes.begin(peer.ip()) else {
        return tracing::debug!(%peer, "connection refused: too many handshakes");
    };
    if shared.admit(peer) != Verdict::Admitted {
        return tracing::debug!(%peer, "connection refused: too many in too short a time");
    }
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let accepted = shake_hands(&shared, stream, transport).await;
        drop(handshake);
        match accepted {
            Ok(stream) => {
                let opened = Opened { stream, transport, local, peer };
                open(&shared, opened, port, Patience::with_stranger(Instant::now())).await;
            }
            Err(error) => tracing::debug!(%peer, %error, "no handshake"),
        }
    });
}

/// The handshakes that `transport` begins with.
async fn shake_hands(shared: &Shared, stream: TcpStream, transport: Transport) -> std::io::Result<Box<dyn Stream>> {
    let stream: Box<dyn Stream> = if transport.is_encrypted() {
        let tls = shared.config.tls.as_ref().ok_or(std::io::ErrorKind::Unsupported)?;
        Box::new(tls.accept(stream).await?)
    } else {
        Box::new(stream)
    };
    if !transport.is_web() {
        return Ok(stream);
    }
    Ok(Box::new(super::web::accept(stream, shared.closed.child_token()).await?))
}

/// The connection to `peer`, which is `host`, opened if there is none.
pub(super) async fn connect(
    shared: &Arc<Shared>,
    transport: Transport,
    peer: SocketAddr,
    host: &Host,
) -> std::io::Result<Arc<Lane>> {
    if let Some(lane) = shared.streams.get(&peer).filter(|lane| lane.transport == transport) {
        return Ok(Arc::clone(&lane));
    }
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(peer)).await??;
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let port = shared.stream_port(transport, peer).unwrap_or(local.port());
    let stream: Box<dyn Stream> = if transport == Transport::Tls {
        let tls = shared.config.tls.as_ref().ok_or(std::io::ErrorKind::Unsupported)?;
        Box::new(tls.connect(stream, host, peer).await?)
    } else {
        Box::new(stream)
    };
    let opened = Opened { stream, transport, local, peer };
    open(shared, opened, port, Patience::with_known(Instant::now()))
        .await
        .ok_or_else(|| std::io::ErrorKind::NotConnected.into())
}

async fn open(shared: &Arc<Shared>, opened: Opened, contact_port: u16, patience: Patience) -> Option<Arc<Lane>> {
    let Opened { stream, transport, local, peer } = opened;
    let (read_half, write_half) = tokio::io::split(stream);
    let (raw, raw_queue) = mpsc::channel(WRITE_QUEUE);
    let (outgoing, queue) = mpsc::channel(WRITE_QUEUE);
    let closed = shared.closed.child_token();
    #[allow(clippy::disallowed_methods)] // rsipstack's constructor asks for it; nothing is ever sent into it
    let (_, nothing) = mpsc::unbounded_channel();
    let address = SipAddr::new(transport.into(), peer.into());
    let connection = ChannelConnection::create_connection_bounded(nothing, outgoing, address, None).await.ok()?;
    let parts = LaneParts {
        connection: SipConnection::Channel(connection),
        out: Out::Stream(raw),
        transport,
        local,
        contact_port,
        closed,
    };
    let (lane, incoming) = Lane::new(parts, &shared.config);
    shared.streams.insert(peer, Arc::clone(&lane));
    tokio::spawn(write(Arc::clone(&lane), write_half, queue, raw_queue));
    let connection = Connection { shared: Arc::clone(shared), lane: Arc::clone(&lane), peer };
    tokio::spawn(connection.read(read_half, incoming, patience));
    Some(lane)
}

async fn write(
    lane: Arc<Lane>,
    mut socket: WriteHalf<Box<dyn Stream>>,
    mut queue: mpsc::Receiver<TransportEvent>,
    mut raw: mpsc::Receiver<Vec<u8>>,
) {
    loop {
        let bytes = tokio::select! {
            event = queue.recv() => match event {
                Some(TransportEvent::Incoming(message, ..)) => message.to_bytes(),
                Some(TransportEvent::New(_) | TransportEvent::Closed(_)) => continue,
                None => break,
            },
            Some(bytes) = raw.recv() => bytes,
            () = lane.closed.cancelled() => break,
        };
        if !matches!(tokio::time::timeout(WRITE, socket.write_all(&bytes)).await, Ok(Ok(()))) {
            break;
        }
    }
    lane.closed.cancel();
    // A farewell of TLS, if the peer still takes it.
    let _ = tokio::time::timeout(WRITE, socket.shutdown()).await;
}

/// The reading side of one connection; takes it out of the table when dropped.
struct Connection {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    peer: SocketAddr,
}

impl Connection {
    async fn read(
        self,
        mut socket: ReadHalf<Box<dyn Stream>>,
        mut incoming: TransactionReceiver,
        mut patience: Patience,
    ) {
        let mut framer = Framer::default();
        let mut buffer = vec![0; 4_096];
        loop {
            let read = tokio::select! {
                read = tokio::time::timeout_at(patience.until(), socket.read(&mut buffer)) => read,
                () = self.lane.closed.cancelled() => return,
            };
            let Ok(Ok(len @ 1..)) = read else { return };
            framer.push(&buffer[..len]);
            loop {
                match framer.next() {
                    Ok(Some(Piece::Ping)) => {
                        patience.ping(Instant::now());
                        self.lane.send_raw(b"\r\n".to_vec(), self.peer).await;
                    }
                    Ok(Some(Piece::Message(bytes))) => {
                        patience.message(Instant::now());
                        self.shared.take(&self.lane, &mut incoming, &bytes, self.peer).await;
                    }
                    Ok(None) => break,
                    Err(error) => return self.give_up(error).await,
                }
            }
            patience.rest(Instant::now(), framer.is_partial());
        }
    }

    /// Says why, if the head allows it, and lets the writer get it out before the connection closes.
    async fn give_up(&self, error: FramingError) {
        tracing::debug!(peer = %self.peer, ?error, "stream lost");
        if let FramingError::BadLength(head) = error {
            let refused = Refused::With(400, "Bad Content-Length");
            self.shared.refuse(&self.lane, &head, self.peer, refused).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.lane.closed.cancel();
        self.shared.streams.remove_if(&self.peer, |_, lane| Arc::ptr_eq(lane, &self.lane));
    }
}
