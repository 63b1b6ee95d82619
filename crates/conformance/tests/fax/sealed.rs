//! T.38 in a call of which one leg is secured: nothing secures UDPTL, so it passes in clear where the trunk says so, and
//! not at all where it does not. The sound of that leg is libsrtp's.

use super::{CALLER, Fax, WORLD, indicator, ports_of, t38, untouched};
use conformance::config::{INSIDE, ITSP, OUTSIDE, Setup};
use conformance::libsrtp::{Keys, Libsrtp, Way};
use conformance::phone::rtp_packet;
use conformance::script::{SDP, Script};
use conformance::sipp::Running;
use conformance::{Place, Sipp};

/// The example of RFC 4568 §6.1.
const KEY: &str = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n";

fn secured(sdp: &str) -> String {
    sdp.replace("RTP/AVP", "RTP/SAVP") + KEY
}

/// The key that a peer was told last.
fn told(peer: &Running) -> String {
    peer.await_received("a=crypto:1 ");
    let all = peer.received();
    let last = all.iter().rev().find_map(|text| text.lines().find(|line| line.starts_with("a=crypto:")));
    last.expect("a key").to_owned()
}

/// A call of which one leg is secured, by libsrtp at its peer.
struct Sealed<'f> {
    fax: &'f Fax<'f>,
    libsrtp: Libsrtp,
    /// What the peer seals with, and what it opens with.
    keys: [Keys; 2],
    ports: [u16; 2],
    caller_is: bool,
}

impl<'f> Sealed<'f> {
    fn new(fax: &'f Fax<'f>, peers: (&Running, &Running), caller_is: bool) -> Sealed<'f> {
        let mut libsrtp = Libsrtp::start();
        let line = told(if caller_is { peers.0 } else { peers.1 });
        let keys = [libsrtp.keys(Way::Out, KEY), libsrtp.keys(Way::In, &line)];
        Sealed { fax, libsrtp, keys, ports: ports_of(peers.0, peers.1), caller_is }
    }

    /// The secured peer was told another key of ours; its own has gone on.
    fn rekeyed(&mut self, peer: &Running) {
        self.keys[1] = self.libsrtp.keys(Way::In, &told(peer));
    }

    /// Sound of both ends, by its numbers: sealed on one leg, in clear on the other.
    fn sounds(&mut self, numbers: [u16; 2]) {
        let Fax { place, pbx, itsp } = self.fax;
        let legs = [(pbx, (place.ip(INSIDE), self.ports[0])), (itsp, (place.ip(OUTSIDE), self.ports[1]))];
        let [(sealed, sealed_at), (plain, plain_at)] = if self.caller_is {
            legs
        } else {
            let [one, two] = legs;
            [two, one]
        };
        for number in numbers {
            let (said, answered) = (rtp_packet(7, number, 0x5A), rtp_packet(8, number, 0xA5));
            let packet = self.libsrtp.seal(self.keys[0], 0, std::slice::from_ref(&said)).remove(0);
            sealed.send_to(&packet, (sealed_at.0.as_str(), sealed_at.1)).expect("a packet sent");
            plain.send_to(&answered, (plain_at.0.as_str(), plain_at.1)).expect("a packet sent");
            let mut buffer = [0; 2048];
            let length = plain.recv(&mut buffer).expect("what the secured end says");
            assert_eq!(buffer[..length], said);
            let length = sealed.recv(&mut buffer).expect("what the other end says");
            assert_eq!(self.libsrtp.open(self.keys[1], &[buffer[..length].to_vec()]), [answered]);
        }
    }
}

/// What both peers' descriptions are of a call of which one leg is secured.
fn descriptions(caller_is: bool, sdp: &str) -> [String; 2] {
    let both = [secured(sdp), sdp.to_owned()];
    if caller_is {
        both
    } else {
        let [one, two] = both;
        [two, one]
    }
}

fn rules(setup: &mut Setup, caller_is: bool, rules: &str) {
    let rules = format!("override = {{ srtp_suites = [\"AES_CM_128_HMAC_SHA1_80\"], {rules} }}\n");
    *(if caller_is { &mut setup.pbx_more } else { &mut setup.itsp_more }) = rules;
}

#[test]
fn t38_passes_in_clear_on_a_secured_leg_whose_trunk_says_so_and_the_sound_is_sealed_before_and_behind_it() {
    let required = "srtp = \"required\", srtp_t38 = \"plain\"";
    for (name, caller_is, how) in [
        ("fax-sealed", true, required),
        ("fax-to-sealed", false, required),
        ("fax-optional", true, "srtp = \"optional\""),
    ] {
        let place = Place::new(name);
        let fax = Fax::new(&place);
        let mut setup = Setup::new(&place);
        rules(&mut setup, caller_is, how);
        let server = fax.server(&setup);
        let again = SDP.replace("o=- 1 1", "o=- 1 3");
        let [calls, answers] = descriptions(caller_is, SDP);
        let [calls_again, answers_again] = descriptions(caller_is, &again);
        let callee = Script::default().receive("INVITE", &[]).answer("200 OK", "", &answers);
        let callee = callee.receive("ACK", &[]).receive("INVITE", &[]).agree(&t38("")).receive("ACK", &[]);
        let callee = callee.receive("INVITE", &[]).agree(&answers_again).receive("ACK", &[]);
        let callee =
            Sipp::of_script(&place, "callee", &callee.hung_up(), &place.sip(ITSP)).keep_messages().answer();
        let caller = Script::default().call(WORLD, CALLER, "", &calls).expect(200, &[]).inside("ACK", "", "");
        let caller = caller.pause(3_000).inside("INVITE", "", &t38("")).expect(200, &[]);
        let caller = caller.inside("ACK", "", "").pause(3_000).inside("INVITE", "", &calls_again);
        let caller = caller.expect(200, &[("CSeq", "3 INVITE")]).inside("ACK", "", "");
        let caller = fax.caller(&caller.hung_up());
        let mut sealed = Sealed::new(&fax, (&caller, &callee), caller_is);
        callee.await_received("ACK ");
        sealed.sounds([1, 2]);
        untouched(&callee.await_received(&format!("m=image {} udptl t38", sealed.ports[1])));
        untouched(&caller.await_received(&format!("m=image {} udptl t38", sealed.ports[0])));
        fax.crosses(sealed.ports, &[indicator(0, 1, None), indicator(1, 2, Some(1))]);
        caller.await_received("CSeq: 3 INVITE");
        callee.await_received("CSeq: 3 ACK");
        sealed.rekeyed(if caller_is { &caller } else { &callee });
        sealed.sounds([3, 4]);
        assert_eq!(fax.end(&caller, &callee), "PCMA+t38");
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn t38_neither_comes_from_a_secured_leg_nor_goes_there_and_the_sound_goes_on_sealed() {
    for (name, caller_is) in [("fax-refused", true), ("fax-to-refused", false)] {
        let place = Place::new(name);
        let fax = Fax::new(&place);
        let mut setup = Setup::new(&place);
        rules(&mut setup, caller_is, "srtp = \"required\"");
        let server = fax.server(&setup);
        let [calls, answers] = descriptions(caller_is, SDP);
        let callee = Script::default().receive("INVITE", &[]).answer("200 OK", "", &answers);
        let callee =
            Sipp::of_script(&place, "callee", &callee.receive("ACK", &[]).hung_up(), &place.sip(ITSP));
        let callee = callee.keep_messages().answer();
        let caller = Script::default().call(WORLD, CALLER, "", &calls).expect(200, &[]).inside("ACK", "", "");
        let caller = fax.caller(&caller.inside("INVITE", "", &t38("")).expect(488, &[]).refused().hung_up());
        let refused = caller.await_received("SIP/2.0 488");
        assert!(refused.contains("M-SRTP-FAX") || refused.contains("Warning: 30"), "{refused}");
        let mut sealed = Sealed::new(&fax, (&caller, &callee), caller_is);
        sealed.sounds([1, 2]);
        assert!(!callee.received().iter().any(|message| message.contains("m=image")), "no word of it");
        assert_eq!(fax.end(&caller, &callee), "PCMA+passthrough");
        assert_eq!(server.stop(), 0);
    }
}
