//! `antevox speak` writes what was asked for, and says in one line why it did not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

fn speak(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_antevox")).arg("speak").args(arguments).output().expect("the binary is built")
}

#[test]
fn a_sentence_becomes_a_telephone_wav() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.wav");
    let output =
        speak(&["Yes, the refund of ¥200, please.", "-o", file.to_str().unwrap(), "--hz", "8000", "--ulaw", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let wav = hound::WavReader::open(&file).unwrap();
    assert_eq!((wav.spec().sample_rate, wav.spec().channels, wav.spec().bits_per_sample), (8_000, 1, 16));
    let seconds = f64::from(wav.duration()) / 8_000.0;
    assert!((1.0..5.0).contains(&seconds), "{seconds} s");
    assert!((report["seconds"].as_f64().unwrap() - seconds).abs() < 0.01, "{report}");
}

#[test]
fn mandarin_has_its_voice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.wav");
    let output = speak(&["--lang", "zh", "请稍等。", "-o", file.to_str().unwrap(), "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["voice"], "cmn");
}

#[test]
fn a_mistake_is_one_line_with_its_remedy() {
    for (arguments, wanted) in [
        (
            ["--voice", "bob", "x", "-o", "a.wav"],
            "antevox: there is no voice `bob`; `antevox speak --list` shows them\n",
        ),
        (
            ["--rate", "9", "x", "-o", "a.wav"],
            "antevox: `9` is not a speaking rate; give a percentage from 50 to 200\n",
        ),
        (["--rate", "90", "<speak>x", "-o", "a.wav"], "antevox: markup, character 9: <speak> is not closed\n"),
    ] {
        let output = speak(&arguments);
        assert!(!output.status.success());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), wanted);
    }
}
