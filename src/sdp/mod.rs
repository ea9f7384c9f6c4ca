//! SDP offer and answer (RFC 3264) as a pure function: compute what is agreed as a value, then let others apply it.
//!
//! ```text
//!   offer ──► negotiate(&local, offer) ──► Agreed ──► answer_sdp()      they call us
//!   offer(&local) ──► … ──► accept_answer(&local, answer) ──► Agreed    we call them
//!                               └─► Refusal ──► status(): 400 or 488
//! ```
//!
//! One audio line is taken, all others are turned down with port 0. What is legal but odd is understood (no rtpmap for a
//! static payload type, `c=` in the media section only, `0.0.0.0`, a host name); what exceeds the caps is refused before
//! it costs anything. Keys for SRTP come and go in the description (RFC 4568), or the description says whom to shake hands with
//! for them (RFC 5763), and how the way there is found (ICE, RFC 8839). Nothing here panics, whatever the text.

mod agreed;
mod codec;
mod describe;
mod handshake;
mod media;
mod negotiate;
mod security;

use std::net::SocketAddr;

pub use agreed::{Agreed, Direction, KeyPresses, PayloadTypes};
pub use codec::{Codec, OpusWishes};
pub use handshake::{Credentials, Fingerprint, Handshake, Ice, Role};
pub use negotiate::{accept_answer, negotiate, offer};
pub use security::{Keys, Protected, SECRET_BYTES, Secret, Secured, Security, Suite};

/// Longest SDP that is read (bytes).
pub const MAX_SDP_BYTES: usize = 64 * 1024;
/// Most `m=` lines in one SDP.
pub const MAX_MEDIA_LINES: usize = 4;
/// Most payload types on one `m=` line.
pub const MAX_PAYLOAD_TYPES: usize = 32;

/// What we bring to a negotiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where we receive RTP, as the peer reaches it. RTCP comes to the same port (RFC 5761) or to the next one.
    pub address: SocketAddr,
    /// What we speak, best first. In an answer the peer's order counts (RFC 3264 §6.1).
    pub codecs: Vec<Codec>,
    /// A payload type that an earlier description of the session has bound to a codec (RFC 3264 §8.3.2).
    pub numbered: Option<(Codec, u8)>,
    /// Whether sound is protected.
    pub security: Security,
    /// Our certificate, for those who want to shake hands for keys.
    pub certificate: Option<Fingerprint>,
    /// What protects it already, and then in what we offer, too.
    pub protected: Protected,
    /// The peer's name for our section.
    pub mid: Option<String>,
    /// What we want to do; [`Direction::SendReceive`] unless we put the peer on hold.
    pub direction: Direction,
    /// Session id of the `o=` line: the same for the whole dialog.
    pub session: u64,
    /// Session version of the `o=` line: to be raised by one for each changed description (RFC 3264 §8).
    pub version: u64,
}

impl Local {
    /// Speaks G.711 both ways at `address`; the first description of session `session`.
    pub fn new(address: SocketAddr, session: u64) -> Self {
        Self {
            address,
            codecs: Codec::G711.to_vec(),
            numbered: None,
            security: Security::Clear,
            certificate: None,
            protected: Protected::No,
            mid: None,
            direction: Direction::SendReceive,
            session,
            version: 1,
        }
    }

    /// The payload type of `codec` in our offers.
    fn payload_type(&self, codec: Codec) -> u8 {
        match self.numbered {
            Some((numbered, number)) if numbered == codec => number,
            _ => codec.offered_payload_type(),
        }
    }
}

/// Why there is no agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The peer misbehaved: this is not SDP.
    #[error("line {line} of the SDP cannot be read")]
    Malformed {
        /// From 1; 0 when the description as a whole is at fault.
        line: usize,
    },
    /// The peer misbehaved: the description is longer than [`MAX_SDP_BYTES`].
    #[error("the SDP is longer than {MAX_SDP_BYTES} bytes")]
    TooLong,
    /// The peer misbehaved: an answer must have as many `m=` lines as the offer (RFC 3264 §6).
    #[error("the answer has {found} media lines where the offer has one")]
    LinesDiffer {
        /// `m=` lines in the answer.
        found: usize,
    },
    /// The peer is incompatible: more than [`MAX_MEDIA_LINES`].
    #[error("the SDP has more than {MAX_MEDIA_LINES} media lines")]
    TooManyMediaLines,
    /// The peer is incompatible: more than [`MAX_PAYLOAD_TYPES`] on one line.
    #[error("a media line has more than {MAX_PAYLOAD_TYPES} payload types")]
    TooManyPayloadTypes,
    /// The peer is incompatible: no audio line over RTP or SRTP with a port.
    #[error("the SDP has no audio line over RTP or SRTP")]
    NoAudio,
    /// The peer is incompatible: one of us demands protected sound, and the other does not do it, or not in that way.
    #[error("there is no common protection of the sound")]
    NoSecurity,
    /// The peer is incompatible: there is audio, but nothing that we both speak.
    #[error("there is no common codec")]
    NoCommonCodec,
}

impl Refusal {
    /// The SIP status that says so: 400 for what is not SDP, 488 for what we cannot do (RFC 3261 §21.4.26).
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed { .. } | Self::TooLong | Self::LinesDiffer { .. } => 400,
            Self::TooManyMediaLines
            | Self::TooManyPayloadTypes
            | Self::NoAudio
            | Self::NoSecurity
            | Self::NoCommonCodec => 488,
        }
    }
}

#[cfg(test)]
mod tests;
