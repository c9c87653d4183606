"""`make sizes`: bytecode and heap of each module, each package and the whole, as a table.

Enters: the sources of the unix board, the images of unix32 where they are built.  Leaves: a table
and build/sizes.json.

Heap is that of the 64-bit unix port, where a word is 8 bytes.  The rows are measured on a bundle
that is slimmed and not joined (tools/build/join.py), each module imported by itself with all of
its names already known; the totals on three bundles: as it is shipped, slimmed but not joined, and
every module as it is written.  Below them the image: how many functions and classes of its program
are resident, that is objects in the heap, against their budget, how many are constants in flash;
the heap that is taken when the firmware is ready, all tables made, no server asked yet; and the
least heap in which the client reads the tree, obeys a control and answers it, TLS outside the heap
and inside, looked for as `make bench` does, which goes on through polls and an outage.  Quick: in
the heap that each is promised, no search.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import json
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.bench.image import WHERE, Client
from tools.bench.port import least
from tools.bench.row import BenchError
from tools.build import ROOT, bundle, modules, program, slim
from tools.build.frozen import HEAP, image_command, image_of, write
from tools.build.join import in_order
from tools.build.make import LEVEL, compile_all, module_name, sources
from tools.build.native import MICROPYTHON
from tools.build.source import Program
from tools.pki import Authority

BOARD = "unix"
IMAGE = "unix32"
_NOT_RESIDENT = ("boot", "main", "provision", "enrol", "p256")
BUDGET = 700  # functions and classes that are in the heap at the same time
PROMISED = {"outside": int(HEAP.rstrip("k")), "inside": 96}  # KiB, by where TLS memory is
_STEP_KIB = 2
_EVENTS = 3
_CONFIG = {"server": "https://localhost:1/dcap", "inverter": "127.0.0.1:1/1",
           "meter": "127.0.0.1:1/200", "site_exp_w": 5000, "site_imp_w": 15000,
           "failsafe_exp_w": 1500, "failsafe_imp_w": 5000, "pin": 111115}
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


def sizes(board: str = BOARD, quick: bool = False) -> dict:
    """Measure; gives what build/sizes.json holds. The client runs while the code is compiled."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor() as pool:
        heaps = {where: pool.submit(heap, where, quick) for where in WHERE}
        folder = Path(name)
        plain = _measure(program(board), folder / "plain", "-O0")
        apart = program(board)
        slim(apart, joined=False)
        rows = _measure(apart, folder / "apart", LEVEL)
        shipped = _loaded(bundle(board), ["app"])
        frozen = image()
        frozen["least"] = {where: future.result() for where, future in heaps.items()}
    lines = {module_name(place): len(source.read_text().splitlines())
             for source, place in modules(board)}
    table = [{"module": name, "package": name.split(".")[0], "lines": lines[name],
              "functions": _functions(apart.modules[name].tree) if name in apart.modules else 0,
              "mpy": rows["mpy"].get(name, 0), "heap": rows["heap"].get(name, 0)}
             for name in sorted(lines)]
    totals = {name: {"mpy": sum(said["mpy"].values()), "heap": said["total"],
                     "names": said["names"]}
              for name, said in (("plain", plain), ("apart", rows), ("shipped", shipped))}
    return {"board": board, "modules": table, "totals": totals, "image": frozen}


def image(board: str = IMAGE) -> dict:
    """Of an image: {"resident", "flash", "budget", "heap", "why"}; "heap" None where `why`."""
    # What the image was built from, when it is of today: then nothing has to be made.
    there = not image_of(board)[1]
    folder = (ROOT / "build" if there else ROOT / "build" / "sizes") / board / "frozen"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests in parallel
        plan = write(sources(board), folder)
    count = {path.stem: _functions(ast.parse(path.read_text())) for path in folder.rglob("*.py")}
    flash = count.pop(plan["module"] + "_rom") + sum(bool(said[0]) for said in plan["classes"])
    taken, why = None, ""
    try:
        taken = ready(board)
    except SystemExit as missing:
        why = str(missing)
    return {"board": board, "resident": sum(count.values()), "flash": flash, "budget": BUDGET,
            "heap": taken, "why": why}


def heap(where: str, quick: bool) -> dict:
    """{"kib": the least heap, "searched", "why"}; quick: the promised one, None if it is short."""
    kind, low, high = WHERE[where]
    try:
        with tempfile.TemporaryDirectory() as folder, Client(folder, kind) as house:
            image_command(IMAGE, folder, kind=kind)  # whether there is one
            house.furnish(_EVENTS)
            if quick:
                low = high = PROMISED[where]
            kib = least(lambda k: house.obeys(k, 0) is not None, low, high, _STEP_KIB)
            why = "" if kib else f"the client does not run in {high} KiB: {house.last}"
    except (SystemExit, BenchError, AssertionError, OSError, ValueError) as error:
        kib, why = None, str(error).split("\n")[0]
    return {"kib": kib, "searched": not quick, "why": why}


def ready(board: str = IMAGE) -> dict[str, int]:
    """Bytes of heap that an image has taken at BOOT and at READY, of how many, as its log says.

    It is started without a server and devices that could answer. SystemExit where it is not built.
    """
    with tempfile.TemporaryDirectory() as name:
        flash = Path(name)
        Authority.create(critical_policies=True).device().write(flash)
        (flash / "config.txt").write_text("".join(f"{k} = {v}\n" for k, v in _CONFIG.items()))
        argv, env = image_command(board, flash)
        running = subprocess.Popen(argv, cwd=flash, env=env, stdout=subprocess.PIPE, text=True)
        try:
            said = {}
            for line in running.stdout:
                found = re.search(r" (BOOT|READY) .*", line)
                if found:
                    said[found[1]] = dict(re.findall(r"(\w+)=(\d+)", line))
                if "READY" in said:
                    break
        finally:
            running.kill()
            running.wait()
    if "READY" not in said:
        raise SystemExit(f"the image of {board} does not come to READY in {HEAP}")
    free, used = (int(said["READY"][word]) for word in ("free", "used"))
    return {"boot": free + used - int(said["BOOT"]["free"]), "ready": used, "of": free + used}


def _functions(tree: ast.AST) -> int:
    return sum(isinstance(n, _CODE) for n in ast.walk(tree))


def _measure(whole: Program, out: Path, level: str) -> dict:
    """Of a program that is compiled into `out`: what _loaded() gives."""
    compile_all(whole, out, {}, level)
    return _loaded(out, in_order(whole))


def _loaded(out: Path, order: list[str]) -> dict:
    """{"mpy": {module: bytes}, "heap": {module: bytes}, "total", "names"} of a bundle.

    All modules are imported, first those of `order`.
    """
    mpy = {module_name(path.relative_to(out)): path.stat().st_size
           for path in sorted(out.rglob("*.mpy"))}
    # main and boot do something when they are imported; both are a few lines.
    order = [name for name in dict.fromkeys([*order, *mpy])
             if name.split(".")[0] not in _NOT_RESIDENT]
    done = subprocess.run([MICROPYTHON, "-X", "heapsize=2m", "-c",
                           _ASK.replace("ORDER", repr(order))], capture_output=True, text=True,
                          env={**os.environ, "MICROPYPATH": f"{out}:.frozen"}, check=False)
    if done.returncode:
        raise SystemExit(f"the bundle cannot be imported: {done.stderr}{done.stdout}")
    said = json.loads(done.stdout.splitlines()[-1])
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
    image = said["image"]
    out += ["", f"image of {image['board']}: functions and classes in the heap "
            f"{image['resident']} of {image['budget']}, in flash {image['flash']}"]
    if image["heap"]:
        heap = image["heap"]
        out.append(f"its heap: {heap['boot']} at BOOT, {heap['ready']} at READY, of {heap['of']}")
    else:
        out.append(f"its heap: not measured, {image['why']}")
    for where, least_of in image["least"].items():
        kib, how = least_of["kib"], "the least" if least_of["searched"] else "enough"
        out.append(f"whole client, TLS {where} its heap: "
                   + (f"{kib} KiB, {how}" if kib else f"not run, {least_of['why']}"))
    return out


def main() -> None:
    """Print the table and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m tools.sizes", description="table of sizes")
    parser.add_argument("--quick", action="store_true", help="no search for the least heap")
    said = sizes(quick=parser.parse_args().quick)
    path = ROOT / "build" / "sizes.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(said, indent=1) + "\n")
    print("\n".join(lines(said)))


if __name__ == "__main__":
    main()
