//! Text as it is written into words as people say them.
//!
//! ```text
//! "refund of ¥200 on 2024-03-05" ─► forms: Money, Date … ─┬─ en: "refund of two hundred yuan on March fifth, …"
//!                                                         └─ zh: "二百元", "二零二四年三月五日"
//! ```
//!
//! [`forms`] finds what is not a plain word, whatever the language; [`en`] and [`zh`] say it. Plain words pass unchanged.
//! Total: every text has a reading.

mod en;
mod forms;
mod zh;

use forms::Form;

use super::markup::ReadAs;
use crate::units::Lang;

/// `text` in words of `lang`, read as `read_as` asks where it can be.
pub fn normalise(text: &str, lang: Lang, read_as: ReadAs) -> String {
    match forms::asked_for(text.trim(), read_as) {
        Some(form) => say(&[form], lang),
        None => say(&forms::forms(text), lang),
    }
}

fn say(forms: &[Form<'_>], lang: Lang) -> String {
    match lang {
        Lang::En => en::say(forms),
        Lang::Zh => zh::say(forms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_has_a_reading(text in "(?s).{0,80}|[-0-9a-zA-Z.,:/%$¥+# 元年点]{0,60}") {
            for lang in [Lang::En, Lang::Zh] {
                for read_as in [ReadAs::Text, ReadAs::Characters, ReadAs::Cardinal, ReadAs::Ordinal, ReadAs::Telephone] {
                    normalise(&text, lang, read_as);
                }
            }
        }

        #[test]
        fn words_without_digits_or_symbols_pass_unchanged(text in "([a-z好吗]{2,9}[ ,，。?]){0,12}") {
            prop_assert_eq!(normalise(&text, Lang::En, ReadAs::Text), text.as_str());
            prop_assert_eq!(normalise(&text, Lang::Zh, ReadAs::Text), text.as_str());
        }

        #[test]
        fn no_digit_is_left_over(text in "[0-9]{1,30}|[0-9]{1,9}[.:/-][0-9]{1,9}|[A-Z]{1,3}[0-9]{1,9}|[¥$][0-9]{1,6}") {
            let left = |said: String| said.bytes().any(|byte| byte.is_ascii_digit());
            for lang in [Lang::En, Lang::Zh] {
                prop_assert!(!left(normalise(&text, lang, ReadAs::Text)), "{text}");
            }
        }
    }
}
