"""One X.509 certificate, read: who it is for, who vouches, until when, and what it may do.

Enters: DER.  Leaves: a Certificate, or P256Error MALFORMED.

    leaf = Certificate(der)
    print(leaf.subject, leaf.issuer, leaf.serial, leaf.policies, leaf.not_after)

RFC 5280 4; IEEE 2030.5 6.11; handbook Annex C.  Limit: 4 KiB each; names are for people and for
finding an issuer, a signature alone proves it.
"""

from micropython import const

from .asn1 import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    P256Error,
    Reader,
    dotted,
)
from .ecdsa import verify
from .keys import ECDSA_SHA256, SPKI

FOREVER = (1 << 30) - 1  # s since EPOCH: what ends later, so the year 9999 of IEEE 2030.5

_SIZE_MAX = const(4096)
_DAYS_MAX = const(12427)  # FOREVER in days
_Y2020 = const(737425)  # days from 0001-01-01 to 2020-01-01, less one
_UTC_TIME = const(0x17)
_GENERALIZED_TIME = const(0x18)

DIGITAL_SIGNATURE = const(0x80)  # bits of keyUsage's first byte (RFC 5280 4.2.1.3)
KEY_CERT_SIGN = const(0x04)

_ANY_POLICY = "2.5.29.32.0"
_ARC = "1.3.6.1.4.1.40732."  # IEEE 2030.5 6.11.7
_HARDWARE_MODULE_NAME = b"\x2b\x06\x01\x05\x05\x07\x08\x04"  # RFC 4108 5
_SHORT = {3: "CN", 5: "serialNumber", 6: "C", 7: "L", 8: "ST", 10: "O", 11: "OU"}


class Certificate:
    """What a certificate says. Times in s since 2020-01-01, FOREVER at most.

    `key` is the public key's 65 bytes, None for another kind of key.  `path` is how many CAs may
    stand below, -1 where nothing is said.  `usage` is keyUsage's first byte, -1 where there is
    none.  `policies`: dotted OIDs; `image` is True when they are critical and mbedTLS takes them
    only with the module sep2x509; `odd_policy` is a critical one that even that refuses, or None.
    `critical`: dotted OIDs of critical extensions that nobody here knows.  `hardware`: type OID
    and serial number (bytes) of the HardwareModuleName, or None.
    """

    def __init__(self, der):
        if len(der) > _SIZE_MAX:
            raise P256Error("MALFORMED")
        self.der = der = bytes(der)
        self.ca = False
        self.path = self.usage = -1
        self.policies = ()
        self.critical = []
        self.image = False
        self.odd_policy = self.hardware = self.own_id = self.issuer_id = None
        outer = Reader(der)
        whole = outer.enter(SEQUENCE)
        outer.close()
        self._start = whole.at
        body = whole.enter(SEQUENCE)
        self._end = whole.at
        self._algorithm = _element(whole, SEQUENCE)
        self._signature = whole.bits()
        whole.close()
        self._body(body)

    def _body(self, body):
        version = b""
        if body.peek() == 0xa0:
            explicit = body.enter(0xa0)
            version = explicit.take(INTEGER)
            explicit.close()
        serial = body.take(INTEGER)
        if not 0 < len(serial) <= 21:
            raise P256Error("MALFORMED")
        self.serial = "".join(["%02X" % b for b in serial])
        if _element(body, SEQUENCE) != self._algorithm:
            raise P256Error("MALFORMED")  # RFC 5280 4.1.1.2: both must agree
        self.issuer = _name(body.enter(SEQUENCE))
        validity = body.enter(SEQUENCE)
        self.not_before = _time(validity)
        self.not_after = _time(validity)
        validity.close()
        self.subject = _name(body.enter(SEQUENCE))
        spki = _element(body, SEQUENCE)
        n = len(SPKI)
        self.key = spki[n:] if spki[:n] == SPKI and len(spki) == n + 65 else None
        for tag in (0x81, 0x82):  # unique identifiers, which nobody uses
            if body.peek() == tag:
                body.next(tag)
        if body.peek() == 0xa3:
            if version != b"\x02":
                raise P256Error("MALFORMED")
            explicit = body.enter(0xa3)
            self._extensions(explicit.enter(SEQUENCE))
            explicit.close()
        body.close()

    def _extensions(self, reader):
        seen = []
        while reader.at < reader.end:
            one = reader.enter(SEQUENCE)
            oid = one.take(OID)
            critical = False
            if one.peek() == BOOLEAN:
                critical = one.take(BOOLEAN) == b"\xff"
                if not critical:
                    raise P256Error("MALFORMED")  # X.690 11.5: a default is left out
            value = one.enter(OCTET_STRING)
            one.close()
            if oid in seen:
                raise P256Error("MALFORMED")  # RFC 5280 4.2
            seen.append(oid)
            # 2.5.29.n, RFC 5280 4.2.1
            if not self._known(oid[2] if oid[:2] == b"\x55\x1d" and len(oid) == 3 else 0,
                               critical, value):
                if critical:
                    self.critical.append(dotted(oid))
                continue
            value.close()

    def _known(self, n, critical, value):
        if n == 14:
            self.own_id = value.take(OCTET_STRING)
        elif n == 15:
            bits = value.take(BIT_STRING)
            if not 2 <= len(bits) <= 3 or bits[0] > 7:
                raise P256Error("MALFORMED")
            self.usage = bits[1]
        elif n == 17:
            self._names(value.enter(SEQUENCE))
        elif n == 19:
            self._basic(value.enter(SEQUENCE))
        elif n == 32:
            self._policies(value.enter(SEQUENCE), critical)
        elif n == 35:
            ids = value.enter(SEQUENCE)
            if ids.peek() == 0x80:
                self.issuer_id = ids.take(0x80)
        elif n == 37:
            value.next(SEQUENCE)  # extKeyUsage: known, and nothing is asked of it
        else:
            return False
        return True

    def _basic(self, reader):
        if reader.peek() == BOOLEAN:
            self.ca = reader.take(BOOLEAN) == b"\xff"
        if reader.peek() == INTEGER:
            self.path = reader.unsigned(1)[0]
        reader.close()

    def _names(self, reader):
        while reader.at < reader.end:
            if reader.peek() != 0xa0:
                reader.next()
                continue
            other = reader.enter(0xa0)
            if other.take(OID) == _HARDWARE_MODULE_NAME:
                module = other.enter(0xa0).enter(SEQUENCE)
                self.hardware = (dotted(module.take(OID)), module.take(OCTET_STRING))
                module.close()

    def _policies(self, reader, critical):
        self.policies = []
        odd = None
        while reader.at < reader.end:
            one = reader.enter(SEQUENCE)
            policy = dotted(one.take(OID))
            if one.at < one.end or not policy.startswith(_ARC):
                odd = odd or policy  # RFC 5280 4.2.1.4: critical qualifiers must be understood
            self.policies.append(policy)
        if not self.policies:
            raise P256Error("MALFORMED")
        if critical and any([policy != _ANY_POLICY for policy in self.policies]):
            self.image = True
            self.odd_policy = odd

    def signed_by(self, issuer):
        """True when the key of the Certificate `issuer` made this one's signature. A generator.

        P256Error SIGNATURE_ALGORITHM when it is not ECDSA with SHA-256, NOT_P256, BAD_POINT.
        """
        if self._algorithm != ECDSA_SHA256:
            raise P256Error("SIGNATURE_ALGORITHM:" + self.subject)
        if issuer.key is None:
            raise P256Error("NOT_P256:" + issuer.subject)
        body = memoryview(self.der)[self._start:self._end]
        return (yield from verify(issuer.key, body, self._signature))


def _element(reader, tag):
    # A whole element, tag and length as well.
    at = reader.at
    reader.next(tag)
    return reader.buf[at:reader.at]


def _name(reader):
    # "O=microsep2 test, CN=Example MICA"; bytes that are no ASCII text as dots.
    out = []
    while reader.at < reader.end:
        several = reader.enter(SET)
        while several.at < several.end:
            pair = several.enter(SEQUENCE)
            oid = pair.take(OID)
            kind = None
            if oid[:2] == b"\x55\x04" and len(oid) == 3:
                kind = _SHORT.get(oid[2])
            pair.next()
            value = "".join([chr(c) if 32 <= c < 127 else "."
                             for c in pair.buf[pair.start:pair.at]])
            out.append((kind or dotted(oid)) + "=" + value)
            pair.close()
    return ", ".join(out)


def _time(reader):
    # RFC 5280 4.1.2.5: YYMMDDHHMMSSZ until 2049, YYYYMMDDHHMMSSZ; s since EPOCH.
    tag = reader.peek()
    text = reader.take(tag)
    if tag == _UTC_TIME:
        text = (b"19" if text[:1] >= b"5" else b"20") + text
    if len(text) != 15 or text[14] != 0x5a or tag not in (_UTC_TIME, _GENERALIZED_TIME):
        raise P256Error("MALFORMED")
    fields = []
    for i in (2, 4, 6, 8, 10, 12):
        pair = text[i:i + 2]
        if not pair.isdigit():
            raise P256Error("MALFORMED")
        fields.append(int(pair))
    if not text[:2].isdigit():
        raise P256Error("MALFORMED")
    year = int(text[:2]) * 100 + fields[0]
    month, day = fields[1], fields[2]
    if not (year and 1 <= month <= 12 and 1 <= day and fields[3] < 24 and fields[4] < 60
            and fields[5] < 60):
        raise P256Error("MALFORMED")
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    length = 30 + (month + month // 8) % 2
    if day > (28 + leap if month == 2 else length):
        raise P256Error("MALFORMED")
    year -= 1
    days = year * 365 + year // 4 - year // 100 + year // 400 + day - _Y2020
    # Days before a month in a common year, February's two or one less taken off behind it.
    days += (367 * month - 362) // 12 - (0 if month <= 2 else 1 if leap else 2)
    if days > _DAYS_MAX:
        return FOREVER
    if days < -_DAYS_MAX:
        return -FOREVER
    return days * 86400 + fields[3] * 3600 + fields[4] * 60 + fields[5]
