//! The certificate that handshakes for keys of media show (RFC 5763): made anew at each start, and vouched for by the
//! signalling alone, which names its fingerprint.

use std::sync::Arc;

use crate::rtp::dtls::{DtlsError, Engine};

/// Why there are no handshakes.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("no certificate for media can be made: {0}")]
    Made(#[from] rcgen::Error),
    /// It cannot be used.
    #[error(transparent)]
    Used(#[from] DtlsError),
}

/// What shakes hands for all calls of this start.
pub(super) fn engine() -> Result<Arc<Engine>, CertificateError> {
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(Vec::new())?.self_signed(&key)?;
    Ok(Arc::new(Engine::new(certificate.der().to_vec(), key.serialize_der())?))
}
