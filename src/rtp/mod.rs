//! RTP and RTCP without sockets: what a leg needs between bytes and frames.
//!
//! ```text
//!  bytes ─► Packet::parse ─► SourceLock ─► Reception ─┬─► KeyReceiver ─► digits      (telephone-event)
//!                             (is it theirs?) (counts)└─► JitterBuffer ─► Played, one each time it is asked
//!  payload ─► Sender ─► bytes                   KeySender ─► packets of a key press
//!  srtp::Opener before the first, srtp::Sealer after the last, when that was agreed; by keys of a dtls::Handshake, on a way
//!  that stun::Checks found, where those were
//!  Reception + Sender ─► rtcp::Exchange ─► SR / RR / XR with loss, jitter, round trip, bursts ─► quality
//! ```
//!
//! Nothing here allocates once it is made, apart from RTCP, which runs every few seconds, and the handshake at the beginning.

pub mod bursts;
pub mod dtls;
pub mod jitter;
pub mod network;
pub mod packet;
pub mod quality;
pub mod reception;
pub mod rtcp;
pub mod sender;
pub mod source_lock;
pub mod srtp;
pub mod stun;
pub mod telephone_event;
pub mod xr;

pub use jitter::{Arrival, JitterBuffer, Pace, Played, Signal};
pub use packet::{Packet, PacketError};
pub use reception::Reception;
pub use sender::{Seeds, Sender};
pub use source_lock::{SourceLock, Verdict};
