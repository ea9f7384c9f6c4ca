//! One party's media in a call: the leg, and the frames that wait to be sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::io::Stream;
use super::record::RtpRecord;
use crate::audio::Frame;
use crate::leg::{Inbound, MediaLeg};
use crate::rtp::Seeds;
use crate::rtp::dtls::Engine;
use crate::sdp::Agreed;
use crate::units::LegId;

/// Frames that wait at most; beyond, the oldest falls out: more than that a call does not make up for at once.
const WAITING: usize = 16;

/// A leg with its outgoing frames.
pub(super) struct Line {
    leg: MediaLeg,
    /// Said, not sent yet: one, or as many as ticks are made up for. `None`: packets of another party say it.
    waiting: VecDeque<Option<Frame>>,
    /// Packets that had come when that was looked at last.
    packets: u64,
}

impl Line {
    pub(super) fn new(id: LegId, agreed: &Agreed, seed: u64, engine: Option<Arc<Engine>>) -> Self {
        // The bits of one random number, parted: none of the three tells anything about the others.
        let seeds = Seeds { ssrc: seed as u32, seq: (seed >> 32) as u16, timestamp: (seed >> 24) as u32 ^ seed as u32 };
        Self {
            leg: MediaLeg::new(id, agreed, seeds).with_handshakes(engine),
            waiting: VecDeque::with_capacity(1),
            packets: 0,
        }
    }

    /// Takes a datagram.
    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        self.leg.receive(now, from, bytes);
    }

    /// Takes a datagram, and lets the party at the other end of the bridge have the sound as it is, where that can be.
    pub(super) fn receive_for(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], other: &mut Self) {
        self.leg.receive_for(now, from, bytes, &mut other.leg);
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

    /// Lets `frame` be sent after those that wait.
    pub(super) fn say(&mut self, frame: &Frame) {
        self.wait(Some(*frame));
    }

    /// Lets 20 ms of `other`, who was heard to say this, be sent: coded anew, unless the packets have gone already.
    pub(super) fn say_of(&mut self, other: &Self, heard: &Inbound) {
        if other.leg.speaks_like(&self.leg) {
            return self.wait(None);
        }
        self.say(&heard.frame);
        // Keys that were heard in the sound are still in it.
        if other.leg.agreed().telephone_event.is_some() {
            self.leg.send_keys(&heard.keys);
        }
    }

    /// Types keys that came by signalling.
    pub(super) fn press(&mut self, keys: &str) {
        self.leg.send_keys(keys);
    }

    fn wait(&mut self, said: Option<Frame>) {
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(said);
    }

    /// Puts the next packet to send into `packet`; answers what it is and where it goes.
    pub(super) fn transmit(&mut self, now: Instant, packet: &mut Vec<u8>) -> Option<(Stream, SocketAddr)> {
        let leg = &mut self.leg;
        let sends = leg.establish(now, packet).or_else(|| leg.send_passed(now, packet));
        let sends = sends.or_else(|| leg.send_more(now, packet));
        if let Some(to) = sends {
            return Some((Stream::Sound, to));
        }
        while let Some(said) = self.waiting.pop_front() {
            let to = match said {
                Some(frame) => self.leg.send(&frame, now, packet),
                None => self.leg.rest(now, packet),
            };
            if let Some(to) = to {
                return Some((Stream::Sound, to));
            }
        }
        let to = self.leg.report(now, packet)?;
        let stream = if self.leg.agreed().rtcp_mux { Stream::Sound } else { Stream::Reports };
        Some((stream, to))
    }

    pub(super) fn renegotiate(&mut self, agreed: &Agreed) {
        self.leg.renegotiate(agreed);
    }

    /// What is agreed now.
    pub(super) fn agreed(&self) -> &Agreed {
        self.leg.agreed()
    }

    /// What we have answered to the party's offer.
    pub(super) fn answer_sdp(&self) -> String {
        self.leg.agreed().answer_sdp()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

    use super::*;
    use crate::rtp::Packet;
    use crate::sdp::{self, Local};

    #[test]
    fn what_was_said_while_nothing_could_be_sent_is_sent_all_the_same() {
        let local = |n: u8| Local::new(SocketAddr::from(([192, 0, 2, n], 4_000)), n.into());
        for ptime in [10, 20, 40] {
            let offer = sdp::offer(&local(1)).replace("ptime:20", &format!("ptime:{ptime}"));
            let agreed = sdp::negotiate(&local(2), &offer).expect("both speak the same");
            let mut line = Line::new(LegId::CALLER, &agreed, 7, None);
            let (now, mut packet, mut times) = (Instant::now(), Vec::new(), Vec::new());
            // A machine that stalled makes up for ten ticks at once.
            (0..10).for_each(|_| line.say(&Frame::SILENCE));
            while let Some((stream, _)) = line.transmit(now, &mut packet) {
                if stream == Stream::Sound && !crate::rtp::packet::is_rtcp(&packet) {
                    times.push(Packet::parse(&packet).expect("ours").timestamp.0);
                }
            }
            assert_eq!(times.len(), 200 / ptime);
            let step = 8 * ptime as u32;
            assert!(times.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step), "{times:?}");
        }
    }
}
