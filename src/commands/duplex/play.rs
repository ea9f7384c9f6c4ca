//! Plays one case: a caller on a telephone line, our ears, turn-taking and voice, and virtual time.
//!
//! ```text
//! caller's file ─┬─ + noise + echo ─► 8 kHz µ-law ─► Duplex ─► Moment ─► Happening
//!                └───────────── echo ◄─────────────── prompt
//! ```
//!
//! The computing of the engines is measured, as processor time so that a busy machine changes nothing, and added where a caller
//! would wait for it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::case::{Case, Expect, sound};
use super::cost;
use crate::audio::g711::Law;
use crate::audio::resample::{Downsampler, Upsampler};
use crate::audio::{FRAME_MS, FRAME_SAMPLES, Frame};
use crate::call::{Duplex, EarRequest, Hotline, Moment, Speaking};
use crate::speech::asr::{AsrError, Recogniser};
use crate::speech::tts::{Mouth, Voice};
use crate::speech::vad::Earshot;
use crate::turn::{Aside, Voice as Sound, Yields};
use crate::units::{SampleRate, UtteranceId};

/// What the server says when a turn has ended: as long as the shortest answers of a hotline.
const ANSWER: &str = "All right, let me see what I can do about that.";
/// What it says beside the turns.
const NOD: &str = "Mm-hm.";
/// How long the caller waits for an answer \[ms\].
const LONGEST_WAIT_MS: u64 = 4_000;
/// No prompt is longer \[ms\].
const LONGEST_PROMPT_MS: u64 = 120_000;
/// Silence that makes nobody impatient within a case.
pub(super) const NEVER: Duration = Duration::from_secs(3_600);
/// A frame louder than this is audible \[dBov\].
const AUDIBLE_DBOV: f32 = -46.0;

/// What happened when \[ms\] on the clock of the case.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Ducked,
    Hushed,
    Restored,
    /// The prompt was ended for good.
    Stopped,
    /// The prompt was played to its end.
    PromptEnded,
    /// The turn was judged to be over.
    TurnEnded,
    /// The caller went on with the turn, and its answer was taken back.
    WentOn,
    /// The first sound of the answer.
    Answered,
    /// "Mm-hm", "take your time": beside the turns.
    Said(Aside),
    /// The recogniser's text of a turn.
    Heard(String),
}

/// The recogniser's text so far.
pub(super) struct Partial {
    /// When it was known \[ms\].
    pub(super) at: u64,
    pub(super) text: String,
    /// Probability that it is a whole sentence, 0–1.
    pub(super) whole: f32,
}

/// A case, played.
#[derive(Default)]
pub(super) struct Played {
    pub(super) happened: Vec<(u64, What)>,
    /// Where the prompt could be heard \[ms\].
    pub(super) prompt: Option<(u64, u64)>,
    /// What the caller sounded like, frame by frame, and the level of what they heard \[dBov\].
    pub(super) frames: Vec<(Sound, f32)>,
    /// The recogniser's text when it changed.
    pub(super) words: Vec<Partial>,
    /// Work of the echo canceller, the voice detector and turn-taking, and how much sound it was for.
    pub(super) cost: (Duration, Duration),
}

impl Played {
    /// When it first happened.
    pub(super) fn first(&self, wanted: &What) -> Option<u64> {
        self.happened.iter().find(|(_, what)| what == wanted).map(|(at, _)| *at)
    }
}

/// Engines on loan to one case after the other.
pub(super) struct Stage {
    hotline: Arc<Hotline>,
    recogniser: Box<dyn Recogniser>,
    mouth: Mouth,
    voice: Voice,
}

impl Stage {
    pub(super) fn new(hotline: Arc<Hotline>, recogniser: Box<dyn Recogniser>, mouth: Mouth, voice: Voice) -> Self {
        Self { hotline, recogniser, mouth, voice }
    }

    /// Plays `case`.
    ///
    /// # Errors
    /// A file that cannot be read, or an engine that fails: one line that names it.
    pub(super) fn play(&mut self, case: &Case) -> Result<Played, String> {
        let caller = sound(&case.caller_wav)?;
        let noise =
            case.noise.as_ref().map(|noise| Ok::<_, String>((sound(&noise.wav)?, gain(noise.db)))).transpose()?;
        let prompt = match (&case.prompt, &case.prompt_wav) {
            (Some(text), _) => Some(self.speak(text).map_err(|error| format!("{}: {error}", case.id))?.0),
            (None, Some(path)) => Some(sound(path)?),
            (None, None) => None,
        };
        let answer = self.speak(ANSWER).map_err(|error| format!("{}: {error}", case.id))?;
        let nod = self.speak(NOD).map_err(|error| format!("{}: {error}", case.id))?.0;
        let line = Line::new(case, caller, noise);
        let mut heard = Vec::new();
        let mut run = Run {
            case,
            hotline: &self.hotline,
            recogniser: self.recogniser.as_mut(),
            duplex: Duplex::new(Box::new(Earshot::default())),
            halver: Downsampler::default(),
            answer,
            nod,
            prompt: None,
            answering: None,
            due: None,
            played: Played::default(),
        };
        run.go(line, prompt.clone(), &mut heard).map_err(|error| format!("{}: {error}", case.id))?;
        let mut played = run.played;
        played.cost = cost::of(case, prompt, &heard, &played.words);
        Ok(played)
    }

    /// Sound of `text`, and how long its first piece took.
    fn speak(&mut self, text: &str) -> Result<(Vec<i16>, Duration), crate::speech::tts::TtsError> {
        let (began, mut first, mut sound) = (cost::work(), None, Vec::new());
        self.mouth.speak(&self.voice, text, &mut |piece| {
            first.get_or_insert_with(|| cost::work().saturating_sub(began));
            sound.extend_from_slice(&piece);
            ControlFlow::Continue(())
        })?;
        Ok((sound, first.unwrap_or_default()))
    }
}

fn gain(db: f32) -> f32 {
    10f32.powf(-db / 20.0)
}

/// What the line makes of the caller's sound.
struct Line {
    caller: Vec<i16>,
    starts_at: usize,
    noise: Option<(Vec<i16>, f32)>,
    echo: Option<(usize, f32)>,
    /// What the caller heard of us, all of it.
    said: Vec<i16>,
    /// Samples so far.
    at: usize,
    down: Downsampler,
    up: Upsampler,
}

impl Line {
    fn new(case: &Case, caller: Vec<i16>, noise: Option<(Vec<i16>, f32)>) -> Self {
        let samples = |ms: u64| (ms * 16) as usize;
        Self {
            caller,
            starts_at: samples(case.starts_at_ms),
            noise: noise.filter(|(sound, _)| !sound.is_empty()),
            echo: case.echo.map(|echo| (samples(echo.ms), gain(echo.db))),
            said: Vec::new(),
            at: 0,
            down: Downsampler::default(),
            up: Upsampler::default(),
        }
    }

    /// The next 20 ms, over 8 kHz and µ-law.
    fn next(&mut self) -> Frame {
        let mut frame = Frame::SILENCE;
        for (i, sample) in frame.0.iter_mut().enumerate() {
            let at = self.at + i;
            let voice = at.checked_sub(self.starts_at).and_then(|at| self.caller.get(at)).copied().unwrap_or(0);
            let noise = self.noise.as_ref().map_or(0.0, |(sound, gain)| f32::from(sound[at % sound.len()]) * gain);
            let echo =
                self.echo.and_then(|(late, gain)| Some(f32::from(*self.said.get(at.checked_sub(late)?)?) * gain));
            *sample = (f32::from(voice) + noise + echo.unwrap_or(0.0)).round() as i16; // saturates
        }
        self.at += FRAME_SAMPLES;
        let mut narrow = [0; FRAME_SAMPLES / 2];
        self.down.process(&frame.0, &mut narrow);
        for sample in &mut narrow {
            *sample = Law::Mu.expand(Law::Mu.compress(*sample));
        }
        self.up.process(&narrow, &mut frame.0);
        frame
    }
}

/// One case under way.
struct Run<'a> {
    case: &'a Case,
    hotline: &'a Hotline,
    recogniser: &'a mut dyn Recogniser,
    duplex: Duplex,
    halver: Downsampler,
    /// What is answered, and how long its first sound takes to make.
    answer: (Vec<i16>, Duration),
    /// What is said beside the turns.
    nod: Vec<i16>,
    prompt: Option<UtteranceId>,
    answering: Option<UtteranceId>,
    /// When the answer begins, since it takes time to make \[ms\].
    due: Option<u64>,
    played: Played,
}

impl Run<'_> {
    fn go(&mut self, mut line: Line, prompt: Option<Vec<i16>>, all: &mut Vec<Frame>) -> Result<(), AsrError> {
        match prompt {
            Some(sound) => {
                let id = self.duplex.speak(self.case.ask, Yields::ToSpeech);
                self.push(id, sound);
                self.prompt = Some(id);
            }
            None => self.duplex.offer(self.case.ask, NEVER),
        }
        let spoken_until = self.case.spans().last().map_or(0, |(_, to)| to);
        let caller_until = self.case.starts_at_ms + line.caller.len() as u64 / 16;
        while !self.is_over(spoken_until, caller_until) {
            let now = self.now();
            let said = self.duplex.say();
            if said.level() > AUDIBLE_DBOV && self.prompt.is_some() {
                let heard = self.played.prompt.get_or_insert((now, now));
                heard.1 = now + FRAME_MS;
            }
            line.said.extend_from_slice(&said.0);
            self.follow()?;
            let heard = line.next();
            all.push(heard);
            self.duplex.hear(&heard);
            self.played.frames.push((self.duplex.voice(), said.level()));
            self.follow()?;
            if self.due.is_some_and(|due| due <= self.now()) {
                self.due = None;
                let id = self.duplex.speak(self.case.ask, Yields::ToSpeech);
                let sound = self.answer.0.clone();
                self.push(id, sound);
                self.answering = Some(id);
            }
        }
        Ok(())
    }

    fn is_over(&self, spoken_until: u64, caller_until: u64) -> bool {
        let now = self.now();
        match self.case.expect {
            Expect::Stop => self.played.first(&What::Stopped).is_some() || now > spoken_until + LONGEST_WAIT_MS,
            Expect::Continue => self.prompt.is_none() || now > caller_until + LONGEST_PROMPT_MS,
            Expect::Respond => {
                let answered =
                    self.played.happened.iter().any(|(at, what)| *what == What::Answered && *at >= spoken_until);
                answered || now > spoken_until + LONGEST_WAIT_MS
            }
            Expect::Wait => now > spoken_until,
        }
    }

    fn now(&self) -> u64 {
        self.duplex.now().as_millis()
    }

    fn push(&mut self, id: UtteranceId, sound: Vec<i16>) {
        self.duplex.sound(id, Speaking::Sound(Arc::from(sound)));
        self.duplex.sound(id, Speaking::Complete);
    }

    fn note(&mut self, what: What) {
        self.played.happened.push((self.now(), what));
    }

    fn follow(&mut self) -> Result<(), AsrError> {
        while let Some(moment) = self.duplex.poll() {
            match moment {
                Moment::Ears(_, EarRequest::Begin(listening)) => self.recogniser.begin(&listening)?,
                Moment::Ears(id, EarRequest::Feed(pcm)) => {
                    if let Some(text) = self.feed(&pcm)? {
                        let mut whole = 0.0;
                        self.duplex.words(id, &text, |all| {
                            whole = self.hotline.understanding.is_whole(all);
                            whole
                        });
                        self.played.words.push(Partial { at: self.now(), text, whole });
                    }
                }
                Moment::Ears(_, EarRequest::Finish) => self.finish()?,
                Moment::Ears(_, EarRequest::Drop) | Moment::CallerBegan { .. } | Moment::WasSilent => {}
                Moment::Audible if self.answering.is_some() => self.note(What::Answered),
                Moment::Audible | Moment::TurnEnding { .. } => {}
                Moment::Ducked => self.note(What::Ducked),
                Moment::Hushed => self.note(What::Hushed),
                Moment::Restored => self.note(What::Restored),
                Moment::Interrupted(_) => self.interrupted(),
                Moment::WentOn(_) => self.went_on(),
                Moment::PromptEnded(played) => {
                    if self.prompt == Some(played.id) {
                        self.prompt = None;
                        self.note(What::PromptEnded);
                    }
                    self.answering = None;
                    self.duplex.offer(self.case.ask, NEVER);
                }
                Moment::TurnEnded { .. } => self.note(What::TurnEnded),
                Moment::Aside(aside) => {
                    let id = self.duplex.aside();
                    let sound = self.nod.clone();
                    self.push(id, sound);
                    self.note(What::Said(aside));
                }
            }
        }
        Ok(())
    }

    fn went_on(&mut self) {
        // If the answer was still being made, the caller heard nothing of it.
        self.due = None;
        self.answering = None;
        self.note(What::WentOn);
    }

    fn interrupted(&mut self) {
        if self.due.take().is_some() {
            return;
        }
        if self.prompt.take().is_some() {
            self.note(What::Stopped);
        }
        self.answering = None;
    }

    fn feed(&mut self, pcm: &[i16]) -> Result<Option<String>, AsrError> {
        if self.recogniser.sample_rate() != SampleRate::NARROWBAND {
            return self.recogniser.feed(pcm);
        }
        let mut narrow = vec![0; pcm.len() / 2];
        self.halver.process(pcm, &mut narrow);
        self.recogniser.feed(&narrow)
    }

    /// The final text, and the answer as soon as both engines would have made it.
    fn finish(&mut self) -> Result<(), AsrError> {
        let began = cost::work();
        let transcript = self.recogniser.finish()?;
        let work = cost::work().saturating_sub(began) + self.answer.1;
        if let Some(channel) = transcript.channel {
            self.duplex.learn(channel);
        }
        self.note(What::Heard(transcript.text));
        self.due = Some(self.now() + work.as_millis() as u64);
        Ok(())
    }
}
