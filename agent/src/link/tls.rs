//! Which certificates are believed: those of the operating system, and an extra authority given at enrollment.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The extra authority is not PEM.
    #[error("ca-file: no certificate in PEM form could be read from it: {0}")]
    BadAuthority(String),
    /// The library refused.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Makes `ring` the process's cryptography; safe to call more than once.
pub fn install_provider() {
    // An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The client's TLS settings; `extra` is PEM.
///
/// # Errors
/// [`TlsError`] when `extra` holds no certificate or there is no trust anchor at all.
pub fn client_config(extra: Option<&str>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = Vec::new();
    if let Some(pem) = extra {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.push(certificate.map_err(|error| TlsError::BadAuthority(error.to_string()))?);
        }
        if roots.is_empty() {
            return Err(TlsError::BadAuthority("there is none in it".to_owned()));
        }
    }
    let verifier = if roots.is_empty() {
        Verifier::new(Arc::clone(&provider))?
    } else {
        Verifier::new_with_extra_roots(roots, Arc::clone(&provider))?
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_is_none_is_refused() {
        let error = client_config(Some("hello")).unwrap_err();
        assert!(error.to_string().starts_with("ca-file:"), "{error}");
    }
}
