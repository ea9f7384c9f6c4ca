//! G.711: eight bits a sample, bit for bit as ITU-T's reference software (G.191) has it.
//!
//! Samples are 16 bits wide; the standard's 14 (µ-law) or 13 (A-law) are the upper ones.

/// One of the two ways to bend the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// North America and Japan; PCMU.
    Mu,
    /// Everywhere else; PCMA.
    A,
}

/// What each code stands for, by [`Law`].
static MU_SAMPLES: [i16; 256] = samples(Law::Mu);
static A_SAMPLES: [i16; 256] = samples(Law::A);

impl Law {
    /// The sample that a code stands for.
    pub fn expand(self, code: u8) -> i16 {
        self.table()[usize::from(code)]
    }

    /// The code nearest to a sample.
    pub const fn compress(self, sample: i16) -> u8 {
        match self {
            Self::Mu => compress_mu(sample),
            Self::A => compress_a(sample),
        }
    }

    /// The code of the smallest step: silence.
    pub const fn silence(self) -> u8 {
        self.compress(0)
    }

    /// Expands as many codes as both slices have room for; answers how many.
    pub fn decode(self, codes: &[u8], samples: &mut [i16]) -> usize {
        let table = self.table();
        for (sample, &code) in samples.iter_mut().zip(codes) {
            *sample = table[usize::from(code)];
        }
        codes.len().min(samples.len())
    }

    /// Appends the codes of `samples`.
    pub fn encode(self, samples: &[i16], codes: &mut Vec<u8>) {
        codes.extend(samples.iter().map(|&sample| self.compress(sample)));
    }

    fn table(self) -> &'static [i16; 256] {
        match self {
            Self::Mu => &MU_SAMPLES,
            Self::A => &A_SAMPLES,
        }
    }
}

const fn samples(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = match law {
            Law::Mu => expand_mu(code as u8),
            Law::A => expand_a(code as u8),
        };
        code += 1;
    }
    table
}

/// Added before the segment is found, so that all segments begin at a power of two (G.711 Table 2).
const MU_BIAS: i32 = 33;

const fn expand_mu(code: u8) -> i16 {
    let magnitude = !code as i32;
    let exponent = (magnitude >> 4) & 7;
    let step = 8 << exponent;
    let level = (0x80 << exponent) + step * (magnitude & 0x0f) + step / 2 - 4 * MU_BIAS;
    (if code < 0x80 { -level } else { level }) as i16
}

const fn compress_mu(sample: i16) -> u8 {
    let positive = sample >= 0;
    let magnitude = (if positive { sample } else { !sample } >> 2) as i32 + MU_BIAS;
    let level = if magnitude > 0x1fff { 0x1fff } else { magnitude };
    // Segment 1 holds 32..64, each following twice as much.
    let segment = 32 - (level >> 6).leading_zeros() as i32 + 1;
    let code = ((8 - segment) << 4) | (0x0f - ((level >> segment) & 0x0f));
    code as u8 | if positive { 0x80 } else { 0 }
}

/// Every other bit is inverted on the line (G.711 §3.2, Table 1 note 1).
const A_EVEN_BITS: u8 = 0x55;

const fn expand_a(code: u8) -> i16 {
    let code = code ^ A_EVEN_BITS;
    let exponent = ((code >> 4) & 7) as i32;
    let mantissa = (code & 0x0f) as i32;
    let level = match exponent {
        0 => (mantissa << 4) + 8,
        _ => (((mantissa + 16) << 4) + 8) << (exponent - 1),
    };
    (if code & 0x80 == 0 { -level } else { level }) as i16
}

const fn compress_a(sample: i16) -> u8 {
    let positive = sample >= 0;
    let level = (if positive { sample } else { !sample } >> 4) as i32;
    let code = if level < 16 {
        level
    } else {
        let shift = 32 - level.leading_zeros() as i32 - 5;
        ((shift + 1) << 4) | ((level >> shift) & 0x0f)
    };
    (code as u8 | if positive { 0x80 } else { 0 }) ^ A_EVEN_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_the_standards_tables() {
        // G.711 Tables 2a and 1a: largest, smallest, and segment ends, times 4 (14 bits) or 8 (13 bits).
        for (code, sample) in [(0x80, 32_124), (0x00, -32_124), (0xff, 0), (0xfe, 8), (0x7e, -8), (0xef, 132)] {
            assert_eq!(Law::Mu.expand(code), sample, "{code:#x}");
        }
        for (code, sample) in [(0xaa, 32_256), (0x2a, -32_256), (0xd5, 8), (0x55, -8), (0xc5, 264)] {
            assert_eq!(Law::A.expand(code), sample, "{code:#x}");
        }
        assert_eq!((Law::Mu.silence(), Law::A.silence()), (0xff, 0xd5));
    }

    #[test]
    fn every_code_survives_the_round_trip() {
        for law in [Law::Mu, Law::A] {
            for code in 0..=255 {
                let back = law.compress(law.expand(code));
                // µ-law has two zeros; the negative one is read as the positive.
                assert!(
                    back == code || (law == Law::Mu && code == 0x7f && back == 0xff),
                    "{law:?} {code:#x} {back:#x}"
                );
            }
        }
    }

    #[test]
    fn louder_is_never_softer_and_the_step_bounds_the_error() {
        for law in [Law::Mu, Law::A] {
            let mut before = i16::MIN;
            for sample in i16::MIN..=i16::MAX {
                let heard = law.expand(law.compress(sample));
                assert!(heard >= before, "{law:?} {sample}");
                before = heard;
                let error = heard.abs_diff(sample);
                assert!(error <= sample.unsigned_abs() / 32 + 16, "{law:?} {sample} {heard}");
            }
        }
    }

    /// The digital milliwatt (G.711 Tables 5 and 6) is a sine of 1 kHz at 3.14 or 3.17 dB below the overload point.
    #[test]
    fn the_digital_milliwatt_is_a_sine() {
        let milliwatts = [
            (Law::Mu, [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e]),
            (Law::A, [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4]),
        ];
        for (law, codes) in milliwatts {
            let samples: Vec<f64> = codes.iter().map(|&code| f64::from(law.expand(code))).collect();
            let rms = (samples.iter().map(|s| s * s).sum::<f64>() / 8.0).sqrt();
            let below_full_scale = 20.0 * (32_768.0 / (rms * 2f64.sqrt())).log10();
            assert!((below_full_scale - 3.15).abs() < 0.1, "{law:?} {below_full_scale}");
        }
    }
}
