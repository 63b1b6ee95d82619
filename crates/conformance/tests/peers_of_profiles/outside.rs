//! Providers, and Teams.

use super::{FROM, PBX, Play, caller, finds, forwarded, late_caller, withheld};
use conformance::Script;
use conformance::script::SDP;

const ITSP: Play = Play { inside: false, kind: "itsp", calls: false, other: caller, ..PBX };

/// A provider of +E.164 numbers that takes no INVITE without an offer, knows no extensions and believes
/// what is asserted (RFC 3325).
fn usual() -> Script {
    finds(&[
        ("", "^INVITE sip:\\+44[0-9]+@"),
        ("", "m=audio"),
        ("From", "<sip:\\+493023125100@"),
        ("Authorization", ""),
        ("Proxy-Authorization", ""),
    ])
}

fn asserts() -> Script {
    finds(&[("P-Asserted-Identity", "<sip:\\+493023125100@"), ("Privacy", "id"), ("Diversion", "")])
}

/// In the order of their trunks.
pub(crate) const OUTSIDE: &[Play] = &[
    Play {
        profile: "teams-direct-routing",
        quirk: "R23, R25: an offer, +E.164 with user=phone in Request-URI and From, our name in Contact; 603 ends the call",
        kind: "direct",
        peer: || {
            Script::default()
                .receive(
                    "INVITE",
                    &[
                        ("", "^INVITE sip:\\+44[0-9]+@[^ ]*user=phone"),
                        ("", "m=audio"),
                        ("From", "<sip:\\+493023125100@sbc.example.com;user=phone>"),
                        ("Contact", "@sbc.example.com"),
                        ("Replaces", ""),
                    ],
                )
                .answer("603 Decline", "", "")
                .receive("ACK", &[])
        },
        other: || Script::default().call("[service]", FROM, "", "").expect(603, &[]).refused(),
        ..ITSP
    },
    Play {
        profile: "teams-direct-routing",
        quirk: "R22, R26: hold by inactive alone, History-Info crosses and Diversion does not",
        kind: "direct",
        peer: || {
            let checks = [("History-Info", "\\+493023125177@.*index=1"), ("Diversion", "")];
            let held = SDP.replace("sendrecv", "inactive").replace("o=- 1 1", "o=- 1 2");
            let talking =
                Script::default().receive("INVITE", &checks).answer("200 OK", "", SDP).receive("ACK", &[]);
            let holding = talking.receive("INVITE", &[("", "a=inactive")]).agree(&held).receive("ACK", &[]);
            holding.hung_up()
        },
        other: || {
            let rows = "Diversion: <sip:+493023125178@[local_ip]>;reason=away\n\
                            History-Info: <sip:+493023125177@[local_ip]>;index=1, <sip:x@[local_ip];cause=302>;index=1.1\n";
            let begun =
                Script::default().call("[service]", FROM, rows, SDP).expect(200, &[]).inside("ACK", "", "");
            let hold = SDP.replace("sendrecv", "sendonly").replace("o=- 1 1", "o=- 1 2");
            let held = begun.inside("INVITE", "", &hold).expect(200, &[]).inside("ACK", "", "");
            held.inside("BYE", "", "").expect(200, &[])
        },
        // This peer has no SRTP; that the profile demands it is seen in its own tests (R39).
        more: "override = { srtp = \"off\" }\n",
        ..ITSP
    },
    Play {
        profile: "twilio-elastic",
        quirk: "the Request-URI names the trunk's domain, INVITE is challenged, nothing registers",
        more: "domain = \"acme.pstn.example\"\nusername = \"acme\"\npassword = \"secret\"\n",
        peer: || {
            let domain = ("", "^INVITE sip:\\+44[0-9]+@acme.pstn.example");
            let challenge = "Proxy-Authenticate: Digest realm=\"sip.example\", nonce=\"1\", qop=\"auth\"\n";
            let asked = Script::default().receive("INVITE", &[domain, ("Proxy-Authorization", "")]);
            let asked = asked.answer("407 Proxy Authentication Required", challenge, "").receive("ACK", &[]);
            let right = ("Proxy-Authorization", "username=\"acme\", realm=\"sip.example\"");
            asked.receive("INVITE", &[domain, right]).answer("486 Busy Here", "", "").receive("ACK", &[])
        },
        ..ITSP
    },
    Play {
        profile: "telnyx",
        quirk: "P-Asserted-Identity is read before From, Privacy: id stands beside a valid number",
        peer: asserts,
        other: withheld,
        ..ITSP
    },
    Play {
        profile: "telekom-companyflex",
        quirk: "P-Preferred-Identity bears a subscribed number, From the true caller, else 403",
        more: "override = { caller = { screen = { pilot = \"+493023125000\", not_owned = \"pilot-asserted\" } } }\n",
        peer: || {
            finds(&[("P-Preferred-Identity", "<sip:\\+493023125000@"), ("From", "<sip:\\+33123456789@")])
        },
        other: || {
            let from = "<sip:+33123456789@[local_ip]>";
            Script::default().call("[service]", from, "", SDP).expect(486, &[]).refused()
        },
        ..ITSP
    },
    Play {
        profile: "sipgate",
        quirk: "numbers without plus, the caller's in P-Preferred-Identity, forwardings by Diversion",
        peer: || {
            finds(&[
                ("", "^INVITE sip:44[0-9]+@"),
                ("P-Preferred-Identity", "<sip:493023125100@"),
                ("Diversion", "<sip:493023125177@.*reason=user-busy"),
            ])
        },
        other: forwarded,
        ..ITSP
    },
    Play {
        profile: "swisscom",
        quirk: "the registrar is not the domain, and calls go where the registration went",
        more: "domain = \"voip.example\"\nusername = \"+41441234567\"\npassword = \"secret\"\nregister = {}\n",
        taken: 2,
        peer: || {
            let challenge = "WWW-Authenticate: Digest realm=\"voip.example\", nonce=\"1\", algorithm=MD5\n";
            let registers = Script::default()
                .answer("401 Unauthorized", challenge, "")
                .receive(
                    "REGISTER",
                    &[("", "^REGISTER sip:voip.example"), ("Authorization", "algorithm=MD5")],
                )
                .register();
            finds(&[("", "^INVITE sip:\\+44[0-9]+@voip.example")]).unless("REGISTER", &registers)
        },
        ..ITSP
    },
    Play {
        profile: "fastweb-it",
        quirk: "the registrar challenges every REGISTER and wants the number as user of From and To",
        more: "domain = \"voip.example\"\nusername = \"0612345678\"\npassword = \"secret\"\nregister = {}\n",
        taken: 2,
        peer: || {
            let challenge = "WWW-Authenticate: Digest realm=\"voip.example\", nonce=\"1\"\n";
            let named =
                [("From", "<sip:0612345678@"), ("To", "<sip:0612345678@"), ("Authorization", "Digest")];
            let registers = Script::default()
                .answer("401 Unauthorized", challenge, "")
                .receive("REGISTER", &named)
                .register();
            usual().unless("REGISTER", &registers)
        },
        other: late_caller,
        ..ITSP
    },
    Play {
        profile: "bandwidth",
        quirk: "+E.164 in both directions, admitted by address alone",
        calls: true,
        peer: || {
            let from = "<sip:+442079460000@[local_ip]>";
            Script::default().call("[service]", from, "", SDP).expect(486, &[]).refused()
        },
        other: || finds(&[("", "^INVITE sip:\\+493023125100@"), ("From", "<sip:\\+442079460000@")]),
        ..ITSP
    },
    Play {
        profile: "bandwidth",
        quirk: "the same outwards, an offer always",
        peer: usual,
        other: late_caller,
        ..ITSP
    },
    Play {
        profile: "vodafone-de",
        quirk: "an offer always, +E.164, no extensions",
        peer: usual,
        other: late_caller,
        ..ITSP
    },
    Play {
        profile: "tim-it",
        quirk: "ST 769: P-Asserted-Identity names who withholds the number by Privacy: id",
        peer: asserts,
        other: withheld,
        ..ITSP
    },
    Play {
        profile: "orange-btip",
        quirk: "admitted by address: no credentials in any call",
        peer: usual,
        other: late_caller,
        ..ITSP
    },
    Play {
        profile: "bt",
        quirk: "an offer always, +E.164, no Diversion",
        peer: usual,
        other: late_caller,
        ..ITSP
    },
    Play {
        profile: "gamma",
        quirk: "user=phone in Request-URI, To and From, an offer always, no account",
        peer: || {
            finds(&[
                ("", "^INVITE sip:\\+44[0-9]+@[^ ]*user=phone"),
                ("", "m=audio"),
                ("To", "user=phone"),
                ("From", "<sip:\\+493023125100@"),
                ("Authorization", ""),
            ])
        },
        other: late_caller,
        ..ITSP
    },
];
