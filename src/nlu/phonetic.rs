//! What a word sounds like, so that "wreck a nice beach" still resembles what was said.
//!
//! ```text
//! "right" "write" ─► RT        花呗 ─► hua bei
//! ```
//!
//! English words become a code of consonant classes in the manner of Metaphone (L. Philips, 1990), with the pairs merged that
//! a telephone line confuses most: voiced and unvoiced stops and fricatives. Chinese characters become Pinyin without tones,
//! with the finals and initials merged that Mandarin speakers of the south do not tell apart (zh/z, ch/c, sh/s, n/l, -ng/-n).

use pinyin::ToPinyin;

/// The consonant code of an English word; empty for a word without letters.
pub fn english(word: &str) -> String {
    let letters: Vec<u8> = word.bytes().filter(u8::is_ascii_lowercase).collect();
    let mut code = String::with_capacity(letters.len());
    let mut i = silent_head(&letters);
    if letters.get(i).is_some_and(|&c| is_vowel(c)) {
        code.push('A');
    }
    while i < letters.len() {
        let (sound, taken) = sound(&letters, i);
        if !sound.is_empty() && !code.ends_with(sound) {
            code.push_str(sound);
        }
        i += taken;
    }
    code
}

fn silent_head(letters: &[u8]) -> usize {
    match letters {
        [b'k' | b'g' | b'p', b'n', ..] | [b'w', b'r', ..] | [b'a', b'e', ..] => 1,
        _ => 0,
    }
}

fn is_vowel(c: u8) -> bool {
    matches!(c, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// The sound at `i` and how many letters spell it.
fn sound(letters: &[u8], i: usize) -> (&'static str, usize) {
    let next = letters.get(i + 1).copied().unwrap_or(b' ');
    let soft = matches!(next, b'e' | b'i' | b'y');
    match (letters[i], next) {
        (b't' | b'c', b'h') => (if letters[i] == b't' { "0" } else { "X" }, 2),
        (b's', b'h') => ("X", 2),
        (b'p', b'h') => ("F", 2),
        (b'c' | b'q', b'k') => ("K", 2),
        (b'g', b'h') => ("", 2),
        (b't', b'i') if letters.get(i + 2) == Some(&b'o') => ("X", 2),
        (b's' | b'c', b'c') if letters.get(i + 2).is_some_and(|c| matches!(c, b'e' | b'i')) => ("KS", 2),
        (b'c', _) if soft => ("S", 1),
        (b'g', _) if soft => ("X", 1),
        (b'j', _) => ("X", 1),
        (b'c' | b'k' | b'q' | b'g', _) => ("K", 1),
        (b'd' | b't', _) => ("T", 1),
        (b'b' | b'p', _) => ("P", 1),
        (b'f' | b'v', _) => ("F", 1),
        (b's' | b'z', _) => ("S", 1),
        (b'x', _) => ("KS", 1),
        (b'm' | b'n', _) => ("N", 1),
        (b'l', _) => ("L", 1),
        (b'r', _) => ("R", 1),
        (b'w', c) if is_vowel(c) => ("W", 1),
        _ => ("", 1),
    }
}

/// The merged syllable of a Chinese character; `None` for anything else.
pub fn mandarin(character: char) -> Option<String> {
    let plain = character.to_pinyin()?.plain();
    let merged = match plain.as_bytes() {
        [b'z' | b'c' | b's', b'h', ..] => format!("{}{}", &plain[..1], &plain[2..]),
        [b'n', ..] => format!("l{}", &plain[1..]),
        _ => plain.to_owned(),
    };
    Some(match merged.strip_suffix('g') {
        Some(front) if front.ends_with("in") || front.ends_with("en") || front.ends_with("an") => front.to_owned(),
        _ => merged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_sound_alike_share_a_code() {
        for (a, b) in [("right", "write"), ("know", "no"), ("pin", "bin"), ("cash", "gash"), ("phone", "fone")] {
            assert_eq!(english(a), english(b), "{a} {b}");
        }
        assert_ne!(english("card"), english("cash"));
        assert_eq!(english("123"), "");
    }

    #[test]
    fn syllables_that_southern_speakers_merge_share_a_code() {
        for (a, b) in [('花', '华'), ('是', '四'), ('年', '连'), ('金', '经')] {
            assert_eq!(mandarin(a), mandarin(b), "{a} {b}");
        }
        assert_eq!(mandarin('a'), None);
    }
}
