//! A dialplan full of mistakes: all of them are named in one run, with place and remedy.
//!
//! To accept a change, run with `ACCEPT=1` and read the difference.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use antevox::dialog::Plan;
use antevox::speech::tts::{ClauseCache, Mouth, Voice};

const FOLDER: &str = "tests/dialplans/broken";

#[test]
fn every_mistake_of_a_dialplan_is_named_at_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["dialplan.yaml", "scenes/account.yaml", "scenes/card.yaml"].map(|name| {
        let path = Path::new(FOLDER).join(name);
        let text = fs::read_to_string(root.join(&path)).unwrap();
        (path, text)
    });
    let found = Plan::from_files(files.to_vec()).unwrap_err().to_string() + "\n";
    let expected = root.join(FOLDER).join("expected.txt");
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(&expected, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&expected).unwrap());
}

#[test]
fn a_folder_without_its_main_file_says_so() {
    let found = Plan::from_files(vec![(PathBuf::from("x/scenes/a.yaml"), String::new())]).unwrap_err();
    assert_eq!(found.0.len(), 1);
    assert_eq!(found.0[0].message, "there is no dialplan.yaml");
}

#[test]
fn the_shipped_dialplans_have_no_mistakes() {
    for name in ["hotline-en", "95188-zh"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans").join(name);
        let (plan, warnings) = antevox::server::dialplan_files::load(&folder).unwrap_or_else(|found| panic!("{found}"));
        assert!(warnings.0.is_empty(), "{warnings}");
        assert!(plan.scenes.len() >= 40, "{name} has only {} scenes", plan.scenes.len());
    }
}

/// A tone of 0.3 s as a WAV file of 22.05 kHz, which is none of our rates.
fn tone(path: &Path, size: f32) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 22_050,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..2 * 6_615 {
        wav.write_sample((size * (f32::from(i as u16) * 0.1).sin()) as i16).unwrap();
    }
    wav.finalize().unwrap();
}

#[test]
fn a_recording_is_heard_among_synthesised_words_and_one_that_cannot_be_is_named() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/hotline-en");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("scenes")).unwrap();
    fs::copy(real.join("scenes/cash.yaml"), folder.path().join("scenes/cash.yaml")).unwrap();
    let written = fs::read_to_string(real.join("dialplan.yaml")).unwrap();
    let at = written.find("\nprompts:\n").unwrap() + "\nprompts:\n".len();
    let line = written[..at].lines().count() + 1;
    let sounds = ["good", "silent", "cut", "text", "none"];
    let element = |name: &str| format!("    - <audio src=\"{name}.wav\">This is {name}.</audio> {{daytime}}.\n");
    let greetings: String = sounds.iter().map(|name| element(name)).collect();
    // The greeting of the real dialplan, which comes first, gives way.
    let behind = at + written[at..].find("  greeting_named:").unwrap();
    let changed = format!("{}  greeting:\n{greetings}{}", &written[..at], &written[behind..]);
    fs::write(folder.path().join("dialplan.yaml"), changed).unwrap();
    tone(&folder.path().join("good.wav"), 3_000.0);
    tone(&folder.path().join("silent.wav"), 0.0);
    tone(&folder.path().join("cut.wav"), 3_000.0);
    let whole = fs::read(folder.path().join("cut.wav")).unwrap();
    fs::write(folder.path().join("cut.wav"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.path().join("text.wav"), "<html>").unwrap();

    let (plan, _) = antevox::server::dialplan_files::load(folder.path()).unwrap_or_else(|found| panic!("{found}"));
    let (recordings, found) = antevox::server::sounds::load(&plan, folder.path());
    assert_eq!(recordings.len(), 1);
    let told: Vec<_> = found.0.iter().map(|one| (one.place.line, one.place.column, one.message.as_str())).collect();
    assert_eq!(told.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [2, 3, 4, 5].map(|n| line + n), "{told:?}");
    for ((_, column, message), reason) in
        told.iter().zip(["but silence", "cut off at", "none of WAV", "cannot be read"])
    {
        assert!(*column == 7 && message.contains(reason), "{message}");
    }
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_antevox")).arg("check").arg(folder.path()).output();
    let checked = checked.unwrap();
    let printed = String::from_utf8_lossy(&checked.stdout);
    assert!(!checked.status.success());
    assert!(printed.contains(&format!("dialplan.yaml:{}:7: error: the recording silent.wav", line + 2)), "{printed}");

    // What is said has the words, and the sound in their place.
    let text = plan.prompts.of(antevox::dialog::dialplan::PromptKind::Greeting).variants[0].fixed();
    assert!(text.starts_with("This is good."), "{text}");
    let said = |recordings| {
        let mut mouth = Mouth::new(Arc::new(ClauseCache::new(0)));
        mouth.use_recordings(recordings);
        let mut pcm = Vec::new();
        let sink = &mut |piece: antevox::speech::tts::Piece| {
            pcm.extend_from_slice(&piece);
            std::ops::ControlFlow::Continue(())
        };
        mouth.speak(&Voice::default(), "This is good. And this is not.", sink).unwrap();
        pcm
    };
    let (mixed, spoken) = (said(Arc::new(recordings)), said(Arc::default()));
    let is_tone = |pcm: &[i16]| pcm[1_000..4_000].windows(3).filter(|w| w[0] < w[1] && w[1] > w[2]).count();
    // At 22.05 kHz in two channels the tone has 702 Hz: 130 tops in 3,000 samples of 16 kHz.
    assert!(is_tone(&mixed).abs_diff(131) <= 4, "{}", is_tone(&mixed));
    assert!(spoken.len() > mixed.len() + 1_600 && mixed.len() > 16_000, "{} and {}", spoken.len(), mixed.len());
}
