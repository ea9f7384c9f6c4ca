//! Two parties on a bridge: the same codec passes as it came, another one is coded anew.

use super::*;
use crate::rtp::Packet;

/// Two telephones, the first of which talks, and our leg to each.
struct Bridge {
    telephones: [MediaLeg; 2],
    legs: [MediaLeg; 2],
    start: Instant,
    ticks: u32,
}

/// What 20 ms brought.
struct Passed {
    /// The packet of the first telephone.
    given: Vec<u8>,
    /// Packets for the second.
    sent: Vec<Vec<u8>>,
    /// What was heard on the bridge, and by the second telephone.
    heard: [Inbound; 2],
}

/// A telephone at address `n` and our leg to it.
fn party(n: u8, codec: Codec, secret: Option<u8>) -> [MediaLeg; 2] {
    let of = |secret: Option<u8>| match secret {
        Some(byte) => Security::Demanded(Secret::new([byte; SECRET_BYTES])),
        None => Security::Clear,
    };
    let theirs = Local { codecs: vec![codec], security: of(secret), ..Local::new(address(n), n.into()) };
    let ours = Local {
        codecs: Codec::ALL.to_vec(),
        security: of(secret.map(|byte| byte + 100)),
        ..Local::new(address(n + 10), n.into())
    };
    let answered = sdp::negotiate(&ours, &sdp::offer(&theirs)).expect("common");
    let offered = sdp::accept_answer(&theirs, &answered.answer_sdp()).expect("an answer");
    let leg = |agreed: &Agreed, ssrc| {
        MediaLeg::new(LegId(n.into()), agreed, Seeds { ssrc, seq: 65_500, timestamp: u32::MAX - 3_000 })
    };
    [leg(&offered, n.into()), leg(&answered, 100 + u32::from(n))]
}

impl Bridge {
    fn new(codecs: [Codec; 2], secrets: [Option<u8>; 2]) -> Self {
        let [one, to_one] = party(1, codecs[0], secrets[0]);
        let [two, to_two] = party(2, codecs[1], secrets[1]);
        Self { telephones: [one, two], legs: [to_one, to_two], start: Instant::now(), ticks: 0 }
    }

    fn tick(&mut self) -> Passed {
        let now = self.start + TICK * self.ticks;
        let ([one, two], [to_one, to_two]) = (&mut self.telephones, &mut self.legs);
        let mut given = Vec::new();
        one.send(&hum(self.ticks), now, &mut given).expect("each frame is a packet");
        self.ticks += 1;
        to_one.receive_for(now, address(1), &given, to_two);
        let heard = to_one.pull(now);
        let (mut sent, mut out) = (Vec::new(), Vec::new());
        while to_two.send_passed(now, &mut out).is_some() {
            sent.push(out.clone());
        }
        let own = if to_one.speaks_like(to_two) {
            to_two.rest(now, &mut out)
        } else {
            to_two.send(&heard.frame, now, &mut out)
        };
        sent.extend(own.map(|_| out));
        sent.iter().for_each(|packet| two.receive(now, address(12), packet));
        Passed { given, sent, heard: [heard, two.pull(now)] }
    }
}

fn read(bytes: &[u8]) -> Packet<'_> {
    Packet::parse(bytes).expect("ours")
}

/// Whether the numbers of `sent` go on one by one, and media time with them.
fn is_one_stream(sent: &[Vec<u8>], step: u32) -> bool {
    sent.windows(2).all(|pair| {
        let (before, after) = (read(&pair[0]), read(&pair[1]));
        let passed = after.timestamp.0.wrapping_sub(before.timestamp.0);
        after.ssrc == before.ssrc && after.seq == before.seq.next() && passed == step
    })
}

#[test]
fn one_codec_passes_bit_for_bit_under_our_numbers_and_is_heard_on_the_bridge() {
    for &codec in Codec::ALL {
        let mut bridge = Bridge::new([codec; 2], [None; 2]);
        let mut all = Vec::new();
        for n in 0..200 {
            let passed = bridge.tick();
            let [sent] = passed.sent.as_slice() else { panic!("{codec:?}, tick {n}: {} packets", passed.sent.len()) };
            assert_eq!(read(sent).payload, read(&passed.given).payload, "{codec:?}, tick {n}");
            assert_ne!(read(sent).ssrc, read(&passed.given).ssrc);
            all.push(sent.clone());
            for side in passed.heard {
                assert!(n < 10 || side.frame.rms() > 1_000.0, "{codec:?}, tick {n}: {}", side.frame.rms());
            }
        }
        assert!(is_one_stream(&all, codec.clock_rate() / 50), "{codec:?}");
        assert_eq!(bridge.telephones[1].stats().lost, 0, "{codec:?}");
    }
}

#[test]
fn other_codecs_are_coded_anew_and_a_change_of_codec_changes_that_at_once() {
    let mut bridge = Bridge::new([Codec::Pcma; 2], [None; 2]);
    let mut all = Vec::new();
    let run = |bridge: &mut Bridge, ticks| (0..ticks).map(|_| bridge.tick()).collect::<Vec<_>>();
    for passed in run(&mut bridge, 50) {
        assert_eq!(read(&passed.sent[0]).payload, read(&passed.given).payload);
        all.extend(passed.sent);
    }
    // A re-INVITE of the second party, and a second one that takes it back.
    let [ulaw, alaw] = [Codec::Pcmu, Codec::Pcma].map(|codec| party(2, codec, None));
    for ([telephone, leg], is_passed) in [(ulaw, false), (alaw, true)] {
        bridge.telephones[1].renegotiate(telephone.agreed());
        bridge.legs[1].renegotiate(leg.agreed());
        for (n, passed) in run(&mut bridge, 50).into_iter().enumerate() {
            let is_same = passed.sent.iter().any(|sent| read(sent).payload == read(&passed.given).payload);
            assert_eq!(is_same, is_passed, "tick {n}");
            assert!(n < 10 || passed.heard[1].frame.rms() > 1_000.0, "tick {n}");
            all.extend(passed.sent);
        }
    }
    let numbers = |pair: &[Vec<u8>]| (read(&pair[0]).seq.next(), read(&pair[1]).seq);
    assert!(all.windows(2).map(numbers).all(|(expected, found)| expected == found), "no number twice, none left out");
    let times = |pair: &[Vec<u8>]| read(&pair[1]).timestamp.0.wrapping_sub(read(&pair[0]).timestamp.0) as i32;
    assert!(all.windows(2).map(times).all(|step| (160..=480).contains(&step)), "time goes on");
}

#[test]
fn keys_pass_as_they_were_pressed_and_keys_of_ours_go_in_between() {
    let mut bridge = Bridge::new([Codec::Pcmu; 2], [None; 2]);
    let (mut keys, mut all) = (String::new(), Vec::new());
    for n in 0..150 {
        if n == 20 {
            bridge.telephones[0].send_keys("42");
        }
        // Pressed by signalling: nothing of it is in the packets.
        if n == 100 {
            bridge.legs[1].send_keys("#");
        }
        let passed = bridge.tick();
        keys.push_str(&passed.heard[1].keys);
        all.extend(passed.sent);
    }
    assert_eq!(keys, "42#");
    let mut numbers: Vec<u16> = all.iter().map(|packet| read(packet).seq.0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), all.len(), "no number twice");
}

#[test]
fn each_side_has_its_own_protection() {
    for secrets in [[Some(1), Some(2)], [None, Some(2)], [Some(1), None]] {
        let mut bridge = Bridge::new([Codec::G722; 2], secrets);
        let loud = (0..100).filter(|_| bridge.tick().heard[1].frame.rms() > 1_000.0).count();
        assert!(loud > 90, "{secrets:?}: {loud}");
        let stats = bridge.telephones[1].stats();
        assert_eq!((stats.packets, stats.lost, stats.foreign), (100, 0, 0), "{secrets:?}");
    }
}

#[test]
fn what_comes_twice_or_from_strangers_does_not_pass() {
    let mut bridge = Bridge::new([Codec::Pcmu; 2], [None; 2]);
    let given = (0..10).map(|_| bridge.tick().given).next_back().expect("ten");
    let (now, mut out) = (bridge.start + TICK * 10, Vec::new());
    let [to_one, to_two] = &mut bridge.legs;
    to_one.receive_for(now, address(1), &given, to_two);
    to_one.receive_for(now, address(66), &given, to_two);
    assert_eq!(to_two.send_passed(now, &mut out), None);
}
