//! A small server that answers every call: [`SipEdge`] with the least that a call must do.

use std::net::SocketAddr;
use std::time::Duration;

use antevox::leg::{LegEvent, LegRequest, ReferTo};
use antevox::server::sip::{IncomingCall, Rate, SipConfig, SipEdge, Transport};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How the server treats calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Rings, then answers at once.
    Answers,
    /// Rings for ever.
    Rings,
    /// Lets callers hear it for a moment, then answers.
    Announces,
    /// Answers, and hangs up as soon as the ACK is there.
    HangsUp,
    /// Answers, and refers the caller to somebody else.
    Refers,
}

/// A running server.
pub struct Server {
    pub edge: SipEdge,
    /// Closes the sockets: nothing is heard any more.
    pub cancel: CancellationToken,
    /// Lets every call hang up.
    pub hang_up: CancellationToken,
    /// Every event of every call.
    pub events: mpsc::Receiver<LegEvent>,
}

impl Server {
    /// Starts on UDP and TCP on the loopback, with a short T1 so that timeouts can be waited for.
    pub async fn start(manner: Manner) -> Self {
        // Tests ask for more than any source may.
        let rate = Rate { per_second: 0, burst: 0 };
        Self::with(manner, SipConfig { t1: Duration::from_millis(50), rate, ..SipConfig::default() }).await
    }

    /// Starts with this configuration; its sockets are chosen here.
    pub async fn with(manner: Manner, config: SipConfig) -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut listen = vec![(Transport::Udp, any), (Transport::Tcp, any)];
        if std::net::UdpSocket::bind("[::1]:0").is_ok() {
            listen.push((Transport::Udp, "[::1]:0".parse().unwrap()));
        }
        listen.push((Transport::Ws, any));
        if config.tls.is_some() {
            listen.extend([(Transport::Tls, any), (Transport::Wss, any)]);
        }
        let cancel = CancellationToken::new();
        let (edge, mut calls) = SipEdge::start(SipConfig { listen, ..config }, cancel.clone()).await.unwrap();
        let (sender, events) = mpsc::channel(4096);
        let hang_up = CancellationToken::new();
        let ending = hang_up.clone();
        tokio::spawn(async move {
            while let Some(call) = calls.recv().await {
                tokio::spawn(ending.clone().run_until_cancelled_owned(serve(call, manner, sender.clone())));
            }
        });
        Self { edge, cancel, hang_up, events }
    }

    /// Address of the n-th socket of this transport.
    pub fn address(&self, transport: Transport, ipv4: bool) -> SocketAddr {
        let found = self.edge.bound().iter().find(|(kind, local)| *kind == transport && local.is_ipv4() == ipv4);
        found.expect("it was opened").1
    }

    /// Address of the IPv4 UDP socket.
    pub fn udp(&self) -> SocketAddr {
        self.address(Transport::Udp, true)
    }

    /// Address of the TCP socket.
    pub fn tcp(&self) -> SocketAddr {
        self.address(Transport::Tcp, true)
    }

    /// The next event of any call.
    pub async fn event(&mut self) -> LegEvent {
        tokio::time::timeout(Duration::from_secs(10), self.events.recv()).await.expect("an event in time").unwrap()
    }

    /// Waits until nothing of any call is left.
    pub async fn idle(&self) {
        for _ in 0..1_000 {
            if self.edge.legs() == 0 && self.edge.gate().live() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} legs and {} permits are left", self.edge.legs(), self.edge.gate().live());
    }
}

/// Media that nobody listens to: port 9 is the discard service.
pub fn sdp(direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na={direction}\r\n"
    )
}

async fn serve(mut call: IncomingCall, manner: Manner, events: mpsc::Sender<LegEvent>) {
    if manner == Manner::Announces {
        call.leg.request(LegRequest::Progress { sdp: sdp("sendrecv") }).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    } else {
        call.leg.request(LegRequest::Ring).unwrap();
    }
    if manner != Manner::Rings {
        call.leg.request(LegRequest::Accept { sdp: sdp("sendrecv") }).unwrap();
    }
    while let Some(event) = call.leg.events.recv().await {
        match &event {
            LegEvent::Acknowledged { .. } if manner == Manner::HangsUp => call.leg.request(LegRequest::HangUp).unwrap(),
            LegEvent::Acknowledged { .. } if manner == Manner::Refers => {
                let headers = vec![("X-Reason".to_owned(), "caller_asked".to_owned())];
                call.leg
                    .request(LegRequest::Refer { to: ReferTo::Uri("sip:agent@127.0.0.1".to_owned()), headers })
                    .unwrap();
            }
            LegEvent::Updated { sdp: offer } => {
                // Without one it is ours that is wanted.
                let held = offer.as_deref().is_some_and(|offer| offer.contains("a=sendonly"));
                let sdp = sdp(if held { "recvonly" } else { "sendrecv" });
                call.leg.request(LegRequest::AcceptUpdate { sdp }).unwrap();
            }
            _ => {}
        }
        let _ = events.send(event).await;
    }
}
