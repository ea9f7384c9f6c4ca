//! `antevox calls`: show what happened in past calls.

use std::path::PathBuf;

use jiff::Zoned;
use serde_json::{Value, json};

use super::Outcome;
use crate::server::store::{Appointment, Record, Store};

/// Show what happened in past calls.
#[derive(Debug, clap::Args)]
pub struct Calls {
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Only the last N calls.
    #[arg(long, value_name = "N")]
    last: Option<u32>,
    /// Print whole call records, one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Show who is to be called back instead, the next one first.
    #[arg(long, conflicts_with = "last")]
    appointments: bool,
}

impl Calls {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    #[tokio::main(flavor = "current_thread")]
    pub async fn run(self) -> Outcome {
        let store = Store::open_existing(&self.data).await?;
        if self.appointments {
            let from = Zoned::now().datetime().date().to_string();
            let appointments = store.appointments(&from).await?;
            store.close().await;
            return print_appointments(&appointments, self.json);
        }
        let records = store.records(self.last).await?;
        store.close().await;
        if self.json {
            records.iter().for_each(|record| println!("{}", record.json));
        } else {
            print_table(&records);
        }
        Ok(())
    }
}

/// Those of today and later.
fn print_appointments(appointments: &[Appointment], json: bool) -> Outcome {
    if json {
        for Appointment { call_id, phone, at, scene } in appointments {
            println!("{}", json!({ "at": at, "phone": phone, "scene": scene, "call_id": call_id }));
        }
        return Ok(());
    }
    println!("{:<18} {:<14} {:<34} call", "at", "phone", "scene");
    for Appointment { call_id, phone, at, scene } in appointments {
        println!("{at:<18} {:<14} {:<34} {call_id}", phone.0, scene.as_deref().unwrap_or("–"));
    }
    println!("{} appointments", appointments.len());
    Ok(())
}

fn print_table(records: &[Record]) {
    println!("{:<20} {:<14} {:<20} {:<34} {:<12} turns", "started", "from", "member", "scene", "outcome");
    for record in records {
        let call: Value = serde_json::from_str(&record.json).unwrap_or_default();
        let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str).unwrap_or("–").to_owned();
        let turns = call.pointer("/turns").and_then(Value::as_array).map_or(0, Vec::len);
        println!(
            "{:<20} {:<14} {:<20} {:<34} {:<12} {turns}",
            record.started_at.chars().take(19).collect::<String>(),
            text("/from"),
            text("/member/id"),
            text("/scene"),
            text("/outcome"),
        );
    }
    println!("{} calls", records.len());
}
