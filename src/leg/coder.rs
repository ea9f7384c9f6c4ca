//! Between payloads and frames of 16 kHz: one arm for each codec.

use crate::audio::g711::Law;
use crate::audio::plc::Concealer;
use crate::audio::resample::{Downsampler, Upsampler};
use crate::audio::{FRAME_SAMPLES, Frame};
use crate::rtp::packet::MAX_PAYLOAD_BYTES;
use crate::sdp::Codec;

/// The G.711 law of a codec.
const fn law(codec: Codec) -> Law {
    match codec {
        Codec::Pcmu => Law::Mu,
        Codec::Pcma => Law::A,
    }
}

/// How much sound `payload` holds (ticks of the RTP clock).
pub(super) fn ticks(codec: Codec, payload: &[u8]) -> u32 {
    match codec {
        Codec::Pcmu | Codec::Pcma => payload.len() as u32,
    }
}

/// Most samples at 16 kHz that one payload holds, and a frame that waits before it.
const CAPACITY: usize = 2 * MAX_PAYLOAD_BYTES + FRAME_SAMPLES;
/// Samples at 8 kHz that are worked on at a time.
const PIECE: usize = FRAME_SAMPLES / 2;

/// Payloads of any length in, frames out.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    law: Law,
    concealer: Concealer,
    upsampler: Upsampler,
    /// Sound at 16 kHz that has not been taken.
    waiting: Box<[i16; CAPACITY]>,
    len: usize,
    /// How many of the waiting samples, from the first, reach to the end of the last concealed piece.
    concealed: usize,
}

impl Decoder {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            law: law(codec),
            concealer: Concealer::new(codec.sample_rate()),
            upsampler: Upsampler::default(),
            waiting: Box::new([0; CAPACITY]),
            len: 0,
            concealed: 0,
        }
    }

    /// Whether a whole frame waits.
    pub(super) const fn has_frame(&self) -> bool {
        self.len >= FRAME_SAMPLES
    }

    /// Appends a payload's sound.
    pub(super) fn hear(&mut self, payload: &[u8]) {
        for codes in payload.chunks(PIECE) {
            let mut piece = [0; PIECE];
            let piece = &mut piece[..codes.len()];
            self.law.decode(codes, piece);
            self.concealer.hear(piece);
            self.append(piece);
        }
    }

    /// Appends something in place of sound that was lost.
    pub(super) fn conceal(&mut self, ticks: u32) {
        self.in_pieces(ticks, |concealer, piece| concealer.conceal(piece));
        self.concealed = self.len;
    }

    /// Appends silence.
    pub(super) fn rest(&mut self, ticks: u32) {
        self.in_pieces(ticks, Concealer::hear);
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

    fn in_pieces(&mut self, ticks: u32, fill: impl Fn(&mut Concealer, &mut [i16])) {
        let mut left = ticks as usize;
        while left > 0 {
            let mut piece = [0; PIECE];
            let piece = &mut piece[..left.min(PIECE)];
            fill(&mut self.concealer, piece);
            self.append(piece);
            left -= piece.len();
        }
    }

    /// What finds no room is dropped; a frame and a payload always do.
    fn append(&mut self, piece: &[i16]) {
        let piece = &piece[..piece.len().min((CAPACITY - self.len) / 2)];
        let end = self.len + 2 * piece.len();
        self.upsampler.process(piece, &mut self.waiting[self.len..end]);
        self.len = end;
    }
}

/// Frames in, payloads of a given number of frames out.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    law: Law,
    downsampler: Downsampler,
    payload: Vec<u8>,
    frames: u32,
}

impl Encoder {
    pub(super) fn new(codec: Codec) -> Self {
        let payload = Vec::with_capacity(MAX_PAYLOAD_BYTES);
        Self { law: law(codec), downsampler: Downsampler::default(), payload, frames: 0 }
    }

    /// Appends a frame; answers how many the payload now holds.
    pub(super) fn add(&mut self, frame: &Frame) -> u32 {
        let mut narrow = [0; PIECE];
        self.downsampler.process(&frame.0, &mut narrow);
        self.law.encode(&narrow, &mut self.payload);
        self.frames += 1;
        self.frames
    }

    /// What has been added since the last [`clear`](Self::clear).
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Begins the next payload; answers how many frames the last one held.
    pub(super) fn clear(&mut self) -> u32 {
        self.payload.clear();
        std::mem::take(&mut self.frames)
    }
}
