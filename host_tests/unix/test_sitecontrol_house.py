# heap: 144k
"""The site's law in a house of several devices: what the meter showed, who gave way to whom."""

import check
from premises import OPEN_W, HardDay, House
from sitecontrol import ABSENT, BATTERY, DISOBEYS, LOAD, PV, SILENT, STALE, Site


def pair(exp_w=3000, pv_w=8000, **house):
    """PV and a battery of 5 kW that rests unless it is told to do something."""
    house = House(Site(2), **house)
    pv, battery = house.add(PV, pv_w), house.add(BATTERY, 5000, 5000)
    battery.want_w = 0
    house.site.exp_w = exp_w
    return house, pv, battery


def charger(imp_w=6000, load_w=1000):
    """A battery and a charger of 7 kW that is on, at night."""
    house = House(Site(2), load_w=load_w, sun_pct=0)
    battery, load = house.add(BATTERY, 5000, 5000), house.add(LOAD, 0, 7000)
    battery.want_w, load.want_w = 0, -7000
    house.site.imp_w = imp_w
    return house, battery, load


def rests(house, writes=3):
    """A minute in which no limit was passed and next to nothing written."""
    house.rest(2000)
    house.run(60000)
    said = [d.writes for d in house.devices]
    assert [b.strict for b in house.books] == [0, 0, 0, 0], [b.worst_w for b in house.books]
    assert max(said) <= writes, said


# Who gives way


def test_the_battery_charges_before_pv_is_cut():
    house, pv, battery = pair()
    house.run(40000)
    assert pv.w > 7500 and battery.w < -4000, (pv.w, battery.w)
    rests(house)
    assert house.export_w > 2500


def test_a_battery_that_is_full_leaves_the_cut_to_pv_and_says_so_or_not():
    for told in (True, False):
        house, pv, battery = pair()
        house.rest()
        battery.can_low = 0
        if told:
            house.site.charge_w[1] = 0
        house.run(30000)
        assert house.books[0].longest < (20 if told else 60), house.books[0].longest
        assert battery.w > -100 and 2800 < house.export_w <= 3000
        assert house.site.fault[1] == (0 if told else DISOBEYS)
        rests(house)
        house.site.charge_w[1], battery.can_low = 5000, -5000
        house.run(60000)
        assert pv.w > 7500 and battery.w < -4000 and not any(house.site.fault)


def test_when_the_limit_is_released_pv_is_free_first_and_then_the_battery():
    house, pv, battery = pair(exp_w=1000)
    house.rest()
    assert pv.w < 6400 and battery.w < -4900
    freed = []
    house.site.exp_w = 9000
    for step in range(300):
        house.run(200)
        if pv.w > 7400 and "pv" not in freed:
            freed.append("pv")
        if battery.w > -500 and "battery" not in freed:
            freed.append("battery")
    assert freed == ["pv", "battery"] and house.books[0].strict == 0


def test_a_battery_is_its_own_master_where_no_limit_needs_it():
    house = House(Site(2), load_w=2000, sun_pct=50)
    house.add(PV, 8000)
    battery = house.add(BATTERY, 5000, 5000)
    house.site.exp_w = 5000
    house.run(30000)
    assert abs(house.export_w) < 50 and battery.w < -1900
    house.load_w = 7000
    house.run(15000)
    assert abs(house.export_w) < 50 and battery.w > 2900
    house.site.exp_w = OPEN_W
    house.run(60000)
    assert (house.site.low_w[1], house.site.high_w[1]) == (-5000, 5000)
    house.clear()
    for load_w in (0, 9000, 500):
        house.load_w = load_w
        house.run(20000)
    assert [d.writes for d in house.devices] == [0, 0]


def test_the_battery_discharges_before_the_load_is_shed():
    house, battery, load = charger()
    house.rest()
    assert load.w < -6900 and battery.w > 1900
    house.load_w = 4000
    house.run(20000)
    assert load.w < -6800 and battery.w > 4800
    assert 0 < house.books[1].longest < 50
    rests(house)
    battery.can_high = house.site.wmax_w[0] = 0  # empty
    house.run(30000)
    assert -2000 <= load.w < -1800 and house.books[1].longest < 50
    rests(house)


def test_a_full_battery_still_holds_the_import_and_an_empty_one_the_export():
    for load_w, full in ((6000, True), (-6000, False)):  # the latter: sun that nobody steers
        house = House(Site(1), load_w=load_w)
        battery = house.add(BATTERY, 5000, 5000)
        battery.want_w = 0
        house.site.exp_w, house.site.imp_w = 2000, 3000
        if full:
            house.site.charge_w[0], battery.can_low = 0, 0
        else:
            house.site.wmax_w[0], battery.can_high = 0, 0
        house.run(10000)
        house.clear()
        house.run(20000)
        assert [b.strict for b in house.books[:2]] == [0, 0], house.export_w
        assert -3000 <= house.export_w < -2900 or 1900 < house.export_w <= 2000


def test_no_battery_makes_room_for_pv_beyond_the_import_limit():
    house, pv, battery = pair(exp_w=1500, load_w=300)  # PV is at its cap by another limit
    battery.want_w = None
    house.site.imp_w, house.site.gen_w, house.site.storage_w = 0, 2000, -2000
    house.rest()
    house.run(30000)
    assert house.books[1].strict == 0 and 0 <= house.export_w < 100, house.export_w
    assert pv.w > 1900 and battery.w < -1600
    house, pv, battery = pair(exp_w=0, load_w=2700, sun_pct=0)
    house.site.charge_w[1], battery.can_low = 0, 0  # full, and the PV has no room
    house.site.imp_w, house.site.target_w, house.site.storage_w = 0, -2000, -2000
    house.rest()
    house.run(30000)
    assert house.books[1].longest == 0 and battery.w > 2600, (battery.w, house.export_w)


def test_pv_that_is_held_by_the_generation_limit_makes_no_battery_charge():
    house, pv, battery = pair(exp_w=0, load_w=500)
    house.site.gen_w = 0
    house.rest()
    house.run(20000)
    assert pv.w == 0 and -20 < battery.w <= 0, battery.w


# Several inverters


def test_no_inverter_keeps_room_that_another_could_use():
    house = House(Site(3))
    shaded, sunny, small = house.add(PV, 5000), house.add(PV, 5000), house.add(PV, 2000)
    shaded.sun_pct = small.sun_pct = 10
    house.site.exp_w = 5000
    house.rest()
    assert 5000 - 250 < house.export_w < 5000 and sunny.w > 4000
    rests(house)
    shaded.sun_pct = 95
    house.run(30000)
    assert abs(shaded.w - sunny.w) < 300, (shaded.w, sunny.w)
    assert max(d.writes for d in house.devices) < 25
    rests(house)
    sunny.sun_pct = 20
    house.run(60000)
    assert 5000 - 250 < house.export_w < 5000 and shaded.w > 3800


def test_inverters_alike_share_alike_and_leave_nothing():
    for n in (2, 3, 4, 6):
        house = House(Site(n))
        for _ in range(n):
            house.add(PV, 12000 // n)
        house.site.exp_w = 5000
        house.rest()
        made = [d.w for d in house.devices]
        assert max(made) - min(made) < 200 and 4850 < house.export_w <= 5000, made


# Limits of the devices, set points, switches


def test_the_generation_limit_counts_pv_and_discharge_together():
    house, pv, battery = pair(exp_w=OPEN_W, sun_pct=50)
    battery.want_w = 5000
    house.site.gen_w = 6000
    house.rest()
    assert pv.w > 3900 and 5400 < pv.w + battery.w <= 6000
    house.sun_pct = 95
    house.run(30000)
    assert house.books[2].longest < 30 and pv.w > 5400
    rests(house)
    house.site.gen_w = 0
    house.run(10000)
    assert pv.w == 0 and battery.w <= 0


def test_the_load_limit_counts_load_and_charge_together():
    house, battery, load = charger(imp_w=OPEN_W)
    battery.want_w = -5000
    house.site.load_w = 9000
    house.rest()
    assert load.w < -6900 and -9000 <= load.w + battery.w < -8400
    house.site.load_w = 3000
    house.run(15000)
    assert house.books[3].longest < 40 and -3000 <= load.w + battery.w < -2700
    house.site.load_w = 0
    house.run(10000)
    assert load.w > -20 and battery.w > -20


def test_a_target_is_met_by_pv_and_battery_together():
    house, pv, battery = pair(exp_w=OPEN_W)
    for target_w in (9000, 2000, -2000, 0, 7000):
        house.site.target_w = target_w
        house.run(40000)
        assert abs(pv.w + battery.w - target_w) < 100, (target_w, pv.w, battery.w)
    house.site.target_w = 9000
    house.site.exp_w = 4000  # a limit clips it
    house.run(20000)
    assert house.export_w <= 4000
    house.site.gen_w = 3000
    house.run(20000)
    assert pv.w + max(0, battery.w) <= 3000


def test_a_storage_target_is_met_by_the_battery_within_the_limits():
    house, pv, battery = pair(exp_w=OPEN_W)
    for point_w in (-4000, 3000, 0):
        house.site.storage_w = point_w
        house.run(20000)
        assert abs(battery.w - point_w) < 50 and pv.w > 7500
        assert house.site.low_w[1] == house.site.high_w[1]
    house.site.storage_w = 5000
    house.site.exp_w = 6000
    house.run(30000)
    assert house.export_w <= 6000
    house.site.imp_w, house.sun_pct, house.site.storage_w = 3000, 0, -5000
    house.run(30000)
    assert -3000 <= house.export_w < -2800


def test_without_connect_or_energize_nothing_is_made_or_charged():
    for name in ("connect", "energize"):
        house, pv, battery = pair(exp_w=OPEN_W)
        battery.want_w = -3000
        house.run(20000)
        setattr(house.site, name, 0)
        house.run(200)
        assert house.site.on == 0
        assert list(house.site.low_w) == list(house.site.high_w) == [0, 0]
        house.run(10000)
        assert pv.w == 0 and battery.w > -20
        setattr(house.site, name, 1)
        house.run(60000)
        assert house.site.on == 1 and pv.w > 7500 and battery.w < -2900


# Faults


def test_a_meter_that_is_lost_leaves_no_export_to_chance():
    house, pv, battery = pair(exp_w=5000, load_w=9000)
    battery.want_w = 5000
    house.rest()
    house.meter_age_ms, house.load_w = 2001, 0
    house.run(15000)
    assert house.books[0].longest <= 50, house.books[0].longest
    house.clear()
    house.run(20000)
    assert house.site.state == STALE and house.books[0].strict == 0
    assert 4800 < house.export_w <= 5000 and battery.w < 30


def test_blind_nothing_draws_that_could_break_the_import_limit():
    house, battery, load = charger(imp_w=OPEN_W)
    battery.want_w = -5000
    house.rest()
    house.site.imp_w, house.meter_age_ms = 8000, 2001
    house.run(10000)
    assert load.w > -20 and battery.w > -20


def test_a_device_that_does_not_obey_is_made_up_for_by_the_others():
    house = House(Site(3))
    deaf, other, _ = (house.add(PV, 5000) for _ in range(3))
    house.site.exp_w = 12000
    house.rest()
    deaf.deaf = True
    house.site.exp_w = 6000
    house.run(30000)
    assert house.site.fault[0] == DISOBEYS and deaf.w > 4000
    assert house.books[0].longest < 60 and 5800 < house.export_w <= 6000
    rests(house)
    deaf.deaf = False
    house.run(60000)
    assert house.site.fault[0] == 0 and abs(deaf.w - other.w) < 400
    rests(house)


def test_a_device_that_makes_a_tenth_more_than_it_is_told_is_brought_back():
    house = House(Site(1), load_w=3000)
    house.add(PV, 10000).gain = 1100
    house.site.exp_w = 5000
    house.run(30000)
    assert house.books[0].longest < 150
    house.clear()
    house.run(120000)
    assert house.books[0].longest == 0 and house.export_w > 4500
    assert house.devices[0].writes < 30


def test_a_device_that_is_silent_is_taken_to_be_at_its_rating():
    house = House(Site(2), load_w=3000)
    silent, other = house.add(PV, 5000), house.add(PV, 5000)
    house.site.exp_w = 4000
    house.rest()
    silent.silent = True
    house.run(5000)
    assert house.site.fault[0] == SILENT and house.site.power_w[0] == ABSENT
    assert house.site.high_w[0] <= 2000  # its share of the limit without the meter
    silent.bands = [(0, 5000)] * len(silent.bands)  # it restarted and knows no limit
    silent.told = (0, 5000)
    house.run(4000)
    house.clear()
    house.run(60000)
    assert silent.w > 4700 and house.books[0].longest == 0, house.export_w
    silent.silent = False
    house.run(60000)
    assert not any(house.site.fault) and abs(silent.w - other.w) < 400


def test_an_inverter_that_sleeps_in_silence_makes_no_battery_draw_from_the_grid():
    house, pv, battery = pair(exp_w=1500, pv_w=10000, load_w=500, sun_pct=0)
    house.rest()
    pv.silent = True
    for want_w, load_w in ((0, 500), (5000, 500), (0, 0), (5000, 3000)):
        battery.want_w, house.load_w = want_w, load_w
        house.run(20000)
        assert house.site.fault[0] == SILENT and -20 <= battery.w <= 0, (want_w, battery.w)
        assert house.site.low_w[1] == -5000 and house.site.high_w[1] >= -40  # its own free choice
    battery.want_w = -2000
    house.run(10000)
    assert -2050 < battery.w < -1950


def test_an_inverter_that_generates_in_silence_is_made_up_for_by_the_battery():
    house, pv, battery = pair(exp_w=1500, pv_w=6000, load_w=500, sun_pct=0)
    house.rest()
    pv.silent = True
    house.run(10000)
    pv.bands = [(0, 6000)] * len(pv.bands)
    pv.told = (0, 6000)  # it has restarted and knows no limit
    house.clear()
    house.sun_pct = 95
    house.run(60000)
    assert pv.w > 5600 and -4300 < battery.w < -3600, (pv.w, battery.w)
    assert house.books[0].longest < 60 and 1300 < house.export_w <= 1500
    house.sun_pct = 0
    house.run(20000)
    assert -20 <= battery.w <= 0 and house.site.high_w[1] >= -40


def test_a_load_that_is_silent_makes_no_battery_discharge():
    house, battery, load = charger(imp_w=5000)
    load.want_w = 0
    house.rest()
    load.silent = True
    house.run(30000)
    assert house.site.fault[1] == SILENT and battery.w == 0
    battery.want_w = -5000  # it may not charge either: the load could begin any time
    house.run(10000)
    assert battery.w == 0, battery.w
    load.bands = [(-7000, 0)] * len(load.bands)
    load.told, load.want_w = (-7000, 0), -7000
    house.clear()
    house.run(40000)
    assert load.w < -6900 and 2900 < battery.w < 3200, (load.w, battery.w)
    assert house.books[1].longest < 60 and -5000 <= house.export_w


def test_delays_are_learned_from_what_the_devices_do():
    learned = []
    for dead_ms, tau_ms in ((0, 100), (400, 800), (1500, 2000)):
        house = House(Site(1))
        house.add(PV, 10000, dead_ms=dead_ms, tau_ms=tau_ms)
        for load_w in (3000, 300) * 8:
            house.load_w = load_w
            house.site.exp_w = 4000
            house.run(30000)
        learned.append(house.site.delay[0])
    assert learned[0] < learned[1] < learned[2] and learned[0] <= 4 and learned[2] >= 12, learned


# Pace


def test_a_device_with_flash_is_never_told_twice_within_its_interval():
    house = House(Site(2))
    devices = [house.add(PV, 6000, interval_ms=10000),
               house.add(BATTERY, 5000, 5000, interval_ms=10000)]
    house.day, house.site.exp_w, house.site.imp_w = HardDay(3), 1500, 3000
    last, told, writes = [-99, -99], [d.told for d in devices], 0
    for step in range(4500):
        house.run(200)
        for i in range(2):
            if devices[i].told != told[i]:
                assert step - last[i] >= 50, (i, step)
                last[i], told[i] = step, devices[i].told
                writes += 1
    assert writes > 40
    assert house.books[0].longest < 150, house.books[0].longest


def test_a_limit_that_ramps_is_followed_within_its_pace():
    house = House(Site(1), sun_pct=100)
    house.add(PV, 10000)
    house.site.exp_w = house.site.gen_w = 10000
    house.run(20000)
    house.clear()
    for second in range(200):  # 27 W/s
        house.site.gen_w = 10000 - 27 * second
        house.run(1000)
    assert house.books[2].longest == 0 and house.books[2].worst_w < 100
    assert house.devices[0].writes <= 210


# Hard days


def test_hard_days_pass_no_limit_for_15_s_whatever_the_house_has():
    houses = (((PV, 5000, 0), (PV, 5000, 0)),
              ((PV, 10000, 0), (BATTERY, 5000, 5000)),
              ((PV, 6000, 0), (BATTERY, 5000, 5000), (LOAD, 0, 7000)))
    for devices in houses:
        for exp_w, imp_w in ((5000, OPEN_W), (1500, 3000), (0, 5000)):
            house = House(Site(len(devices)))
            for device in devices:
                house.add(*device)
            if len(devices) == 3:
                house.devices[2].want_w = -7000
            house.day, house.site.exp_w, house.site.imp_w = HardDay(1), exp_w, imp_w
            house.rest(15000)
            house.run(300000)
            longest = [b.longest for b in house.books[:2]]
            assert max(longest) < 100, (devices, exp_w, imp_w, longest)
            assert max(d.writes for d in house.devices) < 300


check.run(globals())
