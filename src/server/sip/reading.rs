//! All that we read of a stranger's bytes, without a socket, a transaction or a call: one reader after the other, in the order of
//! [`lane`](super::lane), [`stream`](super::stream) and [`route`](super::route). Nothing but tests and fuzzing calls it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rsipstack::sip::{HeadersExt, Method, Request, Response, SipMessage};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::dialog::Dialog;
use super::digest::{Asked, Doorkeeper, Presented, answer};
use super::framing::{Framer, Piece, is_noise};
use super::guard::{Answer, Passed, Refused, examine, refusal};
use super::head::begins_something;
use super::message::{body, call_id, contact, cseq, field, fields, finished, party, response, takes_sdp, unsupported};
use super::session_timer::SessionTimer;
use super::trunk::{Origin, Trunk, caller, named};
use super::{Credentials, info, moving, registrar, talking, web};
use crate::units::Pii;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A request that would go on; our 200 to it.
    Request(Vec<u8>),
    /// A response that would go on.
    Response,
    /// A request that goes no further; our answer.
    Refused(Vec<u8>),
    /// Nothing that is answered.
    Dropped,
}

/// Reads a datagram.
pub fn datagram(bytes: &[u8], source: SocketAddr) -> Read {
    if is_noise(bytes) { Read::Dropped } else { message(bytes, source) }
}

/// Reads the messages of a stream, as far as they can be told apart. It arrives in pieces of `step` bytes.
pub fn stream(bytes: &[u8], step: usize, source: SocketAddr) -> Vec<Read> {
    let (mut framer, mut read) = (Framer::default(), Vec::new());
    for bytes in bytes.chunks(step.max(1)) {
        framer.push(bytes);
        loop {
            match framer.next() {
                Ok(Some(Piece::Message(bytes))) => read.push(message(&bytes, source)),
                Ok(Some(Piece::Ping)) => {}
                Ok(None) => break,
                Err(_) => return read,
            }
        }
    }
    read
}

/// Reads what comes over a connection that begins with the handshake of a WebSocket, until its end.
pub async fn web_socket<S>(connection: S, source: SocketAddr) -> Vec<Read>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Ok(mut messages) = web::accept(connection, Default::default()).await else { return Vec::new() };
    let mut bytes = Vec::new();
    // Whatever ends it, what came before counts.
    let _ = messages.read_to_end(&mut bytes).await;
    stream(&bytes, usize::MAX, source)
}

fn message(bytes: &[u8], source: SocketAddr) -> Read {
    begins_something(bytes);
    match examine(bytes, source) {
        Ok(Passed::Request(request)) => Read::Request(read_request(&request)),
        Ok(Passed::Response(response)) => {
            read_response(&response);
            Read::Response
        }
        Err(Refused::With(status, reason)) => {
            let answer = Answer { status, reason, fields: &[], tag: "tag", server: "antevox" };
            refusal(bytes, source, &answer).map_or(Read::Dropped, |(bytes, _)| Read::Refused(bytes))
        }
        Err(Refused::Silently) => Read::Dropped,
    }
}

fn read_request(request: &Request) -> Vec<u8> {
    let headers = &request.headers;
    let _ = TransactionKey::from_request(request, TransactionRole::Server);
    let _ = (unsupported(headers), takes_sdp(headers), body(headers, &request.body), SessionTimer::asked(headers));
    let from = request.from_header().map(|from| from.value()).unwrap_or_default();
    let trunk = Trunk { is_trusted: true, headers: vec!["X-Scene".to_owned()], ..Trunk::default() };
    named(headers, &trunk);
    for origin in [Origin::Stranger, Origin::Trunk(Arc::new(trunk))] {
        caller(headers, from, &origin);
    }
    let _ = party(request.to_header().map(|to| to.value()).unwrap_or_default());
    if let Some(value) = field(headers, "Authorization") {
        let (method, identity) = (request.method.to_string(), call_id(request));
        let presented = Presented { method: &method, value, identity: &identity };
        #[allow(clippy::disallowed_methods, reason = "it has never challenged anybody, so any time will do")]
        let now = Instant::now();
        Doorkeeper::new("antevox".to_owned(), &[7; 32], now).check(now, &[], &presented);
    }
    fields(headers, "Replaces").for_each(|value| drop(moving::replaced(value)));
    fields(headers, "Refer-To").for_each(|value| drop(moving::refer_to(value)));
    registrar::wish(request);
    let _ = info::pressed(request);
    talking::fragment_status(&request.body);
    if let Some(mut dialog) = Dialog::incoming(request, "ours".to_owned()) {
        let _ = dialog.accept(request);
        dialog.retarget(headers);
        let bye = dialog.request(Method::Bye);
        let _ = (dialog.next_hop(), SipMessage::from(bye).to_string());
    }
    SipMessage::from(finished(response(request, 200, "tag"), "antevox")).to_string().into_bytes()
}

fn read_response(response: &Response) {
    let headers = &response.headers;
    let _ = (TransactionKey::from_response(response, TransactionRole::Client), cseq(response), contact(headers));
    let _ = body(headers, &response.body);
    let credentials = Credentials { user: "a".to_owned(), password: Pii("b".to_owned()), realm: None };
    let asked = Asked { method: "INVITE", uri: "sip:a@h", cnonce: "c" };
    for name in ["WWW-Authenticate", "Proxy-Authenticate"] {
        answer(fields(headers, name), &credentials, &asked);
    }
    if let Ok(target) = rsipstack::sip::Uri::try_from("sip:a@192.0.2.1") {
        let mut dialog = Dialog::outgoing(call_id(response), "<sip:b@h>", "ours".to_owned(), target);
        dialog.establish(response);
        let _ = (dialog.next_hop(), SipMessage::from(dialog.request(Method::Bye)).to_string());
    }
}
