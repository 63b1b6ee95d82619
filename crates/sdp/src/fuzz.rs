//! Bodies of the fuzz targets; ordinary tests run them briefly.

use crate::anchor::{Anchor, anchor, anchor_answer, can_anchor, can_anchor_any, reject_all};
use crate::answer::check_answer;
use crate::direction::HoldForm;
use crate::session::{Limits, parse, same_except_version};
use std::net::{IpAddr, Ipv4Addr};

/// Any bytes: parse, ask everything, rewrite in every hold form, and read our own output back.
///
/// # Panics
/// When our own output does not parse, changes shape, or is not stable under a second rewriting.
pub fn sdp(bytes: &[u8]) {
    assert!(same_except_version(bytes, bytes));
    let Ok(session) = parse(bytes, &Limits::default()) else {
        return;
    };
    let _ = (session.origin(), session.connection(), can_anchor_any(&session).is_ok());
    let mut ports = Vec::new();
    for media in session.media() {
        let _ = (media.ptime(), media.maxptime(), media.rtcp(), media.rtcp_mux(), media.crypto().count());
        let _ = (media.codecs().count(), media.effective_direction(), media.formats().count());
        ports.push(can_anchor(media).is_ok().then_some(30_000));
    }
    for hold in [HoldForm::Pass, HoldForm::Sendonly, HoldForm::Inactive, HoldForm::Zero] {
        let ours = Anchor {
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            ports: &ports,
            origin_id: 1,
            origin_version: 2,
            hold,
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
        assert!(once == twice, "rewriting is not stable");
        let mut answer = Vec::new();
        assert!(anchor_answer(&session, &again, &ours, &mut answer).is_ok());
        let _ = check_answer(&again, &session);
    }
    assert!(parse(&reject_all(&session), &Limits { bytes: usize::MAX, ..Limits::default() }).is_ok());
}
