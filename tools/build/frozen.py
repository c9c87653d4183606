"""The program of an image, as sources to freeze: slimmed, in one module, functions in flash.

Enters: a board's name, from its manifest.  Leaves: a folder for `freeze()`, and constants in the C
file that MicroPython's makemanifest is about to write (rom.py, romc.py).

    freeze(frozen("unix32"), opt=3)             # in boards/unix32/manifest.py

Names are not shortened: those of frozen code are in flash, and a trace can then be read as it is.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import sys
import traceback
from pathlib import Path

from tools.build.emit import emit
from tools.build.fold import fold
from tools.build.hoist import hoist
from tools.build.join import join
from tools.build.make import ROOT, ROOTS, reduce, sources, whole_of
from tools.build.rom import move
from tools.build.romc import finish
from tools.build.source import BuildError

HEAP = "64k"  # what the whole client has to do with, TLS outside
# Passes that are for bundles alone.
_OTHERS = frozenset({"__init__.py", "__main__.py", "lean.py", "make.py", "names.py"})
_ALL = sys.maxsize  # functions of the joined module: frozen, it leaves no garbage when imported


def frozen(board: str, texts: dict[str, str] | None = None,
           roots: tuple[str, ...] = ROOTS) -> str:
    """Make the folder; gives its path. `texts`, `roots`: other modules than the board's."""
    out = ROOT / "build" / board / "frozen"
    plan = write(texts or sources(board), out, roots)
    if "-o" in sys.argv:
        atexit.register(_finish, Path(sys.argv[sys.argv.index("-o") + 1]).resolve(), plan)
    return str(out)


def write(texts: dict[str, str], out: Path, roots: tuple[str, ...] = ROOTS) -> dict:
    """Slim and write the sources when something changed; gives the plan for rom.finish()."""
    note = out.with_suffix(".json")
    now = key(texts, _OTHERS)
    try:
        before = json.loads(note.read_text())
    except (OSError, ValueError):
        before = {}
    if before.get("key") == now and out.is_dir():
        return before["plan"]
    try:
        whole = whole_of(texts, roots)
        hoist(whole)
        reduce(whole)
        name = join(whole, _ALL)[-1]
        fold(whole, name)
        plan = move(whole, name)
    except (BuildError, SyntaxError) as error:
        raise SystemExit(f"the code cannot be frozen: {error}") from None
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    # All anew: makemanifest writes its file again only when a source is newer.
    for name, module in whole.modules.items():
        path = out / (name.replace(".", "/") + ("/__init__.py" if module.package else ".py"))
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(emit(module.tree))
    note.write_text(json.dumps({"key": now, "plan": plan}))
    return plan


def key(texts: dict[str, str], without: frozenset[str] = frozenset()) -> str:
    """A hash of the sources and of the passes, some of these left out."""
    passes = [p.read_text() for p in sorted(Path(__file__).parent.glob("*.py"))
              if p.name not in without]
    return hashlib.sha256(json.dumps([texts, passes]).encode()).hexdigest()


def image_of(board: str, kind: str = "", code: dict[str, str] | None = None) -> tuple[Path, str]:
    """(the executable, "" or why it cannot be used): it is missing or older than its sources.

    `kind`: "-tls-in-heap" or nothing; `code`: the modules that must be in it, {} for any.
    """
    path = ROOT / "build" / board / ("micropython" + kind)
    said = path.relative_to(ROOT)
    more = " ARGS=--tls-in-heap" if kind else ""
    make = f"make image BOARD={board}{more}"
    if not path.exists():
        return path, f"{said} is not built: {make}"
    built = path.stat().st_mtime
    settings = [f for name in ("sep2x509", "mbedtls", "unix32")
                for f in (ROOT / "boards" / name).rglob("*") if f.suffix in {".c", ".h", ".mk"}]
    note = path.with_name("frozen.json")
    old = max(f.stat().st_mtime for f in settings) > built
    if code != {}:
        now = key(sources(board) if code is None else code, _OTHERS)
        old = old or not note.exists() or note.stat().st_mtime > built or (
            json.loads(note.read_text())["key"] != now)
    return path, f"{said} is older than its sources: {make}" if old else ""


def image_command(board: str, flash: str | Path, heap: str = HEAP,
                  kind: str = "") -> tuple[list[str], dict[str, str]]:
    """The command line and environment that run a board's image on a flash folder.

    SystemExit says why there is no image to run.
    """
    path, why = image_of(board, kind)
    if why:
        raise SystemExit(why)
    argv = [str(path), "-X", f"heapsize={heap}", "-m", "main", str(Path(flash).resolve())]
    return argv, {**os.environ, "MICROPYPATH": ".frozen"}


def _finish(path: Path, plan: dict) -> None:
    # What is raised here would not reach make: the file goes, and the status says so.
    try:
        finish(path, plan)
    except Exception:
        traceback.print_exc()
        path.unlink(missing_ok=True)
        sys.stderr.flush()
        os._exit(1)
