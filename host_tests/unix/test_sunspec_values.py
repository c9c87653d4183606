# heap: 160k
"""Registers to integers: every type's sentinel, every scale factor, float32 bit by bit."""

import struct

import check
from sunspec import ABSENT
from sunspec.values import float32, number, scale_factor, shifted, signed

_INT = b"\x00\x02\x00\x01\x00"  # value at 0 with its factor at 1
_UINT = b"\x00\x02\x00\x01\x01"
_TOP = 0x3FFFFFFF


def test_absent_lies_at_the_edge_of_the_small_ints():
    assert ABSENT == -(1 << 30) + 1


def test_int16_and_its_sentinel():
    assert number([0x7FFF, 0], _INT, 2, 0) == 32767
    assert number([0xFFFF, 0], _INT, 2, 0) == -1
    assert number([0x8001, 0], _INT, 2, 0) == -32767
    assert number([0x8000, 0], _INT, 2, 0) == ABSENT


def test_uint16_and_its_sentinel():
    assert number([0x8000, 0], _UINT, 2, 0) == 32768
    assert number([0xFFFE, 0], _UINT, 2, 0) == 65534
    assert number([0xFFFF, 0], _UINT, 2, 0) == ABSENT


def test_a_scale_factor_outside_its_range_makes_the_value_absent_even_if_it_is_zero():
    for sf in range(-32768, 32768, 13):
        inside = -10 <= sf <= 10
        assert (scale_factor(sf & 0xFFFF) != ABSENT) == inside
        assert (number([0, sf & 0xFFFF], _INT, 2, 0) == ABSENT) == (not inside)
    for sf in (0x8000, 11, 0xFFFF & -11):
        assert number([5, sf], _INT, 2, 0) == ABSENT


def test_every_scale_factor_is_exact_toward_zero():
    for raw in (0, 1, 9, 10, 12345, 32767, -1, -9, -12345, -32767):
        for sf in range(-10, 11):
            for places in (0, 1, 3):
                got = number([raw & 0xFFFF, sf & 0xFFFF], _INT, 2, places)
                power = sf + places
                size = abs(raw) * 10**power if power >= 0 else abs(raw) // 10**-power
                if size > _TOP:
                    assert got == ABSENT, (raw, sf, places)
                else:
                    assert got == (-size if raw < 0 else size), (raw, sf, places)


def test_shifted_never_makes_absent_of_a_value_and_never_leaves_the_small_ints():
    for value in (107374182, 107374183, _TOP - 1, -_TOP + 1):
        for power in range(0, 4):
            got = shifted(value, power)
            assert -_TOP <= got < _TOP
            assert got == ABSENT or got == value * 10**power


def test_signed():
    assert [signed(w) for w in (0, 0x7FFF, 0x8000, 0xFFFF)] == [0, 32767, -32768, -1]


def _words(bits):
    return bits >> 16, bits & 0xFFFF


def _exact(bits, places):
    # The value of the bits in integers of any size.
    exponent = bits >> 23 & 0xFF
    mantissa = (bits & 0x7FFFFF | 0x800000) * 10**places
    size = mantissa << exponent - 150 if exponent >= 150 else mantissa >> 150 - exponent
    return -size if bits >> 31 else size


def test_float32_is_exact_at_every_exponent():
    for exponent in range(1, 255):
        for fraction in (0, 1, 0x2AAAAA, 0x555555, 0x7FFFFF):
            for sign in (0, 1 << 31):
                bits = sign | exponent << 23 | fraction
                for places in (0, 1, 3):
                    got = float32(*_words(bits), places)
                    want = _exact(bits, places)
                    if got == ABSENT:
                        assert abs(want) >= _TOP - 1000, (bits, places)
                    else:
                        assert got == want and abs(got) < _TOP, (bits, places, got, want)


def test_float32_of_plain_numbers():
    for value, places, want in ((0.0, 0, 0), (-0.0, 3, 0), (1.0, 0, 1), (230.5, 1, 2305),
                                (50.25, 3, 50250), (-2500.75, 0, -2500), (1e6, 0, 1000000),
                                (0.001, 3, 1), (1e-20, 3, 0)):
        high, low = struct.unpack(">HH", struct.pack(">f", value))
        assert float32(high, low, places) == want, value


def test_float32_nan_infinity_and_the_enormous_are_absent():
    for bits in (0x7FC00000, 0xFFC00000, 0x7F800001, 0x7FFFFFFF, 0x7F800000, 0xFF800000,
                 0x7F7FFFFF, 0xFF7FFFFF, 0x4F000000):
        assert float32(*_words(bits), 0) == ABSENT


def test_denormals_are_zero():
    assert float32(0, 1, 3) == 0
    assert float32(0x807F, 0xFFFF, 3) == 0


def test_nothing_allocates():
    check.locked(number, [12345, 0xFFFE], _INT, 2, 3)
    check.locked(float32, 0x4248, 0xF5C3, 3)
    check.locked(float32, 0xC95B, 0xBA00, 1)


check.run(globals())
