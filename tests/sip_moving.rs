//! Parties that send the server on to somebody else, or take another's place; keys that come by signalling.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use antevox::leg::LegEvent;
use antevox::server::sip::{CallsOut, SipConfig};
use support::answering::{Manner, Server, sdp};
use support::phone::{Heard, Phone};

const WITH_SDP: &str = "Content-Type: application/sdp\r\n";

/// A server whose callers may send it on to `target`.
async fn server(target: &Phone) -> Server {
    let redirects = vec![format!("sip:*@{}", target.local).parse().unwrap()];
    let calls_out = CallsOut { redirects, ..CallsOut::default() };
    let config = SipConfig { t1: Duration::from_millis(50), calls_out, ..SipConfig::default() };
    Server::with(Manner::Answers, config).await
}

async fn target() -> Phone {
    Phone::new("127.0.0.1:9".parse().unwrap()).await
}

async fn refer(phone: &mut Phone, to: &str) {
    phone.cseq += 1;
    phone.send("REFER", &format!("Refer-To: <{to}>\r\nReferred-By: <sip:boss@h>\r\n"), "").await;
}

/// The next NOTIFY, answered; its status line.
async fn notified(phone: &mut Phone) -> (Heard, String) {
    let notify = phone.hear_request("NOTIFY", 200).await;
    let line = notify.body().trim().to_owned();
    (notify, line)
}

#[tokio::test]
async fn a_refer_moves_the_call_and_tells_how_it_goes() {
    let mut target = target().await;
    let mut server = server(&target).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    refer(&mut phone, &format!("sip:other@{}?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2", target.local)).await;
    phone.hear_status(202).await;
    assert!(notified(&mut phone).await.1.starts_with("SIP/2.0 100"));
    let invite = target.hear().await;
    assert_eq!(invite.field("Replaces"), Some("a@b;to-tag=1;from-tag=2"));
    assert_eq!(invite.field("Referred-By"), Some("<sip:boss@h>"));
    assert!(invite.body().contains("m=audio"), "the call's offer");
    target.answer_as(&invite, 180, "t", "", "").await;
    assert!(notified(&mut phone).await.1.starts_with("SIP/2.0 180"));
    target.answer_as(&invite, 200, "t", WITH_SDP, &sdp("sendrecv")).await;
    assert_eq!(target.hear().await.method(), "ACK");
    let (last, line) = notified(&mut phone).await;
    assert!(line.starts_with("SIP/2.0 200") && last.field("Subscription-State").unwrap().starts_with("terminated"));
    phone.hear_request("BYE", 200).await;
    let told = [server.event().await, server.event().await, server.event().await];
    assert_eq!(told[1], LegEvent::Updated { sdp: None }, "the call is asked for an offer");
    assert_eq!(told[2], LegEvent::Acknowledged { sdp: Some(sdp("sendrecv")) });
    assert_eq!(server.edge.legs(), 1, "one leg, one party");
    // The new party ends the call.
    let (from, to) = (invite.field("From").unwrap(), invite.field("To").unwrap());
    let contact = invite.field("Contact").unwrap().trim_matches(['<', '>']).to_owned();
    let bye = format!(
        "BYE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKbye;rport\r\nFrom: {to};tag=t\r\nTo: {from}\r\n\
         Call-ID: {}\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        target.local,
        invite.field("Call-ID").unwrap()
    );
    target.send_raw(bye.as_bytes()).await;
    target.hear_status(200).await;
    assert_eq!(server.event().await, LegEvent::Ended { status: 200 });
    server.idle().await;
}

#[tokio::test]
async fn a_refer_that_leads_nowhere_leaves_the_call_as_it_is() {
    let mut target = target().await;
    let mut server = server(&target).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    refer(&mut phone, "sip:+1900@192.0.2.1").await;
    phone.hear_status(603).await;
    refer(&mut phone, &format!("sip:other@{}", target.local)).await;
    phone.hear_status(202).await;
    let invite = target.hear().await;
    target.answer_as(&invite, 486, "t", "", "").await;
    let mut lines = Vec::new();
    while lines.len() < 2 {
        lines.push(notified(&mut phone).await.1);
    }
    assert!(lines[1].starts_with("SIP/2.0 486"), "{lines:?}");
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    phone.bye().await;
    server.idle().await;
}

#[tokio::test]
async fn what_the_other_one_s_network_says_is_heard_before_it_answers() {
    let mut target = target().await;
    let mut server = server(&target).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    for (status, then) in [
        (486, LegEvent::UpdateRefused { status: 486 }),
        // The answer has been given already.
        (200, LegEvent::Acknowledged { sdp: Some(sdp("sendrecv")) }),
    ] {
        refer(&mut phone, &format!("sip:other@{}", target.local)).await;
        phone.hear_status(202).await;
        assert_eq!(server.event().await, LegEvent::Updated { sdp: None });
        let invite = target.hear().await;
        assert!(notified(&mut phone).await.1.starts_with("SIP/2.0 100"));
        target
            .answer_as(&invite, 183, "t", &format!("Require: 100rel\r\nRSeq: 7\r\n{WITH_SDP}"), &sdp("sendrecv"))
            .await;
        let prack = target.hear_request("PRACK", 200).await;
        assert_eq!((prack.field("RAck"), prack.field("Call-ID")), (Some("7 1 INVITE"), invite.field("Call-ID")));
        assert!(notified(&mut phone).await.1.starts_with("SIP/2.0 183"));
        assert_eq!(server.event().await, LegEvent::Progressed { sdp: sdp("sendrecv") });
        target.answer_as(&invite, status, "t", "", "").await;
        assert_eq!(target.hear().await.method(), "ACK");
        assert!(notified(&mut phone).await.1.starts_with(&format!("SIP/2.0 {status}")));
        assert_eq!(server.event().await, then);
    }
    phone.hear_request("BYE", 200).await;
    server.cancel.cancel();
    target.hear_request("BYE", 200).await;
}

#[tokio::test]
async fn whoever_refers_may_hang_up_before_the_other_is_there() {
    let mut target = target().await;
    let mut server = server(&target).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    refer(&mut phone, &format!("sip:other@{}", target.local)).await;
    phone.hear_status(202).await;
    let invite = target.hear().await;
    notified(&mut phone).await;
    phone.bye().await;
    target.answer_as(&invite, 200, "t", WITH_SDP, &sdp("sendrecv")).await;
    assert_eq!(target.hear().await.method(), "ACK");
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(server.event().await);
    }
    assert_eq!(told[2], LegEvent::Acknowledged { sdp: Some(sdp("sendrecv")) });
    server.cancel.cancel();
    target.hear_request("BYE", 200).await;
}

/// A call that a REFER sends on to `target`, as far as its INVITE.
async fn sent_on(server: &Server, target: &mut Phone) -> (Phone, Heard) {
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    refer(&mut phone, &format!("sip:other@{}", target.local)).await;
    phone.hear_status(202).await;
    let invite = target.hear().await;
    notified(&mut phone).await;
    (phone, invite)
}

#[tokio::test]
async fn a_call_that_hangs_up_takes_back_what_a_refer_began() {
    let mut target = target().await;
    let server = server(&target).await;
    let (mut phone, invite) = sent_on(&server, &mut target).await;
    target.answer_as(&invite, 180, "t", "", "").await;
    notified(&mut phone).await;
    server.hang_up.cancel();
    let cancel = target.hear_request("CANCEL", 200).await;
    assert_eq!(cancel.field("Via"), invite.field("Via"), "that is how it is known (RFC 3261 §9.1)");
    phone.hear_request("BYE", 200).await;
    target.answer_as(&invite, 487, "t", "", "").await;
    assert_eq!(target.hear().await.method(), "ACK");
    server.idle().await;
}

#[tokio::test]
async fn what_gave_no_sign_of_life_is_taken_back_with_its_first_one() {
    let mut target = target().await;
    let server = server(&target).await;
    let (mut phone, invite) = sent_on(&server, &mut target).await;
    // Whoever asked is gone already: nobody is left to be sent a BYE.
    phone.bye().await;
    server.hang_up.cancel();
    // Until now nothing can be taken back: the INVITE may have overtaken it (RFC 3261 §9.1).
    assert_eq!(target.hear().await.method(), "INVITE", "again, and no CANCEL");
    target.answer_as(&invite, 180, "t", "", "").await;
    target.hear_request("CANCEL", 200).await;
    target.answer_as(&invite, 487, "t", "", "").await;
    assert_eq!(target.hear().await.method(), "ACK");
    server.idle().await;
    assert!(phone.is_quiet(Duration::from_millis(100)).await);
}

#[tokio::test]
async fn whoever_picks_up_while_being_taken_back_is_thanked_and_sent_off() {
    let mut target = target().await;
    let server = server(&target).await;
    let (mut phone, invite) = sent_on(&server, &mut target).await;
    target.answer_as(&invite, 180, "t", "", "").await;
    notified(&mut phone).await;
    server.hang_up.cancel();
    let cancel = loop {
        let heard = target.hear().await;
        if heard.method() == "CANCEL" {
            break heard;
        }
    };
    // The two cross.
    target.answer_as(&invite, 200, "t", WITH_SDP, &sdp("sendrecv")).await;
    target.answer(&cancel, 481).await;
    assert_eq!(target.hear().await.method(), "ACK");
    assert!(target.hear_request("BYE", 200).await.field("To").unwrap().ends_with(";tag=t"));
    phone.hear_request("BYE", 200).await;
    server.idle().await;
}

#[tokio::test]
async fn an_invite_may_take_a_party_s_place() {
    let mut server = server(&target().await).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    let mut other = Phone::new(server.udp()).await;
    for (from_tag, status) in [("wrong", 481), ("f1;early-only", 486)] {
        let replaces = format!("Replaces: {};to-tag={};from-tag={from_tag}\r\n", phone.call_id, phone.to_tag);
        other.send("INVITE", &format!("{replaces}{WITH_SDP}"), &sdp("sendrecv")).await;
        other.hear_status(status).await;
        other.send_in_invite("ACK").await;
        other = Phone::new(server.udp()).await;
    }
    let replaces = format!("Replaces: {};to-tag={};from-tag=f1\r\n", phone.call_id, phone.to_tag);
    let fields = format!("Require: replaces\r\n{replaces}{WITH_SDP}");
    other.send("INVITE", &fields, &sdp("sendrecv")).await;
    other.hear_status(200).await;
    other.send("ACK", "", "").await;
    phone.hear_request("BYE", 200).await;
    assert_eq!(server.event().await, LegEvent::Updated { sdp: Some(sdp("sendrecv")) });
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    assert_eq!(server.edge.gate().live(), 1);
    other.bye().await;
    assert_eq!(server.event().await, LegEvent::Ended { status: 200 });
    server.idle().await;
}

#[tokio::test]
async fn keys_come_by_info() {
    let mut server = server(&target().await).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
    for (kind, body, status, key) in [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", 200, Some('5')),
        ("application/dtmf", "#", 200, Some('#')),
        ("application/dtmf", "77", 400, None),
        ("text/plain", "5", 415, None),
    ] {
        phone.cseq += 1;
        phone.send("INFO", &format!("Content-Type: {kind}\r\n"), body).await;
        phone.hear_status(status).await;
        if let Some(key) = key {
            assert_eq!(server.event().await, LegEvent::Pressed { key });
        }
    }
    phone.bye().await;
    assert_eq!(server.event().await, LegEvent::Ended { status: 200 });
    server.idle().await;
}
