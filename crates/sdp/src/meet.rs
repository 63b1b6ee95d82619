//! Two offers that meet: each peer has offered without knowing of the other, and each is answered with what the
//! other has offered (RFC 3264 §6).

use crate::change::write_media;
use crate::media::Media;
use crate::session::Session;

/// What `text` has that answers `offer`: its streams in the places of those offered, with the formats that both have,
/// in its own order and under its own numbers (the other peer sends by them). A stream that the two do not share is
/// refused. `None`: they share none.
#[must_use]
pub fn meet(text: &Session<'_>, offer: &Session<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.bytes.len());
    out.extend_from_slice(text.head);
    let mut shared = false;
    for (index, offered) in offer.media().iter().enumerate() {
        let own = text.media().get(index).filter(|own| own.port != 0 && offered.port != 0);
        let kept = own.map(|own| common(own, offered)).unwrap_or_default();
        match own.filter(|_| !kept.is_empty()) {
            Some(own) => {
                shared = true;
                write_media(own, own.port, Some(&kept), &mut out);
            }
            None => refuse(offered, &mut out),
        }
    }
    shared.then_some(out)
}

/// The formats of a stream that another one of its kind has too; none when only DTMF or noise is left.
fn common<'a>(own: &Media<'a>, offered: &Media<'_>) -> Vec<&'a [u8]> {
    if !own.kind_token.eq_ignore_ascii_case(offered.kind_token) || own.is_rtp() != offered.is_rtp() {
        return Vec::new();
    }
    if !own.is_rtp() {
        let has = |format: &&[u8]| offered.formats().any(|other| other.eq_ignore_ascii_case(format));
        return own.formats().filter(has).collect();
    }
    let theirs = offered.codec_list();
    let shared = own.codecs().filter(|codec| theirs.iter().any(|other| other.is_same_encoding(codec)));
    let (numbers, primary): (Vec<u8>, Vec<bool>) = shared.map(|codec| (codec.pt, codec.is_primary())).unzip();
    if !primary.contains(&true) {
        return Vec::new();
    }
    let is = |format: &&[u8]| {
        std::str::from_utf8(format)
            .ok()
            .and_then(|f| f.parse().ok())
            .is_some_and(|pt: u8| numbers.contains(&pt))
    };
    own.formats().filter(is).collect()
}

fn refuse(offered: &Media<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"m=");
    out.extend_from_slice(offered.kind_token);
    out.extend_from_slice(b" 0 ");
    out.extend_from_slice(offered.proto);
    for format in offered.formats() {
        out.push(b' ');
        out.extend_from_slice(format);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::check_answer;
    use crate::session::{Limits, parse};

    const HEAD: &str = "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
    const EVENTS: &str = "telephone-event/8000\r\n";

    fn read(text: &str) -> Session<'_> {
        parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|e| unreachable!("{e}: {text}"))
    }

    fn met(text: &str, offer: &str) -> Option<String> {
        let made = meet(&read(text), &read(offer))?;
        let made = String::from_utf8_lossy(&made).into_owned();
        assert!(check_answer(&read(offer), &read(&made)).is_ok(), "{made}");
        Some(made)
    }

    #[test]
    fn two_offers_answer_each_other_with_what_both_have_under_their_own_numbers() {
        let one = format!("{HEAD}m=audio 4000 RTP/AVP 9 8 101\r\na=rtpmap:101 {EVENTS}");
        let other = format!("{HEAD}m=audio 6000 RTP/AVP 18 8 0 96\r\na=rtpmap:96 {EVENTS}a=ptime:20\r\n");
        let made = met(&other, &one).unwrap_or_default();
        assert!(made.contains("m=audio 6000 RTP/AVP 8 96\r\n"), "{made}");
        assert!(made.ends_with("a=ptime:20\r\n"), "{made}");
        let made = met(&one, &other).unwrap_or_default();
        assert!(made.contains("m=audio 4000 RTP/AVP 8 101\r\n"), "{made}");
    }

    #[test]
    fn a_stream_that_only_one_has_is_refused_and_without_a_common_one_there_is_no_answer() {
        let video = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
        let one = format!("{HEAD}m=audio 4000 RTP/AVP 8\r\n{video}");
        let other = format!("{HEAD}m=audio 6000 RTP/AVP 0 8\r\n");
        let made = met(&other, &one).unwrap_or_default();
        assert!(made.contains("m=video 0 RTP/AVP 96\r\n"), "{made}");
        assert_eq!(met(&one, &other).unwrap_or_default().matches("m=").count(), 1);
        assert_eq!(met(&format!("{HEAD}m=audio 6000 RTP/AVP 18\r\n"), &one), None);
        let events = format!("{HEAD}m=audio 6000 RTP/AVP 101\r\na=rtpmap:101 {EVENTS}");
        assert_eq!(met(&events, &events), None, "DTMF alone is no call");
    }
}
