//! The messages that we write, and what we read from those of others.

use rsipstack::sip::{
    Header, Headers, HeadersExt, Method, Param, Request, Response, StatusCode, Uri, prelude::ToTypedHeader, typed,
};

/// What we can do, for `Allow` (RFC 3261 §20.5).
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY, PRACK, REFER";
/// Extensions that we have (RFC 4028, RFC 3262, RFC 3891).
pub(super) const SUPPORTED: [&str; 3] = ["timer", "100rel", "replaces"];
/// The only body that we read as an offer or answer.
pub(super) const SDP: &str = "application/sdp";

/// A response to `request`, with what RFC 3261 §8.2.6.2 and §12.1.1 let it repeat; `tag` goes into a To without one.
pub(super) fn response(request: &Request, status: u16, tag: &str) -> Response {
    let mut headers = request.headers.clone();
    headers.retain(|header| {
        matches!(header, Header::Via(_) | Header::From(_) | Header::To(_) | Header::CallId(_) | Header::CSeq(_))
            || (matches!(header, Header::RecordRoute(_)) && (101..300).contains(&status))
    });
    if status > 100 {
        tag_to(&mut headers, tag);
    }
    Response {
        status_code: StatusCode::from(status),
        wire_reason: None,
        version: request.version,
        headers,
        body: Vec::new(),
    }
}

/// Adds `tag` to a To without one.
pub(super) fn tag_to(headers: &mut Headers, tag: &str) {
    for header in headers.iter_mut() {
        if let Header::To(to) = header
            && matches!(to.tag(), Ok(None))
        {
            *header = Header::To(format!("{};tag={tag}", to.value()).into());
        }
    }
}

/// Adds a header field.
pub(super) fn with(mut response: Response, name: &str, value: impl Into<String>) -> Response {
    response.headers.push(Header::Other(name.to_owned(), value.into()));
    response
}

/// Adds an SDP body.
pub(super) fn with_sdp(response: Response, sdp: &str) -> Response {
    let mut response = with(response, "Content-Type", SDP);
    response.body = sdp.as_bytes().to_vec();
    response
}

/// Closes a message: the length of its body comes last.
pub(super) fn finished(mut response: Response, server: &str) -> Response {
    response.headers.push(Header::Other("Server".to_owned(), server.to_owned()));
    response.headers.push(Header::ContentLength((response.body.len() as u32).into()));
    response
}

/// The first value of a header field, looked up by its long name.
pub(super) fn field<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    fields(headers, name).next()
}

/// All values of a header field, looked up by its long name.
pub(super) fn fields<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |header| header.name().eq_ignore_ascii_case(name)).map(|header| header.value())
}

/// The `tag` of From.
pub(super) fn from_tag(message: &impl HeadersExt) -> Option<String> {
    Some(message.from_header().ok()?.tag().ok()??.value().to_owned())
}

/// The `tag` of To.
pub(super) fn to_tag(message: &impl HeadersExt) -> Option<String> {
    Some(message.to_header().ok()?.tag().ok()??.value().to_owned())
}

/// `Call-ID`, or nothing for a message that [`guard`](super::guard) would not have passed.
pub(super) fn call_id(message: &impl HeadersExt) -> String {
    message.call_id_header().map(|id| id.value().to_owned()).unwrap_or_default()
}

/// Number and method of `CSeq`.
pub(super) fn cseq(message: &impl HeadersExt) -> Option<(u32, Method)> {
    let cseq = message.cseq_header().ok()?;
    Some((cseq.seq().ok()?, cseq.method().ok()?))
}

/// The remote target that a message names in `Contact`.
pub(super) fn contact(headers: &Headers) -> Option<Uri> {
    let value = field(headers, "Contact")?;
    typed::Contact::parse_header_list(value).ok()?.into_iter().next().map(|contact| contact.uri)
}

/// What a body is, or why it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// There is none.
    Empty,
    /// Session description.
    Sdp(String),
    /// Something else, or encoded.
    Other,
}

/// The body of a message.
pub(super) fn body(headers: &Headers, bytes: &[u8]) -> Body {
    if bytes.is_empty() {
        return Body::Empty;
    }
    let encoded = fields(headers, "Content-Encoding").any(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    match std::str::from_utf8(bytes) {
        Ok(text) if !encoded && is_type(headers, SDP) => Body::Sdp(text.to_owned()),
        _ => Body::Other,
    }
}

/// Whether `Content-Type` names `media_type`, whatever its parameters.
pub(super) fn is_type(headers: &Headers, media_type: &str) -> bool {
    let named = field(headers, "Content-Type").unwrap_or_default();
    named.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}

/// Extensions in `Require` that we do not have (RFC 3261 §8.2.2.3), for `Unsupported`.
pub(super) fn unsupported(headers: &Headers) -> Option<String> {
    let tags: Vec<&str> = fields(headers, "Require")
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty() && !SUPPORTED.iter().any(|known| known.eq_ignore_ascii_case(tag)))
        .collect();
    (!tags.is_empty()).then(|| tags.join(", "))
}

/// Whether the caller can read our answer: `Accept` is missing or names SDP (RFC 3261 §20.1).
pub(super) fn takes_sdp(headers: &Headers) -> bool {
    let ranges: Vec<&str> = fields(headers, "Accept").flat_map(|value| value.split(',')).collect();
    ranges.is_empty()
        || ranges.iter().any(|range| {
            let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            matches!(range.as_str(), SDP | "application/*" | "*/*")
        })
}

/// Whether a URI has the parameter `lr`: a loose router (RFC 3261 §16.12.1.1).
pub(super) fn is_loose(uri: &Uri) -> bool {
    uri.params.iter().any(|parameter| match parameter {
        Param::Lr => true,
        Param::Other(name, _) => name.value().eq_ignore_ascii_case("lr"),
        _ => false,
    })
}

/// Splits a header value that is a comma-separated list of name-addrs.
pub(super) fn list(value: &str) -> Vec<String> {
    let (mut items, mut item, mut quoted, mut angle) = (Vec::new(), String::new(), false, false);
    for character in value.chars() {
        match character {
            '"' => quoted = !quoted,
            '<' if !quoted => angle = true,
            '>' if !quoted => angle = false,
            ',' if !quoted && !angle => {
                items.push(std::mem::take(&mut item).trim().to_owned());
                continue;
            }
            _ => {}
        }
        item.push(character);
    }
    items.push(item.trim().to_owned());
    items.retain(|item| !item.is_empty());
    items
}

/// Display name and user part of a From, To or similar value.
pub(super) fn party(value: &str) -> (Option<String>, String) {
    let parsed = rsipstack::sip::From::from(value.to_owned()).typed();
    match parsed {
        Ok(typed) => {
            let user = typed.uri.user().map(unescaped).unwrap_or_default();
            (typed.display_name.filter(|name| !name.is_empty()), user)
        }
        Err(_) => (None, String::new()),
    }
}

/// Undoes `%41` (RFC 3261 §19.1.2); what is not an escape stays as it is.
pub(super) fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |i: usize| bytes.get(i).and_then(|&byte| (byte as char).to_digit(16));
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The text as the value of a header in a URI (RFC 3261 §25.1 `hvalue`).
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/?:+$".contains(&byte) => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_are_read_from_all_their_forms() {
        for (value, name, user) in [
            ("\"Li, Na\" <sip:13800000001@192.0.2.1>;tag=a", Some("Li, Na"), "13800000001"),
            ("<sip:%2B4930@h;user=phone>", None, "+4930"),
            ("sip:anonymous@h;tag=b", None, "anonymous"),
            ("<sip:h>", None, ""),
            ("nonsense <", None, ""),
        ] {
            assert_eq!(party(value), (name.map(str::to_owned), user.to_owned()), "{value}");
        }
    }

    #[test]
    fn what_is_escaped_comes_back() {
        assert_eq!(escaped("1@h;to-tag=a b"), "1%40h%3Bto-tag%3Da%20b");
        assert_eq!(unescaped(&escaped("+1@[::1]:5060;x=\"é&%\"")), "+1@[::1]:5060;x=\"é&%\"");
    }

    #[test]
    fn lists_split_outside_quotes_and_angle_brackets() {
        assert_eq!(list("<sip:a;lr>, \"x, y\" <sip:b?c=d,e>"), ["<sip:a;lr>", "\"x, y\" <sip:b?c=d,e>"]);
        assert!(list(" , ").is_empty());
    }
}
