#!/usr/bin/env python3
"""Makes vectors.txt: SRTP and SRTCP packets of every suite, by Debian's python3-cryptography and the text of RFC 3711,
RFC 6188 and RFC 7714 alone. First it makes what the RFCs themselves print, and stops where that differs.

    python3 vectors.py > vectors.txt

A line: suite, kind (rtp, rtcp, or clear: RTCP without encryption), master key and salt, MKI or -, index, packet, protected packet.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Name: length of the key, of the salt, of the tag of RTP; that of RTCP is 10 with HMAC.
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14, 10),
    "AES_CM_128_HMAC_SHA1_32": (16, 14, 4),
    "AES_256_CM_HMAC_SHA1_80": (32, 14, 10),
    "AES_256_CM_HMAC_SHA1_32": (32, 14, 4),
    "AEAD_AES_128_GCM": (16, 12, 16),
    "AEAD_AES_256_GCM": (32, 12, 16),
}


def ctr(key, counter, text):
    one = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return one.update(text) + one.finalize()


def derive(key, salt, label, length):
    """RFC 3711 section 4.3.1 and 4.3.3, with a derivation rate of 0; RFC 7714 section 11 pads the salt."""
    x = int.from_bytes(salt.ljust(14, b"\0"), "big") ^ label << 48
    return ctr(key, (x << 16).to_bytes(16, "big"), bytes(length))


def counter(salt, ssrc, index):
    """RFC 3711 section 4.1.1."""
    iv = int.from_bytes(salt, "big") << 16 ^ ssrc << 64 ^ index << 16
    return iv.to_bytes(16, "big")


def nonce(salt, ssrc, index):
    """RFC 7714 sections 8.1 and 9.1: the index of RTCP is 31 bits in a field of 48."""
    iv = int.from_bytes(salt, "big") ^ ssrc << 48 ^ index
    return iv.to_bytes(12, "big")


def rtp(suite, keys, mki, index, packet):
    key, auth, salt = keys
    ssrc = int.from_bytes(packet[8:12], "big")
    head, payload = packet[:12], packet[12:]
    if suite.startswith("AEAD"):
        return head + AESGCM(key).encrypt(nonce(salt, ssrc, index), payload, head) + mki
    body = head + ctr(key, counter(salt, ssrc, index), payload)
    tag = hmac.new(auth, body + (index >> 16).to_bytes(4, "big"), hashlib.sha1).digest()
    return body + mki + tag[: SUITES[suite][2]]


def rtcp(suite, keys, mki, index, packet, encrypted=True):
    key, auth, salt = keys
    ssrc = int.from_bytes(packet[4:8], "big")
    word = (index | encrypted << 31).to_bytes(4, "big")
    head, payload = packet[:8], packet[8:]
    if suite.startswith("AEAD"):
        if encrypted:
            return head + AESGCM(key).encrypt(nonce(salt, ssrc, index), payload, head + word) + word + mki
        return packet + AESGCM(key).encrypt(nonce(salt, ssrc, index), b"", packet + word) + word + mki
    body = head + (ctr(key, counter(salt, ssrc, index), payload) if encrypted else payload)
    tag = hmac.new(auth, body + word, hashlib.sha1).digest()[:10]
    return body + word + mki + tag


def session(suite, master, first):
    key, salt, _ = SUITES[suite]
    return [
        derive(master[:key], master[key:], first + at, length)
        for at, length in ((0, key), (1, 20), (2, salt))
    ]


def same(name, made, printed):
    if made != bytes.fromhex(printed):
        raise SystemExit(f"{name}: {made.hex()}, not {printed}")


def check():
    hexed = bytes.fromhex
    # RFC 3711 appendix B.2 and B.3.
    key = hexed("2B7E151628AED2A6ABF7158809CF4F3C")
    stream = ctr(key, hexed("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"), bytes(32))
    same("B.2", stream, "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB")
    master = hexed("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
    key, auth, salt = session("AES_CM_128_HMAC_SHA1_80", master, 0)
    same("B.3 key", key, "C61E7A93744F39EE10734AFE3FF7A087")
    same("B.3 auth", auth, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")
    same("B.3 salt", salt, "30CBBC08863D8C85D49DB34A9AE1")
    # RFC 6188 section 7.2.
    master = "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b63b04803de51ee7c96423ab5b78d2"
    key, auth, salt = session("AES_256_CM_HMAC_SHA1_80", hexed(master), 0)
    same("7.2 key", key, "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4")
    same("7.2 auth", auth, "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05")
    same("7.2 salt", salt, "fa31791685ca444a9e07c6c64e93")
    # RFC 7714 sections 16.1.1, 17.1, 17.3.
    keys = (bytes(range(16)), b"", hexed("517569642070726f2071756f"))
    plain = hexed("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
    sealed = rtp("AEAD_AES_128_GCM", keys, b"", 0xF17B, plain)
    same("16.1.1", sealed[-16:], "899d7f27beb16a9152cf765ee4390cce")
    plain = hexed("81c8000d4d617273") + b"NTP1NTP2RTP " + hexed("0000042a0000e930") + b"Luna" + hexed("deadbeef" * 5)
    sealed = rtcp("AEAD_AES_128_GCM", keys, b"", 0x5D4, plain)
    same("17.1", sealed[-20:], "c84aa45896cf4d2fc5abf87245d9eade800005d4")
    sealed = rtcp("AEAD_AES_128_GCM", keys, b"", 0x5D4, plain, False)
    same("17.3", sealed[-20:], "841dd9683dd78ec92ae58790125f62b3000005d4")


def main():
    check()
    speech = bytes.fromhex("8008ffffdecafbadcafebabe") + bytes(n * 7 & 255 for n in range(45))
    report = bytes.fromhex("81c9000ccafebabe") + bytes(n * 5 & 255 for n in range(44))
    for suite, (key, salt, _) in SUITES.items():
        master = hashlib.sha512(suite.encode()).digest()[: key + salt]
        for mki in (b"", bytes([0, 0, 0, 9])):
            for index in (0xFFFF, 0x1FFFF, 0xFFFFFFFEFFFF):
                sealed = rtp(suite, session(suite, master, 0), mki, index, speech)
                line(suite, "rtp", master, mki, index, speech, sealed)
            for index in (0, 1, 0x5D4, 0x7FFFFFFF):
                sealed = rtcp(suite, session(suite, master, 3), mki, index, report)
                line(suite, "rtcp", master, mki, index, report, sealed)
            sealed = rtcp(suite, session(suite, master, 3), mki, 7, report, False)
            line(suite, "clear", master, mki, 7, report, sealed)


def line(suite, kind, master, mki, index, plain, sealed):
    print(suite, kind, master.hex(), mki.hex() or "-", f"{index:x}", plain.hex(), sealed.hex())


main()
