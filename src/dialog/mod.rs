//! What to say next: guess, guide, confirm, solve, hand over.
//!
//! ```text
//! Facts, DialogInput ─► Dialog::handle ─► Reply { prompt, actions, next }
//! ```
//!
//! The machine is pure: it hears facts in the past tense and answers with what should happen, and neither knows whether the
//! words were spoken or typed nor who placed the call.

mod asked;
pub mod belief;
pub mod dialplan;
mod facts;
mod machine;
pub mod policy;
pub mod simulated;
pub mod spoken;
pub mod strategy;
#[cfg(test)]
pub(crate) mod testing;
mod voice;

use std::time::Duration;

pub use asked::Asked;
use dialplan::{Datum, Name};
pub use dialplan::{Handover, Plan, PromptKind};
pub use facts::{CallFacts, Verified};
pub use machine::{Dialog, Question};

use crate::identify::Identified;
use crate::nlu::{Expect, UserTurn};
use crate::units::{Ask, Pii, Scene};

/// What happened in the call, as far as the dialog is concerned.
#[derive(Clone, Debug, PartialEq)]
pub enum DialogInput {
    /// The call is answered; who calls is known as well as it will be.
    Started(Box<Identified>),
    /// The caller finished a turn.
    Turned(Box<UserTurn>),
    /// The caller pressed keys and stopped.
    Keyed(String),
    /// The caller said nothing for as long as [`Listen::no_input`].
    WasSilent,
    /// Somebody spoke, but nothing could be recognised.
    NotUnderstood,
    /// An action ended.
    ActionEnded(ActionResult),
    /// Nobody took the call over.
    TransferFailed,
    /// The store found another member, by a number that the caller stated.
    MemberFound(Box<Identified>),
    /// Recognition does not work any more.
    EngineFailed,
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionResult {
    /// Name in the dialplan.
    pub action: String,
    /// Whether it did what it says, and brought all that it returns.
    pub succeeded: bool,
    /// What it brought, in the order of its `returns`.
    pub values: Vec<Pii<String>>,
}

/// Everything that should happen now, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What to say; empty for nothing.
    pub prompt: Prompt,
    /// What to do meanwhile.
    pub actions: Vec<ActionRequest>,
    /// A number that the caller stated: find its owner, and answer with [`DialogInput::MemberFound`].
    pub look_up: Option<Pii<String>>,
    /// What to do when the prompt has been heard (or, for [`Next::Listen`], interrupted).
    pub next: Next,
}

impl Reply {
    /// Whether it is words and no deed: it may be taken back.
    pub fn is_talk(&self) -> bool {
        self.actions.is_empty() && self.look_up.is_none() && matches!(self.next, Next::Listen(_))
    }
}

/// Something to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// The text, one or more clauses.
    pub text: String,
    /// Where each span of it ends [bytes], and whether the caller may speak into it.
    pub spans: Vec<(usize, BargeIn)>,
}

impl Prompt {
    /// The spans, in their order: neighbours differ in who may interrupt them.
    pub fn spans(&self) -> impl Iterator<Item = (&str, BargeIn)> {
        let mut from = 0;
        self.spans.iter().map(move |&(to, barge_in)| {
            let text = self.text[from..to].trim();
            from = to;
            (text, barge_in)
        })
    }

    /// Adds `text` at the end.
    fn add(&mut self, text: &str, barge_in: BargeIn, spaced: bool) {
        if text.is_empty() {
            return;
        }
        if spaced && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
        match self.spans.last_mut() {
            Some(last) if last.1 == barge_in => last.0 = self.text.len(),
            _ => self.spans.push((self.text.len(), barge_in)),
        }
    }
}

/// Who may interrupt a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BargeIn {
    /// Any real speech.
    #[default]
    Allowed,
    /// Only who asks for the floor: "stop", "agent".
    Command,
    /// Nobody: an announcement that must be heard.
    Never,
}

/// A deed from the dialplan's `actions`.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionRequest {
    /// Name in the dialplan.
    pub action: String,
    /// The scene it is done for, where a problem stands.
    pub scene: Option<Scene>,
    /// The order it is done for.
    pub order_id: Option<String>,
    /// The values that it needs, as far as they are known.
    pub values: Vec<(Name, Pii<Datum>)>,
}

/// How the call goes on after the prompt.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// The caller has the floor.
    Listen(Listen),
    /// To a human.
    Transfer(Transfer),
    /// The call is over.
    HangUp,
}

/// How to listen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listen {
    /// The kind of answer waited for, and the options named.
    pub expect: Expect,
    /// Silence after the prompt that counts as no answer.
    pub no_input: Duration,
}

impl Listen {
    /// The kind of answer waited for.
    pub fn ask(&self) -> Ask {
        self.expect.ask
    }
}

/// To whom a call goes, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Entry of the dialplan's `queues`.
    pub queue: String,
    /// Why, in one word or two: `caller_asked`, `no_match`, `scene`.
    pub reason: &'static str,
    /// What is known, for the human who takes over: one line.
    pub summary: String,
}

/// How far the dialog has come: what a call record says about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// The guess that was spoken, if any.
    pub guess: Option<Scene>,
    /// The problem that stands, if any.
    pub scene: Option<Scene>,
    /// Its main scene.
    pub main_scene: Option<Scene>,
    /// The order that it is about.
    pub order_id: Option<String>,
    /// The caller said yes to the stated problem.
    pub confirmed: bool,
    /// Caller utterances until the problem stood.
    pub turns: u32,
    /// The problem was answered or acted upon.
    pub resolved: bool,
}
