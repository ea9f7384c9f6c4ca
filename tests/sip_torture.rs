//! The torture messages of RFC 4475 and, with IPv6 in them, of RFC 5118, each with an answer that the RFC allows an endpoint to give.
//!
//! The messages themselves are not part of this repository.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::time::Duration;

use antevox::sdp::{Local, negotiate};
use support::answering::{Manner, Server};
use tokio::net::UdpSocket;

/// Message and acceptable first final answers; none: it must not be answered.
const RFC_4475: [(&str, &[u16]); 49] = [
    ("wsinv", &[481]),
    ("intmeth", &[405, 501]),
    ("esc01", &[200]),
    ("escnull", &[405]),
    ("esc02", &[405, 501]),
    ("lwsdisp", &[200]),
    ("longreq", &[200]),
    ("dblreq", &[405]),
    ("semiuri", &[200]),
    ("transports", &[200]),
    ("mpart01", &[405, 415]),
    ("unreason", &[]),
    ("noreason", &[]),
    ("badinv01", &[400]),
    ("clerr", &[400]),
    ("ncl", &[400]),
    ("scalar02", &[400]),
    ("scalarlg", &[]),
    ("quotbal", &[400]),
    ("ltgtruri", &[400]),
    ("lwsruri", &[400]),
    ("lwsstart", &[400]),
    ("trws", &[200, 400]),
    ("escruri", &[400]),
    ("baddate", &[200, 400]),
    ("regbadct", &[400, 405]),
    ("badaspec", &[200, 400]),
    ("baddn", &[200, 400]),
    ("badvers", &[505]),
    ("mismatch01", &[400]),
    ("mismatch02", &[400, 405, 501]),
    ("bigcode", &[]),
    ("badbranch", &[200, 400]),
    ("insuf", &[400]),
    ("unkscm", &[416]),
    ("novelsc", &[416]),
    ("unksm2", &[405]),
    ("bext01", &[420]),
    ("invut", &[415]),
    ("regaut01", &[405]),
    ("multi01", &[400]),
    ("mcl01", &[400]),
    ("bcast", &[]),
    ("zeromf", &[200]),
    ("cparam01", &[405]),
    ("cparam02", &[405]),
    ("regescrt", &[405]),
    ("sdp01", &[406]),
    // Of RFC 2543, without a From tag and a Contact: a dialog with this caller could not be ended.
    ("inv2543", &[400]),
];
/// The same. We have no telephones, so nobody registers, and there is no call to end.
const RFC_5118: [(&str, &[u16]); 12] = [
    ("ipv6-good", &[405]),
    ("ipv6-bad", &[400]),
    ("port-ambiguous", &[405]),
    ("port-unambiguous", &[405]),
    ("via-received-param-with-delim", &[481]),
    ("via-received-param-no-delim", &[200]),
    ("ipv6-in-sdp", &[200]),
    ("mult-ip-in-header", &[481]),
    ("mult-ip-in-sdp", &[200]),
    ("ipv4-mapped-ipv6", &[200]),
    // One colon too many, as the grammar of RFC 3261 would have it: may be forgiven (§4.10).
    ("ipv6-bug-abnf-3-colons", &[200, 400]),
    ("ipv6-correct-abnf-2-colons", &[200]),
];

/// The message with the port of its topmost Via replaced, so that the answer comes to `port`; the Via keeps its form.
fn answerable(bytes: &[u8], port: u16) -> Vec<u8> {
    // A Via of an own comes on top: what is malformed below it stays as it was.
    let end = bytes.windows(2).position(|window| window == b"\r\n").unwrap() + 2;
    let via = format!("Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port};rport\r\n");
    [&bytes[..end], via.as_bytes(), &bytes[end..]].concat()
}

/// The messages of an RFC; none where they are not there.
fn messages(rfc: &str, names: impl Iterator<Item = String>) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sip").join(rfc);
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return Vec::new();
    }
    names.map(|name| std::fs::read(folder.join(name)).unwrap()).collect()
}

/// A message of RFC 5118 as it is sent: in its archive lines end with LF, and bodies are counted otherwise.
fn on_the_wire(message: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(message).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let body = body.replace('\n', "\r\n");
    let fields = head.lines().filter(|line| !line.starts_with("Content-Length"));
    let head: String = fields.map(|line| format!("{line}\r\n")).collect();
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Which messages get another first final answer than they should.
async fn wrong<'a>(messages: &[Vec<u8>], expected: &[(&'a str, &[u16])]) -> Vec<(&'a str, Option<u16>)> {
    let server = Server::start(Manner::Answers).await;
    let mut wrong = Vec::new();
    for (message, (name, expected)) in messages.iter().zip(expected) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let message = answerable(message, socket.local_addr().unwrap().port());
        socket.send_to(&message, server.udp()).await.unwrap();
        let found = final_status(&socket).await;
        let right = match found {
            Some(status) => expected.contains(&status),
            None => expected.is_empty(),
        };
        if !right {
            wrong.push((*name, found));
        }
    }
    wrong
}

#[tokio::test]
async fn torture_messages_get_an_answer_that_the_rfc_allows() {
    let messages = messages("rfc4475", RFC_4475.iter().map(|(name, _)| format!("{name}.dat")));
    assert_eq!(wrong(&messages, &RFC_4475).await, []);
}

#[tokio::test]
async fn addresses_of_ipv6_are_read_in_every_place() {
    let messages = messages("rfc5118", RFC_5118.iter().map(|(name, _)| (*name).to_owned()));
    let messages: Vec<_> = messages.iter().map(|message| on_the_wire(message)).collect();
    assert_eq!(wrong(&messages, &RFC_5118).await, []);
}

/// Nothing of what the first and the last offer is known here; the second has a line for each family.
#[test]
fn addresses_of_ipv6_in_descriptions_are_read() {
    let expected = [
        ("ipv6-in-sdp", Err(488)),
        ("mult-ip-in-sdp", Ok(Some("192.0.2.1:22334".parse().unwrap()))),
        ("ipv4-mapped-ipv6", Err(488)),
    ];
    let messages = messages("rfc5118", expected.iter().map(|(name, _)| (*name).to_owned()));
    for (message, (name, expected)) in messages.iter().zip(expected) {
        let message = String::from_utf8(on_the_wire(message)).unwrap();
        let (_, offer) = message.split_once("\r\n\r\n").unwrap();
        let agreed = negotiate(&Local::new("[2001:db8::10]:4000".parse().unwrap(), 1), offer);
        assert_eq!(agreed.map(|agreed| agreed.remote).map_err(|refusal| refusal.status()), expected, "{name}");
    }
}

/// The first final answer, if one comes.
async fn final_status(socket: &UdpSocket) -> Option<u16> {
    let mut buffer = [0; 65_536];
    loop {
        let received = tokio::time::timeout(Duration::from_millis(400), socket.recv_from(&mut buffer)).await;
        let (len, _) = received.ok()?.ok()?;
        let status = std::str::from_utf8(&buffer[8..11.min(len)]).ok()?.parse().ok()?;
        if status >= 200 {
            return Some(status);
        }
    }
}
