//! SIP over WebSocket (RFC 7118): what browsers speak, made to look like any other stream.
//!
//! ```text
//!  browser ◄─ one message, one SIP message ─► pump ◄─ bytes (64 KB each way) ─► reader, writer of the stream
//! ```
//!
//! A stranger gets no more than on other streams: 3 s for the handshake, which must ask for the subprotocol `sip`, and
//! 64 KB a message. Pings of the WebSocket are answered, and count for nothing: who says nothing of SIP is idle.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;

use super::HANDSHAKE;
use super::framing::{Framer, MAX_MESSAGE, Piece};
use super::head::{Head, find};

/// Bytes that wait between pump and stream, each way; the slower side makes the other wait.
const BETWEEN: usize = MAX_MESSAGE + 1;
/// Name that both sides agree on (RFC 7118 §4.1).
const PROTOCOL: &str = "sip";

/// The handshake with a peer that connected to us; then its SIP messages as a stream, until `closed` fires or it leaves.
pub(super) async fn accept<S>(stream: S, closed: CancellationToken) -> std::io::Result<DuplexStream>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let accepting = tokio_tungstenite::accept_hdr_async_with_config(stream, agree, Some(limits()));
    let socket = tokio::time::timeout(HANDSHAKE, accepting).await?.map_err(std::io::Error::other)?;
    let (ours, theirs) = tokio::io::duplex(BETWEEN);
    tokio::spawn(async move {
        tokio::select! {
            () = pump(socket, ours) => {}
            () = closed.cancelled() => {}
        }
    });
    Ok(theirs)
}

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4_096)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// Agrees on the subprotocol, or refuses.
#[allow(clippy::result_large_err, reason = "the library's own signature")]
fn agree(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offered = request.headers().get_all("sec-websocket-protocol");
    let mut names = offered.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if names.any(|name| name.trim().eq_ignore_ascii_case(PROTOCOL)) {
        response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
        return Ok(response);
    }
    let mut refused = ErrorResponse::new(Some("ask for the WebSocket subprotocol \"sip\"\n".to_owned()));
    *refused.status_mut() = StatusCode::BAD_REQUEST;
    Err(refused)
}

/// Carries messages both ways until either side is over.
async fn pump<S>(socket: WebSocketStream<S>, stream: DuplexStream)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut to_peer, mut from_peer) = socket.split();
    let (mut from_us, mut to_us) = tokio::io::split(stream);
    let inwards = async {
        while let Some(Ok(message)) = from_peer.next().await {
            let bytes = match &message {
                Message::Text(text) => text.as_bytes(),
                Message::Binary(bytes) => bytes,
                Message::Close(_) => break,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            if to_us.write_all(&measured(bytes)).await.is_err() {
                break;
            }
        }
        Ok::<(), tungstenite::Error>(())
    };
    let outwards = async {
        let (mut framer, mut buffer) = (Framer::default(), vec![0; 4_096]);
        while let Ok(length @ 1..) = from_us.read(&mut buffer).await {
            // The answer to a ping of theirs (RFC 7118 §6) is a message of its own.
            if !framer.is_partial() && buffer[..length] == *b"\r\n" {
                to_peer.send(Message::text("\r\n")).await?;
                continue;
            }
            framer.push(&buffer[..length]);
            while let Ok(Some(piece)) = framer.next() {
                if let Piece::Message(bytes) = piece {
                    to_peer.send(text_or_binary(bytes)).await?;
                }
            }
        }
        to_peer.close().await
    };
    // Whoever ends first ends both: half a conversation is none.
    tokio::select! {
        ended = inwards => drop(ended),
        ended = outwards => drop(ended),
    }
}

/// Browsers get text where it is text, as they send it.
fn text_or_binary(bytes: Vec<u8>) -> Message {
    match String::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(error) => Message::binary(error.into_bytes()),
    }
}

/// The message with its length in its head, where the WebSocket's own measure was thought to be enough.
fn measured(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let Some(end) = find(&bytes, b"\r\n\r\n") else { return bytes };
    let says_so = Head::read(&bytes).is_ok_and(|head| head.all("content-length").next().is_some());
    if end > 0 && !says_so {
        let length = bytes.len() - end - 4;
        let field = format!("\r\nContent-Length: {length}");
        bytes.splice(end..end, field.into_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_without_a_length_gets_one() {
        let bare = b"OPTIONS sip:a SIP/2.0\r\nVia: v\r\n\r\nbody";
        assert_eq!(measured(bare), b"OPTIONS sip:a SIP/2.0\r\nVia: v\r\nContent-Length: 4\r\n\r\nbody");
        for as_it_is in [&b"OPTIONS sip:a SIP/2.0\r\nl: 4\r\n\r\nbody"[..], b"\r\n\r\n", b"nothing", b""] {
            assert_eq!(measured(as_it_is), as_it_is, "{as_it_is:?}");
        }
    }
}
