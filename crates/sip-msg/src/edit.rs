//! [`Edit`]: a received message with changes, every other byte as it came.
//!
//! Changes are a short list applied while copying, so what nobody touched (unknown headers, odd spelling, folds,
//! bytes that are not UTF-8) goes out exactly as it came in. New values pass the same guard as [`crate::Writer`].

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::message::{Header, Msg};
use crate::name::Name;
use crate::writer::{push_content_length, push_row, push_uri};

/// A change list over one message.
#[derive(Clone, Debug)]
pub struct Edit<'a> {
    message: Msg<'a>,
    request_uri: Option<Cow<'a, [u8]>>,
    changes: SmallVec<[Change<'a>; 8]>,
    /// Bit by name: rows of it are removed or replaced.
    dropped: u128,
    dropped_spellings: SmallVec<[Cow<'a, str>; 4]>,
    body: Option<NewBody<'a>>,
    states_length: bool,
}

#[derive(Clone, Debug)]
struct NewBody<'a> {
    content_type: Cow<'a, [u8]>,
    bytes: Cow<'a, [u8]>,
}

#[derive(Clone, Debug)]
struct Change<'a> {
    place: Place,
    name: Name,
    value: Cow<'a, [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before all rows.
    Top,
    /// Where the first row of the name was, else after all rows.
    First,
    /// After all rows.
    End,
}

impl<'a> Edit<'a> {
    /// No changes yet.
    pub fn new(message: Msg<'a>) -> Edit<'a> {
        Edit {
            message,
            request_uri: None,
            changes: SmallVec::new(),
            dropped: 0,
            dropped_spellings: SmallVec::new(),
            body: None,
            states_length: false,
        }
    }

    /// Removes all received rows of that name, however spelled. [`Name::Other`] removes nothing: use
    /// [`Edit::remove_named`].
    pub fn remove(&mut self, name: Name) -> &mut Self {
        if name != Name::Other {
            self.dropped |= bit(name);
        }
        self
    }

    /// Removes all received rows whose name is spelled so, ASCII case-insensitive; a known name in every form.
    pub fn remove_named(&mut self, name: impl Into<Cow<'a, str>>) -> &mut Self {
        let name = name.into();
        match Name::from_bytes(name.as_bytes()) {
            Name::Other => self.dropped_spellings.push(name),
            known => self.dropped |= bit(known),
        }
        self
    }

    /// One row with `value` instead of all rows of that name, where the first of them was, else at the end.
    /// Not for [`Name::Other`] and Content-Length.
    pub fn replace(&mut self, name: Name, value: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        if may_be_set(name) {
            self.changes.retain(|change| change.place != Place::First || change.name != name);
            self.dropped |= bit(name);
            self.changes.push(Change { place: Place::First, name, value: value.into() });
        }
        self
    }

    /// A further row after all others. Not for [`Name::Other`] and Content-Length.
    pub fn push(&mut self, name: Name, value: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        if may_be_set(name) {
            self.changes.push(Change { place: Place::End, name, value: value.into() });
        }
        self
    }

    /// A further row before all others (Via, Record-Route: RFC 3261 §16.6); a later call stands above an earlier.
    pub fn push_top(&mut self, name: Name, value: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        if may_be_set(name) {
            self.changes.insert(0, Change { place: Place::Top, name, value: value.into() });
        }
        self
    }

    /// Another Request-URI; without effect on a response.
    pub fn set_request_uri(&mut self, uri: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        self.request_uri = Some(uri.into());
        self
    }

    /// Another body with its Content-Type and Content-Length; an empty body takes both type and bytes away.
    pub fn set_body(
        &mut self,
        content_type: impl Into<Cow<'a, [u8]>>,
        body: impl Into<Cow<'a, [u8]>>,
    ) -> &mut Self {
        self.body = Some(NewBody { content_type: content_type.into(), bytes: body.into() });
        self.dropped |= bit(Name::ContentType) | bit(Name::ContentLength);
        self.changes.retain(|change| change.name != Name::ContentType);
        self
    }

    /// Adds Content-Length if the message has none, as streams demand (RFC 3261 §18.3).
    pub fn state_length(&mut self) -> &mut Self {
        self.states_length = true;
        self
    }

    /// Appends the changed message. Without changes: the received bytes.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.message.bytes().len() + 64);
        self.write_start(out);
        self.write_added(out, Place::Top);
        let mut written: u128 = 0;
        for header in self.message.headers() {
            if !self.drops(&header) {
                out.extend_from_slice(header.row);
            } else if written & bit(header.name) == 0 {
                written |= bit(header.name);
                self.write_first(out, header.name);
            }
        }
        for change in self.changes.iter().filter(|change| change.place == Place::First) {
            if written & bit(change.name) == 0 {
                push_row(out, change.name.as_str().as_bytes(), &[&change.value]);
            }
        }
        self.write_added(out, Place::End);
        self.write_body(out);
    }

    fn drops(&self, header: &Header<'_>) -> bool {
        if header.name != Name::Other {
            return self.dropped & bit(header.name) != 0;
        }
        self.dropped_spellings.iter().any(|name| header.raw_name.eq_ignore_ascii_case(name.as_bytes()))
    }

    fn write_start(&self, out: &mut Vec<u8>) {
        let row = self.message.start_row();
        let (from, to) = self.message.start_text_span();
        match (&self.request_uri, row.get(..from), row.get(to..)) {
            (Some(uri), Some(before), Some(after)) if self.message.is_request() => {
                out.extend_from_slice(before);
                push_uri(out, uri);
                out.extend_from_slice(after);
            }
            _ => out.extend_from_slice(row),
        }
    }

    fn write_added(&self, out: &mut Vec<u8>, place: Place) {
        for change in self.changes.iter().filter(|change| change.place == place) {
            push_row(out, change.name.as_str().as_bytes(), &[&change.value]);
        }
    }

    fn write_first(&self, out: &mut Vec<u8>, name: Name) {
        for change in self.changes.iter().filter(|change| change.place == Place::First && change.name == name)
        {
            push_row(out, name.as_str().as_bytes(), &[&change.value]);
        }
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        let (content_type, body): (&[u8], &[u8]) = match &self.body {
            Some(new) => (&new.content_type, &new.bytes),
            None => (&[], self.message.body()),
        };
        if !content_type.is_empty() && !body.is_empty() {
            push_row(out, b"Content-Type", &[content_type]);
        }
        let has_length =
            self.message.first(Name::ContentLength).is_some() && self.dropped & bit(Name::ContentLength) == 0;
        if self.body.is_some() || (self.states_length && !has_length) {
            push_content_length(out, body.len());
        }
        out.extend_from_slice(self.message.separator());
        out.extend_from_slice(body);
    }
}

fn bit(name: Name) -> u128 {
    1 << (name as u32)
}

fn may_be_set(name: Name) -> bool {
    !matches!(name, Name::Other | Name::ContentLength)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Index, Leniency, Limits, parse};

    const ORIGINAL: &str = "INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP x\r\nX-Odd :  1\r\n 2\r\nRoute: <sip:r1>\r\n\
        From: <sip:a>\r\nroute: <sip:r2>\r\nx-odd: 3\r\nc: text/plain\r\nl: 2\r\n\r\nhi";

    fn text(change: impl FnOnce(&mut Edit<'_>)) -> String {
        let mut index = Index::new();
        let message =
            parse(ORIGINAL.as_bytes(), &mut index, &Limits::default(), Leniency::default()).unwrap();
        let mut edit = Edit::new(message);
        change(&mut edit);
        let mut out = Vec::new();
        edit.write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// The original with pieces of it changed.
    fn original(changes: &[(&str, &str)]) -> String {
        changes.iter().fold(ORIGINAL.to_string(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    }

    const NO_ROUTE_2: (&str, &str) = ("route: <sip:r2>\r\n", "");

    #[test]
    fn rows_are_removed_replaced_and_added_in_place() {
        assert_eq!(text(|_| ()), ORIGINAL);
        let removed = text(|edit| _ = edit.remove(Name::Route));
        assert_eq!(removed, original(&[("Route: <sip:r1>\r\n", ""), NO_ROUTE_2]));
        let replaced =
            text(|edit| _ = edit.replace(Name::Route, b"<sip:o>").replace(Name::Route, b"<sip:n>"));
        assert_eq!(replaced, original(&[("Route: <sip:r1>", "Route: <sip:n>"), NO_ROUTE_2]));
        let odd = text(|edit| _ = edit.remove_named("X-ODD").remove_named("no-such"));
        assert_eq!(odd, original(&[("X-Odd :  1\r\n 2\r\n", ""), ("x-odd: 3\r\n", "")]));
        let topped = text(|edit| _ = edit.push_top(Name::Via, b"A").push_top(Name::Via, b"B"));
        assert_eq!(topped, original(&[("v: SIP", "Via: B\r\nVia: A\r\nv: SIP")]));
        let added = text(|edit| _ = edit.replace(Name::Subject, b"s").push(Name::Server, b"t"));
        assert_eq!(added, original(&[("l: 2\r\n", "l: 2\r\nSubject: s\r\nServer: t\r\n")]));
    }

    #[test]
    fn body_and_request_uri_change_with_their_headers() {
        const OLD: &str = "c: text/plain\r\nl: 2\r\n\r\nhi";
        let body = text(|edit| _ = edit.set_body(b"a/b", b"xyz"));
        assert_eq!(body, original(&[(OLD, "Content-Type: a/b\r\nContent-Length: 3\r\n\r\nxyz")]));
        let bare = text(|edit| _ = edit.set_body(b"", b""));
        assert_eq!(bare, original(&[(OLD, "Content-Length: 0\r\n\r\n")]));
        assert_eq!(
            text(|edit| _ = edit.set_request_uri(b"tel:+1 2")),
            original(&[("sip:a@b", "tel:+1%202")])
        );
        assert_eq!(text(|edit| _ = edit.state_length()), ORIGINAL);
    }

    #[test]
    fn new_values_cannot_start_a_header() {
        let added = text(|edit| _ = edit.push(Name::Subject, b"s\r\nEvil: 1"));
        assert_eq!(added, original(&[("l: 2\r\n", "l: 2\r\nSubject: s  Evil: 1\r\n")]));
        assert_eq!(text(|edit| _ = edit.push(Name::Other, b"x").push(Name::ContentLength, b"9")), ORIGINAL);
    }

    #[test]
    fn a_missing_length_can_be_stated() {
        let mut index = Index::new();
        let bytes = b"BYE sip:a SIP/2.0\r\n\r\nabc";
        let message = parse(bytes, &mut index, &Limits::default(), Leniency::default()).unwrap();
        let mut out = Vec::new();
        Edit::new(message).state_length().write_to(&mut out);
        assert_eq!(out, b"BYE sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc");
    }
}
