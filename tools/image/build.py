"""Builds a board's image from the source tree: mpy-cross first, then the unix port.

Enters: a board's name.  Leaves: build/<board>/micropython, stripped; with TLS in the heap
build/<board>/micropython-tls-in-heap beside it.

    path = image("unix32", tls_in_heap=True)

Objects and logs are kept in build/image, so that a second build compiles what changed alone.
Where an image is its parent's but for the code (boards/unix32/virtual), it begins with the
parent's objects if those are there.
Limit: one build of an image at a time; beside others once one has made mpy-cross.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.image.sources import source_tree

ROOT = Path(__file__).resolve().parents[2]
BOARDS = ROOT / "boards"
WORK = ROOT / "build" / "image"
PACKAGES = "gcc-multilib make xz-utils bzip2"
# An outer make's own arguments (BOARD=...) would reach MicroPython's makefiles.
OUTER_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
LOG_TAIL = 30


def image(board: str, *, tls_in_heap: bool = False) -> Path:
    """Build the image of a board; gives the executable. SystemExit says what is missing."""
    folder = BOARDS / board
    if not (folder / "mpconfigvariant.mk").exists():
        known = sorted(p.parent.name for p in BOARDS.glob("*/mpconfigvariant.mk"))
        raise SystemExit(f"no image is built for {board}, but for: {', '.join(known)}")
    _need_tools()
    WORK.mkdir(parents=True, exist_ok=True)
    tree, versions = source_tree(WORK)
    print(", ".join(f"{name} {version}" for name, version in versions.items()))

    kind = "-tls-in-heap" if tls_in_heap else ""
    cross, objects = WORK / "mpy-cross", WORK / (board + kind)
    _forget_if_settings_changed(folder, objects)
    if not objects.exists() and as_its_parent(folder):
        _begin_with(WORK / (folder.parent.name + kind), objects, folder.parent)
    make(tree / "mpy-cross", cross, versions)
    make(tree / "ports" / "unix", objects, versions, f"VARIANT_DIR={folder}",
         f"USER_C_MODULES={BOARDS}", f"SEP2_TLS_IN_HEAP={int(tls_in_heap)}")

    out = ROOT / "build" / board / ("micropython" + kind)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    shutil.copy2(objects / "micropython", part)
    part.replace(out)  # a running image stays whole
    return out


def _forget_if_settings_changed(folder: Path, objects: Path) -> None:
    """Make follows sources and headers, but not the makefiles that give it flags: start anew."""
    made = objects / "micropython"
    settings = [*folder.glob("*.mk"), *folder.glob("*.h"), *BOARDS.glob("*/micropython.mk")]
    if made.exists() and made.stat().st_mtime < max(f.stat().st_mtime for f in settings):
        shutil.rmtree(objects)


def as_its_parent(folder: Path) -> bool:
    """True when an image has the settings of its parent folder, and not one of its own."""
    said = []
    for name in ("mpconfigvariant.mk", "mpconfigvariant.h"):
        lines = (folder / name).read_text().splitlines()
        said += [line for line in lines if line and not line.startswith(("# ", "// "))]
    return said == ["include $(VARIANT_DIR)/../mpconfigvariant.mk",
                    '#include "../mpconfigvariant.h"']


def _begin_with(parent: Path, objects: Path, settings: Path) -> None:
    """Copy what the parent's build left, with its times; not what has its code or its name."""
    _forget_if_settings_changed(settings, parent)
    if not (parent / "micropython").exists():
        return
    others = [p.parent.name + end for p in settings.glob("*/mpconfigvariant.mk")
              for end in ("", ".log")]
    part = objects.with_name(objects.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(parent, part, ignore=shutil.ignore_patterns(
        "frozen_*", "modsys.o", "micropython*", "*.part", *others))
    for rules in part.rglob("*.P"):  # what an object depends on: from now on our own headers
        rules.write_text(rules.read_text().replace(f"{parent}/", f"{objects}/"))
    part.rename(objects)


def make(folder: Path, build: Path, versions: dict[str, str], *arguments: str) -> None:
    """Run one of MicroPython's makefiles, its output to <build>.log. SystemExit when it fails."""
    env = {k: v for k, v in os.environ.items() if k not in OUTER_MAKE}
    # Without a tag MicroPython would take the version from our own git repository.
    env["MICROPY_GIT_TAG"] = "v" + versions["micropython"].split("+")[0]
    env["MICROPY_MPYCROSS"] = str(WORK / "mpy-cross" / "mpy-cross")
    log = build.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = ["make", f"-j{os.cpu_count()}", "-C", str(folder), f"BUILD={build}",
            f"PYTHON={sys.executable}", *arguments]
    with log.open("w") as out:
        done = subprocess.run(argv, env=env, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        tail = "\n".join(log.read_text().splitlines()[-LOG_TAIL:])
        raise SystemExit(f"{tail}\nthe image was not built, see {log}")


def _need_tools() -> None:
    """Find out before anything is fetched what the build would stop for."""
    if " " in str(ROOT):
        raise SystemExit("MicroPython's makefiles cannot work in a path with a space")
    absent = [name for name in ("make", "gcc", "tar", "xz", "bzip2") if not shutil.which(name)]
    if not absent and not _compiles_32_bit():
        absent = ["a C compiler for 32-bit programs"]
    if absent:
        raise SystemExit(f"missing: {', '.join(absent)} (Debian: apt-get install {PACKAGES})")


def _compiles_32_bit() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        argv = ["gcc", "-m32", "-x", "c", "-", "-o", folder + "/trial"]
        source = "#include <errno.h>\nint main(void) { return errno; }\n"
        return subprocess.run(argv, input=source, capture_output=True, text=True,
                              check=False).returncode == 0
