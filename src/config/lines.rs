//! `[[trunks]]` and `[[phones]]`: tables that may stand there several times, keyed `trunks.0.name` and so on.

use std::str::FromStr;
use std::time::Duration;

use super::{Given, Refused, Settings, number};
use crate::server::sip::{Credentials, Login, Target, Trunk};
use crate::units::Pii;

/// Keys of one trunk.
const TRUNK: &[&str] = &[
    "name",
    "addresses",
    "login_user",
    "login_password",
    "login_digests",
    "targets",
    "user",
    "password",
    "realm",
    "register_s",
    "options_s",
    "trusted",
    "early_media",
    "headers",
];
/// Keys of one telephone.
const PHONE: &[&str] = &["user", "password"];
/// Most trunks: each has tasks of its own.
const MAX_TRUNKS: usize = 64;
/// Most telephones.
const MAX_PHONES: usize = 10_000;

/// Something that only all keys together tell: what is missing, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incomplete {
    /// `trunks.0` …
    pub(super) what: String,
    /// What is wrong with it.
    pub(super) message: &'static str,
    /// How to mend it.
    pub(super) help: &'static str,
}

impl Settings {
    /// Sets `key` (`0.name`) of the trunks.
    pub(super) fn set_trunk(&mut self, key: &str, given: &Given) -> Result<(), Refused> {
        let (trunk, name) = entry(&mut self.trunks, key, MAX_TRUNKS, Trunk::default)?;
        match name {
            "name" => trunk.name = text(given)?,
            "addresses" => {
                let expected = "a list of addresses or networks, such as [\"192.0.2.0/24\", \"2001:db8::7\"]";
                trunk.networks = parsed(given, expected)?;
            }
            "login_user" => login(&mut trunk.login).user = text(given)?,
            "login_password" => login(&mut trunk.login).password = Pii(text(given)?),
            "login_digests" => trunk.digests = parsed(given, super::DIGESTS)?,
            "targets" => {
                let targets = given.many().iter().map(|written| target(written)).collect::<Option<_>>();
                let expected = "a list of SIP URIs, each with its weight if you like: [\"sip:192.0.2.7 3\"]";
                trunk.targets = targets.ok_or(Refused::Expected(expected))?;
            }
            "user" => credentials(trunk).user = text(given)?,
            "password" => credentials(trunk).password = Pii(text(given)?),
            "realm" => credentials(trunk).realm = Some(text(given)?),
            "register_s" => trunk.register = seconds(given, 60..=86_400, "seconds from 60 to 86400, or 0")?,
            "options_s" => trunk.options = seconds(given, 1..=3_600, "seconds from 1 to 3600, or 0")?,
            "trusted" => trunk.is_trusted = truth(given)?,
            "early_media" => trunk.hears_early = truth(given)?,
            "headers" => trunk.headers = given.many(),
            _ => return Err(Refused::UnknownKey(TRUNK.to_vec())),
        }
        Ok(())
    }

    /// Sets `key` (`0.user`) of the telephones.
    pub(super) fn set_phone(&mut self, key: &str, given: &Given) -> Result<(), Refused> {
        let nobody = || Login { user: String::new(), password: Pii(String::new()) };
        let (phone, name) = entry(&mut self.phones, key, MAX_PHONES, nobody)?;
        match name {
            "user" => phone.user = text(given)?,
            "password" => phone.password = Pii(text(given)?),
            _ => return Err(Refused::UnknownKey(PHONE.to_vec())),
        }
        Ok(())
    }

    /// What is missing in trunks and telephones.
    pub(super) fn incomplete(&self) -> Vec<Incomplete> {
        let mut found = Vec::new();
        let mut lack = |what: String, message, help| found.push(Incomplete { what, message, help });
        for (at, trunk) in self.trunks.iter().enumerate() {
            let what = || format!("trunks.{at}");
            let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if trunk.name.is_empty() || !trunk.name.chars().all(is_word) {
                lack(what(), "a trunk has no usable name", "give `name` letters, digits, `-`, `_` and `.`");
            }
            if self.trunks[..at].iter().any(|other| other.name == trunk.name) || trunk.name == self.sip.realm {
                lack(
                    what(),
                    "the name of the trunk is taken",
                    "give each trunk a `name` of its own, other than sip.realm",
                );
            }
            let is_lame = |login: &Login| login.user.is_empty() || login.password.0.is_empty();
            if trunk.login.as_ref().is_some_and(is_lame) {
                lack(what(), "the trunk's login is incomplete", "give both `login_user` and `login_password`");
            }
            if trunk.credentials.as_ref().is_some_and(|ours| {
                ours.user.is_empty() || ours.password.0.is_empty() || ours.realm.as_deref().is_none_or(str::is_empty)
            }) {
                let help = "give `user`, `password` and the `realm` that may have them";
                lack(what(), "the trunk's credentials are incomplete", help);
            }
            if trunk.register.is_some() && (trunk.targets.is_empty() || trunk.credentials.is_none()) {
                let help = "give `targets`, `user`, `password` and `realm` as well";
                lack(what(), "a registration needs to know where and as whom", help);
            }
        }
        for (at, phone) in self.phones.iter().enumerate() {
            if phone.user.is_empty() || phone.password.0.is_empty() {
                let what = format!("phones.{at}");
                lack(what, "the telephone is incomplete", "give both `user` and `password`");
            } else if self.phones[..at].iter().any(|other| other.user == phone.user) {
                lack(format!("phones.{at}"), "there are two telephones of one user", "give each a `user` of its own");
            }
        }
        found
    }
}

/// The table that `INDEX.NAME` is about, made if it is the next one, and the name.
fn entry<'t, 'k, T>(
    tables: &'t mut Vec<T>,
    key: &'k str,
    most: usize,
    new: impl Fn() -> T,
) -> Result<(&'t mut T, &'k str), Refused> {
    let expected = Refused::Expected("tables numbered from 0 without gaps, and not too many");
    let (index, name) = key.split_once('.').ok_or(expected.clone())?;
    let index: usize = index.parse().map_err(|_| expected.clone())?;
    if index > tables.len() || index >= most {
        return Err(expected);
    }
    if index == tables.len() {
        tables.push(new());
    }
    Ok((&mut tables[index], name))
}

fn login(login: &mut Option<Login>) -> &mut Login {
    login.get_or_insert(Login { user: String::new(), password: Pii(String::new()) })
}

fn credentials(trunk: &mut Trunk) -> &mut Credentials {
    trunk.credentials.get_or_insert(Credentials { user: String::new(), password: Pii(String::new()), realm: None })
}

fn text(given: &Given) -> Result<String, Refused> {
    given.one().filter(|text| !text.is_empty()).map(str::to_owned).ok_or(Refused::Expected("a text"))
}

fn truth(given: &Given) -> Result<bool, Refused> {
    given.one().and_then(|text| text.parse().ok()).ok_or(Refused::Expected("true or false"))
}

/// A list of things that can be read from text.
pub(super) fn parsed<T: FromStr>(given: &Given, expected: &'static str) -> Result<Vec<T>, Refused> {
    given.many().iter().map(|text| text.parse().ok()).collect::<Option<_>>().ok_or(Refused::Expected(expected))
}

/// `sip:HOST`, then its weight.
fn target(written: &str) -> Option<Target> {
    let (uri, weight) = match written.trim().split_once(char::is_whitespace) {
        Some((uri, weight)) => (uri, weight.trim().parse().ok().filter(|weight| (1..=1_000).contains(weight))?),
        None => (written.trim(), 1),
    };
    let has_host = uri.strip_prefix("sip:").or(uri.strip_prefix("sips:")).is_some_and(|host| !host.is_empty());
    (has_host && !uri.contains(['<', '>', '@', '"'])).then(|| Target { uri: uri.to_owned(), weight })
}

/// So many seconds; 0 stands for never.
fn seconds(
    given: &Given,
    range: std::ops::RangeInclusive<usize>,
    expected: &'static str,
) -> Result<Option<Duration>, Refused> {
    if given.one() == Some("0") {
        return Ok(None);
    }
    number(given, range, expected).map(|seconds| Some(Duration::from_secs(seconds as u64)))
}
