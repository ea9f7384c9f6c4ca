//! Which product is meant: a few spoken words against the names of what the caller bought.
//!
//! ```text
//! "the rice cooker i got", ["Rice cooker 3L", "Trail shoes"] ─► [(0, 0.8)]
//! ```
//!
//! A word of a name is found when it was said, when a word that sounds the same was said, or one that is spelled nearly so.
//! Words that many of the names share count less.

use std::collections::HashMap;

use crate::nlu::text::{self, is_han};
use crate::nlu::{concepts, phonetic};
use crate::units::Lang;

/// What a word that only sounds the same is worth, against 1 for the word itself.
const SOUNDS_ALIKE: f32 = 0.8;
/// Least share of common letter pairs at which two words count as one misspelled or misheard.
const SPELLED_ALIKE: f32 = 0.6;

/// The names that `said` may mean: position in `names` and how well it fits, 0–1, best first. Names that do not fit at all
/// are left out.
pub fn products(said: &str, names: &[&str]) -> Vec<(usize, f32)> {
    let spoken = units(said);
    let named: Vec<Vec<String>> = names.iter().map(|name| units(name)).collect();
    let mut holders: HashMap<&str, f32> = HashMap::new();
    for name in &named {
        let mut distinct: Vec<&str> = name.iter().map(String::as_str).collect();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.into_iter().for_each(|unit| *holders.entry(unit).or_default() += 1.0);
    }
    let fit = |name: &Vec<String>| {
        let weight = |unit: &String| 1.0 / holders.get(unit.as_str()).copied().unwrap_or(1.0);
        let all: f32 = name.iter().map(weight).sum();
        let said: f32 = name.iter().map(|unit| weight(unit) * best_match(unit, &spoken)).sum();
        let explained: f32 = spoken.iter().map(|unit| best_match(unit, name)).sum();
        // How much of the name was said, and how much of what was said is in the name.
        if said > 0.0 { f32::midpoint(said / all, explained / spoken.len() as f32) } else { 0.0 }
    };
    let mut ranked: Vec<(usize, f32)> = named.iter().map(fit).enumerate().filter(|(_, fit)| *fit > 0.0).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

/// What a text is compared by: words, and pairs of Chinese characters.
fn units(text: &str) -> Vec<String> {
    let lang = text::guess_lang([text]);
    let words = text::words(text, lang);
    let mut units: Vec<String> = words
        .windows(2)
        .filter(|pair| pair.iter().all(|word| word.chars().all(is_han)))
        .map(|pair| pair.concat())
        .collect();
    let is_telling = |word: &&String| match lang {
        Lang::En => word.len() > 2 && !LITTLE_WORDS.contains(&word.as_str()),
        Lang::Zh => !word.chars().all(is_han) || words.len() == 1,
    };
    units.extend(words.iter().filter(is_telling).map(|word| concepts::stem(word).to_owned()));
    units
}

/// Words of three letters and more that name nothing.
const LITTLE_WORDS: &[&str] = &[
    "the", "and", "for", "with", "that", "this", "from", "was", "got", "one", "have", "has", "not", "you", "are",
    "about", "bought", "ordered", "order", "money", "paid", "pay",
];

/// How well the best of `others` matches `unit`, 0–1.
fn best_match(unit: &str, others: &[String]) -> f32 {
    others.iter().map(|word| alike(unit, word)).fold(0.0, f32::max)
}

fn alike(a: &str, b: &str) -> f32 {
    if a == b {
        return 1.0;
    }
    let (sound, other) = (sound(a), sound(b));
    if sound.chars().count() > 1 && sound == other {
        return SOUNDS_ALIKE;
    }
    let pairs = common_pairs(a, b);
    if pairs >= SPELLED_ALIKE { pairs * SOUNDS_ALIKE } else { 0.0 }
}

fn sound(unit: &str) -> String {
    if unit.chars().any(is_han) {
        unit.chars().filter_map(phonetic::mandarin).collect::<Vec<_>>().join(" ")
    } else {
        phonetic::english(unit)
    }
}

/// Twice the common letter pairs over all of them (Dice, 1945).
fn common_pairs(a: &str, b: &str) -> f32 {
    let pairs = |word: &str| {
        let letters: Vec<char> = word.chars().collect();
        letters.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
    };
    let (ours, mut theirs) = (pairs(a), pairs(b));
    let total = ours.len() + theirs.len();
    let mut common = 0;
    for pair in ours {
        if let Some(at) = theirs.iter().position(|other| *other == pair) {
            theirs.swap_remove(at);
            common += 2;
        }
    }
    if total > 0 { common as f32 / total as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_found_by_word_sound_and_spelling() {
        let names = [
            "Rice cooker 3L",
            "Trail running shoes",
            "Running shorts",
            "Noise cancelling headphones",
            "电饭煲",
            "蓝牙耳机",
        ];
        let best = |said: &str| products(said, &names).first().map(|found| names[found.0]);
        assert_eq!(best("it's about the rice cooker i bought"), Some("Rice cooker 3L"));
        assert_eq!(best("the reis cooker"), Some("Rice cooker 3L"));
        assert_eq!(best("my running shoes"), Some("Trail running shoes"));
        assert_eq!(best("the shorts"), Some("Running shorts"));
        assert_eq!(best("the hedphones"), Some("Noise cancelling headphones"));
        assert_eq!(best("我买的电饭煲"), Some("电饭煲"));
        assert_eq!(best("蓝牙儿机"), Some("蓝牙耳机"));
        assert_eq!(best("a washing machine"), None);
        assert_eq!(best(""), None);
    }
}
