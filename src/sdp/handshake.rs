//! Keys that a handshake on the media path brings (DTLS-SRTP, RFC 5763), and the way to it that is found by checks (ICE,
//! RFC 8839): what browsers speak.
//!
//! The description says whose certificate to expect and who begins. Of ICE we are the simple half (ICE-lite, RFC 8445 §2.5):
//! we are where we say we are, and answer the checks of a party that may be anywhere.

use std::fmt::Write;

use ring::{digest, hmac};

use super::{Refusal, Secret};

/// Bytes of the longest fingerprint: SHA-512.
const MAX_DIGEST: usize = 64;
/// Longest name and password of ICE (RFC 8839 §5.4).
const MAX_CREDENTIAL: usize = 256;

/// What a certificate is hashed with (RFC 8122 §5). What can be forged today is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// Tells one certificate from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    digest: Digest,
    bytes: [u8; MAX_DIGEST],
}

impl Fingerprint {
    /// Of a certificate (DER).
    pub fn of(certificate: &[u8]) -> Self {
        Self::with(Digest::Sha256, certificate)
    }

    fn with(digest: Digest, certificate: &[u8]) -> Self {
        let mut bytes = [0; MAX_DIGEST];
        let hash = digest::digest(digest.algorithm(), certificate);
        bytes[..hash.as_ref().len()].copy_from_slice(hash.as_ref());
        Self { digest, bytes }
    }

    /// Whether it is that of `certificate` (DER).
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        *self == Self::with(self.digest, certificate)
    }

    /// Reads `sha-256 AB:CD:…`.
    pub(super) fn read(value: &str) -> Option<Self> {
        let (name, hex) = value.trim().split_once(' ')?;
        let digest = Digest::ALL.into_iter().find(|digest| digest.name().eq_ignore_ascii_case(name))?;
        let mut bytes = [0; MAX_DIGEST];
        let mut given = hex.trim().split(':');
        for byte in &mut bytes[..digest.algorithm().output_len()] {
            *byte = given.next().filter(|hex| hex.len() == 2).and_then(|hex| u8::from_str_radix(hex, 16).ok())?;
        }
        given.next().is_none().then_some(Self { digest, bytes })
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.digest.name())?;
        let bytes = &self.bytes[..self.digest.algorithm().output_len()];
        bytes.iter().enumerate().try_for_each(|(n, byte)| write!(f, "{}{byte:02X}", if n == 0 { ' ' } else { ':' }))
    }
}

/// Who begins the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We do.
    Active,
    /// The peer does.
    Passive,
}

/// Name and password of one party's checks (RFC 8839 §5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `ice-ufrag`.
    pub name: String,
    /// `ice-pwd`.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({}, …)", self.name)
    }
}

impl Credentials {
    /// What a description says; `None` where it says nothing, or what cannot be.
    pub(super) fn read(name: Option<&str>, password: Option<&str>) -> Option<Self> {
        let is_legal = |text: &&str, least| {
            (least..=MAX_CREDENTIAL).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        };
        let name = name.map(str::trim).filter(|name| is_legal(name, 4))?;
        let password = password.map(str::trim).filter(|password| is_legal(password, 22))?;
        Some(Self { name: name.to_owned(), password: password.to_owned() })
    }

    /// Ours beside `theirs`: so they change when theirs do, which is how checks begin anew (RFC 8839 §4.4.3.1.1), and only then.
    pub(super) fn beside(theirs: Option<&Self>, secret: &Secret) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.bytes());
        let mut sign = hmac::Context::with_key(&key);
        for part in theirs.into_iter().flat_map(|theirs| [&theirs.name, &theirs.password]) {
            sign.update(part.as_bytes());
            sign.update(b" ");
        }
        let hex = sign.sign().as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a `String` does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self { name: hex[..8].to_owned(), password: hex[8..40].to_owned() }
    }
}

/// How both find the way to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ice {
    /// What their checks show.
    pub ours: Credentials,
    /// What ours would show, if we made any.
    pub theirs: Credentials,
}

/// A handshake that was agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Of our certificate.
    pub ours: Fingerprint,
    /// Of theirs.
    pub theirs: Fingerprint,
    /// Who begins.
    pub role: Role,
    /// `None`: the peer is where its description says.
    pub ice: Option<Ice>,
}

/// What a section says of a handshake.
pub(super) struct Stated<'a> {
    pub(super) theirs: Fingerprint,
    pub(super) setup: Option<&'a str>,
    pub(super) ice: Option<Credentials>,
    pub(super) rtcp_mux: bool,
}

/// What we bring to it.
pub(super) struct Ours<'a> {
    pub(super) certificate: Fingerprint,
    pub(super) secret: &'a Secret,
    /// What was agreed on before.
    pub(super) standing: Option<&'a Handshake>,
}

/// What `stated` and we come to.
pub(super) fn agree(ours: &Ours<'_>, stated: Stated<'_>) -> Result<Handshake, Refusal> {
    let theirs = stated.theirs;
    let standing = ours.standing.filter(|standing| standing.theirs == theirs);
    let role = match stated.setup.map(|setup| setup.trim().to_ascii_lowercase()).as_deref() {
        // Without a word the peer begins (RFC 4145 §4).
        Some("active") | None => Role::Passive,
        Some("passive") => Role::Active,
        // What stands goes on (RFC 8842 §5.3); else the peer, who knows the way to us.
        Some("actpass") => standing.map_or(Role::Passive, |standing| standing.role),
        Some(_) => return Err(Refusal::NoSecurity),
    };
    // The checks of a second port would need answers from there.
    let ice = stated.ice.filter(|_| stated.rtcp_mux).map(|theirs| {
        let before = ours.standing.and_then(|standing| standing.ice.as_ref()).filter(|ice| ice.theirs == theirs);
        let own = before.map_or_else(|| Credentials::beside(Some(&theirs), ours.secret), |ice| ice.ours.clone());
        Ice { ours: own, theirs }
    });
    Ok(Handshake { ours: ours.certificate, theirs, role, ice })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_written() {
        for digest in Digest::ALL {
            let fingerprint = Fingerprint::with(digest, b"a certificate");
            assert_eq!(Fingerprint::read(&fingerprint.to_string()), Some(fingerprint));
            assert_eq!(Fingerprint::read(&fingerprint.to_string().to_lowercase()), Some(fingerprint));
            assert!(fingerprint.is_of(b"a certificate") && !fingerprint.is_of(b"another"));
        }
        let whole = Fingerprint::of(b"x").to_string();
        let bad = [&whole[..whole.len() - 3], "sha-1 AB:CD", "sha-256", "sha-256 ", "sha-256 AB:C", "md5 AB"];
        for bad in bad.into_iter().map(str::to_owned).chain([format!("{whole}:00"), whole.replace(':', "")]) {
            assert_eq!(Fingerprint::read(&bad), None, "{bad}");
        }
    }

    #[test]
    fn our_credentials_change_when_theirs_do() {
        let theirs = |name: &str| Credentials::read(Some(name), Some("abcdefghijklmnopqrstuv")).expect("legal");
        let secret = Secret::new([3; super::super::SECRET_BYTES]);
        let ours = Credentials::beside(Some(&theirs("abcd")), &secret);
        assert_eq!(ours, Credentials::beside(Some(&theirs("abcd")), &secret));
        assert_ne!(ours, Credentials::beside(Some(&theirs("abce")), &secret));
        assert_ne!(ours, Credentials::beside(None, &secret));
        assert!(Credentials::read(Some(&ours.name), Some(&ours.password)).is_some());
        assert!(!format!("{ours:?}").contains(&ours.password));
        for (name, password) in
            [("abc", "abcdefghijklmnopqrstuv"), ("abcd", "short"), ("ab d", "abcdefghijklmnopqrstuv")]
        {
            assert_eq!(Credentials::read(Some(name), Some(password)), None);
        }
    }
}
