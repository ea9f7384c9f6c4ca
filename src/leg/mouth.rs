//! From frames to datagrams: sound, keys, and what keeps the way open; or what another party says, as it came.

use std::time::{Duration, Instant};

use super::coder::{self, Encoder, HALF_MS};
use super::ears::{COMFORT_NOISE, Kind};
use super::relay::Relay;
use crate::audio::tone::KeyTone;
use crate::audio::{FRAME_MS, Frame};
use crate::rtp::jitter::Pushed;
use crate::rtp::telephone_event::{EventPacket, KeySender};
use crate::rtp::{Packet, Seeds, Sender};
use crate::sdp::{Agreed, Codec};

/// Level of each of the two tones of a key that goes as sound (dBov).
const KEY_LEVEL: f32 = -13.0;
/// How long nothing may be sent before what lies in between (NAT, firewall) forgets the way (RFC 6263 §5: 15 s).
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Payload types that nobody agreed on, one of them: a packet that is passed over (RFC 6263 §4.6).
const NOBODYS: [u8; 3] = [127, 126, 125];

/// From frames to datagrams.
#[derive(Debug)]
pub(super) struct Mouth {
    pub(super) sender: Sender,
    pub(super) encoder: Encoder,
    pub(super) keys: KeySender,
    /// The key that is being sent as sound, to a peer that does not know key presses.
    tone: Option<KeyTone>,
    /// When the last frame was given.
    pub(super) at: Option<Instant>,
    /// When a packet went out last.
    pub(super) sent: Option<Instant>,
    /// What the party on the other side of a bridge says.
    relay: Relay,
}

impl Mouth {
    pub(super) fn new(agreed: &Agreed, seeds: Seeds) -> Self {
        Self {
            sender: Sender::new(seeds),
            encoder: Encoder::new(agreed),
            keys: KeySender::default(),
            tone: None,
            at: None,
            sent: None,
            relay: Relay::default(),
        }
    }

    /// Writes a packet when there is one to send.
    pub(super) fn send(&mut self, frame: &Frame, agreed: &Agreed, out: &mut Vec<u8>) -> bool {
        let ticks = ticks_per_frame(agreed.codec.clock_rate());
        let half = ticks_per_half(agreed.codec.clock_rate());
        let event_ticks = agreed.telephone_event.map_or(ticks, |event| ticks_per_frame(event.clock_rate));
        let Some(key) = self.keys.step(self.sender.timestamp(), event_ticks) else {
            self.tone = None;
            return self.sound(frame, agreed, out);
        };
        match agreed.telephone_event {
            Some(event) => {
                self.relay.interrupt();
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
    pub(super) fn packet(&mut self, agreed: &Agreed, out: &mut Vec<u8>) -> bool {
        let full = self.encoder.full();
        let Some(payload) = self.encoder.next() else { return false };
        let ticks = full * ticks_per_half(agreed.codec.clock_rate());
        if payload.is_empty() {
            self.sender.pause(ticks);
            return false;
        }
        self.relay.interrupt();
        self.sender.sound(agreed.payload_types.send, payload, ticks, out);
        true
    }

    /// Takes a packet of another party that speaks the same, to be sent as it is; see [`next_passed`](Self::next_passed).
    pub(super) fn pass(&mut self, (kind, pushed): (Kind, Pushed), packet: &Packet<'_>, agreed: &Agreed) {
        let number = match kind {
            Kind::Sound => Some(agreed.payload_types.send),
            Kind::Key => agreed.telephone_event.map(|event| event.send),
            Kind::Noise => Some(COMFORT_NOISE),
            Kind::Unknown => None,
        };
        let Some(payload_type) = number else { return };
        let ticks = if kind == Kind::Sound { coder::ticks(agreed.codec, packet.payload) } else { 0 };
        self.relay.pass(&mut self.sender, pushed == Pushed::Restarted, &Packet { payload_type, ..*packet }, ticks);
    }

    /// Puts the next packet that was passed on into `out`.
    pub(super) fn next_passed(&mut self, out: &mut Vec<u8>) -> bool {
        self.relay.next(out)
    }

    /// 20 ms that the packets of another party fill.
    pub(super) fn rest(&mut self, agreed: &Agreed) {
        let halves = self.encoder.clear() + 2;
        self.sender.advance(halves * ticks_per_half(agreed.codec.clock_rate()));
    }

    /// 20 ms in which nothing is sent.
    pub(super) fn skip(&mut self, agreed: &Agreed) {
        let halves = self.encoder.clear() + 2;
        self.sender.pause(halves * ticks_per_half(agreed.codec.clock_rate()));
    }

    /// Writes a packet that says nothing, when the way might be forgotten otherwise. Reports on the same port do the same.
    pub(super) fn keep_alive(&mut self, now: Instant, agreed: &Agreed, out: &mut Vec<u8>) -> bool {
        let is_quiet = now.saturating_duration_since(*self.sent.get_or_insert(now)) >= KEEP_ALIVE;
        let is_agreed = |number: u8| {
            let event = agreed.telephone_event.map(|event| event.send);
            number == agreed.payload_types.send || Some(number) == event
        };
        let number = NOBODYS.into_iter().find(|&number| !is_agreed(number));
        let Some(number) = number.filter(|_| is_quiet && !agreed.rtcp_mux) else { return false };
        self.relay.interrupt();
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
    pub(super) fn timestamp(&self, now: Instant, codec: Codec) -> u32 {
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
