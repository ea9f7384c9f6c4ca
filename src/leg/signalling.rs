//! What a party reports by signalling, and what it is asked to do: SIP and WebRTC say the same here.

use std::net::SocketAddr;

use crate::units::LegId;

/// What one party's signalling reports. Past tense: it has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegEvent {
    /// An outgoing leg is ringing.
    Rang,
    /// An outgoing leg has something to be heard before it is answered: the network's announcement, its own ringing (RFC 3960).
    /// So has whoever a party wants us to call instead.
    Progressed {
        /// SDP answer; what [`Answered`](Self::Answered) brings is said to be the same, and counts.
        sdp: String,
    },
    /// An outgoing leg, or our [`LegRequest::Update`], was answered with this SDP.
    Answered {
        /// SDP answer.
        sdp: String,
    },
    /// Our answer was acknowledged; the SDP is there when the INVITE had none (RFC 3264 §5, RFC 3261 §13.2.1).
    Acknowledged {
        /// SDP answer of a late offer.
        sdp: Option<String>,
    },
    /// The party offers new media parameters (hold, resume, another port). To be answered with
    /// [`LegRequest::AcceptUpdate`] or [`LegRequest::RejectUpdate`]. `None`: a re-INVITE without SDP asks for an offer.
    Updated {
        /// SDP offer.
        sdp: Option<String>,
    },
    /// The party refused our [`LegRequest::Update`], or whoever it wanted us to call instead did not come; the old parameters
    /// stay. Accepted, an update is told as [`Answered`](Self::Answered).
    UpdateRefused {
        /// SIP status; 491 when both sides offered at once.
        status: u16,
    },
    /// The party pressed a key, and its signalling says so (SIP INFO).
    Pressed {
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        key: char,
    },
    /// A transfer by REFER moved on: the status of the call that the party placed (RFC 3515 §2.4.5).
    Referred {
        /// SIP status: 1xx under way, 2xx the party talks to the target, else failed.
        status: u16,
    },
    /// The party hung up, cancelled, or an outgoing leg was refused; nothing more comes.
    Ended {
        /// SIP status that says why; 200 for a plain BYE, 487 for CANCEL.
        status: u16,
    },
}

/// What one party's signalling should do. Imperative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegRequest {
    /// Let it ring (180).
    Ring,
    /// Let the caller hear us before we answer (183) with this SDP; [`Accept`](Self::Accept) says the same again.
    Progress {
        /// SDP answer.
        sdp: String,
    },
    /// Answer (200) with this SDP.
    Accept {
        /// SDP answer, or our offer when the INVITE had none.
        sdp: String,
    },
    /// Refuse the call.
    Reject {
        /// SIP status.
        status: u16,
    },
    /// Answer a re-INVITE or UPDATE.
    AcceptUpdate {
        /// SDP answer.
        sdp: String,
    },
    /// Refuse a re-INVITE or UPDATE; the old parameters stay (RFC 3261 §14.2).
    RejectUpdate {
        /// SIP status.
        status: u16,
    },
    /// Offer new media parameters by re-INVITE: hold, resume.
    Update {
        /// SDP offer.
        sdp: String,
    },
    /// Ask the party to call somebody else (RFC 3515).
    Refer {
        /// Whom.
        to: ReferTo,
        /// Extra headers, such as the reason and what is known.
        headers: Vec<(String, String)>,
    },
    /// End the leg, whatever state it is in (BYE, CANCEL or a refusal).
    HangUp,
}

/// Whom a party is to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferTo {
    /// This SIP URI.
    Uri(String),
    /// The party of another leg of the same call, to take our place in that leg (RFC 3891, RFC 5589 §7).
    PartyOf(LegId),
}

/// A datagram to or from a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The party's address.
    pub peer: SocketAddr,
    /// RTP or RTCP bytes.
    pub bytes: Vec<u8>,
}
