//! Everything that reads what strangers send, each as a function from bytes: for `tests/no_input_makes_it_panic.rs` and for the
//! fuzzers in `tests/fuzz`. What it answers is checked, too, where that says something.
//!
//! Readers of datagrams take several at once, parted by [`BETWEEN`]: what a packet does depends on those before it.

#![allow(dead_code, unreachable_pub)] // a fuzzer uses one of them
#![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antevox::leg::MediaLeg;
use antevox::rtp::dtls::{Engine, Handshake, Step};
use antevox::rtp::rtcp::Exchange;
use antevox::rtp::srtp::{Opener, Sealer, Transform};
use antevox::rtp::stun::Check;
use antevox::rtp::telephone_event::KeyReceiver;
use antevox::rtp::{Packet, Seeds};
use antevox::sdp::{
    Agreed, Codec, Fingerprint, Local, SECRET_BYTES, Secret, Security, accept_answer, negotiate, offer,
};
use antevox::server::sip::reading::{self, Read};
use antevox::server::store::tables::{Source, TABLES};
use antevox::units::{LegId, RtpTimestamp};

/// What parts the datagrams of one input.
pub const BETWEEN: &[u8] = b"-next-";
/// Datagrams of one input that are read.
const MOST: usize = 64;

/// Samples of what a reader reads: those in `fixtures/strangers`, among them all that ever broke something, and those in the folders
/// of `seeds.tsv`.
pub fn samples(name: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let others = include_str!("../../fixtures/strangers/seeds.tsv").lines().filter_map(|line| line.split_once('\t'));
    let folders = others.filter(|(of, _)| *of == name).map(|(_, folder)| root.join(folder));
    let mut samples = Vec::new();
    for folder in folders.chain([root.join("fixtures/strangers").join(name)]) {
        match std::fs::read_dir(&folder) {
            Ok(files) => samples.extend(files.filter_map(|file| std::fs::read(file.ok()?.path()).ok())),
            Err(_) => println!("without the samples of {}: they are not there", folder.display()),
        }
    }
    // The order of a folder is nobody's promise.
    samples.sort();
    samples
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4_000))
}

fn datagrams(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(input);
    let next = move || {
        let input = rest?;
        let end = input.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        rest = end.map(|end| &input[end + BETWEEN.len()..]);
        Some(&input[..end.unwrap_or(input.len())])
    };
    std::iter::from_fn(next).take(MOST)
}

/// Some moment: readers count from it.
fn start() -> Instant {
    thread_local!(static START: Instant = Instant::now());
    START.with(|start| *start)
}

/// What is read of signalling may be answered; an answer is whole, and what we answer a good request passes as a response.
fn answered(read: &[Read]) {
    for read in read {
        match read {
            Read::Request(ok) => {
                let again = reading::datagram(ok, address(1));
                assert_eq!(again, Read::Response, "our answer: {}", ok.escape_ascii());
            }
            Read::Refused(answer) => {
                assert!(answer.starts_with(b"SIP/2.0 ") && answer.ends_with(b"\r\n\r\n"), "{}", answer.escape_ascii());
            }
            Read::Response | Read::Dropped => {}
        }
    }
}

/// SIP as datagrams and as a stream.
pub fn sip(input: &[u8]) {
    answered(&[reading::datagram(input, address(2))]);
    answered(&reading::stream(input, 1 + input.len() / 3, address(2)));
}

/// The handshake of a WebSocket, from those who connect.
pub const HELLO: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

/// What comes after a WebSocket's handshake; the handshake itself where the input begins like one.
pub fn web_socket(input: &[u8]) {
    let bytes = if input.starts_with(b"GET ") { input.to_vec() } else { [HELLO, input].concat() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let connection = tokio::io::join(std::io::Cursor::new(bytes), tokio::io::sink());
        answered(&reading::web_socket(connection, address(2)).await);
    });
}

/// All codecs, SRTP by either way.
fn everything() -> Local {
    let security = Security::Possible(Secret::new([7; SECRET_BYTES]));
    let certificate = Some(Fingerprint::of(b"a certificate"));
    Local { codecs: Codec::ALL.to_vec(), security, certificate, ..Local::new(address(1), 1) }
}

/// A description, as an offer and as an answer.
pub fn sdp(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(agreed) = negotiate(&everything(), &text) {
        let answer = agreed.answer_sdp();
        assert!(answer.starts_with("v=0\r\n") && !answer.contains("\r\n\r\n"), "{answer}");
        let _ = offer(&agreed.next_local());
    }
    let _ = accept_answer(&everything(), &text);
}

/// What the hotline agreed on with a caller who speaks only `codec`.
fn agreed(codec: Codec) -> Agreed {
    let caller = Local { codecs: vec![codec], ..Local::new(address(2), 2) };
    negotiate(&everything(), &offer(&caller)).expect("what both know")
}

/// A leg takes the datagrams, 10 ms apart, and gives a frame after each. Which codec, the length of the input says.
pub fn rtp(input: &[u8]) {
    thread_local!(static AGREED: Vec<Agreed> = Codec::ALL.iter().map(|&codec| agreed(codec)).collect());
    let seeds = Seeds { ssrc: 1, seq: 1, timestamp: 1 };
    let mut leg = AGREED.with(|agreed| MediaLeg::new(LegId::CALLER, &agreed[input.len() % agreed.len()], seeds));
    let mut now = start();
    for datagram in datagrams(input) {
        now += Duration::from_millis(10);
        leg.receive(now, address(2), datagram);
        leg.pull(now);
    }
    leg.stats();
}

/// Compound packets with reports, of which those about source 1 are about us.
pub fn rtcp(input: &[u8]) {
    let (mut exchange, mut now) = (Exchange::new(1), start());
    for datagram in datagrams(input) {
        now += Duration::from_secs(2);
        exchange.receive(now, datagram, 1);
        exchange.is_due(now);
    }
    let _ = (exchange.round_trip(), exchange.remote_loss(), exchange.remote_mos());
}

/// Nobody without the keys is believed; what was protected with them comes out as it went in, once.
pub fn srtp(input: &[u8]) {
    for transform in [Transform::AesCm80, Transform::AesCm32, Transform::AesGcm128, Transform::AesGcm256] {
        let (key, salt) = transform.secret_bytes();
        let secret = vec![7; key + salt];
        let opener = || Opener::new(transform, &secret).expect("a key of that length");
        let mut stranger = opener();
        assert!(stranger.open_rtp(&mut input.to_vec()).is_err() && stranger.open_rtcp(&mut input.to_vec()).is_err());
        let mut sealer = Sealer::new(transform, &secret).expect("a key of that length");
        let (mut sound, mut report) = (input.to_vec(), input.to_vec());
        if sealer.seal_rtp(&mut sound).is_ok() {
            let (mut first, mut again, mut friend) = (sound.clone(), sound, opener());
            assert!(friend.open_rtp(&mut first).is_ok() && first == input, "{transform:?}");
            assert!(friend.open_rtp(&mut again).is_err(), "{transform:?}");
        }
        if sealer.seal_rtcp(&mut report).is_ok() {
            assert!(opener().open_rtcp(&mut report).is_ok() && report == input, "{transform:?}");
        }
    }
}

/// The password of [`stun`]'s party, also in the fixture.
const PASSWORD: &str = "abcdefghijklmnopqrstuvwx";

/// A check of the way.
pub fn stun(input: &[u8]) {
    if let Ok(check) = Check::read(input, "ours", PASSWORD) {
        let mut answer = Vec::new();
        check.answer(address(2), PASSWORD, &mut answer);
        assert_eq!(answer[4..20], input[4..20], "the same transaction");
    }
}

/// An engine with a certificate of its own.
pub fn engine() -> Arc<Engine> {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::new(Vec::new()).and_then(|own| own.self_signed(&key)).expect("one");
    Arc::new(Engine::new(certificate.der().to_vec(), key.serialize_der()).expect("an engine"))
}

/// What a handshake says next.
pub fn said(from: &mut Handshake) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    let steps = std::iter::from_fn(|| from.poll(&mut bytes).map(|step| (step, bytes.clone())));
    steps.filter(|(step, _)| matches!(step, Step::Send)).map(|(_, bytes)| bytes).collect()
}

/// A server's half of a handshake, to which the datagrams come.
pub fn dtls(input: &[u8]) {
    thread_local!(static ENGINE: Arc<Engine> = engine());
    let mut now = start();
    let mut server = ENGINE.with(|engine| Handshake::awaited(engine, now));
    for datagram in datagrams(input) {
        now += Duration::from_millis(1);
        if server.receive(now, datagram).is_err() {
            break;
        }
        said(&mut server);
    }
}

/// Four bytes of time and a payload each, and a packet with whatever head.
pub fn telephone_event(input: &[u8]) {
    let mut keys = KeyReceiver::default();
    for datagram in datagrams(input) {
        if let Some((start, payload)) = datagram.split_first_chunk::<4>() {
            keys.receive(RtpTimestamp(u32::from_be_bytes(*start)), payload);
        }
        let _ = Packet::parse(datagram);
    }
}

/// A file with sound.
pub fn sound_file(input: &[u8]) {
    let _ = antevox::audio::file::decode(input.to_vec());
}

/// A dialplan, and the settings.
pub fn dialplan(input: &[u8]) {
    let text = String::from_utf8_lossy(input).into_owned();
    let _ = antevox::config::layered(Some((Path::new("f"), &text)), [], &[]);
    let _ = antevox::dialog::dialplan::Plan::from_files(vec![("dialplan.yaml".into(), text)]);
}

/// A table of each kind.
pub fn table(input: &[u8]) {
    let text = String::from_utf8_lossy(input).into_owned();
    let sources = TABLES.map(|table| Source { table, file: table.into(), text: text.clone() });
    let _ = antevox::server::store::tables::read(&sources);
}
