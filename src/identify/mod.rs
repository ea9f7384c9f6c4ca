//! Who calls, about which order, and what is probably wrong: before a word is said.
//!
//! ```text
//! phone, now ─► [store] ─► CallerFacts ─► member ─► order ─► scene ─► Identified
//!                                          └───────┴────────┴── Model ◄─ train ◄─ History, Rules
//! ```
//!
//! Everything here is a pure function of facts that are older than the call.

use jiff::civil::DateTime;

use crate::units::{Pii, Scene};

pub mod describe;
mod guess;
pub mod history;
pub mod member;
mod model;
mod rules;
pub mod signals;
#[cfg(test)]
mod testing;
mod train;
pub mod when;
mod why;

pub use guess::Guess;
pub use model::Model;
pub use rules::Rules;
pub use train::{HeldOut, TrainError, Trained, train};

/// One row of `members.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// `M000001`.
    pub member_id: String,
    /// Full name, given name first.
    pub name: Pii<String>,
    /// `F`, `M` or empty.
    pub gender: String,
    /// Year of birth, 0 when unknown.
    pub birth_year: i16,
    /// Registered mobile number.
    pub mobile: Pii<String>,
    /// Landline of the household, may be empty.
    pub landline: Pii<String>,
    /// `basic`, `silver`, …
    pub level: String,
    /// Home town.
    pub city: String,
    /// When the account was opened.
    pub registered_at: DateTime,
}

/// One row of `phone_history.csv`: who was found behind a number, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct PhoneSighting {
    /// Who it was.
    pub member_id: String,
    /// When.
    pub at: DateTime,
    /// `registered`, `verified` or `stated`.
    pub source: String,
}

/// One row of `orders.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// `T367230322431`.
    pub order_id: String,
    /// Whose it is.
    pub member_id: String,
    /// `card_payment`, `transfer_out`, …
    pub kind: String,
    /// What was bought; empty for transfers and the like.
    pub product: String,
    /// Category of the product, may be empty.
    pub category: String,
    /// Price in hundredths of `currency`.
    pub price_cents: i64,
    /// ISO 4217.
    pub currency: String,
    /// When it was made.
    pub at: DateTime,
    /// `completed`, `pending`, `declined`, …
    pub status: String,
}

/// One row of `events.csv`: what happened to an account or was done in the app.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whose account.
    pub member_id: String,
    /// When.
    pub at: DateTime,
    /// `help_page_viewed`, `card_expiring`, …
    pub kind: String,
    /// What it refers to; the main scene for `help_page_viewed`.
    pub reference: String,
}

/// One row of `calls.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct PastCall {
    /// `C000001`.
    pub call_id: String,
    /// The number that called.
    pub phone: Pii<String>,
    /// Who it turned out to be; empty when unknown.
    pub member_id: String,
    /// When.
    pub at: DateTime,
    /// Main scene of the problem.
    pub main_scene: Scene,
    /// The problem.
    pub scene: Scene,
    /// The order it was about, if any.
    pub order_id: Option<String>,
    /// Whether it was solved in that call.
    pub resolved: bool,
    /// Whether it repeated an earlier call.
    pub is_repeat: bool,
}

/// All that the store knows around one number, older than the call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallerFacts {
    /// The calling number.
    pub phone: Pii<String>,
    /// Why the number identifies nobody, if it is on the blacklist.
    pub blacklisted: Option<String>,
    /// Who was found behind the number, oldest first.
    pub sightings: Vec<PhoneSighting>,
    /// Everybody who may be meant: registered with the number, of the same household (landline) as whoever is, or seen
    /// behind it; ordered by id.
    pub members: Vec<Member>,
    /// Recent orders of those members, oldest first.
    pub orders: Vec<Order>,
    /// Recent events of those members, oldest first.
    pub events: Vec<Event>,
    /// Earlier calls from the number or of those members, oldest first.
    pub calls: Vec<PastCall>,
}

/// The member who calls, as far as can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberGuess {
    /// Who.
    pub member: Member,
    /// Probability that it is right, 0–1.
    pub p: f32,
    /// The evidence in a few words: "registered mobile".
    pub how: &'static str,
}

/// An order that the call may be about.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderGuess {
    /// Which.
    pub order: Order,
    /// Probability, 0–1.
    pub p: f32,
}

/// A problem that the call may be about.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneGuess {
    /// Which.
    pub scene: Scene,
    /// Its main scene.
    pub main_scene: Scene,
    /// Calibrated probability, 0–1.
    pub p: f32,
    /// The order that belongs to it, if there is one.
    pub order: Option<OrderGuess>,
    /// The evidence in a few words: "card payment declined 2 hours ago".
    pub why: String,
}

/// What is known before the caller says a word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identified {
    /// Who calls; `None` when it cannot be told.
    pub member: Option<MemberGuess>,
    /// Whether it pays to ask for the registered number.
    pub ask_number: bool,
    /// Problems by falling probability.
    pub scenes: Vec<SceneGuess>,
    /// The caller's own recent orders by falling probability of being meant.
    pub orders: Vec<OrderGuess>,
}

/// Who calls from `facts.phone` at `now`, about which order and problem.
pub fn identify(model: &Model, facts: &CallerFacts, now: DateTime) -> Identified {
    let p = member::candidates(model, facts, now);
    let callers: Vec<(&str, f64)> = facts.members.iter().map(|member| member.member_id.as_str()).zip(p).collect();
    let member = member::likeliest(facts, &callers);
    let ask_number = member::worth_asking(member.as_ref());
    let guess = model.guess(facts, &callers, now);
    Identified { member, ask_number, scenes: guess.scenes, orders: guess.orders }
}

/// The same for a caller who stated the registered number of `member`, so that nobody else comes into question.
pub fn identify_stated(model: &Model, facts: &CallerFacts, member: &Member, now: DateTime) -> Identified {
    let guess = model.guess(facts, &[(&member.member_id, 1.0)], now);
    let member = MemberGuess { member: member.clone(), p: STATED, how: "stated registered number" };
    Identified { member: Some(member), ask_number: false, scenes: guess.scenes, orders: guess.orders }
}

/// Trust in a number that the caller stated: it names one member, but anybody can say it.
const STATED: f32 = 0.99;
