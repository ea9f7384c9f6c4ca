//! Lines to other people's switches: who they are, what is believed of them, and where calls to them go. Pure.
//!
//! ```text
//! INVITE of theirs ─► Admission ─► Origin (stranger, trunk, telephone) ─► identity ─► who calls, and what else is known
//! call of ours ────► CallsOut (may it?) ─► Targets (which of them is up?)
//! ```

mod admission;
mod calls_out;
mod health;
mod identity;
mod network;
mod registration;

use std::time::Duration;

use super::Credentials;
use super::digest::Algorithm;
use crate::units::Pii;

pub(super) use admission::{Admission, Admitted, Origin};
pub use calls_out::{CallsOut, Forbidden, Pattern};
pub(super) use calls_out::{Counting, calls_out_day};
pub(super) use health::Targets;
pub(super) use identity::{Caller, caller, named};
pub use network::Network;
pub(super) use registration::{Registration, Step};

/// User name and password by which somebody proves to us who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Pii<String>,
}

/// One of the places where a trunk is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `sip:HOST[:PORT][;transport=…]`.
    pub uri: String,
    /// Its share of the calls.
    pub weight: u32,
}

/// A line to somebody else's switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trunk {
    /// Our name for it; calls to `sip:NUMBER@NAME` go over it.
    pub name: String,
    /// Where its calls come from.
    pub networks: Vec<Network>,
    /// What its calls have to prove.
    pub login: Option<Login>,
    /// By which hashes, in the order in which they are offered; none named: all that we know. There are switches that
    /// read the first one only.
    pub digests: Vec<Algorithm>,
    /// Where calls to it go.
    pub targets: Vec<Target>,
    /// What answers its challenges.
    pub credentials: Option<Credentials>,
    /// How long a registration with it lasts; `None`: we do not register.
    pub register: Option<Duration>,
    /// How often its targets are asked whether they live; `None`: never.
    pub options: Option<Duration>,
    /// Whether it is believed who calls (RFC 3325 §2: a member of our trust domain).
    pub is_trusted: bool,
    /// Whether its callers hear what is said before we answer (183).
    pub hears_early: bool,
    /// Header fields of its INVITEs that dialplans may read.
    pub headers: Vec<String>,
}

impl Trunk {
    /// Hashes by which it may prove itself.
    fn hashes(&self) -> &[Algorithm] {
        if self.digests.is_empty() { &Algorithm::ALL } else { &self.digests }
    }
}

/// What becomes of calls that come from nobody we know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strangers {
    /// They are taken.
    #[default]
    Welcome,
    /// They must prove to be a trunk or telephone of ours (401).
    Challenged,
    /// They are turned away (403).
    Refused,
}
