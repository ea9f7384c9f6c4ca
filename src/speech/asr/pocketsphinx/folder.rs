//! The model folder: what is in it, how it is made out of Debian's `pocketsphinx-en-us`, how damage shows.
//!
//! ```text
//! /usr/share/pocketsphinx/model/en-us ─► make ─► models/en-us-8k: acoustic model, dictionary, general language model, manifest
//!                 models/telephone-en.bin ──┘       en-us-16k: the same for lines that carry as much (models/wideband-en.bin)
//! ```
//!
//! The library maps files into memory and trusts their contents, so a folder is checked against its manifest (size and
//! checksum of every file) before the library sees it.

use std::fs;
use std::path::{Path, PathBuf};

use super::adaptation::{self, Adaptation, AdaptationError};
use super::decoder::GeneralModel;
use super::narrowband::{self, DeriveError};
use super::order;
use super::s3::{Gaussians, S3Error};
use crate::speech::asr::AsrError;
use crate::speech::asr::lm::ngram::{NGrams, START};
use crate::units::Lang;

/// Where Debian's package puts the model.
pub const DEBIAN_FOLDER: &str = "/usr/share/pocketsphinx/model/en-us";
/// Lists the files of a model folder: `size checksum name` a line.
const MANIFEST: &str = "manifest.txt";
/// Pronunciations: `word phone phone …` a line.
pub(super) const DICTIONARY: &str = "dictionary.txt";
/// The general model, all of it, in the library's own form.
pub(super) const GENERAL_FULL: &str = "general.lm.bin";
/// Words and word pairs of the general model, as text, to mix a hotline's model with.
pub(super) const GENERAL_PAIRS: &str = "general.arpa";
/// Front end and prior mean.
pub(super) const PARAMETERS: &str = "feat.params";
/// Mixture weights of the acoustic model.
const WEIGHTS: &str = "sendump";
/// Files of the acoustic model that stay as they are.
pub(super) const UNCHANGED: [&str; 3] = [STATES, "transition_matrices", "noisedict"];
/// Says which state belongs to which phone.
const STATES: &str = "mdef";
/// Files of the acoustic model that adaptation makes others of.
pub(super) const ADAPTED: [&str; 3] = ["means", "variances", WEIGHTS];
/// What callers' speech made of [`ADAPTED`], in the same order. It hears what a hotline expects better, and general speech
/// worse (`models/README.md`), so both are kept.
pub(super) const TELEPHONE: [&str; 3] = ["telephone.means", "telephone.variances", "telephone.sendump"];
/// Tells which weights the acoustic model was adapted with, and the order of its Gaussians, so that a folder of an older
/// program is known as one.
const ADAPTATION: &str = "adaptation.txt";
/// So many of the likeliest words are looked at in pairs.
const PAIRED_WORDS: usize = 4_000;
/// Word pairs stay in [`GENERAL_PAIRS`] when they raise the expected log probability by so much.
const PAIR_GAIN: f64 = 1e-6;

/// What lines carry; for each there is an English model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// 8 kHz: G.711, and all that comes through a telephone network.
    Narrowband,
    /// 16 kHz: G.722 and Opus.
    Wideband,
}

/// Why a model folder could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The source lacks a file.
    #[error(
        "`{0}` cannot be read ({1}); English: install Debian's `pocketsphinx-en-us`; Mandarin: `--from` names the folder `model` \
         of PocketSphinx 0.7"
    )]
    Source(PathBuf, #[source] std::io::Error),
    /// A file cannot be written.
    #[error("`{0}` cannot be written ({1})")]
    Target(PathBuf, #[source] std::io::Error),
    /// A parameter file is damaged.
    #[error("`{0}` is no acoustic model: {1}")]
    Parameters(PathBuf, #[source] S3Error),
    /// It is another model.
    #[error("no model for callers can be made of `{0}`: {1}")]
    OtherModel(PathBuf, #[source] DeriveError),
    /// What callers' speech taught does not fit it.
    #[error("`{0}` cannot be adapted to callers: {1}")]
    Adaptation(PathBuf, #[source] AdaptationError),
    /// The library gave up.
    #[error(transparent)]
    Engine(#[from] AsrError),
}

/// Makes the English model folder `to` for this line from a folder like [`DEBIAN_FOLDER`].
///
/// # Errors
/// Every [`MakeError`]; a folder that was begun lacks its manifest and is refused by [`check`].
pub fn make(from: &Path, to: &Path, line: Line) -> Result<(), MakeError> {
    let taught = Adaptation::english(line).map_err(|error| MakeError::Adaptation(from.to_owned(), error))?;
    write_model(from, to, line, Some(&taught))
}

/// The same without what callers' speech taught: what `benches/train_telephone` begins with. [`check`] refuses it.
///
/// # Errors
/// Every [`MakeError`].
pub fn make_unadapted(from: &Path, to: &Path, line: Line) -> Result<(), MakeError> {
    write_model(from, to, line, None)
}

fn write_model(from: &Path, to: &Path, line: Line, adaptation: Option<&Adaptation>) -> Result<(), MakeError> {
    let acoustic = from.join("en-us");
    let read = |path: PathBuf| fs::read(&path).map_err(|error| MakeError::Source(path, error));
    let gaussians = |name: &str| {
        let path = acoustic.join(name);
        Gaussians::read(&read(path.clone())?).map_err(|error| MakeError::Parameters(path, error))
    };
    let other = |error| MakeError::OtherModel(acoustic.clone(), error);
    let (means, variances, weights) = (gaussians("means")?, gaussians("variances")?, read(acoustic.join(WEIGHTS))?);
    let mut model = Densities { means, variances, weights };
    let parameters = String::from_utf8_lossy(&read(acoustic.join(PARAMETERS))?).into_owned();
    let parameters = match line {
        Line::Narrowband => {
            narrowband::derive(&mut model.means, &mut model.variances).map_err(other)?;
            narrowband::derive_params(&parameters)
        }
        Line::Wideband => narrowband::wide_params(&parameters),
    };
    let parameters = parameters.map_err(other)?;

    let mut files = vec![
        (ADAPTATION, adaptation.map_or(String::from("none\n"), |_| identity(line)).into_bytes()),
        (PARAMETERS, parameters.into_bytes()),
        (DICTIONARY, read(from.join("cmudict-en-us.dict"))?),
        (GENERAL_FULL, read(from.join("en-us.lm.bin"))?),
    ];
    match adaptation {
        None => files.extend(model.files(ADAPTED)),
        Some(adaptation) => {
            let mut moved = model.clone();
            let adapted = adaptation.apply(&mut moved.means, &mut moved.variances, &mut moved.weights);
            adapted.map_err(|error| MakeError::Adaptation(acoustic.clone(), error))?;
            let mdef = read(acoustic.join(STATES))?;
            for (mut model, names) in [(model, ADAPTED), (moved, TELEPHONE)] {
                let ordered = order::along_a_tour(&mut model.means, &mut model.variances, &mut model.weights, &mdef);
                ordered.ok_or(other(DeriveError::OtherStates))?;
                files.extend(model.files(names));
            }
        }
    }
    for name in UNCHANGED {
        files.push((name, read(acoustic.join(name))?));
    }
    files.push((GENERAL_PAIRS, pairs(&from.join("en-us.lm.bin"))?));
    write_all(to, &files)
}

/// The parts of an acoustic model that adaptation and the order of Gaussians change.
#[derive(Clone)]
struct Densities {
    means: Gaussians,
    variances: Gaussians,
    /// Mixture weights, as the file that holds them.
    weights: Vec<u8>,
}

impl Densities {
    fn files(self, names: [&'static str; 3]) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        names.into_iter().zip([self.means.write(), self.variances.write(), self.weights])
    }
}

/// What [`ADAPTATION`] says in a folder that this program made.
fn identity(line: Line) -> String {
    let name = match line {
        Line::Narrowband => "telephone-en",
        Line::Wideband => "wideband-en",
    };
    format!("{name} {:016x}, along a tour\n", adaptation::identity(line))
}

/// All words and the telling pairs of the usual ones, as ARPA text: the library's own writer does not survive this model.
fn pairs(file: &Path) -> Result<Vec<u8>, AsrError> {
    let mut model = GeneralModel::open(file)?;
    let words = model.words();
    let mut ranked: Vec<(f64, usize)> = (0..words.len()).map(|word| (model.unigram(word), word)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut grams: Vec<(Vec<&str>, f64)> = ranked.iter().map(|&(p, word)| (vec![words[word].as_str()], p)).collect();
    let start = words.iter().position(|word| word == START);
    let usual: Vec<usize> = ranked.iter().take(PAIRED_WORDS).map(|&(_, word)| word).collect();
    for &before in usual.iter().chain(&start) {
        for &word in &usual {
            if let Some(p) = model.bigram(before, word) {
                grams.push((vec![&words[before], &words[word]], p));
            }
        }
    }
    let model = NGrams::from_probabilities(grams);
    Ok(model.restrict(usize::MAX, PAIR_GAIN, |_| true).to_arpa().into_bytes())
}

/// Writes the files, and the manifest last. A file that is there already stays whole for whoever has it mapped into memory.
pub(super) fn write_all(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), MakeError> {
    let write = |name: &str, bytes: &[u8]| {
        let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
        fs::write(&new, bytes).and_then(|()| fs::rename(&new, &path)).map_err(|error| MakeError::Target(path, error))
    };
    fs::create_dir_all(folder).map_err(|error| MakeError::Target(folder.to_owned(), error))?;
    let mut manifest = String::new();
    for (name, bytes) in files {
        write(name, bytes)?;
        manifest += &format!("{} {:016x} {name}\n", bytes.len(), checksum(bytes));
    }
    write(MANIFEST, manifest.as_bytes())
}

/// Checks every file of a model folder against the manifest.
///
/// # Errors
/// [`AsrError::ModelFileMissing`], [`AsrError::ModelFileDamaged`]; [`AsrError::OtherLanguage`] where it is not for `lang`;
/// [`AsrError::ModelOutdated`] where an older program made it.
pub fn check(folder: &Path, lang: Lang) -> Result<(), AsrError> {
    let missing = |name: &str| AsrError::ModelFileMissing(folder.join(name));
    let damaged = |name: &str| AsrError::ModelFileDamaged(folder.join(name));
    let manifest = fs::read_to_string(folder.join(MANIFEST)).map_err(|_| missing(MANIFEST))?;
    let mut listed = Vec::new();
    for line in manifest.lines() {
        let [size, sum, name] = line.split_whitespace().collect::<Vec<_>>()[..] else { return Err(damaged(MANIFEST)) };
        let bytes = fs::read(folder.join(name)).map_err(|_| missing(name))?;
        if size.parse() != Ok(bytes.len()) || u64::from_str_radix(sum, 16) != Ok(checksum(&bytes)) {
            return Err(damaged(name));
        }
        listed.push(name);
    }
    // Only the English model comes with a general language model.
    if (lang == Lang::En) != listed.contains(&GENERAL_FULL) && listed.contains(&DICTIONARY) {
        return Err(AsrError::OtherLanguage);
    }
    let general: &[&str] = if lang == Lang::En { &[GENERAL_FULL, GENERAL_PAIRS] } else { &[] };
    let needed = ADAPTED.into_iter().chain([PARAMETERS, DICTIONARY]).chain(UNCHANGED);
    for name in needed.chain(general.iter().copied()) {
        if !listed.contains(&name) {
            return Err(missing(name));
        }
    }
    let is_ours = || {
        let ours = [Line::Narrowband, Line::Wideband].map(identity);
        fs::read_to_string(folder.join(ADAPTATION)).is_ok_and(|told| ours.contains(&told))
    };
    if lang == Lang::En && (!is_ours() || TELEPHONE.iter().any(|name| !listed.contains(name))) {
        return Err(AsrError::ModelOutdated(folder.to_owned()));
    }
    Ok(())
}

/// FNV-1a over words of 8 bytes: finds damage, not forgery.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(0xcbf2_9ce4_8422_2325, |sum, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_named_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(check(path, Lang::En), Err(AsrError::ModelFileMissing(path.join(MANIFEST))));
        write_all(path, &[("means", b"one two three".to_vec())]).unwrap();
        assert_eq!(check(path, Lang::En), Err(AsrError::ModelFileMissing(path.join("variances"))));
        fs::write(path.join("means"), b"one two").unwrap();
        assert_eq!(check(path, Lang::En), Err(AsrError::ModelFileDamaged(path.join("means"))));
        fs::remove_file(path.join("means")).unwrap();
        assert_eq!(check(path, Lang::En), Err(AsrError::ModelFileMissing(path.join("means"))));
    }

    #[test]
    fn a_folder_of_an_older_program_is_known_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let needed = [PARAMETERS, DICTIONARY, GENERAL_FULL, GENERAL_PAIRS].into_iter();
        let needed = needed.chain(ADAPTED).chain(TELEPHONE).chain(UNCHANGED);
        let mut files: Vec<(&str, Vec<u8>)> = needed.map(|name| (name, b"1".to_vec())).collect();
        write_all(folder.path(), &files).unwrap();
        assert_eq!(check(folder.path(), Lang::En), Err(AsrError::ModelOutdated(folder.path().to_owned())));
        files.push((ADAPTATION, b"telephone-en 0123456789abcdef\n".to_vec()));
        write_all(folder.path(), &files).unwrap();
        assert_eq!(check(folder.path(), Lang::En), Err(AsrError::ModelOutdated(folder.path().to_owned())));
        for line in [Line::Narrowband, Line::Wideband] {
            *files.last_mut().unwrap() = (ADAPTATION, identity(line).into_bytes());
            write_all(folder.path(), &files).unwrap();
            assert_eq!(check(folder.path(), Lang::En), Ok(()));
        }
    }

    #[test]
    fn a_source_without_a_model_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(make(folder.path(), folder.path(), Line::Wideband), Err(MakeError::Source(..))));
    }
}
