//! Digest: who knows a password without sending it (RFC 7616; in SIP RFC 3261 §22 and RFC 8760). Pure: randomness and
//! `now` are handed in.
//!
//! ```text
//! their 401, 407 ─► answer ─► Authorization of our request        credentials go to their own realm only
//! their request  ─► Doorkeeper::check ─► Proven, Unproven, Stale ─► our 401 with Doorkeeper::challenges
//! ```
//!
//! SHA-256 is offered first and preferred; MD5 is there for those who know nothing else. `qop` is `auth` always: bodies are
//! not signed.

mod answer;
mod doorkeeper;

use std::str::FromStr;

use md5::Digest;

pub(super) use answer::{Asked, answer};
pub(super) use doorkeeper::{Account, Doorkeeper, Presented, Verdict};

/// A hash that we know, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// For those who know no other.
    Md5,
    /// RFC 8760.
    Sha256,
}

impl Algorithm {
    /// Best first, as RFC 8760 §2.4 wants them listed.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Md5];

    /// As it stands in a header; a missing one means MD5 (RFC 7616 §3.3).
    fn named(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Self::Md5),
            Some(name) => Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)),
        }
    }

    /// As it stands in a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The hash of a text, in lower-case hexadecimal digits.
    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&md5::Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl FromStr for Algorithm {
    type Err = NoAlgorithm;

    fn from_str(name: &str) -> Result<Self, NoAlgorithm> {
        Self::named(Some(name)).ok_or(NoAlgorithm)
    }
}

/// Why a name stands for no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not SHA-256 or MD5")]
pub struct NoAlgorithm;

/// Everything that a response is computed from.
struct Proof<'a> {
    algorithm: Algorithm,
    user: &'a str,
    realm: &'a str,
    password: &'a str,
    method: &'a str,
    uri: &'a str,
    nonce: &'a str,
    /// `nc` and `cnonce` where `qop` is `auth`; without it the older form (RFC 7616 §3.4.1).
    counted: Option<(&'a str, &'a str)>,
}

impl Proof<'_> {
    fn response(&self) -> String {
        let Self { algorithm, user, realm, password, method, uri, nonce, counted } = self;
        let secret = algorithm.hash(&format!("{user}:{realm}:{password}"));
        let asked = algorithm.hash(&format!("{method}:{uri}"));
        algorithm.hash(&match counted {
            Some((nc, cnonce)) => format!("{secret}:{nonce}:{nc}:{cnonce}:auth:{asked}"),
            None => format!("{secret}:{nonce}:{asked}"),
        })
    }
}

/// The parameters of one `Digest …` value, names in lower case, quotes removed.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// `None` where the scheme is another one or a quote stays open.
    fn read(value: &str) -> Option<Self> {
        let (scheme, mut rest) = value.trim().split_once(char::is_whitespace)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut found = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            if rest.is_empty() {
                return Some(Self(found));
            }
            let (name, after) = rest.split_once('=')?;
            let (value, after) = value_of(after.trim_start())?;
            found.push((name.trim().to_ascii_lowercase(), value));
            rest = after;
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A token or quoted string, and what follows it.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return Some((text[..end].trim().to_owned(), &text[end..]));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, character) in quoted.char_indices() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((value, &quoted[at + 1..])),
            _ => value.push(character),
        }
    }
    None
}

/// A text as a quoted string (RFC 3261 §25.1).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1: both algorithms, and RFC 2617 §3.5 for MD5 with the same inputs but its own password.
    #[test]
    fn responses_are_those_of_the_standard() {
        let proof = |algorithm| Proof {
            algorithm,
            user: "Mufasa",
            realm: "http-auth@example.org",
            password: "Circle of Life",
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            counted: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
        };
        assert_eq!(proof(Algorithm::Md5).response(), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            proof(Algorithm::Sha256).response(),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn parameters_are_read_with_commas_and_quotes_in_them() {
        let read = Parameters::read("Digest realm=\"a, \\\"b\\\"\", NC=00000001 ,qop=auth,  uri=\"sip:x\"").unwrap();
        assert_eq!(read.get("realm"), Some("a, \"b\""));
        assert_eq!((read.get("nc"), read.get("qop"), read.get("uri")), (Some("00000001"), Some("auth"), Some("sip:x")));
        assert_eq!(quoted("a\"b"), "\"a\\\"b\"");
        for bad in ["Basic realm=\"a\"", "Digest", "Digest realm=\"a", "Digest realm"] {
            assert!(Parameters::read(bad).is_none(), "{bad}");
        }
    }
}
