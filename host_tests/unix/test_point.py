# heap: 224k
"""The multipliers of a usage point: by ratings, so that every value fits 16 bits (G8)."""

from array import array

import check
from metering import LAST, MEAN, VALUES
from mirror import types_of
from point import Point
from sep2 import PROFILES, fields

_W, _WH = 38, 72


class Who:
    lfdi = b"3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"


def said(point, w, wh, bad=0):
    """(value, quality) of the power and of the energy, as they are posted."""
    rows = array("i", bytes(4 * point.ring.stride))
    rows[0], rows[1], rows[2] = 60, 60, bad
    rows[VALUES], rows[VALUES + 1] = w, wh
    point.rows = rows
    parts = [values for kind, values, _ in point.readings_of(Who, 1, PROFILES["eql"])
             if kind == fields.READING]
    return [(p[fields.VALUE], p.get(fields.QUALITY)) for p in parts]


def made(w=0, wh=0, ten=0):
    point = Point(b"49", [(_W, 0), (_WH, 0)], bytes((MEAN, LAST)), ten, None)
    point.fit(w, wh)
    tens = [values[fields.TEN] for kind, values, _ in types_of(
        point, Who, 1, 60, PROFILES["eql"]) if kind == fields.MUP_TYPE]
    return point, tens


def test_a_large_device_has_larger_multipliers_and_a_small_one_keeps_its_own():
    for w, wh, ten, tens in ((5000, 13500, 0, [0, 1]), (21844, 218440, 0, [0, 1]),
                             (21846, 218480, 0, [1, 2]), (50000, 500000, 0, [1, 2]),
                             (1000000, 4000000, 0, [2, 3]), (5000, 0, 2, [2, 1])):
        point, found = made(w, wh, ten)
        assert found == tens, (w, wh, found)
        for value in (w * 3 // 2, -(w * 3 // 2)):
            (power, sound), _ = said(point, value, wh)
            assert sound is None and abs(power * 10 ** tens[0] - value) <= 10 ** tens[0] // 2


def test_halves_are_rounded_away_from_zero():
    point, _ = made(ten=1)
    for w, value in ((14, 1), (15, 2), (25, 3), (-14, -1), (-15, -2), (-25, -3), (-26, -3)):
        assert said(point, w, 0)[0] == (value, None), w


def test_what_cannot_be_said_is_the_nearest_and_questionable():
    point, _ = made()
    assert said(point, 32767, 327670) == [(32767, None), (32767, None)]
    assert said(point, 32768, 327680) == [(32767, 0x10), (32767, 0x10)]
    assert said(point, -40000, 10, 2) == [(-32767, 0x10), (1, 0x10)]


check.run(globals())
