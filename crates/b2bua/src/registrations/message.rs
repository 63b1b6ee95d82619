//! REGISTER as it is written, and what its answer says: RFC 3261 §10.2, RFC 3327, RFC 3608, RFC 6140.

use super::Enrolment;
use crate::epoch::Face;
use crate::leg::ALLOW;
use base::{ListenId, Transport};
use config::{Account, Register, RegisterMode, Trunk};
use identity::headers::{push_number, push_parts, push_row};
use sip_msg::{Msg, Name, NameAddr, Scheme, Uri};

/// Values of a Service-Route that are kept: limit `service_routes`.
const SERVICE_ROUTES_MAX: usize = 8;

/// What an account's REGISTERs say; another order is another binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Order {
    pub(crate) listen: ListenId,
    /// Request-URI.
    pub(crate) uri: Box<str>,
    /// The address of record.
    pub(crate) aor: Box<str>,
    /// User part of our Contact; empty in a bulk registration.
    pub(crate) contact_user: Box<str>,
    bulk: bool,
    pub(crate) expires: u32,
    pub(crate) pin: bool,
    pub(crate) health: bool,
    route: Option<Box<str>>,
    user_agent: Box<str>,
}

impl Order {
    pub(crate) fn of(trunk: &Trunk, register: &Register, account: &Account) -> Order {
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
        }
    }

    /// Our Contact's URI.
    fn contact(&self, face: &Face, transport: Transport) -> Vec<u8> {
        let mut uri = b"sip:".to_vec();
        uri.extend_from_slice(self.contact_user.as_bytes());
        if !self.contact_user.is_empty() {
            uri.push(b'@');
        }
        uri.extend_from_slice(face.sent_by(transport).unwrap_or(face.host().as_bytes()));
        match transport {
            Transport::Udp => {}
            Transport::Tcp => uri.extend_from_slice(b";transport=tcp"),
            Transport::Tls => uri.extend_from_slice(b";transport=tls"),
        }
        if self.bulk {
            uri.extend_from_slice(b";bnc");
        }
        uri
    }

    /// The seconds for which the registrar bound our Contact (RFC 3261 §10.2.1.1, §10.3 step 8).
    pub(super) fn granted(&self, answer: Msg<'_>, face: &Face, transport: Transport) -> u32 {
        let own = self.contact(face, transport);
        let contacts = || answer.list(Name::Contact).filter_map(|c| NameAddr::parse(c).ok());
        let same = contacts().find(|c| is_same(c.uri, &own));
        let only = || contacts().next().filter(|_| contacts().count() == 1);
        let said = same.or_else(only).and_then(|c| c.params.get("expires").and_then(number));
        said.or(answer.expires()).unwrap_or(self.expires)
    }
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

impl Enrolment {
    /// Appends the rows of the next REGISTER, credentials left out.
    pub(super) fn write_rows(&self, rows: &mut Vec<u8>, face: &Face, transport: Transport) {
        let order = &self.order;
        push_number(rows, b"Max-Forwards", 70);
        if let Some(route) = &order.route {
            push_row(rows, b"Route", route.as_bytes());
        }
        push_parts(rows, b"From", &[b"<", order.aor.as_bytes(), b">;tag=", &self.tag]);
        push_parts(rows, b"To", &[b"<", order.aor.as_bytes(), b">"]);
        push_row(rows, b"Call-ID", &self.call_id);
        push_row(rows, b"CSeq", format!("{} REGISTER", self.cseq).as_bytes());
        push_parts(rows, b"Contact", &[b"<", &order.contact(face, transport), b">"]);
        push_number(rows, b"Expires", u64::from(self.machine.expires()));
        push_row(rows, b"Supported", b"path");
        if order.bulk {
            // RFC 6140 §5.1: both, so that nobody on the way takes it for one address.
            push_row(rows, b"Require", b"gin");
            push_row(rows, b"Proxy-Require", b"gin");
        }
        push_row(rows, b"Allow", ALLOW);
        push_row(rows, b"User-Agent", order.user_agent.as_bytes());
    }
}

/// The Service-Route of an answer as Route rows, loose routers only (RFC 3608 §6.1).
pub(super) fn route_rows(answer: Msg<'_>) -> Box<[u8]> {
    let mut rows = Vec::new();
    for value in answer.list(Name::ServiceRoute).take(SERVICE_ROUTES_MAX) {
        let loose = NameAddr::parse(value).ok().and_then(|hop| Uri::parse(hop.uri).ok());
        if loose.is_some_and(|uri| uri.params.get("lr").is_some()) {
            push_row(&mut rows, b"Route", value);
        }
    }
    rows.into()
}
