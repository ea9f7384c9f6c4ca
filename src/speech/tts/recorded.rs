//! Words that a person recorded, found in what is to be said.
//!
//! ```text
//! "Good morning, Ms Li. Your call is important to us. Is it about the refund?"
//!  └─ synthesised ────┘ └─ recorded ──────────────┘   └─ synthesised ─────┘
//! ```
//!
//! A recording is levelled as the voices are and its silent ends are cut, so that both follow each other as one prompt;
//! its pauses and its timbre stay as they were recorded.

use std::sync::Arc;

use super::Piece;
use super::alphabet::is_han;
use super::level::{LEAD_SAMPLES, TAIL_SAMPLES, audible, levelled};

/// How much sound leaves at once \[samples\]: 50 ms at 16 kHz.
const PIECE_SAMPLES: usize = 800;

/// All recordings of a hotline.
#[derive(Clone, Debug, Default)]
pub struct Recordings(
    /// Those of more words first, so that a sentence wins over its beginning.
    Vec<Recorded>,
);

#[derive(Clone, Debug)]
struct Recorded {
    words: String,
    pieces: Arc<[Piece]>,
}

/// A part of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stretch<'a> {
    /// To be synthesised.
    Words(&'a str),
    /// The words, and their sound.
    Recorded(&'a str, &'a Arc<[Piece]>),
}

impl Recordings {
    /// Adds the sound (16 kHz mono) of `words`, which are found where they stand letter by letter. Says whether there is
    /// anything to hear in it.
    pub fn add(&mut self, words: &str, pcm: &[i16]) -> bool {
        let pcm = levelled(pcm);
        let heard = audible(&pcm);
        if heard.is_empty() || words.trim().is_empty() {
            return false;
        }
        let heard = heard.start.saturating_sub(LEAD_SAMPLES)..(heard.end + TAIL_SAMPLES).min(pcm.len());
        let pieces = pcm[heard].chunks(PIECE_SAMPLES).map(Piece::from).collect();
        self.0.push(Recorded { words: words.trim().to_owned(), pieces });
        self.0.sort_by_key(|recorded| std::cmp::Reverse(recorded.words.len()));
        true
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text` without a gap, in order.
    pub(super) fn split<'a>(&'a self, text: &'a str) -> Vec<Stretch<'a>> {
        let mut stretches = Vec::new();
        let mut rest = text;
        // The earliest; of those at one place the longest.
        while let Some((at, recorded)) =
            self.0.iter().filter_map(|one| Some((found(rest, &one.words)?, one))).min_by_key(|(at, _)| *at)
        {
            let (before, from) = rest.split_at(at);
            let (words, behind) = from.split_at(recorded.words.len());
            stretches.extend([Stretch::Words(before), Stretch::Recorded(words, &recorded.pieces)]);
            rest = behind;
        }
        stretches.push(Stretch::Words(rest));
        stretches.retain(|stretch| !matches!(stretch, Stretch::Words("")));
        stretches
    }
}

/// Where `words` stand in `text` as whole words.
fn found(text: &str, words: &str) -> Option<usize> {
    let joined = |one: Option<char>, other: Option<char>| {
        let is_part = |c: char| c.is_alphanumeric() && !is_han(c);
        one.is_some_and(is_part) && other.is_some_and(is_part)
    };
    let apart = |at: usize| !joined(text[..at].chars().next_back(), text[at..].chars().next());
    text.match_indices(words).map(|(at, _)| at).find(|&at| apart(at) && apart(at + words.len()))
}

#[cfg(test)]
mod tests {
    use super::super::level::{TARGET_DBOV, active_level};
    use super::*;

    fn tone(samples: usize, size: f32) -> Vec<i16> {
        (0..samples).map(|i| (size * (i as f32 * 0.3).sin()) as i16).collect()
    }

    fn recordings(words: &[&str]) -> Recordings {
        let mut recordings = Recordings::default();
        words.iter().for_each(|words| assert!(recordings.add(words, &tone(1_600, 5_000.0))));
        recordings
    }

    /// Recorded words in brackets.
    fn split(recordings: &Recordings, text: &str) -> String {
        let written = |stretch: &Stretch<'_>| match stretch {
            Stretch::Words(words) => (*words).to_owned(),
            Stretch::Recorded(words, _) => format!("[{words}]"),
        };
        recordings.split(text).iter().map(written).collect()
    }

    #[test]
    fn whole_words_are_found_the_longest_first() {
        let recordings = recordings(&["One moment", "One moment, please.", "no", "请稍等"]);
        assert_eq!(split(&recordings, "Hello. One moment, please. now no"), "Hello. [One moment, please.] now [no]");
        assert_eq!(split(&recordings, "One moment."), "[One moment].");
        assert_eq!(split(&recordings, "好的请稍等一下"), "好的[请稍等]一下");
        assert_eq!(split(&recordings, "nothing known"), "nothing known");
        assert_eq!(split(&Recordings::default(), "One moment."), "One moment.");
        assert_eq!(split(&recordings, ""), "");
    }

    #[test]
    fn a_recording_is_brought_to_the_common_level_and_its_silent_ends_are_cut() {
        for size in [40.0, 1_000.0, 30_000.0] {
            let sound =
                [vec![0; 8_000], tone(16_000, size), vec![0; 9_600], tone(16_000, size), vec![0; 8_000]].concat();
            let mut recordings = Recordings::default();
            assert!(recordings.add("Hello.", &sound));
            let [Stretch::Recorded(_, pieces)] = recordings.split("Hello.")[..] else { panic!("it is recorded") };
            let pcm = pieces.concat();
            let level = active_level(&pcm).unwrap();
            assert!((level - TARGET_DBOV).abs() < 0.5, "{size}: {level} dBov");
            // The pause within stays; a block of 5 ms more or less is judged as a whole.
            let expected = LEAD_SAMPLES + 41_600 + TAIL_SAMPLES;
            assert!(pcm.len().abs_diff(expected) <= 160, "{} samples", pcm.len());
        }
        assert!(!Recordings::default().add("Hello.", &[0; 16_000]));
        assert!(!Recordings::default().add("Hello.", &[]));
    }
}
