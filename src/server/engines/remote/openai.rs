//! Recognition by a server that speaks OpenAI's protocol (`POST /v1/audio/transcriptions`), as many local ones do.
//!
//! ```text
//! sound ─► kept ─► at the end: WAV in a form ─► {"text": …, "segments": […]} ─► phantoms out ─► Transcript
//! ```
//!
//! There are no partial texts: the caller's turn is ended by silence alone, and the answer comes after a whole reading.

use std::io::Cursor;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use serde::Deserialize;
use tokio::runtime::Runtime;

use super::{OpenAi, fault, is_worth_a_retry, runtime, within};
use crate::server::http_client;
use crate::speech::asr::phantoms::{self, Evidence};
use crate::speech::asr::{AsrError, Listening, Recogniser, RecogniserModel, ServerFault, Transcript};
use crate::units::{Lang, SampleRate};

/// Longer utterances are not sent beyond here \[samples\]: 60 s.
const LONGEST: usize = 60 * 16_000;
/// The longest answer that is read [bytes].
const MAX_ANSWER: usize = 1 << 20;
/// Parts the fields of the form; stands in none of them.
const BOUNDARY: &str = "antevox-7f3c1e52a9d04b68";

/// A server and a model of it.
pub struct OpenAiModel {
    server: Arc<OpenAi>,
    lang: Lang,
}

impl OpenAiModel {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// [`AsrError::Server`]: the URL cannot be followed.
    pub fn new(server: &OpenAi, lang: Lang) -> Result<Self, AsrError> {
        let is_url = server.url.starts_with("http://") || server.url.starts_with("https://");
        if !is_url || server.url.parse::<axum::http::Uri>().is_err() {
            return Err(AsrError::Server { server: server.url.as_str().into(), fault: ServerFault::BadAddress });
        }
        Ok(Self { server: Arc::new(server.clone()), lang })
    }
}

impl RecogniserModel for OpenAiModel {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        let (server, lang) = (self.server.clone(), self.lang);
        Ok(Box::new(Remote { server, lang, runtime: runtime()?, said: None }))
    }

    fn is_slow(&self) -> bool {
        true
    }
}

struct Remote {
    server: Arc<OpenAi>,
    lang: Lang,
    runtime: Runtime,
    said: Option<Vec<i16>>,
}

/// `verbose_json`; other servers give less of it.
#[derive(Debug, Deserialize)]
struct Answer {
    text: String,
    #[serde(default)]
    segments: Vec<Segment>,
}

#[derive(Debug, Deserialize)]
struct Segment {
    text: String,
    #[serde(default)]
    no_speech_prob: f32,
    #[serde(default)]
    avg_logprob: f32,
}

impl Remote {
    async fn attempt(&self, form: &[u8]) -> Result<Answer, ServerFault> {
        let mut request = Request::post(format!("{}/audio/transcriptions", self.server.url.trim_end_matches('/')))
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
            .header(header::CONTENT_LENGTH, form.len());
        if let Some(key) = &self.server.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", key.0));
        }
        let request = request.body(Body::from(form.to_vec())).map_err(|_| ServerFault::BadAddress)?;
        let work = async {
            let response = http_client::send(request).await.map_err(|error| fault(&error))?;
            let status = response.status();
            if !status.is_success() {
                return Err(ServerFault::Refused(status.as_u16()));
            }
            let body = axum::body::to_bytes(Body::new(response.into_body()), MAX_ANSWER).await;
            serde_json::from_slice(&body.map_err(|_| ServerFault::HungUp)?).map_err(|_| ServerFault::Nonsense)
        };
        within(self.server.patience, work).await
    }

    /// Asks, and once more where that is worth it.
    fn ask(&self, form: &[u8]) -> Result<Answer, ServerFault> {
        self.runtime.block_on(async {
            match self.attempt(form).await {
                Err(fault) if is_worth_a_retry(fault) => self.attempt(form).await,
                outcome => outcome,
            }
        })
    }

    fn form(&self, pcm: &[i16]) -> Option<Vec<u8>> {
        let language = match self.lang {
            Lang::En => "en",
            Lang::Zh => "zh",
        };
        let fields =
            [("model", self.server.model.as_str()), ("language", language), ("response_format", "verbose_json")];
        let mut form = Vec::new();
        for (name, value) in fields {
            let field = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            form.extend_from_slice(field.as_bytes());
        }
        let file = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"speech.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
        );
        form.extend_from_slice(file.as_bytes());
        form.extend_from_slice(&wav(pcm)?);
        form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        Some(form)
    }
}

/// `pcm` as a WAV file.
fn wav(pcm: &[i16]) -> Option<Vec<u8>> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SampleRate::WIDEBAND.hertz(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).ok()?;
    pcm.iter().try_for_each(|&sample| writer.write_sample(sample)).ok()?;
    writer.finalize().ok()?;
    Some(bytes.into_inner())
}

/// The text without phantoms, as other recognisers spell it.
fn transcript(answer: &Answer, pcm: &[i16], lang: Lang) -> Transcript {
    let level_dbov = phantoms::loudest_second(pcm, SampleRate::WIDEBAND.hertz() as usize);
    let whole = [Segment { text: answer.text.clone(), no_speech_prob: 0.0, avg_logprob: 0.0 }];
    let segments = if answer.segments.is_empty() { &whole[..] } else { &answer.segments };
    let is_speech = |segment: &&Segment| {
        let (no_speech, log_probability) = (segment.no_speech_prob, segment.avg_logprob);
        !phantoms::is_phantom(&segment.text, Evidence { no_speech, log_probability, level_dbov })
    };
    let spoken: Vec<&Segment> = segments.iter().filter(is_speech).collect();
    let text: Vec<&str> = spoken.iter().map(|segment| segment.text.trim()).collect();
    let text = match lang {
        Lang::En => bare(&text.join(" ")),
        Lang::Zh => text.concat(),
    };
    let mean = spoken.iter().map(|segment| segment.avg_logprob.exp()).sum::<f32>() / spoken.len().max(1) as f32;
    Transcript { confidence: if text.is_empty() { 0.0 } else { mean.min(1.0) }, text, ..Transcript::default() }
}

/// Lower case, no punctuation.
fn bare(text: &str) -> String {
    let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    text.split_whitespace().map(trimmed).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Recogniser for Remote {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::WIDEBAND
    }

    fn begin(&mut self, _: &Listening) -> Result<(), AsrError> {
        self.said = Some(Vec::new());
        Ok(())
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        let said = self.said.as_mut().ok_or(AsrError::NotListening)?;
        let room = LONGEST - said.len();
        said.extend_from_slice(&pcm[..pcm.len().min(room)]);
        Ok(None)
    }

    fn finish(&mut self) -> Result<Transcript, AsrError> {
        let said = self.said.take().ok_or(AsrError::NotListening)?;
        if said.is_empty() {
            return Ok(Transcript::default());
        }
        let form = self.form(&said).ok_or(AsrError::EngineFailed("write what it heard"))?;
        let failed = |fault| AsrError::Server { server: self.server.url.as_str().into(), fault };
        let answer = self.ask(&form).map_err(failed)?;
        Ok(transcript(&answer, &said, self.lang))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phantoms_are_left_out_and_words_are_bare() {
        let json = r#"{"text":"I lost my card. Thank you.","segments":[
            {"text":" I lost my card.","no_speech_prob":0.1,"avg_logprob":-0.2},
            {"text":" Thank you.","no_speech_prob":0.9,"avg_logprob":-1.5}]}"#;
        let loud: Vec<i16> = (0..16_000).map(|i| if i % 2 == 0 { 3_000 } else { -3_000 }).collect();
        let heard = transcript(&serde_json::from_str(json).unwrap(), &loud, Lang::En);
        assert_eq!(heard.text, "i lost my card");
        assert!((heard.confidence - 0.82).abs() < 0.01);
        let short: Answer = serde_json::from_str(r#"{"text":"Thank you."}"#).unwrap();
        assert_eq!(transcript(&short, &[0; 16_000], Lang::En).text, "");
        assert_eq!(transcript(&short, &loud, Lang::En).text, "thank you");
    }
}
