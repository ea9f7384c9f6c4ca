//! antevox: a telephone hotline that answers before it asks.
//!
//! ```text
//!  trunk, softphone ── SIP, RTP ──► server ──► call ──► leg ──► Frame, 16 kHz, 20 ms
//!                                                │                 ├─► speech::vad ─► turn (who has the floor)
//!                                                │                 └─► speech::asr ─► nlu ─┐
//!                                                │   identify (who, which order, which guess) ─► dialog
//!                                                └◄── leg ◄── playout ◄── speech::tts ◄── Reply ─┘
//! ```
//!
//! # The house
//!
//! Each module imports only from levels below its own; `tests/layering.rs` holds the table and fails where the code disagrees.
//! Everything but [`server`], [`commands`] and `main.rs` is free of sockets, files, clocks and randomness of its own: bytes and
//! `now` come in, decisions come out, so a whole call runs in a test in virtual time.
//!
//! | level | modules |
//! |---|---|
//! | 0 | [`units`], [`timer`], [`diag`], [`english`], [`mandarin`] |
//! | 1 | [`audio`], [`rtp`], [`sdp`] |
//! | 2 | [`speech`], [`nlu`], [`identify`], [`leg`] |
//! | 3 | [`turn`], [`dialog`] |
//! | 4 | [`call`]: the only one that joins siblings |
//! | 5 | [`config`], [`server`], [`commands`] |
//!
//! [`connecting`] tells how to connect a trunk, an exchange and a softphone.
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | call | one caller's telephone call, from INVITE to record |
//! | leg | one party of a call, with its signalling and media |
//! | frame | 20 ms of mono sound at 16 kHz |
//! | utterance | one thing that the server says |
//! | hearing | one stretch of listening that a recogniser is lent for |
//! | turn | what one side says before the other does |
//! | scene | a problem that callers have; a main scene is a group of them |
//! | guess | the scene that a call is expected to be about, before a word is said |
//! | plan | a checked dialplan |

#![warn(clippy::disallowed_methods)]
// The docs are for whoever changes the code, too: they may point at what only the code shows.
#![allow(rustdoc::private_intra_doc_links)]

pub mod audio;
pub mod call;
pub mod commands;
pub mod config;
pub mod diag;
pub mod dialog;
#[doc = include_str!("docs/talking.md")]
pub mod talking {}
#[doc = include_str!("docs/connecting.md")]
pub mod connecting {}
pub mod english;
pub mod identify;
pub mod leg;
pub mod mandarin;
pub mod nlu;
pub mod rtp;
pub mod sdp;
pub mod server;
pub mod speech;
pub mod timer;
pub mod turn;
pub mod units;
