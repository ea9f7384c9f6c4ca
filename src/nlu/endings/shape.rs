//! What is looked at in a sentence to see whether it is over.
//!
//! ```text
//! "when i open the app"   ─►  words    app, the app, open the app, …
//!                         ─►  classes  S N w D w: "when" opens a clause after which another must follow
//! ```
//!
//! Of 3,060 English sentences that were held out, when one in twenty of them is taken to go on, 19.6 % of their beginnings are
//! taken to be whole by their words alone, and 16.9 % with their shape. A recurrent network (GRU of 48 units) reached 22 %.

use super::BUCKETS;

/// How much being there counts against standing at the end.
const PRESENCE: f32 = 0.3;
/// From so many words on, a sentence is long.
const LONG: usize = 8;

const AUXILIARIES: &[&str] = &[
    "is", "are", "was", "were", "am", "do", "does", "did", "have", "has", "had", "can", "could", "will", "would",
    "should", "may", "might", "must", "isn't", "aren't", "wasn't", "don't", "doesn't", "didn't", "haven't", "hasn't",
    "can't", "won't", "i'm", "it's", "that's", "there's", "i've", "i'd", "i'll", "he's", "she's", "they're", "we're",
    "you're", "what's", "where's", "how's", "who's", "let's",
];
const OPENERS: &[&str] = &[
    "when", "if", "because", "while", "although", "since", "that", "which", "who", "where", "after", "before", "until",
    "as", "whether", "what", "how", "why",
];
const PREPOSITIONS: &[&str] = &[
    "on", "in", "at", "of", "for", "with", "to", "from", "by", "about", "into", "over", "under", "through", "during",
    "without",
];
const DETERMINERS: &[&str] = &[
    "a", "an", "the", "my", "your", "his", "her", "their", "our", "this", "these", "those", "some", "any", "no",
    "another",
];
const PRONOUNS: &[&str] = &["i", "you", "he", "she", "it", "we", "they", "me", "him", "us", "them"];

/// What a word does in an English sentence, roughly; in other languages every word is the same.
fn class(word: &str) -> char {
    let lists = [(AUXILIARIES, 'A'), (OPENERS, 'S'), (PREPOSITIONS, 'P'), (DETERMINERS, 'D'), (PRONOUNS, 'N')];
    let endings = [("ing", 'G'), ("ed", 'E'), ("ly", 'Y')];
    let listed = lists.iter().find(|(list, _)| list.contains(&word)).map(|(_, class)| *class);
    let ending = || endings.iter().find(|(ending, _)| word.ends_with(ending)).map(|(_, class)| *class);
    listed.or_else(ending).unwrap_or('w')
}

/// The features of `words`, of which there is one at least: their places among the weights, and how much they count.
pub(super) fn features(words: &[String]) -> Vec<(usize, f32)> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let classes: String = words.iter().map(|word| class(word)).collect();
    let mut row = Vec::with_capacity(24 + words.len());
    ends(&words, &mut row);
    outline(&words, &classes, &mut row);
    let mut present: Vec<usize> = words.iter().map(|word| bucket(9, &[word])).collect();
    present.sort_unstable();
    present.dedup();
    row.extend(present.into_iter().map(|bucket| (bucket, PRESENCE)));
    row
}

/// The words at both ends.
fn ends(words: &[&str], row: &mut Vec<(usize, f32)>) {
    let mut add = |kind, words: &[&str]| row.push((bucket(kind, words), 1.0));
    let n = words.len();
    let length = length(n);
    let ending: String = words[n - 1].chars().rev().take(3).collect();
    add(0, &[]);
    add(1, &[length]);
    add(2, &words[..1]);
    add(3, &words[n - 1..]);
    add(8, &[ending.as_str()]);
    add(20, &[words[0], length]);
    if n > 1 {
        add(4, &words[n - 2..n - 1]);
        add(6, &words[n - 2..]);
        add(21, &words[..2]);
        add(22, &[words[0], words[1], length]);
    }
    if n > 2 {
        add(5, &words[n - 3..n - 2]);
        add(7, &words[n - 3..]);
    }
}

/// What kinds of words there are, and where.
fn outline(words: &[&str], classes: &str, row: &mut Vec<(usize, f32)>) {
    let mut add = |kind, words: &[&str]| row.push((bucket(kind, words), 1.0));
    let n = words.len();
    let first = |many: usize| &classes[..many.min(n)];
    let last = |many: usize| &classes[n.saturating_sub(many)..];
    let length = length(n);
    let count = |class: char| ["0", "1", "2", "3"][classes.chars().filter(|c| *c == class).count().min(3)];
    add(23, &[last(4)]);
    add(24, &[first(3), length]);
    add(25, &[first(1), last(3)]);
    add(26, &if n < LONG { [classes, ""] } else { [first(3), last(4)] });
    add(27, &[words[0], words[n - 1]]);
    add(28, &[words[0], words.get(1).unwrap_or(&""), last(1)]);
    add(29, &[first(1), count('A'), count('S'), length]);
    add(30, &[first(1), count('A'), count('E')]);
}

fn length(n: usize) -> &'static str {
    ["1", "2", "3", "4", "5", "6", "7", "8"][n.min(LONG) - 1]
}

/// FNV-1a of the feature's kind and words: the same on every machine, since weights are kept in files.
fn bucket(kind: u8, words: &[&str]) -> usize {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    let hash = std::iter::once(kind)
        .chain(bytes)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ (hash >> 32)) as usize % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_one_shape_have_features_in_common() {
        let of = |text: &str| features(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let common = |a: &str, b: &str| of(a).iter().filter(|feature| of(b).contains(feature)).count();
        assert!(
            common("when she opened the door", "if they locked a phone")
                > common("when she opened the door", "he is at home alone")
        );
        assert!(of("well").iter().all(|(bucket, _)| *bucket < BUCKETS));
    }
}
