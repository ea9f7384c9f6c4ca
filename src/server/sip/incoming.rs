//! A leg that somebody else starts: from their INVITE to their ACK.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rsipstack::sip::{HeadersExt, Request};
use rsipstack::transaction::random_text;
use rsipstack::transaction::transaction::Transaction;

use super::dialog::Dialog;
use super::exchange::{Answering, Input};
use super::lane::Lane;
use super::leg::{Answered, Beginning, LegTask, State, Talking};
use super::message::{ALLOW, Body, body, call_id, cseq, field, from_tag, party, with, with_sdp};
use super::moving::{Replacement, replaced};
use super::route::Shared;
use super::trunk::{Caller, Origin, caller, named};
use super::{IncomingCall, Party};
use crate::dialog::CallFacts;
use crate::leg::LegEvent;
use crate::units::Pii;

/// A new INVITE on its way to becoming a leg.
pub(super) struct NewCall<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) lane: &'a Arc<Lane>,
    pub(super) source: SocketAddr,
    /// Whose call it is.
    pub(super) origin: &'a Origin,
}

impl NewCall<'_> {
    /// Takes the call in, or turns it away if the house has filled up since the INVITE was looked at.
    pub(super) fn begin(self, transaction: Transaction) {
        let request = transaction.original.clone();
        let tag = random_text(16);
        if let Some(value) = field(&request.headers, "Replaces") {
            return self.replace(transaction, &request, value, tag);
        }
        let permit = self.shared.gate.admit();
        let room = self.shared.calls.try_reserve();
        let dialog = Dialog::incoming(&request, tag);
        let (Some(permit), Ok(room), Some(dialog)) = (permit, room, dialog) else {
            let answering = Answering::serve(transaction, self.source, None, &self.shared.config.user_agent);
            answering.send(with(answering.response(503), "Retry-After", "10"));
            return;
        };
        let number = cseq(&request).map_or(0, |(number, _)| number);
        let invite = (call_id(&request), from_tag(&request).unwrap_or_default(), number);
        let beginning = Beginning {
            shared: Arc::clone(self.shared),
            lane: Arc::clone(self.lane),
            peer: self.source,
            dialog: dialog.clone(),
            permit: Some(permit),
            credentials: None,
        };
        let leg = beginning.start(Some(invite), |inbox| {
            let invite = Answering::serve(transaction, self.source, Some(inbox), &self.shared.config.user_agent);
            let invite = invite.with_tag(dialog.local_tag());
            invite.reply(100);
            State::Ringing(invite)
        });
        room.send(self.described(&request, leg));
    }
}

impl NewCall<'_> {
    /// Hands an INVITE that replaces a dialog to the leg that has it (RFC 3891 §3).
    fn replace(self, transaction: Transaction, request: &Request, value: &str, tag: String) {
        let named = replaced(value);
        let leg = named.as_ref().and_then(|(call_id, to_tag, ..)| {
            let key = (call_id.clone(), to_tag.clone());
            self.shared.legs.get(&key).map(|entry| entry.value().clone())
        });
        let dialog = Dialog::incoming(request, tag.clone());
        let invite = Answering::serve(transaction, self.source, leg.clone(), &self.shared.config.user_agent);
        let (Some((_, _, from_tag, early_only)), Some(leg), Some(dialog)) = (named, leg, dialog) else {
            return invite.reply(481);
        };
        let is_known = *self.origin != Origin::Stranger;
        let (invite, lane) = (invite.with_tag(&tag), Arc::clone(self.lane));
        let replacement = Replacement { invite: invite.clone(), dialog, lane, from_tag, early_only, is_known };
        if leg.try_send(Input::Replaced(Box::new(replacement))).is_err() {
            invite.reply(503);
        }
    }
}

impl NewCall<'_> {
    fn described(&self, invite: &Request, leg: super::SipLeg) -> IncomingCall {
        let (origin, peer) = (self.origin, self.source);
        let from = invite.from_header().ok().map(|from| from.value()).unwrap_or_default();
        let Caller { from, diverted_from } = caller(&invite.headers, from, origin);
        let (display, user) = party(invite.to_header().ok().map(|to| to.value()).unwrap_or_default());
        let (trunk, headers, hears_early) = match origin {
            Origin::Trunk(trunk) => (Some(trunk.name.clone()), named(&invite.headers, trunk), trunk.hears_early),
            Origin::Stranger | Origin::Phone(_) => (None, Vec::new(), false),
        };
        let offer = match body(&invite.headers, &invite.body) {
            Body::Sdp(sdp) => Some(sdp),
            Body::Empty | Body::Other => None,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let verified =
            self.shared.config.stir.as_ref().map(|stir| stir.verify(now, &invite.headers, &from.user.0, &user));
        IncomingCall {
            call_id: call_id(invite),
            from,
            to: Party { user: Pii(user), display: display.map(Pii) },
            facts: CallFacts { trunk, diverted_from, verified, headers },
            offer,
            hears_early,
            peer,
            leg,
        }
    }
}

impl LegTask {
    /// 200 to the INVITE.
    pub(super) fn accept(&mut self, sdp: &str) {
        if self.waits_for_prack(sdp) {
            return;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ringing(invite) => {
                let ok = with(self.contacted(invite.response(200)), "Allow", ALLOW);
                let ok = self.timed(&invite.request.headers, ok);
                invite.send(with_sdp(ok, sdp));
                sdp.clone_into(&mut self.described);
                self.state = State::Answered(Answered { invite, then_leave: false });
            }
            other => self.state = other,
        }
    }

    /// A refusal of the INVITE; statuses that do not refuse are taken for 480.
    pub(super) fn reject(&mut self, status: u16) {
        if let State::Ringing(invite) = &self.state {
            let status = if (300..700).contains(&status) { status } else { 480 };
            let refusal = invite.response(status);
            invite.send(if status == 503 { with(refusal, "Retry-After", "10") } else { refusal });
            self.end(status);
            self.state = State::Ended;
        }
    }

    /// They cancelled the INVITE; too late once it has a final answer (RFC 3261 §9.2).
    pub(super) fn cancelled(&mut self) {
        match &self.state {
            State::Ringing(invite) => {
                invite.reply(487);
                self.end(487);
                self.state = State::Ended;
            }
            State::Talking(Talking::TheyOffer(answering)) => {
                answering.reply(487);
                self.state = State::Talking(Talking::Settled);
            }
            _ => {}
        }
    }

    /// An ACK came, with the answer to a late offer in it.
    pub(super) async fn acknowledged(&mut self, ack: &Request) {
        let number = cseq(ack).map_or(0, |(number, _)| number);
        let (answering, then_leave) = match &self.state {
            State::Answered(answered) => (&answered.invite, answered.then_leave),
            State::Talking(Talking::TheyAcknowledge(answering)) => (answering, false),
            _ => return,
        };
        if answering.number() != number {
            return;
        }
        answering.acknowledge(ack);
        let late_offer = answering.request.body.is_empty();
        self.state = State::Talking(Talking::Settled);
        if then_leave {
            return self.leave().await;
        }
        let sdp = match body(&ack.headers, &ack.body) {
            Body::Sdp(sdp) if late_offer => Some(sdp),
            _ => None,
        };
        self.tell(LegEvent::Acknowledged { sdp });
    }

    /// The transaction of an INVITE is over. If its 2xx was never acknowledged, the dialog is (RFC 3261 §13.3.1.4).
    pub(super) async fn settled(&mut self, number: u32) {
        let unacknowledged = match &self.state {
            State::Answered(answered) => answered.invite.number() == number,
            State::Talking(Talking::TheyAcknowledge(answering)) => answering.number() == number,
            _ => false,
        };
        if unacknowledged {
            self.end(408);
            self.leave().await;
        }
    }
}
