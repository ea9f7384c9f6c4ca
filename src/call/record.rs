//! The record of a call: one JSON object, kept in the store and printed by `antevox calls`.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Call, Identified};
use crate::dialog::Progress;
use crate::dialog::policy::Decision;
use crate::units::CallId;

/// An order that was probably meant.
const LIKELY: f32 = 0.5;

/// Everything that is kept of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Our name for it.
    pub call_id: CallId,
    /// `inbound` or `outbound`.
    pub direction: Direction,
    /// Calling number.
    pub from: String,
    /// Called number.
    pub to: String,
    /// When the INVITE came.
    pub started_at: Timestamp,
    /// When it was answered, if it was.
    pub answered_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Who hung up.
    pub hangup_by: Party,
    /// Who called.
    pub member: Option<MemberRecord>,
    /// The order that it was about.
    pub order: Option<OrderRecord>,
    /// What it was expected to be about, by falling probability.
    pub guess: Vec<GuessRecord>,
    /// Whether the guess was said aloud.
    pub guess_spoken: bool,
    /// Who said what.
    pub turns: Vec<TurnRecord>,
    /// The problem that stood in the end.
    pub scene: Option<String>,
    /// Its main scene.
    pub main_scene: Option<String>,
    /// Whether a problem stood at all.
    pub identified: bool,
    /// Whether the caller said yes to it.
    pub confirmed: bool,
    /// Caller utterances until it stood.
    pub turns_to_problem: u32,
    /// What the dialog knew when it decided what to ask, and what it decided.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// How it ended.
    pub outcome: CallOutcome,
    /// Where it went, if to a human.
    pub transfer: Option<TransferRecord>,
    /// The line, as far as RTP tells.
    pub rtp: Option<RtpRecord>,
    /// File name of the recording.
    pub recording: Option<String>,
}

/// Which way a call was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To us.
    Inbound,
    /// By us.
    Outbound,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The person who called.
    Caller,
    /// The hotline.
    Server,
    /// The human who took over.
    Agent,
}

/// Who called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Member id.
    pub id: String,
    /// Probability that it is right.
    pub confidence: f32,
    /// The evidence.
    pub how: String,
}

/// The order in question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Order id.
    pub id: String,
    /// Product, may be empty.
    pub product: String,
    /// Probability that it is the one.
    pub confidence: f32,
}

/// One candidate for the problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuessRecord {
    /// Scene.
    pub scene: String,
    /// Probability.
    pub p: f32,
    /// The evidence.
    pub why: String,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnRecord {
    /// Whose.
    pub who: Party,
    /// What was said, or was to be said.
    pub text: String,
    /// Recognition confidence; 1 for the server.
    pub confidence: f32,
    /// Media time of the first sound \[ms\].
    pub from_ms: u64,
    /// Media time of the last sound \[ms\].
    pub to_ms: u64,
    /// What the caller did with it, or what the server asked for.
    pub act: String,
    /// How much of a prompt the caller heard \[ms\]; 0 for the caller's own turns.
    pub heard_ms: u64,
    /// Whether the caller interrupted it.
    pub barged_in: bool,
    /// How long each step of the answer took; on turns of the caller.
    pub latency: Option<Latency>,
}

/// The way from the caller's last sound to the answer's first. Each time counts from the end of the caller's speech \[ms\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// The turn was judged to be over.
    pub endpoint_ms: u64,
    /// The final text was there.
    pub final_text_ms: u64,
    /// The dialog had decided.
    pub act_ms: u64,
    /// The first sound of the answer was sent; 0 until then.
    pub first_audio_ms: u64,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallOutcome {
    /// The problem was answered or acted upon.
    Resolved,
    /// A human took over.
    Transferred,
    /// The caller hung up before either.
    Abandoned,
    /// Something of ours broke.
    Failed,
}

/// Where a call went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRecord {
    /// SIP URI.
    pub target: String,
    /// `refer` or `bridge`.
    pub how: String,
    /// Why.
    pub reason: String,
}

/// The line of the caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RtpRecord {
    /// `PCMU`, `PCMA` …
    pub codec: String,
    /// Share of packets lost, 0–1.
    pub loss: f32,
    /// Interarrival jitter (RFC 3550 §6.4.1) \[ms\].
    pub jitter_ms: f32,
    /// Mean opinion score estimated by ITU-T G.107.
    pub mos: f32,
    /// Packets that came.
    #[serde(default)]
    pub packets: u64,
    /// Packets that came after their time.
    #[serde(default)]
    pub late: u64,
    /// Packets of strangers, dropped.
    #[serde(default)]
    pub foreign: u64,
    /// How long sound waited here for late packets, at the end \[ms\].
    #[serde(default)]
    pub delay_ms: f32,
    /// To the caller and back (RFC 3550 §6.4.1, RFC 3611 §4.5) \[ms\]; absent when the caller sends no reports.
    #[serde(default)]
    pub round_trip_ms: Option<f32>,
    /// Share of our packets that the caller lost, as last reported, 0–1.
    #[serde(default)]
    pub remote_loss: Option<f32>,
    /// Mean opinion score at the caller's end, where it reports one (RFC 3611 §4.7.5).
    #[serde(default)]
    pub remote_mos: Option<f32>,
}

impl Call {
    /// What is kept of the call, now that it is over.
    pub(super) fn record(&self, now: Instant, by: Party, handed_over: bool) -> CallRecord {
        let arrival = &self.arrival;
        let at =
            |moment: Instant| arrival.at + SignedDuration::try_from(moment - self.times.arrived).unwrap_or_default();
        let progress = self.conversation.progress();
        let identified = self.identified.clone().unwrap_or_default();
        let outcome = match (&self.line, handed_over) {
            (None, _) => CallOutcome::Failed,
            (Some(_), true) => CallOutcome::Transferred,
            (Some(_), false) if progress.resolved => CallOutcome::Resolved,
            (Some(_), false) => CallOutcome::Abandoned,
        };
        CallRecord {
            call_id: arrival.id.clone(),
            direction: Direction::Inbound,
            from: arrival.from.0.clone(),
            to: arrival.to.clone(),
            started_at: arrival.at,
            answered_at: self.times.answered.map(at),
            ended_at: at(now),
            hangup_by: by,
            member: member(&identified),
            order: order_in_question(&identified, progress),
            guess: guess(&identified),
            guess_spoken: progress.guess.is_some(),
            turns: self.conversation.ledger().turns().to_vec(),
            scene: progress.scene.as_ref().map(ToString::to_string),
            main_scene: progress.main_scene.as_ref().map(ToString::to_string),
            identified: progress.scene.is_some(),
            confirmed: progress.confirmed,
            turns_to_problem: progress.turns,
            decisions: self.conversation.decisions(),
            outcome,
            transfer: self.transfer.clone(),
            rtp: self.line.as_ref().map(|line| line.record()),
            recording: None,
        }
    }
}

pub(super) fn member(identified: &Identified) -> Option<MemberRecord> {
    let guess = identified.member.as_ref()?;
    Some(MemberRecord { id: guess.member.member_id.clone(), confidence: guess.p, how: guess.how.to_owned() })
}

pub(super) fn order(identified: &Identified) -> Option<OrderRecord> {
    let guess = identified.orders.first()?;
    Some(OrderRecord { id: guess.order.order_id.clone(), product: guess.order.product.clone(), confidence: guess.p })
}

/// The order that the problem was about: the one that the dialog settled on, or else the one that most likely led to a call
/// about it. Who called about something else than their latest order has not been helped with that.
fn order_in_question(identified: &Identified, progress: &Progress) -> Option<OrderRecord> {
    let Some(scene) = &progress.scene else { return order(identified) };
    let of_scene = identified.scenes.iter().find(|guess| guess.scene == *scene).and_then(|guess| guess.order.as_ref());
    let mut guesses = of_scene.into_iter().chain(&identified.orders);
    let guess = match &progress.order_id {
        Some(id) => guesses.find(|guess| guess.order.order_id == *id)?,
        None => of_scene.filter(|guess| guess.p >= LIKELY)?,
    };
    Some(OrderRecord { id: guess.order.order_id.clone(), product: guess.order.product.clone(), confidence: guess.p })
}

/// The three most probable problems.
pub(super) fn guess(identified: &Identified) -> Vec<GuessRecord> {
    let three = identified.scenes.iter().take(3);
    three.map(|guess| GuessRecord { scene: guess.scene.to_string(), p: guess.p, why: guess.why.clone() }).collect()
}
