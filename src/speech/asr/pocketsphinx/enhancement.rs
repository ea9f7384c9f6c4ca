//! Noise taken out of the cepstra: callers sit in offices, streets and cafés.
//!
//! ```text
//! cepstra without the channel's mean ─► Enhancer (60 ms back, 30 ms ahead, the floor so far) ─► cepstra as without noise
//! models/enhancement-en.bin ─► Network ───┘          (models/enhancement-wideband-en.bin where the line carries 16 kHz)
//! ```
//!
//! A network of two hidden layers says by how much each frame differs from what it would be without noise (feature
//! mapping; Xu et al. 2014 map spectra so). It sees the frames around, and a floor that falls to the softest frames
//! quickly and rises slowly. Where the room is quiet nothing is changed: there it would do more harm than good
//! (`models/README.md`). `benches/train_enhancement` makes the weights:
//!
//! ```text
//! "antevox enhance 1\n" │ checksum of the rest: u64 │ scale: 13 × f32 │ layers: u32 │
//!     each: inputs: u32 │ outputs: u32 │ steps: outputs × f32 │ offsets: outputs × f32 │ weights [inputs, outputs]: i8
//! ```
//!
//! Cepstra are divided by the scale before the first layer, and what the last says is multiplied with it. A weight is so many
//! steps of its output.

use std::collections::VecDeque;
use std::sync::Arc;

use super::bytes::Bytes;
use super::folder::{Line, checksum};
use super::narrowband::CEPSTRA;

/// The weights that belong to this program, for the cepstra of narrowband lines.
const NARROWBAND: &[u8] = include_bytes!("../../../../models/enhancement-en.bin");
/// And of wideband lines.
const WIDEBAND: &[u8] = include_bytes!("../../../../models/enhancement-wideband-en.bin");
const MAGIC: &[u8] = b"antevox enhance 1\n";
/// Frames that are seen before and behind the one that is changed.
const BACK: usize = 6;
const AHEAD: usize = 3;
/// Share of the way that the floor goes down and up to the next frame.
const FALLING: f32 = 0.2;
const RISING: f32 = 0.01;
/// The room's energy goes up so much more slowly, so that a sentence without a pause is not taken for noise.
const ROOM_RISING: f32 = 0.002;
/// Energy of a noisy room beside the channel's mean \[the first cepstrum\]: with noise 20 dB below a voice 95 of 100 frames are
/// above, of people on a quiet line (an4) 5.
const NOISY: f32 = -9.0;
/// As long as the mean is the prior's more than the caller's, a room's energy stands so much higher above it, and this fades within
/// so many frames.
const UNKNOWN: f32 = 18.0;
const UNKNOWN_FRAMES: f32 = 60.0;
/// From nothing to all of what the network says within this much energy.
const RAMP: f32 = 4.0;
/// What the first layer is given: the frames and the floor.
const INPUTS: usize = (BACK + 1 + AHEAD + 1) * CEPSTRA;

type Cepstra = [f32; CEPSTRA];

/// Why weights cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EnhancementError {
    /// Not such a file, or one of another version.
    #[error("it does not begin as weights of enhancement do")]
    OtherFile,
    /// It ends too early, or goes on after its end.
    #[error("it is cut off")]
    Truncated,
    /// Its checksum is wrong.
    #[error("its checksum is wrong")]
    Checksum,
    /// Its layers do not fit each other, or the cepstra.
    #[error("its layers do not fit")]
    Layers,
}

/// Weights \[inputs, outputs\] and offsets \[outputs\].
#[derive(Debug)]
struct Layer {
    weights: Vec<f32>,
    offsets: Vec<f32>,
}

impl Layer {
    fn apply(&self, values: &[f32]) -> Vec<f32> {
        let mut sums = self.offsets.clone();
        for (value, weights) in values.iter().zip(self.weights.chunks_exact(sums.len())) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
        sums
    }
}

/// What noise does to cepstra, and how it is undone.
#[derive(Debug)]
pub(super) struct Network {
    scale: Cepstra,
    layers: Vec<Layer>,
}

impl Network {
    /// What this program knows of noise on such a line in English.
    ///
    /// # Errors
    /// Every [`EnhancementError`].
    pub(super) fn english(line: Line) -> Result<Self, EnhancementError> {
        Self::read(match line {
            Line::Narrowband => NARROWBAND,
            Line::Wideband => WIDEBAND,
        })
    }

    /// Reads a file of weights.
    ///
    /// # Errors
    /// Every [`EnhancementError`].
    fn read(file: &[u8]) -> Result<Self, EnhancementError> {
        let rest = file.strip_prefix(MAGIC).ok_or(EnhancementError::OtherFile)?;
        let mut rest = Bytes(rest);
        if rest.u64().ok_or(EnhancementError::Truncated)? != checksum(rest.0) {
            return Err(EnhancementError::Checksum);
        }
        let scale = floats(&mut rest, CEPSTRA).ok_or(EnhancementError::Truncated)?;
        let scale = scale.try_into().map_err(|_| EnhancementError::Truncated)?;
        let mut layers = Vec::new();
        for _ in 0..rest.count().ok_or(EnhancementError::Truncated)? {
            let (inputs, layer) = layer(&mut rest).ok_or(EnhancementError::Truncated)?;
            let outputs = layer.offsets.len();
            layers.push(layer);
            let before = layers.len().checked_sub(2).map_or(INPUTS, |layer| layers[layer].offsets.len());
            if inputs != before || outputs == 0 {
                return Err(EnhancementError::Layers);
            }
        }
        if layers.last().is_none_or(|layer| layer.offsets.len() != CEPSTRA) {
            return Err(EnhancementError::Layers);
        }
        if rest.is_empty() { Ok(Self { scale, layers }) } else { Err(EnhancementError::Truncated) }
    }

    /// What is to be added to the frame after the first [`BACK`] of `seen`.
    fn correction<'a>(&self, seen: impl Iterator<Item = &'a Cepstra>) -> Cepstra {
        let scaled = |frame: &Cepstra| std::array::from_fn::<_, CEPSTRA, _>(|i| frame[i] / self.scale[i]);
        let mut values: Vec<f32> = seen.flat_map(scaled).collect();
        for (place, layer) in self.layers.iter().enumerate() {
            values = layer.apply(&values);
            if place + 1 < self.layers.len() {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
        }
        std::array::from_fn(|i| values[i] * self.scale[i])
    }
}

/// Takes the noise out of one utterance.
pub(super) struct Enhancer {
    network: Arc<Network>,
    /// Frames that are still seen, oldest first.
    seen: VecDeque<Cepstra>,
    floor: Cepstra,
    /// Energy when nobody speaks, as far as is known \[the first cepstrum\].
    room: f32,
    /// Frames told.
    told: u32,
}

impl Enhancer {
    pub(super) fn new(network: Arc<Network>) -> Self {
        Self { network, seen: VecDeque::new(), floor: [0.0; CEPSTRA], room: 0.0, told: 0 }
    }

    /// Puts in the place of `frames` those that can be told by now: the last [`AHEAD`] are kept back.
    pub(super) fn enhance(&mut self, frames: &mut Vec<Cepstra>) {
        *frames = frames.iter().filter_map(|frame| self.next(*frame)).collect();
    }

    /// Appends those that were kept back.
    pub(super) fn finish(&mut self, frames: &mut Vec<Cepstra>) {
        if let Some(&last) = self.seen.back() {
            frames.extend((0..AHEAD).filter_map(|_| self.next(last)));
        }
    }

    fn next(&mut self, frame: Cepstra) -> Option<Cepstra> {
        if self.seen.is_empty() {
            self.seen.extend([frame; BACK]);
            (self.floor, self.room) = (frame, frame[0]);
        }
        self.seen.push_back(frame);
        if self.seen.len() <= BACK + AHEAD {
            return None;
        }
        let mut told = self.seen[BACK];
        self.learn(&told);
        let share = self.share();
        if share > 0.0 {
            let correction = self.network.correction(self.seen.iter().chain([&self.floor]));
            told.iter_mut().zip(correction).for_each(|(value, change)| *value += share * change);
        }
        self.seen.pop_front();
        self.told += 1;
        Some(told)
    }

    /// How much of what the network says is done: 0 in a quiet room, 1 in a noisy one.
    fn share(&self) -> f32 {
        let noisy = NOISY + UNKNOWN * (-(self.told as f32) / UNKNOWN_FRAMES).exp();
        ((self.room - noisy) / RAMP + 0.5).clamp(0.0, 1.0)
    }

    /// Floor and room learn from one more frame; a damaged one would stay in them.
    fn learn(&mut self, frame: &Cepstra) {
        let share = if frame[0] < self.floor[0] { FALLING } else { RISING };
        if frame.iter().all(|value| value.is_finite()) {
            self.room += if frame[0] < self.room { FALLING } else { ROOM_RISING } * (frame[0] - self.room);
            self.floor.iter_mut().zip(frame).for_each(|(floor, value)| *floor += share * (value - *floor));
        }
    }
}

/// One layer, and how many inputs it has.
fn layer(file: &mut Bytes<'_>) -> Option<(usize, Layer)> {
    let (inputs, outputs) = (file.count()?, file.count()?);
    let (steps, offsets) = (floats(file, outputs)?, floats(file, outputs)?);
    let weights = file.take(inputs.saturating_mul(outputs))?;
    let weights = weights.iter().zip(steps.iter().cycle()).map(|(&w, step)| f32::from(w.cast_signed()) * step);
    Some((inputs, Layer { weights: weights.collect(), offsets }))
}

fn floats(file: &mut Bytes<'_>, many: usize) -> Option<Vec<f32>> {
    (0..many).map(|_| file.f32()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One layer that says `offset` times its scale of two whatever it sees, and in the first cepstrum `weight` times that of the floor.
    fn file(weight: i8, offset: f32) -> Vec<u8> {
        let mut weights = vec![0u8; INPUTS * CEPSTRA];
        weights[(INPUTS - CEPSTRA) * CEPSTRA] = weight.cast_unsigned();
        let floats = |value: f32| [value; CEPSTRA].map(f32::to_le_bytes).concat();
        let counts = [1, INPUTS as u32, CEPSTRA as u32].map(u32::to_le_bytes).concat();
        let rest = [floats(2.0), counts, floats(1.0), floats(offset), weights].concat();
        [MAGIC, &checksum(&rest).to_le_bytes(), &rest].concat()
    }

    fn enhanced(weight: i8, offset: f32, frames: &[f32], piece: usize) -> Vec<f32> {
        let mut enhancer = Enhancer::new(Arc::new(Network::read(&file(weight, offset)).unwrap()));
        let mut told = Vec::new();
        for piece in frames.chunks(piece) {
            let mut piece: Vec<Cepstra> = piece.iter().map(|&value| [value; CEPSTRA]).collect();
            enhancer.enhance(&mut piece);
            told.extend(piece);
        }
        enhancer.finish(&mut told);
        told.iter().map(|frame| frame[0]).collect()
    }

    #[test]
    fn every_frame_comes_out_in_its_place_however_they_come_in() {
        let frames: Vec<f32> = (20..40).map(|n| n as f32).collect();
        let changed: Vec<f32> = frames.iter().map(|frame| frame + 6.0).collect();
        for piece in [1, 2, 7, 20] {
            assert_eq!(enhanced(0, 3.0, &frames, piece), changed, "{piece}");
        }
        assert_eq!(enhanced(0, 3.0, &[20.0], 1), [26.0], "shorter than what is seen ahead");
        assert_eq!(enhanced(0, 3.0, &[], 1), [0.0; 0]);
    }

    #[test]
    fn a_quiet_room_is_left_as_it_is() {
        let voice = |pause: f32| (0..300).map(|n| if n % 40 < 10 { pause } else { 15.0 }).collect::<Vec<f32>>();
        let quiet = voice(-20.0);
        assert_eq!(enhanced(0, 3.0, &quiet, 20), quiet);
        let noisy = voice(-2.0);
        let told = enhanced(0, 3.0, &noisy, 20);
        assert!(noisy.iter().zip(&told).skip(120).all(|(before, after)| after - before == 6.0), "{told:?}");
    }

    #[test]
    fn the_floor_falls_quickly_and_rises_slowly_and_forgets_what_is_damaged() {
        let floors = |frames: &[f32]| {
            let told = enhanced(1, 0.0, frames, 1);
            told.iter().zip(frames).map(|(told, frame)| told - frame).collect::<Vec<_>>()
        };
        let falling = floors(&[[30.0].as_slice(), &[20.0; 20]].concat());
        assert!((falling[0] - 30.0).abs() < 1e-4 && (19.9..20.2).contains(&falling[20]), "{falling:?}");
        let rising = floors(&[[20.0].as_slice(), &[30.0; 20]].concat());
        assert!((20.1..22.0).contains(&rising[20]), "{rising:?}");
        let damaged = floors(&[[30.0, f32::NAN].as_slice(), &[30.0; 20]].concat());
        assert!((damaged[20] - 30.0).abs() < 1e-4, "{damaged:?}");
    }

    #[test]
    fn damage_is_named() {
        let refused = |bytes: &[u8]| Network::read(bytes).unwrap_err();
        assert_eq!(refused(b"antevox adapt 1\n"), EnhancementError::OtherFile);
        assert_eq!(refused(MAGIC), EnhancementError::Truncated);
        let good = file(0, 0.0);
        assert_eq!(refused(&good[..good.len() - 8]), EnhancementError::Checksum);
        let mut damaged = good.clone();
        damaged[60] ^= 1;
        assert_eq!(refused(&damaged), EnhancementError::Checksum);
        let signed = |rest: &[u8]| [MAGIC, &checksum(rest).to_le_bytes(), rest].concat();
        let rest = &good[MAGIC.len() + 8..];
        assert_eq!(refused(&signed(&rest[..rest.len() - 1])), EnhancementError::Truncated);
        assert_eq!(refused(&signed(&[rest, b"!"].concat())), EnhancementError::Truncated);
        let mut other = rest.to_vec();
        other[CEPSTRA * 4 + 4] -= 1;
        assert_eq!(refused(&signed(&other)), EnhancementError::Layers);
    }

    #[test]
    fn the_weights_of_this_program_change_frames_a_little() {
        [Line::Narrowband, Line::Wideband].into_iter().for_each(changes_frames_a_little);
    }

    fn changes_frames_a_little(line: Line) {
        let mut enhancer = Enhancer::new(Arc::new(Network::english(line).unwrap()));
        let mut frames: Vec<Cepstra> = (0..50).map(|n| [20.0 + (n % 10) as f32; CEPSTRA]).collect();
        let before = frames.clone();
        enhancer.enhance(&mut frames);
        enhancer.finish(&mut frames);
        let change = |a: &Cepstra, b: &Cepstra| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let changes: Vec<f32> = frames.iter().zip(&before).map(|(a, b)| change(a, b)).collect();
        assert!(changes.len() == 50 && changes.iter().all(|&most| most < 40.0), "{changes:?}");
        assert!(changes.iter().any(|&most| most > 0.1), "{changes:?}");
    }
}
