//! A colleague who picks up, says a sentence, and listens until the caller hangs up.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::audio::{FRAME_MS, FRAME_SAMPLES, Frame};
use crate::leg::{LegEvent, LegRequest, MediaLeg};
use crate::rtp::Seeds;
use crate::sdp;
use crate::server::rtp::{DEFAULT_RANGE, RtpPorts};
use crate::server::sip::{IncomingCall, SipConfig, SipEdge, Transport};
use crate::speech::tts::{ClauseCache, Mouth, Voice};
use crate::units::{Lang, LegId};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const GREETING: &str =
    "Hello, this is Kim from the service desk. I can see what you told our assistant. How can I help?";
/// Memory for the one sentence that is said.
const CACHE: usize = 4 << 20;

/// Starts to take calls; answers where.
pub(super) async fn start() -> Result<SocketAddr, Failure> {
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = SipConfig { listen: vec![(Transport::Udp, here)], ..SipConfig::default() };
    let (edge, mut calls) = SipEdge::start(config, CancellationToken::new()).await?;
    let (_, address) = edge.bound().first().copied().ok_or("no socket")?;
    let ports = RtpPorts::new(Ipv4Addr::LOCALHOST.into(), DEFAULT_RANGE)?;
    // Synthesis computes: not on a thread that serves sockets, and not while somebody waits on the line.
    let greeting: Arc<[Frame]> = tokio::task::spawn_blocking(greeting).await??.into();
    tokio::spawn(async move {
        let _edge = edge;
        while let Some(call) = calls.recv().await {
            let (ports, greeting) = (ports.clone(), greeting.clone());
            tokio::spawn(async move {
                if let Err(error) = talk(call, &ports, &greeting).await {
                    eprintln!("the colleague could not talk: {error}");
                }
            });
        }
    });
    Ok(address)
}

async fn talk(mut call: IncomingCall, ports: &RtpPorts, greeting: &[Frame]) -> Result<(), Failure> {
    let sockets = ports.open()?;
    let local = sdp::Local::new(sockets.local_addr()?, 1);
    let agreed = sdp::negotiate(&local, call.offer.as_deref().unwrap_or_default())?;
    call.leg.request(LegRequest::Accept { sdp: agreed.answer_sdp() })?;
    let seeds = Seeds { ssrc: fastrand::u32(..), seq: fastrand::u16(..), timestamp: fastrand::u32(..) };
    let mut media = MediaLeg::new(LegId::CALLER, &agreed, seeds);
    let mut greeting = greeting.iter();
    let mut tick = tokio::time::interval(Duration::from_millis(FRAME_MS));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut datagram, mut packet) = ([0; 1_500], Vec::new());
    loop {
        tokio::select! {
            event = call.leg.events.recv() => match event {
                Some(LegEvent::Ended { .. }) | None => return Ok(()),
                Some(_) => {}
            },
            Ok((length, from)) = sockets.rtp.recv_from(&mut datagram) => {
                media.receive(now(), from, &datagram[..length]);
            }
            _ = tick.tick() => {
                media.pull(now());
                let frame = greeting.next().copied().unwrap_or_default();
                if let Some(to) = media.send(&frame, now(), &mut packet) {
                    sockets.rtp.try_send_to(&packet, to).ok();
                }
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a command reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// The sentence, in frames.
fn greeting() -> Result<Vec<Frame>, Failure> {
    let mut pcm = Vec::new();
    Mouth::new(Arc::new(ClauseCache::new(CACHE))).speak(&Voice::default_for(Lang::En), GREETING, &mut |piece| {
        pcm.extend_from_slice(&piece);
        ControlFlow::Continue(())
    })?;
    Ok(pcm
        .chunks(FRAME_SAMPLES)
        .map(|chunk| {
            let mut frame = Frame::SILENCE;
            frame.0[..chunk.len()].copy_from_slice(chunk);
            frame
        })
        .collect())
}
