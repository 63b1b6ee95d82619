//! Which lines of a description cross: what ends at us never does, what may tell of the network that it comes from
//! (words about the session, attributes that nobody here knows) as far as [`Reveal`] lets it.

use crate::line::attribute;

/// What the other leg is shown as it came.
#[derive(Clone, Copy, Default, Debug)]
pub struct Reveal {
    /// `s=`, `i=`, `u=`, `e=`, `p=` and the attributes in words; for a call they say nothing (RFC 3264 §5).
    pub session: bool,
    /// Attributes and lines that are not known here, also where they name a host, and known ones with an address
    /// where none belongs.
    pub attributes: bool,
    /// Not which extended reports of RTCP are wanted (`a=rtcp-xr`), which cross otherwise.
    pub hides_reports: bool,
}

impl Reveal {
    /// Whether a line goes on that is neither an attribute nor written by us.
    pub(crate) fn keeps_line(self, kind: u8, value: &[u8]) -> bool {
        match kind {
            b'i' | b'u' | b'e' | b'p' => self.session,
            _ => self.attributes || !base::names_place(value),
        }
    }

    /// Whether an attribute that names no port of its own goes on.
    pub(crate) fn keeps_attribute(self, line: &[u8]) -> bool {
        let (name, value) = attribute(line);
        let is = |known: &&[u8]| name.eq_ignore_ascii_case(known);
        let placeless = |known: bool| match known {
            true => !base::holds_address(value),
            false => !(base::names_place(name) || base::names_place(value)),
        };
        let (usual, known) = KNOWN.split_at(USUAL);
        if usual.iter().any(is) {
            return self.attributes || placeless(true);
        }
        if is(&REPORTS) {
            return !self.hides_reports;
        }
        if ends_here(name) {
            return false;
        }
        if WORDS.iter().any(is) {
            return self.session;
        }
        self.attributes || placeless(known.iter().any(is))
    }
}

/// Whether an attribute speaks of something that ends at us.
fn ends_here(name: &[u8]) -> bool {
    let starts =
        |prefix: &&[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    ENDING_PREFIXES.iter().any(starts) || ENDING.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// How many of [`KNOWN`] stand in almost every description.
const USUAL: usize = 4;

/// Attributes whose values are formats and numbers, the usual ones first.
const KNOWN: [&[u8]; 24] = [
    b"rtpmap",
    b"fmtp",
    b"ptime",
    b"maxptime",
    b"T38FaxVersion",
    b"T38MaxBitRate",
    b"T38FaxRateManagement",
    b"T38FaxUdpEC",
    b"T38FaxMaxBuffer",
    b"T38FaxMaxDatagram",
    b"T38FaxFillBitRemoval",
    b"T38FaxTranscodingMMR",
    b"T38FaxTranscodingJBIG",
    b"silenceSupp",
    b"ecan",
    b"gpmd",
    b"framerate",
    b"imageattr",
    b"content",
    b"label",
    b"lang",
    b"curr",
    b"des",
    b"conf",
];

/// What names the extended reports that are wanted: formats and numbers alone (RFC 3611 §5.1).
const REPORTS: &[u8] = b"rtcp-xr";

/// Attributes that describe a session in words, or the program that made it (RFC 8866 §6).
const WORDS: [&[u8]; 3] = [b"tool", b"cat", b"keywds"];

/// How the names of attributes begin that end at us.
const ENDING_PREFIXES: [&[u8]; 3] = [b"ice-", b"x-candidate", b"extmap"];
/// Attributes of things that end at us: ICE, DTLS and SDES keys, bundling, RTP header extensions and feedback,
/// stream identities, capability negotiation, addresses in disguise.
const ENDING: [&[u8]; 37] = [
    b"acap",
    b"acfg",
    b"alt",
    b"bundle-only",
    b"candidate",
    b"connection",
    b"creq",
    b"crypto",
    b"cryptoscale",
    b"csup",
    b"dtls-id",
    b"encryption",
    b"end-of-candidates",
    b"fingerprint",
    b"group",
    b"identity",
    b"key-mgmt",
    b"mid",
    b"msid",
    b"msid-semantic",
    b"pcfg",
    b"remote-candidates",
    b"rid",
    b"rtcp-fb",
    b"rtcp-mux",
    b"rtcp-mux-only",
    b"rtcp-rsize",
    b"setup",
    b"sescap",
    b"simulcast",
    b"source-filter",
    b"ssrc",
    b"ssrc-group",
    b"tcap",
    b"tls-id",
    b"x-ssrc-range",
    b"zrtp-hash",
];
