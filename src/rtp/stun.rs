//! STUN as the simple half of ICE needs it: checks of the way to us are read and answered (RFC 8489, RFC 8445 §7.3).
//!
//! ```text
//!  type, length | magic cookie | transaction | attribute… | MESSAGE-INTEGRITY | FINGERPRINT
//! ```
//!
//! A check that does not show our password is not answered at all: who has not read our description learns nothing of us, not
//! even that somebody is here.

use std::net::{IpAddr, SocketAddr};

use ring::hmac;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const COOKIE: u32 = 0x2112_a442;
const HEADER_BYTES: usize = 20;
/// Bytes of type and length of an attribute.
const ATTRIBUTE_HEAD: usize = 4;
/// Bytes of an HMAC-SHA1.
const INTEGRITY_BYTES: usize = 20;
/// What CRCs in STUN are mixed with (RFC 8489 §14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554e;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
/// From here on an attribute that is not understood is passed over (RFC 8489 §14).
const OPTIONAL: u16 = 0x8000;
/// Attributes of one message that are read.
const MAX_ATTRIBUTES: usize = 32;

/// A check that showed our name and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    transaction: [u8; 12],
    /// The peer has chosen this way.
    pub nominates: bool,
    /// Why it cannot be answered as it wishes.
    trouble: Option<Trouble>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// It has an attribute that we do not know, and must.
    Unknown(u16),
    /// It says that we are to choose the way, which the simple half never does (RFC 8445 §7.3.1.1).
    RoleConflict,
}

/// Why bytes are no check for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StunError {
    /// Lengths do not add up, or it is not STUN.
    #[error("not a STUN message")]
    Malformed,
    /// Something else than a check, such as an answer to one that we never made.
    #[error("not a binding request")]
    NoRequest,
    /// It does not show our name and password.
    #[error("the check shows no password of ours")]
    Stranger,
}

impl Check {
    /// Reads a check of one who knows `name` (ours, before the colon) and `password`.
    ///
    /// # Errors
    /// [`StunError`]; nothing is to be answered then.
    pub fn read(bytes: &[u8], name: &str, password: &str) -> Result<Self, StunError> {
        let (kind, transaction) = head(bytes)?;
        if kind != BINDING_REQUEST {
            return Err(StunError::NoRequest);
        }
        // Both proof and sum are demanded of a check (RFC 8445 §7.1.1).
        let (mut known, mut proved, mut summed) = (false, false, false);
        let (mut nominates, mut trouble) = (false, None);
        let attributes = Attributes { bytes, at: HEADER_BYTES }.take(MAX_ATTRIBUTES);
        for attribute in attributes {
            let Attribute { at, kind, value } = attribute?;
            // What comes after the proof is not proved, but for the sum over everything.
            match kind {
                FINGERPRINT => {
                    let right = crc32(&with_length(bytes, at, ATTRIBUTE_HEAD + 4)[..]) ^ FINGERPRINT_XOR;
                    if value != right.to_be_bytes() {
                        return Err(StunError::Malformed);
                    }
                    summed = true;
                }
                _ if proved => {}
                USERNAME => {
                    let ours = value.split(|&byte| byte == b':').next();
                    known = ours == Some(name.as_bytes());
                }
                MESSAGE_INTEGRITY => {
                    let covered = with_length(bytes, at, ATTRIBUTE_HEAD + INTEGRITY_BYTES);
                    hmac::verify(&key(password), &covered, value).map_err(|_| StunError::Stranger)?;
                    proved = true;
                }
                USE_CANDIDATE => nominates = true,
                ICE_CONTROLLED => trouble = trouble.or(Some(Trouble::RoleConflict)),
                PRIORITY | OPTIONAL.. => {}
                other => trouble = trouble.or(Some(Trouble::Unknown(other))),
            }
        }
        if known && proved && summed { Ok(Self { transaction, nominates, trouble }) } else { Err(StunError::Stranger) }
    }

    /// Whether the way that was checked may be used.
    pub const fn is_good(&self) -> bool {
        self.trouble.is_none()
    }

    /// Writes the answer, to one who was seen at `from`, in place of what `out` holds.
    pub fn answer(&self, from: SocketAddr, password: &str, out: &mut Vec<u8>) {
        out.clear();
        let kind = if self.is_good() { BINDING_SUCCESS } else { BINDING_ERROR };
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&COOKIE.to_be_bytes());
        out.extend_from_slice(&self.transaction);
        match self.trouble {
            None => push(out, XOR_MAPPED_ADDRESS, &xored(from, &self.transaction)),
            Some(Trouble::RoleConflict) => push(out, ERROR_CODE, &[0, 0, 4, 87]),
            Some(Trouble::Unknown(kind)) => {
                push(out, ERROR_CODE, &[0, 0, 4, 20]);
                push(out, UNKNOWN_ATTRIBUTES, &kind.to_be_bytes());
            }
        }
        seal(out, password);
    }
}

/// A check as a full party makes it, for tests and instruments of ours.
pub fn request(transaction: [u8; 12], (user, password): (&str, &str), nominates: bool, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&BINDING_REQUEST.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&COOKIE.to_be_bytes());
    out.extend_from_slice(&transaction);
    push(out, USERNAME, user.as_bytes());
    push(out, PRIORITY, &1_u32.to_be_bytes());
    if nominates {
        push(out, USE_CANDIDATE, &[]);
    }
    seal(out, password);
}

/// Whether bytes that came to a media port are STUN: by their first byte (RFC 7983 §7).
pub fn is_stun(bytes: &[u8]) -> bool {
    matches!(bytes, [0..=3, ..])
}

fn seal(out: &mut Vec<u8>, password: &str) {
    let proof = hmac::sign(&key(password), &with_length(out, out.len(), ATTRIBUTE_HEAD + INTEGRITY_BYTES));
    push(out, MESSAGE_INTEGRITY, proof.as_ref());
    let sum = crc32(&with_length(out, out.len(), ATTRIBUTE_HEAD + 4)) ^ FINGERPRINT_XOR;
    push(out, FINGERPRINT, &sum.to_be_bytes());
}

fn push(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    let length = ((out.len() - HEADER_BYTES) as u16).to_be_bytes();
    out[2..4].copy_from_slice(&length);
}

fn key(password: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
}

/// Type and transaction.
fn head(bytes: &[u8]) -> Result<(u16, [u8; 12]), StunError> {
    let (head, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(StunError::Malformed)?;
    let &[k0, k1, l0, l1, c0, c1, c2, c3, ref transaction @ ..] = head;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let is_stun = k0 < 4 && u32::from_be_bytes([c0, c1, c2, c3]) == COOKIE && length == rest.len() && length % 4 == 0;
    if is_stun { Ok((u16::from_be_bytes([k0, k1]), *transaction)) } else { Err(StunError::Malformed) }
}

/// What comes before `end`, with a length as if the message ended `more` bytes later: so sums and proofs want it.
fn with_length(bytes: &[u8], end: usize, more: usize) -> Vec<u8> {
    let mut covered = bytes[..end].to_vec();
    let length = ((end + more - HEADER_BYTES) as u16).to_be_bytes();
    covered[2..4].copy_from_slice(&length);
    covered
}

/// The address as it stands in an answer (RFC 8489 §14.2).
fn xored(address: SocketAddr, transaction: &[u8; 12]) -> Vec<u8> {
    let cookie = COOKIE.to_be_bytes();
    let mask = cookie.iter().chain(transaction);
    let port = address.port() ^ (COOKIE >> 16) as u16;
    let (family, ip) = match address.ip().to_canonical() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let [p0, p1] = port.to_be_bytes();
    [0, family, p0, p1].into_iter().chain(ip.iter().zip(mask).map(|(a, b)| a ^ b)).collect()
}

struct Attribute<'a> {
    /// Where it begins in the message.
    at: usize,
    kind: u16,
    value: &'a [u8],
}

struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, StunError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (at, bytes) = (self.at, self.bytes);
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let (found, next) = match rest.split_first_chunk::<ATTRIBUTE_HEAD>() {
            Some((&[k0, k1, l0, l1], after)) => {
                let length = usize::from(u16::from_be_bytes([l0, l1]));
                let kind = u16::from_be_bytes([k0, k1]);
                let value = after.get(..length).ok_or(StunError::Malformed);
                (value.map(|value| Attribute { at, kind, value }), at + ATTRIBUTE_HEAD + length.next_multiple_of(4))
            }
            None => (Err(StunError::Malformed), bytes.len()),
        };
        self.at = if found.is_ok() { next } else { bytes.len() };
        Some(found)
    }
}

/// CRC-32 as in ITU-T V.42.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
    /// The sample request of RFC 5769 §2.1.
    const SAMPLE: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff\
        80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
        80280004e57a3bcf";

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("digits");
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn the_sample_request_of_rfc_5769_is_read() {
        let check = Check::read(&hex(SAMPLE), "evtj", PASSWORD).expect("it shows name and password");
        // It says that we are to choose, which we never do.
        assert_eq!((check.nominates, check.trouble), (false, Some(Trouble::RoleConflict)));
        let mut answer = Vec::new();
        check.answer(SocketAddr::from(([192, 0, 2, 1], 32_853)), PASSWORD, &mut answer);
        assert_eq!(&answer[..2], &BINDING_ERROR.to_be_bytes());
        assert_eq!(Check::read(&hex(SAMPLE), "evtk", PASSWORD), Err(StunError::Stranger));
        assert_eq!(Check::read(&hex(SAMPLE), "evtj", "another password"), Err(StunError::Stranger));
    }

    #[test]
    fn the_address_of_the_sample_response_of_rfc_5769_is_written() {
        let transaction: [u8; 12] = hex("b7e7a701bc34d686fa87dfae").try_into().expect("12 bytes");
        let four = xored(SocketAddr::from(([192, 0, 2, 1], 32_853)), &transaction);
        assert_eq!(four, hex("0001a147e112a643"));
        let six = xored("[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().expect("an address"), &transaction);
        assert_eq!(six, hex("0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"));
    }

    #[test]
    fn a_check_is_answered_so_that_the_other_side_can_believe_it() {
        let (mut check, mut answer) = (Vec::new(), Vec::new());
        request([7; 12], ("ours:theirs", PASSWORD), true, &mut check);
        let read = Check::read(&check, "ours", PASSWORD).expect("a check");
        assert!(read.nominates && read.is_good());
        read.answer(SocketAddr::from(([192, 0, 2, 1], 32_853)), PASSWORD, &mut answer);
        assert_eq!(head(&answer), Ok((BINDING_SUCCESS, [7; 12])));
        // Its proof and its sum hold.
        let (sum_at, proof_at) = (answer.len() - 8, answer.len() - 32);
        let proof = hmac::sign(&key(PASSWORD), &with_length(&answer, proof_at, 24));
        assert_eq!(answer[proof_at + 4..sum_at], *proof.as_ref());
        let sum = crc32(&answer[..sum_at]) ^ FINGERPRINT_XOR;
        assert_eq!(answer[sum_at + 4..], sum.to_be_bytes());
        assert_eq!(Check::read(&answer, "ours", PASSWORD), Err(StunError::NoRequest));
    }

    #[test]
    fn one_bit_more_or_less_is_a_stranger_or_nonsense() {
        let mut check = Vec::new();
        request([7; 12], ("ours:theirs", PASSWORD), true, &mut check);
        for bit in 0..8 * check.len() {
            let mut wrong = check.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(Check::read(&wrong, "ours", PASSWORD).is_err(), "bit {bit}");
        }
        for length in 0..check.len() {
            assert!(Check::read(&check[..length], "ours", PASSWORD).is_err());
        }
    }

    #[test]
    fn what_must_be_known_and_is_not_is_named() {
        let mut check = Vec::new();
        request([7; 12], ("ours:theirs", PASSWORD), false, &mut check);
        check.truncate(check.len() - 8 - 24);
        push(&mut check, 0x0031, &[1, 2, 3]);
        seal(&mut check, PASSWORD);
        let read = Check::read(&check, "ours", PASSWORD).expect("it is proved");
        assert!(!read.is_good());
        let mut answer = Vec::new();
        read.answer(SocketAddr::from(([192, 0, 2, 1], 1)), PASSWORD, &mut answer);
        assert_eq!(answer[20..36], [0, 9, 0, 4, 0, 0, 4, 20, 0, 10, 0, 2, 0, 0x31, 0, 0]);
    }
}
