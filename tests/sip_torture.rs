//! The torture messages of RFC 4475, each with an answer that the RFC allows an endpoint to give.
//!
//! The messages themselves are not part of this repository.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::time::Duration;

use support::answering::{Manner, Server};
use tokio::net::UdpSocket;

/// Message and acceptable first final answers; none: it must not be answered.
const EXPECTED: [(&str, &[u16]); 48] = [
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
];

/// The message with the port of its topmost Via replaced, so that the answer comes to `port`; the Via keeps its form.
fn answerable(bytes: &[u8], port: u16) -> Vec<u8> {
    // A Via of an own comes on top: what is malformed below it stays as it was.
    let end = bytes.windows(2).position(|window| window == b"\r\n").unwrap() + 2;
    let via = format!("Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port};rport\r\n");
    [&bytes[..end], via.as_bytes(), &bytes[end..]].concat()
}

#[tokio::test]
async fn torture_messages_get_an_answer_that_the_rfc_allows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sip/rfc4475");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let server = Server::start(Manner::Answers).await;
    let mut wrong = Vec::new();
    for (name, expected) in EXPECTED {
        let bytes = std::fs::read(folder.join(format!("{name}.dat"))).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let bytes = answerable(&bytes, socket.local_addr().unwrap().port());
        socket.send_to(&bytes, server.udp()).await.unwrap();
        let found = final_status(&socket).await;
        let right = match found {
            Some(status) => expected.contains(&status),
            None => expected.is_empty(),
        };
        if !right {
            wrong.push((name, found, expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
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
