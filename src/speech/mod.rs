//! The ears and the mouth: voice activity ([`vad`]), recognition ([`asr`]), synthesis ([`tts`]).
//!
//! Each has one trait, its events, and the engines behind it. Engines are driven from worker threads at the edge
//! (`server::engines`) or, in virtual time, in place; they never see a call, a socket or a clock. An engine may open the
//! model folder that it is handed; nothing else here touches files.

pub mod asr;
pub mod tts;
pub mod vad;
