//! What anybody may ask for, in one place to be shown at the start.

use serde::Serialize;

use super::{SipConfig, admission, framing, guard, handshakes, patience, stream};
use crate::sdp::{MAX_MEDIA_LINES, MAX_PAYLOAD_TYPES};

/// The bounds that strangers meet. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Calls that may be live at once; one more gets 503.
    pub calls: usize,
    /// New requests a second from one source; 0: not limited.
    pub requests_per_second: u32,
    /// New requests at once from one source.
    pub requests_at_once: u32,
    /// Refusals at once that end in a ban; four more for each request that a source may make.
    pub refusals_before_ban: u32,
    /// How long a ban lasts.
    pub ban: u64,
    /// Bytes of a message.
    pub message_bytes: usize,
    /// Header fields of a message.
    pub header_fields: usize,
    /// `m=` lines of a description.
    pub media_lines: usize,
    /// Payload types of an `m=` line.
    pub payload_types: usize,
    /// Connections from everybody.
    pub connections: usize,
    /// Connections from one address.
    pub connections_per_address: usize,
    /// Handshakes of TLS and WebSocket under way.
    pub handshakes: usize,
    /// Those of one address.
    pub handshakes_per_address: usize,
    /// How long each may take.
    pub handshake: u64,
    /// How long a new connection may take to bring a message, and any to bring the rest of one.
    pub first_message: u64,
    /// Messages that wait for one connection.
    pub write_queue: usize,
}

impl Limits {
    pub(super) fn of(config: &SipConfig) -> Self {
        Self {
            calls: config.max_calls,
            requests_per_second: config.rate.per_second,
            requests_at_once: config.rate.burst,
            refusals_before_ban: admission::PATIENCE,
            ban: admission::BAN.as_secs(),
            message_bytes: framing::MAX_MESSAGE,
            header_fields: guard::MAX_FIELDS,
            media_lines: MAX_MEDIA_LINES,
            payload_types: MAX_PAYLOAD_TYPES,
            connections: stream::MAX_CONNECTIONS,
            connections_per_address: stream::MAX_PER_ADDRESS,
            handshakes: handshakes::MOST,
            handshakes_per_address: handshakes::MOST_PER_ADDRESS,
            handshake: super::HANDSHAKE.as_secs(),
            first_message: patience::FIRST_MESSAGE.as_secs(),
            write_queue: stream::WRITE_QUEUE,
        }
    }
}
