"""libsrtp (libsrtp2.so.1) as a program: a line asks, a line answers.

`key WAY SUITE MKI:KEY ...` makes a session (WAY: in or out; MKI in hex, empty for none, KEY in base64) and says its number.
`DOES NUMBER WHICH PACKET ...` seals or opens packets in hex, one after the other, under the WHICHth key, and says what
becomes of each: hex, or `!` and the status of libsrtp. DOES: seal, open, seal-control, open-control.
"""
import base64
import ctypes as c
import sys


class Crypto(c.Structure):
    _fields_ = [(name, c.c_uint32) for name in ("cipher", "key", "auth", "auth_key", "tag", "services")]


class MasterKey(c.Structure):
    _fields_ = [("key", c.c_char_p), ("mki", c.c_char_p), ("mki_size", c.c_uint)]


class Policy(c.Structure):
    _fields_ = [
        ("ssrc_type", c.c_int), ("ssrc", c.c_uint), ("rtp", Crypto), ("rtcp", Crypto), ("key", c.c_char_p),
        ("keys", c.POINTER(c.POINTER(MasterKey))), ("count", c.c_ulong), ("ekt", c.c_void_p),
        ("window", c.c_ulong), ("repeats", c.c_int), ("headers", c.c_void_p), ("headers_count", c.c_int),
        ("next", c.c_void_p),
    ]


lib = c.CDLL("libsrtp2.so.1")
assert lib.srtp_init() == 0
# Of RTP and of RTCP: a tag of 32 bits is of RTP alone (RFC 4568 §6.2.2, RFC 6188 §4).
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": ("rtp_default", "rtp_default"),
    "AES_CM_128_HMAC_SHA1_32": ("aes_cm_128_hmac_sha1_32", "rtp_default"),
    "AES_256_CM_HMAC_SHA1_80": ("aes_cm_256_hmac_sha1_80", "aes_cm_256_hmac_sha1_80"),
    "AES_256_CM_HMAC_SHA1_32": ("aes_cm_256_hmac_sha1_32", "aes_cm_256_hmac_sha1_80"),
    "AEAD_AES_128_GCM": ("aes_gcm_128_16_auth", "aes_gcm_128_16_auth"),
    "AEAD_AES_256_GCM": ("aes_gcm_256_16_auth", "aes_gcm_256_16_auth"),
}
ANY = {"in": 2, "out": 3}
DOES = {
    "seal": lambda session, data, size, mki, which: lib.srtp_protect_mki(session, data, size, mki, which),
    "open": lambda session, data, size, mki, which: lib.srtp_unprotect_mki(session, data, size, mki),
    "seal-control": lambda session, data, size, mki, which: lib.srtp_protect_rtcp_mki(session, data, size, mki, which),
    "open-control": lambda session, data, size, mki, which: lib.srtp_unprotect_rtcp_mki(session, data, size, mki),
}
sessions = []


def make(way, suite, *keys):
    policy = Policy(ssrc_type=ANY[way], window=128)
    for part, name in zip((policy.rtp, policy.rtcp), SUITES[suite]):
        getattr(lib, "srtp_crypto_policy_set_" + name)(c.byref(part))
    pairs = [pair.split(":") for pair in keys]
    told = [MasterKey(base64.b64decode(key, validate=True), bytes.fromhex(mki), len(mki) // 2) for mki, key in pairs]
    policy.keys = (c.POINTER(MasterKey) * len(told))(*map(c.pointer, told))
    policy.count = len(told)
    session = c.c_void_p()
    status = lib.srtp_create(c.byref(session), c.byref(policy))
    assert status == 0, status
    sessions.append((session, int(told[0].mki_size > 0)))
    return len(sessions) - 1


buffer, size = c.create_string_buffer(4096), c.c_int()
at = c.byref(size)


def done(does, session, mki, which, packet):
    data = bytes.fromhex(packet)
    buffer[: len(data)] = data
    size.value = len(data)
    status = does(session, buffer, at, mki, which)
    return buffer[: size.value].hex() if status == 0 else "!" + str(status)


for line in sys.stdin:
    word, *rest = line.split()
    if word == "key":
        print(make(*rest), flush=True)
        continue
    (session, mki), which = sessions[int(rest[0])], int(rest[1])
    print(*(done(DOES[word], session, mki, which, packet) for packet in rest[2:]), flush=True)
