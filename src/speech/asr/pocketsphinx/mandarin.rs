//! The Mandarin model folder, made out of what CMU published with PocketSphinx 0.5 to 0.7 (2008–2011).
//!
//! ```text
//! model/hmm/zh/tdt_sc_8k, model/lm/zh_CN/mandarin_notone.dic ─► make ─► models/zh-cn-8k
//! ```
//!
//! The acoustic model knows telephone speech at 8 kHz and no tones. Its language model is in a form that the library no longer
//! reads, so there is no general one: callers are heard as far as the dialplan's sentences go.

use std::fs;
use std::path::Path;

use super::folder::{ADAPTED, DICTIONARY, MakeError, PARAMETERS, UNCHANGED, write_all};
use super::narrowband::{CEPSTRA, DeriveError};

/// Where the acoustic model lies in CMU's `model` folder, …
const ACOUSTIC: &str = "hmm/zh/tdt_sc_8k";
/// … and the dictionary.
const PRONUNCIATIONS: &str = "lm/zh_CN/mandarin_notone.dic";
/// What the model's own parameters leave to the library's defaults of its time, and what is ours: the channel's mean.
const FRONT_END: &str = "-samprate 8000\n-nfft 256\n-cmn none\n";

/// Makes the model folder `to` from CMU's `model` folder.
///
/// # Errors
/// [`MakeError::Source`], [`MakeError::Target`]; [`MakeError::OtherModel`] where the parameters lack the channel's mean.
pub fn make(from: &Path, to: &Path) -> Result<(), MakeError> {
    let acoustic = from.join(ACOUSTIC);
    let read = |path: std::path::PathBuf| fs::read(&path).map_err(|error| MakeError::Source(path, error));
    let parameters = String::from_utf8_lossy(&read(acoustic.join(PARAMETERS))?).into_owned();
    let parameters = parameters_of(&parameters).ok_or(DeriveError::OtherFrontEnd("-cmninit"));
    let parameters = parameters.map_err(|error| MakeError::OtherModel(acoustic.clone(), error))?;
    let mut files = vec![(PARAMETERS, parameters.into_bytes()), (DICTIONARY, read(from.join(PRONUNCIATIONS))?)];
    for name in ADAPTED.into_iter().chain(UNCHANGED) {
        files.push((name, read(acoustic.join(name))?));
    }
    write_all(to, &files)
}

/// The parameters with our front end, and the channel's mean in full: the model tells its first values.
fn parameters_of(published: &str) -> Option<String> {
    let words: Vec<&str> = published.split_whitespace().collect();
    let mut text = FRONT_END.to_owned();
    let mut mean = None;
    for pair in words.chunks(2) {
        match *pair {
            ["-cmninit", list] => mean = Some(list),
            ["-cmn" | "-samprate" | "-nfft", _] => {}
            [key, value] => text += &format!("{key} {value}\n"),
            _ => return None,
        }
    }
    let told = mean?.split(',').map(|value| value.trim().parse().ok()).collect::<Option<Vec<f32>>>()?;
    let mean: Vec<String> =
        told.into_iter().chain([0.0; CEPSTRA]).take(CEPSTRA).map(|value| value.to_string()).collect();
    Some(format!("{text}-cmninit {}\n", mean.join(",")))
}

#[cfg(test)]
mod tests {
    use super::super::narrowband::parse_mean;
    use super::*;

    #[test]
    fn the_front_end_is_ours_and_the_mean_is_told_in_full() {
        let text = parameters_of("-nfilt 20\n-cmn current\n-cmninit 54,-1,2\n-varnorm no\n").unwrap();
        let value = |key: &str| text.split_whitespace().skip_while(|word| *word != key).nth(1);
        assert_eq!((value("-cmn"), value("-nfilt"), value("-samprate")), (Some("none"), Some("20"), Some("8000")));
        assert_eq!(
            value("-cmninit").and_then(parse_mean).map(|mean| mean[..4].to_vec()),
            Some(vec![54.0, -1.0, 2.0, 0.0])
        );
        assert_eq!(parameters_of("-nfilt 20\n"), None);
    }

    #[test]
    fn a_folder_without_the_model_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = make(folder.path(), &folder.path().join("to")).unwrap_err().to_string();
        assert!(error.contains("tdt_sc_8k"), "{error}");
    }
}
