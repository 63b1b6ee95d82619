//! Fuzz targets and a mutator that needs no nightly compiler.
//!
//! Garden: never shipped. Each target is a body that takes any bytes and panics only when a parser
//! breaks a promise. Inputs are mutated from the crates' stored messages; a run follows from its
//! seed, so that a failure can be replayed. Enter through [`TARGETS`] and [`Mutator`].

use base::Rng;
use std::path::Path;

/// One target.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// The body.
    pub body: fn(&[u8]),
    /// Folders of stored inputs, below `crates/`.
    pub corpus: &'static [&'static str],
}

const SIP: &[&str] = &["sip-msg/testdata/rfc4475", "sip-msg/testdata/rfc5118"];

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "sip_message", body: sip_msg::fuzz::sip_message, corpus: SIP },
    Target { name: "framing", body: sip_msg::fuzz::framing, corpus: SIP },
    Target { name: "uri", body: sip_msg::fuzz::uri, corpus: &[] },
    Target { name: "sdp", body: sdp::fuzz::sdp, corpus: &["sdp/testdata"] },
    Target { name: "dtls", body: dtls::fuzz::datagrams, corpus: &["dtls/testdata"] },
    Target { name: "rtp", body: rtp::fuzz::rtp, corpus: &[] },
    Target { name: "rtcp", body: rtp::fuzz::rtcp, corpus: &[] },
    Target { name: "stun", body: ice::fuzz::stun, corpus: &[] },
    Target { name: "config", body: configuration, corpus: &["../docs/examples", "config/profiles"] },
];

/// Beginnings for targets without stored inputs, and spice for all.
const SEEDS: &[&[u8]] = &[
    b"sip:+493023125100:secret@[2001:db8::1]:5061;transport=tls;lr?subject=a%20b",
    b"tel:+49-30-23125;ext=100;phone-context=example.com",
    b"\x80\x08\x00\x01\x00\x00\x00\xa0\x12\x34\x56\x78payload",
    b"\x90\xe5\x00\x02\x00\x00\x01\x40\x12\x34\x56\x78\xbe\xde\x00\x01\x10\x00\x00\x00\x0a\x80\x03\x20",
    b"\x81\xc9\x00\x07\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x81\xca\x00\x02\x00\x00\x00\x01\x01\x01a\x00",
    b"\x80\xc9\x00\x01\x00\x00\x00\x09\x80\xcf\x00\x14\x00\x00\x00\x09\x04\x00\x00\x02\x11\x22\x33\x44\x55\x66\x77\x88\x05\x00\x00\x06\x00\x00\x00\x01\xaa\xbb\xcc\xdd\x00\x01\x00\x00\x00\x00\x00\x02\x33\x44\x55\x66\x00\x00\x80\x00\x07\x00\x00\x08\x00\x00\x00\x02\x1a\x0d\x80\x03\x00\x78\x1f\x40\x00\x50\x00\x2d\xeb\xc4\x37\x10\x52\x7f\x28\x26\xf5\x00\x00\x28\x00\x3c\x00\xc8",
    b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09evtj:h6vY   \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf",
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n",
    b"version = 1\n[listen.a]\naddress = \"192.0.2.1\"\nsip = [\"udp:5060\"]\n",
];

/// Pieces that parsers trip over.
const SPICE: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\r\n ",
    b"\r\n\r\n",
    b";",
    b",",
    b"\"",
    b"\\\"",
    b"<",
    b">",
    b"@",
    b":",
    b"%",
    b"%00",
    b"[",
    b"]",
    b"=",
    b"4294967296",
    b"18446744073709551616",
    b"-1",
    b"2147483648",
    b"\xff",
    b"\xe9",
    b"Content-Length: ",
    b"Via: SIP/2.0/UDP x;branch=z9hG4bK",
    b"l:",
    b"m=audio 0 RTP/AVP 0\r\n",
    b"a=rtpmap:",
    b"a=crypto:1 ",
    b"c=IN IP4 0.0.0.0\r\n",
];

fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for format in [config::Format::Toml, config::Format::Json] {
        if let Err(diagnostics) = config::parse(text, "fuzz", format) {
            assert!(!diagnostics.0.is_empty(), "a refusal says why");
        }
    }
}

/// Stored inputs of a target, in the order of their names.
#[must_use]
pub fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files: Vec<_> = target
        .corpus
        .iter()
        .filter_map(|folder| std::fs::read_dir(crates.join(folder)).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let stored = files.iter().filter_map(|path| std::fs::read(path).ok());
    stored.chain(SEEDS.iter().map(|seed| seed.to_vec())).collect()
}

/// Makes inputs out of stored ones.
pub struct Mutator {
    rng: Rng,
    corpus: Vec<Vec<u8>>,
}

/// Inputs grow to this many bytes at most.
const INPUT_MAX: usize = 70_000;

impl Mutator {
    /// A mutator whose every input follows from `seed` and the corpus.
    #[must_use]
    pub fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Mutator {
        Mutator { rng: Rng::new((seed, 0x7072_6f62)), corpus }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.below(bound.max(1) as u64) as usize
    }

    /// The next input.
    pub fn input(&mut self) -> Vec<u8> {
        let at = self.below(self.corpus.len());
        let mut bytes = self.corpus.get(at).cloned().unwrap_or_default();
        for _ in 0..=self.below(8) {
            self.mutate(&mut bytes);
        }
        bytes.truncate(INPUT_MAX);
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1).min(bytes.len());
        match self.below(8) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.rng.below(8);
                }
            }
            1 => bytes.truncate(at),
            2 => {
                let spice = SPICE[self.below(SPICE.len())];
                bytes.splice(at..at, spice.iter().copied());
            }
            3 => {
                let end = (at + self.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let value = self.rng.next_u64() as u8;
                bytes.insert(at, value);
            }
            _ => self.repeat(bytes, at),
        }
    }

    /// Copies a piece elsewhere, takes another input's tail, or repeats a piece many times.
    fn repeat(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let end = (at + 1 + self.below(64)).min(bytes.len());
        let piece = bytes[at..end].to_vec();
        match self.below(3) {
            0 => {
                let to = self.below(bytes.len() + 1).min(bytes.len());
                bytes.splice(to..to, piece);
            }
            1 => {
                let other = self.below(self.corpus.len());
                let tail = self.corpus.get(other).cloned().unwrap_or_default();
                let from = self.below(tail.len() + 1).min(tail.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&tail[from..]);
            }
            _ => {
                let times = [2, 17, 300][self.below(3)];
                bytes.splice(at..at, piece.repeat(times));
            }
        }
    }
}
