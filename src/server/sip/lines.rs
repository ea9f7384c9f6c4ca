//! Trunks and telephones at the edge: whose a request is, by which ways a URI is reached, and whether it may be called.
//!
//! ```text
//! sip:100@carrier ─► the trunk's targets, those that are up first     sip:anna@REALM ─► where anna's telephones are
//! sip:100@10.0.0.5 ─► there
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};
use rsipstack::sip::{HeadersExt, Host, Request, Uri, prelude::ToTypedHeader};

use super::digest::{Doorkeeper, Presented};
use super::gate::{Gate, Permit};
use super::lane::Lane;
use super::message::{call_id, cseq, field};
use super::registrar::{Bindings, Path};
use super::route::Shared;
use super::trunk::{Admission, Admitted, CallsOut, Counting, Forbidden, Targets, Trunk, calls_out_day};
use super::{Credentials, SipConfig};

/// What one edge knows of trunks and telephones.
pub(super) struct Lines {
    pub(super) trunks: Vec<Arc<Trunk>>,
    /// Targets of each trunk, in the order of `trunks`.
    targets: Vec<Mutex<Targets>>,
    pub(super) phones: Mutex<Bindings<Path>>,
    /// Whether there is anybody to register.
    pub(super) has_phones: bool,
    realm: String,
    admission: Mutex<Admission>,
    pub(super) limits: CallsOut,
    counting: Mutex<Counting>,
    /// Calls out at once.
    out: Gate,
}

/// One way to try for a call of ours.
#[derive(Clone)]
pub(super) struct Way {
    /// Request-URI.
    pub(super) uri: Uri,
    /// The telephone's own way; `None`: where the URI leads.
    path: Option<Path>,
    /// What answers a challenge there.
    pub(super) credentials: Option<Credentials>,
    /// The trunk, and which of its targets.
    pub(super) trunk: Option<(usize, usize)>,
}

impl Way {
    /// Whether it leads to a telephone that registered here.
    pub(super) const fn is_telephone(&self) -> bool {
        self.path.is_some()
    }
}

impl Lines {
    pub(super) fn new(config: &SipConfig) -> Self {
        let mut secret = [0; 32];
        // Without randomness nonces could be foreseen; a server without it must not come up.
        SystemRandom::new().fill(&mut secret).unwrap_or_else(|_| panic!("the system has no randomness"));
        let now = Instant::now();
        let trunks: Vec<Arc<Trunk>> = config.trunks.iter().cloned().map(Arc::new).collect();
        let door = Doorkeeper::new(config.realm.clone(), &secret, now);
        Self {
            targets: trunks.iter().map(|trunk| Mutex::new(Targets::new(&trunk.targets))).collect(),
            admission: Mutex::new(Admission::new(
                trunks.clone(),
                &config.phones,
                config.strangers,
                &config.digests,
                door,
            )),
            trunks,
            phones: Mutex::default(),
            has_phones: !config.phones.is_empty(),
            realm: config.realm.clone(),
            counting: Mutex::new(Counting::new(&config.calls_out, now)),
            out: Gate::new(config.calls_out.at_once),
            limits: config.calls_out.clone(),
        }
    }

    /// One more call to `uri`: whether the dialplan (or, `by_others`, somebody else) may have it placed.
    ///
    /// # Errors
    /// The limit that stands against it; counted and logged.
    pub(super) fn may_call(&self, uri: &str, by_others: bool) -> Result<Permit, Forbidden> {
        let refused = |forbidden: Forbidden| {
            metrics::counter!("antevox_calls_out_refused_total", "why" => forbidden.name()).increment(1);
            tracing::warn!(why = %forbidden, "a call out was refused");
            forbidden
        };
        let (patterns, why) = if by_others {
            (&self.limits.redirects, Forbidden::Redirect)
        } else {
            (&self.limits.allow, Forbidden::Destination)
        };
        if !patterns.iter().any(|pattern| pattern.fits(uri)) {
            return Err(refused(why));
        }
        let permit = self.out.admit().ok_or_else(|| refused(Forbidden::AtOnce))?;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if let Ok(mut counting) = self.counting.lock() {
            counting.count(&self.limits, Instant::now(), calls_out_day(seconds)).map_err(refused)?;
        }
        metrics::counter!("antevox_calls_out_total").increment(1);
        Ok(permit)
    }

    /// A target answered an OPTIONS with this status.
    pub(super) fn target_answered(&self, (trunk, target): (usize, usize), status: u16) {
        let Some(Ok(mut targets)) = self.targets.get(trunk).map(Mutex::lock) else { return };
        let (name, uri) = (&self.trunks[trunk].name, &self.trunks[trunk].targets[target].uri);
        match targets.answered(target, status) {
            Some(true) => tracing::info!(trunk = name, target = uri, "up again"),
            Some(false) => tracing::warn!(trunk = name, target = uri, "down: it does not answer OPTIONS"),
            None => {}
        }
        let up = f64::from(u8::from(targets.is_up(target)));
        metrics::gauge!("antevox_trunk_up", "trunk" => name.clone(), "target" => uri.clone()).set(up);
    }

    /// A call found nobody at a target. Only where it is asked for life signs can it come up again.
    pub(super) fn target_failed(&self, (trunk, target): (usize, usize)) {
        if self.trunks[trunk].options.is_some()
            && let Ok(mut targets) = self.targets[trunk].lock()
        {
            targets.failed(target);
        }
    }

    /// The trunk that a URI names as its host.
    fn trunk_of(&self, uri: &Uri) -> Option<usize> {
        let Host::Domain(name) = &uri.host_with_port.host else { return None };
        self.trunks.iter().position(|trunk| trunk.name.eq_ignore_ascii_case(&name.0))
    }
}

impl Shared {
    /// Whose an INVITE is.
    pub(super) fn calling(&self, request: &Request, source: SocketAddr) -> Admitted {
        self.admitted(request, |admission, presented| admission.call(Instant::now(), source.ip(), presented))
    }

    /// Whose a REGISTER is.
    pub(super) fn registering(&self, request: &Request, source: SocketAddr) -> Admitted {
        self.admitted(request, |admission, presented| admission.registration(Instant::now(), source.ip(), presented))
    }

    fn admitted(
        &self,
        request: &Request,
        ask: impl FnOnce(&mut Admission, Option<&Presented<'_>>) -> Admitted,
    ) -> Admitted {
        let method = request.method.to_string();
        let number = cseq(request).map_or(0, |(number, _)| number);
        let branch =
            request.top_via_header().ok().and_then(|via| via.typed().ok()).and_then(|via| via.branch().cloned());
        let identity = format!("{} {number} {}", call_id(request), branch.map(|b| b.to_string()).unwrap_or_default());
        let presented = field(&request.headers, "Authorization");
        let presented = presented.map(|value| Presented { method: &method, value, identity: &identity });
        match self.lines.admission.lock() {
            Ok(mut admission) => ask(&mut admission, presented.as_ref()),
            Err(_) => Admitted::No,
        }
    }

    /// The ways to a URI, best first; none where nobody is there.
    pub(super) fn ways(&self, uri: &Uri, credentials: Option<Credentials>) -> VecDeque<Way> {
        if let Some(at) = self.lines.trunk_of(uri) {
            return self.ways_over(at, uri);
        }
        let user = uri.user().unwrap_or_default();
        let is_ours = matches!(&uri.host_with_port.host, Host::Domain(name) if name.0 == self.lines.realm);
        if is_ours && self.lines.has_phones {
            let phones = self.phones_of(user).into_iter();
            let way = |phone: super::registrar::Binding<Path>| {
                let uri = Uri::try_from(phone.uri.as_str()).ok()?;
                Some(Way { uri, path: Some(phone.path), credentials: None, trunk: None })
            };
            return phones.filter_map(way).collect();
        }
        VecDeque::from([Way { uri: uri.clone(), path: None, credentials, trunk: None }])
    }

    fn ways_over(&self, at: usize, uri: &Uri) -> VecDeque<Way> {
        let trunk = &self.lines.trunks[at];
        let order = match self.lines.targets[at].lock() {
            Ok(targets) => targets.order(|of| fastrand::u32(..of)),
            Err(_) => Vec::new(),
        };
        let way = |target: usize| {
            let mut there = Uri::try_from(trunk.targets[target].uri.as_str()).ok()?;
            there.auth.clone_from(&uri.auth);
            Some(Way { uri: there, path: None, credentials: trunk.credentials.clone(), trunk: Some((at, target)) })
        };
        order.into_iter().filter_map(way).collect()
    }

    /// The socket and address of a way.
    pub(super) async fn reach(self: &Arc<Self>, way: &Way) -> Option<(Arc<Lane>, SocketAddr)> {
        if let Some(Path { lane, source }) = &way.path {
            return Some((Arc::clone(lane), *source));
        }
        let (transport, peer) = super::outgoing::resolve(&way.uri).await?;
        let lane = self.lane_to(transport, peer, &way.uri.host_with_port.host).await?;
        Some((lane, peer))
    }
}
