//! Example sentences from a table.
//!
//! ```text
//! text<TAB>label[<TAB>main label]  a line ─► parse ─► Corpus, or every mistake with its line
//! ```
//!
//! Without a main label a scene is its own main scene. The label `oos` marks sentences that belong to no scene; an empty label
//! before a main label marks a sentence that tells the main scene only.

use std::collections::HashMap;
use std::path::Path;

use crate::diag::{Diagnostics, Place};
use crate::nlu::intents::OUT_OF_SCOPE;
use crate::nlu::{Corpus, Example, text};
use crate::units::Scene;

/// Reads the table `table`, which stands in `file`.
///
/// # Errors
/// Every line that is not `text<TAB>label[<TAB>main label]`, and every scene that is put under two main scenes.
pub fn parse(file: &Path, table: &str) -> Result<Corpus, Diagnostics> {
    let mut mistakes = Diagnostics::default();
    let mut corpus = Corpus::default();
    let mut main_of: HashMap<String, (String, usize)> = HashMap::new();
    for (line, row) in (1..).zip(table.lines()) {
        if row.trim().is_empty() {
            continue;
        }
        let place = Place { line, column: 1 };
        let row = match Row::parse(row) {
            Ok(row) => row,
            Err((message, help)) => {
                mistakes.error(file, table, place, message, help);
                continue;
            }
        };
        let main = row.main_label.unwrap_or(row.label);
        let known = main_of.entry(row.label.to_owned()).or_insert_with(|| (main.to_owned(), line));
        if !row.is_vague() && known.0 != main {
            let message =
                format!("label `{}` is under `{main}` here and under `{}` in line {}", row.label, known.0, known.1);
            mistakes.error(file, table, place, message, "give it the same main label everywhere");
        }
        let example = Example { text: row.text.into(), scene: row.label.into(), main_scene: main.into() };
        if row.is_vague() { corpus.vague.push(example) } else { corpus.examples.push(example) }
    }
    if mistakes.0.is_empty() && corpus.examples.is_empty() {
        mistakes.error(file, "", Place::default(), "no example in it", "write lines of text<TAB>label");
    }
    if mistakes.has_errors() {
        return Err(mistakes);
    }
    corpus.lang = text::guess_lang(corpus.examples.iter().map(|example| example.text.as_str()));
    Ok(corpus)
}

struct Row<'a> {
    text: &'a str,
    label: &'a str,
    main_label: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn parse(row: &'a str) -> Result<Self, (&'static str, &'static str)> {
        const HELP: &str = "write text<TAB>label, or text<TAB>label<TAB>main label";
        let mut cells = row.split('\t').map(str::trim);
        let text = cells.next().unwrap_or_default();
        let Some(label) = cells.next() else { return Err(("no tab, so no label", HELP)) };
        let main_label = cells.next().filter(|main| !main.is_empty());
        if cells.next().is_some() {
            return Err(("more than three columns", HELP));
        }
        if label.is_empty() && main_label.is_none() {
            return Err(("the label is empty", HELP));
        }
        if text::tokens(text).is_empty() {
            return Err(("the label has no example text", "write a sentence before the tab"));
        }
        Ok(Self { text, label, main_label })
    }

    fn is_vague(&self) -> bool {
        self.label.is_empty()
    }
}

impl Corpus {
    /// Adds the sentences of another corpus: a scene named in both gets the examples of both, under the main scene it has here.
    pub fn extend(&mut self, other: Corpus) {
        let main_of: HashMap<Scene, Scene> =
            self.examples.iter().map(|example| (example.scene.clone(), example.main_scene.clone())).collect();
        self.examples.extend(other.examples.into_iter().map(|mut example| {
            if let Some(main) = main_of.get(&example.scene).filter(|_| example.scene.as_str() != OUT_OF_SCOPE) {
                example.main_scene = main.clone();
            }
            example
        }));
        self.vague.extend(other.vague);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Lang;

    fn file() -> &'static Path {
        Path::new("c.tsv")
    }

    #[test]
    fn lines_become_examples_vague_ones_apart() {
        let corpus = parse(file(), "my card is gone\tlost\tcard\n\nit's my card\t\tcard\nhi there\toos\n").unwrap();
        assert_eq!(corpus.examples.len(), 2);
        assert_eq!(corpus.examples[0].main_scene.as_str(), "card");
        assert_eq!(corpus.vague[0].text, "it's my card");
        assert_eq!(corpus.lang, Lang::En);
        assert_eq!(parse(file(), "我的卡丢了\t挂失\n").unwrap().lang, Lang::Zh);
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let mistakes = parse(file(), "no label\n\tlost\na\tlost\tcard\nb\tlost\tcash\nc\t\n").unwrap_err();
        let lines: Vec<usize> = mistakes.0.iter().map(|mistake| mistake.place.line).collect();
        assert_eq!(lines, [1, 2, 4, 5]);
        assert!(parse(file(), "").unwrap_err().to_string().starts_with("c.tsv: error: no example"));
    }

    #[test]
    fn a_second_corpus_joins_under_the_main_scenes_of_the_first() {
        let mut corpus = parse(file(), "a\tlost\tcard\n").unwrap();
        corpus.extend(parse(file(), "b\tlost\nc\tnew\n").unwrap());
        let mains: Vec<&str> = corpus.examples.iter().map(|example| example.main_scene.as_str()).collect();
        assert_eq!(mains, ["card", "card", "new"]);
    }
}
