//! The head of a SIP message as text, read before any parser is trusted with it.
//!
//! ```text
//! bytes ─► Head::read ─► start line, (name, value)… with folded lines joined and compact names spelt out
//! ```
//!
//! It is lenient on purpose: a message too broken to be parsed must still yield the `Via`, `From`, `To`, `Call-ID` and
//! `CSeq` that a 400 has to repeat.

use std::net::{IpAddr, SocketAddr};

/// Start line and header fields of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Request line or status line.
    pub(super) start: String,
    /// Header fields in order: long name in lower case, value without the white space around it.
    pub(super) fields: Vec<(String, String)>,
    /// Bytes from the start of the message to the first byte of its body.
    pub(super) len: usize,
}

/// Why there is no head to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadError {
    /// No empty line ends the header fields.
    Unfinished,
    /// The head is not UTF-8 (RFC 3261 §7): a parser that skips such a line would lose what follows.
    NotText,
    /// A line is ended by CR or LF alone (RFC 3261 §7): `rsipstack` takes what follows for a field of its own, which nobody here
    /// would have looked at.
    StrayLineEnd,
}

impl Head {
    /// Reads the head of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, HeadError> {
        let end = find(bytes, b"\r\n\r\n").ok_or(HeadError::Unfinished)?;
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| HeadError::NotText)?;
        if text.split("\r\n").any(|line| line.contains(['\r', '\n'])) {
            return Err(HeadError::StrayLineEnd);
        }
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines {
            match (line.starts_with([' ', '\t']), fields.last_mut()) {
                (true, Some((_, value))) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                _ => {
                    // A line without a colon is kept as a field without a value, so that it can be found wrong.
                    let (name, value) = line.split_once(':').unwrap_or((line, ""));
                    fields.push((long_name(name.trim()), value.trim().to_owned()));
                }
            }
        }
        Ok(Self { start, fields, len: end + 4 })
    }

    /// All values of the field `name` (long, lower case), in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The value of the field `name` if it is there exactly once.
    pub(super) fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(field, _)| field == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value.as_str())
    }
}

/// Whether `bytes` are a request that belongs to no call and no transaction that could be under way, as far as one look at `To`
/// tells: what is not sure is to be read.
pub(super) fn begins_something(bytes: &[u8]) -> bool {
    if [&b"SIP/"[..], b"ACK ", b"CANCEL "].iter().any(|start| bytes.starts_with(start)) {
        return false;
    }
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let is_to = |line: &&[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
        name.eq_ignore_ascii_case(b"to") || name.eq_ignore_ascii_case(b"t")
    };
    let Some(to) = lines.by_ref().take_while(|line| !line.is_empty()).find(is_to) else { return true };
    let is_folded = lines.next().is_some_and(|line| line.starts_with(b" ") || line.starts_with(b"\t"));
    !is_folded && !to.windows(3).any(|name| name.eq_ignore_ascii_case(b"tag"))
}

/// Position of `needle` in `haystack`.
pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Lower-case long form of a header name; the compact forms are those of RFC 3261 §7.3.3 and the registry.
fn long_name(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "a" => "accept-contact",
        "b" => "referred-by",
        "c" => "content-type",
        "d" => "request-disposition",
        "e" => "content-encoding",
        "f" => "from",
        "i" => "call-id",
        "k" => "supported",
        "l" => "content-length",
        "m" => "contact",
        "o" => "event",
        "r" => "refer-to",
        "s" => "subject",
        "t" => "to",
        "u" => "allow-events",
        "v" => "via",
        "x" => "session-expires",
        "y" => "identity",
        long => long,
    }
    .to_owned()
}

/// The parts of a Via that may have white space between them (RFC 3261 §20.42, RFC 4475 §3.1.1.1), in normal form:
/// `SIP/2.0/UDP` and the sent-by.
fn protocol_and_sent_by(first: &str) -> Option<(String, String)> {
    let mut parts = first.splitn(3, '/').map(str::trim);
    let (name, version, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (transport, sent_by) = rest.split_once(char::is_whitespace)?;
    let sent_by: String = sent_by.split_whitespace().collect();
    Some((format!("{name}/{version}/{transport}"), sent_by))
}

/// Whether a Via is one of SIP 2.0.
pub(super) fn is_via(value: &str) -> bool {
    let sent_by = value.split(';').next().unwrap_or_default();
    protocol_and_sent_by(sent_by).is_some_and(|(protocol, _)| protocol.to_ascii_uppercase().starts_with("SIP/2.0/"))
}

/// Whether quotes are closed, and no parameter or list item is empty (RFC 4475 §3.1.2.1, §3.1.2.6).
pub(super) fn is_balanced(value: &str) -> bool {
    let (mut quoted, mut escaped, mut separator, mut in_uri) = (false, false, false, false);
    for character in value.chars() {
        match character {
            _ if escaped => escaped = false,
            '<' | '>' if !quoted => (in_uri, separator) = (character == '<', false),
            '\\' if quoted => escaped = true,
            '"' => (quoted, separator) = (!quoted, false),
            ';' | ',' if !quoted && !in_uri => {
                if separator {
                    return false;
                }
                separator = true;
            }
            _ if character.is_whitespace() => {}
            _ => separator = false,
        }
    }
    !quoted && !separator
}

/// The value without the white space that may stand around `;` and `=` (RFC 3261 §25.1): parameters with it are lost on
/// `rsipstack`.
pub(super) fn tight(value: &str) -> String {
    let (mut quoted, mut escaped, mut in_uri, mut after_separator) = (false, false, false, false);
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' | '>' if !quoted => in_uri = character == '<',
            ';' | '=' if !quoted && !in_uri => {
                out.truncate(out.trim_end().len());
                out.push(character);
                after_separator = true;
                continue;
            }
            _ if after_separator && character.is_whitespace() => continue,
            _ => {}
        }
        after_separator = false;
        out.push(character);
    }
    out
}

/// Writes where a request came from into its topmost Via (RFC 3261 §18.2.1, RFC 3581 §4).
///
/// `received` is added when the host differs or `rport` was asked for; an IPv6 address goes without brackets
/// (RFC 5118 §4.5).
pub(super) fn stamp_via(value: &str, source: SocketAddr) -> String {
    let (first, rest) = split_outside_quotes(value, ',');
    let first = tight(first);
    let mut parts = first.split(';');
    let head = parts.next().unwrap_or_default().trim();
    let (mut stamped, sent_by) = match protocol_and_sent_by(head) {
        Some((protocol, sent_by)) => (format!("{protocol} {sent_by}"), sent_by),
        None => (head.to_owned(), String::new()),
    };
    let mut wants_port = false;
    for parameter in parts {
        let parameter = parameter.trim();
        let (name, _) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "received" => {}
            "rport" => {
                wants_port = true;
                stamped.push_str(&format!(";rport={}", source.port()));
            }
            _ => {
                stamped.push(';');
                stamped.push_str(parameter);
            }
        }
    }
    if wants_port || sent_by_host(&sent_by) != Some(source.ip()) {
        stamped.push_str(&format!(";received={}", source.ip()));
    }
    if let Some(rest) = rest {
        stamped.push(',');
        stamped.push_str(rest);
    }
    stamped
}

/// Where a response to a request with this stamped Via goes (RFC 3261 §18.2.2): the source's address, and its port if it
/// asked for that. `maddr` is not followed: it would let a stranger aim our answers at others.
pub(super) fn via_target(value: &str, source: SocketAddr) -> SocketAddr {
    let (first, _) = split_outside_quotes(value, ',');
    let mut parts = first.split(';');
    let sent_by = protocol_and_sent_by(parts.next().unwrap_or_default()).map_or(String::new(), |(_, sent_by)| sent_by);
    let wants_port = parts.any(|parameter| {
        let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
        name.trim().eq_ignore_ascii_case("rport")
    });
    if wants_port {
        return source;
    }
    let after_host = sent_by.rsplit_once(']').map_or(sent_by.as_str(), |(_, after)| after);
    let port = after_host.rsplit_once(':').and_then(|(_, port)| port.trim().parse().ok()).unwrap_or(5060);
    SocketAddr::new(source.ip(), port)
}

fn sent_by_host(host_and_port: &str) -> Option<IpAddr> {
    match host_and_port.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?.0.parse().ok(),
        None => host_and_port.split(':').next()?.trim().parse().ok(),
    }
}

/// Splits at the first `separator` that is not inside a quoted string.
fn split_outside_quotes(value: &str, separator: char) -> (&str, Option<&str>) {
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in value.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == separator && !quoted => return (&value[..at], Some(&value[at + 1..])),
            _ => {}
        }
    }
    (value, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_something_is_told_from_what_goes_on_at_a_glance() {
        for (start, to, begins) in [
            ("INVITE sip:a@h SIP/2.0", "To: <sip:a@h>", true),
            ("OPTIONS sip:a@h SIP/2.0", "t: sip:a@h", true),
            ("nonsense", "Nothing: here", true),
            ("BYE sip:a@h SIP/2.0", "To: <sip:a@h>;tag=1", false),
            ("BYE sip:a@h SIP/2.0", "T : <sip:a@h> ; Tag = 1", false),
            ("BYE sip:a@h SIP/2.0", "To: <sip:a@h>\r\n ;tag=1", false),
            ("ACK sip:a@h SIP/2.0", "To: <sip:a@h>", false),
            ("CANCEL sip:a@h SIP/2.0", "To: <sip:a@h>", false),
            ("SIP/2.0 200 OK", "To: <sip:a@h>", false),
        ] {
            let message =
                format!("{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKtag\r\n{to}\r\nFrom: b;tag=2\r\n\r\nTo: x;tag=3");
            assert_eq!(begins_something(message.as_bytes()), begins, "{message}");
        }
        assert!(begins_something(b"") && begins_something(&[0xff; 40]));
    }

    #[test]
    fn folded_lines_and_compact_names_are_spelt_out() {
        let head =
            Head::read(b"OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/UDP h\r\nSubject: one\r\n  two\r\n\r\nbody").unwrap();
        assert_eq!(head.start, "OPTIONS sip:a SIP/2.0");
        assert_eq!(head.only("via"), Some("SIP/2.0/UDP h"));
        assert_eq!(head.only("subject"), Some("one two"));
        assert_eq!(head.len, 64);
        assert_eq!(Head::read(b"OPTIONS sip:a SIP/2.0\r\n"), Err(HeadError::Unfinished));
        assert_eq!(Head::read(b"OPTIONS sip:a SIP/2.0\r\nSubject: \xff\r\n\r\n"), Err(HeadError::NotText));
        for alone in ["\r", "\n", "\n\r"] {
            let text = format!("OPTIONS sip:a SIP/2.0\r\nCall-ID: one{alone}Call-ID: two\r\n\r\n");
            assert_eq!(Head::read(text.as_bytes()), Err(HeadError::StrayLineEnd), "{alone:?}");
        }
    }

    #[test]
    fn white_space_that_says_nothing_is_left_out() {
        assert_eq!(tight("\"A ; b\"  <sip:a;x = y>  ;  tag = 1"), "\"A ; b\"  <sip:a;x = y>;tag=1");
        assert!(is_balanced("\"a;;\\\"b\" <sip:x;;y>;tag=1"));
        for bad in ["<sip:a>;;tag=1", "<sip:a>;", "\"a <sip:b>", "a,,b"] {
            assert!(!is_balanced(bad), "{bad}");
        }
    }

    #[test]
    fn the_source_of_a_request_is_written_into_its_via() {
        let v4 = "192.0.2.7:4000".parse().unwrap();
        let v6 = "[2001:db8::7]:4000".parse().unwrap();
        for (via, source, stamped, target) in [
            ("SIP/2.0/UDP 192.0.2.7:5062;branch=b", v4, "SIP/2.0/UDP 192.0.2.7:5062;branch=b", "192.0.2.7:5062"),
            (
                "SIP / 2.0\t/ UDP  h : 5070 ; branch = b",
                v4,
                "SIP/2.0/UDP h:5070;branch=b;received=192.0.2.7",
                "192.0.2.7:5070",
            ),
            ("SIP/2.0/UDP h;branch=b", v4, "SIP/2.0/UDP h;branch=b;received=192.0.2.7", "192.0.2.7:5060"),
            (
                "SIP/2.0/UDP 192.0.2.7:5062;rport;branch=b",
                v4,
                "SIP/2.0/UDP 192.0.2.7:5062;rport=4000;branch=b;received=192.0.2.7",
                "192.0.2.7:4000",
            ),
            (
                "SIP/2.0/UDP h;received=1.1.1.1;branch=b, SIP/2.0/UDP x",
                v4,
                "SIP/2.0/UDP h;branch=b;received=192.0.2.7, SIP/2.0/UDP x",
                "192.0.2.7:5060",
            ),
            (
                "SIP/2.0/UDP [2001:db8::9]:5070;branch=b",
                v6,
                "SIP/2.0/UDP [2001:db8::9]:5070;branch=b;received=2001:db8::7",
                "[2001:db8::7]:5070",
            ),
        ] {
            assert_eq!(stamp_via(via, source), stamped);
            assert_eq!(via_target(via, source), target.parse().unwrap());
            assert_eq!(via_target(stamped, source), target.parse().unwrap(), "stamping does not move the target");
        }
    }
}
