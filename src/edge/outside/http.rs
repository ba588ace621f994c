//! One HTTP/1.1 request at a time, over TCP or TLS, with its answer bounded. Follows no redirection and keeps no cookie.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Makes requests. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    tls: Option<TlsConnector>,
}

/// What an answer is, once all of it is there.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HttpFault {
    /// No host, a scheme that is not HTTP, and the like.
    Address,
    Unreachable,
    /// The answer is longer than is taken.
    TooLarge,
    /// What answers speaks no HTTP, or breaks off.
    Broken,
}

impl HttpClient {
    pub fn new() -> HttpClient {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
        HttpClient { tls: config.ok().map(|config| TlsConnector::from(Arc::new(config))) }
    }

    /// Posts JSON and reads the whole answer, up to so many octets.
    pub async fn post(&self, url: &str, body: Vec<u8>, bytes_max: usize) -> Result<Answered, HttpFault> {
        let url: Uri = url.parse().map_err(|_| HttpFault::Address)?;
        let host = url.host().ok_or(HttpFault::Address)?.trim_start_matches('[').trim_end_matches(']');
        let is_secure = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(HttpFault::Address),
        };
        let port = url.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let request = request(&url, body).ok_or(HttpFault::Address)?;
        let stream = TcpStream::connect((host, port)).await.map_err(|_| HttpFault::Unreachable)?;
        if !is_secure {
            return exchange(stream, request, bytes_max).await;
        }
        let tls = self.tls.as_ref().ok_or(HttpFault::Unreachable)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| HttpFault::Address)?;
        let stream = tls.connect(name, stream).await.map_err(|_| HttpFault::Unreachable)?;
        exchange(stream, request, bytes_max).await
    }
}

fn request(url: &Uri, body: Vec<u8>) -> Option<Request<Full<Bytes>>> {
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("Host", url.authority()?.as_str().rsplit('@').next()?)
        .header("User-Agent", concat!("offhook/", env!("CARGO_PKG_VERSION")))
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, audio/wav")
        .header("Connection", "close")
        .body(Full::new(Bytes::from(body)))
        .ok()
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, bytes_max: usize) -> Result<Answered, HttpFault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| HttpFault::Broken)?;
    // The connection lives as long as this future: who gives it up closes it.
    let mut talk = std::pin::pin!(async move {
        let response = sender.send_request(request).await.map_err(|_| HttpFault::Broken)?;
        read(response, bytes_max).await
    });
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        answered = &mut talk => answered,
        // The peer has closed: what it said before is still in hand.
        _ = &mut connection => talk.await,
    }
}

async fn read(response: Response<Incoming>, bytes_max: usize) -> Result<Answered, HttpFault> {
    let status = response.status().as_u16();
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| HttpFault::Broken)?;
        let Some(bytes) = frame.data_ref() else { continue };
        if body.len() + bytes.len() > bytes_max {
            return Err(HttpFault::TooLarge);
        }
        body.extend_from_slice(bytes);
    }
    Ok(Answered { status, body })
}
