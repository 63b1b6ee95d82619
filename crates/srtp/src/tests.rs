//! Vectors of the standards, and what an attacker cannot do.

use crate::keys::Kind;
use crate::{MasterKey, Opener, Protector, SrtpError, Suite};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |c: u8| (c as char).to_digit(16).unwrap() as u8;
    digits.chunks(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}

fn master(suite: Suite) -> MasterKey {
    let length = suite.key_length() + suite.salt_length();
    let bytes: Vec<u8> = (0..length as u8).map(|n| n.wrapping_mul(37).wrapping_add(11)).collect();
    MasterKey::new(suite, &bytes).unwrap()
}

fn packet(sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut p = vec![0x80, 8];
    p.extend(sequence.to_be_bytes());
    p.extend(u32::from(sequence).wrapping_mul(160).to_be_bytes());
    p.extend(ssrc.to_be_bytes());
    p.extend(payload);
    p
}

fn protect(out: &mut Protector, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + out.overhead(), 0);
    let length = out.rtp(&mut buffer, packet.len()).unwrap();
    buffer.truncate(length);
    buffer
}

fn protect_control(out: &mut Protector, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + out.overhead(), 0);
    let length = out.rtcp(&mut buffer, packet.len()).unwrap();
    buffer.truncate(length);
    buffer
}

fn open(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = packet.to_vec();
    let length = opener.rtp(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

fn open_control(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = packet.to_vec();
    let length = opener.rtcp(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

/// The key stream of the derived key shows the key: counter 0, of RFC 3711 appendix B.3 and RFC 6188 §7.2.
#[test]
fn session_keys_are_those_of_the_standards() {
    let rfc3711 = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let keys = MasterKey::new(Suite::AesCm128Sha1_80, &rfc3711).unwrap().derive(Kind::Rtp);
    assert_eq!(keys.salt.to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let mut stream = [0; 16];
    keys.cipher.apply([0; 16], &mut stream);
    let mut expected = [0; 16];
    crate::cipher::Aes::new(&hex("C61E7A93744F39EE10734AFE3FF7A087")).apply([0; 16], &mut expected);
    assert_eq!(stream, expected);

    let rfc6188 =
        hex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2");
    let keys = MasterKey::new(Suite::AesCm256Sha1_80, &rfc6188).unwrap().derive(Kind::Rtp);
    assert_eq!(keys.salt.to_vec(), hex("fa31791685ca444a9e07c6c64e93"));
    keys.cipher.apply([0; 16], &mut stream);
    let key = hex("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
    expected.fill(0);
    stream.fill(0);
    keys.cipher.apply([0; 16], &mut stream);
    crate::cipher::Aes::new(&key).apply([0; 16], &mut expected);
    assert_eq!(stream, expected);
}

/// RFC 3711 appendix B.2.
#[test]
fn the_key_stream_is_that_of_the_standard() {
    let aes = crate::cipher::Aes::new(&hex("2B7E151628AED2A6ABF7158809CF4F3C"));
    let counter = <[u8; 16]>::try_from(hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")).unwrap();
    let mut stream = vec![0; 48];
    aes.apply(counter, &mut stream);
    let expected = hex(
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0",
    );
    assert_eq!(stream, expected);
    let mut long = vec![0; 0xff02 * 16];
    aes.apply(counter, &mut long);
    let end = hex(
        "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE 6A2CC3787889374FBEB4C81B17BA6C44",
    );
    assert_eq!(long[0xfeff * 16..], end);
}

/// RFC 7714 §16 and §17 give session keys; so do these.
#[test]
fn sealed_packets_are_those_of_rfc_7714() {
    let plain = hex(
        "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573",
    );
    let cases = [
        (
            Suite::AeadAes128Gcm,
            "000102030405060708090a0b0c0d0e0f",
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833 899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            Suite::AeadAes256Gcm,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b 7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ];
    for (suite, key, sealed) in cases {
        let cipher = crate::cipher::Cipher::new(suite, &hex(key), &[0; 20]);
        let nonce = <[u8; 12]>::try_from(hex("51753c6580c2726f20718414")).unwrap();
        let mut body = plain[12..].to_vec();
        let tag = cipher.seal(nonce, &plain[..12], &mut body).unwrap();
        body.extend(tag);
        assert_eq!(body, hex(sealed), "{suite:?}");
    }
}

/// What libsrtp makes of the packets of its own driver.
#[test]
fn whole_packets_are_those_of_libsrtp() {
    let key = hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let mut out = Protector::new(MasterKey::new(Suite::AesCm128Sha1_80, &key).unwrap());
    let plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
    let sealed = hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
    assert_eq!(protect(&mut out, &plain), sealed);
    let gcm = hex("000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab");
    let mut out = Protector::new(MasterKey::new(Suite::AeadAes128Gcm, &gcm).unwrap());
    let sealed =
        hex("800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392");
    assert_eq!(protect(&mut out, &plain), sealed);
}

#[test]
fn every_suite_carries_packets_there_and_refuses_them_twice() {
    for suite in Suite::ALL {
        for mki in [&[][..], &[1][..], &[0, 0, 0, 7][..]] {
            let key = master(suite).with_mki(mki).unwrap();
            let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key));
            for (n, size) in [0usize, 1, 15, 16, 17, 160, 1400].into_iter().enumerate() {
                let plain = packet(65_534u16.wrapping_add(n as u16), 7, &vec![n as u8; size]);
                let sealed = protect(&mut out, &plain);
                assert_eq!(sealed.len(), plain.len() + suite.rtp_tag_length() + mki.len());
                assert_eq!(open(&mut into, &sealed), Ok(plain), "{suite:?}");
                assert_eq!(open(&mut into, &sealed), Err(SrtpError::Replayed), "{suite:?}");
            }
            let report = hex("80c90001 00000007 81ca0002 00000007 01026161 00000000");
            for _ in 0..3 {
                let sealed = protect_control(&mut out, &report);
                assert_eq!(open_control(&mut into, &sealed), Ok(report.clone()), "{suite:?}");
                assert_eq!(open_control(&mut into, &sealed), Err(SrtpError::Replayed), "{suite:?}");
            }
        }
    }
}

#[test]
fn a_changed_bit_anywhere_is_seen_and_changes_nothing() {
    for suite in Suite::ALL {
        let key = master(suite).with_mki(&[9]).unwrap();
        let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key));
        let plain = packet(100, 7, b"What an attacker cannot read or change");
        let sealed = protect(&mut out, &plain);
        let report = hex("80c90001 00000007");
        let sealed_report = protect_control(&mut out, &report);
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&mut into, &forged).is_err(), "{suite:?} bit {bit}");
        }
        for bit in 0..sealed_report.len() * 8 {
            let mut forged = sealed_report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open_control(&mut into, &forged).is_err(), "{suite:?} control bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(open(&mut into, &sealed[..length]).is_err());
            assert!(open_control(&mut into, &sealed[..length]).is_err());
        }
        assert_eq!(open(&mut into, &sealed), Ok(plain));
        assert_eq!(open_control(&mut into, &sealed_report), Ok(report));
    }
}

#[test]
fn the_rollover_counter_survives_loss_and_can_be_handed_over() {
    let key = master(Suite::AesCm128Sha1_80);
    let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key.clone()));
    let mut sequence = 60_000u16;
    for _ in 0..30 {
        let sealed = protect(&mut out, &packet(sequence, 7, b"speech"));
        assert!(open(&mut into, &sealed).is_ok());
        sequence = sequence.wrapping_add(9_000);
    }
    let (mut out2, mut into2) = (Protector::new(key.clone()), Opener::new(key));
    out.positions().for_each(|(ssrc, newest, next)| out2.resume(ssrc, newest, next));
    into.positions().for_each(|(ssrc, newest)| into2.resume(ssrc, newest));
    let plain = packet(sequence, 7, b"after a change of nodes");
    let sealed = protect(&mut out2, &plain);
    assert_eq!(sealed, protect(&mut out, &plain));
    assert_eq!(open(&mut into2, &sealed), Ok(plain));
}

#[test]
fn streams_are_kept_apart_and_bounded() {
    let key = master(Suite::AeadAes128Gcm);
    let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key));
    for ssrc in 0..100 {
        for sequence in 0..3 {
            let plain = packet(sequence, ssrc, b"x");
            assert_eq!(open(&mut into, &protect(&mut out, &plain)), Ok(plain));
        }
    }
    assert_eq!((out.positions().count(), into.positions().count()), (8, 8));
}

#[test]
fn wrong_lengths_and_keys_are_refused() {
    assert!(MasterKey::new(Suite::AesCm128Sha1_80, &[0; 29]).is_none());
    assert!(MasterKey::new(Suite::AeadAes256Gcm, &[0; 46]).is_none());
    assert!(master(Suite::AeadAes256Gcm).with_mki(&[0; 17]).is_none());
    let mut out = Protector::new(master(Suite::AesCm128Sha1_80));
    let mut tight = packet(1, 1, b"x");
    let length = tight.len();
    assert_eq!(out.rtp(&mut tight, length), Err(SrtpError::NoRoom));
    assert_eq!(out.rtp(&mut [0; 40], 20), Err(SrtpError::Malformed));
    assert_eq!(format!("{:?}", master(Suite::AeadAes128Gcm)), "MasterKey(AEAD_AES_128_GCM)");
    assert!(Suite::ALL.into_iter().all(|s| Suite::from_name(s.name().to_lowercase().as_bytes()) == Some(s)));
}
