# heap: 144k
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

    `blind`: steps in which the law has no meter.  `spoil`: function(step, W) -> what the meter
    says instead.  `found`, `proven`: the step in which the sense was sure that it is wrong, that
    it is right, `against`: how often it took something for a hint of it.
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
        self.found = self.proven = self.spoil = None
        self.others_w = 0

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
        sense.step(device.w, export_w, device.w, self.others_w, site.exp_w,
                   self.sense.rating_w)
        if sense.way > 0 and self.proven is None:
            self.proven = self.steps
        self.against += sense._score < before
        if sense.way < 0 and self.found is None:
            self.found = self.steps
        site.export_w, site.import_w = export_w, ABSENT if export_w == ABSENT else -export_w
        site.meter_age_ms = 9999 if sense.way < 0 or self.steps <= self.blind else 0
        site.gen_w = sense.most_w
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


def test_a_wrong_meter_under_a_clear_sky_is_found_before_it_breaks_the_limit():
    for plant in (NOMINAL, SLOW, QUICK, NOMINAL_OLD, COARSE):
        for exp_w in (5000, 1500, 0):
            house = Watched(plant, -1, exp_w=exp_w, sun_pct=90, load_w=500)
            house.run(10000)  # from full power
            house.clear()
            house.run(50000)
            assert (exp_w == 0) == (house.found is None), (plant, exp_w)
            assert house.found is None or house.found <= 120, (plant, exp_w, house.found)
            assert house.proven is None and house.books[0].mwh() == 0, (plant, exp_w)


def test_a_right_meter_under_a_clear_sky_is_proven_soon_for_a_few_watt_hours():
    for plant in (NOMINAL, SLOW, NOMINAL_OLD, COARSE):
        for exp_w in (5000, 1500, 0):
            house = Watched(plant, exp_w=exp_w, sun_pct=90, load_w=500)
            lost_mwh = 0
            for _ in range(300):
                house.run(200)
                lost_mwh += (exp_w + 500 - house.devices[0].w) // 18
            assert house.proven and house.proven <= 150, (plant, exp_w, house.proven)
            assert lost_mwh < 30000, (plant, exp_w, lost_mwh)
            assert house.found is None and house.books[0].longest * 100 <= 15000
            writes = house.devices[0].writes
            house.run(60000)  # and nothing is tried any more
            assert house.devices[0].writes - writes <= 5


def test_a_wrong_meter_at_dawn_is_found_before_the_sun_can_break_the_limit():
    for exp_w in (3000, 800):
        house = Watched(NOMINAL, -1, exp_w=exp_w, sun_pct=0, load_w=400)
        for pct in range(60):
            house.sun_pct = pct
            house.run(6000)
        assert house.found and house.books[0].mwh() == 0, exp_w


def test_a_battery_that_makes_up_for_the_trial_does_not_hide_the_sign():
    for tau_ms in (600, 1200, 2500):
        for way in (1, -1):
            house = Watched(NOMINAL, way, exp_w=1500, sun_pct=90, load_w=300)
            house.devices.append(Device(BATTERY, 3000, 3000, 400, tau_ms))
            house.run(60000)
            found = house.proven if way > 0 else house.found
            assert found and (house.found if way > 0 else house.proven) is None, (tau_ms, way)


def test_where_others_may_make_all_the_export_a_little_is_tried():
    for way in (1, -1):
        house = Watched(NOMINAL, way, exp_w=3000, sun_pct=90, load_w=600)
        house.others_w = 3000
        house.run(10000)
        house.clear()
        house.run(50000)
        assert (house.proven if way > 0 else house.found) is not None, way
        assert house.books[0].longest * 100 <= 15000 and house.books[0].worst_w <= 2500


def test_import_beyond_all_that_could_be_made_proves_the_sign():
    def after(others_w, import_w, rating=10000):
        sense = Sense(rating)
        for _ in range(60):
            sense.step(0, -import_w, 0, others_w, 0, rating)
        return sense.way

    assert after(0, 300) == after(2000, 2600) == after(0, 300, 0) == 1
    assert after(0, 80) == after(2000, 1500) == after(0, -3000) == after(ABSENT, 300) == 0


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
    assert house.sense.way >= 0
    house.way = -1
    house.run(900000)
    assert house.sense.way < 0 and house.export_w <= 5000
    house.way = 1
    house.run(1800000)
    assert house.sense.way >= 0


def test_a_change_of_a_quarter_is_enough_and_three_small_ones_of_different_sizes():
    def after(*watts):
        sense = Sense(10000)
        for w in (0,) + watts:
            for _ in range(13):
                sense.step(w, -w - 500, ABSENT, 0, 20000, 10000)
        return sense.way

    assert after(2600) == after(800, 1800, 3300) == -1
    assert after(2400) == after(800, 1800) == after(800, 0, 800, 0, 800, 0) == 0  # one appliance
    assert after(600, 1200, 1800, 2400) == 0  # below 1/16


def test_nothing_is_learned_without_a_rating_and_nothing_allocates():
    def steps(sense, way, rated=10000):
        for i in range(400):
            w = 9000 if i // 40 & 1 else 500
            sense.step(w, way * w, w, 0, 20000, rated)
            sense.step(w, ABSENT if i % 130 == 0 else way * w, w, 0, 20000, rated)
            if i % 170 == 0:
                sense.step(ABSENT, 0, 0, 0, 20000, rated)

    sense = Sense(0)
    steps(sense, -1, 0)
    assert sense.way >= 0
    sense.rating_w = 10000
    check.locked(steps, sense, -1)
    assert sense.way < 0
    check.locked(steps, sense, 1)
    assert sense.way >= 0


check.run(globals())
