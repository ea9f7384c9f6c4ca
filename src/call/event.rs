//! What the world may know of a call: the live page, logs, other programs.
//!
//! The only enum of a call that is serialised; it carries its version.

use serde::{Deserialize, Serialize};

use super::record::{CallRecord, GuessRecord, Latency, MemberRecord, OrderRecord, TurnRecord};
use crate::dialog::Asked;
use crate::units::CallId;

/// Version of [`CallEvent`]'s serialised form. Raise it when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// One thing that happened, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    /// [`VERSION`].
    pub v: u32,
    /// Which call.
    pub call_id: CallId,
    /// Media time: since the call was answered \[ms\].
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: Happened,
}

/// What happened in a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happened {
    /// The call came in.
    Started {
        /// Calling number.
        from: String,
        /// Called number.
        to: String,
    },
    /// It is known who calls, as far as can be told.
    Identified {
        /// Who.
        member: Option<MemberRecord>,
        /// About which order.
        order: Option<OrderRecord>,
        /// About what, by falling probability.
        guess: Vec<GuessRecord>,
    },
    /// The server begins to speak.
    Speaking {
        /// The whole text.
        text: String,
    },
    /// The server says a few words beside the turns: "mm-hm", "take your time", "one moment".
    Aside {
        /// The words.
        text: String,
    },
    /// The server's prompt was heard to its end, or there was none: the caller has the floor.
    Listening {
        /// The question that stands: what the caller is expected to answer.
        question: Asked,
    },
    /// The prompt was turned down, since somebody may be interrupting.
    Ducked,
    /// Nobody was interrupting.
    Restored,
    /// The caller interrupted; the rest of the prompt was not spoken.
    BargedIn,
    /// The caller went on with a turn that seemed to have ended; the answer to it is taken back.
    WentOn,
    /// The caller is speaking; the words so far.
    Hearing {
        /// The words.
        text: String,
    },
    /// A turn of the server or of the caller is over.
    Turned(TurnRecord),
    /// The first sound of an answer was sent.
    Answered {
        /// The way there.
        latency: Latency,
    },
    /// The problem that stands now.
    Problem {
        /// Scene.
        scene: String,
        /// Whether the caller has said yes to it.
        confirmed: bool,
    },
    /// The call goes to a human.
    Transferring {
        /// To whom.
        target: String,
        /// Why.
        reason: String,
    },
    /// Caller and human are connected, or the human has taken over.
    Transferred,
    /// Nobody took over; the caller goes on with the server.
    TransferFailed,
    /// Put on hold by the caller.
    Held,
    /// Back from hold.
    Resumed,
    /// The call is over.
    Ended {
        /// All that is kept of it.
        record: Box<CallRecord>,
    },
}
