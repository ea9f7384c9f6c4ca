//! What a caller does with words, whatever the scene: yes, no, again please, a human, the second one.
//!
//! ```text
//! "no, it's about my card" ─► acts [Deny] │ rest "it's about my card"
//! "I have no card"         ─► acts []     │ rest "I have no card"
//! "uh yes please"          ─► acts [Affirm] │ nothing left to classify
//! ```
//!
//! Phrases stand in tables, one for each language. The words are read once from the left, the longest phrase first. What no
//! phrase and no glue word covers is content; some phrases count only before all content ("no, …"), some only without any
//! ("what?"), some only as the answer to a yes-or-no question ("it is").

mod choice;
mod en;
mod phrase;
mod zh;

use std::ops::Range;
use std::sync::OnceLock;

use self::phrase::Pattern;
use crate::nlu::text::{self, Token};
use crate::nlu::{Expect, UserAct};
use crate::units::{Ask, Lang};

/// The acts in a text and what is left of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// Most certain first.
    pub acts: Vec<UserAct>,
    /// The bytes that describe something; `None` when the acts, fillers and glue were all.
    pub rest: Option<Range<usize>>,
}

/// Where a phrase must stand to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Wherever it is said.
    Anywhere,
    /// Before all content.
    Head,
    /// Before all content, and followed by nothing, a pause, or one of the table's followers: "no it's …", not "no money".
    Guarded,
    /// With no content at all.
    Whole,
}

/// To which questions a phrase is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    /// Only to yes-or-no questions.
    YesNo,
}

/// Ways to say one thing.
struct Phrases {
    act: UserAct,
    place: Place,
    when: When,
    /// Patterns; see [`phrase`].
    said: &'static [&'static str],
}

/// Everything that one language needs.
struct Table {
    phrases: &'static [Phrases],
    /// What may follow a [`Place::Guarded`] phrase.
    followers: &'static [&'static str],
    /// Words that describe nothing.
    glue: &'static [&'static str],
}

/// A [`Table`] made ready for matching.
struct Compiled {
    phrases: Vec<(&'static Phrases, Vec<Pattern>)>,
    followers: Vec<Pattern>,
    glue: Vec<Pattern>,
}

impl Compiled {
    fn of(lang: Lang) -> &'static Self {
        static EN: OnceLock<Compiled> = OnceLock::new();
        static ZH: OnceLock<Compiled> = OnceLock::new();
        match lang {
            Lang::En => EN.get_or_init(|| Self::new(&en::TABLE)),
            Lang::Zh => ZH.get_or_init(|| Self::new(&zh::TABLE)),
        }
    }

    fn new(table: &'static Table) -> Self {
        let compile = |patterns: &[&str]| patterns.iter().map(|pattern| Pattern::parse(pattern)).collect();
        Self {
            phrases: table.phrases.iter().map(|phrases| (phrases, compile(phrases.said))).collect(),
            followers: compile(table.followers),
            glue: compile(table.glue),
        }
    }

    /// The phrases with the longest match at the head of `tokens`, and its length [tokens]. Earlier entries win ties.
    fn longest(&self, tokens: &[Token], ask: Ask) -> Option<(&'static Phrases, usize)> {
        let fits = |phrases: &Phrases| phrases.when == When::Always || ask == Ask::YesNo;
        let matches = self.phrases.iter().filter(|(phrases, _)| fits(phrases)).filter_map(|(phrases, patterns)| {
            let length = longest(patterns, tokens)?;
            Some((*phrases, length))
        });
        matches.fold(None, |best, found| match best {
            Some((_, length)) if length >= found.1 => best,
            _ => Some(found),
        })
    }
}

fn longest(patterns: &[Pattern], tokens: &[Token]) -> Option<usize> {
    patterns.iter().filter_map(|pattern| pattern.match_head(tokens)).max().filter(|&length| length > 0)
}

/// Reads `text` as the answer to `expect`.
pub fn read(text: &str, lang: Lang, expect: &Expect) -> Read {
    let compiled = Compiled::of(lang);
    let tokens = text::tokens(text);
    let found = Found::scan(text, &tokens, lang, expect.ask, compiled);
    let chosen = choice::choose(&tokens, lang, expect);
    let mut acts = found.acts(chosen.is_some());
    if let Some(choice) = &chosen {
        acts.insert(0, UserAct::Choose(choice.option));
    }
    let has_content = found.content_from.is_some() && !chosen.is_some_and(|choice| choice.by_position);
    if acts.is_empty() && !has_content {
        acts.push(UserAct::Filler);
    }
    let rest_from = tokens.get(found.head_tokens).map_or(text.len(), |token| token.span.start);
    Read { acts, rest: has_content.then_some(rest_from..text.len()) }
}

/// What one pass over the tokens found.
#[derive(Default)]
struct Found {
    /// Acts that count wherever they stand.
    firm: Vec<UserAct>,
    /// Acts that count only without content.
    whole: Vec<UserAct>,
    /// First token that is content.
    content_from: Option<usize>,
    /// Tokens up to the end of the last act before the content.
    head_tokens: usize,
}

impl Found {
    fn scan(text: &str, tokens: &[Token], lang: Lang, ask: Ask, compiled: &Compiled) -> Self {
        let mut found = Self::default();
        // Glue at the head keeps "no" from counting: "I have no card", "there is no button".
        let mut at_head = true;
        let mut i = 0;
        while i < tokens.len() {
            let phrase = compiled.longest(&tokens[i..], ask).filter(|&(phrases, length)| match phrases.place {
                Place::Anywhere | Place::Whole => true,
                Place::Head => at_head,
                Place::Guarded => at_head && compiled.stands_alone(text, tokens, i + length, lang, ask),
            });
            if let Some((phrases, length)) = phrase {
                i += length;
                found.note(phrases, i);
            } else if text::is_filler(&tokens[i].text, lang) {
                i += 1;
            } else if let Some(length) = longest(&compiled.glue, &tokens[i..]) {
                at_head = false;
                i += length;
            } else {
                at_head = false;
                found.content_from.get_or_insert(i);
                i += 1;
            }
        }
        found
    }

    fn note(&mut self, phrases: &Phrases, end: usize) {
        match phrases.place {
            Place::Whole => self.whole.push(phrases.act.clone()),
            Place::Anywhere | Place::Head | Place::Guarded => self.firm.push(phrases.act.clone()),
        }
        if self.content_from.is_none() && phrases.place != Place::Whole {
            self.head_tokens = end;
        }
    }

    /// The acts that count. Who says both yes and no means the later one; a position ("the second one") is no yes.
    fn acts(&self, chosen: bool) -> Vec<UserAct> {
        let mut said = self.firm.clone();
        if self.content_from.is_none() && !chosen {
            said.extend(self.whole.iter().cloned());
        }
        let last_answer = said.iter().rev().find(|act| matches!(act, UserAct::Affirm | UserAct::Deny)).cloned();
        let mut acts: Vec<UserAct> = Vec::new();
        for act in said {
            let overruled = matches!(act, UserAct::Affirm | UserAct::Deny) && Some(&act) != last_answer.as_ref();
            if !overruled && !acts.contains(&act) {
                acts.push(act);
            }
        }
        // A filler that something else came with says nothing.
        if acts.len() > 1 {
            acts.retain(|act| *act != UserAct::Filler);
        }
        acts
    }
}

impl Compiled {
    /// Whether a guarded phrase that ends before token `end` stands by itself, whatever is hummed after it: "no oh".
    fn stands_alone(&self, text: &str, tokens: &[Token], end: usize, lang: Lang, ask: Ask) -> bool {
        let next = end + tokens[end..].iter().take_while(|token| text::is_filler(&token.text, lang)).count();
        let Some(token) = tokens.get(next) else { return true };
        let gap = &text[tokens[next - 1].span.end..token.span.start];
        gap.contains(|c: char| !c.is_whitespace())
            || longest(&self.followers, &tokens[next..]).is_some()
            || self.longest(&tokens[next..], ask).is_some_and(|(phrases, _)| phrases.place != Place::Whole)
    }
}

#[cfg(test)]
mod tests {
    use UserAct::{Affirm, Agent, Choose, Deny, Filler, Goodbye, Help, Repeat, Thank, Upset, Wait, WhoIsThis};

    use super::*;

    fn expecting(ask: Ask) -> Expect {
        let options = match ask {
            Ask::Choice => vec!["a declined card payment".to_owned(), "a transfer that has not arrived".to_owned()],
            Ask::Open | Ask::YesNo | Ask::Digits => Vec::new(),
        };
        Expect { ask, options, ..Expect::default() }
    }

    #[track_caller]
    fn check(ask: Ask, lang: Lang, cases: &[(&str, &[UserAct], &str)]) {
        for (text, acts, rest) in cases {
            let read = read(text, lang, &expecting(ask));
            let left = read.rest.map(|range| &text[range]).unwrap_or_default();
            assert_eq!((read.acts.as_slice(), left), (*acts, *rest), "{text}");
        }
    }

    #[test]
    fn answers_to_a_yes_or_no_question() {
        check(
            Ask::YesNo,
            Lang::En,
            &[
                ("yes please", &[Affirm], ""),
                ("Yeah, that's right.", &[Affirm], ""),
                ("uh huh", &[Affirm], ""),
                ("mhm", &[Affirm], ""),
                ("it is", &[Affirm], ""),
                ("it is still not here", &[], "it is still not here"),
                ("that's the one", &[Affirm], ""),
                ("okay", &[Affirm], ""),
                ("nope", &[Deny], ""),
                ("no oh", &[Deny], ""),
                ("no um money left on my card", &[], "no um money left on my card"),
                ("not that one", &[Deny], ""),
                ("no it isn't", &[Deny], ""),
                ("i don't think so", &[Deny], ""),
                ("no no that's not it", &[Deny], ""),
                ("no, it's about my card", &[Deny], "it's about my card"),
                ("it's not about the refund, it's my pin", &[Deny], "the refund, it's my pin"),
                ("yes and my card is lost too", &[Affirm], "and my card is lost too"),
                ("no thanks", &[Deny], ""),
                ("well yes no actually no", &[Deny], ""),
                ("no no wait yes that one", &[Wait, Affirm], ""),
                ("that's not right", &[Deny], ""),
            ],
        );
    }

    #[test]
    fn no_inside_a_sentence_is_not_an_answer() {
        check(
            Ask::Open,
            Lang::En,
            &[
                ("I have no card", &[], "I have no card"),
                ("no money left on my card", &[], "no money left on my card"),
                ("it's not working", &[], "it's not working"),
                ("can you help me with my card", &[], "can you help me with my card"),
                ("right in the middle of a payment it stopped", &[], "right in the middle of a payment it stopped"),
                ("there's a hold on my account", &[], "there's a hold on my account"),
            ],
        );
    }

    #[test]
    fn requests_to_the_hotline_itself() {
        check(
            Ask::Open,
            Lang::En,
            &[
                ("can you say that again please", &[Repeat], ""),
                ("sorry what", &[Repeat], ""),
                ("pardon?", &[Repeat], ""),
                ("what can i say", &[Help], ""),
                ("help", &[Help], ""),
                ("operator", &[Agent], ""),
                ("I want to talk to a real person", &[Agent], ""),
                ("just put me through to somebody", &[Agent], ""),
                ("could i speak with someone about my card", &[Agent], "about my card"),
                ("hold on a second", &[Wait], ""),
                ("that's all thank you bye", &[Goodbye, Thank], ""),
                ("are you a robot", &[WhoIsThis], ""),
                ("who am i speaking to", &[WhoIsThis], ""),
                ("this is ridiculous i've called three times", &[Upset], ""),
                ("um", &[Filler], ""),
                ("", &[Filler], ""),
                ("hello?", &[Filler], ""),
                ("okay", &[Filler], ""),
            ],
        );
    }

    #[test]
    fn one_of_the_options() {
        check(
            Ask::Choice,
            Lang::En,
            &[
                ("the first one", &[Choose(0)], ""),
                ("second", &[Choose(1)], ""),
                ("number two please", &[Choose(1)], ""),
                ("the last one", &[Choose(1)], ""),
                ("the transfer", &[Choose(1)], "the transfer"),
                ("the declined payment", &[Choose(0)], "the declined payment"),
                ("neither of them", &[Deny], ""),
            ],
        );
    }

    #[test]
    fn the_same_in_mandarin() {
        check(
            Ask::YesNo,
            Lang::Zh,
            &[
                ("对", &[Affirm], ""),
                ("嗯是的", &[Affirm], ""),
                ("对对对没错", &[Affirm], ""),
                ("嗯", &[Affirm], ""),
                ("好的谢谢", &[Affirm, Thank], ""),
                ("不是", &[Deny], ""),
                ("没有", &[Deny], ""),
                ("不用", &[Deny], ""),
                ("不是，我是想问花呗", &[Deny], "我是想问花呗"),
                ("不是这个", &[Deny], ""),
                ("清楚了", &[Affirm], ""),
                ("明白了", &[Affirm], ""),
                ("我知道了谢谢", &[Affirm, Thank], ""),
                ("都听懂了", &[Affirm], ""),
                ("没问题", &[Affirm], ""),
                ("能", &[Affirm], ""),
                ("知道了我去试试", &[Affirm], "我去试试"),
                ("不清楚", &[Deny], ""),
                ("我还是不太明白", &[Deny], ""),
                ("没听懂", &[Deny], ""),
                ("听不懂", &[Deny], ""),
                ("还没解决", &[Deny], ""),
                ("没听清", &[Repeat], ""),
            ],
        );
        check(
            Ask::Open,
            Lang::Zh,
            &[
                ("对账单在哪看", &[], "对账单在哪看"),
                ("我没有收到钱", &[], "我没有收到钱"),
                ("没有收到退款", &[], "没有收到退款"),
                ("好像扣错钱了", &[], "好像扣错钱了"),
                ("转人工", &[Agent], ""),
                ("我要找人工客服", &[Agent], ""),
                ("请再说一遍", &[Repeat], ""),
                ("没听懂", &[Repeat], ""),
                ("等一下", &[Wait], ""),
                ("没事了再见", &[Goodbye], ""),
                ("你是机器人吗", &[WhoIsThis], ""),
                ("我要投诉你们什么破服务", &[Upset], "我要投诉你们什么破服务"),
                ("嗯", &[Filler], ""),
            ],
        );
    }
}
