//! How a leg comes to keys that the descriptions do not hold: checks of the way (ICE), a handshake (DTLS), and whom it was
//! with.
//!
//! ```text
//!  checks ─► answered; the one that nominates says where the party is
//!  handshake ─► certificate: that of the description? ─► keys
//! ```
//!
//! Strangers may talk to the port, too. Without the password of the description a check is not answered, and no handshake is
//! held with a place that no check came from. Where there are no checks, a stranger who was quicker than the party shows
//! another certificate; then the handshake begins anew.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::rtp::dtls::{Engine, Handshake, Keys, Step};
use crate::rtp::stun::Check;
use crate::sdp::{self, Ice, Role};

/// Datagrams that wait to be sent; a handshake says less at once. Beyond, they are lost as on any network, and said again.
const WAITING: usize = 16;
/// Ways that were checked and are remembered.
const WAYS: usize = 8;
/// Handshakes that may fail before no more is tried.
const HANDSHAKES: u8 = 8;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Association {
    engine: Arc<Engine>,
    agreed: sdp::Handshake,
    /// `None` before it has begun.
    handshake: Option<Handshake>,
    /// Whom it is with.
    peer: Option<SocketAddr>,
    /// The peer showed the certificate that its description promised.
    is_proved: bool,
    left: u8,
    /// Where good checks came from, the latest first.
    ways: VecDeque<SocketAddr>,
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    said: Vec<u8>,
}

/// What was learned by a datagram.
pub(super) enum Learned {
    /// Nothing yet.
    Nothing,
    /// It was somebody else's.
    Foreign,
    /// The party is here.
    Way(SocketAddr),
    /// The party is here, and both have keys.
    Keys(SocketAddr, Keys),
}

impl Association {
    pub(super) fn new(engine: Arc<Engine>, agreed: sdp::Handshake) -> Self {
        Self {
            engine,
            agreed,
            handshake: None,
            peer: None,
            is_proved: false,
            left: HANDSHAKES,
            ways: VecDeque::with_capacity(WAYS),
            waiting: VecDeque::new(),
            said: Vec::new(),
        }
    }

    /// Goes on as agreed anew. `None`: with another certificate, or the other way round, which is another association.
    pub(super) fn renewed(mut self, agreed: &sdp::Handshake) -> Option<Self> {
        let goes_on = (agreed.theirs, agreed.role) == (self.agreed.theirs, self.agreed.role);
        self.agreed = agreed.clone();
        goes_on.then_some(self)
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Takes a check of the way.
    pub(super) fn check(&mut self, from: SocketAddr, bytes: &[u8]) -> Learned {
        let Some(Ice { ours, .. }) = &self.agreed.ice else { return Learned::Foreign };
        let Ok(check) = Check::read(bytes, &ours.name, &ours.password) else { return Learned::Foreign };
        let mut answer = Vec::new();
        check.answer(from, &ours.password, &mut answer);
        self.send(from, answer);
        if !check.is_good() {
            return Learned::Nothing;
        }
        self.ways.retain(|way| *way != from);
        self.ways.truncate(WAYS - 1);
        self.ways.push_front(from);
        if !check.nominates {
            return Learned::Nothing;
        }
        self.peer = Some(from);
        Learned::Way(from)
    }

    /// Takes a datagram of the handshake.
    pub(super) fn shake(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Learned {
        let is_ours = match &self.agreed.ice {
            Some(_) => self.ways.contains(&from),
            // Until it has proved who it is, the peer may be behind a NAT, and somewhere else than it says.
            None => !self.is_proved || self.peer == Some(from),
        };
        if !is_ours || self.left == 0 {
            return Learned::Foreign;
        }
        self.peer = Some(from);
        let handshake = self.handshake.get_or_insert_with(|| match self.agreed.role {
            Role::Active => Handshake::begun(&self.engine, now),
            Role::Passive => Handshake::awaited(&self.engine, now),
        });
        if let Err(error) = handshake.receive(now, bytes) {
            tracing::debug!(%error, "a handshake for keys failed");
            self.forget();
        }
        self.drain(from)
    }

    /// Lets time go on. `signalled` is where the description says that the party is.
    pub(super) fn wait(&mut self, now: Instant, signalled: Option<SocketAddr>) -> Learned {
        let Some(to) = self.peer.or(signalled.filter(|_| self.agreed.ice.is_none())) else { return Learned::Nothing };
        if self.handshake.is_none() && self.agreed.role == Role::Active && self.left > 0 {
            self.peer = Some(to);
            self.handshake = Some(Handshake::begun(&self.engine, now));
        }
        let Some(handshake) = &mut self.handshake else { return Learned::Nothing };
        if let Err(error) = handshake.wait(now) {
            tracing::debug!(%error, "a handshake for keys failed");
            self.forget();
        }
        self.drain(to)
    }

    /// The next datagram to send, in place of what `out` holds, and where to.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let (to, bytes) = self.waiting.pop_front()?;
        *out = bytes;
        Some(to)
    }

    /// Does what the handshake wants.
    fn drain(&mut self, to: SocketAddr) -> Learned {
        let (mut said, mut learned) = (std::mem::take(&mut self.said), Learned::Nothing);
        while let Some(step) = self.handshake.as_mut().and_then(|handshake| handshake.poll(&mut said)) {
            match step {
                Step::Send => self.send(to, said.clone()),
                Step::Certificate if self.agreed.theirs.is_of(&said) => self.is_proved = true,
                Step::Certificate => {
                    tracing::info!("a handshake showed another certificate than was promised");
                    self.forget();
                    self.waiting.clear();
                }
                Step::Keys(keys) if self.is_proved => learned = Learned::Keys(to, keys),
                // Nobody's keys. And who leaves says so by signalling.
                Step::Keys(_) | Step::Closed => {}
            }
        }
        self.said = said;
        learned
    }

    fn forget(&mut self) {
        self.handshake = None;
        self.is_proved = false;
        self.left -= 1;
    }

    fn send(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back((to, bytes));
        }
    }
}
