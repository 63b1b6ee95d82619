//! Policies.

use super::dialog;
use super::headers;
use super::identity;
use super::view::View;
use crate::country::Country;
use crate::forms::called;
use crate::keys::ANNOUNCEMENT;
use crate::model::{
    Announcement, Codecs, Digits, Policy, RecordManners, Redirects, Rtcp, SrtpKeys, SrtpPolicy, SrtpSuite,
    Transfers, TrunkSounds, Words,
};

/// Countries whose networks speak µ-law; all others speak A-law (ITU-T G.711 §2, national practice).
const MU_LAW: [&str; 5] = ["US", "CA", "JP", "TW", "PR"];

/// Reads a policy; the layers of the view are the override and the profile.
pub(super) fn policy(view: &View<'_>, country: Option<&Country>) -> Option<Policy> {
    Some(Policy {
        media: view.word("media")?,
        media_location: view.word("media_location")?,
        fax: view.word("fax")?,
        latch: view.word("latch")?,
        srtp: srtp(view)?,
        ice: view.word("ice")?,
        early_offer: view.word("early_offer")?,
        offer_codecs: offer_codecs(view, country),
        codecs: codecs(view)?,
        digits: Digits { by: view.word("dtmf")?, info: view.word("dtmf_info")? },
        sounds: sounds(view, country)?,
        recording: recording(view)?,
        prack: view.word("prack")?,
        session_timer: dialog::session_timer(view)?,
        hold: view.word("hold")?,
        transfer: transfers(view)?,
        redirect: redirects(view)?,
        diversion: view.word("diversion")?,
        history_info: view.word("history_info")?,
        identity: view.word("identity")?,
        caller: identity::caller(view)?,
        forwarding: identity::forwarding(view)?,
        headers_pass: view.strings("headers_pass"),
        number_format: view.word("number_format")?,
        extension: view.word("extension")?,
        called_from: called::called_from(view.text("called_from")?).ok()?,
        uri: view.word("uri")?,
        phone_context: view.string("phone_context"),
        user_phone: view.truth("user_phone")?,
        media_timeout: view.duration_or_off("media_timeout"),
        rtcp: rtcp(view)?,
        sips: view.word("sips")?,
        contact: view.word("contact")?,
        user_agent: view.string("user_agent"),
        dialog: dialog::dialog(view)?,
        headers: headers::headers(view)?,
    })
}

fn recording(view: &View<'_>) -> Option<RecordManners> {
    Some(RecordManners { notice: view.word("record_notice")?, preference: view.word("record_preference")? })
}

fn redirects(view: &View<'_>) -> Option<Redirects> {
    Some(Redirects {
        then: view.word("redirect")?,
        max: view.integer("redirect_max")?,
        taken: view.truth("redirect_taken")?,
    })
}

fn codecs(view: &View<'_>) -> Option<Codecs> {
    Some(Codecs {
        allowed: view.strings("codecs"),
        locked: view.truth("codecs_locked")?,
        ptime_ms: view.integer("ptime"),
        gain_db: view.integer("gain")?,
        transcode: view.word("transcode")?,
        payload_types: view.word("payload_types")?,
    })
}

fn rtcp(view: &View<'_>) -> Option<Rtcp> {
    let (active, held) = (view.truth("rtcp_active")?, view.truth("rtcp_held")?);
    Some(Rtcp {
        source: view.word("rtcp")?,
        active,
        held,
        extended: view.word("rtcp_xr")?,
        keepalive: view.word("rtp_keepalive")?,
    })
}

fn transfers(view: &View<'_>) -> Option<Transfers> {
    let (refer, max, replaces) = (view.word("refer")?, view.integer("refer_max")?, view.word("replaces")?);
    Some(Transfers { refer, target: view.word("refer_target")?, max, replaces })
}

fn sounds(view: &View<'_>, country: Option<&Country>) -> Option<TrunkSounds> {
    let announcement = |table| {
        let view = View::new(&ANNOUNCEMENT, [Some(table)]);
        Some(Announcement { status: view.integer("status")?, file: view.text("file")?.into() })
    };
    let announce = view.items("announce").iter().map(|item| announcement(item.table()?));
    Some(TrunkSounds {
        ringing: view.word("ringback")?,
        country: view.text("ringback_of").or(country.map(|c| c.iso)).unwrap_or_default().into(),
        announce: announce.collect::<Option<_>>()?,
        hold_music: view.text("hold_music").map(Into::into),
    })
}

fn srtp(view: &View<'_>) -> Option<SrtpPolicy> {
    Some(SrtpPolicy {
        mode: view.word("srtp")?,
        over_plain: view.word("srtp_over_plain")?,
        keys: view.strings("srtp_keys").iter().filter_map(|s| SrtpKeys::from_token(s)).collect(),
        setup: view.word("dtls_setup")?,
        answer: view.word("dtls_answer")?,
        suites: view.strings("srtp_suites").iter().filter_map(|s| SrtpSuite::from_token(s)).collect(),
        t38: view.word("srtp_t38")?,
    })
}

/// The codecs written, or the default in the country's order.
fn offer_codecs(view: &View<'_>, country: Option<&Country>) -> Vec<String> {
    let codecs = view.strings("offer_codecs");
    if view.value("offer_codecs").is_some() { codecs } else { default_codecs(codecs, country) }
}

/// The default codecs in the country's order.
pub(crate) fn default_codecs(mut codecs: Vec<String>, country: Option<&Country>) -> Vec<String> {
    if country.is_some_and(|c| MU_LAW.contains(&c.iso)) {
        codecs.sort_by_key(|codec| match codec.as_str() {
            "PCMU" => 0,
            "PCMA" => 1,
            _ => 2,
        });
    }
    codecs
}
