//! Whatever comes from outside, nothing panics and nobody is locked out: inputs that are nearly right, made from samples.
//!
//! Each reader of `tests/support/readers.rs` takes the samples of `fixtures/strangers` as they are, then the same few thousand
//! inputs made of them; with `ANTEVOX_FUZZ_SECONDS` it goes on for so long, from a random beginning, which is printed. An input
//! that breaks something is printed too, and belongs among the samples. `make fuzz` lets the fuzzers of `tests/fuzz` look for
//! such with more cunning.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

#[path = "support/readers.rs"]
mod readers;
mod support;

use std::time::{Duration, Instant};

use antevox::rtp::dtls::Handshake;
use support::answering::{Manner, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

/// Inputs of a plain run.
const INPUTS: u64 = 3_000;
/// Longest input (bytes).
const LONGEST: usize = 4_096;

/// Makes inputs out of samples.
struct Mutator {
    rng: fastrand::Rng,
    samples: Vec<Vec<u8>>,
    until: Option<Instant>,
    made: u64,
}

impl Mutator {
    /// Starts from the samples of one reader.
    fn of(name: &str) -> Self {
        Self::from(readers::samples(name))
    }

    fn from(samples: Vec<Vec<u8>>) -> Self {
        let seconds = std::env::var("ANTEVOX_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
        let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let seed = until.map_or(1, |_| fastrand::u64(..));
        println!("seed {seed}, {} samples", samples.len());
        Self { rng: fastrand::Rng::with_seed(seed), samples, until, made: 0 }
    }

    /// The next input; `None` at the end of the run.
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.until.map_or(self.made >= INPUTS, |until| Instant::now() >= until) {
            println!("{} inputs", self.made);
            return None;
        }
        self.made += 1;
        if let Some(sample) = self.samples.get(self.made as usize - 1) {
            return Some(sample.clone());
        }
        let mut input = self.sample();
        for _ in 0..self.rng.usize(0..8) {
            self.change(&mut input);
        }
        input.truncate(LONGEST);
        Some(input)
    }

    fn sample(&mut self) -> Vec<u8> {
        let which = self.rng.usize(..self.samples.len());
        self.samples[which].clone()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let rng = &mut self.rng;
        let at = rng.usize(..=input.len());
        let end = (at + rng.usize(0..16)).min(input.len());
        match rng.u8(0..8) {
            0 => input.insert(at, rng.u8(..)),
            1 => input.truncate(at),
            2 => drop(input.drain(at..end)),
            3 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            4 => {
                let odd: &[u8] = match rng.u8(0..6) {
                    0 => b"4294967296",
                    1 => b"-1",
                    2 => b"\r\n",
                    3 => b"\0",
                    4 => "\u{feff}é".as_bytes(),
                    _ => b"%00;=,:\"<>[]|",
                };
                input.splice(at..end, odd.iter().copied());
            }
            5 => {
                let other = self.sample();
                let from = self.rng.usize(..=other.len());
                input.splice(at.., other[from..].iter().copied());
            }
            6 => {
                let other = self.sample();
                input.extend([readers::BETWEEN, &other].concat());
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << rng.u8(0..8);
                }
            }
        }
    }

    /// Feeds `target` until the end of the run, and shows the input that it panics at.
    fn feed(mut self, mut target: impl FnMut(&[u8])) {
        while let Some(input) = self.next() {
            let shown = ShownOnPanic(&input);
            target(shown.0);
        }
    }
}

struct ShownOnPanic<'a>(&'a [u8]);

impl Drop for ShownOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was b\"{}\"", self.0.escape_ascii());
        }
    }
}

#[test]
fn session_descriptions() {
    Mutator::of("sdp").feed(readers::sdp);
}

#[test]
fn rtp_packets() {
    Mutator::of("rtp").feed(readers::rtp);
}

#[test]
fn rtcp_packets() {
    Mutator::of("rtcp").feed(readers::rtcp);
}

#[test]
fn protected_packets() {
    Mutator::of("srtp").feed(readers::srtp);
}

#[test]
fn checks_of_the_way() {
    Mutator::of("stun").feed(readers::stun);
}

/// A server's half of a handshake, and a caller's datagrams that are nearly right.
#[test]
fn handshakes() {
    let (engine, now) = (readers::engine(), Instant::now());
    // A whole handshake: all that a caller says in it is a sample.
    let (mut caller, mut server) = (Handshake::begun(&engine, now), Handshake::awaited(&engine, now));
    let mut samples = readers::samples("dtls");
    let before = samples.len();
    for _ in 0..4 {
        caller.wait(now).unwrap();
        for datagram in readers::said(&mut caller) {
            server.receive(now, &datagram).unwrap();
            samples.push(datagram);
        }
        for datagram in readers::said(&mut server) {
            caller.receive(now, &datagram).unwrap();
        }
    }
    assert!(samples.len() >= before + 3, "hello, hello with a cookie, certificate and the rest");
    Mutator::from(samples).feed(readers::dtls);
}

#[test]
fn key_presses() {
    Mutator::of("telephone_event").feed(readers::telephone_event);
}

#[test]
fn sound_files() {
    Mutator::of("sound_file").feed(readers::sound_file);
}

#[test]
fn dialplans_and_settings() {
    Mutator::of("dialplan").feed(readers::dialplan);
}

#[test]
fn tables() {
    Mutator::of("table").feed(readers::table);
}

#[test]
fn signalling() {
    Mutator::of("sip").feed(readers::sip);
}

#[test]
fn web_socket_frames() {
    Mutator::of("web_socket").feed(readers::web_socket);
}

/// Inputs between two questions whether the server is still there.
const BETWEEN: u64 = 200;

/// Demands that OPTIONS is answered.
async fn is_there(server: &Server) {
    let mut phone = support::phone::Phone::new(server.udp()).await;
    phone.send("OPTIONS", "", "").await;
    assert_eq!(phone.hear().await.status(), 200);
}

#[tokio::test]
async fn sip_datagrams() {
    let server = Server::start(Manner::Rings).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut mutator = Mutator::of("sip");
    while let Some(input) = mutator.next() {
        let shown = ShownOnPanic(&input);
        socket.send_to(shown.0, server.udp()).await.unwrap();
        if mutator.made.is_multiple_of(BETWEEN) {
            is_there(&server).await;
        }
    }
    is_there(&server).await;
}

/// What comes after a WebSocket's handshake: frames, whole and broken.
#[tokio::test]
async fn web_sockets() {
    let server = Server::start(Manner::Rings).await;
    let mut mutator = Mutator::of("web_socket");
    let address = server.address(antevox::server::sip::Transport::Ws, true);
    while let Some(input) = mutator.next() {
        let shown = ShownOnPanic(&input);
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let _ = stream.write_all(readers::HELLO).await;
            let _ = stream.write_all(shown.0).await;
        }
        if mutator.made.is_multiple_of(BETWEEN) {
            is_there(&server).await;
        }
    }
    is_there(&server).await;
}

#[tokio::test]
async fn sip_streams() {
    let server = Server::start(Manner::Rings).await;
    let mut mutator = Mutator::of("sip");
    while let Some(input) = mutator.next() {
        let shown = ShownOnPanic(&input);
        // The server may hang up on nonsense at any byte.
        if let Ok(mut stream) = TcpStream::connect(server.tcp()).await {
            let _ = stream.write_all(shown.0).await;
        }
        if mutator.made.is_multiple_of(BETWEEN) {
            is_there(&server).await;
        }
    }
    is_there(&server).await;
}
