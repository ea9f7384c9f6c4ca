//! Recognition by vosk-server (<https://github.com/alphacep/vosk-server>), streamed over a WebSocket.
//!
//! ```text
//! ─► {"config": {"sample_rate": 16000, "phrase_list": […]}}
//! ─► 100 ms of sound, binary     ◄─ {"partial": "i lost"}   or, where the server ends a segment, {"result": […], "text": …}
//! ─► {"eof": 1}                  ◄─ {"result": […], "text": "my card"}, and the connection ends
//! ```
//!
//! The server answers each piece with one message. Its segments are put together again: turn-taking is ours.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::{is_worth_a_retry, runtime, within};
use crate::server::http_client::{self, Connection};
use crate::speech::asr::lm::{self, AskTable, LanguageMaterial};
use crate::speech::asr::vosk::{Reply, text, transcript};
use crate::speech::asr::{AsrError, Listening, Recogniser, RecogniserModel, ServerFault, Transcript, Word};
use crate::units::{Ask, Lang, SampleRate};

/// Sound that is sent at once \[samples\]: 100 ms, so that a word is in a partial text soon and messages stay few.
const PIECE: usize = 1_600;
/// Longer utterances are not sent beyond here \[samples\]: 60 s.
const LONGEST: usize = 60 * 16_000;
/// How long is looked for an answer that may not have come.
const GLANCE: Duration = Duration::from_millis(1);

/// A server, and what its callers may say.
pub struct VoskServerModel {
    server: Arc<Server>,
}

struct Server {
    url: String,
    patience: Duration,
    lang: Lang,
    /// The first message, for each kind of question.
    greetings: [String; Ask::COUNT],
}

impl VoskServerModel {
    /// The server at `url` (`ws://host:2700`, or `wss:`), which may take `patience` over anything. Nothing is connected yet.
    ///
    /// # Errors
    /// [`AsrError::Server`]: the URL cannot be followed.
    pub fn new(url: &str, patience: Duration, material: &LanguageMaterial) -> Result<Self, AsrError> {
        let bad = || AsrError::Server { server: url.into(), fault: ServerFault::BadAddress };
        let uri: Uri = url.parse().map_err(|_| bad())?;
        if !matches!(uri.scheme_str(), Some("ws" | "wss")) || uri.host().is_none() {
            return Err(bad());
        }
        let greetings = Ask::ALL.map(|ask| {
            let mut config = json!({"sample_rate": SampleRate::WIDEBAND.hertz(), "words": 1});
            if let Some(mut phrases) = lm::phrases(material, ask) {
                phrases.push("[unk]".to_owned());
                config["phrase_list"] = json!(phrases);
            }
            json!({"config": config}).to_string()
        });
        Ok(Self { server: Arc::new(Server { url: url.to_owned(), patience, lang: material.lang, greetings }) })
    }
}

impl RecogniserModel for VoskServerModel {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        Ok(Box::new(VoskServer { server: self.server.clone(), runtime: runtime()?, utterance: None }))
    }

    fn is_slow(&self) -> bool {
        true
    }
}

struct VoskServer {
    server: Arc<Server>,
    runtime: Runtime,
    utterance: Option<Utterance>,
}

struct Utterance {
    ask: Ask,
    talk: Talk,
    /// All that was said, for a second attempt.
    said: Vec<i16>,
    may_retry: bool,
    told: String,
}

/// One connection.
struct Talk {
    socket: WebSocketStream<Connection>,
    patience: Duration,
    /// Samples of the utterance that were sent.
    sent: usize,
    /// Messages that the server still owes.
    owed: usize,
    ended: Vec<Word>,
    partial: String,
}

impl Server {
    fn failed(&self, fault: ServerFault) -> AsrError {
        AsrError::Server { server: self.url.as_str().into(), fault }
    }

    async fn connect(&self, ask: Ask) -> Result<Talk, ServerFault> {
        let open = async {
            let uri: Uri = self.url.parse().map_err(|_| ServerFault::BadAddress)?;
            let stream = http_client::connect(&uri).await.map_err(|error| super::fault(&error))?;
            let (mut socket, _) =
                tokio_tungstenite::client_async(self.url.as_str(), stream).await.map_err(|error| fault(&error))?;
            let greeting = Message::text(self.greetings[ask.index()].clone());
            socket.send(greeting).await.map_err(|error| fault(&error))?;
            Ok(Talk { socket, patience: self.patience, sent: 0, owed: 0, ended: Vec::new(), partial: String::new() })
        };
        within(self.patience, open).await
    }
}

fn fault(error: &SocketError) -> ServerFault {
    match error {
        SocketError::Http(response) => ServerFault::Refused(response.status().as_u16()),
        SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => ServerFault::HungUp,
        SocketError::Protocol(_) | SocketError::Utf8(_) | SocketError::Capacity(_) => ServerFault::Nonsense,
        SocketError::Url(_) | SocketError::HttpFormat(_) => ServerFault::BadAddress,
        _ => ServerFault::HungUp,
    }
}

impl Talk {
    /// Sends what of `said` makes whole pieces, or `all`, and takes the answers that are there.
    async fn send(&mut self, said: &[i16], all: bool) -> Result<(), ServerFault> {
        while said.len() - self.sent >= PIECE || (all && self.sent < said.len()) {
            let piece = &said[self.sent..(self.sent + PIECE).min(said.len())];
            let bytes: Vec<u8> = piece.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let sending = async { self.socket.send(Message::binary(bytes)).await.map_err(|error| fault(&error)) };
            within(self.patience, sending).await?;
            self.sent += piece.len();
            self.owed += 1;
            while let Ok(answer) = tokio::time::timeout(GLANCE, self.socket.next()).await {
                if self.take(answer)? {
                    return Err(ServerFault::HungUp);
                }
            }
        }
        Ok(())
    }

    /// Takes a message; answers whether it was the server's goodbye.
    fn take(&mut self, message: Option<Result<Message, SocketError>>) -> Result<bool, ServerFault> {
        let text = match message {
            None => return Err(ServerFault::HungUp),
            Some(Err(error)) => return Err(fault(&error)),
            Some(Ok(Message::Close(_))) => return Ok(true),
            Some(Ok(Message::Text(text))) => text,
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(false),
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => return Err(ServerFault::Nonsense),
        };
        let reply = Reply::read(text.as_str()).map_err(|_| ServerFault::Nonsense)?;
        self.owed = self.owed.saturating_sub(1);
        if reply.text.is_some() {
            self.ended.extend(reply.words());
            self.partial.clear();
        } else {
            self.partial = reply.partial;
        }
        Ok(false)
    }

    /// Says that all was said, and waits until the server has answered everything.
    async fn finish(&mut self) -> Result<(), ServerFault> {
        let patience = self.patience;
        let work = async {
            self.socket.send(Message::text(r#"{"eof" : 1}"#)).await.map_err(|error| fault(&error))?;
            self.owed += 1;
            while self.owed > 0 {
                let message = self.socket.next().await;
                if self.take(message)? {
                    // A server that answers less often than it is asked says goodbye when it is done.
                    break;
                }
            }
            Ok(())
        };
        within(patience, work).await
    }
}

impl VoskServer {
    /// Carries on with `work`, and once more from the beginning on a new connection if that is worth it.
    fn persist(&mut self, utterance: &mut Utterance, is_last: bool) -> Result<(), AsrError> {
        let server = &self.server;
        let outcome = self.runtime.block_on(async {
            loop {
                let talk = &mut utterance.talk;
                let done = async {
                    talk.send(&utterance.said, is_last).await?;
                    if is_last { talk.finish().await } else { Ok(()) }
                };
                match done.await {
                    Err(fault) if utterance.may_retry && is_worth_a_retry(fault) => {
                        utterance.may_retry = false;
                        utterance.talk = server.connect(utterance.ask).await?;
                    }
                    outcome => return outcome,
                }
            }
        });
        outcome.map_err(|fault| self.server.failed(fault))
    }
}

impl Recogniser for VoskServer {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::WIDEBAND
    }

    fn begin(&mut self, listening: &Listening) -> Result<(), AsrError> {
        self.utterance = None;
        let ask = listening.ask;
        let first = self.runtime.block_on(self.server.connect(ask));
        let (talk, may_retry) = match first {
            Err(fault) if is_worth_a_retry(fault) => (self.runtime.block_on(self.server.connect(ask)), false),
            first => (first, true),
        };
        let talk = talk.map_err(|fault| self.server.failed(fault))?;
        self.utterance = Some(Utterance { ask, talk, said: Vec::new(), may_retry, told: String::new() });
        Ok(())
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        let Some(mut utterance) = self.utterance.take() else { return Err(AsrError::NotListening) };
        let room = LONGEST - utterance.said.len();
        utterance.said.extend_from_slice(&pcm[..pcm.len().min(room)]);
        self.persist(&mut utterance, false)?;
        let now = text(&utterance.talk.ended, &utterance.talk.partial, self.server.lang);
        let news = (now != utterance.told).then(|| now.clone());
        utterance.told = now;
        self.utterance = Some(utterance);
        Ok(news)
    }

    fn finish(&mut self) -> Result<Transcript, AsrError> {
        let Some(mut utterance) = self.utterance.take() else { return Err(AsrError::NotListening) };
        self.persist(&mut utterance, true)?;
        Ok(transcript(utterance.talk.ended, self.server.lang))
    }
}
