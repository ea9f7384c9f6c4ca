//! Trunks, registered telephones and calls out, over real sockets with hand-made counterparts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use antevox::leg::LegEvent;
use antevox::server::sip::{
    CallsOut, Credentials, Dial, Forbidden, Login, Purpose, SipConfig, SipError, Strangers, Target, Transport, Trunk,
};
use antevox::units::Pii;
use support::answering::{Manner, Server, sdp};
use support::phone::{Heard, Phone};

const WITH_SDP: &str = "Content-Type: application/sdp\r\n";
const T1: Duration = Duration::from_millis(50);

fn login(user: &str) -> Login {
    Login { user: user.into(), password: Pii("secret".into()) }
}

fn trunk(targets: &[&Phone]) -> Trunk {
    let targets = targets.iter().map(|phone| Target { uri: format!("sip:{}", phone.local), weight: 1 }).collect();
    let credentials = Credentials { user: "us".into(), password: Pii("secret".into()), realm: Some("carrier".into()) };
    Trunk { name: "carrier".into(), targets, credentials: Some(credentials), ..Trunk::default() }
}

async fn server(config: SipConfig) -> Server {
    Server::with(Manner::Answers, SipConfig { t1: T1, ..config }).await
}

/// A telephone of the kind that some tests need before there is a server.
async fn phone() -> Phone {
    Phone::new("127.0.0.1:9".parse().unwrap()).await
}

fn call(target: &str) -> Dial {
    let offer = Some(sdp("sendrecv"));
    Dial { target: target.into(), from: "100".into(), offer, purpose: Purpose::Caller, ..Dial::default() }
}

/// An `Authorization` line for the best challenge of a 401.
fn proof(challenge: &Heard, method: &str, user: &str, password: &str) -> String {
    let value = challenge.field("WWW-Authenticate").unwrap();
    let part = |name: &str| value.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(value.contains("algorithm=SHA-256") && value.contains("qop=\"auth\""), "{value}");
    let (realm, nonce, uri) = (part("realm"), part("nonce"), "sip:here");
    let hash = |text: String| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let (ha1, ha2) = (hash(format!("{user}:{realm}:{password}")), hash(format!("{method}:{uri}")));
    let response = hash(format!("{ha1}:{nonce}:00000001:c:auth:{ha2}"));
    format!(
        "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", qop=auth, \
         nc=00000001, cnonce=\"c\", response=\"{response}\", algorithm=SHA-256\r\n"
    )
}

#[tokio::test]
async fn a_trunk_proves_who_it_is_and_nobody_learns_who_exists() {
    let trunk = Trunk { name: "office".into(), login: Some(login("office")), ..Trunk::default() };
    let server =
        server(SipConfig { trunks: vec![trunk], strangers: Strangers::Challenged, ..SipConfig::default() }).await;
    let mut refusals = Vec::new();
    for (user, password) in [("office", "wrong"), ("nobody", "secret")] {
        let mut phone = Phone::new(server.udp()).await;
        phone.invite().await;
        let challenge = phone.hear_status(401).await;
        phone.to_tag.clear();
        phone.cseq += 1;
        let proof = proof(&challenge, "INVITE", user, password);
        phone.send("INVITE", &format!("{WITH_SDP}{proof}"), &sdp("sendrecv")).await;
        let again = phone.hear_status(401).await;
        refusals.push(again.0.lines().filter_map(|line| line.split(['=', ':']).next()).collect::<Vec<_>>().join(","));
    }
    assert_eq!(refusals[0], refusals[1], "known and unknown users are answered alike");

    let mut phone = Phone::new(server.udp()).await;
    phone.invite().await;
    let challenge = phone.hear_status(401).await;
    phone.to_tag.clear();
    phone.cseq += 1;
    let proof = proof(&challenge, "INVITE", "office", "secret");
    let authorised = format!("{WITH_SDP}{proof}");
    phone.send("INVITE", &authorised, &sdp("sendrecv")).await;
    phone.hear_status(200).await;
    phone.send("ACK", "", "").await;
    phone.bye().await;

    let mut thief = Phone::new(server.udp()).await;
    thief.send("INVITE", &authorised, &sdp("sendrecv")).await;
    assert!(thief.hear_status(401).await.field("WWW-Authenticate").unwrap().contains("stale=true"), "played again");
    server.idle().await;
}

#[tokio::test]
async fn strangers_can_be_turned_away() {
    let refused = SipConfig { strangers: Strangers::Refused, ..SipConfig::default() };
    let server = server(refused).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.invite().await;
    assert_eq!(phone.hear().await.status(), 403);
    let trunk = Trunk { name: "here".into(), networks: vec!["127.0.0.0/8".parse().unwrap()], ..Trunk::default() };
    let config = SipConfig { trunks: vec![trunk], strangers: Strangers::Refused, ..SipConfig::default() };
    let server = self::server(config).await;
    let mut phone = Phone::new(server.udp()).await;
    phone.call().await;
    phone.bye().await;
    server.idle().await;
}

/// Registers and answers the challenge; what the registrar says in the end.
async fn register(phone: &mut Phone, user: &str, contact: &str) -> Heard {
    phone.send("REGISTER", &format!("Contact: {contact}\r\n"), "").await;
    let challenge = phone.hear_status(401).await;
    phone.to_tag.clear();
    phone.cseq += 1;
    let proof = proof(&challenge, "REGISTER", user, "secret");
    phone.send("REGISTER", &proof, "").await;
    phone.hear().await
}

#[tokio::test]
async fn a_registered_telephone_is_called_where_it_registered_from() {
    // The hand-made telephone writes its own address into Contact and 95188 into To.
    let server = server(SipConfig { phones: vec![login("95188")], ..SipConfig::default() }).await;
    let nobody = server.edge.dial(call("sip:95188@antevox")).await;
    assert!(matches!(nobody, Err(SipError::Unreachable)));
    let mut phone = Phone::new(server.udp()).await;
    let ok = register(&mut phone, "95188", "<sip:x@1>").await;
    assert_eq!(ok.status(), 200, "{ok:?}");
    assert!(ok.field("Contact").unwrap().contains(";expires=3600"));
    assert_eq!(server.edge.phones_of("95188").len(), 1);

    let mut leg = server.edge.dial(call("sip:95188@antevox")).await.unwrap();
    let invite = phone.hear().await;
    assert_eq!(invite.method(), "INVITE");
    phone.answer_as(&invite, 200, "p", WITH_SDP, &sdp("sendrecv")).await;
    assert_eq!(phone.hear().await.method(), "ACK");
    assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { .. })));
    drop(leg);
    phone.hear_request("BYE", 200).await;
    server.idle().await;
}

#[tokio::test]
async fn a_telephone_registers_for_itself_only() {
    let server = server(SipConfig { phones: vec![login("anna")], ..SipConfig::default() }).await;
    let mut phone = Phone::new(server.udp()).await;
    assert_eq!(register(&mut phone, "anna", "<sip:x@1>").await.status(), 403, "To says 95188");
    let mut phone = Phone::new(server.udp()).await;
    assert_eq!(register(&mut phone, "otto", "<sip:x@1>").await.status(), 401);
    assert!(server.edge.phones_of("95188").is_empty());
}

#[tokio::test]
async fn we_register_with_a_trunk_and_take_it_back() {
    let mut registrar = phone().await;
    let registering = Trunk { register: Some(Duration::from_secs(600)), ..trunk(&[&registrar]) };
    let server = server(SipConfig { trunks: vec![registering], ..SipConfig::default() }).await;
    let first = registrar.hear().await;
    assert_eq!((first.method(), first.field("Expires")), ("REGISTER", Some("600")));
    assert!(first.field("Authorization").is_none());
    let foreign = "WWW-Authenticate: Digest realm=\"elsewhere\", nonce=\"n\"\r\n";
    let challenge = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n";
    registrar.answer_as(&first, 401, "r", &format!("{foreign}{challenge}"), "").await;
    let second = registrar.hear().await;
    let authorization = second.field("Authorization").unwrap();
    assert!(authorization.contains("realm=\"carrier\"") && authorization.contains("SHA-256"), "{authorization}");
    assert_eq!(second.field("Call-ID"), first.field("Call-ID"));
    registrar.answer_as(&second, 200, "r", "Expires: 600\r\n", "").await;
    // Our answer has to arrive before we take it back.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let edge = server.edge.clone();
    let gone = tokio::spawn(async move { edge.unregister().await });
    let last = registrar.hear().await;
    assert_eq!((last.method(), last.field("Expires")), ("REGISTER", Some("0")));
    registrar.answer_as(&last, 200, "r", "", "").await;
    gone.await.unwrap();
}

#[tokio::test]
async fn a_foreign_realm_gets_no_credentials() {
    let mut carrier = phone().await;
    let server = server(SipConfig { trunks: vec![trunk(&[&carrier])], ..SipConfig::default() }).await;
    let mut leg = server.edge.dial(call("sip:200@carrier")).await.unwrap();
    let invite = carrier.hear().await;
    assert!(invite.0.starts_with(&format!("INVITE sip:200@{} ", carrier.local)));
    carrier.answer_as(&invite, 407, "c", "Proxy-Authenticate: Digest realm=\"elsewhere\", nonce=\"n\"\r\n", "").await;
    assert_eq!(carrier.hear().await.method(), "ACK");
    assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 407 }));
    server.idle().await;
}

#[tokio::test]
async fn a_dead_target_is_passed_over() {
    let (mut alive, dead) = (phone().await, phone().await);
    let mut both = trunk(&[&dead, &alive]);
    // Nearly always the dead one first.
    both.targets[0].weight = 1_000_000;
    let server = server(SipConfig { trunks: vec![both], ..SipConfig::default() }).await;
    let mut leg = server.edge.dial(call("sip:200@carrier")).await.unwrap();
    let invite = alive.hear().await;
    assert_eq!(invite.method(), "INVITE");
    alive.answer_as(&invite, 200, "a", WITH_SDP, &sdp("sendrecv")).await;
    assert_eq!(alive.hear().await.method(), "ACK");
    assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { .. })));
    drop(leg);
    alive.hear_request("BYE", 200).await;
    server.idle().await;
}

#[tokio::test]
async fn a_busy_telephone_s_user_may_have_another() {
    let server = server(SipConfig { phones: vec![login("95188")], ..SipConfig::default() }).await;
    let (mut first, mut second) = (Phone::new(server.udp()).await, Phone::new(server.udp()).await);
    for phone in [&mut second, &mut first] {
        let contact = format!("<sip:x@{}>", phone.local);
        assert_eq!(register(phone, "95188", &contact).await.status(), 200);
    }
    let mut leg = server.edge.dial(call("sip:95188@antevox")).await.unwrap();
    let invite = first.hear().await;
    first.answer_as(&invite, 486, "f", "", "").await;
    assert_eq!(first.hear().await.method(), "ACK");
    let again = second.hear().await;
    assert_eq!((again.method(), again.field("Call-ID")), ("INVITE", invite.field("Call-ID")));
    second.answer_as(&again, 480, "s", "", "").await;
    assert_eq!(second.hear().await.method(), "ACK");
    assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 480 }));
    server.idle().await;
}

#[tokio::test]
async fn only_a_trusted_trunk_is_told_who_calls_and_whom_they_called() {
    for is_trusted in [true, false] {
        let mut target = phone().await;
        let server =
            server(SipConfig { trunks: vec![Trunk { is_trusted, ..trunk(&[&target]) }], ..SipConfig::default() }).await;
        let dial = Dial { called: "95188".into(), ..call("sip:200@carrier") };
        let mut leg = server.edge.dial(dial).await.unwrap();
        let invite = target.hear().await;
        let asserted = invite.field("P-Asserted-Identity").is_some_and(|value| value.starts_with("<sip:100@"));
        let diverted = invite.field("Diversion");
        let diverted =
            diverted.is_some_and(|value| value.starts_with("<sip:95188@") && value.ends_with("reason=deflection"));
        assert_eq!((asserted, diverted), (is_trusted, is_trusted));
        target.answer_as(&invite, 486, "f", "", "").await;
        assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 486 }));
    }
}

#[tokio::test]
async fn targets_are_asked_whether_they_live() {
    let mut target = phone().await;
    let asking = Trunk { options: Some(Duration::from_secs(1)), ..trunk(&[&target]) };
    let _server = server(SipConfig { trunks: vec![asking], ..SipConfig::default() }).await;
    for _ in 0..2 {
        target.hear_request("OPTIONS", 404).await;
    }
}

#[tokio::test]
async fn a_redirection_is_followed_where_the_rules_allow_it() {
    let (mut first, mut second) = (phone().await, phone().await);
    let allowed = format!("sip:*@{}", second.local).parse().unwrap();
    let calls_out = CallsOut { redirects: vec![allowed], ..CallsOut::default() };
    let server = server(SipConfig { calls_out, ..SipConfig::default() }).await;
    let mut leg = server.edge.dial(call(&format!("sip:a@{}", first.local))).await.unwrap();
    let invite = first.hear().await;
    let contacts = format!("Contact: <sip:evil@192.0.2.1>, <sip:b@{};x=y>\r\n", second.local);
    // The hand-made telephone puts its own Contact first: that one is not allowed either.
    first.answer_as(&invite, 302, "f", &contacts, "").await;
    assert_eq!(first.hear().await.method(), "ACK");
    let again = second.hear().await;
    assert_eq!((again.method(), again.field("Call-ID")), ("INVITE", invite.field("Call-ID")));
    second.answer_as(&again, 302, "s", &format!("Contact: <sip:a@{}>\r\n", first.local), "").await;
    assert_eq!(second.hear().await.method(), "ACK");
    // Its own Contact is allowed: once more, and then it is too often.
    for hop in 2..=3 {
        let again = second.hear().await;
        assert_eq!(again.method(), "INVITE", "hop {hop}");
        second.answer_as(&again, 302, &format!("s{hop}"), "", "").await;
        assert_eq!(second.hear().await.method(), "ACK");
    }
    assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 302 }));
    server.idle().await;
}

#[tokio::test]
async fn calls_out_have_limits() {
    let mut phone = phone().await;
    let allow = vec![format!("sip:*@{}", phone.local).parse().unwrap()];
    let calls_out = CallsOut { allow, at_once: 1, per_day: 2, ..CallsOut::default() };
    let server = server(SipConfig { calls_out, ..SipConfig::default() }).await;
    let here = format!("sip:a@{}", phone.local);
    let forbidden = async |target: &str| match server.edge.dial(call(target)).await {
        Err(SipError::Forbidden(why)) => why,
        other => panic!("{:?}", other.map(|_| "it was placed")),
    };
    assert_eq!(forbidden("sip:a@192.0.2.1").await, Forbidden::Destination);
    for _ in 0..2 {
        let mut leg = server.edge.dial(call(&here)).await.unwrap();
        assert_eq!(forbidden(&here).await, Forbidden::AtOnce);
        let invite = phone.hear().await;
        phone.answer_as(&invite, 486, "p", "", "").await;
        assert_eq!(phone.hear().await.method(), "ACK");
        assert_eq!(leg.events.recv().await, Some(LegEvent::Ended { status: 486 }));
        server.idle().await;
    }
    assert_eq!(forbidden(&here).await, Forbidden::Day);
    let own = Dial { purpose: Purpose::Own, ..call(&here) };
    server.edge.dial(own).await.unwrap();
    assert_eq!(server.edge.bound()[0].0, Transport::Udp);
}
