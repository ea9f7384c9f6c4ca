//! How far a transcript is from what was said: word errors by the cheapest alignment.
//!
//! ```text
//! said  the money  is  gone      heard  the *** his gone   ─►  1 deletion, 1 substitution in 4 words
//! ```

use std::ops::AddAssign;

/// One step of an alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The same word on both sides.
    Same,
    /// Another word was heard.
    Substituted,
    /// A word was not heard.
    Deleted,
    /// A word was heard that was not said.
    Inserted,
}

/// Errors of one or many transcripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WordErrors {
    /// Words that were said.
    pub words: usize,
    /// Words heard as others.
    pub substituted: usize,
    /// Words not heard.
    pub deleted: usize,
    /// Words heard but not said.
    pub inserted: usize,
}

impl WordErrors {
    /// Counts the errors in `heard`.
    pub fn count<S: AsRef<str>>(said: &[S], heard: &[S]) -> Self {
        let mut errors = Self { words: said.len(), ..Self::default() };
        for step in align(said, heard) {
            match step {
                Step::Same => {}
                Step::Substituted => errors.substituted += 1,
                Step::Deleted => errors.deleted += 1,
                Step::Inserted => errors.inserted += 1,
            }
        }
        errors
    }

    /// All errors together.
    pub fn total(&self) -> usize {
        self.substituted + self.deleted + self.inserted
    }

    /// Errors for each word that was said; `None` where nothing was said.
    pub fn rate(&self) -> Option<f64> {
        (self.words > 0).then(|| self.total() as f64 / self.words as f64)
    }
}

impl AddAssign for WordErrors {
    fn add_assign(&mut self, other: Self) {
        self.words += other.words;
        self.substituted += other.substituted;
        self.deleted += other.deleted;
        self.inserted += other.inserted;
    }
}

/// The cheapest way from `said` to `heard`, in order.
pub fn align<S: AsRef<str>>(said: &[S], heard: &[S]) -> Vec<Step> {
    // costs[i][j]: errors between the first i words said and the first j heard.
    let mut costs = vec![vec![0usize; heard.len() + 1]; said.len() + 1];
    for i in 0..=said.len() {
        for j in 0..=heard.len() {
            costs[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let differs = usize::from(said[i - 1].as_ref() != heard[j - 1].as_ref());
                    (costs[i - 1][j - 1] + differs).min(costs[i - 1][j] + 1).min(costs[i][j - 1] + 1)
                }
            };
        }
    }
    let mut steps = Vec::new();
    let (mut i, mut j) = (said.len(), heard.len());
    while i > 0 || j > 0 {
        let here = costs[i][j];
        let same = i > 0 && j > 0 && said[i - 1].as_ref() == heard[j - 1].as_ref();
        if same && costs[i - 1][j - 1] == here {
            steps.push(Step::Same);
            (i, j) = (i - 1, j - 1);
        } else if i > 0 && j > 0 && costs[i - 1][j - 1] + 1 == here {
            steps.push(Step::Substituted);
            (i, j) = (i - 1, j - 1);
        } else if i > 0 && costs[i - 1][j] + 1 == here {
            steps.push(Step::Deleted);
            i -= 1;
        } else {
            steps.push(Step::Inserted);
            j -= 1;
        }
    }
    steps.reverse();
    steps
}

/// What was said beside what was heard of it, in order; `None` where one of them is missing.
pub fn pairs<'a, S: AsRef<str>>(said: &'a [S], heard: &'a [S]) -> Vec<(Option<&'a str>, Option<&'a str>)> {
    let steps = align(said, heard);
    let (mut said, mut heard) = (said.iter().map(AsRef::as_ref), heard.iter().map(AsRef::as_ref));
    let pair = |step| match step {
        Step::Same | Step::Substituted => (said.next(), heard.next()),
        Step::Deleted => (said.next(), None),
        Step::Inserted => (None, heard.next()),
    };
    steps.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    #[test]
    fn errors_are_told_apart() {
        let errors = WordErrors::count(&split("the money is gone today"), &split("the his gone today yes"));
        assert_eq!(errors, WordErrors { words: 5, substituted: 1, deleted: 1, inserted: 1 });
        assert_eq!(errors.rate(), Some(0.6));
        assert_eq!(WordErrors::count::<&str>(&[], &[]).rate(), None);
    }

    #[test]
    fn words_stand_beside_what_was_heard_of_them() {
        let (said, heard) = (split("the money is gone"), split("the is gone yes"));
        let paired = pairs(&said, &heard);
        let expected = [
            (Some("the"), Some("the")),
            (Some("money"), None),
            (Some("is"), Some("is")),
            (Some("gone"), Some("gone")),
            (None, Some("yes")),
        ];
        assert_eq!(paired, expected);
    }

    proptest! {
        #[test]
        fn an_alignment_uses_every_word_once(
            said in proptest::collection::vec("[ab]", 0..8),
            heard in proptest::collection::vec("[ab]", 0..8),
        ) {
            let steps = align(&said, &heard);
            prop_assert_eq!(steps.iter().filter(|step| **step != Step::Inserted).count(), said.len());
            prop_assert_eq!(steps.iter().filter(|step| **step != Step::Deleted).count(), heard.len());
        }
    }
}
