//! Rules: which problem a signal hints at, written by people, as the start of what is learned from calls.
//!
//! ```text
//! signals.toml ─► Rules { card_payment/declined: { declined_card_payment: 4, … }, … } ─► the prior of a Model
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_spanned::Spanned;

use crate::diag::{Diagnostics, Place};

/// The rules that serve when nobody wrote others: those of the scenes of `dialplans/hotline-en`.
const DEFAULT: &str = include_str!("signals.toml");

/// A table of rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// ISO 4217: an order in other money has the key of its own that ends in `/foreign`.
    pub home_currency: String,
    /// Signal key → scene id → as how many observed calls the rule counts.
    pub signals: BTreeMap<String, BTreeMap<String, f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRules {
    home_currency: String,
    signals: BTreeMap<String, BTreeMap<String, Spanned<f64>>>,
}

impl Rules {
    /// The built-in rules.
    pub fn built_in() -> Self {
        Self::parse(Path::new("signals.toml"), DEFAULT).unwrap_or_default()
    }

    /// Reads rules from the `text` of `file`.
    ///
    /// # Errors
    /// All mistakes with their places: TOML that does not parse, an unknown key, a count that is not positive.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::default();
        let raw: RawRules = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let place = error.span().map_or(Place::default(), |span| place_of(text, span.start));
                found.error(file, text, place, error.message(), "write it as the built-in signals.toml does");
                return Err(found);
            }
        };
        let mut signals = BTreeMap::new();
        for (key, scenes) in raw.signals {
            let scenes = scenes.into_iter().map(|(scene, count)| {
                if !(count.get_ref().is_finite() && *count.get_ref() > 0.0) {
                    let message = format!("the count of `{scene}` is not above 0");
                    found.error(file, text, place_of(text, count.span().start), message, "give a number of calls");
                }
                (scene, count.into_inner())
            });
            let scenes = scenes.collect();
            signals.insert(key, scenes);
        }
        if found.has_errors() { Err(found) } else { Ok(Self { home_currency: raw.home_currency, signals }) }
    }
}

fn place_of(text: &str, byte: usize) -> Place {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_readable() {
        let rules = Rules::parse(Path::new("signals.toml"), DEFAULT).unwrap();
        assert_eq!(rules, Rules::built_in());
        assert_eq!(rules.home_currency, "CNY");
        assert_eq!(rules.signals["pin_attempts_exceeded"]["pin_blocked"], 6.0);
    }

    #[test]
    fn mistakes_are_named_with_their_places() {
        let parse = |text| Rules::parse(Path::new("s.toml"), text).unwrap_err().to_string();
        let bad_count = parse("home_currency = \"CNY\"\n[signals]\nlogin_failed = { passcode_forgotten = -1.0 }\n");
        assert!(bad_count.starts_with("s.toml:3:39: error: the count of `passcode_forgotten`"), "{bad_count}");
        assert!(
            parse("home_currency = \"CNY\"\ncolour = 1\n[signals]\n").starts_with("s.toml:2:1: error: unknown field")
        );
        assert!(parse("[signals\n").starts_with("s.toml:1:"));
    }
}
