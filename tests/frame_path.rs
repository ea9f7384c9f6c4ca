//! The frame path does not allocate: not for a packet, not for a frame, not for a lost one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(unsafe_code, reason = "a global allocator that counts cannot be written without")]
#![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use antevox::audio::mix::Gain;
use antevox::audio::{FRAME_SAMPLES, Frame};
use antevox::leg::MediaLeg;
use antevox::rtp::Seeds;
use antevox::sdp::{self, Codec, Local, SECRET_BYTES, Secret, Security};
use antevox::units::LegId;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator; counting touches only a thread-local `Cell` without a
// destructor, which needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4_000))
}

#[test]
fn receive_pull_and_send_do_not_allocate() {
    for &codec in Codec::ALL {
        no_allocation_with(codec);
    }
}

/// A call between addresses `a` and `b`: the leg at each end, their sound protected by `security`.
fn legs(codec: Codec, [a, b]: [u8; 2], security: Security) -> [MediaLeg; 2] {
    let local = |n: u8| Local { codecs: vec![codec], security, ..Local::new(address(n), n.into()) };
    let answered = sdp::negotiate(&local(b), &sdp::offer(&local(a))).expect("common codecs");
    let offered = sdp::accept_answer(&local(a), &answered.answer_sdp()).expect("an answer");
    let near = MediaLeg::new(LegId(0), &offered, Seeds { ssrc: a.into(), seq: 65_000, timestamp: 1 });
    let far = MediaLeg::new(LegId(1), &answered, Seeds { ssrc: b.into(), seq: 7, timestamp: u32::MAX - 9_000 });
    [near, far]
}

/// A caller's telephone, our leg to it, our leg to an agent and the agent's telephone: the packets of the caller go on as they
/// are, some are lost, some overtaken.
#[test]
fn what_passes_a_bridge_is_not_allocated() {
    for &codec in Codec::ALL {
        for security in [Security::Clear, Security::Demanded(Secret::new([7; SECRET_BYTES]))] {
            no_allocation_on_a_bridge(codec, security);
        }
    }
}

fn no_allocation_on_a_bridge(codec: Codec, security: Security) {
    let [mut caller, mut to_caller] = legs(codec, [1, 2], security);
    let [mut to_agent, mut agent] = legs(codec, [3, 4], security);
    let (start, mut rng) = (Instant::now(), fastrand::Rng::with_seed(5));
    let (mut given, mut before, mut out) =
        (Vec::with_capacity(2_048), Vec::with_capacity(2_048), Vec::with_capacity(2_048));
    let mut passed = 0;
    let mut round = |n: u32| {
        let now = start + Duration::from_millis(20) * n;
        let frame = Frame(std::array::from_fn(|i| ((i as i16) % 40 - 20) * 300));
        caller.send(&frame, now, &mut given).expect("each frame is a packet");
        if n.is_multiple_of(7) {
            std::mem::swap(&mut given, &mut before);
        } else if rng.f32() > 0.1 {
            to_caller.receive_for(now, address(1), &given, &mut to_agent);
            if n % 7 == 1 && !before.is_empty() {
                to_caller.receive_for(now, address(1), &before, &mut to_agent);
            }
        }
        to_caller.pull(now);
        assert!(to_caller.speaks_like(&to_agent));
        while to_agent.send_passed(now, &mut out).is_some() {
            passed += 1;
            agent.receive(now, address(3), &out);
        }
        to_agent.rest(now, &mut out);
        agent.pull(now);
    };
    (0..200).for_each(&mut round);
    let allocated = ALLOCATIONS.get();
    (200..1_200).for_each(&mut round);
    assert_eq!(ALLOCATIONS.get() - allocated, 0, "in 1,000 packets of {codec:?}, {security:?}");
    assert!(passed > 850, "packets came through: {passed}");
}

fn no_allocation_with(codec: Codec) {
    let mut legs = legs(codec, [1, 2], Security::Clear);
    let start = Instant::now();
    let (mut bytes, mut rng) = (Vec::with_capacity(2_048), fastrand::Rng::with_seed(3));
    let mut gain = Gain::default();
    let mut heard = 0;
    let mut round = |n: u32| {
        let now = start + Duration::from_millis(20) * n;
        for at in [address(1), address(2)] {
            let [from, to] = &mut legs;
            let mut frame = Frame(std::array::from_fn(|i| ((i as i16) % 40 - 20) * 300));
            gain.apply(&mut frame);
            let sent = from.send(&frame, now, &mut bytes).is_some();
            if sent && rng.f32() > 0.1 {
                to.receive(now, at, &bytes);
            }
            heard += u32::from(to.pull(now).frame.rms() > 100.0);
            legs.swap(0, 1);
        }
        if n.is_multiple_of(100) {
            legs[0].send_keys("4");
        }
    };
    (0..200).for_each(&mut round);
    let before = ALLOCATIONS.get();
    (200..1_200).for_each(&mut round);
    assert_eq!(ALLOCATIONS.get() - before, 0, "in 2,000 frames of {codec:?}");
    assert!(heard > 2_100, "sound came through: {heard}");
    assert_eq!(FRAME_SAMPLES, 320);
}
