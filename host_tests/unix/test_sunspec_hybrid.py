# heap: 224k
"""Hybrids: the inverter's limit for all that it gives, the battery's band below it."""

from array import array

import check
from registers import (
    chain_of, common, controls, inverter, met, nameplate, plant_der, run, settings, storage,
)
from sunspec import (
    ABSENT, DIFFERS, OK, REFUSED, SILENT, UNREAD, Hybrid, Limit, Storage,
)

# Of the chain below: WMaxLimPct in model 123, OutWRte and InWRte in 124 after it.
CAP = 40000 + 2 + 68 + 52 + 28 + 32 + 5
OUT = CAP - 5 + 26 + 12
AT_DER = 40000 + 2 + 68 + 155 + 52 + 19


def ready(words, panels=True, rvrt_s=0):
    device, thing, ratings = met(words)
    made = Hybrid(Storage(thing, ratings), Limit(thing, ratings, None, 0, rvrt_s), panels)
    made.begin(0, 0)
    run(made, device)
    device.log = []
    return device, made


def both(panels=True):
    return ready(chain_of(common(), inverter(), nameplate(), settings(), controls(), storage()),
                 panels)


def wrote(made, device, low_w, high_w):
    device.log = []
    device.n = 0
    made.begin(low_w, high_w)
    result = run(made, device)
    return result, [(a, v[0]) for _, a, v in device.writes()]


def test_its_rating_is_the_inverters_where_it_has_panels():
    assert both()[1].discharge_w == 10000 and both(False)[1].discharge_w == 5000
    assert both()[1].charge_w == 5000 and both()[1].panels and not both(False)[1].panels


def test_the_limit_is_written_first_and_is_for_all():
    device, made = both()
    for low_w, high_w, pct, out, into in (
            (-5000, 500, 500, 1000, 10000), (-3000, 8000, 8000, 10000, 6000),
            (-2000, -1000, 0, 0x10000 - 2000, 4000), (1000, 2000, 2000, 4000, 0x10000 - 2000)):
        result, writes = wrote(made, device, low_w, high_w)
        assert result == OK and writes[0] == (CAP, pct)
        assert (device.words[CAP], device.words[OUT], device.words[OUT + 1]) == (pct, out, into)


def test_a_set_point_of_the_battery_bounds_no_sun():
    device, made = both()
    assert not made.aims
    made.aims = True
    for low_w, high_w, pct, rate in ((-2000, 2500, 2500, -4000), (-2000, -2000, 0, -4000),
                                     (1000, 4000, 4000, 2000), (0, 700, 700, 0)):
        assert wrote(made, device, low_w, high_w)[0] == OK
        assert device.words[CAP] == pct
        assert (device.words[OUT], device.words[OUT + 1]) == (rate & 0xFFFF, -rate & 0xFFFF)
        assert made.same(low_w, high_w, low_w, high_w)
    made.aims = False  # the same numbers mean another thing from now on
    assert not made.same(0, 700, 0, 700)
    wrote(made, device, 0, 700)
    assert made.same(0, 700, 0, 700)
    assert (device.words[OUT], device.words[OUT + 1]) == (1400, 0)


def test_the_same_words_are_those_of_the_band_and_of_the_limit():
    device, made = both()
    made.storage._sf = 0
    assert made.same(-1010, 2000, -1049, 2000) and not made.same(-1010, 2000, -1050, 2000)
    assert made.same(-1000, 1040, -1000, 1040) and not made.same(-1000, 1001, -1000, 1040)
    device.log = []


def test_no_band_is_rest_and_no_sun():
    device, made = both()
    for low_w, high_w in ((1, 0), (ABSENT, 4000), (100, ABSENT), (ABSENT, ABSENT), (0, 0)):
        wrote(made, device, -5000, 10000)
        assert wrote(made, device, low_w, high_w)[0] == OK
        assert device.words[CAP] == device.words[OUT] == device.words[OUT + 1] == 0


def test_what_is_not_taken_of_either_is_not_taken():
    for part in (range(CAP - 5, CAP + 21), range(OUT - 12, OUT + 14)):
        device, made = both()
        device.no_write = set(part)
        assert wrote(made, device, -1000, 500)[0] == REFUSED
        device.no_write = set()
        assert wrote(made, device, -1000, 500)[0] == OK
    device, made = both()
    device.frozen = True
    assert wrote(made, device, -1000, 500)[0] == DIFFERS
    device.frozen = False
    device.silent_from = 0
    assert wrote(made, device, -1000, 500)[0] == SILENT
    device.silent_from = None
    device.no_read = {OUT}
    assert wrote(made, device, -1000, 600)[0] == UNREAD


def test_a_limit_that_is_not_taken_does_not_keep_the_battery_from_its_band():
    device, made = both()
    device.no_write = set(range(CAP - 5, CAP + 21))
    wrote(made, device, -1000, 500)
    assert (device.words[OUT], device.words[OUT + 1]) == (1000, 2000)


def test_704_gives_the_sun_way_below_the_limit_and_a_set_point_where_one_is_needed():
    device, made = ready(plant_der(), rvrt_s=120)
    assert made.rvrt_s == 120
    for low_w, high_w, set_on in ((-5000, 500, 0), (-5000, 10000, 0), (-1000, 500, 1),
                                  (-3000, -1000, 1), (700, 900, 1)):
        assert wrote(made, device, low_w, high_w)[0] == OK
        assert device.words[AT_DER + 22] == set_on
        full = made.limit.watts_of(device.words[AT_DER + 15])
        assert full == max(0, high_w), (full, high_w)


def test_writing_and_reading_back_allocate_nothing():
    regs = array("H", bytes(256))
    for device, made in (both(), ready(plant_der())):
        check.locked(made.begin, -1000, 500)
        while check.locked(made.next, regs):
            if made.kind == 3:
                for i in range(made.count):
                    regs[i] = device.words[made.addr + i]
            else:
                for i in range(made.count):
                    device.words[made.addr + i] = regs[i]
            check.locked(made.took, 0, regs)
        assert made.result == OK


check.run(globals())
