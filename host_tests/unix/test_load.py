# heap: 672k
"""A load that takes a limit in W: its rows, how it is found, steered and counted."""

from array import array

import check
import config
import registers
from config import ConfigError
from der import ABSENT
from der.record import EXP_LIM_W, IMP_LIM_W, LOAD_LIM_W
from plant import Unit
from sitecontrol import LOAD
from south import FLOOR, South, inverter_unit
from sunspec import DIFFERS, NULL_FRAME, OK, MappedLimit, Meter, SunspecError
from load import LOADS

RATED_W = 3000
LIMIT, WATCHDOG, POWER = 0, 1, 2


def load_unit(rated_w=RATED_W):
    """Its four registers, unlimited; no watchdog, and it takes nothing."""
    return Unit([0xFFFF, 0, 0, rated_w], 0)


class House(South):
    """An inverter of 10 kW that makes nothing, and a load on the same line."""

    def __init__(self, unit=None, **kw):
        self.load = unit or load_unit()
        super().__init__(more=((LOAD, 20, self.load),), **kw)
        self.device = self.fleet[1]

    def takes(self, load_w, house_w, pv_w=0):
        self.set(pv_w, house_w + load_w)
        self.load.put(POWER, load_w)


# -- its rows ---------------------------------------------------------------


def driver_and_limit(rated_w=RATED_W):
    of_meter, of_limit, _rated, watchdog_s = LOADS[0]
    return Meter(None, of_meter), MappedLimit(of_limit, rated_w, None, 0, watchdog_s)


def test_power_and_rating_are_in_one_block():
    driver, _limit = driver_and_limit()
    assert (driver.live_kind, driver.live_addr, driver.live_count) == (3, 0, 4)
    regs = array("H", (500, 120, 65000, RATED_W))
    check.locked(driver.take, regs)
    assert driver.take(regs) == OK and driver.w == 65000
    assert driver.var == driver.mhz == driver.dv_a == ABSENT
    regs[POWER] = 0xFFFF
    driver.take(regs)
    assert driver.w == ABSENT
    assert driver.take(array("H", bytes(8))) == NULL_FRAME and driver.w == ABSENT


def test_limit_and_watchdog_go_in_one_write_and_are_read_back():
    unit = registers.Device({0: [0xFFFF, 0, 0, RATED_W]})
    _driver, limit = driver_and_limit()
    for cap_w, word in ((1234, 1234), (-5, 0), (9000, RATED_W)):
        limit.begin(cap_w)
        assert registers.run(limit, unit) == OK
        assert [unit.words[i] for i in range(2)] == [word, 120] and limit.written_w == word
    assert limit.found_w() == ABSENT and list(limit.found) == [0xFFFF, 0]
    limit.restore()
    assert registers.run(limit, unit) == OK and unit.words[0] == 0xFFFF and unit.words[1] == 0


def test_a_rating_that_is_none_is_refused():
    for rated_w in (0, 0xFFFF):
        try:
            driver_and_limit(rated_w)
            raise AssertionError(rated_w)
        except SunspecError:
            pass


# -- found -----------------------------------------------------------------


def test_it_is_found_by_its_rating_and_said():
    rig = House().run(3000)
    assert rig.said.count("LOAD_READY", "unit=20", "rated_w=3000") == 1
    assert rig.device.charge_w == RATED_W and rig.device.wmax_w == 0
    assert rig.limits.charge_w == RATED_W and rig.limits.wmax_w == 10000


def test_one_that_is_silent_has_no_rating_or_refuses_is_said_and_looked_for_again():
    for fault, code in (("silent", "LOAD_SILENT"), ("code", "LOAD_UNFIT"),
                        ("rated", "LOAD_UNFIT")):
        unit = load_unit(0 if fault == "rated" else RATED_W)
        unit.silent, unit.code = fault == "silent", 2 * (fault == "code")
        rig = House(unit).run(9000)
        assert rig.said.count(code, "unit=20") >= 2 and rig.device.control is None, fault
        assert not rig.truth.modes & 1 << LOAD_LIM_W
        unit.silent, unit.code = False, 0
        unit.put(3, RATED_W)
        rig.run(12000)
        assert rig.device.stands and rig.truth.modes & 1 << LOAD_LIM_W, fault


def test_blind_the_sun_has_its_floor_though_the_load_was_never_found():
    unit = load_unit()
    unit.silent = True
    rig = House(unit, meter=False).run(9000)
    assert rig.held_w() == FLOOR


# -- its setting -----------------------------------------------------------------


class Text:
    """A store with one file."""

    def __init__(self, text):
        self.text = text

    def read(self, _name):
        return self.text.encode()


def test_it_has_a_line_and_unit_of_its_own_and_no_phases():
    text = ("server = https://utility.example/dcap\ninverter = h:502/1\nmeter = h:502/200\n"
            "site_exp_w = 5000\nsite_imp_w = 10000\nfailsafe_exp_w = 0\nfailsafe_imp_w = 0\n")
    assert config.load(Text(text)).load is None
    assert config.load(Text(text + "load = rtu:bus@9600/20")).load == ("bus", (9600, 0, 1), 20)
    for more, word in (("load = h:502/1", "line and unit"), ("load = h:502/200", "line and unit"),
                       ("load = h:502/20\nper_phase = 1", "per_phase")):
        assert word in str(check.raises(ConfigError, config.load, Text(text + more))), more
    alone = text.replace("inverter =", "load =")
    assert "inverter" in str(check.raises(ConfigError, config.load, Text(alone)))


# -- steered ----------------------------------------------------------------


def test_blind_it_takes_nothing():
    rig = House(meter=False).run(4000)
    assert rig.load.get(LIMIT) == 0 and rig.device.stands


def test_its_limit_is_what_import_and_load_limit_leave():
    rig = House()
    rig.takes(0, 400)
    rig.run(6000)
    rig.allow(5000, m6=1200)
    rig.run(6000)
    assert 700 <= rig.load.get(LIMIT) <= 800, rig.load.get(LIMIT)
    rig.allow(5000, m8=500)
    rig.run(6000)
    assert 450 <= rig.load.get(LIMIT) <= 500, rig.load.get(LIMIT)
    rig.allow(5000)
    rig.run(9000)
    assert rig.load.get(LIMIT) == RATED_W
    assert rig.held_w() >= 5000  # of the sun's


def test_its_power_is_consumption():
    rig = House()
    rig.takes(1100, 300)
    rig.run(6000)
    assert rig.device.w == rig.device.p_w == -1100
    assert rig.control.pv_w == 0 and rig.control.site_w == 1400


def test_the_watchdog_is_kept_off_by_heartbeats():
    rig = House().run(4000)
    assert rig.load.get(WATCHDOG) == 120
    since, beats = rig.load.writes, rig.device.heartbeats
    rig.run(125000)
    at = [t for t, _, _ in rig.load.written()[since:]]
    assert rig.device.heartbeats - beats == 3
    assert max([b - a for a, b in zip(at, at[1:])]) <= 41000, at


def test_one_that_forgot_its_limit_while_it_was_away_is_told_again():
    rig = House()
    rig.takes(0, 400)
    rig.run(4000)
    rig.allow(5000, m8=700)
    rig.run(5000)
    before = rig.load.get(LIMIT)
    rig.load.silent = True
    rig.run(9000)
    assert rig.device.lost and rig.site.fault[1] == 1
    rig.load.put(LIMIT, 0xFFFF)
    rig.load.put(WATCHDOG, 0)
    rig.load.silent = False
    rig.run(12000)
    assert 600 <= rig.load.get(LIMIT) <= before and rig.load.get(WATCHDOG) == 120


# -- truth and obedience -----------------------------------------------------


def test_import_and_load_limit_are_claimed_with_a_load_and_not_without():
    both = 1 << IMP_LIM_W | 1 << LOAD_LIM_W
    assert House().run(4000).truth.modes & both == both
    assert South().run(4000).truth.modes & both == 0
    rig = House().run(4000)
    assert rig.truth.gen_conn == 7 and rig.truth.stor_conn == ABSENT and not rig.truth.storage
    assert rig.truth.rtg[0] == 10000 and rig.truth.rtg[4] == ABSENT  # it is no DER


def test_a_load_limit_is_obeyed_when_it_is_written_read_back_and_seen():
    rig = House()
    rig.takes(0, 400)
    rig.run(5000)
    rig.allow(5000, m8=700, m6=1500)
    rig.run(1000)
    rig.takes(680, 400)
    rig.run(4000)
    assert rig.obeyed(LOAD_LIM_W) and rig.obeyed(IMP_LIM_W)
    rig.takes(1000, 400)
    rig.run(1000)
    assert not rig.obeyed(LOAD_LIM_W) and rig.obeyed(IMP_LIM_W)
    rig.takes(1200, 500)
    rig.run(1000)
    assert not rig.obeyed(IMP_LIM_W)


def test_a_load_that_takes_no_limit_is_not_obeyed():
    rig = House()
    rig.takes(300, 400)
    rig.run(5000)
    rig.load.forgets = True
    rig.allow(5000, m8=200)
    for _ in range(20):
        rig.run(500)
        assert not rig.obeyed(LOAD_LIM_W)
    assert rig.device.result == DIFFERS and rig.said.count("LIMIT_NOT_TAKEN", "unit=20") >= 1


def test_a_load_that_is_away_holds_up_what_needs_no_load_and_nothing_else():
    rig = House()
    rig.takes(0, 400, 300)
    rig.run(6000)
    rig.allow(4000, m6=3000)
    rig.run(6000)
    assert rig.obeyed(EXP_LIM_W) and rig.obeyed(IMP_LIM_W) and rig.obeyed(LOAD_LIM_W)
    rig.load.silent = True
    rig.run(10000)
    assert rig.obeyed(EXP_LIM_W)
    assert not rig.obeyed(IMP_LIM_W) and not rig.obeyed(LOAD_LIM_W)


def test_a_load_is_steered_beside_other_inverters():
    other = inverter_unit()
    load = load_unit()
    rig = South(more=((0, 2, other), (LOAD, 20, load))).run(6000)
    assert rig.fleet[2].stands and rig.limits.wmax_w == 20000 and load.get(WATCHDOG) == 120


check.run(globals())
