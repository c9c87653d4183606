"""`make sizes`: bytecode and heap of each module, each package and the whole, as a table.

Enters: the sources of the unix board.  Leaves: a table and build/sizes.json.

Heap is that of the 64-bit unix port, where a word is 8 bytes: a 32-bit board needs about 0.63 of
it.  The rows are measured on a bundle that is slimmed and not joined (tools/build/join.py), each
module imported by itself with all of its names already known; the totals on three bundles: as it
is shipped, slimmed but not joined, and every module as it is written.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from tools.build import ROOT, modules, program, slim
from tools.build.join import in_order
from tools.build.make import LEVEL, ROOTS, compile_all, module_name
from tools.build.native import MICROPYTHON
from tools.build.source import Program

BOARD = "unix"
BUDGET = 700  # functions and classes that are resident at the same time
_CODE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)

# Import all once, so that every name is there; forget all; import again one by one.
_ASK = """
import gc, json, micropython, sys
order = ORDER
gc.collect()
before = gc.mem_alloc()
for name in order:
    __import__(name)
gc.collect()
total = gc.mem_alloc() - before
micropython.qstr_info()
for name in list(sys.modules):
    if name not in ("__main__", "sys"):
        del sys.modules[name]
rows = {}
for name in order:
    gc.collect()
    before = gc.mem_alloc()
    __import__(name)
    gc.collect()
    rows[name] = gc.mem_alloc() - before
print(json.dumps({"total": total, "rows": rows}))
"""


def sizes(board: str = BOARD) -> dict:
    """Measure; gives what build/sizes.json holds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = _measure(program(board), folder / "plain", "-O0")
        apart = program(board)
        slim(apart, joined=False)
        rows = _measure(apart, folder / "apart", LEVEL)
        whole = program(board)
        slim(whole)
        shipped = _measure(whole, folder / "whole", LEVEL)
    lines = {module_name(place): len(source.read_text().splitlines())
             for source, place in modules(board)}
    table = [{"module": name, "package": name.split(".")[0], "lines": lines[name],
              "functions": _functions(apart, name), "mpy": rows["mpy"].get(name, 0),
              "heap": rows["heap"].get(name, 0)} for name in sorted(lines)]
    totals = {name: {"mpy": sum(said["mpy"].values()), "heap": said["total"],
                     "names": said["names"]}
              for name, said in (("plain", plain), ("apart", rows), ("shipped", shipped))}
    return {"board": board, "modules": table, "totals": totals,
            "resident": sum(_functions(whole, name) for name in whole.modules), "budget": BUDGET}


def _functions(whole: Program, name: str) -> int:
    module = whole.modules.get(name)
    return sum(isinstance(n, _CODE) for n in ast.walk(module.tree)) if module else 0


def _measure(whole: Program, out: Path, level: str) -> dict:
    """{"mpy": {module: bytes}, "heap": {module: bytes}, "total", "names"} of a bundle."""
    compile_all(whole, out, {}, level)
    # main and boot do something when they are imported; both are a few lines.
    order = [name for name in in_order(whole) if name not in ROOTS[:2]]
    done = subprocess.run([MICROPYTHON, "-X", "heapsize=2m", "-c",
                           _ASK.replace("ORDER", repr(order))], capture_output=True, text=True,
                          env={**os.environ, "MICROPYPATH": f"{out}:.frozen"}, check=False)
    if done.returncode:
        raise SystemExit(f"the bundle cannot be imported: {done.stderr}{done.stdout}")
    said = json.loads(done.stdout.splitlines()[-1])
    mpy = {}
    for path in out.rglob("*.mpy"):
        mpy[module_name(path.relative_to(out))] = path.stat().st_size
    names = int(re.search(r"n_total_bytes=(\d+)", done.stdout).group(1))
    return {"mpy": mpy, "heap": said["rows"], "total": said["total"], "names": names}


def lines(said: dict) -> list[str]:
    """The table."""
    row = "{:<24}{:>7}{:>11}{:>9}{:>9}"
    out = [row.format("module", "lines", "functions", ".mpy", "heap")]
    packages: dict[str, list[dict]] = {}
    for module in said["modules"]:
        packages.setdefault(module["package"], []).append(module)
    columns = ("lines", "functions", "mpy", "heap")
    for package, members in packages.items():
        out.append(row.format(package, *(sum(m[c] for m in members) for c in columns)))
        if len(members) > 1:
            out += [row.format("  " + m["module"].partition(".")[2], *(m[c] for c in columns))
                    for m in members if m["module"] != package]
    out.append(row.format("all", *(sum(m[c] for m in said["modules"]) for c in columns)))
    out += ["", "{:<24}{:>9}{:>9}{:>9}".format("heap with names", ".mpy", "heap", "names")]
    for name, text in (("shipped", "as it is shipped"), ("apart", "slimmed, not joined"),
                       ("plain", "as it is written")):
        total = said["totals"][name]
        out.append(f"{text:<24}{total['mpy']:>9}{total['heap']:>9}{total['names']:>9}")
    out += ["", f"functions and classes: {said['resident']} of {said['budget']}"]
    return out


def main() -> None:
    """Print the table and keep the figures."""
    said = sizes()
    path = ROOT / "build" / "sizes.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(said, indent=1) + "\n")
    print("\n".join(lines(said)))


if __name__ == "__main__":
    main()
