#![no_main]

#[path = "../../support/readers.rs"]
mod readers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| readers::stun(input));
