//! Our answer to somebody else's challenge.

use super::{Algorithm, Parameters, Proof, quoted};
use crate::server::sip::Credentials;

/// What is to be authorised.
pub(in crate::server::sip) struct Asked<'a> {
    /// Method of the request.
    pub(in crate::server::sip) method: &'a str,
    /// Its Request-URI as it goes out.
    pub(in crate::server::sip) uri: &'a str,
    /// Random text of ours.
    pub(in crate::server::sip) cnonce: &'a str,
}

/// The value of `Authorization` or `Proxy-Authorization`, with the best algorithm that both sides know.
///
/// `None` where no challenge is for the realm of these credentials, or none can be met: then nothing of them is told.
pub(in crate::server::sip) fn answer<'a>(
    challenges: impl Iterator<Item = &'a str>,
    credentials: &Credentials,
    asked: &Asked<'_>,
) -> Option<String> {
    let (algorithm, challenge) = challenges
        .filter_map(Parameters::read)
        .filter(|challenge| match (&credentials.realm, challenge.get("realm")) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (None, Some(_)) => true,
            (_, None) => false,
        })
        .filter_map(|challenge| Some((Algorithm::named(challenge.get("algorithm"))?, challenge)))
        .max_by_key(|(algorithm, _)| *algorithm)?;
    let (realm, nonce) = (challenge.get("realm")?, challenge.get("nonce")?);
    let counted = match challenge.get("qop") {
        None => None,
        Some(offered) if offered.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")) => {
            Some(("00000001", asked.cnonce))
        }
        Some(_) => return None,
    };
    let Credentials { user, password, .. } = credentials;
    let Asked { method, uri, .. } = *asked;
    let proof = Proof { algorithm, user, realm, password: &password.0, method, uri, nonce, counted };
    let mut value = format!(
        "Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\", algorithm={}",
        quoted(user),
        quoted(realm),
        quoted(nonce),
        quoted(uri),
        proof.response(),
        algorithm.name()
    );
    if let Some((nc, cnonce)) = counted {
        value.push_str(&format!(", qop=auth, nc={nc}, cnonce={}", quoted(cnonce)));
    }
    if let Some(opaque) = challenge.get("opaque") {
        value.push_str(&format!(", opaque={}", quoted(opaque)));
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pii;

    fn credentials(realm: Option<&str>) -> Credentials {
        Credentials { user: "agent".into(), password: Pii("secret".into()), realm: realm.map(str::to_owned) }
    }

    const ASKED: Asked<'static> = Asked { method: "INVITE", uri: "sip:x@h", cnonce: "c" };

    #[test]
    fn the_strongest_hash_of_the_own_realm_is_used() {
        let challenges = [
            "Digest realm=\"theirs\", nonce=\"a\", algorithm=SHA-256, qop=\"auth\"",
            "Digest realm=\"ours\", nonce=\"b\", qop=\"auth-int,auth\"",
            "Digest realm=\"ours\", nonce=\"c\", algorithm=SHA-256, qop=\"auth\", opaque=\"o\"",
        ];
        let value = answer(challenges.into_iter(), &credentials(Some("ours")), &ASKED).unwrap();
        assert!(
            value.contains("nonce=\"c\"") && value.contains("SHA-256") && value.ends_with("opaque=\"o\""),
            "{value}"
        );
        let value = answer(challenges[1..2].iter().copied(), &credentials(Some("ours")), &ASKED).unwrap();
        assert!(value.contains("algorithm=MD5") && value.contains("nc=00000001"), "{value}");
        let plain = answer(["Digest realm=\"ours\", nonce=\"d\""].into_iter(), &credentials(None), &ASKED).unwrap();
        assert!(!plain.contains("qop") && !plain.contains("secret"), "{plain}");
    }

    #[test]
    fn a_foreign_realm_and_what_we_do_not_know_get_nothing() {
        for challenge in [
            "Digest realm=\"theirs\", nonce=\"a\"",
            "Digest nonce=\"a\"",
            "Digest realm=\"ours\", nonce=\"a\", algorithm=SHA-512-256",
            "Digest realm=\"ours\", nonce=\"a\", qop=\"auth-int\"",
            "Basic realm=\"ours\"",
        ] {
            assert_eq!(answer([challenge].into_iter(), &credentials(Some("ours")), &ASKED), None, "{challenge}");
        }
    }
}
