//! A server with a voice: greets with a tone, falls silent when somebody speaks, and answers when they stop.

use std::net::SocketAddr;
use std::time::Duration;

use antevox::audio::g711::Law;
use antevox::leg::{LegEvent, LegRequest};
use antevox::rtp::{Packet, Seeds, Sender};
use antevox::sdp::{Agreed, Codec, Local, negotiate};
use antevox::server::rtp::{DEFAULT_RANGE, RtpPorts};
use antevox::server::sip::{IncomingCall, SipConfig, SipEdge, Transport};
use tokio_util::sync::CancellationToken;

/// Frames of the greeting: 2 s.
const GREETING: u32 = 100;
/// Frames of an answer: 0.5 s.
const ANSWER: u32 = 25;
/// Silent frames after which the caller has ended: 0.3 s.
const END: u32 = 15;

/// Starts a parrot on the loopback, and answers where.
pub async fn start(cancel: CancellationToken) -> (SipEdge, SocketAddr) {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let listen = vec![(Transport::Udp, any), (Transport::Tcp, any)];
    let (edge, mut calls) = SipEdge::start(SipConfig { listen, ..SipConfig::default() }, cancel).await.unwrap();
    let udp = edge.bound()[0].1;
    tokio::spawn(async move {
        while let Some(call) = calls.recv().await {
            tokio::spawn(serve(call));
        }
    });
    (edge, udp)
}

async fn serve(mut call: IncomingCall) {
    let ports = RtpPorts::new("127.0.0.1".parse().unwrap(), DEFAULT_RANGE).unwrap();
    let media = ports.open().unwrap();
    let local = Local::new(media.local_addr().unwrap(), 1);
    let mut agreed = match negotiate(&local, call.offer.as_deref().expect("an offer")) {
        Ok(agreed) => agreed,
        Err(refusal) => return call.leg.request(LegRequest::Reject { status: refusal.status() }).unwrap(),
    };
    call.leg.request(LegRequest::Accept { sdp: agreed.answer_sdp() }).unwrap();
    let mut bird = Bird::default();
    let mut sender = Sender::new(Seeds { ssrc: 1, seq: 1, timestamp: 1 });
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let mut buffer = [0; 2_048];
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let sounds = bird.sings();
                let mut packet = Vec::new();
                sender.sound(agreed.payload_types.send, &tone(law(&agreed), sounds), 160, &mut packet);
                if let (true, Some(remote)) = (agreed.direction.sends(), agreed.remote) {
                    media.rtp.send_to(&packet, remote).await.unwrap();
                }
            }
            Ok((len, _)) = media.rtp.recv_from(&mut buffer) => {
                if let Ok(packet) = Packet::parse(&buffer[..len]) {
                    let mut samples = [0; 160];
                    law(&agreed).decode(packet.payload, &mut samples);
                    bird.hears(samples.iter().any(|sample| sample.unsigned_abs() > 1_000));
                }
            }
            event = call.leg.events.recv() => match event {
                Some(LegEvent::Updated { sdp }) => {
                    agreed = negotiate(&agreed.next_local(), &sdp.unwrap()).unwrap();
                    call.leg.request(LegRequest::AcceptUpdate { sdp: agreed.answer_sdp() }).unwrap();
                }
                Some(LegEvent::Ended { .. }) | None => return,
                Some(_) => {}
            }
        }
    }
}

struct Bird {
    left: u32,
    /// Silent frames since the caller was heard; `None` before.
    silent: Option<u32>,
}

impl Default for Bird {
    fn default() -> Self {
        Self { left: GREETING, silent: None }
    }
}

impl Bird {
    fn sings(&mut self) -> bool {
        let sings = self.left > 0;
        self.left = self.left.saturating_sub(1);
        sings
    }

    fn hears(&mut self, audible: bool) {
        match (audible, self.silent) {
            (true, _) => (self.left, self.silent) = (0, Some(0)),
            (false, Some(END)) => (self.left, self.silent) = (ANSWER, None),
            (false, Some(silent)) => self.silent = Some(silent + 1),
            (false, None) => {}
        }
    }
}

fn law(agreed: &Agreed) -> Law {
    match agreed.codec {
        Codec::Pcmu => Law::Mu,
        _ => Law::A,
    }
}

fn tone(law: Law, sounds: bool) -> Vec<u8> {
    let samples: Vec<i16> = (0..160)
        .map(|i| {
            if !sounds {
                0
            } else if i / 8 % 2 == 0 {
                6_000
            } else {
                -6_000
            }
        })
        .collect();
    let mut codes = Vec::new();
    law.encode(&samples, &mut codes);
    codes
}
