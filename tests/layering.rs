//! The arrows of the house point down: no room imports from a level above, nor from a sibling.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Level of each room, and what it may import besides level 0 and itself. `call` may import all below it, the edge everything.
const HOUSE: &[(&str, u8, &[&str])] = &[
    ("units", 0, &[]),
    ("timer", 0, &[]),
    ("diag", 0, &[]),
    ("english", 0, &[]),
    ("mandarin", 0, &[]),
    ("audio", 1, &[]),
    ("rtp", 1, &[]),
    ("sdp", 1, &[]),
    ("speech", 2, &["audio"]),
    ("nlu", 2, &[]),
    ("identify", 2, &[]),
    ("leg", 2, &["audio", "rtp", "sdp"]),
    ("turn", 3, &["audio", "speech"]),
    ("dialog", 3, &["nlu", "identify"]),
    ("call", 4, &["audio", "rtp", "sdp", "speech", "nlu", "identify", "leg", "turn", "dialog"]),
];

/// Rooms at the edge: they may import everything.
const EDGE: &[&str] = &["config", "server", "commands", "main"];

/// Crates that only the edge may touch: sockets, runtimes, databases, clocks.
const EDGE_CRATES: &[&str] = &["tokio", "rsipstack", "axum", "sqlx", "clap", "dashmap", "metrics"];

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("src/ is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

fn room(path: &Path) -> String {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("a path in src/");
    let first = below.components().next().expect("a file").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// `crate::x` wherever it stands, `use` lines and paths alike, without comments and tests at the foot of the file.
fn imports<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = (usize, String)> + 'a {
    text.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]")).flat_map(
        move |(number, line)| {
            let code = line.split("//").next().unwrap_or_default();
            code.match_indices(prefix)
                .map(|(at, _)| {
                    let rest = &code[at + prefix.len()..];
                    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                    (number + 1, name.to_owned())
                })
                .collect::<Vec<_>>()
        },
    )
}

#[test]
fn arrows_point_down() {
    let allowed: BTreeMap<&str, &[&str]> = HOUSE.iter().map(|(room, _, may)| (*room, *may)).collect();
    let ground: Vec<&str> = HOUSE.iter().filter(|(_, level, _)| *level == 0).map(|(room, _, _)| *room).collect();
    let mut wrong = Vec::new();
    for path in sources() {
        let room = room(&path);
        if EDGE.contains(&room.as_str()) || room == "lib" {
            continue;
        }
        let Some(may) = allowed.get(room.as_str()) else {
            wrong.push(format!("{}: the room `{room}` has no level; give it one in HOUSE", path.display()));
            continue;
        };
        let text = fs::read_to_string(&path).expect("readable source");
        for (line, name) in imports(&text, "crate::") {
            if name != room && !ground.contains(&name.as_str()) && !may.contains(&name.as_str()) {
                wrong.push(format!("{}:{line}: `{room}` imports `{name}`", path.display()));
            }
        }
        for edge in EDGE_CRATES {
            for (line, _) in imports(&text, &format!("{edge}::")) {
                wrong.push(format!("{}:{line}: `{room}` touches `{edge}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point up:\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_arrow_would_be_found() {
    let text = "use crate::call::Call;\n// crate::server is only a word here\n";
    assert_eq!(imports(text, "crate::").collect::<Vec<_>>(), [(1, "call".to_owned())]);
}
