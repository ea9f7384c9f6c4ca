//! Writing SDP.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use super::agreed::{Line, Mid};
use super::handshake::{Credentials, Fingerprint, Role};
use super::security::{self, Offered};
use super::{Agreed, Codec, Direction, Local, Secured};

/// Payload types of telephone-event in our offers, by clock rate: 101 is what nearly everybody uses.
const OFFERED_EVENTS: [(u8, u32); 2] = [(101, 8_000), (102, 48_000)];
/// What we say of Opus: we repair from it, and carry no more than 8 kHz of sound (RFC 7587 §6.1).
const OPUS: &str = "useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000";
/// Priority of the one place where we are (RFC 8445 §5.1.2.1).
const HOST_PRIORITY: u32 = (126 << 24) | (65_535 << 8) | 255;
/// The keys we understand: 0–9, *, #, A–D (RFC 4733 §3.2).
const EVENTS: &str = "0-15";

/// The payload type that our offers give to telephone-event at that clock rate.
pub(super) fn offered_event(clock_rate: u32) -> Option<u8> {
    OFFERED_EVENTS.iter().find(|(_, rate)| *rate == clock_rate).map(|&(number, _)| number)
}

/// All that we can do, for the peer to choose from.
pub(super) fn offer(local: &Local) -> String {
    let speaks_at = |rate| local.codecs.iter().any(|codec| codec.clock_rate() == rate);
    let is_taken = |number| local.numbered.is_some_and(|(_, taken)| taken == number);
    let protection = match security::offered(local) {
        None => Protection::None,
        Some(Offered::Keys(line)) => Protection::Keys(line),
        Some(Offered::Handshake { certificate, checks }) => {
            Protection::Handshake { certificate, setup: "actpass", checks }
        }
    };
    let section = Section {
        address: local.address,
        proto: protection.usual_profile(),
        mid: local.mid.as_deref(),
        protection: &protection,
        formats: local.codecs.iter().map(|&codec| (codec, local.payload_type(codec))).collect(),
        events: OFFERED_EVENTS.into_iter().filter(|&(number, rate)| speaks_at(rate) && !is_taken(number)).collect(),
        ptime: Duration::from_millis(20),
        direction: local.direction,
        rtcp_mux: true,
    };
    let mut sdp = head(local.address, local.session, local.version);
    protection.write_for_all(&mut sdp);
    section.write(&mut sdp);
    sdp
}

/// What was agreed, line for line as it was offered.
pub(super) fn answer(agreed: &Agreed) -> String {
    let protection = match &agreed.secured {
        None => Protection::None,
        Some(Secured::Keys(keys)) => Protection::Keys(security::answered(keys)),
        Some(Secured::Handshake(handshake)) => Protection::Handshake {
            certificate: handshake.ours,
            setup: match handshake.role {
                Role::Active => "active",
                Role::Passive => "passive",
            },
            checks: handshake.ice.as_ref().map(|ice| ice.ours.clone()),
        },
    };
    let mut sdp = head(agreed.local_address, agreed.session, agreed.version);
    protection.write_for_all(&mut sdp);
    if let Some(Mid { name, is_bundled: true }) = agreed.mid() {
        push(&mut sdp, format_args!("a=group:BUNDLE {name}"));
    }
    for line in &agreed.lines {
        match line {
            Line::Audio { proto, mid } => Section {
                address: agreed.local_address,
                proto,
                mid: mid.as_ref().map(|mid| mid.name.as_str()),
                protection: &protection,
                formats: vec![(agreed.codec, agreed.payload_types.receive)],
                events: agreed.telephone_event.map(|event| (event.receive, event.clock_rate)).into_iter().collect(),
                ptime: agreed.ptime,
                direction: agreed.direction,
                rtcp_mux: agreed.rtcp_mux,
            }
            .write(&mut sdp),
            Line::Rejected { media, proto, fmt } => push(&mut sdp, format_args!("m={media} 0 {proto} {fmt}")),
        }
    }
    sdp
}

fn push(sdp: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a `String` does not fail.
    let _ = write!(sdp, "{line}\r\n");
}

fn head(address: SocketAddr, session: u64, version: u64) -> String {
    let mut sdp = String::with_capacity(320);
    let (family, ip) = (family(address), address.ip());
    push(&mut sdp, format_args!("v=0"));
    push(&mut sdp, format_args!("o=antevox {session} {version} IN {family} {ip}"));
    push(&mut sdp, format_args!("s=-"));
    push(&mut sdp, format_args!("c=IN {family} {ip}"));
    push(&mut sdp, format_args!("t=0 0"));
    sdp
}

fn family(address: SocketAddr) -> &'static str {
    if address.is_ipv6() { "IP6" } else { "IP4" }
}

/// What a section says of how its packets are protected.
enum Protection {
    None,
    /// The line with our key.
    Keys(String),
    Handshake {
        certificate: Fingerprint,
        setup: &'static str,
        /// What checks of the way to us are to show.
        checks: Option<Credentials>,
    },
}

impl Protection {
    const fn usual_profile(&self) -> &'static str {
        match self {
            Self::None => "RTP/AVP",
            Self::Keys(_) => "RTP/SAVP",
            Self::Handshake { .. } => "UDP/TLS/RTP/SAVPF",
        }
    }

    /// What stands before all sections.
    fn write_for_all(&self, sdp: &mut String) {
        if let Self::Handshake { checks: Some(_), .. } = self {
            push(sdp, format_args!("a=ice-lite"));
        }
    }

    fn write(&self, sdp: &mut String, address: SocketAddr) {
        match self {
            Self::None => {}
            Self::Keys(line) => push(sdp, format_args!("a=crypto:{line}")),
            Self::Handshake { certificate, setup, checks } => {
                push(sdp, format_args!("a=fingerprint:{certificate}"));
                push(sdp, format_args!("a=setup:{setup}"));
                let Some(Credentials { name, password }) = checks else { return };
                push(sdp, format_args!("a=ice-ufrag:{name}"));
                push(sdp, format_args!("a=ice-pwd:{password}"));
                let (ip, port) = (address.ip(), address.port());
                push(sdp, format_args!("a=candidate:1 1 udp {HOST_PRIORITY} {ip} {port} typ host"));
                push(sdp, format_args!("a=end-of-candidates"));
            }
        }
    }
}

/// One audio section.
struct Section<'a> {
    address: SocketAddr,
    proto: &'a str,
    mid: Option<&'a str>,
    protection: &'a Protection,
    formats: Vec<(Codec, u8)>,
    /// Payload types of key presses and their clock rates.
    events: Vec<(u8, u32)>,
    ptime: Duration,
    direction: Direction,
    rtcp_mux: bool,
}

impl Section<'_> {
    fn write(&self, sdp: &mut String) {
        let numbers = self.formats.iter().map(|&(_, pt)| pt).chain(self.events.iter().map(|&(pt, _)| pt));
        let formats: Vec<String> = numbers.map(|pt| pt.to_string()).collect();
        push(sdp, format_args!("m=audio {} {} {}", self.address.port(), self.proto, formats.join(" ")));
        for &(codec, pt) in &self.formats {
            let (name, rate) = (codec.name(), codec.clock_rate());
            match codec.channels() {
                1 => push(sdp, format_args!("a=rtpmap:{pt} {name}/{rate}")),
                channels => push(sdp, format_args!("a=rtpmap:{pt} {name}/{rate}/{channels}")),
            }
            if codec == Codec::Opus {
                push(sdp, format_args!("a=fmtp:{pt} {OPUS}"));
            }
        }
        for (pt, rate) in &self.events {
            push(sdp, format_args!("a=rtpmap:{pt} telephone-event/{rate}"));
            push(sdp, format_args!("a=fmtp:{pt} {EVENTS}"));
        }
        if let Some(mid) = self.mid {
            push(sdp, format_args!("a=mid:{mid}"));
        }
        self.protection.write(sdp, self.address);
        push(sdp, format_args!("a=ptime:{}", self.ptime.as_millis()));
        if self.rtcp_mux {
            push(sdp, format_args!("a=rtcp-mux"));
        }
        push(sdp, format_args!("a={}", self.direction.attribute()));
    }
}
