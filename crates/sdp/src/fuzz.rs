//! Bodies of the fuzz targets; ordinary tests run them briefly.

use crate::anchor::{Anchor, anchor, anchor_answer, can_anchor, can_anchor_any, reject_all};
use crate::answer::check_answer;
use crate::direction::HoldForm;
use crate::media::Media;
use crate::session::{Limits, Session, parse, same_except_version};
use std::net::{IpAddr, Ipv4Addr};

/// Any bytes: parse, ask everything, rewrite in every hold form, and read our own output back.
///
/// # Panics
/// When our own output does not parse, changes shape, or is not stable under a second rewriting.
pub fn sdp(bytes: &[u8]) {
    assert!(same_except_version(bytes, bytes));
    let Ok(session) = parse(bytes, &Limits::default()) else { return };
    let _ = (session.origin(), session.connection(), can_anchor_any(&session).is_ok());
    let mut ports = Vec::new();
    for media in session.media() {
        ask(&session, media);
        ports.push(can_anchor(media).is_ok().then_some(30_000));
    }
    for hold in [HoldForm::Pass, HoldForm::Sendonly, HoldForm::Inactive, HoldForm::Zero] {
        let ours = Anchor {
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            ports: &ports,
            origin_id: 1,
            origin_version: 2,
            hold,
            reveal: crate::Reveal::default(),
            covers: &[],
        };
        let mut once = Vec::new();
        if anchor(&session, &ours, &mut once).is_err() {
            continue;
        }
        // Our lines may be more than came in, so the limits that bound a peer do not bind here.
        let wide = Limits { bytes: usize::MAX, lines: usize::MAX, ..Limits::default() };
        let again = parse(&once, &wide);
        assert!(again.is_ok(), "own output: {again:?}");
        let Ok(again) = again else { return };
        assert_eq!(again.media().len(), session.media().len());
        let mut twice = Vec::new();
        assert!(anchor(&again, &ours, &mut twice).is_ok());
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        assert_eq!(text(&once), text(&twice), "rewriting is not stable");
        let mut answer = Vec::new();
        assert!(anchor_answer(&session, &again, &ours, &mut answer).is_ok());
        let _ = check_answer(&again, &session);
    }
    assert!(parse(&reject_all(&session, (0, 0)), &Limits { bytes: usize::MAX, ..Limits::default() }).is_ok());
}

/// Asks a media description everything.
fn ask<'a>(session: &Session<'a>, media: &Media<'a>) {
    let _ = (media.ptime(), media.maxptime(), media.rtcp(), media.rtcp_mux(), media.crypto().count());
    let _ = (media.codecs().count(), media.effective_direction(), media.formats().count());
    let _ = (session.ice(media), media.candidates().count(), media.remote_candidates().count());
    let _ = session.extended_reports(media);
    let _ = (media.is_ice_mismatch(), media.fingerprints().count(), media.setup(), media.tls_id());
}

#[cfg(test)]
mod tests {
    use super::sdp;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static FIELD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "sdp"));
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    });

    #[test]
    fn field_descriptions_cut_anywhere() {
        for bytes in FIELD.iter() {
            for end in 0..=bytes.len() {
                sdp(&bytes[..end]);
            }
        }
    }

    fn ice_line() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            Just("a=candidate:1 1 UDP 1 192.0.2.1 4000 typ host"),
            Just("a=remote-candidates:1 192.0.2.1 4000 2"),
            Just("a=ice-pwd:0123456789012345678901"),
            Just("a=fingerprint:sha-1 99"),
            Just("m=audio 4000 UDP/TLS/RTP/SAVPF 0"),
        ]
    }

    /// A description made of plausible lines in any order.
    fn lines() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            Just("o=- 1 1 IN IP4 10.0.0.1"),
            Just("o=x"),
            Just("s="),
            Just("s=name"),
            Just("t=0 0"),
            Just("k=prompt"),
            Just("i=words"),
            Just("b=AS:64"),
            Just("y=1"),
            Just("c=IN IP4 10.0.0.1"),
            Just("c=IN IP4 0.0.0.0"),
            Just("c=IN IP6 ::"),
            Just("c=IN IP4 a.example"),
            Just("a=sendonly"),
            Just("a=recvonly"),
            Just("a=inactive"),
            Just("a=sendrecv"),
            Just("a=rtcp:7000"),
            Just("a=rtcp-xr:rcvr-rtt=all:10000 voip-metrics"),
            Just("a=ptime:20"),
            Just("a=rtpmap:96 opus/48000/2"),
            Just("a="),
            Just("a=:"),
            Just("m=audio 4000 RTP/AVP 0 96"),
            Just("m=audio 0 RTP/AVP"),
            Just("m=image 4000 udptl t38"),
            Just("m=video 4000 RTP/AVPF 34"),
            Just("m=audio 4000 RTP/SAVP 0"),
        ];
        proptest::collection::vec(prop_oneof![3 => line, 1 => ice_line()], 0..14).prop_map(|lines| {
            let mut bytes = b"v=0\r\n".to_vec();
            for line in lines {
                bytes.extend_from_slice(line.as_bytes());
                bytes.extend_from_slice(b"\r\n");
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            sdp(&bytes);
            sdp(&[b"v=0\n", &bytes[..]].concat());
        }

        #[test]
        fn any_arrangement_of_lines(bytes in lines()) {
            sdp(&bytes);
        }

        #[test]
        fn field_descriptions_with_bytes_changed(
            which in 0..25usize,
            changes in proptest::collection::vec((0..4_000usize, any::<u8>()), 1..6),
        ) {
            let mut bytes = FIELD[which].clone();
            for (at, value) in changes {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            sdp(&bytes);
        }
    }
}
