//! `antevox call` as a user runs it, against a server with a voice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::parrot;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

fn voice(folder: &Path) -> PathBuf {
    let path = folder.join("hello.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(&path, spec).unwrap();
    for i in 0..16_000 {
        let tone = (f64::from(i) * 0.15).sin() * 8_000.0;
        wav.write_sample(if (3_200..12_800).contains(&i) { tone as i16 } else { 0 }).unwrap();
    }
    wav.finalize().unwrap();
    path
}

async fn call(arguments: &[&str]) -> (bool, Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_antevox")).arg("call").args(arguments).output().await.unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.success(), report, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn a_scripted_call_reports_what_the_caller_noticed() {
    let cancel = CancellationToken::new();
    let (edge, udp) = parrot::start(cancel.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let (hello, both) = (voice(folder.path()), folder.path().join("both.wav"));
    let (say, barge) = (format!("say:{}", hello.display()), format!("barge:0.3:{}", hello.display()));
    let uri = format!("sip:95188@{udp}");
    let steps =
        [barge.as_str(), "listen:0.3", "dtmf:12#", &say, "listen:0.3", "hold", "wait:0.3", "resume", "wait:0.2"];
    let mut arguments = vec![uri.as_str(), "--json", "--out", both.to_str().unwrap()];
    arguments.extend(steps);
    let (succeeded, report, errors) = call(&arguments).await;
    assert!(succeeded, "{errors} {report}");
    assert_eq!((&report["answered"], &report["error"]), (&Value::Bool(true), &Value::Null));
    let speech = report["speech"].as_array().unwrap();
    // How long things took depends on the machine; the figures themselves are tested in virtual time.
    assert_eq!((&speech[0]["kind"], &speech[1]["kind"]), (&json!("barge"), &json!("say")));
    assert!(report["server_audio"].as_array().unwrap().len() >= 2, "a greeting and an answer: {report}");
    assert!(report["rtp"]["received"].as_u64().unwrap() > 50 && report["setup_ms"].is_number());
    assert_eq!(hound::WavReader::open(&both).unwrap().spec().channels, 2);
    for _ in 0..200 {
        if edge.legs() == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(edge.legs(), 0);
}

#[tokio::test]
async fn a_scripted_call_goes_over_tcp_with_spoken_text() {
    let (edge, _) = parrot::start(CancellationToken::new()).await;
    let uri = format!("sip:95188@{};transport=tcp", edge.bound()[1].1);
    let (succeeded, report, errors) = call(&[&uri, "--json", "listen:0.3", "text:yes please", "listen:0.3"]).await;
    assert!(succeeded, "{errors} {report}");
    assert_eq!(report["speech"][0]["file"], "yes please");
}

#[tokio::test]
async fn mistakes_are_explained_in_one_line() {
    for (arguments, part) in [
        (vec!["sip:x@127.0.0.1", "sing:a"], "unknown step"),
        (vec!["sip:x@127.0.0.1", "say:none.wav"], "none.wav"),
        (vec!["nonsense", "listen"], "not a SIP URI"),
        (vec!["sip:x@127.0.0.1:9;transport=tls", "listen"], "--tls-roots"),
    ] {
        let (succeeded, _, errors) = call(&arguments).await;
        assert!(!succeeded && errors.contains(part) && errors.lines().count() == 1, "{arguments:?}: {errors}");
    }
}
