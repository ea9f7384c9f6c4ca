//! What happens inside a dialog: requests of the other side, our re-INVITE, REFER and BYE.

use rsipstack::sip::{Header, Method, Request, Response};

use super::dialog::Stray;
use super::exchange::Answering;
use super::leg::{LegTask, State, Talking};
use super::message::{ALLOW, Body, SDP, body, call_id, cseq, field, to_tag, unsupported, with, with_sdp};
use super::session_timer::{MIN_SECONDS, SessionTimer};
use crate::leg::{LegEvent, ReferTo};

/// Seconds after which a request that came at the wrong moment may come again (RFC 3261 §14.2: 0–10).
const SOON: &str = "1";

impl LegTask {
    /// Answers a request inside the dialog.
    pub(super) async fn answer(&mut self, asked: Answering) {
        if self.is_elsewhere(&asked) {
            return;
        }
        match self.dialog.accept(&asked.request) {
            Ok(()) => {}
            Err(Stray::WrongTag) => return asked.reply(481),
            Err(Stray::OutOfOrder) => return asked.reply(500),
        }
        if let Some(tags) = unsupported(&asked.request.headers) {
            return asked.send(with(asked.response(420), "Unsupported", tags));
        }
        if matches!(asked.request.method, Method::Invite | Method::Update)
            && SessionTimer::asked(&asked.request.headers).is_err()
        {
            return asked.send(with(asked.response(422), "Min-SE", MIN_SECONDS.to_string()));
        }
        self.peer = asked.source;
        match asked.request.method {
            Method::Bye => self.bye(&asked),
            Method::Invite | Method::Update => self.offered(asked),
            Method::Options => {
                asked.send(with(with(asked.response(200), "Allow", ALLOW), "Accept", SDP));
            }
            Method::Info => self.informed(&asked),
            Method::Notify => self.notified(&asked),
            Method::PRack => self.pracked(&asked),
            Method::Refer => self.asked_to_move(&asked).await,
            _ => asked.send(with(asked.response(405), "Allow", ALLOW)),
        }
    }

    fn bye(&mut self, bye: &Answering) {
        bye.reply(200);
        if self.left_alone() {
            return;
        }
        match &self.state {
            // A BYE before our final answer ends the INVITE too (RFC 3261 §15.1.2).
            State::Ringing(invite) => invite.reply(487),
            State::Talking(Talking::TheyOffer(offer)) => offer.reply(487),
            _ => {}
        }
        self.end(200);
        self.state = State::Ended;
    }

    /// Their re-INVITE or UPDATE.
    fn offered(&mut self, asked: Answering) {
        let sdp = match body(&asked.request.headers, &asked.request.body) {
            Body::Sdp(sdp) => Some(sdp),
            Body::Empty => None,
            Body::Other => return asked.send(with(asked.response(415), "Accept", SDP)),
        };
        let busy = |status| asked.send(with(asked.response(status), "Retry-After", SOON));
        match &self.state {
            State::Talking(Talking::Settled) => {}
            State::Talking(Talking::WeOffer(_)) => return asked.reply(491),
            State::Ringing(_) | State::Answered(_) | State::Talking(_) | State::Calling(_) => return busy(500),
            State::Leaving | State::Ended => return asked.reply(481),
        }
        self.dialog.retarget(&asked.request.headers);
        if sdp.is_none() && asked.request.method == Method::Update {
            let ok = self.contacted(asked.response(200));
            let ok = self.timed(&asked.request.headers, ok);
            return asked.send(ok);
        }
        if self.tell(LegEvent::Updated { sdp }) {
            self.state = State::Talking(Talking::TheyOffer(asked));
        } else {
            busy(500);
        }
    }

    /// 200 to their re-INVITE or UPDATE.
    pub(super) async fn accept_update(&mut self, sdp: &str) {
        let offer = match &self.state {
            State::Talking(Talking::TheyOffer(offer)) => offer.clone(),
            State::Talking(Talking::Moving) => return self.call_elsewhere(sdp).await,
            _ => return,
        };
        self.replace().await;
        let ok = with(self.contacted(offer.response(200)), "Allow", ALLOW);
        let ok = self.timed(&offer.request.headers, ok);
        offer.send(with_sdp(ok, sdp));
        sdp.clone_into(&mut self.described);
        self.state = State::Talking(match offer.request.method {
            Method::Invite => Talking::TheyAcknowledge(offer),
            _ => Talking::Settled,
        });
    }

    /// A refusal of their re-INVITE or UPDATE; what was agreed before stays.
    pub(super) async fn reject_update(&mut self, status: u16) {
        if matches!(self.state, State::Talking(Talking::Moving)) {
            return self.not_moved(status).await;
        }
        if let Some(replacement) = self.replacement.take() {
            let dialog = &replacement.dialog;
            self.entry.remove(&(dialog.call_id().to_owned(), dialog.local_tag().to_owned()));
        }
        let State::Talking(Talking::TheyOffer(offer)) = &self.state else { return };
        offer.reply(if (300..700).contains(&status) { status } else { 488 });
        self.state = State::Talking(Talking::Settled);
    }

    /// Our re-INVITE.
    pub(super) async fn send_offer(&mut self, sdp: &str) {
        let mut invite = self.dialog.request(Method::Invite);
        self.describe(&mut invite, sdp);
        self.time(&mut invite);
        self.state = State::Talking(Talking::WeOffer(self.dialog.local_seq()));
        self.ask(invite).await;
    }

    /// Puts Contact and SDP into a request.
    pub(super) fn describe(&self, request: &mut Request, sdp: &str) {
        request.headers.push(Header::Contact(format!("<{}>", self.lane.contact(self.peer)).into()));
        request.headers.push(Header::Allow(ALLOW.into()));
        request.headers.push(Header::ContentType(SDP.into()));
        request.body = sdp.as_bytes().to_vec();
    }

    /// Asks the party to call somebody else.
    pub(super) async fn refer(&mut self, to: &ReferTo, headers: Vec<(String, String)>) {
        let target = match to {
            ReferTo::Uri(target) if !target.contains(['\r', '\n', '<', '>']) => Some(target),
            // Only whoever has both legs knows where the other one is.
            ReferTo::Uri(_) | ReferTo::PartyOf(_) => None,
        };
        let (State::Talking(_), Some(target)) = (&self.state, target) else {
            self.tell(LegEvent::Referred { status: 400 });
            return;
        };
        let mut refer = self.dialog.request(Method::Refer);
        refer.headers.push(Header::Contact(format!("<{}>", self.lane.contact(self.peer)).into()));
        refer.headers.push(Header::ReferTo(format!("<{target}>").into()));
        refer.headers.push(Header::Other("Referred-By".to_owned(), self.dialog.local_uri()));
        refer.headers.extend(extra(headers));
        self.ask(refer).await;
    }

    /// Their NOTIFY: how the call goes that we asked for (RFC 3515 §2.4.5).
    fn notified(&mut self, asked: &Answering) {
        let request = &asked.request;
        let event = field(&request.headers, "Event").unwrap_or_default();
        if !event.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("refer") {
            return asked.send(with(asked.response(489), "Allow-Events", "refer"));
        }
        asked.reply(200);
        let ended = field(&request.headers, "Subscription-State")
            .is_some_and(|state| state.trim_start().to_ascii_lowercase().starts_with("terminated"));
        match fragment_status(&request.body) {
            Some(status) => {
                self.tell(LegEvent::Referred { status });
            }
            // It ended, and nobody says how: taken for a failure.
            None if ended => {
                self.tell(LegEvent::Referred { status: 500 });
            }
            None => {}
        }
    }

    /// A response to one of our requests.
    pub(super) async fn responded(&mut self, response: Response) {
        let Some((number, method)) = cseq(&response) else { return };
        let status = response.status_code.code();
        if method == Method::Invite && self.is_moving(&call_id(&response)) {
            return self.moving_responded(response).await;
        }
        match method {
            Method::Invite => self.invite_responded(number, response).await,
            // The BYE to another branch of a fork does not end this leg.
            // A call to somebody else that was taken back still has to say so.
            Method::Bye if status >= 200 && self.is_of_dialog(&response) && !self.is_calling_elsewhere() => {
                self.state = State::Ended;
            }
            Method::Update if status >= 200 => self.refreshed(&response).await,
            Method::Refer if status >= 300 => {
                self.tell(LegEvent::Referred { status });
            }
            // A 2xx to REFER says nothing that the first NOTIFY (which may overtake it) does not say.
            _ => {}
        }
    }

    /// Whether a response belongs to this dialog: not to another branch of a fork, nor to a party that was replaced.
    fn is_of_dialog(&self, response: &Response) -> bool {
        call_id(response) == self.dialog.call_id() && to_tag(response).as_deref() == self.dialog.remote_tag()
    }

    /// A response to our re-INVITE.
    pub(super) async fn offer_responded(&mut self, response: Response) {
        let status = response.status_code.code();
        if status < 200 {
            return;
        }
        self.state = State::Talking(Talking::Settled);
        if status == 491 {
            return self.postpone();
        }
        self.postponed = None;
        if status < 300 {
            self.dialog.retarget(&response.headers);
            self.acknowledge_response(&response).await;
            self.refreshed(&response).await;
            match body(&response.headers, &response.body) {
                Body::Sdp(sdp) => self.tell(LegEvent::Answered { sdp }),
                Body::Empty | Body::Other => self.tell(LegEvent::UpdateRefused { status: 488 }),
            };
            return;
        }
        self.tell(LegEvent::UpdateRefused { status });
        // The other side does not know this dialog any more (RFC 3261 §12.2.1.2).
        if matches!(status, 408 | 481) {
            self.end(status);
            self.leave().await;
        }
    }

    /// Sends the ACK for a 2xx to an INVITE in this dialog.
    pub(super) async fn acknowledge_response(&mut self, response: &Response) {
        let number = cseq(response).map_or(0, |(number, _)| number);
        let dialog = self.dialog.clone();
        self.acknowledge(&dialog, number).await;
    }

    /// A 2xx came again (our ACK got lost), or another branch of a fork answered: that one is thanked and sent off.
    pub(super) async fn accepted_again(&mut self, response: &Response) {
        let tag = to_tag(response);
        if tag.as_deref() == self.dialog.remote_tag() {
            return self.acknowledge_response(response).await;
        }
        let mut other = self.dialog.clone();
        other.establish(response);
        let number = cseq(response).map_or(0, |(number, _)| number);
        self.acknowledge(&other, number).await;
        let bye = other.request(Method::Bye);
        self.ask(bye).await;
    }
}

/// Header fields of the call for a request: what could break the message is left out.
pub(super) fn extra(headers: Vec<(String, String)>) -> Vec<Header> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    headers
        .into_iter()
        .filter(|(name, value)| {
            !name.is_empty() && name.bytes().all(is_token) && !value.chars().any(|c| c.is_control() && c != '\t')
        })
        .map(|(name, value)| Header::Other(name, value))
        .collect()
}

/// The status in a `message/sipfrag` body.
pub(super) fn fragment_status(body: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(body).ok()?;
    let mut words = text.trim_start().split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("SIP/2.0"))?;
    words.next()?.parse().ok().filter(|status| (100..700).contains(status))
}

impl LegTask {
    /// A response to an INVITE of ours: the first one, or a re-INVITE.
    async fn invite_responded(&mut self, number: u32, response: Response) {
        match &self.state {
            State::Calling(calling) if cseq(&calling.invite).is_some_and(|(ours, _)| ours == number) => {
                self.call_responded(response).await;
            }
            // A target that we had given up picks up after all: it is thanked and sent off.
            State::Calling(_) if (200..300).contains(&response.status_code.code()) => {
                self.accepted_again(&response).await;
            }
            State::Talking(Talking::WeOffer(ours)) if *ours == number => self.offer_responded(response).await,
            // Our offer was answered after we had begun to leave: it still wants its ACK.
            State::Leaving if (200..300).contains(&response.status_code.code()) => {
                self.acknowledge_response(&response).await;
            }
            // One that we called before this one, or that we gave up, picks up after all.
            State::Talking(_) if (200..300).contains(&response.status_code.code()) => {
                self.accepted_again(&response).await;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_progress_is_read_from_the_fragment() {
        assert_eq!(fragment_status(b"SIP/2.0 180 Ringing\r\n"), Some(180));
        for bad in ["", "SIP/2.0", "SIP/2.0 abc", "SIP/2.0 99", "HTTP/1.1 200 OK"] {
            assert_eq!(fragment_status(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_header_of_the_call_cannot_break_the_message() {
        let given = vec![
            ("X-Scene".to_owned(), "refund".to_owned()),
            ("X-Evil".to_owned(), "a\r\nVia: b".to_owned()),
            ("X Evil".to_owned(), "a".to_owned()),
        ];
        assert_eq!(extra(given), [Header::Other("X-Scene".to_owned(), "refund".to_owned())]);
    }
}
