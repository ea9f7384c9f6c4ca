//! How a leg's packets are protected, from the first word about it to the last: by nothing, by keys of the descriptions, or by
//! keys that have to be shaken hands for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::association::{Association, Learned};
use super::secrecy::Secrecy;
use crate::rtp::dtls::{self, is_dtls};
use crate::rtp::srtp::SrtpError;
use crate::rtp::stun::is_stun;
use crate::sdp::{Agreed, Secured};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Protection {
    /// What brings the keys, where a handshake does.
    association: Option<Association>,
    /// `None` in the clear, and before there are keys.
    secrecy: Option<Secrecy>,
    /// Where the peer has RTCP on a port of its own.
    reports: Option<SocketAddr>,
    /// Whether nothing may go in the clear.
    is_demanded: bool,
}

/// A datagram that is RTP or RTCP.
pub(super) enum Opened {
    /// It was not protected.
    Clear,
    /// It was, and here it is; give it back with [`Protection::used`].
    Packet(Vec<u8>),
    /// The network brought it twice, or too early; nobody else has made it.
    Nothing,
    /// It is somebody else's.
    Foreign,
}

impl Protection {
    /// As agreed.
    pub(super) fn new(agreed: &Agreed) -> Self {
        Self { association: None, secrecy: Secrecy::new(agreed), reports: None, is_demanded: false }
            .described_by(agreed)
    }

    fn described_by(self, agreed: &Agreed) -> Self {
        let reports = agreed.remote_rtcp.filter(|_| !agreed.rtcp_mux);
        Self { reports, is_demanded: agreed.secured.is_some(), ..self }
    }

    /// Shakes hands with `engine`, where that was agreed.
    pub(super) fn begin(&mut self, engine: Option<Arc<dtls::Engine>>, agreed: &Agreed) {
        if let (Some(engine), Some(Secured::Handshake(handshake))) = (engine, &agreed.secured) {
            self.association = Some(Association::new(engine, (**handshake).clone()));
        }
    }

    /// Goes on as agreed anew.
    pub(super) fn renewed(self, agreed: &Agreed) -> Self {
        let Some(Secured::Handshake(handshake)) = &agreed.secured else {
            let secrecy = Secrecy::renewed(self.secrecy, agreed);
            return Self { association: None, secrecy, ..self }.described_by(agreed);
        };
        let engine = self.association.as_ref().map(|before| before.engine().clone());
        let renewed = match self.association.and_then(|before| before.renewed(handshake)) {
            Some(association) => Self { association: Some(association), ..self },
            None => {
                let association = engine.map(|engine| Association::new(engine, (**handshake).clone()));
                Self { association, secrecy: None, ..self }
            }
        };
        renewed.described_by(agreed)
    }

    /// Takes a check of the way or a datagram of a handshake; `None` for what is neither, or not wanted (RFC 7983).
    pub(super) fn take(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<Learned> {
        let association = self.association.as_mut()?;
        if is_stun(bytes) {
            return Some(association.check(from, bytes));
        }
        // Who has RTCP on a port of its own shakes hands there, too. There is one handshake here, for the sound.
        let is_for_sound = is_dtls(bytes) && self.reports != Some(from);
        let learned = is_for_sound.then(|| association.shake(now, from, bytes))?;
        Some(self.keep_keys(learned))
    }

    /// The next datagram of a handshake, or answer to a check, in place of what `out` holds, and where it goes. What time
    /// brought besides is for the caller.
    pub(super) fn next(
        &mut self,
        now: Instant,
        signalled: Option<SocketAddr>,
        out: &mut Vec<u8>,
    ) -> (Option<SocketAddr>, Learned) {
        let Some(association) = &mut self.association else { return (None, Learned::Nothing) };
        if let Some(to) = association.next(out) {
            return (Some(to), Learned::Nothing);
        }
        let learned = association.wait(now, signalled);
        let to = association.next(out);
        (to, self.keep_keys(learned))
    }

    fn keep_keys(&mut self, learned: Learned) -> Learned {
        if let Learned::Keys(_, keys) = &learned {
            self.secrecy = Secrecy::shaken(keys);
        }
        learned
    }

    /// Opens a packet.
    pub(super) fn open(&mut self, bytes: &[u8]) -> Opened {
        match &mut self.secrecy {
            None if self.is_demanded => Opened::Nothing,
            None => Opened::Clear,
            Some(secrecy) => match secrecy.open(bytes) {
                Ok(packet) => Opened::Packet(packet),
                Err(SrtpError::Replayed) => Opened::Nothing,
                Err(SrtpError::Truncated | SrtpError::Forged) => Opened::Foreign,
            },
        }
    }

    /// Takes the memory of an opened packet back.
    pub(super) fn used(&mut self, packet: Vec<u8>) {
        if let Some(secrecy) = &mut self.secrecy {
            secrecy.used(packet);
        }
    }

    /// Protects a packet, if that was agreed; answers whether it may be sent.
    pub(super) fn seal(&mut self, packet: &mut Vec<u8>) -> bool {
        match &mut self.secrecy {
            Some(secrecy) => secrecy.seal(packet),
            None => !self.is_demanded,
        }
    }
}
