//! Calls over WebSocket, in the clear and encrypted, as browsers place them (RFC 7118).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use antevox::leg::LegEvent;
use antevox::server::sip::{SipConfig, Transport};
use futures_util::{SinkExt, StreamExt};
use support::answering::{Manner, Server, sdp};
use support::certificate::Certificate;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// A browser that speaks SIP.
struct Browser<S> {
    socket: WebSocketStream<S>,
    transport: &'static str,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Browser<S> {
    async fn over(stream: S, transport: &'static str, protocol: Option<&'static str>) -> Result<Self, Box<Error>> {
        let mut request = "ws://127.0.0.1/".into_client_request().unwrap();
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let (socket, _) = client_async(request, stream).await.map_err(Box::new)?;
        Ok(Self { socket, transport })
    }

    /// Sends a request of the call; one with a body says its length only if `measured`.
    async fn send(&mut self, method: &str, cseq: u32, to_tag: &str, body: &str, measured: bool) {
        let transport = self.transport;
        let length = if measured { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let number = if method == "ACK" { 1 } else { cseq };
        let message = format!(
            "{method} sip:95188@127.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/{transport} df7jal23ls0d.invalid;branch=z9hG4bK{method}{cseq}\r\n\
             From: <sip:alice@example.org>;tag=asdyka899\r\nTo: <sip:95188@example.org>{to_tag}\r\n\
             Call-ID: asidkj3ss\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n\
             Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>\r\n{kind}{length}\r\n{body}"
        );
        self.socket.send(Message::text(message)).await.unwrap();
    }

    /// The next message that is not a 100.
    async fn hear(&mut self) -> String {
        loop {
            let text = self.socket.next().await.expect("a message").unwrap().into_text().unwrap().to_string();
            if !text.starts_with("SIP/2.0 100") {
                return text;
            }
        }
    }

    async fn call(&mut self, measured: bool) {
        self.send("INVITE", 1, "", &sdp("sendrecv"), measured).await;
        let mut answer = self.hear().await;
        while answer.starts_with("SIP/2.0 18") {
            answer = self.hear().await;
        }
        assert!(answer.starts_with("SIP/2.0 200") && answer.contains("m=audio"), "{answer}");
        assert!(answer.contains(";transport=ws>"), "our Contact is reached by WebSocket: {answer}");
        let to = answer.lines().find(|line| line.starts_with("To:")).unwrap();
        let tag = format!(";tag={}", to.split_once(";tag=").unwrap().1.trim());
        self.send("ACK", 2, &tag, "", true).await;
        // A keep-alive in the middle of the call (RFC 7118 §6).
        self.socket.send(Message::text("\r\n\r\n")).await.unwrap();
        assert_eq!(self.hear().await, "\r\n");
        self.send("BYE", 3, &tag, "", true).await;
        assert!(self.hear().await.starts_with("SIP/2.0 200"));
    }
}

async fn connected(server: &Server, transport: Transport) -> TcpStream {
    TcpStream::connect(server.address(transport, true)).await.unwrap()
}

#[tokio::test]
async fn a_browser_calls_and_is_reached_by_its_own_connection() {
    let mut server = Server::start(Manner::Answers).await;
    for measured in [true, false] {
        let stream = connected(&server, Transport::Ws).await;
        let mut browser = Browser::over(stream, "WS", Some("chat, sip")).await.unwrap();
        browser.call(measured).await;
        assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
        assert_eq!(server.event().await, LegEvent::Ended { status: 200 });
    }
    // Now it is the server that hangs up: its BYE comes over the same connection, though the Contact leads nowhere.
    let server = Server::start(Manner::HangsUp).await;
    let stream = connected(&server, Transport::Ws).await;
    let mut browser = Browser::over(stream, "WS", Some("sip")).await.unwrap();
    browser.send("INVITE", 1, "", &sdp("sendrecv"), true).await;
    let mut answer = browser.hear().await;
    while answer.starts_with("SIP/2.0 18") {
        answer = browser.hear().await;
    }
    let to = answer.lines().find(|line| line.starts_with("To:")).unwrap();
    let tag = format!(";tag={}", to.split_once(";tag=").unwrap().1.trim());
    browser.send("ACK", 2, &tag, "", true).await;
    let bye = browser.hear().await;
    assert!(bye.starts_with("BYE ") && bye.contains("Via: SIP/2.0/WS "), "{bye}");
}

#[tokio::test]
async fn the_same_goes_encrypted() {
    let certificate = Certificate::new();
    let config = SipConfig { tls: Some(certificate.tls(None)), ..SipConfig::default() };
    let mut server = Server::with(Manner::Answers, config).await;
    let stream = certificate.connect(connected(&server, Transport::Wss).await).await;
    Browser::over(stream, "WSS", Some("sip")).await.unwrap().call(true).await;
    assert_eq!(server.event().await, LegEvent::Acknowledged { sdp: None });
}

#[tokio::test]
async fn who_does_not_ask_for_sip_or_says_too_much_is_sent_away() {
    let server = Server::start(Manner::Answers).await;
    for protocol in [None, Some("chat")] {
        let refused = Browser::over(connected(&server, Transport::Ws).await, "WS", protocol).await;
        let Err(Error::Http(answer)) = refused.map(|_| ()).map_err(|error| *error) else { panic!("not refused") };
        assert_eq!(answer.status(), 400);
    }
    let mut browser = Browser::over(connected(&server, Transport::Ws).await, "WS", Some("sip")).await.unwrap();
    browser.socket.send(Message::text("x".repeat(70_000))).await.unwrap();
    assert!(!matches!(browser.socket.next().await, Some(Ok(Message::Text(_)))), "hung up");
    // Others do not notice.
    let mut browser = Browser::over(connected(&server, Transport::Ws).await, "WS", Some("sip")).await.unwrap();
    browser.call(true).await;
}
