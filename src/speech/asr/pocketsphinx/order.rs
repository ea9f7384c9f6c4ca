//! The order of the Gaussians in a codebook: neighbours in sound stand next to each other.
//!
//! The library compares a frame with all Gaussians of a codebook in turn, and gives each up as soon as the first few
//! coefficients tell that it is too far away. Where one is given up says nothing to the processor about the next, so it
//! guesses wrong about once a Gaussian. Along a tour from each Gaussian to its nearest neighbour it guesses right more often:
//! recognition takes 0.93 of the time (medians of 8 runs over 24 questions: 0.0475 of real time instead of 0.0512). Of
//! 119 questions every text stays the same, and in five of them the confidence of a word changes by a ten-thousandth: sums are
//! rounded in another order.

use super::adaptation::weights_of;
use super::mdef;
use super::s3::Gaussians;

/// How much a coefficient counts, by the step of the comparison that it belongs to: the library looks at the first alone, then
/// at four at a time.
const BY_STEP: [f32; 4] = [1.0, 0.7, 0.4, 0.2];
/// Coefficients in each of the later steps.
const STEP: usize = 4;
/// How much the height of a Gaussian counts, from which what is too far away is subtracted.
const BY_HEIGHT: f32 = 0.5;

/// Takes the Gaussians of each codebook and stream into the order of a tour, and the weights in `sendump` with them. Answers
/// `None`, and changes nothing, where the four do not belong together.
pub(super) fn along_a_tour(
    means: &mut Gaussians,
    variances: &mut Gaussians,
    sendump: &mut [u8],
    mdef: &[u8],
) -> Option<()> {
    let owners = mdef::phones_of_states(mdef)?;
    let shape = |gaussians: &Gaussians| (gaussians.codebooks, gaussians.densities, gaussians.lengths.clone());
    let (codebooks, densities, lengths) = shape(means);
    let (rows, states, weights) = weights_of(sendump)?;
    let fits = shape(variances) == shape(means)
        && (rows, states) == (densities, owners.len())
        && weights.len() == lengths.len() * rows * states
        && owners.iter().all(|&owner| owner < codebooks)
        && lengths.iter().all(|&length| length > 0);
    if !fits {
        return None;
    }
    let (mut means, mut variances) = (means.values.as_mut_slice(), variances.values.as_mut_slice());
    for codebook in 0..codebooks {
        for (&length, weights) in lengths.iter().zip(weights.chunks_exact_mut(rows * states)) {
            let of_stream;
            (of_stream, means) = std::mem::take(&mut means).split_at_mut(length * densities);
            let spreads;
            (spreads, variances) = std::mem::take(&mut variances).split_at_mut(length * densities);
            let order = tour(&places(of_stream, spreads, length));
            for values in [of_stream, spreads] {
                let sorted: Vec<f32> = order.iter().flat_map(|&i| &values[i * length..][..length]).copied().collect();
                values.copy_from_slice(&sorted);
            }
            for state in (0..states).filter(|&state| owners[state] == codebook) {
                let sorted: Vec<u8> = order.iter().map(|&row| weights[row * states + state]).collect();
                sorted.into_iter().enumerate().for_each(|(row, weight)| weights[row * states + state] = weight);
            }
        }
    }
    Some(())
}

/// Where each Gaussian stands: its mean in standard deviations of the codebook, and its height, each as far as it counts.
fn places(means: &[f32], variances: &[f32], length: usize) -> Vec<Vec<f32>> {
    let count = (means.len() / length.max(1)) as f32;
    let mean_variance = |i: usize| variances.iter().skip(i).step_by(length).sum::<f32>() / count;
    let scales: Vec<f32> = (0..length)
        .map(|i| BY_STEP[i.div_ceil(STEP).min(BY_STEP.len() - 1)] / mean_variance(i).max(f32::MIN_POSITIVE).sqrt())
        .collect();
    let of_one = |(mean, variance): (&[f32], &[f32])| {
        let height = -0.5 * variance.iter().map(|v| v.max(f32::MIN_POSITIVE).ln()).sum::<f32>();
        mean.iter().zip(&scales).map(|(value, scale)| value * scale).chain([height * BY_HEIGHT]).collect()
    };
    means.chunks_exact(length).zip(variances.chunks_exact(length)).map(of_one).collect()
}

/// The places in an order in which each is followed by the nearest that was not yet visited, from the one whose first number
/// is least.
fn tour(places: &[Vec<f32>]) -> Vec<usize> {
    let distance = |a: usize, b: usize| places[a].iter().zip(&places[b]).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let mut left: Vec<usize> = (0..places.len()).collect();
    let mut order: Vec<usize> = Vec::with_capacity(places.len());
    while !left.is_empty() {
        let far = |&i: &usize| order.last().map_or(places[i][0], |&last| distance(last, i));
        let next = (0..left.len()).min_by(|&a, &b| far(&left[a]).total_cmp(&far(&left[b]))).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tour_goes_to_the_nearest() {
        let places = [5.0, 1.0, 4.0, 2.0].map(|place| vec![place]);
        assert_eq!(tour(&places), [1, 3, 2, 0]);
    }

    /// Two codebooks of three Gaussians with one coefficient, and three states, of which the second codebook has the second.
    fn model() -> (Gaussians, Gaussians, Vec<u8>) {
        let gaussians =
            |values: [f32; 6]| Gaussians { codebooks: 2, densities: 3, lengths: vec![1], values: values.into() };
        let counts = [0u32, 3, 3].map(u32::to_le_bytes).concat();
        let weights = [10, 20, 30, 11, 21, 31, 12, 22, 32];
        (gaussians([3.0, 1.0, 2.0, 1.0, 3.0, 2.0]), gaussians([1.0; 6]), [&counts[..], &weights].concat())
    }

    #[test]
    fn weights_go_where_their_gaussians_go() {
        let (mut means, mut variances, mut sendump) = model();
        along_a_tour(&mut means, &mut variances, &mut sendump, &mdef::tests::small()).unwrap();
        assert_eq!(means.values, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
        assert_eq!(sendump[12..], [11, 20, 31, 12, 22, 32, 10, 21, 30]);
    }

    #[test]
    fn what_does_not_belong_together_stays_as_it_is() {
        let (mut means, mut variances, mut sendump) = model();
        variances.values.pop();
        variances.densities = 2;
        let before = (means.clone(), sendump.clone());
        assert_eq!(along_a_tour(&mut means, &mut variances, &mut sendump, &mdef::tests::small()), None);
        assert_eq!(along_a_tour(&mut means, &mut model().1, &mut sendump, b"BMDF"), None);
        assert_eq!((means, sendump), before);
    }

    proptest! {
        #[test]
        fn a_tour_visits_every_place_once(places in proptest::collection::vec(-9f32..9.0, 0..40)) {
            let places: Vec<Vec<f32>> = places.into_iter().map(|place| vec![place]).collect();
            let mut order = tour(&places);
            order.sort_unstable();
            prop_assert_eq!(order, (0..places.len()).collect::<Vec<_>>());
        }
    }
}
