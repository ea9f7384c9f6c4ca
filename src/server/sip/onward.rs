//! A call of ours that one place does not take: on to the next target, or to where a 3xx leads.
//!
//! ```text
//! 408, 503, or nothing within 8·T1 ─► the trunk's next target     3xx ─► its Contacts, as far as others may send callers
//! 480, 486 ─► the user's next telephone
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Header, Method, Request, Response, Uri};
use tokio::time::Instant;

use super::Credentials;
use super::exchange::Asking;
use super::lane::Lane;
use super::leg::{Calling, LegTask, State};
use super::lines::Way;
use super::message::{fields, list};
use super::route::Shared;
use super::trunk::Forbidden;

/// What is left to try for one call.
#[derive(Default)]
pub(super) struct Onward {
    pub(super) ways: VecDeque<Way>,
    /// The trunk's target that is being tried.
    pub(super) target: Option<(usize, usize)>,
    /// Redirections followed so far.
    pub(super) hops: u32,
    /// When the next target is tried if this one says nothing at all.
    pub(super) until: Option<Instant>,
}

impl std::fmt::Debug for Onward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Onward({} ways)", self.ways.len())
    }
}

impl Onward {
    /// Waits for a first sign of life no longer than 8·T1 (4 s), if there is another way.
    pub(super) fn patient(mut self, t1: Duration) -> Self {
        self.until = (!self.ways.is_empty()).then(|| Instant::now() + t1 * 8);
        self
    }
}

impl Shared {
    /// The first of the ways that leads anywhere; those before it are used up.
    pub(super) async fn first_reached(
        self: &Arc<Self>,
        ways: &mut VecDeque<Way>,
    ) -> Option<(Way, Arc<Lane>, std::net::SocketAddr)> {
        while let Some(way) = ways.pop_front() {
            match self.reach(&way).await {
                Some((lane, peer)) => return Some((way, lane, peer)),
                None => way.trunk.into_iter().for_each(|target| self.lines.target_failed(target)),
            }
        }
        None
    }
}

impl LegTask {
    /// Tries the next way after a refusal; whether there was one.
    pub(super) async fn go_onward(&mut self, status: u16, response: &Response) -> bool {
        let State::Calling(calling) = &mut self.state else { return false };
        if calling.cancelled {
            return false;
        }
        let onward = &mut calling.onward;
        match status {
            300..400 => {
                onward.hops += 1;
                let contacts = fields(&response.headers, "Contact").flat_map(list);
                match self.shared.redirected(contacts, onward.hops) {
                    Ok(ways) => onward.ways = ways,
                    Err(forbidden) => {
                        metrics::counter!("antevox_calls_out_refused_total", "why" => forbidden.name()).increment(1);
                        tracing::warn!(why = %forbidden, "a redirection was not followed");
                        return false;
                    }
                }
            }
            // A trunk's other target would reach the same party, who is busy there, too.
            480 | 486 if onward.ways.front().is_some_and(Way::is_telephone) => {}
            408 | 503 => onward.target.into_iter().for_each(|target| self.shared.lines.target_failed(target)),
            _ => return false,
        }
        self.try_next().await
    }

    /// Nobody there said anything in time.
    pub(super) async fn nobody_there(&mut self) {
        let State::Calling(calling) = &mut self.state else { return };
        calling.onward.until = None;
        calling.onward.target.into_iter().for_each(|target| self.shared.lines.target_failed(target));
        self.try_next().await;
    }

    async fn try_next(&mut self) -> bool {
        let State::Calling(calling) = &mut self.state else { return false };
        let Some((way, lane, peer)) = self.shared.first_reached(&mut calling.onward.ways).await else { return false };
        (self.lane, self.peer, self.credentials) = (lane, peer, way.credentials.clone());
        self.dialog.aim(way.uri);
        let number = self.dialog.request(Method::Invite);
        let contact = format!("<{}>", self.lane.contact(self.peer));
        let State::Calling(calling) = &mut self.state else { return false };
        let invite = self.lane.stamped(aimed(&calling.invite, number, contact), self.peer);
        let mut onward = Box::new(std::mem::take(&mut *calling.onward).patient(self.shared.config.t1));
        onward.target = way.trunk;
        let early = Box::default();
        let calling = Calling { invite: invite.clone(), provisional: false, cancelled: false, onward, early };
        self.state = State::Calling(calling);
        self.start(invite, way.credentials);
        true
    }

    /// Starts a transaction that reports to this leg.
    pub(super) fn start(&self, request: Request, credentials: Option<Credentials>) {
        Asking { request, lane: Arc::clone(&self.lane), peer: self.peer, credentials }.start(self.inbox());
    }
}

impl Shared {
    /// The ways that a 3xx leads to.
    fn redirected(&self, contacts: impl Iterator<Item = String>, hops: u32) -> Result<VecDeque<Way>, Forbidden> {
        if hops > self.lines.limits.max_hops {
            return Err(Forbidden::Hops);
        }
        let uris = contacts.filter_map(|contact| Uri::try_from(uri_of(&contact)).ok());
        // As it was read, not as it was written: what is checked is what is called.
        let allowed =
            uris.filter(|uri| self.lines.limits.redirects.iter().any(|pattern| pattern.fits(&uri.to_string())));
        let ways: VecDeque<Way> = allowed.flat_map(|uri| self.ways(&uri, None)).collect();
        if ways.is_empty() { Err(Forbidden::Redirect) } else { Ok(ways) }
    }
}

/// The URI of a name-addr.
pub(super) fn uri_of(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => value.split(';').next().unwrap_or_default().trim(),
    }
}

/// The INVITE once more, with line, target and number of `head`, and nothing that proves who we are.
fn aimed(invite: &Request, head: Request, contact: String) -> Request {
    let mut again = head;
    let is_own = |header: &&Header| {
        !matches!(
            header,
            Header::Via(_)
                | Header::MaxForwards(_)
                | Header::From(_)
                | Header::To(_)
                | Header::CallId(_)
                | Header::CSeq(_)
                | Header::Contact(_)
                | Header::Route(_)
        ) && !matches!(header.name().to_ascii_lowercase().as_str(), "authorization" | "proxy-authorization")
    };
    let rest: Vec<Header> = invite.headers.iter().filter(is_own).cloned().collect();
    again.headers.push(Header::Contact(contact.into()));
    again.headers.extend(rest);
    again.body.clone_from(&invite.body);
    again
}
