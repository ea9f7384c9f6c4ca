//! Two voices at once: what the caller hears, what is heard of the caller, and who has the floor between them.
//!
//! ```text
//! caller's frame ─► EchoCanceller ─► Ears ─► Turn ─► Moment
//!                        ▲                     │
//!                        └──── say ◄── Playout ◄┘ duck, stop
//! ```
//!
//! It knows what a question is ([`Ask`]) and nothing of what is talked about. A [`Conversation`](super::Conversation) puts a
//! dialog on top; a bench puts a script there. Media time advances by one frame with every [`Duplex::hear`].

use std::collections::VecDeque;
use std::time::Duration;

use super::ears::Ears;
use super::io::{EarRequest, Speaking};
use super::playout::{Heard as Played, Playout};
use crate::audio::echo::{EchoCanceller, REACH_MS};
use crate::audio::{FRAME_MS, Frame};
use crate::speech::asr::{Channel, Listening};
use crate::speech::vad::VoiceDetector;
use crate::turn::{Aside, Decision, Turn, Voice, Yields};
use crate::units::{Ask, HearingId, SampleRate, SampleTime, UtteranceId};

/// Frames after which nothing comes back of what was sent.
const ECHO_FRAMES: usize = (REACH_MS / FRAME_MS) as usize;

/// What two voices led to.
#[derive(Debug)]
pub enum Moment {
    /// For a recogniser.
    Ears(HearingId, EarRequest),
    /// The caller began to make sounds that may become a turn.
    CallerBegan {
        /// Where the sound began.
        from: SampleTime,
    },
    /// The first sound of the utterance was sent.
    Audible,
    /// The utterance was turned down: the caller may be interrupting.
    Ducked,
    /// It was paused: the caller very likely is.
    Hushed,
    /// It goes on at full level: the caller was not.
    Restored,
    /// The caller took the floor, and cut off what was playing, if anything was.
    Interrupted(Option<Played>),
    /// The same, to go on with the turn that seemed to have ended: nothing has been answered.
    WentOn(Option<Played>),
    /// The utterance was heard to its end.
    PromptEnded(Played),
    /// The caller's turn will be over in a moment, unless they go on.
    TurnEnding {
        /// What is being heard.
        hearing: HearingId,
    },
    /// The caller's turn is over; the recogniser's final text for it is on its way.
    TurnEnded {
        /// Whose final text.
        hearing: HearingId,
        /// End of the caller's last audible speech.
        spoke_until: SampleTime,
    },
    /// The caller said nothing for as long as was agreed.
    WasSilent,
    /// Something is to be said beside the turns: its sound is that of [`Duplex::aside`].
    Aside(Aside),
}

/// Hears and speaks at the same time.
pub struct Duplex {
    echo: EchoCanceller,
    /// What was sent last: what an echo is an echo of.
    sent: Frame,
    /// Levels of what was sent lately, the latest first \[dBov\].
    played: [f32; ECHO_FRAMES],
    ears: Ears,
    /// What the caller's last frame sounded like.
    voice: Voice,
    turn: Turn,
    playout: Playout,
    last_utterance: UtteranceId,
    /// What recognition has learnt about the caller's line.
    channel: Option<Channel>,
    /// Whether the line carries more than 8 kHz.
    is_wideband: bool,
    moments: VecDeque<Moment>,
}

impl Duplex {
    /// Hears through `detector` on a telephone line of 8 kHz; silent until [`speak`](Self::speak) or [`offer`](Self::offer).
    pub fn new(detector: Box<dyn VoiceDetector>) -> Self {
        Self {
            echo: EchoCanceller::new(SampleRate::NARROWBAND),
            sent: Frame::SILENCE,
            played: [-127.0; ECHO_FRAMES],
            ears: Ears::new(detector),
            voice: Voice::default(),
            turn: Turn::default(),
            playout: Playout::default(),
            last_utterance: UtteranceId::default(),
            is_wideband: false,
            channel: None,
            moments: VecDeque::new(),
        }
    }

    /// The line samples at `rate` from here on: echo comes back in all that it carries.
    pub fn set_line_rate(&mut self, rate: SampleRate) {
        self.echo.set_rate(rate);
        self.is_wideband = rate > SampleRate::NARROWBAND;
    }

    /// Takes the floor with a new utterance that leads up to `ask`. Its sound comes by [`sound`](Self::sound); an older
    /// utterance falls out.
    pub fn speak(&mut self, ask: Ask, yields: Yields) -> UtteranceId {
        self.last_utterance = UtteranceId(self.last_utterance.0 + 1);
        self.turn.server_speaks(ask, yields);
        self.playout.start(self.last_utterance);
        self.last_utterance
    }

    /// Says something beside the turns, for a [`Moment::Aside`]: the floor stays where it is, and nobody interrupts it.
    pub fn aside(&mut self) -> UtteranceId {
        self.last_utterance = UtteranceId(self.last_utterance.0 + 1);
        self.playout.start_aside(self.last_utterance);
        self.last_utterance
    }

    /// A piece of an utterance, or its end.
    pub fn sound(&mut self, id: UtteranceId, speaking: Speaking) {
        match speaking {
            Speaking::Sound(piece) => {
                self.playout.push(id, piece);
            }
            // A prompt that could not be spoken ends where it broke off: the caller still gets their turn.
            Speaking::Complete | Speaking::Failed => self.playout.complete(id),
        }
    }

    /// Gives the floor to the caller, who may take `patience` to begin an answer to `ask`.
    pub fn offer(&mut self, ask: Ask, patience: Duration) {
        let now = self.now();
        self.turn.offer(ask, now, now + patience);
        self.decide();
    }

    /// Takes 20 ms of the caller's sound while they are with somebody else: nothing is judged.
    pub fn overhear(&mut self, frame: &Frame) {
        self.ears.hear(frame);
    }

    /// Takes 20 ms of the caller's sound.
    pub fn hear(&mut self, frame: &Frame) {
        let cleaned = self.echo.process(&self.sent, frame);
        self.played.rotate_right(1);
        self.played[0] = self.sent.level();
        self.voice = Voice {
            echo: cleaned.likelihood,
            played: self.played.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            ..self.ears.hear(&cleaned.frame)
        };
        self.turn.frame(self.ears.now(), self.voice);
        self.decide();
        if let Some((id, feed)) = self.ears.feed() {
            self.moments.push_back(Moment::Ears(id, feed));
        }
    }

    /// The recogniser's text so far for a hearing; `is_whole` tells how surely all that was said in its turn is a whole
    /// sentence (0–1). Answers whether the hearing is the current one.
    pub fn words(&mut self, id: HearingId, text: &str, is_whole: impl FnMut(&str) -> f32) -> bool {
        let is_current = self.ears.hearing() == Some(id);
        if is_current {
            self.turn.words(self.ears.now(), text, is_whole);
            self.decide();
        }
        is_current
    }

    /// The next 20 ms for the caller.
    pub fn say(&mut self) -> Frame {
        let was_audible = self.playout.is_audible();
        let (frame, ended) = self.playout.next_frame();
        if !was_audible && self.playout.is_audible() {
            self.moments.push_back(Moment::Audible);
        }
        self.moments.extend(ended.map(Moment::PromptEnded));
        self.sent = frame;
        frame
    }

    /// Ends the utterance here, because something else than a voice decided so.
    pub fn stop(&mut self) -> Option<Played> {
        self.playout.stop()
    }

    /// Forgets what is being heard, because something else decided: a key, a failed recogniser, the end of the talk.
    pub fn withdraw(&mut self) {
        self.turn.withdraw();
        self.decide();
    }

    /// The recogniser of a hearing failed. Answers whether the caller was being heard by it.
    pub fn recogniser_failed(&mut self, id: HearingId) -> bool {
        let is_current = self.ears.hearing() == Some(id);
        if is_current {
            self.ears.end();
            self.withdraw();
        }
        is_current
    }

    /// What the recogniser has learnt about the line; the next hearing starts from it.
    pub fn learn(&mut self, channel: Channel) {
        self.channel = Some(channel);
    }

    /// What the caller's last 20 ms sounded like.
    pub fn voice(&self) -> Voice {
        self.voice
    }

    /// Whether a recogniser is listening.
    pub fn is_hearing(&self) -> bool {
        self.ears.hearing().is_some()
    }

    /// Media time: how much of the caller has been heard.
    pub fn now(&self) -> SampleTime {
        self.ears.now()
    }

    /// What happened; call it until it answers `None`.
    pub fn poll(&mut self) -> Option<Moment> {
        self.moments.pop_front()
    }

    /// Carries out what turn-taking has decided.
    fn decide(&mut self) {
        while let Some(decision) = self.turn.poll() {
            match decision {
                Decision::StartHearing { from, ask } => {
                    let channel = self.channel.clone();
                    let listening = Listening { ask, is_wideband: self.is_wideband, channel };
                    let (id, request) = self.ears.begin(from, listening);
                    self.moments.extend([Moment::CallerBegan { from }, Moment::Ears(id, request)]);
                }
                Decision::Duck => {
                    self.playout.duck();
                    self.moments.extend(self.playout.is_audible().then_some(Moment::Ducked));
                }
                Decision::Hush => {
                    self.playout.hush();
                    self.moments.extend(self.playout.is_audible().then_some(Moment::Hushed));
                }
                Decision::Restore => {
                    self.playout.restore();
                    self.moments.extend(self.playout.is_audible().then_some(Moment::Restored));
                }
                Decision::StopPrompt => {
                    let played = self.playout.stop();
                    self.moments.push_back(Moment::Interrupted(played));
                }
                Decision::TakeBack => {
                    let played = self.playout.stop();
                    self.moments.push_back(Moment::WentOn(played));
                }
                Decision::EndIsNear => {
                    self.moments.extend(self.ears.hearing().map(|hearing| Moment::TurnEnding { hearing }));
                }
                Decision::EndTurn { spoke_until } => {
                    let Some(hearing) = self.ears.end() else { continue };
                    self.moments.push_back(Moment::Ears(hearing, EarRequest::Finish));
                    self.moments.push_back(Moment::TurnEnded { hearing, spoke_until });
                }
                Decision::DropHearing => {
                    let dropped = self.ears.end().map(|id| Moment::Ears(id, EarRequest::Drop));
                    self.moments.extend(dropped);
                }
                Decision::Say(aside) => self.moments.push_back(Moment::Aside(aside)),
                Decision::NoInput => self.moments.push_back(Moment::WasSilent),
            }
        }
    }
}
