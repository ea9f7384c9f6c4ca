//! A certificate for the loopback, made anew for each test by openssl: no key is ever kept.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use antevox::server::sip::{Tls, TlsFiles};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A self-signed certificate for 127.0.0.1 and localhost, in a folder of its own.
pub struct Certificate {
    folder: TempDir,
}

impl Certificate {
    /// Makes one; `make setup` installs openssl.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test".split(' '))
            .args([
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .arg("-keyout")
            .arg(folder.path().join("key.pem"))
            .arg("-out")
            .arg(folder.path().join("certificate.pem"))
            .output()
            .expect("openssl starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder }
    }

    /// The certificate's file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// A client's handshake with whoever shows it.
    #[allow(dead_code, reason = "not every test connects by hand")]
    pub async fn connect(&self, stream: TcpStream) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_file_iter(self.file()).unwrap().map(Result::unwrap));
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// TLS with it; `roots` are believed.
    pub fn tls(&self, roots: Option<&Self>) -> Tls {
        let key = self.folder.path().join("key.pem");
        Tls::load(&TlsFiles { certificate: self.file(), key, roots: roots.map(Self::file) }).unwrap()
    }
}
