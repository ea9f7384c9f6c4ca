//! Shared parts of the tests on real sockets.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own share of it")]
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

pub mod answering;
pub mod parrot;
pub mod phone;
