//! Between payloads and frames of 16 kHz: one arm for each codec.

use crate::audio::g711::Law;
use crate::audio::plc::Concealer;
use crate::audio::resample::{Downsampler, Upsampler};
use crate::audio::{FRAME_SAMPLES, Frame, g722, opus};
use crate::rtp::packet::MAX_PAYLOAD_BYTES;
use crate::sdp::{Agreed, Codec, OpusWishes};

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
/// Samples at 8 kHz that are worked on at a time.
const PIECE: usize = FRAME_SAMPLES / 2;
/// Most frames in one packet of ours.
const MOST_FRAMES: usize = 3;

/// Payloads of any length in, frames out.
#[derive(Debug)]
pub(super) struct Decoder {
    codec: Codec,
    ear: Ear,
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

    fn rest(&mut self, samples: usize, room: &mut [i16]) -> usize {
        let samples = samples.min(room.len());
        match self {
            Self::G711(_, concealer, upsampler) => {
                in_pieces(samples / 2, room, upsampler, |_, piece| concealer.hear(piece))
            }
            Self::G722(_, concealer) => {
                room[..samples].fill(0);
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
        Self { codec, ear: Ear::new(codec), waiting: Box::new([0; CAPACITY]), len: 0, concealed: 0 }
    }

    /// Whether a whole frame waits.
    pub(super) const fn has_frame(&self) -> bool {
        self.len >= FRAME_SAMPLES
    }

    /// Appends a payload's sound.
    pub(super) fn hear(&mut self, payload: &[u8]) {
        self.len += self.ear.hear(payload, &mut self.waiting[self.len..]);
    }

    /// Appends something in place of sound that was lost. `next` is the payload that follows it, where it is here.
    pub(super) fn conceal(&mut self, ticks: u32, next: &[u8]) {
        let samples = self.samples(ticks);
        self.len += self.ear.conceal(samples, next, &mut self.waiting[self.len..]);
        self.concealed = self.len;
    }

    /// Appends silence.
    pub(super) fn rest(&mut self, ticks: u32) {
        let samples = self.samples(ticks);
        self.len += self.ear.rest(samples, &mut self.waiting[self.len..]);
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

    /// Ticks of the RTP clock as samples at 16 kHz.
    fn samples(&self, ticks: u32) -> usize {
        (u64::from(ticks) * 16_000 / u64::from(self.codec.clock_rate())) as usize
    }
}

/// Frames in, payloads of a given number of frames out.
#[derive(Debug)]
pub(super) struct Encoder {
    mouth: Mouth,
    payload: Vec<u8>,
    frames: u32,
}

#[derive(Debug)]
enum Mouth {
    G711(Law, Box<Downsampler>),
    G722(Box<g722::Encoder>),
    /// Opus codes a packet as a whole, so its frames wait here.
    Opus(opus::Encoder, Box<[i16; MOST_FRAMES * FRAME_SAMPLES]>),
}

impl Encoder {
    /// An encoder of what was agreed.
    pub(super) fn new(agreed: &Agreed) -> Self {
        let OpusWishes { repairs, pauses, most_bits } = agreed.opus;
        let mouth = match agreed.codec {
            Codec::Pcmu => Mouth::G711(Law::Mu, Box::default()),
            Codec::Pcma => Mouth::G711(Law::A, Box::default()),
            Codec::G722 => Mouth::G722(Box::default()),
            Codec::Opus => Mouth::Opus(
                opus::Encoder::new(opus::Settings { repairs, pauses, most_bits }),
                Box::new([0; MOST_FRAMES * FRAME_SAMPLES]),
            ),
        };
        Self { mouth, payload: Vec::with_capacity(MAX_PAYLOAD_BYTES), frames: 0 }
    }

    /// Appends a frame; answers how many wait for the next payload.
    pub(super) fn add(&mut self, frame: &Frame) -> u32 {
        match &mut self.mouth {
            Mouth::G711(law, downsampler) => {
                let mut narrow = [0; PIECE];
                downsampler.process(&frame.0, &mut narrow);
                law.encode(&narrow, &mut self.payload);
            }
            Mouth::G722(encoder) => encoder.encode(&frame.0, &mut self.payload),
            Mouth::Opus(_, waiting) => {
                let place = waiting.chunks_exact_mut(FRAME_SAMPLES).nth(self.frames as usize);
                if let Some(place) = place {
                    place.copy_from_slice(&frame.0);
                }
            }
        }
        self.frames += 1;
        self.frames
    }

    /// What has been added since the last [`clear`](Self::clear). Empty when none of it needs to be sent.
    pub(super) fn payload(&mut self) -> &[u8] {
        if let Mouth::Opus(encoder, waiting) = &mut self.mouth {
            let samples = (self.frames as usize).min(MOST_FRAMES) * FRAME_SAMPLES;
            encoder.encode(&waiting[..samples], &mut self.payload);
        }
        &self.payload
    }

    /// Begins the next payload; answers how many frames the last one held.
    pub(super) fn clear(&mut self) -> u32 {
        self.payload.clear();
        std::mem::take(&mut self.frames)
    }
}
