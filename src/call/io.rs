//! What goes into a call and what comes out of it.
//!
//! Inputs are facts in the past tense or deliveries; outputs are requests to the edge. Nothing here is serialised: what the
//! world may read about a call is [`CallEvent`](super::CallEvent).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::dialog::{ActionRequest, ActionResult};
use crate::identify::Identified;
use crate::leg::{LegEvent, LegRequest};
use crate::nlu;
use crate::sdp;
use crate::speech::asr::{AsrError, Listening, Transcript};
use crate::units::{HearingId, LegId, Pii, UtteranceId};

use super::event::CallEvent;

/// Something that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram came in for a leg.
    Packet {
        /// Whose.
        leg: LegId,
        /// Where it came from.
        from: SocketAddr,
        /// RTP or RTCP.
        bytes: &'a [u8],
    },
    /// A party's signalling moved on.
    Leg(LegId, LegEvent),
    /// The second leg that [`Output::Dial`] asked for is being placed, with its media socket here.
    Dialled(Box<sdp::Local>),
    /// The recogniser answered.
    Heard(HearingId, Hearing),
    /// What an [`Output::Understand`] asked for.
    Understood(Understood),
    /// The synthesiser answered.
    Spoken(UtteranceId, Speaking),
    /// The store answered a [`Output::LookUp`].
    CallerKnown(Box<Identified>),
    /// An action of the dialplan ended.
    ActionEnded(ActionResult),
    /// The operator, or a shutdown, ends the call.
    HangUp,
    /// The deadline has passed.
    Timeout,
}

/// What a recogniser answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Hearing {
    /// The text so far.
    Partial(String),
    /// The text, after [`EarRequest::Finish`].
    Final(Transcript),
    /// Nothing more comes.
    Failed(AsrError),
}

/// Words whose meaning is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Understand {
    /// In which hearing.
    pub hearing: HearingId,
    /// What was heard.
    pub heard: nlu::Heard,
    /// What was asked.
    pub expect: nlu::Expect,
    /// Whether the turn is over, and its answer waits for this; otherwise it is prepared.
    pub is_final: bool,
}

/// What they mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// As it was in [`Understand`].
    pub hearing: HearingId,
    /// As it was in [`Understand`].
    pub is_final: bool,
    /// The meaning.
    pub turn: nlu::UserTurn,
}

impl Understand {
    /// Works it out; takes as long as a sentence takes [`nlu::Understanding`].
    pub fn by(&self, understanding: &nlu::Understanding) -> Understood {
        Understood {
            hearing: self.hearing,
            is_final: self.is_final,
            turn: understanding.understand(&self.heard, &self.expect),
        }
    }
}

/// What a synthesiser answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Speaking {
    /// The next piece of sound, 16 kHz.
    Sound(Arc<[i16]>),
    /// That was all.
    Complete,
    /// Nothing more comes, though not all was spoken.
    Failed,
}

/// What a recogniser should do, for one hearing.
#[derive(Clone, Debug, PartialEq)]
pub enum EarRequest {
    /// Borrow a recogniser.
    Begin(Listening),
    /// Recognise this as well: 16 kHz.
    Feed(Box<[i16]>),
    /// Answer with the final text and give the recogniser back.
    Finish,
    /// Give the recogniser back without an answer.
    Drop,
}

/// Which socket of a leg: RTP's, or RTCP's on the next port where the two are not multiplexed (RFC 5761).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// RTP.
    Sound,
    /// RTCP.
    Reports,
}

/// What should be done at the edge.
#[derive(Debug)]
pub enum Output {
    /// Send the bytes that [`Call::poll`](super::Call::poll) has just put into its buffer.
    Packet {
        /// From whose sockets.
        leg: LegId,
        /// From which of them.
        stream: Stream,
        /// To where.
        to: SocketAddr,
    },
    /// Tell a party's signalling.
    Leg(LegId, LegRequest),
    /// Place a second leg; what becomes of it comes back as [`Input::Leg`].
    Dial(Box<Dial>),
    /// For a recogniser.
    Ears(HearingId, EarRequest),
    /// Find out what was meant; [`Input::Understood`] brings it. It may take some frames' time, and must not delay the call.
    Understand(Box<Understand>),
    /// Have the beginning of this at hand: it may be spoken in a moment.
    Prepare(String),
    /// Speak this text; [`Input::Spoken`] brings the sound.
    Speak(UtteranceId, String),
    /// What is being spoken is not wanted any more.
    Hush(UtteranceId),
    /// Find out who this is and what the call may be about.
    LookUp(LookUp),
    /// Carry out an action of the dialplan.
    Act(ActionRequest),
    /// Something that the world may know.
    Event(CallEvent),
    /// Nothing else to do until then; `None` when the call is over.
    Deadline(Option<Instant>),
}

/// Whose number is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUp {
    /// The one that the call came from.
    Calling(Pii<String>),
    /// One that the caller stated.
    Stated(Pii<String>),
}

/// The leg to place: [`LegId::AGENT`] from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// SIP URI to call.
    pub target: String,
    /// Who calls, as the target should see it.
    pub from: Pii<String>,
    /// The number that they called.
    pub called: String,
    /// Extra headers: why the call comes, and what is known.
    pub headers: Vec<(String, String)>,
}
