//! `antevox serve`: take calls.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Outcome;
use crate::config::{Flag, Settings, layered};
use crate::server::{Server, telemetry};

/// Where settings are read from when `--config` names no other file.
const CONFIG: &str = "antevox.toml";

/// Take calls.
///
/// Prints one line {"ready":true,"sip":[…],"http":…} when it does. Every setting of antevox.toml can also be given as
/// ANTEVOX_SECTION__KEY; a flag wins over both.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Settings file [default: antevox.toml, where there is one]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// Take SIP calls here, over UDP and TCP; several parted by commas
    #[arg(long, value_name = "ADDR:PORT")]
    sip: Option<String>,
    /// Serve the live page, /health and /metrics here
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<String>,
    /// UDP ports for media
    #[arg(long, value_name = "LOW-HIGH")]
    rtp: Option<String>,
    /// Folder of the embedded store
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Folder of the dialplan
    #[arg(long, value_name = "DIR")]
    dialplan: Option<String>,
    /// Reach humans here, in place of the host in the dialplan's queues
    #[arg(long, value_name = "ADDR:PORT")]
    agents: Option<String>,
    /// Further example sentences, one `text<TAB>scene` a line; several parted by commas
    #[arg(long, value_name = "F.tsv")]
    corpus: Option<String>,
}

impl Serve {
    /// Carries the command out: serves until SIGINT or SIGTERM.
    ///
    /// # Errors
    /// What keeps the server from starting, and how to mend it.
    pub fn run(self) -> Outcome {
        let settings = self.settings()?;
        telemetry::log(settings.log);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome: Outcome = runtime.block_on(async {
            let server = Server::start(settings).await?;
            let mut stdout = std::io::stdout();
            writeln!(stdout, "{}", serde_json::to_string(&server.ready())?)?;
            stdout.flush()?;
            server.run_until(crate::server::shutdown::signal()).await;
            Ok(())
        });
        // Calls have ended and their records are written; nobody waits for the minutes that learning a dialplan anew may take.
        runtime.shutdown_background();
        outcome
    }

    fn settings(&self) -> Result<Settings, Box<dyn std::error::Error + Send + Sync>> {
        let path = self.config.as_deref().unwrap_or(Path::new(CONFIG));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.config.is_none() => None,
            Err(error) => return Err(format!("{}: {error}; name another file with --config", path.display()).into()),
        };
        let flags: Vec<Flag> = [
            ("--sip", "sip.listen", &self.sip),
            ("--http", "http.listen", &self.http),
            ("--rtp", "rtp.ports", &self.rtp),
            ("--data", "store.dir", &self.data),
            ("--dialplan", "hotline.dialplan", &self.dialplan),
            ("--agents", "hotline.agents", &self.agents),
            ("--corpus", "hotline.corpus", &self.corpus),
        ]
        .into_iter()
        .filter_map(|(name, key, value)| Some(Flag { name, key, value: value.clone()? }))
        .collect();
        let file = text.as_deref().map(|text| (path, text));
        layered(file, std::env::vars(), &flags).map_err(|found| format!("the settings do not fit\n{found}").into())
    }
}
