//! Whose certificate is believed, which names it carries, and why it was refused, in a few words.
//!
//! Holds no keys and opens no file. Names are compared by webpki; nothing here parses a
//! certificate to judge it, only to list its names and its end.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    AlertDescription, CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use std::sync::Arc;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Names taken from one certificate, at most: limit `certificate_names`.
const NAMES_MAX: usize = 64;

/// Believes any certificate: `verify = false`. The peer must still hold its key.
#[derive(Debug)]
pub(super) struct Anyone(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Believes a connecting peer whose certificate an authority of ours signed, for use as a client or
/// as a server: in SIP the same node is both, often with one certificate, and public authorities no
/// longer sign certificates for clients.
#[derive(Debug)]
pub(super) struct Peers {
    /// Decides everything but the purpose.
    pub(super) inner: Arc<dyn ClientCertVerifier>,
    pub(super) roots: Arc<RootCertStore>,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Peers {
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.inner.verify_client_cert(end_entity, intermediates, now) {
            Err(Error::InvalidCertificate(
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
            )) => {}
            judged => return judged,
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The names in a certificate, lower case: DNS names and SIP domains of the subject alternative
/// names (RFC 5922 §7.1), and only without any of them the common name.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let mut names = Vec::new();
    if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
        names.extend(alternative.value.general_names.iter().take(NAMES_MAX).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            GeneralName::URI(uri) => sip_domain(uri),
            _ => None,
        }));
    }
    if names.is_empty() {
        let common = certificate.subject().iter_common_name().take(NAMES_MAX);
        names.extend(common.filter_map(|name| name.as_str().ok()).map(str::to_ascii_lowercase));
    }
    names
}

/// The domain of a `sip:` URI without user part (RFC 5922 §7.1: others do not name a domain).
fn sip_domain(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let named = scheme.eq_ignore_ascii_case("sip") && !rest.contains('@') && !rest.is_empty();
    named.then(|| rest.to_ascii_lowercase())
}

/// When a certificate ends, seconds since 1970; `None` when it cannot be read.
pub(crate) fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// Whether a failure is that the peer's certificate is not believed.
pub(crate) fn is_distrust(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(_) | Error::NoCertificatesPresented)
}

/// A TLS failure in a few words.
pub(crate) fn reason(error: &Error) -> &'static str {
    match error {
        Error::InvalidCertificate(certificate) => certificate_reason(certificate),
        Error::NoCertificatesPresented => "the peer shows no certificate",
        Error::AlertReceived(alert) => alert_reason(*alert),
        Error::PeerIncompatible(_) => "no TLS version or cipher in common",
        Error::InvalidMessage(_) => "the peer does not speak TLS",
        Error::PeerMisbehaved(_) | Error::InappropriateMessage { .. } => "the peer violates TLS",
        Error::InappropriateHandshakeMessage { .. } => "the peer violates TLS",
        Error::DecryptError => "a record cannot be decrypted",
        _ => "TLS failed",
    }
}

fn certificate_reason(error: &CertificateError) -> &'static str {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => "the peer's certificate has expired",
        E::NotValidYet | E::NotValidYetContext { .. } => "the peer's certificate is not valid yet",
        E::UnknownIssuer => "the peer's certificate is of an unknown authority",
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "the peer's certificate carries another name"
        }
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "the peer's certificate is for another purpose"
        }
        E::Revoked => "the peer's certificate is revoked",
        E::BadSignature => "the peer's certificate has a bad signature",
        _ => "the peer's certificate cannot be used",
    }
}

fn alert_reason(alert: AlertDescription) -> &'static str {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => "the peer wants a certificate of ours",
        A::UnknownCA => "the peer does not know our certificate's authority",
        A::BadCertificate | A::UnsupportedCertificate | A::CertificateUnknown => {
            "the peer refuses our certificate"
        }
        A::CertificateExpired => "the peer says that our certificate has expired",
        A::CertificateRevoked => "the peer says that our certificate is revoked",
        A::AccessDenied => "the peer denies us access",
        A::UnrecognisedName => "the peer has no certificate for the name asked for",
        A::ProtocolVersion | A::HandshakeFailure => "no TLS version or cipher in common",
        _ => "the peer ended the TLS handshake with an alert",
    }
}
