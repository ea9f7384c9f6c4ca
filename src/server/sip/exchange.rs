//! Requests and their answers: each transaction lives in a small task of its own, and talks with its leg in messages.
//!
//! ```text
//! Answering::serve(Transaction) ─ task ─► Input::{Cancelled, Acknowledged, Settled}     leg ─► Answering::reply
//! Asking::send(request)         ─ task ─► Input::Responded, Input::Retried
//! ```
//!
//! `rsipstack`'s `receive` must not be dropped half-way (its state has moved on when the message is lost), so it is never
//! inside a `select!` whose other arm goes on with the same transaction; answers to an INVITE reach it through its own event
//! queue. Before the one answer to another request there is nothing to receive: the task waits for it, and tells when it is out.

use std::net::SocketAddr;
use std::sync::Arc;

use rsipstack::sip::{Header, Method, Request, Response, SipMessage};
use rsipstack::transaction::random_text;
use rsipstack::transaction::transaction::{Transaction, TransactionEvent, TransactionEventSender};
use tokio::sync::{Notify, mpsc};

use super::Credentials;
use super::digest::{Asked, answer};
use super::lane::Lane;
use super::message::{cseq, fields, finished, response, to_tag};
use super::moving::Replacement;

/// What a leg hears from the wire.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// A request inside the dialog.
    Asked(Answering),
    /// The INVITE was cancelled; the CANCEL is answered.
    Cancelled,
    /// An ACK came. Seen twice when it came over the socket of its INVITE.
    Acknowledged(Request),
    /// The server transaction of the INVITE with this CSeq number is over: acknowledged, or given up.
    Settled(u32),
    /// A response to a request of ours.
    Responded(Response),
    /// A request of ours was sent again with credentials.
    Retried(Request),
    /// A 2xx to our INVITE came again, or another branch of a fork answered too.
    AcceptedAgain(Response),
    /// An INVITE wants to take the place of this leg's party.
    Replaced(Box<Replacement>),
}

/// A request that waits for our answer.
#[derive(Clone)]
pub(super) struct Answering {
    /// The request.
    pub(super) request: Arc<Request>,
    /// Where it came from.
    pub(super) source: SocketAddr,
    answers: Answers,
    server: Arc<str>,
    tag: Arc<str>,
}

/// How answers reach the transaction.
#[derive(Clone)]
enum Answers {
    /// Any number of them.
    Invite(TransactionEventSender),
    /// One; another finds no room, as the first has ended the transaction. Tells when it was sent.
    Other(mpsc::Sender<Response>, Arc<Notify>),
}

impl std::fmt::Debug for Answering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answering({})", self.request.method)
    }
}

impl Answering {
    /// Starts the task of a server transaction; what it hears goes to `inbox`.
    pub(super) fn serve(
        mut transaction: Transaction,
        source: SocketAddr,
        inbox: Option<mpsc::Sender<Input>>,
        server: &str,
    ) -> Self {
        let tag = to_tag(&transaction.original).unwrap_or_else(|| random_text(16));
        let (answer, mut answered) = mpsc::channel(1);
        let is_out = Arc::new(Notify::new());
        let answers = match transaction.original.method {
            Method::Invite => Answers::Invite(transaction.tu_sender.clone()),
            _ => Answers::Other(answer, Arc::clone(&is_out)),
        };
        let answering = Self {
            request: Arc::new(transaction.original.clone()),
            source,
            answers,
            server: server.into(),
            tag: tag.into(),
        };
        tokio::spawn(async move {
            let number = cseq(&transaction.original).map_or(0, |(number, _)| number);
            let tell = async |input| {
                if let Some(inbox) = &inbox {
                    // The leg is gone when it has nothing left to learn.
                    let _ = inbox.send(input).await;
                }
            };
            // There is none to come for an INVITE: its only sender is gone.
            if let Some(response) = answered.recv().await {
                if let Err(error) = transaction.respond(response).await {
                    tracing::debug!(%error, "could not answer");
                }
                is_out.notify_one();
            }
            while let Some(message) = transaction.receive().await {
                match message {
                    SipMessage::Request(request) if request.method == Method::Cancel => tell(Input::Cancelled).await,
                    SipMessage::Request(request) if request.method == Method::Ack => {
                        tell(Input::Acknowledged(request)).await;
                    }
                    _ => {}
                }
            }
            if transaction.original.method == Method::Invite {
                tell(Input::Settled(number)).await;
            }
        });
        answering
    }

    /// The same, with our tag of the dialog that the request is to make.
    pub(super) fn with_tag(self, tag: &str) -> Self {
        Self { tag: tag.into(), ..self }
    }

    /// CSeq number of the request.
    pub(super) fn number(&self) -> u32 {
        cseq(&*self.request).map_or(0, |(number, _)| number)
    }

    /// A response to be filled and given to [`send`](Self::send).
    pub(super) fn response(&self, status: u16) -> Response {
        response(&self.request, status, &self.tag)
    }

    /// Answers with a status and nothing more.
    pub(super) fn reply(&self, status: u16) {
        self.send(self.response(status));
    }

    /// Answers. Nothing happens when the transaction is over.
    pub(super) fn send(&self, response: Response) {
        let response = finished(response, &self.server);
        match &self.answers {
            Answers::Invite(events) => _ = events.send(TransactionEvent::Respond(response)),
            Answers::Other(answer, _) => _ = answer.try_send(response),
        }
    }

    /// Answers a request other than an INVITE, and waits until that has been sent: what is sent next does not overtake it.
    pub(super) async fn send_first(&self, response: Response) {
        self.send(response);
        if let Answers::Other(_, is_out) = &self.answers {
            is_out.notified().await;
        }
    }

    /// Tells the transaction about an ACK that came over another socket, so that it stops to repeat its 2xx.
    pub(super) fn acknowledge(&self, ack: &Request) {
        if let Answers::Invite(events) = &self.answers {
            let _ = events.send(TransactionEvent::Received(ack.clone().into(), None));
        }
    }
}

/// A request of ours and the way that it takes.
pub(super) struct Asking {
    /// The request, with its Via.
    pub(super) request: Request,
    /// Over which socket.
    pub(super) lane: Arc<Lane>,
    /// To whom.
    pub(super) peer: SocketAddr,
    /// What to answer a 401 or 407 with.
    pub(super) credentials: Option<Credentials>,
}

impl Asking {
    /// Sends it in a task of its own; responses go to `inbox`.
    pub(super) fn start(self, inbox: mpsc::Sender<Input>) {
        tokio::spawn(async move { self.send(inbox).await });
    }

    /// Sends it before anything that is sent later, and leaves the rest to a task; responses go to `inbox`.
    pub(super) async fn send(self, inbox: mpsc::Sender<Input>) {
        let sent = match self.lane.client(self.request.clone(), self.peer) {
            Some(mut transaction) => transaction.send().await.is_ok().then_some(transaction),
            None => None,
        };
        tokio::spawn(self.follow(sent, inbox));
    }

    /// Hears the answers to what was sent; `None`: it could not be.
    async fn follow(self, sent: Option<Transaction>, inbox: mpsc::Sender<Input>) {
        let unavailable = response(&self.request, 503, "");
        let Some(mut transaction) = sent else {
            let _ = inbox.send(Input::Responded(unavailable)).await;
            return;
        };
        let mut challenged = Vec::new();
        loop {
            let message = tokio::select! {
                message = transaction.receive() => message,
                () = self.lane.closed.cancelled() => {
                    // The connection is gone, and this transaction with it (RFC 3261 §17.1.4).
                    let _ = inbox.send(Input::Responded(unavailable)).await;
                    return;
                }
            };
            let Some(SipMessage::Response(response)) = message else { return };
            let again = self
                .credentials
                .as_ref()
                .filter(|_| may_answer(&mut challenged, &response))
                .and_then(|credentials| authorised(&transaction.original, &response, credentials))
                .map(|request| self.lane.stamped(request, self.peer));
            if let Some(request) = again
                && let Some(mut retry) = self.lane.client(request.clone(), self.peer)
                && retry.send().await.is_ok()
            {
                transaction = retry;
                let _ = inbox.send(Input::Retried(request)).await;
                continue;
            }
            if inbox.send(Input::Responded(response)).await.is_err() && transaction.original.method != Method::Invite {
                return;
            }
        }
    }
}

/// Whether this is a challenge to be met: each kind once, and once more where only the nonce was too old. A password that
/// was wrong is not tried again.
fn may_answer(challenged: &mut Vec<u16>, response: &Response) -> bool {
    let status = response.status_code.code();
    let name = match status {
        401 => "WWW-Authenticate",
        407 => "Proxy-Authenticate",
        _ => return false,
    };
    let before = challenged.iter().filter(|known| **known == status).count();
    challenged.push(status);
    let is_stale = || fields(&response.headers, name).any(|value| value.to_ascii_lowercase().contains("stale=true"));
    before == 0 || (before == 1 && is_stale())
}

/// The request once more, with the next CSeq number and what a 401 or 407 asks for.
fn authorised(request: &Request, response: &Response, credentials: &Credentials) -> Option<Request> {
    let is_proxy = response.status_code.code() == 407;
    let (challenge, reply) =
        if is_proxy { ("Proxy-Authenticate", "Proxy-Authorization") } else { ("WWW-Authenticate", "Authorization") };
    let (method, uri, cnonce) = (request.method.to_string(), request.uri.to_string(), random_text(16));
    let asked = Asked { method: &method, uri: &uri, cnonce: &cnonce };
    let value = answer(fields(&response.headers, challenge), credentials, &asked)?;
    let (number, _) = cseq(request)?;
    let mut again = request.clone();
    again.headers.retain(|header| !header.name().eq_ignore_ascii_case(reply));
    again.headers.unique_push(Header::CSeq(format!("{} {method}", number + 1).into()));
    again.headers.push(Header::Other(reply.to_owned(), value));
    Some(again)
}
