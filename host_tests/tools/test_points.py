"""lib/sunspec/points.py is what the generator writes, and agrees with pysunspec2's own loader."""

import runpy
import sys
from pathlib import Path

import pytest
from sunspec2 import device

from tools import points
from tools.points import (
    APART,
    FAMILIES,
    KINDS,
    NO_POINT,
    SINGLE,
    STRING,
    UINT32,
    WRITTEN,
    Family,
)

sys.path.insert(0, str(Path(__file__).parent.parent / "cpython"))  # const() of MicroPython
TABLES = runpy.run_path(str(points.TARGET))
CASES = [(family, model) for family in FAMILIES for model in family.models]


def loaded(model):
    """{name: (offset, registers, type, scale factor's name)} as pysunspec2 has it."""
    offset, found = 0, {}
    for name, point in device.Model(model_id=model).points.items():
        found[name] = (offset, point.len, point.pdef["type"], point.pdef.get("sf", ""))
        offset += point.len
    return found


def test_the_file_is_what_the_generator_writes():
    assert points.main(["--check"]) == 0


def test_check_tells_a_file_that_is_out_of_date_or_missing(tmp_path, capsys):
    target = tmp_path / "points.py"
    assert points.main(["--check"], target) == 1
    assert points.main([], target) == 0 and points.main(["--check"], target) == 0
    target.write_text(target.read_text().replace("x0a", "x0b", 1))
    assert points.main(["--check"], target) == 1
    assert "out of date" in capsys.readouterr().out


@pytest.mark.parametrize(("family", "model"), CASES, ids=str)
def test_every_point_stands_where_pysunspec2_has_it(family, model):
    table, known = TABLES[family.name], loaded(model)
    assert len(table) == 2 + 3 * len(family.block)
    for i, name in enumerate(family.block):
        row = table[2 + 3 * i:5 + 3 * i]
        if name is None:
            assert row == NO_POINT
            continue
        at, second, kind = row
        offset, size, kind_name, sf = known[name]
        assert (at, kind) == (offset, KINDS[kind_name] + (APART if family.apart and sf else 0))
        if kind == STRING:
            assert second == size
        else:
            assert size == (2 if kind_name in ("float32", "uint32", "bitfield32") else 1)
            assert second == (known[sf][0] if sf else 0), name
            assert not sf or known[sf][2] == "sunssf"
            # A factor's offset, less the 16 that stand for 0, must not pass for a factor.
            assert not kind & APART or second - 16 > 10


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_the_block_holds_its_points_and_is_read_in_one_go(family):
    known = loaded(family.models[0])
    start, count = TABLES[family.name][:2]
    needed = set(family.block) - {None} | ({family.first} - {""})
    if not family.apart:
        needed |= {known[name][3] for name in needed} - {""}
    assert min(known[name][0] for name in needed) == start
    assert max(known[name][0] + known[name][1] for name in needed) == start + count <= 125
    assert count <= 84


@pytest.mark.parametrize("written", WRITTEN, ids=lambda w: w.name)
def test_every_written_register_stands_where_pysunspec2_has_it(written):
    known = loaded(written.model)
    offsets = [known[name][0] + i for name in written.points for i in range(known[name][1])]
    assert list(TABLES[written.name]) == offsets
    assert STRING not in {KINDS[known[name][2]] for name in written.points}
    assert UINT32 == KINDS["int32"]


@pytest.mark.parametrize("name", SINGLE)
def test_every_single_register_stands_where_pysunspec2_has_it(name):
    model, point = SINGLE[name]
    assert TABLES[name] == loaded(model)[point][0] and loaded(model)[point][1] == 1


def test_what_is_read_once_is_the_blocks_and_factors_of_the_drivers():
    table = TABLES["ONCE"]
    rows = [(100 * table[i] + table[i + 1], *table[i + 2:i + 4]) for i in range(0, len(table), 4)]
    known = {model: loaded(model) for model, _, _ in rows}
    assert rows[0] == (120, *TABLES["NAMEPLATE"][:2]) and rows[1] == (121, *TABLES["SETTINGS"][:2])
    assert rows[2] == (702, *TABLES["DER_RATINGS"][:2]) == (702, *TABLES["DER_SETTINGS"][:2])
    assert rows[3] == (123, known[123]["WMaxLimPct_SF"][0], 1)
    assert rows[4] == (704, known[704]["WMaxLimPct_SF"][0], 2)
    assert known[704]["WSet_SF"][0] == rows[4][1] + 1
    assert rows[5] == (124, *TABLES["CHARGE"][:2]) and rows[6] == (713, *TABLES["BATTERY_DER"][:2])
    assert rows[7][:2] == (701, TABLES["FACTORS"]) and rows[8] == (701, *TABLES["STATE_DER"][:2])
    factors = {TABLES["INVERTER_DER"][i + 1] for i in range(2, 41, 3)}
    assert min(factors) >= rows[7][1] and max(factors) < rows[7][1] + rows[7][2]


def test_models_that_differ_in_a_point_make_no_family():
    with pytest.raises(ValueError, match="MIXED: W is not the same"):
        points.family_rows(Family("MIXED", (103, 203), ("W",)))
