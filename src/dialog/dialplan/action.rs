//! What the server does for a caller, and the humans who take over.

use std::time::Duration;

use super::{Name, SlotId, Wording};

/// Something that the server does for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ActionKind,
    /// Values that it brings: the name of each, and where the answer has it (a column, or a JSON pointer of RFC 6901).
    pub returns: Vec<(String, String)>,
}

/// What an action does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Writes a line into the log and the call record.
    Log,
    /// Sends a text message through a gateway.
    Sms {
        /// The gateway's URL.
        url: Wording,
        /// The message.
        text: Wording,
    },
    /// Calls a web service.
    Http {
        /// The URL.
        url: Wording,
        /// Whether it is only read (GET), or told something (POST).
        method: Method,
    },
    /// Reads the store.
    Sql {
        /// One SELECT; its values are bound, not pasted in.
        query: Wording,
    },
    /// Notes an appointment in the store, for whoever calls back.
    Appointment {
        /// The number to call.
        phone: Wording,
        /// The day.
        day: SlotId,
        /// The time of day.
        time: SlotId,
    },
    /// Checks that the caller is who the calling number says, by the number that they are registered with; or finds out who they are.
    Identity {
        /// The number that they state.
        number: SlotId,
    },
}

/// How a web service is called (RFC 9110).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Tells.
    Post,
}

impl Action {
    /// The values that it needs.
    pub fn needs(&self) -> Vec<Name> {
        match &self.kind {
            ActionKind::Log => Vec::new(),
            ActionKind::Sms { url, text } => url.names().chain(text.names()).collect(),
            ActionKind::Http { url, .. } => url.names().collect(),
            ActionKind::Sql { query } => query.names().collect(),
            ActionKind::Appointment { phone, day, time } => {
                phone.names().chain([Name::Slot(*day), Name::Slot(*time)]).collect()
            }
            ActionKind::Identity { number } => vec![Name::Slot(*number)],
        }
    }
}

/// Humans who take calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// SIP URI.
    pub target: String,
    /// How a call gets there.
    pub method: Handover,
    /// How long it may ring.
    pub timeout: Duration,
}

/// How a call gets to a human.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The caller's side is asked to call (RFC 3515).
    Refer,
    /// We call, and stay between the two.
    Bridge,
    /// We call, and then ask the caller's side to take our place (RFC 5589 §7); where it cannot, we stay.
    Consult,
}
