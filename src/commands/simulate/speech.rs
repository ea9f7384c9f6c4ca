//! What is counted of calls because they were spoken: how soon answers came, and how well callers were heard.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::talk::Held;
use crate::speech::asr::lm::text;
use crate::speech::asr::score::WordErrors;
use crate::units::Lang;

/// One utterance of a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    /// What the caller said.
    pub(super) said: String,
    /// What the server heard of it: one turn, or several where it took the floor too soon; empty for nothing.
    pub(super) heard: String,
}

/// The figures of spoken calls.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Speech {
    /// End of a caller's last audible frame → first audible frame of the answer, on the caller's line \[ms\].
    response_ms: Response,
    /// Utterances into which the server spoke before they ended.
    cut_in: usize,
    /// All that was said.
    #[serde(flatten)]
    hearing: Hearing,
    /// The same by the caller's voice.
    by_voice: BTreeMap<&'static str, Hearing>,
}

/// How soon answers came.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Response {
    /// Answers counted.
    answers: usize,
    p50: Option<i64>,
    p95: Option<i64>,
}

/// How well callers were heard.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Hearing {
    utterances: usize,
    /// Utterances of which no word arrived.
    unheard: usize,
    /// Words said.
    words: usize,
    /// Words misheard, missed or added, for each word said.
    word_error_rate: Option<f64>,
    #[serde(skip)]
    errors: WordErrors,
}

impl Speech {
    /// Figures over calls, each with the voice of its caller, who speaks `lang`.
    pub(super) fn of<'a>(calls: impl Iterator<Item = (&'static str, &'a Held)>, lang: Lang) -> Self {
        let mut speech = Self::default();
        let mut responses = Vec::new();
        for (voice, held) in calls {
            let by_voice = speech.by_voice.entry(voice).or_default();
            for exchange in &held.exchanges {
                by_voice.add(exchange, lang);
                speech.hearing.add(exchange, lang);
            }
            speech.cut_in += held.cut_in;
            responses.extend(&held.responses_ms);
        }
        speech.response_ms = Response::of(responses);
        speech
    }
}

impl Response {
    fn of(mut times: Vec<i64>) -> Self {
        times.sort_unstable();
        let last = times.len().saturating_sub(1);
        let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(last)).copied();
        Self { answers: times.len(), p50: at(0.5), p95: at(0.95) }
    }
}

impl Hearing {
    fn add(&mut self, exchange: &Exchange, lang: Lang) {
        self.utterances += usize::from(!exchange.said.is_empty());
        self.unheard += usize::from(exchange.heard.is_empty());
        self.errors += WordErrors::count(&words(&exchange.said, lang), &words(&exchange.heard, lang));
        self.words = self.errors.words;
        self.word_error_rate = self.errors.rate();
    }
}

/// Words as they are spoken; a Chinese character is one.
fn words(sentence: &str, lang: Lang) -> Vec<String> {
    match lang {
        Lang::En => text::words(sentence),
        Lang::Zh => sentence.chars().filter(|character| character.is_alphanumeric()).map(String::from).collect(),
    }
}

impl fmt::Display for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Option<i64>| time.map_or("–".to_owned(), |ms| format!("{ms} ms"));
        let Response { answers, p50, p95 } = &self.response_ms;
        writeln!(f, "response: p50 {}, p95 {} ({answers} answers, {} cut in)", ms(*p50), ms(*p95), self.cut_in)?;
        write!(f, "heard: {}", self.hearing)?;
        for (voice, hearing) in &self.by_voice {
            write!(f, "\n  {voice:<16} {hearing}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { utterances, unheard, words, word_error_rate, .. } = self;
        let rate = word_error_rate.map_or("–".to_owned(), |rate| format!("{:.1} %", 100.0 * rate));
        write!(f, "word error rate {rate} of {words} words in {utterances} utterances, {unheard} of them not at all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_as_they_are_spoken() {
        let mut hearing = Hearing::default();
        let exchange = |said: &str, heard: &str| Exchange { said: said.into(), heard: heard.into() };
        hearing.add(&exchange("What's the £20 fee?", "what's the twenty fee"), Lang::En);
        assert_eq!(hearing.errors.total(), 0, "{:?}", hearing.errors);
        hearing.add(&exchange("no, it isn't", ""), Lang::En);
        assert_eq!((hearing.utterances, hearing.unheard, hearing.words), (2, 1, 7));
        assert_eq!(hearing.word_error_rate, Some(3.0 / 7.0));
        assert_eq!(words("没有了，谢谢", Lang::Zh).len(), 5);
    }

    #[test]
    fn percentiles_come_from_what_was_answered() {
        assert_eq!(Response::of(Vec::new()), Response { answers: 0, p50: None, p95: None });
        assert_eq!(Response::of((0..100).rev().collect()), Response { answers: 100, p50: Some(50), p95: Some(95) });
    }
}
