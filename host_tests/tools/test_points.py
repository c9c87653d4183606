"""lib/sunspec/points.py is what the generator writes, and agrees with pysunspec2's own loader."""

import runpy

import pytest
from sunspec2 import device

from tools import points
from tools.points import FAMILIES, KINDS, STRING, Family

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
    names = family.block + family.beside
    assert len(table) == 2 + 3 * len(names)
    for i, name in enumerate(names):
        at, second, kind = table[2 + 3 * i:5 + 3 * i]
        offset, size, kind_name, sf = known[name]
        assert (at, kind) == (offset, KINDS[kind_name]), name
        if kind == STRING:
            assert second == size
        else:
            assert size == (2 if kind_name == "float32" else 1)
            assert second == (known[sf][0] if sf else 0), name
            assert not sf or known[sf][2] == "sunssf"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_the_block_holds_its_points_and_is_read_in_one_go(family):
    known = loaded(family.models[0])
    start, count = TABLES[family.name][:2]
    needed = set(family.block)
    if family.with_sf:
        needed |= {known[name][3] for name in family.block} - {""}
    assert min(known[name][0] for name in needed) == start
    assert max(known[name][0] + known[name][1] for name in needed) == start + count <= 125


def test_models_that_differ_in_a_point_make_no_family():
    with pytest.raises(ValueError, match="MIXED: W is not the same"):
        points.family_rows(Family("MIXED", (103, 203), ("W",)), ("W",))
