# heap: 384k
"""What rules now: from boot through default and event to an outage, said and kept."""

from array import array

import check
from clock import Clock
from der import ABSENT, ACTIVE, ENERGIZE, EXP_LIM_W, IMP_LIM_W, REC_SIZE, Envelope, Ramp, Schedule
from der.record import DURATION, GRAD, MODES, RAMP, RESPONSE, START, VALUE
from edges import NOW, Flash, Said, World, live
from keep import Keep
from limits import SOURCES, Limits
from loop import Loop
from store import Store

_CONTRACT = (5000, 10000)
_FAILSAFE = (1500, 1200)
_OURS = b"A" * 40


def record(exp_w=None, imp_w=None, start=NOW - 10, duration=300):
    """A control's or a default's record with those limits."""
    rec = array("i", bytes(4 * REC_SIZE))
    rec[START], rec[DURATION], rec[RESPONSE] = start, duration, 3
    rec[RAMP] = rec[GRAD] = -1
    for mode, w in ((EXP_LIM_W, exp_w), (IMP_LIM_W, imp_w)):
        if w is not None:
            rec[MODES] |= 1 << mode
            rec[VALUE + mode] = w
    return rec


class Rig:
    """Limits as app makes them; `flash` is one that already ran, for a second boot."""

    def __init__(self, flash=None, set_clock=True, lfdi=_OURS):
        self.world = World()
        self.said = Said()
        self.loop = Loop(self.world, self.world)
        self.clock = Clock(self.world)
        if set_clock:
            self.clock.set_server(NOW, 0)
        self.flash = flash or Flash(16)
        self.schedule = Schedule(6, 3)
        self.keep = Keep(Store(self.flash.folder), lfdi)
        self.limits = Limits(self.loop, self.clock, self.schedule,
                             Envelope(*_CONTRACT, *_FAILSAFE), [Ramp(0) for _ in range(4)],
                             self.keep)

    def start(self):
        """What boot does."""
        self.limits.restore()
        self.loop.every(1000, self.limits)
        self.loop.supervise("limits", self.limits.run)
        self.live(50)

    def live(self, ms):
        live(self.world, self.loop, ms)

    def step(self):
        self.limits.step(self.world.t)

    def default(self, rec, program=0):
        self.schedule.set_program(program, 1)
        if rec is None:
            self.schedule.drop_default(program)
        else:
            self.schedule.set_default(program, rec)

    def event(self, digit, rec, program=0):
        """A control is listed; returns its slot."""
        key = bytes([digit]) + bytes(15) + b"\2\0\0\0\0"
        self.schedule.set_program(program, 1)
        self.schedule.begin(program)
        self.schedule.put(program, key, rec, 1, self.clock.now(), 0, 0)
        return self.schedule.find(key)

    def rules(self):
        """(export, where it comes from)."""
        e = self.limits.envelope
        return (e.exp_w, SOURCES[e.source[0]])


def test_the_failsafe_rules_before_anything_is_known():
    for known in (False, True):
        rig = Rig(set_clock=known)
        assert rig.rules() == (1500, "failsafe")
        rig.start()
        assert rig.rules() == (1500, "failsafe") and rig.limits.envelope.imp_w == 1200
        assert rig.limits.version >= 1 and rig.limits.obeyed == 0


def test_a_looser_default_does_not_lift_the_failsafe_until_all_is_read():
    rig = Rig()
    rig.start()
    rig.default(record(4000))
    rig.step()
    assert rig.rules() == (1500, "failsafe")
    rig.default(record(700))
    rig.step()
    assert rig.rules() == (700, "default")
    rig.default(record(4000))
    rig.limits.complete = True
    rig.step()
    assert rig.rules() == (4000, "default")


def test_the_contract_rules_where_a_complete_tree_says_nothing():
    rig = Rig()
    rig.start()
    rig.limits.complete = True
    rig.step()
    assert rig.rules() == (5000, "contract") and rig.limits.envelope.imp_w == 10000
    rig.default(record(imp_w=3000))
    rig.step()
    assert rig.rules() == (5000, "contract") and rig.limits.envelope.imp_w == 3000


def test_an_event_rules_for_as_long_as_it_lasts_even_without_a_network():
    rig = Rig()
    rig.start()
    rig.default(record(4000))
    rig.limits.complete = True
    rig.event(7, record(2000, start=NOW + 60, duration=120))
    rig.live(58000)
    assert rig.rules() == (4000, "default")
    rig.live(3000)
    assert rig.rules() == (2000, "event")
    rig.live(118000)
    assert rig.rules() == (2000, "event")
    rig.live(4000)
    assert rig.rules() == (4000, "default")


def test_no_event_runs_before_the_servers_time_is_known():
    rig = Rig(set_clock=False)
    rig.start()
    rig.schedule.set_program(0, 1)
    rig.schedule.begin(0)
    rig.schedule.put(0, bytes(16) + b"\2\0\0\0\0", record(100), 1, NOW, 0, 0)
    rig.live(5000)
    assert rig.rules() == (1500, "failsafe")
    rig.clock.set_server(NOW, rig.world.t)
    rig.live(2000)
    assert rig.rules() == (100, "event")


def test_the_default_is_kept_once_and_holds_after_a_power_cut():
    rig = Rig()
    rig.start()
    rig.default(record(3200, 900))
    rig.limits.persist()
    assert rig.keep.writes == 0  # not before the whole tree was read
    rig.limits.complete = True
    rig.live(2000)
    assert rig.keep.writes == 1 and rig.said.count("DEFAULT_KEPT", "writes=1") == 1
    writes = rig.flash.writes
    for _ in range(20):
        rig.limits.persist()
        rig.live(1000)
    assert rig.keep.writes == 1 and rig.flash.writes == writes
    rig.flash.reboot()
    again = Rig(rig.flash, set_clock=False)
    again.start()
    assert again.rules() == (3200, "persisted") and again.limits.envelope.imp_w == 900
    assert again.said.count("DEFAULT_RESTORED") == 1
    again.clock.set_server(NOW, again.world.t)
    again.default(record(4000))
    again.step()
    assert again.rules() == (3200, "persisted")  # the lower of both until all is read
    again.limits.complete = True
    again.live(2000)
    assert again.rules() == (4000, "default") and again.keep.writes == 1


def kept(exp_w, imp_w, on=1):
    """A flash on which a device of ours has kept that default."""
    rig = Rig()
    rig.start()
    rec = record(exp_w, imp_w)
    rec[MODES] |= 1 << ENERGIZE
    rec[VALUE + ENERGIZE] = on
    rig.default(rec)
    rig.limits.complete = True
    rig.live(2000)
    assert rig.keep.writes == 1
    rig.flash.reboot()
    return rig.flash


def test_a_default_of_another_identity_is_as_none_and_said():
    for exp_w in (3200, 100):
        again = Rig(kept(exp_w, 900), lfdi=b"B" * 40)
        again.start()
        assert again.rules() == (1500, "failsafe") and again.limits.envelope.imp_w == 1200
        assert not again.limits.restored
        assert again.said.count(" W DEFAULT_NOT_OURS", "lfdi=" + "A" * 40) == 1
        assert again.said.count("DEFAULT_RESTORED") == 0


def test_without_an_identity_the_lower_of_whosever_default_and_the_failsafe_rules():
    for kept_w, ruling_w in (((3200, 900), (1500, 900)), ((700, 9000), (700, 1200)),
                             ((None, 900), (1500, 900)), ((700, None), (700, 1200))):
        again = Rig(kept(*kept_w), lfdi=None)
        again.start()
        e = again.limits.envelope
        assert (e.exp_w, e.imp_w) == ruling_w, kept_w
    again = Rig(kept(3200, 900, on=0), lfdi=None)
    again.start()
    assert again.limits.envelope.energize == 0 and again.rules()[0] == 0


def test_a_kept_default_that_became_an_event_less_none_is_replaced():
    rig = Rig()
    rig.start()
    rig.default(record(3200))
    rig.limits.complete = True
    rig.live(2000)
    rig.default(None)
    rig.limits.persist()
    assert rig.keep.writes == 2
    rig.flash.reboot()
    again = Rig(rig.flash)
    again.start()
    assert again.rules() == (1500, "failsafe")


def test_a_flash_that_fails_is_said_and_tried_again():
    rig = Rig()
    rig.start()
    rig.default(record(3200))
    rig.limits.complete = True
    rig.flash.left = 0
    rig.live(2000)
    assert rig.rules() == (3200, "default") and rig.keep.writes == 0
    assert rig.said.count("FLASH_FAILED") >= 1
    rig.flash.reboot()
    rig.limits.persist()
    assert rig.keep.writes == 1


def test_started_is_confirmed_only_when_this_very_envelope_was_obeyed():
    rig = Rig()
    rig.start()
    rig.default(record(4000))
    rig.limits.complete = True
    rig.step()
    rig.limits.obeyed = 0x3FF  # the default is obeyed
    slot = rig.event(7, record(2000))
    rig.step()
    assert rig.schedule.state(slot) == ACTIVE and not rig.schedule.confirmed(slot)
    rig.step()
    assert not rig.schedule.confirmed(slot)  # what was obeyed is the version before
    rig.limits.obeyed = 0x3FF
    rig.step()
    assert rig.schedule.confirmed(slot)


def test_what_was_obeyed_for_one_event_does_not_confirm_the_next():
    rig = Rig()
    rig.start()
    rig.limits.complete = True
    first = rig.event(7, record(2000, duration=60))
    second = rig.event(8, record(2000, start=NOW + 50, duration=60))
    rig.step()
    rig.limits.obeyed = 0x3FF
    rig.step()
    assert rig.schedule.confirmed(first) and not rig.schedule.confirmed(second)
    version = rig.limits.version
    rig.live(52000)
    assert rig.schedule.state(second) == ACTIVE and rig.limits.version > version
    assert not rig.schedule.confirmed(second)  # the same limit, but another winner


def test_started_needs_every_mode_that_the_event_wins_and_the_devices_can():
    for supported, obeyed, confirmed in (
            (0x3FF, 1 << EXP_LIM_W, False), (0x3FF, 1 << IMP_LIM_W, False), (0x3FF, 0x60, True),
            (1 << EXP_LIM_W, 1 << EXP_LIM_W, True), (1 << EXP_LIM_W, 1 << IMP_LIM_W, False),
            (1 << ENERGIZE, 0x3FF, False)):
        rig = Rig()
        rig.start()
        rig.limits.complete = True
        rig.limits.supported(supported)
        slot = rig.event(7, record(2000, 900))
        rig.step()
        rig.limits.obeyed = obeyed
        rig.step()
        assert rig.schedule.confirmed(slot) == confirmed, (supported, obeyed)


def test_each_change_is_said_once_with_its_source_and_reason():
    rig = Rig()
    rig.start()
    assert rig.said.count("LIMIT ", "exp_w=1500", "src=failsafe", "not all read yet") == 1
    rig.default(record(4000))
    rig.limits.complete = True
    rig.live(1500)
    assert rig.said.count("LIMIT ", "exp_w=4000", "gen_w=-", "src=default") == 1
    rig.event(0xA7, record(2000))
    rig.live(1500)
    assert rig.said.count("LIMIT ", "exp_w=2000", "src=event", "mrid=A7000000", "primacy=1",
                          "the only event") == 1
    rig.event(0xA8, record(imp_w=2000), 1)
    rig.live(1500)
    assert rig.said.count("LIMIT ", "imp_w=2000", "before 1 more") == 1
    before = len(rig.said.lines)
    rig.live(60000)
    assert len(rig.said.lines) == before


def test_a_step_does_not_allocate():
    rig = Rig()
    rig.start()
    rig.default(record(4000))
    rig.limits.complete = True
    for i in range(5):
        rig.event(i + 1, record(1000 * i, start=NOW + 2 * i, duration=3))
    check.locked(rig.step)
    seen = set()
    for _ in range(14):
        rig.world.t += 1000
        rig.limits.obeyed = 0x3FF
        check.locked(rig.step)
        seen.add(rig.rules())
    assert len(seen) >= 4, seen  # changes and confirmations were among the steps


def ramping(grad=-1, **kw):
    """Everything read, 10 kW, and where the default's limit has moved to after each second."""
    rig = Rig()
    rig.limits.wmax_w = 10000
    rig.start()
    rec = record(**kw)
    rec[GRAD] = grad
    rig.default(rec)
    rig.limits.complete = True
    rig.step()
    return rig


def test_a_limit_moves_at_set_grad_w_both_ways():
    rig = ramping(grad=100, exp_w=4000)  # 1 % of 10 kW a second, from the failsafe's 1500 W
    assert 1500 <= rig.limits.w[0] <= 1510
    rig.live(10000)
    assert 2400 <= rig.limits.w[0] <= 2600 and rig.rules() == (4000, "default")
    rig.live(20000)
    assert rig.limits.w[0] == 4000
    rec = record(exp_w=1000)
    rec[GRAD] = 100
    rig.default(rec)
    rig.live(11000)
    assert 2900 <= rig.limits.w[0] <= 3100
    rig.live(21000)
    assert rig.limits.w[0] == 1000


def test_an_event_moves_in_its_ramp_time_and_its_successor_goes_on_from_there():
    rig = ramping(grad=0, exp_w=5000)
    assert rig.limits.w[0] == 5000  # 0 is no limit of the gradient
    rec = record(exp_w=2000, start=NOW + 1, duration=59)
    rec[RAMP] = 6000
    rig.event(1, rec)
    rig.live(31000)
    assert 3400 <= rig.limits.w[0] <= 3600, rig.limits.w[0]
    rec = record(exp_w=2000, start=NOW + 60, duration=60)
    rec[RAMP] = 6000
    rig.event(2, rec)
    rig.live(32000)
    assert rig.limits.w[0] == 2000  # no new ramp between events of the same limit
    rig.live(70000)
    assert rig.limits.w[0] == 5000


def test_a_limit_falls_at_once_to_what_was_kept_and_to_off():
    rig = ramping(grad=27, exp_w=4000)
    rig.live(150000)
    assert rig.limits.w[0] == 4000 and rig.limits.w[2] == ABSENT
    rec = record(start=NOW, duration=160)
    rec[MODES] |= 1 << ENERGIZE
    rec[VALUE + ENERGIZE] = 0
    rig.event(1, rec)
    rig.live(1000)
    assert rig.limits.w[0] == 0 and rig.limits.w[2] == 0
    rig.live(29000)
    assert 400 <= rig.limits.w[0] <= 600  # and rises by the gradient
    rig.live(140000)
    rec = record(exp_w=5000, start=rig.clock.now(), duration=1000)
    rig.event(2, rec)
    rig.live(60000)
    assert rig.limits.w[0] == 5000
    rig.limits.complete = False
    rig.schedule.drop_program(0)
    rig.live(1000)
    assert rig.limits.w[0] == 4000 and rig.rules() == (4000, "persisted")


def test_a_load_limit_moves_within_what_the_batteries_can_charge():
    rig = Rig()
    rig.limits.wmax_w, rig.limits.charge_w = 10000, 5000
    rig.start()
    rig.limits.complete = True
    rig.step()
    assert rig.limits.w[3] == ABSENT
    rec = record()
    rec[GRAD] = 100  # 100 W a second
    rec[MODES], rec[VALUE + 8] = 1 << 8, 1000
    rig.default(rec)
    rig.live(11000)
    assert 3800 <= rig.limits.w[3] <= 4100, rig.limits.w[3]
    rig.live(35000)
    assert rig.limits.w[3] == 1000
    rec[MODES] = 0
    rig.default(rec)
    rig.live(11000)
    assert 1900 <= rig.limits.w[3] <= 2200, rig.limits.w[3]
    rig.live(35000)
    assert rig.limits.w[3] == ABSENT


def test_another_rating_lets_no_ramp_run_on():
    rig = ramping(grad=100, exp_w=4000)
    rig.live(5000)
    assert rig.limits.w[0] < 2200
    rig.limits.wmax_w = 20000  # a second inverter was found
    rig.step()
    assert rig.limits.w[0] == 4000


def test_no_ramp_is_open_loop_before_the_rating_is_known():
    rig = Rig()
    rig.start()
    rec = record(exp_w=900)
    rec[GRAD] = 27
    rig.default(rec)
    rig.step()
    assert rig.limits.w[0] == 900
    rig.limits.wmax_w = 10000
    rig.step()
    assert rig.limits.w[0] == 900 and rig.limits.w[2] == ABSENT


check.run(globals())
