//! `antevox identify`: tell who calls, about which order and problem.
//!
//! ```text
//! --train                 store ─► History ─► Model ─► store
//! --calls F -o OUT        store, call (number, time) ─► Identified ─► a line of OUT     --truth: how often right
//! --order-descriptions F  store, words ─► ranked orders ─► accuracy
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Outcome;
use crate::identify::describe::{Described, rank};
use crate::identify::{CallerFacts, Identified, Model, PastCall, identify, identify_stated, train};
use crate::server::store::Store;
use crate::units::{Pii, Scene};
use score::Truth;

mod score;

/// Tell who calls, about which order and problem.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("task").required(true).args(["train", "calls", "order_descriptions"])))]
pub struct Identify {
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Learn from the past calls in the store.
    #[arg(long)]
    train: bool,
    /// Identify these calls: a table with call_id, phone, at.
    #[arg(long, value_name = "F.csv", requires = "output")]
    calls: Option<PathBuf>,
    /// Where to write what was identified.
    #[arg(short, long, value_name = "F.csv")]
    output: Option<PathBuf>,
    /// Compare with the truth: a table with call_id, member_id, main_scene, scene, order_id. Prints JSON figures.
    #[arg(long, value_name = "F.csv", requires = "calls")]
    truth: Option<PathBuf>,
    /// Which callers can state their registered number (call_id, can_state_mobile); without it, all can.
    #[arg(long, value_name = "F.jsonl", requires = "truth")]
    callers: Option<PathBuf>,
    /// Rank orders by how callers describe them (member_id, at, text, order_id). Prints the accuracy as JSON.
    #[arg(long, value_name = "F.jsonl")]
    order_descriptions: Option<PathBuf>,
}

/// A row of `--calls`.
#[derive(Debug, Deserialize)]
struct NewCall {
    call_id: String,
    phone: String,
    at: DateTime,
}

/// A line of `--order-descriptions`.
#[derive(Debug, Deserialize)]
struct Description {
    member_id: String,
    at: DateTime,
    text: String,
    order_id: String,
}

impl Identify {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    #[tokio::main(flavor = "current_thread")]
    pub async fn run(self) -> Outcome {
        let store = Store::open_existing(&self.data).await?;
        if self.train {
            let trained = train(&store.history().await?, &store.rules()?)?;
            store.save_model(&trained.model).await?;
            let held_out = json!({ "top1": trained.held_out.top1, "top3": trained.held_out.top3 });
            let calls = trained.model.trained_on();
            let temperature = trained.model.temperature();
            println!("{}", json!({ "trained_on": calls, "temperature": temperature, "held_out": held_out }));
        }
        let model = store.model().await?;
        if let (Some(calls), Some(output)) = (&self.calls, &self.output) {
            let calls: Vec<NewCall> = read_csv(calls)?;
            let identified = identify_all(&store, &model, &calls).await?;
            write_identified(output, &calls, &identified)?;
            if let Some(truth) = &self.truth {
                let truth = Truth::read(truth, self.callers.as_deref())?;
                let after_asking = ask(&store, &model, &calls, &identified, &truth).await?;
                let ids: Vec<&str> = calls.iter().map(|call| call.call_id.as_str()).collect();
                let figures = json!({
                    "calls": calls.len(),
                    "at_once": truth.figures(&ids, &identified),
                    "after_asking": truth.figures(&ids, &after_asking),
                });
                println!("{figures:#}");
            }
        }
        if let Some(file) = &self.order_descriptions {
            println!("{}", describe_all(&store, &model, &read_json_lines(file)?).await?);
        }
        store.close().await;
        Ok(())
    }
}

/// Identifies calls in the order of their times. What an earlier one was about is not known, but that it came is.
async fn identify_all(
    store: &Store,
    model: &Model,
    calls: &[NewCall],
) -> Result<Vec<Identified>, Box<dyn std::error::Error + Send + Sync>> {
    let mut by_phone: BTreeMap<&str, Vec<&NewCall>> = BTreeMap::new();
    for call in calls {
        by_phone.entry(&call.phone).or_default().push(call);
    }
    let mut identified = Vec::with_capacity(calls.len());
    for call in calls {
        let mut facts = store.caller_facts(&call.phone, call.at).await?;
        let earlier = by_phone.get(call.phone.as_str()).into_iter().flatten().filter(|earlier| earlier.at < call.at);
        facts.calls.extend(earlier.map(|earlier| unexplained(earlier)));
        identified.push(identify(model, &facts, call.at));
    }
    Ok(identified)
}

/// What is known once everybody who is worth asking was asked for the registered number, and said it if they can.
async fn ask(
    store: &Store,
    model: &Model,
    calls: &[NewCall],
    identified: &[Identified],
    truth: &Truth,
) -> Result<Vec<Identified>, Box<dyn std::error::Error + Send + Sync>> {
    let mut after = Vec::with_capacity(calls.len());
    for (call, known) in calls.iter().zip(identified) {
        let stated = truth.stated(&call.call_id).filter(|_| known.ask_number);
        let facts = match stated {
            Some(member_id) => store.facts_of_member(member_id, call.at).await?,
            None => CallerFacts::default(),
        };
        after.push(match facts.members.first() {
            Some(member) => identify_stated(model, &facts, member, call.at),
            None => known.clone(),
        });
    }
    Ok(after)
}

/// A call of which nothing is known but that it came.
fn unexplained(call: &NewCall) -> PastCall {
    PastCall {
        call_id: call.call_id.clone(),
        phone: Pii(call.phone.clone()),
        member_id: String::new(),
        at: call.at,
        main_scene: Scene::from(""),
        scene: Scene::from(""),
        order_id: None,
        resolved: true,
        is_repeat: false,
    }
}

fn write_identified(path: &Path, calls: &[NewCall], identified: &[Identified]) -> Outcome {
    let at_path = |error: csv::Error| format!("{}: {error}", path.display());
    let mut out = csv::Writer::from_path(path).map_err(at_path)?;
    out.write_record([
        "call_id",
        "member_id",
        "member_p",
        "ask_number",
        "order_id",
        "order_p",
        "scene1",
        "p1",
        "scene2",
        "p2",
        "scene3",
        "p3",
    ])
    .map_err(at_path)?;
    for (call, known) in calls.iter().zip(identified) {
        let mut cells = vec![call.call_id.clone()];
        let member = known.member.as_ref();
        cells.extend(pair(member.map(|guess| (guess.member.member_id.as_str(), guess.p))));
        cells.push(if known.ask_number { "1" } else { "0" }.to_owned());
        cells.extend(pair(known.orders.first().map(|guess| (guess.order.order_id.as_str(), guess.p))));
        for rank in 0..3 {
            cells.extend(pair(known.scenes.get(rank).map(|guess| (guess.scene.as_str(), guess.p))));
        }
        out.write_record(&cells).map_err(at_path)?;
    }
    out.flush().map_err(|error| at_path(error.into()))?;
    Ok(())
}

/// Two cells: what, and its probability; both empty for nothing.
fn pair(guess: Option<(&str, f32)>) -> [String; 2] {
    guess.map_or_else(|| [String::new(), String::new()], |(id, p)| [id.to_owned(), format!("{p:.4}")])
}

async fn describe_all(
    store: &Store,
    model: &Model,
    descriptions: &[Description],
) -> Result<serde_json::Value, Box<dyn std::error::Error + Send + Sync>> {
    let mut right = 0;
    for said in descriptions {
        let facts = store.facts_of_member(&said.member_id, said.at).await?;
        let context = model.guess(&facts, &[(&said.member_id, 1.0)], said.at).orders;
        let ranked = rank(&facts.orders, &context, &Described::read(&said.text, said.at), said.at);
        right += usize::from(ranked.first().is_some_and(|first| first.order.order_id == said.order_id));
    }
    let accuracy = right as f64 / descriptions.len().max(1) as f64;
    Ok(json!({ "accuracy": accuracy, "descriptions": descriptions.len() }))
}

fn read_csv<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, String> {
    let name = path.display();
    let mut reader = csv::Reader::from_path(path).map_err(|error| format!("{name}: {error}"))?;
    let rows = reader.deserialize().enumerate();
    rows.map(|(i, row)| row.map_err(|error| format!("{name}:{}: {error}", i + 2))).collect()
}

fn read_json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(i, line)| serde_json::from_str(line).map_err(|error| format!("{name}:{}: {error}", i + 1))).collect()
}
