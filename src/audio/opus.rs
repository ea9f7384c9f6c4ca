//! Opus by libopus: speech at 16 kHz in packets of 20 to 60 ms, with its own concealment and repair (RFC 6716).
//!
//! Its decoder gives the rate that it is asked for, whatever the packet was coded at, so what comes out is what a
//! [`Frame`] carries. Nothing here allocates once it is made.

use opus::{Application, Bitrate, Channels};

use super::{FRAME_SAMPLES, Frame};
use crate::units::SampleRate;

/// Longest sound in one packet (ms) (RFC 6716 §2.1.4).
const LONGEST_MS: usize = 120;
/// Samples that a decoder may be asked to make up: whole multiples of 2.5 ms (RFC 6716 §2.1.4).
const STEP: usize = 40;
/// How hard the encoder tries, 0–10: 5 halves the cost of 10, and speech at these rates sounds nearly the same.
const COMPLEXITY: i32 = 5;
/// Loss for which the encoder prepares when the peer repairs (%).
const EXPECTED_LOSS: i32 = 10;
/// Bit rate of one voice up to 8 kHz (bit/s): RFC 7587 §3.1.1 advises 16,000 to 20,000, and repair costs a third more.
const BITS: u32 = 24_000;

/// Longest packet of 20 ms (bytes) (RFC 6716 §3.4).
const MOST_BYTES: usize = 1_276;

/// Clock of timestamps: 48 kHz always (RFC 7587 §4.1).
const CLOCK: u32 = 48_000;

/// How to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Put a coarse copy of each packet into the next, from which a receiver can repair a loss.
    pub repairs: bool,
    /// Say nothing while nothing is said.
    pub pauses: bool,
    /// Bits a second, at most.
    pub most_bits: Option<u32>,
}

/// How long the sound of a packet lasts (ticks of the 48 kHz clock); 0 for what is no packet.
pub fn ticks(packet: &[u8]) -> u32 {
    let length = opus::packet::get_nb_samples(packet, CLOCK).unwrap_or(0);
    u32::try_from(length).unwrap_or(0)
}

/// Sound at 16 kHz in, packets out.
#[derive(Debug)]
pub struct Encoder(opus::Encoder);

impl Encoder {
    /// An encoder of one voice.
    pub fn new(settings: Settings) -> Self {
        let rate = SampleRate::WIDEBAND.hertz();
        let mut encoder = opus::Encoder::new(rate, Channels::Mono, Application::Voip)
            .unwrap_or_else(|_| unreachable!("libopus has this rate and this application"));
        let bits = settings.most_bits.map_or(BITS, |most| most.min(BITS));
        let loss = if settings.repairs { EXPECTED_LOSS } else { 0 };
        // All of these are in range; an encoder that refused one would go on with its default.
        let _ = encoder.set_complexity(COMPLEXITY);
        let _ = encoder.set_bitrate(Bitrate::Bits(bits as i32));
        let _ = encoder.set_inband_fec(settings.repairs);
        let _ = encoder.set_packet_loss_perc(loss);
        let _ = encoder.set_dtx(settings.pauses);
        Self(encoder)
    }

    /// Puts the packet of 20, 40 or 60 ms of `samples` in place of what `packet` holds, up to its capacity. Empty when
    /// nothing needs to be sent.
    pub fn encode(&mut self, samples: &[i16], packet: &mut Vec<u8>) {
        packet.resize(packet.capacity(), 0);
        let length = self.0.encode(samples, packet).unwrap_or(0);
        // A packet of one or two bytes says that there is a pause (libopus, `opus_encode`).
        packet.truncate(if length > 2 { length } else { 0 });
    }
}

/// Two voices beside each other, for a file: no loss is prepared for.
#[derive(Debug)]
pub struct TwoVoices {
    encoder: opus::Encoder,
    /// How much later than it came sound comes out again (ticks of 48 kHz).
    delay: u16,
}

impl Default for TwoVoices {
    fn default() -> Self {
        let rate = SampleRate::WIDEBAND.hertz();
        let mut encoder = opus::Encoder::new(rate, Channels::Stereo, Application::Audio)
            .unwrap_or_else(|_| unreachable!("libopus has this rate and this application"));
        let _ = encoder.set_complexity(COMPLEXITY);
        let _ = encoder.set_bitrate(Bitrate::Bits(2 * BITS as i32));
        let samples = encoder.get_lookahead().unwrap_or(0);
        let delay = samples * (CLOCK / rate) as i32;
        Self { encoder, delay: u16::try_from(delay).unwrap_or(0) }
    }
}

impl TwoVoices {
    /// How much of what comes out at first is not what went in (ticks of 48 kHz).
    pub const fn delay(&self) -> u16 {
        self.delay
    }

    /// Puts the packet of 20 ms of both voices in place of what `packet` holds.
    pub fn encode(&mut self, [left, right]: &[Frame; 2], packet: &mut Vec<u8>) {
        let mut sound = [0; 2 * FRAME_SAMPLES];
        for (place, (l, r)) in sound.chunks_exact_mut(2).zip(left.0.iter().zip(&right.0)) {
            (place[0], place[1]) = (*l, *r);
        }
        packet.resize(MOST_BYTES, 0);
        let length = self.encoder.encode(&sound, packet).unwrap_or(0);
        packet.truncate(length);
    }
}

/// Packets in, sound at 16 kHz out.
#[derive(Debug)]
pub struct Decoder(opus::Decoder);

impl Default for Decoder {
    fn default() -> Self {
        let decoder = opus::Decoder::new(SampleRate::WIDEBAND.hertz(), Channels::Mono);
        Self(decoder.unwrap_or_else(|_| unreachable!("libopus has this rate")))
    }
}

impl Decoder {
    /// Most samples that one packet holds.
    pub const MOST_SAMPLES: usize = LONGEST_MS * 16;

    /// Writes the sound of a packet into `samples`, which has room for [`MOST_SAMPLES`](Self::MOST_SAMPLES); answers how
    /// many there were. What cannot be read gives none.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [i16]) -> usize {
        self.0.decode(packet, samples, false).unwrap_or(0)
    }

    /// Fills `samples`, up to a multiple of 2.5 ms, with something that could have been there; answers how many.
    pub fn conceal(&mut self, samples: &mut [i16]) -> usize {
        self.made_up(&[], samples)
    }

    /// Fills `samples`, up to a multiple of 2.5 ms, with what the packet `next` remembers of the sound just before it, or,
    /// when it remembers none, with something that could have been there.
    pub fn repair(&mut self, next: &[u8], samples: &mut [i16]) -> usize {
        self.made_up(next, samples)
    }

    fn made_up(&mut self, next: &[u8], samples: &mut [i16]) -> usize {
        let length = samples.len() / STEP * STEP;
        if length == 0 {
            return 0;
        }
        let samples = &mut samples[..length];
        self.0.decode(next, samples, !next.is_empty()).unwrap_or_else(|_| {
            samples.fill(0);
            length
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buzz with the harmonics of a voice at 150 Hz, swelling and falling four times a second.
    fn voice(frame: usize) -> Vec<i16> {
        let at = |n: usize| {
            let t = (frame * 320 + n) as f64 / 16_000.0;
            let swell = 0.6 + 0.4 * (std::f64::consts::TAU * 4.0 * t).sin();
            let wave: f64 =
                (1..20).map(|k| (std::f64::consts::TAU * 150.0 * f64::from(k) * t).sin() / f64::from(k)).sum();
            (3_000.0 * swell * wave) as i16
        };
        (0..320).map(at).collect()
    }

    fn energy(samples: &[i16]) -> f64 {
        samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64
    }

    fn packets(settings: Settings, frames: usize) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(settings);
        let encode = |frame| {
            let mut packet = Vec::with_capacity(1_460);
            encoder.encode(&voice(frame), &mut packet);
            packet
        };
        (0..frames).map(encode).collect()
    }

    #[test]
    fn a_voice_comes_through_at_its_level_and_each_packet_says_its_length() {
        let (mut decoder, mut heard) = (Decoder::default(), [0; Decoder::MOST_SAMPLES]);
        for (frame, packet) in packets(Settings::default(), 100).iter().enumerate() {
            assert_eq!(ticks(packet), 960);
            assert_eq!(decoder.decode(packet, &mut heard), 320);
            let ratio = energy(&heard[..320]) / energy(&voice(frame));
            assert!(frame < 5 || (0.5..2.0).contains(&ratio), "frame {frame}: {ratio}");
        }
    }

    /// What is heard in place of the first frame of a word, when that is lost, as a share of its energy.
    fn heard_of_a_lost_beginning(repairs: bool) -> f64 {
        const LOST: usize = 40;
        let mut encoder = Encoder::new(Settings { repairs, ..Settings::default() });
        let (mut decoder, mut packets) = (Decoder::default(), Vec::new());
        for frame in 0..LOST + 2 {
            let mut packet = Vec::with_capacity(1_460);
            let speaks = !(20..LOST).contains(&frame);
            encoder.encode(&if speaks { voice(frame) } else { vec![0; 320] }, &mut packet);
            packets.push(packet);
        }
        let mut heard = [0; Decoder::MOST_SAMPLES];
        for packet in &packets[..LOST] {
            decoder.decode(packet, &mut heard);
        }
        assert_eq!(decoder.repair(&packets[LOST + 1], &mut heard[..320]), 320);
        energy(&heard[..320]) / energy(&voice(LOST))
    }

    #[test]
    fn the_next_packet_repairs_a_lost_one() {
        let (repaired, guessed) = (heard_of_a_lost_beginning(true), heard_of_a_lost_beginning(false));
        assert!(repaired > 0.25 && guessed < 0.05, "{repaired:.3} of the energy, {guessed:.3} when guessed");
    }

    #[test]
    fn silence_needs_hardly_any_packets() {
        let mut encoder = Encoder::new(Settings { pauses: true, ..Settings::default() });
        let mut packet = Vec::with_capacity(1_460);
        let sent = |_: &u32| {
            encoder.encode(&[0; 320], &mut packet);
            !packet.is_empty()
        };
        assert!((0..200).filter(sent).count() < 40);
    }

    #[test]
    fn any_bytes_are_survived() {
        let (mut decoder, mut out) = (Decoder::default(), [0; Decoder::MOST_SAMPLES]);
        let mut seed = 1_u32;
        for length in 0..400 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8
                })
                .collect();
            assert!(ticks(&bytes) <= 48 * LONGEST_MS as u32);
            assert!(decoder.decode(&bytes, &mut out) <= out.len());
            assert!(decoder.repair(&bytes, &mut out[..333]) <= 333);
        }
    }
}
