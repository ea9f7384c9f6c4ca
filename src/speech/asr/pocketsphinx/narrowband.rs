//! An 8 kHz acoustic model out of a 16 kHz one, without training.
//!
//! ```text
//! means, variances, feat.params (25 filters, 130–6,800 Hz) ─► derive ─► the same for 19 filters, 130–3,813 Hz
//! ```
//!
//! The model's features are 13 cepstra: the DCT of the log energies of 25 mel filters, liftered. The first 19 of those
//! filters lie wholly below 3,813 Hz, and a narrowband front end with just these 19 computes the same energies. So a mean
//! is taken back to log energies (cepstra 13…24, which the model does not have, are 0), cut to 19 filters, and
//! transformed again: one linear map of 13 numbers, the same for the cepstra and their first and second differences.
//! Variances go through the squares of the map; there the unknown cepstra get the mean variance of 10…12, without which
//! the highest ones become too narrow and nothing is recognised. What differs besides (pre-emphasis, frame length) is
//! constant for each filter, and channel normalisation removes it.

use std::f64::consts::PI;

use super::s3::Gaussians;

/// Cepstra in a feature vector.
pub const CEPSTRA: usize = 13;
/// Mel filters of the 16 kHz model (`feat.params` of `en-us`).
const WIDE_FILTERS: usize = 25;
/// How many of them lie below half of 8 kHz.
const NARROW_FILTERS: usize = 19;
/// Strength of the sine lifter (`-lifter` of `feat.params`).
const LIFTER: f64 = 22.0;
/// The cepstra whose mean variance stands for those that the model lacks.
const UNKNOWN_LIKE: std::ops::Range<usize> = 10..13;

/// The front end that the derived model needs, as lines of `feat.params`; `-cmninit` comes on top.
const FRONT_END: &str = "-lowerf 130\n-upperf 3812.838\n-nfilt 19\n-nfft 256\n-samprate 8000\n-transform dct\n-lifter 22\n\
    -feat 1s_c_d_dd\n-svspec 0-12/13-25/26-38\n-agc none\n-cmn none\n-varnorm no\n-model ptm\n";

/// Why a model cannot be derived from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The model is not the one that the map is made for.
    #[error("its `feat.params` lacks `{0}`, so it is not the 16 kHz `en-us` model")]
    OtherFrontEnd(&'static str),
    /// A feature stream does not hold 13 cepstra.
    #[error("its feature streams do not hold 13 cepstra each")]
    OtherFeatures,
    /// Its states, their phones and mixture weights are not of one model.
    #[error("its `mdef`, `means`, `variances` and `sendump` do not belong together")]
    OtherStates,
}

/// The map from wideband to narrowband cepstra \[13, 25\]: columns 13…24 belong to the cepstra that the model lacks.
pub struct NarrowbandMap([[f64; WIDE_FILTERS]; CEPSTRA]);

impl Default for NarrowbandMap {
    fn default() -> Self {
        let mut map = [[0.0; WIDE_FILTERS]; CEPSTRA];
        for (narrow, row) in map.iter_mut().enumerate() {
            for (wide, entry) in row.iter_mut().enumerate() {
                // Inverse transform to log energies, the first 19 of them, forward transform.
                let through_filters: f64 = (0..NARROW_FILTERS)
                    .map(|filter| dct(NARROW_FILTERS, narrow, filter) * dct(WIDE_FILTERS, wide, filter))
                    .sum();
                *entry = lifter(narrow) * through_filters / lifter(wide);
            }
        }
        Self(map)
    }
}

impl NarrowbandMap {
    /// Maps a mean, or any other vector that adds up linearly.
    pub fn mean(&self, wide: &[f32; CEPSTRA]) -> [f32; CEPSTRA] {
        std::array::from_fn(|row| {
            self.0[row].iter().zip(wide).map(|(weight, &value)| weight * f64::from(value)).sum::<f64>() as f32
        })
    }

    /// Maps the diagonal of a covariance.
    pub fn variance(&self, wide: &[f32; CEPSTRA]) -> [f32; CEPSTRA] {
        // The lifter scales cepstra by up to 12: what stands for the missing ones is compared without it.
        let known = |i: usize| f64::from(wide[i]) / lifter(i).powi(2);
        let unknown = UNKNOWN_LIKE.map(known).sum::<f64>() / UNKNOWN_LIKE.len() as f64;
        let of = |i: usize| if i < CEPSTRA { f64::from(wide[i]) } else { unknown * lifter(i).powi(2) };
        std::array::from_fn(|row| {
            self.0[row].iter().enumerate().map(|(i, weight)| weight * weight * of(i)).sum::<f64>() as f32
        })
    }
}

/// Entry of the orthonormal DCT-II over `size` filters.
fn dct(size: usize, cepstrum: usize, filter: usize) -> f64 {
    let n = size as f64;
    let scale = if cepstrum == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
    scale * (PI * cepstrum as f64 * (filter as f64 + 0.5) / n).cos()
}

/// What a cepstrum is multiplied with.
fn lifter(cepstrum: usize) -> f64 {
    1.0 + LIFTER / 2.0 * (PI * cepstrum as f64 / LIFTER).sin()
}

/// Takes `means` and `variances` to the narrow band, in place.
///
/// # Errors
/// [`DeriveError::OtherFeatures`].
pub fn derive(means: &mut Gaussians, variances: &mut Gaussians) -> Result<(), DeriveError> {
    let map = NarrowbandMap::default();
    for vector in means.vectors_mut() {
        let wide: &mut [f32; CEPSTRA] = vector.try_into().map_err(|_| DeriveError::OtherFeatures)?;
        *wide = map.mean(wide);
    }
    for vector in variances.vectors_mut() {
        let wide: &mut [f32; CEPSTRA] = vector.try_into().map_err(|_| DeriveError::OtherFeatures)?;
        *wide = map.variance(wide);
    }
    Ok(())
}

/// The `feat.params` of the derived model, from that of the 16 kHz model.
///
/// # Errors
/// [`DeriveError::OtherFrontEnd`].
pub fn derive_params(wide: &str) -> Result<String, DeriveError> {
    let mapped = NarrowbandMap::default().mean(&wide_mean(wide)?);
    let listed: Vec<String> = mapped.iter().map(|value| format!("{value:.2}")).collect();
    Ok(format!("{FRONT_END}-cmninit {}\n", listed.join(",")))
}

/// The `feat.params` with which the 16 kHz model is used as it is: its rate is told, and the channel's mean is taken out by us.
///
/// # Errors
/// [`DeriveError::OtherFrontEnd`].
pub fn wide_params(wide: &str) -> Result<String, DeriveError> {
    wide_mean(wide)?;
    let kept = wide.lines().filter(|line| !line.starts_with("-cmn ") && !line.trim().is_empty());
    Ok(kept.chain(["-cmn none", "-samprate 16000"]).map(|line| format!("{line}\n")).collect())
}

/// The mean of the channel that the `feat.params` of the 16 kHz model tells; other models are refused.
fn wide_mean(wide: &str) -> Result<[f32; CEPSTRA], DeriveError> {
    for (name, expected) in [("-lowerf", "130"), ("-upperf", "6800"), ("-nfilt", "25"), ("-lifter", "22")] {
        if parameter(wide, name) != Some(expected) {
            return Err(DeriveError::OtherFrontEnd(name));
        }
    }
    parameter(wide, "-cmninit").and_then(parse_mean).ok_or(DeriveError::OtherFrontEnd("-cmninit"))
}

/// What a `feat.params` says of `name`.
pub fn parameter<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    params.split_whitespace().skip_while(|word| *word != name).nth(1)
}

/// Thirteen numbers with commas between, as `-cmninit` has them.
pub fn parse_mean(list: &str) -> Option<[f32; CEPSTRA]> {
    let numbers = list.split(',').map(|number| number.trim().parse().ok()).collect::<Option<Vec<f32>>>()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_energies_of_the_kept_filters_survive_the_map() {
        // A spectrum that 13 cepstra of 25 filters describe exactly, tilted and with one bend.
        let mut wide = [0.0f32; CEPSTRA];
        (wide[0], wide[1], wide[2]) = (40.0, -6.0, 3.0);
        let energy =
            |filter| (0..3).map(|i| dct(WIDE_FILTERS, i, filter) * f64::from(wide[i]) / lifter(i)).sum::<f64>();
        let narrow = NarrowbandMap::default().mean(&wide);
        for (i, &mapped) in narrow.iter().enumerate() {
            let expected: f64 =
                (0..NARROW_FILTERS).map(|filter| dct(NARROW_FILTERS, i, filter) * energy(filter)).sum::<f64>()
                    * lifter(i);
            assert!((f64::from(mapped) - expected).abs() < 1e-3, "cepstrum {i}: {mapped} for {expected}");
        }
    }

    #[test]
    fn variances_stay_positive_and_of_their_size() {
        let wide: [f32; CEPSTRA] = std::array::from_fn(|i| lifter(i).powi(2) as f32);
        for (i, narrow) in NarrowbandMap::default().variance(&wide).into_iter().enumerate() {
            let ratio = f64::from(narrow) / lifter(i).powi(2);
            assert!((0.4..1.6).contains(&ratio), "cepstrum {i}: {ratio}");
        }
    }

    #[test]
    fn another_front_end_is_refused() {
        assert_eq!(derive_params("-lowerf 130 -upperf 7000"), Err(DeriveError::OtherFrontEnd("-upperf")));
        let good = "-lowerf 130 -upperf 6800 -nfilt 25 -lifter 22 -cmninit 41,-5,0,5,2,-4,-1,-2,-5,-2,-6,-1,1";
        let params = derive_params(good).unwrap();
        assert!(params.contains("-nfilt 19") && params.contains("-cmninit "));
        assert_eq!(parameter(&params, "-samprate"), Some("8000"));
        let wide = wide_params(&good.replace(" -", "\n-").replace("-lifter", "-cmn batch\n-lifter")).unwrap();
        assert_eq!((parameter(&wide, "-nfilt"), parameter(&wide, "-samprate")), (Some("25"), Some("16000")));
        assert_eq!((parameter(&wide, "-cmn"), wide_params("-upperf 8000").ok()), (Some("none"), None));
        assert_eq!(
            derive_params("-lowerf 130 -upperf 6800 -nfilt 25 -lifter 22"),
            Err(DeriveError::OtherFrontEnd("-cmninit"))
        );
    }
}
