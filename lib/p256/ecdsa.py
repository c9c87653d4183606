"""Keys and signatures: ECDSA on P-256 with SHA-256 and the deterministic nonce of RFC 6979.

Enters: entropy, messages and DER.  Leaves: a private key (an int, never to be printed), its
public key (65 bytes: 4, x, y), DER signatures.

    d = generate(board.entropy)
    own = run(public(d))
    verified = run(verify(own, b"message", run(sign(d, b"message"))))

All that takes long is a generator that yields after some milliseconds of work and returns the
result: a task drives it between its other duties, run() drives it at once.  FIPS 186-4 6, B.4.1.
Limit: NOT constant-time, see curve.py: not for signatures that a stranger can ask for.
"""

from hashlib import sha256

from .asn1 import SEQUENCE, P256Error, Reader, integer, tlv
from .curve import G, N, encode, multiply, point

_SEED = 40  # bytes: 64 bits more than the key, so that the remainder is even (FIPS 186-4 B.4.1)


def run(steps):
    """Drive a generator of this package to its end; gives what it returns."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def generate(entropy):
    """A new private key, 1 .. n - 1. `entropy(n)` gives n random bytes, None while not seeded.

    P256Error NO_ENTROPY when it gives None, too little, or the same twice.
    """
    seed = entropy(_SEED)
    if not seed or len(seed) != _SEED or seed == entropy(_SEED):
        raise P256Error("NO_ENTROPY")
    return int.from_bytes(seed, "big") % (N - 1) + 1


def public(d):
    """The public key of a private one, 65 bytes. A generator."""
    if not 0 < d < N:
        raise P256Error("BAD_KEY")
    return encode((yield from multiply(((d, G),))))


def sign(d, message):
    """DER signature of the message (bytes). A generator. RFC 6979 3.2, FIPS 186-4 6.4."""
    if not 0 < d < N:
        raise P256Error("BAD_KEY")
    digest = sha256(message).digest()
    z = int.from_bytes(digest, "big")
    for k in _nonces(d, z):
        r = (yield from multiply(((k, G),)))[0] % N
        s = pow(k, N - 2, N) * (z + r * d) % N
        if r and s:
            return tlv(SEQUENCE, integer(r) + integer(s))


def verify(key, message, signature):
    """True when the DER signature of the message is the public key's. A generator.

    `message` may be a memoryview.  False whatever is wrong with the signature: BER, bytes behind
    it, numbers that are not 1 .. n - 1.  P256Error BAD_POINT when the key is not on the curve.
    """
    q = point(key)
    try:
        outer = Reader(signature)
        inner = outer.enter(SEQUENCE)
        r = int.from_bytes(inner.unsigned(32), "big")
        s = int.from_bytes(inner.unsigned(32), "big")
        inner.close()
        outer.close()
    except P256Error:
        return False
    if not (0 < r < N and 0 < s < N):
        return False
    w = pow(s, N - 2, N)
    z = int.from_bytes(sha256(message).digest(), "big")
    xy = yield from multiply(((z * w % N, G), (r * w % N, q)))
    return xy is not None and xy[0] % N == r


def _nonces(d, z):
    # RFC 6979 3.2 b to h: one nonce nearly always, further ones should it not do.
    seed = d.to_bytes(32, "big") + (z % N).to_bytes(32, "big")
    key, v = bytes(32), b"\x01" * 32
    for mark in (b"\0", b"\x01"):
        key = _hmac(key, v + mark + seed)
        v = _hmac(key, v)
    while True:
        v = _hmac(key, v)
        k = int.from_bytes(v, "big")
        if 0 < k < N:
            yield k
        key = _hmac(key, v + b"\0")
        v = _hmac(key, v)


def _hmac(key, data):
    # RFC 2104 for a key of 32 bytes.
    inner = bytes([b ^ 0x36 for b in key]) + b"\x36" * 32
    outer = bytes([b ^ 0x5c for b in key]) + b"\x5c" * 32
    return sha256(outer + sha256(inner + data).digest()).digest()
