//! The other messages of a handshake (RFC 5246 §7.4, RFC 8422 §5).

use crate::crypto::{OWN_SCHEME, SCHEMES};
use crate::reader::{Reader, put_three, put_vector8, put_vector16};
use crate::trouble::Trouble;

/// A handshake message's header (RFC 6347 §4.2.2).
pub(crate) const HEADER: usize = 12;

/// The kinds of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    HelloRequest,
    ClientHello,
    ServerHello,
    HelloVerifyRequest,
    SessionTicket,
    Certificate,
    ServerKeyExchange,
    CertificateRequest,
    ServerHelloDone,
    CertificateVerify,
    ClientKeyExchange,
    Finished,
}

const KINDS: [(u8, Kind); 12] = [
    (0, Kind::HelloRequest),
    (1, Kind::ClientHello),
    (2, Kind::ServerHello),
    (3, Kind::HelloVerifyRequest),
    (4, Kind::SessionTicket),
    (11, Kind::Certificate),
    (12, Kind::ServerKeyExchange),
    (13, Kind::CertificateRequest),
    (14, Kind::ServerHelloDone),
    (15, Kind::CertificateVerify),
    (16, Kind::ClientKeyExchange),
    (20, Kind::Finished),
];

impl Kind {
    pub(crate) fn of(byte: u8) -> Option<Kind> {
        KINDS.iter().find(|(number, _)| *number == byte).map(|(_, kind)| *kind)
    }

    fn byte(self) -> u8 {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or(0, |(number, _)| *number)
    }
}

/// A whole message with its header, in one piece; so it stands in the transcript.
pub(crate) fn whole(kind: Kind, number: u16, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + body.len());
    out.push(kind.byte());
    put_three(body.len(), &mut out);
    out.extend_from_slice(&number.to_be_bytes());
    put_three(0, &mut out);
    put_three(body.len(), &mut out);
    out.extend_from_slice(body);
    out
}

/// Our certificate, alone.
pub(crate) fn certificate(der: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(der.len() + 6);
    put_three(der.len() + 3, &mut out);
    put_three(der.len(), &mut out);
    out.extend_from_slice(der);
    out
}

/// The peer's own certificate, the first of its chain.
pub(crate) fn read_certificate(body: &[u8]) -> Result<&[u8], Trouble> {
    let mut reader = Reader(body);
    let mut chain = Reader(reader.vector24()?);
    reader.end()?;
    chain.vector24()
}

/// What the server says of its half of the key exchange; that is what it signs.
pub(crate) fn exchange_params(group: u16, public: &[u8]) -> Vec<u8> {
    let mut out = vec![3];
    out.extend_from_slice(&group.to_be_bytes());
    put_vector8(public, &mut out);
    out
}

/// Parameters of a key exchange and a signature over them.
pub(crate) fn server_key_exchange(params: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut out = params.to_vec();
    out.extend_from_slice(&signed(signature));
    out
}

/// Scheme and signature.
pub(crate) fn signed(signature: &[u8]) -> Vec<u8> {
    let mut out = OWN_SCHEME.to_be_bytes().to_vec();
    put_vector16(signature, &mut out);
    out
}

/// A peer's ServerKeyExchange.
pub(crate) struct ServerKeyExchange<'a> {
    pub(crate) group: u16,
    pub(crate) public: &'a [u8],
    /// What is signed, behind both random values.
    pub(crate) params: &'a [u8],
    pub(crate) signed: Signed<'a>,
}

impl<'a> ServerKeyExchange<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<ServerKeyExchange<'a>, Trouble> {
        let mut reader = Reader(body);
        if reader.byte()? != 3 {
            return Err(Trouble::NothingInCommon);
        }
        let (group, public) = (reader.short()?, reader.vector8()?);
        let params = body.get(..body.len() - reader.0.len()).unwrap_or_default();
        let signed = Signed::read(reader)?;
        Ok(ServerKeyExchange { group, public, params, signed })
    }
}

/// Scheme and signature.
pub(crate) struct Signed<'a> {
    pub(crate) scheme: u16,
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn read(mut reader: Reader<'a>) -> Result<Signed<'a>, Trouble> {
        let (scheme, signature) = (reader.short()?, reader.vector16()?);
        reader.end()?;
        Ok(Signed { scheme, signature })
    }
}

/// Our demand for a certificate: ECDSA or RSA, of no authority in particular.
pub(crate) fn certificate_request() -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    put_vector8(&[64, 1], &mut out);
    let schemes: Vec<u8> = SCHEMES.into_iter().flat_map(u16::to_be_bytes).collect();
    put_vector16(&schemes, &mut out);
    put_vector16(&[], &mut out);
    out
}

/// Whether the server that asks for a certificate believes ours.
pub(crate) fn read_certificate_request(body: &[u8]) -> Result<(), Trouble> {
    let mut reader = Reader(body);
    let (kinds, schemes) = (reader.vector8()?, reader.vector16()?);
    let believed = kinds.contains(&64) && crate::reader::shorts(schemes).any(|scheme| scheme == OWN_SCHEME);
    if believed { Ok(()) } else { Err(Trouble::NothingInCommon) }
}

/// The client's half of the key exchange.
pub(crate) fn client_key_exchange(public: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(public.len() + 1);
    put_vector8(public, &mut out);
    out
}

pub(crate) fn read_client_key_exchange(body: &[u8]) -> Result<&[u8], Trouble> {
    let mut reader = Reader(body);
    let public = reader.vector8()?;
    reader.end()?;
    Ok(public)
}
