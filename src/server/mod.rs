//! The tokio edge: sockets, threads, files and clocks.

pub mod store;
