//! One party's media: what the rooms below do, in the order in which a packet meets them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::association::Learned;
use super::coder::Encoder;
use super::ears::Ears;
use super::mouth::Mouth;
use super::protection::{Opened, Protection};
use super::{Keys, RtpStats};
use crate::audio::Frame;
use crate::rtp::dtls;
use crate::rtp::packet::is_rtcp;
use crate::rtp::xr::Voip;
use crate::rtp::{Packet, Seeds};
use crate::rtp::{quality, rtcp};
use crate::sdp::Agreed;
use crate::units::LegId;

/// What is heard of a party in 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The sound; silence when there is none.
    pub frame: Frame,
    /// Whether some of it was lost on the way and made up here.
    pub concealed: bool,
    /// Keys whose press began since the last frame.
    pub keys: Keys,
}

/// One party's media. Ask it for a frame and give it one every 20 ms, whatever arrives.
#[derive(Debug)]
pub struct MediaLeg {
    id: LegId,
    agreed: Agreed,
    ears: Ears,
    mouth: Mouth,
    rtcp: rtcp::Exchange,
    protection: Protection,
}

impl MediaLeg {
    /// The media of leg `id`, as agreed. `seeds` are drawn at random by the caller.
    pub fn new(id: LegId, agreed: &Agreed, seeds: Seeds) -> Self {
        Self {
            id,
            agreed: agreed.clone(),
            ears: Ears::new(agreed),
            mouth: Mouth::new(agreed, seeds),
            rtcp: rtcp::Exchange::new(seeds.ssrc.rotate_left(16) ^ seeds.timestamp),
            protection: Protection::new(agreed),
        }
    }

    /// Shakes hands for keys with `engine`, where that was agreed. Without one there is no sound then.
    #[must_use]
    pub fn with_handshakes(mut self, engine: Option<Arc<dtls::Engine>>) -> Self {
        self.protection.begin(engine, &self.agreed);
        self
    }

    /// Whose media it is.
    pub const fn id(&self) -> LegId {
        self.id
    }

    /// What is agreed now.
    pub const fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// Whether the party does not want to hear us now.
    pub const fn is_held(&self) -> bool {
        self.agreed.is_held()
    }

    /// Where we send: where the party was found, else where it said it is.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.ears.lock.remote()
    }

    /// Takes a datagram: RTP or RTCP, a check of the way or a handshake. What is none, or not the party's, is counted and
    /// dropped.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        self.take(now, from, bytes, None);
    }

    /// The same, and lets `other` have the sound as it came, where it [speaks like](Self::speaks_like) this party.
    pub fn receive_for(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], other: &mut Self) {
        self.take(now, from, bytes, Some(other));
    }

    /// Whether `other` can be sent this party's packets as they are: the same codec and keys, and nothing of ours to be said
    /// in between. Lengths of packets that were asked for must be the same, too.
    pub fn speaks_like(&self, other: &Self) -> bool {
        let of = |agreed: &Agreed| {
            let event = agreed.telephone_event.map(|event| event.clock_rate);
            (agreed.codec, agreed.ptime, agreed.opus.most_bits, event)
        };
        of(&self.agreed) == of(&other.agreed) && !other.is_held() && !other.is_sending_keys()
    }

    fn take(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], other: Option<&mut Self>) {
        if let Some(learned) = self.protection.take(now, from, bytes) {
            return self.learned(&learned);
        }
        match self.protection.open(bytes) {
            Opened::Clear => self.take_clear(now, from, bytes, other),
            Opened::Packet(packet) => {
                self.take_clear(now, from, &packet, other);
                self.protection.used(packet);
            }
            Opened::Nothing => {}
            Opened::Foreign => self.ears.foreign += 1,
        }
    }

    fn learned(&mut self, learned: &Learned) {
        match *learned {
            Learned::Nothing => {}
            Learned::Foreign => self.ears.foreign += 1,
            Learned::Way(peer) => self.ears.lock.settle(peer),
            // A way that was chosen by checks stays.
            Learned::Keys(peer, _) => {
                if self.remote().is_none() || self.agreed.remote.is_some() {
                    self.ears.lock.settle(peer);
                }
            }
        }
    }

    fn take_clear(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], other: Option<&mut Self>) {
        if is_rtcp(bytes) {
            if self.remote().is_some_and(|remote| remote.ip() == from.ip()) {
                self.rtcp.receive(now, bytes, self.mouth.sender.ssrc());
            } else {
                self.ears.foreign += 1;
            }
        } else if let Ok(packet) = Packet::parse(bytes) {
            let taken = self.ears.receive(now, from, &packet, &self.agreed);
            if let (Some(taken), Some(other)) = (taken, other)
                && self.speaks_like(other)
            {
                other.mouth.pass(taken, &packet, &other.agreed);
            }
        } else {
            self.ears.foreign += 1;
        }
    }

    /// What is heard in the 20 ms that begin at `now`.
    pub fn pull(&mut self, now: Instant) -> Inbound {
        self.ears.pull(now, self.agreed.telephone_event.is_none())
    }

    /// Gives the frame that the party shall hear next. When a packet is full it is written into `out`, in place of what
    /// that holds, and the answer says where to send it; then ask [`send_more`](Self::send_more). `None`: nothing to send
    /// now, or the party is on hold, or nobody knows where it is.
    pub fn send(&mut self, frame: &Frame, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = self.remote();
        self.mouth.at = Some(now);
        let written = if to.is_some() && !self.agreed.is_held() {
            self.mouth.send(frame, &self.agreed, out)
        } else {
            self.mouth.skip(&self.agreed);
            to.is_some() && self.mouth.keep_alive(now, &self.agreed, out)
        };
        self.sent(written, now, to, out)
    }

    /// Writes what is to be said so that there is a way, and keys, into `out`, in place of what that holds; answers where to
    /// send it. Ask until it answers `None`, after each [`receive`](Self::receive) and every 20 ms.
    pub fn establish(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let (to, learned) = self.protection.next(now, self.agreed.remote, out);
        self.learned(&learned);
        to
    }

    /// The same for 20 ms that the packets of another party fill; see [`send_passed`](Self::send_passed).
    pub fn rest(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = self.remote();
        self.mouth.at = Some(now);
        self.mouth.rest(&self.agreed);
        let written = to.is_some() && self.mouth.keep_alive(now, &self.agreed, out);
        self.sent(written, now, to, out)
    }

    /// Puts the next packet of another party that is passed on into `out`; answers where to send it. Ask until it answers
    /// `None`, after each [`receive_for`](Self::receive_for).
    pub fn send_passed(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = self.remote();
        while self.mouth.next_passed(out) {
            let sent = self.sent(true, now, to, out);
            if sent.is_some() {
                return sent;
            }
        }
        None
    }

    /// The second packet of 20 ms, where packets hold only 10.
    pub fn send_more(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = self.remote().filter(|_| !self.agreed.is_held());
        let written = to.is_some() && self.mouth.packet(&self.agreed, out);
        self.sent(written, now, to, out)
    }

    fn sent(&mut self, written: bool, now: Instant, to: Option<SocketAddr>, out: &mut Vec<u8>) -> Option<SocketAddr> {
        if !written || !self.protection.seal(out) {
            return None;
        }
        self.mouth.sent = Some(now);
        to
    }

    /// Types `keys`, one after the other, from the next frame on. Answers how many were taken; see
    /// [`KeySender::press`](crate::rtp::telephone_event::KeySender::press).
    pub fn send_keys(&mut self, keys: &str) -> usize {
        self.mouth.keys.press(keys)
    }

    /// Whether typed keys are still being sent.
    pub fn is_sending_keys(&self) -> bool {
        self.mouth.keys.is_busy()
    }

    /// Writes a report into `out` when one is due, and says where to send it: to the party's RTP address when
    /// [`Agreed::rtcp_mux`] is set, else to its RTCP address from our next port.
    pub fn report(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = if self.agreed.rtcp_mux { self.remote() } else { self.agreed.remote_rtcp }?;
        if !self.rtcp.is_due(now) {
            return None;
        }
        let timestamp = self.mouth.timestamp(now, self.agreed.codec);
        let voip = self.ears.reception.ssrc().map(|ssrc| self.voip(ssrc));
        self.rtcp.report(now, (&self.mouth.sender, timestamp), &mut self.ears.reception, voip.as_ref(), out);
        self.protection.seal(out).then_some(to)
    }

    /// Goes on as agreed anew: held or resumed, at another address, with another codec.
    pub fn renegotiate(&mut self, agreed: &Agreed) {
        if agreed.codec != self.agreed.codec {
            self.ears.change_codec(agreed.codec);
        }
        let of = |agreed: &Agreed| (agreed.codec, agreed.opus, agreed.ptime);
        if of(agreed) != of(&self.agreed) {
            self.mouth.encoder = Encoder::new(agreed);
        }
        let protection = std::mem::replace(&mut self.protection, Protection::new(agreed));
        self.protection = protection.renewed(agreed);
        // An old-fashioned hold names no address; the party is still where it was.
        if agreed.remote.is_some() {
            self.ears.lock.reopen(agreed.remote);
        }
        self.agreed = agreed.clone();
    }

    /// How well it has gone so far.
    pub fn stats(&self) -> RtpStats {
        let (ears, voip) = (&self.ears, self.voip(0));
        let ms = |duration: Duration| duration.as_secs_f32() * 1_000.0;
        RtpStats {
            codec: self.agreed.codec,
            packets: ears.reception.received(),
            lost: ears.reception.lost(),
            loss: voip.loss as f32,
            jitter_ms: ms(ears.reception.jitter()),
            delay_ms: voip.buffer_ms.0 as f32,
            round_trip_ms: self.rtcp.round_trip().map(ms),
            mos: voip.mos as f32,
            remote_loss: self.rtcp.remote_loss(),
            remote_mos: self.rtcp.remote_mos(),
            late: ears.late(),
            foreign: ears.foreign,
        }
    }

    /// How the party, which sends as `ssrc`, sounds here.
    fn voip(&self, ssrc: u32) -> Voip {
        let ears = &self.ears;
        let expected = ears.reception.expected();
        let share = |packets: u64| if expected == 0 { 0.0 } else { packets as f64 / expected as f64 };
        let (loss, discarded) = (share(ears.reception.lost()), share(ears.late()));
        let pattern = ears.losses.pattern();
        let round_trip = self.rtcp.round_trip().unwrap_or_default();
        let buffer = ears.delay;
        let end_system = buffer + self.agreed.ptime;
        let rating = |one_way| quality::rating(loss + discarded, pattern.burst_ratio, one_way);
        let conversation = rating(round_trip / 2 + end_system);
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        Voip {
            ssrc,
            loss,
            discarded,
            pattern,
            packet_ms: ms(self.agreed.ptime),
            round_trip_ms: ms(round_trip),
            end_system_ms: ms(end_system),
            rating: conversation,
            mos_listening: quality::mos(rating(Duration::ZERO)).into(),
            mos: quality::mos(conversation).into(),
            buffer_ms: (ms(buffer), ms(ears.longest)),
        }
    }
}
