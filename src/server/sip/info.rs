//! Keys by SIP INFO: how some telephones and exchanges send them.
//!
//! `application/dtmf-relay` holds `Signal=5` and `Duration=160` lines, `application/dtmf` the key alone. No RFC describes
//! either; both are read as the common exchanges write them.

use rsipstack::sip::Request;

use super::exchange::Answering;
use super::leg::LegTask;
use super::message::{is_type, with};
use crate::leg::LegEvent;

/// A key and how long it was pressed.
const DTMF_RELAY: &str = "application/dtmf-relay";
/// A key.
const DTMF: &str = "application/dtmf";

impl LegTask {
    /// Their INFO. One without a body asks whether we are alive (RFC 6086 §4.1 allows it).
    pub(super) fn informed(&self, asked: &Answering) {
        let request = &asked.request;
        if request.body.is_empty() {
            return asked.reply(200);
        }
        match pressed(request) {
            Ok(key) => {
                asked.reply(200);
                self.tell(LegEvent::Pressed { key });
            }
            Err(415) => asked.send(with(asked.response(415), "Accept", format!("{DTMF_RELAY}, {DTMF}"))),
            Err(status) => asked.reply(status),
        }
    }
}

/// The key that an INFO names, or the status that refuses it.
pub(super) fn pressed(request: &Request) -> Result<char, u16> {
    let text = String::from_utf8_lossy(&request.body);
    if is_type(&request.headers, DTMF_RELAY) {
        relayed(&text).ok_or(400)
    } else if is_type(&request.headers, DTMF) {
        key(text.trim()).ok_or(400)
    } else {
        Err(415)
    }
}

/// The `Signal` of a relayed key.
fn relayed(text: &str) -> Option<char> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| key(value.trim()))?
    })
}

/// One key, by its sign or its event number (RFC 4733 §3.2 table 7).
fn key(text: &str) -> Option<char> {
    match text.to_ascii_uppercase().as_str() {
        "10" => Some('*'),
        "11" => Some('#'),
        sign if sign.len() == 1 => sign.chars().next().filter(|c| "0123456789*#ABCD".contains(*c)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_exchanges_write_them() {
        for (text, key) in [
            ("Signal=5\r\nDuration=160\r\n", Some('5')),
            ("signal = # \nduration=1", Some('#')),
            ("Duration=160\r\nSignal=10\r\n", Some('*')),
            ("Signal=d", Some('D')),
            ("Signal=12", None),
            ("Signal=\r\n", None),
            ("5", None),
            ("", None),
        ] {
            assert_eq!(relayed(text), key, "{text:?}");
        }
        assert_eq!([key("1"), key("11"), key("x"), key("ü")], [Some('1'), Some('#'), None, None]);
    }
}
