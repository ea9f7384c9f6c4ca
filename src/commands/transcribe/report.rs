//! What `transcribe` tells about a file, and about all of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::duplex::picture;
use crate::speech::asr::Transcript;
use crate::speech::asr::lm;
use crate::speech::asr::score::{WordErrors, pairs};
use crate::units::Lang;

/// A text, and when it was there.
pub(super) struct Partial {
    /// From the first sample, had the sound come in real time.
    pub(super) at: Duration,
    pub(super) text: String,
}

/// One file.
pub(super) struct FileReport {
    file: String,
    heard: Transcript,
    partials: Vec<Partial>,
    audio: Duration,
    busy: Duration,
    finish: Duration,
    reference: Option<Reference>,
    delays: Vec<Duration>,
}

/// What was really said, and how far off the text is.
struct Reference {
    said: Vec<String>,
    heard: Vec<String>,
    errors: WordErrors,
}

impl FileReport {
    /// `partials` ends with the final text.
    pub(super) fn new(
        file: &Path,
        heard: &Transcript,
        partials: Vec<Partial>,
        audio: Duration,
        busy: Duration,
        reference: Option<(&str, Lang)>,
    ) -> Self {
        let reference = reference.map(|(said, lang)| {
            let (said, heard) = (lm::units(said, lang), lm::units(&heard.text, lang));
            let errors = WordErrors::count(&said, &heard);
            Reference { said, heard, errors }
        });
        let finish = partials.last().map_or(Duration::ZERO, |last| last.at.saturating_sub(audio));
        let delays = delays(heard, &partials);
        Self {
            file: file.display().to_string(),
            heard: heard.clone(),
            partials,
            audio,
            busy,
            finish,
            reference,
            delays,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let words: Vec<Value> = (self.heard.words.iter())
            .map(|word| json!({"text": word.text, "from_ms": ms(word.from), "to_ms": ms(word.to), "confidence": word.confidence}))
            .collect();
        let partials: Vec<Value> = self
            .partials
            .iter()
            .map(|partial| json!({"at_ms": ms(partial.at).round(), "text": partial.text}))
            .collect();
        let n_best: Vec<Value> =
            self.heard.n_best.iter().map(|h| json!({"text": h.text, "confidence": h.confidence})).collect();
        json!({
            "file": self.file,
            "text": self.heard.text,
            "confidence": self.heard.confidence,
            "words": words,
            "n_best": n_best,
            "partials": partials,
            "audio_s": self.audio.as_secs_f64(),
            "rtf": real_time_factor(self.busy, self.audio),
            "finish_ms": ms(self.finish).round(),
            "ref": self.reference.as_ref().map(|reference| reference.said.join(" ")),
            "wer": self.reference.as_ref().and_then(|reference| reference.errors.rate()),
        })
    }
}

impl fmt::Display for FileReport {
    /// The text; where it is wrong, what was said and what was heard of it, word under word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}", self.file, self.heard.text)?;
        let Some(Reference { said, heard, errors }) = self.reference.as_ref().filter(|r| r.errors.total() > 0) else {
            return Ok(());
        };
        let (mut upper, mut lower) = (String::new(), String::new());
        for (said, heard) in pairs(said, heard) {
            let (said, heard) = if said == heard { (said, None) } else { (said.or(Some("")), heard.or(Some("***"))) };
            let (said, heard) = (said.unwrap_or_default(), heard.unwrap_or_default());
            let width = said.chars().count().max(heard.chars().count()) + 1;
            upper.push_str(&format!("{said:width$}"));
            lower.push_str(&format!("{heard:width$}"));
        }
        write!(f, "\n  said:  {}\n  heard: {} ({} errors)", upper.trim_end(), lower.trim_end(), errors.total())
    }
}

/// How long after its end each word of the final text was in a partial text: as often there as it is in the final text up
/// to its place.
fn delays(heard: &Transcript, partials: &[Partial]) -> Vec<Duration> {
    let times_in = |text: &str, word: &str| text.split(' ').filter(|other| *other == word).count();
    let mut delays = Vec::new();
    for (i, word) in heard.words.iter().enumerate() {
        let needed = heard.words[..=i].iter().filter(|other| other.text == word.text).count();
        if let Some(partial) = partials.iter().find(|partial| times_in(&partial.text, &word.text) >= needed) {
            delays.push(partial.at.saturating_sub(word.to));
        }
    }
    delays
}

fn real_time_factor(busy: Duration, audio: Duration) -> f64 {
    busy.as_secs_f64() / audio.as_secs_f64().max(1e-9)
}

/// All files.
#[derive(Default)]
pub(super) struct Summary {
    files: usize,
    with_reference: usize,
    right: usize,
    errors: WordErrors,
    audio: Duration,
    busy: Duration,
    delays: Vec<Duration>,
    finishes: Vec<Duration>,
    /// What was said and what was heard instead, one of them empty where there is none.
    confusions: BTreeMap<(String, String), usize>,
    /// Memory of each further recogniser, where it was measured [MB].
    pub(super) decoder_mb: Option<f64>,
}

/// So many confusions are told.
const WORST: usize = 8;

impl Summary {
    pub(super) fn add(&mut self, file: &FileReport) {
        self.files += 1;
        self.audio += file.audio;
        self.busy += file.busy;
        self.delays.extend(&file.delays);
        self.finishes.push(file.finish);
        if let Some(Reference { said, heard, errors }) = &file.reference {
            self.with_reference += 1;
            self.right += usize::from(errors.total() == 0);
            self.errors += *errors;
            for (said, heard) in pairs(said, heard).into_iter().filter(|(said, heard)| said != heard) {
                let pair = (said.unwrap_or_default().to_owned(), heard.unwrap_or_default().to_owned());
                *self.confusions.entry(pair).or_default() += 1;
            }
        }
    }

    /// Distributions of what was waited for, as SVG.
    pub(super) fn plot(&self) -> String {
        let ms = |times: &[Duration]| times.iter().map(|time| time.as_millis() as u64).collect();
        picture::distributions(&[("word to partial text", ms(&self.delays)), ("end to final text", ms(&self.finishes))])
    }

    /// The words most often taken for others: said, heard, times.
    fn worst(&self) -> Vec<(&str, &str, usize)> {
        let mut all: Vec<_> =
            self.confusions.iter().map(|((said, heard), times)| (&**said, &**heard, *times)).collect();
        all.sort_by(|a, b| b.2.cmp(&a.2).then(a.cmp(b)));
        all.truncate(WORST);
        all
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"summary": {
            "files": self.files,
            "with_reference": self.with_reference,
            "wer": self.errors.rate(),
            "words": self.errors.words,
            "substituted": self.errors.substituted,
            "deleted": self.errors.deleted,
            "inserted": self.errors.inserted,
            "files_right": self.right,
            "audio_s": self.audio.as_secs_f64(),
            "rtf": real_time_factor(self.busy, self.audio),
            "partial_ms": {"p50": percentile_ms(&self.delays, 50), "p95": percentile_ms(&self.delays, 95)},
            "finish_ms": {"p50": percentile_ms(&self.finishes, 50), "p95": percentile_ms(&self.finishes, 95)},
            "peak_rss_mb": peak_memory_mb(),
            "decoder_mb": self.decoder_mb,
            "confusions": self.worst(),
        }})
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "files              {}", self.files)?;
        if let Some(rate) = self.errors.rate() {
            let WordErrors { words, substituted, deleted, inserted } = self.errors;
            writeln!(f, "word error rate    {:.1} % of {words} words", rate * 100.0)?;
            writeln!(f, "  substituted {substituted}, deleted {deleted}, inserted {inserted}")?;
            writeln!(f, "files all right    {} of {}", self.right, self.with_reference)?;
            for (said, heard, times) in self.worst() {
                let or = |word: &str| if word.is_empty() { "–".to_owned() } else { word.to_owned() };
                writeln!(f, "  {times:>3} × {} heard as {}", or(said), or(heard))?;
            }
        }
        let show = |ms: Option<u64>| ms.map_or("–".to_owned(), |ms| format!("{ms} ms"));
        writeln!(f, "real-time factor   {:.3}", real_time_factor(self.busy, self.audio))?;
        let (p50, p95) = (percentile_ms(&self.delays, 50), percentile_ms(&self.delays, 95));
        writeln!(f, "word → partial     p50 {}, p95 {}", show(p50), show(p95))?;
        if let Some(mb) = self.decoder_mb {
            writeln!(f, "a further decoder  {mb:.1} MB")?;
        }
        let (p50, p95) = (percentile_ms(&self.finishes, 50), percentile_ms(&self.finishes, 95));
        write!(f, "end → final text   p50 {}, p95 {}", show(p50), show(p95))
    }
}

/// The `percent`-th percentile \[ms\]; `None` when there is nothing to rank.
fn percentile_ms(times: &[Duration], percent: usize) -> Option<u64> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().checked_sub(1)?;
    Some(sorted[last * percent / 100].as_millis() as u64)
}

/// The most memory that this process has held, where the system tells [MB].
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1_024)
}

/// Memory that is this process's alone, where the system tells [MB].
pub(super) fn private_memory_mb() -> Option<f64> {
    let sums = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let private = sums.lines().filter(|line| line.starts_with("Private_"));
    let kib = private.map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum::<Option<f64>>()?;
    Some(kib / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::asr::Word;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_word_is_heard_when_it_is_in_a_partial_text_as_often_as_it_was_said() {
        let word = |text: &str, to| Word { text: text.to_owned(), from: ms(0), to: ms(to), confidence: 1.0 };
        let heard = Transcript {
            text: "my lost my card".into(),
            words: vec![word("my", 100), word("lost", 300), word("my", 500), word("card", 900)],
            ..Transcript::default()
        };
        let partial = |at, text: &str| Partial { at: ms(at), text: text.to_owned() };
        let partials = [
            partial(200, "my"),
            partial(400, "my lost"),
            partial(600, "my last my"),
            partial(1_000, "my lost my card"),
        ];
        assert_eq!(delays(&heard, &partials), [ms(100), ms(100), ms(100), ms(100)]);
    }

    #[test]
    fn percentiles_of_nothing_are_none() {
        assert_eq!(percentile_ms(&[], 95), None);
        assert_eq!(percentile_ms(&[ms(3), ms(1), ms(2)], 50), Some(2));
    }
}
