"""Private keys and requests as files: SEC 1, PKCS#8 and PKCS#10, in DER.

Enters: a private key (int) and its public key (65 bytes).  Leaves: DER, which asn1.pem() makes
text of; and back again, from DER or PEM.

    text = pem("CERTIFICATE REQUEST", run(csr(d, own)))
    d = read_key(sec1(d, own))

All of them are of one length, so most of their bytes are constants.  Limit: no passwords.
"""

from .asn1 import (
    BIT_STRING,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    P256Error,
    Reader,
    blocks,
    tlv,
)
from .curve import N
from .ecdsa import sign

EC_PUBLIC_KEY = b"\x2a\x86\x48\xce\x3d\x02\x01"  # 1.2.840.10045.2.1, RFC 5480 2.1.1
PRIME256V1 = b"\x2a\x86\x48\xce\x3d\x03\x01\x07"  # 1.2.840.10045.3.1.7
_ALGORITHM = b"\x30\x13\x06\x07" + EC_PUBLIC_KEY + b"\x06\x08" + PRIME256V1
SPKI = b"\x30\x59" + _ALGORITHM + b"\x03\x42\0"  # SubjectPublicKeyInfo up to the point
ECDSA_SHA256 = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"  # RFC 5758 3.2

_LABELS = ("", "EC PRIVATE KEY", "PRIVATE KEY")


def sec1(d, own):
    """ECPrivateKey with curve and public key (RFC 5915 3)."""
    return (b"\x30\x77\x02\x01\x01\x04\x20" + d.to_bytes(32, "big")
            + b"\xa0\x0a\x06\x08" + PRIME256V1 + b"\xa1\x44\x03\x42\0" + own)


def pkcs8(d, own):
    """PrivateKeyInfo (RFC 5208 5) around an ECPrivateKey without the curve, as OpenSSL has it."""
    return (b"\x30\x81\x87\x02\x01\0" + _ALGORITHM + b"\x04\x6d\x30\x6b\x02\x01\x01\x04\x20"
            + d.to_bytes(32, "big") + b"\xa1\x44\x03\x42\0" + own)


def csr(d, own):
    """PKCS#10 request with an empty subject (RFC 2986 4; handbook Annex C). A generator."""
    info = b"\x30\x62\x02\x01\0\x30\0" + SPKI + own + b"\xa0\0"
    signature = yield from sign(d, info)
    return tlv(SEQUENCE, info + ECDSA_SHA256 + tlv(BIT_STRING, b"\0" + signature))


def read_key(data):
    """The private key in DER or PEM, SEC 1 or PKCS#8.

    P256Error MALFORMED, NO_KEY (other things are in the file), NOT_P256, BAD_KEY (out of range),
    ENCRYPTED.  The public key beside it is not looked at: public() makes it anew.
    """
    for label, der in blocks(data):
        if label in _LABELS:
            return _key(der)
    raise P256Error("NO_KEY")


def _key(der):
    outer = Reader(der)
    reader = outer.enter(SEQUENCE)
    outer.close()
    reader.next(INTEGER)  # version: what follows it tells the two forms apart
    curve = None
    if reader.peek() == SEQUENCE:
        algorithm = reader.enter(SEQUENCE)
        if algorithm.take(OID) != EC_PUBLIC_KEY or algorithm.peek() != OID:
            raise P256Error("NOT_P256")
        curve = algorithm.take(OID)
        whole = reader.enter(OCTET_STRING)
        reader = whole.enter(SEQUENCE)
        whole.close()
        reader.next(INTEGER)
    secret = reader.take(OCTET_STRING)
    if reader.peek() == 0xa0:
        named = reader.enter(0xa0)
        curve = named.take(OID) if named.peek() == OID else None
    if curve != PRIME256V1:
        raise P256Error("NOT_P256")
    d = int.from_bytes(secret, "big")
    if len(secret) != 32 or not 0 < d < N:
        raise P256Error("BAD_KEY")
    return d
