//! Our challenge to others, and whether they met it.
//!
//! A nonce is its number and time, signed: a flood of requests without proof costs no memory. Only nonces that somebody
//! has used are remembered, to find what is played again. Known and unknown users get the same challenge after the same
//! work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::{Algorithm, Parameters, Proof, quoted};
use crate::units::Pii;

/// How long a nonce is good for: a telephone registers with one and calls with it soon after; RFC 7616 §3.3 leaves it open.
const LIFETIME: Duration = Duration::from_secs(300);
/// Nonces in use that are remembered; of more, the oldest is forgotten and its user asked anew.
const MAX_IN_USE: usize = 8_192;
/// Bytes of time and number in a nonce; its signature follows.
const STAMP: usize = 12;

/// Somebody who may prove who they are.
#[derive(Clone, Debug)]
pub(in crate::server::sip) struct Account {
    /// User name.
    pub(in crate::server::sip) user: String,
    /// Password.
    pub(in crate::server::sip) password: Pii<String>,
    /// Hashes by which it may be proven: a weaker one than was asked for does not count.
    pub(in crate::server::sip) hashes: Vec<Algorithm>,
}

/// A request that claims to come from somebody.
pub(in crate::server::sip) struct Presented<'a> {
    /// Its method.
    pub(in crate::server::sip) method: &'a str,
    /// The value of `Authorization`.
    pub(in crate::server::sip) value: &'a str,
    /// What a repetition of the request shares with it: Call-ID, CSeq, branch.
    pub(in crate::server::sip) identity: &'a str,
}

/// Whether somebody is who they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server::sip) enum Verdict {
    /// This one of the accounts.
    Proven(usize),
    /// They are not, or nobody of that name exists.
    Unproven,
    /// They know the password, but the nonce is too old or was used: once more with a new one (RFC 7616 §3.3, `stale`).
    Stale,
}

/// The last use of a nonce.
#[derive(Debug)]
struct Use {
    count: u32,
    identity: String,
}

/// Makes nonces and checks what comes back.
pub(in crate::server::sip) struct Doorkeeper {
    realm: String,
    key: hmac::Key,
    began: Instant,
    /// Number of the next nonce.
    next: u32,
    /// Nonces in use, by time [ms since `began`] and number.
    used: BTreeMap<(u64, u32), Use>,
    /// Nonces up to this one are not good any more: they may have been forgotten.
    forgotten: Option<(u64, u32)>,
}

impl Doorkeeper {
    /// For one realm; `secret` is random and signs the nonces.
    pub(in crate::server::sip) fn new(realm: String, secret: &[u8; 32], now: Instant) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self { realm, key, began: now, next: 0, used: BTreeMap::new(), forgotten: None }
    }

    /// Values for `WWW-Authenticate`, one for each hash; all share one nonce.
    pub(in crate::server::sip) fn challenges(
        &mut self,
        now: Instant,
        stale: bool,
        hashes: &[Algorithm],
    ) -> Vec<String> {
        let (nonce, realm) = (self.nonce(now), quoted(&self.realm));
        let stale = if stale { ", stale=true" } else { "" };
        let challenge = |hash: &Algorithm| {
            format!("Digest realm={realm}, nonce=\"{nonce}\", qop=\"auth\", algorithm={}{stale}", hash.name())
        };
        hashes.iter().map(challenge).collect()
    }

    /// Whether `presented` was made by one of `accounts`.
    pub(in crate::server::sip) fn check(
        &mut self,
        now: Instant,
        accounts: &[Account],
        presented: &Presented<'_>,
    ) -> Verdict {
        self.try_check(now, accounts, presented).unwrap_or(Verdict::Unproven)
    }

    fn try_check(&mut self, now: Instant, accounts: &[Account], presented: &Presented<'_>) -> Option<Verdict> {
        let read = Parameters::read(presented.value)?;
        let (user, nonce, uri) = (read.get("username")?, read.get("nonce")?, read.get("uri")?);
        let algorithm = Algorithm::named(read.get("algorithm"))?;
        let counted = match read.get("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some((read.get("nc")?, read.get("cnonce")?)),
            Some(_) => return None,
        };
        if read.get("realm")? != self.realm {
            return None;
        }
        let known = accounts.iter().position(|account| account.user == user && account.hashes.contains(&algorithm));
        // Without such a user the same is computed with nobody's password.
        let password = known.map_or("", |at| accounts[at].password.0.as_str());
        let method = presented.method;
        let proof = Proof { algorithm, user, realm: &self.realm, password, method, uri, nonce, counted };
        let is_right = self.is_same(&proof.response(), &read.get("response")?.to_ascii_lowercase());
        let issued = self.issued(nonce);
        let (Some(account), true, Some(issued)) = (known, is_right, issued) else { return None };
        // Without a count a nonce is good for one request.
        let count = counted.map_or(Some(u32::MAX), |(nc, _)| u32::from_str_radix(nc, 16).ok())?;
        Some(if self.is_fresh(now, issued, count, presented.identity) {
            Verdict::Proven(account)
        } else {
            Verdict::Stale
        })
    }

    /// Takes as long wherever the two differ: both are signed, and the signatures compared in constant time.
    fn is_same(&self, ours: &str, theirs: &str) -> bool {
        let tag = hmac::sign(&self.key, ours.as_bytes());
        hmac::verify(&self.key, theirs.as_bytes(), tag.as_ref()).is_ok()
    }

    fn nonce(&mut self, now: Instant) -> String {
        let at = now.saturating_duration_since(self.began).as_millis() as u64;
        let mut bytes = [at.to_be_bytes().as_slice(), &self.next.to_be_bytes()].concat();
        self.next = self.next.wrapping_add(1);
        let tag = hmac::sign(&self.key, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Time and number of a nonce that is ours.
    fn issued(&self, nonce: &str) -> Option<(u64, u32)> {
        let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (stamp, tag) = bytes.split_at_checked(STAMP)?;
        hmac::verify(&self.key, stamp, tag).ok()?;
        let (at, number) = stamp.split_at(8);
        Some((u64::from_be_bytes(at.try_into().ok()?), u32::from_be_bytes(number.try_into().ok()?)))
    }

    /// Whether this use of a nonce is a new one, or the repetition of the last; notes it down.
    fn is_fresh(&mut self, now: Instant, issued: (u64, u32), count: u32, identity: &str) -> bool {
        let now = now.saturating_duration_since(self.began).as_millis() as u64;
        let limit = now.saturating_sub(LIFETIME.as_millis() as u64);
        self.used = self.used.split_off(&(limit, 0));
        if issued.0 < limit || self.forgotten.is_some_and(|forgotten| issued <= forgotten) {
            return false;
        }
        if let Some(last) = self.used.get(&issued)
            && count <= last.count
        {
            return count == last.count && last.identity == identity;
        }
        self.used.insert(issued, Use { count, identity: identity.to_owned() });
        if self.used.len() > MAX_IN_USE {
            self.forgotten = self.used.pop_first().map(|(oldest, _)| oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, answer};
    use super::*;
    use crate::server::sip::Credentials;
    use proptest::prelude::*;

    struct World {
        door: Doorkeeper,
        accounts: Vec<Account>,
        now: Instant,
    }

    fn world() -> World {
        let now = Instant::now();
        let accounts =
            vec![Account { user: "anna".into(), password: Pii("pass word".into()), hashes: Algorithm::ALL.to_vec() }];
        World { door: Doorkeeper::new("house".into(), &[7; 32], now), accounts, now }
    }

    impl World {
        fn answer(&mut self, user: &str, password: &str, only: &str) -> String {
            let challenges = self.door.challenges(self.now, false, &Algorithm::ALL);
            let realm = Some("house".to_owned());
            let credentials = Credentials { user: user.into(), password: Pii(password.into()), realm };
            let offered = challenges.iter().map(String::as_str).filter(|value| value.contains(only));
            answer(offered, &credentials, &Asked { method: "REGISTER", uri: "sip:house", cnonce: "c" }).unwrap()
        }

        fn check(&mut self, value: &str, identity: &str) -> Verdict {
            self.door.check(self.now, &self.accounts, &Presented { method: "REGISTER", value, identity })
        }
    }

    #[test]
    fn who_knows_the_password_is_let_in_by_either_hash() {
        let mut world = world();
        for only in ["SHA-256", "MD5"] {
            let value = world.answer("anna", "pass word", only);
            assert_eq!(world.check(&value, "1"), Verdict::Proven(0), "{only}");
        }
    }

    #[test]
    fn a_weaker_hash_than_was_asked_for_does_not_count() {
        let mut world = world();
        world.accounts[0].hashes = vec![Algorithm::Sha256];
        let value = world.answer("anna", "pass word", "MD5");
        assert_eq!(world.check(&value, "1"), Verdict::Unproven);
    }

    #[test]
    fn a_wrong_password_and_an_unknown_user_look_the_same() {
        let mut world = world();
        for (user, password) in [("anna", "wrong"), ("nobody", ""), ("nobody", "pass word"), ("", "")] {
            let value = world.answer(user, password, "SHA-256");
            assert_eq!(world.check(&value, "1"), Verdict::Unproven);
        }
    }

    #[test]
    fn what_is_played_again_is_stale_unless_it_is_the_same_request() {
        let mut world = world();
        let value = world.answer("anna", "pass word", "SHA-256");
        assert_eq!(world.check(&value, "call 1"), Verdict::Proven(0));
        assert_eq!(world.check(&value, "call 1"), Verdict::Proven(0), "a retransmission");
        assert_eq!(world.check(&value, "call 2"), Verdict::Stale, "a replay");
    }

    #[test]
    fn an_old_nonce_is_stale_and_a_forged_one_nothing() {
        let (mut world, mut stranger) = (world(), world());
        let value = world.answer("anna", "pass word", "SHA-256");
        world.now += LIFETIME + Duration::from_millis(1);
        assert_eq!(world.check(&value, "1"), Verdict::Stale);
        stranger.door = Doorkeeper::new("house".into(), &[8; 32], stranger.now);
        let forged = stranger.answer("anna", "pass word", "SHA-256");
        assert_eq!(world.check(&forged, "1"), Verdict::Unproven);
        assert!(world.door.challenges(world.now, true, &Algorithm::ALL)[0].ends_with(", stale=true"));
    }

    #[test]
    fn a_forgotten_nonce_is_not_good_again() {
        let mut world = world();
        let first = world.answer("anna", "pass word", "MD5");
        assert_eq!(world.check(&first, "1"), Verdict::Proven(0));
        for _ in 0..MAX_IN_USE {
            let next = world.answer("anna", "pass word", "MD5");
            assert_eq!(world.check(&next, "1"), Verdict::Proven(0));
        }
        assert_eq!(world.check(&first, "2"), Verdict::Stale);
        assert!(world.door.used.len() <= MAX_IN_USE);
    }

    proptest! {
        #[test]
        fn nothing_that_is_presented_panics_or_gets_in(value in "(Digest )?.{0,200}") {
            let mut world = world();
            prop_assert_eq!(world.check(&value, "1"), Verdict::Unproven);
        }

        #[test]
        fn one_changed_character_is_not_let_in(at in 0usize..300, other in proptest::char::range('a', 'z')) {
            let mut world = world();
            let value = world.answer("anna", "pass word", "SHA-256");
            let response = value.find("response=\"").unwrap() + 10;
            let at = response + at % 64;
            prop_assume!(value.as_bytes()[at] as char != other);
            let mut changed = value.clone();
            changed.replace_range(at..=at, &other.to_string());
            prop_assert_eq!(world.check(&changed, "1"), Verdict::Unproven);
        }
    }
}
