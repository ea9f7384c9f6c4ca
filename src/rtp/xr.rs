//! Extended reports (RFC 3611): how the line sounds here, and the round trip for those who only listen.
//!
//! ```text
//!  Voip, our clock, their clock as last heard ─► write ─► one XR packet of three blocks
//!  XR packet ─► blocks ─► Reference, Delay, Voip; other blocks are passed over
//! ```

use super::bursts::{GMIN, Pattern};

/// RTCP packet type.
pub const EXTENDED_REPORT: u8 = 207;
/// Block types (RFC 3611 §4.4, §4.5, §4.7).
const REFERENCE: u8 = 4;
const DELAY: u8 = 5;
const VOIP: u8 = 7;
/// Bytes of the VoIP metrics after the block's head.
const VOIP_BYTES: usize = 32;
/// What stands for "not known": levels and ratings (RFC 3611 §4.7.3, §4.7.5).
const UNKNOWN: u8 = 127;
/// Concealment is enhanced, the buffer adapts by itself, quickly (RFC 3611 §4.7.6): PLC 11, JBA 11, rate 15.
const RECEIVER: u8 = 0b1111_1111;

/// How one direction of the line sounds where it is heard. Shares are 0–1, times are in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Voip {
    /// Who sends what is heard.
    pub ssrc: u32,
    /// Share that was lost.
    pub loss: f64,
    /// Share that came too late.
    pub discarded: f64,
    /// How losses are spread.
    pub pattern: Pattern,
    /// Length of a packet.
    pub packet_ms: f64,
    /// To the peer and back.
    pub round_trip_ms: f64,
    /// From the network to the ear.
    pub end_system_ms: f64,
    /// Transmission rating of ITU-T G.107, 0–100.
    pub rating: f64,
    /// Mean opinion score of listening alone, 1–5.
    pub mos_listening: f64,
    /// Mean opinion score of a conversation, 1–5.
    pub mos: f64,
    /// Delay of the jitter buffer: now, and the longest there has been.
    pub buffer_ms: (f64, f64),
}

/// One block that concerns us.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Block {
    /// The sender's clock (the middle 32 bits of NTP).
    Reference(u32),
    /// An answer to a [`Reference`](Self::Reference) of `ssrc`.
    Delay {
        /// Whose it was.
        ssrc: u32,
        /// What it said.
        last: u32,
        /// How long ago it came there (1/65,536 s).
        since: u32,
    },
    /// How the line sounds there.
    Voip {
        /// About whom.
        ssrc: u32,
        /// Share lost, 0–1.
        loss: f32,
        /// Share that came too late, 0–1.
        discarded: f32,
        /// Mean opinion score of the conversation, if it says one.
        mos: Option<f32>,
    },
}

/// Appends an extended report of `ssrc` to `out`: our clock, the answer to theirs, and how the line sounds.
pub fn write(ssrc: u32, ntp: u64, answer: Option<(u32, u32, u32)>, voip: Option<&Voip>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0x80, EXTENDED_REPORT, 0, 0]);
    out.extend(ssrc.to_be_bytes());
    out.extend([REFERENCE, 0, 0, 2]);
    out.extend(ntp.to_be_bytes());
    if let Some((ssrc, last, since)) = answer {
        out.extend([DELAY, 0, 0, 3]);
        out.extend([ssrc, last, since].map(u32::to_be_bytes).as_flattened());
    }
    if let Some(voip) = voip {
        out.extend([VOIP, 0, 0, (VOIP_BYTES / 4) as u8]);
        write_voip(voip, out);
    }
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn write_voip(voip: &Voip, out: &mut Vec<u8>) {
    // Rust's casts from floating point hold to the bounds of the type.
    let share = |share: f64| (share * 256.0) as u8;
    let ms = |ms: f64| (ms as u16).to_be_bytes();
    let score = |mos: f64| (mos.clamp(1.0, 5.0) * 10.0).round() as u8;
    let pattern = &voip.pattern;
    out.extend(voip.ssrc.to_be_bytes());
    out.extend([voip.loss, voip.discarded, pattern.burst_density, pattern.gap_density].map(share));
    out.extend(ms(pattern.burst_length * voip.packet_ms));
    out.extend(ms(pattern.gap_length * voip.packet_ms));
    out.extend(ms(voip.round_trip_ms));
    out.extend(ms(voip.end_system_ms));
    out.extend([UNKNOWN, UNKNOWN, UNKNOWN, GMIN]);
    out.extend([voip.rating as u8, UNKNOWN, score(voip.mos_listening), score(voip.mos)]);
    out.extend([RECEIVER, 0]);
    out.extend(ms(voip.buffer_ms.0));
    out.extend(ms(voip.buffer_ms.1));
    out.extend(ms(voip.buffer_ms.1.max(300.0)));
}

/// The blocks of a packet, whose head has been looked at.
pub fn blocks(packet: &[u8]) -> impl Iterator<Item = Block> {
    let mut rest = packet.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let (&[kind, _, high, low], after) = rest.split_first_chunk()?;
            let (body, next) = after.split_at_checked(4 * usize::from(u16::from_be_bytes([high, low])))?;
            rest = next;
            if let Some(block) = block(kind, body) {
                return Some(block);
            }
        }
    })
}

fn block(kind: u8, body: &[u8]) -> Option<Block> {
    let word = |n: usize| Some(u32::from_be_bytes(body.get(4 * n..4 * n + 4)?.try_into().ok()?));
    match kind {
        REFERENCE => Some(Block::Reference(word(0)? << 16 | word(1)? >> 16)),
        // One block may answer many; in a call there are two.
        DELAY => Some(Block::Delay { ssrc: word(0)?, last: word(1)?, since: word(2)? }),
        VOIP if body.len() == VOIP_BYTES => Some(Block::Voip {
            ssrc: word(0)?,
            loss: f32::from(body[4]) / 256.0,
            discarded: f32::from(body[5]) / 256.0,
            mos: Some(body[23]).filter(|mos| (10..=50).contains(mos)).map(|mos| f32::from(mos) / 10.0),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::rtcp::extended_report::ExtendedReport;
    use webrtc_util::marshal::Unmarshal;

    fn report() -> Vec<u8> {
        let voip = Voip {
            ssrc: 7,
            loss: 0.125,
            discarded: 0.25,
            packet_ms: 20.0,
            round_trip_ms: 80.0,
            end_system_ms: 45.0,
            rating: 81.6,
            mos_listening: 4.21,
            mos: 4.06,
            buffer_ms: (40.0, 90.0),
            pattern: Pattern { burst_length: 4.5, gap_length: 60.0, burst_density: 0.5, ..Pattern::default() },
        };
        let mut packet = Vec::new();
        write(9, 0x1122_3344_5566_7788, Some((7, 1, 2)), Some(&voip), &mut packet);
        packet
    }

    #[test]
    fn what_is_written_is_read_here_and_elsewhere() {
        let packet = report();
        let read: Vec<_> = blocks(&packet).collect();
        assert_eq!(
            read,
            [
                Block::Reference(0x3344_5566),
                Block::Delay { ssrc: 7, last: 1, since: 2 },
                Block::Voip { ssrc: 7, loss: 0.125, discarded: 0.25, mos: Some(4.1) }
            ]
        );
        // The second opinion.
        let theirs = ExtendedReport::unmarshal(&mut &packet[..]).expect("an extended report");
        let text = format!("{theirs:?}");
        assert_eq!((theirs.sender_ssrc, theirs.reports.len()), (9, 3));
        for part in ["burst_duration: 90", "gap_duration: 1200", "round_trip_delay: 80", "mos_cq: 41", "jb_maximum: 90"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn what_is_cut_or_unknown_is_passed_over() {
        let packet = report();
        for length in 0..packet.len() {
            assert!(blocks(&packet[..length]).count() < 3);
        }
        let mut other = packet.clone();
        other[8] = 99;
        assert_eq!(blocks(&other).count(), 2);
    }
}
