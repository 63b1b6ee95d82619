//! IP-PBXs.

use super::{FROM, PBX, Play, finds, moved, neutral, talks};
use conformance::Script;
use conformance::script::SDP;

/// In the order of their trunks.
pub(crate) const INSIDE: &[Play] = &[
    Play {
        profile: "asterisk",
        quirk: "send_rpid names the caller, direct_media moves media by re-INVITE, which stays on its leg",
        peer: || {
            let rows =
                "Remote-Party-ID: <sip:+493023125111@[local_ip]>;party=calling;screen=yes;privacy=off\n";
            let begun = Script::default().call("[service]", "<sip:asterisk@[local_ip]>", rows, SDP);
            let talking = begun.expect(200, &[]).inside("ACK", "", "");
            let again = talking.inside("INVITE", "", &moved()).expect(200, &[("", "m=audio")]);
            again.inside("ACK", "", "").inside("BYE", "", "").expect(200, &[])
        },
        other: || talks(&[("From", "<sip:\\+493023125111@")]),
        ..PBX
    },
    Play {
        profile: "freeswitch",
        quirk: "sip_cid_type=pid names the caller in P-Preferred-Identity; bypassed media move by re-INVITE",
        peer: || {
            let rows = "P-Preferred-Identity: <sip:+493023125112@[local_ip]>\n";
            let begun = Script::default().call("[service]", "<sip:gw+x@[local_ip]>", rows, SDP);
            let talking = begun.expect(200, &[]).inside("ACK", "", "");
            let again = talking.inside("INVITE", "", &moved()).expect(200, &[("", "m=audio")]);
            again.inside("ACK", "", "").inside("BYE", "", "").expect(200, &[])
        },
        other: || talks(&[("From", "<sip:\\+493023125112@")]),
        ..PBX
    },
    Play {
        profile: "avaya",
        quirk: "shuffling stays on its leg, headers of the vendor do not cross, History-Info does",
        peer: || {
            let rows = "P-Asserted-Identity: <sip:+493023125113@[local_ip]>\nP-Location: SM;origlocs\n\
                            Endpoint-View: <sip:1@a>;local-tag=1\nAv-Global-Session-ID: 1-2-3\n\
                            History-Info: <sip:+493023125177@[local_ip]>;index=1, <sip:x@[local_ip];cause=302>;index=1.1\n";
            let begun = Script::default().call("[service]", FROM, rows, SDP);
            let talking = begun.expect(200, &[]).inside("ACK", "", "");
            let again = talking.inside("INVITE", "", &moved()).expect(200, &[("", "m=audio")]);
            again.inside("ACK", "", "").inside("BYE", "", "").expect(200, &[])
        },
        other: || {
            talks(&[
                ("From", "<sip:\\+493023125113@"),
                ("P-Location", ""),
                ("Endpoint-View", ""),
                ("Av-Global-Session-ID", ""),
                ("History-Info", "\\+493023125177@.*index=1"),
            ])
        },
        ..PBX
    },
    Play {
        profile: "3cx",
        quirk: "a transfer by REFER with Replaces is declined, so that it bridges by itself",
        peer: || {
            let begun = Script::default().call("[service]", FROM, "", SDP);
            let talking = begun.expect(200, &[]).inside("ACK", "", "");
            let rows = "Refer-To: <sip:200@[local_ip]?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>\nReferred-By: <sip:[from]@[local_ip]>\n";
            talking.inside("REFER", rows, "").expect(603, &[]).inside("BYE", "", "").expect(200, &[])
        },
        other: neutral,
        ..PBX
    },
    Play {
        profile: "cisco-cucm",
        quirk: "a late offer of CUCM is an early one for the provider; the answer comes in the ACK",
        peer: || {
            let begun = Script::default().call("[service]", FROM, "", "");
            let talking = begun.expect(200, &[("", "m=audio")]).inside("ACK", "", SDP);
            talking.inside("BYE", "", "").expect(200, &[])
        },
        other: || talks(&[("", "m=audio")]),
        ..PBX
    },
    Play {
        profile: "cisco-cucm",
        quirk: "CUCM reads P-Asserted-Identity and Remote-Party-ID beside From",
        calls: false,
        peer: || {
            finds(&[
                ("P-Asserted-Identity", "\\+442079460000@"),
                ("Remote-Party-ID", "\\+442079460000@.*party=calling"),
            ])
        },
        other: || {
            let from = "<sip:+442079460000@[local_ip]>";
            let rows = "P-Asserted-Identity: <sip:+442079460000@[local_ip]>\n";
            Script::default().call("[service]", from, rows, SDP).expect(486, &[]).refused()
        },
        ..PBX
    },
    Play {
        profile: "lync-2013",
        quirk: "hold is inactive alone; ForwardPAI and ForwardCallHistory are False",
        calls: false,
        peer: || {
            let checks = [("P-Asserted-Identity", ""), ("Diversion", ""), ("From", "<sip:\\+442079460000@")];
            let held = SDP.replace("sendrecv", "inactive").replace("o=- 1 1", "o=- 1 2");
            let talking =
                Script::default().receive("INVITE", &checks).answer("200 OK", "", SDP).receive("ACK", &[]);
            let holding = talking.receive("INVITE", &[("", "a=inactive")]).agree(&held).receive("ACK", &[]);
            holding.hung_up()
        },
        other: || {
            let from = "<sip:+442079460000@[local_ip]>";
            let rows = "P-Asserted-Identity: <sip:+442079460000@[local_ip]>\nDiversion: <sip:+442079460009@[local_ip]>;reason=away\n";
            let begun =
                Script::default().call("[service]", from, rows, SDP).expect(200, &[]).inside("ACK", "", "");
            let hold = SDP.replace("sendrecv", "sendonly").replace("o=- 1 1", "o=- 1 2");
            let held = begun.inside("INVITE", "", &hold).expect(200, &[("", "a=inactive|a=recvonly")]);
            held.inside("ACK", "", "").inside("BYE", "", "").expect(200, &[])
        },
        ..PBX
    },
];
