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
/// The same after some words, unless these lead on: "the other one please", but "could you please".
const POLITE_ENDS: &[&str] = &["please", "thanks", "thank you"];

/// Of these, those that lead on to more when they come last: "yes that …".
const LEADING_ON: &[&str] = &[
    "it", "is", "that's", "that", "it's", "of", "i", "don't", "would", "not", "the", "so", "think", "just", "very",
    "actually",
];

/// Short answers end so, although their last word alone would lead on: "yes it is", "i think so", "well sort of".
const LAST_WORDS: &[&str] = &[
    "it is",
    "that's it",
    "not it",
    "exactly that",
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
    "it's not",
    "i'm not",
    "am not",
    "definitely not",
    "certainly not",
    "absolutely not",
    "no way",
];

/// What people say before they say something. A recogniser often takes "well" for "will".
const FILLERS: &[&str] = &["um", "uh", "mm", "hmm", "mhm", "er", "ah", "oh", "so", "well", "will", "but", "and"];

/// Words that open a clause after which another must follow, unless a question begins so: "when will …". Not "because", with
/// which a whole answer may begin.
const OPENERS: &[&str] = &["when", "if", "while", "although", "after", "before", "as"];
const AUXILIARIES: &[&str] =
    &["is", "are", "was", "were", "do", "does", "did", "can", "could", "will", "would", "should", "have", "has", "had"];

/// Words with which a sentence's subject begins, and those that open a clause about it: "the card that you sent me".
const ARTICLES: &[&str] = &["the", "a", "an", "my", "your", "our", "his", "her", "their", "this", "these", "those"];
const RELATIVES: &[&str] = &["that", "which", "who", "i", "you", "we", "they", "he", "she"];

/// Words after which an English speaker has more to say.
const OPEN_ENDS: &[&str] = &[
    "a", "an", "the", "my", "your", "his", "her", "their", "our", "and", "or", "but", "because", "if", "i", "i'm",
    "i'd", "i've", "we", "he", "she", "they", "it's", "there's", "could", "would", "to", "um", "uh", "er", "hmm",
    "well", "very", "for", "with", "of", "from", "into", "about", "at", "by",
];

/// Pairs of words that open a question, so that more of it must come: "my order can you".
const OPEN_PAIRS: &[&str] = &[
    "can you",
    "could you",
    "would you",
    "do you",
    "did you",
    "can i",
    "could i",
    "do i",
    "did i",
    "should i",
    "is there",
    "are there",
    "you tell",
    "you have",
    "have any",
    "i can",
    "to any",
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
/// Whoever says no and nothing else goes on in a fifth of the cases: "no … it's about my card". Nothing tells who does.
const NO: f32 = UNCLEAR;
/// A word or two that name one of the things that were asked about are all, more often than not.
const NAMED: f32 = 0.75;
/// What an ending after which an English speaker has more to say leaves of the probability that the sentence is whole, …
const OPEN_END: f32 = 0.3;
/// … unless the sentence surely is: "less money than i asked for".
const SURELY: f32 = 0.8;
/// What a clause leaves of it after which another must follow, or a subject of which nothing is said.
const OPEN_CLAUSE: f32 = 0.08;
/// So few words after an open question are seldom all, and as often misheard: "last week side". What that leaves.
const FEW: usize = 3;
const TOO_FEW: f32 = 0.3;
/// A phone number has so many digits here, and who leaves one or two out was misheard.
const PHONE_NUMBER: usize = 11;
const NEARLY: [(usize, f32); 2] = [(10, 0.7), (9, UNCLEAR)];
/// Numbers of so many digits are said in one breath: a postal code, a local phone number. Groups of five are rarer: of five
/// digits without a pause, ten of eleven in three sets were all.
const IN_ONE_BREATH: [usize; 2] = [5, 7];
/// So many digits are a number, whatever else is heard.
const SOME: usize = 3;
/// Groups of digits that a long number is told in, and from how many digits on it may then be over.
const GROUPS: u32 = 3;
const IN_GROUPS: usize = 8;

/// Probability that `words` are all that is said in answer to `ask`, given how surely they are a whole sentence (both 0–1) and
/// after how many pauses they came.
pub(super) fn wholeness(ask: Ask, words: &str, whole: f32, pauses: u32) -> f32 {
    let list: Vec<&str> = words.split_whitespace().collect();
    // There are recognisers that tell no words before the end.
    if list.is_empty() {
        return UNCLEAR;
    }
    if FAREWELLS.iter().any(|farewell| words.ends_with(farewell)) {
        return 1.0;
    }
    let core = without_fillers(&list);
    let digits = count_digits(&list);
    if ask == Ask::Digits && digits > 0 {
        return number(digits + misheard(&list, digits), list.contains(&"double"), pauses);
    }
    if ask != Ask::Open
        && let Some(told) = answer(core)
    {
        return told;
    }
    if core.is_empty() || is_backchannel(words) {
        0.0
    } else if ends_politely(words) {
        1.0
    } else if is_open_end(words) {
        if whole < SURELY { whole * OPEN_END } else { whole }
    } else {
        match ask {
            Ask::Choice if list.len() <= FEW || is_a_thing(core) => whole.max(NAMED),
            Ask::YesNo if resembles_an_answer(core) => whole.max(UNCLEAR),
            _ if opens_a_clause(core) || is_subject(core) => whole * OPEN_CLAUSE,
            // Chinese words are not parted.
            Ask::Open if core.len() <= FEW && words.is_ascii() => whole * TOO_FEW,
            _ => whole,
        }
    }
}

/// Whether it names one thing, and describes it: "the one from june".
fn is_a_thing(core: &[&str]) -> bool {
    core.len() <= CLAUSE && core.first().is_some_and(|first| ARTICLES.contains(first)) && !is_subject(core)
}

/// Whether it may be a short answer, misheard: "no can", of "no thanks".
fn resembles_an_answer(core: &[&str]) -> bool {
    core.len() < FEW || (core.len() == FEW && ANSWERS.contains(&core[0]))
}

/// Words among `digits` that are none: whoever has told some tells no more than digits, so these were misheard.
fn misheard(list: &[&str], digits: usize) -> usize {
    let other = list.iter().filter(|word| word.is_ascii() && !is_digit(word) && !FILLERS.contains(word));
    if digits < SOME { 0 } else { other.filter(|word| **word != "double").count() }
}

/// What the number of digits tells. Who has paused already tells them in groups.
fn number(digits: usize, is_doubled: bool, pauses: u32) -> f32 {
    // Nobody says "double" in a short number.
    let is_one_breath = pauses == 0 && !is_doubled && IN_ONE_BREATH.contains(&digits);
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
    if core == ["no"] || core == ["nope"] {
        Some(NO)
    } else if core.len() <= SHORT_ANSWER && LAST_WORDS.iter().any(ends_so) {
        Some(1.0)
    } else if is_answer(core) {
        Some(if LEADING_ON.contains(core.last()?) { UNFINISHED } else { 1.0 })
    } else {
        None
    }
}

/// Whether it ends in a way after which a speaker has more to say.
fn is_open_end(words: &str) -> bool {
    let is_open = |last: &str| OPEN_ENDS.contains(&last);
    let ends = |end: &&str| words.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with(' '));
    words.split_whitespace().last().is_some_and(is_open)
        || OPEN_PAIRS.iter().any(ends)
        || OPEN_ENDS_ZH.iter().any(|end| words.ends_with(end))
}

fn ends_politely(words: &str) -> bool {
    let asked = POLITE_ENDS.iter().find_map(|end| words.strip_suffix(end)?.strip_suffix(' '));
    asked.is_some_and(|asked| {
        !is_open_end(asked) && !without_fillers(&asked.split_whitespace().collect::<Vec<_>>()).is_empty()
    })
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

/// Whether it is a sentence's subject and a clause about it, of which nothing is said yet: "the transfer i made on monday".
fn is_subject(core: &[&str]) -> bool {
    let relative = || (2..=3).find(|&at| core.get(at).is_some_and(|word| RELATIVES.contains(word)));
    core.len() <= CLAUSE
        && core.first().is_some_and(|first| ARTICLES.contains(first))
        && relative().is_some_and(|at| !core[at..].iter().any(|word| AUXILIARIES.contains(word)))
}

/// Whether `words` are the beginning of a sentence and no more, or a listener's noise: somebody looks for words.
pub(super) fn breaks_off(words: &str) -> bool {
    let is_last = LAST_WORDS.iter().any(|end| words.ends_with(end));
    words.split_whitespace().count() <= BEGINNING && !is_last && is_open_end(words)
}

/// Whether `words` may be all as well as the first of more, and nothing tells which: a plain no, a word or two that are no answer
/// (a "them" that was "um", a "bought" that was "but"), a number that is whole for some. A listener nods there, and waits.
pub(super) fn may_go_on(ask: Ask, words: &str, whole: f32, pauses: u32) -> bool {
    let list: Vec<&str> = words.split_whitespace().collect();
    let core = without_fillers(&list);
    match ask {
        Ask::Open => false,
        Ask::Digits => count_digits(&list) >= SOME && wholeness(ask, words, whole, pauses) <= UNCLEAR,
        Ask::YesNo | Ask::Choice => match answer(core) {
            Some(told) => told == NO,
            None if ask == Ask::Choice || core.is_empty() || is_open_end(words) => false,
            None => resembles_an_answer(core) && whole < UNCLEAR,
        },
    }
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
    let doubled = list.iter().filter(|word| **word == "double").count();
    let chinese = list.iter().flat_map(|word| word.chars()).filter(|c| "零幺一二三四五六七八九".contains(*c)).count();
    list.iter().filter(|word| is_digit(word)).count() + doubled + chinese
}

fn is_digit(word: &str) -> bool {
    matches!(word, "zero" | "oh" | "o" | "one" | "two" | "three" | "four" | "five" | "six" | "seven" | "eight" | "nine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_tell_whether_more_is_to_come() {
        for (ask, words, whole, expected) in [
            (Ask::YesNo, "yes please", 0.0, 1.0..=1.0),
            (Ask::YesNo, "no that's", 0.0, UNFINISHED..=UNFINISHED),
            (Ask::YesNo, "no actually", 0.0, UNFINISHED..=UNFINISHED),
            (Ask::YesNo, "no it's about my", 0.4, 0.0..=0.2),
            (Ask::YesNo, "no it's not", 0.0, 1.0..=1.0),
            (Ask::YesNo, "no finance", 0.0, UNCLEAR..=UNCLEAR),
            (Ask::YesNo, "well sort of", 0.0, 1.0..=1.0),
            (Ask::YesNo, "no that's not it", 0.4, 1.0..=1.0),
            (Ask::Choice, "the one from june", 0.0, NAMED..=NAMED),
            (Ask::Choice, "the one from", 0.4, 0.0..=0.2),
            (Ask::YesNo, "um yes it is", 0.0, 1.0..=1.0),
            (Ask::YesNo, "current", 0.0, UNCLEAR..=UNCLEAR),
            (Ask::YesNo, "will", 0.0, 0.0..=0.0),
            (Ask::Open, "i'd like to", 0.4, 0.0..=0.2),
            (Ask::Open, "when i open the app", 0.5, 0.0..=0.2),
            (Ask::Open, "when will my salary arrive", 0.5, 0.5..=0.5),
            (Ask::YesNo, "no", 0.0, NO..=NO),
            (Ask::YesNo, "um", 0.0, 0.0..=0.0),
            (Ask::Choice, "the transfer", 0.1, NAMED..=NAMED),
            (Ask::Open, "less money than i asked for", 0.9, 0.9..=0.9),
            (Ask::Open, "because i was charged twice", 0.7, 0.7..=0.7),
            (Ask::Open, "the transfer i made on monday", 0.6, 0.0..=0.1),
            (Ask::Open, "the card that you sent is broken", 0.6, 0.6..=0.6),
            (Ask::Open, "last week side", 0.3, 0.0..=0.1),
            (Ask::Open, "if i close the account", 0.9, 0.0..=UNFINISHED),
            (Ask::Open, "i've been waiting for my order can you", 0.2, 0.0..=UNFINISHED),
            (Ask::Choice, "the upper one please", 0.1, 1.0..=1.0),
            (Ask::Open, "could you please", 0.4, 0.0..=0.2),
            (Ask::Open, "um please", 0.1, 0.0..=0.1),
            (Ask::Open, "my card was declined at the shop", 0.8, 0.8..=0.8),
            (Ask::Open, "declined payment", 0.9, 0.2..=0.3),
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
            ("one five two one seven", 0, UNCLEAR),
            ("one five two one", 0, UNFINISHED),
            ("one oh seven oh a", 0, UNCLEAR),
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
