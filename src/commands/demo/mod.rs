//! `antevox demo`: show three spoken calls live.
//!
//! ```text
//! antevox call (a process of its own) ─► SIP, RTP ─► server with the demo set ─► board ─► this terminal
//!                                                        └► a colleague who picks up (agent)
//! ```

mod agent;
mod show;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::oneshot;

use super::Outcome;
use crate::config::{Flag, layered};
use crate::server::Server;
use show::Show;

/// Show three spoken calls live.
///
/// A server of its own is started on free ports, with the demo set and an empty store.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Folder of the dialplan
    #[arg(long, value_name = "DIR", default_value = "dialplans/hotline-en")]
    dialplan: PathBuf,
}

/// One of the calls.
struct Scenario {
    title: &'static str,
    from: &'static str,
    voice: &'static str,
    steps: &'static [&'static str],
}

/// The callers are members of the demo set: fixtures/README.md tells their stories.
const SCENARIOS: [Scenario; 3] = [
    Scenario {
        title: "The guess is right",
        from: "13800000001",
        voice: "rms",
        steps: &["listen", "text:yes please", "listen", "text:no thank you, goodbye", "listen:2"],
    },
    Scenario {
        title: "The guess is wrong: the caller says so over the prompt",
        from: "13800000002",
        voice: "awb",
        steps: &[
            "barge:3:text:no, it's about my card, it has not arrived yet",
            "listen",
            "text:yes",
            "listen",
            "text:no thanks, goodbye",
            "listen:2",
        ],
    },
    Scenario {
        title: "The caller wants a human",
        from: "13900000000",
        voice: "rms",
        steps: &["listen", "text:i want to talk to a person please", "listen:3", "text:hello, thank you", "wait:1"],
    },
];

/// Pause between two calls, so that they can be told apart.
const PAUSE: Duration = Duration::from_secs(1);

impl Demo {
    /// Carries the command out.
    ///
    /// # Errors
    /// The server cannot start, or a call did not go as planned.
    pub fn run(self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.play())
    }

    async fn play(self) -> Outcome {
        let store = tempfile::tempdir()?;
        let agent = agent::start().await?;
        println!("Starting a hotline: learning the dialplan, loading the models …");
        let flag = |name, key, value: String| Flag { name, key, value };
        let settings = layered(
            None,
            [],
            &[
                flag("--sip", "sip.listen", "127.0.0.1:0".into()),
                flag("--http", "http.listen", "127.0.0.1:0".into()),
                flag("--data", "store.dir", store.path().display().to_string()),
                flag("--dialplan", "hotline.dialplan", self.dialplan.display().to_string()),
                flag("--agents", "hotline.agents", agent.to_string()),
            ],
        )
        .map_err(|found| found.to_string())?;
        let server = Server::start(settings).await?;
        let ready = server.ready();
        println!("Live page: http://{}", ready.http);
        let uri = ready.sip.iter().find_map(|address| address.strip_prefix("udp:")).ok_or("no UDP address")?;
        let uri = format!("sip:95188@{uri}");
        let board = server.board();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.run_until(async {
            stopped.await.ok();
        }));
        let show = Arc::new(Show::default());
        let shown = tokio::spawn(show.clone().follow(board.watch()));
        for (number, scenario) in SCENARIOS.iter().enumerate() {
            println!("\n━━ {}. {}, called from {}", number + 1, scenario.title, scenario.from);
            call(&uri, scenario).await?;
            tokio::time::sleep(PAUSE).await;
        }
        stop.send(()).ok();
        serving.await?;
        shown.abort();
        Ok(())
    }
}

/// Places a call as any other caller would: from another process, over real sockets.
async fn call(uri: &str, scenario: &Scenario) -> Outcome {
    let output = Command::new(std::env::current_exe()?)
        .args(["call", uri, "--json", "--from", scenario.from, "--voice", scenario.voice])
        .args(scenario.steps)
        .output()
        .await?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    // The server hangs up first after a goodbye, which is no mistake of the script.
    if report["answered"] == true {
        return Ok(());
    }
    Err(format!("the call was not answered: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}
