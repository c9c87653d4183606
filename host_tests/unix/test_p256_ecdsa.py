# heap: 88k
"""P-256 on the target: the curve's published multiples, RFC 6979, and signatures that are not."""

import check
import p256
from p256 import P256Error, run
from p256.curve import G, N, P, encode, multiply, point

# Multiples of G: "Mathematical routines for the NIST prime elliptic curves" (NSA), test vectors.
MULTIPLES = (
    (2, 0x7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978,
     0x07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1),
    (3, 0x5ecbe4d1a6330a44c8f7ef951d4bf165e6c6b721efada985fb41661bc6e7fd6c,
     0x8734640c4998ff7e374b06ce1a64a2ecd82ab036384fb83d9a79b127a27d5032),
    (112233445566778899, 0x339150844ec15234807fe862a86be77977dbfb3ae3d96f4c22795513aeaab82f,
     0xb1c14ddfdc8ec1b2583f51e85a5eb3a155840f2034730e9b5ada38b674336a21),
)

# RFC 6979 A.2.5, SHA-256: key, public key; message, r, s.
D = 0xc9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721
U = (0x60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6,
     0x7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299)
SIGNED = (
    (b"sample", 0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716,
     0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8),
    (b"test", 0xf1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367,
     0x019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083),
)
OWN = encode(U)


def number(value):
    """DER of an INTEGER, of whatever size."""
    data = (value % (1 << 272)).to_bytes(34, "big")
    while len(data) > 1 and data[0] in (0, 255) and (data[0] ^ data[1]) < 128:
        data = data[1:]
    return bytes((2, len(data))) + data


def der(r, s):
    body = number(r) + number(s)
    return bytes((0x30, len(body))) + body


def test_the_published_multiples():
    for k, x, y in MULTIPLES:
        assert run(multiply(((k, G),))) == (x, y), k
        assert run(multiply(((N - k, G),))) == (x, P - y), k
    assert run(multiply(((1, G),))) == G
    assert run(multiply(((N - 1, G),))) == (G[0], P - G[1])


def test_the_point_at_infinity_and_doublings_within_a_sum():
    two = MULTIPLES[0][1:]
    assert run(multiply(((1, G), (1, G)))) == two
    assert run(multiply(((1, G), (N - 1, G)))) is None
    assert run(multiply(((0, G),))) is None and run(multiply(((N, G),))) is None
    assert run(multiply(((0, G), (2, G)))) == two and run(multiply(((2, G), (0, G)))) == two
    assert run(multiply(((N + 2, G), (0, two)))) == two
    assert run(multiply(((2, G), (1, (two[0], P - two[1]))))) is None


def test_points_that_are_none():
    assert point(OWN) == U
    x, y = U
    wrong = (b"", b"\x04", OWN[:64], OWN + b"\0", b"\x02" + OWN[1:33], b"\x06" + OWN[1:],
             encode((y, x)), encode((x, y ^ 1)), encode((0, 0)), bytes(65), b"\0",
             encode((x, P)), encode((P, y)), b"\x04" + b"\xff" * 64)
    for data in wrong:
        assert str(check.raises(P256Error, point, data)) == "BAD_POINT"
        check.raises(P256Error, run, p256.verify(data, b"sample", der(1, 1)))
    # x = p + 5 is the point of x = 5 modulo p: it is refused although the equation holds.
    y5 = pow((125 - 15 + 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b) % P,
             (P + 1) // 4, P)
    assert point(encode((5, y5))) == (5, y5)
    check.raises(P256Error, point, encode((P + 5, y5)))


def test_keys_and_nonces_of_rfc_6979():
    assert run(p256.public(D)) == OWN
    for message, r, s in SIGNED:
        signature = run(p256.sign(D, message))
        assert signature == der(r, s), message
        assert run(p256.verify(OWN, message, signature))
        assert run(p256.verify(OWN, memoryview(message), bytearray(signature)))
        assert not run(p256.verify(OWN, message + b"x", signature))


def test_private_keys_out_of_range():
    for d in (0, -1, N, N + 1):
        assert str(check.raises(P256Error, run, p256.public(d))) == "BAD_KEY"
        assert str(check.raises(P256Error, run, p256.sign(d, b""))) == "BAD_KEY"


def test_numbers_that_are_no_signature():
    message, r, s = SIGNED[0]
    for pair in ((0, s), (r, 0), (0, 0), (1, 0), (0, 1), (N, s), (r, N), (N, N), (P, s), (r, P),
                 (r + N, s), (r, s + N), (-r, s), (r, -s), (r - N, s), (s, r), (1, 1), (N - 1, 1),
                 (r, N - 1), (r + 1, s), (r, s + 1), (N - r, s), (1 << 255, 1 << 255),
                 (1 << 264, s)):
        assert not run(p256.verify(OWN, message, der(pair[0], pair[1]))), pair
    # The negated s is a signature as well: low and high ones are taken (FIPS 186-4 knows no rule).
    assert run(p256.verify(OWN, message, der(r, N - s)))


def test_signatures_in_anything_but_der():
    message, r, s = SIGNED[1]  # here s begins with a small byte: no sign's zero before it
    good = der(r, s)
    rr, ss = number(r), number(s)
    body = rr + ss
    n = len(body)
    wrong = (
        b"", b"\x30", b"\x30\0", good[:-1], good + b"\0", good + good,
        b"\x30\x81" + bytes((n,)) + body, b"\x30\x82\0" + bytes((n,)) + body,
        b"\x30\x83\0\0" + bytes((n,)) + body, b"\x30\x84\0\0\0" + bytes((n,)) + body,
        b"\x30\x80" + body + b"\0\0", b"\x30\x80" + body, b"\x30\xff" + body,
        b"\x31" + good[1:], b"\x70" + good[1:], b"\x10" + good[1:], b"\x3f\x30" + good[1:],
        bytes((0x30, n + 1)) + body, bytes((0x30, n - 1)) + body,
        bytes((0x30, n + 2)) + body + b"\5\0", bytes((0x30, n + 2)) + b"\5\0" + body,
        bytes((0x30, n + 1)) + b"\2" + bytes((rr[1] + 1,)) + b"\0" + rr[2:] + ss,
        bytes((0x30, n + 1)) + rr + b"\2" + bytes((ss[1] + 1,)) + b"\0" + ss[2:],
        bytes((0x30, n - 1)) + b"\2\x20" + rr[3:] + ss,  # the zero before r left out: negative
        bytes((0x30, n + 1)) + b"\2\x81" + rr[1:] + ss, bytes((0x30, len(ss) + 2)) + b"\2\0" + ss,
        bytes((0x30, len(rr))) + rr, bytes((0x30, n)) + b"\3" + rr[1:] + ss,
        bytes((0x30, n)) + rr + b"\4" + ss[1:], b"\x30\x82\xff\xff" + body,
        b"\x30\6\x09\1\1\x09\1\1", r.to_bytes(32, "big") + s.to_bytes(32, "big"),
    )
    assert run(p256.verify(OWN, message, good))
    for signature in wrong:
        assert not run(p256.verify(OWN, message, signature)), signature


def test_a_sum_that_is_infinity_is_no_signature():
    # With d = -z / r the two halves cancel, whatever s is.
    from hashlib import sha256
    z = int.from_bytes(sha256(b"sample").digest(), "big")
    for r in (5, SIGNED[0][1]):
        d = (N - z) * pow(r, N - 2, N) % N
        own = run(p256.public(d))
        assert not run(p256.verify(own, b"sample", der(r, 7)))
        assert not run(p256.verify(own, b"sample", der(r, z % N)))


def test_an_abscissa_above_n_counts_modulo_n():
    # Q is made so that r = x - n with n <= x < p verifies (SEC 1 4.1.4, step 8).
    from hashlib import sha256
    z = int.from_bytes(sha256(b"sample").digest(), "big")
    x = N
    while True:
        x += 1
        square = (x * x * x - 3 * x
                  + 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            break
    r, s = x - N, 77
    inverse = pow(r, N - 2, N)
    q = run(multiply(((s * inverse % N, (x, y)), ((N - z) * inverse % N, G))))
    assert run(p256.verify(encode(q), b"sample", der(r, s)))
    for pair in ((r + 1, s), (r + N, s), (r, s + N), (r, s + 1)):
        assert not run(p256.verify(encode(q), b"sample", der(pair[0], pair[1])))


def test_work_comes_in_pieces():
    pieces = [0, 0, 0]
    for i, steps in enumerate((p256.public(D), p256.sign(D, b"sample"),
                               p256.verify(OWN, b"sample", der(SIGNED[0][1], SIGNED[0][2])))):
        for _ in steps:
            pieces[i] += 1
    assert min(pieces) >= 64, pieces


check.run(globals())
