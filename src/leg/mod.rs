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
//! # What is negotiated
//!
//! | | |
//! |---|---|
//! | codec | PCMU, PCMA, G.722, Opus (8–48 kHz, FEC and DTX as the peer wants); the offerer's order counts |
//! | packet length | 10 to 60 ms in steps of 10 (Opus: 10, 20, 40, 60), as the peer's `ptime` and `maxptime` say; any length is understood |
//! | keys | telephone-event (RFC 4733) at the codec's clock or 8,000; a peer without it is heard, and told, in tones |
//! | protection | SRTP by SDES (RFC 4568): AES-CM with tags of 80 and 32 bits, AES-GCM with 128 and 256; by DTLS (RFC 5763), with or without ICE, of which we are the simple half |
//! | RTCP | on the same port (RFC 5761) or the next |
//! | pauses | comfort noise (RFC 3389) is understood, never asked for; while we are silent for 15 s the way is kept open (RFC 6263) |
//!
//! # What is counted
//!
//! [`RtpStats`], which the record of a call keeps: packets lost, late and foreign; jitter (RFC 3550 §A.8); how long sound waits
//! here; the round trip, from sender reports or, for one who only listens, from RFC 3611's reference times; a score by ITU-T
//! G.107 that knows whether losses come in bursts; and what the peer says of its own side.
//!
//! # How the delay follows the network
//!
//! The jitter buffer waits as long as the slowest of the last packets needed. Where that changes, a period of the voice is
//! repeated or left out ([`audio::stretch`](crate::audio::stretch)), so nobody hears it; a hiss, in which no two periods are
//! alike, gets or loses a packet. What is lost is made up of what came before, for 60 ms; Opus repairs it where the next packet
//! remembers it. Two clocks that drift apart are nothing but a network that slowly changes. A peer whose source, numbers or
//! clock begin anew is followed at once.
//!
//! # Two parties that speak the same
//!
//! On a bridge the packets of one go to the other as they came, with numbers of ours ([`MediaLeg::receive_for`]): no delay, no
//! loss of quality, and losses and pauses stay what they are. They are heard here all the same, for the recording; and as
//! soon as the codecs differ, a re-INVITE changes one, or something of ours is to be said, frames are coded again.
//!
//! Opened and sealed are packets only where SRTP was agreed. The media half is a value without sockets or clocks: bytes and `now` go in, frames and bytes come out.

mod association;
mod coder;
mod ears;
mod keys;
mod media;
mod mouth;
mod protection;
mod relay;
mod secrecy;
mod signalling;
mod stats;

pub use keys::Keys;
pub use media::{Inbound, MediaLeg};
pub use signalling::{Datagram, LegEvent, LegRequest, ReferTo};
pub use stats::RtpStats;

#[cfg(test)]
mod tests;
