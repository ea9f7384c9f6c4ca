//! The tokio edge: sockets, threads, files and clocks.
//!
//! ```text
//! Settings ─► Server::start ─► House (hotline, engines, store, board) ─┬─► sip: one task a call (calls)
//!                                                                     └─► http: live page, /health, /metrics
//! ```
//!
//! Everything that can be wrong is found at the start, and said with its remedy; a server that has printed its ready line
//! takes calls.

#![allow(clippy::disallowed_methods, reason = "the edge reads the clock, so that nothing below needs one")]

pub mod actions;
pub mod board;
pub mod calls;
mod certificate;
pub mod dialplan_files;
pub mod engines;
pub mod hotline;
pub mod http;
pub mod http_client;
mod learned;
pub mod recording;
mod rendering;
pub mod rtp;
pub mod sentence_model;
pub mod shelf;
pub mod shutdown;
pub mod sip;
pub mod sounds;
mod start;
pub mod store;
pub mod telemetry;
pub mod who;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;
use tokio::sync::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use start::StartError;

use crate::call::{CallOutcome, CallRecord, LookUp};
use crate::config::Encryption;
use crate::identify::{self, Identified, PastCall};
use crate::rtp::dtls::Engine;
use crate::sdp::Codec;
use crate::units::Pii;
use board::Board;
use engines::{EarPool, MouthPool};
use recording::Recorder;
use rtp::RtpPorts;
use shelf::HotlineShelf;
use sip::SipEdge;
use store::{Store, StoreError};

/// How long live calls may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What time it is, for a call to this number.
///
/// Everything that a call has to do with dates goes by it: who calls and what it may be about is judged by what was known
/// at that time. Somebody who lets past callers call again gives each of them the time of their call, since their orders and
/// events would be months old, or not have happened yet, by the clock on the wall. One clock for the whole server would not
/// do: two such callers may be in calls at once. Media, timers and figures go by [`Instant`](std::time::Instant) always.
pub type Clock = Arc<dyn Fn(&str) -> Zoned + Send + Sync>;

/// What every call of this server uses.
pub struct House {
    /// Dialplan and understanding for the next call.
    pub hotlines: Arc<HotlineShelf>,
    /// Guesses what a call is about.
    pub guess: RwLock<identify::Model>,
    /// Held while it learns from a call: of two that end together, what the first taught is not overwritten.
    pub learning: Mutex<()>,
    /// Members, orders, events, records.
    pub store: Store,
    /// Recognisers.
    pub ears: EarPool,
    /// Synthesisers.
    pub mouths: MouthPool,
    /// Signalling, for second legs.
    pub sip: SipEdge,
    /// Media sockets.
    pub ports: RtpPorts,
    /// What is spoken over them, best first.
    pub codecs: Vec<Codec>,
    /// Whether it is protected.
    pub encryption: Encryption,
    /// Shakes hands for keys; `None` where nothing is protected.
    pub engine: Option<Arc<Engine>>,
    /// Where calls are recorded, if they are.
    pub recorder: Option<Recorder>,
    /// Said before the greeting, if anything is.
    pub announcement: Option<String>,
    /// Who watches.
    pub board: Arc<Board>,
    /// What time it is for a call.
    pub clock: Clock,
    /// When the server started: part of call ids.
    pub started: Timestamp,
    /// Cancelled when the calls that are still up must end.
    pub hang_up: CancellationToken,
}

impl House {
    /// Who is behind a number, and what the call may be about. A store that does not answer makes the caller a stranger.
    pub async fn identify(&self, whose: &LookUp, now: DateTime) -> Identified {
        let model = self.guess.read().await;
        who::identify(&self.store, &model, whose, now).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the caller cannot be looked up");
            Identified::default()
        })
    }

    /// Keeps the record of a call, and learns from it what the next one may be about.
    pub async fn keep(&self, record: &CallRecord) {
        let kept = match serde_json::to_string(record) {
            Ok(json) => self.store.save_record(&record.call_id.0, &record.started_at.to_string(), &json).await,
            Err(error) => return tracing::error!(%error, "a record cannot be written"),
        };
        if let Err(error) = kept {
            tracing::error!(%error, "a record was not kept");
        }
        if let Some(call) = past_call(record)
            && let Err(error) = self.learn(call).await
        {
            tracing::error!(%error, "nothing was learned from the call");
        }
    }

    async fn learn(&self, mut call: PastCall) -> Result<(), StoreError> {
        let _in_order = self.learning.lock().await;
        // By member: the caller may have stated another number than the one that called.
        let facts = self.store.facts_of_member(&call.member_id, call.at).await?;
        call.is_repeat =
            facts.calls.iter().any(|earlier| earlier.member_id == call.member_id && earlier.scene == call.scene);
        self.store.note_call(&call).await?;
        let learned = {
            let mut model = self.guess.write().await;
            model.learn(&facts, &call);
            model.clone()
        };
        self.store.save_model(&learned).await
    }
}

/// A call whose caller and problem are known, as a row of the store.
fn past_call(record: &CallRecord) -> Option<PastCall> {
    Some(PastCall {
        call_id: record.call_id.to_string(),
        phone: Pii(record.from.clone()),
        member_id: record.member.as_ref()?.id.clone(),
        at: record.started_at.to_zoned(TimeZone::system()).datetime(),
        main_scene: record.main_scene.as_deref()?.into(),
        scene: record.scene.as_deref()?.into(),
        order_id: record.order.as_ref().map(|order| order.id.clone()),
        resolved: record.outcome == CallOutcome::Resolved,
        is_repeat: false,
    })
}

/// Where a running server is reached.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// Always true.
    pub ready: bool,
    /// `udp:127.0.0.1:5060` …
    pub sip: Vec<String>,
    /// The live page.
    pub http: SocketAddr,
}

/// A server that takes calls.
pub struct Server {
    ready: Ready,
    board: Arc<Board>,
    sip: SipEdge,
    tasks: TaskTracker,
    /// Cancelled when no more calls are taken.
    closing: CancellationToken,
    hang_up: CancellationToken,
}

impl Server {
    /// Where it is reached.
    pub fn ready(&self) -> Ready {
        self.ready.clone()
    }

    /// What happens in its calls.
    pub fn board(&self) -> Arc<Board> {
        self.board.clone()
    }

    /// Serves until `stop`, then takes no more calls, lets those that are up go on for a while, and ends.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        stop.await;
        tracing::info!(calls = self.board.calls_up(), "stopping");
        self.sip.gate().set_limit(0);
        self.sip.unregister().await;
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_err() {
            self.hang_up.cancel();
            tokio::time::timeout(GRACE, self.tasks.wait()).await.ok();
        }
    }
}
