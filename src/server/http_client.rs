//! A plain HTTP client: one request over one connection, by `http` or `https`.
//!
//! ```text
//! URL ─► TCP ─► TLS where the scheme says so ─► HTTP/1.1 ─► response, its body still to be read
//! ```
//!
//! Whom TLS believes is what the system believes: the bundle that `SSL_CERT_FILE` names, else Debian's. Time limits are the
//! caller's: who waits knows how long.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::uri::{InvalidUri, Scheme};
use axum::http::{HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::either::Either;

/// Where Debian keeps what the system believes.
const DEBIAN_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Redirections that are followed; a download site uses one or two.
const MOST_REDIRECTIONS: usize = 5;

/// A connection, plain or protected.
pub type Connection = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is none that we can follow.
    #[error("`{0}` is no address of the form http://host:port/path")]
    BadAddress(String),
    /// The name is not known, or nobody listens there.
    #[error("cannot connect to {host}: {source}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is nobody to believe.
    #[error("{} cannot be read as certificates; install Debian's ca-certificates or set SSL_CERT_FILE", .0.display())]
    NoRoots(PathBuf),
    /// The connection ended, or what came is no HTTP.
    #[error("the connection failed: {0}")]
    Broken(#[from] hyper::Error),
    /// The request cannot be written.
    #[error("the request cannot be made: {0}")]
    BadRequest(#[from] axum::http::Error),
    /// The server sends us round in circles.
    #[error("redirected more than {MOST_REDIRECTIONS} times")]
    RedirectedTooOften,
}

impl From<InvalidUri> for HttpError {
    fn from(invalid: InvalidUri) -> Self {
        Self::BadAddress(invalid.to_string())
    }
}

/// Connects to where `uri` points: `http` and `ws` plainly, `https` and `wss` over TLS.
///
/// # Errors
/// [`HttpError::BadAddress`], [`HttpError::Unreachable`], [`HttpError::NoRoots`].
pub async fn connect(uri: &Uri) -> Result<Connection, HttpError> {
    let bad = || HttpError::BadAddress(uri.to_string());
    let host = uri.host().ok_or_else(bad)?.trim_start_matches('[').trim_end_matches(']');
    let protected = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP || scheme.as_str() == "ws" => false,
        Some(scheme) if *scheme == Scheme::HTTPS || scheme.as_str() == "wss" => true,
        _ => return Err(bad()),
    };
    let port = uri.port_u16().unwrap_or(if protected { 443 } else { 80 });
    let unreachable = |source| HttpError::Unreachable { host: format!("{host}:{port}"), source };
    let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
    // What is said goes out at once: a few bytes that wait for more make an answer late.
    stream.set_nodelay(true).map_err(unreachable)?;
    if !protected {
        return Ok(Either::Left(stream));
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|_| bad())?;
    let stream = connector()?.connect(name, stream).await.map_err(unreachable)?;
    Ok(Either::Right(Box::new(stream)))
}

fn connector() -> Result<TlsConnector, HttpError> {
    let file = std::env::var_os("SSL_CERT_FILE").map_or_else(|| PathBuf::from(DEBIAN_ROOTS), PathBuf::from);
    let certificates: Option<Vec<CertificateDer<'static>>> =
        CertificateDer::pem_file_iter(&file).ok().map(|found| found.flatten().collect());
    let mut roots = RootCertStore::empty();
    // A system's bundle may hold a few that rustls does not understand; what is left is what is believed.
    roots.add_parsable_certificates(certificates.unwrap_or_default());
    if roots.is_empty() {
        return Err(HttpError::NoRoots(file));
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Sends `request`, whose URI is a whole URL.
///
/// # Errors
/// [`HttpError`]. A status that is no success is no error here.
pub async fn send(mut request: Request<Body>) -> Result<Response<Incoming>, HttpError> {
    let uri = request.uri().clone();
    let stream = connect(&uri).await?;
    let authority = uri.authority().ok_or_else(|| HttpError::BadAddress(uri.to_string()))?;
    let host = HeaderValue::from_str(authority.as_str()).map_err(axum::http::Error::from)?;
    request.headers_mut().insert(header::HOST, host);
    // On the wire stands the path alone (RFC 9112 §3.2.1).
    *request.uri_mut() =
        uri.path_and_query().map_or_else(|| Ok(Uri::from_static("/")), |path| path.as_str().parse())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Carries the bytes until the response is read or dropped; its errors are those of the response.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

/// Asks for `url`, following redirections; `header` is sent along where there is one.
///
/// # Errors
/// [`HttpError`]. A status that is no success is no error here.
pub async fn get(url: &str, headers: &[(header::HeaderName, String)]) -> Result<Response<Incoming>, HttpError> {
    let mut uri: Uri = url.parse()?;
    for _ in 0..=MOST_REDIRECTIONS {
        let mut request = Request::get(&uri).header(header::USER_AGENT, "antevox");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = send(request.body(Body::empty())?).await?;
        let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        match to.filter(|_| response.status().is_redirection()) {
            Some(to) => uri = redirected(&uri, to)?,
            None => return Ok(response),
        }
    }
    Err(HttpError::RedirectedTooOften)
}

/// Where `to` leads from `from`: a whole URL, or a path on the same host.
fn redirected(from: &Uri, to: &str) -> Result<Uri, HttpError> {
    if !to.starts_with('/') {
        return Ok(to.parse()?);
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = Some(to.parse()?);
    Uri::from_parts(parts).map_err(|_| HttpError::BadAddress(to.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_may_name_a_path() {
        let from: Uri = "https://here:8443/a?b".parse().unwrap();
        assert_eq!(redirected(&from, "/c?d").unwrap(), "https://here:8443/c?d");
        assert_eq!(redirected(&from, "http://there/c").unwrap(), "http://there/c");
    }

    #[tokio::test]
    async fn what_is_no_address_is_named() {
        for bad in ["ftp://host/", "/path", "nonsense"] {
            assert!(matches!(get(bad, &[]).await, Err(HttpError::BadAddress(_))), "{bad}");
        }
    }
}
