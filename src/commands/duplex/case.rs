//! The cases of a manifest, one JSON object a line.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::audio::file;
use crate::units::Ask;

/// What should happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Expect {
    /// The caller interrupts: the prompt ends.
    Stop,
    /// The caller does not: the prompt goes on to its end.
    Continue,
    /// The turn ends with the last span.
    Respond,
    /// More is to come after each inner pause.
    Wait,
}

/// Our own voice, back from the line.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Echo {
    /// How much softer \[dB\].
    pub(super) db: f32,
    /// How much later \[ms\].
    pub(super) ms: u64,
}

/// Something that sounds around the caller, over and over.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Noise {
    pub(super) wav: PathBuf,
    /// How much softer than in the file \[dB\].
    pub(super) db: f32,
}

/// One situation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) id: String,
    /// What the server says, to be synthesised …
    #[serde(default)]
    pub(super) prompt: Option<String>,
    /// … or recorded. With neither the caller has the floor from the start.
    #[serde(default)]
    pub(super) prompt_wav: Option<PathBuf>,
    pub(super) ask: Ask,
    pub(super) caller_wav: PathBuf,
    /// When the caller's sound begins, counted from the prompt's first sound \[ms\].
    pub(super) starts_at_ms: u64,
    #[serde(default)]
    pub(super) echo: Option<Echo>,
    #[serde(default)]
    pub(super) noise: Option<Noise>,
    pub(super) expect: Expect,
    /// Where the caller speaks, within their file \[ms\].
    #[serde(default)]
    pub(super) speech: Vec<[u64; 2]>,
    /// What the caller says, for the reader.
    #[serde(default)]
    pub(super) text: Option<String>,
}

impl Case {
    /// The kind of case: its name up to the first dash.
    pub(super) fn kind(&self) -> &str {
        self.id.split('-').next().unwrap_or(&self.id)
    }

    /// What sort of situation it is: five or six in all.
    pub(super) fn sort(&self) -> (Expect, bool) {
        (self.expect, if self.expect == Expect::Continue { self.speech.is_empty() } else { self.speech.len() > 1 })
    }

    /// Where the caller speaks, on the clock of the case \[ms\].
    pub(super) fn spans(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.speech.iter().map(|&[from, to]| (from + self.starts_at_ms, to + self.starts_at_ms))
    }

    fn check(&self) -> Result<(), String> {
        let spoken = self.speech.iter().all(|[from, to]| from < to);
        if !spoken || self.speech.windows(2).any(|pair| pair[0][1] > pair[1][0]) {
            return Err("`speech` must be spans [from_ms, to_ms] in order".into());
        }
        if self.speech.is_empty() && self.expect != Expect::Continue {
            return Err("`speech` must say where the caller speaks".into());
        }
        if self.prompt.is_some() && self.prompt_wav.is_some() {
            return Err("give `prompt` or `prompt_wav`, not both".into());
        }
        let speaks = self.prompt.is_some() || self.prompt_wav.is_some();
        if !speaks && matches!(self.expect, Expect::Stop | Expect::Continue) {
            return Err("there is no prompt to stop or to go on with; give `prompt` or `prompt_wav`".into());
        }
        Ok(())
    }
}

/// Reads a manifest; its paths are relative to its folder.
pub(super) fn read(manifest: &Path) -> Result<Vec<Case>, String> {
    let text = fs::read_to_string(manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let mut cases = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let located = |why: String| format!("{}:{}: {why}", manifest.display(), i + 1);
        let mut case: Case = serde_json::from_str(line).map_err(|error| located(error.to_string()))?;
        case.check().map_err(located)?;
        case.caller_wav = folder.join(&case.caller_wav);
        case.prompt_wav = case.prompt_wav.map(|path| folder.join(path));
        if let Some(noise) = &mut case.noise {
            noise.wav = folder.join(&noise.wav);
        }
        cases.push(case);
    }
    if cases.is_empty() { Err(format!("{}: no case in it", manifest.display())) } else { Ok(cases) }
}

/// Reads a sound file as 16 kHz mono.
pub(super) fn sound(path: &Path) -> Result<Vec<i16>, String> {
    let located = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    file::decode(fs::read(path).map_err(|error| located(&error))?).map_err(|error| located(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(line: &str) -> Result<Vec<Case>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.jsonl");
        fs::write(&path, line).unwrap();
        read(&path).map_err(|error| error.replace(&path.display().to_string(), "m"))
    }

    #[test]
    fn a_case_is_read_with_its_paths_beside_the_manifest() {
        let line = r#"{"id":"pause-3","prompt":null,"prompt_wav":null,"ask":"yes_no","caller_wav":"a/b.wav","starts_at_ms":200,
            "echo":{"db":20,"ms":120},"noise":null,"expect":"respond","speech":[[100,500],[900,1300]],"text":"yes it is"}"#;
        let case = read_line(&line.replace('\n', " ")).unwrap().remove(0);
        assert_eq!((case.kind(), case.ask, case.expect), ("pause", Ask::YesNo, Expect::Respond));
        assert!(case.caller_wav.ends_with("a/b.wav") && case.caller_wav.parent() != Some(Path::new("a")));
        assert_eq!(case.spans().collect::<Vec<_>>(), [(300, 700), (1_100, 1_500)]);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let case =
            |rest: &str| format!("\n{{\"id\":\"x\",\"ask\":\"open\",\"caller_wav\":\"a\",\"starts_at_ms\":0,{rest}}}");
        for (rest, wanted) in [
            (r#""expect":"jump""#, "m:2: unknown variant `jump`"),
            (r#""expect":"respond""#, "m:2: `speech` must say where the caller speaks"),
            (r#""expect":"respond","speech":[[9,3]]"#, "m:2: `speech` must be spans"),
            (r#""expect":"stop","speech":[[3,9]]"#, "m:2: there is no prompt"),
            (r#""expect":"wait","speech":[[3,9]],"propmt":"a""#, "m:2: unknown field `propmt`"),
        ] {
            let error = read_line(&case(rest)).unwrap_err();
            assert!(error.starts_with(wanted), "{error}");
        }
        assert_eq!(read_line("\n").unwrap_err(), "m: no case in it");
    }
}
