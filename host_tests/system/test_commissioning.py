"""An installer's trials at the simulated site, in virtual time: what they find and keep.

The functions of firmware/commissioning.py run in the firmware's own loop, on its own buses
(virtual/main.py reads what is asked for from install.txt); what they found stands in the log.
"""

from house import living, tolerance_w
from tools.site import BatterySettings, InverterSettings, MeterSettings, Settings

LIMIT_W = 4000
TOL_W = tolerance_w(10000)


def played(tmp_path, plan, seconds, *, settings=None, exp_w=LIMIT_W, before=None, **options):
    """The house after an installer asked for that: [(second, what)]."""
    tmp_path.mkdir(exist_ok=True)
    with living(tmp_path, settings=settings, **options) as house:
        house.default(exp_w=exp_w)
        (house.flash / "install.txt").write_text("\n".join(f"{s} {what}" for s, what in plan))
        if before:
            before(house)
        house.boot()
        house.run_to(seconds)
        assert not house.said("TASK_FAILED"), house.tail()
        return house


def kept(house, since=20, until=1e9):
    """The limit was kept all the while."""
    assert house.worst_export(since, until) <= LIMIT_W + TOL_W


def test_sign_of_a_meter(tmp_path):
    house = played(tmp_path, [(30, "sign")], 130)
    assert house.said("SIGN_LEARNED", sign=1), house.tail()
    assert house.said("BLIND", since=29) and house.said("SIGHTED", since=40)
    kept(house)


def test_sign_of_a_reversed_meter_is_found_while_the_site_stays_under_its_limit(tmp_path):
    settings = Settings(inverters=(InverterSettings(),), meter=MeterSettings(sign=-1))
    house = played(tmp_path, [(30, "sign")], 100, settings=settings)
    assert house.said("SIGN_LEARNED", sign=-1), house.tail()
    said = house.said("SIGN_LEARNED")[0].at
    kept(house, 40, said)  # before and after, the wrong sign leads the law astray


def test_sign_is_refused_with_a_noisy_load_and_in_the_dark(tmp_path):
    noisy = [[s / 2, 500 + 3000 * (s % 4 > 1)] for s in range(400)]
    house = played(tmp_path / "a", [(30, "sign"), (60, "response")], 130, load=noisy)
    assert house.said("SIGN_NOISY") and not house.said("SIGN_LEARNED"), house.tail()
    assert house.said("RESPONSE_GOOD"), house.tail()  # that needs no meter
    dark = played(tmp_path / "b", [(30, "sign"), (60, "response")], 100, pv=0)
    assert dark.said("SIGN_DARK") and dark.said("RESPONSE_DARK"), dark.tail()
    kept(house)


def test_response_of_a_nominal_a_slow_and_a_deaf_inverter(tmp_path):
    found = {}
    for name, inverter, fault in (
            ("nominal", InverterSettings(), {}),
            ("slow", InverterSettings(dead_ms=1500, tau_ms=8000), {}),
            ("deaf", InverterSettings(), {"writes_ignored": True})):
        settings = Settings(inverters=(inverter,), meter=MeterSettings())
        house = played(tmp_path / name, [(60, "response")], 160, settings=settings,
                       before=lambda house, fault=fault: house.site.fault(**fault))
        found[name] = [line for line in house.log if line.code.startswith("RESPONSE_")]
        assert len(found[name]) == 1, house.tail()
    good = found["nominal"][0]
    assert good.code == "RESPONSE_GOOD" and 200 <= int(good.pairs["dead_ms"]) <= 1000, good
    assert int(good.pairs["settle_ms"]) <= 5000, good
    assert found["slow"][0].code == "RESPONSE_SLOW", found["slow"]
    assert found["deaf"][0].code == "RESPONSE_DISOBEYS", found["deaf"]


def test_own_limit_is_kept_over_a_power_cut_and_given_back(tmp_path):
    settings = Settings(inverters=(InverterSettings(start_pct=3000, start_ena=1),),
                        meter=MeterSettings())
    with living(tmp_path, settings=settings, load=5000, pv=9000) as house:
        house.default(exp_w=LIMIT_W)
        plan = house.flash / "install.txt"
        plan.write_text("10 record")
        house.boot()
        house.run_to(60)
        assert house.said("OWN_LIMIT_UNKNOWN") and house.said("OWN_LIMIT_KEPT", own_w=3000)
        house.power_cut()
        plan.write_text("60 decommission")
        house.boot()
        house.run_to(115)
        assert house.said("OWN_LIMIT", since=60, own_w=3000), house.tail()
        # The contract would let it make 9000 W: 5000 W of load and 4000 W of export.
        assert max(row.pv_w for row in house.rows(30, 115)) <= 3000 + TOL_W
        house.run_to(150)
        assert house.said("DECOMMISSIONED"), house.tail()
        assert house.site.read(1, 40000, 2)  # it lives
        assert max(row.pv_w for row in house.rows(115, 150)) <= 3000 + TOL_W
        assert not list(house.flash.glob("own.*"))


def test_scan_of_a_line_while_it_is_steered(tmp_path):
    settings = Settings(inverters=(InverterSettings(), InverterSettings(unit=3, family="7xx")),
                        battery=BatterySettings(unit=10), meter=MeterSettings())
    house = played(tmp_path, [(40, "12")], 150, settings=settings)
    found = {line.pairs["unit"]: line.pairs["kind"] for line in house.said("SCAN_UNIT")}
    assert found == {"1": "inverter", "3": "inverter", "10": "battery"}, house.tail()
    assert house.said("SCANNED", devices=3) and not house.said("BLIND", since=40)
    kept(house, 20, 40)
