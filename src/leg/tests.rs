//! Two legs talk to each other over a seeded network in virtual time.

#![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

mod bridge;

use super::*;
use crate::audio::{FRAME_SAMPLES, Frame};
use crate::rtp::Seeds;
use crate::rtp::dtls::Engine;
use crate::rtp::stun;
use crate::sdp::{
    self, Agreed, Codec, Direction, Fingerprint, Local, Protected, SECRET_BYTES, Secret, Secured, Security,
};
use crate::units::LegId;

const TICK: Duration = Duration::from_millis(20);

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4_000))
}

/// What caller and hotline agree on, each as it sees it.
fn agreed(codec: Codec, ptime_ms: u32) -> (Agreed, Agreed) {
    let caller = Local { codecs: vec![codec], ..Local::new(address(1), 1) };
    let hotline = Local { codecs: Codec::ALL.to_vec(), ..Local::new(address(2), 2) };
    let wish = format!("a=ptime:{ptime_ms}");
    let answered = sdp::negotiate(&hotline, &sdp::offer(&caller).replace("a=ptime:20", &wish)).expect("common");
    (sdp::accept_answer(&caller, &answered.answer_sdp()).expect("an answer"), answered)
}

fn legs(codec: Codec, ptime_ms: u32) -> (MediaLeg, MediaLeg) {
    let (caller, hotline) = agreed(codec, ptime_ms);
    (
        MediaLeg::new(LegId(0), &caller, Seeds { ssrc: 1, seq: 65_400, timestamp: u32::MAX - 5_000 }),
        MediaLeg::new(LegId(1), &hotline, Seeds { ssrc: 2, seq: 9, timestamp: 77 }),
    )
}

/// A hum of 200 Hz that never stops.
fn hum(n: u32) -> Frame {
    let at = |i: usize| (n as usize * FRAME_SAMPLES + i) as f32 * std::f32::consts::TAU * 200.0 / 16_000.0;
    Frame(std::array::from_fn(|i| (6_000.0 * at(i).sin()) as i16))
}

/// What a listener got in the end.
#[derive(Debug, Default)]
struct Heard {
    loud: u32,
    concealed: u32,
    keys: String,
    /// Frames between a key and its being heard.
    first_loud: Option<u32>,
}

/// `frames` of humming from `from` to `to`, with `keys` typed after a second.
fn talk(from: &mut MediaLeg, to: &mut MediaLeg, frames: u32, loss: f64, jitter: Duration, keys: &str) -> Heard {
    let start = Instant::now();
    let mut rng = fastrand::Rng::with_seed(u64::from(frames) + jitter.as_millis() as u64);
    let mut flying: Vec<(Instant, Vec<u8>)> = Vec::new();
    let mut heard = Heard::default();
    for n in 0..frames {
        let now = start + TICK * n;
        if n == 50 {
            assert_eq!(from.send_keys(keys), keys.len());
        }
        let (mut bytes, mut more) = (Vec::new(), Vec::new());
        if from.send(&hum(n), now, &mut bytes).is_some() && rng.f64() >= loss {
            flying.push((now + jitter.mul_f64(rng.f64()), bytes));
        }
        if from.send_more(now, &mut more).is_some() && rng.f64() >= loss {
            flying.push((now + jitter.mul_f64(rng.f64()), more));
        }
        flying.sort_by_key(|(at, _)| *at);
        let pull_at = now + Duration::from_millis(10);
        let landed = flying.iter().take_while(|(at, _)| *at <= pull_at).count();
        for (at, bytes) in flying.drain(..landed) {
            to.receive(at, address(1), &bytes);
        }
        let inbound = to.pull(pull_at);
        heard.concealed += u32::from(inbound.concealed);
        heard.keys.push_str(&inbound.keys);
        if inbound.frame.rms() > 1_000.0 {
            heard.loud += 1;
            heard.first_loud.get_or_insert(n);
        }
    }
    heard
}

#[test]
fn sound_comes_through_in_each_codec_and_packet_length() {
    for codec in Codec::ALL {
        let lengths = if *codec == Codec::Opus { &[10u32, 20, 40, 60][..] } else { &[10, 20, 30, 40, 50, 60] };
        for &ptime in lengths {
            let soon = 2 + ptime.div_ceil(10);
            let (mut caller, mut hotline) = legs(*codec, ptime);
            let heard = talk(&mut caller, &mut hotline, 500, 0.0, Duration::ZERO, "");
            assert!(heard.first_loud <= Some(soon), "{codec:?} {ptime}: {heard:?}");
            assert!(heard.loud + soon >= 500 && heard.concealed <= 6, "{codec:?} {ptime}: {heard:?}");
            let stats = hotline.stats();
            assert_eq!((stats.lost, stats.late, stats.foreign), (0, 0, 0));
            assert_eq!(stats.packets, u64::from(500 * 20 / ptime), "{codec:?} {ptime}");
            assert!(stats.mos > 4.0, "{stats:?}");
        }
    }
}

#[test]
fn keys_arrive_once_each_as_events_and_as_sound() {
    let (mut caller, mut hotline) = legs(Codec::Pcmu, 20);
    let heard = talk(&mut caller, &mut hotline, 400, 0.15, Duration::from_millis(30), "4711#*A");
    assert_eq!(heard.keys, "4711#*A");
    for codec in [Codec::G722, Codec::Opus] {
        let (mut caller, mut hotline) = legs(codec, 20);
        assert_eq!(talk(&mut caller, &mut hotline, 200, 0.0, Duration::ZERO, "90#").keys, "90#", "{codec:?}");
    }

    // A peer that knows no events gets tones, and is understood when it sends them.
    let (mut deaf, mut hotline) = agreed(Codec::Pcma, 20);
    (deaf.telephone_event, hotline.telephone_event) = (None, None);
    let mut caller = MediaLeg::new(LegId(0), &deaf, Seeds { ssrc: 1, seq: 1, timestamp: 1 });
    let mut hotline = MediaLeg::new(LegId(1), &hotline, Seeds { ssrc: 2, seq: 1, timestamp: 1 });
    let (start, mut keys, mut bytes) = (Instant::now(), String::new(), Vec::new());
    caller.send_keys("90#");
    for n in 0..60 {
        let now = start + TICK * n;
        caller.send(&Frame::SILENCE, now, &mut bytes).expect("each frame is a packet");
        hotline.receive(now, address(1), &bytes);
        keys.push_str(&hotline.pull(now).keys);
    }
    assert_eq!(keys, "90#");
}

#[test]
fn protected_sound_keys_and_reports_come_through_and_strangers_do_not() {
    let demanding = |n: u8| Local {
        security: Security::Demanded(Secret::new([n; SECRET_BYTES])),
        ..Local::new(address(n), n.into())
    };
    let offer = sdp::offer(&demanding(1));
    assert!(offer.contains("RTP/SAVP") && offer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"), "{offer}");
    let answered = sdp::negotiate(&demanding(2), &offer).expect("both do it");
    let offered = sdp::accept_answer(&demanding(1), &answered.answer_sdp()).expect("an answer");
    let seeds = |ssrc| Seeds { ssrc, seq: 65_400, timestamp: 77 };
    let (mut caller, mut hotline) =
        (MediaLeg::new(LegId(0), &offered, seeds(1)), MediaLeg::new(LegId(1), &answered, seeds(2)));
    let heard = talk(&mut caller, &mut hotline, 400, 0.0, Duration::ZERO, "42#");
    assert!(heard.keys == "42#" && heard.loud > 350, "{heard:?}");
    // Held and resumed with the same keys, past the rollover: the counting goes on.
    hotline.renegotiate(&answered);
    caller.renegotiate(&offered);
    let heard = talk(&mut caller, &mut hotline, 200, 0.0, Duration::ZERO, "");
    assert!(heard.loud > 190, "{heard:?}");
    let packets = hotline.stats().packets;
    // A stranger at the caller's own address, without the key.
    let (_, mut stranger) = legs(Codec::Pcmu, 20);
    let heard = talk(&mut stranger, &mut hotline, 100, 0.0, Duration::ZERO, "");
    let stats = hotline.stats();
    assert_eq!((stats.packets, stats.foreign), (packets, 100), "{stats:?}");
    assert!(heard.loud < 10, "no more than the end of what was heard before: {heard:?}");
}

fn engine() -> Arc<Engine> {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate =
        rcgen::CertificateParams::new(Vec::new()).expect("no names").self_signed(&key).expect("a certificate");
    Arc::new(Engine::new(certificate.der().to_vec(), key.serialize_der()).expect("a good library"))
}

fn shaking(n: u8, engine: &Engine) -> Local {
    Local {
        security: Security::Possible(Secret::new([n; SECRET_BYTES])),
        certificate: Some(Fingerprint::of(engine.certificate())),
        ..Local::new(address(n), n.into())
    }
}

/// Caller and hotline who shake hands with these engines; without checks unless `ice`.
fn shaking_legs(engines: [&Arc<Engine>; 2], promised: &Engine, ice: bool) -> (MediaLeg, MediaLeg) {
    let caller = Local { protected: Protected::ByHandshake(None), ..shaking(1, promised) };
    let mut offer = sdp::offer(&caller);
    if !ice {
        offer = offer.replace("a=ice-ufrag", "a=x-none");
    }
    let answered = sdp::negotiate(&shaking(2, engines[1]), &offer).expect("both do it");
    let offered = sdp::accept_answer(&caller, &answered.answer_sdp()).expect("an answer");
    let leg = |id, agreed: &Agreed, engine: &Arc<Engine>| {
        let seeds = Seeds { ssrc: 1 + id, seq: 65_400, timestamp: 77 };
        MediaLeg::new(LegId(id), agreed, seeds).with_handshakes(Some(engine.clone()))
    };
    (leg(0, &offered, engines[0]), leg(1, &answered, engines[1]))
}

/// Lets both say what they have to, the first at `from`, until `ms` have passed; every `lossy`th datagram is lost.
fn establish(caller: &mut MediaLeg, hotline: &mut MediaLeg, from: SocketAddr, ms: u32, lossy: usize) {
    let (start, mut bytes, mut sent) = (Instant::now(), Vec::new(), 0);
    for n in 0..ms / 20 {
        let now = start + TICK * n;
        for _ in 0..8 {
            while caller.establish(now, &mut bytes).is_some() {
                sent += 1;
                if sent % lossy != 0 {
                    hotline.receive(now, from, &bytes);
                }
            }
            while let Some(to) = hotline.establish(now, &mut bytes) {
                sent += 1;
                if to == from && sent % lossy != 0 {
                    caller.receive(now, address(2), &bytes);
                }
            }
        }
    }
}

#[test]
fn a_handshake_brings_keys_and_then_sound_both_ways_even_where_datagrams_are_lost() {
    for lossy in [usize::MAX, 5, 3] {
        let (ours, theirs) = (engine(), engine());
        let (mut caller, mut hotline) = shaking_legs([&theirs, &ours], &theirs, false);
        let heard = talk(&mut caller, &mut hotline, 60, 0.0, Duration::ZERO, "");
        assert_eq!((heard.loud, hotline.stats().packets), (0, 0), "nothing goes without keys");
        establish(&mut caller, &mut hotline, address(1), 4_000, lossy);
        assert!(talk(&mut caller, &mut hotline, 200, 0.0, Duration::ZERO, "7").loud > 180, "lossy {lossy}");
        let mut bytes = Vec::new();
        assert_eq!(hotline.send(&hum(0), Instant::now(), &mut bytes), Some(address(1)));
        caller.receive(Instant::now(), address(2), &bytes);
        assert_eq!(caller.stats().packets, 1);
        // Held and resumed, the keys stay.
        hotline.renegotiate(&hotline.agreed().clone());
        caller.renegotiate(&caller.agreed().clone());
        assert!(talk(&mut caller, &mut hotline, 200, 0.0, Duration::ZERO, "").loud > 180);
    }
}

#[test]
fn another_certificate_than_was_promised_brings_nothing() {
    let (ours, theirs, strangers) = (engine(), engine(), engine());
    let (mut stranger, mut hotline) = shaking_legs([&strangers, &ours], &theirs, false);
    establish(&mut stranger, &mut hotline, address(9), 1_000, usize::MAX);
    assert_eq!(hotline.send(&hum(0), Instant::now(), &mut Vec::new()), None);
    // The party itself is not kept out by that.
    let (mut caller, _) = shaking_legs([&theirs, &ours], &theirs, false);
    establish(&mut caller, &mut hotline, address(1), 2_000, usize::MAX);
    assert_eq!(hotline.send(&hum(0), Instant::now(), &mut Vec::new()), Some(address(1)));
}

#[test]
fn checks_say_where_a_browser_is_and_strangers_get_no_word() {
    let (ours, theirs) = (engine(), engine());
    let (mut browser, mut hotline) = shaking_legs([&theirs, &ours], &theirs, true);
    let Some(Secured::Handshake(handshake)) = &hotline.agreed().secured else { panic!("a handshake was agreed on") };
    let ice = handshake.ice.clone().expect("checks were agreed on");
    let (now, mut bytes, mut check) = (Instant::now(), Vec::new(), Vec::new());
    let user = format!("{}:{}", ice.ours.name, ice.theirs.name);
    stun::request([1; 12], (&user, "a guess at the password"), true, &mut check);
    hotline.receive(now, address(9), &check);
    assert_eq!((hotline.establish(now, &mut bytes), hotline.stats().foreign), (None, 1));
    // A handshake from where no check came from is a stranger's.
    hotline.receive(now, address(9), &[22, 254, 253, 0, 0]);
    assert_eq!((hotline.establish(now, &mut bytes), hotline.stats().foreign), (None, 2));
    stun::request([2; 12], (&user, &ice.ours.password), true, &mut check);
    hotline.receive(now, address(7), &check);
    assert_eq!(hotline.establish(now, &mut bytes), Some(address(7)));
    assert_eq!((&bytes[..2], &bytes[8..20]), (&[1, 1][..], &[2; 12][..]));
    assert_eq!(hotline.remote(), Some(address(7)));
    // Ours never checks; told where the hotline is, the browser's half begins.
    stun::request([3; 12], (&format!("{}:x", ice.theirs.name), &ice.theirs.password), true, &mut check);
    browser.receive(now, address(2), &check);
    establish(&mut browser, &mut hotline, address(7), 2_000, usize::MAX);
    assert_eq!(hotline.send(&hum(0), now, &mut bytes), Some(address(7)));
}

#[test]
fn hold_stops_the_sound_and_resuming_begins_it_with_a_marker() {
    let (mut caller, mut hotline) = legs(Codec::Pcmu, 20);
    let mut bytes = Vec::new();
    let now = Instant::now();
    assert_eq!(hotline.send(&hum(0), now, &mut bytes), Some(address(1)));
    let resumed = hotline.agreed().clone();
    let mut held = resumed.clone();
    held.direction = Direction::ReceiveOnly;
    hotline.renegotiate(&held);
    assert!(hotline.is_held());
    for n in 1..51 {
        assert_eq!(hotline.send(&hum(n), now, &mut bytes), None);
    }
    // Held for longer, without reports on the same port, the way is kept open.
    held.rtcp_mux = false;
    hotline.renegotiate(&held);
    let kept = (0..40).filter_map(|n| hotline.send(&hum(n), now + Duration::from_secs(n.into()), &mut bytes)).count();
    assert_eq!((kept, crate::rtp::Packet::parse(&bytes).expect("ours").payload_type), (2, 127));
    hotline.renegotiate(&resumed);
    assert_eq!(hotline.send(&hum(51), now, &mut bytes), Some(address(1)));
    let packet = crate::rtp::Packet::parse(&bytes).expect("ours");
    assert!(packet.marker);
    assert_eq!(packet.timestamp.0, 77 + 91 * 160, "the pause keeps its length");
    // Who holds is still heard.
    assert!(caller.send(&hum(0), now, &mut bytes).is_some());
    hotline.receive(now, address(1), &bytes);
    assert_eq!(hotline.stats().packets, 1);
}

#[test]
fn a_change_of_codec_in_the_middle_is_followed() {
    let (mut caller, mut hotline) = legs(Codec::Pcmu, 20);
    talk(&mut caller, &mut hotline, 100, 0.0, Duration::ZERO, "");
    for (n, codec) in [Codec::Pcma, Codec::Opus, Codec::G722, Codec::Pcmu].into_iter().enumerate() {
        let (theirs, ours) = agreed(codec, 20);
        caller.renegotiate(&theirs);
        hotline.renegotiate(&ours);
        let heard = talk(&mut caller, &mut hotline, 200, 0.0, Duration::ZERO, "");
        assert!(heard.loud >= 195, "{codec:?} {heard:?}");
        assert_eq!(hotline.stats().packets, 300 + 200 * n as u64);
    }
}

#[test]
fn strangers_are_counted_and_not_heard() {
    let (mut caller, mut hotline) = legs(Codec::Pcmu, 20);
    let (_, mut stranger) = legs(Codec::Pcmu, 20);
    let (start, mut bytes) = (Instant::now(), Vec::new());
    for n in 0..100 {
        let now = start + TICK * n;
        caller.send(&Frame::SILENCE, now, &mut bytes).expect("to the hotline");
        hotline.receive(now, address(1), &bytes);
        stranger.send(&hum(n), now, &mut bytes).expect("to the hotline");
        hotline.receive(now, address(9), &bytes);
        hotline.receive(now, address(9), b"GET / HTTP/1.1");
        hotline.receive(now, address(9), &[0x80, 200, 0, 0]);
        assert!(hotline.pull(now).frame.rms() < 50.0);
    }
    let stats = hotline.stats();
    assert_eq!((stats.packets, stats.foreign), (100, 300));
    assert_eq!(hotline.remote(), Some(address(1)));
}

#[test]
fn a_pause_sounds_as_the_peer_says_its_noise_does() {
    let (mut caller, mut hotline) = legs(Codec::Pcmu, 20);
    let (start, mut bytes) = (Instant::now(), Vec::new());
    let mut levels = Vec::new();
    for n in 0..60 {
        let now = start + TICK * n;
        if n < 20 {
            caller.send(&hum(n), now, &mut bytes).expect("to the hotline");
            hotline.receive(now, address(1), &bytes);
        } else if n == 20 {
            let noise = crate::rtp::Packet { payload_type: 13, payload: &[55], ..packet_after(&bytes) };
            let mut bytes = Vec::new();
            noise.write(&mut bytes);
            hotline.receive(now, address(1), &bytes);
        }
        levels.push(hotline.pull(now).frame.level());
    }
    assert!(levels[35..].iter().all(|level| (level + 55.0).abs() < 3.0), "{levels:?}");
    assert_eq!(hotline.stats().lost, 0);
}

/// The head of the packet after this one.
fn packet_after(bytes: &[u8]) -> crate::rtp::Packet<'_> {
    let before = crate::rtp::Packet::parse(bytes).expect("ours");
    let timestamp = crate::units::RtpTimestamp(before.timestamp.0.wrapping_add(160));
    crate::rtp::Packet { seq: before.seq.next(), timestamp, marker: false, ..before }
}

#[test]
fn reports_go_both_ways_and_give_the_round_trip() {
    let (mut caller, mut hotline) = legs(Codec::Pcmu, 20);
    let (start, mut bytes) = (Instant::now(), Vec::new());
    let flight = Duration::from_millis(40);
    for n in 0..1_500 {
        let now = start + TICK * n;
        caller.send(&hum(n), now, &mut bytes).expect("to the hotline");
        hotline.receive(now + flight, address(1), &bytes);
        hotline.pull(now + flight);
        if caller.report(now, &mut bytes) == Some(address(2)) {
            hotline.receive(now + flight, address(1), &bytes);
        }
        if hotline.report(now + flight, &mut bytes) == Some(address(1)) {
            caller.receive(now + flight * 2, address(2), &bytes);
        }
    }
    let round_trip = caller.stats().round_trip_ms.expect("reports came");
    assert!((round_trip - 80.0).abs() < 1.0, "{round_trip}");
    let (heard, said) = (hotline.stats().mos, caller.stats().remote_mos.expect("an extended report"));
    assert!(heard > 4.0 && (heard - said).abs() < 0.2, "{heard} {said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sound_goes_on_whatever_the_network_does(loss in 0.0..0.2f64, jitter in 0u64..60, ptime in 1u32..=6) {
        let (mut caller, mut hotline) = legs(Codec::Pcmu, ptime * 10);
        let heard = talk(&mut caller, &mut hotline, 1_000, loss, Duration::from_millis(jitter), "12");
        prop_assert!(heard.loud >= 850, "{:?}", heard);
        prop_assert_eq!(&heard.keys, "12");
        let stats = hotline.stats();
        prop_assert!(f64::from(stats.loss) < loss + 0.06, "{:?}", stats);
    }

    #[test]
    fn no_datagram_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), from in 1u8..3) {
        let (_, mut hotline) = legs(Codec::Pcmu, 20);
        let now = Instant::now();
        let mut bytes = bytes;
        for first in [bytes.first().copied().unwrap_or(0), 0x80] {
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            hotline.receive(now, address(from), &bytes);
            hotline.pull(now);
        }
    }
}
