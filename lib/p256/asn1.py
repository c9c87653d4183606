"""DER and PEM: what certificates and keys are written in. The errors of the whole package.

Enters: bytes from whoever.  Leaves: spans of them, or P256Error with a short stable code.

    reader = Reader(der).enter(SEQUENCE)
    serial = reader.take(INTEGER)          # the contents' bytes

X.690 10 and 11: DER only.  Lengths are definite, the shortest, and at most 65535; tags have one
byte.  A Reader never leaves its span and never recurses, so nesting costs only what asks for it.
"""

from binascii import a2b_base64, b2a_base64

from micropython import const

SEQUENCE = const(0x30)
SET = const(0x31)
BOOLEAN = const(1)
INTEGER = const(2)
BIT_STRING = const(3)
OCTET_STRING = const(4)
OID = const(6)

_OID_MAX = const(64)
_TEXT_MAX = const(16384)  # bytes of PEM or DER that are looked at
_BLOCKS_MAX = const(8)


class P256Error(Exception):
    """What is wrong: str() is a code of README.md, in some cases followed by ":" and details."""


class Reader:
    """Walks over the elements of buf[at:end], one behind the other."""

    def __init__(self, buf, at=0, end=-1):
        self.buf = buf
        self.at = at
        self.end = len(buf) if end < 0 else end
        self.start = at

    def peek(self):
        """The next tag, -1 at the end."""
        return self.buf[self.at] if self.at < self.end else -1

    def next(self, tag=-1):
        """Pass one element (of this tag, if one is given): `start` .. `at` are its contents."""
        at = self.at + 2
        if at > self.end or self.buf[at - 2] & 31 == 31 or tag not in (-1, self.buf[at - 2]):
            raise P256Error("MALFORMED")
        size = self.buf[at - 1]
        if size > 127:
            more = size - 128
            if more not in (1, 2) or at + more > self.end:
                raise P256Error("MALFORMED")
            size = int.from_bytes(self.buf[at:at + more], "big")
            at += more
            if size < (128, 256)[more - 1]:
                raise P256Error("MALFORMED")  # not the shortest form
        if size > self.end - at:
            raise P256Error("MALFORMED")
        self.start = at
        self.at = at + size

    def enter(self, tag):
        """A Reader over the contents of the next element."""
        self.next(tag)
        return Reader(self.buf, self.start, self.at)

    def take(self, tag):
        """The contents of the next element as bytes. Allocates."""
        self.next(tag)
        return self.buf[self.start:self.at]

    def bits(self):
        """The contents of a BIT STRING of whole bytes."""
        data = self.take(BIT_STRING)
        if not data or data[0]:
            raise P256Error("MALFORMED")
        return data[1:]

    def unsigned(self, most):
        """The bytes, `most` at most, of an INTEGER that is not negative, without the sign's."""
        data = self.take(INTEGER)
        if not data or data[0] > 127 or (data[0] == 0 and len(data) > 1 and data[1] < 128):
            raise P256Error("MALFORMED")
        if data[0] == 0 and len(data) > 1:
            data = data[1:]
        if len(data) > most:
            raise P256Error("MALFORMED")
        return data

    def close(self):
        """Nothing may follow."""
        if self.at != self.end:
            raise P256Error("MALFORMED")


def tlv(tag, contents):
    """One element of at most 65535 bytes. Allocates."""
    size = len(contents)
    if size < 128:
        head = bytes((tag, size))
    elif size < 256:
        head = bytes((tag, 0x81, size))
    else:
        head = bytes((tag, 0x82, size >> 8, size & 255))
    return head + contents


def integer(value):
    """An INTEGER of a value below 2**256 that is not negative."""
    data = value.to_bytes(33, "big")
    at = 0
    while at < 32 and data[at] == 0 and data[at + 1] < 128:
        at += 1
    return tlv(INTEGER, data[at:])


def dotted(oid):
    """An object identifier's contents as text, "1.3.6.1.4.1.40732.1.1". Allocates."""
    if not oid or len(oid) > _OID_MAX or oid[-1] > 127:
        raise P256Error("MALFORMED")
    out = []
    number = 0
    fresh = True
    for byte in oid:
        if fresh and byte == 128:
            raise P256Error("MALFORMED")  # padded
        number = number << 7 | byte & 127
        fresh = byte < 128
        if fresh:
            if not out:
                first = min(number // 40, 2)
                out.append(str(first))
                number -= 40 * first
            out.append(str(number))
            number = 0
    return ".".join(out)


def pem(label, der):
    """PEM text (RFC 7468) of DER, lines of 64 characters. Allocates."""
    out = ["-----BEGIN " + label + "-----"]
    for i in range(0, len(der), 48):
        out.append(b2a_base64(der[i:i + 48]).decode().strip())
    out.append("-----END " + label + "-----\n")
    return "\n".join(out)


def blocks(data):
    """[(label, der), ...] of PEM text (str or bytes) or of DER, one behind the other.

    The label of DER is "".  P256Error MALFORMED, ENCRYPTED (a key with a password) or TOO_LARGE:
    more than 16 KiB or 8 blocks.  Text between PEM blocks is passed over (RFC 7468 2).
    """
    if len(data) > _TEXT_MAX:
        raise P256Error("TOO_LARGE")
    data = data.encode() if isinstance(data, str) else bytes(data)
    out = _der_blocks(data) if data[:1] == b"\x30" else _pem_blocks(data)
    if not out:
        raise P256Error("MALFORMED")
    if len(out) > _BLOCKS_MAX:
        raise P256Error("TOO_LARGE")
    return out


def _der_blocks(data):
    reader = Reader(data)
    out = []
    while reader.at < reader.end and len(out) <= _BLOCKS_MAX:
        at = reader.at
        reader.next(SEQUENCE)
        out.append(("", data[at:reader.at]))
    return out


def _pem_blocks(data):
    out = []
    label = None
    body = b""
    for line in [raw.strip() for raw in data.split(b"\n")]:
        if line[:11] == b"-----BEGIN " and line[-5:] == b"-----":
            if label is not None:
                raise P256Error("MALFORMED")
            label = line[11:-5]
            body = b""
        elif line[:9] == b"-----END ":
            if label is None or line[9:] != label + b"-----":
                raise P256Error("MALFORMED")
            if b"ENCRYPTED" in label:
                raise P256Error("ENCRYPTED")
            out.append((_ascii(label), _base64(body)))
            label = None
        elif line[:10] == b"Proc-Type:":
            raise P256Error("ENCRYPTED")  # RFC 1421 4.6.1.1: OpenSSL's old form
        elif label is not None:
            body += line
    if label is not None:
        raise P256Error("MALFORMED")
    return out


def _ascii(data):
    return "".join([chr(c) if 32 <= c < 127 else "." for c in data])


def _base64(text):
    # Strict: what it is written as again must be the text itself.
    try:
        data = a2b_base64(text)
    except ValueError:
        raise P256Error("MALFORMED")
    if not data or b2a_base64(data).strip() != text:
        raise P256Error("MALFORMED")
    return data
