//! What words say over a prompt: does somebody take the floor, or just listen?

use crate::units::Ask;

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
    "man", "made", "need", "any", "each", "or", "by", "with", "us", "our", "age",
];

/// Words with which somebody takes the floor, whatever follows. Not "human": a recogniser hears it in an "mm".
const COMMANDS: &[&str] = &[
    "stop", "wait", "no", "nope", "hold", "hang", "hey", "excuse", "sorry", "hello", "help", "agent", "person",
    "operator", "repeat", "again", "cancel", "listen", "actually", "start", "go", "等", "停", "不", "别", "人工", "喂",
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

/// What takes the floor although none of its words would: "i need a human", and "hold on" whose h a line has lost.
const REQUESTS: &[&str] = &["a human", "old on"];

/// Whether `words` hold one that asks for the floor, as no listener's noise does.
pub(super) fn takes_the_floor(words: &str) -> bool {
    words.split_whitespace().any(|word| COMMANDS.contains(&word))
}

/// Whether `words`, said over a prompt that leads up to `ask`, hold one with which people take the floor or answer.
pub(super) fn claims_the_floor(words: &str, ask: Ask) -> bool {
    let claims = |word: &str| CLAIMS.contains(&word) || (ask == Ask::YesNo && ASSENTS.contains(&word));
    takes_the_floor(words)
        || words.split_whitespace().any(claims)
        || REQUESTS.iter().any(|request| words.contains(request))
}

/// How many of `words` mean something, neither a listener's noise nor what is heard in any sound. A Chinese character counts,
/// and so does a "yes" of several beside a word that means something: "yes yes i know that", but not "yes fewer", of "yes yes".
pub(super) fn content_words(words: &str) -> usize {
    let assents = words.split_whitespace().filter(|word| ASSENTS.contains(word)).count();
    let means = |word: &&str| !WEAK.contains(word) && !ASSENTS.contains(word) && !is_backchannel(word);
    let count = |word: &str| if word.is_ascii() { 1 } else { word.chars().count() };
    match words.split_whitespace().filter(means).map(count).sum() {
        content if content == 0 || (content == 1 && assents < 2) => content,
        content => content + assents,
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
    fn a_backchannel_is_only_noises() {
        assert!(is_backchannel("uh-huh"));
        assert!(is_backchannel("okay i see"));
        assert!(is_backchannel("嗯嗯"));
        assert!(!is_backchannel("okay stop"));
        assert!(!is_backchannel(""));
    }

    #[test]
    fn a_yes_means_something_beside_what_does() {
        assert_eq!(content_words("yes yes i know that"), 3);
        assert_eq!(content_words("yes yes i see"), 0);
        assert_eq!(content_words("yes fewer"), 1);
    }

    #[test]
    fn a_request_takes_the_floor_though_its_words_alone_do_not() {
        assert!(claims_the_floor("i need a human", Ask::Open));
        assert!(claims_the_floor("oh old on", Ask::Open));
        assert!(!claims_the_floor("human", Ask::Open));
    }
}
