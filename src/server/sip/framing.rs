//! Cuts a TCP byte stream into SIP messages (RFC 3261 §18.3).
//!
//! ```text
//! push(bytes) ─► next() ─► Piece::Message | Piece::Ping (a CRLF CRLF keep-alive, RFC 5626 §4.4.1)
//! ```
//!
//! The stream is lost as soon as a length cannot be believed: nobody knows where the next message starts.

use super::head::{Head, HeadError, find};

/// Largest message taken from anybody [bytes]; also the largest UDP datagram.
pub(super) const MAX_MESSAGE: usize = 65_535;

/// What came out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// One whole message, as bytes.
    Message(Vec<u8>),
    /// The peer wants to know whether we are alive; answered with one CRLF.
    Ping,
}

/// Why a stream cannot be read any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FramingError {
    /// A message above [`MAX_MESSAGE`].
    TooLarge,
    /// A length that cannot be believed; the head is there to answer with 400.
    BadLength(Vec<u8>),
    /// Header fields that are not text, or not lines.
    NotText,
}

/// The unread part of one stream.
#[derive(Debug, Default)]
pub(super) struct Framer {
    unread: Vec<u8>,
    /// Bytes of `unread` in which no end of a head was found: a peer that sends byte by byte must not make us search
    /// them again each time.
    searched: usize,
    /// Length of the message at the front, once its head is there [bytes].
    expected: Option<usize>,
}

impl Framer {
    /// Takes bytes from the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// Whether part of a message is waiting for its rest.
    pub(super) fn is_partial(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The next piece, `None` until more bytes have come.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, FramingError> {
        if self.unread.starts_with(b"\r\n\r\n") {
            self.unread.drain(..4);
            return Ok(Some(Piece::Ping));
        }
        // A lone CRLF before a message is an answer to our own ping or stray; a CR may wait for the rest of a ping.
        while self.unread.starts_with(b"\r\n") && self.unread.get(2).is_some_and(|&byte| byte != b'\r') {
            self.unread.drain(..2);
        }
        if self.unread.starts_with(b"\r") {
            return Ok(None);
        }
        let total = match self.expected {
            Some(total) => total,
            None => match self.measure()? {
                Some(total) => *self.expected.insert(total),
                None => return Ok(None),
            },
        };
        if self.unread.len() < total {
            return Ok(None);
        }
        let rest = self.unread.split_off(total);
        (self.searched, self.expected) = (0, None);
        Ok(Some(Piece::Message(std::mem::replace(&mut self.unread, rest))))
    }

    /// Length of the message at the front [bytes], `None` until its head is complete.
    fn measure(&mut self) -> Result<Option<usize>, FramingError> {
        if find(&self.unread[self.searched.saturating_sub(3)..], b"\r\n\r\n").is_none() {
            self.searched = self.unread.len();
            return if self.searched > MAX_MESSAGE { Err(FramingError::TooLarge) } else { Ok(None) };
        }
        let head = match Head::read(&self.unread) {
            Ok(head) => head,
            Err(HeadError::NotText | HeadError::StrayLineEnd) => return Err(FramingError::NotText),
            Err(HeadError::Unfinished) => return Ok(None),
        };
        // Two different lengths are a way to smuggle a message past us: believe neither.
        let mut lengths = head.all("content-length");
        let first = lengths.next().unwrap_or("0");
        let body = match (first.parse::<u32>(), lengths.all(|other| other == first)) {
            (Ok(body), true) if first.bytes().all(|byte| byte.is_ascii_digit()) => body as usize,
            _ => return Err(FramingError::BadLength(self.unread[..head.len].to_vec())),
        };
        let total = head.len + body;
        if total > MAX_MESSAGE { Err(FramingError::TooLarge) } else { Ok(Some(total)) }
    }
}

/// Whether a datagram is no SIP at all: a keep-alive of white space or zeros, or noise. Such are never answered.
pub(super) fn is_noise(datagram: &[u8]) -> bool {
    datagram.iter().all(u8::is_ascii_whitespace) || find(datagram, b"\r\n").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(body: &str) -> Vec<u8> {
        format!("OPTIONS sip:a SIP/2.0\r\nl: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    #[test]
    fn pings_and_stray_line_ends_are_told_from_messages() {
        let mut framer = Framer::default();
        framer.push(b"\r\n\r\n\r\n");
        assert_eq!(framer.next(), Ok(Some(Piece::Ping)));
        assert_eq!(framer.next(), Ok(None));
        framer.push(&message("x"));
        assert_eq!(framer.next(), Ok(Some(Piece::Message(message("x")))));
        assert_eq!(framer.next(), Ok(None));
        assert!(!framer.is_partial());
    }

    #[test]
    fn lengths_that_cannot_be_believed_end_the_stream() {
        for bad in ["l: -1", "l: +1", "l: 18446744073709551615", "l: x", "l: 1\r\nl: 2", "l:"] {
            let mut framer = Framer::default();
            framer.push(format!("OPTIONS sip:a SIP/2.0\r\n{bad}\r\n\r\n").as_bytes());
            assert!(matches!(framer.next(), Err(FramingError::BadLength(_))), "{bad}");
        }
        let mut framer = Framer::default();
        framer.push(b"OPTIONS sip:a SIP/2.0\r\nl: 99999999\r\n\r\n");
        assert_eq!(framer.next(), Err(FramingError::TooLarge));
        let mut framer = Framer::default();
        framer.push(&vec![b'x'; MAX_MESSAGE + 1]);
        assert_eq!(framer.next(), Err(FramingError::TooLarge));
    }

    proptest! {
        #[test]
        fn a_stream_comes_apart_as_it_was_put_together(bodies in prop::collection::vec("[a-z\r\n]{0,40}", 1..6), cut in 1usize..50) {
            let sent: Vec<Vec<u8>> = bodies.iter().map(|body| message(body)).collect();
            let mut framer = Framer::default();
            let mut taken = Vec::new();
            for chunk in sent.concat().chunks(cut) {
                framer.push(chunk);
                while let Some(piece) = framer.next().unwrap() {
                    taken.push(piece);
                }
            }
            prop_assert_eq!(taken, sent.into_iter().map(Piece::Message).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut framer = Framer::default();
            framer.push(&bytes);
            while let Ok(Some(_)) = framer.next() {}
        }
    }
}
