//! Which targets of a trunk are up, and which one takes the next call.
//!
//! A target is down after [`MISSES`] unanswered OPTIONS in a row or a call that it did not answer, and up again with the
//! next answer, whatever it says (RFC 3261 §11: even a 404 comes from somebody alive; 408 and 503 do not count).

use super::Target;

/// Unanswered requests in a row after which a target is down.
const MISSES: u32 = 2;

/// The targets of one trunk.
#[derive(Clone, Debug)]
pub(in crate::server::sip) struct Targets {
    targets: Vec<(Target, u32)>,
}

impl Targets {
    /// All of them are up until something else is known.
    pub(in crate::server::sip) fn new(targets: &[Target]) -> Self {
        Self { targets: targets.iter().map(|target| (target.clone(), 0)).collect() }
    }

    /// A target answered an OPTIONS with this status. Whether it came up or went down by that.
    pub(in crate::server::sip) fn answered(&mut self, at: usize, status: u16) -> Option<bool> {
        let before = self.is_up(at);
        let (_, misses) = self.targets.get_mut(at)?;
        *misses = if matches!(status, 408 | 503) { misses.saturating_add(1) } else { 0 };
        let after = self.is_up(at);
        (before != after).then_some(after)
    }

    /// A call to a target found nobody: the next ones go elsewhere until it answers again.
    pub(in crate::server::sip) fn failed(&mut self, at: usize) {
        if let Some((_, misses)) = self.targets.get_mut(at) {
            *misses = MISSES;
        }
    }

    /// Whether the n-th target is up.
    pub(in crate::server::sip) fn is_up(&self, at: usize) -> bool {
        self.targets.get(at).is_some_and(|(_, misses)| *misses < MISSES)
    }

    /// Targets in the order in which to try them for one call: those that are up before those that are down, each group in
    /// an order drawn by weight. `draw` gives a number below the one that it is given.
    pub(in crate::server::sip) fn order(&self, mut draw: impl FnMut(u32) -> u32) -> Vec<usize> {
        let (up, down): (Vec<usize>, Vec<usize>) = (0..self.targets.len()).partition(|&at| self.is_up(at));
        let mut order = Vec::new();
        for mut group in [up, down] {
            while !group.is_empty() {
                let total: u32 = group.iter().map(|&at| self.targets[at].0.weight).sum();
                let mut left = draw(total.max(1));
                let chosen = group.iter().position(|&at| {
                    let weight = self.targets[at].0.weight;
                    let is_here = left < weight;
                    left = left.saturating_sub(weight);
                    is_here
                });
                order.push(group.remove(chosen.unwrap_or(0)));
            }
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn targets(weights: &[u32]) -> Targets {
        let target = |(at, &weight): (usize, &u32)| Target { uri: format!("sip:{at}"), weight };
        Targets::new(&weights.iter().enumerate().map(target).collect::<Vec<_>>())
    }

    #[test]
    fn calls_are_shared_by_weight() {
        let targets = targets(&[3, 1]);
        let firsts: Vec<usize> = (0..4).map(|n| targets.order(|of| n % of)[0]).collect();
        assert_eq!(firsts, [0, 0, 0, 1]);
    }

    #[test]
    fn who_does_not_answer_comes_last_until_he_does() {
        let mut targets = targets(&[5, 1]);
        assert_eq!(targets.answered(0, 408), None, "one may get lost");
        assert_eq!(targets.answered(0, 503), Some(false));
        assert_eq!(targets.order(|_| 0), [1, 0]);
        assert_eq!(targets.answered(0, 404), Some(true));
        assert_eq!(targets.order(|_| 0), [0, 1]);
        targets.failed(0);
        assert_eq!(targets.order(|_| 0), [1, 0]);
        assert_eq!(targets.answered(7, 200), None);
    }

    proptest! {
        #[test]
        fn each_target_is_tried_once(
            weights in prop::collection::vec(0u32..9, 0..6), down in prop::collection::vec(0usize..6, 0..4), seed in 0u32..100,
        ) {
            let mut targets = targets(&weights);
            down.iter().for_each(|&at| targets.failed(at));
            let mut order = targets.order(|of| seed % of);
            let first_down = order.iter().position(|&at| !targets.is_up(at)).unwrap_or(order.len());
            prop_assert!(order[first_down..].iter().all(|&at| !targets.is_up(at)), "those that are up come first");
            order.sort_unstable();
            prop_assert_eq!(order, (0..weights.len()).collect::<Vec<_>>());
        }
    }
}
