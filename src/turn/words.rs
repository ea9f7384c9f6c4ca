//! What the words say about the turn: finished, or more to come? An answer, or just "uh-huh"?

use super::patience::UNCLEAR;
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

/// Whoever says one of these last has nothing to add.
const FAREWELLS: &[&str] = &["goodbye", "bye", "再见", "拜拜"];

/// Of these, those that lead on to more when they come last: "yes that …".
const LEADING_ON: &[&str] =
    &["it", "is", "that's", "that", "it's", "of", "i", "don't", "would", "not", "the", "so", "think"];

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

/// Listener's noises: they keep the floor where it is.
const BACKCHANNELS: &[&str] = &[
    "uh", "uh-huh", "huh", "mm", "mhm", "mm-hmm", "hmm", "hm", "um", "er", "ah", "oh", "aha", "right", "okay", "ok",
    "yeah", "i", "see", "sure", "m", "h", "嗯", "哦", "啊", "对", "好", "是", "呃", "喔", "行",
];

/// Over a yes/no question they answer it, before it has ended; over anything else they are a listener's.
const ASSENTS: &[&str] = &["yes", "yep", "yup"];

/// Words that a recogniser makes of any short sound.
const WEAK: &[&str] = &[
    "the", "a", "an", "of", "to", "and", "i", "i'd", "i'm", "it", "it's", "is", "in", "will", "am", "are", "so", "do",
    "who", "you", "your", "that", "them", "be", "we", "how", "on", "for", "my", "what", "when", "why", "where", "can",
    "at", "up", "me", "him", "her", "his", "they", "this", "was", "have", "i've", "i'll", "don't", "haven't", "one",
    "man", "made", "need", "any", "each", "or", "by", "with", "us",
];

/// Words with which somebody takes the floor, whatever follows. Not "human": a recogniser hears it in an "mm".
const COMMANDS: &[&str] = &[
    "stop", "wait", "no", "nope", "hold", "hey", "excuse", "sorry", "hello", "help", "agent", "person", "operator",
    "repeat", "again", "cancel", "listen", "actually", "start", "go", "等", "停", "不", "别", "人工", "喂",
];

/// Words of which at least one is in most of what people say to take the floor ("can I say something", "that's wrong", "just a
/// moment"), and that a recogniser seldom hears in a noise.
const CLAIMS: &[&str] = &[
    "say",
    "talk",
    "hear",
    "want",
    "wrong",
    "not",
    "moment",
    "second",
    "question",
    "speak",
    "understand",
    "我要",
    "我想",
];

/// So many words are a beginning.
const BEGINNING: usize = 4;
/// What an ending after which an English speaker has more to say leaves of the probability that the sentence is whole.
const OPEN_END: f32 = 0.3;
/// What the number of digits tells, as the probability that there are no more; a phone number has eleven here.
const DIGITS: [f32; 12] = [UNCLEAR, 0.1, 0.1, 0.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.62, 0.78, 1.0];
/// Whoever says no and nothing else often goes on: "no … it's about my card". Waited for longer than a yes, and not so long
/// that a plain no seems unheard.
const NO: f32 = 0.54;

/// Probability that `words` are all that is said in answer to `ask`, given how surely they are a whole sentence (both 0–1).
pub(super) fn wholeness(ask: Ask, words: &str, whole: f32) -> f32 {
    let list: Vec<&str> = words.split_whitespace().collect();
    let Some(last) = list.last() else { return UNCLEAR };
    if FAREWELLS.iter().any(|farewell| words.ends_with(farewell)) {
        return 1.0;
    }
    match ask {
        Ask::YesNo if list == ["no"] => return NO,
        Ask::Digits if count_digits(&list) > 0 => return DIGITS[count_digits(&list).min(DIGITS.len() - 1)],
        Ask::YesNo | Ask::Choice | Ask::Digits if is_answer(&list) => {
            return if LEADING_ON.contains(last) { 0.4 } else { 1.0 };
        }
        Ask::Digits => return DIGITS[0],
        Ask::YesNo | Ask::Choice | Ask::Open => {}
    }
    // A word or two name one of the things that were asked about, whether or not they make a sentence.
    let names = ask == Ask::Choice && list.len() <= 3;
    if is_backchannel(words) && !is_answer(&list) {
        0.0
    } else if OPEN_ENDS.contains(last) || OPEN_ENDS_ZH.iter().any(|end| words.ends_with(end)) {
        whole * OPEN_END
    } else if names {
        whole.max(UNCLEAR)
    } else {
        whole
    }
}

/// Whether `words` hold one that asks for the floor, as no listener's noise does.
pub(super) fn takes_the_floor(words: &str) -> bool {
    words.split_whitespace().any(|word| COMMANDS.contains(&word))
}

/// Whether `words`, said over a prompt that leads up to `ask`, hold one with which people take the floor or answer.
pub(super) fn claims_the_floor(words: &str, ask: Ask) -> bool {
    let claims = |word: &str| CLAIMS.contains(&word) || (ask == Ask::YesNo && ASSENTS.contains(&word));
    takes_the_floor(words) || words.split_whitespace().any(claims)
}

/// How many of `words` mean something, neither a listener's noise nor what is heard in any sound. A Chinese character counts.
pub(super) fn content_words(words: &str) -> usize {
    let means = |word: &&str| !WEAK.contains(word) && !ASSENTS.contains(word) && !is_backchannel(word);
    let count = |word: &str| if word.is_ascii() { 1 } else { word.chars().count() };
    words.split_whitespace().filter(means).map(count).sum()
}

/// Whether `words` are the beginning of a sentence and no more, or a listener's noise: somebody looks for words.
pub(super) fn breaks_off(words: &str) -> bool {
    let list: Vec<&str> = words.split_whitespace().collect();
    let is_open = |last: &&str| OPEN_ENDS.contains(last) || OPEN_ENDS_ZH.iter().any(|end| words.ends_with(end));
    list.len() <= BEGINNING && list.last().is_some_and(is_open)
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
        for (ask, words, whole, expected) in [
            (Ask::YesNo, "yes please", 0.0, 1.0..=1.0),
            (Ask::YesNo, "no that's", 0.0, 0.4..=0.4),
            (Ask::YesNo, "no it's about my", 0.4, 0.0..=0.2),
            (Ask::Open, "i'd like to", 0.4, 0.0..=0.2),
            (Ask::YesNo, "no", 0.0, NO..=NO),
            (Ask::YesNo, "um", 0.0, 0.0..=0.0),
            (Ask::Choice, "the transfer", 0.1, UNCLEAR..=UNCLEAR),
            (Ask::Open, "my card was declined at the shop", 0.8, 0.8..=0.8),
            (Ask::Open, "declined payment", 0.4, 0.4..=0.4),
            (Ask::Open, "", 0.0, UNCLEAR..=UNCLEAR),
            (Ask::YesNo, "no thanks goodbye", 0.0, 1.0..=1.0),
            (Ask::Digits, "yes please", 0.0, 1.0..=1.0),
            (Ask::Digits, "well", 0.0, UNCLEAR..=UNCLEAR),
            (Ask::Digits, "one three eight", 0.9, 0.0..=0.2),
            (Ask::Digits, "one three eight double oh one two three four five six", 0.0, 1.0..=1.0),
            (Ask::Open, "我想", 0.4, 0.0..=0.2),
            (Ask::YesNo, "是的", 0.0, 1.0..=1.0),
        ] {
            let told = wholeness(ask, words, whole);
            assert!(expected.contains(&told), "{words}: {told}");
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
