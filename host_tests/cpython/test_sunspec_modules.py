"""DC inputs against pysunspec2: any modules of models 160 and 714 decode as it decodes them."""

import struct
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sunspec import ABSENT, OK, Walk
from sunspec.ratings import PV, Modules
from sunspec2 import device

# Of each model: its group, then power, voltage, current and state; the number of modules.
NAMES = {160: ("module", "DCW", "DCV", "DCA", "DCSt", "N"),
         714: ("Prt", "DCW", "DCV", "DCA", "DCSta", "NPrt")}
RANGES = {"int16": (-32767, 32767), "uint16": (0, 65534), "enum16": (0, 65534)}
_HEAD = {160: (8, 20), 714: (18, 25)}
_TOP = 0x3FFFFFFF


def drawn(model, n, data):
    """n modules with any values and any scale factors, as pysunspec2 writes them."""
    head, size = _HEAD[model]
    group, *names, _count = NAMES[model]
    blank = [model, head + size * n, *([0xFFFF] * (head + size * n))]
    blank[8 if model == 160 else 4] = n
    theirs = device.Model(model_id=model, model_len=head + size * n,
                          data=struct.pack(f">{len(blank)}H", *blank))
    for name, point in theirs.points.items():
        if point.pdef["type"] == "sunssf":
            point.value = data.draw(st.integers(-10, 10) | st.none(), name)
    assert len(theirs.groups.get(group, [])) == n
    for module in theirs.groups.get(group, []):
        if model == 714:
            module.points["PrtTyp"].value = data.draw(st.integers(0, 6))
        for name in names:
            kind = module.points[name].pdef["type"]
            module.points[name].value = data.draw(st.integers(*RANGES[kind]) | st.none(), name)
    return theirs


def scaled(theirs, module, name, places):
    point = module.points[name]
    factor = theirs.points[point.pdef["sf"]].value
    if point.value is None or factor is None:
        return ABSENT
    exact = point.value * 10**(factor + places) if factor + places >= 0 else (
        abs(point.value) // 10**-(factor + places) * (-1 if point.value < 0 else 1))
    return exact if abs(exact) <= _TOP else ABSENT


@pytest.mark.parametrize("model", [160, 714])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_modules_decode_as_pysunspec2_decodes_them(model, data):
    n = data.draw(st.integers(0, 5))
    theirs = drawn(model, n, data)
    words = struct.unpack(f">{theirs.len}H", theirs.get_mb())
    walk, answers = Walk(2), [[0x5375, 0x6E53], words[:2], [0xFFFF, 0]]
    while walk.next(None):
        walk.took(0, answers.pop(0))
    inputs, regs = Modules(walk, 0), array("H", bytes(256))
    while inputs.next(regs):
        first = inputs.addr - 40002
        inputs.took(0, array("H", words[first:first + inputs.count]))
    assert inputs.result == OK and inputs.n == inputs.there == n
    group, w, v, a, state, _count = NAMES[model]
    for i, module in enumerate(theirs.groups.get(group, [])):
        assert inputs.w[i] == scaled(theirs, module, w, 0)
        assert inputs.dv[i] == scaled(theirs, module, v, 1)
        assert inputs.ma[i] == scaled(theirs, module, a, 3)
        assert inputs.kinds[i] == (PV if model == 160 else module.points["PrtTyp"].value)
        value = module.points[state].value
        assert inputs.st[i] == (ABSENT if value is None else value)
