//! What is wrong in a file that a person wrote, where, and how to mend it.
//!
//! Whoever reads such a file collects every mistake before giving up, so that one run shows them all:
//!
//! ```text
//! dialplans/hotline-en/scenes/card.yaml:12:5: error: scene `card_arival` is named twice
//!    12 |   - scene: card_arival
//!       |     ^
//!   help: give one of the two another name
//! ```

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a text file. Lines and columns count from 1; 0 means the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Whether the file can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but probably not as meant.
    Warning,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The file, as the user named it.
    pub file: PathBuf,
    /// Where in the file.
    pub place: Place,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it, imperative, without a full stop.
    pub help: String,
    /// The line at fault, for the caret; empty when there is none to show.
    pub excerpt: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}", self.file.display())?;
        if self.place.line > 0 {
            write!(f, ":{}:{}", self.place.line, self.place.column)?;
        }
        write!(f, ": {severity}: {}", self.message)?;
        if !self.excerpt.is_empty() {
            let indent = " ".repeat(self.place.column.saturating_sub(1));
            write!(f, "\n{:>5} | {}\n      | {indent}^", self.place.line, self.excerpt)?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// All mistakes found in a set of files, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds an error at `place` in `file`; `text` is the whole file, of which the line at fault is shown.
    pub fn error(
        &mut self,
        file: &Path,
        text: &str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Error, file, text, place, message.into(), help.into());
    }

    /// Adds a warning, as [`error`](Self::error) does an error.
    pub fn warning(
        &mut self,
        file: &Path,
        text: &str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Warning, file, text, place, message.into(), help.into());
    }

    fn push(&mut self, severity: Severity, file: &Path, text: &str, place: Place, message: String, help: String) {
        let excerpt = match place.line {
            0 => String::new(),
            line => text.lines().nth(line - 1).unwrap_or_default().to_owned(),
        };
        self.0.push(Diagnostic { severity, file: file.to_owned(), place, message, help, excerpt });
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_shows_its_line_a_caret_and_the_remedy() {
        let mut found = Diagnostics::default();
        found.error(Path::new("a.yaml"), "x: 1\n  y: 2", Place { line: 2, column: 3 }, "unknown key `y`", "remove it");
        assert_eq!(
            found.to_string(),
            "a.yaml:2:3: error: unknown key `y`\n    2 |   y: 2\n      |   ^\n  help: remove it"
        );
        assert!(found.has_errors());
    }
}
