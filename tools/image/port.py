"""Builds the image of a hardware board by its port's own build, with our board folder.

Enters: a board's name and a MicroPython checkout with its submodules (MPY_DIR).  Leaves: the file
that goes onto the board, in build/<board>.

    path = port_image("rp2", Path("../micropython"), variant="WIFI")

Needs the port's toolchain: arm-none-eabi-gcc and cmake for rp2, ESP-IDF's environment for esp32.
Limit: nothing is fetched; MicroPython 1.25 or newer, as no older one has the settings' names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.image.build import BOARDS, OUTER_MAKE, ROOT

LOG_TAIL = 30


class Port(NamedTuple):
    """A port's folder, what its build needs, what it leaves, and what must be checked out."""

    needs: tuple[str, ...]
    leaves: str
    modules: tuple[str, ...]
    remedy: str


PORTS = {
    "rp2": Port(("make", "cmake", "arm-none-eabi-gcc"), "firmware.uf2",
                ("lib/pico-sdk", "lib/mbedtls", "lib/lwip"),
                "Debian: apt-get install make cmake gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    "esp32": Port(("make", "cmake", "idf.py"), "firmware.bin", (),
                  "install ESP-IDF as ports/esp32/README.md says, then run its export.sh"),
}


def port_image(board: str, mpy_dir: Path, *, variant: str | None = None,
               out: Path | None = None) -> Path:
    """Build the image of a board; gives the file. SystemExit says what is missing."""
    port, folder = PORTS[board], mpy_dir.resolve() / "ports" / board
    _need(board, port, mpy_dir.resolve())
    if variant and not (BOARDS / board / f"mpconfigvariant_{variant}.cmake").exists():
        raise SystemExit(f"boards/{board} has no variant {variant}, but: {variants(board)}")
    out = out or ROOT / "build" / board
    build = out / ("build" if variant is None else "build-" + variant.lower())
    build.mkdir(parents=True, exist_ok=True)
    argv = ["make", f"-j{os.cpu_count()}", "-C", str(folder), f"BOARD_DIR={BOARDS / board}",
            f"BOARD=MICROSEP2_{board.upper()}", f"BUILD={build}",
            f"USER_C_MODULES={BOARDS / 'sep2x509' / 'micropython.cmake'}"]
    if variant:
        argv.append(f"BOARD_VARIANT={variant}")
    env = {k: v for k, v in os.environ.items() if k not in OUTER_MAKE}
    for name in ("BOARD", "MPY_DIR", "ARGS"):  # of our own make's command line
        env.pop(name, None)
    log = out / "build.log"
    with log.open("w") as said:
        done = subprocess.run(argv, env=env, stdout=said, stderr=subprocess.STDOUT, check=False)
    made = build / port.leaves
    if done.returncode or not made.exists():
        tail = "\n".join(log.read_text().splitlines()[-LOG_TAIL:])
        raise SystemExit(f"{tail}\nthe image was not built, see {log}")
    path = out / port.leaves
    shutil.copy2(made, path)
    return path


def variants(board: str) -> str:
    """The names of a board's variants."""
    files = sorted((BOARDS / board).glob("mpconfigvariant_*.cmake"))
    return ", ".join(f.stem.split("_", 1)[1] for f in files)


def _need(board: str, port: Port, mpy_dir: Path) -> None:
    """Find out before the build begins what it would stop for."""
    if not (mpy_dir / "ports" / board / "Makefile").exists():
        raise SystemExit(f"{mpy_dir} is no MicroPython checkout: say make image BOARD={board} "
                         "MPY_DIR=dir")
    if " " in str(mpy_dir) or " " in str(ROOT):
        raise SystemExit("MicroPython's makefiles cannot work in a path with a space")
    empty = [name for name in port.modules
             if not (mpy_dir / name).is_dir() or not any((mpy_dir / name).iterdir())]
    if empty:
        raise SystemExit(f"not checked out in {mpy_dir}: {', '.join(empty)} (make -C "
                         f"ports/{board} BOARD_DIR={BOARDS / board} submodules)")
    absent = [name for name in port.needs if not shutil.which(name)]
    if absent:
        raise SystemExit(f"missing: {', '.join(absent)} ({port.remedy})")
