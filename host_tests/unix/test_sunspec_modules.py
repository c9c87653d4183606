# heap: 224k
"""DC inputs: models 160 and 714."""

import check
from array import array
from registers import NAN, UNAN, Device, chain_of, common, inverter, model, run
from sunspec import ABSENT, OK, REFUSED, SILENT, SunspecError, Walk
from sunspec.ratings import ESS, PV, Modules


def mppt(n, says=None, sf=(-2, -1, 0), **more):
    """Model 160 with n modules of 1 kW, 2 kW, ..."""
    values = {2: sf[0], 3: sf[1], 4: sf[2], 5: 0, 8: n if says is None else says}
    for i in range(n):
        values.update({10 + 20 * i + 9: 250 + i, 10 + 20 * i + 10: 4001 + i,
                       10 + 20 * i + 11: 1000 * (i + 1), 10 + 20 * i + 17: 4})
    values.update({int(k[1:]): v for k, v in more.items()})
    return model(160, 8 + 20 * n, values)


def ports(*kinds, **more):
    """Model 714; each port gives 500 W more than the one before, a battery takes it in."""
    values = {4: len(kinds), 15: -1, 16: -1, 17: 1}
    for i, kind in enumerate(kinds):
        w = 50 * (i + 1) * (-1 if kind == ESS else 1)
        values.update({20 + 25 * i: kind, 20 + 25 * i + 10: w, 20 + 25 * i + 11: 4000,
                       20 + 25 * i + 12: w, 20 + 25 * i + 22: 1})
    values.update({int(k[1:]): v for k, v in more.items()})
    return model(714, 18 + 25 * len(kinds), values)


def read(*models):
    device = Device({40000: chain_of(common(), inverter(), *models)})
    walk = Walk(16)
    run(walk, device)
    inputs = Modules(walk, 0)
    return device, inputs, run(inputs, device)


def test_each_module_of_160_says_power_voltage_current_and_state():
    _, inputs, result = read(mppt(2))
    assert result == OK and (inputs.there, inputs.n) == (2, 2)
    assert list(inputs.w[:3]) == [1000, 2000, ABSENT] and inputs.of(PV) == 3000
    assert list(inputs.dv[:2]) == [4001, 4002] and list(inputs.ma[:2]) == [2500, 2510]
    assert list(inputs.st[:2]) == [4, 4] and inputs.of(ESS) == ABSENT


def test_ports_of_714_are_told_apart_by_their_kind():
    _, inputs, result = read(ports(PV, ESS, PV))
    assert result == OK and inputs.n == 3
    assert inputs.of(PV) == 2000 and inputs.of(ESS) == -1000
    assert list(inputs.kinds[:3]) == [PV, ESS, PV] and inputs.ma[1] == -10000


def test_a_number_that_its_length_does_not_bear_out_is_cut_and_so_is_one_beyond_the_table():
    assert read(mppt(2, says=5))[1].n == 2
    assert read(mppt(3, says=1))[1].n == 1
    _, inputs, _ = read(mppt(10))
    assert (inputs.there, inputs.n) == (10, 8) and inputs.of(PV) == 36000
    _, inputs, _ = read(mppt(2, says=UNAN))
    assert (inputs.there, inputs.n) == (0, 0) and inputs.of(PV) == ABSENT


def test_sentinels_are_absent_and_never_zero():
    _, inputs, _ = read(mppt(2, _21=UNAN, _19=UNAN, _40=UNAN, _27=UNAN))
    assert inputs.w[0] == inputs.ma[0] == inputs.dv[1] == inputs.st[0] == ABSENT
    assert inputs.of(PV) == 2000
    _, inputs, _ = read(mppt(1, sf=(-2, -1, NAN)))
    assert inputs.w[0] == ABSENT and inputs.dv[0] == 4001
    _, inputs, _ = read(ports(PV, ESS, _32=NAN))
    assert inputs.w[0] == ABSENT and inputs.of(ESS) == -1000


def test_a_line_that_fails_half_way_leaves_what_was_not_heard_absent():
    device, inputs, _ = read(mppt(3))
    device.n, device.silent_from = 0, 2
    inputs.begin()
    assert run(inputs, device) == SILENT and inputs.of(PV) == 1000
    device.silent_from = None
    device.no_read = set(range(inputs.addr - 90, inputs.addr + 90))
    inputs.begin()
    assert run(inputs, device) == REFUSED and inputs.n == 0


def test_a_device_without_either_is_refused():
    walk = Walk(8)
    run(walk, Device({40000: chain_of(common(), inverter())}))
    check.raises(SunspecError, Modules, walk, 0)


def test_reading_allocates_nothing():
    regs = array("H", bytes(128))
    for words in (mppt(2), ports(PV, ESS)):
        device, inputs, _ = read(words)
        check.locked(inputs.begin)
        while check.locked(inputs.next, regs):
            for i in range(inputs.count):
                regs[i] = device.words[inputs.addr + i]
            check.locked(inputs.took, 0, regs)
        assert inputs.result == OK and inputs.n == 2
    assert check.locked(inputs.of, ESS) == -1000


check.run(globals())
