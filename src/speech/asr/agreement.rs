//! Partial texts out of an engine that reads a whole window anew each time: what two readings in a row agree on stands.
//!
//! ```text
//! window 1: I lost my cart        ─► –
//! window 2: I lost my card        ─► I lost my
//! window 3: I lost my card today  ─► I lost my card
//! ```
//!
//! This is *local agreement* with n = 2 (Liu, Spanakis and Niehues: Low-Latency Sequence-to-Sequence Speech Recognition and
//! Translation by Partial Hypothesis Selection, Interspeech 2020).

/// What stands so far, and the last reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    stands: Vec<String>,
    last: Vec<String>,
}

impl Agreement {
    /// Takes a new reading of everything so far; answers the text that stands, if it has grown.
    pub fn read(&mut self, text: &str) -> Option<String> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let agreed = words.iter().zip(&self.last).take_while(|(new, old)| new == old).count();
        let grown = agreed > self.stands.len();
        if grown {
            self.stands = words[..agreed].to_vec();
        }
        self.last = words;
        grown.then(|| self.stands.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_readings_must_agree() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.read("I lost my cart"), None);
        assert_eq!(agreement.read("I lost my card"), Some("I lost my".into()));
        assert_eq!(agreement.read("I lost my card today"), Some("I lost my card".into()));
        assert_eq!(agreement.read("I lost it"), None);
    }

    proptest! {
        #[test]
        fn a_partial_text_only_grows(readings in prop::collection::vec("[ab]( [ab]){0,5}", 0..12)) {
            let mut agreement = Agreement::default();
            let mut longest = 0;
            for reading in readings {
                if let Some(text) = agreement.read(&reading) {
                    let words = text.split(' ').count();
                    prop_assert!(words > longest);
                    prop_assert!(reading.starts_with(&text));
                    longest = words;
                }
            }
        }
    }
}
