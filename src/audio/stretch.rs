//! Time-scaling: a sound becomes a little shorter or longer, and keeps its pitch (after WSOLA, Verhelst and Roelands 1993).
//!
//! ```text
//!  shorten   |aaaa|bbbb|cccc…  ─►  |a→b|cccc…          one period is left out where two that follow are alike
//!  lengthen  |aaaa|bbbb|cccc…  ─►  |aaaa|b→a|bbbb|cccc…  one period is said twice
//! ```
//!
//! Where no two are alike (a hiss, an onset) nothing is changed: the next piece may do.

/// Shortest and longest period that is left out or repeated \[samples at 16 kHz\]: 2.5 and 10 ms, that is voices of 100 to
/// 400 Hz, and of 50 Hz by their half.
const PERIODS: std::ops::RangeInclusive<usize> = 40..=160;
/// How alike two periods must be, as their normalised correlation.
const ALIKE: f32 = 0.8;
/// Below this level it does not matter how alike they are (mean square): −55 dBov.
const QUIET: f32 = 3_400.0;

/// Leaves one period of at most `most` samples out of `sound`. Answers how many samples there are less; the end of the
/// slice has no meaning then.
pub fn shorten(sound: &mut [i16], most: usize) -> usize {
    let Some(period) = period(sound, most) else { return 0 };
    for i in 0..period {
        sound[i] = blend(sound[i], sound[period + i], i, period);
    }
    sound.copy_within(2 * period.., period);
    period
}

/// Repeats one period of the first `length` samples of `room`, as far as it has room. Answers how many samples there are
/// more.
pub fn lengthen(room: &mut [i16], length: usize) -> usize {
    let spare = room.len().saturating_sub(length);
    let Some(period) = period(&room[..length.min(room.len())], spare) else { return 0 };
    room.copy_within(period..length, 2 * period);
    for i in 0..period {
        // What follows the first period leads back into its beginning; the copy behind it goes on from there.
        room[period + i] = blend(room[2 * period + i], room[i], i, period);
    }
    period
}

/// The period at which the beginning of `sound` repeats itself best, if it does.
fn period(sound: &[i16], most: usize) -> Option<usize> {
    let longest = (*PERIODS.end()).min(most).min(sound.len() / 2);
    if longest < *PERIODS.start() {
        return None;
    }
    let (alike, period) = (*PERIODS.start()..=longest)
        .map(|period| (likeness(&sound[..period], &sound[period..2 * period]), period))
        .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
    if alike >= ALIKE {
        return Some(period);
    }
    let energy: f32 = sound[..2 * longest].iter().map(|&s| f32::from(s) * f32::from(s)).sum();
    (energy / (2 * longest) as f32 <= QUIET).then_some(longest)
}

/// Normalised correlation; of two silences 1.
fn likeness(one: &[i16], other: &[i16]) -> f32 {
    let (mut product, mut energies) = (1.0, (1.0, 1.0));
    for (&a, &b) in one.iter().zip(other) {
        let (a, b) = (f32::from(a), f32::from(b));
        product += a * b;
        energies.0 += a * a;
        energies.1 += b * b;
    }
    product / f32::sqrt(energies.0 * energies.1)
}

/// `from` at the first of `steps`, `to` after the last.
fn blend(from: i16, to: i16, step: usize, steps: usize) -> i16 {
    let share = step as f32 / steps as f32;
    (f32::from(from) * (1.0 - share) + f32::from(to) * share).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice-like buzz of `hertz`, `samples` long.
    fn buzz(hertz: f64, samples: usize) -> Vec<i16> {
        let wave = |i: usize| -> f64 {
            let phase = std::f64::consts::TAU * hertz * i as f64 / 16_000.0;
            (1..8).map(|k| (f64::from(k) * phase).sin() / f64::from(k)).sum()
        };
        (0..samples).map(|i| (4_000.0 * wave(i)) as i16).collect()
    }

    fn steepest(sound: &[i16]) -> i32 {
        sound.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_vowel_loses_or_gains_a_period_without_a_click() {
        for hertz in [105.0, 140.0, 200.0, 310.0] {
            let sound = buzz(hertz, 960);
            let period = (16_000.0 / hertz) as usize;
            let mut shorter = sound.clone();
            let cut = shorten(&mut shorter[320..], 160);
            assert!(cut.is_multiple_of(period) || cut % period <= 3 || period - cut % period <= 3, "{hertz}: {cut}");
            assert!(cut > 0 && steepest(&shorter[..960 - cut]) <= steepest(&sound) * 11 / 10, "{hertz}");
            assert_eq!(shorter[960 - cut - 100..960 - cut], sound[860..], "the end is as it was");

            let mut longer = sound.clone();
            longer.resize(1_200, 0);
            let added = lengthen(&mut longer[320..], 640);
            assert!(added > 0 && steepest(&longer[..960 + added]) <= steepest(&sound) * 11 / 10, "{hertz}");
            assert_eq!(longer[960 + added - 100..960 + added], sound[860..], "the end is as it was");
        }
    }

    #[test]
    fn a_hiss_stays_as_it_is_and_silence_may_change() {
        let mut rng = fastrand::Rng::with_seed(3);
        let hiss: Vec<i16> = (0..320).map(|_| rng.i16(-9_000..9_000)).collect();
        let mut sound = hiss.clone();
        assert_eq!((shorten(&mut sound, 160), lengthen(&mut sound, 200)), (0, 0));
        assert_eq!(sound, hiss);
        assert_eq!(shorten(&mut [0; 320], 160), 160);
        assert_eq!(shorten(&mut [0; 320], 100), 100, "no more than is asked for");
        assert_eq!((shorten(&mut [0; 320], 39), shorten(&mut [0; 79], 160), lengthen(&mut [0; 320], 320)), (0, 0, 0));
    }
}
