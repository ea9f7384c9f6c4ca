//! The part of SSML that prompts need: `break`, `say-as` and `prosody rate`.
//!
//! ```text
//! <speak>Your order <say-as interpret-as="digits">2024001</say-as><break time="300ms"/> has shipped.</speak>
//! ```
//!
//! Only what stands between `<speak>` and `</speak>` is markup, so that it may be one sentence of a prompt among others;
//! anything else is plain and stays as it is, `<` and `&` included. Whoever writes a prompt learns of a mistake with its
//! place, and nothing is guessed.

use std::borrow::Cow;
use std::fmt;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// An attribute is missing, unknown, not quoted, or has a value that it cannot have.
    #[error("{0} is written {1}")]
    Attribute(Element, &'static str),
    /// An element is closed that is not the last one opened.
    #[error("this closes what is not open")]
    NotOpen,
    /// Text after the end.
    #[error("nothing may follow </speak>")]
    Trailing,
    /// An element is not closed.
    #[error("{0} is not closed")]
    Unclosed(Element),
    /// An element that we do not know.
    #[error("only speak, break, say-as and prosody are known here")]
    UnknownElement,
    /// An entity that is not one of the five of XML, or a lone `&`.
    #[error("write &amp; for &; known are &amp; &lt; &gt; &quot; &apos;")]
    UnknownEntity,
    /// A tag without its end.
    #[error("this tag has no end; write &lt; for <")]
    UnfinishedTag,
}

/// The elements that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Silence.
    Break,
    /// Another rate.
    Prosody,
    /// Another way to read.
    SayAs,
    /// The whole.
    Speak,
}

impl Element {
    const ALL: [Self; 4] = [Self::Break, Self::Prosody, Self::SayAs, Self::Speak];

    fn name(self) -> &'static str {
        match self {
            Self::Break => "break",
            Self::Prosody => "prosody",
            Self::SayAs => "say-as",
            Self::Speak => "speak",
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.name())
    }
}

/// Where markup begins.
pub const OPENED: &str = "<speak>";
/// Where it ends.
pub const CLOSED: &str = "</speak>";

/// Reads `text` into its parts.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(text: &str) -> Result<Vec<Part<'_>>, MarkupError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(OPENED) {
        let (before, marked) = rest.split_at(at);
        let length = marked.find(CLOSED).map_or(marked.len(), |end| end + CLOSED.len());
        parts.extend(plain_part(before));
        let (marked, behind) = marked.split_at(length);
        parts.extend(element(marked).map_err(|MarkupError { at, mistake }| {
            let before = text[..text.len() - rest.len() + before.len()].chars().count();
            MarkupError { at: before + at, mistake }
        })?);
        rest = behind;
    }
    parts.extend(plain_part(rest));
    Ok(parts)
}

/// The words of `text` as they are written where nothing can be marked: in records, on a screen. Of text with a mistake the
/// tags are left out.
pub fn words(text: &str) -> Cow<'_, str> {
    if !text.contains(OPENED) {
        return Cow::Borrowed(text);
    }
    match parse(text) {
        Ok(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text { text, .. } => text.as_ref(),
                Part::Break(_) => "",
            })
            .collect::<String>()
            .into(),
        Err(_) => text.split('<').map(|tag| tag.split_once('>').map_or(tag, |(_, behind)| behind)).collect(),
    }
}

fn plain_part(text: &str) -> Option<Part<'_>> {
    let part = Part::Text { text: text.into(), read_as: ReadAs::Text, rate: Rate::NORMAL };
    (!text.trim().is_empty()).then_some(part)
}

/// Reads from `<speak>` to `</speak>`.
fn element(text: &str) -> Result<Vec<Part<'_>>, MarkupError> {
    let mut parser = Parser { text, at: 0, open: Vec::new(), parts: Vec::new() };
    while parser.at < text.len() {
        parser.step().map_err(|(at, mistake)| MarkupError { at: text[..at].chars().count() + 1, mistake })?;
    }
    match parser.open.last() {
        Some(open) => Err(MarkupError { at: text.chars().count() + 1, mistake: Mistake::Unclosed(open.element) }),
        None => Ok(parser.parts),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte that comes next.
    at: usize,
    open: Vec<Open>,
    parts: Vec<Part<'a>>,
}

/// An open element, and what holds inside it.
#[derive(Clone, Copy)]
struct Open {
    element: Element,
    read_as: ReadAs,
    rate: Rate,
}

/// A mistake at a byte.
type Found<T> = Result<T, (usize, Mistake)>;

impl<'a> Parser<'a> {
    /// Takes the words up to the next tag, or a tag.
    fn step(&mut self) -> Found<()> {
        let (start, rest) = (self.at, &self.text[self.at..]);
        match rest.find('<') {
            Some(0) => {
                let length = rest.find('>').ok_or((start, Mistake::UnfinishedTag))?;
                self.at += length + 1;
                self.tag(start, &rest[1..length])
            }
            next => {
                let words = &rest[..next.unwrap_or(rest.len())];
                self.at += words.len();
                self.words(start, words)
            }
        }
    }

    fn words(&mut self, start: usize, words: &'a str) -> Found<()> {
        match self.open.last() {
            Some(&Open { read_as, rate, .. }) => {
                let text = without_entities(start, words)?;
                self.parts.push(Part::Text { text, read_as, rate });
                Ok(())
            }
            None if words.trim().is_empty() => Ok(()),
            None => Err((start, Mistake::Trailing)),
        }
    }

    fn tag(&mut self, start: usize, inside: &'a str) -> Found<()> {
        if let Some(name) = inside.strip_prefix('/') {
            return match self.open.pop() {
                Some(open) if open.element.name() == name.trim() => Ok(()),
                _ => Err((start, Mistake::NotOpen)),
            };
        }
        let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        let element = Element::ALL.into_iter().find(|element| element.name() == name);
        let element = element.ok_or((start, Mistake::UnknownElement))?;
        let around = self.open.last().copied();
        let open = match (element, around) {
            (Element::Speak, None) if self.parts.is_empty() && attributes.is_empty() => {
                Open { element, read_as: ReadAs::Text, rate: Rate::NORMAL }
            }
            (_, None) => return Err((start, Mistake::Trailing)),
            (Element::Speak, Some(_)) => return Err((start, Mistake::UnknownElement)),
            (Element::Break, Some(_)) => {
                let length = attribute(attributes, "time").and_then(duration).filter(|_| closed);
                let form = "<break time=\"300ms\"/>, up to 10s";
                self.parts.push(Part::Break(length.ok_or((start, Mistake::Attribute(element, form)))?));
                return Ok(());
            }
            (Element::Prosody, Some(around)) => {
                let rate = attribute(attributes, "rate").and_then(prosody_rate);
                let form = "<prosody rate=\"80%\">, from 50% to 200%, or slow or fast";
                Open {
                    element,
                    rate: around.rate.scaled(rate.ok_or((start, Mistake::Attribute(element, form)))?),
                    ..around
                }
            }
            (Element::SayAs, Some(around)) => {
                let read_as = attribute(attributes, "interpret-as").and_then(reading);
                let form = "<say-as interpret-as=\"digits\">, or cardinal, ordinal, telephone, date, time, currency";
                Open { element, read_as: read_as.ok_or((start, Mistake::Attribute(element, form)))?, ..around }
            }
        };
        if !closed {
            self.open.push(open);
        }
        Ok(())
    }
}

/// The value of the one attribute `name="value"`.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let value = attributes.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?.trim_start();
    let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('\''))
}

/// `300ms`, `1.5s`.
fn duration(text: &str) -> Option<Duration> {
    let (count, unit_ms) = match text.strip_suffix("ms") {
        Some(count) => (count, 1.0),
        None => (text.strip_suffix('s')?, 1_000.0),
    };
    let ms = count.trim().parse::<f64>().ok()? * unit_ms;
    (0.0..=LONGEST_BREAK.as_millis() as f64).contains(&ms).then(|| Duration::from_millis(ms as u64))
}

fn prosody_rate(text: &str) -> Option<Rate> {
    match text {
        "x-slow" => Rate::new(60),
        "slow" => Rate::new(80),
        "medium" | "default" => Some(Rate::NORMAL),
        "fast" => Rate::new(125),
        "x-fast" => Rate::new(160),
        percent => percent.strip_suffix('%')?.parse().ok(),
    }
}

fn reading(text: &str) -> Option<ReadAs> {
    Some(match text {
        "characters" | "digits" | "spell-out" => ReadAs::Characters,
        "cardinal" | "number" => ReadAs::Cardinal,
        "ordinal" => ReadAs::Ordinal,
        "telephone" => ReadAs::Telephone,
        // These say what they are by their form.
        "currency" | "date" | "time" => ReadAs::Text,
        _ => return None,
    })
}

fn without_entities(start: usize, text: &str) -> Found<Cow<'_, str>> {
    if !text.contains('&') {
        return Ok(Cow::Borrowed(text));
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let entities = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];
        let known = entities.iter().find(|(entity, _)| rest.starts_with(entity));
        let &(entity, character) = known.ok_or((start + text.len() - rest.len(), Mistake::UnknownEntity))?;
        plain.push(character);
        rest = &rest[entity.len()..];
    }
    plain.push_str(rest);
    Ok(Cow::Owned(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(text: &str, read_as: ReadAs, percent: u16) -> Part<'_> {
        Part::Text { text: text.into(), read_as, rate: Rate::new(percent).unwrap() }
    }

    #[test]
    fn plain_text_stays_plain() {
        for text in ["1 < 2 & 3 > 2", "<b>bold</b>", "a </speak> b", "<speaker>", "&amp;"] {
            assert_eq!(parse(text).unwrap(), [part(text, ReadAs::Text, 100)]);
            assert_eq!(words(text), text);
        }
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn markup_may_be_a_sentence_among_others() {
        let text = "1 < 2. <speak>Li &amp; Co<break time='1s'/> now</speak> Bye. <speak>Yes</speak>";
        let plain = |text| part(text, ReadAs::Text, 100);
        let pause = Part::Break(Duration::from_secs(1));
        let parts = [plain("1 < 2. "), plain("Li & Co"), pause, plain(" now"), plain(" Bye. "), plain("Yes")];
        assert_eq!(parse(text).unwrap(), parts);
        assert_eq!(words(text), "1 < 2. Li & Co now Bye. Yes");
        assert_eq!(words("Hello. <speak>H&M<break/></speak> Bye."), "Hello. H&M Bye.");
        assert_eq!(parse("你好。<speak>a & b</speak>"), Err(MarkupError { at: 13, mistake: Mistake::UnknownEntity }));
    }

    #[test]
    fn markup_becomes_parts() {
        let text = concat!(
            "<speak>Order <say-as interpret-as=\"digits\">2024</say-as><break time='0.3s'/>",
            "<prosody rate=\"80%\">Li &amp; <prosody rate='slow'>Co</prosody></prosody></speak> "
        );
        assert_eq!(
            parse(text).unwrap(),
            [
                part("Order ", ReadAs::Text, 100),
                part("2024", ReadAs::Characters, 100),
                Part::Break(Duration::from_millis(300)),
                part("Li & ", ReadAs::Text, 80),
                part("Co", ReadAs::Text, 64),
            ]
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        for (text, at, mistake) in [
            ("<speak>a", 9, Mistake::Unclosed(Element::Speak)),
            ("<speak>你好<b>a</b></speak>", 10, Mistake::UnknownElement),
            ("<speak>a & b</speak>", 10, Mistake::UnknownEntity),
            ("<speak>a</say-as></speak>", 9, Mistake::NotOpen),
            ("<speak>a < b", 10, Mistake::UnfinishedTag),
            ("a <speak> b", 12, Mistake::Unclosed(Element::Speak)),
            ("<speak>a<speak>b</speak></speak>", 9, Mistake::UnknownElement),
        ] {
            assert_eq!(parse(text), Err(MarkupError { at, mistake }), "{text}");
        }
        for tag in ["<break/>", "<break time='1m'/>", "<break time=1s/>", "<break time='11s'/>", "<break time='-1s'/>"]
        {
            let text = format!("<speak>{tag}</speak>");
            let error = parse(&text).unwrap_err();
            assert!(matches!(error.mistake, Mistake::Attribute(Element::Break, _)) && error.at == 8, "{tag}: {error}");
        }
        let error = parse("<speak><prosody rate='20%'>a</prosody></speak>").unwrap_err();
        assert_eq!(
            error.to_string(),
            "markup, character 8: <prosody> is written <prosody rate=\"80%\">, from 50% to 200%, or slow or fast"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "<speak>([a你&;<>/'\"= ]|<break|time=|</?prosody|say-as|</?speak>|'1s'|/>){0,30}") {
            let _ = parse(&text);
        }
    }
}
