//! The machine: one caller's conversation, from the greeting to the goodbye.
//!
//! ```text
//!                 ┌──────────────── no, something else ◄───────────────┐
//! greeting ─► Guess ─ yes ─┐                                           │
//!     └────► Open ─► decide ├─► (Order, Number) ─► answer ─► Solved ─ yes ─► AnythingElse ─► goodbye
//!               ▲      └► Confirm, Choice, Narrow ─┘            └─► Offer ─ yes ─► human
//!               └─ not understood, silence: twice, then ─► human
//! ```
//!
//! Invariants: every input gets a reply; at most `max_prompts` prompts are said before a human or the end; no prompt is
//! said twice in a row; what the caller was asked last is [`Dialog::question`]. It leaves recognising and speaking to
//! others, and does not know whether words were spoken or typed.

mod moves;
mod orders;
mod proof;
mod question;
mod repair;
mod slots;
mod steps;
mod stray;
mod turned;
mod values;

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

pub use question::Question;
pub(super) use steps::Program;
use steps::{Running, Suspended};
use values::Values;

use super::belief::Belief;
use super::dialplan::{Placeholder, Plan, PromptKind, SceneId};
use super::policy::Taken;
use super::spoken;
use super::strategy::{self, Move, Situation, Strategy};
use super::voice::{Line, Source, Voice};
use super::{BargeIn, CallFacts, DialogInput, Listen, Next, Progress, Prompt, Reply, Transfer};
use crate::identify::{Identified, Order};
use crate::nlu::{Entity, Expect};
use crate::units::Pii;

/// Failed transfers, after which the caller is asked to try again later.
const MAX_FAILED_TRANSFERS: u32 = 2;

/// One caller's conversation.
#[derive(Clone, Debug)]
pub struct Dialog {
    plan: Arc<Plan>,
    /// Local time of the call.
    now: DateTime,
    /// The calling number, where there is one.
    phone: Option<Pii<String>>,
    /// What the line told.
    facts: CallFacts,
    voice: Voice,
    identified: Identified,
    belief: Belief,
    state: State,
    progress: Progress,
    troubles: Troubles,
    /// Who the caller says to be by stating a number, until that is proved.
    claimed: Option<Box<Identified>>,
    /// The order that the problem is about, as far as known.
    order: Option<Order>,
    /// Said before the next prompt: bad news that nobody waited for.
    news: Option<PromptKind>,
    /// The caller's last words, for the human who may take over.
    last_words: String,
    /// Steps under way.
    running: Option<Running>,
    /// Steps that were left for another problem.
    suspended: Option<Suspended>,
    /// Whether the steps that end are given up.
    failed: bool,
    values: Values,
    /// Values in the caller's last words that answered nothing yet.
    spare: Vec<Entity>,
    strategy: Strategy,
    /// What was decided so far, for who learns from it.
    taken: Vec<Taken>,
    /// What was said to solve the problem, for who wants to hear it again.
    solution: Vec<Line>,
}

/// Who is to move.
#[derive(Clone, Debug, PartialEq)]
enum State {
    /// Nobody yet: the call has not begun.
    New,
    /// The caller.
    Asking(Question),
    /// A human, who is being fetched.
    Transferring(Transfer),
    /// Nobody any more.
    Over,
}

/// What went wrong so far, and how much was said.
#[derive(Clone, Debug, Default, PartialEq)]
struct Troubles {
    /// Silences in a row.
    silent: u32,
    /// Turns in a row that brought the problem no nearer.
    unmatched: u32,
    /// Turns about nothing that the hotline knows.
    off_topic: u32,
    /// Answers that did not help.
    unsolved: u32,
    /// Turns in which the caller was upset.
    upset: u32,
    /// Failures of the recogniser.
    deaf: u32,
    /// Transfers that nobody took.
    transfers: u32,
    /// Caller utterances.
    turns: u32,
    /// Times that the caller was given the floor.
    prompts: u32,
}

impl Dialog {
    /// A conversation that has not begun. `seed` chooses among variants of prompts, `now` is the local time of the call.
    pub fn new(plan: Arc<Plan>, seed: u64, now: DateTime) -> Self {
        let identified = Identified::default();
        Self {
            voice: Voice::new(plan.clone(), seed),
            belief: Belief::new(&plan, &identified),
            identified,
            state: State::New,
            progress: Progress::default(),
            troubles: Troubles::default(),
            claimed: None,
            order: None,
            news: None,
            last_words: String::new(),
            running: None,
            suspended: None,
            failed: false,
            values: Values::default(),
            spare: Vec::new(),
            solution: Vec::new(),
            strategy: Strategy::default(),
            taken: Vec::new(),
            phone: None,
            facts: CallFacts::default(),
            now,
            plan,
        }
    }

    /// A few words beside the turns, which change nothing.
    pub fn beside(&mut self, kind: PromptKind) -> String {
        self.voice.aside(kind)
    }

    /// The same with a caller whose number is `phone`; an empty one is withheld.
    pub fn calling(mut self, phone: Pii<String>) -> Self {
        self.phone = Some(phone).filter(|phone| !phone.0.is_empty());
        self
    }

    /// The same for a call of which the line told this.
    pub fn knowing(mut self, facts: CallFacts) -> Self {
        self.facts = facts;
        self
    }

    /// The same with another strategy than the dialplan's.
    pub fn with(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// What was decided so far: whether the guess was stated, and every move.
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// How far the dialog has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What the caller was asked last; `None` before the greeting, with a human, and after the goodbye.
    pub fn question(&self) -> Option<&Question> {
        match &self.state {
            State::Asking(question) => Some(question),
            State::New | State::Transferring(_) | State::Over => None,
        }
    }

    /// Takes in what happened and answers with what should happen.
    pub fn handle(&mut self, input: DialogInput) -> Reply {
        let question = match (&self.state, &input) {
            (State::Over, _) => return silent(Next::HangUp),
            (State::Transferring(_), DialogInput::TransferFailed) => return self.transfer_failed(),
            (State::Transferring(transfer), _) => return silent(Next::Transfer(transfer.clone())),
            (State::Asking(question), _) => question.clone(),
            (State::New, _) => Question::Open,
        };
        if self.troubles.prompts >= self.plan.timings.max_prompts && caller_acted(&input) {
            return self.hand_over(Vec::new(), "too_long");
        }
        match input {
            DialogInput::Started(identified) if self.state == State::New => self.started(*identified),
            DialogInput::Started(_) => silent(self.listen(&question)),
            DialogInput::Turned(turn) => self.turned(question, &turn),
            DialogInput::Keyed(keys) => self.keyed(question, &keys),
            DialogInput::WasSilent => self.was_silent(question),
            DialogInput::NotUnderstood => self.not_understood(question),
            DialogInput::ActionEnded(result) => {
                if let Question::Doing(action) | Question::StillDoing(action) = question
                    && self.plan.actions[action].name == result.action
                {
                    return self.acted(action, result);
                }
                if !result.succeeded {
                    self.news = Some(PromptKind::ActionFailed);
                }
                silent(self.listen(&question))
            }
            DialogInput::TransferFailed => self.transfer_failed(),
            DialogInput::MemberFound(identified) => self.member_found(question, *identified),
            DialogInput::EngineFailed => self.engine_failed(question),
        }
    }

    fn started(&mut self, identified: Identified) -> Reply {
        self.belief = Belief::new(&self.plan, &identified);
        self.identified = identified;
        let mut lines = vec![self.greeting()];
        let question = self.guess().map_or(Question::Open, Question::Guess);
        if let Question::Guess(scene) = question {
            self.progress.guess = Some(self.plan.scene(scene).scene.clone());
            self.order = self.order_for(scene);
        }
        lines.extend(self.wording(&question));
        self.ask(lines, question)
    }

    fn greeting(&self) -> Line {
        let salutations = &self.plan.daytimes;
        let salutation = match self.now.hour() {
            0..12 => &salutations.morning,
            12..18 => &salutations.afternoon,
            _ => &salutations.evening,
        };
        let daytime = (Placeholder::Daytime, salutation.clone());
        let member = self.identified.member.as_ref();
        match member.and_then(|guess| spoken::address(&guess.member, self.plan.lang)) {
            Some(name) => Line::Prompt(PromptKind::GreetingNamed, vec![daytime, (Placeholder::Name, name)]),
            None => Line::Prompt(PromptKind::Greeting, vec![daytime]),
        }
    }

    /// The problem that is worth stating before the caller says a word.
    fn guess(&mut self) -> Option<SceneId> {
        let p = |at: usize| self.identified.scenes.get(at).map_or(0.0, |guess| f64::from(guess.p));
        let (p, second) = (p(0), p(1));
        let scene = self.plan.find(&self.identified.scenes.first()?.scene)?;
        let by_threshold = p >= self.plan.thresholds.guess;
        let stated = match (&mut self.strategy, &self.plan.policy) {
            (Strategy::Plan, Some(policy)) => policy.states_guess(p, second),
            (Strategy::Plan, None) | (Strategy::Thresholds, _) => by_threshold,
            (Strategy::Learned(policy), _) => policy.states_guess(p, second),
            (Strategy::Exploring(policy, random), _) => policy.draws_guess(p, second, random),
        };
        self.taken.push(Taken::Guess { p, second, stated });
        stated.then_some(scene)
    }

    /// The next move after words that were recognised with confidence `heard`.
    fn decide(&mut self, heard: f32) -> Move {
        let Troubles { turns, unmatched, .. } = self.troubles;
        let situation = Situation::new(&self.plan, &self.belief, heard, turns, unmatched);
        let taken = match (&mut self.strategy, &self.plan.policy) {
            (Strategy::Plan, Some(policy)) => policy.decide(&situation),
            (Strategy::Plan, None) | (Strategy::Thresholds, _) => strategy::decide(&self.plan, &situation),
            (Strategy::Learned(policy), _) => policy.decide(&situation),
            (Strategy::Exploring(policy, random), _) => policy.draw(&situation, random),
        };
        self.taken.push(Taken::Move { situation, taken });
        taken
    }

    /// The store knows the caller now; they are greeted by what that tells.
    fn member_found(&mut self, question: Question, identified: Identified) -> Reply {
        let id = |identified: &Identified| identified.member.as_ref().map(|guess| guess.member.member_id.clone());
        let (known, found) = (id(&self.identified), id(&identified));
        // Who states somebody else's number is not who the calling number says.
        let same = found.is_some() && (known.is_none() || known == found);
        if matches!(question, Question::Doing(_) | Question::StillDoing(_)) && !same {
            return self.fail(Vec::new());
        }
        let is_proved = known.is_some() && known == found;
        if let Question::LookUp(scene) = question
            && found.is_some()
            && !is_proved
        {
            return self.claims(scene, identified);
        }
        self.belief.expect(&self.plan, &identified);
        self.identified = match is_proved || found.is_none() {
            true => identified,
            // What is done is done for the owner of the number; nothing of them is said.
            false => Identified { scenes: Vec::new(), orders: Vec::new(), ..identified },
        };
        match question {
            Question::LookUp(scene) => {
                self.order = self.order_for(scene);
                self.concern(scene)
            }
            Question::Doing(_) | Question::StillDoing(_) => self.proceed(Vec::new()),
            other => silent(self.listen(&other)),
        }
    }

    /// `lines`, then the floor is the caller's, who was asked `question`.
    fn ask(&mut self, lines: Vec<Line>, question: Question) -> Reply {
        let prompt = self.say(lines);
        let next = self.listen(&question);
        self.state = State::Asking(question);
        Reply { prompt, actions: Vec::new(), look_up: None, next }
    }

    fn say(&mut self, mut lines: Vec<Line>) -> Prompt {
        if let Some(news) = self.news.take() {
            lines.insert(0, Line::plain(news));
        }
        self.troubles.prompts += 1;
        self.voice.say(&lines)
    }

    fn listen(&self, question: &Question) -> Next {
        let options = match question {
            Question::Choice(first, second) => vec![self.spoken_name(*first), self.spoken_name(*second)],
            Question::Order(_, orders) if orders.len() > 1 => {
                orders.iter().map(|order| self.spoken_order(order)).collect()
            }
            Question::Slot(slot, _) => self.plan.slot(*slot).options(),
            _ => Vec::new(),
        };
        let expect = Expect { ask: question.ask(), options, now: self.now };
        Next::Listen(Listen { expect, no_input: self.no_input(question) })
    }

    /// Silence after `question` that counts as no answer.
    fn no_input(&self, question: &Question) -> Duration {
        let timings = &self.plan.timings;
        let of = |kind| self.plan.prompts.of(kind).no_input;
        let own = match question {
            Question::LookUp(_) | Question::Doing(_) => Some(timings.look_up),
            Question::StillDoing(_) => Some(timings.look_up * 2),
            Question::Slot(slot, _) => self.plan.slot(*slot).no_input,
            Question::Open => of(PromptKind::Open),
            Question::Narrow(_) => of(PromptKind::Narrow),
            Question::Guess(_) => of(PromptKind::Guess),
            Question::Confirm(_) => of(PromptKind::Confirm),
            Question::Choice(..) => of(PromptKind::Choice),
            Question::Order(_, orders) if orders.len() < 2 => of(PromptKind::AskOrder),
            Question::Order(..) => of(PromptKind::ChooseOrder),
            Question::Number(_) => of(PromptKind::AskNumber),
            Question::Proof { .. } => of(PromptKind::AskProof),
            Question::ReadBack(..) => of(PromptKind::ReadBack),
            Question::Solved(_) => of(PromptKind::Solved),
            Question::Offer(_) => of(PromptKind::OfferTransfer),
            Question::AnythingElse => of(PromptKind::AnythingElse),
        };
        own.unwrap_or(timings.no_input)
    }

    /// How `question` is asked.
    fn wording(&self, question: &Question) -> Vec<Line> {
        let with = |kind, slot, value| vec![Line::with(kind, slot, value)];
        let both = |kind, first, second| {
            vec![Line::Prompt(kind, vec![(Placeholder::First, first), (Placeholder::Second, second)])]
        };
        match question {
            Question::Open => vec![Line::plain(PromptKind::Open)],
            Question::Narrow(main) => with(PromptKind::Narrow, Placeholder::Topic, self.plan.main(*main).name.clone()),
            Question::Guess(scene) => with(PromptKind::Guess, Placeholder::Problem, self.problem(*scene)),
            Question::Confirm(scene) => with(PromptKind::Confirm, Placeholder::Problem, self.problem(*scene)),
            Question::Choice(a, b) => both(PromptKind::Choice, self.spoken_name(*a), self.spoken_name(*b)),
            Question::Order(_, orders) => match orders.as_slice() {
                [a, b, ..] => both(PromptKind::ChooseOrder, self.spoken_order(a), self.spoken_order(b)),
                [only] => with(PromptKind::AskOrder, Placeholder::Order, self.spoken_order(only)),
                [] => Vec::new(),
            },
            Question::Number(_) => vec![Line::plain(PromptKind::AskNumber)],
            Question::LookUp(_) => vec![Line::plain(PromptKind::OneMoment)],
            Question::Proof { .. } => vec![Line::plain(PromptKind::AskProof)],
            Question::Slot(slot, _) => {
                let texts = self.plan.slot(*slot).ask.clone();
                vec![Line::OneOf { of: Source::Slot(*slot), texts, barge_in: BargeIn::Allowed }]
            }
            Question::ReadBack(slot, value) => {
                with(PromptKind::ReadBack, Placeholder::Value, self.spoken_value(*slot, value))
            }
            Question::Doing(_) | Question::StillDoing(_) => Vec::new(),
            Question::Solved(_) => vec![Line::plain(PromptKind::Solved)],
            Question::Offer(_) => vec![Line::plain(PromptKind::OfferTransfer)],
            Question::AnythingElse => vec![Line::plain(PromptKind::AnythingElse)],
        }
    }

    fn spoken_name(&self, scene: SceneId) -> String {
        self.plan.scene(scene).name.clone()
    }

    fn spoken_order(&self, order: &Order) -> String {
        spoken::order(order, self.now, self.plan.lang)
    }

    /// The problem as spoken, with the order in it when it is known.
    fn problem(&self, scene: SceneId) -> String {
        let plan = self.plan.scene(scene).order.as_ref();
        let with_order = plan.zip(self.order.as_ref()).and_then(|(plan, order)| {
            let fits = plan.kinds.contains(&order.kind);
            let values = spoken::order_values(order, self.now, self.plan.lang);
            plan.about.as_ref().filter(|_| fits)?.fill(&values)
        });
        with_order.unwrap_or_else(|| self.spoken_name(scene))
    }
}

/// No words, only what comes next.
fn silent(next: Next) -> Reply {
    Reply { prompt: Prompt::default(), actions: Vec::new(), look_up: None, next }
}

/// Whether the caller had a turn, or let it pass.
fn caller_acted(input: &DialogInput) -> bool {
    match input {
        DialogInput::Turned(_) | DialogInput::Keyed(_) | DialogInput::WasSilent | DialogInput::NotUnderstood => true,
        DialogInput::Started(_)
        | DialogInput::ActionEnded(_)
        | DialogInput::TransferFailed
        | DialogInput::MemberFound(_)
        | DialogInput::EngineFailed => false,
    }
}
