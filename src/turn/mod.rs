//! Who has the floor: the only place that decides that a turn has ended, or that a prompt is interrupted.
//!
//! ```text
//! voice per frame ─┐
//! partial words ───┼─► Turn ─► Decision: StartHearing, Duck, Hush, Restore, StopPrompt, EndTurn, DropHearing, NoInput
//! prompt, question ┘
//! ```
//!
//! Time is the call's media time and arrives with every frame, so a recorded call is judged exactly as a live one;
//! `antevox duplex` does that with whole sets of situations, in virtual time.
//!
//! **Barge-in** is given way to in three steps. Voice over a prompt *ducks* it at once, which costs nothing if it was a cough.
//! When it very likely is somebody who talks to us, the prompt is *paused*. What was said then *stops* it, or it goes on from
//! where it was paused: after a listener's "uh-huh", a noise, music, somebody in the background.
//!
//! The evidence is how surely each frame is a voice, fading with time, so that sounds which only now and then pass for speech
//! never gather enough; how near the voice is; whether it may be our own, come back from the line; and its words, of which a
//! short sound that a recogniser takes for "the" or "of" is none.
//!
//! **End of turn** is a silence whose length depends on what was said and asked ([`Completeness`]): 200 ms after a yes, 300 ms
//! after a whole sentence, more than a second after "I'd like to" or three digits of eleven. Whether a sentence is whole is
//! learned from the hotline's own examples ([`nlu::Endings`](crate::nlu::Endings)) and told by the caller of [`Turn::words`].
//!
//! | knob | what it does |
//! |---|---|
//! | [`Patience`] | the silences that end a turn, by kind of question and by completeness; the one that ends an interruption |
//! | `speech::{LIKELY, WORDED, COMMANDED, WORDLESS}` | evidence that pauses a prompt, and that stops it with words, with a command, without words |
//! | `speech::{DOUBTFUL, SURE, KEPT}` | what a frame's probability counts as evidence, and how that fades |
//! | `speech::{NEARBY, ECHO_LOSS, STEADY}` | levels of a background voice, of an echo, and of a tone |
//! | `words::{WHOLE, BROKEN}` | from when a sentence is whole, and below what it has broken off |

mod floor;
mod patience;
mod speech;
mod words;

pub use floor::{Decision, Turn};
pub use patience::Patience;
pub use speech::Voice;
pub use words::Completeness;
