//! TLS rules: one identity per interface, one set of rules per trunk, made from files and secrets.
//!
//! Made on the thread that starts a node or applies a configuration, never on the shard's, since it
//! reads files; the shard gets a finished [`TlsRules`] and swaps it whole. TLS 1.2 and 1.3 only.
//! Enter through [`TlsRules::build`].

mod error;
pub(crate) mod verify;

pub use error::TlsError;

use crate::secrets::{Secrets, read_file};
use base::{GatewayId, ListenId, Transport, TrunkId};
use config::{Config, Host, Listen, Secret, TlsIdentity, Trunk};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sip_core::SendError;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use verify::{Anyone, Peers};

/// Certificates in one chain or one file of authorities, at most: limit `certificates`.
const CERTIFICATES_MAX: usize = 1024;

/// What a configuration says about TLS, ready for use.
pub(crate) struct TlsRules {
    /// By [`ListenId`]; `None`: no TLS port here.
    servers: Vec<Option<Identity>>,
    /// By [`TrunkId`].
    clients: Vec<Dialling>,
    /// What is allowed and dangerous, for the log.
    pub(crate) warnings: Vec<String>,
}

/// How peers that connect to an interface are met.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// When its certificate ends, seconds since 1970.
    pub(crate) not_after: Option<i64>,
}

/// How a trunk's gateways are dialled.
struct Dialling {
    /// Without authorities to trust: why nothing can be dialled.
    config: Result<Arc<ClientConfig>, SendError>,
    /// The name that every gateway must carry, when one is configured.
    name: Option<String>,
    gateways: Vec<(GatewayId, Host)>,
}

/// Addresses that gateways' names stood for when they were last resolved.
pub(crate) type Reached = BTreeMap<GatewayId, Vec<SocketAddr>>;

impl TlsRules {
    /// Reads what a configuration names.
    ///
    /// # Errors
    /// Something that it names is missing or cannot be used.
    pub(crate) fn build(config: &Config, secrets: &Secrets) -> Result<TlsRules, TlsError> {
        let mut builder = Builder::new(secrets);
        let servers = config.listens.iter().enumerate();
        let servers =
            servers.map(|(index, listen)| builder.server(config, index, listen)).collect::<Result<_, _>>()?;
        let clients =
            config.trunks.iter().map(|trunk| builder.client(config, trunk)).collect::<Result<_, _>>()?;
        Ok(TlsRules { servers, clients, warnings: builder.warnings })
    }

    /// How peers that connect to an interface are met.
    pub(crate) fn server(&self, listen: ListenId) -> Option<&Identity> {
        self.servers.get(listen.index())?.as_ref()
    }

    /// How an address of a trunk is dialled and the name that its certificate must carry
    /// (RFC 5922 §7.2): the configured one, else the host of the gateway that the address belongs to.
    ///
    /// # Errors
    /// Why it cannot be dialled.
    pub(crate) fn client(
        &self,
        trunk: Option<TrunkId>,
        remote: SocketAddr,
        reached: &Reached,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), SendError> {
        let dialling = trunk
            .and_then(|t| self.clients.get(t.index()))
            .ok_or(SendError::Tls("no trunk whose TLS rules would apply"))?;
        let config = dialling.config.clone()?;
        let address = ServerName::IpAddress(remote.ip().into());
        let name = match dialling.expected(remote, reached) {
            Some(name) => ServerName::try_from(name.to_owned())
                .map_err(|_| SendError::Tls("the gateway's name is no domain name"))?,
            None => address,
        };
        Ok((config, name))
    }
}

/// What of a configuration's certificates, keys and authorities cannot be used, once for each key; none when a start would
/// find nothing.
#[must_use]
pub fn tls_faults(config: &Config, secrets: &Secrets) -> Vec<TlsError> {
    let mut builder = Builder::new(secrets);
    let mut found: BTreeMap<String, TlsError> = BTreeMap::new();
    let mut note = |error: Option<TlsError>| {
        if let Some(error) = error {
            found.entry(error.place().to_owned()).or_insert(error);
        }
    };
    for (index, listen) in config.listens.iter().enumerate() {
        // The key is looked at even when the certificate is wrong.
        let tls = listen.tls.as_ref();
        note(tls.and_then(|tls| builder.key(&format!("listen.{}.tls.key", listen.name), &tls.key).err()));
        note(builder.server(config, index, listen).err());
    }
    for trunk in &config.trunks {
        note(builder.client(config, trunk).err());
    }
    found.into_values().collect()
}

impl Dialling {
    /// The domain name to expect at an address; `None`: the address itself.
    fn expected(&self, remote: SocketAddr, reached: &Reached) -> Option<&str> {
        if let Some(name) = &self.name {
            return Some(name);
        }
        if self.gateways.iter().any(|(_, host)| *host == Host::Ip(remote.ip())) {
            return None;
        }
        let named = || {
            self.gateways.iter().filter_map(|(gateway, host)| match host {
                Host::Name(name) => Some((gateway, name.as_str())),
                Host::Ip(_) => None,
            })
        };
        let stands_for = |gateway: &GatewayId, fits: &dyn Fn(&SocketAddr) -> bool| {
            reached.get(gateway).is_some_and(|addresses| addresses.iter().any(fits))
        };
        let exact = named().find(|(gateway, _)| stands_for(gateway, &|a| *a == remote));
        let same_host = || named().find(|(gateway, _)| stands_for(gateway, &|a| a.ip() == remote.ip()));
        exact.or_else(same_host).or_else(|| named().next()).map(|(_, name)| name)
    }
}

struct Builder<'a> {
    secrets: &'a Secrets,
    provider: Arc<CryptoProvider>,
    /// The system's authorities, read once when first wanted; empty when it has none.
    system: Option<Arc<RootCertStore>>,
    warnings: Vec<String>,
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A certificate and its key as a configuration names them, with the keys that do.
struct Named<'a> {
    cert: (String, &'a str),
    key: (String, &'a Secret),
}

impl<'a> Named<'a> {
    /// The identity of an interface.
    fn of(listen: &str, tls: &'a TlsIdentity) -> Named<'a> {
        let key = |key| format!("listen.{listen}.tls.{key}");
        Named { cert: (key("cert"), &tls.cert), key: (key("key"), &tls.key) }
    }

    /// What TLS says of the two together.
    fn unfit(&self, error: rustls::Error) -> TlsError {
        let place = self.key.0.clone();
        match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { place, cert: self.cert.1.to_owned() },
            error => TlsError::Unusable { place, error },
        }
    }
}

impl<'a> Builder<'a> {
    fn new(secrets: &'a Secrets) -> Builder<'a> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        Builder { secrets, provider, system: None, warnings: Vec::new() }
    }

    fn server(
        &mut self,
        config: &Config,
        index: usize,
        listen: &Listen,
    ) -> Result<Option<Identity>, TlsError> {
        let Some(tls) = &listen.tls else { return Ok(None) };
        let place = format!("listen.{}.tls", listen.name);
        let named = Named::of(&listen.name, tls);
        let (chain, key) = self.pair(&named)?;
        let not_after = chain.first().and_then(verify::not_after);
        let unusable = |error| TlsError::Unusable { place: place.clone(), error };
        // A peer is asked for its certificate when the interface says so, or when a trunk here is told
        // from others by the names in it.
        let told_by_name =
            config.trunks.iter().any(|t| t.listen.index() == index && !t.tls.peer_names.is_empty());
        let asked = tls.require_client_cert || tls.client_ca.is_some() || told_by_name;
        let builder = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = if asked {
            let place = format!("{place}.client_ca");
            let roots = self.authorities(&place, tls.client_ca.as_deref())?;
            let inner = WebPkiClientVerifier::builder_with_provider(roots.clone(), self.provider.clone());
            let inner = if tls.require_client_cert { inner } else { inner.allow_unauthenticated() };
            let inner = inner.build().map_err(|_| TlsError::NoAuthority { place })?;
            builder.with_client_cert_verifier(Arc::new(Peers {
                inner,
                roots,
                provider: self.provider.clone(),
            }))
        } else {
            builder.with_no_client_auth()
        };
        let config = builder.with_single_cert(chain, key).map_err(|error| named.unfit(error))?;
        Ok(Some(Identity { config: Arc::new(config), not_after }))
    }

    fn client(&mut self, config: &Config, trunk: &Trunk) -> Result<Dialling, TlsError> {
        let place = format!("trunk.{}.tls", trunk.name);
        let gateways: Vec<(GatewayId, Host)> = trunk
            .gateways
            .iter()
            .filter_map(|&id| Some((id, config.gateways.get(id.index())?.host.clone())))
            .collect();
        let listen = config.listens.get(trunk.listen.index());
        let speaks = listen.is_some_and(|l| l.port(Transport::Tls).is_some());
        let asks = |g: &GatewayId| {
            config.gateways.get(g.index()).is_some_and(|g| g.transport == Some(Transport::Tls))
        };
        let wanted = trunk.gateways.iter().any(asks) || trunk.tls.ca.is_some();
        let name = trunk.tls.name.clone();
        if let Some(name) = &name
            && ServerName::try_from(name.as_str()).is_err()
        {
            return Err(TlsError::BadName { place: format!("{place}.name"), name: name.clone() });
        }
        if !speaks && !wanted {
            return Ok(Dialling {
                config: Err(SendError::Tls("the trunk does not use TLS")),
                name,
                gateways,
            });
        }
        let config = match self.dialling(&place, trunk, listen) {
            Err(TlsError::NoAuthority { .. }) if trunk.tls.ca.is_none() => {
                if wanted {
                    self.warnings
                        .push(format!("{place}: the system has no authorities; gateways cannot be verified"));
                }
                Err(SendError::Untrusted("no authority to verify the peer's certificate with"))
            }
            made => Ok(made?),
        };
        Ok(Dialling { config, name, gateways })
    }

    fn dialling(
        &mut self,
        place: &str,
        trunk: &Trunk,
        listen: Option<&Listen>,
    ) -> Result<Arc<ClientConfig>, TlsError> {
        let tls = &trunk.tls;
        let unusable = |error| TlsError::Unusable { place: place.to_owned(), error };
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = if tls.verify {
            let place = format!("{place}.ca");
            let roots = self.authorities(&place, tls.ca.as_deref())?;
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, self.provider.clone())
                .build()
                .map_err(|_| TlsError::NoAuthority { place })?;
            builder.with_webpki_verifier(verifier)
        } else {
            self.warnings.push(format!("{place}.verify = false: anyone may pose as this trunk's gateways"));
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(self.provider.clone())))
        };
        // Without a certificate of its own the trunk shows the interface's.
        let own = tls.client_cert.as_ref().zip(tls.client_key.as_ref()).map(|(cert, key)| Named {
            cert: (format!("{place}.client_cert"), cert),
            key: (format!("{place}.client_key"), key),
        });
        let shown = own.or_else(|| listen.and_then(|l| Some(Named::of(&l.name, l.tls.as_ref()?))));
        let config = match shown {
            Some(named) => {
                let (chain, key) = self.pair(&named)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| named.unfit(error))?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Arc::new(config))
    }

    /// A certificate chain and its key.
    fn pair(&self, named: &Named<'_>) -> Result<Pair, TlsError> {
        let chain = certificates(&named.cert.0, Path::new(named.cert.1))?;
        Ok((chain, self.key(&named.key.0, named.key.1)?))
    }

    /// A private key.
    fn key(&self, place: &str, key: &Secret) -> Result<PrivateKeyDer<'static>, TlsError> {
        let place = place.to_owned();
        let pem = match self.secrets.resolve(key) {
            Ok(pem) => pem,
            Err(error) => return Err(TlsError::Unreadable { place, error }),
        };
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsError::NoKey { place })
    }

    /// The authorities in a file, or the system's.
    fn authorities(&mut self, place: &str, path: Option<&str>) -> Result<Arc<RootCertStore>, TlsError> {
        let roots = match path {
            Some(path) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(place, Path::new(path))?);
                Arc::new(roots)
            }
            None => self
                .system
                .get_or_insert_with(|| {
                    let mut roots = RootCertStore::empty();
                    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                    Arc::new(roots)
                })
                .clone(),
        };
        if roots.is_empty() { Err(TlsError::NoAuthority { place: place.to_owned() }) } else { Ok(roots) }
    }
}

/// The certificates of a PEM file.
fn certificates(place: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read_file(path).map_err(|error| TlsError::Unreadable { place: place.to_owned(), error })?;
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).take(CERTIFICATES_MAX).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { place: place.to_owned(), path: path.to_owned() });
    }
    Ok(chain)
}
