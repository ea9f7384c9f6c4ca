//! A dialplan: what one hotline knows and says, as data.
//!
//! ```text
//! (path, text)… ─► yaml (places) ─► raw (as written) ─► recorded (sounds apart) ─► validate (all mistakes at once) ─► Plan (ids resolved)
//! ```
//!
//! A [`Plan`] that exists is whole: every prompt has at least two variants with the placeholders that its question needs,
//! every name in it points at something, every threshold lies in its range. Whoever uses it needs no checks.

mod action;
mod condition;
mod edition;
mod named;
mod names;
mod phrases;
mod prompt;
mod raw;
mod recorded;
mod slot;
mod steps;
mod validate;
mod wording;
mod yaml;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use action::{Action, ActionKind, Handover, Method, Queue};
pub use condition::{Condition, Datum};
pub use edition::{Editions, Misfit};
pub use names::{Fact, Name};
pub use prompt::{Placeholder, PromptKind, PromptPlan, Prompts, Template};
pub use recorded::Recording;
pub use slot::{SlotId, SlotKind, SlotPlan, SlotValue};
pub use steps::{DialogId, DialogPlan, Op, Program, Step};
pub use wording::Wording;
pub(super) use yaml::distance;

use self::phrases::phrases;
use crate::diag::Diagnostics;
use crate::dialog::policy::Policy;
use crate::nlu::{Corpus, Example};
use crate::units::{Lang, Scene};

/// Name of the file that holds everything but the scenes.
pub const MAIN_FILE: &str = "dialplan.yaml";

/// Position of a problem in [`Plan::scenes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SceneId(pub(crate) usize);

/// Position of a main scene in [`Plan::main_scenes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MainId(pub(crate) usize);

/// A checked dialplan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The language that it speaks.
    pub lang: Lang,
    /// The synthesiser's voice, where the default is not wanted.
    pub voice: Option<String>,
    /// What the hotline says.
    pub prompts: Prompts,
    /// Words of it that somebody recorded.
    pub recordings: Vec<Recording>,
    /// Salutations.
    pub daytimes: Daytimes,
    /// When to be how sure.
    pub thresholds: Thresholds,
    /// How long to wait for callers.
    pub timings: Timings,
    /// What callers may be asked for.
    pub slots: Vec<SlotPlan>,
    /// Deeds.
    pub actions: Vec<Action>,
    /// Steps that can be called from anywhere; those that another one needs come before it.
    pub dialogs: Vec<DialogPlan>,
    /// Offered where no human takes the call.
    pub nobody_free: Option<DialogId>,
    /// Humans.
    pub queues: Vec<Queue>,
    /// The queue for callers whose problem names none: an index of `queues`.
    default_queue: usize,
    /// Groups of problems.
    pub main_scenes: Vec<MainScene>,
    /// Problems, those of one main scene side by side.
    pub scenes: Vec<ScenePlan>,
    /// Files with more examples, relative to the dialplan's folder.
    pub corpora: Vec<PathBuf>,
    /// Header fields of the INVITE that are known as `header.name`, where the trunk passes them on.
    pub headers: Vec<String>,
    /// The file with a learned strategy, relative to the dialplan's folder.
    pub policy_file: Option<PathBuf>,
    /// What it holds, once it was read.
    pub policy: Option<Arc<Policy>>,
    ids: HashMap<Scene, SceneId>,
}

/// Salutations by the time of day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daytimes {
    /// Until noon.
    pub morning: String,
    /// Until six.
    pub afternoon: String,
    /// Until midnight.
    pub evening: String,
}

/// When to be how sure: all of them probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// From here on a guess is said aloud in the greeting.
    pub guess: f64,
    /// From here on a problem is answered without asking whether it is the one.
    pub accept: f64,
    /// From here on a problem is worth the question whether it is the one.
    pub confirm: f64,
    /// Two problems are offered when they lie closer together than this.
    pub choice_margin: f64,
    /// From here on the caller's words are taken for none of the problems.
    pub out_of_scope: f64,
    /// How much the guess counts beside the words: 0 not at all, 1 as much as Bayes says.
    pub prior_weight: f64,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Silence that counts as no answer.
    pub no_input: Duration,
    /// The same, after the caller asked to wait.
    pub wait: Duration,
    /// How long the look-up of a number may take.
    pub look_up: Duration,
    /// Prompts in one call, after which a human takes over.
    pub max_prompts: u32,
}

/// A group of problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainScene {
    /// Its id in records and tables.
    pub scene: Scene,
    /// As spoken.
    pub name: String,
    /// Sentences that tell it and no more.
    pub vague: Vec<String>,
}

/// A problem.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenePlan {
    /// Its id in records and tables.
    pub scene: Scene,
    /// Its group.
    pub main: MainId,
    /// As spoken.
    pub name: String,
    /// The order that it concerns, if one.
    pub order: Option<OrderPlan>,
    /// How callers say it.
    pub examples: Vec<String>,
    /// What is done before the answer.
    pub steps: Program,
    /// What solves it; empty where the steps do.
    pub answer: String,
    /// An index of [`Plan::actions`], carried out with the answer.
    pub action: Option<usize>,
    /// An index of [`Plan::queues`]: the caller goes there after the answer.
    pub transfer: Option<usize>,
}

/// How a problem concerns an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPlan {
    /// Kinds of orders that it may be.
    pub kinds: Vec<String>,
    /// Whether it is asked for.
    pub need: Need,
    /// Said instead of the problem's name once the order is known.
    pub about: Option<Template>,
}

/// Whether an order is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Used when known.
    Wanted,
    /// Asked for when unknown.
    Needed,
}

impl Plan {
    /// Checks the files of a dialplan, each with the path that mistakes are reported under: one [`MAIN_FILE`], all
    /// others scene files. Warnings come with the plan.
    ///
    /// # Errors
    /// All mistakes found, when one of them is an error.
    pub fn from_files(files: Vec<(PathBuf, String)>) -> Result<(Self, Diagnostics), Diagnostics> {
        validate::plan(&files)
    }

    /// The problem with this id.
    pub fn find(&self, scene: &Scene) -> Option<SceneId> {
        self.ids.get(scene).copied()
    }

    /// The problem at `id`.
    pub fn scene(&self, id: SceneId) -> &ScenePlan {
        &self.scenes[id.0]
    }

    /// The main scene at `id`.
    pub fn main(&self, id: MainId) -> &MainScene {
        &self.main_scenes[id.0]
    }

    /// All problems.
    pub fn scene_ids(&self) -> impl Iterator<Item = SceneId> + use<> {
        (0..self.scenes.len()).map(SceneId)
    }

    /// The slot at `id`.
    pub fn slot(&self, id: SlotId) -> &SlotPlan {
        &self.slots[id.0]
    }

    /// The sub-dialog at `id`.
    pub fn dialog(&self, id: DialogId) -> &DialogPlan {
        &self.dialogs[id.0]
    }

    /// The queue with this name.
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.name == name)
    }

    /// The action with this name.
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == name)
    }

    /// The humans for a problem; for callers with none, those who take everything.
    pub fn queue_for(&self, scene: Option<SceneId>) -> &Queue {
        let queue = scene.and_then(|id| self.scene(id).transfer).unwrap_or(self.default_queue);
        &self.queues[queue]
    }

    /// All examples, to learn intents from.
    pub fn corpus(&self) -> Corpus {
        let mut examples = Vec::new();
        for scene in &self.scenes {
            let main_scene = &self.main(scene.main).scene;
            examples.extend(scene.examples.iter().map(|text| Example {
                text: text.clone(),
                scene: scene.scene.clone(),
                main_scene: main_scene.clone(),
            }));
        }
        let vague = self.main_scenes.iter().flat_map(|main| {
            main.vague.iter().map(|text| Example {
                text: text.clone(),
                scene: main.scene.clone(),
                main_scene: main.scene.clone(),
            })
        });
        Corpus { lang: self.lang, examples, vague: vague.collect() }
    }

    /// Everything that the hotline says to everybody in the same words: prompts without placeholders but the time of day,
    /// answers, and what steps say. Nobody's name or order is in it.
    pub fn fixed_prompts(&self) -> Vec<String> {
        let daytimes = [&self.daytimes.morning, &self.daytimes.afternoon, &self.daytimes.evening];
        let mut fixed: Vec<String> = self.scenes.iter().map(|scene| scene.answer.clone()).collect();
        for kind in PromptKind::ALL {
            for template in &self.prompts.of(*kind).variants {
                let filled =
                    daytimes.iter().filter_map(|time| template.fill(&[(Placeholder::Daytime, (*time).clone())]));
                fixed.extend(filled);
            }
        }
        let programs = self.scenes.iter().map(|scene| &scene.steps);
        let programs = programs.chain(self.dialogs.iter().map(|dialog| &dialog.program));
        for op in programs.flat_map(|program| (0..).map_while(|at| program.op(at))) {
            if let Op::Say { variants, .. } = op {
                fixed.extend(variants.iter().filter_map(|wording| wording.fill(&|_| None)));
            }
        }
        fixed.retain(|text| !text.trim().is_empty() && !text.contains('{'));
        fixed.sort_unstable();
        fixed.dedup();
        fixed
    }

    /// What callers may say, for a recogniser's language model: examples, and the names that questions put into their
    /// mouths. What callers say everywhere (yes, no, digits, commands) the recogniser's side adds for the language.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for main in &self.main_scenes {
            sentences.push(main.name.clone());
            sentences.extend(main.vague.iter().cloned());
        }
        for scene in &self.scenes {
            sentences.push(scene.name.clone());
            if let Some(about) = scene.order.as_ref().and_then(|order| order.about.as_ref()) {
                sentences.push(about.fixed());
            }
            sentences.extend(scene.examples.iter().cloned());
        }
        sentences.extend(self.dialogs.iter().flat_map(|dialog| dialog.starts.iter().cloned()));
        for slot in &self.slots {
            sentences.extend(slot.options());
            sentences.extend(phrases::answers(&slot.kind, self.lang));
        }
        sentences.extend(phrases(self.lang).iter().map(|&phrase| phrase.to_owned()));
        sentences
    }
}
