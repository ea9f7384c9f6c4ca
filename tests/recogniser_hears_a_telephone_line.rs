//! The embedded recogniser, with the model derived from Debian's, hears people on a telephone line.
//!
//! Needs Debian's `pocketsphinx-en-us`, which set-up installs. Recordings of people lie beside the repository; the tests
//! that need them are skipped where they are absent.

#![allow(clippy::unwrap_used)] // what cannot be read fails the test

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use antevox::speech::asr::lm::LanguageMaterial;
use antevox::speech::asr::pocketsphinx::{Model, folder};
use antevox::speech::asr::score::WordErrors;
use antevox::speech::asr::{AsrError, Listening, Recogniser, RecogniserModel, Transcript};
use antevox::units::{Ask, Lang};

/// The model folder, made once for all tests.
fn model_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("en-us-8k");
        if folder::check(&path, Lang::En).is_err() {
            folder::make(Path::new(folder::DEBIAN_FOLDER), &path, folder::Line::Narrowband).unwrap();
        }
        path
    })
}

fn model(sentences: &[&str]) -> Model {
    let sentences = sentences.iter().map(|sentence| (*sentence).to_owned()).collect();
    Model::load(model_folder(), &LanguageMaterial { sentences, ..LanguageMaterial::default() }).unwrap()
}

/// Feeds 20 ms at a time.
fn hear(recogniser: &mut dyn Recogniser, ask: Ask, pcm: &[i16]) -> Transcript {
    recogniser.begin(&Listening { ask, ..Listening::default() }).unwrap();
    for piece in pcm.chunks(160) {
        recogniser.feed(piece).unwrap();
    }
    recogniser.finish().unwrap()
}

/// Recordings of people with what they say, or nothing with a note.
fn recordings(set: &str) -> Vec<(String, Vec<i16>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/speech-en").join(set).join("shared");
    let Ok(manifest) = std::fs::read_to_string(folder.join("manifest.tsv")) else {
        println!("skipped: {} is not here", folder.display());
        return Vec::new();
    };
    let rows = manifest.lines().skip(1).filter_map(|line| line.split_once('\t'));
    let read = |(file, rest): (&str, &str)| {
        let samples = hound::WavReader::open(folder.join(file)).unwrap().into_samples::<i16>();
        (rest.split('\t').next().unwrap().to_owned(), samples.map(Result::unwrap).collect())
    };
    rows.step_by(53).take(8).map(read).collect()
}

#[test]
fn people_are_understood_better_when_their_sentences_were_expected() {
    let spoken = recordings("an4");
    let expected: Vec<&str> = spoken.iter().map(|(text, _)| text.as_str()).collect();
    let mut recogniser = model(&expected).recogniser().unwrap();
    let mut errors = WordErrors::default();
    for (said, pcm) in &spoken {
        let heard = hear(recogniser.as_mut(), Ask::Open, pcm);
        let words: Vec<&str> = heard.text.split_whitespace().collect();
        errors += WordErrors::count(&said.split_whitespace().collect::<Vec<_>>(), &words);
        assert_eq!(heard.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), words);
        assert!(heard.words.windows(2).all(|pair| pair[0].to <= pair[1].from + std::time::Duration::from_millis(10)));
        assert!(heard.n_best.first().is_none_or(|best| best.confidence > 0.0));
    }
    println!("{errors:?}");
    assert!(errors.rate().is_none_or(|rate| rate < 0.25), "{errors:?}");
}

#[test]
fn two_recognisers_hear_the_same_at_the_same_time() {
    let spoken = recordings("fsdd");
    let model = model(&["i lost my card"]);
    let texts = |mut recogniser: Box<dyn Recogniser>| -> Vec<String> {
        spoken.iter().map(|(_, pcm)| hear(recogniser.as_mut(), Ask::Digits, pcm).text).collect()
    };
    let (one, two) = std::thread::scope(|scope| {
        let (a, b) = (model.recogniser().unwrap(), model.recogniser().unwrap());
        let (one, two) = (scope.spawn(|| texts(a)), scope.spawn(|| texts(b)));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!(one, two);
}

#[test]
fn neither_silence_nor_endless_noise_does_harm() {
    let mut recogniser = model(&["i lost my card", "where is my money"]).recogniser().unwrap();
    assert_eq!(hear(recogniser.as_mut(), Ask::Open, &[]).text, "");
    assert_eq!(hear(recogniser.as_mut(), Ask::YesNo, &[0; 16_000]).text, "");
    let mut seed = 1u32;
    let noise: Vec<i16> = (0..8_000 * 65)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 20) as i16 - 2_048
        })
        .collect();
    let heard = hear(recogniser.as_mut(), Ask::Digits, &noise);
    let last = heard.words.last().map_or(0, |word| word.to.as_secs());
    assert!(last <= 60, "searched to second {last}");
}

#[test]
fn misuse_is_named_and_does_no_harm() {
    let model = model(&["i lost my card"]);
    let mut recogniser = model.recogniser().unwrap();
    assert_eq!(recogniser.feed(&[0; 160]), Err(AsrError::NotListening));
    assert_eq!(recogniser.finish(), Err(AsrError::NotListening));
    recogniser.begin(&Listening::default()).unwrap();
    recogniser.feed(&[0; 1_600]).unwrap();
    recogniser.begin(&Listening { ask: Ask::Choice, ..Listening::default() }).unwrap();
    recogniser.finish().unwrap();
    assert_eq!(recogniser.finish(), Err(AsrError::NotListening));
}

#[test]
fn a_model_that_is_not_there_or_not_english_is_refused() {
    let material = LanguageMaterial::default();
    let nowhere = Path::new("/nowhere");
    assert_eq!(Model::load(nowhere, &material).unwrap_err(), AsrError::ModelFileMissing(nowhere.join("manifest.txt")));
    let chinese = LanguageMaterial { lang: Lang::Zh, ..material };
    assert_eq!(Model::load(model_folder(), &chinese).unwrap_err(), AsrError::OtherLanguage);
}
