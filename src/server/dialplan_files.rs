//! Reads the files of a dialplan's folder; what they mean is [`Plan`]'s business.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diag::{Diagnostics, Place};
use crate::dialog::dialplan::{MAIN_FILE, Plan};
use crate::dialog::policy::Policy;
use crate::speech::tts::markup;

/// Where scene files lie in a dialplan's folder.
const SCENES: &str = "scenes";

/// Reads and checks the dialplan in `folder`.
///
/// # Errors
/// All mistakes found: in the files, or in reading them.
pub fn load(folder: &Path) -> Result<(Plan, Diagnostics), Diagnostics> {
    let mut found = Diagnostics::default();
    let mut files = Vec::new();
    for path in paths(folder, &mut found) {
        match fs::read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => {
                markup_of(&path, &text, &mut found);
                files.push((path, text));
            }
            Ok(Err(undecodable)) => not_utf8(&path, &undecodable, &mut found),
            Err(error) => unreadable(&path, &error, &mut found),
        }
    }
    if !found.has_errors() {
        let (mut plan, found) = Plan::from_files(files)?;
        learned(&mut plan, folder)?;
        return Ok((plan, found));
    }
    // What can be read is checked all the same, so that one run shows everything.
    if files.iter().any(|(path, _)| path.ends_with(MAIN_FILE))
        && let Err(more) = Plan::from_files(files)
    {
        found.0.extend(more.0);
    }
    Err(found)
}

/// Looks at the markup in a file, wherever it stands: what is said is written there as it is spoken.
fn markup_of(path: &Path, text: &str, found: &mut Diagnostics) {
    for (at, _) in text.match_indices(markup::OPENED) {
        let (before, marked) = text.split_at(at);
        if before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('#')) {
            continue;
        }
        let length = marked.find(markup::CLOSED).map_or(marked.len(), |end| end + markup::CLOSED.len());
        if let Err(error) = markup::parse(&marked[..length]) {
            let upto: String = before.chars().chain(marked.chars().take(error.at - 1)).collect();
            let help = "mend it, or take `<speak>` and `</speak>` away: then it is said as it stands";
            found.error(path, text, end_of(&upto), error.mistake.to_string(), help);
        }
    }
}

/// The place behind `text`.
fn end_of(text: &str) -> Place {
    let line = text.lines().count().max(1) + usize::from(text.ends_with('\n'));
    Place { line, column: text.rsplit('\n').next().map_or(1, |rest| rest.chars().count() + 1) }
}

/// Reads the strategy that the plan names.
fn learned(plan: &mut Plan, folder: &Path) -> Result<(), Diagnostics> {
    let Some(file) = &plan.policy_file else { return Ok(()) };
    let path = folder.join(file);
    let mut found = Diagnostics::default();
    match fs::read_to_string(&path) {
        Ok(json) => match Policy::from_json(&json) {
            Ok(policy) => plan.policy = Some(Arc::new(policy)),
            Err(error) => {
                let help = "or take the line `policy:` out of the dialplan";
                found.error(&path, "", Place::default(), error.to_string(), help);
            }
        },
        Err(error) => {
            let help = "train it with `antevox policy train`, or take the line `policy:` out of the dialplan";
            found.error(&path, "", Place::default(), format!("cannot be read: {error}"), help);
        }
    }
    if found.has_errors() { Err(found) } else { Ok(()) }
}

/// The files of the dialplan in `folder`: the main file and the scene files, these by name. What cannot be read is left out.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    paths(folder, &mut Diagnostics::default())
}

/// The main file and the scene files, these by name.
fn paths(folder: &Path, found: &mut Diagnostics) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    match fs::read_dir(folder.join(SCENES)) {
        Ok(entries) => paths.extend(entries.flatten().map(|entry| entry.path())),
        // Without scenes the plan says so; a folder that is not there is told by its main file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => unreadable(&folder.join(SCENES), &error, found),
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"));
    paths.sort();
    paths.insert(0, folder.join(MAIN_FILE));
    paths
}

fn unreadable(path: &Path, error: &io::Error, found: &mut Diagnostics) {
    let help = match error.kind() {
        io::ErrorKind::NotFound => format!("name a folder that holds {MAIN_FILE} and {SCENES}/"),
        _ => "see to it that the file can be read".to_owned(),
    };
    found.error(path, "", Place::default(), format!("cannot be read: {error}"), help);
}

fn not_utf8(path: &Path, undecodable: &std::string::FromUtf8Error, found: &mut Diagnostics) {
    let good = &undecodable.as_bytes()[..undecodable.utf8_error().valid_up_to()];
    let good = String::from_utf8_lossy(good);
    found.error(path, &good, end_of(&good), "this is not UTF-8", "save the file with the encoding UTF-8");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undecodable_bytes_have_a_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MAIN_FILE), b"language: en\nvoice: \xff\n").unwrap();
        let found = load(folder.path()).unwrap_err();
        assert_eq!(found.0[0].place, Place { line: 2, column: 8 }, "{found}");
    }

    #[test]
    fn a_mistake_in_markup_has_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "prompts:\n  open: <speak>a<break time=\"1s\"/></speak>\n  help: <speak>Say\n    <brake/> it.</speak>\n";
        fs::write(folder.path().join(MAIN_FILE), text).unwrap();
        let found = load(folder.path()).unwrap_err();
        assert_eq!(found.0[0].place, Place { line: 4, column: 5 }, "{found}");
        assert_eq!(found.0[0].message, "only speak, break, say-as and prosody are known here");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_in_one_finding() {
        let found = load(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(found.0.len(), 1, "{found}");
        assert!(found.0[0].message.starts_with("cannot be read"), "{found}");
    }
}
