//! YAML as written: a tree in which every key and value knows its place, and a reader that reports instead of giving up.
//!
//! ```text
//! text ─► parse ─► Node ─► Table ─► take("name") …  ─► finish: whatever was not taken is an unknown key
//!                            └────► Findings: every mistake with its place and remedy
//! ```
//!
//! Deserialising straight into structs would stop at the first mistake of a file; an operator wants to see them all.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::diag::{Diagnostics, Place};

/// A value as it stands in the file.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Nothing after the colon.
    Nothing,
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Truth,
    /// `- a` lines.
    List(Vec<Spanned<Node>>),
    /// `key: value` lines, in their order.
    Table(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl Node {
    fn what(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Truth => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number, a list or a table")
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Nothing)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
                Ok(Node::Truth)
            }

            fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
                Ok(Node::Number(number as f64))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
                Ok(Node::Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
                Ok(Node::Number(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Node, E> {
                Ok(Node::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
                let mut table = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    table.push(entry);
                }
                Ok(Node::Table(table))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Where something stands.
pub(super) fn place(location: Location) -> Place {
    Place { line: location.line() as usize, column: location.column() as usize }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// The mistakes of one file.
pub(super) struct Findings<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    pub(super) found: &'a mut Diagnostics,
}

impl Findings<'_> {
    /// Adds an error at `place`.
    pub(super) fn error(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.found.error(self.file, self.text, place, message, help);
    }

    /// Adds a warning at `place`.
    pub(super) fn warning(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.found.warning(self.file, self.text, place, message, help);
    }

    fn mismatch(&mut self, place: Place, key: &str, wanted: &str, node: &Node) {
        let help = match node {
            Node::Truth | Node::Number(_) if wanted == "a text" => "put it in quotes".to_owned(),
            _ => format!("write {wanted}"),
        };
        self.error(place, format!("`{key}` is {}, not {wanted}", node.what()), help);
    }
}

/// Reads a whole file; a file that is not YAML, or no table, is one finding. Texts that are given in several languages become
/// those of `spoken`; without it the file says itself which one it speaks.
pub(super) fn parse(spoken: Option<&str>, findings: &mut Findings<'_>) -> Option<Table> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let mut read = serde_saphyr::from_str_with_options::<Spanned<Node>>(findings.text, options);
    if let Ok(root) = &mut read
        && let Some(spoken) = spoken.map(str::to_owned).or_else(|| language(&root.value))
    {
        localise(&mut root.value, &spoken, findings);
    }
    match read {
        Ok(root) => match root.value {
            Node::Table(entries) => Some(Table { entries, place: place(root.referenced) }),
            node => {
                let help = "write `key: value` lines, as in dialplans/README.md";
                findings.error(Place::default(), format!("the file holds {}, not a table", node.what()), help);
                None
            }
        },
        Err(error) => {
            let at = error.location().map_or_else(Place::default, place);
            let whole = error.to_string();
            let message = whole.lines().next().unwrap_or_default();
            let message = message.split(" at line ").next().unwrap_or(message);
            let help = "mind the indentation, and put text that holds `: `, `{` or `#` in quotes";
            findings.error(at, format!("not readable as YAML: {message}"), help);
            None
        }
    }
}

/// Languages that texts may be given in.
const LANGUAGES: [&str; 2] = ["en", "zh"];

/// Takes the text of `language` wherever texts are given by language, as in `{en: Goodbye., zh: 再见。}`.
fn localise(node: &mut Node, language: &str, findings: &mut Findings<'_>) {
    match node {
        Node::List(items) => items.iter_mut().for_each(|item| localise(&mut item.value, language, findings)),
        Node::Table(entries) if is_by_language(entries) => {
            match entries.iter().position(|(key, _)| key.value == language) {
                Some(at) => *node = entries.swap_remove(at).1.value,
                None => {
                    let at = place(entries[0].0.referenced);
                    let help = format!("write it under `{language}:` as well, the language of this dialplan");
                    findings.error(at, format!("there is no text in `{language}`"), help);
                    *node = Node::Nothing;
                }
            }
        }
        Node::Table(entries) => {
            entries.iter_mut().for_each(|(_, entry)| localise(&mut entry.value, language, findings));
        }
        Node::Nothing | Node::Text(_) | Node::Number(_) | Node::Truth => {}
    }
}

fn is_by_language(entries: &[(Spanned<String>, Spanned<Node>)]) -> bool {
    !entries.is_empty() && entries.iter().all(|(key, _)| LANGUAGES.contains(&key.value.as_str()))
}

/// The language that the main file names, if it names one.
fn language(root: &Node) -> Option<String> {
    let Node::Table(entries) = root else { return None };
    let (_, node) = entries.iter().find(|(key, _)| key.value == "language")?;
    match &node.value {
        Node::Text(language) => Some(language.trim().to_owned()),
        _ => None,
    }
}

/// One table that is being read; every key is taken once.
pub(super) struct Table {
    entries: Vec<(Spanned<String>, Spanned<Node>)>,
    pub(super) place: Place,
}

impl Table {
    /// Takes `key` out, whatever it is.
    pub(super) fn take(&mut self, key: &str) -> Option<At<Node>> {
        let at = self.entries.iter().position(|(name, _)| name.value == key)?;
        let (_, node) = self.entries.remove(at);
        Some(At { place: place(node.referenced), value: node.value })
    }

    /// The text under `key`, if it is there.
    pub(super) fn text(&mut self, key: &str, findings: &mut Findings<'_>) -> Option<At<String>> {
        let node = self.take(key)?;
        match node.value {
            Node::Text(text) => Some(At { value: text.trim().to_owned(), place: node.place }),
            other => {
                findings.mismatch(node.place, key, "a text", &other);
                None
            }
        }
    }

    /// The text under `key`; a finding if it is missing or empty.
    pub(super) fn needed_text(&mut self, key: &str, help: &str, findings: &mut Findings<'_>) -> Option<At<String>> {
        if !self.has(key) {
            findings.error(self.place, format!("`{key}` is missing"), help);
            return None;
        }
        let text = self.text(key, findings)?;
        if text.value.is_empty() {
            findings.error(text.place, format!("`{key}` is empty"), help);
            return None;
        }
        Some(text)
    }

    /// The number under `key`, if it is there.
    pub(super) fn number(&mut self, key: &str, findings: &mut Findings<'_>) -> Option<At<f64>> {
        let node = self.take(key)?;
        match node.value {
            Node::Number(number) => Some(At { value: number, place: node.place }),
            other => {
                findings.mismatch(node.place, key, "a number", &other);
                None
            }
        }
    }

    /// The texts under `key`; empty where it is missing.
    pub(super) fn texts(&mut self, key: &str, findings: &mut Findings<'_>) -> Vec<At<String>> {
        self.take(key).map_or_else(Vec::new, |node| texts(node, key, findings))
    }

    /// The tables listed under `key`; empty where it is missing.
    pub(super) fn tables(&mut self, key: &str, findings: &mut Findings<'_>) -> Vec<Self> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Node::List(items) = node.value else {
            findings.mismatch(node.place, key, "a list", &node.value);
            return Vec::new();
        };
        let items = items.into_iter().map(|item| At { place: place(item.referenced), value: item.value });
        items.filter_map(|item| Self::from_node(item, key, findings)).collect()
    }

    /// The table under `key`, if it is there.
    pub(super) fn table(&mut self, key: &str, findings: &mut Findings<'_>) -> Option<Self> {
        let node = self.take(key)?;
        Self::from_node(node, key, findings)
    }

    /// `node`, which stands under `key`, as a table.
    pub(super) fn from_node(node: At<Node>, key: &str, findings: &mut Findings<'_>) -> Option<Self> {
        match node.value {
            Node::Table(entries) => Some(Self { entries, place: node.place }),
            other => {
                findings.mismatch(node.place, key, "a table", &other);
                None
            }
        }
    }

    /// All entries that are left, with the places of their keys.
    pub(super) fn entries(self) -> impl Iterator<Item = (At<String>, At<Node>)> {
        self.entries.into_iter().map(|(key, node)| {
            let key = At { place: place(key.referenced), value: key.value };
            (key, At { place: place(node.referenced), value: node.value })
        })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name.value == key)
    }

    /// Reports what was not taken; `known` are the keys that this table may have.
    pub(super) fn finish(self, known: &[&str], findings: &mut Findings<'_>) {
        for (key, _) in self.entries() {
            unknown("key", &key, known.iter().copied(), findings);
        }
    }
}

/// `node` as a list of texts, or as one text.
pub(super) fn texts(node: At<Node>, key: &str, findings: &mut Findings<'_>) -> Vec<At<String>> {
    let items = match node.value {
        Node::Text(text) => return vec![At { value: text.trim().to_owned(), place: node.place }],
        Node::List(items) => items,
        other => {
            findings.mismatch(node.place, key, "a list", &other);
            return Vec::new();
        }
    };
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        let at = place(item.referenced);
        match item.value {
            Node::Text(text) => texts.push(At { value: text.trim().to_owned(), place: at }),
            other => findings.mismatch(at, key, "a text", &other),
        }
    }
    texts
}

/// Reports a name that is none of `known`, with the nearest of them if one is near.
pub(super) fn unknown<'k>(
    what: &str,
    name: &At<String>,
    known: impl Iterator<Item = &'k str>,
    findings: &mut Findings<'_>,
) {
    let known: Vec<&str> = known.collect();
    let nearest = known.iter().map(|known| (distance(known, &name.value), known)).min();
    let help = match nearest {
        Some((far, near)) if far <= 2 + name.value.chars().count() / 5 => format!("did you mean `{near}`?"),
        _ if known.is_empty() => "there is none to choose from".to_owned(),
        _ => format!("use one of: {}", known.join(", ")),
    };
    findings.error(name.place, format!("unknown {what} `{}`", name.value), help);
}

/// Edits that turn `a` into `b` (Levenshtein).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Table>, Diagnostics) {
        let mut found = Diagnostics::default();
        let table = parse(None, &mut Findings { file: Path::new("x.yaml"), text, found: &mut found });
        (table, found)
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let (table, found) = read("a: one\nlist:\n  - x: 1\n    y: 'two'\n");
        assert!(found.0.is_empty(), "{found}");
        let entries: Vec<_> = table.unwrap().entries().collect();
        assert_eq!((entries[0].0.place.line, entries[0].1.place.column), (1, 4));
        let Node::List(items) = &entries[1].1.value else { panic!("a list") };
        let Node::Table(inner) = &items[0].value else { panic!("a table") };
        assert_eq!(place(inner[1].0.referenced), Place { line: 4, column: 5 });
    }

    #[test]
    fn text_that_is_not_yaml_is_one_finding_with_its_place() {
        let (table, found) = read("a: [1, 2\nb: }\n");
        assert!(table.is_none());
        assert_eq!(found.0.len(), 1);
        assert!(found.0[0].place.line > 0, "{found}");
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("退款", "退款"), 0);
    }
}
