//! One party's media and signalling, the same for SIP and WebRTC.
//!
//! ```text
//!              ┌────────────────────────── MediaLeg ──────────────────────────┐
//!  datagram ──►│ receive: (open) ► packet ► source lock ► jitter buffer, keys │
//!              │ pull:    jitter buffer ► decode, conceal ► 16 kHz ► Frame    │──► Inbound, every 20 ms
//!     Frame ──►│ send:    encode, or a key press ► packet ► (seal)            │──► datagram
//!              └──────────────────────────────────────────────────────────────┘
//!  signalling ──► LegEvent …                                      … LegRequest ──► signalling
//! ```
//!
//! Opened and sealed are packets only where SRTP was agreed. The media half is a value without sockets or clocks: bytes and `now` go in, frames and bytes come out.

mod coder;
mod keys;
mod media;
mod secrecy;
mod signalling;
mod stats;

pub use keys::Keys;
pub use media::{Inbound, MediaLeg};
pub use signalling::{Datagram, LegEvent, LegRequest};
pub use stats::RtpStats;

#[cfg(test)]
mod tests;
