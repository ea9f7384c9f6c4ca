//! Session timers (RFC 4028): a call whose other end has vanished ends, although nobody says BYE.
//!
//! ```text
//! INVITE, re-INVITE, UPDATE ─ Session-Expires ─► asked ─► 2xx: Session-Expires, who refreshes
//!   they refresh: nothing came until shortly before the end ─► BYE
//!   we refresh:   half of the time has passed               ─► UPDATE
//! ```
//!
//! Who does not ask for a timer gets none. A refresh of ours is an UPDATE without SDP (§7.4), or, with a peer that does not know
//! UPDATE, a re-INVITE that changes nothing. Every re-INVITE of ours says how long the session lasts: one that did not would
//! switch the other side's timer off, and leave ours running.

use std::time::Duration;

use rsipstack::sip::{Header, Headers, Method, Request, Response};
use tokio::time::Instant;

use super::leg::{LegTask, State, Talking};
use super::message::{SUPPORTED, field, fields, with};

/// Shortest session that we serve (s): no shorter one may be demanded (RFC 4028 §5).
pub(super) const MIN_SECONDS: u32 = 90;
/// How long before its end a session that nobody refreshes is given up, at most (s) (RFC 4028 §10).
const BEFORE_END: u32 = 32;
/// How soon a refresh is tried again when the leg is busy with an offer.
const AGAIN: Duration = Duration::from_secs(2);

/// Who keeps a session alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresher {
    /// We do.
    Us,
    /// The other side does.
    Them,
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionTimer {
    seconds: u32,
    refresher: Refresher,
}

/// A session shorter than [`MIN_SECONDS`] was asked for: 422 with `Min-SE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooBrief;

impl SessionTimer {
    /// What a request of theirs asks for (RFC 4028 §9).
    pub(super) fn asked(headers: &Headers) -> Result<Option<Self>, TooBrief> {
        let Some((seconds, refresher)) = session_expires(headers) else { return Ok(None) };
        let knows = ["Supported", "k"].iter().flat_map(|name| fields(headers, name)).any(names_timer);
        if seconds < MIN_SECONDS && knows {
            return Err(TooBrief);
        }
        let refresher = match refresher {
            Some("uas") => Refresher::Us,
            _ if knows => Refresher::Them,
            _ => Refresher::Us,
        };
        Ok(Some(Self { seconds: seconds.max(MIN_SECONDS), refresher }))
    }

    /// What a 2xx to our refresh says: there we are the one who asks. Without a word, they do not refresh any more (§7.2);
    /// we do.
    fn answered(self, headers: &Headers) -> Option<Self> {
        match session_expires(headers) {
            Some((seconds, Some("uas"))) => Some(Self { seconds, refresher: Refresher::Them }),
            Some((seconds, _)) => Some(Self { seconds, refresher: Refresher::Us }),
            None => (self.refresher == Refresher::Us).then_some(self),
        }
    }

    /// What holds, as a request of ours says it.
    fn wanted(self) -> String {
        let who = if self.refresher == Refresher::Us { "uac" } else { "uas" };
        format!("{};refresher={who}", self.seconds)
    }

    /// Says in our 2xx what holds.
    fn told(self, response: Response) -> Response {
        let who = if self.refresher == Refresher::Them { "uac" } else { "uas" };
        let response = with(response, "Session-Expires", format!("{};refresher={who}", self.seconds));
        // Who refreshes must know that there is something to be refreshed.
        if self.refresher == Refresher::Them { with(response, "Require", "timer") } else { response }
    }

    /// How long until something is to be done.
    fn patience(self) -> Duration {
        Duration::from_secs(u64::from(match self.refresher {
            Refresher::Us => self.seconds / 2,
            Refresher::Them => self.seconds - (self.seconds / 3).min(BEFORE_END),
        }))
    }
}

fn names_timer(value: &str) -> bool {
    value.split(',').any(|tag| tag.trim().eq_ignore_ascii_case("timer"))
}

/// `Session-Expires: 1800;refresher=uac`, also under its short name.
fn session_expires(headers: &Headers) -> Option<(u32, Option<&str>)> {
    let value = field(headers, "Session-Expires").or_else(|| field(headers, "x"))?;
    let mut parts = value.split(';').map(str::trim);
    let seconds = parts.next()?.parse().ok()?;
    let refresher = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim() == "refresher");
    Some((seconds, refresher.map(|(_, who)| who.trim())))
}

impl LegTask {
    /// Puts into our 2xx what `request` asked for, and goes by it from now on.
    pub(super) fn timed(&mut self, request: &Headers, response: Response) -> Response {
        // A session too brief has been refused before.
        let timer = SessionTimer::asked(request).unwrap_or(None);
        self.arm(timer);
        let response = with(response, "Supported", SUPPORTED.join(", "));
        match timer {
            Some(timer) => timer.told(response),
            None => response,
        }
    }

    fn arm(&mut self, timer: Option<SessionTimer>) {
        self.session = timer.map(|timer| (timer, Instant::now() + timer.patience()));
    }

    /// Puts into a request of ours how long the session lasts, where it has an end.
    pub(super) fn time(&self, request: &mut Request) {
        if let Some((timer, _)) = self.session {
            request.headers.push(Header::Other("Supported".to_owned(), "timer".to_owned()));
            request.headers.push(Header::Other("Session-Expires".to_owned(), timer.wanted()));
        }
    }

    /// The time of the session's timer has come.
    pub(super) async fn session_due(&mut self) {
        let Some((timer, _)) = self.session.take() else { return };
        match (&self.state, timer.refresher) {
            (State::Talking(Talking::Settled), Refresher::Us) => {
                let mut update = self.dialog.request(Method::Update);
                update.headers.push(Header::Contact(format!("<{}>", self.lane.contact(self.peer)).into()));
                self.arm(Some(timer));
                self.time(&mut update);
                self.ask(update).await;
            }
            (State::Talking(_) | State::Answered(_), Refresher::Us) => {
                self.session = Some((timer, Instant::now() + AGAIN))
            }
            (State::Talking(_) | State::Answered(_), Refresher::Them) => {
                tracing::info!("nobody refreshed the session");
                self.end(408);
                self.leave().await;
            }
            (State::Ringing(_) | State::Calling(_) | State::Leaving | State::Ended, _) => {}
        }
    }

    /// An answer to our refresh.
    pub(super) async fn refreshed(&mut self, response: &Response) {
        match response.status_code.code() {
            200..300 => {
                let timer = self.session.and_then(|(timer, _)| timer.answered(&response.headers));
                self.arm(timer);
            }
            // They know no UPDATE.
            405 | 501 if !self.described.is_empty() => {
                let as_it_is = self.described.clone();
                self.offer(&as_it_is).await;
            }
            // Nobody is there, or nobody who knows of this call (RFC 4028 §10).
            408 | 481 if matches!(self.state, State::Talking(_)) => {
                self.end(408);
                self.leave().await;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fields: &[(&str, &str)]) -> Result<Option<(u32, Refresher)>, TooBrief> {
        let header = |&(name, value): &(&str, &str)| Header::Other(name.to_owned(), value.to_owned());
        let headers = Headers(fields.iter().map(header).collect());
        SessionTimer::asked(&headers).map(|timer| timer.map(|timer| (timer.seconds, timer.refresher)))
    }

    #[test]
    fn who_refreshes_is_as_they_wish() {
        let supported = ("Supported", "replaces, timer");
        for (value, expected) in [
            ("1800", Refresher::Them),
            ("1800;refresher=uac", Refresher::Them),
            ("1800 ; refresher=uas", Refresher::Us),
        ] {
            assert_eq!(asked(&[supported, ("Session-Expires", value)]), Ok(Some((1_800, expected))), "{value}");
        }
        assert_eq!(asked(&[("k", "timer"), ("x", "90")]), Ok(Some((90, Refresher::Them))));
        // A proxy asked for it, and the caller knows nothing of it: then it is up to us.
        assert_eq!(asked(&[("Session-Expires", "600")]), Ok(Some((600, Refresher::Us))));
        assert_eq!(asked(&[("Session-Expires", "60")]), Ok(Some((90, Refresher::Us))));
        assert_eq!(asked(&[supported]), Ok(None));
        assert_eq!(asked(&[supported, ("Session-Expires", "soon")]), Ok(None));
        assert_eq!(asked(&[supported, ("Session-Expires", "89")]), Err(TooBrief));
    }

    #[test]
    fn a_session_is_given_up_shortly_before_its_end_and_refreshed_at_half_of_it() {
        let patience = |seconds, refresher| SessionTimer { seconds, refresher }.patience().as_secs();
        assert_eq!(patience(1_800, Refresher::Them), 1_768);
        assert_eq!(patience(90, Refresher::Them), 60);
        assert_eq!(patience(1_800, Refresher::Us), 900);
    }

    #[test]
    fn an_answer_to_our_refresh_says_what_holds_from_then_on() {
        let (us, them) = (Refresher::Us, Refresher::Them);
        let answered = |refresher, value: Option<&str>| {
            let header = |value: &str| Header::Other("Session-Expires".to_owned(), value.to_owned());
            let headers = Headers(value.map(header).into_iter().collect());
            SessionTimer { seconds: 600, refresher }.answered(&headers).map(|timer| (timer.seconds, timer.refresher))
        };
        assert_eq!(answered(us, Some("900;refresher=uac")), Some((900, us)));
        assert_eq!(answered(us, Some("900;refresher=uas")), Some((900, them)));
        assert_eq!(answered(them, Some("900")), Some((900, us)));
        assert_eq!((answered(us, None), answered(them, None)), (Some((600, us)), None));
    }
}
