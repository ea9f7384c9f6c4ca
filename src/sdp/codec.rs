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
    /// G.722 at 64 kbit/s: 16 kHz.
    G722,
    /// Opus (RFC 6716, RFC 7587).
    Opus,
}

impl Codec {
    /// All of them, best first.
    pub const ALL: &'static [Self] = &[Self::Opus, Self::G722, Self::Pcmu, Self::Pcma];
    /// What every telephone speaks.
    pub const G711: &'static [Self] = &[Self::Pcmu, Self::Pcma];

    /// The codec of that name, written in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// Encoding name of the `rtpmap`; compared without regard to case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::Opus => "opus",
        }
    }

    /// RTP clock (ticks/s): not always the sample rate. G.722 ticks at half of it for the sake of an old mistake
    /// (RFC 3551 §4.5.2), Opus at 48 kHz whatever it carries (RFC 7587 §4.1).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => 8_000,
            Self::Opus => 48_000,
        }
    }

    /// How often the sound is sampled that comes out of the decoder: never more than the house carries.
    pub const fn sample_rate(self) -> SampleRate {
        match self {
            Self::Pcmu | Self::Pcma => SampleRate::NARROWBAND,
            Self::G722 | Self::Opus => SampleRate::WIDEBAND,
        }
    }

    /// Channels in the `rtpmap`; not written when 1. Opus says 2 always, also for one voice (RFC 7587 §7).
    pub const fn channels(self) -> u8 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => 1,
            Self::Opus => 2,
        }
    }

    /// The payload type that means this codec without an `rtpmap` (RFC 3551 §6).
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::G722 => Some(9),
            Self::Opus => None,
        }
    }

    /// The payload type that our offers use.
    pub const fn offered_payload_type(self) -> u8 {
        match self.static_payload_type() {
            Some(number) => number,
            None => 96,
        }
    }
}

impl Serialize for Codec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How a peer wants Opus sent to it: its `fmtp` (RFC 7587 §6.1). What it does not say is as the RFC has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpusWishes {
    /// `useinbandfec`: each packet may carry the one before it, coarsely.
    pub repairs: bool,
    /// `usedtx`: nothing needs to be sent while nothing is said.
    pub pauses: bool,
    /// `maxaveragebitrate` (bit/s).
    pub most_bits: Option<u32>,
}

impl OpusWishes {
    /// Bit rates that Opus has (RFC 7587 §6.1).
    const BITS: std::ops::RangeInclusive<u32> = 6_000..=510_000;

    /// Reads the value of an `fmtp`, after the payload type. What is unknown or out of range is passed over.
    pub(super) fn parse(value: &str) -> Self {
        let parameters = value.split(';').filter_map(|parameter| parameter.split_once('='));
        parameters.fold(Self::default(), |wishes, (name, value)| {
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "useinbandfec" => Self { repairs: value == "1", ..wishes },
                "usedtx" => Self { pauses: value == "1", ..wishes },
                "maxaveragebitrate" => {
                    Self { most_bits: value.parse().ok().filter(|bits| Self::BITS.contains(bits)), ..wishes }
                }
                _ => wishes,
            }
        })
    }
}
