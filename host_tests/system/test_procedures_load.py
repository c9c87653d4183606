"""LOA-01 to LOA-04, LOA-09, LOA-11 to LOA-13: import and consumption held to the line.

What can be steered is a battery that charges from the grid (its default storage target asks for
its full rate, as its owner might), or a load that takes its full rating where nobody limits it.
LOA-10 is in test_procedures_primacy.py.
"""

import pytest
from house import living
from procedure import SETTLE_S, TOL_W, followed, settled, sound, told
from test_procedures_control import on_each_list
from test_procedures_storage import RATE_W, store
from tools.site import InverterSettings, LoadSettings, Settings

MODES = {"imp_w": "imp", "load_w": "taken"}
WMAX_W = RATE_W


def house_of(tmp_path, kind, load):
    """A house whose battery charges, or with a load that is steered, at night; `load`: the other.

    No limit of that makes up for what the house itself takes, as the battery does.
    """
    if kind == "battery":
        return living(tmp_path, **store(capacity_wh=20000), load=load)
    settings = Settings(inverters=(InverterSettings(1, wmax_w=WMAX_W),),
                        load=LoadSettings(20, RATE_W))
    config = {"load": "site.test:502/20", "site_exp_w": 20000, "site_imp_w": 20000}
    return living(tmp_path, settings=settings, config=config, pv=0, load=load)


def default(house, kind, grad=None, **modes):
    """The default: as much as it takes, and what is said beside."""
    if kind == "battery":
        modes["storage_w"] = -RATE_W
    house.default(grad=grad, **modes)


@pytest.fixture(params=["battery", "load"])
def kind(request):
    """What consumes."""
    return request.param


@pytest.fixture(params=MODES)
def mode(request):
    """Import at the connection point, and what the battery or the load takes."""
    return request.param


def begin(house, kind, grad=None):
    """Boot, and take all it can; the connection point imports that and the load."""
    default(house, kind, grad)
    house.boot()
    house.run_to(150)
    row = house.rows(148, 150)[-1]
    assert row.flex_w - row.battery_w >= 0.95 * RATE_W and row.site_w >= RATE_W // 2
    assert told(house, "dercap")[-1].hex("doeModesSupported") == 0x0F


@pytest.mark.parametrize("grad", [None, 600])
def test_loa_01_and_02_active_limit_of_zero(tmp_path, mode, grad, kind):
    with house_of(tmp_path, kind, 600 * (kind == "battery")) as house:
        made = [house.publish(20, 900, **{mode: 2 * RATE_W})]
        begin(house, kind, grad)
        called = on_each_list(house, [
            lambda: made.append(house.publish(round(house.now), 600, **{mode: 0}))])
        house.run_until(lambda: called, 70)
        seen = house.run_until(lambda: house.statuses(made[0])[-1:] == [7], 10)
        house.run(120)
        end = seen + (2 + RATE_W / 300 if grad else SETTLE_S)  # 6 % of 5 kW a second
        if grad:
            followed(house, [(seen + 1, RATE_W), (end, 0)], MODES[mode], 600, None)
        followed(house, [(end, 0), (house.now, 0)], MODES[mode], TOL_W, None)
        assert [house.statuses(event) for event in made] == [[1, 2, 7], [1, 2]]
        sound(house)


def test_loa_03_and_04_default_limit_by_its_ramp(tmp_path, mode, kind):
    what = MODES[mode]
    low = 2000
    with house_of(tmp_path, kind, 0) as house:
        one = house.publish(20, 900, **{mode: 2 * RATE_W})
        begin(house, kind)
        default(house, kind, 50, **{mode: low})  # 25 W a second
        house.run_to(230)
        house.cancel(one)
        off = house.run_until(lambda: 6 in house.statuses(one), 70)
        span = (RATE_W - low) / 25
        house.run_to(off + span + 20)
        followed(house, [(off, RATE_W), (off + span, low), (off + span + 20, low)], what)
        start = round(house.now)
        two = house.publish(start, 400, **{mode: 2 * RATE_W})
        on = house.run_until(lambda: 1 in house.statuses(two), 70)
        house.run_to(start + 400 + span + 20)
        followed(house, [(on + 1, low), (on + 1 + span, RATE_W), (start + 400, RATE_W)], what,
                 behind_w=600)
        followed(house, [(start + 401, RATE_W), (start + 401 + span, low),
                         (start + 400 + span + 20, low)], what)
        default(house, kind)
        start = round(house.now)
        three = house.publish(start, 300, **{mode: 0})
        on = house.run_until(lambda: 1 in house.statuses(three), 70)
        house.run(120)
        settled(house, on, house.now, 0, what)
        assert [house.statuses(event) for event in (one, two, three)] == [
            [1, 2, 6], [1, 2, 3], [1, 2]]
        sound(house)


def test_loa_09_cancelled_import_control_falls_back_to_the_default(tmp_path, kind):
    with house_of(tmp_path, kind, 300) as house:
        default(house, kind, imp_w=1500)
        event = house.publish(10, 900, imp_w=2 * RATE_W)
        house.boot()
        house.run_to(150)
        assert house.rows(149, 150)[-1].site_w > 5000
        house.cancel(event)
        seen = house.run_until(lambda: 6 in house.statuses(event), 70)
        house.run(120)
        assert house.statuses(event) == [1, 2, 6]
        settled(house, seen, house.now, 1500, "imp")
        assert house.rows(house.now - 1, house.now)[-1].site_w > 1200
        sound(house)


def test_loa_11_and_12_variable_limit(tmp_path, mode, kind):
    shares, made = (200, 100, 40, 25, 0), []
    with house_of(tmp_path, kind, 400 * (kind == "battery")) as house:
        begin(house, kind)
        called = on_each_list(house, [
            lambda share=share: made.append(house.publish(
                round(house.now), 120, **{mode: RATE_W * share // 100})) for share in shares], 120)
        house.run_until(lambda: len(called) == 5, 900)
        house.run(150)
        for share, event, at in zip(shares, made, called):
            assert house.statuses(event) == [1, 2, 3], share
            settled(house, at + 1, at + 118, RATE_W * share // 100, MODES[mode])
        sound(house)


def test_loa_13_tracking_through_variable_load(tmp_path, mode, kind):
    # The load takes 0, 20, 10 and 0 % of the rating; the import stays at 20 % all the same.
    load = [[0, 0], [300, 1000], [420, 500], [540, 0]]
    with house_of(tmp_path, kind, load) as house:
        begin(house, kind)
        house.publish(180, 60, **{mode: 2 * RATE_W})
        tight = house.publish(240, 420, **{mode: RATE_W // 5})
        house.run_to(680)
        if mode == "imp_w":
            for start, end in ((240, 300), (300, 420), (420, 540), (540, 660)):
                settled(house, start, end, RATE_W // 5, "imp")
                assert min(row.site_w for row in house.rows(start + 25, end)) > 700
        else:
            settled(house, 240, 660, RATE_W // 5, "taken")
            assert min(row.flex_w - row.battery_w for row in house.rows(265, 660)) > 850
        assert house.statuses(tight) == [1, 2, 3]
        sound(house)


def test_import_limit_takes_from_the_battery_what_the_house_needs(tmp_path):
    with living(tmp_path, load=[[0, 500], [120, 3000]], **store()) as house:
        house.default(imp_w=1000)
        house.boot()
        house.run_to(240)
        settled(house, 120, 240, 1000, "imp")
        assert house.rows(239, 240)[-1].battery_w > 1900
        sound(house)
