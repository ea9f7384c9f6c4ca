//! Protected packets, where that was agreed: what was negotiated or shaken hands for, turned into ciphers.

use crate::rtp::dtls;
use crate::rtp::packet::is_rtcp;
use crate::rtp::srtp::{Opener, Sealer, SrtpError, Transform};
use crate::sdp::{Agreed, Keys, Secured, Suite};

/// Largest datagram that is opened (bytes): an Ethernet frame.
const MAX_DATAGRAM: usize = 1_500;

const fn transform(suite: Suite) -> Transform {
    match suite {
        Suite::AesCm80 => Transform::AesCm80,
        Suite::AesCm32 => Transform::AesCm32,
        Suite::AesGcm128 => Transform::AesGcm128,
        Suite::AesGcm256 => Transform::AesGcm256,
    }
}

/// Both directions.
#[derive(Debug)]
pub(super) struct Secrecy {
    /// The keys, where the descriptions hold them.
    described: Option<Keys>,
    sealer: Sealer,
    opener: Opener,
    /// The packet that was opened last.
    opened: Vec<u8>,
}

impl Secrecy {
    /// As agreed; `None` when that is in the clear, or when the keys are still to come.
    pub(super) fn new(agreed: &Agreed) -> Option<Self> {
        let Some(Secured::Keys(keys)) = agreed.secured else { return None };
        let transform = transform(keys.suite);
        let secrets = (keys.ours.of(keys.suite), keys.theirs.of(keys.suite));
        Some(Self { described: Some(keys), ..Self::with(transform, secrets)? })
    }

    /// By the keys of a handshake.
    pub(super) fn shaken(keys: &dtls::Keys) -> Option<Self> {
        Self::with(keys.transform, (&keys.ours, &keys.theirs))
    }

    fn with(transform: Transform, (ours, theirs): (&[u8], &[u8])) -> Option<Self> {
        let (sealer, opener) = (Sealer::new(transform, ours)?, Opener::new(transform, theirs)?);
        Some(Self { described: None, sealer, opener, opened: Vec::with_capacity(MAX_DATAGRAM) })
    }

    /// As agreed anew. A direction whose key stays goes on counting: to begin anew under the same key would give it away.
    pub(super) fn renewed(before: Option<Self>, agreed: &Agreed) -> Option<Self> {
        let new = Self::new(agreed)?;
        let Some(before) = before else { return Some(new) };
        let ours = |secrecy: &Self| secrecy.described.map(|keys| (keys.suite, keys.ours));
        let theirs = |secrecy: &Self| secrecy.described.map(|keys| (keys.suite, keys.theirs));
        let (keeps_ours, keeps_theirs) = (ours(&before) == ours(&new), theirs(&before) == theirs(&new));
        Some(Self {
            sealer: if keeps_ours { before.sealer } else { new.sealer },
            opener: if keeps_theirs { before.opener } else { new.opener },
            ..new
        })
    }

    /// Protects a packet of ours in place; answers whether it may be sent.
    pub(super) fn seal(&mut self, packet: &mut Vec<u8>) -> bool {
        let sealed = if is_rtcp(packet) { self.sealer.seal_rtcp(packet) } else { self.sealer.seal_rtp(packet) };
        sealed.is_ok()
    }

    /// Opens a packet of theirs; give it back with [`used`](Self::used).
    pub(super) fn open(&mut self, bytes: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut packet = std::mem::take(&mut self.opened);
        packet.clear();
        packet.extend_from_slice(&bytes[..bytes.len().min(MAX_DATAGRAM)]);
        let opened =
            if is_rtcp(bytes) { self.opener.open_rtcp(&mut packet) } else { self.opener.open_rtp(&mut packet) };
        match opened {
            Ok(()) => Ok(packet),
            Err(error) => {
                self.opened = packet;
                Err(error)
            }
        }
    }

    /// Takes the memory of an opened packet back.
    pub(super) fn used(&mut self, packet: Vec<u8>) {
        self.opened = packet;
    }
}
