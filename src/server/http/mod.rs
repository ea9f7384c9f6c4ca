//! The HTTP side: a live page, `/health`, `/metrics`, and the calls as JSON.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page, embedded in the binary |
//! | `/health` | 200 while calls are taken, 503 while shutting down; the dialplan's edition, and why a newer one is refused |
//! | `/metrics` | Prometheus text |
//! | `/api/calls` | `{"live": [[event…]…], "recent": [[event…]…]}` |
//! | `/api/calls/ID/recording/pause`, `…/resume` | POST: leaves out what is said meanwhile; 404 where that call is not recorded |
//! | `/api/events` | WebSocket: each [`CallEvent`](crate::call::CallEvent) as it happens, one JSON text message each |

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::ws::{Message, WebSocket};
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::recording::Recorder;
use super::shelf::HotlineShelf;
use crate::units::CallId;

/// What the page shows.
#[derive(Clone)]
pub struct Site {
    /// Calls.
    pub board: Arc<Board>,
    /// The dialplan in service.
    pub hotlines: Arc<HotlineShelf>,
    /// Recordings.
    pub recorder: Option<Recorder>,
    /// Figures.
    pub metrics: PrometheusHandle,
    /// Cancelled when no more calls are taken.
    pub closing: CancellationToken,
}

/// Serves `site` at `listener` until it is closing.
///
/// # Errors
/// The listener broke.
pub async fn serve(listener: TcpListener, site: Site) -> std::io::Result<()> {
    let closing = site.closing.clone();
    let router = Router::new()
        .route("/", get(page))
        .route("/health", get(health))
        .route("/metrics", get(figures))
        .route("/api/calls", get(calls))
        .route("/api/calls/{id}/recording/{what}", post(recording))
        .route("/api/events", get(events))
        .with_state(site);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(closing.cancelled_owned()).await
}

async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

async fn health(State(site): State<Site>) -> Response {
    let is_open = !site.closing.is_cancelled();
    let answer = json!({ "ok": is_open, "calls": site.board.calls_up(), "dialplan": site.hotlines.serving() });
    let status = if is_open { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(answer)).into_response()
}

async fn figures(State(site): State<Site>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], site.metrics.render()).into_response()
}

async fn calls(State(site): State<Site>) -> Response {
    Json(json!({ "live": site.board.live(), "recent": site.board.recent() })).into_response()
}

/// Pauses a recording, or goes on with it.
async fn recording(State(site): State<Site>, Path((id, what)): Path<(String, String)>) -> StatusCode {
    let is_paused = match what.as_str() {
        "pause" => true,
        "resume" => false,
        _ => return StatusCode::NOT_FOUND,
    };
    let is_recorded = site.recorder.is_some_and(|recorder| recorder.pause(&CallId(id.into()), is_paused));
    if is_recorded { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn events(State(site): State<Site>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| follow(socket, site))
}

/// Sends every event until the watcher leaves. One that lags is told to reload.
async fn follow(mut socket: WebSocket, site: Site) {
    let mut news = site.board.watch();
    loop {
        let text = tokio::select! {
            () = site.closing.cancelled() => return,
            incoming = socket.recv() => match incoming {
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            event = news.recv() => match event {
                Ok(event) => serde_json::to_string(&*event).unwrap_or_default(),
                Err(RecvError::Lagged(missed)) => json!({ "event": "lagged", "missed": missed }).to_string(),
                Err(RecvError::Closed) => return,
            },
        };
        if socket.send(Message::Text(text.into())).await.is_err() {
            return;
        }
    }
}
