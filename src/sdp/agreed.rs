//! What two parties agreed on.

use std::net::SocketAddr;
use std::time::Duration;

use super::describe;
use super::security::Protected;
use super::{Codec, Fingerprint, Local, OpusWishes, Secured, Security};

/// Who sends, seen from us (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both of us.
    #[default]
    SendReceive,
    /// We do.
    SendOnly,
    /// The peer does.
    ReceiveOnly,
    /// Nobody does.
    Inactive,
}

impl Direction {
    /// From whether we send and whether we receive.
    pub(super) const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendReceive,
            (true, false) => Self::SendOnly,
            (false, true) => Self::ReceiveOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether we send.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendReceive | Self::SendOnly)
    }

    /// Whether we receive.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendReceive | Self::ReceiveOnly)
    }

    /// The same, seen from the other side.
    pub const fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// What is left of it when we can only do what `other` allows.
    pub const fn and(self, other: Self) -> Self {
        Self::of(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The attribute's name.
    pub(super) const fn attribute(self) -> &'static str {
        match self {
            Self::SendReceive => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::ReceiveOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// The numbers by which one format goes in each direction: usually the same, but each side chooses what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTypes {
    /// In what we send.
    pub send: u8,
    /// In what we receive.
    pub receive: u8,
}

impl PayloadTypes {
    pub(super) const fn same(both: u8) -> Self {
        Self { send: both, receive: both }
    }
}

/// How key presses go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPresses {
    /// In what we send.
    pub send: u8,
    /// In what we receive.
    pub receive: u8,
    /// Ticks a second of their durations: the codec's clock, or 8,000 with a peer that knows no other.
    pub clock_rate: u32,
}

/// What both sides will do from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How sound is coded.
    pub codec: Codec,
    /// Its payload types.
    pub payload_types: PayloadTypes,
    /// How the peer wants it sent, when it is Opus.
    pub opus: OpusWishes,
    /// How key presses go (RFC 4733); `None` when the peer does not know them.
    pub telephone_event: Option<KeyPresses>,
    /// How much sound we put into a packet: 10 to 60 ms in steps of 10, at most what the peer asks for unless that is less.
    pub ptime: Duration,
    /// Where the peer wants RTP. `None` when it named no usable address; then its packets show where it is.
    pub remote: Option<SocketAddr>,
    /// Where the peer wants RTCP.
    pub remote_rtcp: Option<SocketAddr>,
    /// Whether RTP and RTCP share a port (RFC 5761).
    pub rtcp_mux: bool,
    /// Who sends, seen from us.
    pub direction: Direction,
    /// Where we receive RTP, as said to the peer.
    pub local_address: SocketAddr,
    /// How packets are protected; `None` when they are not.
    pub secured: Option<Secured>,
    /// What we speak, best first.
    pub(super) codecs: Vec<Codec>,
    /// What we want of that.
    pub(super) security: Security,
    pub(super) certificate: Option<Fingerprint>,
    pub(super) session: u64,
    pub(super) version: u64,
    pub(super) lines: Vec<Line>,
}

/// One `m=` line of the answer, in the offer's order (RFC 3264 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The audio that was agreed, over the transport that the offer named.
    Audio { proto: String, mid: Option<Mid> },
    /// Turned down; mirrors the offered line.
    Rejected { media: String, proto: String, fmt: String },
}

/// The name that the peer gave to the audio (RFC 5888).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mid {
    pub(super) name: String,
    /// Whether it was offered to share a port with others, which it does now alone (RFC 8843).
    pub(super) is_bundled: bool,
}

impl Agreed {
    /// Whether the peer does not want to hear us now (RFC 3264 §8.4).
    pub const fn is_held(&self) -> bool {
        !self.direction.sends()
    }

    /// The answer that says what was agreed.
    pub fn answer_sdp(&self) -> String {
        describe::answer(self)
    }

    pub(super) fn mid(&self) -> Option<&Mid> {
        self.lines.iter().find_map(|line| match line {
            Line::Audio { mid, .. } => mid.as_ref(),
            Line::Rejected { .. } => None,
        })
    }

    /// The same party with a later description: keeps the session's id, raises its version.
    pub fn next_local(&self) -> Local {
        let others = self.codecs.iter().copied().filter(|&codec| codec != self.codec);
        Local {
            address: self.local_address,
            codecs: std::iter::once(self.codec).chain(others).collect(),
            numbered: Some((self.codec, self.payload_types.receive)),
            security: self.security,
            certificate: self.certificate,
            protected: Protected::as_agreed(self.secured.as_ref()),
            mid: self.mid().map(|mid| mid.name.clone()),
            direction: Direction::SendReceive,
            session: self.session,
            version: self.version + 1,
        }
    }
}
