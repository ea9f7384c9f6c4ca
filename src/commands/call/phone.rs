//! A caller's telephone: SIP and RTP over real sockets, and the 20 ms at which sound is sent.
//!
//! ```text
//! Dial ─► Ringing ─► Phone::next ─► Tick │ Sound │ Leg       Phone::send ─► line ─► RTP
//! ```

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::line::Line;
use super::sound::{LineFrame, is_audible};
use crate::leg::{LegEvent, LegRequest};
use crate::sdp::{self, Direction, Local};
use crate::server::rtp::{RtpPorts, RtpSockets};
use crate::server::sip::{Dial, SipEdge, SipLeg};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long the server may let it ring.
const RINGING_LIMIT: Duration = Duration::from_secs(30);
/// Length of a frame.
const FRAME: Duration = Duration::from_millis(20);
/// Largest datagram taken; RTP of a telephone call is far smaller.
const MAX_DATAGRAM: usize = 2_048;

/// A call that is being placed.
pub(in crate::commands) struct Ringing {
    leg: SipLeg,
    media: RtpSockets,
    offer: Local,
    dialled: Instant,
}

/// An answered call.
pub(in crate::commands) struct Phone {
    leg: SipLeg,
    media: RtpSockets,
    offer: Local,
    /// Both directions of sound.
    pub(super) line: Line,
    /// INVITE to 200.
    pub(super) setup: Duration,
    begun: Instant,
    tick: Interval,
    datagram: [u8; MAX_DATAGRAM],
}

/// What happens at a telephone.
pub(in crate::commands) enum News {
    /// The next 20 ms are to be sent.
    Tick,
    /// The server's sound came: its frames since the answer, and whether each can be heard.
    Sound(Vec<(u64, bool)>),
    /// Signalling moved on; `None` when it is over.
    Leg(Option<LegEvent>),
}

impl Ringing {
    /// Places a call from `edge`. The offer in `dial` is made here.
    pub(in crate::commands) async fn dial(edge: &SipEdge, ports: &RtpPorts, dial: Dial) -> Result<Self, Failure> {
        let media = ports.open()?;
        let offer = Local::new(media.local_addr()?, fastrand::u64(1..1 << 62));
        let dialled = Instant::now();
        let leg = edge.dial(Dial { offer: Some(sdp::offer(&offer)), ..dial }).await?;
        Ok(Self { leg, media, offer, dialled })
    }

    /// Waits for the answer; an error says why none came.
    pub(in crate::commands) async fn answered(mut self) -> Result<Phone, String> {
        let wait = async {
            while let Some(event) = self.leg.events.recv().await {
                match event {
                    LegEvent::Answered { sdp } => {
                        return sdp::accept_answer(&self.offer, &sdp).map(Line::new).map_err(|error| error.to_string());
                    }
                    LegEvent::Ended { status } => return Err(format!("the call was refused with {status}")),
                    _ => {}
                }
            }
            Err("the call ended before it was answered".to_owned())
        };
        let answer = tokio::time::timeout(RINGING_LIMIT, wait).await;
        let line = answer.unwrap_or_else(|_| Err("nobody answered".to_owned()))?;
        let begun = Instant::now();
        let mut tick = tokio::time::interval_at(begun, FRAME);
        // Late ticks are made up for at once: the pace over the line stays 50 frames a second.
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let Self { leg, media, offer, dialled } = self;
        let datagram = [0; MAX_DATAGRAM];
        Ok(Phone { leg, media, offer, line, setup: begun - dialled, begun, tick, datagram })
    }
}

impl Phone {
    /// Waits for whatever comes first. Nothing is lost when the future is dropped.
    pub(in crate::commands) async fn next(&mut self) -> News {
        loop {
            tokio::select! {
                _ = self.tick.tick() => return News::Tick,
                Ok((length, _)) = self.media.rtp.recv_from(&mut self.datagram) => {
                    let ms = self.begun.elapsed().as_secs_f64() * 1e3;
                    let heard = self.line.receive(&self.datagram[..length], ms);
                    if !heard.is_empty() {
                        return News::Sound(heard);
                    }
                }
                event = self.leg.events.recv() => return News::Leg(event),
            }
        }
    }

    /// Sends 20 ms of sound; `None` is silence.
    pub(in crate::commands) async fn send(&mut self, sound: Option<LineFrame>) {
        if let (Some(packet), Some(remote)) = (self.line.send(sound), self.line.agreed().remote) {
            // A packet that cannot be sent is lost, as on any line.
            let _ = self.media.rtp.send_to(&packet, remote).await;
        }
    }

    /// How long the call has been up.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Offers another direction; answers whether that could be asked for.
    pub(super) fn update(&mut self, direction: Direction) -> bool {
        self.offer = Local { direction, version: self.offer.version + 1, ..self.offer.clone() };
        self.leg.request(LegRequest::Update { sdp: sdp::offer(&self.offer) }).is_ok()
    }

    /// The server answered an [`update`](Self::update); answers whether the answer fits.
    pub(super) fn updated(&mut self, answer: &str) -> bool {
        match sdp::accept_answer(&self.offer, answer) {
            Ok(agreed) => {
                self.line.renegotiated(agreed);
                true
            }
            Err(_) => false,
        }
    }

    /// The server changes the media: hold, another port.
    pub(in crate::commands) fn answer_update(&mut self, offered: Option<&str>) {
        let local = Local { direction: Direction::SendReceive, version: self.offer.version + 1, ..self.offer.clone() };
        let answer = match offered.map(|sdp| sdp::negotiate(&local, sdp)) {
            Some(Ok(agreed)) => {
                let sdp = agreed.answer_sdp();
                self.line.renegotiated(agreed);
                LegRequest::AcceptUpdate { sdp }
            }
            Some(Err(refusal)) => LegRequest::RejectUpdate { status: refusal.status() },
            None => LegRequest::AcceptUpdate { sdp: sdp::offer(&local) },
        };
        self.offer = local;
        let _ = self.leg.request(answer);
    }

    /// Ends the call. A leg that is over already takes no request.
    pub(in crate::commands) fn hang_up(&self) {
        let _ = self.leg.request(LegRequest::HangUp);
    }

    /// Whether the server could be heard, by frame.
    pub(in crate::commands) fn audible(&self) -> Vec<bool> {
        let last = self.line.theirs.keys().next_back().map_or(0, |last| last + 1);
        (0..last).map(|frame| self.line.theirs.get(&frame).is_some_and(is_audible)).collect()
    }
}
