#![no_main]

#[path = "../../support/readers.rs"]
mod readers;

use libfuzzer_sys::fuzz_target;

// Panics of the decoder are caught, and are no panics of ours: only one that comes out counts.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| ())), |input: &[u8]| readers::sound_file(input));
