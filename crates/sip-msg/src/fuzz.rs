//! Fuzz bodies: each takes any bytes and panics only on a broken promise of this crate.
//!
//! The fuzz crate calls them through feature `fuzz`; ordinary tests call them with random and stored bytes.

use crate::name::Name;
use crate::{
    Edit, Frame, Framer, Index, Leniency, Limits, Msg, NameAddr, ReferTo, Replaces, Uri, Via, Writer, parse,
    salvage, verify,
};

/// Parses any bytes as a datagram, reads every typed value, and checks that an edit without changes gives the
/// same bytes and that a written copy parses to the same values.
pub fn sip_message(data: &[u8]) {
    let limits = Limits::default();
    let mut index = Index::new();
    if let Ok(message) = parse(data, &mut index, &limits, Leniency::default()) {
        read_all(message);
        let mut out = Vec::new();
        Edit::new(message).write_to(&mut out);
        assert_eq!(out, message.bytes(), "an edit without changes changes nothing");
        rewrite(message);
    }
    let mut index = Index::new();
    if let Some(message) = salvage(data, &mut index, &limits) {
        read_all(message);
    }
    let lenient =
        Leniency { bare_lf: true, start_line_blanks: true, short_datagram_body: true, ..Leniency::default() };
    let mut index = Index::new();
    if let Ok(message) = parse(data, &mut index, &limits, lenient) {
        read_all(message);
    }
}

fn read_all(message: Msg<'_>) {
    let _ =
        (message.start(), message.method(), message.via(), message.from(), message.to(), message.contact());
    let _ = (message.cseq(), message.call_id(), message.max_forwards(), message.session_expires());
    let _ = (message.min_se(), message.rseq(), message.rack(), message.retry_after(), message.expires());
    let _ = (message.is_sdp(), message.reason().count(), verify(message, Leniency::default()));
    for header in message.headers() {
        assert!(header.row.len() >= header.value.len() + header.raw_name.len());
        assert_eq!(Name::from_bytes(header.raw_name), header.name);
        for element in crate::elements(header.value) {
            if let Ok(address) = NameAddr::parse(element) {
                let _ = (address.tag(), Uri::parse(address.uri));
            }
            if let Ok(via) = Via::parse(element) {
                assert!(!via.host.is_empty());
            }
        }
    }
}

/// Writes every row through [`Writer`]; the copy must have the same rows, unfolded.
fn rewrite(message: Msg<'_>) {
    let mut out = Vec::new();
    let mut writer = match message.is_request() {
        true => Writer::request(&mut out, message.method_token(), message.request_uri()),
        false => Writer::response(&mut out, message.status(), message.reason_phrase()),
    };
    for header in message.headers().filter(|header| header.name != Name::ContentLength) {
        writer.raw_header(header.raw_name, header.value);
    }
    writer.finish(b"", message.body());
    let room = Limits { message: 1 << 20, header_line: 60_000, ..Limits::default() };
    let mut index = Index::new();
    let copy = parse(&out, &mut index, &room, Leniency::default()).expect("what we write parses");
    let others =
        |message: Msg<'_>| message.headers().filter(|header| header.name != Name::ContentLength).count();
    assert_eq!((others(copy), copy.body()), (others(message), message.body()));
}

/// Feeds bytes as a stream whole and in pieces (sizes from the first byte); the frames must be the same, and each
/// message must end where [`parse`] says.
pub fn framing(data: &[u8]) {
    let Some((seed, stream)) = data.split_first() else {
        return;
    };
    let stream = stream.get(..stream.len().min(60_000)).unwrap_or(stream);
    let whole = frames(stream, stream.len().max(1));
    let pieces = frames(stream, usize::from(*seed % 37) + 1);
    assert_eq!(whole, pieces, "splits change nothing");
    for message in whole.0.iter().flatten() {
        let mut index = Index::new();
        if let Ok(parsed) = parse(message, &mut index, &Limits::default(), Leniency::default()) {
            assert_eq!(parsed.bytes(), &message[..], "stream and datagram agree on the end");
        }
    }
}

/// The frames of a stream cut every `size` bytes (`None`: a keepalive line), and whether it failed.
fn frames(stream: &[u8], size: usize) -> (Vec<Option<Vec<u8>>>, bool) {
    let mut framer = Framer::new(&Limits::default(), Leniency::default());
    let mut found = Vec::new();
    for piece in stream.chunks(size) {
        if framer.push(piece).is_err() {
            return (found, true);
        }
        loop {
            match framer.next() {
                Ok(Some(Frame::Message(message))) => found.push(Some(message.to_vec())),
                Ok(Some(Frame::Ping | Frame::Pong)) => found.push(None),
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    (found, false)
}

/// Parses any bytes as a URI; it must equal itself and decode within its length.
pub fn uri(data: &[u8]) {
    if let Ok(uri) = Uri::parse(data) {
        assert!(uri.equivalent(&uri), "a URI equals itself");
        assert_eq!(uri.raw, data);
        let mut buffer = Vec::new();
        assert!(uri.user_decoded(&mut buffer).len() <= uri.user.len());
        let _ = (uri.ip(), uri.params.iter().count());
    }
    if let Ok(address) = NameAddr::parse(data) {
        let _ = (address.tag(), address.display_text(), Uri::parse(address.uri));
    }
    let replaces = ReferTo::parse(data).and_then(|to| to.replaces).or_else(|| Replaces::parse(data));
    if let Some(replaces) = replaces {
        let mut written = Vec::new();
        replaces.write(&mut written);
        assert_eq!(Replaces::parse(&written).as_ref(), Some(&replaces), "what is written reads back");
    }
}

/// The bodies over the stored messages, those messages damaged, and random bytes: a short run in every test.
#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn corpus() -> Vec<Vec<u8>> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata");
        let mut files = vec![root.join("trunk_invite.sip")];
        for folder in ["rfc4475", "rfc5118"] {
            files.extend(std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()));
        }
        files.sort();
        files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
    }

    fn all(data: &[u8]) {
        sip_message(data);
        framing(data);
        uri(data);
    }

    #[test]
    fn stored_messages_and_all_their_prefixes() {
        for bytes in corpus() {
            all(&bytes);
            for end in (0..bytes.len()).step_by(7) {
                sip_message(&bytes[..end]);
            }
            for row in bytes.split(|byte| *byte == b'\n') {
                uri(row);
            }
        }
    }

    proptest! {
        #[test]
        fn random_bytes(data in prop::collection::vec(any::<u8>(), 0..400)) {
            all(&data);
        }

        #[test]
        fn random_text(data in "(sip|sips|tel|x):[ -~]{0,60}") {
            uri(data.as_bytes());
        }

        #[test]
        fn damaged_messages(
            pick in any::<prop::sample::Index>(),
            hits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
                any::<u8>(), prop::sample::select(b"\r\n \t\0:;,<>\"\\@%=".to_vec()),
            ]), 1..12),
        ) {
            let corpus = corpus();
            let mut bytes = corpus[pick.index(corpus.len())].clone();
            for (at, byte) in hits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            all(&bytes);
        }
    }
}
