//! Texts with named values in them: "Your order is {order_state.status}."

use super::Name;

/// A text that is whole once its values are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Name),
}

/// Why a text is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadWording {
    #[error("nothing has the name `{0}`")]
    Unknown(String),
    #[error("a `{{` is not closed")]
    Unclosed,
}

impl Wording {
    /// Reads `text`; `resolve` knows the names.
    pub(super) fn parse(text: &str, resolve: &dyn Fn(&str) -> Option<Name>) -> Result<Self, BadWording> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or(BadWording::Unclosed)?;
            let name = resolve(name).ok_or_else(|| BadWording::Unknown(name.to_owned()))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Value(name));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The values in it.
    pub fn names(&self) -> impl Iterator<Item = Name> + '_ {
        self.0.iter().filter_map(|part| match part {
            Part::Value(name) => Some(*name),
            Part::Text(_) => None,
        })
    }

    /// The text with its values, as `value` tells them; `None` where one is not known.
    pub fn fill(&self, value: &dyn Fn(Name) -> Option<String>) -> Option<String> {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Value(name) => value(*name),
        });
        parts.collect()
    }

    /// The text in pieces: as written, or the place of a value among those of [`names`](Self::names).
    pub fn pieces(&self) -> impl Iterator<Item = Result<&str, Name>> + '_ {
        self.0.iter().map(|part| match part {
            Part::Text(text) => Ok(text.as_str()),
            Part::Value(name) => Err(*name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::dialplan::Fact;

    #[test]
    fn a_wording_is_whole_or_nothing() {
        let resolve = |name: &str| (name == "order").then_some(Name::Fact(Fact::Order));
        let wording = Wording::parse("Your {order} is on its way.", &resolve).unwrap();
        let said = wording.fill(&|_| Some("rice cooker".into()));
        assert_eq!(said.as_deref(), Some("Your rice cooker is on its way."));
        assert_eq!(wording.fill(&|_| None), None);
        assert_eq!(Wording::parse("{odrer}", &resolve), Err(BadWording::Unknown("odrer".into())));
        assert_eq!(Wording::parse("{order", &resolve), Err(BadWording::Unclosed));
    }
}
