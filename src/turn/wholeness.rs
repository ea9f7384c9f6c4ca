//! Is what was said all that the caller wants to say?
//!
//! ```text
//! words, question, pauses ─┬─► a number: by how many digits it has, and whether it is told in groups
//!                          ├─► an answer: "yes please", "um no", "not really"
//!                          └─► a sentence: by its ending, else what the model of sentence ends says
//! ```

use super::patience::{UNCLEAR, UNFINISHED};
use super::words::is_backchannel;
use crate::units::Ask;

/// Answers that are whole in themselves after a yes/no question, alone or with a polite word.
const ANSWERS: &[&str] = &[
    "yes",
    "yeah",
    "yep",
    "yup",
    "no",
    "nope",
    "sure",
    "exactly",
    "correct",
    "right",
    "okay",
    "ok",
    "absolutely",
    "definitely",
    "indeed",
    "true",
    "wrong",
    "fine",
    "good",
    "perfect",
    "first",
    "second",
    "other",
    "both",
    "neither",
    "former",
    "latter",
    "是",
    "是的",
    "对",
    "对的",
    "不是",
    "不对",
    "没有",
    "好",
    "好的",
    "嗯",
    "可以",
    "不用",
];

/// Words that may stand beside an answer without opening a new sentence.
const POLITE: &[&str] = &[
    "please", "thanks", "thank", "very", "much", "did", "am", "just", "actually", "you", "it", "is", "that's", "that",
    "it's", "of", "course", "i", "do", "don't", "would", "isn't", "not", "at", "all", "really", "the", "one", "them",
    "think", "so", "谢谢",
];

/// Whoever says one of these last has nothing to add.
const FAREWELLS: &[&str] = &["goodbye", "bye", "再见", "拜拜"];

/// Of these, those that lead on to more when they come last: "yes that …".
const LEADING_ON: &[&str] = &[
    "it", "is", "that's", "that", "it's", "of", "i", "don't", "would", "not", "the", "so", "think", "just", "very",
    "actually",
];

/// Short answers end so, although their last word alone would lead on: "yes it is", "i think so", "well sort of".
const LAST_WORDS: &[&str] = &[
    "it is",
    "that's it",
    "that is",
    "i do",
    "i did",
    "i don't",
    "i am",
    "i would",
    "it isn't",
    "think so",
    "of course",
    "not really",
    "sort of",
    "kind of",
];

/// What people say before they say something. A recogniser often takes "well" for "will".
const FILLERS: &[&str] = &["um", "uh", "mm", "hmm", "mhm", "er", "ah", "oh", "so", "well", "will", "but", "and"];

/// Words that open a clause after which another must follow, unless a question begins so: "when will …".
const OPENERS: &[&str] = &["when", "if", "because", "since", "while", "although", "after", "before", "as"];
const AUXILIARIES: &[&str] =
    &["is", "are", "was", "were", "do", "does", "did", "can", "could", "will", "would", "should", "have", "has", "had"];

/// Words after which an English speaker has more to say.
const OPEN_ENDS: &[&str] = &[
    "a", "an", "the", "my", "your", "his", "her", "their", "our", "and", "or", "but", "because", "if", "i", "i'm",
    "i'd", "i've", "we", "he", "she", "they", "it's", "there's", "could", "would", "to", "um", "uh", "er", "hmm",
    "well", "very", "for", "with", "of", "from", "into", "about", "at", "by",
];

/// Endings after which a Mandarin speaker has more to say.
const OPEN_ENDS_ZH: &[&str] = &[
    "我想", "我要", "那个", "就是", "然后", "因为", "但是", "如果", "所以", "还有", "的话", "关于", "我的", "把", "在",
    "跟", "和", "给", "被", "想", "要", "嗯", "呃", "这个",
];

/// So many words are a beginning.
const BEGINNING: usize = 4;
/// A clause of so many words, or an answer, is short.
const CLAUSE: usize = 6;
const SHORT_ANSWER: usize = 4;
/// Whoever says no and nothing else often goes on: "no … it's about my card". Waited for longer than words that do not tell
/// (970 ms; with 520 every such pause of three sets was cut off), and not so long that a plain no seems unheard.
const NO: f32 = 0.165;
/// What an ending after which an English speaker has more to say leaves of the probability that the sentence is whole.
const OPEN_END: f32 = 0.15;
/// A phone number has so many digits here, and who leaves one or two out was misheard.
const PHONE_NUMBER: usize = 11;
const NEARLY: [(usize, f32); 2] = [(10, 0.7), (9, UNCLEAR)];
/// A number of so many digits is said in one breath: a local phone number. Postal codes have five, but so have many groups.
const IN_ONE_BREATH: usize = 7;
/// Groups of digits that a long number is told in, and from how many digits on it may then be over.
const GROUPS: u32 = 3;
const IN_GROUPS: usize = 8;

/// Probability that `words` are all that is said in answer to `ask`, given how surely they are a whole sentence (both 0–1) and
/// after how many pauses they came.
pub(super) fn wholeness(ask: Ask, words: &str, whole: f32, pauses: u32) -> f32 {
    let list: Vec<&str> = words.split_whitespace().collect();
    let Some(last) = list.last() else { return UNCLEAR };
    if FAREWELLS.iter().any(|farewell| words.ends_with(farewell)) {
        return 1.0;
    }
    let core = without_fillers(&list);
    let digits = count_digits(&list);
    if ask == Ask::Digits && digits > 0 {
        return number(digits, list.contains(&"double"), pauses);
    }
    if ask != Ask::Open
        && let Some(told) = answer(core)
    {
        return told;
    }
    let whole = if opens_a_clause(core) { whole * OPEN_END } else { whole };
    let names_it = match ask {
        // A word or two name one of the things that were asked about, whether or not they make a sentence, …
        Ask::Choice => list.len() <= 3,
        // … or were a short answer, misheard.
        Ask::YesNo => core.len() <= 2 && !core.first().is_some_and(|first| ANSWERS.contains(first)),
        Ask::Digits | Ask::Open => false,
    };
    if core.is_empty() || is_backchannel(words) {
        0.0
    } else if OPEN_ENDS.contains(last) || OPEN_ENDS_ZH.iter().any(|end| words.ends_with(end)) {
        whole * OPEN_END
    } else if names_it {
        whole.max(UNCLEAR)
    } else {
        whole
    }
}

/// What the number of digits tells. Who has paused already tells them in groups.
fn number(digits: usize, is_doubled: bool, pauses: u32) -> f32 {
    // Nobody says "double" in a short number.
    let is_one_breath = pauses == 0 && !is_doubled && digits == IN_ONE_BREATH;
    let is_last_group = pauses + 1 >= GROUPS && digits >= IN_GROUPS;
    if digits >= PHONE_NUMBER {
        1.0
    } else if let Some((_, told)) = NEARLY.iter().find(|(many, _)| *many == digits) {
        *told
    } else if is_one_breath || is_last_group {
        UNCLEAR
    } else {
        UNFINISHED
    }
}

/// What words tell that are nothing but an answer to a yes/no question or a choice; `None` for others.
fn answer(core: &[&str]) -> Option<f32> {
    let ends_so = |end: &&str| core.join(" ").ends_with(end);
    if core == ["no"] {
        Some(NO)
    } else if core.len() <= SHORT_ANSWER && LAST_WORDS.iter().any(ends_so) {
        Some(1.0)
    } else if is_answer(core) {
        Some(if LEADING_ON.contains(core.last()?) { UNFINISHED } else { 1.0 })
    } else {
        None
    }
}

fn without_fillers<'a, 'b>(list: &'a [&'b str]) -> &'a [&'b str] {
    let fillers = list.iter().take_while(|word| FILLERS.contains(word)).count();
    &list[fillers..]
}

/// Whether it is a clause after which another must follow: "when i open the app".
fn opens_a_clause(core: &[&str]) -> bool {
    core.len() <= CLAUSE
        && core.first().is_some_and(|first| OPENERS.contains(first))
        && !core.get(1).is_some_and(|second| AUXILIARIES.contains(second))
}

/// Whether `words` are the beginning of a sentence and no more, or a listener's noise: somebody looks for words.
pub(super) fn breaks_off(words: &str) -> bool {
    let list: Vec<&str> = words.split_whitespace().collect();
    let is_open = |last: &&str| OPEN_ENDS.contains(last) || OPEN_ENDS_ZH.iter().any(|end| words.ends_with(end));
    let is_last = LAST_WORDS.iter().any(|end| words.ends_with(end));
    list.len() <= BEGINNING && !is_last && list.last().is_some_and(is_open)
}

/// Whether `words` are more than the short answer that a yes/no question or a choice asks for.
pub(super) fn is_sentence(ask: Ask, words: &str) -> bool {
    let list: Vec<&str> = words.split_whitespace().collect();
    matches!(ask, Ask::YesNo | Ask::Choice) && list.len() > 3 && !is_answer(without_fillers(&list))
}

fn is_answer(list: &[&str]) -> bool {
    list.iter().any(|word| ANSWERS.contains(word))
        && list.iter().all(|word| ANSWERS.contains(word) || POLITE.contains(word))
}

fn count_digits(list: &[&str]) -> usize {
    let spoken = |word: &&str| {
        matches!(
            *word,
            "zero" | "oh" | "o" | "one" | "two" | "three" | "four" | "five" | "six" | "seven" | "eight" | "nine"
        )
    };
    let doubled = list.iter().filter(|word| **word == "double").count();
    let chinese = list.iter().flat_map(|word| word.chars()).filter(|c| "零幺一二三四五六七八九".contains(*c)).count();
    list.iter().filter(|word| spoken(word)).count() + doubled + chinese
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_tell_whether_more_is_to_come() {
        for (ask, words, whole, expected) in [
            (Ask::YesNo, "yes please", 0.0, 1.0..=1.0),
            (Ask::YesNo, "no that's", 0.0, 0.0..=0.2),
            (Ask::YesNo, "no actually", 0.0, 0.0..=0.2),
            (Ask::YesNo, "no it's about my", 0.4, 0.0..=0.2),
            (Ask::YesNo, "well sort of", 0.0, 1.0..=1.0),
            (Ask::YesNo, "um yes it is", 0.0, 1.0..=1.0),
            (Ask::YesNo, "current", 0.0, UNCLEAR..=UNCLEAR),
            (Ask::YesNo, "will", 0.0, 0.0..=0.0),
            (Ask::Open, "i'd like to", 0.4, 0.0..=0.2),
            (Ask::Open, "when i open the app", 0.5, 0.0..=0.2),
            (Ask::Open, "when will my salary arrive", 0.5, 0.5..=0.5),
            (Ask::YesNo, "no", 0.0, NO..=NO),
            (Ask::YesNo, "um", 0.0, 0.0..=0.0),
            (Ask::Choice, "the transfer", 0.1, UNCLEAR..=UNCLEAR),
            (Ask::Open, "my card was declined at the shop", 0.8, 0.8..=0.8),
            (Ask::Open, "declined payment", 0.4, 0.4..=0.4),
            (Ask::Open, "", 0.0, UNCLEAR..=UNCLEAR),
            (Ask::YesNo, "no thanks goodbye", 0.0, 1.0..=1.0),
            (Ask::Digits, "yes please", 0.0, 1.0..=1.0),
            (Ask::Digits, "well", 0.6, 0.0..=0.0),
            (Ask::Digits, "i don't know it", 0.8, 0.8..=0.8),
            (Ask::Open, "我想", 0.4, 0.0..=0.2),
            (Ask::YesNo, "是的", 0.0, 1.0..=1.0),
        ] {
            let told = wholeness(ask, words, whole, 0);
            assert!(expected.contains(&told), "{words}: {told}");
        }
    }

    #[test]
    fn a_number_is_over_when_it_has_its_digits() {
        for (words, pauses, expected) in [
            ("one three eight", 0, UNFINISHED),
            ("one three eight double oh one two three four five six", 0, 1.0),
            ("one five two one seven", 0, UNFINISHED),
            ("one five nine double two", 0, UNFINISHED),
            ("six two five one five six four", 0, UNCLEAR),
            ("six two five one five six four", 1, UNFINISHED),
            ("three eight six zero one seven two eight", 2, UNCLEAR),
        ] {
            assert_eq!(wholeness(Ask::Digits, words, 0.9, pauses), expected, "{words}, {pauses}");
        }
    }

    #[test]
    fn who_says_sort_of_does_not_falter() {
        assert!(breaks_off("i'd like to") && breaks_off("well um"));
        assert!(!breaks_off("well sort of") && !breaks_off("the transfer"));
    }
}
