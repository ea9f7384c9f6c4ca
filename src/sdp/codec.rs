//! The codecs that SDP can agree on, by their registered names.

use serde::{Serialize, Serializer};

use crate::units::SampleRate;

/// An audio codec, as RFC 3551 registers it.
///
/// Another one needs a variant here, its row in each `match` below, and its coder in the leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

impl Codec {
    /// All of them, best first.
    pub const ALL: &'static [Self] = &[Self::Pcmu, Self::Pcma];

    /// Encoding name of the `rtpmap`; compared without regard to case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// RTP clock (ticks/s): not always the sample rate (RFC 3551 §4.5.2).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8_000,
        }
    }

    /// How often the coder samples.
    pub const fn sample_rate(self) -> SampleRate {
        match self {
            Self::Pcmu | Self::Pcma => SampleRate::NARROWBAND,
        }
    }

    /// Channels in the `rtpmap`; not written when 1.
    pub const fn channels(self) -> u8 {
        match self {
            Self::Pcmu | Self::Pcma => 1,
        }
    }

    /// The payload type that means this codec without an `rtpmap` (RFC 3551 §6), and that our offers use.
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
        }
    }
}

impl Serialize for Codec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
