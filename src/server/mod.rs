//! The tokio edge: sockets, threads, files and clocks.

pub mod rtp;
pub mod sip;
