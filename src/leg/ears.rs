//! From datagrams to frames: whose packet it is, when it is heard, and what it says.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Keys;
use super::coder::{self, Decoder};
use super::media::Inbound;
use crate::audio::tone::KeyDetector;
use crate::rtp::bursts::Bursts;
use crate::rtp::jitter::Pushed;
use crate::rtp::telephone_event::KeyReceiver;
use crate::rtp::{Arrival, JitterBuffer, Packet, Played, Reception, Signal, SourceLock, Verdict};
use crate::sdp::{Agreed, Codec};

/// Below this a frame is a quiet moment, in which the delay may be mended (dBov).
const QUIET: f32 = -45.0;
/// Comfort noise (RFC 3389 §4); understood whether or not it was agreed on, unless that number was.
pub(super) const COMFORT_NOISE: u8 = 13;

/// From datagrams to frames.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) lock: SourceLock,
    pub(super) reception: Reception,
    jitter: JitterBuffer,
    decoder: Decoder,
    keys: KeyReceiver,
    pressed: Keys,
    signal: Signal,
    /// Hears keys in the sound of a peer that does not send them as events.
    tones: KeyDetector,
    pub(super) losses: Bursts,
    late_before: u64,
    /// From the quickest packet's arrival to its being heard: now, and the longest there has been.
    pub(super) delay: Duration,
    pub(super) longest: Duration,
    pub(super) foreign: u64,
}

/// What a payload type means in what we receive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sound,
    Key,
    Noise,
    Unknown,
}

impl Kind {
    fn of(packet: &Packet<'_>, agreed: &Agreed) -> Self {
        if packet.payload_type == agreed.payload_types.receive {
            Self::Sound
        } else if agreed.telephone_event.is_some_and(|event| event.receive == packet.payload_type) {
            Self::Key
        } else if packet.payload_type == COMFORT_NOISE {
            Self::Noise
        } else {
            Self::Unknown
        }
    }
}

impl Ears {
    pub(super) fn new(agreed: &Agreed) -> Self {
        Self {
            lock: SourceLock::new(agreed.remote),
            reception: Reception::default(),
            jitter: JitterBuffer::new(agreed.codec.clock_rate()),
            decoder: Decoder::new(agreed.codec),
            keys: KeyReceiver::default(),
            pressed: Keys::default(),
            signal: Signal::Quiet,
            tones: KeyDetector::default(),
            losses: Bursts::default(),
            late_before: 0,
            delay: Duration::ZERO,
            longest: Duration::ZERO,
            foreign: 0,
        }
    }

    pub(super) fn change_codec(&mut self, codec: Codec) {
        self.late_before = self.late();
        self.jitter = JitterBuffer::new(codec.clock_rate());
        self.decoder = Decoder::new(codec);
    }

    pub(super) fn late(&self) -> u64 {
        self.late_before + self.jitter.counts().late
    }

    /// Takes a packet. Answers what it is, when it is the party's, new, and in time: so much may be passed on to others.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &Packet<'_>,
        agreed: &Agreed,
    ) -> Option<(Kind, Pushed)> {
        let kind = Kind::of(packet, agreed);
        // A payload type that nobody agreed on is no credential.
        if kind == Kind::Unknown && self.lock.locked() != Some(from) {
            self.foreign += 1;
            return None;
        }
        match self.lock.admit(from, packet) {
            Verdict::Accept => {}
            Verdict::Probation => return None,
            Verdict::Foreign => {
                self.foreign += 1;
                return None;
            }
        }
        let ticks = if kind == Kind::Sound { coder::ticks(agreed.codec, packet.payload) } else { 0 };
        let &Packet { marker, seq, timestamp, ssrc, payload, .. } = packet;
        let changed = self.reception.ssrc().is_some_and(|known| known != ssrc);
        let pushed = self.jitter.push(now, &Arrival { ssrc, seq, timestamp, ticks, marker, payload });
        if pushed != Pushed::Duplicate {
            self.reception.arrived(now, ssrc, seq, timestamp, agreed.codec.clock_rate());
        }
        if kind == Kind::Key {
            if changed {
                self.keys.restart();
            }
            if let Some(key) = self.keys.receive(timestamp, payload) {
                self.pressed.push(key);
            }
        }
        if kind == Kind::Noise {
            self.decoder.comfort(payload);
        }
        matches!(pushed, Pushed::Stored | Pushed::Restarted).then_some((kind, pushed))
    }

    pub(super) fn pull(&mut self, now: Instant, hears_keys: bool) -> Inbound {
        while !self.decoder.has_frame() {
            match self.jitter.pull(now, self.decoder.waiting(), self.signal) {
                Played::Sound { payload, pace, .. } => {
                    let shorter = self.decoder.hear(payload, pace);
                    self.jitter.shortened(shorter);
                    self.losses.arrived();
                }
                Played::Lost { ticks, next } => {
                    self.decoder.conceal(ticks, next);
                    self.losses.lost();
                }
                Played::Silence { ticks } => self.decoder.rest(ticks),
            }
        }
        self.delay = self.jitter.delay(now) + self.decoder.length();
        self.longest = self.longest.max(self.delay);
        let (frame, concealed) = self.decoder.take();
        self.signal = if frame.level() < QUIET { Signal::Quiet } else { Signal::Active };
        // A key that is made up twice would be pressed twice.
        if hears_keys
            && !concealed
            && let Some(key) = self.tones.hear(&frame)
        {
            self.pressed.push(key);
        }
        Inbound { frame, concealed, keys: std::mem::take(&mut self.pressed) }
    }
}
