"""Inverters that take their limit by a map of their own: the site's export stays inside it."""

import pytest
from house import living, tolerance_w
from procedure import settled, sound, told
from tools.site import InverterSettings, Settings

RATED_W, LOAD_W = 10000, 600
SITE_MAPS = ("sungrow", "sungrow_permille", "goodwe")


def house_of(tmp_path, name, **more):
    settings = Settings(inverters=(InverterSettings(1, name, RATED_W),))
    config = {"inverter_map": name, "inverter_w": RATED_W, **more}
    return living(tmp_path, settings=settings, config=config, pv=8000, load=LOAD_W)


@pytest.mark.parametrize("name", ("solaredge", *SITE_MAPS))
def test_an_export_limit_is_held_and_answered(tmp_path, name):
    with house_of(tmp_path, name) as house:
        house.default(exp_w=3000)
        events = [house.publish(60, 60, exp_w=1200), house.publish(120, 60, exp_w=0)]
        house.boot()
        house.run_to(200)
        settled(house, 2, 60, 3000)
        settled(house, 60, 120, 1200)
        settled(house, 120, 180, 0)
        assert max(-row.site_w for row in house.rows(45, 60)) > 2700
        assert max(-row.site_w for row in house.rows(100, 118)) > 1000
        # The house goes on being fed from its own roof.
        assert min(row.pv_w for row in house.rows(150, 178)) > LOAD_W - tolerance_w(RATED_W)
        assert all(house.statuses(event) == [1, 2, 3] for event in events)
        assert not house.said("DEVICE_DISOBEYS")
        sound(house)


@pytest.mark.parametrize("name", SITE_MAPS)
def test_what_its_map_cannot_do_is_neither_claimed_nor_started(tmp_path, name):
    with house_of(tmp_path, name) as house:
        house.default(exp_w=3000)
        event = house.publish(60, 60, gen_w=1000)
        house.boot()
        house.run_to(150)
        claimed = told(house, "dercap")[-1].hex("doeModesSupported")
        assert claimed == 0x1  # opModExpLimW alone
        assert 2 not in house.statuses(event)
        settled(house, 2, 150, 3000)
        sound(house)


def test_no_grid_wants_no_sun(tmp_path):
    with house_of(tmp_path, "sungrow") as house:
        house.default(exp_w=3000)
        event = house.publish(60, 60, energize=0)
        house.boot()
        house.run_to(150)
        assert 2 not in house.statuses(event)  # there is no switch in its map
        settled(house, 60, 120, 0)
        sound(house)


def test_a_register_of_another_unit_is_said_to_disobey(tmp_path):
    # A Sungrow's register means W or 0.1 %, by its firmware: settings that name the wrong one.
    with house_of(tmp_path, "sungrow_permille", inverter_map="sungrow") as house:
        house.default(exp_w=800)
        house.boot()
        house.run_to(90)
        assert house.worst_export(60, 90) > 2000  # it really exports more
        assert house.said("DEVICE_DISOBEYS", unit=1), house.tail()
