//! Sound that goes from one leg to another, over a network in virtual time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::audio::{FRAME_MS, FRAME_SAMPLES, Frame};
use crate::leg::{MediaLeg, RtpStats};
use crate::rtp::Seeds;
use crate::rtp::network::Network;
use crate::sdp::{self, Codec, Local};
use crate::units::LegId;

/// Frames by which the listener goes on after the last was sent: all that is under way arrives.
const AFTER: u32 = 30;
/// How long after a frame was sent the listener asks for one: the two have no common clock (ms).
const PHASE_MS: u64 = 7;

/// What a sound goes through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trip {
    pub(super) network: Network,
    pub(super) codec: Codec,
    pub(super) ptime_ms: u64,
}

/// What is left of it.
pub(super) struct Arrived {
    /// Mono, 16 kHz.
    pub(super) sound: Vec<i16>,
    /// Of each frame, how long the quickest packet would have waited (ms).
    pub(super) delays: Vec<f32>,
    /// Frames of which something was made up.
    pub(super) concealed: usize,
    pub(super) stats: RtpStats,
}

impl Trip {
    #[allow(clippy::disallowed_methods)] // virtual time has to begin somewhere
    pub(super) fn carry(&self, sound: &[i16]) -> Arrived {
        let (mut speaker, mut listener, from) = self.legs();
        let start = Instant::now();
        let tick = Duration::from_millis(FRAME_MS);
        let mut packets = Vec::new();
        let mut frames = sound.chunks(FRAME_SAMPLES);
        for n in 0..sound.len().div_ceil(FRAME_SAMPLES) as u32 {
            let mut frame = Frame::SILENCE;
            let piece = frames.next().unwrap_or_default();
            frame.0[..piece.len()].copy_from_slice(piece);
            let (mut packet, now) = (Vec::new(), start + tick * n);
            if speaker.send(&frame, now, &mut packet).is_some() {
                packets.push(std::mem::take(&mut packet));
            }
            if speaker.send_more(now, &mut packet).is_some() {
                packets.push(packet);
            }
        }
        let interval = Duration::from_millis(self.ptime_ms);
        let mut arrivals = self.network.carry(packets.len() as u32, interval).into_iter().peekable();
        let (mut heard, mut delays, mut concealed) = (Vec::new(), Vec::new(), 0);
        for n in 0..sound.len().div_ceil(FRAME_SAMPLES) as u32 + AFTER {
            let elapsed = tick * n + Duration::from_millis(PHASE_MS);
            while let Some((at, packet)) = arrivals.next_if(|(at, _)| *at <= elapsed) {
                listener.receive(start + at, from, &packets[packet as usize]);
            }
            let inbound = listener.pull(start + elapsed);
            heard.extend_from_slice(&inbound.frame.0);
            concealed += usize::from(inbound.concealed);
            delays.push(listener.stats().delay_ms);
        }
        Arrived { sound: heard, delays, concealed, stats: listener.stats() }
    }

    fn legs(&self) -> (MediaLeg, MediaLeg, SocketAddr) {
        let address = |last: u8| SocketAddr::from(([192, 0, 2, last], 4_000));
        let caller = Local { codecs: vec![self.codec], ..Local::new(address(1), 1) };
        let hotline = Local { codecs: vec![self.codec], ..Local::new(address(2), 2) };
        let wish = format!("a=ptime:{}", self.ptime_ms);
        let answered = sdp::negotiate(&hotline, &sdp::offer(&caller).replace("a=ptime:20", &wish));
        let answered = answered.unwrap_or_else(|_| unreachable!("both speak the same"));
        let called = sdp::accept_answer(&caller, &answered.answer_sdp());
        let called = called.unwrap_or_else(|_| unreachable!("it was offered"));
        let seeds = Seeds { ssrc: 1, seq: 65_000, timestamp: 7 };
        (MediaLeg::new(LegId(0), &called, seeds), MediaLeg::new(LegId(1), &answered, seeds), address(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_line_brings_what_was_said() {
        let said: Vec<i16> = (0..16_000).map(|n| (6_000.0 * (n as f32 * 0.1).sin()) as i16).collect();
        let arrived = Trip { network: Network::PERFECT, codec: Codec::G722, ptime_ms: 30 }.carry(&said);
        let loud = arrived.sound.chunks(160).filter(|piece| piece.iter().any(|s| s.abs() > 3_000)).count();
        // When nothing follows the last packet, 100 ms are made up.
        assert!((97..=106).contains(&loud) && arrived.concealed <= 7, "{loud} {}", arrived.concealed);
        assert_eq!((arrived.stats.packets, arrived.stats.late), (33, 0));
    }
}
