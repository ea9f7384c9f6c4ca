//! Keys out of the agreed secret, and the ciphers that they feed.

use aes::cipher::{BlockEncrypt, KeyInit};
use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

use super::{ENCRYPTED, INDEX_BYTES, RTCP_CLEAR, SrtpError};

/// Bytes of the longest secret: a key of 256 bits and a salt of 96.
pub const MAX_SECRET_BYTES: usize = 44;
/// Bytes of an authentication key (RFC 3711 §8.2).
const AUTH_KEY_BYTES: usize = 20;
/// Bytes of a GCM tag (RFC 7714 §13).
const GCM_TAG: usize = 16;
/// Bytes of an SRTCP tag, whatever SRTP's is (RFC 4568 §6.2.2).
const RTCP_TAG: usize = 10;

/// How packets are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    /// AES-128 in counter mode, HMAC-SHA1 of 80 bits (RFC 3711 §5).
    AesCm80,
    /// The same with 32 bits.
    AesCm32,
    /// AES-128-GCM (RFC 7714).
    AesGcm128,
    /// AES-256-GCM (RFC 7714).
    AesGcm256,
}

impl Transform {
    /// Bytes of the key and of the salt that make the secret.
    pub const fn secret_bytes(self) -> (usize, usize) {
        match self {
            Self::AesCm80 | Self::AesCm32 => (16, 14),
            Self::AesGcm128 => (16, 12),
            Self::AesGcm256 => (32, 12),
        }
    }
}

/// A packet is shorter than its tag.
pub(super) struct TooShort;

/// The session keys of one direction.
pub(super) struct Cipher {
    sound: Half,
    reports: Half,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(…)")
    }
}

/// RTP's keys, or RTCP's.
enum Half {
    Counter { key: Box<aes::Aes128>, salt: [u8; 16], auth: hmac::Key, tag: usize },
    Gcm { key: Box<LessSafeKey>, salt: [u8; 12] },
}

/// What session keys are for (RFC 3711 §4.3.2, Table 1); those of RTCP are 3 more.
#[derive(Clone, Copy)]
enum Label {
    Encryption = 0,
    Authentication = 1,
    Salt = 2,
}

impl Cipher {
    pub(super) fn derive(transform: Transform, secret: &[u8]) -> Option<Self> {
        let half = |first: u8, tag: usize| Half::derive(transform, secret, first, tag);
        let tag = if transform == Transform::AesCm32 { 4 } else { RTCP_TAG };
        Some(Self { sound: half(0, tag)?, reports: half(3, RTCP_TAG)? })
    }

    #[cfg(test)]
    pub(super) fn of_gcm_session(key: &[u8], salt: [u8; 12]) -> Option<Self> {
        Some(Self { sound: Half::gcm(key, salt)?, reports: Half::gcm(key, salt)? })
    }

    pub(super) fn seal_rtp(&self, packet: &mut Vec<u8>, start: usize, ssrc: u32, index: u64) {
        match &self.sound {
            Half::Counter { key, salt, auth, tag } => {
                apply_counter(key.as_ref(), counter(salt, ssrc, index), &mut packet[start..]);
                let proof = prove(auth, packet, &((index >> 16) as u32).to_be_bytes());
                packet.extend_from_slice(&proof.as_ref()[..*tag]);
            }
            Half::Gcm { key, salt } => {
                let nonce = gcm_nonce(salt, ssrc, rtp_index(index));
                let (head, body) = packet.split_at_mut(start);
                // Only a payload of gigabytes could fail.
                if let Ok(proof) = key.seal_in_place_separate_tag(nonce, Aad::from(&*head), body) {
                    packet.extend_from_slice(proof.as_ref());
                }
            }
        }
    }

    pub(super) fn open_rtp(&self, packet: &mut Vec<u8>, start: usize, ssrc: u32, index: u64) -> Result<(), SrtpError> {
        match &self.sound {
            Half::Counter { key, salt, auth, tag } => {
                let end = packet.len().checked_sub(*tag).filter(|&end| end >= start).ok_or(TooShort)?;
                let proof = prove(auth, &packet[..end], &((index >> 16) as u32).to_be_bytes());
                check(&proof.as_ref()[..*tag], &packet[end..])?;
                packet.truncate(end);
                apply_counter(key.as_ref(), counter(salt, ssrc, index), &mut packet[start..]);
            }
            Half::Gcm { key, salt } => {
                let end = packet.len().checked_sub(GCM_TAG).filter(|&end| end >= start).ok_or(TooShort)?;
                let nonce = gcm_nonce(salt, ssrc, rtp_index(index));
                let (head, body) = packet.split_at_mut(start);
                key.open_in_place(nonce, Aad::from(&*head), body).map_err(|_| SrtpError::Forged)?;
                packet.truncate(end);
            }
        }
        Ok(())
    }

    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, index: u32) {
        let word = (ENCRYPTED | index).to_be_bytes();
        match &self.reports {
            Half::Counter { key, salt, auth, tag } => {
                apply_counter(key.as_ref(), counter(salt, ssrc, index.into()), &mut packet[RTCP_CLEAR..]);
                packet.extend_from_slice(&word);
                let proof = prove(auth, packet, &[]);
                packet.extend_from_slice(&proof.as_ref()[..*tag]);
            }
            Half::Gcm { key, salt } => {
                let nonce = gcm_nonce(salt, ssrc, index.into());
                let (head, body) = packet.split_at_mut(RTCP_CLEAR);
                let aad = rtcp_aad(head, word);
                if let Ok(proof) = key.seal_in_place_separate_tag(nonce, Aad::from(aad), body) {
                    packet.extend_from_slice(proof.as_ref());
                    packet.extend_from_slice(&word);
                }
            }
        }
    }

    /// The index of an SRTCP packet, with the bit that says whether it is encrypted.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Result<u32, TooShort> {
        let after = match &self.reports {
            Half::Counter { tag, .. } => *tag,
            Half::Gcm { .. } => 0,
        };
        let at = packet.len().checked_sub(after + INDEX_BYTES).filter(|&at| at >= RTCP_CLEAR).ok_or(TooShort)?;
        packet[at..].first_chunk().map(|word| u32::from_be_bytes(*word)).ok_or(TooShort)
    }

    pub(super) fn open_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32) -> Result<(), SrtpError> {
        let word = self.rtcp_index(packet)?;
        let index = word & !ENCRYPTED;
        match &self.reports {
            Half::Counter { key, salt, auth, tag } => {
                let end = packet.len() - tag;
                let proof = prove(auth, &packet[..end], &[]);
                check(&proof.as_ref()[..*tag], &packet[end..])?;
                packet.truncate(end - INDEX_BYTES);
                if word & ENCRYPTED != 0 {
                    apply_counter(key.as_ref(), counter(salt, ssrc, index.into()), &mut packet[RTCP_CLEAR..]);
                }
            }
            // All that we take is encrypted: nobody sends GCM that is not.
            Half::Gcm { .. } if word & ENCRYPTED == 0 => return Err(SrtpError::Forged),
            Half::Gcm { key, salt } => {
                packet.truncate(packet.len() - INDEX_BYTES);
                let end = packet.len().checked_sub(GCM_TAG).filter(|&end| end >= RTCP_CLEAR).ok_or(TooShort)?;
                let nonce = gcm_nonce(salt, ssrc, index.into());
                let (head, body) = packet.split_at_mut(RTCP_CLEAR);
                let aad = rtcp_aad(head, word.to_be_bytes());
                key.open_in_place(nonce, Aad::from(aad), body).map_err(|_| SrtpError::Forged)?;
                packet.truncate(end);
            }
        }
        Ok(())
    }
}

impl Half {
    fn derive(transform: Transform, secret: &[u8], first: u8, tag: usize) -> Option<Self> {
        let (key_bytes, salt_bytes) = transform.secret_bytes();
        if secret.len() != key_bytes + salt_bytes {
            return None;
        }
        let (master, master_salt) = secret.split_at(key_bytes);
        let label = |label: Label| first + label as u8;
        let mut key = [0; 32];
        let key = &mut key[..key_bytes];
        expand(master, master_salt, label(Label::Encryption), key);
        match transform {
            Transform::AesCm80 | Transform::AesCm32 => {
                let (mut salt, mut auth) = ([0; 16], [0; AUTH_KEY_BYTES]);
                expand(master, master_salt, label(Label::Salt), &mut salt[..salt_bytes]);
                expand(master, master_salt, label(Label::Authentication), &mut auth);
                let auth = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &auth);
                Some(Self::Counter { key: Box::new(aes::Aes128::new_from_slice(key).ok()?), salt, auth, tag })
            }
            Transform::AesGcm128 | Transform::AesGcm256 => {
                let mut salt = [0; 12];
                expand(master, master_salt, label(Label::Salt), &mut salt);
                Self::gcm(key, salt)
            }
        }
    }

    fn gcm(key: &[u8], salt: [u8; 12]) -> Option<Self> {
        let algorithm = if key.len() == 16 { &aead::AES_128_GCM } else { &aead::AES_256_GCM };
        let key = UnboundKey::new(algorithm, key).ok()?;
        Some(Self::Gcm { key: Box::new(LessSafeKey::new(key)), salt })
    }
}

/// A session key: the counter mode's stream over the label and the master salt (RFC 3711 §4.3.3, RFC 7714 §11).
pub(super) fn expand(master: &[u8], salt: &[u8], label: u8, key: &mut [u8]) {
    let mut block = [0; 16];
    block[..salt.len()].copy_from_slice(salt);
    block[7] ^= label;
    key.fill(0);
    match master.len() {
        16 => {
            if let Ok(cipher) = aes::Aes128::new_from_slice(master) {
                apply_counter(&cipher, block, key);
            }
        }
        _ => {
            if let Ok(cipher) = aes::Aes256::new_from_slice(master) {
                apply_counter(&cipher, block, key);
            }
        }
    }
}

/// The first counter of a packet: salt, SSRC and index, one beside the other (RFC 3711 §4.1.1).
fn counter(salt: &[u8; 16], ssrc: u32, index: u64) -> [u8; 16] {
    let packet = u128::from(ssrc) << 64 | u128::from(index) << 16;
    (u128::from_be_bytes(*salt) ^ packet).to_be_bytes()
}

/// Encrypts or decrypts: both are the same.
pub(super) fn apply_counter(
    cipher: &impl BlockEncrypt<BlockSize = aes::cipher::consts::U16>,
    first: [u8; 16],
    bytes: &mut [u8],
) {
    for (n, piece) in bytes.chunks_mut(16).enumerate() {
        let mut block = u128::from_be_bytes(first).wrapping_add(n as u128).to_be_bytes().into();
        cipher.encrypt_block(&mut block);
        for (byte, mask) in piece.iter_mut().zip(block) {
            *byte ^= mask;
        }
    }
}

/// RFC 7714 §8.1 and §9.1.
fn gcm_nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
    nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
    for (byte, salt) in nonce.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// Rollovers and number, 48 bits.
const fn rtp_index(index: u64) -> u64 {
    index & 0xffff_ffff_ffff
}

/// The head of the packet and the word with its index (RFC 7714 §17).
fn rtcp_aad(head: &[u8], word: [u8; INDEX_BYTES]) -> [u8; RTCP_CLEAR + INDEX_BYTES] {
    let mut aad = [0; RTCP_CLEAR + INDEX_BYTES];
    aad[..RTCP_CLEAR].copy_from_slice(head);
    aad[RTCP_CLEAR..].copy_from_slice(&word);
    aad
}

fn prove(key: &hmac::Key, packet: &[u8], more: &[u8]) -> hmac::Tag {
    let mut proof = hmac::Context::with_key(key);
    proof.update(packet);
    proof.update(more);
    proof.sign()
}

/// In a time that does not tell how much of it was right.
fn check(right: &[u8], given: &[u8]) -> Result<(), SrtpError> {
    let difference = right.iter().zip(given).fold(0, |all, (a, b)| all | (a ^ b));
    if difference == 0 && right.len() == given.len() { Ok(()) } else { Err(SrtpError::Forged) }
}
