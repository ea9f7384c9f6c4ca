//! One party's media in a call: the leg, and the frame that waits to be sent.

use std::net::SocketAddr;
use std::time::Instant;

use super::io::Stream;
use super::record::RtpRecord;
use crate::audio::Frame;
use crate::leg::{Inbound, MediaLeg};
use crate::rtp::Seeds;
use crate::sdp::Agreed;
use crate::units::LegId;

/// A leg with its outgoing frame.
pub(super) struct Line {
    leg: MediaLeg,
    /// Said in this tick, not sent yet.
    pending: Option<Frame>,
    /// Packets that had come when that was looked at last.
    packets: u64,
}

impl Line {
    pub(super) fn new(id: LegId, agreed: &Agreed, seed: u64) -> Self {
        // The bits of one random number, parted: none of the three tells anything about the others.
        let seeds = Seeds { ssrc: seed as u32, seq: (seed >> 32) as u16, timestamp: (seed >> 24) as u32 ^ seed as u32 };
        Self { leg: MediaLeg::new(id, agreed, seeds), pending: None, packets: 0 }
    }

    /// Takes a datagram.
    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        self.leg.receive(now, from, bytes);
    }

    /// Whether packets of sound have come since this was asked last.
    pub(super) fn has_news(&mut self) -> bool {
        let packets = self.leg.stats().packets;
        std::mem::replace(&mut self.packets, packets) != packets
    }

    /// 20 ms of the party's sound.
    pub(super) fn pull(&mut self, now: Instant) -> Inbound {
        self.leg.pull(now)
    }

    /// Makes `frame` the next to be sent.
    pub(super) fn say(&mut self, frame: &Frame) {
        self.pending = Some(*frame);
    }

    /// Puts the next packet to send into `packet`; answers what it is and where it goes.
    pub(super) fn transmit(&mut self, now: Instant, packet: &mut Vec<u8>) -> Option<(Stream, SocketAddr)> {
        if let Some(frame) = self.pending.take()
            && let Some(to) = self.leg.send(&frame, now, packet)
        {
            return Some((Stream::Sound, to));
        }
        if let Some(to) = self.leg.send_more(now, packet) {
            return Some((Stream::Sound, to));
        }
        let to = self.leg.report(now, packet)?;
        let stream = if self.leg.agreed().rtcp_mux { Stream::Sound } else { Stream::Reports };
        Some((stream, to))
    }

    pub(super) fn renegotiate(&mut self, agreed: &Agreed) {
        self.leg.renegotiate(agreed);
    }

    pub(super) fn is_held(&self) -> bool {
        self.leg.is_held()
    }

    pub(super) fn record(&self) -> RtpRecord {
        let stats = self.leg.stats();
        RtpRecord {
            codec: stats.codec.name().to_owned(),
            loss: stats.loss,
            jitter_ms: stats.jitter_ms,
            mos: stats.mos,
            packets: stats.packets,
            late: stats.late,
            foreign: stats.foreign,
            delay_ms: stats.delay_ms,
            round_trip_ms: stats.round_trip_ms,
            remote_loss: stats.remote_loss,
            remote_mos: stats.remote_mos,
        }
    }
}
