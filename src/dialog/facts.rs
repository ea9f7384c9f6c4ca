//! What the line tells of a call besides who calls.

use crate::units::Pii;

/// Facts of one call, as `call.…` and `header.…` in dialplans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFacts {
    /// The trunk that it came over, by its name in the settings.
    pub trunk: Option<String>,
    /// The number that was called first, where the call was diverted to us.
    pub diverted_from: Option<Pii<String>>,
    /// How surely the network knows who calls; `None` where nothing is verified.
    pub verified: Option<Verified>,
    /// Header fields of the INVITE that its trunk may pass on.
    pub headers: Vec<(String, String)>,
}

impl CallFacts {
    /// The value of a header field, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What came of verifying a call's Identity (RFC 8224; levels of attestation: RFC 8588 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The network knows the caller, and that the number is theirs.
    A,
    /// The network knows the caller, not the number.
    B,
    /// The network knows where the call came in.
    C,
    /// A signature that is wrong, too old, for another call, or by nobody whom we trust.
    Failed,
    /// There was no Identity.
    None,
}

impl Verified {
    /// As dialplans see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::Failed => "failed",
            Self::None => "none",
        }
    }
}
