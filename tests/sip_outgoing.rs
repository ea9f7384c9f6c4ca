//! Calls that we place, with a hand-made telephone at the other end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use antevox::leg::{LegEvent, LegRequest};
use antevox::server::sip::{Credentials, Dial, SipLeg};
use antevox::units::Pii;
use support::answering::{Manner, Server, sdp};
use support::phone::{Heard, Phone};

const WITH_SDP: &str = "Content-Type: application/sdp\r\n";

async fn dial(server: &Server, phone: &Phone) -> SipLeg {
    let credentials =
        Some(Credentials { user: "agent".into(), password: Pii("secret".into()), realm: Some("desk".into()) });
    let target = format!("sip:agent@{}", phone.local);
    let offer = Some(sdp("sendrecv"));
    server.edge.dial(Dial { target, from: "95188".into(), offer, credentials, ..Dial::default() }).await.unwrap()
}

/// A telephone whose call has been answered; the INVITE is there for more answers to it.
async fn answered(server: &Server) -> (Phone, SipLeg, Heard) {
    let mut phone = Phone::new(server.udp()).await;
    let mut leg = dial(server, &phone).await;
    let invite = phone.hear().await;
    phone.answer_as(&invite, 200, "p1", WITH_SDP, &sdp("sendrecv")).await;
    assert_eq!(phone.hear().await.method(), "ACK");
    assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { .. })));
    (phone, leg, invite)
}

#[tokio::test]
async fn a_challenge_is_answered_with_the_credentials_once() {
    let server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    let mut leg = dial(&server, &phone).await;
    let challenge = "WWW-Authenticate: Digest realm=\"desk\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n";
    let invite = phone.hear().await;
    assert!(invite.field("Authorization").is_none());
    phone.answer_as(&invite, 401, "p1", challenge, "").await;
    assert_eq!(phone.hear().await.method(), "ACK");
    let again = phone.hear().await;
    let authorization = again.field("Authorization").unwrap();
    assert!(authorization.contains("username=\"agent\"") && !authorization.contains("secret"));
    assert_eq!(again.field("CSeq"), Some("2 INVITE"));
    phone.answer_as(&again, 401, "p2", challenge, "").await;
    assert_eq!(phone.hear().await.method(), "ACK");
    assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 401 }));
    server.idle().await;
}

#[tokio::test]
async fn what_is_said_before_an_answer_is_told_and_acknowledged_once() {
    let server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    let mut leg = dial(&server, &phone).await;
    let invite = phone.hear().await;
    assert!(invite.field("Supported").unwrap().contains("100rel"));
    let reliable = format!("Require: 100rel\r\nRSeq: 7\r\n{WITH_SDP}");
    phone.answer_as(&invite, 183, "p1", &reliable, &sdp("sendonly")).await;
    let prack = phone.hear_request("PRACK", 200).await;
    assert_eq!(prack.field("RAck"), Some("7 1 INVITE"));
    assert!(prack.field("To").unwrap().ends_with(";tag=p1"));
    assert_eq!(leg.events.recv().await, Some(LegEvent::Progressed { sdp: sdp("sendonly") }));
    // It comes again, for the PRACK was slow: neither another PRACK nor another word to the call.
    phone.answer_as(&invite, 183, "p1", &reliable, &sdp("sendonly")).await;
    phone.answer_as(&invite, 180, "p1", "Require: 100rel\r\nRSeq: 8\r\n", "").await;
    assert_eq!(phone.hear_request("PRACK", 200).await.field("RAck"), Some("8 1 INVITE"));
    assert_eq!(leg.events.recv().await, Some(LegEvent::Rang));
    // What was answered reliably need not be said again (RFC 3261 §13.2.1).
    phone.answer_as(&invite, 200, "p1", "", "").await;
    let ack = phone.hear().await;
    assert_eq!((ack.method(), ack.field("CSeq")), ("ACK", Some("1 ACK")));
    assert_eq!(leg.events.recv().await, Some(LegEvent::Answered { sdp: sdp("sendonly") }));
    leg.request(LegRequest::HangUp).unwrap();
    let bye = phone.hear_request("BYE", 200).await;
    assert_eq!(bye.field("CSeq"), Some("4 BYE"), "after the INVITE and two PRACKs");
    server.idle().await;
}

#[tokio::test]
async fn a_call_is_cancelled_by_its_invite_s_number_whatever_came_after() {
    let server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    let mut leg = dial(&server, &phone).await;
    let invite = phone.hear().await;
    phone.answer_as(&invite, 180, "p1", "Require: 100rel\r\nRSeq: 1\r\n", "").await;
    phone.hear_request("PRACK", 200).await;
    leg.request(LegRequest::HangUp).unwrap();
    let cancel = phone.hear_request("CANCEL", 200).await;
    assert_eq!((cancel.field("CSeq"), cancel.field("Via")), (Some("1 CANCEL"), invite.field("Via")));
    phone.answer_as(&invite, 487, "p1", "", "").await;
    assert_eq!(phone.hear().await.method(), "ACK");
    assert_eq!(leg.events.recv().await, Some(LegEvent::Rang));
    assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 487 }));
    server.idle().await;
}

#[tokio::test]
async fn a_repeated_200_is_acknowledged_again_and_a_forked_one_sent_off() {
    let server = Server::start(Manner::Answers).await;
    let (mut phone, leg, invite) = answered(&server).await;
    phone.answer_as(&invite, 200, "p1", WITH_SDP, &sdp("sendrecv")).await;
    assert!(phone.hear().await.field("To").unwrap().ends_with(";tag=p1"));
    phone.answer_as(&invite, 200, "p2", WITH_SDP, &sdp("sendrecv")).await;
    let ack = phone.hear().await;
    assert_eq!((ack.method(), ack.field("To").unwrap().ends_with(";tag=p2")), ("ACK", true));
    let bye = phone.hear_request("BYE", 200).await;
    assert!(bye.field("To").unwrap().ends_with(";tag=p2"), "the second branch is sent off, the first goes on");
    assert!(phone.is_quiet(Duration::from_millis(200)).await);
    leg.request(LegRequest::HangUp).unwrap();
    assert!(phone.hear_request("BYE", 200).await.field("To").unwrap().ends_with(";tag=p1"));
    server.idle().await;
}

#[tokio::test]
async fn an_offer_that_meets_another_is_made_again_later() {
    let server = Server::start(Manner::Answers).await;
    let (mut phone, mut leg, invite) = answered(&server).await;
    leg.request(LegRequest::Update { sdp: sdp("sendonly") }).unwrap();
    let ours = phone.hear().await;
    assert_eq!(ours.method(), "INVITE");
    let (from, to) = (ours.field("From").unwrap(), ours.field("To").unwrap());
    let (local, body) = (phone.local, sdp("sendrecv"));
    let contact = invite.field("Contact").unwrap().trim_matches(['<', '>']);
    let theirs = format!(
        "INVITE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKglare;rport\r\nFrom: {to}\r\nTo: {from}\r\n\
         Call-ID: {}\r\nCSeq: 7 INVITE\r\nContact: <sip:agent@{local}>\r\nMax-Forwards: 70\r\n{WITH_SDP}\
         Content-Length: {}\r\n\r\n{body}",
        ours.field("Call-ID").unwrap(),
        body.len()
    );
    phone.send_raw(theirs.as_bytes()).await;
    assert_eq!(phone.hear().await.status(), 491);
    phone.answer(&ours, 491).await;
    assert_eq!(phone.hear().await.method(), "ACK");
    // Who made the Call-ID waits 2.1 to 4 s, and then the other side has had its turn (RFC 3261 §14.1).
    let again = loop {
        // Our 491 comes again as long as it is not acknowledged.
        let heard = phone.hear().await;
        if heard.method() == "INVITE" {
            break heard;
        }
    };
    assert_eq!(again.body(), ours.body());
    phone.answer_as(&again, 200, "", WITH_SDP, &sdp("recvonly")).await;
    assert_eq!(phone.hear().await.method(), "ACK");
    assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { .. })));
    drop(leg);
    phone.hear_request("BYE", 200).await;
    server.idle().await;
}

#[tokio::test]
async fn a_refused_call_and_a_silent_one_end_with_their_status() {
    let server = Server::start(Manner::Answers).await;
    let mut phone = Phone::new(server.udp()).await;
    let mut leg = dial(&server, &phone).await;
    let invite = phone.hear().await;
    phone.answer_as(&invite, 486, "p1", "", "").await;
    assert_eq!(phone.hear().await.method(), "ACK");
    assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 486 }));
    let silent = Phone::new(server.udp()).await;
    let mut leg = dial(&server, &silent).await;
    assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 408 }));
    server.idle().await;
}
