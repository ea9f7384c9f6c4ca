//! SIP over TCP: listeners, connections that we open, and the two tasks of each connection.
//!
//! ```text
//! socket ─► reader: Framer ─► Shared::take          writer ◄─ 64 messages ◄─ transactions, legs, stateless answers
//! ```
//!
//! A stranger gets little: at most [`MAX_CONNECTIONS`] connections in all and [`MAX_PER_ADDRESS`] from one address, 5 s for a
//! first message, 5 minutes of silence, 64 KB a message, and 10 s to take an answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::transaction::TransactionReceiver;
use rsipstack::transport::channel::ChannelConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::Transport;
use super::framing::{Framer, FramingError, Piece};
use super::guard::Refused;
use super::lane::{Lane, LaneParts, Out};
use super::route::Shared;

/// Connections from everybody together.
const MAX_CONNECTIONS: usize = 2_048;
/// Connections from one address: a proxy needs one, a test tool some hundreds.
const MAX_PER_ADDRESS: usize = 512;
/// How long a new connection may take to bring its first message.
const FIRST_MESSAGE: Duration = Duration::from_secs(5);
/// How long a connection may be silent; keep-alives count (RFC 5626 §4.4.1 sends them every 2 minutes or less).
const IDLE: Duration = Duration::from_secs(300);
/// How long a peer may take to accept a message.
const WRITE: Duration = Duration::from_secs(10);
/// How long a connection that we open may take.
const CONNECT: Duration = Duration::from_secs(4);
/// Messages that wait for the writer of one connection. When it is full, transactions of this connection wait and stateless
/// answers are dropped.
const WRITE_QUEUE: usize = 64;

/// Opens a listener and starts to accept.
pub(super) async fn listen(shared: &Arc<Shared>, listen: SocketAddr) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let local = listener.local_addr()?;
    if let Ok(mut listeners) = shared.listeners.lock() {
        listeners.push(local);
    }
    tokio::spawn(accept(Arc::clone(shared), listener, local));
    Ok(local)
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, local: SocketAddr) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.closed.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) if has_room(&shared, peer.ip()) => {
                open(&shared, stream, peer, local.port(), FIRST_MESSAGE).await;
            }
            Ok((_, peer)) => tracing::debug!(%peer, "connection refused: too many"),
            Err(error) => {
                // Out of file descriptors, mostly: wait for others to close.
                tracing::warn!(%error, "TCP accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn has_room(shared: &Shared, address: IpAddr) -> bool {
    shared.streams.len() < MAX_CONNECTIONS
        && shared.streams.iter().filter(|entry| entry.key().ip() == address).count() < MAX_PER_ADDRESS
}

/// The connection to `peer`, opened if there is none.
pub(super) async fn connect(shared: &Arc<Shared>, peer: SocketAddr) -> std::io::Result<Arc<Lane>> {
    if let Some(lane) = shared.streams.get(&peer) {
        return Ok(Arc::clone(&lane));
    }
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(peer)).await??;
    let port = shared.tcp_port(peer).unwrap_or(stream.local_addr()?.port());
    open(shared, stream, peer, port, IDLE).await.ok_or_else(|| std::io::ErrorKind::NotConnected.into())
}

async fn open(
    shared: &Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    contact_port: u16,
    first_message: Duration,
) -> Option<Arc<Lane>> {
    let local = stream.local_addr().ok()?;
    stream.set_nodelay(true).ok()?;
    let (read_half, write_half) = stream.into_split();
    let (raw, raw_queue) = mpsc::channel(WRITE_QUEUE);
    let (outgoing, queue) = mpsc::channel(WRITE_QUEUE);
    let closed = shared.closed.child_token();
    #[allow(clippy::disallowed_methods)] // rsipstack's constructor asks for it; nothing is ever sent into it
    let (_, nothing) = mpsc::unbounded_channel();
    let address = SipAddr::new(Transport::Tcp.into(), peer.into());
    let connection = ChannelConnection::create_connection_bounded(nothing, outgoing, address, None).await.ok()?;
    let parts = LaneParts {
        connection: SipConnection::Channel(connection),
        out: Out::Stream(raw),
        transport: Transport::Tcp,
        local,
        contact_port,
        closed,
    };
    let (lane, incoming) = Lane::new(parts, &shared.config);
    shared.streams.insert(peer, Arc::clone(&lane));
    tokio::spawn(write(Arc::clone(&lane), write_half, queue, raw_queue));
    let connection = Connection { shared: Arc::clone(shared), lane: Arc::clone(&lane), peer };
    tokio::spawn(connection.read(read_half, incoming, first_message));
    Some(lane)
}

async fn write(
    lane: Arc<Lane>,
    mut socket: OwnedWriteHalf,
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
}

/// The reading side of one connection; takes it out of the table when dropped.
struct Connection {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    peer: SocketAddr,
}

impl Connection {
    async fn read(self, mut socket: OwnedReadHalf, mut incoming: TransactionReceiver, first_message: Duration) {
        let mut framer = Framer::default();
        let mut buffer = vec![0; 4_096];
        let mut patience = first_message;
        loop {
            let read = tokio::select! {
                read = tokio::time::timeout(patience, socket.read(&mut buffer)) => read,
                () = self.lane.closed.cancelled() => return,
            };
            let Ok(Ok(len @ 1..)) = read else { return };
            framer.push(&buffer[..len]);
            loop {
                match framer.next() {
                    Ok(Some(Piece::Ping)) => self.lane.send_raw(b"\r\n".to_vec(), self.peer).await,
                    Ok(Some(Piece::Message(bytes))) => {
                        patience = IDLE;
                        self.shared.take(&self.lane, &mut incoming, &bytes, self.peer).await;
                    }
                    Ok(None) => break,
                    Err(error) => return self.give_up(error).await,
                }
            }
            if framer.is_partial() {
                patience = FIRST_MESSAGE;
            }
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
