//! Text as it is written into words as people say them.
use super::markup::ReadAs;
use crate::units::Lang;
/// x
pub fn normalise(text: &str, _lang: Lang, _read_as: ReadAs) -> String {
    text.to_owned()
}
