//! What an engine may be handed.
//!
//! Both engines are C, and index tables with what they read. So nothing reaches them but a small alphabet: ASCII letters,
//! digits and the punctuation that they understand, and Han characters for Mandarin. What has a spelling in that alphabet
//! is respelled (é as e, full-width digits, Chinese names in English by their pinyin); the rest becomes a space.

use pinyin::ToPinyin;

use crate::units::Lang;

/// Letters of one word after which a space is put: the longest English word in a dictionary has 45, and no engine has to
/// show what it does with more.
const WORD_LETTERS: usize = 45;

/// `text` in the alphabet of `lang`: no NUL, no control character, no punctuation mark or space twice in a row.
pub(super) fn legible(text: &str, lang: Lang) -> String {
    let mut page = Page { text: String::with_capacity(text.len()), word: 0 };
    for character in text.chars() {
        if let Some(plain) = folded(character) {
            page.put_all(plain);
            continue;
        }
        match (lang, character) {
            (_, ' '..='~') => page.put(printable(character)),
            (_, '\u{ff01}'..='\u{ff5e}') if lang == Lang::En || !is_chinese_punctuation(character) => {
                page.put(printable(half_width(character)));
            }
            (Lang::Zh, _) if is_han(character) || is_chinese_punctuation(character) => page.put(character),
            (Lang::En, '、') => page.put(','),
            (Lang::En, '。') => page.put('.'),
            (Lang::En, _) if is_han(character) => page.put_pinyin(character),
            _ => page.put(' '),
        }
    }
    page.text
}

/// Whether `character` is a Chinese character.
pub(super) fn is_han(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '〇')
}

/// Whether `character` is a mark that Chinese text is punctuated with.
fn is_chinese_punctuation(character: char) -> bool {
    matches!(character, '，' | '。' | '？' | '！' | '；' | '：' | '、')
}

/// The ASCII character of which U+FF01–U+FF5E is the wide form.
pub(super) fn half_width(wide: char) -> char {
    char::from_u32((wide as u32).wrapping_sub(0xff01 - 0x21)).unwrap_or(' ')
}

/// ASCII without what is markup to somebody, or read aloud by its name.
fn printable(ascii: char) -> char {
    match ascii {
        '"' | '*' | '<' | '>' | '[' | ']' | '\\' | '^' | '_' | '`' | '{' | '|' | '}' | '~' => ' ',
        _ => ascii,
    }
}

/// How a letter with an accent, or a typographic mark, is written in ASCII.
fn folded(character: char) -> Option<&'static str> {
    Some(match character {
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' | 'Ǎ' => "A",
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'Æ' => "Ae",
        'æ' => "ae",
        'Ç' | 'Ć' | 'Č' => "C",
        'ç' | 'ć' | 'č' => "c",
        'È'..='Ë' | 'Ē' | 'Ę' | 'Ě' => "E",
        'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
        'Ì'..='Ï' | 'Ī' | 'Ǐ' | 'İ' => "I",
        'ì'..='ï' | 'ī' | 'ǐ' | 'ı' => "i",
        'Ł' => "L",
        'ł' => "l",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'ñ' | 'ń' | 'ň' => "n",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ő' | 'Ǒ' => "O",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' | 'ǒ' => "o",
        'Œ' => "Oe",
        'œ' => "oe",
        'Ř' => "R",
        'ř' => "r",
        'Ś' | 'Š' | 'Ş' => "S",
        'ś' | 'š' | 'ş' => "s",
        'ß' => "ss",
        'Ù'..='Ü' | 'Ū' | 'Ů' | 'Ű' | 'Ǔ' | 'Ǖ' | 'Ǘ' | 'Ǚ' | 'Ǜ' => "U",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ǔ' | 'ǖ' | 'ǘ' | 'ǚ' | 'ǜ' => "u",
        'Ý' => "Y",
        'ý' | 'ÿ' => "y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ź' | 'ż' | 'ž' => "z",
        '‘' | '’' | '′' => "'",
        '‐' | '‑' | '–' => "-",
        '—' => ", ",
        '…' => ". ",
        _ => return None,
    })
}

/// The text as far as it is written.
struct Page {
    text: String,
    /// ASCII letters and digits since the last other character.
    word: usize,
}

impl Page {
    fn put(&mut self, character: char) {
        if character.is_ascii_alphanumeric() {
            if self.word == WORD_LETTERS {
                self.text.push(' ');
                self.word = 0;
            }
            self.word += 1;
        } else {
            self.word = 0;
            if !character.is_alphanumeric() && self.text.ends_with(character) {
                return;
            }
        }
        self.text.push(character);
    }

    fn put_all(&mut self, ascii: &str) {
        ascii.chars().for_each(|character| self.put(character));
    }

    fn put_pinyin(&mut self, han: char) {
        self.put(' ');
        self.put_all(han.to_pinyin().map_or("", |pinyin| pinyin.plain()).replace('ü', "v").as_str());
        self.put(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_can_be_spelled_is_spelled() {
        for (lang, text, wanted) in [
            (Lang::En, "Ms Li’s café — naïve…", "Ms Li's cafe , naive. "),
            (Lang::En, "Hello 李 女士。", "Hello li nv shi ."),
            (Lang::En, "１２Ａ，ok？", "12A,ok?"),
            (Lang::Zh, "您好，李女士！１２Ａ ok", "您好，李女士！12A ok"),
            (Lang::Zh, "a\0b\u{7}😀שc", "a b c"),
            (Lang::En, "wait....  <b>now</b>", "wait. b now /b "),
        ] {
            assert_eq!(legible(text, lang), wanted);
        }
    }

    #[test]
    fn endless_words_end() {
        let text = legible(&"x".repeat(1_000), Lang::En);
        assert!(text.split(' ').all(|word| word.len() <= WORD_LETTERS), "{text}");
    }

    proptest! {
        #[test]
        fn nothing_else_gets_through(text in "\\PC*|(?s).*") {
            let english = legible(&text, Lang::En);
            prop_assert!(english.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{english}");
            let mandarin = legible(&text, Lang::Zh);
            let known = |c: char| (' '..='~').contains(&c) || is_han(c) || is_chinese_punctuation(c);
            prop_assert!(mandarin.chars().all(known), "{mandarin}");
            prop_assert!(!english.contains("  ") && !mandarin.contains("  "));
        }
    }
}
