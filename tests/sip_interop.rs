//! SIPp, a counterpart that we did not write, plays its scenarios against the answering server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use antevox::server::sip::{CallsOut, SipConfig, Transport};
use support::answering::{Manner, Server};
use support::certificate::Certificate;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::process::Command;

/// Calls of each scenario, one after the other and some at once.
const CALLS: &str = "20";

/// Runs one scenario and demands that every call of it succeeds; nothing when SIPp is not installed.
async fn play(scenario: &str, server: SocketAddr, more: &[&str]) {
    let file = format!("{}/tests/sipp/{scenario}.xml", env!("CARGO_MANIFEST_DIR"));
    let local = if server.is_ipv4() { "127.0.0.1" } else { "[::1]" };
    let child = Command::new("sipp")
        .args([&server.to_string(), "-sf", &file, "-s", "95188", "-i", local, "-m", CALLS, "-r", "50", "-l", "10"])
        .args([
            "-timeout",
            "30",
            "-timeout_error",
            "-nostdin",
            "-max_socket",
            "500",
            "-trace_err",
            "-error_file",
            "/dev/stderr",
        ])
        .args(more)
        .stdin(Stdio::null())
        .output();
    match tokio::time::timeout(Duration::from_secs(40), child).await.expect("SIPp ends") {
        Err(error) => println!("skipped: sipp (Debian's sip-tester) does not start: {error}"),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{scenario}: {}\n{errors}\n{text}", output.status);
        }
    }
}

/// SIPp at the other end of calls that the server places; `None` when it is not installed.
fn answering_sipp(scenario: &str, port: u16) -> Option<tokio::process::Child> {
    let file = format!("{}/tests/sipp/{scenario}.xml", env!("CARGO_MANIFEST_DIR"));
    let port = port.to_string();
    Command::new("sipp")
        .args([
            "-sf",
            &file,
            "-i",
            "127.0.0.1",
            "-p",
            &port,
            "-m",
            CALLS,
            "-nostdin",
            "-timeout",
            "30",
            "-timeout_error",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()
}

async fn answering() -> Server {
    Server::with(Manner::Answers, SipConfig { max_calls: 100, ..SipConfig::default() }).await
}

#[tokio::test]
async fn sipp_calls_over_udp() {
    let server = answering().await;
    for scenario in
        ["basic", "late-offer", "hold-resume", "options", "prack", "session-timer", "cancel-race", "replaces"]
    {
        play(scenario, server.udp(), &[]).await;
    }
    server.idle().await;
}

#[tokio::test]
async fn sipp_calls_over_tcp_on_one_connection_and_on_many() {
    let server = answering().await;
    for mode in ["t1", "tn"] {
        play("basic", server.tcp(), &["-t", mode]).await;
    }
    server.idle().await;
}

#[tokio::test]
async fn sipp_calls_over_ipv6() {
    let server = answering().await;
    if server.edge.bound().iter().any(|(transport, local)| *transport == Transport::Udp && local.is_ipv6()) {
        play("basic", server.address(Transport::Udp, false), &[]).await;
    } else {
        println!("skipped: this machine has no IPv6");
    }
    server.idle().await;
}

#[tokio::test]
async fn sipp_cancels() {
    let server = Server::with(Manner::Rings, SipConfig { max_calls: 100, ..SipConfig::default() }).await;
    play("cancel", server.udp(), &[]).await;
    server.idle().await;
}

#[tokio::test]
async fn sipp_sends_callers_on_to_another_sipp_and_into_a_call_of_that() {
    for (asks, answers) in [("refer", "answer-and-leave"), ("refer-replaces", "replaced")] {
        let port = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let target = format!("127.0.0.1:{port}");
        let calls_out = CallsOut { redirects: vec![format!("sip:*@{target}").parse().unwrap()], ..CallsOut::default() };
        let config = SipConfig { max_calls: 100, calls_out, ..SipConfig::default() };
        let server = Server::with(Manner::Answers, config).await;
        let Some(mut other) = answering_sipp(answers, port) else {
            return println!("skipped: sipp (Debian's sip-tester) does not start");
        };
        play(asks, server.udp(), &["-key", "target", &target]).await;
        let ended = tokio::time::timeout(Duration::from_secs(30), other.wait()).await.expect("it ends").unwrap();
        assert!(ended.success(), "{asks}: the other SIPp: {ended}");
        server.idle().await;
    }
}

/// Debian builds SIPp without TLS: it speaks TCP into a tunnel, whose other end is encrypted.
#[tokio::test]
async fn sipp_calls_over_tls_through_a_tunnel() {
    let certificate = Certificate::new();
    let config = SipConfig { max_calls: 100, tls: Some(certificate.tls(None)), ..SipConfig::default() };
    let server = Server::with(Manner::Answers, config).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, far) = (listener.local_addr().unwrap(), server.address(Transport::Tls, true));
    let tunnel = async {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (mut plain, _) = listener.accept().await.unwrap();
            let mut sealed = certificate.connect(TcpStream::connect(far).await.unwrap()).await;
            connections.spawn(async move { copy_bidirectional(&mut plain, &mut sealed).await.ok() });
        }
    };
    let calls = async {
        for mode in ["t1", "tn"] {
            play("basic", near, &["-t", mode]).await;
        }
    };
    tokio::select! {
        () = tunnel => unreachable!("it carries on"),
        () = calls => {}
    }
    server.idle().await;
}
