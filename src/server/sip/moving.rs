//! A party that wants its call to go on with somebody else: REFER to us (RFC 3515, RFC 5589), and an INVITE that replaces
//! a dialog (RFC 3891). To the call either is no more than a change of media.
//!
//! ```text
//! REFER ─► rule ─► 202, NOTIFY 100 ─► Updated { None } ─► our INVITE with the call's offer ─► NOTIFY … 200 ─► BYE
//! INVITE with Replaces ─► Updated { their offer } ─► 200 ─► BYE to the one that was replaced
//! ```
//!
//! Invariants: the old dialog stays until the new one stands; what others may send us to is only what
//! `calls_out.redirects` allows; who replaces is a trunk or telephone of ours, or sits where the replaced party sits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Header, Method, Request, Response, Uri};
use tokio::time::Instant;

use super::dialog::Dialog;
use super::exchange::{Answering, Asking};
use super::gate::Permit;
use super::lane::Lane;
use super::leg::{LegTask, State, Talking};
use super::message::{Body, SDP, body, call_id, field, fields, list, with};
use super::onward::uri_of;
use super::outgoing::{Composing, cancel_of, compose};
use super::reliable::{Early, News, prack};
use crate::leg::LegEvent;

/// How long somebody else's telephone rings: as long as we say that the NOTIFYs go on.
const RINGS: Duration = Duration::from_secs(60);

/// A call to somebody else that is under way.
pub(super) struct Moving {
    target: Uri,
    /// Header fields of the new INVITE: `Replaces`, `Referred-By`.
    headers: Vec<(String, String)>,
    permit: Permit,
    /// The new dialog and its INVITE, once the call has made its offer.
    call: Option<(Dialog, Request, Arc<Lane>, SocketAddr)>,
    /// A provisional answer came: a CANCEL may go out.
    provisional: bool,
    /// What was said before an answer.
    early: Early,
    /// The one who asked has hung up already.
    alone: bool,
    /// The call does not want it any more: a CANCEL goes out as soon as it may.
    unwanted: bool,
    /// When it has rung for long enough; once it is unwanted, when it need not say any more that it is over.
    until: Instant,
}

impl std::fmt::Debug for Moving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Moving(under way: {})", self.call.is_some())
    }
}

/// An INVITE that is to take the place of a leg's dialog.
#[derive(Clone)]
pub(super) struct Replacement {
    pub(super) invite: Answering,
    pub(super) dialog: Dialog,
    pub(super) lane: Arc<Lane>,
    /// The tag of the party that is to be replaced.
    pub(super) from_tag: String,
    /// Only while it rings.
    pub(super) early_only: bool,
    /// Whether it comes from a trunk or telephone of ours.
    pub(super) is_known: bool,
}

impl std::fmt::Debug for Replacement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replacement({:?})", self.invite)
    }
}

/// The dialog that a `Replaces` header names: its Call-ID, our tag, their tag, and whether only while it rings.
pub(super) fn replaced(value: &str) -> Option<(String, String, String, bool)> {
    let mut parts = value.split(';').map(str::trim);
    let call_id = parts.next().filter(|id| !id.is_empty())?.to_owned();
    let (mut to, mut from, mut early_only) = (None, None, false);
    for part in parts {
        match part.split_once('=') {
            Some((name, tag)) if name.trim().eq_ignore_ascii_case("to-tag") => to = Some(tag.trim().to_owned()),
            Some((name, tag)) if name.trim().eq_ignore_ascii_case("from-tag") => from = Some(tag.trim().to_owned()),
            None if part.eq_ignore_ascii_case("early-only") => early_only = true,
            _ => {}
        }
    }
    Some((call_id, to?, from?, early_only))
}

/// The URI of a `Refer-To`, and what our INVITE is to say of the dialog whose place it takes (RFC 3891 §4).
pub(super) fn refer_to(value: &str) -> Option<(Uri, Vec<(String, String)>)> {
    let written = uri_of(value);
    let (uri, headers) = written.split_once('?').unwrap_or((written, ""));
    let replaces = headers.split('&').filter_map(|header| {
        let (name, value) = header.split_once('=')?;
        let value = super::message::unescaped(value);
        match name.to_ascii_lowercase().as_str() {
            "replaces" => Some(("Replaces".to_owned(), value)),
            // Who does not know of replacing is not to take this for a new call.
            "require" if value.eq_ignore_ascii_case("replaces") => Some(("Require".to_owned(), value)),
            _ => None,
        }
    });
    let replaces = replaces.collect();
    let (uri, method) = match uri.split_once(";method=") {
        Some((uri, method)) => (uri, method),
        None => (uri, "INVITE"),
    };
    let uri = Uri::try_from(uri).ok().filter(|uri| uri.scheme.is_some())?;
    method.eq_ignore_ascii_case("INVITE").then_some((uri, replaces))
}

impl LegTask {
    /// Their REFER.
    pub(super) async fn asked_to_move(&mut self, asked: &Answering) {
        let headers = &asked.request.headers;
        let targets: Vec<String> = fields(headers, "Refer-To").flat_map(list).collect();
        let [target] = targets.as_slice() else { return asked.reply(400) };
        let Some((target, replaces)) = refer_to(target) else { return asked.reply(400) };
        if !matches!(self.state, State::Talking(Talking::Settled)) || self.moving.is_some() {
            return asked.send(with(asked.response(500), "Retry-After", "2"));
        }
        let Ok(permit) = self.shared.lines.may_call(&target.to_string(), true) else { return asked.reply(603) };
        let referred_by = field(headers, "Referred-By").map(|value| ("Referred-By".to_owned(), value.to_owned()));
        let headers = replaces.into_iter().chain(referred_by).collect();
        // A party that is asked to make an offer does so at once: the call needs no other word for this.
        if !self.tell(LegEvent::Updated { sdp: None }) {
            return asked.send(with(asked.response(500), "Retry-After", "2"));
        }
        // There are those who do not expect to be notified of what was not accepted yet.
        asked.send_first(self.contacted(asked.response(202))).await;
        self.state = State::Talking(Talking::Moving);
        let until = Instant::now() + RINGS;
        let moving = Moving {
            target,
            headers,
            permit,
            call: None,
            provisional: false,
            early: Early::default(),
            alone: false,
            unwanted: false,
            until,
        };
        self.moving = Some(moving);
    }

    /// The call has made its offer for the new party.
    pub(super) async fn call_elsewhere(&mut self, sdp: &str) {
        self.notify(100).await;
        let Some(mut moving) = self.moving.take() else { return };
        let mut ways = self.shared.ways(&moving.target, None);
        let Some((way, lane, peer)) = self.shared.first_reached(&mut ways).await else {
            self.moving = Some(moving);
            return self.not_moved(503).await;
        };
        let local = self.dialog.local_uri();
        let headers = std::mem::take(&mut moving.headers);
        let composing = Composing { local: &local, headers, offer: Some(sdp), asserted: Vec::new() };
        let (dialog, mut invite) = compose(&self.shared, way.uri, (&lane, peer), composing);
        invite.headers.push(Header::Supported("100rel".into()));
        self.entry.add((dialog.call_id().to_owned(), dialog.local_tag().to_owned()), self.inbox());
        let (request, credentials) = (invite.clone(), way.credentials);
        Asking { request, lane: Arc::clone(&lane), peer, credentials }.send(self.inbox()).await;
        moving.call = Some((dialog, invite, lane, peer));
        self.moving = Some(moving);
    }

    /// Whether a response or request belongs to the call to somebody else.
    pub(super) fn is_moving(&self, id: &str) -> bool {
        let call = self.moving.as_ref().and_then(|moving| moving.call.as_ref());
        call.is_some_and(|(dialog, ..)| dialog.call_id() == id)
    }

    /// Whether an INVITE to somebody else is under way.
    pub(super) fn is_calling_elsewhere(&self) -> bool {
        self.moving.as_ref().is_some_and(|moving| moving.call.is_some())
    }

    /// A request to somebody else was sent again with credentials.
    pub(super) fn moving_retried(&mut self, request: Request) {
        let Some(moving) = self.moving.as_mut() else { return };
        let Some((dialog, invite, ..)) = moving.call.as_mut() else { return };
        dialog.skip_to(super::message::cseq(&request).map_or(0, |(number, _)| number));
        if request.method == Method::Invite {
            moving.provisional = false;
            *invite = request;
        }
    }

    /// A response to it.
    pub(super) async fn moving_responded(&mut self, response: Response) {
        let Some(moving) = self.moving.as_mut() else { return };
        match response.status_code.code() {
            status @ 100..200 => {
                let is_first = !std::mem::replace(&mut moving.provisional, true);
                match moving.unwanted {
                    true if is_first => self.cancel_moving().await,
                    false if status > 100 => {
                        self.moving_progressed(&response).await;
                        self.notify(status).await;
                    }
                    _ => {}
                }
            }
            200..300 => self.moved(response).await,
            status => self.not_moved(status).await,
        }
    }

    /// The new party's network says something before an answer.
    async fn moving_progressed(&mut self, response: &Response) {
        let Some(moving) = self.moving.as_mut() else { return };
        let (Some(News { sdp, to_acknowledge }), Some((dialog, _, lane, peer))) =
            (moving.early.news(response), moving.call.as_mut())
        else {
            return;
        };
        if let Some(which) = to_acknowledge {
            let (_, prack) = prack(dialog, response, which);
            let (lane, peer) = (Arc::clone(lane), *peer);
            self.ask_by(prack, (lane, peer)).await;
        }
        if let Some(sdp) = sdp {
            self.tell(LegEvent::Progressed { sdp });
        }
    }

    /// The new party is there.
    async fn moved(&mut self, response: Response) {
        let Some(Moving { call: Some((mut dialog, invite, lane, peer)), permit, alone, early, .. }) =
            self.moving.take()
        else {
            return;
        };
        dialog.establish(&response);
        // Otherwise the call has hung up meanwhile, and the old dialog with it.
        let is_wanted = matches!(self.state, State::Talking(Talking::Moving));
        if is_wanted && !alone {
            self.moving_notify(200, true).await;
        }
        let former = self.way().await;
        let old = std::mem::replace(&mut self.dialog, dialog);
        (self.lane, self.peer) = (lane, peer);
        self.session = None;
        self.described = String::from_utf8(invite.body).unwrap_or_default();
        self.outgoing = Some(permit);
        self.acknowledge_response(&response).await;
        if !is_wanted {
            return self.leave().await;
        }
        if alone {
            self.entry.remove(&(old.call_id().to_owned(), old.local_tag().to_owned()));
        } else {
            self.send_off(old, former).await;
        }
        self.state = State::Talking(Talking::Settled);
        let sdp = match body(&response.headers, &response.body) {
            Body::Sdp(sdp) => Some(sdp),
            Body::Empty => early.answer_of(&response),
            Body::Other => None,
        };
        if sdp.is_some() {
            self.tell(LegEvent::Acknowledged { sdp });
        } else {
            self.end(488);
            self.leave().await;
        }
    }

    /// The new party does not come: everything stays as it is, if the old one is still there.
    pub(super) async fn not_moved(&mut self, status: u16) {
        if let Some(moving) = self.moving.take() {
            if let Some((dialog, ..)) = &moving.call {
                self.entry.remove(&(dialog.call_id().to_owned(), dialog.local_tag().to_owned()));
            }
            if moving.alone {
                self.end(status);
                self.state = State::Ended;
                return;
            }
        }
        if !matches!(self.state, State::Talking(Talking::Moving)) {
            self.state = State::Ended;
            return;
        }
        self.moving_notify(status, true).await;
        self.state = State::Talking(Talking::Settled);
        self.tell(LegEvent::UpdateRefused { status });
    }

    /// The one who asked hangs up before the new party is there; whether the leg goes on without them.
    pub(super) fn left_alone(&mut self) -> bool {
        match &mut self.moving {
            Some(moving) if matches!(self.state, State::Talking(Talking::Moving)) => {
                moving.alone = true;
                true
            }
            _ => false,
        }
    }

    /// Takes back the call to somebody else, at once or with its first sign of life (RFC 3261 §9.1).
    async fn stop_moving(&mut self) {
        let until = Instant::now() + self.patience();
        let Some(moving) = self.moving.as_mut().filter(|moving| !moving.unwanted) else { return };
        (moving.unwanted, moving.until) = (true, until);
        if moving.provisional {
            self.cancel_moving().await;
        }
    }

    async fn cancel_moving(&mut self) {
        let until = Instant::now() + self.patience();
        let Some(moving) = &mut self.moving else { return };
        moving.until = until;
        let Some((dialog, invite, lane, peer)) = &moving.call else { return };
        let cancel = cancel_of(dialog, invite);
        Asking { request: cancel, lane: Arc::clone(lane), peer: *peer, credentials: None }.send(self.inbox()).await;
    }

    /// The call is over. Whoever asked to be left out has hung up already, or is told so now.
    pub(super) async fn leave_with_moving(&mut self) {
        self.stop_moving().await;
        match &self.moving {
            Some(moving) if moving.alone => {
                self.state = if moving.call.is_some() { State::Leaving } else { State::Ended };
                self.end(200);
            }
            _ => self.leave().await,
        }
    }

    /// When a call to somebody else has rung for too long, or does not say that it was taken back.
    pub(super) fn moving_until(&self) -> Option<Instant> {
        self.moving.as_ref().map(|moving| moving.until)
    }

    /// That time has come.
    pub(super) async fn moving_overdue(&mut self) {
        match &self.moving {
            Some(moving) if moving.unwanted => self.not_moved(408).await,
            _ => self.stop_moving().await,
        }
    }

    /// Tells whoever asked how it goes.
    async fn notify(&mut self, status: u16) {
        if self.moving.as_ref().is_some_and(|moving| !moving.alone) {
            self.moving_notify(status, false).await;
        }
    }

    async fn moving_notify(&mut self, status: u16, is_last: bool) {
        let mut notify = self.dialog.request(Method::Notify);
        let state = if is_last { "terminated;reason=noresource" } else { "active;expires=60" };
        notify.headers.push(Header::Contact(format!("<{}>", self.lane.contact(self.peer)).into()));
        for (name, value) in [("Event", "refer"), ("Subscription-State", state)] {
            notify.headers.push(Header::Other(name.to_owned(), value.to_owned()));
        }
        notify.headers.push(Header::ContentType("message/sipfrag;version=2.0".into()));
        let status = rsipstack::sip::StatusCode::from(status);
        notify.body = format!("SIP/2.0 {status}\r\n").into_bytes();
        self.ask(notify).await;
    }

    /// BYE in a dialog that has had its day.
    pub(super) async fn send_off(&mut self, mut old: Dialog, (lane, peer): (Arc<Lane>, SocketAddr)) {
        self.entry.remove(&(old.call_id().to_owned(), old.local_tag().to_owned()));
        let bye = old.request(Method::Bye);
        self.ask_by(bye, (lane, peer)).await;
    }

    /// Somebody wants to take the place of the party.
    pub(super) fn replacement(&mut self, replacement: Replacement) {
        let invite = &replacement.invite;
        if self.dialog.remote_tag() != Some(replacement.from_tag.as_str()) {
            return invite.reply(481);
        }
        if !replacement.is_known && invite.source.ip() != self.peer.ip() {
            return invite.reply(403);
        }
        if replacement.early_only {
            return invite.reply(486);
        }
        if !matches!(self.state, State::Talking(Talking::Settled)) {
            return invite.send(with(invite.response(500), "Retry-After", "2"));
        }
        let sdp = match body(&invite.request.headers, &invite.request.body) {
            Body::Sdp(sdp) => Some(sdp),
            Body::Empty => None,
            Body::Other => return invite.send(with(invite.response(415), "Accept", SDP)),
        };
        if self.tell(LegEvent::Updated { sdp }) {
            let key = (replacement.dialog.call_id().to_owned(), replacement.dialog.local_tag().to_owned());
            self.entry.add(key, self.inbox());
            self.state = State::Talking(Talking::TheyOffer(invite.clone()));
            self.replacement = Some(replacement);
        } else {
            invite.reply(500);
        }
    }

    /// The call takes the one who replaces: the old party is sent off.
    pub(super) async fn replace(&mut self) {
        let Some(replacement) = self.replacement.take() else { return };
        let former = self.way().await;
        let old = std::mem::replace(&mut self.dialog, replacement.dialog);
        (self.lane, self.peer) = (replacement.lane, replacement.invite.source);
        self.session = None;
        self.send_off(old, former).await;
    }

    /// A request in a dialog that this leg has left, or not reached yet; whether it was one.
    pub(super) fn is_elsewhere(&self, asked: &Answering) -> bool {
        if call_id(&*asked.request) == self.dialog.call_id() {
            return false;
        }
        asked.reply(if asked.request.method == Method::Bye { 200 } else { 481 });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replaced_dialog_is_read() {
        let read = replaced("425928@phone.example.org ; to-tag=7743;from-tag=6472;early-only");
        assert_eq!(read, Some(("425928@phone.example.org".into(), "7743".into(), "6472".into(), true)));
        for bad in ["", "a", "a;to-tag=1", "a;from-tag=1", ";to-tag=1;from-tag=2"] {
            assert_eq!(replaced(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_refer_may_carry_what_is_to_be_replaced() {
        let (uri, replaces) =
            refer_to("<sip:bob@h?Replaces=12%40h%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces&Require=x&Route=y>")
                .unwrap();
        let expected = [("Replaces", "12@h;to-tag=1;from-tag=2"), ("Require", "replaces")];
        assert_eq!(uri.to_string(), "sip:bob@h");
        assert_eq!(replaces, expected.map(|(name, value)| (name.to_owned(), value.to_owned())), "nothing else");
        assert_eq!(refer_to("sip:bob@h").map(|(_, replaces)| replaces), Some(Vec::new()));
        assert!(refer_to("<sip:bob@h;method=INVITE>").is_some());
        for bad in ["<sip:bob@h;method=BYE>", "bob", "", "<>"] {
            assert!(refer_to(bad).is_none(), "{bad}");
        }
    }
}
