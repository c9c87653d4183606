"""Devices with manners of their own: how they are met, and how a limit reaches them."""

import pytest
from house import living, tolerance_w
from tools.site import InverterSettings, Settings

TOL_W = tolerance_w(10000)


@pytest.mark.parametrize(("maker", "faults"), [
    ("Huawei", {"gap_ms": 50}), ("", {"gap_ms": 10}), ("", {"gap_ms": 50}), ("", {"busy": 2})])
def test_inverter_that_is_busy_just_after_an_answer_is_met_and_held(tmp_path, maker, faults):
    inverter = InverterSettings(1, maker=maker or "Acme", faults=faults)
    with living(tmp_path, settings=Settings(inverters=(inverter,)), load=500, pv=9000,
                config={"site_exp_w": 20000}) as house:
        house.default(exp_w=3000)
        house.boot()
        house.run_to(60)
        assert house.said("INVERTER_READY")[0].at < 5 and not house.said("INVERTER_NO_SUNSPEC")
        assert house.worst_export(20, 60) <= 3000 + TOL_W
        assert -house.site.mean("site_w", 30, 60) > 2500
