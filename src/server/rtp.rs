//! UDP ports for media: a pool of pairs, an even one for RTP and the next for RTCP (RFC 3550 §11).
//!
//! ```text
//! RtpPorts::open ─► RtpSockets { rtp, rtcp } ─ dropped ─► quarantine ─► free again
//! ```
//!
//! Pairs are taken at random, so that a stranger cannot guess where the next call listens, and rest for a while after
//! use, so that late packets of one call do not reach another. A range with no free pair is [`RtpError::Exhausted`]: the
//! call at the door gets 503, live calls keep theirs.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;

/// The range used unless another is named: below Linux' own ephemeral ports, 8,192 pairs.
pub const DEFAULT_RANGE: RangeInclusive<u16> = 16_384..=32_767;
/// How long a pair rests after use; a jitter buffer on the far side has run dry by then.
pub const QUARANTINE: Duration = Duration::from_secs(10);

/// A pool of port pairs. Clones share it.
#[derive(Clone, Debug)]
pub struct RtpPorts {
    address: IpAddr,
    /// First even port.
    low: u16,
    pairs: u16,
    quarantine: Duration,
    taken: Arc<Mutex<HashMap<u16, Taken>>>,
}

/// Why an even port is not free.
#[derive(Clone, Copy, Debug)]
enum Taken {
    InUse,
    Resting { until: Instant },
}

/// One call's sockets.
#[derive(Debug)]
pub struct RtpSockets {
    /// For RTP, and for RTCP too where both sides agreed to multiplex (RFC 5761).
    pub rtp: UdpSocket,
    /// For RTCP.
    pub rtcp: UdpSocket,
    _lease: Lease,
}

impl RtpSockets {
    /// Where RTP is received.
    ///
    /// # Errors
    /// What the system says about its own socket.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.rtp.local_addr()
    }
}

/// Gives its pair back when dropped.
#[derive(Debug)]
struct Lease {
    port: u16,
    quarantine: Duration,
    taken: Arc<Mutex<HashMap<u16, Taken>>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let until = Instant::now() + self.quarantine;
        lock(&self.taken).insert(self.port, Taken::Resting { until });
    }
}

/// Why there are no ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// The range holds no even port with an odd one after it.
    #[error(
        "the RTP range {0}-{1} holds no port pair; give --rtp LOW-HIGH with at least two ports from an even one on"
    )]
    EmptyRange(u16, u16),
    /// Every pair is in use, resting, or taken by somebody else.
    #[error("all RTP ports are in use")]
    Exhausted,
}

impl RtpError {
    /// The SIP status that a caller gets for it.
    pub fn sip_status(self) -> u16 {
        match self {
            Self::EmptyRange(..) => 500,
            Self::Exhausted => 503,
        }
    }
}

impl RtpPorts {
    /// A pool of the pairs in `range`, bound to `address`.
    ///
    /// # Errors
    /// [`RtpError::EmptyRange`].
    pub fn new(address: IpAddr, range: RangeInclusive<u16>) -> Result<Self, RtpError> {
        let (low, high) = (u32::from(*range.start()).next_multiple_of(2).max(2), u32::from(*range.end()));
        let pairs = (high + 1).saturating_sub(low) / 2;
        if pairs == 0 {
            return Err(RtpError::EmptyRange(*range.start(), *range.end()));
        }
        // Both fit: they lie between the bounds of a u16 range.
        let (low, pairs) = (low as u16, pairs as u16);
        Ok(Self { address, low, pairs, quarantine: QUARANTINE, taken: Arc::default() })
    }

    /// The same pool with another rest after use.
    #[must_use]
    pub fn with_quarantine(self, quarantine: Duration) -> Self {
        Self { quarantine, ..self }
    }

    /// The same pairs, bound to another address.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Opens a free pair.
    ///
    /// # Errors
    /// [`RtpError::Exhausted`].
    pub fn open(&self) -> Result<RtpSockets, RtpError> {
        let start = fastrand::u16(..self.pairs);
        for step in 0..self.pairs {
            let nth = (u32::from(start) + u32::from(step)) % u32::from(self.pairs);
            let port = self.low + 2 * nth as u16;
            if !self.lease(port) {
                continue;
            }
            let lease = Lease { port, quarantine: self.quarantine, taken: Arc::clone(&self.taken) };
            match (self.bind(port), self.bind(port + 1)) {
                (Ok(rtp), Ok(rtcp)) => return Ok(RtpSockets { rtp, rtcp, _lease: lease }),
                // Somebody else has one of them: it rests as if we had used it.
                _ => drop(lease),
            }
        }
        Err(RtpError::Exhausted)
    }

    /// Pairs in use by calls.
    pub fn in_use(&self) -> usize {
        lock(&self.taken).values().filter(|taken| matches!(taken, Taken::InUse)).count()
    }

    fn lease(&self, port: u16) -> bool {
        let mut taken = lock(&self.taken);
        match taken.get(&port) {
            Some(Taken::InUse) => return false,
            Some(Taken::Resting { until }) if *until > Instant::now() => return false,
            Some(Taken::Resting { .. }) | None => {}
        }
        taken.insert(port, Taken::InUse);
        true
    }

    fn bind(&self, port: u16) -> std::io::Result<UdpSocket> {
        let socket = std::net::UdpSocket::bind((self.address, port))?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    }
}

/// The map stays whole whatever its last holder did: each change is one call.
fn lock(taken: &Mutex<HashMap<u16, Taken>>) -> std::sync::MutexGuard<'_, HashMap<u16, Taken>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn pairs_are_even_and_odd_and_run_out() {
        let pool = RtpPorts::new(LOOPBACK, 42_001..=42_007).unwrap().with_quarantine(Duration::ZERO);
        let mut open: Vec<RtpSockets> = (0..3).map(|_| pool.open().unwrap()).collect();
        for sockets in &open {
            let port = sockets.local_addr().unwrap().port();
            assert!(port % 2 == 0 && (42_002..=42_006).contains(&port));
            assert_eq!(sockets.rtcp.local_addr().unwrap().port(), port + 1);
        }
        assert_eq!(pool.open().unwrap_err(), RtpError::Exhausted);
        assert_eq!((RtpError::Exhausted.sip_status(), pool.in_use()), (503, 3));
        open.pop();
        assert!(pool.open().is_ok());
    }

    #[tokio::test]
    async fn a_pair_is_taken_once_whatever_address_it_is_bound_to() {
        let pool = RtpPorts::new(LOOPBACK, 42_020..=42_023).unwrap().with_quarantine(Duration::ZERO);
        let other = pool.at(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
        let (one, two) = (pool.open().unwrap(), other.open().unwrap());
        assert_ne!(one.local_addr().unwrap().port(), two.local_addr().unwrap().port());
        assert!(two.local_addr().unwrap().ip().is_unspecified() && pool.open().is_err());
    }

    #[tokio::test]
    async fn a_pair_rests_after_use() {
        let pool = RtpPorts::new(LOOPBACK, 42_010..=42_011).unwrap();
        drop(pool.open().unwrap());
        tokio::time::pause();
        for _ in 0..10 {
            assert_eq!(pool.open().unwrap_err(), RtpError::Exhausted);
            assert_eq!(pool.in_use(), 0);
            tokio::time::advance(QUARANTINE / 10).await;
        }
        assert!(pool.open().is_ok());
    }

    #[test]
    fn a_range_without_a_pair_is_refused() {
        for range in [1..=1, 7..=8, 65_535..=65_535, RangeInclusive::new(9, 3)] {
            assert!(RtpPorts::new(LOOPBACK, range.clone()).is_err(), "{range:?}");
        }
        assert!(RtpPorts::new(LOOPBACK, 65_534..=65_535).is_ok());
    }
}
