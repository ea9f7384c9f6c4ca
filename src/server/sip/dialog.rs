//! One SIP dialog: who, in which order, and by which way (RFC 3261 §12). Pure: requests come in and go out as values.
//!
//! Invariants: `Call-ID` and both tags never change once known; our CSeq numbers grow; the route set is fixed by the
//! message that made the dialog; a loose first route or the remote target says where a request goes.

use rsipstack::sip::{Header, Headers, HeadersExt, Method, Request, Response, Uri, Version};

use super::message::{call_id, contact, cseq, escaped, fields, from_tag, is_loose, list, to_tag};

/// State of one dialog.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    call_id: String,
    /// Our From value with its tag.
    local: String,
    local_tag: String,
    /// Their To value, with their tag once it is known.
    remote: String,
    remote_tag: Option<String>,
    /// Request-URI of our requests.
    target: Uri,
    /// Route values in the order in which we send them.
    routes: Vec<String>,
    /// CSeq number of our last request.
    local_seq: u32,
    /// CSeq number of their last request.
    remote_seq: Option<u32>,
    is_ours: bool,
}

/// Why a request from the peer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stray {
    /// It belongs to another dialog: 481.
    WrongTag,
    /// It was overtaken by a later one: 500 (RFC 3261 §12.2.2).
    OutOfOrder,
}

impl Dialog {
    /// The dialog that `invite` asks us to take part in. `None` without a usable Contact (RFC 3261 §12.1.1).
    pub(super) fn incoming(invite: &Request, local_tag: String) -> Option<Self> {
        let to = invite.to_header().ok()?.value();
        Some(Self {
            call_id: call_id(invite),
            local: format!("{to};tag={local_tag}"),
            local_tag,
            remote: invite.from_header().ok()?.value().to_owned(),
            remote_tag: from_tag(invite),
            target: contact(&invite.headers)?,
            routes: fields(&invite.headers, "Record-Route").flat_map(list).collect(),
            local_seq: 0,
            remote_seq: cseq(invite).map(|(number, _)| number),
            is_ours: false,
        })
    }

    /// A dialog that we are about to ask for.
    pub(super) fn outgoing(call_id: String, local: &str, local_tag: String, target: Uri) -> Self {
        Self {
            call_id,
            local: format!("{local};tag={local_tag}"),
            local_tag,
            remote: format!("<{target}>"),
            remote_tag: None,
            target,
            routes: Vec::new(),
            local_seq: 0,
            remote_seq: None,
            is_ours: true,
        }
    }

    /// Calls somebody else instead, in the same attempt (RFC 3261 §8.1.3.4): whoever was called first is still in To.
    pub(super) fn aim(&mut self, target: Uri) {
        self.target = target;
    }

    /// Our side of the dialog as a name-addr without its tag: who calls when this call goes on elsewhere.
    pub(super) fn local_uri(&self) -> String {
        self.local.strip_suffix(&format!(";tag={}", self.local_tag)).unwrap_or(&self.local).to_owned()
    }

    /// Whether we made the Call-ID.
    pub(super) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// `Call-ID`.
    pub(super) fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Our tag.
    pub(super) fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// Their tag, once it is known.
    pub(super) fn remote_tag(&self) -> Option<&str> {
        self.remote_tag.as_deref()
    }

    /// Whom somebody else calls to take our place: the other side, with the dialog as that side knows it (RFC 3891 §3, §4).
    pub(super) fn place(&self) -> String {
        let target = Uri { headers: Vec::new(), ..self.target.clone() };
        let theirs = self.remote_tag().unwrap_or_default();
        let replaces = format!("{};to-tag={theirs};from-tag={}", self.call_id, self.local_tag);
        format!("{target}?Replaces={}&Require=replaces", escaped(&replaces))
    }

    /// Takes what a 2xx to our INVITE says: their tag, the way to them (RFC 3261 §12.1.2).
    pub(super) fn establish(&mut self, response: &Response) {
        if let Ok(to) = response.to_header() {
            to.value().clone_into(&mut self.remote);
        }
        self.remote_tag = to_tag(response);
        self.routes = fields(&response.headers, "Record-Route").flat_map(list).collect();
        self.routes.reverse();
        self.retarget(&response.headers);
    }

    /// Takes a new remote target from an INVITE or UPDATE, or from a 2xx to ours (RFC 3261 §12.2).
    pub(super) fn retarget(&mut self, headers: &Headers) {
        if let Some(target) = contact(headers) {
            self.target = target;
        }
    }

    /// Whether a request from the peer belongs here and comes in order.
    pub(super) fn accept(&mut self, request: &Request) -> Result<(), Stray> {
        match (&self.remote_tag, from_tag(request)) {
            (Some(known), Some(tag)) if *known != tag => return Err(Stray::WrongTag),
            (None, tag) => self.remote_tag = tag,
            _ => {}
        }
        let number = cseq(request).map_or(0, |(number, _)| number);
        if self.remote_seq.is_some_and(|last| number <= last) {
            return Err(Stray::OutOfOrder);
        }
        self.remote_seq = Some(number);
        Ok(())
    }

    /// A new request inside the dialog, without Via and body.
    pub(super) fn request(&mut self, method: Method) -> Request {
        self.local_seq += 1;
        self.numbered(method, self.local_seq)
    }

    /// The ACK or CANCEL for our INVITE with this CSeq number.
    pub(super) fn numbered(&self, method: Method, number: u32) -> Request {
        let mut routes = self.routes.clone();
        let mut uri = self.target.clone();
        // A strict router takes the place of the Request-URI (RFC 3261 §12.2.1.1).
        if let Some(first) = routes.first().and_then(|route| route_uri(route))
            && !is_loose(&first)
        {
            routes.remove(0);
            routes.push(format!("<{uri}>"));
            uri = first;
        }
        let mut headers: Vec<Header> = routes.into_iter().map(|route| Header::Route(route.into())).collect();
        headers.extend([
            Header::MaxForwards(70.into()),
            Header::From(self.local.clone().into()),
            Header::To(self.remote.clone().into()),
            Header::CallId(self.call_id.clone().into()),
            Header::CSeq(format!("{number} {method}").into()),
        ]);
        uri.headers.clear();
        Request { method, uri, version: Version::V2, headers: Headers(headers), body: Vec::new() }
    }

    /// CSeq number of our last request.
    pub(super) fn local_seq(&self) -> u32 {
        self.local_seq
    }

    /// Goes on counting where a request that was sent again with credentials left off.
    pub(super) fn skip_to(&mut self, number: u32) {
        self.local_seq = self.local_seq.max(number);
    }

    /// The URI that says where a request goes: first route, else remote target (RFC 3261 §8.1.2).
    pub(super) fn next_hop(&self) -> Uri {
        self.routes.first().and_then(|route| route_uri(route)).unwrap_or_else(|| self.target.clone())
    }

    /// Whether requests pass proxies that asked to stay in the way.
    pub(super) fn is_routed(&self) -> bool {
        !self.routes.is_empty()
    }
}

fn route_uri(route: &str) -> Option<Uri> {
    let uri = route.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(route, |(uri, _)| uri);
    Uri::try_from(uri).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(extra: &str) -> Request {
        let text = format!(
            "INVITE sip:95188@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:95188@h>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:a@192.0.2.7:5062>\r\n{extra}\r\n"
        );
        Request::try_from(text.as_str()).unwrap()
    }

    #[test]
    fn requests_take_the_way_that_the_proxies_recorded() {
        let mut dialog = Dialog::incoming(&invite("Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"), "2".into()).unwrap();
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:a@192.0.2.7:5062");
        assert_eq!(fields(&bye.headers, "Route").collect::<Vec<_>>(), ["<sip:p1;lr>", "<sip:p2;lr>"]);
        assert_eq!(dialog.next_hop().to_string(), "sip:p1;lr");
        assert_eq!(bye.from_header().unwrap().value(), "<sip:95188@h>;tag=2");
        assert_eq!(bye.to_header().unwrap().value(), "<sip:a@h>;tag=1");
    }

    #[test]
    fn a_strict_router_takes_the_place_of_the_request_uri() {
        let mut dialog = Dialog::incoming(&invite("Record-Route: <sip:p1>\r\n"), "2".into()).unwrap();
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:p1");
        assert_eq!(fields(&bye.headers, "Route").collect::<Vec<_>>(), ["<sip:a@192.0.2.7:5062>"]);
    }

    #[test]
    fn requests_of_others_and_overtaken_ones_are_found() {
        let mut dialog = Dialog::incoming(&invite(""), "2".into()).unwrap();
        let mut next = invite("");
        assert_eq!(dialog.accept(&next), Err(Stray::OutOfOrder));
        next.headers.unique_push(Header::CSeq("8 INVITE".into()));
        assert_eq!(dialog.accept(&next), Ok(()));
        next.headers.unique_push(Header::From("<sip:a@h>;tag=other".into()));
        assert_eq!(dialog.accept(&next), Err(Stray::WrongTag));
    }
}
