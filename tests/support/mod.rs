//! Shared parts of the tests on real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, unreachable_pub)] // each test file uses its own share of it

pub mod answering;
pub mod certificate;
pub mod hotline;
pub mod parrot;
pub mod phone;
pub mod speech_servers;
pub mod tiny_vosk;
pub mod tiny_whisper;
