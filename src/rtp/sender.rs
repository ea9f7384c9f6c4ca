//! Numbers what we send.

use super::Packet;
use crate::units::{RtpTimestamp, SeqNo};

/// Where the numbers begin. To be drawn at random by the caller, so that a stranger cannot guess them (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// Who we are in this session.
    pub ssrc: u32,
    /// Sequence number of the first packet.
    pub seq: u16,
    /// Timestamp of the first sample.
    pub timestamp: u32,
}

/// One outgoing RTP stream. Its media time runs on while nothing is sent, so that pauses keep their length.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
    seq: SeqNo,
    timestamp: RtpTimestamp,
    /// The next packet begins a talkspurt.
    begins: bool,
    packets: u32,
    octets: u32,
}

impl Sender {
    /// A stream that has sent nothing yet.
    pub fn new(seeds: Seeds) -> Self {
        Self {
            ssrc: seeds.ssrc,
            seq: SeqNo(seeds.seq),
            timestamp: RtpTimestamp(seeds.timestamp),
            begins: true,
            packets: 0,
            octets: 0,
        }
    }

    /// Writes a packet of sound that lasts `ticks` into `out`, with the marker after a pause (RFC 3551 §4.1).
    pub fn sound(&mut self, payload_type: u8, payload: &[u8], ticks: u32, out: &mut Vec<u8>) {
        let marker = std::mem::take(&mut self.begins);
        self.write(payload_type, marker, self.timestamp, payload, out);
        self.advance(ticks);
    }

    /// Writes a packet of a key press that began at `start`; media time is advanced apart (RFC 4733 §2.5.1.2).
    pub fn event(&mut self, payload_type: u8, marker: bool, start: RtpTimestamp, payload: &[u8], out: &mut Vec<u8>) {
        self.write(payload_type, marker, start, payload, out);
    }

    /// Lets `ticks` pass that a key press, not sound, has filled.
    pub fn advance(&mut self, ticks: u32) {
        self.timestamp = RtpTimestamp(self.timestamp.0.wrapping_add(ticks));
    }

    /// Lets `ticks` pass in which nothing is sent; the next packet of sound carries the marker.
    pub fn pause(&mut self, ticks: u32) {
        self.advance(ticks);
        self.begins = true;
    }

    /// Writes a packet whose number and timestamp are ours already, for it is passed on from another stream; it lasts `ticks`.
    /// What we send ourselves goes on after it.
    pub fn pass(&mut self, packet: &Packet<'_>, ticks: u32, out: &mut Vec<u8>) {
        let end = RtpTimestamp(packet.timestamp.0.wrapping_add(ticks));
        if packet.seq.distance(self.seq) >= 0 {
            self.seq = packet.seq.next();
        }
        if (end.0.wrapping_sub(self.timestamp.0) as i32) > 0 {
            self.timestamp = end;
        }
        // Sound of ours begins a talkspurt.
        self.begins = true;
        Packet { ssrc: self.ssrc, ..*packet }.write(out);
        self.count(packet.payload);
    }

    /// Number of the next packet.
    pub const fn next_seq(&self) -> SeqNo {
        self.seq
    }

    /// Media time of the next sample.
    pub const fn timestamp(&self) -> RtpTimestamp {
        self.timestamp
    }

    /// Who we are.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets and payload bytes sent so far, as a sender report counts them (RFC 3550 §6.4.1).
    pub const fn sent(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    fn write(&mut self, payload_type: u8, marker: bool, timestamp: RtpTimestamp, payload: &[u8], out: &mut Vec<u8>) {
        Packet { marker, payload_type, seq: self.seq, timestamp, ssrc: self.ssrc, payload }.write(out);
        self.seq = self.seq.next();
        self.count(payload);
    }

    fn count(&mut self, payload: &[u8]) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_and_a_pause_shows_as_a_marker() {
        let mut sender = Sender::new(Seeds { ssrc: 9, seq: u16::MAX, timestamp: u32::MAX - 159 });
        let mut out = Vec::new();
        let mut next = |sender: &mut Sender| {
            sender.sound(0, &[0; 160], 160, &mut out);
            let packet = Packet::parse(&out).expect("legal");
            (packet.marker, packet.seq.0, packet.timestamp.0)
        };
        assert_eq!(next(&mut sender), (true, u16::MAX, u32::MAX - 159));
        assert_eq!(next(&mut sender), (false, 0, 0));
        sender.pause(320);
        assert_eq!(next(&mut sender), (true, 1, 480));
        assert_eq!(sender.sent(), (3, 480));
    }
}
