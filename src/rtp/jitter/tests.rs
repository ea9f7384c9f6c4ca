//! A seeded network in virtual time in front of the buffer.

#![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

use super::*;
use crate::rtp::network::Network;
use crate::units::RtpTimestamp;

const TICK: Duration = Duration::from_millis(20);
const TICKS: u32 = 160;

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

/// What stands behind the buffer: sound that waits, and may be played a little faster or slower.
#[derive(Clone, Copy, Debug)]
struct Decoder {
    /// Sound that has not been heard (ticks).
    waiting: u32,
    /// How much it can change a packet (ticks): 10 ms in silence, nothing in a hiss.
    change: u32,
}

/// Asks for a frame each 20 ms, first at `phase`.
struct Listener {
    phase: Duration,
    change: u32,
    signal: Signal,
}

const LISTENER: Listener = Listener { phase: Duration::from_millis(7), change: 80, signal: Signal::Active };

/// Sends `packets` of 20 ms through `network` to `listener`.
fn through(network: Network, packets: u32, first_seq: u16, listener: &Listener) -> (Heard, JitterBuffer) {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(8_000);
    let mut heard = Heard::default();
    let mut decoder = Decoder { waiting: 0, change: listener.change };
    let mut arrivals = network.carry(packets, TICK).into_iter().peekable();
    for pull in 0..packets {
        let elapsed = TICK * pull + listener.phase;
        let now = start + elapsed;
        while let Some((at, n)) = arrivals.next_if(|(at, _)| *at <= elapsed) {
            let seq = SeqNo(first_seq.wrapping_add(n as u16));
            let timestamp = RtpTimestamp(u32::MAX.wrapping_sub(4_000).wrapping_add(n * TICKS));
            let (marker, payload) = (n == 0, &[n as u8; 160]);
            buffer.push(start + at, &Arrival { ssrc: 1, seq, timestamp, ticks: TICKS, marker, payload });
        }
        while decoder.waiting < TICKS {
            match buffer.pull(now, decoder.waiting, listener.signal) {
                Played::Sound { seq, payload, pace } => {
                    let n = seq.0.wrapping_sub(first_seq);
                    assert_eq!(payload, [n as u8; 160]);
                    heard.seqs.push(n);
                    heard.sound += 1;
                    let sent = (TICK * u32::from(n)).mul_f64(1.0 + network.drift);
                    let wait = Duration::from_secs_f64(f64::from(decoder.waiting) / 8_000.0);
                    heard.delays.push((elapsed + wait).saturating_sub(sent));
                    decoder.waiting += match pace {
                        Pace::Even => TICKS,
                        Pace::Slower => TICKS + decoder.change,
                        Pace::Faster { most } => {
                            let shorter = most.min(decoder.change);
                            buffer.shortened(shorter);
                            TICKS - shorter
                        }
                    };
                }
                Played::Lost { ticks, .. } => {
                    heard.lost += 1;
                    decoder.waiting += ticks;
                }
                Played::Silence { ticks } => {
                    heard.silence += 1;
                    decoder.waiting += ticks;
                }
            }
        }
        decoder.waiting -= TICKS;
    }
    (heard, buffer)
}

#[test]
fn a_smooth_network_costs_little_delay_whenever_frames_are_asked_for() {
    for phase in [0, 3, 5, 7, 13, 19] {
        let listener = Listener { phase: Duration::from_millis(phase), ..LISTENER };
        let (heard, buffer) = through(Network::PERFECT, 1_500, 65_000, &listener);
        assert_eq!((buffer.counts().late, buffer.counts().held), (0, 0));
        assert!(heard.sound >= 1_497 && heard.p95() <= Duration::from_millis(25), "{phase} ms: {:?}", heard.p95());
    }
}

/// jitter (ms), p95 of the delay (ms); late loss ≤ 1 %.
#[test]
fn the_delay_follows_the_jitter() {
    for (jitter, most) in [(0, 25), (20, 60), (60, 120), (200, 240)] {
        for seed in 0..8 {
            let network = Network { jitter: Duration::from_millis(jitter), seed, ..Network::PERFECT };
            let (heard, buffer) = through(network, 3_000, 0, &LISTENER);
            assert!(heard.p95() <= Duration::from_millis(most), "{jitter} ms: {:?}", heard.p95());
            assert!(buffer.counts().late <= 30, "{jitter} ms: {:?}", buffer.counts());
        }
    }
}

/// A busy machine at the other end, or in between: nothing for 100 to 300 ms, then everything at once.
#[test]
fn a_stall_costs_time_and_no_sound() {
    for stall in [100, 200, 300].map(Duration::from_millis) {
        for jitter in [0, 20, 60].map(Duration::from_millis) {
            for change in [0, 80] {
                let network = Network { stall, jitter, overtakes: false, ..Network::PERFECT };
                let (heard, buffer) = through(network, 3_000, 0, &Listener { change, ..LISTENER });
                let case = format!("{network:?} {change} {:?}", buffer.counts());
                assert_eq!((buffer.counts().late, buffer.counts().left_out), (0, 0), "{case}");
                // What is still under way at the end is not heard.
                assert!(heard.sound >= 3_000 - 30, "{} {case}", heard.sound);
                let longest = heard.delays.iter().max();
                assert!(longest <= Some(&(stall + jitter + Duration::from_millis(100))), "{longest:?} {case}");
            }
        }
    }
}

#[test]
fn a_burst_of_loss_leaves_no_delay_behind() {
    let network = Network { loss: 0.1, burst: 8.0, jitter: Duration::from_millis(20), ..Network::PERFECT };
    let (heard, buffer) = through(network, 3_000, 0, &LISTENER);
    assert!(heard.p95() <= Duration::from_millis(60), "{:?} {:?}", heard.p95(), buffer.counts());
}

#[test]
fn a_hiss_that_cannot_be_stretched_is_followed_too() {
    let network = Network { jitter: Duration::from_millis(60), ..Network::PERFECT };
    for signal in [Signal::Active, Signal::Quiet] {
        let (heard, buffer) = through(network, 3_000, 0, &Listener { change: 0, signal, ..LISTENER });
        assert!(buffer.counts().late <= 30 && heard.p95() <= Duration::from_millis(120), "{:?}", heard.p95());
    }
}

#[test]
fn the_delay_falls_again_after_a_bad_stretch_of_road() {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(8_000);
    let bad = Network { jitter: Duration::from_millis(150), ..Network::PERFECT };
    let rough = bad.carry(500, TICK).into_iter();
    let smooth = (500..1_500).map(|n| (TICK * n, n));
    let mut arrivals: Vec<_> = rough.chain(smooth).collect();
    arrivals.sort();
    let (mut arrivals, mut waiting) = (arrivals.into_iter().peekable(), 0);
    for pull in 0..1_500 {
        let elapsed = TICK * pull;
        while let Some((at, n)) = arrivals.next_if(|(at, _)| *at <= elapsed) {
            let (seq, timestamp) = (SeqNo(n as u16), RtpTimestamp(n * TICKS));
            let packet = Arrival { ssrc: 1, seq, timestamp, ticks: TICKS, marker: false, payload: &[] };
            buffer.push(start + at, &packet);
        }
        while waiting < TICKS {
            waiting += match buffer.pull(start + elapsed, waiting, Signal::Active) {
                Played::Sound { pace: Pace::Faster { most }, .. } => {
                    buffer.shortened(most.min(80));
                    TICKS - most.min(80)
                }
                Played::Sound { pace: Pace::Slower, .. } => TICKS + 80,
                Played::Sound { pace: Pace::Even, .. } => TICKS,
                Played::Lost { ticks, .. } | Played::Silence { ticks } => ticks,
            };
        }
        waiting -= TICKS;
        // 150 ms may be learned in the first seconds; 5 s of memory, and some to play faster, after the road is smooth.
        let most = if pull < 900 { 240 } else { 25 };
        let delay = buffer.delay(start + elapsed);
        assert!(pull < 20 || delay <= Duration::from_millis(most), "{pull}: {delay:?} {:?}", buffer.counts());
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
        played.push(match buffer.pull(now, 0, Signal::Active) {
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
        lost += u32::from(matches!(buffer.pull(now, 0, Signal::Quiet), Played::Lost { .. }));
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
        let played = buffer.pull(now, 0, Signal::Quiet);
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
            heard += u32::from(matches!(buffer.pull(now, 0, Signal::Active), Played::Sound { .. }));
        }
        assert_eq!(buffer.counts().restarts, 1);
        assert!(heard >= 194, "{heard}");
    }
}

#[test]
fn clocks_that_drift_lose_nothing() {
    for drift in [-200e-6, 200e-6] {
        let total = 50 * 600;
        let (heard, buffer) = through(Network { drift, ..Network::PERFECT }, total, 0, &LISTENER);
        // 200 ppm over ten minutes is 120 ms: some packets that are played a little slower or faster.
        let counts = buffer.counts();
        assert_eq!((counts.late, counts.left_out), (0, 0), "{counts:?}");
        assert!(counts.faster + counts.slower <= 60 && counts.held <= 8, "{counts:?}");
        assert!(heard.sound >= total - 16 && heard.lost <= 8, "{} {} {counts:?}", heard.sound, heard.lost);
        assert!(heard.delays.iter().all(|&delay| delay < Duration::from_millis(50)), "{:?}", heard.delays.iter().max());
    }
}

/// Loss to 20 %, one by one and in bursts, jitter to 200 ms, with and without overtaking, packets that come twice.
#[test]
fn whatever_the_network_does_order_holds_and_delay_is_bounded() {
    let grid = [0.0, 0.05, 0.2].into_iter().flat_map(|loss| [1.0, 4.0].map(|burst| (loss, burst)));
    let grid = grid.flat_map(|(loss, burst)| [0, 20, 60, 120, 200].map(|jitter| (loss, burst, jitter)));
    let grid = grid.flat_map(|(loss, burst, jitter)| [true, false].map(|overtakes| (loss, burst, jitter, overtakes)));
    for (seed, (loss, burst, ms, overtakes)) in grid.enumerate() {
        let jitter = Duration::from_millis(ms);
        let (twice, seed) = (0.05, seed as u64);
        let network = Network { loss, burst, jitter, twice, overtakes, seed, ..Network::PERFECT };
        let change = 80 * (seed % 2) as u32;
        let (heard, buffer) = through(network, 1_500, 64_500, &Listener { change, ..LISTENER });
        let counts = buffer.counts();
        let case = format!("{network:?} {counts:?}");
        assert!(heard.seqs.windows(2).all(|pair| pair[0] < pair[1]), "in order, none twice: {case}");
        let longest = heard.delays.iter().max();
        assert!(longest <= Some(&Duration::from_millis(ms + 150)), "{longest:?} {case}");
        assert!(counts.late <= 45, "{case}");
        let expected = 1_500.0 * (1.0 - loss);
        assert!(f64::from(heard.sound) >= expected * 0.93 - 60.0 * f64::from(burst > 1.0), "{} {case}", heard.sound);
        // A burst is silence from its sixth packet on.
        assert!(heard.silence <= if burst > 1.0 { 200 } else { 90 }, "audio continues: {} {case}", heard.silence);
    }
}
