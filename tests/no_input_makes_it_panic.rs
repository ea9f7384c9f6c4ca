//! Whatever comes from outside, nothing panics and nobody is locked out: inputs that are nearly right, made from samples.
//!
//! A plain run takes each target through the same few thousand inputs. `make fuzz` gives each a minute
//! (`ANTEVOX_FUZZ_SECONDS`) from a random beginning, which it prints; an input that breaks something is printed too, and
//! belongs into the tests of the room that it broke. Samples of others, where they lie beside the repository, come first.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use antevox::leg::MediaLeg;
use antevox::rtp::dtls::{Engine, Handshake, Step};
use antevox::rtp::srtp::{Opener, Transform};
use antevox::rtp::stun::{self, Check};
use antevox::rtp::telephone_event::KeyReceiver;
use antevox::rtp::{Packet, Seeds};
use antevox::sdp::{
    Agreed, Codec, Fingerprint, Local, SECRET_BYTES, Secret, Security, accept_answer, negotiate, offer,
};
use antevox::server::store::tables::{Source, TABLES};
use antevox::units::{LegId, RtpTimestamp};
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
    /// Starts from `own` samples and those in the folders of the data beside the repository.
    fn new(folders: &[&str], own: &[&[u8]]) -> Self {
        let mut samples: Vec<Vec<u8>> = own.iter().map(|sample| sample.to_vec()).collect();
        for folder in folders {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(folder);
            match std::fs::read_dir(&folder) {
                Ok(files) => samples.extend(files.filter_map(|file| std::fs::read(file.ok()?.path()).ok())),
                Err(_) => println!("without the samples of {}: they are not there", folder.display()),
            }
        }
        // The order of a folder is nobody's promise.
        samples.sort();
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
        match rng.u8(0..7) {
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

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4_000))
}

fn everything() -> Local {
    let security = Security::Possible(Secret::new([7; SECRET_BYTES]));
    let certificate = Some(Fingerprint::of(b"a certificate"));
    Local { codecs: Codec::ALL.to_vec(), security, certificate, ..Local::new(address(1), 1) }
}

const OFFER: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
    m=audio 5004 RTP/SAVP 96 9 0 8 101 102\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1;usedtx=1\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000\r\na=ptime:20\r\na=rtcp:5010\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^31\r\na=sendonly\r\n";

const BROWSERS_OFFER: &[u8] = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n";

#[test]
fn session_descriptions() {
    Mutator::new(&["sip/fuzz-pjsip/sdp", "sip/fuzz-pjsip/sdes"], &[OFFER, BROWSERS_OFFER]).feed(|input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(agreed) = negotiate(&everything(), &text) {
            let answer = agreed.answer_sdp();
            assert!(answer.starts_with("v=0\r\n") && !answer.contains("\r\n\r\n"), "{answer}");
            let _ = offer(&agreed.next_local());
        }
        let _ = accept_answer(&everything(), &text);
    });
}

/// What the hotline agreed on with a caller who speaks only `codec`.
fn agreed(codec: Codec) -> Agreed {
    let caller = Local { codecs: vec![codec], ..Local::new(address(2), 2) };
    negotiate(&everything(), &offer(&caller)).unwrap()
}

/// Feeds datagrams to a leg of each codec in turn, each followed by a frame that is pulled.
fn datagrams(mutator: Mutator) {
    let seeds = Seeds { ssrc: 1, seq: 1, timestamp: 1 };
    let mut legs: Vec<MediaLeg> =
        Codec::ALL.iter().map(|&codec| MediaLeg::new(LegId::CALLER, &agreed(codec), seeds)).collect();
    let (mut now, mut nth) = (Instant::now(), 0);
    mutator.feed(|input| {
        now += Duration::from_millis(10);
        nth = (nth + 1) % legs.len();
        legs[nth].receive(now, address(2), input);
        legs[nth].pull(now);
        legs[nth].stats();
    });
}

#[test]
fn rtp_packets() {
    let sound = [&[0x80, 0x60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9][..], &[0x78; 60]].concat();
    let extended =
        [&[0xb1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9, 1, 1, 1, 1, 0xbe, 0xde, 0, 1, 1, 2, 3, 4][..], &[5; 40]].concat();
    let key = [0x80, 0xe5, 0, 3, 0, 0, 0, 1, 0, 0, 0, 9, 4, 0x8a, 3, 0x20];
    datagrams(Mutator::new(&["sip/fuzz-pjsip/audio"], &[&sound, &extended, &key]));
}

#[test]
fn rtcp_packets() {
    let report = [&[0x81, 200, 0, 12, 0, 0, 0, 9][..], &[1; 44]].concat();
    let goodbye = [0x81, 203, 0, 1, 0, 0, 0, 9];
    datagrams(Mutator::new(&["sip/fuzz-pjsip/rtcp"], &[&report, &goodbye]));
}

#[test]
fn protected_packets() {
    let openers =
        [Transform::AesCm80, Transform::AesCm32, Transform::AesGcm128, Transform::AesGcm256].map(|transform| {
            let (key, salt) = transform.secret_bytes();
            Opener::new(transform, &vec![7; key + salt]).unwrap()
        });
    let mut openers = openers;
    Mutator::new(&["sip/fuzz-pjsip/srtp"], &[&[0x80; 40]]).feed(|input| {
        for opener in &mut openers {
            assert!(opener.open_rtp(&mut input.to_vec()).is_err() && opener.open_rtcp(&mut input.to_vec()).is_err());
        }
    });
}

#[test]
fn checks_of_the_way() {
    const PASSWORD: &str = "abcdefghijklmnopqrstuvwx";
    let (mut check, mut answer) = (Vec::new(), Vec::new());
    stun::request([1; 12], ("ours:theirs", PASSWORD), true, &mut check);
    Mutator::new(&["sip/fuzz-pjsip/stun"], &[&check]).feed(|input| {
        if let Ok(read) = Check::read(input, "ours", PASSWORD) {
            assert_eq!(input[8..20], check[8..20], "nobody else knows the password");
            read.answer(address(2), PASSWORD, &mut answer);
        }
    });
}

/// A server's half of a handshake, and a caller's datagrams that are nearly right.
#[test]
fn handshakes() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let engine = Engine::new(certificate.der().to_vec(), key.serialize_der()).unwrap();
    let (now, mut bytes) = (Instant::now(), Vec::new());
    let mut said = |from: &mut Handshake| {
        let steps = std::iter::from_fn(|| from.poll(&mut bytes).map(|step| (step, bytes.clone())));
        let sent: Vec<_> = steps.filter(|(step, _)| matches!(step, Step::Send)).map(|(_, bytes)| bytes).collect();
        sent
    };
    // A whole handshake: all that a caller says in it is a sample.
    let (mut caller, mut server) = (Handshake::begun(&engine, now), Handshake::awaited(&engine, now));
    let mut samples = Vec::new();
    for _ in 0..4 {
        caller.wait(now).unwrap();
        for datagram in said(&mut caller) {
            server.receive(now, &datagram).unwrap();
            samples.push(datagram);
        }
        for datagram in said(&mut server) {
            caller.receive(now, &datagram).unwrap();
        }
    }
    assert!(samples.len() >= 3, "hello, hello with a cookie, certificate and the rest");
    let hello = samples[0].clone();
    let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
    let (mut server, mut heard, mut later) = (Handshake::awaited(&engine, now), 0, now);
    Mutator::new(&["sip/fuzz-pjsip/dtls"], &samples).feed(|input| {
        later += Duration::from_millis(1);
        heard += 1;
        let is_over = server.receive(later, input).is_err();
        said(&mut server);
        if is_over || heard % 16 == 0 {
            server = Handshake::awaited(&engine, later);
            let _ = server.receive(later, &hello);
            said(&mut server);
        }
    });
}

#[test]
fn key_presses() {
    let mut keys = KeyReceiver::default();
    Mutator::new(&[], &[&[0, 0, 0, 1, 5, 0x8a, 3, 0x20]]).feed(|input| {
        if let Some((start, payload)) = input.split_first_chunk::<4>() {
            keys.receive(RtpTimestamp(u32::from_be_bytes(*start)), payload);
        }
        let _ = Packet::parse(input);
    });
}

#[test]
fn sound_files() {
    let mut wav = std::io::Cursor::new(Vec::new());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(&mut wav, spec).unwrap();
    (0..200).for_each(|sample| writer.write_sample(sample as i16).unwrap());
    writer.finalize().unwrap();
    Mutator::new(&["sip/fuzz-pjsip/wav"], &[wav.get_ref()]).feed(|input| {
        let _ = antevox::audio::file::decode(input.to_vec());
    });
}

#[test]
fn dialplans_and_settings() {
    let plan = include_bytes!("../dialplans/hotline-en/dialplan.yaml");
    let settings = b"[sip]\nlisten = [\"0.0.0.0:5060\"]\n[rtp]\nports = \"20000-29999\"\ncodecs = [\"opus\"]\n";
    Mutator::new(&[], &[plan, settings]).feed(|input| {
        let text = String::from_utf8_lossy(input).into_owned();
        let _ = antevox::config::layered(Some((Path::new("f"), &text)), [], &[]);
        let _ = antevox::dialog::dialplan::Plan::from_files(vec![("dialplan.yaml".into(), text)]);
    });
}

#[test]
fn tables() {
    let members = include_bytes!("../fixtures/demo/members.csv");
    let orders = include_bytes!("../fixtures/demo/orders.csv");
    let calls = include_bytes!("../fixtures/demo/calls.csv");
    Mutator::new(&[], &[members, orders, calls]).feed(|input| {
        let text = String::from_utf8_lossy(input).into_owned();
        let sources = TABLES.map(|table| Source { table, file: table.into(), text: text.clone() });
        let _ = antevox::server::store::tables::read(&sources);
    });
}

const INVITE: &[u8] = b"INVITE sip:95188@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKfuzz\r\n\
    From: \"Li\" <sip:1@127.0.0.1>;tag=f\r\nTo: <sip:95188@127.0.0.1>\r\nCall-ID: fuzz\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:1@127.0.0.1>\r\nMax-Forwards: 70\r\nSupported: timer\r\nSession-Expires: 1800;refresher=uac\r\n\
    Require: 100rel\r\nContent-Type: application/sdp\r\nContent-Length: 0\r\n\r\n";

/// Inputs between two questions whether the server is still there.
const BETWEEN: u64 = 200;

fn signalling() -> Mutator {
    Mutator::new(&["sip/fuzz-pjsip/sip", "sip/fuzz-pjsip/sip-dialog", "sip/rfc4475", "sip/rfc5118"], &[INVITE])
}

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
    let mut mutator = signalling();
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
    let framed = |first: u8, payload: &[u8]| {
        let length = (payload.len() as u16).to_be_bytes();
        [&[first, 0xfe, length[0], length[1], 0, 0, 0, 0][..], payload].concat()
    };
    let (whole, part, ping) = (framed(0x81, INVITE), framed(0x01, &INVITE[..99]), framed(0x89, b"ping"));
    let mut mutator = Mutator::new(&["sip/fuzz-pjsip/sip"], &[&whole, &part, &ping, &[0x88, 0x80, 0, 0, 0, 0]]);
    let address = server.address(antevox::server::sip::Transport::Ws, true);
    while let Some(input) = mutator.next() {
        let shown = ShownOnPanic(&input);
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let hello = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Protocol: sip\r\n\r\n";
            let _ = stream.write_all(hello).await;
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
    let mut mutator = signalling();
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
