//! Protected packets, where that was agreed: what was negotiated, turned into ciphers.

use crate::rtp::packet::is_rtcp;
use crate::rtp::srtp::{Opener, Sealer, SrtpError, Transform};
use crate::sdp::{Agreed, Secret, Suite};

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
    ours: (Suite, Secret),
    theirs: (Suite, Secret),
    sealer: Sealer,
    opener: Opener,
    /// The packet that was opened last.
    opened: Vec<u8>,
}

impl Secrecy {
    /// As agreed; `None` when that is in the clear.
    pub(super) fn new(agreed: &Agreed) -> Option<Self> {
        let secured = agreed.secured?;
        let transform = transform(secured.suite);
        Some(Self {
            ours: (secured.suite, secured.ours),
            theirs: (secured.suite, secured.theirs),
            sealer: Sealer::new(transform, secured.ours.of(secured.suite))?,
            opener: Opener::new(transform, secured.theirs.of(secured.suite))?,
            opened: Vec::with_capacity(MAX_DATAGRAM),
        })
    }

    /// As agreed anew. A direction whose key stays goes on counting: to begin anew under the same key would give it away.
    pub(super) fn renewed(before: Option<Self>, agreed: &Agreed) -> Option<Self> {
        let new = Self::new(agreed)?;
        let Some(before) = before else { return Some(new) };
        Some(Self {
            sealer: if before.ours == new.ours { before.sealer } else { new.sealer },
            opener: if before.theirs == new.theirs { before.opener } else { new.opener },
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
