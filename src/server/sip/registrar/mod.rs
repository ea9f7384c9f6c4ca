//! A small registrar for agents' telephones: REGISTER with digest, answered without a transaction.
//!
//! A telephone is called by the way that its REGISTER came: over its connection, or at the address and port that it sent
//! from, which is what a NAT has opened. Every [`KEEP_ALIVE`] a CRLF keeps it open (RFC 5626 §4.4.1).

mod bindings;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsipstack::sip::{HeadersExt, Request};

use super::Transport;
use super::guard::Refused;
use super::lane::Lane;
use super::message::{call_id, cseq, field, fields, list, party};
use super::route::{Decision, Shared};
use super::trunk::{Admitted, Origin};
use bindings::{LEAST, NotKept, Registering, Wish};

pub(super) use bindings::{Binding, Bindings};

/// Time of a registration that names none [s] (RFC 3261 §10.2.1.1).
const DEFAULT: u32 = 3_600;
/// How often a NAT is kept open: many forget a UDP flow after 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// The way to a telephone.
#[derive(Clone)]
pub(super) struct Path {
    /// The socket that its REGISTER came over.
    pub(super) lane: Arc<Lane>,
    /// Where it came from.
    pub(super) source: SocketAddr,
}

impl Shared {
    /// Answers a REGISTER.
    pub(super) fn register(&self, lane: &Arc<Lane>, request: &Request, source: SocketAddr) -> Decision {
        let user = match self.registering(request, source) {
            Admitted::As(Origin::Phone(user)) => user,
            Admitted::Prove(challenges) => return Decision::prove(challenges),
            Admitted::As(_) | Admitted::No => return Decision::refuse(403, "Forbidden"),
        };
        // One's own address of record only.
        let named = request.to_header().map(|to| party(to.value()).1).unwrap_or_default();
        if named != user {
            return Decision::refuse(403, "Forbidden");
        }
        let (Some(wish), Some((number, _))) = (wish(request), cseq(request)) else {
            return Decision::refuse(400, "Bad Contact");
        };
        let path = Path { lane: Arc::clone(lane), source };
        let call_id = call_id(request);
        let asked = Registering { user: &user, call_id: &call_id, number, wish, path };
        let Ok(mut phones) = self.lines.phones.lock() else { return Decision::busy() };
        match phones.register(Instant::now(), asked) {
            Ok(contacts) => {
                metrics::gauge!("antevox_phones").set(phones.paths(Instant::now()).count() as f64);
                let contacts = contacts.iter().map(|(uri, left)| ("Contact", format!("<{uri}>;expires={left}")));
                Decision::Refuse(Refused::With(200, "OK"), contacts.collect())
            }
            Err(NotKept::TooBrief) => {
                let least = vec![("Min-Expires", LEAST.to_string())];
                Decision::Refuse(Refused::With(423, "Interval Too Brief"), least)
            }
            Err(NotKept::TooMany) => Decision::refuse(403, "Too Many Contacts"),
            Err(NotKept::OutOfOrder) => Decision::refuse(500, "Out Of Order"),
        }
    }

    /// The telephones of a user that can be reached, the one that registered last first.
    pub(super) fn phones_of(&self, user: &str) -> Vec<Binding<Path>> {
        let phones = self.lines.phones.lock().map(|phones| phones.of(Instant::now(), user)).unwrap_or_default();
        phones.into_iter().filter(|phone| !phone.path.lane.closed.is_cancelled()).collect()
    }

    /// Keeps the ways to telephones open, until the edge closes.
    pub(super) async fn keep_phones(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(KEEP_ALIVE) => {}
                () = self.closed.cancelled() => return,
            }
            let paths: Vec<Path> = match self.lines.phones.lock() {
                Ok(mut phones) => {
                    phones.expire(Instant::now());
                    phones.paths(Instant::now()).map(|binding| binding.path.clone()).collect()
                }
                Err(_) => return,
            };
            for Path { lane, source } in paths {
                if lane.transport == Transport::Udp {
                    lane.send_raw(b"\r\n\r\n".to_vec(), source).await;
                }
            }
        }
    }
}

/// What a REGISTER wants; `None` where its Contacts contradict each other (RFC 3261 §10.3 step 6).
pub(super) fn wish(request: &Request) -> Option<Wish> {
    let contacts: Vec<String> = fields(&request.headers, "Contact").flat_map(list).collect();
    let general = field(&request.headers, "Expires").map(|value| value.trim().parse().unwrap_or(DEFAULT));
    if contacts.iter().any(|contact| contact == "*") {
        return (contacts.len() == 1 && general == Some(0)).then_some(Wish::Forget);
    }
    let each: Option<Vec<(String, u32)>> = contacts.iter().map(|contact| reached(contact, general)).collect();
    each.map(|each| if each.is_empty() { Wish::Tell } else { Wish::Reach(each) })
}

/// URI and time of one Contact. Only SIP URIs, and none that could break a header of ours.
fn reached(contact: &str, general: Option<u32>) -> Option<(String, u32)> {
    let (uri, parameters) = match contact.split_once('<') {
        Some((_, rest)) => rest.split_once('>')?,
        None => contact.split_once(';').unwrap_or((contact, "")),
    };
    let uri = uri.trim();
    let scheme = uri.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if !matches!(scheme.as_str(), "sip" | "sips") || uri.contains(char::is_control) || uri.len() > 512 {
        return None;
    }
    let own = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("expires").then(|| value.trim().parse().unwrap_or(DEFAULT))
    });
    Some((uri.to_owned(), own.or(general).unwrap_or(DEFAULT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &str) -> Option<Wish> {
        let text = format!(
            "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:a@h>\r\n\
             Call-ID: c\r\nCSeq: 1 REGISTER\r\n{lines}\r\n"
        );
        wish(&Request::try_from(text.as_str()).unwrap())
    }

    #[test]
    fn contacts_and_their_times_are_read() {
        let reach = |all: &[(&str, u32)]| {
            Some(Wish::Reach(all.iter().map(|(uri, seconds)| ((*uri).to_owned(), *seconds)).collect()))
        };
        for (lines, wish) in [
            ("", Some(Wish::Tell)),
            ("Contact: *\r\nExpires: 0\r\n", Some(Wish::Forget)),
            ("Contact: *\r\nExpires: 10\r\n", None),
            ("Contact: *, <sip:a@1>\r\nExpires: 0\r\n", None),
            (
                "Contact: <sip:a@1;ob>;expires=90, \"x\" <sips:a@2>\r\n",
                reach(&[("sip:a@1;ob", 90), ("sips:a@2", 3_600)]),
            ),
            ("Contact: sip:a@1;expires=0\r\nExpires: 70\r\n", reach(&[("sip:a@1", 0)])),
            ("Contact: <sip:a@1>\r\nExpires: 70\r\n", reach(&[("sip:a@1", 70)])),
            ("Contact: <mailto:a@1>\r\n", None),
        ] {
            assert_eq!(asked(lines), wish, "{lines}");
        }
    }
}
