//! Reliable provisional answers (RFC 3262): a 180 that comes again until its PRACK is there.
//!
//! Only for callers who require it; a hotline's 180 says nothing that must arrive. Our 200 waits for the PRACK, so that the
//! two cannot overtake each other.

use std::time::Duration;

use rsipstack::sip::{Headers, Response};
use tokio::time::Instant;

use super::exchange::Answering;
use super::leg::{LegTask, State};
use super::message::{cseq, field, fields, with};

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

/// Whether a request requires reliable provisional answers.
pub(super) fn is_required(headers: &Headers) -> bool {
    fields(headers, "Require").flat_map(|value| value.split(',')).any(|tag| tag.trim().eq_ignore_ascii_case("100rel"))
}

impl LegTask {
    /// Sends a 180, reliably where that is required; once is enough.
    pub(super) fn ring(&mut self) {
        let State::Ringing(invite) = &self.state else { return };
        let ringing = self.contacted(invite.response(180));
        if !is_required(&invite.request.headers) {
            return invite.send(ringing);
        }
        if self.reliable.is_some() {
            return;
        }
        // Unguessable is not needed, but the RFC wants it to begin anywhere (§3).
        let number = fastrand::u32(1..1 << 31);
        let response = with(with(ringing, "Require", "100rel"), "RSeq", number.to_string());
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
}
