//! From probabilities to speech and silence.
//!
//! ```text
//!  probability  ▁▁▁▇▅▁▁▁▅▇▇▇▇▅▅▅▁▁▁▁
//!  speech          └─┘  └─────┘         from ONSET on, down to OFFSET
//! ```
//!
//! One frame opens it: a prompt is turned down at once for what may be a voice. What a stretch of frames is evidence of,
//! turn-taking weighs ([`turn`](crate::turn)).

/// A frame is speech from this probability on …
pub const ONSET: f32 = 0.6;
/// … and stays speech down to this one.
pub const OFFSET: f32 = 0.35;
/// Softer than this is never speech, however it sounds \[dBov\]: line noise.
const FLOOR_DBOV: f32 = -55.0;

/// Follows one party's voice. Feed it every frame, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gate {
    is_open: bool,
}

impl Gate {
    /// Takes a frame's probability of speech and its level \[dBov\]. Answers whether it belongs to a stretch of speech.
    pub fn push(&mut self, probability: f32, level: f32) -> bool {
        let threshold = if self.is_open { OFFSET } else { ONSET };
        self.is_open = probability >= threshold && level > FLOOR_DBOV;
        self.is_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One character a frame: `▁` quiet, `▅` uncertain, `▇` voiced.
    fn run(drawn: &str) -> String {
        let mut gate = Gate::default();
        let probability = |c| match c {
            '▇' => 0.9,
            '▅' => 0.5,
            _ => 0.1,
        };
        drawn.chars().map(|c| if gate.push(probability(c), -20.0) { '─' } else { ' ' }).collect()
    }

    #[test]
    fn what_is_uncertain_goes_on_as_it_was() {
        assert_eq!(run("▁▅▇▅▁▅▇▇▅▅▁"), "  ──  ──── ");
    }

    #[test]
    fn what_is_as_soft_as_the_line_is_no_speech() {
        assert!(!Gate::default().push(0.99, -60.0));
    }

    proptest! {
        #[test]
        fn a_gate_never_opens_below_its_onset(ps in proptest::collection::vec(0.0f32..1.0, 0..200)) {
            let mut gate = Gate::default();
            let mut was_open = false;
            for p in ps {
                let is_open = gate.push(p, -20.0);
                prop_assert!(!is_open || p >= OFFSET && (was_open || p >= ONSET));
                was_open = is_open;
            }
        }
    }
}
