//! How well the media of a leg went, for the call record.

use serde::Serialize;

use crate::sdp::Codec;

/// What the record says about one leg's RTP.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RtpStats {
    /// How sound is coded.
    pub codec: Codec,
    /// Packets that arrived.
    pub packets: u64,
    /// Packets that did not arrive.
    pub lost: u64,
    /// Share that did not arrive, 0–1.
    pub loss: f32,
    /// Smoothed interarrival jitter (ms) (RFC 3550 §A.8).
    pub jitter_ms: f32,
    /// How long the quickest packet waits before it is heard, now (ms).
    pub delay_ms: f32,
    /// To the peer and back (ms); absent until the peer has reported.
    pub round_trip_ms: Option<f32>,
    /// Mean opinion score, 1–4.4 (ITU-T G.107), of what we hear.
    pub mos: f32,
    /// Share of our packets that the peer lost lately, 0–1; absent until the peer has reported.
    pub remote_loss: Option<f32>,
    /// Mean opinion score of what the peer hears, 1–5, where it says one (RFC 3611).
    pub remote_mos: Option<f32>,
    /// Packets that came after their time.
    pub late: u64,
    /// Packets that came from somebody else and were dropped.
    pub foreign: u64,
}
