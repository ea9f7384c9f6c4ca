//! SIPp, a counterpart that we did not write, plays its scenarios against the answering server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use antevox::server::sip::{SipConfig, Transport};
use support::answering::{Manner, Server};
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

async fn answering() -> Server {
    Server::with(Manner::Answers, SipConfig { max_calls: 100, ..SipConfig::default() }).await
}

#[tokio::test]
async fn sipp_calls_over_udp() {
    let server = answering().await;
    for scenario in ["basic", "late-offer", "hold-resume", "options", "prack", "session-timer", "cancel-race"] {
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
