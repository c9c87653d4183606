"""Not ours to change (handbook 7.7.1, note): what a utility may say and no device ever hears.

Protection settings, curves, power factor, var and frequency modes come in the default and in a
control of every kind.  Every register of the inverter is compared, and every write.
"""

import re

import pytest
from house import living
from procedure import told
from tools.site import InverterSettings, Settings
from tools.site.layout import layout
from tools.utility.profiles import PROFILES
from tools.utility.schema import Schema

# What is ours to write, by model and point.
OURS = {(123, name) for name in ("Conn", "WMaxLimPct", "WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms",
                                 "WMaxLimPct_RmpTms", "WMaxLim_Ena")}
OURS |= {(704, name) for name in ("WMaxLimPct", "WMaxLimPctRvrt", "WMaxLimPctEna",
                                  "WMaxLimPctEnaRvrt", "WMaxLimPctRvrtTms",
                                  "WMaxLimPctRvrtRem")} | {(703, "ES")}  # it counts down itself
MEASURED = {101, 103, 122, 701}  # what is read there changes by itself
CURVES = ("FreqWatt", "HFRTMayTrip", "HFRTMustTrip", "HVRTMayTrip", "HVRTMomentaryCessation",
          "HVRTMustTrip", "LFRTMayTrip", "LFRTMustTrip", "LVRTMayTrip", "LVRTMomentaryCessation",
          "LVRTMustTrip")
LATER_CURVES = ("VoltVar", "VoltWatt", "WattPF", "WattVar")


def links(names):
    """A link to a curve for each mode."""
    return "".join(f'<opMod{name} href="/curve/{i}"/>' for i, name in enumerate(names))


def factor(name, leading):
    """A power factor of 0.90."""
    return (f"<{name}><displacement>90</displacement><excitation>{leading}</excitation>"
            f"<multiplier>-2</multiplier></{name}>")


MODES = (factor("opModFixedPFAbsorbW", "true") + factor("opModFixedPFInjectW", "false")
         + "<opModFixedVar><refType>1</refType><value>4000</value></opModFixedVar>"
         "<opModFreqDroop><dBOF>36</dBOF><dBUF>36</dBUF><kOF>50</kOF><kUF>50</kUF>"
         "<openLoopTms>500</openLoopTms></opModFreqDroop>" + links(CURVES)
         + "<opModTargetVar><multiplier>0</multiplier><value>3000</value></opModTargetVar>"
         + links(LATER_CURVES)).encode()
SETTINGS = "".join(f"<{name}>{value}</{name}>" for name, value in (
    ("setESDelay", 100), ("setESHighFreq", 5020), ("setESHighVolt", 1100), ("setESLowFreq", 4800),
    ("setESLowVolt", 900), ("setESRampTms", 1000), ("setESRandomDelay", 3000))).encode()
SOFT = b"<setSoftGradW>50</setSoftGradW>"


def with_them(kind, body):
    """The body of a default or a list of controls with all of it, in the schema's order."""
    body = re.sub(rb"<DERControlBase>", rb"<DERControlBase>" + MODES, body)
    if kind == "dderc":
        body = body.replace(b"</DERControlBase>", b"</DERControlBase>" + SETTINGS)
        body = body.replace(b"</setGradW>", b"</setGradW>" + SOFT)
    return body


def registers(house):
    """{(model, offset): word} of every register that does not measure."""
    return {(model, at): word
            for model, words in house.site.inverters[0].models(house.now)
            if model not in MEASURED for at, word in enumerate(words)}


def name_at(model, offset):
    """The point of which that register is a part."""
    return max((p for p in layout(model).points.values() if p.offset <= offset),
               key=lambda p: p.offset).name


def life(folder, family, odd):
    """A default and a control; what changed in the inverter, and what was written when."""
    served = {}

    def tamper(kind, reply):
        if odd and reply.status == 200 and kind in {"dderc", "dercl"}:
            body = with_them(kind, reply.body)
            served[kind] = served.get(kind, b"") + body
            assert not Schema.of(PROFILES["eql"]).errors(body), body
            return reply._replace(body=body)
        return None

    folder.mkdir()
    settings = Settings(inverters=(InverterSettings(1, family, wmax_w=10000),))
    with living(folder, settings=settings, config={"sample_ms": 1000}) as house:
        house.tamper = tamper
        house.default(exp_w=3000, grad=100)
        event = house.publish(60, 60, exp_w=2000)
        before = registers(house)
        house.boot()
        house.run(180)
        assert house.statuses(event) == [1, 2, 3] and not house.said("EVENT_UNREADABLE")
        assert house.limits()[-1][1:] == (3000, "default")
        assert told(house, "derg")[-1]["setGradW"] == 100
        after = registers(house)
        assert before.keys() == after.keys()
        changed = {place for place in before if before[place] != after[place]}
        writes = [what for _, kind, what in house.story if kind == "write"]
    return served, changed, writes


@pytest.mark.parametrize("family", ["1xx", "7xx"])
def test_what_is_not_ours_to_change_reaches_no_device(tmp_path, family):
    plain = life(tmp_path / "plain", family, odd=False)
    served, changed, writes = life(tmp_path / "odd", family, odd=True)
    assert MODES in served["dderc"] and MODES in served["dercl"]
    assert SETTINGS in served["dderc"] and SOFT in served["dderc"]
    named = {(model, name_at(model, at)) for model, at in changed}
    assert named and named <= OURS, named - OURS
    assert changed == plain[1]
    # Unit, function and address of each write: the same as without them.
    assert {frame[12:20] for frame in writes} == {frame[12:20] for frame in plain[2]}
