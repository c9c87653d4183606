# heap: 224k
"""What stands in a device before the first write, and the limit of model 704."""

import check
from limited import AT, read, ready, stand, wrote
from registers import (
    NAN, UNAN, chain_of, common, controls, der, der_controls, der_ratings, inverter, plant,
    plant_der, run, settings,
)
from sunspec import ABSENT, DIFFERS, OK, REFUSED, SILENT, UNREAD, Limit, SunspecError


# The first reading, and how a device is left


def test_what_stood_in_the_device_is_read_before_the_first_write_and_kept():
    device, ratings, _ = read(plant(pct=7000, ena=1, rvrt=60))
    limit = Limit(ratings._inverter, ratings)
    device.log = []
    assert limit.found_w() == ABSENT
    limit.begin(2500)
    assert run(limit, device) == OK
    assert [(kind, count) for kind, _, count, _ in device.log] == [(3, 5), (16, 5), (3, 5)]
    assert limit.found_w() == 7000 and list(limit.found) == [7000, 0, 60, 0, 1]
    limit.begin(1000)
    run(limit, device)
    limit.probe()
    assert run(limit, device) == OK and limit.found_w() == 7000 and limit.written_w == 1000


def test_a_limit_that_is_not_enabled_is_none():
    _, limit = ready(plant(pct=7000, ena=0))
    assert limit.found_w() == ABSENT
    _, limit = ready(plant(), no_read={AT + i for i in range(5)})
    assert limit.found_w() == ABSENT and limit.result == UNREAD
    check.raises(SunspecError, limit.restore)


def test_it_is_left_as_it_was_found():
    for before in ([7000, 0, 60, 0, 1], [10000, 5, 0, 7, 0]):
        device, limit = ready(plant(pct=before[0], win=before[1], rvrt=before[2], rmp=before[3],
                                    ena=before[4]))
        assert wrote(limit, device, 2500)[0] == OK and stand(device) != before
        limit.restore()
        assert run(limit, device) == OK and stand(device) == before


def test_a_limit_is_lifted_when_that_is_asked_for():
    device, limit = ready(plant())
    wrote(limit, device, 2500)
    limit.begin(10000, 0)
    assert run(limit, device) == OK and stand(device) == [10000, 0, 0, 0, 0]


def test_a_first_reading_that_is_lost_or_busy_is_tried_again():
    for fault in ({"silent": {0}}, {"refused": {0: 6}}, {"refused": {0: 11}}):
        device, ratings, _ = read(plant(pct=7000, ena=1))
        limit = Limit(ratings._inverter, ratings)
        device.n = 0
        device.log = []
        for name, value in fault.items():
            setattr(device, name, value)
        limit.begin(2500)
        assert run(limit, device) in (SILENT, REFUSED) and device.writes() == []
        limit.begin(2500)
        assert run(limit, device) == OK and limit.found_w() == 7000


# Model 704


AT_DER = 40000 + 2 + 68 + 155 + 52 + 19 + 14  # WMaxLimPctEna of plant_der()


def test_model_704_is_written_in_one_block_with_what_it_falls_back_to():
    device, ratings, _ = read(plant_der(sf=-2))
    limit = Limit(ratings._inverter, ratings, None, 1500, 70000)
    assert limit.reverts and not limit.of_site
    limit.begin(2500)
    assert run(limit, device) == OK and limit.written_w == 2500
    # enabled, 25 %, reverts to 15 %, and does so, after the most that fits one word
    assert device.writes() == [(16, AT_DER, [1, 2500, 1500, 1, 0, 65534])]
    limit.rvrt_w, limit.rvrt_s = 1234, 90
    assert wrote(limit, device, 2500) == (OK, [(16, AT_DER, [1, 2500, 1234, 1, 0, 90])])
    limit.rvrt_s = 0
    assert wrote(limit, device, 2500) == (OK, [(16, AT_DER, [1, 2500, 1234, 0, 0, 0])])
    device.words[AT_DER + 4] = 120  # as others do: into the upper word, 91 days
    limit.recheck()
    assert run(limit, device) == DIFFERS


def test_what_it_falls_back_to_is_rounded_down_too():
    device, ratings, _ = read(plant_der(sf=0))
    limit = Limit(ratings._inverter, ratings, None, 1599, 60)
    assert wrote(limit, device, 2599) == (OK, [(16, AT_DER, [1, 25, 15, 1, 0, 60])])
    assert limit.written_w == 2500


def test_model_704_one_by_one_never_splits_the_reversion_time():
    device, ratings, _ = read(plant_der(sf=-2))
    limit = Limit(ratings._inverter, ratings, None, 1500, 90)
    limit.probe()
    run(limit, device)
    device.n = 0
    device.refused = {0: 2}
    assert wrote(limit, device, 2500) == (OK, [
        (16, AT_DER, [1, 2500, 1500, 1, 0, 90]), (6, AT_DER + 1, [2500]), (6, AT_DER + 2, [1500]),
        (16, AT_DER + 4, [0, 90]), (6, AT_DER + 3, [1]), (6, AT_DER, [1])])
    assert wrote(limit, device, 2500) == (OK, [(6, AT_DER + 1, [2500])])  # restarts the timer


def test_model_704_of_a_device_that_takes_function_6_only():
    # The two words of the time go by function 16 alone.
    for stands, enabled, want in (([0, 0], 0, OK), ([0, 60], 0, REFUSED), ([1, 0], 1, REFUSED)):
        device, ratings, _ = read(plant_der(sf=-2, _17=enabled, _18=stands))
        device.functions = {3, 6}
        limit = Limit(ratings._inverter, ratings, None, 1500, 90)
        for cap_w in (2500, 2400, 2400):  # the time is tried each time, since it may be taken
            result, writes = wrote(limit, device, cap_w)
            assert result == want, (stands, result)
            assert (16, AT_DER + 4, [0, 90]) in writes
            assert device.words[AT_DER + 1] == cap_w and device.words[AT_DER] == 1
            assert limit.written_w == (cap_w if want == OK else ABSENT)
        device.functions = {3, 6, 16}
        assert wrote(limit, device, 2400)[0] == OK
        assert [device.words[AT_DER + 4 + i] for i in range(2)] == [0, 90]


def test_an_enable_of_the_reversion_that_is_refused_is_not_safe():
    # At the end of the time the limit would be lifted.
    device, ratings, _ = read(plant_der(sf=-2))
    device.no_write = {AT_DER + 3}
    limit = Limit(ratings._inverter, ratings, None, 1500, 90)
    assert wrote(limit, device, 2500)[0] == REFUSED
    device.no_write = {AT_DER + 2}
    device.words[AT_DER + 2] = 0  # to fall back to 0 W is safe
    assert wrote(limit, device, 2500)[0] == OK
    device.words[AT_DER + 2] = 5000  # to more than is safe is not
    assert wrote(limit, device, 2500)[0] == REFUSED


def test_model_704_without_reversion():
    words = plant_der(_16=UNAN, _17=UNAN, _18=[UNAN, UNAN])
    device, ratings, _ = read(words)
    device.no_write = {AT_DER + i for i in range(2, 6)}
    limit = Limit(ratings._inverter, ratings, None, 1500, 90)
    assert wrote(limit, device, 2500) == (OK, [(6, AT_DER + 1, [250]), (6, AT_DER, [1])])


def test_123_is_preferred_and_704_found_where_it_is_of_no_use():
    both = [common(), inverter(), settings(), controls(), der_controls()]
    assert not ready(chain_of(*both))[1].reverts
    both[3] = controls(sf=NAN)
    assert ready(chain_of(*both))[1].reverts
    # SMA's X: 701 beside 123
    device, limit = ready(chain_of(common(), der(), der_ratings(), controls()))
    assert wrote(limit, device, 2500)[0] == OK and limit.wmax_w == 10000 and not limit.reverts


def test_a_reversion_time_of_123_is_the_callers_to_allow():
    device, ratings, _ = read(plant())
    limit = Limit(ratings._inverter, ratings, None, 0, 180)
    assert not limit.reverts
    assert wrote(limit, device, 2500) == (OK, [(16, AT, [2500, 0, 180, 0, 1])])


check.run(globals())
