//! The ears and the mouth: voice activity ([`vad`]), recognition ([`asr`]), synthesis ([`tts`]).
//!
//! Each has one trait, its events, and the engines behind it. Engines are driven from worker threads at the edge
//! (`server::engines`) or, in virtual time, in place; they never see a call, a socket or a clock. An engine may open the
//! model folder that it is handed; nothing else here touches files.

pub mod asr;
pub mod tts;
pub mod vad;

/// How a recognition or speech server fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerFault {
    /// Its address is no URL that we can follow.
    #[error("has an address that cannot be used; write scheme://host:port/path")]
    BadAddress,
    /// No connection.
    #[error("cannot be reached")]
    Unreachable,
    /// It did not answer in time.
    #[error("did not answer in time")]
    TimedOut,
    /// It ended the connection before its answer was whole.
    #[error("hung up before it had answered")]
    HungUp,
    /// It answered something that is no answer.
    #[error("answered what cannot be understood")]
    Nonsense,
    /// It refused, with this HTTP status.
    #[error("refused with status {0}")]
    Refused(u16),
}
