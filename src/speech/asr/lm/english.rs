//! What English callers say whatever the hotline: yes and no, commands, digits.
//!
//! Sentences, not grammars: they are counted together with a dialplan's examples, so that "yes but my card is lost" finds
//! its way from one to the other.

use super::classes::Class;
use super::{Phrases, text};
use crate::english::{MONTHS, ORDINALS, WEEKDAYS};

/// All of it.
pub(super) const PHRASES: Phrases = Phrases {
    yes: YES,
    no: NO,
    backchannels: BACKCHANNELS,
    commands: COMMANDS,
    choices: CHOICES,
    digits: digit_sentences,
    frames: FRAMES,
    classes,
};

/// Yes, as it is said on the telephone.
const YES: &[&str] = &[
    "yes",
    "yes",
    "yes",
    "yeah",
    "yep",
    "yes please",
    "yes it is",
    "yes that's right",
    "that's right",
    "right",
    "correct",
    "that's correct",
    "yes correct",
    "exactly",
    "sure",
    "okay",
    "ok",
    "of course",
    "yes exactly",
    "yes it's about that",
    "it is",
    "yes i do",
    "yes i would",
    "yeah that's it",
    "that's it",
    "that's the one",
    "yes thank you",
    "absolutely",
    "indeed",
    "i think so",
    "please do",
    "go ahead",
    "yes go ahead",
    "uh huh",
    "fine",
];

/// No, as it is said on the telephone.
const NO: &[&str] = &[
    "no",
    "no",
    "no",
    "nope",
    "no thanks",
    "no thank you",
    "no it isn't",
    "no it is not",
    "it isn't",
    "it is not",
    "no that's wrong",
    "that's wrong",
    "that's not right",
    "wrong",
    "not really",
    "no i don't",
    "i don't think so",
    "no not that",
    "not that one",
    "no something else",
    "something else",
    "neither",
    "neither of them",
    "none of those",
    "no it's about something else",
    "no it's not",
    "it's not",
    "not at all",
    "no actually",
    "incorrect",
    "no that's not it",
    "that's not it",
];

/// What listeners say while they listen, and speakers while they think.
const BACKCHANNELS: &[&str] = &[
    "uh huh",
    "uh huh",
    "uh huh",
    "mm hmm",
    "mm hmm",
    "mm hmm",
    "mhm",
    "mhm",
    "mm",
    "mm",
    "hmm",
    "oh",
    "okay",
    "right",
    "yeah",
    "i see",
    "oh i see",
    "oh okay",
    "okay right",
    "okay okay",
    "um",
    "uh",
];

/// What callers ask of any hotline.
const COMMANDS: &[&str] = &[
    "help",
    "what can i say",
    "repeat",
    "repeat that",
    "repeat that please",
    "can you repeat that",
    "say that again",
    "could you say that again please",
    "pardon",
    "sorry what",
    "what did you say",
    "i didn't understand",
    "i want to talk to a human",
    "talk to a person",
    "i want to speak to an agent",
    "agent",
    "operator",
    "a human please",
    "human",
    "representative",
    "customer service",
    "can i speak to somebody",
    "let me talk to a real person",
    "put me through to someone",
    "goodbye",
    "bye",
    "bye bye",
    "that's all",
    "that's all thank you",
    "nothing else",
    "thank you",
    "thanks",
    "thank you very much",
    "hello",
    "hello are you there",
    "hi",
    "wait",
    "wait",
    "wait a moment",
    "wait wait",
    "no wait",
    "stop",
    "stop",
    "stop it",
    "stop please",
    "hold on",
    "hold on a second",
    "excuse me",
    "sorry",
    "sorry but",
    "hold on",
    "hold on a second",
    "hang on",
    "hang on a second",
    "one moment please",
    "just a second",
    "just a moment",
    "can you hear me",
    "that's wrong",
    "that's not right",
    "can i say something",
    "help",
    "stop",
    "cancel",
    "go back",
    "start over",
    "never mind",
    "who is this",
    "are you a robot",
    "is this a machine",
    "i don't know",
    "i have a question",
    "this is ridiculous",
    "i have called before",
];

/// How one of several named things is chosen.
const CHOICES: &[&str] = &[
    "the first",
    "the first one",
    "the second",
    "the second one",
    "the third one",
    "the last one",
    "number one",
    "number two",
    "number three",
    "one",
    "two",
    "three",
    "the former",
    "the latter",
    "both",
    "either",
    "neither",
    "none of them",
];

/// How amounts, days and what was bought are spoken of.
const FRAMES: &[&str] = &[
    "{number}",
    "{number} {currency}",
    "about {number} {currency}",
    "i paid {number} {currency}",
    "it cost {number} {currency}",
    "the one for {number} {currency}",
    "{month} {number}",
    "on {month} {ordinal}",
    "the {ordinal} of {month}",
    "in {month}",
    "on {weekday}",
    "last {weekday}",
    "{number} days ago",
    "{number} weeks ago",
    "{name}",
    "the {name}",
    "my {name}",
    "it's the {name}",
    "it's about the {name}",
    "i bought a {name}",
    "i ordered the {name}",
    "i paid for the {name}",
    "the order of the {name}",
    "the {name} for {number} {currency}",
    "{number} {currency} for the {name}",
    "the {name} from last {weekday}",
    "the {name} in {month}",
    "the {name} yesterday",
];

/// Amounts up to ten thousand, months, days, currencies.
fn classes() -> Vec<Class> {
    let class = |slot, members: &[&str]| Class { slot, members: members.iter().map(|&word| word.to_owned()).collect() };
    let amounts = (1..100).chain((100..1_000).step_by(37)).chain((1_000..10_000).step_by(613));
    let mut numbers: Vec<String> = amounts.map(|amount: u32| text::words(&amount.to_string()).join(" ")).collect();
    let with_and: Vec<String> = numbers
        .iter()
        .filter_map(|number| {
            number.split_once("hundred ").map(|(hundreds, rest)| format!("{hundreds}hundred and {rest}"))
        })
        .collect();
    numbers.extend(with_and);
    let mut ordinals = class("{ordinal}", &ORDINALS[1..]);
    ordinals.members.push("twentieth".to_owned());
    ordinals.members.extend(ORDINALS[1..10].iter().map(|day| format!("twenty {day}")));
    ordinals.members.extend(["thirtieth", "thirty first"].map(str::to_owned));
    vec![
        Class { slot: "{number}", members: numbers },
        ordinals,
        class("{month}", &MONTHS),
        class("{weekday}", &WEEKDAYS),
        class("{currency}", &["yuan", "dollars", "euros", "pounds"]),
    ]
}

/// The digits as words; "oh" and "zero" are both said.
const DIGITS: [&str; 11] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh"];

/// Sentences of digits: every pair of digits equally often, lengths 1 to 11, with doubles and corrections.
fn digit_sentences() -> Vec<Vec<&'static str>> {
    let mut sentences = Vec::new();
    for first in 0..DIGITS.len() {
        for step in 0..DIGITS.len() {
            // A walk round the digits by a fixed step visits every follower of every digit once over all steps.
            let length = 2 + (first + 3 * step) % 10;
            let walk: Vec<&str> = (0..length).map(|i| DIGITS[(first + i * step) % DIGITS.len()]).collect();
            sentences.push(walk.clone());
            sentences.push([&["double"], &walk[..]].concat());
            if step == 1 {
                sentences.push(vec![DIGITS[first]]);
                sentences.push([&["it's"], &walk[..]].concat());
                sentences.push([&["my", "number", "is"], &walk[..]].concat());
                sentences.push([&["triple"], &walk[..]].concat());
                sentences.push([&walk[..], &["no", "sorry"], &walk[..1]].concat());
                sentences.push([&walk[..], &["i", "mean"], &walk[..1]].concat());
                sentences.push([&walk[..], &["no"], &walk[..1]].concat());
            }
        }
    }
    // Whoever is asked for digits says little else, and every other word is one that a digit can be misheard as.
    for sentence in ["i don't know", "wait a moment", "repeat please", "help", "agent", "yes", "no"] {
        sentences.push(sentence.split(' ').collect());
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_digit_follows_every_digit() {
        let pairs: HashSet<(&str, &str)> =
            digit_sentences().iter().flat_map(|s| s.windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>()).collect();
        let missing =
            DIGITS.iter().flat_map(|a| DIGITS.iter().map(move |b| (*a, *b))).filter(|pair| !pairs.contains(pair));
        assert_eq!(missing.count(), 0);
    }

    #[test]
    fn phrases_are_spelled_as_they_are_spoken() {
        for phrase in [YES, NO, BACKCHANNELS, COMMANDS, CHOICES].concat() {
            assert_eq!(text::words(phrase).join(" "), phrase);
        }
    }
}
