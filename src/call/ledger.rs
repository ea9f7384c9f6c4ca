//! Who said what, when, and how long each step of an answer took.

use super::playout::Heard as Played;
use super::record::{Latency, Party, TurnRecord};
use crate::dialog::Next;
use crate::nlu::{Heard, UserTurn};
use crate::units::SampleTime;

/// What the caller did with words that were answered before they were through.
const WENT_ON: &str = "went on";

/// The turns of a conversation so far.
#[derive(Debug, Default)]
pub struct Ledger {
    turns: Vec<TurnRecord>,
    /// Where the speech began that is being heard.
    began: SampleTime,
    /// The turn of the caller that is being answered: where their speech ended, and its latencies so far.
    answering: Option<(SampleTime, Latency)>,
    /// Position of the server's turn that is being spoken.
    speaking: Option<usize>,
    /// Position of the caller's turn that waits for the first sound of its answer.
    answered: Option<usize>,
}

impl Ledger {
    /// All turns, in order.
    pub fn turns(&self) -> &[TurnRecord] {
        &self.turns
    }

    pub(super) fn server_started(&mut self, text: &str, next: &Next, now: SampleTime) {
        let act = match next {
            Next::Listen(listen) => format!("ask:{:?}", listen.ask()).to_lowercase(),
            Next::Transfer(transfer) => format!("transfer:{}", transfer.queue),
            Next::HangUp => "goodbye".into(),
        };
        self.speaking = Some(self.turns.len());
        self.turns.push(TurnRecord {
            who: Party::Server,
            text: text.to_owned(),
            confidence: 1.0,
            from_ms: now.as_millis(),
            to_ms: now.as_millis(),
            act,
            heard_ms: 0,
            barged_in: false,
            latency: None,
        });
    }

    pub(super) fn server_stopped(&mut self, played: Played, now: SampleTime, barged_in: bool) -> Option<TurnRecord> {
        let turn = self.turns.get_mut(self.speaking.take()?)?;
        turn.to_ms = now.as_millis();
        turn.heard_ms = played.time.as_millis() as u64;
        turn.barged_in = barged_in;
        Some(turn.clone())
    }

    /// The caller began to speak.
    pub(super) fn caller_started(&mut self, from: SampleTime) {
        self.began = from;
    }

    /// The caller was judged to have finished at `now`, with the last sound at `spoke_until`.
    pub(super) fn endpoint(&mut self, spoke_until: SampleTime, now: SampleTime) {
        let latency = Latency { endpoint_ms: since(spoke_until, now), ..Latency::default() };
        self.answering = Some((spoke_until, latency));
    }

    pub(super) fn final_text(&mut self, now: SampleTime) {
        if let Some((spoke_until, latency)) = &mut self.answering {
            latency.final_text_ms = since(*spoke_until, now);
        }
    }

    pub(super) fn caller_turned(&mut self, heard: &Heard, understood: &UserTurn) -> Option<TurnRecord> {
        let (spoke_until, latency) = self.answering?;
        self.answered = Some(self.turns.len());
        let turn = TurnRecord {
            who: Party::Caller,
            text: heard.text.clone(),
            confidence: heard.confidence,
            from_ms: self.began.as_millis(),
            to_ms: spoke_until.as_millis(),
            act: describe(understood),
            heard_ms: 0,
            barged_in: false,
            latency: Some(latency),
        };
        self.turns.push(turn.clone());
        Some(turn)
    }

    /// The caller's last turn was not its end.
    pub(super) fn went_on(&mut self) {
        self.answering = None;
        self.answered = None;
        if let Some(turn) = self.turns.iter_mut().rfind(|turn| turn.who == Party::Caller) {
            turn.act = WENT_ON.into();
        }
    }

    pub(super) fn acted(&mut self, now: SampleTime) {
        if let Some((spoke_until, latency)) = &mut self.answering {
            latency.act_ms = since(*spoke_until, now);
        }
    }

    /// The first sound of an answer was sent.
    pub(super) fn first_audio(&mut self, now: SampleTime) -> Option<Latency> {
        let (spoke_until, mut latency) = self.answering.take()?;
        latency.first_audio_ms = since(spoke_until, now);
        if let Some(turn) = self.answered.take().and_then(|position| self.turns.get_mut(position)) {
            turn.latency = Some(latency);
        }
        Some(latency)
    }
}

fn since(earlier: SampleTime, now: SampleTime) -> u64 {
    now.since(earlier).as_millis() as u64
}

/// What the caller did, in one line: "deny, card_arrival 0.83".
fn describe(understood: &UserTurn) -> String {
    let acts = understood.acts.iter().map(|act| format!("{act:?}").to_lowercase());
    let scene = understood.scenes.first().filter(|_| understood.out_of_scope < 0.5);
    acts.chain(scene.map(|best| format!("{} {:.2}", best.scene, best.p))).collect::<Vec<_>>().join(", ")
}
