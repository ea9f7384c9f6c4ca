//! A dialplan full of mistakes: all of them are named in one run, with place and remedy.
//!
//! To accept a change, run with `ACCEPT=1` and read the difference.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use antevox::dialog::Plan;

const FOLDER: &str = "tests/dialplans/broken";

#[test]
fn every_mistake_of_a_dialplan_is_named_at_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["dialplan.yaml", "scenes/account.yaml", "scenes/card.yaml"].map(|name| {
        let path = Path::new(FOLDER).join(name);
        let text = fs::read_to_string(root.join(&path)).unwrap();
        (path, text)
    });
    let found = Plan::from_files(files.to_vec()).unwrap_err().to_string() + "\n";
    let expected = root.join(FOLDER).join("expected.txt");
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(&expected, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&expected).unwrap());
}

#[test]
fn a_folder_without_its_main_file_says_so() {
    let found = Plan::from_files(vec![(PathBuf::from("x/scenes/a.yaml"), String::new())]).unwrap_err();
    assert_eq!(found.0.len(), 1);
    assert_eq!(found.0[0].message, "there is no dialplan.yaml");
}

#[test]
fn the_shipped_dialplans_have_no_mistakes() {
    for name in ["hotline-en", "95188-zh"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans").join(name);
        let (plan, warnings) = antevox::server::dialplan_files::load(&folder).unwrap_or_else(|found| panic!("{found}"));
        assert!(warnings.0.is_empty(), "{warnings}");
        assert!(plan.scenes.len() >= 40, "{name} has only {} scenes", plan.scenes.len());
    }
}
