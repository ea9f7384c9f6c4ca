//! `antevox media`: what a bad line costs, in virtual time and with the real media path: delay, words, keys that nobody
//! pressed. `benches/media` runs it and draws its figures.

mod keys;
mod trip;
mod words;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use self::trip::Trip;
use super::Outcome;
use crate::rtp::network::Network;
use crate::sdp::Codec;

/// Measure what a bad line costs.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct MediaBench {
    /// Where the acoustic models are.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// What the recogniser expects.
    #[arg(long, default_value = "dialplans/hotline-en")]
    dialplan: PathBuf,
    /// Sentences to say, `id<TAB>voice<TAB>scene<TAB>text<TAB>again` after a line of names.
    #[arg(long, default_value = "fixtures/calls/sentences.tsv")]
    sentences: PathBuf,
    /// Say only so many of them.
    #[arg(long)]
    most: Option<usize>,
    /// Folders of recorded speech, in which nobody presses keys.
    #[arg(long, value_name = "DIR")]
    speech: Vec<PathBuf>,
    /// What to measure.
    #[arg(value_enum, required = true)]
    figures: Vec<Figure>,
}

/// Something to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Figure {
    /// Delay of the jitter buffer, by jitter and loss.
    Delay,
    /// Word error rate, by what happens to packets.
    Words,
    /// Keys heard in speech, and through noise.
    Keys,
}

impl MediaBench {
    /// Carries the command out: prints one JSON object.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        let mut report = serde_json::Map::new();
        for figure in &self.figures {
            match figure {
                Figure::Delay => report.insert("delay".to_owned(), delays()),
                Figure::Words => report.insert("words".to_owned(), words::errors(&self)?),
                Figure::Keys => report.insert("keys".to_owned(), keys::count(&self.speech)?),
            };
        }
        println!("{}", Value::Object(report));
        Ok(())
    }
}

/// How long each line of the table is listened to.
const LISTENED: Duration = Duration::from_secs(60);
/// Draws of each network.
const SEEDS: u64 = 3;

/// Delay and late loss on a table of networks, PCMU in packets of 20 ms.
fn delays() -> Value {
    let mut rows = Vec::new();
    for jitter in [0, 20, 40, 60, 100, 150, 200] {
        for loss in [0.0, 0.05, 0.2] {
            for overtakes in [true, false] {
                let network = Network { jitter: Duration::from_millis(jitter), loss, overtakes, ..Network::PERFECT };
                rows.push(delay(network));
            }
        }
    }
    Value::Array(rows)
}

fn delay(network: Network) -> Value {
    let (mut delays, mut late, mut packets, mut concealed) = (Vec::new(), 0, 0, 0);
    let hum: Vec<i16> = (0..LISTENED.as_secs() as usize * 16_000)
        // A voice that speaks for a second and is silent for half of one.
        .map(|n| if n % 24_000 < 16_000 { (6_000.0 * (n as f32 * 0.061).sin()) as i16 } else { 0 })
        .collect();
    for seed in 0..SEEDS {
        let arrived = Trip { network: Network { seed, ..network }, codec: Codec::Pcmu, ptime_ms: 20 }.carry(&hum);
        delays.extend(arrived.delays);
        late += arrived.stats.late;
        packets += arrived.stats.packets;
        concealed += arrived.concealed;
    }
    delays.sort_by(f32::total_cmp);
    let at = |q: f64| delays.get((q * delays.len() as f64) as usize).copied();
    json!({
        "jitter_ms": network.jitter.as_millis() as u64, "loss": network.loss, "overtakes": network.overtakes,
        "delay_ms": {"p50": at(0.5), "p95": at(0.95), "max": delays.last()},
        "late": late as f64 / packets.max(1) as f64,
        "concealed": concealed as f64 / delays.len().max(1) as f64,
    })
}
