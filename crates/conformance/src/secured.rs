//! Calls between two baresips whose media are secured, each leg as its trunk says.

use crate::audio;
use crate::baresip::{Baresip, Voice};
use crate::config::{INSIDE, ITSP, PBX, Setup};
use crate::likeness::judge;
use crate::{Place, Server};

/// How alike what is heard is to what was said, where nothing is changed and where the codecs differ.
const LIKENESS_MIN: [f64; 2] = [0.99, 0.85];

/// Whom the inside calls.
pub const WORLD: &str = "+441632960001";
/// Whom the outside calls.
pub const DID: &str = "+493023125100";

/// A baresip as `number` with an encryption of its own.
pub fn phone(
    place: &Place,
    number: &str,
    host: u8,
    hertz: f64,
    encryption: &str,
    dial: Option<&str>,
) -> Baresip {
    voiced(place, (number, host), &Voice::tone(hertz), encryption, dial)
}

/// The same with a voice of its own.
fn voiced(
    place: &Place,
    (number, host): (&str, u8),
    voice: &Voice<'_>,
    encryption: &str,
    dial: Option<&str>,
) -> Baresip {
    let encryption = if encryption.is_empty() { String::new() } else { format!(";mediaenc={encryption}") };
    let account = format!("<sip:{number}@{}>;regint=0{encryption}", place.host(host));
    Baresip::with_voice(place, number, host, voice, &account, dial)
}

/// A call between two baresips through trunks with these policies: each hears the other's voice as it is said, and the
/// server ends well. Its place, with the record of the call.
pub fn two_phones(name: &str, rules: (&str, &str), encryptions: (&str, &str)) -> Place {
    two_codecs(name, rules, encryptions, ("PCMA", "PCMA"))
}

/// The same, where each has one codec, as baresip names it.
pub fn two_codecs(name: &str, rules: (&str, &str), encryptions: (&str, &str), codecs: (&str, &str)) -> Place {
    two_codecs_at(Place::new(name), rules, encryptions, codecs)
}

/// The same at a place.
pub fn two_codecs_at(
    place: Place,
    (pbx, itsp): (&str, &str),
    (ours, theirs): (&str, &str),
    (codec, other): (&str, &str),
) -> Place {
    let mut setup = Setup::new(&place);
    // On loopback baresip sends from another address than the one it names.
    setup.pbx_more = format!("override = {{ latch = \"nat\", {pbx} }}\n");
    setup.itsp_more = format!("override = {{ latch = \"nat\", {itsp} }}\n");
    // The phones vanish without a word.
    setup.drain = "1s";
    let server = Server::start(&place, &setup.text());
    let voice = |codec, number| Voice { codec, says: audio::speech(number, 20), ..Voice::tone(440.0) };
    let callee = voiced(&place, (WORLD, ITSP), &voice(other, 1), theirs, None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = voiced(&place, (DID, PBX), &voice(codec, 2), ours, Some(&uri));
    let least = LIKENESS_MIN[usize::from(codec != other)];
    judge(&caller, &callee, least);
    drop(caller);
    drop(callee);
    assert_eq!(server.stop(), 0);
    place
}
