//! Signalling: SIP over UDP, TCP, TLS, WS and WSS, IPv4 and IPv6, on top of `rsipstack`'s parser, transactions and digest.
//!
//! ```text
//! sockets ─► lane, stream ─► framing ─► guard ─► route ─┬─► rsipstack transactions (exchange) ─► leg ─► LegEvent ─► call
//!                                                       └─► answers without state
//! call ─► LegRequest ─► leg ─► dialog ─► exchange ─► sockets
//! ```
//!
//! [`SipEdge::start`] opens the sockets and yields an [`IncomingCall`] for each INVITE that passes; [`SipEdge::dial`] places
//! a call. Either gives a [`SipLeg`], driven by [`LegRequest`](crate::leg::LegRequest)s and
//! [`LegEvent`](crate::leg::LegEvent)s.
//!
//! What `rsipstack` 0.7.14 does not do, or does differently, is done in front of it; the cases stand in the headers of
//! `guard`, `lane` and `exchange`. Its dialog layer is not used: its queues have no bound, its states mix with
//! requests, a 2xx is acknowledged before the call knows of it, and a late offer cannot be told from an early one. Two
//! warts remain: after a client INVITE times out it sends a lone ACK, and it keeps the last answer of each transaction for
//! 64·T1. It also logs whole messages at level `info`: keep `rsipstack=warn` in the log filter, for what they hold is
//! personal.
//!
//! Invariants: a live call loses nothing when a new one is refused; every queue has a bound; whatever ends a leg takes it
//! out of all tables.

mod admission;
mod dialog;
mod digest;
mod exchange;
mod framing;
mod gate;
mod glare;
mod guard;
mod handshakes;
mod head;
mod incoming;
mod info;
mod keeping;
mod lane;
mod leg;
mod limits;
mod lines;
mod message;
mod moving;
mod onward;
mod outgoing;
mod patience;
pub mod reading;
mod registrar;
mod reliable;
mod route;
mod session_timer;
mod stir;
mod stream;
mod talking;
mod tls;
mod trunk;
mod web;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dialog::CallFacts;
use crate::units::Pii;
use handshakes::Handshakes;
use lane::Lane;
use lines::Lines;
use route::Shared;

pub use admission::{Admission, Rate};
pub use digest::Algorithm;
pub use gate::{Gate, Permit};
pub use leg::SipLeg;
pub use limits::Limits;
pub use stir::{Stir, StirError};
pub use tls::{Tls, TlsError, TlsFiles};
pub use trunk::{CallsOut, Forbidden, Login, Network, Pattern, Strangers, Target, Trunk};

/// How long a handshake of TLS or WebSocket may take.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// New calls that wait to be taken from the receiver of [`SipEdge::start`]; one more gets 503.
const CALLS: usize = 64;

/// What a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
    /// Encrypted streams.
    Tls,
    /// WebSockets (RFC 7118).
    Ws,
    /// Encrypted WebSockets.
    Wss,
}

impl Transport {
    /// As it stands in a Via.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// Whether it is encrypted: then it needs a certificate.
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether it is a WebSocket: then whoever connected is reached by that connection alone.
    pub const fn is_web(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

impl From<Transport> for rsipstack::sip::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Udp => Self::Udp,
            Transport::Tcp => Self::Tcp,
            Transport::Tls => Self::Tls,
            Transport::Ws => Self::Ws,
            Transport::Wss => Self::Wss,
        }
    }
}

/// How the edge is set up.
#[derive(Clone, Debug)]
pub struct SipConfig {
    /// Sockets to open; port 0 takes any free one. Those that are encrypted need `tls`.
    pub listen: Vec<(Transport, SocketAddr)>,
    /// What TLS goes by.
    pub tls: Option<Tls>,
    /// Our address as others see it, where that is not the one bound (behind a NAT, in a container).
    pub external: Option<IpAddr>,
    /// Our name and version.
    pub user_agent: String,
    /// Incoming calls that may be live at once.
    pub max_calls: usize,
    /// Lines to other people's switches.
    pub trunks: Vec<Trunk>,
    /// Telephones that may register.
    pub phones: Vec<Login>,
    /// What becomes of calls that come from neither.
    pub strangers: Strangers,
    /// The name under which passwords are asked for, and the host of our telephones.
    pub realm: String,
    /// By which hashes telephones prove themselves, in the order in which they are offered. There are some that give up when
    /// they do not know the first.
    pub digests: Vec<Algorithm>,
    /// Which calls are placed for callers.
    pub calls_out: CallsOut,
    /// Whose signatures under a caller's number are believed; without it they are not looked at.
    pub stir: Option<Stir>,
    /// What each source may ask for outside of dialogs.
    pub rate: Rate,
    /// Estimate of the round trip, from which all retransmission times follow (RFC 3261 §17.1.1.1).
    pub t1: Duration,
}

impl Default for SipConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            tls: None,
            external: None,
            user_agent: concat!("antevox/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_calls: 200,
            trunks: Vec::new(),
            phones: Vec::new(),
            strangers: Strangers::Welcome,
            realm: "antevox".to_owned(),
            digests: Algorithm::ALL.to_vec(),
            calls_out: CallsOut::default(),
            stir: None,
            rate: Rate::default(),
            t1: Duration::from_millis(500),
        }
    }
}

/// One side of a call as its header names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// User part of the URI: a phone number, mostly; may be empty.
    pub user: Pii<String>,
    /// Display name.
    pub display: Option<Pii<String>>,
}

/// Somebody calls.
#[derive(Debug)]
pub struct IncomingCall {
    /// SIP `Call-ID`.
    pub call_id: String,
    /// Who calls, as far as the line is believed; empty where the number is withheld.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// What else is known of the call.
    pub facts: CallFacts,
    /// SDP offer; `None` asks for ours (a late offer).
    pub offer: Option<String>,
    /// Whether its network lets the caller hear us before we answer.
    pub hears_early: bool,
    /// Where the INVITE came from.
    pub peer: SocketAddr,
    /// The leg: 100 has been sent, everything else is up to the call.
    pub leg: SipLeg,
}

/// A call to place.
#[derive(Clone, Debug, Default)]
pub struct Dial {
    /// SIP URI.
    pub target: String,
    /// User part of our From.
    pub from: String,
    /// The number that was called, if the call is passed on: a trusted trunk is told (`Diversion`, RFC 5806).
    pub called: String,
    /// SDP offer; `None` lets the other side make one.
    pub offer: Option<String>,
    /// Extra header fields.
    pub headers: Vec<(String, String)>,
    /// For a 401 or 407; a trunk has its own.
    pub credentials: Option<Credentials>,
    /// For whom.
    pub purpose: Purpose,
}

/// For whom a call is placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// For whoever runs this program: no limits but those of the network.
    #[default]
    Own,
    /// For a caller: within the limits of [`CallsOut`].
    Caller,
}

/// User and password for a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Pii<String>,
    /// The realm whose challenges they answer; `None` answers any, and is for people who type both themselves.
    pub realm: Option<String>,
}

/// Why signalling could not start, or a call not be placed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SipError {
    /// The port is taken, or the address is not ours.
    #[error("cannot listen for SIP on {address} ({}): {source}; choose another address with --sip", .transport.name())]
    Listen {
        /// What was to be opened.
        address: SocketAddr,
        /// For what.
        transport: Transport,
        /// What the system says.
        source: std::io::Error,
    },
    /// Certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Those of telephone networks neither.
    #[error(transparent)]
    Stir(#[from] StirError),
    /// The target is not a SIP URI.
    #[error("not a SIP URI: write sip:USER@HOST[:PORT]")]
    BadTarget,
    /// The call is not allowed, or not now.
    #[error("the call is not placed: {0}")]
    Forbidden(#[from] Forbidden),
    /// The target's host or transport cannot be reached from any of our sockets.
    #[error("the host of the SIP URI cannot be reached")]
    Unreachable,
}

/// Why a leg did not take a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LegError {
    /// The leg is over.
    #[error("the leg has ended")]
    Ended,
    /// Too many requests wait already.
    #[error("the leg is busy")]
    Busy,
}

/// Where a SIP URI leads, and by what.
///
/// # Errors
/// [`SipError::BadTarget`]; [`SipError::Unreachable`] for a name that does not resolve or a transport that we do not speak.
pub async fn resolve(target: &str) -> Result<(Transport, SocketAddr), SipError> {
    let uri = rsipstack::sip::Uri::try_from(target).map_err(|_| SipError::BadTarget)?;
    if uri.scheme.is_none() {
        return Err(SipError::BadTarget);
    }
    outgoing::resolve(&uri).await.ok_or(SipError::Unreachable)
}

/// The address that the system would send from to reach `peer`.
pub fn local_address_towards(peer: SocketAddr) -> Option<IpAddr> {
    lane::route_towards(peer)
}

/// The signalling edge. Clones share it; it lives until its cancel token fires.
#[derive(Clone)]
pub struct SipEdge {
    shared: Arc<Shared>,
    bound: Arc<[(Transport, SocketAddr)]>,
}

impl SipEdge {
    /// Opens all sockets and starts to take calls.
    ///
    /// # Errors
    /// [`SipError::Listen`] for the first socket that cannot be opened; those before it are closed again.
    pub async fn start(
        config: SipConfig,
        cancel: CancellationToken,
    ) -> Result<(Self, mpsc::Receiver<IncomingCall>), SipError> {
        let (calls, incoming) = mpsc::channel(CALLS);
        let listen = config.listen.clone();
        let shared = Arc::new(Shared {
            gate: Gate::new(config.max_calls),
            lines: Lines::new(&config),
            leaving: CancellationToken::new(),
            registrants: TaskTracker::new(),
            admission: Admission::new(config.rate),
            config,
            legs: DashMap::new(),
            invites: DashMap::new(),
            streams: DashMap::new(),
            datagrams: std::sync::Mutex::default(),
            listeners: std::sync::Mutex::default(),
            handshakes: Handshakes::default(),
            calls,
            closed: cancel.child_token(),
        });
        let mut bound = Vec::new();
        for (transport, address) in listen {
            let opened = match transport {
                Transport::Udp => Lane::open_udp(&shared, address).await,
                _ => stream::listen(&shared, transport, address).await,
            };
            match opened {
                Ok(local) => bound.push((transport, local)),
                Err(source) => {
                    shared.closed.cancel();
                    return Err(SipError::Listen { address, transport, source });
                }
            }
        }
        shared.keep_trunks();
        Ok((Self { shared, bound: bound.into() }, incoming))
    }

    /// Takes our registrations with trunks back; a registrar that does not answer is not waited for long.
    pub async fn unregister(&self) {
        self.shared.leaving.cancel();
        self.shared.registrants.close();
        self.shared.registrants.wait().await;
    }

    /// Where the telephones of a user are registered at the moment: their Contacts.
    pub fn phones_of(&self, user: &str) -> Vec<String> {
        self.shared.phones_of(user).into_iter().map(|phone| phone.uri).collect()
    }

    /// The sockets as they were bound.
    pub fn bound(&self) -> &[(Transport, SocketAddr)] {
        &self.bound
    }

    /// Decides whether one more call may come in. Its limit can be lowered while something costlier than a leg is full.
    pub fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// What anybody may ask for.
    pub fn limits(&self) -> Limits {
        Limits::of(&self.shared.config)
    }

    /// Who asked for too much.
    pub fn admission(&self) -> &Admission {
        &self.shared.admission
    }

    /// Places a call. The leg tells [`Rang`](crate::leg::LegEvent::Rang), then
    /// [`Answered`](crate::leg::LegEvent::Answered) or [`Ended`](crate::leg::LegEvent::Ended).
    ///
    /// # Errors
    /// [`SipError::BadTarget`], [`SipError::Unreachable`].
    pub async fn dial(&self, dial: Dial) -> Result<SipLeg, SipError> {
        outgoing::dial(&self.shared, dial).await
    }

    /// Where a call to `target` would go first: over a trunk, to a registered telephone, or where the URI leads.
    ///
    /// # Errors
    /// As [`dial`](Self::dial).
    pub async fn first_hop(&self, target: &str) -> Result<(Transport, SocketAddr), SipError> {
        let uri = rsipstack::sip::Uri::try_from(target).map_err(|_| SipError::BadTarget)?;
        let mut ways = self.shared.ways(&uri, None);
        let reached = self.shared.first_reached(&mut ways).await;
        reached.map(|(_, lane, peer)| (lane.transport, peer)).ok_or(SipError::Unreachable)
    }

    /// Legs that still have something to say or to wait for.
    pub fn legs(&self) -> usize {
        self.shared.legs.len()
    }

    /// Transactions under way on all sockets.
    pub fn transactions(&self) -> usize {
        let datagrams =
            self.shared.datagrams.lock().map_or(0, |lanes| lanes.iter().map(|lane| lane.transactions()).sum::<usize>());
        datagrams + self.shared.streams.iter().map(|lane| lane.transactions()).sum::<usize>()
    }

    /// The address that `peer` should send media to, where the RTP sockets are bound to any address.
    pub fn address_towards(&self, peer: SocketAddr) -> Option<IpAddr> {
        let lanes = self.shared.datagrams.lock().ok()?;
        let lane = lanes.iter().find(|lane| lane.local().is_ipv4() == peer.is_ipv4())?;
        Some(lane.host_towards(peer))
    }
}
