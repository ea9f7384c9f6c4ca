//! Between payloads and frames of 16 kHz: one arm for each codec.

use std::time::Duration;

use crate::audio::g711::Law;
use crate::audio::plc::Concealer;
use crate::audio::resample::{Downsampler, Upsampler};
use crate::audio::{FRAME_SAMPLES, Frame, g722, opus, stretch};
use crate::rtp::Pace;
use crate::rtp::packet::MAX_PAYLOAD_BYTES;
use crate::sdp::{Agreed, Codec, OpusWishes};
use crate::units::SampleRate;

/// How much sound `payload` holds (ticks of the RTP clock).
pub(super) fn ticks(codec: Codec, payload: &[u8]) -> u32 {
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => payload.len() as u32,
        Codec::Opus => opus::ticks(payload),
    }
}

/// Most samples at 16 kHz that one payload holds, and a frame that waits before it.
const CAPACITY: usize = 2 * MAX_PAYLOAD_BYTES + FRAME_SAMPLES;
const _: () = assert!(CAPACITY >= opus::Decoder::MOST_SAMPLES + FRAME_SAMPLES);
/// Largest sample of a peer's noise: −40 dBov. More is no comfort, whatever a peer says.
const LOUDEST_NOISE: f32 = 570.0;
/// Samples at 8 kHz that are worked on at a time.
const PIECE: usize = FRAME_SAMPLES / 2;
/// Most frames in one packet of ours.
const MOST_FRAMES: usize = 3;

/// The noise that fills a peer's pauses, so that the line does not sound dead (RFC 3389): its level, white.
#[derive(Clone, Copy, Debug)]
struct Noise {
    /// Largest sample; 0 until the peer has said something of it.
    amplitude: i32,
    dice: u32,
}

impl Default for Noise {
    fn default() -> Self {
        Self { amplitude: 0, dice: 0x2545_f491 }
    }
}

impl Noise {
    fn describe(&mut self, payload: &[u8]) {
        let Some(&level) = payload.first() else { return };
        // −dBov of the whole; evenly spread samples reach √3 times their root mean square.
        let rms = 32_768.0 * 10f32.powf(-f32::from(level & 0x7f) / 20.0);
        self.amplitude = (rms * 3f32.sqrt()).min(LOUDEST_NOISE) as i32;
    }

    fn fill(&mut self, sound: &mut [i16]) {
        for sample in sound {
            // Numerical Recipes' quick generator; its high bits are good enough for a hiss.
            self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let even = (self.dice >> 16) as i32 - 32_768;
            *sample = (even * self.amplitude / 32_768) as i16;
        }
    }
}

/// Payloads of any length in, frames out.
#[derive(Debug)]
pub(super) struct Decoder {
    codec: Codec,
    ear: Ear,
    noise: Noise,
    /// Sound at 16 kHz that has not been taken.
    waiting: Box<[i16; CAPACITY]>,
    len: usize,
    /// How many of the waiting samples, from the first, reach to the end of the last concealed piece.
    concealed: usize,
}

/// What turns a codec's payloads into sound at 16 kHz. Each fills as much of the room that it is given as it needs, and
/// answers how much that was \[samples\].
#[derive(Debug)]
enum Ear {
    G711(Law, Concealer, Box<Upsampler>),
    G722(Box<g722::Decoder>, Concealer),
    Opus(opus::Decoder),
}

impl Ear {
    fn new(codec: Codec) -> Self {
        let concealer = Concealer::new(codec.sample_rate());
        match codec {
            Codec::Pcmu => Self::G711(Law::Mu, concealer, Box::default()),
            Codec::Pcma => Self::G711(Law::A, concealer, Box::default()),
            Codec::G722 => Self::G722(Box::default(), concealer),
            Codec::Opus => Self::Opus(opus::Decoder::default()),
        }
    }

    fn hear(&mut self, payload: &[u8], room: &mut [i16]) -> usize {
        match self {
            Self::G711(law, concealer, upsampler) => in_pieces(payload.len(), room, upsampler, |from, piece| {
                law.decode(&payload[from..], piece);
                concealer.hear(piece);
            }),
            Self::G722(decoder, concealer) => {
                let length = (2 * payload.len()).min(room.len());
                decoder.decode(payload, &mut room[..length]);
                concealer.hear(&mut room[..length]);
                length
            }
            Self::Opus(decoder) => decoder.decode(payload, room),
        }
    }

    /// Makes up `samples`, with what the packet after them remembers.
    fn conceal(&mut self, samples: usize, next: &[u8], room: &mut [i16]) -> usize {
        let samples = samples.min(room.len());
        match self {
            Self::G711(_, concealer, upsampler) => {
                in_pieces(samples / 2, room, upsampler, |_, piece| concealer.conceal(piece))
            }
            Self::G722(_, concealer) => {
                concealer.conceal(&mut room[..samples]);
                samples
            }
            Self::Opus(decoder) if next.is_empty() => decoder.conceal(&mut room[..samples]),
            Self::Opus(decoder) => decoder.repair(next, &mut room[..samples]),
        }
    }

    fn rest(&mut self, samples: usize, noise: &mut Noise, room: &mut [i16]) -> usize {
        let samples = samples.min(room.len());
        match self {
            Self::G711(_, concealer, upsampler) => in_pieces(samples / 2, room, upsampler, |_, piece| {
                noise.fill(piece);
                concealer.hear(piece);
            }),
            Self::G722(_, concealer) => {
                noise.fill(&mut room[..samples]);
                concealer.hear(&mut room[..samples]);
                samples
            }
            // It knows whether the pause was one, and fills it with the noise that was there before.
            Self::Opus(decoder) => decoder.conceal(&mut room[..samples]),
        }
    }
}

/// Fills `room` with `narrow` samples at 8 kHz that `fill` makes from a place on, brought to 16 kHz. What finds no room is
/// dropped; a frame and a payload always do.
fn in_pieces(
    narrow: usize,
    room: &mut [i16],
    upsampler: &mut Upsampler,
    mut fill: impl FnMut(usize, &mut [i16]),
) -> usize {
    let narrow = narrow.min(room.len() / 2);
    for (n, wide) in room[..2 * narrow].chunks_mut(2 * PIECE).enumerate() {
        let mut piece = [0; PIECE];
        let piece = &mut piece[..wide.len() / 2];
        fill(n * PIECE, piece);
        upsampler.process(piece, wide);
    }
    2 * narrow
}

impl Decoder {
    pub(super) fn new(codec: Codec) -> Self {
        let (ear, noise) = (Ear::new(codec), Noise::default());
        Self { codec, ear, noise, waiting: Box::new([0; CAPACITY]), len: 0, concealed: 0 }
    }

    /// Whether a whole frame waits.
    pub(super) const fn has_frame(&self) -> bool {
        self.len >= FRAME_SAMPLES
    }

    /// How much sound waits to be taken (ticks).
    pub(super) fn waiting(&self) -> u32 {
        (self.len as u64 * u64::from(self.codec.clock_rate()) / 16_000) as u32
    }

    /// How long it lasts.
    pub(super) fn length(&self) -> Duration {
        SampleRate::WIDEBAND.duration(self.len as u64)
    }

    /// Appends a payload's sound. Answers by how much it was shortened (ticks).
    pub(super) fn hear(&mut self, payload: &[u8], pace: Pace) -> u32 {
        let room = &mut self.waiting[self.len..];
        let heard = self.ear.hear(payload, room);
        let shorter = match pace {
            Pace::Even => 0,
            Pace::Faster { most } => stretch::shorten(&mut room[..heard], samples(self.codec, most)),
            Pace::Slower => {
                self.len += stretch::lengthen(room, heard);
                0
            }
        };
        self.len += heard - shorter;
        (shorter as u64 * u64::from(self.codec.clock_rate()) / 16_000) as u32
    }

    /// Appends something in place of sound that was lost. `next` is the payload that follows it, where it is here.
    pub(super) fn conceal(&mut self, ticks: u32, next: &[u8]) {
        let samples = samples(self.codec, ticks);
        self.len += self.ear.conceal(samples, next, &mut self.waiting[self.len..]);
        self.concealed = self.len;
    }

    /// Appends silence, or the noise that the peer says there is.
    pub(super) fn rest(&mut self, ticks: u32) {
        let samples = samples(self.codec, ticks);
        self.len += self.ear.rest(samples, &mut self.noise, &mut self.waiting[self.len..]);
    }

    /// Takes a description of the noise in the peer's pauses (RFC 3389 §3).
    pub(super) fn comfort(&mut self, payload: &[u8]) {
        self.noise.describe(payload);
    }

    /// Takes a frame, and whether any of it was made up. What is missing at the end is silence.
    pub(super) fn take(&mut self) -> (Frame, bool) {
        let mut frame = Frame::SILENCE;
        let taken = self.len.min(FRAME_SAMPLES);
        frame.0[..taken].copy_from_slice(&self.waiting[..taken]);
        self.waiting.copy_within(taken..self.len, 0);
        self.len -= taken;
        let concealed = self.concealed > 0;
        self.concealed = self.concealed.saturating_sub(taken);
        (frame, concealed)
    }
}

/// Ticks of the RTP clock as samples at 16 kHz.
fn samples(codec: Codec, ticks: u32) -> usize {
    (u64::from(ticks) * 16_000 / u64::from(codec.clock_rate())) as usize
}

/// How long a half is \[ms\]: packets hold a whole number of these.
pub(super) const HALF_MS: u64 = 10;
/// Samples of a half at 16 kHz, and its bytes as G.711 and G.722 code it.
const HALF_SAMPLES: usize = FRAME_SAMPLES / 2;
const HALF_BYTES: usize = 80;

/// Frames in, payloads of a given number of halves out.
#[derive(Debug)]
pub(super) struct Encoder {
    mouth: Mouth,
    /// Halves in a payload.
    full: usize,
    /// Halves that wait.
    waiting: usize,
    payload: Vec<u8>,
}

#[derive(Debug)]
enum Mouth {
    /// Sample by sample: what is coded waits.
    G711(Law, Box<Downsampler>, Vec<u8>),
    G722(Box<g722::Encoder>, Vec<u8>),
    /// Opus codes a packet as a whole, so its sound waits.
    Opus(opus::Encoder, Vec<i16>),
}

impl Encoder {
    /// An encoder of what was agreed.
    pub(super) fn new(agreed: &Agreed) -> Self {
        let full = ((agreed.ptime.as_millis() as u64 / HALF_MS) as usize).clamp(1, 2 * MOST_FRAMES);
        let OpusWishes { repairs, pauses, most_bits } = agreed.opus;
        // What waits is at most one half less than a payload, and a frame.
        let coded = || Vec::with_capacity((full + 2) * HALF_BYTES);
        let mouth = match agreed.codec {
            Codec::Pcmu => Mouth::G711(Law::Mu, Box::default(), coded()),
            Codec::Pcma => Mouth::G711(Law::A, Box::default(), coded()),
            Codec::G722 => Mouth::G722(Box::default(), coded()),
            Codec::Opus => Mouth::Opus(
                opus::Encoder::new(opus::Settings { repairs, pauses, most_bits }),
                Vec::with_capacity((full + 2) * HALF_SAMPLES),
            ),
        };
        Self { mouth, full, waiting: 0, payload: Vec::with_capacity(MAX_PAYLOAD_BYTES) }
    }

    /// Appends a frame.
    pub(super) fn add(&mut self, frame: &Frame) {
        match &mut self.mouth {
            Mouth::G711(law, downsampler, coded) => {
                let mut narrow = [0; PIECE];
                downsampler.process(&frame.0, &mut narrow);
                law.encode(&narrow, coded);
            }
            Mouth::G722(encoder, coded) => encoder.encode(&frame.0, coded),
            Mouth::Opus(_, sound) => sound.extend_from_slice(&frame.0),
        }
        self.waiting += 2;
    }

    /// The next payload, when one is full. Empty when it does not need to be sent.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        self.waiting = self.waiting.checked_sub(self.full)?;
        self.payload.clear();
        match &mut self.mouth {
            Mouth::G711(_, _, coded) | Mouth::G722(_, coded) => {
                let length = (self.full * HALF_BYTES).min(coded.len());
                self.payload.extend(coded.drain(..length));
            }
            Mouth::Opus(encoder, sound) => {
                let length = (self.full * HALF_SAMPLES).min(sound.len());
                encoder.encode(&sound[..length], &mut self.payload);
                sound.drain(..length);
            }
        }
        Some(&self.payload)
    }

    /// Halves in a payload.
    pub(super) const fn full(&self) -> u32 {
        self.full as u32
    }

    /// Forgets what waits; answers how many halves that was.
    pub(super) fn clear(&mut self) -> u32 {
        match &mut self.mouth {
            Mouth::G711(_, _, coded) | Mouth::G722(_, coded) => coded.clear(),
            Mouth::Opus(_, sound) => sound.clear(),
        }
        std::mem::take(&mut self.waiting) as u32
    }
}
