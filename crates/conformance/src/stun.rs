//! STUN checks as a full ICE agent makes them, written here from RFC 8489 and RFC 8445 alone.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// A Binding request.
#[derive(Debug, Clone)]
pub struct Check {
    /// `theirs:ours`.
    pub username: String,
    /// The password of whom it goes to.
    pub password: String,
    /// It nominates.
    pub nominates: bool,
    /// One more attribute.
    pub more: Option<(u16, Vec<u8>)>,
    /// 96 bits.
    pub transaction: [u8; 12],
}

impl Check {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0];
        message.extend(COOKIE);
        message.extend(self.transaction);
        push(&mut message, 0x0006, self.username.as_bytes());
        push(&mut message, 0x0024, &0x6e00_1eff_u32.to_be_bytes());
        push(&mut message, 0x802a, &[9; 8]);
        if self.nominates {
            push(&mut message, 0x0025, &[]);
        }
        if let Some((kind, value)) = &self.more {
            push(&mut message, *kind, value);
        }
        set_length(&mut message, 24);
        let sum = hmac(&self.password, &message);
        push(&mut message, 0x0008, &sum);
        set_length(&mut message, 8);
        let crc = crc32fast::hash(&message) ^ 0x5354_554e;
        push(&mut message, 0x8028, &crc.to_be_bytes());
        message
    }

    /// What an answer to it says: our address as the other side saw it (its integrity proved with the password), or
    /// an error code.
    ///
    /// # Panics
    /// It is no answer to this request.
    pub fn read(&self, answer: &[u8]) -> Result<SocketAddr, u16> {
        assert!(
            answer.len() >= 20 && answer[4..8] == COOKIE && answer[8..20] == self.transaction,
            "{answer:?}"
        );
        let (crc_at, crc) = find(answer, 0x8028).expect("a fingerprint");
        let sum = crc32fast::hash(&answer[..crc_at]) ^ 0x5354_554e;
        assert_eq!(crc, sum.to_be_bytes(), "the fingerprint");
        if answer[..2] == [1, 0x11] {
            let (_, code) = find(answer, 0x0009).expect("an error code");
            return Err(u16::from(code[2]) * 100 + u16::from(code[3]));
        }
        assert_eq!(answer[..2], [1, 1], "a success");
        let (at, integrity) = find(answer, 0x0008).expect("an integrity");
        let mut covered = answer[..at].to_vec();
        set_length(&mut covered, 24);
        assert_eq!(integrity, hmac(&self.password, &covered), "the integrity");
        let (_, mapped) = find(answer, 0x0020).expect("an address");
        let port = u16::from_be_bytes([mapped[2] ^ COOKIE[0], mapped[3] ^ COOKIE[1]]);
        let octets: Vec<u8> = mapped[4..8].iter().zip(COOKIE).map(|(m, c)| m ^ c).collect();
        let ip = Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]);
        Ok(SocketAddr::new(IpAddr::V4(ip), port))
    }
}

fn push(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// The header's length as if `more` bytes followed.
fn set_length(message: &mut [u8], more: usize) {
    let length = (message.len() - 20 + more) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

fn hmac(password: &str, message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(password.as_bytes()).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Where an attribute begins, and its value.
fn find(message: &[u8], wanted: u16) -> Option<(usize, &[u8])> {
    let mut at = 20;
    while at + 4 <= message.len() {
        let kind = u16::from_be_bytes([message[at], message[at + 1]]);
        let length = usize::from(u16::from_be_bytes([message[at + 2], message[at + 3]]));
        if kind == wanted {
            return message.get(at + 4..at + 4 + length).map(|value| (at, value));
        }
        at += 4 + length.next_multiple_of(4);
    }
    None
}
