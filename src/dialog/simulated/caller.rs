//! What a simulated caller says to the question that stands.

use crate::dialog::Asked;
use crate::dialog::dialplan::{Plan, SlotKind};
use crate::dialog::simulated::phrases::{self, Phrases};
use crate::dialog::simulated::{Kind, Profile};
use crate::units::Scene;

/// How often somebody who says no goes on with what it is instead.
const GOES_ON: f64 = 0.5;
/// How often somebody begins with a filler.
const HESITATES: f64 = 0.15;
/// How often somebody who wants a human says so before anything else.
const ASKS_AT_ONCE: f64 = 0.5;
/// How often somebody names what was offered, rather than its position.
const NAMES: f64 = 0.6;
/// How often somebody begins a sentence twice.
const RESTARTS: f64 = 0.1;
/// How often a prompt is not understood, and asked for again; at most once a call.
const ASKS_AGAIN: f64 = 0.05;
/// How often somebody says nothing at first; at most once a call.
const SILENT: f64 = 0.03;
/// How often a yes begins as a no.
const CHANGES_MIND: f64 = 0.04;
/// How often a yes has words of another language.
const SWITCHES: f64 = 0.05;
/// How often somebody hangs up who has heard the answer.
const LEAVES: f64 = 0.1;
/// How often somebody who knows the number keeps it.
const KEEPS_NUMBER: f64 = 0.1;

/// What a caller does with the floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Speaks.
    Words(String),
    /// Is silent.
    Nothing,
    /// Hangs up.
    Bye,
}

/// Somebody who calls, and answers truthfully what is asked.
pub struct Caller<'a> {
    plan: &'a Plan,
    profile: &'a Profile,
    phrases: &'static Phrases,
    random: fastrand::Rng,
    turns: u32,
    told: usize,
    asked_for_human_at: Option<u32>,
    asked_again: bool,
    was_silent: bool,
}

impl<'a> Caller<'a> {
    /// A caller of a hotline that follows `plan`; `seed` draws the moods.
    pub fn new(plan: &'a Plan, profile: &'a Profile, seed: u64) -> Self {
        Self {
            plan,
            profile,
            phrases: phrases::of(plan.lang),
            random: fastrand::Rng::with_seed(seed),
            turns: 0,
            told: 0,
            asked_for_human_at: None,
            asked_again: false,
            was_silent: false,
        }
    }

    /// Utterances so far.
    pub fn turns(&self) -> u32 {
        self.turns
    }

    /// Utterances after the one that asked for a human; `None` if none was asked for.
    pub fn turns_after_asking(&self) -> Option<u32> {
        self.asked_for_human_at.map(|at| self.turns - at)
    }

    /// What the caller does when asked `question`. `found`: whether the problem that stands is the true one.
    pub fn answer(&mut self, question: &Asked, found: bool) -> Said {
        if !question.wants_answer() {
            return Said::Nothing;
        }
        if self.turns >= self.profile.patience && !found && !self.about_to_be_found(question) {
            return Said::Bye;
        }
        if matches!(self.profile.kind, Kind::Plain | Kind::Vague)
            && let Some(said) = self.quirk(question, found)
        {
            return said;
        }
        self.turns += 1;
        let words = match self.profile.kind {
            Kind::WantsAgent if self.turns > 1 || self.random.f64() < ASKS_AT_ONCE => {
                self.asked_for_human_at.get_or_insert(self.turns);
                self.one_of(self.phrases.human)
            }
            Kind::OutOfScope => self.off_topic(question),
            Kind::Plain | Kind::Vague | Kind::WantsAgent => self.reply(question, found),
        };
        Said::Words(words)
    }

    /// What people do instead of an answer.
    fn quirk(&mut self, question: &Asked, found: bool) -> Option<Said> {
        let answered = match question {
            Asked::Solved { scene } | Asked::Offer { scene } => self.is_true(scene),
            Asked::AnythingElse => found,
            _ => false,
        };
        if answered && self.happens(LEAVES) {
            return Some(Said::Bye);
        }
        if !self.was_silent && self.happens(SILENT) {
            self.was_silent = true;
            return Some(Said::Nothing);
        }
        if !self.asked_again && self.happens(ASKS_AGAIN) {
            self.asked_again = true;
            self.turns += 1;
            return Some(Said::Words(self.one_of(self.phrases.again)));
        }
        None
    }

    fn happens(&mut self, chance: f64) -> bool {
        self.random.f64() < chance
    }

    /// Nobody hangs up on the right question.
    fn about_to_be_found(&self, question: &Asked) -> bool {
        question.stated().is_some_and(|scene| self.is_true(scene))
    }

    fn reply(&mut self, question: &Asked, found: bool) -> String {
        match question {
            Asked::Open | Asked::Narrow { .. } => self.problem(),
            Asked::Guess { scene } | Asked::Confirm { scene } | Asked::Offer { scene } => match self.is_true(scene) {
                true => self.yes(),
                false => self.no(self.phrases.no),
            },
            Asked::Solved { scene } => match self.is_true(scene) {
                true => self.one_of(self.phrases.solved),
                false => self.no(self.phrases.no),
            },
            Asked::Choice { scenes } => self.choose(scenes),
            Asked::Order { scene, .. } if !self.is_true(scene) => self.no(self.phrases.no),
            Asked::Order { orders, .. } => self.choose_order(orders),
            Asked::Number { .. } => self.number(),
            Asked::Proof { .. } => match self.profile.birth_year {
                Some(year) => self.digit_by_digit(&year.to_string()),
                None => self.one_of(self.phrases.number_unknown),
            },
            Asked::Slot { slot } => self.slot(slot),
            Asked::ReadBack { .. } => self.yes(),
            Asked::LookUp { .. } | Asked::Doing { .. } => String::new(),
            Asked::AnythingElse if found => self.one_of(self.phrases.nothing_else),
            Asked::AnythingElse => format!("{}{}{}", self.phrases.yes[0], self.phrases.comma, self.problem()),
        }
    }

    /// The next way to say what the problem is.
    fn problem(&mut self) -> String {
        let utterances = &self.profile.utterances;
        if utterances.is_empty() {
            return String::new();
        }
        let words = utterances[self.told % utterances.len()].clone();
        self.told += 1;
        self.hesitating(words)
    }

    fn hesitating(&mut self, mut words: String) -> String {
        if self.happens(RESTARTS) {
            words = format!("{}{}{words}", beginning(&words), self.phrases.restart);
        }
        if !self.happens(HESITATES) {
            return words;
        }
        format!("{}{}{words}", self.one_of(self.phrases.fillers), self.phrases.comma)
    }

    fn yes(&mut self) -> String {
        if self.happens(CHANGES_MIND) {
            return self.one_of(self.phrases.yes_after_all);
        }
        let ways = if self.happens(SWITCHES) { self.phrases.yes_switched } else { self.phrases.yes };
        self.one_of(ways)
    }

    /// A no, perhaps with what it is instead.
    fn no(&mut self, ways: &[&str]) -> String {
        let no = self.one_of(ways);
        if !self.happens(GOES_ON) {
            return no;
        }
        format!("{no}{}{}", self.phrases.comma, self.problem())
    }

    fn choose(&mut self, scenes: &[Scene; 2]) -> String {
        let Some(at) = scenes.iter().position(|scene| self.is_true(scene)) else {
            return self.no(self.phrases.neither);
        };
        if self.happens(NAMES)
            && let Some(id) = self.plan.find(&scenes[at])
        {
            return self.plan.scene(id).name.clone();
        }
        self.phrases.ordinals[at].to_owned()
    }

    fn choose_order(&mut self, orders: &[String]) -> String {
        let mine = |order: &String| Some(order) == self.profile.order_id.as_ref();
        match (orders.iter().position(mine), orders.len()) {
            (None, _) => self.one_of(self.phrases.neither),
            (Some(_), 1) => self.yes(),
            (Some(at), _) => self.phrases.ordinals[at.min(1)].to_owned(),
        }
    }

    fn number(&mut self) -> String {
        if !self.profile.can_state_mobile {
            return self.one_of(self.phrases.number_unknown);
        }
        if self.happens(KEEPS_NUMBER) {
            return self.one_of(self.phrases.number_refused);
        }
        self.digit_by_digit(&self.profile.mobile.0)
    }

    fn digit_by_digit(&self, number: &str) -> String {
        let digits = number.chars().filter_map(|digit| digit.to_digit(10));
        digits.map(|digit| self.phrases.digits[digit as usize]).collect::<Vec<_>>().join(self.phrases.space)
    }

    /// A plain answer of the kind that is asked for.
    fn slot(&mut self, name: &str) -> String {
        let Some(slot) = self.plan.slots.iter().find(|slot| slot.name == name) else { return self.problem() };
        match &slot.kind {
            SlotKind::Digits(lengths) if lengths.contains(&self.profile.mobile.0.len()) => self.number(),
            SlotKind::Digits(lengths) => {
                let digits = (0..*lengths.start()).map(|_| self.phrases.digits[self.random.usize(..10)]);
                digits.collect::<Vec<_>>().join(self.phrases.space)
            }
            SlotKind::YesNo => self.yes(),
            SlotKind::Choice(options) => options[self.random.usize(..options.len())].1.clone(),
            SlotKind::Amount => self.phrases.amount.to_owned(),
            SlotKind::Number => self.phrases.digits[2].to_owned(),
            SlotKind::Date { .. } => self.phrases.day.to_owned(),
            SlotKind::Time(_) => self.phrases.time.to_owned(),
            SlotKind::Words => self.problem(),
        }
    }

    fn off_topic(&mut self, question: &Asked) -> String {
        let words = self.one_of(self.phrases.off_topic);
        match question {
            Asked::Open | Asked::Narrow { .. } => self.hesitating(words),
            _ => format!("{}{}{words}", self.one_of(self.phrases.no), self.phrases.comma),
        }
    }

    fn is_true(&self, scene: &Scene) -> bool {
        *scene == self.profile.scene
    }

    fn one_of(&mut self, ways: &[&str]) -> String {
        ways[self.random.usize(..ways.len())].to_owned()
    }
}

/// The first words of a sentence, or its first characters where it has no spaces.
fn beginning(words: &str) -> String {
    if words.contains(' ') {
        return words.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    }
    words.chars().take(2).collect()
}
