# heap: 224k
"""What is odd about each make: its row of the table, and what the drivers make of it."""

from array import array

import check
from registers import (
    NAN, UNAN, Device, chain_of, controls, der, der_controls, der_ratings, inverter, meter,
    model, plant, run, settings, single, text,
)
from sunspec import (
    ABSENT, ABSENT_ALL, F_EXPORT, F_FC6, F_FC16, F_NO_CYCLIC, F_NO_RVRT, F_TOGGLE, NULL_FRAME, OK,
    Q_CONNECT, Q_EVERY, Q_FLAGS, Q_FLOOR, Q_GAP, Q_GRAIN, Q_TIMEOUT, REFUSED, Common, Inverter,
    Limit, MappedLimit, Meter, Ratings, Walk, quirks,
)
from sunspec.quirks import LIMITS


class Said:
    """What a Common holds."""

    def __init__(self, manufacturer="", model="", version=""):
        self.manufacturer, self.model, self.version = manufacturer, model, version


def of(*said):
    row = quirks(Said(*said))
    assert len(row) == 7
    return row


def test_an_unknown_device_has_no_quirks_and_is_written_once_a_second_at_most():
    for said in ((), ("Acme",), ("", "SMA"), ("fronius",), ("SM",)):
        assert of(*said) == bytes([0, 0, 0, 10, 0, 0, 0])


def test_the_beginning_of_what_a_device_says_decides():
    assert of("Sungrow", "SG10RT")[Q_GRAIN] == 1 and of("sungrow")[Q_GRAIN] == 0
    assert of("SMA Solar Technology AG")[Q_FLAGS] == of("SMA")[Q_FLAGS] != 0


def test_each_make_has_what_is_known_of_it():
    for maker, flags in (("Fronius", 0), ("SolarEdge ", F_EXPORT),
                         ("SMA", F_FC6 | F_NO_CYCLIC | F_NO_RVRT), ("KOSTAL", F_FC6),
                         ("APsystems", F_FC16), ("Huawei", 0), ("HUAWEI", 0), ("GoodWe", 0),
                         ("Growatt", 0), ("FIMER", 0), ("Enphase", 0)):
        assert of(maker)[Q_FLAGS] == flags, maker
        assert not flags & F_TOGGLE  # some firmware of a maker, so it is a setting
        # docs/figures.md, G4: nobody is written to more often than once a second.
        assert of(maker)[Q_EVERY] in (10, 100)
    # Flash-backed: never more often than once in ten seconds.
    for maker in ("SMA", "GoodWe", "Growatt"):
        assert of(maker)[Q_EVERY] == 100
    for row in LIMITS:  # a map names its maker as the maker's devices do
        assert of(row[7]) != of(), row[0]
    assert of("Huawei")[Q_CONNECT] == 20 and of("Huawei")[Q_GAP] == 5
    assert of("SolarEdge")[Q_TIMEOUT] == 40 and of("Huawei")[Q_TIMEOUT] == 80
    assert of("Hoymiles")[Q_FLOOR] == 2 and of("Sungrow")[Q_GRAIN] == 1


def test_every_row_ends_with_one_that_fits_all():
    # Any text at all ends in a row: with bars, line ends and bytes of the numbers in it.
    for said in (("|",), ("\n",), ("SMA|x",), ("\n\n", "|", "\x0a"), ("?" * 32, "?" * 32, "?")):
        assert len(of(*said)) == 7


def made(words):
    """Device, walk, Common's row, inverter and ratings, as the firmware finds them."""
    device = Device({40000: words})
    walk = Walk(32)
    assert run(walk, device) == OK
    who = Common(walk, 0)
    run(who, device)
    thing = Inverter(walk, 0)
    ratings = Ratings(thing)
    run(ratings, device)
    return device, walk, quirks(who), thing, ratings


def maker(name, length=66):
    return model(1, length, {2: text(name, 16), 18: text("M", 16), 42: text("1", 8),
                             50: text("S", 16)})


def frame_of(device, thing):
    regs = array("H", bytes(2 * 84))
    assert device.do(thing.live_kind, thing.live_addr, thing.live_count, regs) == 0
    return regs


def limit_w(device, row, thing, ratings, cap_w):
    limit = Limit(thing, ratings, row)
    device.log = []
    limit.begin(cap_w)
    return run(limit, device), limit.written_w, device.writes()


def test_an_sma_gets_its_percentage_alone_and_sleeps_at_night():
    words = chain_of(maker("SMA"), inverter(), settings(),
                     controls(ena=1, win=UNAN, rvrt=UNAN, rmp=UNAN), end=[])
    device, walk, row, thing, ratings = made(words)
    at = walk.addrs[walk.find(0, 123, 123)] + 5
    device.no_write = set(range(at + 1, at + 5))
    assert limit_w(device, row, thing, ratings, 4000) == (OK, 4000, [(6, at, [4000])])
    for i in range(10, 22):
        device.words[thing.live_addr - 10 + i] = UNAN if i in (10, 11, 12, 16) else NAN
    assert thing.take(frame_of(device, thing)) == ABSENT_ALL and thing.w == ABSENT
    thing.take_state([UNAN, UNAN, UNAN, UNAN])
    assert thing.st == thing.alarms == ABSENT


def test_a_kostal_is_written_by_function_6_without_a_refusal():
    words = chain_of(maker("KOSTAL"), inverter(), settings(), controls(ena=1), end=[0, 0])
    device, walk, row, thing, ratings = made(words)
    device.functions = {3, 6}
    limit = Limit(thing, ratings, row)
    limit.begin(4000)
    assert run(limit, device) == OK and limit.refusals == 0


def test_an_apsystems_is_written_by_function_16():
    device, walk, row, thing, ratings = made(chain_of(maker("APsystems"), inverter(), settings(),
                                                      controls(win=UNAN)))
    device.functions = {3, 16}
    assert limit_w(device, row, thing, ratings, 4000)[:2] == (OK, 4000)


def test_a_fronius_frame_of_zeros_is_no_reading_and_the_next_one_is():
    device, walk, row, thing, ratings = made(chain_of(maker("Fronius"), inverter(), settings(),
                                                      controls()))
    assert thing.take(frame_of(device, thing)) == OK
    zeros = array("H", bytes(2 * 84))
    assert thing.take(zeros) == NULL_FRAME and thing.w == ABSENT
    assert thing.take(frame_of(device, thing)) == OK and thing.w == 2500
    # Control switched off in its menu: every write is refused, and that is said.
    at = walk.addrs[walk.find(0, 123, 123)]
    device.no_write = set(range(at, at + 26))
    assert limit_w(device, row, thing, ratings, 4000)[:2] == (REFUSED, ABSENT)


def test_a_solaredge_has_its_meter_behind_a_second_model_1_and_counts_export():
    words = chain_of(maker("SolarEdge", 65), inverter(w=250, w_sf=1), maker("SolarEdge", 65),
                     meter(w=700))
    device, walk, row, thing, _ = made(words)
    assert walk.devices_n == 2
    who = Common(walk, 1)
    run(who, device)
    sign = -1 if quirks(who)[Q_FLAGS] & F_EXPORT else 1
    reader = Meter(walk, 1, sign)
    assert reader.take(frame_of(device, reader)) == OK and reader.w == -700
    device.words[reader.live_addr + 10] = NAN  # the inverter sleeps
    assert reader.take(frame_of(device, reader)) == OK and reader.w == ABSENT
    # Its scale factor moves from read to read.
    assert thing.take(frame_of(device, thing)) == OK and thing.w == 2500
    device.words[thing.live_addr + 4], device.words[thing.live_addr + 5] = 25000, 0xFFFF
    assert thing.take(frame_of(device, thing)) == OK and thing.w == 2500
    # No model 123: its own block.
    limit = MappedLimit("solaredge", 10000, row)
    own = Device({0xF300: [0] * 40})
    limit.begin(5000)
    assert run(limit, own) == OK and own.words[0xF323] == single(50.0)[0]


def test_a_fimer_has_a_running_reversion_time_and_line_voltages():
    words = chain_of(maker("FIMER"), model(65230, 248, {}), inverter(_10=4421, _13=-1),
                     settings(), controls(pct=1000, sf=-1, rvrt=60, ena=0))
    device, walk, row, thing, ratings = made(words)
    assert thing.take(frame_of(device, thing)) == OK and thing.dv_a == 4421
    assert limit_w(device, row, thing, ratings, 4000)[:2] == (OK, 4000)
    at = walk.addrs[walk.find(0, 123, 123)] + 5
    assert [device.words[at + i] for i in (0, 2, 4)] == [400, 0, 1]


def test_an_enphase_is_all_7xx():
    words = chain_of(maker("Enphase"), der(), der_ratings(), der_controls())
    device, walk, row, thing, ratings = made(words)
    assert thing.take(frame_of(device, thing)) == OK and thing.w == 2500
    assert limit_w(device, row, thing, ratings, 4000)[:2] == (OK, 4000)


def test_a_hoymiles_is_told_to_stop_below_its_floor():
    device, walk, row, thing, ratings = made(chain_of(maker("Hoymiles"), inverter(), settings(),
                                                      controls()))
    assert limit_w(device, row, thing, ratings, 199)[:2] == (OK, 0)
    assert limit_w(device, row, thing, ratings, 200)[:2] == (OK, 200)


def test_a_goodwe_and_a_sungrow_limit_their_own_export():
    limit = MappedLimit("goodwe", 10000, of("GoodWe"))
    device = Device({47509: [0, 0]})
    limit.begin(1500)
    assert run(limit, device) == OK and device.words[47510] == 1500 and limit.of_site
    limit = MappedLimit("sungrow", 10000, of("Sungrow"))
    device = Device({13073: [0] * 14})
    limit.begin(1599)
    assert run(limit, device) == OK and device.words[13073] == 1500  # steps of 1 %
    device.refused = {device.n: 4}  # out of range: third-party PV behind it
    limit.begin(1000)
    assert run(limit, device) == REFUSED and limit.written_w == ABSENT


def test_a_power_one_without_values_and_state_is_absent_there_only():
    device, walk, row, thing, ratings = made(
        chain_of(maker("Power-One"), inverter(_18=NAN, _20=NAN, _38=0), settings()))
    assert thing.take(frame_of(device, thing)) == OK
    assert thing.va == thing.var == ABSENT and thing.w == 2500
    regs = array("H", bytes(16))
    device.do(3, thing.state_addr, thing.state_count, regs)
    thing.take_state(regs)
    assert thing.st == ABSENT


def test_every_row_of_the_table_leaves_a_plain_inverter_controllable():
    for name in ("Fronius", "SolarEdge", "SMA", "KOSTAL", "APsystems", "FIMER", "ABB", "Huawei",
                 "GoodWe", "Growatt", "Sungrow", "Hoymiles", "OpenDTU", "Enphase", "Acme"):
        device = Device({40000: plant(rvrt=0)})
        walk = Walk(8)
        run(walk, device)
        thing = Inverter(walk, 0)
        ratings = Ratings(thing)
        run(ratings, device)
        for cap_w in (10000, 5123, 300, 0):
            result, written_w, _ = limit_w(device, of(name), thing, ratings, cap_w)
            assert result == OK and cap_w - 100 <= written_w <= cap_w, name


check.run(globals())
