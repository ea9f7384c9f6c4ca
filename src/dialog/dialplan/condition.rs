//! Conditions of steps: `known order and not order.status is pending`.
//!
//! ```text
//! either  = both { "or" both }            name   = a fact, a slot, or action.field
//! both    = single { "and" single }       value  = a word, or "several words"
//! single  = "not" single | "(" either ")" | "known" name | name "is" value | name "over" number | name "under" number
//! ```

use std::collections::BTreeSet;

use super::Name;

/// Conditions nested deeper than this are a mistake.
const MAX_DEPTH: usize = 20;

/// Whether a step is taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The value is known.
    Known(Name),
    /// The value is this text, whatever its case.
    Is(Name, String),
    /// The value is a number above this one.
    Over(Name, f64),
    /// The value is a number below this one.
    Under(Name, f64),
    /// The other way round.
    Not(Box<Self>),
    /// All of them.
    All(Vec<Self>),
    /// One of them at least.
    Any(Vec<Self>),
}

/// A value, as conditions and actions see it and as it is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Datum {
    /// As text: days and times in ISO 8601, amounts in whole units of money.
    pub text: String,
    /// As it is said.
    pub spoken: String,
    /// As a number, where it is one.
    pub number: Option<f64>,
}

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadCondition {
    #[error("nothing has the name `{0}`")]
    Unknown(String),
    #[error("there is nothing after `{0}`")]
    Ends(String),
    #[error("`{0}` is out of place")]
    Misplaced(String),
    #[error("`{0}` is not a number")]
    NotANumber(String),
    #[error("a `(` is not closed")]
    Unclosed,
    #[error("the condition is nested too deeply")]
    TooDeep,
}

impl Condition {
    /// Reads `text`; `resolve` knows the names.
    pub(super) fn parse(text: &str, resolve: &dyn Fn(&str) -> Option<Name>) -> Result<Self, BadCondition> {
        let mut parser = Parser { tokens: tokens(text), at: 0, resolve };
        let condition = parser.either(0)?;
        match parser.tokens.get(parser.at) {
            Some(left) => Err(BadCondition::Misplaced(left.clone())),
            None => Ok(condition),
        }
    }

    /// Whether it holds, where `value` tells what is known.
    pub fn holds(&self, value: &dyn Fn(Name) -> Option<Datum>) -> bool {
        let number = |name: Name| value(name).and_then(|datum| datum.number);
        match self {
            Self::Known(name) => value(*name).is_some(),
            Self::Is(name, text) => value(*name).is_some_and(|datum| datum.text.eq_ignore_ascii_case(text)),
            Self::Over(name, limit) => number(*name).is_some_and(|number| number > *limit),
            Self::Under(name, limit) => number(*name).is_some_and(|number| number < *limit),
            Self::Not(inner) => !inner.holds(value),
            Self::All(parts) => parts.iter().all(|part| part.holds(value)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(value)),
        }
    }

    /// What is surely known where the condition holds, or where it does not.
    pub(super) fn implies(&self, holds: bool) -> BTreeSet<Name> {
        let each = |parts: &[Self]| parts.iter().map(|part| part.implies(holds)).collect::<Vec<_>>();
        let all = |sets: Vec<BTreeSet<Name>>| sets.into_iter().flatten().collect();
        let common = |sets: Vec<BTreeSet<Name>>| {
            sets.into_iter().reduce(|a, b| a.intersection(&b).copied().collect()).unwrap_or_default()
        };
        match self {
            Self::Known(name) | Self::Is(name, _) | Self::Over(name, _) | Self::Under(name, _) => {
                if holds {
                    BTreeSet::from([*name])
                } else {
                    BTreeSet::new()
                }
            }
            Self::Not(inner) => inner.implies(!holds),
            Self::All(parts) => {
                if holds {
                    all(each(parts))
                } else {
                    common(each(parts))
                }
            }
            Self::Any(parts) => {
                if holds {
                    common(each(parts))
                } else {
                    all(each(parts))
                }
            }
        }
    }

    /// Every comparison with a text in it.
    pub(super) fn comparisons(&self) -> Vec<(Name, &str)> {
        match self {
            Self::Is(name, text) => vec![(*name, text.as_str())],
            Self::Known(_) | Self::Over(..) | Self::Under(..) => Vec::new(),
            Self::Not(inner) => inner.comparisons(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::comparisons).collect(),
        }
    }
}

/// Words, parentheses, and texts in quotes as one token each.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = match first {
            '(' | ')' => rest.split_at(1),
            '"' => match rest[1..].find('"') {
                Some(end) => rest.split_at(end + 2),
                None => rest.split_at(rest.len()),
            },
            _ => rest.split_at(rest.find(|c: char| c.is_whitespace() || "()\"".contains(c)).unwrap_or(rest.len())),
        };
        tokens.push(token.to_owned());
        rest = behind.trim_start();
    }
    tokens
}

struct Parser<'a> {
    tokens: Vec<String>,
    at: usize,
    resolve: &'a dyn Fn(&str) -> Option<Name>,
}

impl Parser<'_> {
    fn takes(&mut self, word: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| token == word);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Result<String, BadCondition> {
        let Some(token) = self.tokens.get(self.at) else {
            return Err(BadCondition::Ends(self.tokens.last().cloned().unwrap_or_default()));
        };
        self.at += 1;
        Ok(token.clone())
    }

    fn either(&mut self, depth: usize) -> Result<Condition, BadCondition> {
        let mut parts = vec![self.both(depth)?];
        while self.takes("or") {
            parts.push(self.both(depth)?);
        }
        Ok(only_or(parts, Condition::Any))
    }

    fn both(&mut self, depth: usize) -> Result<Condition, BadCondition> {
        let mut parts = vec![self.single(depth)?];
        while self.takes("and") {
            parts.push(self.single(depth)?);
        }
        Ok(only_or(parts, Condition::All))
    }

    fn single(&mut self, depth: usize) -> Result<Condition, BadCondition> {
        if depth > MAX_DEPTH {
            return Err(BadCondition::TooDeep);
        }
        if self.takes("not") {
            return Ok(Condition::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.takes("(") {
            let inner = self.either(depth + 1)?;
            return if self.takes(")") { Ok(inner) } else { Err(BadCondition::Unclosed) };
        }
        if self.takes("known") {
            return Ok(Condition::Known(self.name()?));
        }
        let name = self.name()?;
        let comparison = self.next()?;
        let value = self.next()?;
        let number = || value.parse::<f64>().map_err(|_| BadCondition::NotANumber(value.clone()));
        match comparison.as_str() {
            "is" => Ok(Condition::Is(name, value.trim_matches('"').to_owned())),
            "over" => Ok(Condition::Over(name, number()?)),
            "under" => Ok(Condition::Under(name, number()?)),
            _ => Err(BadCondition::Misplaced(comparison)),
        }
    }

    fn name(&mut self) -> Result<Name, BadCondition> {
        let name = self.next()?;
        (self.resolve)(&name).ok_or(BadCondition::Unknown(name))
    }
}

fn only_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::dialplan::Fact;

    fn resolve(name: &str) -> Option<Name> {
        Fact::ALL.iter().find(|fact| fact.name() == name).map(|fact| Name::Fact(*fact))
    }

    fn parse(text: &str) -> Result<Condition, BadCondition> {
        Condition::parse(text, &resolve)
    }

    /// An order of 200 that is pending; nobody knows who calls.
    fn value(name: Name) -> Option<Datum> {
        match name {
            Name::Fact(Fact::Order) => Some(Datum { text: "the rice cooker".into(), ..Datum::default() }),
            Name::Fact(Fact::OrderStatus) => Some(Datum { text: "pending".into(), ..Datum::default() }),
            Name::Fact(Fact::OrderPrice) => Some(Datum { text: "200".into(), number: Some(200.0), ..Datum::default() }),
            _ => None,
        }
    }

    #[test]
    fn conditions_hold_as_they_read() {
        for (text, holds) in [
            ("known order", true),
            ("known member", false),
            ("not known member", true),
            ("order.status is pending", true),
            ("order.status is \"Pending\"", true),
            ("member.level is gold", false),
            ("order.price over 100 and order.price under 300", true),
            ("order.price over 200", false),
            ("known member or known order", true),
            ("known member and known order or order.price over 100", true),
            ("known member and (known order or order.price over 100)", false),
            ("not (known order and known member)", true),
        ] {
            assert_eq!(parse(text).unwrap().holds(&value), holds, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, mistake) in [
            ("", "there is nothing after ``"),
            ("known", "there is nothing after `known`"),
            ("known nobody", "nothing has the name `nobody`"),
            ("order.price over much", "`much` is not a number"),
            ("order.price above 3", "`above` is out of place"),
            ("known order known member", "`known` is out of place"),
            ("(known order", "a `(` is not closed"),
        ] {
            assert_eq!(parse(text).map_err(|error| error.to_string()), Err(mistake.to_owned()), "{text}");
        }
        assert_eq!(parse(&"(".repeat(10_000)), Err(BadCondition::TooDeep));
        assert_eq!(parse(&"not ".repeat(10_000)), Err(BadCondition::TooDeep));
    }

    #[test]
    fn what_a_condition_makes_sure() {
        let known = |text: &str, holds| parse(text).unwrap().implies(holds).len();
        for (text, when, otherwise) in [
            ("known order", 1, 0),
            ("not known order", 0, 1),
            ("known order and known member", 2, 0),
            ("known order or known member", 0, 0),
            ("not (known order or known member)", 0, 0),
            ("not known order or not known member", 0, 2),
            ("order.price over 3 or order.price under 1", 1, 0),
        ] {
            assert_eq!((known(text, true), known(text, false)), (when, otherwise), "{text}");
        }
    }
}
