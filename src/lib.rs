//! antevox: a telephone hotline that answers before it asks.

#![warn(clippy::disallowed_methods)]

pub mod agents;
pub mod audio;
pub mod call;
pub mod commands;
pub mod config;
pub mod diag;
pub mod dialog;
pub mod identify;
pub mod leg;
pub mod nlu;
pub mod rtp;
pub mod sdp;
pub mod server;
pub mod speech;
pub mod timer;
pub mod turn;
pub mod units;
