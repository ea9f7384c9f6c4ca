//! RTP packets (RFC 3550 §5.1), read in place and written into a buffer that is used again.
//!
//! ```text
//!  0                   1                   2                   3
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! |                           timestamp                           |
//! |                             SSRC                              |   CSRCs, extension, payload, padding
//! ```
//!
//! The `rtp` crate copies payload, CSRCs and extensions into new memory for each packet; here it is the second opinion in
//! the tests.

use crate::units::{RtpTimestamp, SeqNo};

/// Bytes of a header without CSRCs and extension.
pub const HEADER_BYTES: usize = 12;
/// Longest payload that is taken (bytes): more than 60 ms of any codec here, and as much as fits an Ethernet frame.
pub const MAX_PAYLOAD_BYTES: usize = 1_460;

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
const MARKER: u8 = 0x80;

/// One packet; the payload stays where it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Begins a talkspurt, or is the first of a key press.
    pub marker: bool,
    /// Which format, 0–127.
    pub payload_type: u8,
    /// Counts packets.
    pub seq: SeqNo,
    /// Media time of the first sample.
    pub timestamp: RtpTimestamp,
    /// Who sends.
    pub ssrc: u32,
    /// The coded sound.
    pub payload: &'a [u8],
}

/// Why bytes are not an RTP packet. The peer misbehaved, or it is something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// The header, or what it announces, goes beyond the end.
    #[error("the packet ends inside its header")]
    Truncated,
    /// Not version 2.
    #[error("not an RTP packet")]
    NotRtp,
    /// More padding than payload, or padding of 0.
    #[error("the padding is longer than the payload")]
    BadPadding,
    /// More than [`MAX_PAYLOAD_BYTES`].
    #[error("the payload is longer than {MAX_PAYLOAD_BYTES} bytes")]
    TooLong,
}

impl<'a> Packet<'a> {
    /// Reads one packet.
    ///
    /// # Errors
    /// Any [`PacketError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let start = payload_start(bytes)?;
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(PacketError::Truncated)?;
        let &[flags, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = header;
        let mut rest = &bytes[start..];
        if flags & PADDING != 0 {
            let padding = usize::from(*rest.last().ok_or(PacketError::BadPadding)?);
            let end = rest.len().checked_sub(padding).filter(|_| padding > 0).ok_or(PacketError::BadPadding)?;
            rest = &rest[..end];
        }
        if rest.len() > MAX_PAYLOAD_BYTES {
            return Err(PacketError::TooLong);
        }
        Ok(Self {
            marker: kind & MARKER != 0,
            payload_type: kind & !MARKER,
            seq: SeqNo(u16::from_be_bytes([s0, s1])),
            timestamp: RtpTimestamp(u32::from_be_bytes([t0, t1, t2, t3])),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload: rest,
        })
    }

    /// Writes the packet in place of what `out` holds.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&[VERSION << 6, self.payload_type & !MARKER | if self.marker { MARKER } else { 0 }]);
        out.extend_from_slice(&self.seq.0.to_be_bytes());
        out.extend_from_slice(&self.timestamp.0.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(self.payload);
    }
}

/// Where the payload begins: after the header, its CSRCs and its extension.
///
/// # Errors
/// [`PacketError::Truncated`], [`PacketError::NotRtp`].
pub fn payload_start(bytes: &[u8]) -> Result<usize, PacketError> {
    let (&[flags, ..], _) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(PacketError::Truncated)?;
    if flags >> 6 != VERSION {
        return Err(PacketError::NotRtp);
    }
    let mut start = HEADER_BYTES + 4 * usize::from(flags & 0x0f);
    if flags & EXTENSION != 0 {
        let after = bytes.get(start..).and_then(<[u8]>::first_chunk::<4>);
        let &[_, _, high, low] = after.ok_or(PacketError::Truncated)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    }
    if start > bytes.len() { Err(PacketError::Truncated) } else { Ok(start) }
}

/// Whether bytes that came to an RTP port are RTCP: by the payload types that RFC 5761 §4 sets aside.
pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [flags, kind, ..] if flags >> 6 == VERSION && (192..=223).contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use webrtc_util::marshal::{Marshal, Unmarshal};

    fn theirs(bytes: &[u8]) -> Option<rtp::packet::Packet> {
        rtp::packet::Packet::unmarshal(&mut &bytes[..]).ok()
    }

    #[test]
    fn csrcs_extension_and_padding_are_left_out() {
        let bytes = [
            &[0xb1, 0x80, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5][..],
            &[1, 1, 1, 1],
            &[0xab, 0xcd, 0, 1, 2, 2, 2, 2],
            &[42, 43, 0, 0, 3],
        ]
        .concat();
        let packet = Packet::parse(&bytes).expect("legal");
        assert_eq!(packet.payload, [42, 43]);
        assert!(packet.marker);
        assert_eq!((packet.payload_type, packet.seq, packet.ssrc), (0, SeqNo(7), 5));
    }

    #[test]
    fn what_is_not_rtp_is_named() {
        let header = [0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        let with = |first: u8, tail: &[u8]| {
            let mut bytes = header.to_vec();
            bytes[0] = first;
            bytes.extend_from_slice(tail);
            Packet::parse(&bytes).err()
        };
        assert_eq!(Packet::parse(&header[..11]), Err(PacketError::Truncated));
        assert_eq!(with(0x40, &[]), Some(PacketError::NotRtp));
        assert_eq!(with(0x82, &[0; 7]), Some(PacketError::Truncated));
        assert_eq!(with(0x90, &[0, 0, 0, 2, 0, 0, 0, 0]), Some(PacketError::Truncated));
        assert_eq!(with(0xa0, &[]), Some(PacketError::BadPadding));
        assert_eq!(with(0xa0, &[1, 9]), Some(PacketError::BadPadding));
        assert_eq!(with(0xa0, &[1, 0]), Some(PacketError::BadPadding));
        assert_eq!(with(0x80, &[0; MAX_PAYLOAD_BYTES + 1]), Some(PacketError::TooLong));
        assert!(is_rtcp(&[0x80, 200]) && is_rtcp(&[0x81, 201]) && !is_rtcp(&[0x80, 0]) && !is_rtcp(&[0x80, 0x80]));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same_here_and_elsewhere(
            marker: bool, payload_type in 0u8..128, seq: u16, timestamp: u32, ssrc: u32, payload: Vec<u8>,
        ) {
            let ours = Packet {
                marker, payload_type, seq: SeqNo(seq), timestamp: RtpTimestamp(timestamp), ssrc, payload: &payload,
            };
            let mut bytes = vec![1; 5];
            ours.write(&mut bytes);
            prop_assert_eq!(Packet::parse(&bytes), Ok(ours));
            let theirs = theirs(&bytes).expect("the other reader takes it");
            prop_assert_eq!(theirs.header.marker, marker);
            prop_assert_eq!(theirs.header.payload_type, payload_type);
            prop_assert_eq!(theirs.header.sequence_number, seq);
            prop_assert_eq!(theirs.header.timestamp, timestamp);
            prop_assert_eq!(theirs.header.ssrc, ssrc);
            prop_assert_eq!(&theirs.payload[..], &payload[..]);
            prop_assert_eq!(&theirs.marshal().expect("legal")[..], &bytes[..]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + HEADER_BYTES <= bytes.len());
            }
        }
    }
}
