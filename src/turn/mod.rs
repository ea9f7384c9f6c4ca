//! Who has the floor: the only place that decides that a turn has ended, or that a prompt is interrupted.
//!
//! ```text
//! voice per frame ─┐
//! partial words ───┼─► Turn ─► Decision: StartHearing, Duck, Restore, StopPrompt, EndTurn, DropHearing, NoInput
//! prompt, listen ──┘
//! ```
//!
//! Time is the call's media time and arrives with every frame, so a recorded call is judged exactly as a live one.
//!
//! **Barge-in** has two steps. Voice over a prompt ducks it at once, which costs nothing if it was a cough. Then the sound is
//! judged by its words and its length ([`Patience`]): an interruption stops the prompt; anything else (a click, a cough,
//! "uh-huh") brings the prompt back to full level as if nothing had happened.
//!
//! **End of turn** is a silence whose length depends on what was said ([`words::Completeness`]): short after a yes that was
//! asked for, long after "I'd like to".

mod floor;
mod patience;
mod speech;
mod words;

pub use floor::{Decision, Turn};
pub use patience::Patience;
pub use speech::Voice;
pub use words::{Completeness, completeness, is_backchannel};
