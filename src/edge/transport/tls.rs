//! TLS for SIP: who we are, whom we believe, and what a peer's certificate says. Opens no connection.

use crate::domain::profile::TlsFiles;
use crate::edge::transport::counters::TlsFailure;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where systems keep the authorities that they trust, Debian first.
const SYSTEM_AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

const VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// X25519 and P-256 only: every carrier has one of them, and each further group is a larger first message.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::SECP256R1];
    Arc::new(provider)
}

/// Our certificate and its key.
pub fn identity(files: &TlsFiles) -> Result<Arc<CertifiedKey>, String> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| fault(&files.key, &error))?;
    let key = provider().key_provider.load_private_key(key).map_err(|error| fault(&files.key, &error))?;
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(Arc::new(identity)),
        Err(_) => Err(format!("{} is not the key of {}", files.key.display(), files.certificate.display())),
    }
}

/// How we meet peers that connect to us; mutual where the files name authorities.
pub fn server(files: &TlsFiles, identity: &Arc<CertifiedKey>) -> Result<Arc<ServerConfig>, String> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .map_err(|error| fault(&files.certificate, &error))?;
    let builder = match &files.client_authorities {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots = Arc::new(roots_from(file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                .build()
                .map_err(|error| fault(file, &error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let resolver = SingleCertAndKey::from(CertifiedKey::clone(identity));
    Ok(Arc::new(builder.with_cert_resolver(Arc::new(resolver))))
}

/// Whom we believe when we connect.
#[derive(Clone)]
pub struct Authorities {
    system: Arc<RootCertStore>,
    by_name: BTreeMap<String, Arc<RootCertStore>>,
}

impl Authorities {
    /// Reads every file once. An unreadable one is named in the error.
    pub fn load(files_by_name: &BTreeMap<Box<str>, PathBuf>) -> Result<Authorities, String> {
        let mut by_file: BTreeMap<&Path, Arc<RootCertStore>> = BTreeMap::new();
        let mut by_name = BTreeMap::new();
        for (name, file) in files_by_name {
            let roots = match by_file.get(file.as_path()) {
                Some(roots) => Arc::clone(roots),
                None => Arc::new(roots_from(file)?),
            };
            by_file.insert(file, Arc::clone(&roots));
            by_name.insert(name.to_ascii_lowercase(), roots);
        }
        Ok(Authorities { system: Arc::new(system_roots()), by_name })
    }

    /// How we connect to the peer of this name, and show who we are if it asks.
    pub fn client(
        &self,
        name: Option<&str>,
        identity: Option<&Arc<CertifiedKey>>,
    ) -> Result<Arc<ClientConfig>, rustls::Error> {
        let known = name.and_then(|name| self.by_name.get(&name.to_ascii_lowercase()));
        let roots = Arc::clone(known.unwrap_or(&self.system));
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(DomainVerifier { verifier }));
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::clone(identity))))
            }
        };
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Arc::new(config))
    }
}

/// The usual check, and beside a DNS name the SIP domain as a URI name (RFC 5922 7.1).
#[derive(Debug)]
struct DomainVerifier {
    verifier: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for DomainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let usual = self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match (usual, server_name) {
            // The name is looked at last, so the chain has passed here.
            (
                Err(rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )),
                ServerName::DnsName(wanted),
            ) if speaks_for_domain(end_entity, wanted.as_ref()) => Ok(ServerCertVerified::assertion()),
            (usual, _) => usual,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

fn speaks_for_domain(certificate: &CertificateDer<'_>, wanted: &str) -> bool {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else { return false };
    certificate
        .valid_uri_names()
        .any(|uri| uri.strip_prefix("sip:").is_some_and(|own| own.eq_ignore_ascii_case(wanted)))
}

/// DNS names, then SIP URIs as domains, then other URIs; the common name only if there is none of them (RFC 5922 7.1).
pub fn names_of(certificate: &CertificateDer<'_>) -> Arc<[Box<str>]> {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else { return Arc::from([]) };
    let dns = certificate.valid_dns_names();
    let uris = certificate.valid_uri_names().map(|uri| uri.strip_prefix("sip:").unwrap_or(uri));
    let mut names: Vec<Box<str>> = dns.chain(uris).filter(|name| is_clean(name)).map(Box::from).collect();
    if names.is_empty() {
        names.extend(common_name(certificate.subject()).filter(|name| is_clean(name)).map(Box::from));
    }
    names.into()
}

fn is_clean(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && !name.chars().any(char::is_control)
}

/// The common name in a DER subject: the object identifier 2.5.4.3, then a string of up to 127 bytes.
fn common_name(subject: &[u8]) -> Option<&str> {
    const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
    let at = subject.windows(COMMON_NAME.len()).position(|window| window == COMMON_NAME)?;
    let [_string, length, rest @ ..] = subject.get(at + COMMON_NAME.len()..)? else { return None };
    std::str::from_utf8(rest.get(..usize::from(*length).min(127))?).ok()
}

/// What broke a handshake, as a label.
pub fn failure(error: &std::io::Error) -> TlsFailure {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return if error.kind() == std::io::ErrorKind::TimedOut { TlsFailure::Timeout } else { TlsFailure::Broken };
    };
    match error {
        rustls::Error::NoCertificatesPresented => TlsFailure::NoCertificate,
        rustls::Error::AlertReceived(_) => TlsFailure::RefusedByPeer,
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsFailure::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsFailure::WrongTime,
            _ => TlsFailure::UnknownAuthority,
        },
        _ => TlsFailure::Protocol,
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    match chain {
        Ok(chain) if chain.is_empty() => Err(format!("{} holds no certificate", file.display())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(fault(file, &error)),
    }
}

fn roots_from(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| fault(file, &error))?;
    }
    Ok(roots)
}

/// The system's authorities, or Mozilla's list where the system keeps none. Single bad entries are left out.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if let Some(chain) = SYSTEM_AUTHORITIES.iter().find_map(|file| certificates(Path::new(file)).ok()) {
        roots.add_parsable_certificates(chain);
    }
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn fault(file: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}
