//! The first messages: ClientHello, HelloVerifyRequest, ServerHello and their extensions (RFC 6347 §4.2, RFC 5764 §4.1,
//! RFC 7627, RFC 5746).

use crate::crypto::{ECDSA_SUITES, GROUPS, OWN_GROUP, RSA_SUITES, SCHEMES, Suite};
use crate::reader::{Reader, put_vector8, put_vector16, shorts};
use crate::record::VERSION;
use crate::trouble::Trouble;
use srtp::Suite as Profile;

const SUPPORTED_GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const USE_SRTP: u16 = 14;
const EXTENDED_MASTER_SECRET: u16 = 23;
const RENEGOTIATION_INFO: u16 = 0xFF01;
/// The suite that stands for an empty renegotiation_info (RFC 5746 §3.3).
const RENEGOTIATION_SUITE: u16 = 0x00FF;
/// Cookies of peers that are taken along; ours are shorter: limit `dtls_cookie_size`.
const COOKIE_MAX: usize = 255;

/// The number of an SRTP profile (RFC 5764 §4.1.2, RFC 7714 §14.2); AES-256 in counter mode has none.
fn number_of(profile: Profile) -> Option<u16> {
    match profile {
        Profile::AesCm128Sha1_80 => Some(1),
        Profile::AesCm128Sha1_32 => Some(2),
        Profile::AeadAes128Gcm => Some(7),
        Profile::AeadAes256Gcm => Some(8),
        Profile::AesCm256Sha1_80 | Profile::AesCm256Sha1_32 => None,
    }
}

/// The first profile of a peer's list that we have: the order is the peer's, as with keys in SDP.
pub(crate) fn common_profile(theirs: &[u16], ours: &[Profile]) -> Result<Profile, Trouble> {
    let named = |number: &u16| ours.iter().copied().find(|profile| number_of(*profile) == Some(*number));
    theirs.iter().find_map(named).ok_or(Trouble::NothingInCommon)
}

/// What the extensions of a hello say, as far as it concerns us.
#[derive(Default, Clone)]
pub(crate) struct Extensions {
    pub(crate) groups: Option<Vec<u16>>,
    schemes: Option<Vec<u16>>,
    pub(crate) profiles: Vec<u16>,
    /// It names a master key by an identifier (RFC 5764 §4.1.3).
    identified: bool,
    pub(crate) extended: bool,
    renegotiation: bool,
    formats: bool,
}

impl Extensions {
    fn read(reader: &mut Reader<'_>) -> Result<Extensions, Trouble> {
        let mut said = Extensions::default();
        if reader.is_empty() {
            return Ok(said);
        }
        let mut all = Reader(reader.vector16()?);
        while !all.is_empty() {
            let (number, body) = (all.short()?, all.vector16()?);
            let mut body = Reader(body);
            match number {
                SUPPORTED_GROUPS => said.groups = Some(shorts(body.vector16()?).collect()),
                SIGNATURE_ALGORITHMS => said.schemes = Some(shorts(body.vector16()?).collect()),
                USE_SRTP => {
                    said.profiles = shorts(body.vector16()?).collect();
                    said.identified = !body.vector8()?.is_empty();
                }
                EXTENDED_MASTER_SECRET => said.extended = true,
                RENEGOTIATION_INFO => said.renegotiation = true,
                POINT_FORMATS => said.formats = true,
                _ => {}
            }
        }
        Ok(said)
    }

    /// What a server has chosen: one profile of those that were offered, and no identifier, for we have named none
    /// (RFC 5764 §4.1.1, §4.1.3).
    pub(crate) fn chosen_profile(&self, ours: &[Profile]) -> Result<Profile, Trouble> {
        let one = self.profiles.is_empty() || self.profiles.len() == 1;
        if !one || self.identified {
            return Err(Trouble::IllegalParameter);
        }
        common_profile(&self.profiles, ours)
    }

    /// Whether the peer believes signatures of this scheme.
    pub(crate) fn believes(&self, scheme: u16) -> bool {
        self.schemes.as_ref().is_none_or(|schemes| schemes.contains(&scheme))
    }
}

fn put_extension(number: u16, body: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_be_bytes());
    put_vector16(body, out);
}

/// Numbers of two bytes as a vector within an extension.
fn listed(numbers: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u16::to_be_bytes).collect();
    let mut out = Vec::with_capacity(bytes.len() + 2);
    put_vector16(&bytes, &mut out);
    out
}

fn srtp(numbers: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut body = listed(numbers);
    // No master key identifier.
    body.push(0);
    body
}

/// A peer's ClientHello.
pub(crate) struct ClientHello {
    pub(crate) random: [u8; 32],
    suites: Vec<u16>,
    pub(crate) extensions: Extensions,
}

impl ClientHello {
    /// What it begins with: its random value and its cookie.
    pub(crate) fn opening(bytes: &[u8]) -> Result<([u8; 32], &[u8]), Trouble> {
        ClientHello::open(&mut Reader(bytes))
    }

    fn open<'a>(reader: &mut Reader<'a>) -> Result<([u8; 32], &'a [u8]), Trouble> {
        let version: [u8; 2] = reader.array()?;
        // Numbers of versions fall as DTLS gets newer.
        if version[0] != VERSION[0] || version[1] > VERSION[1] {
            return Err(Trouble::NothingInCommon);
        }
        let random = reader.array()?;
        reader.vector8()?;
        Ok((random, reader.vector8()?))
    }

    pub(crate) fn read(body: &[u8]) -> Result<ClientHello, Trouble> {
        let mut reader = Reader(body);
        let (random, _) = ClientHello::open(&mut reader)?;
        let suites: Vec<u16> = shorts(reader.vector16()?).collect();
        if !reader.vector8()?.contains(&0) {
            return Err(Trouble::NothingInCommon);
        }
        let mut extensions = Extensions::read(&mut reader)?;
        extensions.renegotiation |= suites.contains(&RENEGOTIATION_SUITE);
        Ok(ClientHello { random, suites, extensions })
    }

    /// The first of our suites that the peer has, too.
    pub(crate) fn suite(&self) -> Result<(u16, Suite), Trouble> {
        let common = ECDSA_SUITES.into_iter().find(|(number, _)| self.suites.contains(number));
        common.ok_or(Trouble::NothingInCommon)
    }

    /// The first of our groups that the peer has, too.
    pub(crate) fn group(&self) -> Result<u16, Trouble> {
        let Some(theirs) = &self.extensions.groups else { return Ok(OWN_GROUP) };
        // Our certificate's key must be on one of them, too (RFC 8422 §2.1).
        let common = GROUPS.into_iter().find(|group| theirs.contains(group) && theirs.contains(&OWN_GROUP));
        common.ok_or(Trouble::NothingInCommon)
    }
}

/// Our ClientHello.
pub(crate) fn client_hello(random: &[u8; 32], cookie: &[u8], profiles: &[Profile]) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    out.extend_from_slice(&VERSION);
    out.extend_from_slice(random);
    put_vector8(&[], &mut out);
    put_vector8(cookie, &mut out);
    out.extend_from_slice(&listed(ECDSA_SUITES.into_iter().chain(RSA_SUITES).map(|(number, _)| number)));
    put_vector8(&[0], &mut out);
    let mut extensions = Vec::with_capacity(96);
    put_extension(SUPPORTED_GROUPS, &listed(GROUPS), &mut extensions);
    put_extension(POINT_FORMATS, &[1, 0], &mut extensions);
    put_extension(SIGNATURE_ALGORITHMS, &listed(SCHEMES), &mut extensions);
    put_extension(USE_SRTP, &srtp(profiles.iter().copied().filter_map(number_of)), &mut extensions);
    put_extension(EXTENDED_MASTER_SECRET, &[], &mut extensions);
    put_extension(RENEGOTIATION_INFO, &[0], &mut extensions);
    put_vector16(&extensions, &mut out);
    out
}

/// A HelloVerifyRequest; its version is that of DTLS 1.0 (RFC 6347 §4.2.1).
pub(crate) fn verify_request(cookie: &[u8]) -> Vec<u8> {
    let mut out = vec![0xFE, 0xFF];
    put_vector8(cookie, &mut out);
    out
}

/// The cookie of a HelloVerifyRequest.
pub(crate) fn read_verify_request(body: &[u8]) -> Result<Vec<u8>, Trouble> {
    let mut reader = Reader(body);
    reader.short()?;
    let cookie = reader.vector8()?;
    reader.end()?;
    Ok(cookie.get(..cookie.len().min(COOKIE_MAX)).unwrap_or_default().to_vec())
}

/// Our ServerHello.
pub(crate) fn server_hello(random: &[u8; 32], suite: u16, profile: Profile, asked: &Extensions) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    out.extend_from_slice(&VERSION);
    out.extend_from_slice(random);
    put_vector8(&[], &mut out);
    out.extend_from_slice(&suite.to_be_bytes());
    out.push(0);
    let mut extensions = Vec::with_capacity(32);
    if asked.renegotiation {
        put_extension(RENEGOTIATION_INFO, &[0], &mut extensions);
    }
    if asked.formats {
        put_extension(POINT_FORMATS, &[1, 0], &mut extensions);
    }
    if asked.extended {
        put_extension(EXTENDED_MASTER_SECRET, &[], &mut extensions);
    }
    put_extension(USE_SRTP, &srtp(number_of(profile)), &mut extensions);
    put_vector16(&extensions, &mut out);
    out
}

/// A peer's ServerHello.
pub(crate) struct ServerHello {
    pub(crate) random: [u8; 32],
    pub(crate) suite: Suite,
    pub(crate) extensions: Extensions,
}

impl ServerHello {
    pub(crate) fn read(body: &[u8]) -> Result<ServerHello, Trouble> {
        let mut reader = Reader(body);
        if reader.array()? != VERSION {
            return Err(Trouble::NothingInCommon);
        }
        let random = reader.array()?;
        reader.vector8()?;
        let number = reader.short()?;
        let known = ECDSA_SUITES.into_iter().chain(RSA_SUITES).find(|(known, _)| *known == number);
        let (_, suite) = known.ok_or(Trouble::NothingInCommon)?;
        if reader.byte()? != 0 {
            return Err(Trouble::NothingInCommon);
        }
        Ok(ServerHello { random, suite, extensions: Extensions::read(&mut reader)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a ServerHello with this use_srtp extension makes of two offered profiles.
    fn chosen(extension: &[u8]) -> Result<Profile, Trouble> {
        let mut all = Vec::new();
        put_extension(USE_SRTP, extension, &mut all);
        let mut body = [&VERSION[..], &[7; 32], &[0], &ECDSA_SUITES[0].0.to_be_bytes(), &[0]].concat();
        put_vector16(&all, &mut body);
        let hello = ServerHello::read(&body)?;
        hello.extensions.chosen_profile(&[Profile::AesCm128Sha1_80, Profile::AeadAes128Gcm])
    }

    #[test]
    fn a_server_chooses_one_profile_and_no_identifier() {
        assert_eq!(chosen(&[0, 2, 0, 7, 0]), Ok(Profile::AeadAes128Gcm));
        for refused in [&[0, 4, 0, 1, 0, 7, 0][..], &[0, 4, 0, 1, 0, 1, 0], &[0, 2, 0, 1, 1, 9]] {
            assert_eq!(chosen(refused), Err(Trouble::IllegalParameter), "{refused:?}");
        }
        assert_eq!(chosen(&[0, 2, 0, 2, 0]), Err(Trouble::NothingInCommon), "one that was not offered");
        assert_eq!(chosen(&[0, 0, 0]), Err(Trouble::NothingInCommon));
        assert_eq!(chosen(&[0, 2, 0, 1]), Err(Trouble::Malformed), "an identifier that is cut off");
    }
}
