//! Writing SDP.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use super::agreed::Line;
use super::{Agreed, Codec, Direction, Local, security};

/// Payload types of telephone-event in our offers, by clock rate: 101 is what nearly everybody uses.
const OFFERED_EVENTS: [(u8, u32); 2] = [(101, 8_000), (102, 48_000)];
/// What we say of Opus: we repair from it, and carry no more than 8 kHz of sound (RFC 7587 §6.1).
const OPUS: &str = "useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000";
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
    let crypto = security::offered(local);
    let section = Section {
        address: local.address,
        proto: if crypto.is_some() { "RTP/SAVP" } else { "RTP/AVP" },
        crypto,
        formats: local.codecs.iter().map(|&codec| (codec, local.payload_type(codec))).collect(),
        events: OFFERED_EVENTS.into_iter().filter(|&(number, rate)| speaks_at(rate) && !is_taken(number)).collect(),
        ptime: Duration::from_millis(20),
        direction: local.direction,
        rtcp_mux: true,
    };
    let mut sdp = head(local.address, local.session, local.version);
    section.write(&mut sdp);
    sdp
}

/// What was agreed, line for line as it was offered.
pub(super) fn answer(agreed: &Agreed) -> String {
    let mut sdp = head(agreed.local_address, agreed.session, agreed.version);
    for line in &agreed.lines {
        match line {
            Line::Audio { proto } => Section {
                address: agreed.local_address,
                proto,
                crypto: agreed.secured.as_ref().map(security::answered),
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

/// One audio section.
struct Section<'a> {
    address: SocketAddr,
    proto: &'a str,
    /// Value of the line with our key.
    crypto: Option<String>,
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
        if let Some(crypto) = &self.crypto {
            push(sdp, format_args!("a=crypto:{crypto}"));
        }
        push(sdp, format_args!("a=ptime:{}", self.ptime.as_millis()));
        if self.rtcp_mux {
            push(sdp, format_args!("a=rtcp-mux"));
        }
        push(sdp, format_args!("a={}", self.direction.attribute()));
    }
}
