//! Calls over TLS: with a peer that is believed, and not with others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use antevox::leg::{LegEvent, LegRequest};
use antevox::server::sip::{Dial, SipConfig, SipEdge, SipError, Tls, TlsError, TlsFiles, Transport};
use support::answering::{Manner, Server, sdp};
use support::certificate::Certificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

async fn answering(certificate: &Certificate) -> Server {
    let config = SipConfig { tls: Some(certificate.tls(None)), ..SipConfig::default() };
    Server::with(Manner::Answers, config).await
}

/// A caller with `tls`, listening on TLS too, so that it can be reached.
async fn caller(tls: Tls) -> SipEdge {
    let listen = vec![(Transport::Tls, "127.0.0.1:0".parse().unwrap())];
    let config = SipConfig { listen, tls: Some(tls), ..SipConfig::default() };
    SipEdge::start(config, CancellationToken::new()).await.unwrap().0
}

fn dial(target: String) -> Dial {
    Dial { target, from: "1000".to_owned(), offer: Some(sdp("sendrecv")), ..Dial::default() }
}

#[tokio::test]
async fn a_call_over_tls_is_answered_held_and_ended() {
    let certificate = Certificate::new();
    let mut server = answering(&certificate).await;
    let port = server.address(Transport::Tls, true).port();
    let caller = caller(certificate.tls(Some(&certificate))).await;
    for target in [format!("sip:95188@127.0.0.1:{port};transport=tls"), format!("sips:95188@localhost:{port}")] {
        let mut leg = caller.dial(dial(target)).await.unwrap();
        let answered = async {
            loop {
                match leg.events.recv().await.expect("an answer") {
                    LegEvent::Answered { sdp } => return sdp,
                    LegEvent::Ended { status } => panic!("refused with {status}"),
                    _ => {}
                }
            }
        };
        assert!(answered.await.contains("m=audio"));
        assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
        leg.request(LegRequest::Update { sdp: sdp("sendonly") }).unwrap();
        assert!(matches!(server.event().await, LegEvent::Updated { sdp: Some(_) }));
        assert!(matches!(leg.events.recv().await, Some(LegEvent::Answered { sdp }) if sdp.contains("recvonly")));
        assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
        leg.request(LegRequest::HangUp).unwrap();
        assert_eq!(server.event().await, LegEvent::Ended { status: 200 });
    }
    server.idle().await;
}

#[tokio::test]
async fn who_is_not_believed_is_not_called() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let server = answering(&certificate).await;
    let target = format!("sips:95188@127.0.0.1:{}", server.address(Transport::Tls, true).port());
    for tls in [certificate.tls(None), certificate.tls(Some(&other))] {
        let refused = caller(tls).await.dial(dial(target.clone())).await;
        assert!(matches!(refused, Err(SipError::Unreachable)), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_hung_up_on() {
    let certificate = Certificate::new();
    let server = answering(&certificate).await;
    let mut stream = tokio::net::TcpStream::connect(server.address(Transport::Tls, true)).await.unwrap();
    stream.write_all(b"OPTIONS sip:95188@127.0.0.1 SIP/2.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // It says why (a TLS alert), in nothing that reads as SIP, and closes.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"SIP"), "{answer:?}");
}

#[test]
fn a_certificate_that_is_not_there_is_named_with_the_remedy() {
    let certificate = Certificate::new();
    let missing = TlsFiles { certificate: "certs/none.pem".into(), key: certificate.file(), roots: None };
    let error = Tls::load(&missing).unwrap_err();
    assert!(matches!(error, TlsError::File { kind: "private key", .. }), "a certificate is no key: {error}");
    assert!(error.to_string().contains("certs/README.md"), "{error}");
}
