//! One utterance after the other through one decoder.

use std::sync::Arc;
use std::time::Duration;

use super::channel::ChannelMean;
use super::decoder::{Decoder, FrontEnd, Segment};
use super::enhancement::{Enhancer, Network};
use super::narrowband::CEPSTRA;
use super::search_name;
use crate::speech::asr::{AsrError, Channel, Hypothesis, Listening, Recogniser, Transcript, Word};
use crate::units::{Ask, Lang, SampleRate};

/// Length of a frame of features \[ms\].
const FRAME_MS: u64 = 10;
/// Differences reach so many frames ahead: as many copies of the last frame let it be searched \[frames\].
const LEAD_OUT: usize = 4;
/// Longer utterances are not searched beyond here, so that endless noise costs neither time nor memory \[s\].
const LONGEST_S: u32 = 60;
/// A last word of this length or less is not told yet: it has only begun, or it is a breath that is heard as "a" or "i". Of
/// the last words of 1,000 sentences and beginnings by four voices, all but one of 156 function words that were said lasted
/// 90 ms and more, and 7 that were not said lasted 60 ms and less.
const BREATH: Duration = Duration::from_millis(80);
/// How many alternatives are told.
const N_BEST: usize = 5;

/// A decoder, and where it stands.
pub(super) struct PocketSphinx {
    decoder: Decoder,
    front_end: FrontEnd,
    rate: SampleRate,
    prior: [f32; CEPSTRA],
    /// Takes noise out, where its weights belong to the decoder's acoustic model.
    enhancement: Option<Arc<Network>>,
    lang: Lang,
    state: State,
    /// Cepstra of the sound just fed.
    cepstra: Vec<[f32; CEPSTRA]>,
}

enum State {
    Idle,
    Listening(Utterance),
}

struct Utterance {
    channel: ChannelMean,
    enhancer: Option<Enhancer>,
    /// Samples that may still come.
    room: usize,
    /// What was told last.
    told: String,
}

impl PocketSphinx {
    pub(super) fn new(
        decoder: Decoder,
        front_end: FrontEnd,
        rate: SampleRate,
        prior: [f32; CEPSTRA],
        enhancement: Option<Arc<Network>>,
        lang: Lang,
    ) -> Self {
        Self { decoder, front_end, rate, prior, enhancement, lang, state: State::Idle, cepstra: Vec::new() }
    }

    /// Words as the language writes them.
    fn written(&self, words: &str) -> String {
        match self.lang {
            Lang::En => words.to_owned(),
            Lang::Zh => words.replace(' ', ""),
        }
    }

    fn transcript(&mut self, channel: &ChannelMean) -> Transcript {
        let text = self.decoder.best();
        let channel = Some(Channel { rate: self.rate, mean: channel.mean().to_vec() });
        if text.is_empty() {
            return Transcript { channel, ..Transcript::default() };
        }
        let words: Vec<Word> = self.decoder.segments().into_iter().filter_map(word).collect();
        let confidence = share_right(self.decoder.posterior(), text.split_whitespace().count());
        let mut n_best = shares(&text, self.decoder.n_best(N_BEST));
        n_best.iter_mut().for_each(|hypothesis| hypothesis.text = self.written(&hypothesis.text));
        let text = self.written(&text);
        Transcript { text, words, confidence, n_best, channel }
    }
}

/// The share of the words that is probably right, where the best path has this posterior probability. A posterior falls with
/// every word, so it is taken a word at a time. Fitted to 120 hotline questions by three voices at 8 kHz, 18 % of their words
/// wrong: where it says 0.95, 0.85 and 0.7, 97, 87 and 67 % of the words were right.
fn share_right(posterior: f32, words: usize) -> f32 {
    const LOWEST: f32 = 1e-30;
    let a_word = posterior.max(LOWEST).ln() / words.max(1) as f32;
    (1.06 + 0.36 * a_word).clamp(0.05, 1.0)
}

impl Recogniser for PocketSphinx {
    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn begin(&mut self, listening: &Listening) -> Result<(), AsrError> {
        if let State::Listening(_) = std::mem::replace(&mut self.state, State::Idle) {
            self.decoder.end()?;
        }
        let carried = listening.channel.as_ref().filter(|channel| channel.rate == self.rate);
        let carried = carried.and_then(|channel| <[f32; CEPSTRA]>::try_from(channel.mean.as_slice()).ok());
        let channel = ChannelMean::from_prior(&carried.unwrap_or(self.prior));
        self.front_end.start()?;
        self.decoder.start(&search_name(listening.ask))?;
        let room = (self.rate.hertz() * LONGEST_S) as usize;
        // Digits may be said without any pause that would tell how loud the room is.
        let enhancement = self.enhancement.clone().filter(|_| listening.ask != Ask::Digits);
        let enhancer = enhancement.map(Enhancer::new);
        self.state = State::Listening(Utterance { channel, enhancer, room, told: String::new() });
        Ok(())
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        let State::Listening(utterance) = &mut self.state else { return Err(AsrError::NotListening) };
        let pcm = &pcm[..pcm.len().min(utterance.room)];
        utterance.room -= pcm.len();
        self.cepstra.clear();
        self.front_end.cepstra(pcm, &mut self.cepstra)?;
        if self.cepstra.is_empty() {
            return Ok(None);
        }
        utterance.channel.normalise(&mut self.cepstra);
        if let Some(enhancer) = &mut utterance.enhancer {
            enhancer.enhance(&mut self.cepstra);
        }
        self.decoder.process(&mut self.cepstra)?;
        let text = partial(&mut self.decoder);
        if text == utterance.told {
            return Ok(None);
        }
        utterance.told.clone_from(&text);
        Ok(Some(self.written(&text)))
    }

    fn finish(&mut self) -> Result<Transcript, AsrError> {
        let State::Listening(mut utterance) = std::mem::replace(&mut self.state, State::Idle) else {
            return Err(AsrError::NotListening);
        };
        self.cepstra.clear();
        self.front_end.finish(&mut self.cepstra)?;
        utterance.channel.normalise(&mut self.cepstra);
        if let Some(enhancer) = &mut utterance.enhancer {
            enhancer.enhance(&mut self.cepstra);
            enhancer.finish(&mut self.cepstra);
        }
        if let Some(&last) = self.cepstra.last() {
            self.cepstra.extend([last; LEAD_OUT]);
        }
        self.decoder.process(&mut self.cepstra)?;
        self.decoder.end()?;
        Ok(self.transcript(&utterance.channel))
    }
}

/// The best text so far, without a last word that is too short to be one.
fn partial(decoder: &mut Decoder) -> String {
    let mut text = decoder.best();
    if let Some(before) = text.rfind(' ')
        && let Some(last) = decoder.segments().into_iter().rev().find_map(word)
        && last.to - last.from <= BREATH
    {
        text.truncate(before);
    }
    text
}

/// A segment as a word; `None` for silence, noise and the sentence marks.
fn word(segment: Segment) -> Option<Word> {
    let text = segment.word.split_once('(').map_or(segment.word.as_str(), |(word, _)| word);
    let is_filler = text.is_empty() || text.starts_with(['<', '[', '+']);
    (!is_filler).then(|| Word {
        text: text.to_owned(),
        from: Duration::from_millis(u64::from(segment.first) * FRAME_MS),
        to: Duration::from_millis((u64::from(segment.last) + 1) * FRAME_MS),
        confidence: segment.posterior,
    })
}

/// Path scores as shares of their sum, that of the `best` text first. The list is searched with other word costs than the best
/// text, and may rank it lower or not at all: it counts as likely as the likeliest of the list.
fn shares(best: &str, scored: Vec<(String, f64)>) -> Vec<Hypothesis> {
    /// Natural logarithm of the library's log base (1.0001), times the 1,024 units of it that scores are counted in, over the
    /// scale by which acoustic scores are flattened for posteriors (its `-ascale`, 20). Of 0.5, 1, 2, 5, 10 and 20
    /// thousandths, 5 and 10 gave what was really said the highest share, of what was listed for 119 questions.
    const FLATTEN: f64 = 1.0e-4 * 1_024.0 / 20.0;
    let highest = scored.iter().map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
    let highest = if highest.is_finite() { highest } else { 0.0 };
    let others = scored.into_iter().filter(|(text, _)| text != best).take(N_BEST - 1);
    let listed: Vec<(String, f64)> = [(best.to_owned(), highest)].into_iter().chain(others).collect();
    let weights: Vec<f64> = listed.iter().map(|(_, score)| ((score - highest) * FLATTEN).exp()).collect();
    let total: f64 = weights.iter().sum();
    let hypotheses = listed.into_iter().zip(weights);
    hypotheses.map(|((text, _), weight)| Hypothesis { text, confidence: (weight / total) as f32 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_text_comes_first_and_scores_tell_how_much_likelier_it_is() {
        let list = |scores: [i32; 3]| {
            let texts = ["i lost my cart", "i lost my card", "i last my card"].map(str::to_owned);
            shares("i lost my card", texts.into_iter().zip(scores.map(f64::from)).collect())
        };
        let close = list([-5_000, -5_090, -5_400]);
        assert_eq!(
            close.iter().map(|h| h.text.as_str()).collect::<Vec<_>>(),
            ["i lost my card", "i lost my cart", "i last my card"]
        );
        assert!((close.iter().map(|h| h.confidence).sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(close[2].confidence < 0.15, "400 units are two nats: {close:?}");
        assert!(list([-6_000, -5_000, -5_900])[0].confidence > 0.95);
    }

    #[test]
    fn a_text_that_is_not_listed_has_a_share_too() {
        let alone = shares("yes", Vec::new());
        assert_eq!((alone.len(), alone[0].confidence), (1, 1.0));
        let listed = shares("yes", vec![("yeah".into(), -900.0)]);
        assert_eq!((listed[0].text.as_str(), listed[0].confidence, listed.len()), ("yes", 0.5, 2));
    }
}
