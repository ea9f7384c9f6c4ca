//! A reader that has seen enough (`antevox … | head`) is no reason to complain.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Stdio};

fn run_unread(arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let done = Command::new(env!("CARGO_BIN_EXE_antevox"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn commands_end_without_a_word() {
    // One that writes its lines and sees the error, one that prints.
    for arguments in [&["nlu", "extract", "two hundred dollars"][..], &["models", "list"][..]] {
        assert_eq!(run_unread(arguments), (Some(141), String::new()), "{arguments:?}");
    }
}
