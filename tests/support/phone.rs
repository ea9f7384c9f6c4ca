//! A telephone that speaks SIP by hand over UDP, and reads every message a second time with `rsip`.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::answering::sdp;

/// One message from the server.
#[derive(Clone, Debug)]
pub struct Heard(pub String);

impl Heard {
    /// Status of a response, 0 for a request.
    pub fn status(&self) -> u16 {
        self.0.strip_prefix("SIP/2.0 ").and_then(|rest| rest[..3].parse().ok()).unwrap_or(0)
    }

    /// Method of a request.
    pub fn method(&self) -> &str {
        self.0.split(' ').next().unwrap()
    }

    /// First value of a header field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap();
        head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// What follows the head.
    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").unwrap().1
    }
}

/// The second opinion: `rsip` must read what we send, and the length must be true.
pub fn checked(bytes: &[u8]) -> Heard {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let message = rsip::SipMessage::try_from(bytes).unwrap_or_else(|error| panic!("rsip refuses: {error}\n{text}"));
    let heard = Heard(text);
    let length: usize = heard.field("Content-Length").expect("a Content-Length").parse().unwrap();
    assert_eq!(length, heard.body().len(), "{heard:?}");
    use rsip::prelude::{HeadersExt, UntypedHeader};
    assert!(message.via_header().is_ok() && message.cseq_header().is_ok() && message.call_id_header().is_ok());
    assert!(message.from_header().unwrap().value().contains(";tag="));
    let to = message.to_header().unwrap().value().to_owned();
    assert!(heard.status() <= 100 || to.contains(";tag="), "a response has a To tag: {heard:?}");
    heard
}

/// One telephone with one call.
pub struct Phone {
    socket: UdpSocket,
    server: SocketAddr,
    pub local: SocketAddr,
    pub call_id: String,
    pub to_tag: String,
    pub cseq: u32,
    branch: u32,
}

impl Phone {
    /// A telephone that talks to `server`.
    pub async fn new(server: SocketAddr) -> Self {
        let any = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(any).await.unwrap();
        let local = socket.local_addr().unwrap();
        Self {
            socket,
            server,
            local,
            call_id: format!("c{}", fastrand::u64(..)),
            to_tag: String::new(),
            cseq: 1,
            branch: 0,
        }
    }

    /// Sends bytes as they are.
    pub async fn send_raw(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.server).await.unwrap();
    }

    /// A request as text; `extra` are whole header lines.
    pub fn request(&self, method: &str, branch: u32, extra: &str, body: &str) -> String {
        let (server, local) = (self.server, self.local);
        let to_tag = if self.to_tag.is_empty() { String::new() } else { format!(";tag={}", self.to_tag) };
        format!(
            "{method} sip:95188@{server} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{}-{branch};rport\r\n\
             From: \"Li Na\" <sip:13800000001@{local}>;tag=f1\r\nTo: <sip:95188@{server}>{to_tag}\r\n\
             Call-ID: {}\r\nCSeq: {} {method}\r\nContact: <sip:13800000001@{local}>\r\nMax-Forwards: 70\r\n{extra}\
             Content-Length: {}\r\n\r\n{body}",
            self.call_id,
            self.call_id,
            self.cseq,
            body.len()
        )
    }

    /// Sends a new request.
    pub async fn send(&mut self, method: &str, extra: &str, body: &str) {
        self.branch += 1;
        self.send_raw(self.request(method, self.branch, extra, body).as_bytes()).await;
    }

    /// Sends an INVITE with an offer.
    pub async fn invite(&mut self) {
        self.send("INVITE", "Content-Type: application/sdp\r\n", &sdp("sendrecv")).await;
    }

    /// Sends the ACK of a refusal or the CANCEL: they share the branch of the INVITE.
    pub async fn send_in_invite(&mut self, method: &str) {
        self.send_raw(self.request(method, self.branch, "", "").as_bytes()).await;
    }

    /// The next message.
    pub async fn hear(&mut self) -> Heard {
        let mut buffer = vec![0; 65_536];
        let (len, source) = tokio::time::timeout(Duration::from_secs(10), self.socket.recv_from(&mut buffer))
            .await
            .expect("a message in time")
            .unwrap();
        // A telephone that is called does not know its server before.
        self.server = source;
        checked(&buffer[..len])
    }

    /// Whether nothing comes for a while.
    pub async fn is_quiet(&mut self, time: Duration) -> bool {
        let mut buffer = [0; 4096];
        tokio::time::timeout(time, self.socket.recv_from(&mut buffer)).await.is_err()
    }

    /// Skips to the response with this status and learns the server's tag from it.
    pub async fn hear_status(&mut self, status: u16) -> Heard {
        loop {
            let heard = self.hear().await;
            if heard.status() == status {
                let to = heard.field("To").unwrap();
                if let (true, Some((_, tag))) = (self.to_tag.is_empty() && status > 100, to.split_once(";tag=")) {
                    self.to_tag = tag.to_owned();
                }
                return heard;
            }
            assert!(heard.status() < status, "waited for {status}, heard {heard:?}");
        }
    }

    /// Skips to a request and answers it.
    pub async fn hear_request(&mut self, method: &str, status: u16) -> Heard {
        loop {
            let heard = self.hear().await;
            if heard.method() == method {
                self.answer(&heard, status).await;
                return heard;
            }
        }
    }

    /// Answers a request of the server.
    pub async fn answer(&self, request: &Heard, status: u16) {
        self.answer_as(request, status, "", "", "").await;
    }

    /// Answers a request of the server with a To tag, more header lines and a body.
    pub async fn answer_as(&self, request: &Heard, status: u16, tag: &str, extra: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status} Whatever\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let value = request.field(name).unwrap();
            let tag = if name == "To" && !value.contains(";tag=") && !tag.is_empty() {
                format!(";tag={tag}")
            } else {
                String::new()
            };
            text.push_str(&format!("{name}: {value}{tag}\r\n"));
        }
        let length = body.len();
        text.push_str(&format!(
            "Contact: <sip:13800000001@{}>\r\n{extra}Content-Length: {length}\r\n\r\n{body}",
            self.local
        ));
        self.send_raw(text.as_bytes()).await;
    }

    /// INVITE, 200, ACK.
    pub async fn call(&mut self) -> Heard {
        self.invite().await;
        let ok = self.hear_status(200).await;
        self.send("ACK", "", "").await;
        ok
    }

    /// BYE and its 200.
    pub async fn bye(&mut self) {
        self.cseq += 1;
        self.send("BYE", "", "").await;
        self.hear_status(200).await;
    }
}
