//! Editions of a dialplan: which one the next call gets after the files changed.
//!
//! ```text
//! serving ─┐
//! read ────┴─► Editions::offer ─► taken: serves the next call │ refused: the serving one stays, and says why
//! ```
//!
//! A call keeps the edition that it began with; nothing here touches files or clocks.

use std::sync::Arc;

use super::Plan;

/// Why a plan without mistakes cannot take the place of the one that serves. Engines are started for one language and voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Another language.
    #[error("`language` changed: start the server again for another language")]
    Language,
    /// Another voice.
    #[error("`voice` changed: start the server again for another voice")]
    Voice,
}

impl Plan {
    /// Whether calls may be served by this plan where engines were started for `serving`.
    ///
    /// # Errors
    /// [`Misfit`].
    pub fn can_replace(&self, serving: &Plan) -> Result<(), Misfit> {
        if self.lang != serving.lang {
            return Err(Misfit::Language);
        }
        if self.voice != serving.voice {
            return Err(Misfit::Voice);
        }
        Ok(())
    }
}

/// What serves, which edition it is, and why the newest one does not, if so.
#[derive(Clone, Debug)]
pub struct Editions<T> {
    serving: Arc<T>,
    number: u32,
    refused: Option<String>,
}

impl<T> Editions<T> {
    /// The first edition serves.
    pub fn new(first: Arc<T>) -> Self {
        Self { serving: first, number: 1, refused: None }
    }

    /// What the next call gets.
    pub fn serving(&self) -> &Arc<T> {
        &self.serving
    }

    /// Number of the edition that serves, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Why the newest edition does not serve; `None` when it does.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Takes `made` into service, or keeps what serves and notes why `made` is none. Says whether it was taken.
    pub fn offer(&mut self, made: Result<Arc<T>, String>) -> bool {
        match made {
            Ok(next) => {
                self.serving = next;
                self.number += 1;
                self.refused = None;
                true
            }
            Err(why) => {
                self.refused = Some(why);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::testing::plan;
    use crate::units::Lang;

    #[test]
    fn a_refused_edition_leaves_the_old_one_in_service_until_it_is_mended() {
        let mut editions = Editions::new(Arc::new("first"));
        assert!(!editions.offer(Err("dialplan.yaml:3: a mistake".into())));
        assert_eq!((**editions.serving(), editions.number()), ("first", 1));
        assert_eq!(editions.refused(), Some("dialplan.yaml:3: a mistake"));
        assert!(editions.offer(Ok(Arc::new("second"))));
        assert_eq!((**editions.serving(), editions.number(), editions.refused()), ("second", 2, None));
    }

    #[test]
    fn engines_keep_their_language_and_voice() {
        let serving = plan();
        let mut next = serving.clone();
        next.scenes[0].answer = "Another answer.".into();
        assert_eq!(next.can_replace(&serving), Ok(()));
        next.voice = Some("rms".into());
        assert_eq!(next.can_replace(&serving), Err(Misfit::Voice));
        next.lang = Lang::Zh;
        assert_eq!(next.can_replace(&serving), Err(Misfit::Language));
    }
}
