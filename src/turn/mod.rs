//! Who has the floor: the only place that decides that a turn has ended, or that a prompt is interrupted.
//!
//! ```text
//! voice per frame ─┐
//! partial words ───┼─► Turn ─► Decision: StartHearing, Duck, Hush, Restore, StopPrompt, TakeBack, EndIsNear, EndTurn, DropHearing, NoInput, Say
//! prompt, question ┘
//! ```
//!
//! Time is the call's media time and arrives with every frame, so a recorded call is judged exactly as a live one;
//! `antevox duplex` does that with whole sets of situations, in virtual time.
//!
//! **Barge-in** is given way to in three steps. A sound that stands out over a prompt *ducks* it within 60 ms or so, before
//! there is a voice in it, which costs nothing if it was a cough. When it very likely is somebody who talks to us, the prompt
//! is *paused*; the longer the sound lasts, the less is waited for. What was said then *stops* it, or it goes on from where it
//! was paused: after a listener's "uh-huh", a noise, music, somebody in the background. Words count when they have stood for
//! 120 ms or the sound is over, since a recogniser often thinks better of them: by then the caller hears silence anyway.
//!
//! The evidence is how surely each frame is a voice, fading with time, so that sounds which only now and then pass for speech
//! never gather enough; how near the voice is; whether it may be our own, come back from the line; and its words, of which a
//! short sound that a recogniser takes for "the" or "of" is none. A prompt may yield to any speech, to commands alone ("stop",
//! "agent"), or to nobody ([`Yields`]).
//!
//! **End of turn** is a silence whose length depends on what was said and asked. Words that are all with a probability of 0.8
//! are answered after 180 ms (a number: 240), words that do not tell (0.12 to 0.6) after 540 ms, and words that break off (below
//! 0.08: "I'd like to", "when I open the app") after 1,400 ms, with all lengths between them. What a sentence's end
//! looks like is learned from sentences of all kinds and from the hotline's own examples, and how clear it is what the sentence
//! is about counts as well ([`nlu::Understanding::is_whole`](crate::nlu::Understanding::is_whole)); it is told by the caller of
//! [`Turn::words`]. How somebody speaks counts as well: who has paused in this turn, or has spoken for long, will pause again; a
//! number that comes in groups is a long one; and a word that dies away is heard out.
//!
//! **A nod instead of an answer.** After some words nobody can tell whether they are all: a plain no ("no … it's about my card": 9 of
//! 51 in three sets go on), a word that is no answer (a "them" that was "um"), a number that is whole for some. A listener
//! says "mm-hm" there, after 300 ms (a number: 480), which leaves the floor where it is; the turn then ends as one that breaks off.
//! The caller hears as soon as by an answer that they were heard. In three sets 4.9, 4.9 and 2.9 % of the turns with a pause are
//! answered in it so; 11.7, 10.7 and 11.8 % without the nod and with waits of 480 and 1,300 ms.
//!
//! The waits trade callers who are cut off against callers who wait, and from which probability down one is waited for long
//! decides most of it. Replayed, before there was a nod, with 0.2 and with 0.1: of three sets 8.9 and 5.7 % of the answers take more than 600 ms, and
//! 10.4 and 10.7 % of the turns with a pause are cut off; of 190 sentences about other things than the hotline's 31 and 21 %,
//! and 6 and 15 %.
//!
//! **Who goes on was not through.** A pause after words that look whole cannot be told from an end: "there's a payment on my card …
//! that I did not make". So a turn's end is not the last word. Who speaks again within 700 ms has heard a word or two of the answer,
//! which is taken back ([`Decision::TakeBack`]): it falls silent, the dialog returns to where it was, and the turn is understood as
//! a whole. What is heard meanwhile is taken for words of the old turn, not for an answer to a question that nobody has heard; and whether
//! they are through now is judged by all the words of the turn.
//!
//! **In a noisy room** a detector takes noise for voice for a fifth of a second after a voice. Frames that are no louder than the
//! room when nobody speaks are no voice then; a voice that is hardly louder than the room is heard out all the same. What is heard
//! of it is often wrong, and looks unfinished: of 261 situations with an office 18 dB below the voice half are answered after 0.4 s, nine of
//! ten after 0.7 s, and six in a hundred wait longer than 1.3 s. Not to believe words there that break off made it 0.7 s for all but
//! five in a hundred, but 45 instead of 24 % of the turns with a pause were answered in it: left.
//!
//! A model of language does not tell pauses from ends better: with what MiniLM's layers make of the words, 8 to 12 % of beginnings
//! pass for whole when 5 % of whole sentences are taken to go on (17 % without), but of the words as they were heard in three sets
//! 22 to 33 % as before: what is left is misheard, or is whole.
//!
//! The voice's melody is not looked at. Of 105 numbers told by people (88 ends, 48 pauses of 150 ms and more, speakers left out)
//! the count of digits and pauses ranks 85.4 % of the pairs rightly, together with the pitch's fall, lengths and levels before
//! the silence 86.6 %; these alone 68.8 %, and nothing of the ends and pauses of sentences that are read.
//!
//! **A good listener** says a few words without taking the floor ([`Aside`]): "mm-hm" to who may go on, and in a pause of a story of more
//! than eight seconds, "take your time" to somebody who began and falters, "one moment" when the answer to a turn is late. Who says
//! nothing is asked again in other words by the dialog, after [`Decision::NoInput`].
//!
//! # The knobs
//!
//! | knob | what it does |
//! |---|---|
//! | [`Patience`]`::{complete, unclear, unfinished}` | the silence that ends a turn whose words are all, do not tell, or break off; one set for each kind of question. Longer: fewer callers are cut off, all wait longer |
//! | `Patience::nod` | the silence after which "mm-hm" is said to who may be through or not |
//! | `Patience::steady` | the least silence after which somebody is answered who has spoken for six seconds |
//! | `Patience::halting` | the least silence after which somebody is answered who has paused already in this turn |
//! | `Patience::linger` | how much longer is waited while a faint voice is left: the "s" of a "yes". Longer: later answers on noisy lines |
//! | `Patience::foresee` | the silence after which an answer is prepared that may be wanted in a moment. Shorter: more is prepared in vain |
//! | `Patience::forget` | silence after which a sound over a prompt that was no interruption is forgotten, and the prompt goes on |
//! | `Patience::{encouraged, breath, late}` | how much longer one is waited for who was told to take their time; the pause in a story for an "mm-hm"; when an answer is late |
//! | `patience::{COMPLETE, UNCLEAR, DOUBTFUL, UNFINISHED}` | the probabilities that these three silences belong to; between the middle two words do not tell. `DOUBTFUL` and `UNFINISHED` lower: fewer callers wait for long, more are cut off |
//! | `patience::{LONG_WINDED, STEADY}` | after how long a story is waited for longer, and for how much longer |
//! | `onset::{ABOVE, AUDIBLE, PROVED}` | how far a sound must stand out over the line's noise, and how loud it must be, to duck a prompt; how long it may take to turn out to be a voice |
//! | `onset::{KNOWN, UNKNOWN_LOSS, ECHO_LOSS, RESIDUE}` | what may be our own voice come back, before and after it is known whether the line has an echo |
//! | `speech::{LIKELY, LIKELY_LATE, SOON, LATE}` | evidence that pauses a prompt, at once and when the sound has lasted. Less: it falls silent sooner, for more sounds that are nothing |
//! | `speech::{WORDED, COMMANDED, WORDLESS, A_WORD}` | evidence that stops it with words, with a command, without words; how long a voice with a word in it pauses it |
//! | `speech::{SHORT, BRIEF, SENTENCE, WHOLE, A_GO, LONG, A_WORD_MORE, STABLE}` | how long a listener's words may last, and a single one; how many words that look whole are none; how long a "go" is; from when on babble is suspected and more words are asked for, and how many more as it goes on; how long words must stand |
//! | `speech::{DOUBTFUL, SURE, KEPT}` | what a frame's probability counts as evidence, and how that fades |
//! | `speech::{NEARBY, NEAR, SOFTER, AT_FIRST, ECHO_LOSS, STEADY, FADED}` | levels of a background voice, of somebody near and of their soft sounds and for how long these count, of an echo, of a tone, and of the room after a voice |
//! | `floor::GOES_ON` | how soon after the end of their turn somebody must speak again for the answer to be taken back. Longer: quick answers to the answer's first words are taken for more of the old turn |
//! | `room::{RISE, FALL, ABOVE}` | what share of the room's sounds is softer than the level that no voice is at; how much louder than the room a speaker is at least |
//! | `speech::PAUSE` | a silence in a turn that counts as a pause |
//! | `words::{COMMANDS, CLAIMS, REQUESTS, ASSENTS, BACKCHANNELS}` | the words that take the floor, and those that leave it |
//! | `wholeness::{ANSWERS, POLITE, LAST_WORDS, POLITE_ENDS, FILLERS}` | what is a whole answer to a yes/no question or a choice, what ends any sentence ("please"), and what may stand before it |
//! | `wholeness::{OPEN_ENDS, OPEN_PAIRS, OPEN_END, SURELY, OPEN_CLAUSE, OPENERS, RELATIVES, FEW, BEGINNING}` | what an ending such as "to", a clause with "when", a subject alone ("the card that you sent me") or too few words leave of the probability that a sentence is whole; how few words are a beginning |
//! | `wholeness::{PHONE_NUMBER, NEARLY, IN_ONE_BREATH, GROUPS}` | how many digits a number has, told in groups or in one breath |
//! | `speech::STORY` | from when on a turn is a story |

mod floor;
mod onset;
mod patience;
mod room;
mod speech;
mod wholeness;
mod words;

pub use floor::{Aside, Decision, Turn, Yields};
pub use patience::Patience;
pub use speech::Voice;
