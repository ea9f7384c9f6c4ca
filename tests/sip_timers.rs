//! What ends or goes on because time has passed. It passes when a test says so, many seconds at once; what a slow machine adds to
//! that stays far below what each test leaves of a deadline.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use antevox::leg::{LegEvent, LegRequest};
use antevox::server::sip::{CallsOut, Dial, Rate, SipConfig, Transport};
use support::answering::{Manner, Server, sdp};
use support::certificate::Certificate;
use support::phone::{Heard, Phone};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const WITH_SDP: &str = "Content-Type: application/sdp\r\n";
/// Session of the tests: the shortest that there is.
const SESSION_S: u64 = 90;

/// Lets so much time pass at once. Meanwhile nothing is awaited from a socket: that would take real time.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn pass_s(seconds: u64) {
    pass(Duration::from_secs(seconds)).await;
}

/// A call whose session has to be refreshed, by the caller (`uac`) or by us (`uas`).
async fn timed(server: &mut Server, refresher: &str) -> Phone {
    let mut phone = Phone::new(server.udp()).await;
    let timer = format!("Supported: timer\r\nSession-Expires: {SESSION_S};refresher={refresher}\r\n{WITH_SDP}");
    phone.send("INVITE", &timer, &sdp("sendrecv")).await;
    let ok = phone.hear_status(200).await;
    assert_eq!(ok.field("Session-Expires"), Some(format!("{SESSION_S};refresher={refresher}").as_str()));
    phone.send("ACK", "", "").await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    phone
}

/// Whether the server still knows the call.
async fn is_up(phone: &mut Phone) -> bool {
    phone.cseq += 1;
    phone.send("OPTIONS", "", "").await;
    let heard = phone.hear().await;
    heard.status() == 200
}

#[tokio::test]
async fn a_session_that_the_caller_does_not_refresh_ends_shortly_before_its_time() {
    let mut server = Server::start(Manner::Answers).await;
    let mut phone = timed(&mut server, "uac").await;
    pass_s(45).await;
    assert!(is_up(&mut phone).await);
    phone.cseq += 1;
    phone.send("UPDATE", &format!("Supported: timer\r\nSession-Expires: {SESSION_S};refresher=uac\r\n"), "").await;
    phone.hear_status(200).await;
    pass_s(45).await;
    assert!(is_up(&mut phone).await, "it was refreshed");
    pass_s(15).await;
    phone.hear_request("BYE", 200).await;
    assert_eq!(server.event().await, LegEvent::Ended { status: 408 });
    server.idle().await;
}

#[tokio::test]
async fn we_refresh_a_session_at_half_of_its_time_until_nobody_knows_of_it() {
    let mut server = Server::start(Manner::Answers).await;
    let mut phone = timed(&mut server, "uas").await;
    for _ in 0..2 {
        pass_s(30).await;
        assert!(is_up(&mut phone).await, "and no refresh yet");
        pass_s(15).await;
        let update = phone.hear_request("UPDATE", 200).await;
        assert_eq!(update.field("Session-Expires"), Some("90;refresher=uac"));
        assert!(is_up(&mut phone).await, "our answer has come there");
    }
    pass_s(45).await;
    phone.hear_request("UPDATE", 481).await;
    phone.hear_request("BYE", 200).await;
    assert_eq!(server.event().await, LegEvent::Ended { status: 408 });
    server.idle().await;
}

#[tokio::test]
async fn who_knows_no_update_is_refreshed_by_a_re_invite_that_changes_nothing() {
    let mut server = Server::start(Manner::Answers).await;
    let mut phone = timed(&mut server, "uas").await;
    for _ in 0..2 {
        pass_s(SESSION_S / 2).await;
        phone.hear_request("UPDATE", 405).await;
        let invite = phone.hear().await;
        assert_eq!((invite.method(), invite.body()), ("INVITE", sdp("sendrecv").as_str()));
        assert_eq!(invite.field("Session-Expires"), Some("90;refresher=uac"));
        let agreed = format!("Session-Expires: 90;refresher=uac\r\n{WITH_SDP}");
        phone.answer_as(&invite, 200, "", &agreed, &sdp("sendrecv")).await;
        assert_eq!(phone.hear().await.method(), "ACK");
        assert_eq!(server.event().await, LegEvent::Answered { sdp: sdp("sendrecv") });
    }
    phone.bye().await;
    assert_eq!(server.event().await, LegEvent::Ended { status: 200 });
    server.idle().await;
}

/// Our re-INVITE, answered with what this says of the session's time.
async fn held(phone: &mut Phone, answer: &str) {
    let invite = phone.hear().await;
    assert_eq!(invite.method(), "INVITE");
    assert_eq!(invite.field("Session-Expires"), Some("90;refresher=uas"), "it does not switch their timer off");
    phone.answer_as(&invite, 200, "", &format!("{answer}{WITH_SDP}"), &sdp("recvonly")).await;
    assert_eq!(phone.hear().await.method(), "ACK");
}

#[tokio::test]
async fn our_re_invite_refreshes_the_session_too_and_who_says_no_more_of_a_timer_has_none() {
    let server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    let target = format!("sip:x@{}", phone.local);
    let mut leg = server.edge.dial(Dial { target, offer: Some(sdp("sendrecv")), ..Dial::default() }).await.unwrap();
    let invite = phone.hear().await;
    phone.answer_as(&invite, 200, "t", WITH_SDP, &sdp("sendrecv")).await;
    assert_eq!(phone.hear().await.method(), "ACK");
    assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { .. })));
    let timer = format!("Supported: timer\r\nSession-Expires: {SESSION_S};refresher=uac\r\n");
    let update = inside(&invite, &phone, "UPDATE", 1, &timer);
    phone.send_raw(update.as_bytes()).await;
    assert_eq!(phone.hear().await.field("Session-Expires"), Some("90;refresher=uac"));

    pass_s(40).await;
    leg.request(LegRequest::Update { sdp: sdp("sendonly") }).unwrap();
    held(&mut phone, "Session-Expires: 90;refresher=uas\r\n").await;
    assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { .. })));
    pass_s(45).await;
    leg.request(LegRequest::Update { sdp: sdp("sendonly") }).unwrap();
    held(&mut phone, "").await;
    assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { .. })));
    pass_s(1_000).await;
    phone.send_raw(inside(&invite, &phone, "OPTIONS", 2, "").as_bytes()).await;
    assert_eq!(phone.hear().await.status(), 200);
    drop(leg);
    phone.hear_request("BYE", 200).await;
    server.idle().await;
}

/// A request of a telephone that was called by `invite`.
fn inside(invite: &Heard, phone: &Phone, method: &str, cseq: u32, extra: &str) -> String {
    let contact = invite.field("Contact").unwrap().trim_matches(['<', '>']);
    let (from, to, id) = ["From", "To", "Call-ID"].map(|name| invite.field(name).unwrap()).into();
    let local = phone.local;
    format!(
        "{method} {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{method}{cseq};rport\r\nFrom: {to};tag=t\r\n\
         To: {from}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:x@{local}>\r\nMax-Forwards: 70\r\n{extra}\
         Content-Length: 0\r\n\r\n"
    )
}

#[tokio::test]
async fn whoever_a_refer_calls_does_not_ring_for_ever() {
    let mut target = Phone::new("127.0.0.1:9".parse().unwrap()).await;
    let redirects = vec![format!("sip:*@{}", target.local).parse().unwrap()];
    let config = SipConfig { calls_out: CallsOut { redirects, ..CallsOut::default() }, ..SipConfig::default() };
    let mut server = Server::with(Manner::Answers, config).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    phone.cseq += 1;
    phone.send("REFER", &format!("Refer-To: <sip:b@{}>\r\n", target.local), "").await;
    phone.hear_status(202).await;
    let invite = target.hear().await;
    target.answer_as(&invite, 180, "t", "", "").await;
    while !phone.hear_request("NOTIFY", 200).await.body().contains("180") {}
    pass_s(45).await;
    assert!(is_up(&mut phone).await);
    pass_s(15).await;
    target.hear_request("CANCEL", 200).await;
    target.answer_as(&invite, 487, "t", "", "").await;
    assert!(phone.hear_request("NOTIFY", 200).await.body().contains("487"));
    assert!(is_up(&mut phone).await, "the call goes on as it was");
    phone.bye().await;
    server.idle().await;
}

async fn greet(stream: &mut TcpStream) {
    let id = fastrand::u64(..);
    let options = format!(
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{id}\r\nFrom: <sip:c@d>;tag=1\r\n\
         To: <sip:a@b>\r\nCall-ID: {id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(options.as_bytes()).await.unwrap();
    let mut answer = [0; 4_096];
    let length = stream.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 200 "), "{}", String::from_utf8_lossy(&answer[..length]));
}

/// Waits until the server has taken in all that was sent to it: it does so in the order in which it came.
async fn settled(server: &Server) {
    greet(&mut TcpStream::connect(server.tcp()).await.unwrap()).await;
}

/// The server hangs up.
async fn is_over(stream: &mut TcpStream) {
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0])).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))), "{read:?}");
}

async fn is_open(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(Duration::from_millis(50), stream.read(&mut [0])).await.is_err()
}

#[tokio::test]
async fn a_stranger_s_first_message_is_whole_within_five_seconds_or_never() {
    let server = Server::start(Manner::Answers).await;
    let connect = async || TcpStream::connect(server.tcp()).await.unwrap();
    let (mut silent, mut dripping, mut pinging, mut late) =
        (connect().await, connect().await, connect().await, connect().await);
    settled(&server).await;
    for byte in b"OPTI".chunks(1) {
        pass(Duration::from_millis(500)).await;
        dripping.write_all(byte).await.unwrap();
        pinging.write_all(b"\r\n\r\n").await.unwrap();
        let mut pong = [0; 2];
        pinging.read_exact(&mut pong).await.unwrap();
        assert_eq!(&pong, b"\r\n");
        settled(&server).await;
    }
    greet(&mut late).await;
    pass_s(3).await;
    for stranger in [&mut silent, &mut dripping, &mut pinging] {
        is_over(stranger).await;
    }
    // Who has said something may be silent for longer, but not in the middle of a message.
    pass_s(280).await;
    greet(&mut late).await;
    late.write_all(b"OPTIONS").await.unwrap();
    settled(&server).await;
    pass_s(5).await;
    is_over(&mut late).await;
}

#[tokio::test]
async fn a_handshake_takes_three_seconds_at_most() {
    let certificate = Certificate::new();
    let server =
        Server::with(Manner::Answers, SipConfig { tls: Some(certificate.tls(None)), ..SipConfig::default() }).await;
    for transport in [Transport::Tls, Transport::Ws, Transport::Wss] {
        let mut stream = TcpStream::connect(server.address(transport, true)).await.unwrap();
        settled(&server).await;
        pass_s(1).await;
        assert!(is_open(&mut stream).await, "{transport:?}");
        pass_s(2).await;
        is_over(&mut stream).await;
    }
}

#[tokio::test]
async fn who_begins_handshakes_and_falls_silent_keeps_nobody_else_out() {
    let certificate = Certificate::new();
    let server =
        Server::with(Manner::Answers, SipConfig { tls: Some(certificate.tls(None)), ..SipConfig::default() }).await;
    let tls = server.address(Transport::Tls, true);
    let mut silent = Vec::new();
    for _ in 0..server.edge.limits().handshakes_per_address {
        silent.push(TcpStream::connect(tls).await.unwrap());
    }
    is_over(&mut TcpStream::connect(tls).await.unwrap()).await;
    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    certificate.connect(elsewhere.connect(tls).await.unwrap()).await;
    assert!(is_open(&mut silent[0]).await);
    pass_s(3).await;
    is_over(&mut silent[0]).await;
    certificate.connect(TcpStream::connect(tls).await.unwrap()).await;
}

#[tokio::test]
async fn handshakes_are_counted_like_requests() {
    let rate = Rate { per_second: 1, burst: 2 };
    let server = Server::with(Manner::Answers, SipConfig { rate, ..SipConfig::default() }).await;
    let ws = server.address(Transport::Ws, true);
    let mut taken = [TcpStream::connect(ws).await.unwrap(), TcpStream::connect(ws).await.unwrap()];
    is_over(&mut TcpStream::connect(ws).await.unwrap()).await;
    assert_eq!(server.edge.admission().counts(), (1, 0));
    for stream in &mut taken {
        assert!(is_open(stream).await);
    }
}
