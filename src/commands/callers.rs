//! Who calls, for the commands that hold a dialog without a server.

use std::path::Path;

use jiff::civil::DateTime;
use tokio::runtime::Runtime;

use crate::call::LookUp;
use crate::identify::{Identified, Model};
use crate::server::store::Store;
use crate::server::who;
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

    fn look_up(&self, whose: &LookUp, now: DateTime) -> Result<Identified, Failure> {
        let Some(Known { runtime, store, model }) = &self.0 else { return Ok(Identified::default()) };
        Ok(runtime.block_on(who::identify(store, model, whose, now))?)
    }
}
