//! Who sends a request: a trunk by its address, a trunk or telephone by its password, or a stranger.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::{Login, Strangers, Trunk};
use crate::server::sip::digest::{Account, Algorithm, Doorkeeper, Presented, Verdict};

/// Where a call comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server::sip) enum Origin {
    /// Nobody we know.
    Stranger,
    /// A trunk of ours.
    Trunk(Arc<Trunk>),
    /// A telephone of ours, by its user name.
    Phone(String),
}

/// Whether a request may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server::sip) enum Admitted {
    /// It comes from here.
    As(Origin),
    /// First it must meet one of these (401).
    Prove(Vec<String>),
    /// It may not (403).
    No,
}

/// Everybody we know.
pub(in crate::server::sip) struct Admission {
    trunks: Vec<Arc<Trunk>>,
    /// Who can prove something, trunks first.
    accounts: Vec<Account>,
    origins: Vec<Origin>,
    strangers: Strangers,
    /// By which hashes telephones and strangers may prove themselves, in the order in which they are offered.
    digests: Vec<Algorithm>,
    door: Doorkeeper,
}

impl Admission {
    pub(in crate::server::sip) fn new(
        trunks: Vec<Arc<Trunk>>,
        phones: &[Login],
        strangers: Strangers,
        digests: &[Algorithm],
        door: Doorkeeper,
    ) -> Self {
        let account =
            |Login { user, password }: Login, hashes: &[Algorithm]| Account { user, password, hashes: hashes.to_vec() };
        let of_trunks = trunks
            .iter()
            .filter_map(|trunk| Some((account(trunk.login.clone()?, trunk.hashes()), Origin::Trunk(trunk.clone()))));
        let of_phones = phones.iter().map(|phone| (account(phone.clone(), digests), Origin::Phone(phone.user.clone())));
        let (accounts, origins) = of_trunks.chain(of_phones).unzip();
        Self { trunks, accounts, origins, strangers, digests: digests.to_vec(), door }
    }

    /// Whether a call from `source` is taken, and whose it is.
    pub(in crate::server::sip) fn call(
        &mut self,
        now: Instant,
        source: IpAddr,
        presented: Option<&Presented<'_>>,
    ) -> Admitted {
        let here =
            self.trunks.iter().find(|trunk| trunk.networks.iter().any(|network| network.contains(source))).cloned();
        let must_prove = match &here {
            Some(trunk) if trunk.login.is_none() => return Admitted::As(Origin::Trunk(trunk.clone())),
            Some(_) => true,
            None => self.strangers == Strangers::Challenged,
        };
        match (self.proven(now, source, presented), must_prove, self.strangers) {
            (Ok(origin), ..) => Admitted::As(origin),
            (Err(stale), true, _) => {
                let hashes = here.as_ref().map_or(self.digests.as_slice(), |trunk| trunk.hashes());
                Admitted::Prove(self.door.challenges(now, stale, hashes))
            }
            (Err(_), false, Strangers::Refused) => Admitted::No,
            (Err(_), false, _) => Admitted::As(Origin::Stranger),
        }
    }

    /// Whether a registration comes from one of our telephones.
    pub(in crate::server::sip) fn registration(
        &mut self,
        now: Instant,
        source: IpAddr,
        presented: Option<&Presented<'_>>,
    ) -> Admitted {
        match self.proven(now, source, presented) {
            Ok(Origin::Phone(user)) => Admitted::As(Origin::Phone(user)),
            Ok(_) => Admitted::No,
            Err(stale) => Admitted::Prove(self.door.challenges(now, stale, &self.digests)),
        }
    }

    /// Who somebody proves to be; else whether it was only the nonce that was too old.
    fn proven(&mut self, now: Instant, source: IpAddr, presented: Option<&Presented<'_>>) -> Result<Origin, bool> {
        let presented = presented.ok_or(false)?;
        match self.door.check(now, &self.accounts, presented) {
            Verdict::Proven(at) => match &self.origins[at] {
                // A trunk that names addresses may not be used from elsewhere, whoever learned its password.
                Origin::Trunk(trunk)
                    if !trunk.networks.is_empty() && !trunk.networks.iter().any(|n| n.contains(source)) =>
                {
                    Err(false)
                }
                origin => Ok(origin.clone()),
            },
            Verdict::Unproven => Err(false),
            Verdict::Stale => Err(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sip::Credentials;
    use crate::server::sip::digest::{Asked, answer};
    use crate::units::Pii;

    fn login(user: &str) -> Login {
        Login { user: user.into(), password: Pii(format!("{user}'s")) }
    }

    fn trunk(name: &str, network: &str, login: Option<Login>) -> Arc<Trunk> {
        let networks = if network.is_empty() { Vec::new() } else { vec![network.parse().unwrap()] };
        Arc::new(Trunk { name: name.into(), networks, login, ..Trunk::default() })
    }

    fn admission(strangers: Strangers) -> Admission {
        let trunks = vec![
            trunk("carrier", "192.0.2.0/24", None),
            trunk("office", "", Some(login("office"))),
            trunk("strict", "198.51.100.1", Some(login("strict"))),
        ];
        let door = Doorkeeper::new("house".into(), &[1; 32], Instant::now());
        Admission::new(trunks, &[login("anna")], strangers, &Algorithm::ALL, door)
    }

    fn value(admission: &mut Admission, user: &str) -> String {
        let challenges = admission.door.challenges(Instant::now(), false, &Algorithm::ALL);
        let credentials =
            Credentials { user: user.into(), password: Pii(format!("{user}'s")), realm: Some("house".into()) };
        let asked = Asked { method: "INVITE", uri: "sip:x", cnonce: "c" };
        answer(challenges.iter().map(String::as_str), &credentials, &asked).unwrap()
    }

    /// Who a call from `source` is, said with this user's password.
    fn who(admission: &mut Admission, source: &str, user: Option<&str>) -> String {
        let value = user.map(|user| value(admission, user));
        let presented = value.as_deref().map(|value| Presented { method: "INVITE", value, identity: "1" });
        match admission.call(Instant::now(), source.parse().unwrap(), presented.as_ref()) {
            Admitted::As(Origin::Trunk(trunk)) => trunk.name.clone(),
            Admitted::As(Origin::Phone(user)) => format!("phone {user}"),
            Admitted::As(Origin::Stranger) => "stranger".to_owned(),
            Admitted::Prove(_) => "401".to_owned(),
            Admitted::No => "403".to_owned(),
        }
    }

    #[test]
    fn a_call_is_known_by_its_address_or_its_password() {
        for (strangers, source, user, expected) in [
            (Strangers::Welcome, "192.0.2.9", None, "carrier"),
            (Strangers::Welcome, "203.0.113.1", None, "stranger"),
            (Strangers::Welcome, "203.0.113.1", Some("office"), "office"),
            (Strangers::Welcome, "203.0.113.1", Some("anna"), "phone anna"),
            (Strangers::Welcome, "203.0.113.1", Some("nobody"), "stranger"),
            (Strangers::Welcome, "198.51.100.1", None, "401"),
            (Strangers::Welcome, "198.51.100.1", Some("strict"), "strict"),
            (Strangers::Challenged, "203.0.113.1", Some("strict"), "401"),
            (Strangers::Challenged, "203.0.113.1", None, "401"),
            (Strangers::Challenged, "203.0.113.1", Some("nobody"), "401"),
            (Strangers::Challenged, "203.0.113.1", Some("office"), "office"),
            (Strangers::Refused, "203.0.113.1", None, "403"),
            (Strangers::Refused, "203.0.113.1", Some("nobody"), "403"),
            (Strangers::Refused, "203.0.113.1", Some("office"), "office"),
            (Strangers::Refused, "192.0.2.9", None, "carrier"),
        ] {
            let mut admission = admission(strangers);
            assert_eq!(who(&mut admission, source, user), expected, "{strangers:?} {source} {user:?}");
        }
    }

    #[test]
    fn only_telephones_register() {
        let mut admission = admission(Strangers::Welcome);
        let source = "203.0.113.1".parse().unwrap();
        for (user, may) in [("anna", true), ("office", false)] {
            let value = value(&mut admission, user);
            let presented = Presented { method: "INVITE", value: &value, identity: "1" };
            let admitted = admission.registration(Instant::now(), source, Some(&presented));
            assert_eq!(admitted, if may { Admitted::As(Origin::Phone(user.into())) } else { Admitted::No });
        }
        assert!(matches!(admission.registration(Instant::now(), source, None), Admitted::Prove(_)));
    }

    #[test]
    fn telephones_are_offered_the_hashes_that_are_named_in_that_order_and_no_other_counts() {
        let source = "203.0.113.1".parse().unwrap();
        for (named, counts) in [(&[Algorithm::Md5][..], "MD5"), (&[Algorithm::Sha256], "SHA-256")] {
            let door = Doorkeeper::new("house".into(), &[1; 32], Instant::now());
            let mut admission = Admission::new(Vec::new(), &[login("anna")], Strangers::Welcome, named, door);
            let Admitted::Prove(challenges) = admission.registration(Instant::now(), source, None) else { panic!() };
            assert!(matches!(&*challenges, [only] if only.contains(&format!("algorithm={counts}"))), "{challenges:?}");
            for hash in Algorithm::ALL {
                // Whatever was offered: this telephone takes the hash that it likes.
                let challenge = admission.door.challenges(Instant::now(), false, &[hash]);
                let (user, password) = ("anna".to_owned(), Pii("anna's".to_owned()));
                let credentials = Credentials { user, password, realm: None };
                let asked = Asked { method: "REGISTER", uri: "sip:house", cnonce: "c" };
                let value = answer(challenge.iter().map(String::as_str), &credentials, &asked).unwrap();
                let presented = Presented { method: "REGISTER", value: &value, identity: "1" };
                let admitted = admission.registration(Instant::now(), source, Some(&presented));
                assert_eq!(admitted == Admitted::As(Origin::Phone("anna".into())), named.contains(&hash), "{value}");
            }
        }
        let door = Doorkeeper::new("house".into(), &[1; 32], Instant::now());
        let both = [Algorithm::Md5, Algorithm::Sha256];
        let mut admission = Admission::new(Vec::new(), &[login("anna")], Strangers::Welcome, &both, door);
        let Admitted::Prove(challenges) = admission.registration(Instant::now(), source, None) else { panic!() };
        assert!(challenges[0].contains("MD5") && challenges[1].contains("SHA-256"), "{challenges:?}");
    }
}
