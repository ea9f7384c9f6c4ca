//! The handshake that brings keys for SRTP (DTLS, RFC 5764), as a state machine: datagrams and `now` come in, datagrams and
//! keys come out.
//!
//! The work is done by `dimpl`, which draws what must be secret itself, from the system. It takes only curves and modes that
//! are still good: DTLS 1.2 and 1.3, certificates on P-256 and P-384, AES-GCM and ChaCha20. A peer with an RSA certificate is
//! turned down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::srtp::Transform;

/// Longest datagram that a handshake sends (bytes).
const MTU: usize = 1_200;
/// Room for what a handshake says at once: a datagram, or a certificate.
const ROOM: usize = 4_096;
/// First wait before something is said again. A telephone call cannot wait for the second that is usual.
const AGAIN: Duration = Duration::from_millis(250);
/// How often something is said again: for 8 s.
const TRIES: usize = 4;
/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all handshakes of a server have in common: its certificate, and what it agrees to.
#[derive(Clone)]
pub struct Engine {
    config: Arc<dimpl::Config>,
    certificate: dimpl::DtlsCertificate,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine(…)")
    }
}

/// Why a handshake came to nothing. The peer misbehaved, is incompatible or is gone.
#[derive(Debug, thiserror::Error)]
#[error("the DTLS handshake failed: {0}")]
pub struct DtlsError(#[from] dimpl::Error);

/// What a handshake wants.
pub enum Step {
    /// The datagram that was written is to be sent.
    Send,
    /// The peer showed the certificate that was written (DER). Whether it is the right one, others must say.
    Certificate,
    /// The handshake is over, and both have these keys.
    Keys(Keys),
    /// The peer has left.
    Closed,
}

/// What SRTP goes by from now on.
pub struct Keys {
    /// How packets are protected.
    pub transform: Transform,
    /// Key and salt of what we send.
    pub ours: Vec<u8>,
    /// Key and salt of what we receive.
    pub theirs: Vec<u8>,
}

impl Engine {
    /// With a certificate and its key (DER, PKCS #8).
    ///
    /// # Errors
    /// What the library finds wrong with itself.
    pub fn new(certificate: Vec<u8>, private_key: Vec<u8>) -> Result<Self, DtlsError> {
        let config = dimpl::Config::builder().mtu(MTU).flight_start_rto(AGAIN).flight_retries(TRIES);
        let config = Arc::new(config.handshake_timeout(PATIENCE).build()?);
        Ok(Self { config, certificate: dimpl::DtlsCertificate { certificate, private_key } })
    }

    /// What the peer will see (DER).
    pub fn certificate(&self) -> &[u8] {
        &self.certificate.certificate
    }
}

/// One handshake.
pub struct Handshake {
    dtls: dimpl::Dtls,
    begins: bool,
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshake").field("begins", &self.begins).finish_non_exhaustive()
    }
}

impl Handshake {
    /// Waits for the peer to begin.
    pub fn awaited(engine: &Engine, now: Instant) -> Self {
        Self { dtls: dimpl::Dtls::new_auto(engine.config.clone(), engine.certificate.clone(), now), begins: false }
    }

    /// Begins; only DTLS 1.2 is offered, which everybody has.
    pub fn begun(engine: &Engine, now: Instant) -> Self {
        let mut dtls = dimpl::Dtls::new_12(engine.config.clone(), engine.certificate.clone(), now);
        dtls.set_active(true);
        Self { dtls, begins: true }
    }

    /// Takes a datagram; then ask [`poll`](Self::poll) until it answers `None`.
    ///
    /// # Errors
    /// [`DtlsError`]; the handshake is over then.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> Result<(), DtlsError> {
        self.dtls.handle_timeout(now)?;
        Ok(self.dtls.handle_packet(bytes)?)
    }

    /// Lets time go on; then ask [`poll`](Self::poll) until it answers `None`.
    ///
    /// # Errors
    /// [`DtlsError`]; the handshake is over then.
    pub fn wait(&mut self, now: Instant) -> Result<(), DtlsError> {
        Ok(self.dtls.handle_timeout(now)?)
    }

    /// The next thing to do; what belongs to it is written into `out`, in place of what that holds.
    pub fn poll(&mut self, out: &mut Vec<u8>) -> Option<Step> {
        loop {
            out.resize(ROOM.max(out.len()), 0);
            let (step, length) = match self.dtls.poll_output(out) {
                dimpl::Output::Packet(bytes) => (Step::Send, bytes.len()),
                dimpl::Output::PeerCert(der) => (Step::Certificate, der.len()),
                dimpl::Output::KeyingMaterial(material, profile) => match self.keys(&material, profile) {
                    Some(keys) => (Step::Keys(keys), 0),
                    None => continue,
                },
                dimpl::Output::CloseNotify => (Step::Closed, 0),
                dimpl::Output::BufferTooSmall { needed } => {
                    out.resize(needed, 0);
                    continue;
                }
                dimpl::Output::Timeout(_) => return None,
                // That it is done, its keys have said; nobody talks over it.
                _ => continue,
            };
            out.truncate(length);
            return Some(step);
        }
    }

    /// Parts what both know: keys, then salts, of who began first (RFC 5764 §4.2).
    fn keys(&self, material: &[u8], profile: dimpl::SrtpProfile) -> Option<Keys> {
        let transform = match profile {
            dimpl::SrtpProfile::AES128_CM_SHA1_80 => Transform::AesCm80,
            dimpl::SrtpProfile::AEAD_AES_128_GCM => Transform::AesGcm128,
            dimpl::SrtpProfile::AEAD_AES_256_GCM => Transform::AesGcm256,
            _ => return None,
        };
        let (key, salt) = transform.secret_bytes();
        let (keys, salts) = material.split_at_checked(2 * key)?;
        let of = |n: usize| Some([keys.get(n * key..(n + 1) * key)?, salts.get(n * salt..(n + 1) * salt)?].concat());
        let (first, second) = (of(0)?, of(1)?);
        let (ours, theirs) = if self.begins { (first, second) } else { (second, first) };
        Some(Keys { transform, ours, theirs })
    }
}

/// Whether bytes that came to a media port are DTLS: by their first byte (RFC 7983 §7).
pub fn is_dtls(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=63, ..])
}
