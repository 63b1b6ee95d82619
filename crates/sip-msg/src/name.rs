//! Header names known by id.
//!
//! A name is found by one hash probe over its length and three of its bytes, then compared without regard to
//! case. Compact forms (RFC 3261 §7.3.3 and later registrations) give the same id as the long ones, so no
//! header escapes a rule by its spelling.

/// Declares the ids with their spelling on the wire and compact form (0: none), in one place.
macro_rules! names {
    ($($id:ident, $text:literal, $compact:literal;)*) => {
        /// A header name; [`Name::Other`] for all that are not in the table.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = $text] $id,)*
            /// A name outside this table; find its rows by spelling.
            Other,
        }

        /// Spelling and compact form by id.
        const TABLE: &[(Name, &str, u8)] = &[$((Name::$id, $text, $compact),)*];
    };
}

names! {
    Via, "Via", b'v';
    From, "From", b'f';
    To, "To", b't';
    CallId, "Call-ID", b'i';
    CSeq, "CSeq", 0;
    Contact, "Contact", b'm';
    MaxForwards, "Max-Forwards", 0;
    Route, "Route", 0;
    RecordRoute, "Record-Route", 0;
    ContentType, "Content-Type", b'c';
    ContentLength, "Content-Length", b'l';
    ContentEncoding, "Content-Encoding", b'e';
    ContentLanguage, "Content-Language", 0;
    ContentDisposition, "Content-Disposition", 0;
    MimeVersion, "MIME-Version", 0;
    Allow, "Allow", 0;
    Supported, "Supported", b'k';
    Require, "Require", 0;
    ProxyRequire, "Proxy-Require", 0;
    Unsupported, "Unsupported", 0;
    Expires, "Expires", 0;
    MinExpires, "Min-Expires", 0;
    SessionExpires, "Session-Expires", b'x';
    MinSe, "Min-SE", 0;
    RSeq, "RSeq", 0;
    RAck, "RAck", 0;
    Reason, "Reason", 0;
    RetryAfter, "Retry-After", 0;
    Warning, "Warning", 0;
    Event, "Event", b'o';
    AllowEvents, "Allow-Events", b'u';
    SubscriptionState, "Subscription-State", 0;
    ReferTo, "Refer-To", b'r';
    ReferredBy, "Referred-By", b'b';
    ReferSub, "Refer-Sub", 0;
    Replaces, "Replaces", 0;
    Join, "Join", 0;
    UserAgent, "User-Agent", 0;
    Server, "Server", 0;
    PAssertedIdentity, "P-Asserted-Identity", 0;
    PPreferredIdentity, "P-Preferred-Identity", 0;
    RemotePartyId, "Remote-Party-ID", 0;
    Privacy, "Privacy", 0;
    Diversion, "Diversion", 0;
    HistoryInfo, "History-Info", 0;
    Identity, "Identity", b'y';
    IdentityInfo, "Identity-Info", b'n';
    Authorization, "Authorization", 0;
    ProxyAuthorization, "Proxy-Authorization", 0;
    WwwAuthenticate, "WWW-Authenticate", 0;
    ProxyAuthenticate, "Proxy-Authenticate", 0;
    AuthenticationInfo, "Authentication-Info", 0;
    Subject, "Subject", b's';
    Date, "Date", 0;
    Organization, "Organization", 0;
    Priority, "Priority", 0;
    AlertInfo, "Alert-Info", 0;
    CallInfo, "Call-Info", 0;
    ErrorInfo, "Error-Info", 0;
    InReplyTo, "In-Reply-To", 0;
    ReplyTo, "Reply-To", 0;
    Accept, "Accept", 0;
    AcceptEncoding, "Accept-Encoding", 0;
    AcceptLanguage, "Accept-Language", 0;
    AcceptContact, "Accept-Contact", b'a';
    RejectContact, "Reject-Contact", b'j';
    RequestDisposition, "Request-Disposition", b'd';
    Timestamp, "Timestamp", 0;
    Path, "Path", 0;
    ServiceRoute, "Service-Route", 0;
    PEarlyMedia, "P-Early-Media", 0;
    PCalledPartyId, "P-Called-Party-ID", 0;
    PChargeInfo, "P-Charge-Info", 0;
    PChargingVector, "P-Charging-Vector", 0;
    PAccessNetworkInfo, "P-Access-Network-Info", 0;
    PAssociatedUri, "P-Associated-URI", 0;
    UserToUser, "User-to-User", 0;
    Geolocation, "Geolocation", 0;
    GeolocationRouting, "Geolocation-Routing", 0;
    TargetDialog, "Target-Dialog", 0;
    SipEtag, "SIP-ETag", 0;
    SipIfMatch, "SIP-If-Match", 0;
    ResourcePriority, "Resource-Priority", 0;
    FlowTimer, "Flow-Timer", 0;
    SessionId, "Session-ID", 0;
    FeatureCaps, "Feature-Caps", 0;
}

/// How many ids there are, [`Name::Other`] included.
pub(crate) const COUNT: usize = TABLE.len() + 1;

const SLOTS: usize = 512;
const EMPTY: u8 = u8::MAX;

/// Open-addressed slots: index into [`TABLE`], or [`EMPTY`].
static LONG: [u8; SLOTS] = build_long();
/// Index into [`TABLE`] by lower-case letter of the compact form.
static COMPACT: [u8; 32] = build_compact();

/// Bytes differ from their other-case letter only in bit 0x20, so it is ignored here.
const fn slot(length: usize, first: u8, middle: u8, last: u8) -> usize {
    let mixed = (length as u32)
        .wrapping_mul(0x9e5)
        .wrapping_add(((first | 0x20) as u32).wrapping_mul(0x1f3))
        .wrapping_add(((middle | 0x20) as u32).wrapping_mul(0x2b))
        .wrapping_add(((last | 0x20) as u32).wrapping_mul(0x61));
    (mixed ^ (mixed >> 9)) as usize % SLOTS
}

const fn build_long() -> [u8; SLOTS] {
    let mut slots = [EMPTY; SLOTS];
    let mut at = 0;
    while at < TABLE.len() {
        let text = TABLE[at].1.as_bytes();
        let mut place = slot(text.len(), text[0], text[text.len() / 2], text[text.len() - 1]);
        while slots[place] != EMPTY {
            place = (place + 1) % SLOTS;
        }
        slots[place] = at as u8;
        at += 1;
    }
    slots
}

const fn build_compact() -> [u8; 32] {
    let mut slots = [EMPTY; 32];
    let mut at = 0;
    while at < TABLE.len() {
        if TABLE[at].2 != 0 {
            slots[(TABLE[at].2 & 0x1f) as usize] = at as u8;
        }
        at += 1;
    }
    slots
}

impl Name {
    /// The id of a header name in any case, long or compact (RFC 3261 §7.3.1, §7.3.3). `bytes` is the name
    /// alone, without blanks and colon.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Name {
        let (Some(first), Some(last), Some(middle)) =
            (bytes.first(), bytes.last(), bytes.get(bytes.len() / 2))
        else {
            return Name::Other;
        };
        if bytes.len() == 1 {
            return Name::from_compact(*first);
        }
        let mut place = slot(bytes.len(), *first, *middle, *last);
        // Ends at the first empty slot; the table is a fifth full, so runs are short.
        while let Some((name, text, _)) = LONG.get(place).and_then(|entry| TABLE.get(usize::from(*entry))) {
            if text.len() == bytes.len() && text.as_bytes().eq_ignore_ascii_case(bytes) {
                return *name;
            }
            place = (place + 1) % SLOTS;
        }
        Name::Other
    }

    fn from_compact(letter: u8) -> Name {
        if !letter.is_ascii_alphabetic() {
            return Name::Other;
        }
        let entry = COMPACT.get(usize::from(letter & 0x1f)).and_then(|entry| TABLE.get(usize::from(*entry)));
        entry.map_or(Name::Other, |(name, ..)| *name)
    }

    /// The name as registered, long form; empty for [`Name::Other`].
    #[inline]
    pub fn as_str(self) -> &'static str {
        TABLE.get(self as usize).map_or("", |(_, text, _)| *text)
    }

    /// The one-letter form, if the name has one.
    pub fn compact(self) -> Option<u8> {
        TABLE.get(self as usize).map(|(.., compact)| *compact).filter(|compact| *compact != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_every_case_and_form() {
        for (name, text, compact) in TABLE {
            assert_eq!(Name::from_bytes(text.as_bytes()), *name);
            assert_eq!(Name::from_bytes(text.to_ascii_uppercase().as_bytes()), *name);
            assert_eq!(Name::from_bytes(text.to_ascii_lowercase().as_bytes()), *name);
            assert_eq!(name.as_str(), *text);
            if *compact != 0 {
                assert_eq!(Name::from_bytes(&[*compact]), *name);
                assert_eq!(Name::from_bytes(&[compact.to_ascii_uppercase()]), *name);
            }
        }
    }

    #[test]
    fn near_misses_are_other() {
        for text in ["", "Vi", "Vía", "Froma", "To ", "Call\rID", "q", "\x16", "X-Call-ID"] {
            assert_eq!(Name::from_bytes(text.as_bytes()), Name::Other, "{text}");
        }
        assert_eq!(Name::Other.as_str(), "");
    }
}
