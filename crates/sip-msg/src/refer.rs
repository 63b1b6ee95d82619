//! What transfers are made of: the target of a REFER (RFC 3515 §2.1), the dialog whose place an INVITE takes
//! (RFC 3891 §6.1), and what is said of how a transfer goes (RFC 3515 §2.4).

use crate::addr::NameAddr;
use crate::message::Msg;
use crate::name::Name;
use crate::params::Params;
use crate::status::reason_phrase;
use crate::uri::{Uri, percent_decode};

/// The longest Replaces that is read out of a Refer-To, in bytes: limit `replaces_bytes`.
const REPLACES_MAX: usize = 1_024;

/// A dialog that another one is to take the place of: the value of Replaces (RFC 3891 §6.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: Box<[u8]>,
    /// The tag of the side that is asked.
    pub to_tag: Box<[u8]>,
    /// The tag of the other side.
    pub from_tag: Box<[u8]>,
    /// Only while the dialog is early (`early-only`).
    pub early_only: bool,
}

impl Replaces {
    /// Reads a value; `None`: it breaks the grammar, or lacks a tag or has one twice.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Replaces> {
        let value = value.trim_ascii();
        let end = value.iter().position(|c| *c == b';')?;
        let (call_id, rest) = value.split_at_checked(end)?;
        let params = Params::new(rest);
        let only = |name: &str| {
            let mut all = params.iter().filter(|p| p.name.eq_ignore_ascii_case(name.as_bytes()));
            let first = all.next()?.value;
            (all.next().is_none() && !first.is_empty()).then(|| Box::from(first))
        };
        let call_id = call_id.trim_ascii();
        let fits = !call_id.is_empty() && call_id.iter().all(|c| c.is_ascii_graphic() && *c != b',');
        fits.then_some(())?;
        Some(Replaces {
            call_id: call_id.into(),
            to_tag: only("to-tag")?,
            from_tag: only("from-tag")?,
            early_only: params.get("early-only").is_some(),
        })
    }

    /// Appends the value.
    pub fn write(&self, out: &mut Vec<u8>) {
        let parts: [&[u8]; 5] = [&self.call_id, b";to-tag=", &self.to_tag, b";from-tag=", &self.from_tag];
        parts.into_iter().for_each(|part| out.extend_from_slice(part));
        if self.early_only {
            out.extend_from_slice(b";early-only");
        }
    }

    /// Appends the value as a header inside a URI (RFC 3261 §19.1.1: `hnv-unreserved` stays as it is).
    pub fn write_escaped(&self, out: &mut Vec<u8>) {
        let mut plain = Vec::new();
        self.write(&mut plain);
        for byte in plain {
            if byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/?:+$".contains(&byte) {
                out.push(byte);
            } else {
                out.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
        }
    }
}

/// Where a REFER sends its recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReferTo<'a> {
    /// The URI, its headers and `method` still in it.
    pub uri: Uri<'a>,
    /// The method, when one is named; else INVITE is meant.
    pub method: Option<&'a [u8]>,
    /// The dialog whose place is to be taken.
    pub replaces: Option<Replaces>,
}

impl<'a> ReferTo<'a> {
    /// Reads the value of a Refer-To; `None`: it names no URI, or its Replaces is malformed.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<ReferTo<'a>> {
        let uri = Uri::parse(NameAddr::parse(value).ok()?.uri).ok()?;
        let named = |header: &&[u8]| header.len() > 9 && header[..9].eq_ignore_ascii_case(b"Replaces=");
        let replaces = match uri.headers.split(|c| *c == b'&').find(named) {
            None => None,
            Some(header) => {
                let mut plain = Vec::new();
                percent_decode(header.get(9..)?.get(..).filter(|h| h.len() <= REPLACES_MAX)?, &mut plain);
                Some(Replaces::parse(&plain)?)
            }
        };
        Some(ReferTo { uri, method: uri.params.get("method"), replaces })
    }
}

/// Whether a REFER or its answer does without NOTIFY (RFC 4488 §4).
#[must_use]
pub fn renounces(msg: Msg<'_>) -> bool {
    msg.row_named("Refer-Sub").any(|value| {
        value.split(|c| *c == b';').next().unwrap_or_default().trim_ascii().eq_ignore_ascii_case(b"false")
    })
}

/// Whether a Subscription-State ends what it speaks of.
#[must_use]
pub fn ends(state: &[u8]) -> bool {
    state.get(..10).is_some_and(|word| word.eq_ignore_ascii_case(b"terminated"))
}

/// The status in a `message/sipfrag`, as a line of ours: nothing else of it crosses.
#[must_use]
pub fn sipfrag(msg: Msg<'_>) -> (u16, Vec<u8>) {
    let line = msg.body().split(|c| matches!(c, b'\r' | b'\n')).next().unwrap_or_default();
    let code = line.strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.get(..3));
    let status = code.and_then(|code| std::str::from_utf8(code).ok()?.parse().ok()).unwrap_or(0);
    let line = format!("SIP/2.0 {status} {}\r\n", reason_phrase(status));
    (status, if status == 0 { Vec::new() } else { line.into_bytes() })
}

/// The subscription that an Event of a REFER means: `id` when it has one; `None`: it is another package.
#[must_use]
pub fn refer_event(msg: Msg<'_>) -> Option<Option<u32>> {
    let mut parts = msg.first(Name::Event)?.split(|c| *c == b';').map(<[u8]>::trim_ascii);
    if !parts.next()?.eq_ignore_ascii_case(b"refer") {
        return None;
    }
    let id = parts.find_map(|part| part.strip_prefix(b"id="));
    Some(id.and_then(|id| std::str::from_utf8(id).ok()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_dialog_is_read_and_written() {
        let read = |text: &str| Replaces::parse(text.as_bytes());
        let one = read("98732@10.0.0.1 ;to-tag=r33th4x0r; From-Tag=ff87ff;early-only").unwrap();
        assert_eq!(
            (&*one.call_id, &*one.to_tag, &*one.from_tag),
            (&b"98732@10.0.0.1"[..], &b"r33th4x0r"[..], &b"ff87ff"[..])
        );
        assert!(one.early_only);
        let mut out = Vec::new();
        one.write(&mut out);
        assert_eq!(out, b"98732@10.0.0.1;to-tag=r33th4x0r;from-tag=ff87ff;early-only");
        for bad in [
            "",
            "a",
            "a;to-tag=x",
            "a;from-tag=x",
            ";to-tag=x;from-tag=y",
            "a;to-tag=x;to-tag=y;from-tag=z",
            "a b;to-tag=x;from-tag=y",
            "a;to-tag;from-tag=y",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_target_of_a_refer_bears_its_dialog_escaped() {
        let text = b"<sip:bob@b.example;method=INVITE?Subject=x&replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE>;x=1";
        let to = ReferTo::parse(text).unwrap();
        assert_eq!((to.uri.user, to.method), (&b"bob"[..], Some(&b"INVITE"[..])));
        let replaces = to.replaces.unwrap();
        assert_eq!(&*replaces.call_id, b"12345@192.168.118.3");
        let mut out = Vec::new();
        replaces.write_escaped(&mut out);
        assert_eq!(out, b"12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE");
        assert_eq!(ReferTo::parse(b"sip:carol@c.example").unwrap().replaces, None);
        assert_eq!(ReferTo::parse(b"<sip:carol@c.example?Replaces=1%3Bto-tag%3D2>"), None);
        assert_eq!(ReferTo::parse(b"carol"), None);
    }
}
