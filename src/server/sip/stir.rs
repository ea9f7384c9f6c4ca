//! Whether the network knows who calls: the signed Identity of an INVITE (RFC 8224, RFC 8225, RFC 8588: SHAKEN).
//!
//! ```text
//! Identity: header.payload.signature;info=<x5u>;alg=ES256;ppt=shaken
//!    ─► certificate of that name from our folder ─► chain to a trust anchor ─► signature ─► iat, orig, dest ─► A, B, C
//! ```
//!
//! Nothing is fetched: a stranger must not make us open connections to a place of his choice. The certificates of the
//! networks that may call lie in a folder, under the last part of their URL. [`Stir::verify`] is pure.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsipstack::sip::Headers;
use serde::Deserialize;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::ring::ECDSA_P256_SHA256;
use webpki::{EndEntityCert, KeyUsage};

use super::message::field;
use crate::dialog::Verified;

/// How far the clock of who signed may be from ours [s] (RFC 8224 §6.2 leaves it to policy and names 60).
const FRESH: u64 = 60;

/// Why Identity cannot be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StirError {
    /// A file holds no certificate, or cannot be read.
    #[error("{file}: no certificate can be read ({source}); sip.stir_anchors and sip.stir_certificates want PEM")]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        source: tokio_rustls::rustls::pki_types::pem::Error,
    },
    /// A certificate that nobody can be trusted by.
    #[error("{file}: not a certificate of an authority ({source})")]
    Anchor {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        source: webpki::Error,
    },
    /// The folder cannot be read.
    #[error("{folder}: {source}; sip.stir_certificates names the folder of the networks' certificates")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Whom we believe.
#[derive(Clone)]
pub struct Stir {
    anchors: Arc<[TrustAnchor<'static>]>,
    /// Chains by file name, the signer's own certificate first.
    chains: Arc<HashMap<String, Vec<CertificateDer<'static>>>>,
}

impl std::fmt::Debug for Stir {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stir({} anchors, {} chains)", self.anchors.len(), self.chains.len())
    }
}

/// What is said in a PASSporT's head.
#[derive(Deserialize)]
struct Head {
    alg: String,
    ppt: String,
    x5u: String,
}

/// What is claimed.
#[derive(Deserialize)]
struct Claims {
    attest: String,
    iat: u64,
    orig: Orig,
    dest: Dest,
}

#[derive(Deserialize)]
struct Orig {
    tn: String,
}

#[derive(Deserialize)]
struct Dest {
    tn: Vec<String>,
}

impl Stir {
    /// Reads trust anchors from a file, and chains from a folder of `.pem` files.
    ///
    /// # Errors
    /// [`StirError`].
    pub fn load(anchors: &Path, certificates: &Path) -> Result<Self, StirError> {
        let anchor = |certificate: &CertificateDer<'static>| {
            let anchor = webpki::anchor_from_trusted_cert(certificate).map(|anchor| anchor.to_owned());
            anchor.map_err(|source| StirError::Anchor { file: anchors.to_owned(), source })
        };
        let anchors = read(anchors)?.iter().map(anchor).collect::<Result<Vec<_>, _>>()?;
        let unread = |source| StirError::Folder { folder: certificates.to_owned(), source };
        let mut chains = HashMap::new();
        for entry in std::fs::read_dir(certificates).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let is_pem = path.extension().is_some_and(|extension| extension == "pem" || extension == "crt");
            if let (true, Some(name)) = (is_pem, path.file_name().and_then(|name| name.to_str())) {
                chains.insert(name.to_owned(), read(&path)?);
            }
        }
        Ok(Self { anchors: anchors.into(), chains: Arc::new(chains) })
    }

    /// How surely the network knows that `orig` calls `dest`, at this time since the epoch \[s\].
    pub(super) fn verify(&self, now: u64, headers: &Headers, orig: &str, dest: &str) -> Verified {
        match field(headers, "Identity") {
            None => Verified::None,
            Some(identity) => self.try_verify(now, identity, orig, dest).unwrap_or(Verified::Failed),
        }
    }

    fn try_verify(&self, now: u64, identity: &str, orig: &str, dest: &str) -> Option<Verified> {
        let mut parts = identity.split(';').map(str::trim);
        let token = parts.next()?;
        let info = parts.find_map(|part| part.strip_prefix("info="))?.trim().trim_matches(['<', '>']);
        let (signed, signature) = token.rsplit_once('.')?;
        let (head, claims) = signed.split_once('.')?;
        let head: Head = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).ok()?).ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        if head.alg != "ES256" || head.ppt != "shaken" || head.x5u != info {
            return None;
        }
        self.is_signed(now, &head.x5u, signed, &URL_SAFE_NO_PAD.decode(signature).ok()?)?;
        let is_for_us = claims.dest.tn.iter().any(|tn| is_same_number(tn, dest));
        if claims.iat.abs_diff(now) > FRESH || !is_for_us || !is_same_number(&claims.orig.tn, orig) {
            return None;
        }
        match claims.attest.as_str() {
            "A" => Some(Verified::A),
            "B" => Some(Verified::B),
            "C" => Some(Verified::C),
            _ => None,
        }
    }

    /// Whether `text` is signed by the owner of the certificate at `x5u`, and that one trusted.
    fn is_signed(&self, now: u64, x5u: &str, text: &str, signature: &[u8]) -> Option<()> {
        let name = x5u.split(['?', '#']).next()?.rsplit_once('/')?.1;
        let (own, between) = self.chains.get(name)?.split_first()?;
        let own = EndEntityCert::try_from(own).ok()?;
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        // Certificates of telephone networks name no extended usage: what is asked for here is only "if there is one".
        let usage = KeyUsage::client_auth();
        own.verify_for_usage(&[ECDSA_P256_SHA256], &self.anchors, between, now, usage, None, None).ok()?;
        own.verify_signature(ECDSA_P256_SHA256, text.as_bytes(), &der(signature)?).ok()
    }
}

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, StirError> {
    let failed = |source| StirError::File { file: file.to_owned(), source };
    let found: Vec<_> =
        CertificateDer::pem_file_iter(file).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    if found.is_empty() {
        return Err(failed(tokio_rustls::rustls::pki_types::pem::Error::NoItemsFound));
    }
    Ok(found)
}

/// A signature of JSON (RFC 7518 §3.4: r and s, 32 bytes each) as X.509 has it (RFC 3279 §2.2.3: two DER integers).
fn der(signature: &[u8]) -> Option<Vec<u8>> {
    if signature.len() != 64 {
        return None;
    }
    let integer = |bytes: &[u8]| {
        let first = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len() - 1);
        let digits = &bytes[first..];
        let sign = if digits[0] & 0x80 == 0 { Vec::new() } else { vec![0] };
        [vec![2, (sign.len() + digits.len()) as u8], sign, digits.to_vec()].concat()
    };
    let (r, s) = signature.split_at(32);
    let both = [integer(r), integer(s)].concat();
    Some([vec![0x30, both.len() as u8], both].concat())
}

/// Whether two numbers are the same, `+`, spaces and dashes aside (RFC 8224 §8.3).
fn is_same_number(one: &str, other: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let one = digits(one);
    !one.is_empty() && one == digits(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_signatures_are_read_whatever_their_form() {
        assert!(is_same_number("+86 138-0000", "861380000") && !is_same_number("", "") && !is_same_number("1", "11"));
        let mut raw = [0; 64];
        (raw[31], raw[32]) = (5, 0x80);
        let (low, high) = (vec![2, 1, 5], [vec![2, 33, 0, 0x80], vec![0; 31]].concat());
        assert_eq!(der(&raw), Some([vec![0x30, 38], low, high].concat()));
        assert_eq!(der(&raw[1..]), None);
    }

    proptest! {
        #[test]
        fn no_identity_panics_or_is_believed(identity in "[A-Za-z0-9_.-]{0,80}(;info=<[a-z:/.]{0,20}>)?(;alg=ES256)?") {
            let nobody = Stir { anchors: Arc::new([]), chains: Arc::default() };
            prop_assert_eq!(nobody.try_verify(0, &identity, "1", "2"), None);
        }
    }
}
