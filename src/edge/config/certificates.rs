//! Looks into certificate and key files that the configuration names: readable, PEM, and belonging together. Keeps none of it.

use crate::edge::config::fields::printable;
use crate::edge::config::reading::{Item, Reading};
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate chain and its private key.
pub fn check_pair(reading: &Reading, certificate: &Item, key: &Item) {
    if reading.is_dormant() {
        return;
    }
    let chain = chain(reading, certificate);
    let private = private_key(reading, key);
    let (Some(chain), Some(private)) = (chain, private) else { return };
    let provider = aws_lc_rs::default_provider();
    let problem = match CertifiedKey::from_der(chain, private, &provider) {
        Ok(_) => return,
        Err(rustls::Error::InconsistentKeys(_)) => {
            format!("the key does not belong to the certificate `{}`", printable(&certificate.text))
        }
        Err(error) => format!("`{}` cannot be used: {error}", printable(&key.text)),
    };
    reading.error(key.at, &key.path, problem, None);
}

/// Certificates of authorities.
pub fn check_authorities(reading: &Reading, authorities: &Item) {
    if !reading.is_dormant() {
        chain(reading, authorities);
    }
}

fn chain(reading: &Reading, item: &Item) -> Option<Vec<CertificateDer<'static>>> {
    let bytes = bytes(reading, item)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let problem = match certificates {
        Ok(certificates) if !certificates.is_empty() => return Some(certificates),
        Ok(_) => format!("`{}` holds no certificate in PEM form", printable(&item.text)),
        Err(error) => format!("`{}` is damaged: {error}", printable(&item.text)),
    };
    reading.error(item.at, &item.path, problem, None);
    None
}

fn private_key(reading: &Reading, item: &Item) -> Option<PrivateKeyDer<'static>> {
    let bytes = bytes(reading, item)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes);
    if key.is_err() {
        let problem = format!("`{}` holds no private key in PEM form", printable(&item.text));
        reading.error(item.at, &item.path, problem, None);
    }
    key.ok()
}

fn bytes(reading: &Reading, item: &Item) -> Option<Vec<u8>> {
    match reading.file(&reading.path(&item.text)) {
        Ok(bytes) => Some(bytes),
        Err(reason) => {
            let problem = format!("cannot read `{}`: {reason}", printable(&item.text));
            reading.error(item.at, &item.path, problem, None);
            None
        }
    }
}
