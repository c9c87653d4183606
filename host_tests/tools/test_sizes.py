"""tools/sizes.py: the table is whole and its sums agree."""

import pytest

from tools import sizes as subject
from tools.build import ROOT


@pytest.fixture(scope="module")
def said():
    return subject.sizes(quick=True)


def test_every_package_and_module_is_there(said):
    packages = {p.name for p in (ROOT / "lib").iterdir() if p.is_dir()}
    packages |= {p.stem for p in (ROOT / "firmware").glob("*.py")}
    packages |= {p.stem for p in (ROOT / "boards" / "unix").glob("*.py")} - {"manifest"}
    assert {row["package"] for row in said["modules"]} == packages
    assert {"sep2.record", "sep2", "main"} <= {row["module"] for row in said["modules"]}


def test_totals_agree(said):
    totals = said["totals"]
    rows = sum(row["heap"] for row in said["modules"])
    apart = totals["apart"]
    # Beside the modules: the names, and the dict of sys.modules.
    assert 0 <= apart["heap"] - rows - apart["names"] < 4096
    assert sum(row["mpy"] for row in said["modules"]) == apart["mpy"]
    assert all(total["names"] < total["heap"] for total in totals.values())


def test_slimming_pays_at_each_step(said):
    totals = said["totals"]
    assert totals["shipped"]["heap"] < totals["apart"]["heap"] < totals["plain"]["heap"]
    assert totals["shipped"]["heap"] < 0.75 * totals["plain"]["heap"]


def test_the_code_is_within_its_budget(said):
    image = said["image"]
    assert 0 < image["resident"] <= image["budget"]
    assert image["flash"] > 10 * image["resident"]


def test_the_heap_at_ready_is_that_of_the_image(need_image, said):
    need_image("unix32")
    heap = said["image"]["heap"]
    assert 0 < heap["boot"] < heap["ready"] < heap["of"] <= 64 * 1024
    assert heap["boot"] < 8 * 1024, "code is in the heap"


@pytest.mark.parametrize("where, kind", [("outside", ""), ("inside", "-tls-in-heap")])
def test_the_whole_client_runs_in_the_heap_that_is_promised(need_image, said, where, kind):
    need_image("unix32", kind=kind)
    row = said["image"]["least"][where]
    assert row["kib"] == subject.PROMISED[where] and not row["searched"], row
    assert f"TLS {where} its heap: {row['kib']} KiB" in "\n".join(subject.lines(said))


def test_a_heap_that_is_too_small_is_said_to_be(need_image, monkeypatch):
    need_image("unix32", kind="-tls-in-heap")
    monkeypatch.setitem(subject.PROMISED, "inside", 64)
    row = subject.heap("inside", quick=True)
    assert row["kib"] is None and "does not run in 64 KiB" in row["why"], row


def test_the_table_shows_all_of_it(said):
    text = "\n".join(subject.lines(said))
    for row in said["modules"]:
        assert row["module"].rpartition(".")[2] in text
    assert str(said["totals"]["shipped"]["heap"]) in text
    assert f"in the heap {said['image']['resident']} of 700" in text
