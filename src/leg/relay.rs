//! Packets of one party that go to another as they came, under our numbers.
//!
//! ```text
//!   theirs   ssrc 7   41  42  44  43 │ 9   1  2         (a gap stays a gap, an order an order, a pause a pause)
//!   ours     ssrc 3  601 602 604 603 │   605 606        (who begins anew goes on where the last one ended)
//! ```
//!
//! Invariants: each of our numbers is used once, for the key stream of SRTP hangs on it (RFC 3711 §9.1): whatever is older than
//! the passage that we are in is dropped, and what has come before must not be given here.

use std::collections::VecDeque;

use crate::rtp::{Packet, Sender};
use crate::units::{RtpTimestamp, SeqNo};

/// Packets that wait to be sent. More come only while the machine stalls; then the oldest is dropped, and missing at the far end.
const WAITING: usize = 64;
/// How far a packet may be overtaken (RFC 3550 §A.1, `MAX_MISORDER`).
const MAX_MISORDER: u16 = 100;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Relay {
    passage: Option<Passage>,
    waiting: VecDeque<Vec<u8>>,
    /// Memory of packets that were sent.
    spare: Vec<Vec<u8>>,
}

/// One sender, from one beginning to the next: what is added to its numbers.
#[derive(Clone, Copy, Debug)]
struct Passage {
    ssrc: u32,
    seq: u16,
    timestamp: u32,
    /// Nothing before this number belongs here.
    oldest: SeqNo,
}

impl Passage {
    fn begin(sender: &Sender, packet: &Packet<'_>) -> Self {
        Self {
            ssrc: packet.ssrc,
            seq: sender.next_seq().0.wrapping_sub(packet.seq.0),
            timestamp: sender.timestamp().0.wrapping_sub(packet.timestamp.0),
            oldest: packet.seq,
        }
    }
}

impl Relay {
    /// Takes a packet that lasts `ticks`; its payload type is ours already.
    pub(super) fn pass(&mut self, sender: &mut Sender, is_anew: bool, packet: &Packet<'_>, ticks: u32) {
        let known = self.passage.filter(|passage| passage.ssrc == packet.ssrc && !is_anew);
        let mut passage = known.unwrap_or_else(|| Passage::begin(sender, packet));
        if packet.seq.distance(passage.oldest) < 0 {
            return;
        }
        let oldest = SeqNo(packet.seq.0.wrapping_sub(MAX_MISORDER));
        if oldest.distance(passage.oldest) > 0 {
            passage.oldest = oldest;
        }
        self.passage = Some(passage);
        if self.waiting.len() == WAITING {
            self.spare.extend(self.waiting.pop_front());
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        let passed = Packet {
            marker: packet.marker || known.is_none(),
            seq: SeqNo(packet.seq.0.wrapping_add(passage.seq)),
            timestamp: RtpTimestamp(packet.timestamp.0.wrapping_add(passage.timestamp)),
            ..*packet
        };
        sender.pass(&passed, ticks, &mut bytes);
        self.waiting.push_back(bytes);
    }

    /// Something of ours is said: what comes next has other numbers.
    pub(super) fn interrupt(&mut self) {
        self.passage = None;
    }

    /// Puts the next packet into `out`, in place of what that holds.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(bytes) = self.waiting.pop_front() else { return false };
        out.clear();
        out.extend_from_slice(&bytes);
        self.spare.push(bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::Seeds;

    fn packet(ssrc: u32, seq: u16, payload: &[u8]) -> Packet<'_> {
        let timestamp = RtpTimestamp(u32::from(seq) * 160);
        Packet { marker: false, payload_type: 0, seq: SeqNo(seq), timestamp, ssrc, payload }
    }

    /// Number, media time and marker of everything that waits.
    fn sent(relay: &mut Relay) -> Vec<(u16, u32, bool)> {
        let mut out = Vec::new();
        std::iter::from_fn(|| {
            relay.next(&mut out).then(|| {
                let packet = Packet::parse(&out).unwrap();
                assert_eq!(packet.ssrc, 3);
                (packet.seq.0, packet.timestamp.0, packet.marker)
            })
        })
        .collect()
    }

    #[test]
    fn gaps_and_order_stay_and_no_number_comes_twice() {
        let mut sender = Sender::new(Seeds { ssrc: 3, seq: u16::MAX, timestamp: 1_000 });
        let mut relay = Relay::default();
        // 40 was before we began, 43 is overtaken, 45 is lost.
        for seq in [41, 40, 42, 44, 43, 46] {
            relay.pass(&mut sender, false, &packet(7, seq, &[1]), 160);
        }
        let numbers = [(u16::MAX, 1_000), (0, 1_160), (2, 1_480), (1, 1_320), (4, 1_800)];
        let expected: Vec<_> = numbers.iter().enumerate().map(|(n, &(seq, at))| (seq, at, n == 0)).collect();
        assert_eq!(sent(&mut relay), expected);
        // Another begins where this one ended, and whatever is late of this one has no place any more.
        relay.pass(&mut sender, false, &packet(9, 1, &[1]), 160);
        assert_eq!(sent(&mut relay), [(5, 1_960, true)]);
        // Something of ours in between.
        relay.interrupt();
        let mut own = Vec::new();
        sender.sound(0, &[0], 160, &mut own);
        relay.pass(&mut sender, false, &packet(9, 2, &[1]), 160);
        assert_eq!((Packet::parse(&own).unwrap().seq.0, sent(&mut relay)), (6, vec![(7, 2_280, true)]));
    }

    #[test]
    fn a_long_passage_goes_on_past_the_wrap() {
        let mut sender = Sender::new(Seeds { ssrc: 3, seq: 0, timestamp: 0 });
        let mut relay = Relay::default();
        for n in 0..150_000_u32 {
            relay.pass(&mut sender, false, &packet(7, n as u16, &[1]), 160);
            assert_eq!(sent(&mut relay).len(), 1, "packet {n}");
        }
    }
}
