use super::keys::{Cipher, apply_counter, expand};
use super::*;
use aes::cipher::KeyInit;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn the_stream_of_rfc_3711_appendix_b_2() {
    let key = aes::Aes128::new_from_slice(&bytes("2B7E151628AED2A6ABF7158809CF4F3C")).expect("a key");
    let first = bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().expect("a block");
    let mut stream = [0; 32];
    apply_counter(&key, first, &mut stream);
    assert_eq!(stream.to_vec(), bytes("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB"));
}

#[test]
fn the_keys_of_rfc_3711_appendix_b_3() {
    let (master, salt) = (bytes("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes("0EC675AD498AFEEBB6960B3AABE6"));
    for (label, expected) in [
        (0, "C61E7A93744F39EE10734AFE3FF7A087"),
        (2, "30CBBC08863D8C85D49DB34A9AE1"),
        (1, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"),
    ] {
        let mut key = vec![0; bytes(expected).len()];
        expand(&master, &salt, label, &mut key);
        assert_eq!(key, bytes(expected), "label {label}");
    }
}

/// The hexadecimal block that follows a line of RFC 7714 which begins so, in a section of it.
fn block(section: &str, title: &str) -> Vec<u8> {
    let lines = section.lines().skip_while(|line| !line.trim_start().starts_with(title)).skip(1);
    let lines = lines.skip_while(|line| line.trim().is_empty()).take_while(|line| !line.trim().is_empty());
    bytes(&lines.collect::<String>())
}

/// A section of the vectors of RFC 7714, which lie beside the repository.
fn section(file: &str, number: &str, until: &str) -> Option<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/rtp/rfc7714-srtp-gcm");
    let Ok(text) = std::fs::read_to_string(format!("{folder}/{file}")) else {
        eprintln!("skipped: there is no {folder}/{file}");
        return None;
    };
    let (from, to) = (text.find(&format!("\n{number}"))?, text.find(&format!("\n{until}"))?);
    Some(text[from..to].to_owned())
}

fn gcm_session(bits: u16) -> Cipher {
    let key: Vec<u8> = (0..bits / 8).map(|n| n as u8).collect();
    Cipher::of_gcm_session(&key, *b"Quid pro quo").expect("keys of the right length")
}

#[test]
fn the_rtp_packets_of_rfc_7714() {
    for (bits, number, until) in [(128, "16.1.1.", "16.1.2."), (256, "16.2.1.", "16.2.2.")] {
        let Some(section) = section("rtp-vectors.txt", number, until) else { return };
        let (plain, protected) = (block(&section, "Encrypting the following"), block(&section, "Encrypted and tagged"));
        assert_eq!((plain.len(), protected.len()), (50, 66));
        let (cipher, mut packet) = (gcm_session(bits), plain.clone());
        let (ssrc, seq, start) = rtp_head(&packet).expect("RTP");
        cipher.seal_rtp(&mut packet, start, ssrc, seq.into());
        assert_eq!(packet, protected);
        cipher.open_rtp(&mut packet, start, ssrc, seq.into()).expect("ours");
        assert_eq!(packet, plain);
    }
}

#[test]
fn the_rtcp_packet_of_rfc_7714() {
    let Some(section) = section("rtcp-vectors.txt", "17.1.", "17.2.") else { return };
    let (plain, protected) = (block(&section, "Encrypting the following"), block(&section, "Encrypted and tagged"));
    assert_eq!((plain.len(), protected.len()), (52, 72));
    let (cipher, mut packet) = (gcm_session(128), plain.clone());
    let ssrc = rtcp_head(&packet).expect("RTCP");
    cipher.seal_rtcp(&mut packet, ssrc, 0x5d4);
    assert_eq!(packet, protected);
    cipher.open_rtcp(&mut packet, ssrc).expect("ours");
    assert_eq!(packet, plain);
}

const ALL: [Transform; 4] = [Transform::AesCm80, Transform::AesCm32, Transform::AesGcm128, Transform::AesGcm256];

fn pair(transform: Transform) -> (Sealer, Opener) {
    let (key, salt) = transform.secret_bytes();
    let secret: Vec<u8> = (0..key + salt).map(|n| n as u8 ^ 0x5a).collect();
    (Sealer::new(transform, &secret).expect("long enough"), Opener::new(transform, &secret).expect("long enough"))
}

fn rtp(ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    let timestamp = crate::units::RtpTimestamp(u32::from(seq) * 160);
    let packet_of = crate::rtp::Packet {
        marker: false,
        payload_type: 0,
        seq: crate::units::SeqNo(seq),
        timestamp,
        ssrc,
        payload: &[seq as u8; 160],
    };
    packet_of.write(&mut packet);
    packet
}

#[test]
fn packets_are_opened_across_the_rollover_in_any_order_and_once() {
    for transform in ALL {
        let (mut sealer, mut opener) = pair(transform);
        let mut sealed = Vec::new();
        for n in 0..400_u16 {
            let plain = rtp(7, n.wrapping_add(65_400));
            let mut packet = plain.clone();
            sealer.seal_rtp(&mut packet).expect("RTP");
            assert_ne!(packet[12..172], plain[12..172]);
            sealed.push((plain, packet));
        }
        // Each pair comes the wrong way round.
        for pair in sealed.chunks_exact(2) {
            for (plain, packet) in pair.iter().rev() {
                let mut opened = packet.clone();
                assert_eq!(opener.open_rtp(&mut opened), Ok(()), "{transform:?}");
                assert_eq!(opened, *plain);
                assert_eq!(opener.open_rtp(&mut packet.clone()), Err(SrtpError::Replayed));
            }
        }
        assert_eq!(opener.open_rtp(&mut sealed[0].1.clone()), Err(SrtpError::Replayed));
    }
}

#[test]
fn one_changed_bit_is_noticed_and_changes_nothing() {
    for transform in ALL {
        let (mut sealer, mut opener) = pair(transform);
        let (mut sound, mut report) = (rtp(7, 1), [&[0x80, 201, 0, 1, 0, 0, 0, 7][..], &[1; 24]].concat());
        let plain = report.clone();
        sealer.seal_rtp(&mut sound).expect("RTP");
        sealer.seal_rtcp(&mut report).expect("RTCP");
        for bit in 0..8 * sound.len() {
            let mut forged = sound.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(opener.open_rtp(&mut forged).is_err(), "{transform:?} bit {bit}");
        }
        for bit in 0..8 * report.len() {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(opener.open_rtcp(&mut forged).is_err(), "{transform:?} bit {bit}");
        }
        assert!(opener.sources.iter().all(Option::is_none), "strangers leave nothing behind");
        assert_eq!((opener.open_rtp(&mut sound), opener.open_rtcp(&mut report.clone())), (Ok(()), Ok(())));
        assert_eq!(opener.open_rtcp(&mut report.clone()), Err(SrtpError::Replayed));
        assert_eq!(plain.len() + if transform.secret_bytes().1 == 12 { 20 } else { 14 }, report.len());
    }
}

#[test]
fn a_sender_that_begins_anew_is_followed() {
    let (mut sealer, mut opener) = pair(Transform::AesCm80);
    for ssrc in [1, 2, 3, 4, 5, 6] {
        sealer.index = None;
        let mut packet = rtp(ssrc, 50_000);
        sealer.seal_rtp(&mut packet).expect("RTP");
        assert_eq!(opener.open_rtp(&mut packet), Ok(()));
    }
    assert_eq!(opener.sources.map(|source| source.map_or(0, |source| source.ssrc)), [6, 5, 4, 3]);
}

#[test]
fn a_secret_of_another_length_is_refused() {
    assert!(Sealer::new(Transform::AesCm80, &[0; 28]).is_none() && Opener::new(Transform::AesGcm256, &[]).is_none());
}

proptest! {
    #[test]
    fn no_packet_makes_it_panic(mut packet in prop::collection::vec(any::<u8>(), 0..120), which in 0usize..4) {
        let (mut sealer, mut opener) = pair(ALL[which]);
        if let Some(first) = packet.first_mut() {
            *first = 0x80 | *first & 0x3f;
        }
        prop_assert!(opener.open_rtp(&mut packet.clone()).is_err());
        prop_assert!(opener.open_rtcp(&mut packet.clone()).is_err());
        let _ = sealer.seal_rtcp(&mut packet.clone());
        let _ = sealer.seal_rtp(&mut packet);
    }
}
