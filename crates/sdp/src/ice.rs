//! What a description says of ICE (RFC 8839 §5), and the lines that a lite agent says of itself.
//!
//! The peer's candidates are read, ours is one host candidate per component. Enter through [`Session::ice`] and
//! [`LocalIce`].

use crate::line::{attributes, number, tokens};
use crate::media::Media;
use crate::session::Session;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// Candidates that are read of one m= line; further ones are left out: limit `ice_candidates`.
pub const CANDIDATES_MAX: usize = 32;
/// The lengths that a fragment and a password may have (RFC 8839 §5.4).
const UFRAG: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD: std::ops::RangeInclusive<usize> = 22..=256;

/// What a peer says of ICE for one m= line; a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ice<'a> {
    /// Its user name fragment.
    pub ufrag: &'a str,
    /// Its password.
    pub password: &'a str,
    /// It is a lite agent, which makes no checks.
    pub lite: bool,
}

/// A candidate (RFC 8839 §5.1) that can be used here: over UDP, with a literal address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// 1 for RTP, 2 for RTCP.
    pub component: u8,
    /// Its priority.
    pub priority: u32,
    /// Where it is.
    pub address: SocketAddr,
}

impl<'a> Session<'a> {
    /// What is said of ICE for a media description of this session, there or for all of them; `None` without
    /// usable credentials, and where the peer found that somebody between us changes addresses
    /// (`a=ice-mismatch`, RFC 8839 §4.2.5).
    #[must_use]
    pub fn ice(&self, media: &Media<'a>) -> Option<Ice<'a>> {
        let said = |name: &str| {
            let own = media.attributes(name).next();
            own.or_else(|| self.attributes(name).next()).and_then(|value| std::str::from_utf8(value).ok())
        };
        let ufrag = said("ice-ufrag").filter(|v| UFRAG.contains(&v.len()) && v.bytes().all(is_ice_char))?;
        let password =
            said("ice-pwd").filter(|v| PASSWORD.contains(&v.len()) && v.bytes().all(is_ice_char))?;
        if media.has_attribute("ice-mismatch") {
            return None;
        }
        Some(Ice { ufrag, password, lite: self.attributes("ice-lite").next().is_some() })
    }

    /// Whether an option is among `a=ice-options`, here or of the media description (RFC 8839 §5.6).
    #[must_use]
    pub fn has_ice_option(&self, media: &Media<'a>, option: &str) -> bool {
        let lines = media.attributes("ice-options").chain(self.attributes("ice-options"));
        lines.flat_map(tokens).any(|token| token.eq_ignore_ascii_case(option.as_bytes()))
    }
}

impl<'a> Media<'a> {
    /// The candidates that can be used here, in order.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate> + use<'a> {
        self.all_candidates().take(CANDIDATES_MAX)
    }

    fn all_candidates(&self) -> impl Iterator<Item = Candidate> + use<'a> {
        attributes(self.section, b"candidate").filter_map(read_candidate)
    }

    /// The candidates that a controlling peer has chosen (RFC 8839 §5.2): component and address.
    pub fn remote_candidates(&self) -> impl Iterator<Item = (u8, SocketAddr)> + use<'a> {
        let values = attributes(self.section, b"remote-candidates").take(1);
        values.flat_map(|value| {
            let mut words = tokens(value);
            std::iter::from_fn(move || {
                let (component, ip, port) = (words.next()?, words.next()?, words.next()?);
                Some((read_component(component)?, SocketAddr::new(read_ip(ip)?, read_port(port)?)))
            })
        })
    }

    /// Whether the address of the c= and m= lines is none of the candidates: somebody between us has changed it,
    /// and the candidates are of no use (RFC 8839 §4.2.5). Without candidates, or where candidates are
    /// still to come, nothing can be told.
    #[must_use]
    pub fn is_ice_mismatch(&self) -> bool {
        let Some(ip) = self.connection().and_then(|address| address.ip()) else { return false };
        let place = SocketAddr::new(ip, self.port);
        let mut first = self.all_candidates().filter(|c| c.component == 1).peekable();
        !ip.is_unspecified() && self.port != 9 && first.peek().is_some() && !first.any(|c| c.address == place)
    }
}

/// `foundation component transport priority address port typ type …`.
fn read_candidate(value: &[u8]) -> Option<Candidate> {
    let mut words = tokens(value);
    let _foundation = words.next()?;
    let component = read_component(words.next()?)?;
    words.next().filter(|transport| transport.eq_ignore_ascii_case(b"udp"))?;
    let priority = number(words.next()?, u32::MAX)?;
    let ip = read_ip(words.next()?)?;
    let port = read_port(words.next()?)?;
    words.next().filter(|word| word.eq_ignore_ascii_case(b"typ"))?;
    Some(Candidate { component, priority, address: SocketAddr::new(ip, port) })
}

fn read_component(word: &[u8]) -> Option<u8> {
    u8::try_from(number(word, 2)?).ok().filter(|component| *component > 0)
}

fn read_ip(word: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn read_port(word: &[u8]) -> Option<u16> {
    u16::try_from(number(word, 65_535)?).ok().filter(|port| *port > 0)
}

fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// What a lite agent of ours says of itself for one m= line.
#[derive(Clone, Copy, Debug)]
pub struct LocalIce<'a> {
    /// Our user name fragment.
    pub ufrag: &'a str,
    /// Our password.
    pub password: &'a str,
    /// Our address that is told to the peer.
    pub address: IpAddr,
    /// Our RTP port; RTCP is one above.
    pub port: u16,
    /// RTCP comes to the RTP port (RFC 5761): there is one component.
    pub rtcp_mux: bool,
}

impl LocalIce<'_> {
    /// The priority of the only candidate of a component, of type host (RFC 8445 §5.1.2.1).
    const PRIORITY: u32 = (126 << 24) | (65_535 << 8) | 255;

    /// Appends the lines of the m= line. `a=ice-lite` belongs to the session: [`ICE_LITE`].
    pub fn write(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        // RFC 8445 §10: whoever follows it says so, and the peer then nominates once and for good.
        out.extend_from_slice(b"a=ice-options:ice2\r\n");
        let _ = write!(out, "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", self.ufrag, self.password);
        self.write_candidate(1, self.port, out);
        if let Some(next) = self.port.checked_add(1).filter(|_| !self.rtcp_mux) {
            self.write_candidate(2, next, out);
        }
    }

    fn write_candidate(&self, component: u32, port: u16, out: &mut Vec<u8>) {
        let priority = Self::PRIORITY - (component - 1);
        let _ = write!(out, "a=candidate:1 {component} UDP {priority} {} {port} typ host\r\n", self.address);
    }
}

/// The session's line that says that our agent is a lite one (RFC 8839 §5.3).
pub const ICE_LITE: &[u8] = b"a=ice-lite\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Limits, parse};

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=ice-options:ice2\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=ice-ufrag:8hhY\r\nm=audio 4000 RTP/AVP 0\r\na=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\r\na=candidate:1 2 udp 2130706430 192.0.2.1 4001 typ host\r\na=candidate:2 1 UDP 1694498815 2001:db8::3 45664 typ srflx raddr 203.0.113.141 rport 8998\r\na=candidate:3 1 TCP 1 192.0.2.1 9 typ host tcptype active\r\na=candidate:4 1 UDP 1 x.local 4000 typ host\r\na=candidate:5 3 UDP 1 192.0.2.1 4000 typ host\r\na=remote-candidates:1 203.0.113.1 5000 2 203.0.113.1 5001\r\n";

    fn with(text: &str, check: impl for<'a> Fn(&Session<'a>, &Media<'a>)) {
        let session = parse(text.as_bytes(), &Limits::default()).unwrap();
        check(&session, &session.media()[0]);
    }

    #[test]
    fn an_offer_is_read() {
        with(OFFER, |session, media| {
            let ice = session.ice(media).unwrap();
            assert_eq!((ice.ufrag, ice.password, ice.lite), ("8hhY", "asd88fgpdd777uzjYhagZg", false));
            let found: Vec<String> =
                media.candidates().map(|c| format!("{} {} {}", c.component, c.priority, c.address)).collect();
            assert_eq!(
                found,
                [
                    "1 2130706431 192.0.2.1:4000",
                    "2 2130706430 192.0.2.1:4001",
                    "1 1694498815 [2001:db8::3]:45664"
                ]
            );
            let chosen: Vec<_> = media.remote_candidates().map(|(c, a)| format!("{c} {a}")).collect();
            assert_eq!(chosen, ["1 203.0.113.1:5000", "2 203.0.113.1:5001"]);
            assert!(session.has_ice_option(media, "ice2") && !session.has_ice_option(media, "trickle"));
            assert!(!media.is_ice_mismatch());
        });
    }

    #[test]
    fn what_is_said_of_the_media_comes_first() {
        let own = format!("{OFFER}a=ice-ufrag:own1\r\na=ice-pwd:0123456789012345678901\r\n");
        with(&own, |session, media| assert_eq!(session.ice(media).unwrap().ufrag, "own1"));
        with(&own.replace("own1", "o-n1"), |session, media| assert_eq!(session.ice(media), None));
        with(&OFFER.replace("ice-pwd:asd88", "ice-pwd:a"), |session, media| {
            assert_eq!(session.ice(media), None);
        });
        with(&OFFER.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"), |session, media| {
            assert!(session.ice(media).unwrap().lite);
        });
        with(&format!("{OFFER}a=ice-mismatch\r\n"), |session, media| assert_eq!(session.ice(media), None));
    }

    #[test]
    fn an_address_that_somebody_changed_is_seen() {
        with(&OFFER.replace("audio 4000", "audio 4400"), |_, media| assert!(media.is_ice_mismatch()));
        let moved = OFFER.replace("c=IN IP4 192.0.2.1", "c=IN IP4 198.51.100.7");
        with(&moved, |_, media| assert!(media.is_ice_mismatch()));
        let many = "a=candidate:9 1 UDP 7 192.0.2.9 7000 typ host\r\n".repeat(40);
        let behind = OFFER.replace("a=candidate:1 1 UDP", &format!("{many}a=candidate:1 1 UDP"));
        with(&behind, |_, media| {
            assert_eq!(media.candidates().count(), CANDIDATES_MAX);
            assert!(!media.is_ice_mismatch(), "the address of the c= line is the candidate behind many");
        });
        with(&OFFER.replace("audio 4000", "audio 9"), |_, media| assert!(!media.is_ice_mismatch()));
        with(&OFFER.replace("a=candidate", "a=x"), |_, media| assert!(!media.is_ice_mismatch()));
    }

    #[test]
    fn our_lines_are_read_back() {
        let mut out = b"v=0\r\n".to_vec();
        out.extend_from_slice(ICE_LITE);
        out.extend_from_slice(b"m=audio 30000 RTP/AVP 8\r\nc=IN IP4 198.51.100.1\r\n");
        let ours = LocalIce {
            ufrag: "abcdefgh",
            password: "0123456789abcdefghijABCD",
            address: IpAddr::from([198, 51, 100, 1]),
            port: 30_000,
            rtcp_mux: false,
        };
        ours.write(&mut out);
        with(std::str::from_utf8(&out).unwrap(), |session, media| {
            let ice = session.ice(media).unwrap();
            assert_eq!((ice.ufrag, ice.password, ice.lite), (ours.ufrag, ours.password, true));
            let found: Vec<_> = media.candidates().map(|c| (c.component, c.address.port())).collect();
            assert_eq!(found, [(1, 30_000), (2, 30_001)]);
            assert!(!media.is_ice_mismatch());
        });
        let mut alone = Vec::new();
        LocalIce { rtcp_mux: true, ..ours }.write(&mut alone);
        assert!(!String::from_utf8(alone).unwrap().contains(" 2 UDP "));
    }
}
