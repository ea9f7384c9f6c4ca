//! Calls over real sockets: what a caller may do, and what the server answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use antevox::leg::{LegEvent, LegRequest};
use antevox::server::sip::{Dial, Rate, SipConfig, Transport};
use support::answering::{Manner, Server, sdp};
use support::phone::Phone;

#[tokio::test]
async fn a_call_is_answered_and_ended_by_the_caller() {
    let mut server = Server::start(Manner::Answers).await;
    for ipv4 in [true, false] {
        if !server.edge.bound().iter().any(|(_, local)| local.is_ipv4() == ipv4) {
            continue;
        }
        let mut phone = Phone::new(server.address(Transport::Udp, ipv4)).await;
        phone.invite().await;
        assert_eq!(phone.hear().await.status(), 100);
        assert_eq!(phone.hear().await.status(), 180);
        let ok = phone.hear_status(200).await;
        assert!(ok.body().contains("m=audio") && ok.field("Contact").is_some() && ok.field("Allow").is_some());
        phone.send("ACK", "", "").await;
        assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
        phone.bye().await;
        assert_eq!(server.event().await, LegEvent::Ended { status: 200 });
    }
    server.idle().await;
}

#[tokio::test]
async fn a_late_offer_is_answered_in_the_ack() {
    let mut server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.send("INVITE", "", "").await;
    assert!(phone.hear_status(200).await.body().contains("m=audio"), "our offer");
    phone.send("ACK", "Content-Type: application/sdp\r\n", &sdp("sendrecv")).await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: Some(sdp("sendrecv")) });
    phone.bye().await;
    server.idle().await;
}

#[tokio::test]
async fn a_ringing_call_can_be_cancelled() {
    let mut server = Server::start(Manner::Rings).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.invite().await;
    phone.hear_status(180).await;
    phone.to_tag.clear();
    phone.send_in_invite("CANCEL").await;
    let mut statuses = [phone.hear().await.status(), phone.hear().await.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 487]);
    phone.send_in_invite("ACK").await;
    assert_eq!(server.event().await, LegEvent::Ended { status: 487 });
    server.idle().await;
}

#[tokio::test]
async fn the_server_hangs_up_with_bye() {
    let mut server = Server::start(Manner::HangsUp).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    phone.hear_request("BYE", 200).await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    assert_eq!(server.event().await, LegEvent::Ended { status: 200 });
    server.idle().await;
}

#[tokio::test]
async fn hold_and_resume_by_re_invite() {
    let mut server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    for (theirs, ours) in [("sendonly", "recvonly"), ("sendrecv", "sendrecv")] {
        phone.cseq += 1;
        phone.send("INVITE", "Content-Type: application/sdp\r\n", &sdp(theirs)).await;
        assert!(phone.hear_status(200).await.body().contains(&format!("a={ours}")));
        phone.send("ACK", "", "").await;
    }
    phone.cseq += 1;
    phone.send("UPDATE", "Content-Type: application/sdp\r\n", &sdp("sendonly")).await;
    assert!(phone.hear_status(200).await.body().contains("a=recvonly"));
    phone.bye().await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    assert!(matches!(server.event().await, LegEvent::Updated { sdp: Some(_) }));
    server.idle().await;
}

#[tokio::test]
async fn a_2xx_without_ack_ends_in_bye() {
    let config = SipConfig { t1: Duration::from_millis(10), ..SipConfig::default() };
    let mut server = Server::with(Manner::Answers, config).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.invite().await;
    phone.hear_status(200).await;
    phone.hear_request("BYE", 200).await;
    assert_eq!(server.event().await, LegEvent::Ended { status: 408 });
    server.idle().await;
}

#[tokio::test]
async fn a_transfer_is_asked_for_and_followed() {
    let mut server = Server::start(Manner::Refers).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    let refer = phone.hear_request("REFER", 202).await;
    assert_eq!(refer.field("Refer-To"), Some("<sip:agent@127.0.0.1>"));
    assert_eq!(refer.field("X-Reason"), Some("caller_asked"));
    let fields = "Event: refer\r\nContent-Type: message/sipfrag\r\n";
    for (state, line) in
        [("active;expires=60", "SIP/2.0 180 Ringing"), ("terminated;reason=noresource", "SIP/2.0 200 OK")]
    {
        phone.cseq += 1;
        phone.send("NOTIFY", &format!("{fields}Subscription-State: {state}\r\n"), line).await;
        phone.hear_status(200).await;
    }
    phone.bye().await;
    let mut heard = Vec::new();
    while heard.last() != Some(&LegEvent::Ended { status: 200 }) {
        heard.push(server.event().await);
    }
    let referred = |status| LegEvent::Referred { status };
    assert_eq!(heard[1..3], [referred(180), referred(200)]);
    server.idle().await;
}

#[tokio::test]
async fn a_180_comes_again_until_its_prack_and_the_200_waits_for_it() {
    let server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.send("INVITE", "Require: 100rel\r\nContent-Type: application/sdp\r\n", &sdp("sendrecv")).await;
    assert_eq!(phone.hear().await.status(), 100);
    let ringing = phone.hear_status(180).await;
    let number = ringing.field("RSeq").expect("it is numbered").to_owned();
    assert_eq!(ringing.field("Require"), Some("100rel"));
    assert_eq!(phone.hear().await.field("RSeq"), Some(number.as_str()), "the same again, and no 200");
    let acknowledged = format!("RAck: {number} 1 INVITE\r\n");
    for (field, status) in [("RAck: 1 7 INVITE\r\n", 481), (acknowledged.as_str(), 200)] {
        phone.cseq += 1;
        phone.send("PRACK", field, "").await;
        let answer = loop {
            let heard = phone.hear().await;
            if heard.field("CSeq").is_some_and(|cseq| cseq.ends_with("PRACK")) {
                break heard;
            }
        };
        assert_eq!(answer.status(), status, "{field}");
    }
    assert!(phone.hear_status(200).await.body().contains("m=audio"));
    phone.cseq = 1;
    phone.send("ACK", "", "").await;
    phone.cseq = 3;
    phone.bye().await;
    server.idle().await;
}

#[tokio::test]
async fn who_hears_us_before_the_answer_is_told_so_reliably_if_that_can_be() {
    let server = Server::start(Manner::Announces).await;
    for supported in ["", "Supported: 100rel\r\n"] {
        let mut phone = Phone::new(server.udp()).await;
        let fields = format!("{supported}Content-Type: application/sdp\r\n");
        phone.send("INVITE", &fields, &sdp("sendrecv")).await;
        let early = phone.hear_status(183).await;
        assert!(early.body().contains("m=audio"));
        if let Some(number) = early.field("RSeq") {
            assert_eq!(early.field("Require"), Some("100rel"));
            phone.cseq += 1;
            phone.send("PRACK", &format!("RAck: {number} 1 INVITE\r\n"), "").await;
            while !phone.hear().await.field("CSeq").unwrap().ends_with("PRACK") {}
        }
        assert_eq!(early.field("RSeq").is_some(), !supported.is_empty());
        let ok = phone.hear_status(200).await;
        assert_eq!(ok.body(), early.body(), "the same answer (RFC 3261 §13.2.1)");
        phone.cseq = 1;
        phone.send("ACK", "", "").await;
        phone.cseq = 3;
        phone.bye().await;
    }
    server.idle().await;
}

#[tokio::test]
async fn a_caller_who_never_says_prack_is_given_up() {
    let server =
        Server::with(Manner::Answers, SipConfig { t1: Duration::from_millis(10), ..SipConfig::default() }).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.send("INVITE", "Require: 100rel\r\nContent-Type: application/sdp\r\n", &sdp("sendrecv")).await;
    phone.hear_status(504).await;
    phone.send_in_invite("ACK").await;
    server.idle().await;
}

#[tokio::test]
async fn requests_that_cannot_be_served_get_the_right_status() {
    let server = Server::start(Manner::Answers).await;
    for (method, extra, body, status, field) in [
        ("OPTIONS", "", "", 200, Some("Allow")),
        ("OPTIONS", "Max-Forwards: 0\r\n", "", 400, None),
        ("REGISTER", "", "", 405, Some("Allow")),
        ("SUBSCRIBE", "", "", 405, Some("Allow")),
        ("FROBNICATE", "", "", 501, Some("Allow")),
        ("BYE", "", "", 481, None),
        ("INVITE", "Require: 100rel, foo\r\n", "", 420, Some("Unsupported")),
        ("INVITE", "Supported: timer\r\nSession-Expires: 60\r\n", "", 422, Some("Min-SE")),
        ("INVITE", "Content-Type: application/isup\r\n", "x", 415, Some("Accept")),
        ("INVITE", "Call-ID: twice\r\n", "", 400, None),
    ] {
        let mut phone = Phone::new(server.udp()).await;
        phone.send(method, extra, body).await;
        let heard = phone.hear().await;
        assert_eq!(heard.status(), status, "{method} {extra}");
        assert!(field.is_none_or(|field| heard.field(field).is_some()), "{heard:?}");
    }
    let mut phone = Phone::new(server.udp()).await;
    let last_hop = phone.request("OPTIONS", 1, "", "").replace("Max-Forwards: 70", "Max-Forwards: 0");
    phone.send_raw(last_hop.as_bytes()).await;
    assert_eq!(phone.hear().await.status(), 200, "an endpoint forwards nothing");
    server.idle().await;
}

#[tokio::test]
async fn requests_inside_a_call_that_cannot_be_served_get_the_right_status() {
    let server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    for (method, extra, body, status) in [
        ("OPTIONS", "", "", 200),
        ("INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=1", 200),
        ("INFO", "Content-Type: text/plain\r\n", "x", 415),
        ("MESSAGE", "", "", 405),
        ("REFER", "Refer-To: <sip:x@127.0.0.1>\r\n", "", 603),
        ("PRACK", "RAck: 1 1 INVITE\r\n", "", 481),
        ("NOTIFY", "Event: presence\r\n", "", 489),
    ] {
        phone.cseq += 1;
        phone.send(method, extra, body).await;
        assert_eq!(phone.hear().await.status(), status, "{method}");
    }
    phone.cseq -= 3;
    phone.send("OPTIONS", "", "").await;
    assert_eq!(phone.hear().await.status(), 500, "out of order");
    phone.cseq += 4;
    phone.bye().await;
    server.idle().await;
}

#[tokio::test]
async fn a_full_house_turns_callers_away_and_keeps_its_calls() {
    let config = SipConfig { max_calls: 1, t1: Duration::from_millis(50), ..SipConfig::default() };
    let server = Server::with(Manner::Answers, config).await;
    let mut first = Phone::new(server.udp()).await;
    first.call().await;
    let mut second = Phone::new(server.udp()).await;
    second.invite().await;
    let busy = second.hear().await;
    assert_eq!((busy.status(), busy.field("Retry-After").is_some()), (503, true));
    second.send_in_invite("ACK").await;
    assert_eq!(server.edge.gate().refused(), 1);
    first.cseq += 1;
    first.send("OPTIONS", "", "").await;
    first.hear_status(200).await;
    first.bye().await;
    server.idle().await;
}

#[tokio::test]
async fn a_merged_request_is_refused() {
    let server = Server::start(Manner::Rings).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.invite().await;
    phone.hear_status(180).await;
    phone.to_tag.clear();
    phone.invite().await;
    assert_eq!(phone.hear().await.status(), 482);
}

#[tokio::test]
async fn repeated_requests_do_not_start_a_second_call() {
    let mut server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    let invite = phone.request("INVITE", 1, "", "");
    for _ in 0..3 {
        phone.send_raw(invite.as_bytes()).await;
    }
    phone.hear_status(200).await;
    phone.send("ACK", "", "").await;
    assert!(matches!(server.event().await, LegEvent::Acknowledged { .. }));
    assert_eq!(server.edge.legs(), 1);
    phone.bye().await;
    server.idle().await;
}

#[tokio::test]
async fn two_edges_call_each_other() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut server = Server::start(Manner::Answers).await;
        let client = Server::start(Manner::Answers).await;
        let suffix = if transport == Transport::Tcp { ";transport=tcp" } else { "" };
        let target = format!("sip:95188@{}{suffix}", server.address(transport, true));
        let dial = Dial { target, from: "13800000001".into(), offer: Some(sdp("sendrecv")), ..Dial::default() };
        let mut leg = client.edge.dial(dial).await.unwrap();
        assert_eq!(leg.events.recv().await, Some(LegEvent::Rang));
        assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { .. })));
        leg.request(LegRequest::Update { sdp: sdp("sendonly") }).unwrap();
        let Some(LegEvent::Answered { sdp: answer }) = leg.events.recv().await else { panic!("hold refused") };
        assert!(answer.contains("a=recvonly"));
        leg.request(LegRequest::HangUp).unwrap();
        assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 200 }));
        server.idle().await;
        client.idle().await;
        while server.event().await != (LegEvent::Ended { status: 200 }) {}
    }
}

#[tokio::test]
async fn a_call_that_rings_is_cancelled_when_we_hang_up() {
    let mut server = Server::start(Manner::Rings).await;
    let client = Server::start(Manner::Answers).await;
    let target = format!("sip:95188@{}", server.udp());
    let mut leg = client.edge.dial(Dial { target, offer: Some(sdp("sendrecv")), ..Dial::default() }).await.unwrap();
    assert_eq!(leg.events.recv().await, Some(LegEvent::Rang));
    drop(leg);
    assert_eq!(server.event().await, LegEvent::Ended { status: 487 });
    server.idle().await;
    client.idle().await;
}

#[tokio::test]
async fn nothing_is_left_of_two_thousand_calls() {
    // All of them come from one address.
    let rate = Rate { per_second: 0, burst: 0 };
    let config = SipConfig { max_calls: 64, rate, ..SipConfig::default() };
    let server = Server::with(Manner::Answers, config).await;
    let mut lines = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let udp = server.udp();
        lines.spawn(async move {
            for _ in 0..100 {
                let mut phone = Phone::new(udp).await;
                phone.call().await;
                phone.bye().await;
            }
        });
    }
    lines.join_all().await;
    server.idle().await;
    assert_eq!(server.edge.transactions(), 0);
    assert_eq!(server.edge.gate().refused(), 0);
}
