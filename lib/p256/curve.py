"""Arithmetic on NIST P-256 (secp256r1): points added and multiplied, in Python's integers.

Enters: scalars and points.  Leaves: points (x, y), None for the point at infinity.

    steps = multiply(((k, G),))        # a generator: yields between pieces of work
    run(steps)                         # (x, y), see ecdsa.py

SEC 1 2.2.1, FIPS 186-4 D.1.2.3.  Limit: NOT constant-time.  How long it takes depends on the
scalar, so it is for a key that is made once, one CSR, and checks of public signatures; the
signatures of TLS are mbedTLS's own.  Needs a port whose pow() takes three arguments.
"""

from micropython import const

from .asn1 import P256Error

P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)

_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
_WINDOW = const(3)  # bits of a scalar taken at once: a table of 8 points each
_TOP = const(255)
_INFINITY = (1, 1, 0)


def point(data):
    """(x, y) of an uncompressed point, 65 bytes. P256Error BAD_POINT when it is none.

    The coordinates are below p and on the curve (SEC 1 3.2.2.1); the cofactor is 1.
    """
    if len(data) == 65 and data[0] == 4:
        x = int.from_bytes(data[1:33], "big")
        y = int.from_bytes(data[33:], "big")
        if x < P and y < P and (x * x % P * x - 3 * x + _B - y * y) % P == 0:
            return x, y
    raise P256Error("BAD_POINT")


def encode(xy):
    """The 65 bytes of a point, uncompressed (SEC 1 2.3.3)."""
    return b"\x04" + xy[0].to_bytes(32, "big") + xy[1].to_bytes(32, "big")


def multiply(terms):
    """The sum of k * Q over the pairs (k, Q) of `terms`: (x, y), or None for infinity.

    A generator that yields after each piece of work (some 50 field multiplications);
    the sum is its return value.  0 <= k < 2**256.  Interleaved windows: the doublings are shared.
    """
    tables = []
    for k, xy in terms:
        tables.append((k, (yield from _table(xy))))
    total = _INFINITY
    for shift in range(_TOP, -1, -_WINDOW):
        for _ in range(_WINDOW):
            total = _double(total)
        for k, table in tables:
            total = _add(total, table[k >> shift & 7])
        yield
    x, y, z = total
    if z == 0:
        return None
    z = pow(z, P - 2, P)
    square = z * z % P
    return x * square % P, y * square % P * z % P


def _table(xy):
    # 0 to 7 times the point, in Jacobian coordinates.
    one = (xy[0], xy[1], 1)
    table = [_INFINITY, one]
    for _ in range(6):
        table.append(_add(table[-1], one))
        yield
    return table


def _double(p):
    # Bernstein and Lange's dbl-2001-b for a = -3; infinity (z = 0) stays what it is.
    x, y, z = p
    delta = z * z % P
    gamma = y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x = (alpha * alpha - 8 * beta) % P
    z = ((y + z) * (y + z) - gamma - delta) % P
    return x, (alpha * (4 * beta - x) - 8 * gamma * gamma) % P, z


def _add(p, q):
    # Jacobian addition (SEC 1 2.2.1), with the cases that it cannot do by itself.
    x1, y1, z1 = p
    x2, y2, z2 = q
    if z1 == 0:
        return q
    if z2 == 0:
        return p
    zz1 = z1 * z1 % P
    zz2 = z2 * z2 % P
    u = x1 * zz2 % P
    s = y1 * z2 % P * zz2 % P
    h = (x2 * zz1 - u) % P
    r = (y2 * z1 % P * zz1 - s) % P
    if h == 0:
        return _INFINITY if r else _double(p)
    hh = h * h % P
    hhh = h * hh % P
    u = u * hh % P
    x = (r * r - hhh - 2 * u) % P
    return x, (r * (u - x) - s * hhh) % P, h * z1 % P * z2 % P
