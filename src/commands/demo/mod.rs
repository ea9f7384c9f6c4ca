//! `antevox demo`: show three spoken calls live.
//!
//! ```text
//! antevox call (a process of its own) ─► SIP, RTP ─► server with the demo set (loopback) ─► board ─► this terminal
//! ```

mod show;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Zoned;
use tokio::process::Command;

use super::Outcome;
use super::loopback::Loopback;
use crate::config::{HotlineSettings, Settings};
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
        println!("Starting a hotline: learning the dialplan, loading the models …");
        let hotline = HotlineSettings { dialplan: self.dialplan, ..Settings::default().hotline };
        let server = Loopback::start(hotline, store.path(), Arc::new(|_| Zoned::now())).await?;
        println!("Live page: http://{}", server.http);
        let uri = server.uri("95188");
        let show = Arc::new(Show::default());
        let shown = tokio::spawn(show.clone().follow(server.board.watch()));
        for (number, scenario) in SCENARIOS.iter().enumerate() {
            println!("\n━━ {}. {}, called from {}", number + 1, scenario.title, scenario.from);
            call(&uri, scenario).await?;
            tokio::time::sleep(PAUSE).await;
        }
        let stopped = server.stop().await;
        shown.abort();
        stopped
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
