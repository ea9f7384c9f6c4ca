//! Speech from a server that speaks OpenAI's protocol (`POST /v1/audio/speech`).
//!
//! ```text
//! clause ─► {"model", "voice", "input", "response_format": "pcm"} ─► 24 kHz, 16 bit, as it comes ─► 16 kHz
//! ```

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::runtime::Runtime;

use super::{OpenAi, fault, is_worth_a_retry, runtime, within};
use crate::audio::resample::Resampler;
use crate::server::http_client;
use crate::speech::ServerFault;
use crate::speech::tts::{Renderer, Timbre, TtsError, Voice};
use crate::units::SampleRate;

/// What `pcm` means in this protocol \[Hz\].
const HERTZ: u32 = 24_000;
/// What being made clear takes from a voice that is not known \[dB\]: the middle of what our own lose.
const USUAL_CLEAR_DB: f32 = 7.0;

/// A server's voice.
pub struct RemoteVoice {
    server: OpenAi,
    runtime: Runtime,
    by: Arc<str>,
}

/// How much was heard when it failed.
struct Failure {
    fault: ServerFault,
    heard: bool,
}

impl RemoteVoice {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// [`TtsError::EngineFailed`].
    pub fn new(server: OpenAi) -> Result<Self, TtsError> {
        let by = format!("{} {} {}", server.url, server.speech_model, server.voice.as_deref().unwrap_or_default());
        let runtime = runtime().map_err(|_| TtsError::EngineFailed("start a runtime"))?;
        Ok(Self { server, runtime, by: by.into() })
    }

    async fn attempt(
        &self,
        speed: f32,
        clause: &str,
        sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let silent = |fault| Failure { fault, heard: false };
        let order = json!({
            "model": self.server.speech_model,
            "voice": self.server.voice,
            "input": clause,
            "response_format": "pcm",
            "speed": speed,
        });
        let mut request = Request::post(format!("{}/audio/speech", self.server.url.trim_end_matches('/')))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &self.server.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", key.0));
        }
        let request = request.body(Body::from(order.to_string())).map_err(|_| silent(ServerFault::BadAddress))?;
        let sending = async { http_client::send(request).await.map_err(|error| fault(&error)) };
        let response = within(self.server.patience, sending).await.map_err(silent)?;
        if !response.status().is_success() {
            return Err(silent(ServerFault::Refused(response.status().as_u16())));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/") || kind.contains("json") {
            return Err(silent(ServerFault::Nonsense));
        }
        let mut body = response.into_body();
        let mut sound = Sound::new();
        loop {
            let next = async {
                match body.frame().await {
                    None => Ok(None),
                    Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
                    Some(Err(_)) => Err(ServerFault::HungUp),
                }
            };
            let heard = sound.heard;
            let Some(bytes) = within(self.server.patience, next).await.map_err(|fault| Failure { fault, heard })?
            else {
                break;
            };
            if sound.hand_over(&bytes, sink).is_break() {
                return Ok(());
            }
        }
        if sound.heard { sound.finish(sink) } else { Err(silent(ServerFault::Nonsense)) }
    }
}

/// Bytes as they come, to samples at 16 kHz.
struct Sound {
    resampler: Resampler,
    /// Half of a sample that was cut between two pieces.
    odd: Option<u8>,
    heard: bool,
}

impl Sound {
    fn new() -> Self {
        let from = SampleRate::new(HERTZ).unwrap_or(SampleRate::WIDEBAND);
        Self { resampler: Resampler::new(from, SampleRate::WIDEBAND), odd: None, heard: false }
    }

    fn hand_over(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>) -> ControlFlow<()> {
        let all: Vec<u8> = self.odd.take().into_iter().chain(bytes.iter().copied()).collect();
        let pairs = all.chunks_exact(2);
        self.odd = pairs.remainder().first().copied();
        let pcm: Vec<i16> = pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        let mut wide = Vec::new();
        self.resampler.push(&pcm, &mut wide);
        self.heard |= !wide.is_empty();
        if wide.is_empty() { ControlFlow::Continue(()) } else { sink(&wide) }
    }

    fn finish(self, sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>) -> Result<(), Failure> {
        let mut wide = Vec::new();
        self.resampler.finish(&mut wide);
        let _ = sink(&wide);
        Ok(())
    }
}

impl Renderer for RemoteVoice {
    fn by(&self) -> Option<Arc<str>> {
        Some(self.by.clone())
    }

    fn gain_db(&self, voice: &Voice) -> f32 {
        match voice.timbre {
            Timbre::Natural => 0.0,
            Timbre::Clear => USUAL_CLEAR_DB,
        }
    }

    fn render(
        &mut self,
        voice: &Voice,
        clause: &str,
        sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    ) -> Result<(), TtsError> {
        let speed = f32::from(voice.rate.percent()) / 100.0;
        let outcome = self.runtime.block_on(async {
            match self.attempt(speed, clause, sink).await {
                Err(Failure { fault, heard: false }) if is_worth_a_retry(fault) => {
                    self.attempt(speed, clause, sink).await
                }
                outcome => outcome,
            }
        });
        outcome.map_err(|Failure { fault, .. }| TtsError::Server { server: self.server.url.as_str().into(), fault })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_is_cut_in_two_stays_whole() {
        let mut pcm = Vec::new();
        let mut sink = |piece: &[i16]| {
            pcm.extend_from_slice(piece);
            ControlFlow::Continue(())
        };
        let bytes: Vec<u8> = (0..2_400).flat_map(|_| 5_000_i16.to_le_bytes()).collect();
        let mut sound = Sound::new();
        for piece in bytes.chunks(7) {
            let _ = sound.hand_over(piece, &mut sink);
        }
        assert!(sound.finish(&mut sink).is_ok());
        assert!((1_590..=1_610).contains(&pcm.len()), "{}", pcm.len());
        assert!(pcm[100..1_500].iter().all(|sample| (sample - 5_000).abs() < 60));
    }
}
