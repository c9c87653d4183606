"""pysunspec2, which is not ours, reads and steers every SunSpec device of the simulated site.

Its client scans, reads and writes over a transport that hands frames to the site in lockstep.
"""

import struct

import pytest
from site_points import steady
from sunspec2.modbus.client import SunSpecModbusClientDevice, SunSpecModbusClientModel

from tools.site import (
    MAKES,
    BatterySettings,
    InverterSettings,
    MeterSettings,
    Settings,
    Site,
    answer,
)
from tools.site.settings import FAMILIES, STORAGE


class Lockstep(SunSpecModbusClientDevice):
    """pysunspec2's device with the site at the other end of the wire."""

    def __init__(self, site, unit):
        super().__init__(model_class=SunSpecModbusClientModel)
        self.site, self.unit, self.number = site, unit, 0

    def _ask(self, pdu):
        self.number += 1
        head = struct.pack(">HHHB", self.number, 0, len(pdu) + 1, self.unit)
        reply = answer(self.site, head + pdu)
        if not reply or reply[7] & 0x80:
            raise OSError(reply.hex())
        return reply[8:]

    def read(self, addr, count):
        """As the transport classes of pysunspec2 do it: 125 registers at a time."""
        addr, count = int(addr), int(count)     # it halves a length and gives floats for 714
        data = b""
        while count:
            n = min(count, 125)
            data += self._ask(struct.pack(">BHH", 3, addr, n))[1:]
            addr, count = addr + n, count - n
        return data

    def write(self, addr, data):
        """One FC16."""
        n = len(data) // 2
        self._ask(struct.pack(">BHHB", 16, addr, n, 2 * n) + data)


def scanned(site, unit):
    device = Lockstep(site, unit)
    device.scan()
    return device


def ids(device):
    return tuple(m.model_id for m in device.model_list)


def site_of(*, at=10.0, pv=8000, load=1000, **settings):
    made = Site(Settings(noise_w=0, **settings), steady(pv, load), 0.0)
    made.advance(at)
    return made


@pytest.mark.parametrize("base", [0, 40000, 50000])
@pytest.mark.parametrize("family", FAMILIES)
def test_it_finds_every_model_of_every_family(family, base):
    s = site_of(inverters=(InverterSettings(1, family, base=base),))
    device = scanned(s, 1)
    assert ids(device) == FAMILIES[family]
    assert device.base_addr == base and device.common[0].Mn.value == "microsep2"
    assert sum(m.model_len + 2 for m in device.model_list) + 4 == s.size(1)


@pytest.mark.parametrize(("family", "model"), [("1xx", 103), ("float", 113), ("7xx", 701)])
def test_it_reads_the_live_values_as_they_truly_are(family, model):
    s = site_of(inverters=(InverterSettings(1, family),))
    live = scanned(s, 1).models[model][0]
    volts = s.plant.volts()
    assert live.W.cvalue == pytest.approx(8000, abs=1)
    assert live.Hz.cvalue == pytest.approx(s.plant.freq_hz, abs=0.01)
    names = ("VL1", "VL2", "VL3") if model == 701 else ("PhVphA", "PhVphB", "PhVphC")
    assert [live.points[n].cvalue for n in names] == pytest.approx(list(volts), abs=0.06)
    if model == 701:
        assert (live.St.value, live.InvSt.value, live.ConnSt.value) == (1, 3, 1)
        assert live.WL1.cvalue + live.WL2.cvalue + live.WL3.cvalue == live.W.cvalue
        assert live.ACType.value == 2 and live.Var.cvalue == pytest.approx(80, abs=1)
    else:
        assert live.St.value == 4 and live.VAr.cvalue == pytest.approx(80, abs=1)


def test_it_reads_the_ratings_of_both_families():
    s = site_of(inverters=(InverterSettings(1, "both", 8000, wrtg_w=10000),))
    models = scanned(s, 1).models
    assert models[120][0].WRtg.cvalue == 10000 and models[121][0].WMax.cvalue == 8000
    assert models[702][0].WMaxRtg.cvalue == 10000 and models[702][0].WMax.cvalue == 8000
    assert models[702][0].CtrlModes.value == 0b11 and models[702][0].VNom.cvalue == 230
    assert models[703][0].ES.value == 1 and models[703][0].ESDlyTms.value == 60
    assert models[704][0].PFWInj.PF.value is None


@pytest.mark.parametrize("kind", ["201", "202", "203", "204", "211", "212", "213", "214"])
def test_it_reads_every_meter(kind):
    phases = 1 if kind in ("201", "211") else 3
    s = site_of(phases=phases, meter=MeterSettings(kind=kind, age_ms=0))
    meter = scanned(s, 200).models[int(kind)][0]
    assert meter.W.cvalue == pytest.approx(-7000, abs=1)
    assert meter.PhVphA.cvalue == pytest.approx(s.plant.volts()[0], abs=0.06)
    truth = s.plant.connection(0, 0)
    assert meter.WphA.cvalue == pytest.approx(truth.phases_w[0], abs=2)
    if phases == 3:
        assert meter.WphC.cvalue == pytest.approx(truth.phases_w[2], abs=1)
        assert meter.VARphB.cvalue == pytest.approx(truth.phases_var[1], abs=1)
    else:
        assert meter.WphB.cvalue is None


@pytest.mark.parametrize("family", STORAGE)
@pytest.mark.parametrize("unit", [1, 10])
def test_it_reads_battery_and_hybrid(family, unit):
    s = site_of(pv=4000, inverters=(InverterSettings(1, family.replace("802", "1xx")),),
                battery=BatterySettings(unit, family, soc_pct=60))
    device = scanned(s, unit)
    if unit == 10:
        assert ids(device) == STORAGE[family]
    if family == "802" and unit == 10:
        assert device.models[802][0].W.cvalue == round(s.plant.battery_w)
        assert device.models[802][0].SoC.cvalue == pytest.approx(s.plant.cell.soc_pct, abs=0.01)
    if family != "7xx":
        storage = device.models[124][0]
        assert storage.ChaState.cvalue == pytest.approx(s.plant.cell.soc_pct, abs=0.01)
        assert storage.WChaMax.cvalue == 5000 and storage.ChaSt.value == 4
        assert device.models[120][0].WHRtg.cvalue == 10000
    else:
        storage = device.models[713][0]
        assert storage.SoC.cvalue == pytest.approx(s.plant.cell.soc_pct, abs=0.01)
        assert storage.WHRtg.cvalue == 10000
        assert device.models[702][0].WChaRteMax.cvalue == 5000


def test_it_reads_the_groups_of_160_and_714():
    s = site_of(inverters=(InverterSettings(1, "mppt"), InverterSettings(
        2, models=(1, 701, 702, 714))))
    strings = scanned(s, 1).models[160][0].module
    assert len(strings) == 2 and strings[0].IDStr.value == "String 1"
    assert sum(m.DCW.value for m in strings) * 10 == pytest.approx(4000, abs=20)
    ports = scanned(s, 2).models[714][0]
    assert ports.NPrt.value == 2 and ports.Prt[0].DCW.cvalue == pytest.approx(4080, abs=10)


@pytest.mark.parametrize(("family", "model", "ena"), [
    ("1xx", 123, "WMaxLim_Ena"), ("float", 123, "WMaxLim_Ena"), ("7xx", 704, "WMaxLimPctEna")])
def test_it_limits_each_family(family, model, ena):
    s = site_of(inverters=(InverterSettings(1, family),))
    controls = scanned(s, 1).models[model][0]
    controls.WMaxLimPct.cvalue = 20
    controls.points[ena].value = 1
    controls.write()
    s.advance(30)
    assert s.inverter.watts == pytest.approx(2000, abs=1)
    controls.read()
    assert controls.WMaxLimPct.cvalue == 20 and controls.points[ena].value == 1
    assert s.counts["refused"] == 0


def test_it_steers_the_battery_of_both_families():
    s = site_of(battery=BatterySettings(10, "1xx"))
    storage = scanned(s, 10).models[124][0]
    storage.InWRte.cvalue, storage.StorCtl_Mod.value = 20, 1
    storage.write()
    s.advance(30)
    assert s.record.rows[-1].battery_w == pytest.approx(-1000, abs=2)
    s = site_of(battery=BatterySettings(10, "7xx"))
    controls = scanned(s, 10).models[704][0]
    controls.WSetMod.value, controls.WSet.cvalue, controls.WSetEna.value = 1, -1500, 1
    controls.write()
    s.advance(30)
    assert s.record.rows[-1].battery_w == pytest.approx(-1500, abs=2)


def test_it_sees_a_second_device_in_one_chain():
    s = site_of(meter=MeterSettings(unit=1, serial="M-77"))
    device = scanned(s, 1)
    assert ids(device) == (1, 103, 120, 121, 122, 123, 1, 203)
    assert [m.SN.value for m in device.models[1]] == ["I-0001", "M-77"]


# Makes whose chains the standard allows; end_missing, end_zero and controls_single are no such.
@pytest.mark.parametrize("make", sorted(MAKES.keys() - {"sma", "sma_x", "kostal"}))
def test_it_reads_the_makes(make):
    settings = InverterSettings(**MAKES[make])
    s = site_of(inverters=(settings,))
    device = scanned(s, settings.unit)
    assert device.models[1][0].Mn.value == settings.maker
    live = next(m for m in device.model_list if m.model_id in (101, 103, 701))
    assert live.W.cvalue == pytest.approx(8000, abs=10)


def test_it_reads_sentinels_as_nothing():
    for family, model in (("1xx", 103), ("float", 113), ("7xx", 701)):
        s = site_of(inverters=(InverterSettings(1, family),))
        s.fault(asleep=True)
        live = scanned(s, 1).models[model][0]
        assert live.W.cvalue is None and live.Hz.cvalue is None
