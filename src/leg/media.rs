//! One party's media: what the rooms below do, in the order in which a packet meets them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::association::Learned;
use super::coder::{self, Decoder, Encoder, HALF_MS};
use super::protection::{Opened, Protection};
use super::{Keys, RtpStats};
use crate::audio::tone::{KeyDetector, KeyTone};
use crate::audio::{FRAME_MS, Frame};
use crate::rtp::bursts::Bursts;
use crate::rtp::dtls;
use crate::rtp::jitter::Pushed;
use crate::rtp::packet::is_rtcp;
use crate::rtp::telephone_event::{EventPacket, KeyReceiver, KeySender};
use crate::rtp::xr::Voip;
use crate::rtp::{Arrival, JitterBuffer, Packet, Played, Reception, Seeds, Sender, Signal, SourceLock, Verdict};
use crate::rtp::{quality, rtcp};
use crate::sdp::{Agreed, Codec};
use crate::units::LegId;

/// Below this a frame is a quiet moment, in which the delay may be mended (dBov).
const QUIET: f32 = -45.0;
/// Level of each of the two tones of a key that goes as sound (dBov).
const KEY_LEVEL: f32 = -13.0;

/// Comfort noise (RFC 3389 §4); understood whether or not it was agreed on, unless that number was.
const COMFORT_NOISE: u8 = 13;
/// How long nothing may be sent before what lies in between (NAT, firewall) forgets the way (RFC 6263 §5: 15 s).
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Payload types that nobody agreed on, one of them: a packet that is passed over (RFC 6263 §4.6).
const NOBODYS: [u8; 3] = [127, 126, 125];

/// What is heard of a party in 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The sound; silence when there is none.
    pub frame: Frame,
    /// Whether some of it was lost on the way and made up here.
    pub concealed: bool,
    /// Keys whose press began since the last frame.
    pub keys: Keys,
}

/// One party's media. Ask it for a frame and give it one every 20 ms, whatever arrives.
#[derive(Debug)]
pub struct MediaLeg {
    id: LegId,
    agreed: Agreed,
    ears: Ears,
    mouth: Mouth,
    rtcp: rtcp::Exchange,
    protection: Protection,
}

/// From datagrams to frames.
#[derive(Debug)]
struct Ears {
    lock: SourceLock,
    reception: Reception,
    jitter: JitterBuffer,
    decoder: Decoder,
    keys: KeyReceiver,
    pressed: Keys,
    signal: Signal,
    /// Hears keys in the sound of a peer that does not send them as events.
    tones: KeyDetector,
    losses: Bursts,
    late_before: u64,
    /// From the quickest packet's arrival to its being heard: now, and the longest there has been.
    delay: Duration,
    longest: Duration,
    foreign: u64,
}

/// From frames to datagrams.
#[derive(Debug)]
struct Mouth {
    sender: Sender,
    encoder: Encoder,
    keys: KeySender,
    /// The key that is being sent as sound, to a peer that does not know key presses.
    tone: Option<KeyTone>,
    /// When the last frame was given.
    at: Option<Instant>,
    /// When a packet went out last.
    sent: Option<Instant>,
}

impl MediaLeg {
    /// The media of leg `id`, as agreed. `seeds` are drawn at random by the caller.
    pub fn new(id: LegId, agreed: &Agreed, seeds: Seeds) -> Self {
        Self {
            id,
            agreed: agreed.clone(),
            ears: Ears::new(agreed),
            mouth: Mouth {
                sender: Sender::new(seeds),
                encoder: Encoder::new(agreed),
                keys: KeySender::default(),
                tone: None,
                at: None,
                sent: None,
            },
            rtcp: rtcp::Exchange::new(seeds.ssrc.rotate_left(16) ^ seeds.timestamp),
            protection: Protection::new(agreed),
        }
    }

    /// Shakes hands for keys with `engine`, where that was agreed. Without one there is no sound then.
    #[must_use]
    pub fn with_handshakes(mut self, engine: Option<Arc<dtls::Engine>>) -> Self {
        self.protection.begin(engine, &self.agreed);
        self
    }

    /// Whose media it is.
    pub const fn id(&self) -> LegId {
        self.id
    }

    /// What is agreed now.
    pub const fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// Whether the party does not want to hear us now.
    pub const fn is_held(&self) -> bool {
        self.agreed.is_held()
    }

    /// Where we send: where the party was found, else where it said it is.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.ears.lock.remote()
    }

    /// Takes a datagram: RTP or RTCP, a check of the way or a handshake. What is none, or not the party's, is counted and
    /// dropped.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if let Some(learned) = self.protection.take(now, from, bytes) {
            return self.learned(&learned);
        }
        match self.protection.open(bytes) {
            Opened::Clear => self.receive_clear(now, from, bytes),
            Opened::Packet(packet) => {
                self.receive_clear(now, from, &packet);
                self.protection.used(packet);
            }
            Opened::Nothing => {}
            Opened::Foreign => self.ears.foreign += 1,
        }
    }

    fn learned(&mut self, learned: &Learned) {
        match *learned {
            Learned::Nothing => {}
            Learned::Foreign => self.ears.foreign += 1,
            Learned::Way(peer) => self.ears.lock.settle(peer),
            // A way that was chosen by checks stays.
            Learned::Keys(peer, _) => {
                if self.remote().is_none() || self.agreed.remote.is_some() {
                    self.ears.lock.settle(peer);
                }
            }
        }
    }

    fn receive_clear(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if is_rtcp(bytes) {
            if self.remote().is_some_and(|remote| remote.ip() == from.ip()) {
                self.rtcp.receive(now, bytes, self.mouth.sender.ssrc());
            } else {
                self.ears.foreign += 1;
            }
        } else if let Ok(packet) = Packet::parse(bytes) {
            self.ears.receive(now, from, &packet, &self.agreed);
        } else {
            self.ears.foreign += 1;
        }
    }

    /// What is heard in the 20 ms that begin at `now`.
    pub fn pull(&mut self, now: Instant) -> Inbound {
        self.ears.pull(now, self.agreed.telephone_event.is_none())
    }

    /// Gives the frame that the party shall hear next. When a packet is full it is written into `out`, in place of what
    /// that holds, and the answer says where to send it; then ask [`send_more`](Self::send_more). `None`: nothing to send
    /// now, or the party is on hold, or nobody knows where it is.
    pub fn send(&mut self, frame: &Frame, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = self.remote();
        self.mouth.at = Some(now);
        let written = if to.is_some() && !self.agreed.is_held() {
            self.mouth.send(frame, &self.agreed, out)
        } else {
            self.mouth.skip(&self.agreed);
            to.is_some() && self.mouth.keep_alive(now, &self.agreed, out)
        };
        self.sent(written, now, to, out)
    }

    /// Writes what is to be said so that there is a way, and keys, into `out`, in place of what that holds; answers where to
    /// send it. Ask until it answers `None`, after each [`receive`](Self::receive) and every 20 ms.
    pub fn establish(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let (to, learned) = self.protection.next(now, self.agreed.remote, out);
        self.learned(&learned);
        to
    }

    /// The second packet of 20 ms, where packets hold only 10.
    pub fn send_more(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = self.remote().filter(|_| !self.agreed.is_held());
        let written = to.is_some() && self.mouth.packet(&self.agreed, out);
        self.sent(written, now, to, out)
    }

    fn sent(&mut self, written: bool, now: Instant, to: Option<SocketAddr>, out: &mut Vec<u8>) -> Option<SocketAddr> {
        if !written || !self.protection.seal(out) {
            return None;
        }
        self.mouth.sent = Some(now);
        to
    }

    /// Types `keys`, one after the other, from the next frame on. Answers how many were taken; see
    /// [`KeySender::press`].
    pub fn send_keys(&mut self, keys: &str) -> usize {
        self.mouth.keys.press(keys)
    }

    /// Whether typed keys are still being sent.
    pub fn is_sending_keys(&self) -> bool {
        self.mouth.keys.is_busy()
    }

    /// Writes a report into `out` when one is due, and says where to send it: to the party's RTP address when
    /// [`Agreed::rtcp_mux`] is set, else to its RTCP address from our next port.
    pub fn report(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = if self.agreed.rtcp_mux { self.remote() } else { self.agreed.remote_rtcp }?;
        if !self.rtcp.is_due(now) {
            return None;
        }
        let timestamp = self.mouth.timestamp(now, self.agreed.codec);
        let voip = self.ears.reception.ssrc().map(|ssrc| self.voip(ssrc));
        self.rtcp.report(now, (&self.mouth.sender, timestamp), &mut self.ears.reception, voip.as_ref(), out);
        self.protection.seal(out).then_some(to)
    }

    /// Goes on as agreed anew: held or resumed, at another address, with another codec.
    pub fn renegotiate(&mut self, agreed: &Agreed) {
        if agreed.codec != self.agreed.codec {
            self.ears.change_codec(agreed.codec);
        }
        let of = |agreed: &Agreed| (agreed.codec, agreed.opus, agreed.ptime);
        if of(agreed) != of(&self.agreed) {
            self.mouth.encoder = Encoder::new(agreed);
        }
        let protection = std::mem::replace(&mut self.protection, Protection::new(agreed));
        self.protection = protection.renewed(agreed);
        // An old-fashioned hold names no address; the party is still where it was.
        if agreed.remote.is_some() {
            self.ears.lock.reopen(agreed.remote);
        }
        self.agreed = agreed.clone();
    }

    /// How well it has gone so far.
    pub fn stats(&self) -> RtpStats {
        let (ears, voip) = (&self.ears, self.voip(0));
        let ms = |duration: Duration| duration.as_secs_f32() * 1_000.0;
        RtpStats {
            codec: self.agreed.codec,
            packets: ears.reception.received(),
            lost: ears.reception.lost(),
            loss: voip.loss as f32,
            jitter_ms: ms(ears.reception.jitter()),
            delay_ms: voip.buffer_ms.0 as f32,
            round_trip_ms: self.rtcp.round_trip().map(ms),
            mos: voip.mos as f32,
            remote_loss: self.rtcp.remote_loss(),
            remote_mos: self.rtcp.remote_mos(),
            late: ears.late(),
            foreign: ears.foreign,
        }
    }

    /// How the party, which sends as `ssrc`, sounds here.
    fn voip(&self, ssrc: u32) -> Voip {
        let ears = &self.ears;
        let expected = ears.reception.expected();
        let share = |packets: u64| if expected == 0 { 0.0 } else { packets as f64 / expected as f64 };
        let (loss, discarded) = (share(ears.reception.lost()), share(ears.late()));
        let pattern = ears.losses.pattern();
        let round_trip = self.rtcp.round_trip().unwrap_or_default();
        let buffer = ears.delay;
        let end_system = buffer + self.agreed.ptime;
        let rating = |one_way| quality::rating(loss + discarded, pattern.burst_ratio, one_way);
        let conversation = rating(round_trip / 2 + end_system);
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        Voip {
            ssrc,
            loss,
            discarded,
            pattern,
            packet_ms: ms(self.agreed.ptime),
            round_trip_ms: ms(round_trip),
            end_system_ms: ms(end_system),
            rating: conversation,
            mos_listening: quality::mos(rating(Duration::ZERO)).into(),
            mos: quality::mos(conversation).into(),
            buffer_ms: (ms(buffer), ms(ears.longest)),
        }
    }
}

/// What a payload type means in what we receive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
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
    fn new(agreed: &Agreed) -> Self {
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

    fn change_codec(&mut self, codec: Codec) {
        self.late_before = self.late();
        self.jitter = JitterBuffer::new(codec.clock_rate());
        self.decoder = Decoder::new(codec);
    }

    fn late(&self) -> u64 {
        self.late_before + self.jitter.counts().late
    }

    fn receive(&mut self, now: Instant, from: SocketAddr, packet: &Packet<'_>, agreed: &Agreed) {
        let kind = Kind::of(packet, agreed);
        // A payload type that nobody agreed on is no credential.
        if kind == Kind::Unknown && self.lock.locked() != Some(from) {
            self.foreign += 1;
            return;
        }
        match self.lock.admit(from, packet) {
            Verdict::Accept => {}
            Verdict::Probation => return,
            Verdict::Foreign => {
                self.foreign += 1;
                return;
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
    }

    fn pull(&mut self, now: Instant, hears_keys: bool) -> Inbound {
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

impl Mouth {
    /// Writes a packet when there is one to send.
    fn send(&mut self, frame: &Frame, agreed: &Agreed, out: &mut Vec<u8>) -> bool {
        let ticks = ticks_per_frame(agreed.codec.clock_rate());
        let half = ticks_per_half(agreed.codec.clock_rate());
        let event_ticks = agreed.telephone_event.map_or(ticks, |event| ticks_per_frame(event.clock_rate));
        let Some(key) = self.keys.step(self.sender.timestamp(), event_ticks) else {
            self.tone = None;
            return self.sound(frame, agreed, out);
        };
        match agreed.telephone_event {
            Some(event) => {
                self.sender.advance(self.encoder.clear() * half);
                self.sender.event(event.send, key.marker, key.start, &key.payload, out);
                self.sender.advance(ticks);
                true
            }
            None => {
                let tone = self.tone_of(&key);
                self.sound(&tone, agreed, out)
            }
        }
    }

    fn sound(&mut self, frame: &Frame, agreed: &Agreed, out: &mut Vec<u8>) -> bool {
        self.encoder.add(frame);
        self.packet(agreed, out)
    }

    /// Writes the next packet of sound that waits, when one is full.
    fn packet(&mut self, agreed: &Agreed, out: &mut Vec<u8>) -> bool {
        let full = self.encoder.full();
        let Some(payload) = self.encoder.next() else { return false };
        let ticks = full * ticks_per_half(agreed.codec.clock_rate());
        if payload.is_empty() {
            self.sender.pause(ticks);
            return false;
        }
        self.sender.sound(agreed.payload_types.send, payload, ticks, out);
        true
    }

    /// 20 ms in which nothing is sent.
    fn skip(&mut self, agreed: &Agreed) {
        let halves = self.encoder.clear() + 2;
        self.sender.pause(halves * ticks_per_half(agreed.codec.clock_rate()));
    }

    /// Writes a packet that says nothing, when the way might be forgotten otherwise. Reports on the same port do the same.
    fn keep_alive(&mut self, now: Instant, agreed: &Agreed, out: &mut Vec<u8>) -> bool {
        let is_quiet = now.saturating_duration_since(*self.sent.get_or_insert(now)) >= KEEP_ALIVE;
        let is_agreed = |number: u8| {
            let event = agreed.telephone_event.map(|event| event.send);
            number == agreed.payload_types.send || Some(number) == event
        };
        let number = NOBODYS.into_iter().find(|&number| !is_agreed(number));
        let Some(number) = number.filter(|_| is_quiet && !agreed.rtcp_mux) else { return false };
        self.sender.sound(number, &[], 0, out);
        // What comes next still begins a talkspurt.
        self.sender.pause(0);
        true
    }

    fn tone_of(&mut self, key: &EventPacket) -> Frame {
        if key.marker {
            self.tone = key.key().and_then(|key| KeyTone::new(key, KEY_LEVEL));
        }
        match &mut self.tone {
            Some(tone) if !key.is_end() => tone.frame(),
            _ => Frame::SILENCE,
        }
    }

    /// Media time of what is sent at `now`.
    fn timestamp(&self, now: Instant, codec: Codec) -> u32 {
        let passed = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let ticks = passed.as_millis() * u128::from(codec.clock_rate()) / 1_000;
        self.sender.timestamp().0.wrapping_add(ticks as u32)
    }
}

fn ticks_per_half(clock_rate: u32) -> u32 {
    clock_rate * HALF_MS as u32 / 1_000
}

fn ticks_per_frame(clock_rate: u32) -> u32 {
    clock_rate * FRAME_MS as u32 / 1_000
}
