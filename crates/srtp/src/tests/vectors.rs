//! Vectors: those of the standards, and packets that others made of the standards' text.

use super::*;
use crate::cipher::{Aes, Cipher};
use crate::keys::SessionKeys;

/// Lines that `vectors.py` has made.
const PACKETS: &str = include_str!("vectors.txt");

/// The key shows itself by its key stream, the key of HMAC by a tag.
fn is_derived(suite: Suite, master: &str, [key, auth, salt]: [&str; 3]) {
    let keys = MasterKey::new(suite, &hex(master)).unwrap().derive(Kind::Rtp);
    assert_eq!(keys.salt.to_vec(), hex(salt), "{suite:?}");
    let (mut stream, mut expected) = ([0; 32], [0; 32]);
    keys.cipher.apply([0; 16], &mut stream);
    Aes::new(&hex(key)).apply([0; 16], &mut expected);
    assert_eq!(stream, expected, "{suite:?}");
    let right = Cipher::new(suite, &hex(key), &hex(auth).try_into().unwrap());
    assert_eq!(keys.cipher.sum(b"packet", b"more"), right.sum(b"packet", b"more"), "{suite:?}");
}

/// RFC 3711 appendix B.3 and RFC 6188 §7.2.
#[test]
fn session_keys_are_those_of_the_standards() {
    is_derived(
        Suite::AesCm128Sha1_80,
        "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6",
        [
            "C61E7A93744F39EE10734AFE3FF7A087",
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
            "30CBBC08863D8C85D49DB34A9AE1",
        ],
    );
    is_derived(
        Suite::AesCm256Sha1_80,
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
        [
            "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
            "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
            "fa31791685ca444a9e07c6c64e93",
        ],
    );
}

/// RFC 3711 appendix B.2 and RFC 6188 §7.1: the first three blocks, and those about a carry.
#[test]
fn key_streams_are_those_of_the_standards() {
    let cases = [
        (
            "2B7E151628AED2A6ABF7158809CF4F3C",
            "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0",
            "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE 6A2CC3787889374FBEB4C81B17BA6C44",
        ),
        (
            "57f82fe3613fd170a85ec93c40b1f092 2ec4cb0dc025b58272147cc438944a98",
            "92bdd28a93c3f52511c677d08b5515a4 9da71b2378a854f67050756ded165bac 63c4868b7096d88421b563b8c94c9a31",
            "cea518c90fd91ced9cbb18c078a54711 3dbc4814f4da5f00a08772b63c6a046d 6eb246913062a16891433e97dd01a57f",
        ),
    ];
    for (key, begin, end) in cases {
        let aes = Aes::new(&hex(key));
        let counter = <[u8; 16]>::try_from(hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")).unwrap();
        let mut stream = vec![0; 0xff02 * 16];
        aes.apply(counter, &mut stream);
        assert_eq!(stream[..48], hex(begin));
        assert_eq!(stream[0xfeff * 16..], hex(end));
    }
}

const SHORT: &str = "000102030405060708090a0b0c0d0e0f";
const LONG: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// RFC 7714 §16 gives session keys; so do these.
#[test]
fn sealed_packets_are_those_of_rfc_7714() {
    let plain = hex(
        "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573",
    );
    let cases = [
        (
            Suite::AeadAes128Gcm,
            SHORT,
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833 899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            Suite::AeadAes256Gcm,
            LONG,
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b 7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ];
    for (suite, key, sealed) in cases {
        let cipher = Cipher::new(suite, &hex(key), &[0; 20]);
        let nonce = <[u8; 12]>::try_from(hex("51753c6580c2726f20718414")).unwrap();
        let mut body = plain[12..].to_vec();
        let tag = cipher.seal(nonce, &plain[..12], &mut body).unwrap();
        body.extend(tag);
        assert_eq!(body, hex(sealed), "{suite:?}");
    }
}

/// RFC 7714 §17: reports that are encrypted (§17.1, §17.2), and such as are authenticated alone (§17.3, §17.4).
#[test]
fn sealed_reports_are_those_of_rfc_7714() {
    let plain = "81c8000d4d617273 4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
    let cases = [
        (
            Suite::AeadAes128Gcm,
            SHORT,
            "81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b c84aa45896cf4d2fc5abf87245d9eade 800005d4",
            "841dd9683dd78ec92ae58790125f62b3 000005d4",
        ),
        (
            Suite::AeadAes256Gcm,
            LONG,
            "81c8000d4d617273 d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad 1d1eb30c4446839f57ff6f6cb26ac3be 800005d4",
            "91db4afbfeee5a978fab4393ed2615fe 000005d4",
        ),
    ];
    for (suite, key, sealed, tagged) in cases {
        let keys = || {
            let mut salt = [0; 14];
            salt[..12].copy_from_slice(&hex("51756964 2070726f 2071756f"));
            SessionKeys { cipher: Cipher::new(suite, &hex(key), &[0; 20]), salt }
        };
        let (mut out, mut into) = (Protector::new(master(suite)), Opener::new(master(suite)));
        (out.rtcp, into.rtcp) = (keys(), keys());
        out.resume(0x4d61_7273, 0, 0x5d4);
        assert_eq!(protect_control(&mut out, &hex(plain)), hex(sealed), "{suite:?}");
        assert_eq!(open_control(&mut into, &hex(sealed)), Ok(hex(plain)), "{suite:?}");
        let mut into = Opener::new(master(suite));
        into.rtcp = keys();
        let mut forged = hex(&format!("{plain}{tagged}"));
        forged[20] ^= 1;
        assert_eq!(open_control(&mut into, &forged), Err(SrtpError::Forged), "{suite:?}");
        forged[20] ^= 1;
        assert_eq!(open_control(&mut into, &forged), Ok(hex(plain)), "{suite:?}");
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

/// Media and reports of every suite, with and without an identifier, at the ends of their counters.
#[test]
fn whole_packets_of_every_suite_are_those_that_others_make() {
    let mut kinds = [0; 3];
    for line in PACKETS.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [suite, kind, key, mki, index, plain, sealed] = fields.try_into().unwrap();
        let suite = Suite::from_name(suite.as_bytes()).unwrap();
        let key = MasterKey::new(suite, &hex(key)).unwrap().with_mki(&hex(mki)).unwrap();
        let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key));
        let index = u64::from_str_radix(index, 16).unwrap();
        let (plain, sealed) = (hex(plain), hex(sealed));
        if kind == "rtp" {
            kinds[0] += 1;
            out.resume(0xcafe_babe, index - 1, 0);
            into.resume(0xcafe_babe, index - 1);
            assert_eq!(protect(&mut out, &plain), sealed, "{line}");
            assert_eq!(open(&mut into, &sealed), Ok(plain), "{line}");
            continue;
        }
        kinds[1 + usize::from(kind == "clear")] += 1;
        if kind == "rtcp" {
            out.resume(0xcafe_babe, 0, index as u32);
            assert_eq!(protect_control(&mut out, &plain), sealed, "{line}");
        }
        assert_eq!(open_control(&mut into, &sealed), Ok(plain), "{line}");
        assert_eq!(open_control(&mut into, &sealed), Err(SrtpError::Replayed), "{line}");
    }
    assert_eq!(kinds, [36, 48, 12]);
}
