//! Reliable provisional answers (RFC 3262): ours come again until their PRACK is there, theirs get one.
//!
//! Our 180 is reliable only for callers who require that: it says nothing that must arrive. A 183 is for all who can, since
//! without it nothing is heard. Our 200 waits for the PRACK, so that the two cannot overtake each other; it repeats the SDP of
//! a 183, for there are callers who look for it there alone.

use std::time::Duration;

use rsipstack::sip::{Header, Headers, Method, Request, Response};
use tokio::time::Instant;

use super::dialog::Dialog;
use super::exchange::Answering;
use super::leg::{LegTask, State};
use super::message::{Body, body, cseq, field, fields, to_tag, with, with_sdp};
use crate::leg::LegEvent;

/// A provisional answer that waits for its PRACK.
#[derive(Debug)]
pub(super) struct Reliable {
    response: Response,
    number: u32,
    /// The SDP of the 200 that the call has asked for meanwhile.
    accept: Option<String>,
    interval: Duration,
    /// When it is sent again.
    pub(super) again: Instant,
    /// When the caller is given up.
    until: Instant,
}

/// The provisional answers to an INVITE of ours.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// Whose the last one was that wanted a PRACK, by the tag, and its number.
    last: Option<(Option<String>, u32)>,
    /// Who has answered our offer already, and what.
    answer: Option<(Option<String>, String)>,
}

/// What a provisional answer brings.
pub(super) struct News {
    /// An answer to our offer.
    pub(super) sdp: Option<String>,
    /// The `RAck` of the PRACK that it wants.
    pub(super) to_acknowledge: Option<String>,
}

impl Early {
    /// Takes a provisional answer that says more than 100; `None` for one that was here before.
    pub(super) fn news(&mut self, response: &Response) -> Option<News> {
        if !self.is_new(response) {
            return None;
        }
        let sdp = match body(&response.headers, &response.body) {
            Body::Sdp(sdp) => Some(sdp),
            Body::Empty | Body::Other => None,
        };
        if let Some(sdp) = &sdp {
            self.answer = Some((to_tag(response), sdp.clone()));
        }
        let invited = cseq(response).map_or(0, |(number, _)| number);
        let to_acknowledge = number(response).map(|number| format!("{number} {invited} INVITE"));
        Some(News { sdp, to_acknowledge })
    }

    /// Whether a provisional answer is new. A reliable one that came again has its PRACK on the way, and one that overtook
    /// another comes again (RFC 3262 §4).
    fn is_new(&mut self, response: &Response) -> bool {
        let Some(number) = number(response) else { return true };
        let tag = to_tag(response);
        let follows = match &self.last {
            Some((known, last)) if *known == tag => number == last.wrapping_add(1),
            _ => true,
        };
        if follows {
            self.last = Some((tag, number));
        }
        follows
    }

    /// The answer to our offer that the 2xx `response`, which has none, refers to (RFC 3261 §13.2.1).
    pub(super) fn answer_of(&self, response: &Response) -> Option<String> {
        let (tag, sdp) = self.answer.as_ref()?;
        (*tag == to_tag(response)).then(|| sdp.clone())
    }
}

/// The number of an answer that wants a PRACK.
fn number(response: &Response) -> Option<u32> {
    let is_reliable = names_100rel(&response.headers, "Require");
    field(&response.headers, "RSeq").filter(|_| is_reliable)?.trim().parse().ok()
}

/// Whether the field `name` names the extension: `Require` it, or `Supported`.
pub(super) fn names_100rel(headers: &Headers, name: &str) -> bool {
    fields(headers, name).flat_map(|value| value.split(',')).any(|tag| tag.trim().eq_ignore_ascii_case("100rel"))
}

impl LegTask {
    /// Sends a 180, reliably where that is required; once is enough.
    pub(super) fn ring(&mut self) {
        let State::Ringing(invite) = &self.state else { return };
        let is_reliable = names_100rel(&invite.request.headers, "Require");
        let ringing = self.contacted(invite.response(180));
        self.say_provisionally(ringing, is_reliable);
    }

    /// Sends a 183: from here on they hear us.
    pub(super) fn progress(&mut self, sdp: &str) {
        let State::Ringing(invite) = &self.state else { return };
        let is_reliable = ["Require", "Supported"].iter().any(|name| names_100rel(&invite.request.headers, name));
        let progress = with_sdp(self.contacted(invite.response(183)), sdp);
        self.say_provisionally(progress, is_reliable);
    }

    fn say_provisionally(&mut self, response: Response, is_reliable: bool) {
        let State::Ringing(invite) = &self.state else { return };
        if !is_reliable {
            return invite.send(response);
        }
        if self.reliable.is_some() {
            return;
        }
        // Unguessable is not needed, but the RFC wants it to begin anywhere (§3).
        let number = fastrand::u32(1..1 << 31);
        let response = with(with(response, "Require", "100rel"), "RSeq", number.to_string());
        invite.send(response.clone());
        let (interval, now) = (self.shared.config.t1, Instant::now());
        let until = now + self.patience();
        self.reliable = Some(Reliable { response, number, accept: None, interval, again: now + interval, until });
    }

    /// Keeps the 200 back while a PRACK is to come; answers whether it did.
    pub(super) fn waits_for_prack(&mut self, sdp: &str) -> bool {
        match (&self.state, &mut self.reliable) {
            (State::Ringing(_), Some(reliable)) => {
                reliable.accept = Some(sdp.to_owned());
                true
            }
            _ => false,
        }
    }

    /// Their PRACK (RFC 3262 §3).
    pub(super) fn pracked(&mut self, prack: &Answering) {
        let (State::Ringing(invite), Some(reliable)) = (&self.state, &self.reliable) else { return prack.reply(481) };
        let mut words = field(&prack.request.headers, "RAck").unwrap_or_default().split_ascii_whitespace();
        let named = words.next().and_then(|word| word.parse().ok());
        let asked = words.next().and_then(|word| word.parse().ok());
        let invited = cseq(&*invite.request).map(|(number, _)| number);
        if named != Some(reliable.number) || asked != invited {
            return prack.reply(481);
        }
        prack.reply(200);
        if let Some(sdp) = self.reliable.take().and_then(|reliable| reliable.accept) {
            self.accept(&sdp);
        }
    }

    /// No PRACK has come yet: once more, or no more (RFC 3262 §3).
    pub(super) fn ring_again(&mut self) {
        let (State::Ringing(invite), Some(reliable)) = (&self.state, &mut self.reliable) else {
            self.reliable = None;
            return;
        };
        if Instant::now() >= reliable.until {
            invite.reply(504);
            self.end(408);
            self.state = State::Ended;
            return;
        }
        invite.send(reliable.response.clone());
        reliable.interval *= 2;
        reliable.again = Instant::now() + reliable.interval;
    }

    /// A provisional answer to our INVITE that says more than 100.
    pub(super) async fn progressed(&mut self, response: &Response) {
        let State::Calling(calling) = &mut self.state else { return };
        let Some(News { sdp, to_acknowledge }) = calling.early.news(response) else { return };
        if let Some(which) = to_acknowledge {
            let (early, prack) = prack(&mut self.dialog, response, which);
            self.ask_in(&early, prack).await;
        }
        self.tell(sdp.map_or(LegEvent::Rang, |sdp| LegEvent::Progressed { sdp }));
    }
}

/// PRACK of `response`, and the dialog that this makes (RFC 3262 §4).
pub(super) fn prack(dialog: &mut Dialog, response: &Response, which: String) -> (Dialog, Request) {
    let mut early = dialog.clone();
    early.establish(response);
    let mut prack = early.request(Method::PRack);
    dialog.skip_to(early.local_seq());
    prack.headers.push(Header::Other("RAck".to_owned(), which));
    (early, prack)
}
