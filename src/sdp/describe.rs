//! Writing SDP.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use super::agreed::Line;
use super::{Agreed, Codec, Direction, Local};

/// Payload type of telephone-event in our offers: the first dynamic number that nearly everybody uses for it.
pub(super) const OFFERED_EVENT: u8 = 101;
/// The keys we understand: 0–9, *, #, A–D (RFC 4733 §3.2).
const EVENTS: &str = "0-15";

/// All that we can do, for the peer to choose from.
pub(super) fn offer(local: &Local) -> String {
    let formats = local.codecs.iter().filter_map(|&codec| Some((codec, codec.static_payload_type()?)));
    let section = Section {
        address: local.address,
        proto: "RTP/AVP",
        formats: formats.collect(),
        event: Some(OFFERED_EVENT),
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
                formats: vec![(agreed.codec, agreed.payload_types.receive)],
                event: agreed.telephone_event.map(|event| event.receive),
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
    formats: Vec<(Codec, u8)>,
    event: Option<u8>,
    ptime: Duration,
    direction: Direction,
    rtcp_mux: bool,
}

impl Section<'_> {
    fn write(&self, sdp: &mut String) {
        let numbers = self.formats.iter().map(|&(_, pt)| pt).chain(self.event);
        let formats: Vec<String> = numbers.map(|pt| pt.to_string()).collect();
        push(sdp, format_args!("m=audio {} {} {}", self.address.port(), self.proto, formats.join(" ")));
        for &(codec, pt) in &self.formats {
            push(sdp, format_args!("a=rtpmap:{pt} {}/{}", codec.name(), codec.clock_rate()));
        }
        if let (Some(event), Some(&(codec, _))) = (self.event, self.formats.first()) {
            push(sdp, format_args!("a=rtpmap:{event} telephone-event/{}", codec.clock_rate()));
            push(sdp, format_args!("a=fmtp:{event} {EVENTS}"));
        }
        push(sdp, format_args!("a=ptime:{}", self.ptime.as_millis()));
        if self.rtcp_mux {
            push(sdp, format_args!("a=rtcp-mux"));
        }
        push(sdp, format_args!("a={}", self.direction.attribute()));
    }
}
