//! RTCP: what each side tells the other about what it hears (RFC 3550 §6).
//!
//! ```text
//!   Reception, Sender ──► report(now) ──► SR or RR, CNAME, XR ──► peer, every 2.5 to 7.5 s
//!   peer ──► receive(now, bytes) ──► round trip, and what the peer loses of ours
//! ```
//!
//! The NTP timestamps count from the first report: RFC 3550 §4 allows any clock that runs evenly, and the core has no other.

use std::time::{Duration, Instant};

use ::rtcp::receiver_report::ReceiverReport;
use ::rtcp::reception_report::ReceptionReport;
use ::rtcp::sender_report::SenderReport;
use ::rtcp::source_description::{SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem};
use bytes::Bytes;
use webrtc_util::marshal::{Marshal, Unmarshal};

use super::reception::Summary;
use super::xr::{self, Block, EXTENDED_REPORT, Voip};
use super::{Reception, Sender};

/// Least mean time between reports (RFC 3550 §6.2); each is drawn between half and one and a half of it (§6.3.1).
const INTERVAL: Duration = Duration::from_secs(5);
/// Packet types (RFC 3550 §12.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
/// Our clock's reading at the first report (s): not 0, which in a report block means that no report was heard.
const CLOCK_START: u64 = 1;
/// A round trip above this is a mistake or a lie.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(30);

/// The exchange of reports with one peer.
#[derive(Clone, Debug)]
pub struct Exchange {
    cname: Bytes,
    clock: Option<Instant>,
    next: Option<Instant>,
    /// Changes how long to wait for the next report, so that two parties do not fall into step.
    dice: u32,
    packets_reported: u32,
    /// The peer's last sender report: the middle of its NTP timestamp, and when it came.
    heard: Option<(u32, Instant)>,
    /// The peer's last reference time (RFC 3611 §4.4): who, what it said, and when it came.
    reference: Option<(u32, u32, Instant)>,
    round_trip: Option<Duration>,
    remote_loss: Option<f32>,
    remote_mos: Option<f32>,
}

impl Exchange {
    /// Nothing heard and nothing said. `seed` names us to the peer and spreads the reports.
    pub fn new(seed: u32) -> Self {
        Self {
            cname: Bytes::from(format!("{seed:08x}@antevox")),
            clock: None,
            next: None,
            dice: seed | 1,
            packets_reported: 0,
            heard: None,
            reference: None,
            round_trip: None,
            remote_loss: None,
            remote_mos: None,
        }
    }

    /// The time from us to the peer and back, when the peer has reported.
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Share of our packets that the peer lost lately, 0–1.
    pub const fn remote_loss(&self) -> Option<f32> {
        self.remote_loss
    }

    /// How the peer hears us: mean opinion score of the conversation, 1–5, when it says one (RFC 3611 §4.7.5).
    pub const fn remote_mos(&self) -> Option<f32> {
        self.remote_mos
    }

    /// Takes a compound packet. What is damaged or of no use here is passed over.
    pub fn receive(&mut self, now: Instant, mut bytes: &[u8], our_ssrc: u32) {
        while let Some((kind, packet, rest)) = first_of(bytes) {
            bytes = rest;
            match kind {
                SENDER_REPORT => {
                    let Ok(report) = SenderReport::unmarshal(&mut &packet[..]) else { return };
                    self.heard = Some((middle(report.ntp_time), now));
                    self.read_blocks(now, &report.reports, our_ssrc);
                }
                RECEIVER_REPORT => {
                    let Ok(report) = ReceiverReport::unmarshal(&mut &packet[..]) else { return };
                    self.read_blocks(now, &report.reports, our_ssrc);
                }
                EXTENDED_REPORT => self.read_extended(now, packet, our_ssrc),
                _ => {}
            }
        }
    }

    fn read_extended(&mut self, now: Instant, packet: &[u8], our_ssrc: u32) {
        let Some(sender) = packet.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes) else {
            return;
        };
        for block in xr::blocks(packet) {
            match block {
                Block::Reference(time) => self.reference = Some((sender, time, now)),
                Block::Delay { ssrc, last, since } if ssrc == our_ssrc && last != 0 => {
                    self.measured(now, last, since);
                }
                Block::Voip { ssrc, mos, .. } if ssrc == our_ssrc => self.remote_mos = mos.or(self.remote_mos),
                Block::Delay { .. } | Block::Voip { .. } => {}
            }
        }
    }

    /// The round trip of something that we sent at `last` by our clock, and that lay there for `since`.
    fn measured(&mut self, now: Instant, last: u32, since: u32) {
        let passed = middle(self.ntp(now)).wrapping_sub(last).wrapping_sub(since);
        // A peer that rounds up can seem quicker than light.
        let round_trip = Duration::from_secs_f64(f64::from((passed as i32).max(0)) / 65_536.0);
        if round_trip <= LONGEST_ROUND_TRIP {
            self.round_trip = Some(round_trip);
        }
    }

    /// Whether a report is due. The first is due half an interval after the first question.
    pub fn is_due(&mut self, now: Instant) -> bool {
        now >= *self.next.get_or_insert(now + INTERVAL / 2)
    }

    /// Writes a report into `out`, in place of what it holds. `timestamp` is the media time of what we send at `now`; `voip`
    /// says how the peer sounds, once it does.
    pub fn report(
        &mut self,
        now: Instant,
        (sender, timestamp): (&Sender, u32),
        reception: &mut Reception,
        voip: Option<&Voip>,
        out: &mut Vec<u8>,
    ) {
        // xorshift32 (Marsaglia 2003)
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        self.next = Some(now + INTERVAL / 2 + INTERVAL.mul_f64(f64::from(self.dice) / f64::from(u32::MAX)));
        let ntp_time = self.ntp(now);
        let reports: Vec<_> = reception.summarise().map(|summary| self.block(now, summary)).into_iter().collect();
        let (packet_count, octet_count) = sender.sent();
        let ssrc = sender.ssrc();
        let report = if packet_count == self.packets_reported {
            ReceiverReport { ssrc, reports, ..ReceiverReport::default() }.marshal()
        } else {
            let counts = SenderReport { packet_count, octet_count, ..SenderReport::default() };
            SenderReport { ssrc, ntp_time, rtp_time: timestamp, reports, ..counts }.marshal()
        };
        self.packets_reported = packet_count;
        let name = SourceDescriptionItem { sdes_type: SdesType::SdesCname, text: self.cname.clone() };
        let chunks = vec![SourceDescriptionChunk { source: ssrc, items: vec![name] }];
        out.clear();
        for part in [report, SourceDescription { chunks }.marshal()].into_iter().flatten() {
            out.extend_from_slice(&part);
        }
        let answer = self.reference.map(|(who, time, at)| (who, time, short(now.saturating_duration_since(at))));
        xr::write(ssrc, ntp_time, answer, voip, out);
    }

    fn block(&self, now: Instant, summary: Summary) -> ReceptionReport {
        let heard = self.heard.map(|(middle, at)| (middle, short(now.saturating_duration_since(at))));
        let (last_sender_report, delay) = heard.unwrap_or_default();
        ReceptionReport {
            ssrc: summary.ssrc,
            fraction_lost: summary.fraction_lost,
            total_lost: summary.lost,
            last_sequence_number: summary.highest,
            jitter: summary.jitter,
            last_sender_report,
            delay,
        }
    }

    fn read_blocks(&mut self, now: Instant, blocks: &[ReceptionReport], our_ssrc: u32) {
        let Some(block) = blocks.iter().find(|block| block.ssrc == our_ssrc) else { return };
        self.remote_loss = Some(f32::from(block.fraction_lost) / 256.0);
        if block.last_sender_report != 0 {
            self.measured(now, block.last_sender_report, block.delay);
        }
    }

    /// 32 bits of seconds and 32 of fraction.
    fn ntp(&mut self, now: Instant) -> u64 {
        let clock = *self.clock.get_or_insert(now);
        let passed = now.saturating_duration_since(clock);
        ((CLOCK_START + passed.as_secs()) << 32) | ((u64::from(passed.subsec_nanos()) << 32) / 1_000_000_000)
    }
}

/// The middle 32 bits, as reports carry them (RFC 3550 §4).
const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// In units of 1/65,536 s.
fn short(duration: Duration) -> u32 {
    (duration.as_secs_f64() * 65_536.0) as u32
}

/// Type and bytes of the first packet of a compound, and what follows it (RFC 3550 §6.1).
fn first_of(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let &[flags, kind, high, low, ..] = bytes else { return None };
    let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
    if flags >> 6 != 2 || length > bytes.len() {
        return None;
    }
    let (packet, rest) = bytes.split_at(length);
    Some((kind, packet, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

    use super::*;
    use crate::rtp::Seeds;
    use crate::units::{RtpTimestamp, SeqNo};
    use proptest::prelude::*;

    fn sender(ssrc: u32) -> Sender {
        let mut sender = Sender::new(Seeds { ssrc, seq: 1, timestamp: 1 });
        sender.sound(0, &[0; 160], 160, &mut Vec::new());
        sender
    }

    fn reception(now: Instant, ssrc: u32) -> Reception {
        let mut reception = Reception::default();
        for n in [0u16, 1, 2, 4] {
            reception.arrived(now, ssrc, SeqNo(n), RtpTimestamp(u32::from(n) * 160), 8_000);
        }
        reception
    }

    #[test]
    fn two_parties_learn_loss_and_round_trip() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (mut ours, mut theirs) = (Exchange::new(1), Exchange::new(2));
        let mut packet = Vec::new();
        ours.report(at(1_000), (&sender(11), 0), &mut reception(start, 22), None, &mut packet);
        assert_eq!(packet[1], SENDER_REPORT);
        theirs.receive(at(1_030), &packet, 22);
        assert_eq!((theirs.round_trip(), theirs.remote_loss()), (None, Some(0.199_218_75)));
        theirs.report(at(3_030), (&sender(22), 0), &mut reception(start, 11), None, &mut packet);
        ours.receive(at(3_050), &packet, 11);
        let round_trip = ours.round_trip().expect("they answered our report");
        assert!(round_trip.abs_diff(Duration::from_millis(50)) < Duration::from_millis(1), "{round_trip:?}");
        // Nothing sent since: now it is a receiver report.
        let quiet = sender(22);
        theirs.report(at(8_000), (&quiet, 0), &mut reception(start, 11), None, &mut packet);
        assert_eq!(packet[1], RECEIVER_REPORT);
    }

    #[test]
    fn one_who_only_listens_learns_the_round_trip_too() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (mut talker, mut listener) = (Exchange::new(1), Exchange::new(2));
        let (silent, mut packet) = (Sender::new(Seeds { ssrc: 22, seq: 1, timestamp: 1 }), Vec::new());
        listener.report(at(1_000), (&silent, 0), &mut reception(start, 11), None, &mut packet);
        assert_eq!(packet[1], RECEIVER_REPORT);
        talker.receive(at(1_040), &packet, 11);
        let voip = Voip { ssrc: 22, mos: 3.5, ..Voip::default() };
        talker.report(at(4_040), (&sender(11), 0), &mut Reception::default(), Some(&voip), &mut packet);
        listener.receive(at(4_080), &packet, 22);
        let round_trip = listener.round_trip().expect("their answer to our clock came");
        assert!(round_trip.abs_diff(Duration::from_millis(80)) < Duration::from_millis(1), "{round_trip:?}");
        assert_eq!(listener.remote_mos(), Some(3.5));
    }

    #[test]
    fn reports_come_every_few_seconds_and_not_in_step() {
        let start = Instant::now();
        let mut exchange = Exchange::new(77);
        let mut times = Vec::new();
        for ms in (0..60_000).step_by(20) {
            let now = start + Duration::from_millis(ms);
            if exchange.is_due(now) {
                exchange.report(now, (&sender(1), 0), &mut Reception::default(), None, &mut Vec::new());
                times.push(ms);
            }
        }
        assert!((7..=20).contains(&times.len()), "{times:?}");
        let gaps: Vec<_> = times.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(gaps.iter().all(|gap| (2_500..=7_520).contains(gap)), "{gaps:?}");
        assert!(gaps.windows(2).any(|w| w[0] != w[1]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_passed_over(
            bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 199u8..208, flags in 0x80u8..0xc0,
        ) {
            let mut bytes = bytes;
            Exchange::new(1).receive(Instant::now(), &bytes, 1);
            if let [first, second, ..] = bytes.as_mut_slice() {
                (*first, *second) = (flags, kind);
            }
            if let [_, _, high, low, ..] = bytes.as_mut_slice() {
                (*high, *low) = (0, *low % 50);
            }
            Exchange::new(1).receive(Instant::now(), &bytes, 1);
        }
    }
}
