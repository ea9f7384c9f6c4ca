//! Servers that recognise by other people's protocols, with the embedded recogniser behind them, and that misbehave when told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use antevox::audio::resample::Downsampler;
use antevox::speech::asr::{Listening, Recogniser, RecogniserModel};
use antevox::units::Ask;
use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// What a server does with a connection or request; the last mood of a list holds for all that follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    Fine,
    /// Takes everything and answers nothing, from the third message on.
    Hangs,
    /// Breaks the connection at the third message.
    Resets,
    /// Answers with words that are no answer.
    Babbles,
    /// Refuses with this status.
    Refuses(u16),
}

pub type Model = Arc<dyn RecogniserModel>;

/// Runs `serve` on a thread of its own; answers the port of the loopback that it listens at.
fn start<F: Future<Output = ()>>(serve: impl FnOnce(TcpListener) -> F + Send + 'static) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { serve(TcpListener::from_std(listener).unwrap()).await });
    });
    address
}

fn narrowed(halver: &mut Downsampler, pcm: &[i16]) -> Vec<i16> {
    let mut narrow = vec![0; pcm.len() / 2];
    halver.process(pcm, &mut narrow);
    narrow
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Like vosk-server; its URL.
pub fn vosk_server(model: &Model, moods: &'static [Mood]) -> String {
    // Made before anybody waits for it; connections come one after the other.
    let recogniser = Arc::new(Mutex::new(model.recogniser().unwrap()));
    let address = start(move |listener| async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(vosk_connection(stream, recogniser.clone(), moods[number.min(moods.len() - 1)]));
        }
    });
    format!("ws://{address}")
}

async fn vosk_connection(mut stream: TcpStream, recogniser: Arc<Mutex<Box<dyn Recogniser>>>, mood: Mood) {
    if let Mood::Refuses(status) = mood {
        use tokio::io::AsyncWriteExt as _;
        stream.write_all(format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
        return;
    }
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let mut halver = Downsampler::default();
    let mut partial = String::new();
    for number in 1.. {
        let Some(Ok(message)) = socket.next().await else { return };
        match mood {
            Mood::Hangs if number >= 3 => continue,
            Mood::Resets if number >= 3 => return,
            Mood::Babbles if number > 1 => socket.send(Message::text("<html>busy</html>")).await.unwrap(),
            _ => {}
        }
        let reply = match message {
            Message::Text(text) => {
                let order: serde_json::Value = serde_json::from_str(text.as_str()).unwrap();
                if order.get("config").is_some() {
                    assert_eq!(order["config"]["sample_rate"], 16_000);
                    let phrases = order["config"]["phrase_list"].to_string();
                    let ask =
                        if phrases.contains("seven") && !phrases.contains("lost") { Ask::Digits } else { Ask::Open };
                    recogniser.lock().unwrap().begin(&Listening { ask, ..Listening::default() }).unwrap();
                    continue;
                }
                assert!(order.get("eof").is_some(), "{text}");
                let heard = recogniser.lock().unwrap().finish().unwrap();
                let words = heard.words.iter().map(|word| {
                    serde_json::json!({"word": word.text, "start": word.from.as_secs_f64(), "end": word.to.as_secs_f64(), "conf": word.confidence})
                });
                serde_json::json!({"result": words.collect::<Vec<_>>(), "text": heard.text})
            }
            Message::Binary(bytes) => {
                let narrow = narrowed(&mut halver, &samples(&bytes));
                if let Some(text) = recogniser.lock().unwrap().feed(&narrow).unwrap() {
                    partial = text;
                }
                serde_json::json!({"partial": partial})
            }
            _ => continue,
        };
        let is_last = reply.get("text").is_some();
        if socket.send(Message::text(reply.to_string())).await.is_err() || is_last {
            return;
        }
    }
}

/// Like OpenAI's; its URL, up to the version.
pub fn openai(model: &Model, moods: &'static [Mood]) -> String {
    let (recogniser, requests) = (Mutex::new(model.recogniser().unwrap()), AtomicUsize::new(0));
    let answer = Arc::new(move |form: Bytes| {
        let mood = moods[requests.fetch_add(1, Ordering::Relaxed).min(moods.len() - 1)];
        let body = match mood {
            Mood::Fine => transcription(&mut **recogniser.lock().unwrap(), &form),
            Mood::Babbles => "<html>busy</html>".to_owned(),
            Mood::Refuses(status) => {
                return Some(Response::builder().status(status).body(Body::empty()).unwrap());
            }
            Mood::Hangs | Mood::Resets => return None,
        };
        Some(Response::builder().status(StatusCode::OK).body(Body::from(body)).unwrap())
    });
    let address = start(move |listener| async move {
        let transcribe = move |form: Bytes| {
            let answer = answer.clone();
            async move {
                match answer(form) {
                    Some(response) => response,
                    None => std::future::pending().await,
                }
            }
        };
        let route = axum::routing::post(transcribe).layer(axum::extract::DefaultBodyLimit::max(1 << 24));
        axum::serve(listener, axum::Router::new().route("/v1/audio/transcriptions", route)).await.unwrap();
    });
    format!("http://{address}/v1")
}

fn transcription(recogniser: &mut dyn Recogniser, form: &[u8]) -> String {
    let wav = form.windows(4).position(|window| window == b"RIFF").expect("a WAV file in the form");
    assert!(form[..wav].windows(14).any(|window| window == b"name=\"language"), "the form names the language");
    let reader = hound::WavReader::new(&form[wav..]).unwrap();
    assert_eq!(reader.spec().sample_rate, 16_000);
    let pcm: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
    recogniser.begin(&Listening::default()).unwrap();
    recogniser.feed(&narrowed(&mut Downsampler::default(), &pcm)).unwrap();
    let heard = recogniser.finish().unwrap().text;
    serde_json::json!({"text": heard, "segments": [{"text": heard, "no_speech_prob": 0.01, "avg_logprob": -0.2}]})
        .to_string()
}

/// Speaks like OpenAI's servers: half a second of a tone for each request; its URL, up to the version.
pub fn openai_speech(moods: &'static [Mood]) -> String {
    let requests = Arc::new(AtomicUsize::new(0));
    let speak = move |order: axum::Json<serde_json::Value>| {
        assert_eq!((&order["voice"], &order["response_format"]), (&"alloy".into(), &"pcm".into()));
        let mood = moods[requests.fetch_add(1, Ordering::Relaxed).min(moods.len() - 1)];
        async move {
            let tone = (0..12_000).map(|i| (f64::from(i) * 0.1).sin() * 8_000.0);
            let pcm: Vec<u8> = tone.flat_map(|sample| (sample as i16).to_le_bytes()).collect();
            let half = Bytes::from(pcm[..12_000].to_vec());
            let response = Response::builder().header("content-type", "audio/pcm");
            match mood {
                Mood::Fine => response.body(Body::from(pcm)).unwrap(),
                Mood::Babbles => {
                    Response::builder().header("content-type", "text/html").body(Body::from("busy")).unwrap()
                }
                Mood::Refuses(status) => response.status(status).body(Body::empty()).unwrap(),
                Mood::Hangs => std::future::pending().await,
                Mood::Resets => {
                    // What was sent is on its way before the connection breaks.
                    let later = futures_util::stream::once(async {
                        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                        Err(std::io::Error::other("broken off"))
                    });
                    let pieces = futures_util::stream::iter([Ok(half)]).chain(later);
                    response.body(Body::from_stream(pieces)).unwrap()
                }
            }
        }
    };
    let address = start(move |listener| async move {
        let router = axum::Router::new().route("/v1/audio/speech", axum::routing::post(speak));
        axum::serve(listener, router).await.unwrap();
    });
    format!("http://{address}/v1")
}
