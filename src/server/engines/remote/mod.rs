//! Engines on other machines, by protocols that others speak as well.
//!
//! | protocol | recognition | speech |
//! |---|---|---|
//! | vosk-server's WebSocket | [`vosk_server`]: streamed, with partial texts | – |
//! | OpenAI's HTTP | [`openai`]: the whole utterance at its end, no partial texts | [`openai_speech`] |
//!
//! Whoever waits here waits a limited time: a connection that fails is tried once more with all that was said, then it is an
//! error, and the next engine of the list takes over ([`fallback`](crate::speech::asr::fallback)).

pub mod openai;
pub mod openai_speech;
pub mod vosk_server;

use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::server::http_client::HttpError;
use crate::speech::asr::{AsrError, ServerFault};
use crate::units::Pii;

/// How long a server may take over anything that it is asked, unless the settings say otherwise.
pub const PATIENCE: Duration = Duration::from_secs(4);

/// Where a server is that speaks OpenAI's protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAi {
    /// Up to and including the version: `http://127.0.0.1:8000/v1`.
    pub url: String,
    /// The name of the model that recognises; servers that have only one do not care.
    pub model: String,
    /// The name of the model that speaks.
    pub speech_model: String,
    /// The voice that speaks our prompts; `None`: the server only listens.
    pub voice: Option<String>,
    /// Sent as a bearer token where there is one.
    pub key: Option<Pii<String>>,
    /// How long it may take over a request, or until its next piece of sound.
    pub patience: Duration,
}

impl Default for OpenAi {
    /// No address; the names by which OpenAI itself knows its models.
    fn default() -> Self {
        let (model, speech_model) = ("whisper-1".to_owned(), "tts-1".to_owned());
        Self { url: String::new(), model, speech_model, voice: None, key: None, patience: PATIENCE }
    }
}

/// A runtime for one engine: its own thread waits in it, and nobody else.
fn runtime() -> Result<Runtime, AsrError> {
    Builder::new_current_thread().enable_all().build().map_err(|_| AsrError::EngineFailed("start a runtime"))
}

/// Does `work` within `limit`.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, ServerFault>>) -> Result<T, ServerFault> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(ServerFault::TimedOut))
}

/// What a failed request says about the server.
fn fault(error: &HttpError) -> ServerFault {
    match error {
        HttpError::BadAddress(_) | HttpError::BadRequest(_) => ServerFault::BadAddress,
        HttpError::Unreachable { .. } | HttpError::NoRoots(_) => ServerFault::Unreachable,
        HttpError::Broken(broken) if broken.is_parse() => ServerFault::Nonsense,
        HttpError::Broken(_) => ServerFault::HungUp,
        HttpError::RedirectedTooOften => ServerFault::Nonsense,
    }
}

/// Whether it is worth trying again: not when the answer was clear, and not when the time is gone.
fn is_worth_a_retry(fault: ServerFault) -> bool {
    match fault {
        ServerFault::Unreachable | ServerFault::HungUp => true,
        ServerFault::Refused(status) => (500..600).contains(&status),
        ServerFault::BadAddress | ServerFault::TimedOut | ServerFault::Nonsense => false,
    }
}
