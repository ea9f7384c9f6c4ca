//! Simulated callers: who they are, how a call with one goes, and what is counted.
//!
//! ```text
//! Profile (one line of callers.jsonl) ─► Caller ─ words ─► WordErrors ─► understanding ─► Dialog ─ Question ─┐
//!                                          ▲                                                                 │
//!                                          └──── answers truthfully to what is asked, until patience ends ◄──┘
//! ```
//!
//! A caller looks at what is [`Asked`], not at the hotline's words: what a sentence sounds like is not what is tested.
//! Everything is drawn from a seed, so a run can be repeated.

mod caller;
mod cost;
mod phrases;
mod plot;
mod report;
mod word_errors;

use std::borrow::Cow;
use std::time::Duration;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::dialplan::Plan;
use super::policy::Taken;
use super::strategy::Strategy;
use super::{ActionRequest, ActionResult, Asked, Dialog, DialogInput, Next, Progress, Question, Reply};
use crate::identify::Identified;
use crate::nlu::{Expect, Heard, UserTurn, text};
use crate::units::{Pii, Scene};
pub use caller::{Caller, Said};
pub use cost::Costs;
pub use report::Report;
pub use word_errors::WordErrors;

/// Exchanges after which a call goes nowhere.
const MAX_EXCHANGES: usize = 100;

/// Who calls, and why: one line of a callers file.
#[derive(Clone, Debug, Deserialize)]
pub struct Profile {
    /// Name of the call.
    #[serde(default)]
    pub call_id: String,
    /// Calling number.
    pub phone: Pii<String>,
    /// Local time of the call.
    pub at: DateTime,
    /// The number that the caller is registered with.
    #[serde(default)]
    pub mobile: Pii<String>,
    /// Whether the caller knows that number by heart.
    #[serde(default)]
    pub can_state_mobile: bool,
    /// The year of birth that the caller is registered with, if any.
    #[serde(default)]
    pub birth_year: Option<i16>,
    /// The true problem.
    pub scene: Scene,
    /// Its main scene.
    pub main_scene: Scene,
    /// The order it is about, if any.
    #[serde(default)]
    pub order_id: Option<String>,
    /// What kind of caller it is.
    pub kind: Kind,
    /// What the caller says to open questions, one after the other.
    pub utterances: Vec<String>,
    /// Turns before the caller gives up.
    pub patience: u32,
}

/// Kinds of callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Says what the problem is.
    Plain,
    /// Says at first only what it is roughly about.
    Vague,
    /// Wants a human.
    WantsAgent,
    /// Wants something that the hotline does not know.
    OutOfScope,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The hotline said goodbye.
    Goodbye,
    /// To a human, for this reason.
    Human(Cow<'static, str>),
    /// The caller hung up with the answer to the true problem.
    Answered,
    /// The caller gave up.
    Abandoned,
    /// It went nowhere.
    DeadEnd,
}

/// One simulated call.
#[derive(Clone, Debug)]
pub struct SimulatedCall {
    /// Who called.
    pub profile: Profile,
    /// How far the dialog came.
    pub progress: Progress,
    /// How it ended.
    pub end: End,
    /// Caller utterances.
    pub turns: u32,
    /// Words in them; a Chinese character is one.
    pub words: usize,
    /// Caller utterances after the one that asked for a human, until one came; `None` if nobody was asked for.
    pub turns_after_asking: Option<u32>,
    /// The hotline said the same twice in a row.
    pub repeated: bool,
    /// Who said what.
    pub transcript: Vec<String>,
    /// How long each decision took; empty where that was not measured.
    pub decisions: Vec<Duration>,
    /// What was decided.
    pub taken: Vec<Taken>,
}

/// What a simulation runs on.
pub struct World<'a> {
    /// The dialplan.
    pub plan: std::sync::Arc<Plan>,
    /// What is known of the owner of a number that is stated in a call.
    pub identify: &'a dyn Fn(&str, DateTime) -> Identified,
    /// Carries out an action.
    pub act: &'a dyn Fn(ActionRequest) -> ActionResult,
    /// What words mean.
    pub understand: &'a dyn Fn(&Heard, &Expect) -> UserTurn,
    /// Time since some moment, for measuring decisions.
    pub clock: &'a dyn Fn() -> Duration,
}

/// Holds one call with a caller of whom `identified` is known.
pub fn call(
    world: &World<'_>,
    errors: &mut WordErrors,
    profile: &Profile,
    identified: Identified,
    strategy: Strategy,
    seed: u64,
) -> SimulatedCall {
    let mut caller = Caller::new(&world.plan, profile, seed);
    errors.begin(seed);
    let dialog = Dialog::new(world.plan.clone(), seed, profile.at).calling(profile.phone.clone()).with(strategy);
    let mut line = Line { world, errors, dialog, log: Log::default() };
    let mut reply = line.tell(DialogInput::Started(Box::new(identified)));
    let mut end = End::DeadEnd;
    for _ in 0..MAX_EXCHANGES {
        reply = line.settle(reply, profile);
        let listen = match reply.next {
            Next::Listen(listen) => listen,
            Next::HangUp => {
                end = End::Goodbye;
                break;
            }
            Next::Transfer(transfer) => {
                end = End::Human(transfer.reason.into());
                break;
            }
        };
        let found = line.dialog.progress().scene.as_ref() == Some(&profile.scene);
        let asked = line.dialog.question().map(|question| Asked::of(&world.plan, question));
        let said = asked.map_or(Said::Nothing, |asked| caller.answer(&asked, found));
        let input = match said {
            Said::Words(words) => line.hear(&words, &listen.expect),
            Said::Nothing => DialogInput::WasSilent,
            Said::Bye => {
                end = if found { End::Answered } else { End::Abandoned };
                break;
            }
        };
        reply = line.tell(input);
    }
    let Line { dialog, log, .. } = line;
    SimulatedCall {
        profile: profile.clone(),
        progress: dialog.progress().clone(),
        end,
        turns: caller.turns(),
        words: log.words,
        turns_after_asking: caller.turns_after_asking(),
        repeated: log.repeated,
        transcript: log.transcript,
        decisions: log.decisions,
        taken: dialog.taken().to_vec(),
    }
}

/// The telephone line between a caller and the dialog.
struct Line<'a> {
    world: &'a World<'a>,
    errors: &'a mut WordErrors,
    dialog: Dialog,
    log: Log,
}

#[derive(Default)]
struct Log {
    transcript: Vec<String>,
    decisions: Vec<Duration>,
    words: usize,
    last_prompt: String,
    repeated: bool,
}

impl Line<'_> {
    fn tell(&mut self, input: DialogInput) -> Reply {
        let before = (self.world.clock)();
        let reply = self.dialog.handle(input);
        self.log.decisions.push((self.world.clock)().saturating_sub(before));
        if !reply.prompt.text.is_empty() {
            self.log.repeated |= reply.prompt.text == self.log.last_prompt;
            self.log.last_prompt.clone_from(&reply.prompt.text);
            self.log.transcript.push(format!("hotline: {}", reply.prompt.text));
        }
        reply
    }

    /// Carries out what the reply asks of the server, and what that leads to.
    fn settle(&mut self, mut reply: Reply, profile: &Profile) -> Reply {
        loop {
            if let Some(number) = reply.look_up.take() {
                let identified = (self.world.identify)(&number.0, profile.at);
                if identified.member.is_none() {
                    return reply;
                }
                reply = self.tell(DialogInput::MemberFound(Box::new(identified)));
                continue;
            }
            let waits = matches!(self.dialog.question(), Some(Question::Doing(_) | Question::StillDoing(_)));
            let mut followed = None;
            for request in std::mem::take(&mut reply.actions) {
                let answer = self.tell(DialogInput::ActionEnded((self.world.act)(request)));
                followed = followed.or(waits.then_some(answer));
            }
            match followed {
                Some(next) => reply = next,
                None => return reply,
            }
        }
    }

    fn hear(&mut self, words: &str, expect: &Expect) -> DialogInput {
        let (text, confidence) = self.errors.pass(words);
        self.log.words += text::tokens(words).len();
        let misheard = if text == words { String::new() } else { format!("   [heard: {text}]") };
        self.log.transcript.push(format!("caller:  {words}{misheard}"));
        if text.is_empty() {
            return DialogInput::NotUnderstood;
        }
        let heard = Heard { text, confidence, n_best: Vec::new() };
        DialogInput::Turned(Box::new((self.world.understand)(&heard, expect)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::civil::date;

    use super::*;
    use crate::dialog::testing::plan;
    use crate::nlu::Understanding;

    /// A caller with a problem of the small plan.
    fn profile(scene: &str, main: &str, kind: Kind) -> Profile {
        Profile {
            call_id: scene.into(),
            phone: Pii("1".into()),
            at: date(2026, 8, 12).at(9, 30, 0, 0),
            mobile: Pii("1".into()),
            can_state_mobile: true,
            birth_year: None,
            scene: scene.into(),
            main_scene: main.into(),
            order_id: None,
            kind,
            utterances: (0..4).map(|i| format!("{scene} example {i}")).collect(),
            patience: 5,
        }
    }

    fn calls(word_error_rate: f64) -> Vec<SimulatedCall> {
        let plan = Arc::new(plan());
        let understanding = Understanding::train(&plan.corpus(), None).unwrap();
        let world = World {
            plan: plan.clone(),
            identify: &|_, _| Identified::default(),
            act: &|request| ActionResult { action: request.action, succeeded: true, values: Vec::new() },
            understand: &|heard, expect| understanding.understand(heard, expect),
            clock: &|| Duration::ZERO,
        };
        let mut errors = WordErrors::new(&plan, word_error_rate, 1);
        let profiles = [
            profile("lost_card", "card", Kind::Plain),
            profile("refund", "payment", Kind::Plain),
            profile("forgot_pin", "card", Kind::WantsAgent),
        ];
        let callers = profiles.iter().cycle().take(150).enumerate();
        callers
            .map(|(i, profile)| call(&world, &mut errors, profile, Identified::default(), Strategy::Plan, i as u64))
            .collect()
    }

    #[test]
    fn callers_are_understood_and_no_call_goes_nowhere() {
        for rate in [0.0, 0.3] {
            let report = Report::of(&calls(rate));
            assert_eq!((report.dead_ends, report.repeated_prompts), (0, 0));
            assert_eq!((report.figures.calls, report.wants_agent.calls), (100, 50));
        }
        let report = Report::of(&calls(0.0));
        assert!(report.figures.coverage > 0.95 && report.figures.correct > 0.95, "{report}");
        assert_eq!(report.wants_agent.within_one_turn, 1.0);
    }

    #[test]
    fn groups_add_up_to_the_whole() {
        let report = Report::of(&calls(0.1));
        let sum = |count: fn(&report::Group) -> usize| report.by_main_scene.values().map(count).sum::<usize>();
        assert_eq!(sum(|group| group.figures.calls), report.figures.calls);
        assert_eq!(sum(|group| group.dead_ends), 0);
        let handed_over = |why: &std::collections::BTreeMap<Cow<'static, str>, usize>| why.values().sum::<usize>();
        let by_group: usize = report.by_main_scene.values().map(|group| handed_over(&group.hand_over.why)).sum();
        assert_eq!(by_group, handed_over(&report.hand_over.why));
    }

    #[test]
    fn callers_do_not_all_behave() {
        let calls = calls(0.0);
        let count = |end: fn(&End) -> bool| calls.iter().filter(|call| end(&call.end)).count();
        assert!(count(|end| *end == End::Answered) > 0, "somebody hangs up with the answer");
        assert!(count(|end| *end == End::Goodbye) > 0);
        let again = |line: &String| line.starts_with("caller:") && line.contains("again");
        assert!(calls.iter().any(|call| call.transcript.iter().any(again)), "somebody asks to hear it again");
    }
}
