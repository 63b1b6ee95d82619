//! Configuration texts: an inside with an IP-PBX, an outside with providers, at a place's addresses.

use crate::Place;
use std::fmt::Write as _;

/// Last byte of the inner interface's address.
pub const INSIDE: u8 = 1;
/// Last byte of the outer interface's address.
pub const OUTSIDE: u8 = 2;
/// Last byte of the IP-PBX's address.
pub const PBX: u8 = 10;
/// Last byte of the provider's first gateway.
pub const ITSP: u8 = 20;
/// Last byte of the provider's second gateway.
pub const ITSP_2: u8 = 21;

/// A configuration in the making; [`Setup::text`] is the file.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Transports and ports of both interfaces.
    pub sip: (&'static str, &'static str),
    /// Addresses of both interfaces.
    pub address: (String, String),
    /// RTP ranges of both interfaces; empty for none.
    pub rtp: (String, String),
    /// Gateways of the trunk `pbx`.
    pub pbx: Vec<String>,
    /// Gateways of the trunk `itsp`.
    pub itsp: Vec<String>,
    /// Lines within `[listen.inside]` and `[listen.outside]`.
    pub listen_more: (String, String),
    /// Lines within `[trunk.pbx]`.
    pub pbx_more: String,
    /// Lines within `[trunk.itsp]`.
    pub itsp_more: String,
    /// Tables at the end.
    pub more: String,
    /// Lines within `[signalling]`.
    pub signalling: String,
    /// How long calls may go on when the server is told to stop.
    pub drain: &'static str,
    folder: String,
}

impl Setup {
    /// UDP and TCP on both sides, media anchored, one gateway each.
    #[must_use]
    pub fn new(place: &Place) -> Setup {
        Setup {
            sip: (r#""udp:5060", "tcp:5060""#, r#""udp:5060", "tcp:5060""#),
            address: (place.ip(INSIDE), place.ip(OUTSIDE)),
            rtp: ("20000-23999".into(), "30000-33999".into()),
            pbx: vec![place.sip(PBX)],
            itsp: vec![place.sip(ITSP)],
            listen_more: (String::new(), String::new()),
            pbx_more: String::new(),
            itsp_more: String::new(),
            more: String::new(),
            signalling: String::new(),
            drain: "20s",
            folder: place.folder().display().to_string(),
        }
    }

    /// Media flows between the peers.
    #[must_use]
    pub fn direct_media(mut self) -> Setup {
        self.pbx_more.push_str("override = { media = \"direct\" }\n");
        self.itsp_more.push_str("override = { media = \"direct\" }\n");
        self
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let folder = &self.folder;
        let mut text = String::from("version = 1\ncountry = \"DE\"\nnode = { name = \"conformance\" }\n");
        for (name, address, sip, rtp, more) in [
            ("inside", &self.address.0, self.sip.0, &self.rtp.0, &self.listen_more.0),
            ("outside", &self.address.1, self.sip.1, &self.rtp.1, &self.listen_more.1),
        ] {
            let _ = writeln!(text, "[listen.{name}]\naddress = \"{address}\"\nsip = [{sip}]");
            if !rtp.is_empty() {
                let _ = writeln!(text, "rtp = \"{rtp}\"");
            }
            text.push_str(more);
        }
        for (name, kind, listen, gateways, more) in [
            ("pbx", "direct", "inside", &self.pbx, &self.pbx_more),
            ("itsp", "itsp", "outside", &self.itsp, &self.itsp_more),
        ] {
            let gateways = gateways.iter().map(|g| format!("\"{g}\"")).collect::<Vec<_>>().join(", ");
            let _ = writeln!(
                text,
                "[trunk.{name}]\nkind = \"{kind}\"\nlisten = \"{listen}\"\ngateways = [{gateways}]\n\
                 options_interval = 0\n{more}"
            );
        }
        let _ = write!(
            text,
            "[[numbers]]\nrange = \"+493023125000..+493023125999\"\ndeliver = \"pbx\"\n\
             [[route]]\nname = \"world\"\nmatch = {{ called = \"+*\" }}\nto = \"itsp\"\n\
             [records]\npath = \"{folder}/data\"\njsonl = \"{folder}/records.jsonl\"\n\
             [api]\nsocket = \"{folder}/tronco.sock\"\n\
             [signalling]\ndrain_timeout = \"{}\"\n{}{}",
            self.drain, self.signalling, self.more
        );
        text
    }
}
