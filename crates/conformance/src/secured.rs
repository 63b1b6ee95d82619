//! Calls between two baresips whose media are secured, each leg as its trunk says.

use crate::baresip::Baresip;
use crate::config::{INSIDE, ITSP, PBX, Setup};
use crate::{Place, Server};

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
    let encryption = if encryption.is_empty() { String::new() } else { format!(";mediaenc={encryption}") };
    let account = format!("<sip:{number}@{}>;regint=0{encryption}", place.ip(host));
    Baresip::with_account(place, number, host, hertz, &account, dial)
}

/// A call between two baresips through trunks with these policies: each hears the other's tone, and the server
/// ends well. Its place, with the record of the call.
pub fn two_phones(name: &str, (pbx, itsp): (&str, &str), (ours, theirs): (&str, &str)) -> Place {
    let place = Place::new(name);
    let mut setup = Setup::new(&place);
    // On loopback baresip sends from another address than the one it names.
    setup.pbx_more = format!("override = {{ latch = \"nat\", {pbx} }}\n");
    setup.itsp_more = format!("override = {{ latch = \"nat\", {itsp} }}\n");
    let server = Server::start(&place, &setup.text());
    let callee = phone(&place, WORLD, ITSP, 700.0, theirs, None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = phone(&place, DID, PBX, 440.0, ours, Some(&uri));
    caller.hears(700.0, 440.0);
    callee.hears(440.0, 700.0);
    drop(caller);
    drop(callee);
    assert_eq!(server.stop(), 0);
    place
}
