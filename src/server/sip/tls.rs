//! TLS: our certificate for those who connect, and whom we believe when we do.
//!
//! Nothing is believed by default: a connection of ours needs roots, and a name (or address) in the URI that the peer's
//! certificate is for. A peer that connects to us shows no certificate; who may call is not decided here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsipstack::sip::Host;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::HANDSHAKE;

/// Files that TLS needs, PEM each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Our certificate, those between it and the root after it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Whom we believe when we connect to others; without it we do not.
    pub roots: Option<PathBuf>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is not there, or holds nothing of its kind.
    #[error("{file}: no {kind} can be read ({source}); `certs/README.md` says how to get one")]
    File {
        /// Which.
        file: PathBuf,
        /// What it should hold.
        kind: &'static str,
        /// What is wrong.
        source: tokio_rustls::rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not belong together, or are of a kind that nobody speaks.
    #[error("{file}: the certificate does not fit its key ({source})")]
    Misfit {
        /// The certificate's file.
        file: PathBuf,
        /// What is wrong.
        source: tokio_rustls::rustls::Error,
    },
}

/// Both sides of TLS.
#[derive(Clone)]
pub struct Tls {
    /// `None` for one who only calls.
    acceptor: Option<TlsAcceptor>,
    connector: Option<TlsConnector>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls(connects: {})", self.connector.is_some())
    }
}

impl Tls {
    /// Reads certificate, key and roots.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key, "private key"))?;
        let misfit = |source| TlsError::Misfit { file: files.certificate.clone(), source };
        let server = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(certificates(&files.certificate)?, key)
            .map_err(misfit)?;
        let connector = files.roots.as_deref().map(connector).transpose()?;
        Ok(Self { acceptor: Some(TlsAcceptor::from(Arc::new(server))), connector })
    }

    /// For one who only calls, and believes `roots`.
    ///
    /// # Errors
    /// [`TlsError::File`].
    pub fn calling(roots: &Path) -> Result<Self, TlsError> {
        Ok(Self { acceptor: None, connector: Some(connector(roots)?) })
    }

    /// The handshake with a peer that connected to us.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<server::TlsStream<TcpStream>> {
        let acceptor = self.acceptor.as_ref().ok_or(std::io::ErrorKind::Unsupported)?;
        tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await?
    }

    /// The handshake with a peer that we connected to, and that should be `host`.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        host: &Host,
        peer: SocketAddr,
    ) -> std::io::Result<client::TlsStream<TcpStream>> {
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.0.clone()).map_err(std::io::Error::other)?,
            Host::IpAddr(_) => ServerName::from(peer.ip()),
        };
        let connector = self.connector.as_ref().ok_or(std::io::ErrorKind::Unsupported)?;
        tokio::time::timeout(HANDSHAKE, connector.connect(name, stream)).await?
    }
}

fn connector(roots: &Path) -> Result<TlsConnector, TlsError> {
    let mut store = RootCertStore::empty();
    // A system's bundle may hold a few that rustls does not understand; what is left is what is believed.
    store.add_parsable_certificates(certificates(roots)?);
    let config = ClientConfig::builder().with_root_certificates(store).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = unreadable(file, "certificate");
    let all: Vec<_> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(&wrong)?;
    if all.is_empty() { Err(wrong(tokio_rustls::rustls::pki_types::pem::Error::NoItemsFound)) } else { Ok(all) }
}

fn unreadable<'a>(
    file: &'a Path,
    kind: &'static str,
) -> impl Fn(tokio_rustls::rustls::pki_types::pem::Error) -> TlsError + 'a {
    move |source| TlsError::File { file: file.to_owned(), kind, source }
}
