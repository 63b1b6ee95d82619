//! Numbers in every dress: tel URIs, extensions of a pilot number, translations, with SIPp on both sides.

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::{Place, Server, Sipp, records};

fn invite(received: &[String]) -> &String {
    received.iter().find(|m| m.starts_with("INVITE ")).expect("an INVITE")
}

#[test]
fn a_call_in_tel_uris_is_translated_for_a_provider_of_tel_uris() {
    let place = Place::new("tel");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "pilot = { number = \"+493023125\", digits = \"3\" }\n".into();
    setup.itsp_more = "translate = { called_out = [{ match = '^\\+(\\d*)$', to = \"00$1\" }] }\n\
                       override = { uri = \"tel\", phone_context = \"provider.example\" }\n"
        .into();
    let server = Server::start(&place, &setup.text());
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP)).keep_messages().answer();
    let caller = Sipp::new(&place, "caller", "uac_tel", &place.sip(PBX)).from("100").with(&["-d", "50"]);
    caller.call("+44-1632-960001", &place.sip(INSIDE)).finish();
    callee.finish();
    let received = callee.received();
    let invite = invite(&received);
    let uri = "tel:00441632960001;phone-context=provider.example";
    assert!(invite.starts_with(&format!("INVITE {uri} SIP/2.0")), "{invite}");
    assert!(
        invite.contains(&format!("To: <{uri}>")) && invite.contains("<tel:+493023125100>;tag="),
        "{invite}"
    );
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(records::word(&record, "called"), "+441632960001", "{record}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_number_of_the_pilot_reaches_the_pbx_as_its_extension() {
    let place = Place::new("extension");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "pilot = { number = \"+493023125\", digits = \"3\" }\n\
                      override = { extension = \"short\" }\n"
        .into();
    let server = Server::start(&place, &setup.text());
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(PBX)).keep_messages().answer();
    let caller =
        Sipp::new(&place, "caller", "uac", &place.sip(ITSP)).from("+441632960001").with(&["-d", "50"]);
    caller.call("+493023125100", &place.sip(OUTSIDE)).finish();
    callee.finish();
    let received = callee.received();
    assert!(invite(&received).starts_with("INVITE sip:100@"), "{}", invite(&received));
    assert_eq!(server.stop(), 0);
}
