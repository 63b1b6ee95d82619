//! REGISTER as it is written, and what its answer says: RFC 3261 §10.2, RFC 3327, RFC 3329, RFC 3608, RFC 5626 §4.2,
//! RFC 6140.

use base::{ListenId, Transport};
use config::{Account, Register, RegisterMode, RegisterSecurity, Trunk};
use sip_msg::{Msg, Name, NameAddr, Scheme, Uri};
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Values of a Service-Route that are kept: limit `service_routes`.
const SERVICE_ROUTES_MAX: usize = 8;
/// Values of a Security-Server that are given back: limit `security_servers`.
const SECURITY_SERVERS_MAX: usize = 8;

/// What an account's REGISTERs say; another order is another binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// The interface that they leave from.
    pub listen: ListenId,
    /// Request-URI.
    pub uri: Box<str>,
    /// The address of record.
    pub aor: Box<str>,
    /// User part of our Contact; empty in a bulk registration.
    pub contact_user: Box<str>,
    bulk: bool,
    /// The length of binding that is asked for, in seconds.
    pub expires: u32,
    /// Whether calls go to the address that accepted.
    pub pin: bool,
    /// Whether the trunk counts as down without a binding.
    pub health: bool,
    route: Option<Box<str>>,
    user_agent: Box<str>,
    /// Which of the account's flows it is, and who we are, where flows are registered (RFC 5626 §4.1).
    outbound: Option<(u8, Box<str>)>,
    /// How often the flow is pinged, where it says so itself.
    pub keepalive: Option<Duration>,
    mediasec: bool,
}

/// What changes from one REGISTER to the next.
#[derive(Clone, Copy, Debug)]
pub struct Serial<'a> {
    /// Call-ID.
    pub call_id: &'a [u8],
    /// The tag in From.
    pub tag: &'a [u8],
    /// CSeq.
    pub cseq: u32,
    /// The seconds asked for now.
    pub expires: u32,
    /// Rows that answer the registrar's Security-Server.
    pub verify: &'a [u8],
}

impl Order {
    /// That of an account's flow number `flow`, from 1; `node` is our name.
    #[must_use]
    pub fn of(trunk: &Trunk, register: &Register, account: &Account, flow: u8, node: &str) -> Order {
        let host = &register.registrar;
        let domain = account.domain.as_ref().unwrap_or(host);
        let bulk = register.mode == RegisterMode::Bulk;
        let contact_user = register.contact_user.as_deref().unwrap_or(&account.user);
        Order {
            listen: trunk.listen,
            uri: format!("sip:{host}").into(),
            aor: format!("sip:{}@{domain}", account.user).into(),
            contact_user: if bulk { "" } else { contact_user }.into(),
            bulk,
            expires: u32::try_from(register.expires.as_secs()).unwrap_or(u32::MAX),
            pin: register.pin,
            health: register.health,
            route: trunk.login.proxy_route.as_deref().map(Into::into),
            user_agent: trunk.policy.user_agent.as_deref().unwrap_or("Tronco").into(),
            outbound: register.outbound.then(|| (flow, instance(node, &trunk.name))),
            keepalive: register.keepalive,
            mediasec: register.security == RegisterSecurity::Mediasec,
        }
    }

    /// Whether the end of its connection ends what it registered.
    #[must_use]
    pub fn lives_by_flow(&self) -> bool {
        self.outbound.is_some() || self.keepalive.is_some()
    }

    /// How often the flow is pinged: as configured, else as the registrar of a flow asks (RFC 5626 §5.4).
    #[must_use]
    pub fn ping_every(&self, answer: Msg<'_>) -> Option<Duration> {
        let asked = answer.first(Name::FlowTimer).and_then(number).filter(|_| self.outbound.is_some());
        self.keepalive.or(asked.map(|seconds| Duration::from_secs(u64::from(seconds.clamp(10, 3_600)))))
    }

    /// Our Contact's URI; `own` is our `host:port`.
    fn contact(&self, own: &[u8], transport: Transport) -> Vec<u8> {
        let mut uri = b"sip:".to_vec();
        uri.extend_from_slice(self.contact_user.as_bytes());
        if !self.contact_user.is_empty() {
            uri.push(b'@');
        }
        uri.extend_from_slice(own);
        match transport {
            Transport::Udp => {}
            Transport::Tcp => uri.extend_from_slice(b";transport=tcp"),
            Transport::Tls => uri.extend_from_slice(b";transport=tls"),
        }
        if self.bulk {
            uri.extend_from_slice(b";bnc");
        }
        if self.outbound.is_some() {
            uri.extend_from_slice(b";ob");
        }
        uri
    }

    /// The seconds for which the registrar bound our Contact (RFC 3261 §10.2.1.1, §10.3 step 8): none where it
    /// says 0, or names no binding and no time at all.
    #[must_use]
    pub fn granted(&self, answer: Msg<'_>, own: &[u8], transport: Transport) -> u32 {
        let own = self.contact(own, transport);
        let contacts = || answer.list(Name::Contact).filter_map(|c| NameAddr::parse(c).ok());
        let flow = self.outbound.as_ref().map(|(flow, _)| u32::from(*flow));
        let of_flow = |c: &NameAddr<'_>| flow.is_none() || c.params.get("reg-id").and_then(number) == flow;
        let same = contacts().filter(|c| is_same(c.uri, &own)).max_by_key(|c| of_flow(c));
        let only = || contacts().next().filter(|_| contacts().count() == 1);
        let said = same.or_else(only).and_then(|c| c.params.get("expires").and_then(number));
        let silent = contacts().next().map_or(0, |_| self.expires);
        said.or(answer.expires()).unwrap_or(silent)
    }

    /// Appends the rows of a REGISTER, credentials left out; `allow` is the value of Allow.
    pub fn write(&self, now: Serial<'_>, own: &[u8], transport: Transport, allow: &[u8], rows: &mut Vec<u8>) {
        let mut put = |parts: &[&[u8]]| {
            rows.extend(parts.iter().copied().flatten());
            rows.extend_from_slice(b"\r\n");
        };
        put(&[b"Max-Forwards: 70"]);
        if let Some(route) = &self.route {
            put(&[b"Route: ", route.as_bytes()]);
        }
        put(&[b"From: <", self.aor.as_bytes(), b">;tag=", now.tag]);
        put(&[b"To: <", self.aor.as_bytes(), b">"]);
        put(&[b"Call-ID: ", now.call_id]);
        put(&[format!("CSeq: {} REGISTER", now.cseq).as_bytes()]);
        let flow = self.outbound.as_ref();
        let flow =
            flow.map(|(flow, who)| format!(";reg-id={flow};+sip.instance=\"<{who}>\"")).unwrap_or_default();
        put(&[b"Contact: <", &self.contact(own, transport), b">", flow.as_bytes()]);
        put(&[format!("Expires: {}", now.expires).as_bytes()]);
        put(&[if self.outbound.is_some() { b"Supported: path, outbound" } else { &b"Supported: path"[..] }]);
        if self.bulk {
            // RFC 6140 §5.1: both, so that nobody on the way takes it for one address.
            put(&[b"Require: gin"]);
            put(&[b"Proxy-Require: gin"]);
        }
        if self.mediasec {
            put(&[b"Security-Client: sdes-srtp;mediasec"]);
            put(&[b"Require: mediasec"]);
            put(&[b"Proxy-Require: mediasec"]);
        }
        put(&[b"Allow: ", allow]);
        put(&[b"User-Agent: ", self.user_agent.as_bytes()]);
        rows.extend_from_slice(now.verify);
    }

    /// The rows of calls that belong to a registration with a security agreement.
    #[must_use]
    pub fn call_rows(&self, verify: &[u8]) -> Vec<u8> {
        if !self.mediasec || verify.is_empty() {
            return Vec::new();
        }
        [b"Require: mediasec\r\nProxy-Require: mediasec\r\n", verify].concat()
    }
}

/// The URN of this node towards a trunk's registrars, the same after every start (RFC 5626 §4.1, RFC 9562 §5.8).
fn instance(node: &str, trunk: &str) -> Box<str> {
    let half = |key| {
        let mut hasher = base::hash::Keyed(key, 0x7472_6f6e_636f).build_hasher();
        hasher.write(node.as_bytes());
        hasher.write(b"\0");
        hasher.write(trunk.as_bytes());
        hasher.finish()
    };
    let (a, b) = (half(1), half(2));
    format!(
        "urn:uuid:{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0x3fff | 0x8000,
        b & 0xffff_ffff_ffff
    )
    .into()
}

/// Whether a registrar's Contact is ours: user, host and port.
fn is_same(uri: &[u8], own: &[u8]) -> bool {
    let (Ok(a), Ok(b)) = (Uri::parse(uri), Uri::parse(own)) else { return false };
    let port = |uri: &Uri<'_>| uri.port.unwrap_or(if uri.scheme == Scheme::Sips { 5061 } else { 5060 });
    a.user == b.user && a.host.eq_ignore_ascii_case(b.host) && port(&a) == port(&b)
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The Service-Route of an answer as Route rows, loose routers only (RFC 3608 §6.1).
#[must_use]
pub fn route_rows(answer: Msg<'_>) -> Box<[u8]> {
    let mut rows = Vec::new();
    for value in answer.list(Name::ServiceRoute).take(SERVICE_ROUTES_MAX) {
        let loose = NameAddr::parse(value).ok().and_then(|hop| Uri::parse(hop.uri).ok());
        if loose.is_some_and(|uri| uri.params.get("lr").is_some()) {
            rows.extend_from_slice(&[b"Route: ", value, b"\r\n"].concat());
        }
    }
    rows.into()
}

/// What a server offered in Security-Server, as Security-Verify rows (RFC 3329 §2.3.1).
#[must_use]
pub fn verify_rows(answer: Msg<'_>) -> Box<[u8]> {
    let rows = answer.row_named("Security-Server").take(SECURITY_SERVERS_MAX);
    rows.flat_map(|value| [b"Security-Verify: ", value, b"\r\n"].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_uuid_of_its_own_for_each_node_and_trunk() {
        let one = instance("ber-1", "flex");
        assert_eq!(one, instance("ber-1", "flex"));
        assert!(one != instance("ber-2", "flex") && one != instance("ber-1", "fle"));
        let parts: Vec<usize> = one.trim_start_matches("urn:uuid:").split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert!(one.split('-').nth(2).is_some_and(|version| version.starts_with('8')), "{one}");
    }
}
