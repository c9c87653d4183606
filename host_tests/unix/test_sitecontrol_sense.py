# heap: 128k
"""Whether the meter counts the right way: never doubted where it does, soon where it does not."""

import gc

import check
from premises import Device, HardDay, House
from sitecontrol import ABSENT, BATTERY, PV, Sense, Site

# dead time, lag, how old the meter's value is and how often there is a new one, all ms; the
# grain of the inverter's cap, W
NOMINAL = (400, 800, 100, 200, 1)
SLOW = (1500, 2000, 300, 1000, 1)
QUICK = (0, 0, 100, 200, 1)
QUICK_OLD = (0, 0, 1000, 1000, 1)
NOMINAL_OLD = (400, 800, 1000, 1000, 1)
COARSE = (400, 800, 100, 200, 500)
PLANTS = (NOMINAL, SLOW, QUICK, QUICK_OLD, NOMINAL_OLD, COARSE)

# Of hours that leave little behind: collected often, the interpreter need not look far for room.
gc.threshold(gc.mem_free() // 4)


class Watched(House):
    """A house with one inverter whose meter is looked at by a Sense, and counts `way`.

    `blind`: steps in which the law has no meter.  `obeys` False: the law looks at a wrong meter.
    `spoil`: function(step, W) -> what the meter says instead.  `found`: the step in which the
    sense was sure that it is wrong, `against`: how often it took something for a hint of it.
    """

    def __init__(self, plant, way=1, wmax_w=10000, seed=None, exp_w=5000, **kw):
        super().__init__(Site(1), **kw)
        dead_ms, tau_ms, age_ms, self.meter_ms, self.grain_w = plant
        self.add(PV, wmax_w, dead_ms=dead_ms, tau_ms=tau_ms)
        self.site.exp_w = exp_w
        self.way, self.day = way, HardDay(seed) if seed else None
        self.exports = [0] * (age_ms // 100)
        self.sense = Sense(wmax_w)
        self.metered = self.steps = self.against = self.blind = 0
        self.found = self.spoil = None

    def _tick(self):
        super()._tick()
        self.exports.append(self.export_w)
        old = self.exports.pop(0)
        if self.i * 100 % self.meter_ms == 0:
            self.metered = old

    def _control(self):
        site, sense, device = self.site, self.sense, self.devices[0]
        self.steps += 1
        export_w = self.way * self.metered
        if self.spoil:
            export_w = self.spoil(self.steps, export_w)
        before = sense._score
        sense.step(device.w, export_w)
        self.against += sense._score < before
        if sense.wrong and self.found is None:
            self.found = self.steps
        site.export_w, site.import_w = export_w, ABSENT if export_w == ABSENT else -export_w
        site.meter_age_ms = 9999 if sense.wrong or self.steps <= self.blind else 0
        site.power_w[0] = device.w
        site.step()
        device.tell(site.low_w[0], site.high_w[0] - site.high_w[0] % self.grain_w)


def test_a_meter_that_counts_right_is_never_doubted():
    for plant in PLANTS:
        for exp_w in (5000, 0):
            for seed in (1, 2):
                house = Watched(plant, seed=seed, exp_w=exp_w)
                house.run(450000)
                assert house.found is None and house.against <= 1, (plant, exp_w, seed)


def test_loads_as_large_as_the_inverter_do_not_make_it_doubt():
    for plant in (NOMINAL, QUICK, QUICK_OLD):
        for exp_w in (1000, 0):
            house = Watched(plant, wmax_w=3000, seed=2, exp_w=exp_w)
            house.run(900000)
            assert house.found is None and house.against <= 2, (plant, exp_w, house.against)


def test_a_load_that_cycles_across_the_limit_does_not_make_it_doubt():
    # Off it goes half beyond the limit: the inverter gives way by half of it, each time.
    for on_s in (6, 15, 30):
        house = Watched(QUICK_OLD, exp_w=5000)
        for _ in range(30):
            house.load_w = 5000
            house.run(1000 * on_s)
            house.load_w = 3400
            house.run(1000 * on_s)
        assert house.found is None, on_s


def test_a_battery_that_nobody_steers_does_not_make_it_doubt():
    for dead_ms, tau_ms in ((0, 300), (400, 2500), (1500, 5000)):
        for watts in (2000, 6000):
            for seed in (3, 4):
                house = Watched(NOMINAL, seed=seed, exp_w=1500)
                house.devices.append(Device(BATTERY, watts, watts, dead_ms, tau_ms))
                house.run(400000)
                assert house.found is None, (dead_ms, watts, seed)


def test_a_meter_that_freezes_lies_or_is_absent_does_not_make_it_doubt():
    def freezes(step, w):
        kept[0] = kept[0] if step % 150 < 75 else w
        return kept[0]

    def lies(step, w):
        return (w, 0, 30000, ABSENT, -32768, w, 1 << 29, w)[step * 7919 % 8]

    def at_times(step, w):
        return lies(step, w) if step * 7919 % 40 == 0 else w

    for spoil in (freezes, lies, at_times):
        for seed in (1, 2, 3):
            kept = [0]
            house = Watched(NOMINAL, seed=seed)
            house.spoil = spoil
            house.run(300000)
            assert house.found is None, (spoil, seed)


def test_a_meter_that_counts_the_wrong_way_is_found_when_the_first_limit_ends_blindness():
    # What is held blind is given free at the sight of it, and that is enough.
    for plant in (NOMINAL, SLOW, QUICK, NOMINAL_OLD, COARSE):
        for exp_w in (3000, 1500, 800):
            house = Watched(plant, -1, exp_w=exp_w, sun_pct=90)
            house.blind = 50
            house.run(60000)
            assert house.found is not None and house.found <= 50 + 200, (plant, exp_w, house.found)
            assert house.export_w <= exp_w, (plant, house.export_w)
        house = Watched(plant, 1, exp_w=3000, sun_pct=90)
        house.blind = 50
        house.run(60000)
        assert house.found is None and house.site.state == 1


def test_a_meter_that_counts_the_wrong_way_is_found_by_clouds():
    steps = []
    for plant in PLANTS:
        for seed in (1, 3, 5):
            house = Watched(plant, -1, seed=seed, exp_w=5000)
            house.run(600000)
            assert house.found, (plant, seed)
            steps.append(house.found)
    assert sorted(steps)[len(steps) // 2] <= 5 * 300, steps


def test_a_meter_whose_sign_is_reversed_by_day_is_found_and_believed_again_when_mended():
    house = Watched(NOMINAL, seed=1, exp_w=5000)
    house.run(300000)
    assert house.sense.wrong == 0
    house.way = -1
    house.run(900000)
    assert house.sense.wrong == 1 and house.export_w <= 5000
    house.way = 1
    house.run(1800000)
    assert house.sense.wrong == 0


def test_a_change_of_a_quarter_is_enough_and_three_small_ones_of_different_sizes():
    def after(*watts):
        sense = Sense(10000)
        for w in (0,) + watts:
            for _ in range(13):
                sense.step(w, -w - 500)
        return sense.wrong

    assert after(2600) == after(800, 1800, 3300) == 1
    assert after(2400) == after(800, 1800) == after(800, 0, 800, 0, 800, 0) == 0  # one appliance
    assert after(600, 1200, 1800, 2400) == 0  # below 1/16


def test_nothing_is_learned_without_a_rating_and_nothing_allocates():
    def steps(sense, way):
        for i in range(400):
            w = 9000 if i // 40 & 1 else 500
            sense.step(w, way * w)
            sense.step(w, ABSENT if i % 130 == 0 else way * w)
            if i % 170 == 0:
                sense.step(ABSENT, 0)

    sense = Sense(0)
    steps(sense, -1)
    assert sense.wrong == 0
    sense.rating_w = 10000
    check.locked(steps, sense, -1)
    assert sense.wrong == 1
    check.locked(steps, sense, 1)
    assert sense.wrong == 0


check.run(globals())
