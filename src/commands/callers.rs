//! Who calls, for the commands that hold a dialog without a server.

use std::path::Path;

use jiff::civil::DateTime;
use tokio::runtime::Runtime;

use crate::call::LookUp;
use crate::dialog::dialplan::{ActionKind, Plan};
use crate::dialog::{ActionRequest, ActionResult};
use crate::identify::{Identified, Model};
use crate::server::store::Store;
use crate::server::{actions, who};
use crate::units::Pii;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The callers that a store knows; without a store, nobody is known.
pub struct Callers(Option<Known>);

struct Known {
    runtime: Runtime,
    store: Store,
    model: Model,
}

impl Callers {
    /// Opens the store in `data`.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn open(data: Option<&Path>) -> Result<Self, Failure> {
        let Some(folder) = data else { return Ok(Self(None)) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (store, model) = runtime.block_on(async {
            let store = Store::open_existing(folder).await?;
            let model = who::model(&store).await?;
            Ok::<_, Failure>((store, model))
        })?;
        Ok(Self(Some(Known { runtime, store, model })))
    }

    /// What is known of whoever calls from `phone` at `now`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn identify(&self, phone: &str, now: DateTime) -> Result<Identified, Failure> {
        self.look_up(&LookUp::Calling(Pii(phone.to_owned())), now)
    }

    /// What is known of whoever is registered with `number`, which a caller stated.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn identify_stated(&self, number: &str, now: DateTime) -> Result<Identified, Failure> {
        self.look_up(&LookUp::Stated(Pii(number.to_owned())), now)
    }

    /// Carries out what only reads the store. Everything else is not done, and taken for done: nobody gets a text message
    /// from a conversation that was typed.
    pub fn act(&self, plan: &Plan, request: ActionRequest) -> ActionResult {
        let action = plan.action(&request.action);
        match (action.map(|action| &action.kind), &self.0) {
            (Some(ActionKind::Sql { .. }), Some(Known { runtime, store, .. })) => {
                runtime.block_on(actions::carry_out(plan, store, "chat", request))
            }
            (Some(ActionKind::Sql { .. }), None) | (None, _) => {
                ActionResult { action: request.action, succeeded: false, values: Vec::new() }
            }
            (Some(_), _) => {
                let values = action.iter().flat_map(|action| &action.returns).map(|(name, _)| Pii(name.clone()));
                ActionResult { values: values.collect(), action: request.action, succeeded: true }
            }
        }
    }

    fn look_up(&self, whose: &LookUp, now: DateTime) -> Result<Identified, Failure> {
        let Some(Known { runtime, store, model }) = &self.0 else { return Ok(Identified::default()) };
        Ok(runtime.block_on(who::identify(store, model, whose, now))?)
    }
}
