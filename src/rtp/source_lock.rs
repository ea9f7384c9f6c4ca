//! Whose packets count: strangers who hit our port are neither heard nor answered.
//!
//! ```text
//!             first packet from an address we were told of
//!  Learning ───────────────────────────────────────────────► Locked ── renegotiated ──► Learning
//!      └── PROBATION packets in a row from elsewhere (NAT) ────►┘
//! ```
//!
//! The lock does not open again until the signalling says so: a stranger who comes later, however persistent, is counted
//! and dropped.

use std::net::SocketAddr;

use super::Packet;
use crate::units::SeqNo;

/// Packets in sequence, of one source, that an unannounced address must send before it is believed. RFC 3550 §A.1 asks
/// for 2 to validate a source; twice that, because here it also moves where we send.
const PROBATION: u8 = 4;

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the peer's.
    Accept,
    /// It may become the peer's; not yet to be heard.
    Probation,
    /// It is somebody else's.
    Foreign,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Learning { candidate: Option<Candidate> },
    Locked(SocketAddr),
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    seq: SeqNo,
    in_a_row: u8,
}

/// Which address a leg listens to and sends to.
#[derive(Clone, Debug)]
pub struct SourceLock {
    /// From the peer's SDP.
    signalled: Option<SocketAddr>,
    /// Where the peer was before a renegotiation.
    before: Option<SocketAddr>,
    state: State,
}

impl SourceLock {
    /// Expects the peer at `signalled`, and learns where it really is from what arrives.
    pub fn new(signalled: Option<SocketAddr>) -> Self {
        Self { signalled, before: None, state: State::Learning { candidate: None } }
    }

    /// The signalling has named an address anew: the peer may have moved. Where it was stays trusted.
    pub fn reopen(&mut self, signalled: Option<SocketAddr>) {
        // A new address means a new place, and the old one, learned or not, is no longer the peer's.
        self.before = self.locked().or(self.before).filter(|_| signalled == self.signalled);
        self.signalled = signalled;
        self.state = State::Learning { candidate: None };
    }

    /// The peer has proved that it is at `peer`, otherwise than by its packets.
    pub fn settle(&mut self, peer: SocketAddr) {
        self.state = State::Locked(peer);
    }

    /// Judges a packet that came from `from`.
    pub fn admit(&mut self, from: SocketAddr, packet: &Packet<'_>) -> Verdict {
        match &mut self.state {
            State::Locked(peer) if *peer == from => Verdict::Accept,
            State::Locked(_) => Verdict::Foreign,
            State::Learning { candidate } => {
                let told = Some(from) == self.signalled || Some(from) == self.before;
                let in_a_row = candidate.map_or(1, |c| c.in_a_row_with(from, packet));
                if told || in_a_row >= PROBATION {
                    self.state = State::Locked(from);
                    return Verdict::Accept;
                }
                *candidate = Some(Candidate { from, ssrc: packet.ssrc, seq: packet.seq, in_a_row });
                Verdict::Probation
            }
        }
    }

    /// Where to send: where the peer was found, else where it said it is.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.locked().or(self.before).or(self.signalled)
    }

    /// The address that is believed, once one is.
    pub fn locked(&self) -> Option<SocketAddr> {
        match self.state {
            State::Locked(peer) => Some(peer),
            State::Learning { .. } => None,
        }
    }
}

impl Candidate {
    /// How many packets in sequence this source has sent with `packet`: 1 for a source that is new.
    fn in_a_row_with(&self, from: SocketAddr, packet: &Packet<'_>) -> u8 {
        let continues = self.from == from && self.ssrc == packet.ssrc && self.seq.next() == packet.seq;
        if continues { self.in_a_row + 1 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::RtpTimestamp;

    fn address(n: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, n], 4_000))
    }

    fn packet(seq: u16) -> Packet<'static> {
        let timestamp = RtpTimestamp(u32::from(seq) * 160);
        Packet { marker: false, payload_type: 0, seq: SeqNo(seq), timestamp, ssrc: 1, payload: &[] }
    }

    #[test]
    fn the_signalled_address_is_believed_at_once_and_for_good() {
        let mut lock = SourceLock::new(Some(address(1)));
        assert_eq!(lock.remote(), Some(address(1)));
        assert_eq!(lock.admit(address(1), &packet(1)), Verdict::Accept);
        for seq in 1..50 {
            assert_eq!(lock.admit(address(2), &packet(seq)), Verdict::Foreign);
        }
        assert_eq!(lock.remote(), Some(address(1)));
    }

    #[test]
    fn a_peer_behind_nat_is_learned_after_probation() {
        let mut lock = SourceLock::new(Some(address(1)));
        let verdicts: Vec<_> = (65_533..).take(3).map(|seq: u32| lock.admit(address(7), &packet(seq as u16))).collect();
        assert_eq!(verdicts, [Verdict::Probation; 3]);
        assert_eq!(lock.remote(), Some(address(1)));
        assert_eq!(lock.admit(address(7), &packet(0)), Verdict::Accept);
        assert_eq!(lock.remote(), Some(address(7)));
        assert_eq!(lock.admit(address(1), &packet(1)), Verdict::Foreign);
    }

    #[test]
    fn scattered_packets_do_not_pass_probation() {
        let mut lock = SourceLock::new(None);
        for seq in 0..40 {
            assert_eq!(lock.admit(address(7), &packet(seq * 3)), Verdict::Probation);
        }
        // Two sources in turn never have a row either.
        for seq in 0..40 {
            assert_eq!(lock.admit(address(1 + (seq % 2) as u8), &packet(seq)), Verdict::Probation);
        }
        assert_eq!(lock.remote(), None);
    }

    #[test]
    fn renegotiating_lets_the_peer_move_or_stay() {
        let mut lock = SourceLock::new(Some(address(1)));
        for seq in 0..4 {
            lock.admit(address(7), &packet(seq));
        }
        lock.reopen(Some(address(1)));
        assert_eq!(lock.remote(), Some(address(7)), "sending goes on while the lock is open");
        assert_eq!(lock.admit(address(7), &packet(4)), Verdict::Accept);
        lock.reopen(Some(address(2)));
        assert_eq!(lock.remote(), Some(address(2)));
        assert_eq!(lock.admit(address(7), &packet(5)), Verdict::Probation);
        assert_eq!(lock.admit(address(2), &packet(5)), Verdict::Accept);
    }
}
