//! Where the telephones of our agents are at the moment (RFC 3261 §10.3). Pure; kept in memory, so that a restart asks
//! them to register again.
//!
//! Invariants: a binding outlives neither its time nor [`MOST`]; one user has at most [`PER_USER`] of them; an older request
//! of the same telephone changes nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Telephones of one user.
const PER_USER: usize = 5;
/// Shortest registration that is taken [s]: shorter ones cost more than they tell (RFC 3261 §10.3 step 7).
pub(in crate::server::sip) const LEAST: u32 = 60;
/// Longest one that is granted [s].
const MOST: u32 = 3_600;

/// What a REGISTER wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server::sip) enum Wish {
    /// To know what is registered.
    Tell,
    /// `Contact: *`: to be forgotten everywhere.
    Forget,
    /// To be reached at these URIs for so long [s]; 0 ends one.
    Reach(Vec<(String, u32)>),
}

/// A REGISTER of one user.
#[derive(Clone, Debug)]
pub(in crate::server::sip) struct Registering<'a, P> {
    pub(in crate::server::sip) user: &'a str,
    pub(in crate::server::sip) call_id: &'a str,
    pub(in crate::server::sip) number: u32,
    pub(in crate::server::sip) wish: Wish,
    /// By which way the request came: back by it go calls.
    pub(in crate::server::sip) path: P,
}

/// One telephone.
#[derive(Clone, Debug)]
pub(in crate::server::sip) struct Binding<P> {
    /// Its Contact.
    pub(in crate::server::sip) uri: String,
    /// By which way it is reached.
    pub(in crate::server::sip) path: P,
    until: Instant,
    call_id: String,
    number: u32,
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server::sip) enum NotKept {
    /// For less than [`LEAST`]: 423.
    TooBrief,
    /// More than [`PER_USER`]: 403.
    TooMany,
    /// Overtaken by a later one: 500 (RFC 3261 §10.3 step 7).
    OutOfOrder,
}

/// All telephones by user.
#[derive(Debug)]
pub(in crate::server::sip) struct Bindings<P> {
    users: HashMap<String, Vec<Binding<P>>>,
}

impl<P> Default for Bindings<P> {
    fn default() -> Self {
        Self { users: HashMap::new() }
    }
}

impl<P: Clone> Bindings<P> {
    /// Carries out what a REGISTER wants, all of it or nothing; answers the Contacts that stand and for how long [s].
    pub(in crate::server::sip) fn register(
        &mut self,
        now: Instant,
        asked: Registering<'_, P>,
    ) -> Result<Vec<(String, u64)>, NotKept> {
        self.expire(now);
        let Registering { user, call_id, number, wish, path } = asked;
        let mut bindings = self.users.get(user).cloned().unwrap_or_default();
        let is_late = |binding: &Binding<P>| binding.call_id == call_id && binding.number >= number;
        match wish {
            Wish::Tell => {}
            Wish::Forget if bindings.iter().any(is_late) => return Err(NotKept::OutOfOrder),
            Wish::Forget => bindings.clear(),
            Wish::Reach(contacts) => {
                for (uri, seconds) in contacts {
                    if (1..LEAST).contains(&seconds) {
                        return Err(NotKept::TooBrief);
                    }
                    if let Some(at) = bindings.iter().position(|binding| binding.uri == uri) {
                        // A repetition is answered like the first time.
                        if is_late(&bindings[at]) && bindings[at].number != number {
                            return Err(NotKept::OutOfOrder);
                        }
                        bindings.remove(at);
                    }
                    if seconds > 0 {
                        let until = now + Duration::from_secs(seconds.min(MOST).into());
                        bindings.push(Binding { uri, path: path.clone(), until, call_id: call_id.to_owned(), number });
                    }
                }
            }
        }
        if bindings.len() > PER_USER {
            return Err(NotKept::TooMany);
        }
        let contacts = bindings.iter().map(|binding| (binding.uri.clone(), (binding.until - now).as_secs())).collect();
        if bindings.is_empty() {
            self.users.remove(user);
        } else {
            self.users.insert(user.to_owned(), bindings);
        }
        Ok(contacts)
    }

    /// The telephones of a user, the one that registered last first.
    pub(in crate::server::sip) fn of(&self, now: Instant, user: &str) -> Vec<Binding<P>> {
        let bindings = self.users.get(user).into_iter().flatten();
        bindings.rev().filter(|binding| now < binding.until).cloned().collect()
    }

    /// The ways to all telephones.
    pub(in crate::server::sip) fn paths(&self, now: Instant) -> impl Iterator<Item = &Binding<P>> {
        self.users.values().flatten().filter(move |binding| now < binding.until)
    }

    /// Forgets what has had its time.
    pub(in crate::server::sip) fn expire(&mut self, now: Instant) {
        self.users.retain(|_, bindings| {
            bindings.retain(|binding| now < binding.until);
            !bindings.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(number: u32, wish: Wish) -> Registering<'static, u8> {
        Registering { user: "anna", call_id: "c", number, wish, path: 1 }
    }

    fn reach(uri: &str, seconds: u32) -> Wish {
        Wish::Reach(vec![(uri.to_owned(), seconds)])
    }

    #[test]
    fn a_telephone_is_reached_until_its_time_is_over() {
        let (mut bindings, now) = (Bindings::default(), Instant::now());
        let kept = bindings.register(now, asked(1, reach("sip:a@1", 120)));
        assert_eq!(kept, Ok(vec![("sip:a@1".to_owned(), 120)]));
        let later = now + Duration::from_secs(119);
        assert_eq!((bindings.of(later, "anna").len(), bindings.of(later, "otto").len()), (1, 0));
        assert!(bindings.of(later + Duration::from_secs(1), "anna").is_empty());
        assert_eq!(bindings.register(now, asked(2, reach("sip:a@1", 100_000))), Ok(vec![("sip:a@1".into(), 3_600)]));
        assert_eq!(bindings.register(now, asked(3, Wish::Tell)).map(|all| all.len()), Ok(1));
        assert_eq!(bindings.register(now, asked(4, Wish::Forget)), Ok(vec![]));
        assert!(bindings.users.is_empty());
    }

    #[test]
    fn what_came_too_late_too_often_or_for_too_brief_changes_nothing() {
        let (mut bindings, now) = (Bindings::default(), Instant::now());
        bindings.register(now, asked(5, reach("sip:a@1", 120))).unwrap();
        assert_eq!(bindings.register(now, asked(4, reach("sip:a@1", 0))), Err(NotKept::OutOfOrder));
        assert_eq!(bindings.register(now, asked(5, Wish::Forget)), Err(NotKept::OutOfOrder));
        assert_eq!(bindings.register(now, asked(5, reach("sip:a@1", 120))).map(|all| all.len()), Ok(1), "repeated");
        assert_eq!(bindings.register(now, asked(6, reach("sip:a@1", 59))), Err(NotKept::TooBrief));
        let many = (0..PER_USER).map(|n| (format!("sip:b@{n}"), 60)).collect();
        assert_eq!(bindings.register(now, asked(7, Wish::Reach(many))), Err(NotKept::TooMany));
        assert_eq!(bindings.of(now, "anna").len(), 1);
    }

    proptest! {
        #[test]
        fn limits_hold_whatever_is_asked(
            requests in prop::collection::vec((0u32..9, 0u8..12, 0u32..5_000, 0u64..4_000), 1..60),
        ) {
            let (mut bindings, mut now) = (Bindings::default(), Instant::now());
            for (number, uri, seconds, pause) in requests {
                now += Duration::from_secs(pause);
                let wish = if seconds % 7 == 0 { Wish::Forget } else { reach(&format!("sip:{uri}"), seconds) };
                if let Ok(contacts) = bindings.register(now, asked(number, wish)) {
                    prop_assert!(contacts.iter().all(|(_, left)| *left <= u64::from(MOST)));
                }
                let found = bindings.of(now, "anna");
                prop_assert!(found.len() <= PER_USER);
                let mut uris: Vec<_> = found.iter().map(|binding| binding.uri.clone()).collect();
                uris.sort();
                uris.dedup();
                prop_assert_eq!(uris.len(), found.len());
            }
        }
    }
}
