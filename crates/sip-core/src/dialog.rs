//! Dialogs: RFC 3261 §12.
//!
//! What one side of a dialog remembers (identity, sequence numbers, remote target, route set) and the rows
//! of a request inside it. It sends nothing and knows no transaction. Enter at [`Dialog::as_uas`] and
//! [`Dialog::as_uac`]; [`Dialog::to_bytes`] feeds the journal.

use crate::text::{push_clean, push_number, push_row};
use sip_msg::{HeaderError, HeaderErrorKind, Msg, Name, NameAddr, Uri};

/// First byte of a dialog in the journal.
const JOURNAL_VERSION: u8 = 1;
/// Most Record-Route entries that are kept: limit `route_set`. Further ones are a loop or an attack.
const ROUTES_MAX: usize = 64;

/// Our side of a dialog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialog {
    /// Call-ID, our From value, the peer's To value, one after the other.
    names: Box<[u8]>,
    call_id_end: u32,
    local_end: u32,
    /// Where the tags lie in `names`: offset, length.
    local_tag: (u32, u32),
    remote_tag: (u32, u32),
    /// The remote target, in the form of a Request-URI.
    target: Box<[u8]>,
    /// The route set: one value per line, in the order of a Route header.
    routes: Box<[u8]>,
    /// The first route's URI in the form of a Request-URI, if that is a strict router; else empty.
    strict: Box<[u8]>,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    we_called: bool,
    confirmed: bool,
}

impl Dialog {
    /// The dialog that our response (101 to 299, with `local_tag` in To) to `invite` makes.
    /// RFC 3261 §12.1.1.
    ///
    /// # Errors
    /// From, To, Call-ID, CSeq or Contact is missing or malformed.
    pub fn as_uas(invite: &Msg<'_>, local_tag: &[u8]) -> Result<Dialog, HeaderError> {
        invite.from()?;
        let to = invite.to()?;
        let mut local = clean(invite.first(Name::To).unwrap_or_default());
        if to.tag().is_none() && !local_tag.is_empty() {
            local.extend_from_slice(b";tag=");
            push_clean(&mut local, local_tag);
        }
        let remote = clean(invite.first(Name::From).unwrap_or_default());
        let target = contact_target(*invite)?;
        let mut dialog = Dialog::named(invite.call_id()?, &local, &remote);
        dialog.target = target;
        dialog.remote_cseq = Some(invite.cseq()?.number);
        dialog.confirmed = true;
        dialog.set_routes(route_values(*invite, false));
        Ok(dialog)
    }

    /// The dialog that a response (101 to 299) to our request makes. RFC 3261 §12.1.2.
    ///
    /// `from_row_value`: our From value with its tag; `cseq`: our request's number. A response without a
    /// To tag (RFC 2543) gives a dialog whose remote tag is empty.
    ///
    /// # Errors
    /// To or Contact is missing or malformed.
    pub fn as_uac(
        from_row_value: &[u8],
        call_id: &[u8],
        cseq: u32,
        response: &Msg<'_>,
    ) -> Result<Dialog, HeaderError> {
        response.to()?;
        let remote = clean(response.first(Name::To).unwrap_or_default());
        let target = contact_target(*response)?;
        let mut dialog = Dialog::named(call_id, &clean(from_row_value), &remote);
        dialog.target = target;
        dialog.local_cseq = cseq;
        dialog.we_called = true;
        dialog.confirmed = response.status() >= 200;
        dialog.set_routes(route_values(*response, true));
        Ok(dialog)
    }

    /// A dialog with its identity only.
    fn named(call_id: &[u8], local: &[u8], remote: &[u8]) -> Dialog {
        let mut names = Vec::with_capacity(call_id.len() + local.len() + remote.len());
        push_clean(&mut names, call_id);
        let call_id_end = names.len();
        names.extend_from_slice(local);
        let local_end = names.len();
        names.extend_from_slice(remote);
        Dialog {
            call_id_end: short(call_id_end),
            local_end: short(local_end),
            local_tag: tag_span(local, call_id_end),
            remote_tag: tag_span(remote, local_end),
            names: names.into(),
            target: Box::default(),
            routes: Box::default(),
            strict: Box::default(),
            local_cseq: 0,
            remote_cseq: None,
            we_called: false,
            confirmed: false,
        }
    }

    /// Whether a request belongs to this dialog: Call-ID, our tag in To, the peer's in From.
    /// RFC 3261 §12.2.2.
    #[must_use]
    pub fn matches(&self, msg: &Msg<'_>) -> bool {
        let tag = |value: Result<NameAddr<'_>, HeaderError>, ours: &[u8]| {
            value.is_ok_and(|v| v.tag().unwrap_or_default() == ours)
        };
        msg.call_id().is_ok_and(|id| id == self.call_id())
            && tag(msg.from(), self.remote_tag())
            && tag(msg.to(), self.local_tag())
    }

    fn part(&self, from: u32, to: u32) -> &[u8] {
        self.names.get(from as usize..to as usize).unwrap_or_default()
    }

    /// The peer's tag; empty for an RFC 2543 peer.
    #[must_use]
    pub fn remote_tag(&self) -> &[u8] {
        self.part(self.remote_tag.0, self.remote_tag.0 + self.remote_tag.1)
    }

    /// Our tag.
    #[must_use]
    pub fn local_tag(&self) -> &[u8] {
        self.part(self.local_tag.0, self.local_tag.0 + self.local_tag.1)
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &[u8] {
        self.part(0, self.call_id_end)
    }

    /// Our address with its tag: the From value of our requests.
    #[must_use]
    pub fn local_uri_row(&self) -> &[u8] {
        self.part(self.call_id_end, self.local_end)
    }

    /// The peer's address with its tag: the To value of our requests.
    #[must_use]
    pub fn remote_uri_row(&self) -> &[u8] {
        self.names.get(self.local_end as usize..).unwrap_or_default()
    }

    /// Takes a request's CSeq number: false when it is lower than one seen, which is answered 500.
    /// RFC 3261 §12.2.2.
    pub fn accept_cseq(&mut self, cseq: u32) -> bool {
        let in_order = self.remote_cseq.is_none_or(|seen| cseq >= seen);
        if in_order {
            self.remote_cseq = Some(cseq);
        }
        in_order
    }

    /// The number of our next request (not of ACK and CANCEL). RFC 3261 §12.2.1.1.
    pub fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.wrapping_add(1) & 0x7fff_ffff;
        self.local_cseq
    }

    /// The number of our last request; 0: none yet.
    #[must_use]
    pub fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// Takes over the Contact of a target refresh (re-INVITE, UPDATE, and 2xx to them); a message without
    /// one changes nothing. RFC 3261 §12.2.1.2, §12.2.2; RFC 3311 §5.
    pub fn refresh_target(&mut self, msg: &Msg<'_>) {
        if let Ok(target) = contact_target(*msg) {
            self.target = target;
        }
    }

    /// The first 2xx makes an early dialog confirmed: its route set is computed anew, and the target
    /// refreshed. RFC 3261 §13.2.2.4. Later ones change the target only.
    pub fn update_route_set_on_2xx(&mut self, response: &Msg<'_>) {
        self.refresh_target(response);
        if self.we_called && !self.confirmed {
            self.set_routes(route_values(*response, true));
        }
        self.confirmed = true;
    }

    fn set_routes(&mut self, routes: Vec<u8>) {
        self.routes = routes.into();
        let first = self.routes().next().and_then(|value| NameAddr::parse(value).ok());
        self.strict = match first {
            Some(first) if !is_loose(first.uri) => request_uri_form(first.uri),
            _ => Box::default(),
        };
    }

    fn routes(&self) -> impl Iterator<Item = &[u8]> {
        self.routes.split(|&b| b == b'\n').filter(|value| !value.is_empty())
    }

    /// The Request-URI of our requests: the remote target, or the first route when that is a strict router.
    /// RFC 3261 §12.2.1.1.
    #[must_use]
    pub fn request_uri(&self) -> &[u8] {
        if self.strict.is_empty() { &self.target } else { &self.strict }
    }

    /// The remote target: the peer's Contact.
    #[must_use]
    pub fn remote_target(&self) -> &[u8] {
        &self.target
    }

    /// The URI that our requests are sent to: the first route, or the remote target. RFC 3261 §8.1.2,
    /// §12.2.1.1.
    #[must_use]
    pub fn next_hop(&self) -> &[u8] {
        let first = self.routes().next().and_then(|value| NameAddr::parse(value).ok());
        first.map_or(&self.target, |first| first.uri)
    }

    /// Appends the rows of a request inside the dialog: Route, Max-Forwards, From, To, Call-ID, CSeq.
    /// RFC 3261 §12.2.1.1.
    pub fn write_rows(&self, out: &mut Vec<u8>, cseq: u32, method: &[u8]) {
        let skip = usize::from(!self.strict.is_empty());
        for route in self.routes().skip(skip) {
            push_row(out, b"Route", route);
        }
        if !self.strict.is_empty() {
            out.extend_from_slice(b"Route: <");
            push_clean(out, &self.target);
            out.extend_from_slice(b">\r\n");
        }
        out.extend_from_slice(b"Max-Forwards: 70\r\n");
        push_row(out, b"From", self.local_uri_row());
        push_row(out, b"To", self.remote_uri_row());
        push_row(out, b"Call-ID", self.call_id());
        out.extend_from_slice(b"CSeq: ");
        push_number(out, u64::from(cseq));
        out.push(b' ');
        push_clean(out, method);
        out.extend_from_slice(b"\r\n");
    }

    /// For the journal: a version byte, flags, sequence numbers, then five texts with their lengths.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let texts = [self.call_id(), self.local_uri_row(), self.remote_uri_row(), &self.target, &self.routes];
        let mut out = Vec::with_capacity(30 + texts.iter().map(|t| t.len()).sum::<usize>());
        let flags = u8::from(self.we_called)
            | u8::from(self.confirmed) << 1
            | u8::from(self.remote_cseq.is_some()) << 2;
        out.extend_from_slice(&[JOURNAL_VERSION, flags]);
        out.extend_from_slice(&self.local_cseq.to_le_bytes());
        out.extend_from_slice(&self.remote_cseq.unwrap_or(0).to_le_bytes());
        for text in texts {
            out.extend_from_slice(&short(text.len()).to_le_bytes());
            out.extend_from_slice(text);
        }
        out
    }

    /// Reads what [`Dialog::to_bytes`] wrote.
    ///
    /// # Errors
    /// Another version, or bytes that are cut short or too many.
    pub fn from_bytes(bytes: &[u8]) -> Result<Dialog, JournalError> {
        let mut reader = Reader { rest: bytes };
        let [version, flags] = reader.array()?;
        if version != JOURNAL_VERSION {
            return Err(JournalError::Version { found: version });
        }
        let local_cseq = u32::from_le_bytes(reader.array()?);
        let remote_cseq = u32::from_le_bytes(reader.array()?);
        let (call_id, local, remote) = (reader.text()?, reader.text()?, reader.text()?);
        let (target, routes) = (reader.text()?, reader.text()?);
        if !reader.rest.is_empty() {
            return Err(JournalError::Trailing { bytes: reader.rest.len() });
        }
        let mut dialog = Dialog::named(call_id, local, remote);
        dialog.target = target.into();
        dialog.local_cseq = local_cseq;
        dialog.remote_cseq = (flags & 4 != 0).then_some(remote_cseq);
        dialog.we_called = flags & 1 != 0;
        dialog.confirmed = flags & 2 != 0;
        dialog.set_routes(routes.to_vec());
        Ok(dialog)
    }
}

/// Why a dialog of the journal cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalError {
    /// Written by another version.
    #[error("dialog of journal version {found}, expected {JOURNAL_VERSION}")]
    Version {
        /// The version byte.
        found: u8,
    },
    /// Cut short.
    #[error("dialog in the journal is cut short")]
    Short,
    /// Bytes behind the end.
    #[error("{bytes} bytes behind the end of a dialog in the journal")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], JournalError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(JournalError::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    fn text(&mut self) -> Result<&'a [u8], JournalError> {
        let len = u32::from_le_bytes(self.array()?) as usize;
        let (head, rest) = self.rest.split_at_checked(len).ok_or(JournalError::Short)?;
        self.rest = rest;
        Ok(head)
    }
}

fn short(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn clean(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 32);
    push_clean(&mut out, value);
    out
}

/// Where the tag of an address row lies, `base` bytes further on.
fn tag_span(row: &[u8], base: usize) -> (u32, u32) {
    let tag = NameAddr::parse(row).ok().and_then(|addr| addr.tag()).unwrap_or_default();
    let offset = (tag.as_ptr() as usize).wrapping_sub(row.as_ptr() as usize);
    if tag.is_empty() || offset >= row.len() { (0, 0) } else { (short(base + offset), short(tag.len())) }
}

/// The Contact's URI in the form of a Request-URI.
fn contact_target(msg: Msg<'_>) -> Result<Box<[u8]>, HeaderError> {
    let contact = msg.contact()?;
    let missing = HeaderError { name: Name::Contact, kind: HeaderErrorKind::Missing, offset: 0 };
    Ok(request_uri_form(contact.ok_or(missing)?.uri))
}

/// The Record-Route values as the route set of a UAS (as they are) or a UAC (reversed), one per line.
fn route_values(msg: Msg<'_>, reversed: bool) -> Vec<u8> {
    let mut values: Vec<&[u8]> = msg.list(Name::RecordRoute).take(ROUTES_MAX).collect();
    if reversed {
        values.reverse();
    }
    let mut out = Vec::new();
    for value in values {
        push_clean(&mut out, value);
        out.push(b'\n');
    }
    out
}

/// Whether a route's URI has the `lr` parameter. RFC 3261 §19.1.1; what is not a SIP URI cannot be strict.
fn is_loose(uri: &[u8]) -> bool {
    Uri::parse(uri).map_or(true, |uri| uri.params.get("lr").is_some())
}

/// A URI without what a Request-URI must not carry: `method` and headers. RFC 3261 §19.1.1, table 1.
#[must_use]
pub fn request_uri_form(uri: &[u8]) -> Box<[u8]> {
    // User parts may hold `;` and `?`: what is cut stands after the last `@`.
    let host = uri.iter().rposition(|&b| b == b'@').map_or(0, |at| at + 1);
    let (user, rest) = uri.split_at_checked(host).unwrap_or((uri, &[]));
    let rest = rest.split(|&b| b == b'?').next().unwrap_or_default();
    let mut out = clean(user);
    for (place, part) in rest.split(|&b| b == b';').enumerate() {
        let is_method = part.len() >= 7 && part.get(..7).is_some_and(|p| p.eq_ignore_ascii_case(b"method="));
        if place > 0 && is_method {
            continue;
        }
        if place > 0 {
            out.push(b';');
        }
        push_clean(&mut out, part);
    }
    out.into()
}
