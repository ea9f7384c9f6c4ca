//! The caller's telephone line: RTP with nothing between the packet and the figures.
//!
//! There is no jitter buffer on purpose. A leg of the server smooths what it receives; an instrument shows what arrived,
//! and when.

use std::collections::BTreeMap;

use crate::audio::g711::Law;
use crate::rtp::packet::is_rtcp;
use crate::rtp::telephone_event::KeySender;
use crate::rtp::{Packet, Seeds, Sender};
use crate::sdp::{Agreed, Codec};
use crate::units::SeqNo;

use super::figures::Traffic;
use super::sound::{LINE_FRAME, LineFrame, is_audible};

/// Ticks in a frame: 20 ms of an 8 kHz clock.
const TICKS: u32 = 160;
/// How far the place that a timestamp gives may lie from the time of arrival \[frames\] before the time of arrival counts:
/// 100 ms. A server that does not count its pauses is placed anew after each.
const DRIFT: i64 = 5;

/// Both directions of the line.
pub(super) struct Line {
    sender: Sender,
    keys: KeySender,
    agreed: Agreed,
    last_seq: Option<SeqNo>,
    last_arrival_ms: Option<f64>,
    /// Frame and timestamp from which the server's packets are placed.
    anchor: Option<(i64, u32, u32)>,
    /// Counts of what arrived.
    pub(super) traffic: Traffic,
    /// The server's sound by frame.
    pub(super) theirs: BTreeMap<u64, LineFrame>,
    /// Our sound by frame.
    pub(super) ours: Vec<LineFrame>,
}

impl Line {
    /// A line as it was agreed upon.
    pub(super) fn new(agreed: Agreed) -> Self {
        let seeds = Seeds { ssrc: fastrand::u32(..), seq: fastrand::u16(..), timestamp: fastrand::u32(..) };
        Self {
            sender: Sender::new(seeds),
            keys: KeySender::default(),
            agreed,
            last_seq: None,
            last_arrival_ms: None,
            anchor: None,
            traffic: Traffic::default(),
            theirs: BTreeMap::new(),
            ours: Vec::new(),
        }
    }

    /// What is agreed now.
    pub(super) fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// Goes on with what a re-INVITE agreed on.
    pub(super) fn renegotiated(&mut self, agreed: Agreed) {
        self.agreed = agreed;
    }

    /// Presses keys, as far as the server understands them.
    pub(super) fn press(&mut self, keys: &str) -> bool {
        self.agreed.telephone_event.is_some() && self.keys.press(keys) == keys.len()
    }

    /// Whether keys are still to be sent.
    pub(super) fn is_pressing(&self) -> bool {
        self.keys.is_busy()
    }

    /// The packet for the next 20 ms; `None` on hold.
    pub(super) fn send(&mut self, sound: Option<LineFrame>) -> Option<Vec<u8>> {
        let frame = sound.unwrap_or([0; LINE_FRAME]);
        self.ours.push(frame);
        let mut packet = Vec::with_capacity(12 + LINE_FRAME);
        let key = self.agreed.telephone_event.and_then(|event| {
            let press = self.keys.step(self.sender.timestamp(), TICKS)?;
            Some((event.send, press))
        });
        if let Some((payload_type, press)) = key {
            self.sender.event(payload_type, press.marker, press.start, &press.payload, &mut packet);
            self.sender.advance(TICKS);
            return Some(packet);
        }
        if !self.agreed.direction.sends() {
            self.sender.pause(TICKS);
            return None;
        }
        let mut payload = Vec::with_capacity(LINE_FRAME);
        law(self.agreed.codec).encode(&frame, &mut payload);
        self.sender.sound(self.agreed.payload_types.send, &payload, TICKS, &mut packet);
        Some(packet)
    }

    /// Takes a packet that arrived `ms` after the answer; answers the frames in which the server could be heard, or not.
    pub(super) fn receive(&mut self, bytes: &[u8], ms: f64) -> Vec<(u64, bool)> {
        let Ok(packet) = Packet::parse(bytes) else { return Vec::new() };
        if is_rtcp(bytes) {
            return Vec::new();
        }
        self.count(&packet, ms);
        if packet.payload_type != self.agreed.payload_types.receive {
            return Vec::new();
        }
        let arrived = (ms / 20.0) as i64;
        let by_timestamp = self.anchor.filter(|(_, _, ssrc)| *ssrc == packet.ssrc).map(|(frame, start, _)| {
            let ticks = packet.timestamp.0.wrapping_sub(start) as i32;
            frame + i64::from(ticks) / i64::from(TICKS)
        });
        let place = match by_timestamp {
            Some(place) if (place - arrived).abs() <= DRIFT => place,
            _ => {
                self.anchor = Some((arrived, packet.timestamp.0, packet.ssrc));
                arrived
            }
        };
        let mut samples = vec![0; packet.payload.len()];
        law(self.agreed.codec).decode(packet.payload, &mut samples);
        let mut heard = Vec::new();
        for (i, chunk) in samples.chunks(LINE_FRAME).enumerate() {
            let Ok(frame) = u64::try_from(place + i as i64) else { continue };
            let mut sound = [0; LINE_FRAME];
            sound[..chunk.len()].copy_from_slice(chunk);
            heard.push((frame, is_audible(&sound)));
            self.theirs.insert(frame, sound);
        }
        heard
    }

    fn count(&mut self, packet: &Packet<'_>, ms: f64) {
        self.traffic.received += 1;
        if let Some(last) = self.last_seq {
            let step = packet.seq.distance(last);
            if (2..100).contains(&step) {
                self.traffic.lost += (step - 1) as u64;
            }
        }
        self.last_seq = Some(packet.seq);
        if let Some(last) = self.last_arrival_ms.replace(ms) {
            self.traffic.gaps.push(ms - last);
        }
    }

    /// Both directions as a stereo recording: the caller left, the server right.
    pub(super) fn write_wav(&self, path: &std::path::Path) -> Result<(), hound::Error> {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(path, spec)?;
        let last = self.theirs.keys().next_back().map_or(0, |last| last + 1).max(self.ours.len() as u64);
        let silence = [0; LINE_FRAME];
        for frame in 0..last {
            let left = self.ours.get(frame as usize).unwrap_or(&silence);
            let right = self.theirs.get(&frame).unwrap_or(&silence);
            for (&left, &right) in left.iter().zip(right) {
                wav.write_sample(left)?;
                wav.write_sample(right)?;
            }
        }
        wav.finalize()
    }
}

/// Our offer names G.711 alone, so it is one of the two.
fn law(codec: Codec) -> Law {
    if codec == Codec::Pcma { Law::A } else { Law::Mu }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::{Local, accept_answer, negotiate, offer};

    fn agreed() -> Agreed {
        let local = Local::new("127.0.0.1:4000".parse().unwrap(), 1);
        let remote = Local::new("127.0.0.1:5000".parse().unwrap(), 2);
        let answer = negotiate(&remote, &offer(&local)).unwrap().answer_sdp();
        accept_answer(&local, &answer).unwrap()
    }

    #[test]
    fn sound_goes_out_and_comes_back_in_its_place() {
        let (mut line, mut other) = (Line::new(agreed()), Line::new(agreed()));
        let loud = [4_000; LINE_FRAME];
        for frame in 0..50_u64 {
            let packet = other.send((20..30).contains(&frame).then_some(loud)).unwrap();
            // 1 ms late, every third one 15 ms late.
            let ms = frame as f64 * 20.0 + if frame % 3 == 0 { 15.0 } else { 1.0 };
            for (place, audible) in line.receive(&packet, ms) {
                assert_eq!((place, audible), (frame, (20..30).contains(&frame)));
            }
        }
        assert_eq!((line.traffic.received, line.traffic.lost), (50, 0));
    }

    #[test]
    fn keys_take_the_place_of_sound_until_all_are_sent() {
        let mut line = Line::new(agreed());
        assert!(line.press("12#"));
        let mut frames = 0;
        while line.is_pressing() {
            assert!(line.send(None).is_some());
            frames += 1;
        }
        assert!(frames > 15 && frames < 60, "{frames}");
    }

    #[test]
    fn noise_on_the_port_is_ignored() {
        let mut line = Line::new(agreed());
        for bytes in [&b""[..], b"hello", &[0x80; 8], &[0xff; 300]] {
            assert!(line.receive(bytes, 0.0).is_empty());
        }
    }
}
