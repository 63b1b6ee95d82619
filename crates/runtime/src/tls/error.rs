//! Why TLS cannot be set up: which key of the configuration is to blame, and for what.

use crate::secrets::SecretError;
use std::path::PathBuf;

/// Why TLS cannot be set up; every one is a mistake in the configuration or in a file it names.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file or secret cannot be read.
    #[error("{place}: {error}")]
    Unreadable {
        /// Key in the configuration.
        place: String,
        /// Why.
        error: SecretError,
    },
    /// The file holds no certificate.
    #[error("{place}: no certificate in {}", path.display())]
    NoCertificate {
        /// Key in the configuration.
        place: String,
        /// Which file.
        path: PathBuf,
    },
    /// The text holds no private key.
    #[error("{place}: no private key in PEM form")]
    NoKey {
        /// Key in the configuration.
        place: String,
    },
    /// Certificate and key are of two pairs.
    #[error("{place}: the key does not belong to the certificate in {cert}")]
    Mismatch {
        /// Key in the configuration.
        place: String,
        /// File of the certificate.
        cert: String,
    },
    /// Certificate or key are of an unknown kind.
    #[error("{place}: {error}")]
    Unusable {
        /// Key in the configuration.
        place: String,
        /// Why.
        error: rustls::Error,
    },
    /// A file of authorities that holds none that can be used.
    #[error("{place}: no authority to trust")]
    NoAuthority {
        /// Key in the configuration.
        place: String,
    },
    /// The name to check is neither a domain name nor an address.
    #[error("{place}: `{name}` is no name that a certificate could carry")]
    BadName {
        /// Key in the configuration.
        place: String,
        /// The name.
        name: String,
    },
}

impl TlsError {
    /// The key in the configuration that is to blame.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            TlsError::Unreadable { place, .. }
            | TlsError::NoCertificate { place, .. }
            | TlsError::NoKey { place }
            | TlsError::Mismatch { place, .. }
            | TlsError::Unusable { place, .. }
            | TlsError::NoAuthority { place }
            | TlsError::BadName { place, .. } => place,
        }
    }
}
