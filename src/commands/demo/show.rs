//! What a watcher of the demo sees.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::call::{CallEvent, CallRecord, Happened, Party};

/// Width of the timeline \[characters\].
const WIDTH: u64 = 72;

/// Prints calls as they happen.
#[derive(Default)]
pub(super) struct Show {
    /// The call that is shown; one at a time.
    shown: Mutex<()>,
}

impl Show {
    /// Prints everything that `news` brings.
    pub(super) async fn follow(self: Arc<Self>, mut news: Receiver<Arc<CallEvent>>) {
        loop {
            match news.recv().await {
                Ok(event) => self.print(&event),
                Err(RecvError::Lagged(missed)) => println!("  ({missed} events were not shown)"),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn print(&self, event: &CallEvent) {
        let _one_at_a_time = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let at = event.at_ms as f64 / 1_000.0;
        match &event.what {
            Happened::Identified { member, guess, .. } => {
                match member {
                    Some(member) => {
                        note(at, &format!("member {} ({:.0} %, {})", member.id, member.confidence * 100.0, member.how))
                    }
                    None => note(at, "nobody we know"),
                }
                for guess in guess.iter().filter(|guess| guess.p >= 0.05) {
                    note(at, &format!("guess {:>3.0} %  {}: {}", guess.p * 100.0, guess.scene, guess.why));
                }
            }
            Happened::Speaking { text } => line(at, "server", "34", text),
            Happened::Aside { text } => note(at, &format!("the server says beside the turns: {text}")),
            Happened::Ducked => note(at, "the caller makes a sound: prompt turned down"),
            Happened::Restored => note(at, "not an interruption: prompt back up"),
            Happened::WentOn => note(at, "went on: answer taken back"),
            Happened::BargedIn => note(at, "interrupted: prompt stopped"),
            Happened::Turned(turn) if turn.who == Party::Caller => {
                line(at, "caller", "32", &turn.text);
                note(at, &format!("heard with {:.0} % confidence: {}", turn.confidence * 100.0, turn.act));
            }
            Happened::Answered { latency } => note(
                at,
                &format!(
                    "answered {} ms after the caller's last sound (turn over {}, words {}, decided {})",
                    latency.first_audio_ms, latency.endpoint_ms, latency.final_text_ms, latency.act_ms
                ),
            ),
            Happened::Problem { scene, confirmed } => {
                note(at, &format!("problem: {scene}{}", if *confirmed { ", confirmed" } else { "" }));
            }
            Happened::Transferring { target, reason } => note(at, &format!("to {target} ({reason})")),
            Happened::Transferred => note(at, "a human has taken over"),
            Happened::TransferFailed => note(at, "nobody took over"),
            Happened::Ended { record } => summary(record),
            Happened::Started { .. }
            | Happened::Listening { .. }
            | Happened::Hearing { .. }
            | Happened::Turned(_)
            | Happened::Held
            | Happened::Resumed => {}
        }
    }
}

fn line(at: f64, who: &str, colour: &str, text: &str) {
    if std::io::stdout().is_terminal() {
        println!("{at:6.1}  \x1b[{colour}m{who}\x1b[0m  {text}");
    } else {
        println!("{at:6.1}  {who}  {text}");
    }
}

fn note(at: f64, text: &str) {
    if std::io::stdout().is_terminal() {
        println!("{at:6.1}          \x1b[2m{text}\x1b[0m");
    } else {
        println!("{at:6.1}          {text}");
    }
}

/// How the call ended, and who spoke when.
fn summary(record: &CallRecord) {
    let outcome = format!("{:?}", record.outcome).to_lowercase();
    let scene = record.scene.as_deref().unwrap_or("no problem found");
    println!("   end  {outcome}: {scene}; {:?} hung up", record.hangup_by);
    let end = record.turns.iter().map(|turn| turn.to_ms).max().unwrap_or_default().max(1);
    for (name, who) in [("server", Party::Server), ("caller", Party::Caller)] {
        let mut bar = vec!['·'; WIDTH as usize];
        for turn in record.turns.iter().filter(|turn| turn.who == who) {
            let from = (turn.from_ms * WIDTH / end).min(WIDTH - 1) as usize;
            let to = (turn.to_ms * WIDTH / end).min(WIDTH - 1) as usize;
            bar[from..=to.max(from)].fill('█');
        }
        println!("        {name}  {}", bar.into_iter().collect::<String>());
    }
    println!("                0 s{:>width$.1} s", end as f64 / 1_000.0, width = WIDTH as usize - 5);
}
