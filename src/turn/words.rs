//! What the words alone say about the turn: finished, or more to come? An answer, or just "uh-huh"?

use crate::units::Ask;

/// Whether more is likely to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// The words answer what was asked.
    Complete,
    /// They do not tell.
    Unclear,
    /// They break off: "i'd like to", "three one".
    Unfinished,
}

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
    "please", "thanks", "thank", "you", "it", "is", "that's", "that", "it's", "of", "course", "i", "do", "don't",
    "would", "isn't", "not", "at", "all", "really", "the", "one", "them", "think", "so", "谢谢",
];

/// Words after which an English speaker has more to say.
const OPEN_ENDS: &[&str] = &[
    "a", "an", "the", "my", "your", "his", "her", "their", "our", "this", "these", "of", "to", "for", "from", "with",
    "at", "by", "into", "about", "and", "or", "but", "because", "so", "if", "when", "that", "which", "who", "is",
    "are", "was", "were", "i", "i'm", "i'd", "i've", "we", "he", "she", "they", "it's", "there's", "can", "could",
    "would", "will", "should", "do", "does", "did", "don't", "didn't", "have", "has", "had", "get", "like", "want",
    "need", "just", "very", "really", "um", "uh", "er", "hmm", "well", "actually", "how", "why", "what", "where",
];

/// Endings after which a Mandarin speaker has more to say.
const OPEN_ENDS_ZH: &[&str] = &[
    "我想", "我要", "那个", "就是", "然后", "因为", "但是", "如果", "所以", "还有", "的话", "关于", "我的", "把", "在",
    "跟", "和", "给", "被", "想", "要", "嗯", "呃", "这个",
];

/// Listener's noises: they keep the floor where it is.
const BACKCHANNELS: &[&str] = &[
    "uh", "uh-huh", "huh", "mm", "mhm", "mm-hmm", "hmm", "hm", "um", "er", "ah", "oh", "aha", "right", "okay", "ok",
    "yeah", "i", "see", "sure", "嗯", "哦", "啊", "对", "好", "是", "呃", "喔", "行",
];

/// Words that a recogniser makes of any short sound.
const WEAK: &[&str] = &[
    "the", "a", "an", "of", "to", "and", "i", "i'd", "i'm", "it", "it's", "is", "in", "will", "am", "are", "so", "do",
    "who", "you", "your", "that", "them", "be", "we", "how", "on", "for", "my",
];

/// Words with which somebody takes the floor, whatever follows.
const COMMANDS: &[&str] = &[
    "stop", "wait", "no", "nope", "hold", "hey", "excuse", "sorry", "hello", "help", "agent", "person", "human",
    "operator", "repeat", "again", "cancel", "listen", "actually", "start", "go", "等", "停", "不", "别", "人工", "喂",
];

/// A sentence that is whole with this probability is complete …
const WHOLE: f32 = 0.6;
/// … and with less than this one has more to come.
const BROKEN: f32 = 0.25;

/// How complete `words` are as an answer to `ask`, given how surely they are a whole sentence (0–1).
pub(super) fn completeness(ask: Ask, words: &str, whole: f32) -> Completeness {
    let list: Vec<&str> = words.split_whitespace().collect();
    let Some(last) = list.last() else { return Completeness::Unclear };
    match ask {
        // Whoever says no and nothing else often goes on: "no … it's about my card".
        Ask::YesNo if list == ["no"] => return Completeness::Unclear,
        Ask::YesNo | Ask::Choice if is_answer(&list) => return Completeness::Complete,
        Ask::Digits => return digits_completeness(&list),
        Ask::YesNo | Ask::Choice | Ask::Open => {}
    }
    let hesitates = is_backchannel(words) && !is_answer(&list);
    let breaks_off = hesitates || OPEN_ENDS.contains(last) || OPEN_ENDS_ZH.iter().any(|end| words.ends_with(end));
    // A word or two name one of the things that were asked about, whether or not they make a sentence.
    let names = matches!(ask, Ask::YesNo | Ask::Choice) && list.len() <= 3;
    if whole >= WHOLE {
        Completeness::Complete
    } else if breaks_off || (whole < BROKEN && !names) {
        Completeness::Unfinished
    } else {
        Completeness::Unclear
    }
}

/// Whether `words` hold one that asks for the floor, as no listener's noise does.
pub(super) fn takes_the_floor(words: &str) -> bool {
    words.split_whitespace().any(|word| COMMANDS.contains(&word))
}

/// How many of `words` mean something, neither a listener's noise nor what is heard in any sound. A Chinese character counts.
pub(super) fn content_words(words: &str) -> usize {
    let means = |word: &&str| !WEAK.contains(word) && !is_backchannel(word);
    let count = |word: &str| if word.is_ascii() { 1 } else { word.chars().count() };
    words.split_whitespace().filter(means).map(count).sum()
}

/// Whether `words` are more than the short answer that a yes/no question or a choice asks for.
pub(super) fn is_sentence(ask: Ask, words: &str) -> bool {
    let list: Vec<&str> = words.split_whitespace().collect();
    matches!(ask, Ask::YesNo | Ask::Choice) && list.len() > 3 && !is_answer(&list)
}

fn is_answer(list: &[&str]) -> bool {
    list.iter().any(|word| ANSWERS.contains(word))
        && list.iter().all(|word| ANSWERS.contains(word) || POLITE.contains(word))
}

/// A phone number has eleven digits here; a shorter one is waited for.
fn digits_completeness(list: &[&str]) -> Completeness {
    let spoken = |word: &&str| {
        matches!(
            *word,
            "zero" | "oh" | "o" | "one" | "two" | "three" | "four" | "five" | "six" | "seven" | "eight" | "nine"
        )
    };
    let doubled = list.iter().filter(|word| **word == "double").count();
    let chinese = list.iter().flat_map(|word| word.chars()).filter(|c| "零幺一二三四五六七八九".contains(*c)).count();
    match list.iter().filter(|word| spoken(word)).count() + doubled + chinese {
        11.. => Completeness::Complete,
        0 => Completeness::Unclear,
        1..=10 => Completeness::Unfinished,
    }
}

/// Whether `words` are nothing but listener's noises; `false` for no words at all.
pub(super) fn is_backchannel(words: &str) -> bool {
    let mut list = words.split_whitespace().peekable();
    list.peek().is_some()
        && list.all(|word| {
            BACKCHANNELS.contains(&word) || (!word.is_ascii() && word.chars().all(|c| "嗯哦啊呃喔".contains(c)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_tell_whether_more_is_to_come() {
        use Completeness::{Complete, Unclear, Unfinished};
        for (ask, words, whole, expected) in [
            (Ask::YesNo, "yes please", 0.0, Complete),
            (Ask::YesNo, "no that's", 0.0, Complete),
            (Ask::YesNo, "no it's about my", 0.4, Unfinished),
            (Ask::Open, "i'd like to", 0.4, Unfinished),
            (Ask::YesNo, "no", 0.0, Unclear),
            (Ask::YesNo, "um", 0.0, Unfinished),
            (Ask::Choice, "the transfer", 0.1, Unclear),
            (Ask::Open, "my card was declined at the shop", 0.8, Complete),
            (Ask::Open, "declined payment", 0.4, Unclear),
            (Ask::Open, "i got a message", 0.1, Unfinished),
            (Ask::Open, "", 0.0, Unclear),
            (Ask::Digits, "one three eight", 0.9, Unfinished),
            (Ask::Digits, "one three eight double oh one two three four five six", 0.0, Complete),
            (Ask::Open, "我想", 0.4, Unfinished),
            (Ask::YesNo, "是的", 0.0, Complete),
        ] {
            assert_eq!(completeness(ask, words, whole), expected, "{words}");
        }
    }

    #[test]
    fn a_backchannel_is_only_noises() {
        assert!(is_backchannel("uh-huh"));
        assert!(is_backchannel("okay i see"));
        assert!(is_backchannel("嗯嗯"));
        assert!(!is_backchannel("okay stop"));
        assert!(!is_backchannel(""));
    }
}
