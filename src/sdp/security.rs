//! What protects sound: what a party demands, and what was agreed. Keys for SRTP that stand in the description (RFC 4568) are
//! read and written here; those of a [`handshake`](super::handshake) are not known yet when this is decided.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::handshake::{self, Credentials, Handshake, Ours, Stated};
use super::{Local, Refusal};

/// Bytes of the longest secret: a key of 256 bits and a salt of 96.
pub const SECRET_BYTES: usize = 44;
/// Base64 as everybody writes it; some leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How packets are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// AES in counter mode, a tag of 80 bits: what everybody has (RFC 4568 §6.2.1).
    AesCm80,
    /// The same, a tag of 32 bits (RFC 4568 §6.2.2).
    AesCm32,
    /// AES-128-GCM (RFC 7714 §14.2).
    AesGcm128,
    /// AES-256-GCM.
    AesGcm256,
}

impl Suite {
    const ALL: [Self; 4] = [Self::AesCm80, Self::AesCm32, Self::AesGcm128, Self::AesGcm256];

    const fn name(self) -> &'static str {
        match self {
            Self::AesCm80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesGcm128 => "AEAD_AES_128_GCM",
            Self::AesGcm256 => "AEAD_AES_256_GCM",
        }
    }

    /// Bytes of key and salt together.
    const fn secret_bytes(self) -> usize {
        match self {
            Self::AesCm80 | Self::AesCm32 => 30,
            Self::AesGcm128 => 28,
            Self::AesGcm256 => SECRET_BYTES,
        }
    }
}

/// A key and its salt. Shows nothing of itself in logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// From random bytes; to be drawn anew for each call by whoever can draw them unguessably.
    pub const fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self(random)
    }

    fn read(text: &str, suite: Suite) -> Option<Self> {
        let mut secret = Self([0; SECRET_BYTES]);
        // The longest text has the room of the longest secret; another length is another suite's, or nonsense.
        let bytes = BASE64.decode(text).ok().filter(|bytes| bytes.len() == suite.secret_bytes())?;
        secret.0[..bytes.len()].copy_from_slice(&bytes);
        Some(secret)
    }

    /// All of it.
    pub(super) const fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As many bytes as `suite` takes.
    pub fn of(&self, suite: Suite) -> &[u8] {
        &self.0[..suite.secret_bytes()]
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Whether sound is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// It is not; who demands it is refused.
    #[default]
    Clear,
    /// It is with a party that offers it, by this secret of ours.
    Possible(Secret),
    /// It is, or there is no call.
    Demanded(Secret),
}

/// How packets are protected in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secured {
    /// By keys in the descriptions.
    Keys(Keys),
    /// By keys that a handshake will bring.
    Handshake(Box<Handshake>),
}

/// What our offers protect sound by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Protected {
    /// Nothing, unless we demand it: what everybody has.
    #[default]
    No,
    /// Keys in the description.
    ByKeys,
    /// A handshake: this one, if it is agreed on already.
    ByHandshake(Option<Box<Handshake>>),
}

impl Protected {
    /// What protects a call already goes on doing so.
    pub(super) fn as_agreed(secured: Option<&Secured>) -> Self {
        match secured {
            None => Self::No,
            Some(Secured::Keys(_)) => Self::ByKeys,
            Some(Secured::Handshake(handshake)) => Self::ByHandshake(Some(handshake.clone())),
        }
    }

    fn handshake(&self) -> Option<&Handshake> {
        match self {
            Self::ByHandshake(standing) => standing.as_deref(),
            Self::No | Self::ByKeys => None,
        }
    }
}

/// Keys in the descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// By what.
    pub suite: Suite,
    /// The secret of what we send.
    pub ours: Secret,
    /// The secret of what we receive.
    pub theirs: Secret,
    /// Number of the line that was chosen.
    pub(super) tag: u32,
}

/// What an offer of ours says: one suite, that everybody has.
const OFFERED: (u32, Suite) = (1, Suite::AesCm80);

/// Whether a section protects its packets by its profile already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    /// RTP/AVP. Keys beside it are a wish (RFC 8643).
    Plain,
    /// RTP/SAVP.
    Secure,
    /// UDP/TLS/RTP/SAVP.
    Handshake,
}

/// What we want and what a section says come to: its `crypto` lines, and what it states of a handshake.
pub(super) fn agree<'a>(
    local: &Local,
    profile: Profile,
    lines: impl Iterator<Item = &'a str>,
    stated: Option<Stated<'_>>,
) -> Result<Option<Secured>, Refusal> {
    let (Security::Possible(ours) | Security::Demanded(ours)) = local.security else {
        return if profile == Profile::Plain { Ok(None) } else { Err(Refusal::NoSecurity) };
    };
    // Keys that are at hand need no handshake, unless the profile is that of one.
    let chosen = lines.filter_map(read).next().filter(|_| profile != Profile::Handshake);
    if let Some((tag, suite, theirs)) = chosen {
        return Ok(Some(Secured::Keys(Keys { suite, ours, theirs, tag })));
    }
    if let (Some(stated), Some(certificate)) = (stated, local.certificate) {
        let ours = Ours { certificate, secret: &ours, standing: local.protected.handshake() };
        return handshake::agree(&ours, stated).map(|handshake| Some(Secured::Handshake(Box::new(handshake))));
    }
    let is_demanded = profile != Profile::Plain || matches!(local.security, Security::Demanded(_));
    if is_demanded { Err(Refusal::NoSecurity) } else { Ok(None) }
}

/// Whether an answer takes what we offered, and nothing else.
pub(super) fn is_as_offered(local: &Local, secured: &Secured) -> bool {
    match (offered(local), secured) {
        (Some(Offered::Keys(_)), Secured::Keys(keys)) => (keys.tag, keys.suite) == OFFERED,
        (Some(Offered::Handshake { .. }), Secured::Handshake(_)) => true,
        _ => false,
    }
}

/// What `local` demands of the answer to its offer: what is not offered cannot be answered.
pub(super) fn of_offer(local: &Local) -> Security {
    match local.security {
        Security::Demanded(ours) => Security::Demanded(ours),
        Security::Possible(ours) if local.protected != Protected::No => Security::Demanded(ours),
        Security::Possible(_) | Security::Clear => Security::Clear,
    }
}

/// What an offer of ours says of protection.
pub(super) enum Offered {
    /// The value of its `crypto` line.
    Keys(String),
    /// Our certificate, and what checks of the way to us are to show.
    Handshake { certificate: super::Fingerprint, checks: Option<Credentials> },
}

/// What the offer of `local` says of protection; `None`: nothing.
pub(super) fn offered(local: &Local) -> Option<Offered> {
    let Security::Demanded(ours) = of_offer(local) else { return None };
    match (&local.protected, local.certificate) {
        (Protected::ByHandshake(standing), Some(certificate)) => {
            let checks = match standing {
                Some(standing) => standing.ice.as_ref().map(|ice| ice.ours.clone()),
                None => Some(Credentials::beside(None, &ours)),
            };
            Some(Offered::Handshake { certificate, checks })
        }
        _ => Some(Offered::Keys(line(OFFERED.0, OFFERED.1, &ours))),
    }
}

/// The `crypto` line of an answer.
pub(super) fn answered(keys: &Keys) -> String {
    line(keys.tag, keys.suite, &keys.ours)
}

fn line(tag: u32, suite: Suite, ours: &Secret) -> String {
    format!("{tag} {} inline:{}", suite.name(), BASE64.encode(ours.of(suite)))
}

/// Reads `1 AES_CM_128_HMAC_SHA1_80 inline:…|2^31 WSH=64`. `None` for what we do not do: several keys at a time, packets
/// that are protected in half, and what we do not know.
fn read(value: &str) -> Option<(u32, Suite, Secret)> {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next()?.parse().ok()?;
    let name = words.next()?;
    let suite = Suite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))?;
    let (method, key) = words.next()?.split_once(':')?;
    let mut parts = key.split('|');
    let secret = Secret::read(parts.next()?, suite)?;
    // A lifetime is for those who rekey; a key's number (`1:4`) would stand in each packet.
    let is_numbered = parts.any(|part| part.contains(':'));
    let is_usual = words.all(|parameter| parameter.starts_with('-') || parameter.starts_with("WSH="));
    (method.eq_ignore_ascii_case("inline") && !is_numbered && is_usual).then_some((tag, suite, secret))
}
