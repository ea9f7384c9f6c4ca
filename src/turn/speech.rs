//! What was heard of the caller in one stretch, and what it is evidence of.

use std::borrow::Cow;
use std::time::Duration;

use super::room::Room;
use super::wholeness::{breaks_off, may_go_on};
use super::words::{claims_the_floor, content_words, is_backchannel, takes_the_floor};
use crate::units::{Ask, SampleTime};

/// What one frame of the caller sounds like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Voice {
    /// Whether it belongs to a stretch of speech, hangover not included.
    pub speech: bool,
    /// Probability that it is speech, 0–1.
    pub probability: f32,
    /// Level \[dBov\].
    pub level: f32,
    /// How much of its energy was our own voice, 0–1, as the echo canceller sees it.
    pub echo: f32,
    /// Loudest of what we played in the last third of a second, which an echo may still come back from \[dBov\].
    pub played: f32,
}

/// Most of such a frame is our own voice.
const MOSTLY_ECHO: f32 = 0.5;
/// So much softer than what we play, it may be an echo that the canceller has not learned yet \[dB\]. Measured: half of the
/// frames of people who interrupt are less than 8 dB softer, echoes at −20 dB are 20 dB and more softer.
const ECHO_LOSS: f32 = 14.0;
/// A frame of this probability is no evidence of speech, … Measured: half of the frames of speech reach 0.87; music, noise and
/// babble reach 0.77 in one frame of twenty.
const DOUBTFUL: f32 = 0.65;
/// … and one of this probability is all the evidence that a frame can be.
const SURE: f32 = 0.85;
/// Softer than this in its loudest frame, it is somebody in the background \[dBov\].
const NEARBY: f32 = -36.0;
/// So much softer than the loudest frame it is the room after the voice, or the detector's hangover \[dB\].
const FADED: f32 = 26.0;
/// As loud as this, it is somebody near \[dBov\], …
const NEAR: f32 = -28.0;
/// … whose softer sounds are theirs as well, down to so much below \[dB\]: the "xc" of "excuse me" is 15 to 20 dB softer.
const SOFTER: f32 = 20.0;
/// They count at first, while every frame is missing \[frames\]: a piece of music would gather evidence from them.
const AT_FIRST: u32 = 25;
/// A silence of so long within a turn is a pause; stops of consonants and the seams of a sentence are shorter.
const PAUSE: Duration = Duration::from_millis(280);
/// Shorter sounds say nothing new.
const A_SOUND: Duration = Duration::from_millis(200);
/// A tone changes less from frame to frame, a voice more \[dB\]. Measured: ring-back 0.0–0.1, nine of ten frames of speech
/// more than 0.2.
const STEADY: f32 = 0.12;
/// What is left of the evidence of sure frames after each frame: half of it is half a second old at most. Music and babble,
/// of which few frames pass for speech, never gather enough.
const KEPT: f32 = 0.96;
/// Evidence, in sure frames, from which a voice likely interrupts, before its words are known …
const LIKELY: f32 = 3.0;
/// … and what suffices when the sound has lasted for so long \[s\]: a word that begins with a hiss …
const LIKELY_LATE: f32 = 1.0;
const SOON: f32 = 0.08;
const LATE: f32 = 0.2;
/// … from which it does even if no words are made out of it: a bad line, another language …
const WORDLESS: f32 = 20.5;
/// … from which words interrupt …
const WORDED: f32 = 5.0;
/// … and words that ask for the floor: "stop", "no", "wait".
const COMMANDED: f32 = 2.5;
/// A word that means something, in so many frames of a voice, makes an interruption likely.
const A_WORD: u32 = 9;
/// Words within so many frames are a listener's, unless they ask for the floor; …
const SHORT: u32 = 22;
/// … within so many they must be two at least, a drawn-out "hmm" being often heard as one; or one of so many words that are
/// more likely a whole sentence than not: "it was on friday".
const BRIEF: u32 = 60;
const SENTENCE: usize = 4;
const WHOLE: f32 = 0.4;
/// An "oh" is heard as "go", and is shorter than so many frames; of the other commands some are as short.
const A_GO: u32 = 14;
/// Who talks to us has said something after so many frames, and goes on to say a word at least in so many more; of babble and
/// music a recogniser makes a word now and then.
const LONG: u32 = 100;
const A_WORD_MORE: u32 = 50;
/// Words must stand for so many frames, since a recogniser often thinks better of them; nothing is lost, since by then the
/// prompt is paused.
const STABLE: u32 = 6;
/// What a noise of somebody who looks for words is written as.
const HESITATION: &str = "uh";
/// A story is told from so long on.
const STORY: Duration = Duration::from_secs(8);
/// A sound that is not surely speech for so long is none that talks to us \[frames\].
const BACKGROUND: u32 = 40;

impl Voice {
    /// Whether it is the caller's voice rather than our own, come back from the line.
    pub(super) fn is_callers(&self) -> bool {
        self.speech && self.echo < MOSTLY_ECHO && self.level > self.played - ECHO_LOSS
    }
}

/// What a stretch of sound over a prompt is evidence of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Somebody takes the floor.
    Interrupts,
    /// Very likely, though the words do not say so yet.
    Likely,
    /// Too early to tell, or a listener's noise.
    Unclear,
    /// A noise, music, somebody in the background.
    Unlikely,
}

/// A stretch of the caller's speech.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Speech {
    /// Start of its first frame.
    pub(super) from: SampleTime,
    /// End of the last frame that held speech, …
    pub(super) until: SampleTime,
    /// … and of the last that the detector took for such.
    sounded_until: SampleTime,
    /// What was said before, in a turn that seemed to have ended.
    before: String,
    /// The words so far.
    words: String,
    /// How surely all of them are a whole sentence, 0–1.
    pub(super) whole: f32,
    /// The most words of which it was thought that they are nothing but a listener's.
    listened: usize,
    /// Until when the caller may answer, if they were asked.
    pub(super) answering: Option<SampleTime>,
    /// Since when the caller has not been told that we listen.
    acknowledged: SampleTime,
    /// Whether they were told to take their time.
    encouraged: bool,
    /// Up to where the caller had spoken when a listener's "mm-hm" was last said.
    nodded: Option<SampleTime>,
    /// How often the caller paused in it.
    pauses: u32,
    /// Whether its end was foreseen, in this silence and with these words.
    foreseen: bool,
    /// Frames since it began.
    frames: u32,
    /// Frames since the words changed.
    unchanged: u32,
    /// Frames that held the caller's voice.
    voiced: u32,
    /// Evidence of those that surely did, fading.
    sure: f32,
    /// The most that it has been.
    surest: f32,
    /// Level of the last frame, and of the loudest \[dBov\].
    level: f32,
    loudest: f32,
}

impl Speech {
    /// Begins at `from` with a frame that ends at `now`.
    pub(super) fn beginning(from: SampleTime, now: SampleTime, voice: Voice, room: Room) -> Self {
        let mut speech = Self {
            from,
            until: now,
            sounded_until: now,
            before: String::new(),
            words: String::new(),
            whole: 0.0,
            listened: 0,
            answering: None,
            acknowledged: from,
            encouraged: false,
            nodded: None,
            pauses: 0,
            foreseen: false,
            frames: 0,
            unchanged: 0,
            voiced: 0,
            sure: 0.0,
            surest: 0.0,
            level: f32::NEG_INFINITY,
            loudest: f32::NEG_INFINITY,
        };
        speech.hear(voice, now, room);
        speech
    }

    /// The same, after these words of the same turn.
    pub(super) fn after(self, words: &str) -> Self {
        Self { before: words.to_owned(), pauses: self.pauses + 1, ..self }
    }

    /// The same, as an answer that may come until `until`.
    pub(super) fn answering_until(self, until: SampleTime) -> Self {
        Self { answering: Some(until), before: String::new(), ..self }
    }

    /// One more frame, in a `room` that is never silent.
    pub(super) fn hear(&mut self, voice: Voice, now: SampleTime, room: Room) {
        self.frames += 1;
        self.unchanged += 1;
        self.sure *= KEPT;
        if (voice.is_callers() || self.goes_on_in(voice)) && !room.drowns(voice, self.loudest) {
            self.sounded_until = now;
            if voice.level > self.loudest - FADED {
                self.pauses += u32::from(self.silent_for(now) > PAUSE);
                self.until = now;
                self.foreseen = false;
            }
            self.voiced += 1;
            if (voice.level - self.level).abs() > STEADY {
                self.sure += ((voice.probability - DOUBTFUL) / (SURE - DOUBTFUL)).clamp(0.0, 1.0);
                self.surest = self.surest.max(self.sure);
            }
            self.loudest = self.loudest.max(voice.level);
        }
        self.level = voice.level;
    }

    /// Whether `voice` is a soft sound of somebody near. An echo as loud would have to be louder than all that we play.
    fn goes_on_in(&self, voice: Voice) -> bool {
        let is_soft = self.loudest >= NEAR && voice.level > self.loudest - SOFTER;
        self.frames <= AT_FIRST && voice.speech && voice.echo < MOSTLY_ECHO && is_soft
    }

    /// What the recogniser makes of it so far.
    pub(super) fn understand(&mut self, words: &str, mut is_whole: impl FnMut(&str) -> f32) {
        if words != self.words {
            self.unchanged = 0;
            self.foreseen = false;
            words.clone_into(&mut self.words);
            if is_backchannel(words) {
                self.listened = self.listened.max(words.split_whitespace().count());
            }
        }
        self.whole = is_whole(&self.told());
    }

    /// All that was said in this turn. A noise of which a recogniser thinks better in the silence after it was one all the same.
    pub(super) fn told(&self) -> Cow<'_, str> {
        let words = if self.words.is_empty() && self.listened > 0 { HESITATION } else { &self.words };
        if self.before.is_empty() { Cow::Borrowed(words) } else { Cow::Owned(format!("{} {words}", self.before)) }
    }

    /// How long nothing has been heard.
    pub(super) fn silent_for(&self, now: SampleTime) -> Duration {
        now.since(self.until)
    }

    /// How long it was spoken, and with how many pauses.
    pub(super) fn pace(&self) -> (Duration, u32) {
        (self.until.since(self.from), self.pauses)
    }

    /// Whether there is still a voice, though a faint one: an "s" that dies away, or the room.
    pub(super) fn lingers(&self, now: SampleTime) -> bool {
        self.sounded_until == now
    }

    /// Whether nothing has been heard for `long`, not even the room after the voice.
    pub(super) fn is_over(&self, now: SampleTime, long: Duration) -> bool {
        now.since(self.sounded_until) >= long
    }

    /// Whether it breaks off after a word or a few, so that the caller seems to look for words.
    pub(super) fn falters(&self, ask: Ask) -> bool {
        ask != Ask::Digits && breaks_off(&self.told())
    }

    /// Whether the caller was told to take their time.
    pub(super) fn was_encouraged(&self) -> bool {
        self.encouraged
    }

    /// The caller is told to take their time.
    pub(super) fn encourage(&mut self) {
        self.encouraged = true;
    }

    /// Whether what was said may be all as well as the first of more.
    pub(super) fn may_go_on(&self, ask: Ask) -> bool {
        may_go_on(ask, &self.told(), self.whole, self.pauses)
    }

    /// A listener nods; answers whether the caller has said anything since the last time.
    pub(super) fn nod(&mut self) -> bool {
        let is_new = self.nodded.is_none_or(|until| self.until.since(until) >= A_SOUND);
        self.nodded = if is_new { Some(self.until) } else { self.nodded };
        is_new
    }

    /// Its end is foreseen; answers whether that is new.
    pub(super) fn foresee(&mut self) -> bool {
        !std::mem::replace(&mut self.foreseen, true)
    }

    /// Whether the caller has spoken for long, and without a sign that we listen.
    pub(super) fn is_story(&self, now: SampleTime) -> bool {
        now.since(self.acknowledged) >= STORY
    }

    /// The caller is told that we listen.
    pub(super) fn acknowledge(&mut self, now: SampleTime) {
        self.acknowledged = now;
    }

    /// Whether it asks for the floor.
    pub(super) fn commands(&self) -> bool {
        takes_the_floor(&self.words) && self.surest >= COMMANDED && self.unchanged >= STABLE
    }

    /// Whether it was no speech at all.
    pub(super) fn is_nothing(&self) -> bool {
        self.words.is_empty() && self.surest < COMMANDED
    }

    /// What it is evidence of, over a prompt that leads up to `ask`; `is_over` when nothing more comes of it.
    pub(super) fn evidence(&self, ask: Ask, is_over: bool) -> Evidence {
        if self.loudest < NEARBY {
            return if self.frames >= BACKGROUND { Evidence::Unlikely } else { Evidence::Unclear };
        }
        let content = content_words(&self.words);
        let sure = if is_over { self.surest } else { self.sure };
        let are_settled = is_over || self.unchanged >= STABLE;
        let is_long = self.frames >= LONG;
        let is_an_oh = self.words == "go" && self.voiced < A_GO;
        let interrupts = if claims_the_floor(&self.words, ask) && !is_an_oh && !is_long {
            self.surest >= COMMANDED
        } else {
            let long = if is_long { 2 + (self.frames - LONG) / A_WORD_MORE } else { 0 } as usize;
            let count = self.words.split_whitespace().count();
            let is_sentence = count >= SENTENCE && self.whole >= WHOLE;
            let is_brief = (!is_over || self.voiced < BRIEF) && !is_sentence;
            // "right right" that is at last heard as "arrived ride" stays a listener's.
            let is_listeners = is_over && count <= self.listened;
            let needed = 1 + long + usize::from(is_brief);
            (content >= needed && !is_listeners && self.voiced >= SHORT && sure >= WORDED)
                || (self.words.is_empty() && self.sure >= WORDLESS)
        };
        // The longer it has been heard, the less is waited for.
        let patience = (self.sounded_until.since(self.from).as_secs_f32() - SOON) / (LATE - SOON);
        let likely = self.sure >= LIKELY - (LIKELY - LIKELY_LATE) * patience.clamp(0.0, 1.0)
            || (content >= 1 && self.voiced >= A_WORD && self.sure >= COMMANDED);
        let is_likely = interrupts || (likely && !is_over && !is_backchannel(&self.words));
        if interrupts && are_settled {
            Evidence::Interrupts
        } else if is_likely {
            Evidence::Likely
        } else if self.frames >= BACKGROUND && self.sure < COMMANDED {
            Evidence::Unlikely
        } else {
            Evidence::Unclear
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_sounds_of_somebody_near_are_theirs() {
        let evidence = |loud: f32| {
            let frame = |level| Voice { speech: true, probability: 0.9, level, echo: 0.0, played: -18.0 };
            let at = SampleTime::from_millis;
            let room = Room::default();
            let mut speech = Speech::beginning(at(0), at(20), frame(loud), room);
            for n in 2..12 {
                speech.hear(frame(-38.0 - (n % 2) as f32), at(n * 20), room);
            }
            speech.evidence(Ask::Open, false)
        };
        assert_eq!(evidence(-20.0), Evidence::Likely);
        assert_eq!(evidence(-30.0), Evidence::Unclear);
    }
}
