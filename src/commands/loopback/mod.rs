//! A hotline of its own on free ports of this machine, for the commands that call one.
//!
//! ```text
//! callers ─► SIP, RTP ─► server in this process ─► board ─► whoever watches
//!                            └► a colleague who picks up (agent)
//! ```

mod agent;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::{EngineSettings, HotlineSettings, Settings, SipSettings};
use crate::server::board::Board;
use crate::server::sentence_model::Backend;
use crate::server::{Clock, Server};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A server that runs beside the command, with defaults for all that is not said otherwise.
pub(super) struct Loopback {
    /// Where it takes SIP calls.
    sip: String,
    /// Its live page.
    pub(super) http: SocketAddr,
    /// What happens in its calls.
    pub(super) board: Arc<Board>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Loopback {
    /// Starts a server for `hotline`, whose humans are all one colleague, with its store in `store`.
    ///
    /// # Errors
    /// What keeps the server from starting.
    pub(super) async fn start(hotline: HotlineSettings, store: &Path, clock: Clock) -> Result<Self, Failure> {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let agents = Some(agent::start().await?);
        let defaults = Settings::default();
        let settings = Settings {
            sip: SipSettings { listen: vec![here], ..defaults.sip },
            http: here,
            data: store.to_owned(),
            hotline: HotlineSettings { agents, ..hotline },
            // It is used at once and once: what the sentence model learns in its first half minute would come too late.
            engines: EngineSettings { understanding: Backend::Linear, prompts_mb: 0, ..defaults.engines },
            ..defaults
        };
        let server = Server::start_with_clock(settings, clock).await?;
        let (ready, board) = (server.ready(), server.board());
        let sip = ready.sip.iter().find_map(|address| address.strip_prefix("udp:")).ok_or("no UDP address")?.to_owned();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.run_until(async {
            stopped.await.ok();
        }));
        Ok(Self { sip, http: ready.http, board, stop, serving })
    }

    /// Where it is called as `number`.
    pub(super) fn uri(&self, number: &str) -> String {
        format!("sip:{number}@{}", self.sip)
    }

    /// Ends it, once its calls are over.
    ///
    /// # Errors
    /// It broke before.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.stop.send(()).ok();
        Ok(self.serving.await?)
    }
}
