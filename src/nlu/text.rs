//! Text as typed or as recognised, brought to one form.
//!
//! ```text
//! "I don't see my top-up, um, the A.T.M. ate £20"
//!    tokens ─► i │ don't │ see │ my │ top │ up │ um │ the │ a │ t │ m │ ate │ 20      (with byte spans)
//!    words  ─► i do not see my top up the atm ate twenty                              (fillers gone, spelling shared)
//! ```
//!
//! [`tokens`] keeps what was said and where it stands, for acts and entities. [`words`] is what the classifier reads: typed
//! and spoken spellings of one thing become one word there. A Chinese character is a token of its own.

use std::ops::Range;

use crate::english;
use crate::units::Lang;

/// One word, number or Chinese character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// In lower case, half width, with a straight apostrophe.
    pub text: String,
    /// Where it stands in the text [bytes].
    pub span: Range<usize>,
}

/// Sounds of hesitation that carry nothing.
const FILLERS_EN: &[&str] =
    &["uh", "um", "er", "erm", "uhm", "umm", "hmm", "hm", "mm", "mhm", "ah", "eh", "oh", "uhh", "huh"];
const FILLERS_ZH: &[&str] = &["嗯", "呃", "啊", "哦", "喔", "噢", "额", "唉", "哎", "诶", "欸", "呀", "嘛", "呢", "哈"];

/// Whether a token carries nothing in `lang`.
pub fn is_filler(token: &str, lang: Lang) -> bool {
    match lang {
        Lang::En => FILLERS_EN.contains(&token),
        Lang::Zh => FILLERS_ZH.contains(&token) || FILLERS_EN.contains(&token),
    }
}

/// Whether `c` is written without spaces around it: a Chinese character.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '〇')
}

/// The language that most of a text is written in.
pub fn guess_lang<'a>(texts: impl IntoIterator<Item = &'a str>) -> Lang {
    let (mut han, mut latin) = (0usize, 0usize);
    for c in texts.into_iter().flat_map(str::chars) {
        han += usize::from(is_han(c));
        latin += usize::from(c.is_ascii_alphabetic());
    }
    // A Chinese character says about as much as four letters.
    if han * 4 > latin { Lang::Zh } else { Lang::En }
}

/// Full-width forms to their half-width twins, curly apostrophes to straight ones; everything to lower case.
fn fold(c: char) -> char {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '’' | '‘' | '`' | '´' | 'ʼ' => '\'',
        '\u{3000}' => ' ',
        _ => c,
    };
    c.to_lowercase().next().unwrap_or(c)
}

/// The tokens of `text` in their order. Digits split from letters only at a change of script; "1,200" and "12.50" stay whole.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut word: Option<Token> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, raw)) = chars.next() {
        let c = fold(raw);
        let end = at + raw.len_utf8();
        let follows = chars.peek().map(|&(_, next)| fold(next));
        let inside = word.as_ref().and_then(|word| word.text.chars().last());
        let joins = match c {
            '\'' => {
                inside.is_some_and(char::is_alphanumeric)
                    && follows.is_some_and(|next| next.is_alphabetic() && !is_han(next))
            }
            '.' | ',' | ':' => {
                inside.is_some_and(|c| c.is_ascii_digit()) && follows.is_some_and(|c| c.is_ascii_digit())
            }
            _ => c.is_alphanumeric() && !is_han(c),
        };
        if joins {
            let word = word.get_or_insert_with(|| Token { text: String::new(), span: at..at });
            word.text.push(c);
            word.span.end = end;
        } else {
            tokens.extend(word.take());
            if is_han(c) {
                tokens.push(Token { text: c.into(), span: at..end });
            }
        }
    }
    tokens.extend(word);
    tokens
}

/// Contractions and short spellings, and what they stand for. Listed without apostrophes, so "dont" is covered too.
const CONTRACTIONS: &[(&str, &str)] = &[
    ("aint", "is not"),
    ("arent", "are not"),
    ("cannot", "can not"),
    ("cant", "can not"),
    ("couldnt", "could not"),
    ("didnt", "did not"),
    ("doesnt", "does not"),
    ("dont", "do not"),
    ("gimme", "give me"),
    ("gonna", "going to"),
    ("gotta", "got to"),
    ("hadnt", "had not"),
    ("hasnt", "has not"),
    ("havent", "have not"),
    ("hes", "he is"),
    ("heres", "here is"),
    ("hows", "how is"),
    ("im", "i am"),
    ("isnt", "is not"),
    ("itll", "it will"),
    ("ive", "i have"),
    ("lets", "let us"),
    ("pls", "please"),
    ("shes", "she is"),
    ("shouldnt", "should not"),
    ("thats", "that is"),
    ("theres", "there is"),
    ("theyre", "they are"),
    ("theyve", "they have"),
    ("u", "you"),
    ("wanna", "want to"),
    ("wasnt", "was not"),
    ("werent", "were not"),
    ("whats", "what is"),
    ("wheres", "where is"),
    ("whos", "who is"),
    ("whys", "why is"),
    ("wont", "will not"),
    ("wouldnt", "would not"),
    ("youre", "you are"),
    ("youve", "you have"),
];

/// Endings that stand for a word of their own after an apostrophe.
const CLITICS: &[(&str, &str)] =
    &[("'m", " am"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("'d", " would"), ("'s", " is")];

/// Words that are written apart or together.
const COMPOUNDS: &[(&str, &str)] = &[("topup", "top up"), ("topups", "top ups"), ("ok", "okay")];
/// The words of `text` as the classifier reads them: fillers dropped, contractions spelled out, letters joined, small numbers
/// in words and large ones as `#`.
pub fn words(text: &str, lang: Lang) -> Vec<String> {
    let tokens = tokens(text);
    let mut words = Vec::with_capacity(tokens.len() + 4);
    let mut i = 0;
    while i < tokens.len() {
        let letters = spelled(&tokens[i..]);
        if letters > 1 {
            words.push(tokens[i..i + letters].iter().map(|token| token.text.as_str()).collect());
            i += letters;
            continue;
        }
        if !is_filler(&tokens[i].text, lang) {
            spell_out(&tokens[i].text, &mut words);
        }
        i += 1;
    }
    words
}

/// How many tokens at the head are one abbreviation spelled letter by letter ("a t m"). Two letters count only when neither
/// is a word of its own.
fn spelled(tokens: &[Token]) -> usize {
    let is_letter = |token: &&Token| token.text.len() == 1 && token.text.as_bytes()[0].is_ascii_lowercase();
    let run = tokens.iter().take_while(is_letter).count();
    match run {
        2 if tokens[..2].iter().any(|token| matches!(token.text.as_str(), "i" | "a" | "o")) => 1,
        _ => run,
    }
}

fn spell_out(token: &str, words: &mut Vec<String>) {
    if let Ok(number) = token.parse::<usize>() {
        let mut named = english::SMALL.into_iter().chain([english::TENS[2]]);
        words.push(named.nth(number).unwrap_or("#").to_owned());
        return;
    }
    if token.starts_with(|c: char| c.is_ascii_digit()) && !token.ends_with(|c: char| c.is_ascii_alphabetic()) {
        words.push("#".to_owned());
        return;
    }
    let bare = token.replace('\'', "");
    let listed = |table: &'static [(&str, &str)]| table.iter().find(|(from, _)| *from == bare).map(|&(_, to)| to);
    let spelled = if let Some(full) = listed(CONTRACTIONS).or_else(|| listed(COMPOUNDS)) {
        full.to_owned()
    } else if let Some((stem, full)) = CLITICS.iter().find_map(|(tail, full)| Some((token.strip_suffix(tail)?, full))) {
        format!("{stem}{full}")
    } else {
        bare
    };
    words.extend(spelled.split(' ').map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(text: &str, lang: Lang) -> String {
        words(text, lang).join(" ")
    }

    #[test]
    fn typed_and_spoken_spellings_become_one() {
        let cases = [
            ("I don't see my top-up, um, at the A.T.M.", "i do not see my top up at the atm"),
            ("i dont see my topup at the a t m", "i do not see my top up at the atm"),
            ("It’s been 2 weeks", "it is been two weeks"),
            ("I've paid £1,200.50", "i have paid #"),
            ("uh the u k office", "the uk office"),
        ];
        for (text, expected) in cases {
            assert_eq!(joined(text, Lang::En), expected, "{text}");
        }
    }

    #[test]
    fn chinese_characters_stand_alone_and_fillers_go() {
        assert_eq!(joined("呃，我的花呗APP打不开啊", Lang::Zh), "我 的 花 呗 app 打 不 开");
        assert_eq!(joined("ＡＰＰ", Lang::Zh), "app");
        assert_eq!(guess_lang(["我的app", "花呗"]), Lang::Zh);
        assert_eq!(guess_lang(["my card"]), Lang::En);
    }

    proptest! {
        #[test]
        fn spans_point_at_what_was_said(text in "\\PC{0,40}") {
            let mut last = 0;
            for token in tokens(&text) {
                prop_assert!(token.span.start >= last && token.span.end > token.span.start);
                prop_assert!(text.get(token.span.clone()).is_some());
                last = token.span.end;
            }
            words(&text, Lang::En);
        }
    }
}
