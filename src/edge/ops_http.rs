//! The operations port: metrics, health, readiness. Bounded in connections and in patience; shows nothing of any call.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Scrapers and probes at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 32;
/// How long a peer may take over the head of its request.
const HEADER_PATIENCE: Duration = Duration::from_secs(5);
/// The longest life of a connection, whatever happens on it.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait when the system gives no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The head of a request; probes need far less.
const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// What the pages show. The daemon implements it; each question is answered at once.
pub trait Pages: Send + Sync + 'static {
    /// The page for Prometheus.
    fn metrics(&self) -> String;
    /// Whether the loops go on. Not being alive asks for a restart.
    fn health(&self) -> Verdict;
    /// Whether calls are taken. Not being ready asks for other places to send them to.
    fn readiness(&self) -> Verdict;
}

/// Yes without reasons; no for each of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    pub reasons: Vec<String>,
}

#[derive(Serialize)]
struct VerdictBody<'a> {
    ok: bool,
    reasons: &'a [String],
}

/// The bound port; serves when asked to.
#[derive(Debug)]
pub struct OpsPage {
    listener: TcpListener,
}

impl OpsPage {
    pub async fn bind(address: SocketAddr) -> io::Result<OpsPage> {
        Ok(OpsPage { listener: TcpListener::bind(address).await? })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the future is dropped; connections under way end with their own patience.
    pub async fn serve(self, pages: Arc<dyn Pages>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let pages = Arc::clone(&pages);
                    tokio::spawn(async move {
                        serve_one(stream, pages).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the operations port cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn serve_one(stream: TcpStream, pages: Arc<dyn Pages>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let response = respond(pages.as_ref(), request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), answer);
    match tokio::time::timeout(CONNECTION_PATIENCE, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection of the operations port broke"),
        Err(_) => tracing::debug!("a connection of the operations port lasted too long"),
    }
}

fn respond(pages: &dyn Pages, method: &Method, path: &str) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = page(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/metrics" => page(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", pages.metrics()),
        "/healthz" => verdict(&pages.health()),
        "/readyz" => verdict(&pages.readiness()),
        _ => page(StatusCode::NOT_FOUND, "text/plain", "here are /metrics, /healthz and /readyz\n".to_owned()),
    }
}

fn verdict(verdict: &Verdict) -> Response<Full<Bytes>> {
    let ok = verdict.reasons.is_empty();
    let body = serde_json::to_string(&VerdictBody { ok, reasons: &verdict.reasons }).unwrap_or_default();
    page(if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, "application/json", body + "\n")
}

fn page(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    struct Draining;

    impl Pages for Draining {
        fn metrics(&self) -> String {
            "offhook_calls_active 1\n".to_owned()
        }
        fn health(&self) -> Verdict {
            Verdict::default()
        }
        fn readiness(&self) -> Verdict {
            Verdict { reasons: vec!["draining: \"1\" call".to_owned()] }
        }
    }

    async fn port() -> SocketAddr {
        let port = OpsPage::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = port.address().unwrap();
        tokio::spawn(port.serve(Arc::new(Draining)));
        address
    }

    /// The whole answer to `head`, whose connection is closed by the server.
    async fn check(address: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn pages_answer_with_what_a_probe_looks_at() {
        let address = port().await;
        for (head, status, body) in [
            ("GET /metrics HTTP/1.1", "200 OK", "offhook_calls_active 1\n"),
            ("GET /healthz HTTP/1.1", "200 OK", "{\"ok\":true,\"reasons\":[]}\n"),
            ("GET /readyz HTTP/1.1", "503 ", "{\"ok\":false,\"reasons\":[\"draining: \\\"1\\\" call\"]}\n"),
            ("GET /metrics/../x HTTP/1.1", "404 ", "here are"),
            ("POST /metrics HTTP/1.1", "405 ", "only GET"),
        ] {
            let answer = check(address, head).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
            assert!(answer.contains(body), "{head}: {answer}");
        }
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused_and_the_port_goes_on() {
        let address = port().await;
        let long = format!("GET /{} HTTP/1.1", "x".repeat(HEAD_BYTES_MAX * 2));
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may close before everything is written.
        let _ = stream.write_all(long.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
        assert!(check(address, "INVITE sip:a@b SIP/2.0").await.starts_with("HTTP/1.1 400"));
        assert!(check(address, "GET /healthz HTTP/1.1").await.contains("\"ok\":true"));
    }

    #[tokio::test]
    async fn more_connections_than_places_wait_for_their_turn() {
        let address = port().await;
        let mut idle = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let late = tokio::spawn(async move { check(address, "GET /healthz HTTP/1.1").await });
        drop(idle);
        assert!(late.await.unwrap().contains("\"ok\":true"));
    }
}
