//! TLS.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// An authority of our own making.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, as text.
struct Paper {
    certificate: String,
    key: String,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { issuer: Issuer::new(params, key), pem }
}

impl Authority {
    fn issue(&self, params: CertificateParams) -> Paper {
        let key = KeyPair::generate().unwrap();
        Paper { certificate: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    fn name(&self, name: &str) -> Paper {
        self.issue(names(&[name]))
    }
}

fn names(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| name.to_string()).collect::<Vec<_>>()).unwrap()
}

impl Paper {
    fn files(&self, folder: &Folder, name: &str) -> TlsFiles {
        TlsFiles {
            certificate: folder.write(&format!("{name}.crt"), &self.certificate),
            key: folder.write(&format!("{name}.key"), &self.key),
            client_authorities: None,
        }
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.certificate.as_bytes()).map(Result::unwrap).collect()
    }

    fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

fn secure_listener(files: TlsFiles) -> Listener {
    Listener { tls: Some(files), ..listener(Transport::Tls, "127.0.0.1:0") }
}

fn trust(folder: &Folder, name: &str, authority: &Authority) -> Trust {
    let file = folder.write("authority.pem", &authority.pem);
    Trust { authorities_by_name: [(Box::from(name), file)].into() }
}

/// A peer that connects to us and believes this authority.
fn connector(authority: &Authority, paper: Option<&Paper>) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match paper {
        Some(paper) => builder.with_client_auth_cert(paper.chain(), paper.private()).unwrap(),
        None => builder.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

/// A carrier that shows this certificate.
fn acceptor(paper: &Paper) -> TlsAcceptor {
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(paper.chain(), paper.private())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn example() -> ServerName<'static> {
    ServerName::try_from("example.com").unwrap()
}

async fn call(house: &House, connector: &TlsConnector) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = TcpStream::connect(house.address()).await.unwrap();
    timely(connector.connect(example(), stream)).await
}

#[tokio::test]
async fn a_peer_that_shows_no_certificate_has_no_names() {
    let (folder, authority) = (Folder::new("tls-plain"), authority());
    let listeners = vec![secure_listener(authority.name("example.com").files(&folder, "own"))];
    let mut house = House::open(listeners, Trust::default(), TransportLimits::default()).await;
    let mut peer = call(&house, &connector(&authority, None)).await.unwrap();
    peer.write_all(&options(1)).await.unwrap();
    let (from, names, _) = house.message().await;
    assert_eq!((from.transport, names), (Transport::Tls, vec![]));
    house.send(from, None, 1, b"answer");
    expect_bytes(&mut peer, b"answer").await;
}

#[tokio::test]
async fn mutual_tls_tells_the_verified_names_and_lets_nobody_else_in() {
    let (folder, ours, theirs) = (Folder::new("tls-mutual"), authority(), authority());
    let mut files = ours.name("example.com").files(&folder, "own");
    files.client_authorities = Some(folder.write("clients.pem", &theirs.pem));
    let mut house = House::open(vec![secure_listener(files)], Trust::default(), TransportLimits::default()).await;

    let mut params = names(&["sbc.carrier.example"]);
    params.subject_alt_names.push(SanType::URI("sip:carrier.example".try_into().unwrap()));
    let mut peer = call(&house, &connector(&ours, Some(&theirs.issue(params)))).await.unwrap();
    peer.write_all(&options(1)).await.unwrap();
    assert_eq!(house.message().await.1, ["sbc.carrier.example", "carrier.example"]);

    let stranger = ours.name("sbc.carrier.example");
    for paper in [None, Some(&stranger)] {
        // In TLS 1.3 a client hears of its refusal only when it reads.
        if let Ok(mut peer) = call(&house, &connector(&ours, paper)).await {
            let _refused = peer.write_all(&options(2)).await;
            assert!(read_to_end(&mut peer).await.is_empty());
        }
    }
    until(|| house.transports.counters().connections_open() == 1).await;
    assert!(house.is_silent());
    let counters = house.transports.counters();
    assert_eq!(counters.tls_failure(counters::TlsFailure::NoCertificate).read(), 1);
    assert_eq!(counters.tls_failure(counters::TlsFailure::UnknownAuthority).read(), 1);
}

/// Sends one request to a carrier that shows this certificate; what the carrier read of SIP, and whether it came back.
async fn offer(paper: &Paper, trusted: &Authority, test: &str) -> (Vec<u8>, bool, House) {
    let folder = Folder::new(test);
    let trust = trust(&folder, "carrier.example", trusted);
    let mut house = House::open(vec![listener(Transport::Udp, "127.0.0.1:0")], trust, short()).await;
    let carrier = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = to(Transport::Tls, carrier.local_addr().unwrap());
    house.send(path, Some("carrier.example"), 1, &options(1));
    let (stream, _) = timely(carrier.accept()).await.unwrap();
    let read = match timely(acceptor(paper).accept(stream)).await {
        Ok(mut stream) => {
            let mut read = vec![0; options(1).len()];
            match timely(stream.read_exact(&mut read)).await {
                Ok(_) => read,
                Err(_) => Vec::new(),
            }
        }
        Err(_) => Vec::new(),
    };
    if read.is_empty() {
        assert!(matches!(house.next().await, Heard::Undeliverable(1)));
        until(|| house.transports.counters().connections_open() == 0).await;
        return (read, true, house);
    }
    (read, false, house)
}

#[tokio::test]
async fn a_carrier_that_proves_its_name_gets_the_request_by_dns_name_or_by_sip_domain() {
    let authority = authority();
    let mut by_domain = names(&["other.example"]);
    by_domain.subject_alt_names.push(SanType::URI("sip:carrier.example".try_into().unwrap()));
    for paper in [authority.name("carrier.example"), authority.issue(by_domain)] {
        let (read, undeliverable, _house) = offer(&paper, &authority, "tls-good").await;
        assert_eq!((read, undeliverable), (options(1), false));
    }
}

#[tokio::test]
async fn a_carrier_that_does_not_prove_its_name_gets_no_byte_of_sip() {
    use counters::TlsFailure;
    let (authority, other) = (authority(), authority());
    let expired = {
        let mut params = names(&["carrier.example"]);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        authority.issue(params)
    };
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        let certificate = names(&["carrier.example"]).self_signed(&key).unwrap().pem();
        Paper { certificate, key: key.serialize_pem() }
    };
    let cases = [
        (authority.name("elsewhere.example"), TlsFailure::WrongName),
        (expired, TlsFailure::WrongTime),
        (other.name("carrier.example"), TlsFailure::UnknownAuthority),
        (self_signed, TlsFailure::UnknownAuthority),
    ];
    for (paper, failure) in cases {
        let (read, undeliverable, house) = offer(&paper, &authority, "tls-bad").await;
        assert_eq!((read, undeliverable), (vec![], true), "{failure:?}");
        assert_eq!(house.transports.counters().tls_failure(failure).read(), 1, "{failure:?}");
    }
}

#[tokio::test]
async fn a_name_without_authorities_of_its_own_is_not_vouched_for_by_anothers() {
    let authority = authority();
    let folder = Folder::new("tls-foreign");
    let trust = trust(&folder, "somebody-else.example", &authority);
    let mut house = House::open(vec![listener(Transport::Udp, "127.0.0.1:0")], trust, short()).await;
    let carrier = TcpListener::bind("127.0.0.1:0").await.unwrap();
    house.send(to(Transport::Tls, carrier.local_addr().unwrap()), Some("carrier.example"), 1, &options(1));
    let (stream, _) = timely(carrier.accept()).await.unwrap();
    assert!(timely(acceptor(&authority.name("carrier.example")).accept(stream)).await.is_err());
    assert!(matches!(house.next().await, Heard::Undeliverable(1)));
}

#[tokio::test]
async fn a_connection_verified_for_one_name_is_not_used_for_another() {
    let authority = authority();
    let folder = Folder::new("tls-reuse");
    let file = folder.write("authority.pem", &authority.pem);
    let trust = Trust { authorities_by_name: [("a.example".into(), file.clone()), ("b.example".into(), file)].into() };
    let house = House::open(vec![listener(Transport::Udp, "127.0.0.1:0")], trust, TransportLimits::default()).await;
    let carrier = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let acceptor = acceptor(&authority.issue(names(&["a.example", "b.example"])));
    let path = to(Transport::Tls, carrier.local_addr().unwrap());
    let mut open = Vec::new();
    for (name, number) in [("a.example", 1), ("b.example", 2)] {
        house.send(path, Some(name), number, &options(number));
        let (stream, _) = timely(carrier.accept()).await.unwrap();
        let mut stream = timely(acceptor.accept(stream)).await.unwrap();
        expect_bytes(&mut stream, &options(number)).await;
        open.push(stream);
    }
    house.send(path, Some("A.example"), 3, &options(3));
    expect_bytes(&mut open[0], &options(3)).await;
    assert_eq!(house.transports.counters().connections_opened.read(), 2);
}

#[tokio::test]
async fn a_reload_shows_the_new_certificate_and_leaves_running_connections() {
    let (folder, old, new) = (Folder::new("tls-reload"), authority(), authority());
    let listeners = || vec![secure_listener(old.name("example.com").files(&folder, "own"))];
    let mut house = House::open(listeners(), Trust::default(), TransportLimits::default()).await;
    let mut running = call(&house, &connector(&old, None)).await.unwrap();

    let again = listeners();
    new.name("example.com").files(&folder, "own");
    house.transports.reload(profiles(again), Trust::default()).unwrap();
    call(&house, &connector(&new, None)).await.unwrap();
    assert!(call(&house, &connector(&old, None)).await.is_err());
    running.write_all(&options(1)).await.unwrap();
    assert_eq!(number_of(&house.message().await.2), 1);

    let broken = vec![secure_listener(old.name("example.com").files(&folder, "broken"))];
    folder.write("broken.crt", "nothing");
    let error = house.transports.reload(profiles(broken), Trust::default()).unwrap_err();
    assert!(error.why.contains("broken.crt holds no certificate"), "{error}");
    call(&house, &connector(&new, None)).await.unwrap();
}

#[tokio::test]
async fn errors_name_the_file() {
    let (folder, authority) = (Folder::new("tls-files"), authority());
    let good = authority.name("example.com").files(&folder, "good");
    let other = authority.name("example.com").files(&folder, "other");
    let mismatch = TlsFiles { key: other.key, ..good.clone() };
    let missing = TlsFiles { certificate: folder.0.join("missing.crt"), ..good };
    for (files, expected) in [(mismatch, "other.key is not the key of"), (missing, "missing.crt: ")] {
        let error = House::try_open(vec![secure_listener(files)], Trust::default(), short()).await.err().unwrap();
        assert!(error.listener.starts_with("profile carrier, tls "), "{error}");
        assert!(error.why.contains(expected), "{error}");
    }
    let trust = Trust { authorities_by_name: [("a".into(), folder.0.join("no.pem"))].into() };
    let error = House::try_open(Vec::new(), trust, short()).await.err().unwrap();
    assert!(error.why.contains("no.pem"), "{error}");
}

#[tokio::test]
async fn a_handshake_that_drags_on_is_given_up_on_both_sides() {
    let (folder, authority) = (Folder::new("tls-slow"), authority());
    let listeners = vec![secure_listener(authority.name("example.com").files(&folder, "own"))];
    let mut house = House::open(listeners, Trust::default(), short()).await;
    let mut silent = TcpStream::connect(house.address()).await.unwrap();
    assert!(read_to_end(&mut silent).await.is_empty());
    let carrier = TcpListener::bind("127.0.0.1:0").await.unwrap();
    house.send(to(Transport::Tls, carrier.local_addr().unwrap()), Some("carrier.example"), 1, b"x");
    let _accepted = timely(carrier.accept()).await.unwrap();
    assert!(matches!(house.next().await, Heard::Undeliverable(1)));
    assert_eq!(house.transports.counters().tls_failure(counters::TlsFailure::Timeout).read(), 2);
}

#[test]
fn without_other_names_the_common_name_counts_and_with_them_it_does_not() {
    let authority = authority();
    let read = |mut params: CertificateParams, common: &str| {
        params.distinguished_name.push(DnType::CommonName, common);
        tls::names_of(&authority.issue(params).chain()[0])
    };
    assert_eq!(*read(names(&[]), "carrier.example"), [Box::from("carrier.example")]);
    assert_eq!(*read(names(&["a.example"]), "carrier.example"), [Box::from("a.example")]);
    assert!(read(names(&[]), "evil\r\nVia: x").is_empty());
}
