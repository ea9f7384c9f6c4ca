//! `antevox import`: read CSV tables into the store.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use serde_json::json;

use super::Outcome;
use crate::server::store::Store;

/// Read CSV tables into the store: members, phone_history, phone_blacklist, orders, events, calls, scenes.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// Folder with the tables; other files in it are left alone.
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Import {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy; for mistakes in tables, one for each.
    #[tokio::main(flavor = "current_thread")]
    pub async fn run(self) -> Outcome {
        let store = Store::open(&self.data).await?;
        let watched = std::io::stderr().is_terminal();
        let mut progress = |table: &'static str, rows: usize| {
            if watched {
                // A terminal that cannot be written to shows no progress, and that is all.
                let _ = write!(std::io::stderr(), "\r\x1b[K{table}: {rows}");
            }
        };
        let imported = store.import(&self.from, &mut progress).await;
        if watched {
            eprint!("\r\x1b[K");
        }
        let imported = imported?;
        store.close().await;
        if self.json {
            let rows: serde_json::Map<_, _> =
                imported.0.iter().map(|(table, rows)| ((*table).to_owned(), json!(rows))).collect();
            println!("{}", json!({ "imported": rows }));
        } else {
            imported.0.iter().for_each(|(table, rows)| println!("{table:<16} {rows:>8} rows"));
        }
        Ok(())
    }
}
