//! A seeded network in virtual time in front of the buffer.

#![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

use super::*;
use proptest::prelude::*;

const TICK: Duration = Duration::from_millis(20);
const TICKS: u32 = 160;

/// What the network does to packets.
#[derive(Clone, Copy, Debug)]
struct Network {
    /// Share lost, 0–1.
    loss: f64,
    /// Each packet is late by up to this, evenly spread.
    jitter: Duration,
    /// Share that comes twice, 0–1.
    twice: f64,
    seed: u64,
}

const SMOOTH: Network = Network { loss: 0.0, jitter: Duration::ZERO, twice: 0.0, seed: 1 };

/// What came out of the buffer.
#[derive(Debug, Default)]
struct Heard {
    seqs: Vec<u16>,
    sound: u32,
    lost: u32,
    silence: u32,
    /// For each packet heard, how long after it was sent.
    delays: Vec<Duration>,
}

impl Heard {
    fn p95(&self) -> Duration {
        let mut delays = self.delays.clone();
        delays.sort();
        delays[delays.len() * 95 / 100]
    }
}

/// Sends `packets` of 20 ms through `network` and pulls every 20 ms, 7 ms after they are sent.
fn through(network: Network, packets: u32, first_seq: u16) -> (Heard, JitterBuffer) {
    let mut rng = fastrand::Rng::with_seed(network.seed);
    let start = Instant::now();
    let mut arrivals = Vec::new();
    for n in 0..packets {
        if rng.f64() < network.loss {
            continue;
        }
        let copies = if rng.f64() < network.twice { 2 } else { 1 };
        for _ in 0..copies {
            arrivals.push((start + TICK * n + network.jitter.mul_f64(rng.f64()), n));
        }
    }
    arrivals.sort();
    let mut buffer = JitterBuffer::new(8_000);
    let mut heard = Heard::default();
    let mut arrivals = arrivals.into_iter().peekable();
    for pull in 0..packets {
        let now = start + TICK * pull + Duration::from_millis(7);
        while let Some((at, n)) = arrivals.next_if(|(at, _)| *at <= now) {
            let seq = SeqNo(first_seq.wrapping_add(n as u16));
            let timestamp = RtpTimestamp(u32::MAX.wrapping_sub(4_000).wrapping_add(n * TICKS));
            buffer
                .push(at, &Arrival { ssrc: 1, seq, timestamp, ticks: TICKS, marker: n == 0, payload: &[n as u8; 160] });
        }
        match buffer.pull(now, Signal::Quiet) {
            Played::Sound { seq, payload } => {
                let n = seq.0.wrapping_sub(first_seq);
                assert_eq!(payload, [n as u8; 160]);
                heard.seqs.push(n);
                heard.sound += 1;
                heard.delays.push(now - (start + TICK * u32::from(n)));
            }
            Played::Lost { .. } => heard.lost += 1,
            Played::Silence { .. } => heard.silence += 1,
        }
    }
    (heard, buffer)
}

#[test]
fn a_smooth_network_costs_little_delay() {
    let (heard, buffer) = through(SMOOTH, 1_000, 65_000);
    assert_eq!(buffer.counts().late, 0);
    assert!(heard.sound >= 997, "{heard:?}");
    assert!(heard.p95() <= Duration::from_millis(28), "{:?}", heard.p95());
}

/// jitter (ms), p95 of the delay (ms); late loss ≤ 1 %.
#[test]
fn the_delay_follows_the_jitter() {
    for (jitter, most) in [(0, 28), (20, 60), (60, 120)] {
        for seed in 0..8 {
            let network = Network { jitter: Duration::from_millis(jitter), seed, ..SMOOTH };
            let (heard, buffer) = through(network, 3_000, 0);
            assert!(heard.p95() <= Duration::from_millis(most), "{jitter} ms: {:?}", heard.p95());
            assert!(buffer.counts().late <= 30, "{jitter} ms: {:?}", buffer.counts());
        }
    }
}

#[test]
fn a_burst_of_loss_is_concealed_and_then_silent() {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(8_000);
    let mut played = Vec::new();
    for n in 0..40u32 {
        let now = start + TICK * n;
        if !(15..25).contains(&n) {
            let packet = Arrival {
                ssrc: 1,
                seq: SeqNo(n as u16),
                timestamp: RtpTimestamp(n * TICKS),
                ticks: TICKS,
                marker: false,
                payload: &[],
            };
            buffer.push(now, &packet);
        }
        played.push(match buffer.pull(now, Signal::Active) {
            Played::Sound { .. } => 's',
            Played::Lost { .. } => 'l',
            Played::Silence { .. } => '-',
        });
    }
    let text: String = played.into_iter().collect();
    assert_eq!(text.trim_start_matches('-'), format!("{}lllll-----{}", "s".repeat(15), "s".repeat(14)));
}

#[test]
fn a_pause_of_the_sender_is_not_loss() {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(8_000);
    let mut lost = 0;
    let mut seq = 0;
    for n in 0..200u32 {
        let now = start + TICK * n;
        if !(50..120).contains(&n) {
            let timestamp = RtpTimestamp(n * TICKS);
            let packet = Arrival { ssrc: 1, seq: SeqNo(seq), timestamp, ticks: TICKS, marker: n == 120, payload: &[] };
            buffer.push(now, &packet);
            seq += 1;
        }
        lost += u32::from(matches!(buffer.pull(now, Signal::Quiet), Played::Lost { .. }));
    }
    // Nobody can tell at first whether the sender stopped or the network did.
    assert!(lost <= 5, "{lost}");
    assert_eq!(buffer.counts().late, 0);
}

#[test]
fn key_presses_in_between_are_not_loss() {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(8_000);
    for n in 0..60u32 {
        let now = start + TICK * n;
        let press = (20..30).contains(&n);
        let timestamp = RtpTimestamp(if press { 20 } else { n } * TICKS);
        let ticks = if press { 0 } else { TICKS };
        buffer.push(now, &Arrival { ssrc: 1, seq: SeqNo(n as u16), timestamp, ticks, marker: false, payload: &[] });
        let played = buffer.pull(now, Signal::Quiet);
        assert!(!matches!(played, Played::Lost { .. }), "at {n}");
    }
}

#[test]
fn a_sender_that_begins_anew_is_followed() {
    let start = Instant::now();
    /// Source, sequence number and timestamp of the `n`th packet after the change.
    type Change = fn(u32) -> (u32, u16, u32);
    let changes: [Change; 3] = [
        |n| (2, 30_000 + n as u16, 900_000 + n * TICKS), // another source
        |n| (1, 20_000 + n as u16, (100 + n) * TICKS),   // other numbers
        |n| (1, 100 + n as u16, 700_000 + n * TICKS),    // another clock
    ];
    for change in changes {
        let mut buffer = JitterBuffer::new(8_000);
        let mut heard = 0;
        for n in 0..200u32 {
            let now = start + TICK * n;
            let (ssrc, seq, timestamp) = if n < 100 { (1, n as u16, n * TICKS) } else { change(n - 100) };
            let (seq, timestamp) = (SeqNo(seq), RtpTimestamp(timestamp));
            buffer.push(now, &Arrival { ssrc, seq, timestamp, ticks: TICKS, marker: false, payload: &[] });
            heard += u32::from(matches!(buffer.pull(now, Signal::Active), Played::Sound { .. }));
        }
        assert_eq!(buffer.counts().restarts, 1);
        assert!(heard >= 194, "{heard}");
    }
}

#[test]
fn clocks_that_drift_lose_nothing_but_a_frame_now_and_then() {
    for drift in [-200e-6, 200e-6] {
        let start = Instant::now();
        let mut buffer = JitterBuffer::new(8_000);
        let mut heard = 0;
        let total = 50 * 600;
        let mut next = 0;
        for pull in 0..total {
            let now = start + TICK * pull + Duration::from_millis(7);
            while (TICK * next).mul_f64(1.0 + drift) <= now - start {
                let (seq, timestamp) = (SeqNo(next as u16), RtpTimestamp(next * TICKS));
                let at = start + (TICK * next).mul_f64(1.0 + drift);
                buffer.push(at, &Arrival { ssrc: 1, seq, timestamp, ticks: TICKS, marker: false, payload: &[] });
                next += 1;
            }
            heard += u32::from(matches!(buffer.pull(now, Signal::Quiet), Played::Sound { .. }));
            assert!(buffer.delay(now) < Duration::from_millis(70), "{:?}", buffer.delay(now));
        }
        // 200 ppm over ten minutes is 120 ms: six frames.
        let counts = buffer.counts();
        assert_eq!(counts.late, 0);
        assert!(counts.left_out + counts.held <= 10, "{counts:?}");
        assert!(heard >= total - 16, "{heard} {counts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_network_does_order_holds_and_delay_is_bounded(
        loss in 0.0..0.2f64, jitter in 0u64..60, twice in 0.0..0.1f64, seed: u64, first_seq: u16,
    ) {
        let network = Network { loss, jitter: Duration::from_millis(jitter), twice, seed };
        let (heard, buffer) = through(network, 1_500, first_seq);
        prop_assert!(heard.seqs.windows(2).all(|pair| pair[0] < pair[1]), "in order, none twice");
        prop_assert!(heard.delays.iter().all(|&delay| delay <= Duration::from_millis(200)));
        let counts = buffer.counts();
        prop_assert!(counts.late <= 30, "{:?}", counts);
        let arrived = 1_500.0 * (1.0 - loss);
        prop_assert!(f64::from(heard.sound) >= arrived * 0.95, "{:?} of {arrived}", heard.sound);
        prop_assert!(heard.silence <= 30, "audio continues: {}", heard.silence);
    }
}
