//! The commands of the command line, one file each.
//!
//! A command reads files and clocks, calls the library, and prints: JSON with `--json`, a table for people without. It
//! succeeds only when it did what it says.

pub mod call;
pub mod callers;
pub mod calls;
pub mod chat;
pub mod check;
pub mod demo;
pub mod duplex;
pub mod identify;

pub mod import;
mod loopback;
pub mod media;
pub mod models;
pub mod nlu;
pub mod policy;
pub mod recording;
mod sentences;
pub mod serve;
pub mod simulate;
pub mod speak;
pub mod transcribe;

/// How a command ends: the error is one line for a person, with file, place and remedy.
pub type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;
