//! A REGISTER of a user: whose it is, what it may bind, what its answer says. RFC 3261 §10.3, RFC 3327 §5.3, RFC 5626
//! §6.

use crate::{Voucher, user_named};
use base::{ReasonId, Time};
use config::{ReachedAt, Registrar, Users, WhenFull};
use sip_core::registrar::{Aor, Asked, Contact, Refusal, Rules};
use sip_core::{Flow, target_address};
use sip_msg::{Msg, Name, Scheme, Uri};

/// Extensions that a REGISTER may require.
const EXTENSIONS: [&str; 3] = ["path", "outbound", "gin"];

/// Why a REGISTER is refused, and with which rows.
#[derive(Debug)]
pub struct Denied {
    /// The response's status.
    pub status: u16,
    /// Why.
    pub reason: ReasonId,
    /// Its rows.
    pub rows: Vec<u8>,
    /// The user has as many contacts as it may.
    pub full: bool,
}

impl Denied {
    fn plain(status: u16, reason: ReasonId) -> Denied {
        Denied { status, reason, rows: Vec::new(), full: false }
    }

    fn of(refusal: Refusal) -> Denied {
        let reason = match refusal {
            Refusal::OutOfOrder => ReasonId::SequenceStale,
            Refusal::Full => ReasonId::ContactsMax,
            _ => ReasonId::BadRegister,
        };
        let mut denied = Denied::plain(refusal.status(), reason);
        denied.full = refusal == Refusal::Full;
        if let Refusal::TooBrief(seconds) = refusal {
            denied.rows = format!("Min-Expires: {seconds}\r\n").into_bytes();
        }
        denied
    }
}

/// A REGISTER that may be acted on.
#[derive(Debug)]
pub struct Enrolled<'a> {
    /// The user, by place.
    pub user: usize,
    asked: Asked<'a>,
    rules: Rules,
    flow: Flow,
}

/// Judges a REGISTER; `flow` is where it came from, `voucher` who stands for it.
///
/// # Errors
/// Why it is refused.
pub fn enrol<'a>(
    msg: Msg<'a>,
    flow: Flow,
    users: &Users,
    registrar: &Registrar,
    voucher: Voucher,
) -> Result<Enrolled<'a>, Denied> {
    let mut rows = Vec::new();
    for tag in msg.list(Name::Require) {
        if !EXTENSIONS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(tag)) {
            rows.extend_from_slice(&[b"Unsupported: ", tag, b"\r\n"].concat());
        }
    }
    if !rows.is_empty() {
        return Err(Denied { rows, ..Denied::plain(420, ReasonId::BadExtension) });
    }
    let user =
        whose(msg, users, registrar, voucher).map_err(|(status, reason)| Denied::plain(status, reason))?;
    let rules = rules(registrar);
    let asked = Asked::read(msg, &rules).map_err(Denied::of)?;
    Ok(Enrolled { user, asked, rules, flow })
}

impl Enrolled<'_> {
    /// Does what it asks; the rows of its 200.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn bind(&self, now: Time, aor: &mut Aor, registrar: &Registrar) -> Result<Vec<u8>, Denied> {
        let flow = |contact: &Contact<'_>| flow_to(contact, self.asked.has_flow(), self.flow, registrar);
        aor.register(now, &self.asked, &flow, &self.rules).map_err(Denied::of)?;
        let mut rows = Vec::new();
        aor.write_contacts(now, &mut rows);
        for value in &self.asked.path {
            rows.extend_from_slice(&[b"Path: ", *value, b"\r\n"].concat());
        }
        if self.asked.has_flow() {
            rows.extend_from_slice(b"Require: outbound\r\n");
            if let Some(every) = registrar.flow_timer {
                rows.extend_from_slice(format!("Flow-Timer: {}\r\n", every.as_secs()).as_bytes());
            }
        }
        rows.extend_from_slice(b"Supported: path, outbound, gin\r\n");
        Ok(rows)
    }
}

/// What a trunk's registrar grants.
fn rules(registrar: &Registrar) -> Rules {
    Rules {
        expires_min: registrar.expires_min,
        expires_max: registrar.expires_max,
        expires: registrar.expires,
        contacts_max: usize::from(registrar.contacts_max),
        replace: registrar.when_full == WhenFull::Replace,
        outbound: registrar.outbound,
    }
}

/// The user whose address of record is in To, when the one that is proven may register it (RFC 3261 §10.3 step 1, 4,
/// 5).
fn whose(
    msg: Msg<'_>,
    users: &Users,
    registrar: &Registrar,
    voucher: Voucher,
) -> Result<usize, (u16, ReasonId)> {
    let is_sip = |uri: &Uri<'_>| matches!(uri.scheme, Scheme::Sip | Scheme::Sips);
    let domains = &registrar.domains;
    let here =
        |host: &[u8]| domains.is_empty() || domains.iter().any(|d| d.as_bytes().eq_ignore_ascii_case(host));
    let uri = Uri::parse(msg.request_uri()).ok().filter(is_sip).ok_or((416, ReasonId::UriScheme))?;
    let to = msg.to().ok().and_then(|to| Uri::parse(to.uri).ok()).filter(is_sip);
    let to = to.ok_or((400, ReasonId::BadRequest))?;
    if !here(uri.host) || !here(to.host) {
        return Err((404, ReasonId::NoUser));
    }
    let mut decoded = Vec::new();
    let named = user_named(&users.all, to.user_decoded(&mut decoded)).filter(|at| {
        let domain = users.all.get(*at).and_then(|user| user.domain.as_deref());
        domain.is_none_or(|domain| domain.as_bytes().eq_ignore_ascii_case(to.host))
    });
    match (voucher, named) {
        (Voucher::Source, Some(user)) => Ok(user),
        (Voucher::Source, None) => Err((404, ReasonId::NoUser)),
        (Voucher::User(proven), Some(user)) if user == usize::from(proven) => Ok(user),
        (Voucher::User(_), _) => Err((403, ReasonId::WrongIdentity)),
    }
}

/// Where calls to a contact go; `kept`: it is reached by the flow that the REGISTER came on (RFC 5626).
fn flow_to(contact: &Contact<'_>, kept: bool, flow: Flow, registrar: &Registrar) -> Flow {
    let own = (registrar.reach == ReachedAt::Contact && !kept).then_some(contact);
    let named = own.and_then(|contact| target_address(contact.uri));
    let fits = |(address, transport): &(std::net::SocketAddr, base::Transport)| {
        *transport == flow.transport && address.is_ipv4() == flow.remote.is_ipv4()
    };
    match named.filter(fits).filter(|_| !flow.transport.is_reliable()) {
        Some((remote, _)) => Flow { remote, ..flow },
        None => flow,
    }
}
