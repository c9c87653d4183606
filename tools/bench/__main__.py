"""`python -m tools.bench [--quick] [--only NAME]`: measures, prints the table, writes the JSON.

Enters: the working tree.  Leaves: the table, build/bench.json; exit status 0 also where an aim is
missed: a bench measures, tests decide.  Takes some 80 s on two cores, of which a minute waits, but
ten minutes for the thirty days of `days`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

from tools.bench import client, controller, day, days, image, later, parse, tick
from tools.bench.row import BenchError, Row, table
from tools.check_imports import ROOT

FAMILIES = {"list": parse, "tick": tick, "controller": controller, "client": client,
            "image": image, "day": day, "days": days, "later": later}
TIMED = {"list", "tick"}
JSON = ROOT / "build" / "bench.json"


def rows_of(name: str, quick: bool) -> list[Row]:
    """The rows of a family, with what could be measured; the cause where nothing could."""
    family = FAMILIES[name]
    rows = [Row(**{**row.__dict__, "key": f"{name}.{row.key}"}) for row in family.ROWS]
    try:
        found = family.measure(quick)
    except BenchError as error:
        found = {}
        for row in rows:
            row.note = str(error)
    for row in rows:
        reading = found.get(row.key.partition(".")[2])
        if isinstance(reading, str):
            row.note = reading              # why it was not measured
        elif reading is not None:
            row.take(reading)
    return rows


def all_rows(names, quick: bool) -> list[Row]:
    """Families that are timed one by one, then the others side by side; quick: all at once."""
    alone = [] if quick else [name for name in names if name in TIMED]
    found = {name: rows_of(name, quick) for name in alone}
    together = [name for name in names if name not in found]
    with ThreadPoolExecutor(len(FAMILIES)) as pool:
        found.update(zip(together, pool.map(lambda name: rows_of(name, quick), together)))
    return [row for name in names for row in found[name]]


def machine() -> dict:
    """Where and when: a figure without it says little."""
    return {"when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "machine": platform.machine(), "cores": os.cpu_count(),
            "python": platform.python_version(), "load": os.getloadavg()[0]}


def _seeds(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="every row with few runs, for the tests: figures mean little")
    parser.add_argument("--only", choices=list(FAMILIES), help="one family of figures")
    parser.add_argument("--seeds", type=_seeds, default=controller.SEEDS, metavar="1,2,3",
                        help="of the controller's days; quick: the first alone")
    parser.add_argument("--json", type=Path, default=JSON, help="where the JSON goes")
    said = parser.parse_args()
    controller.SEEDS = said.seeds
    begun, rows = time.monotonic(), all_rows([said.only] if said.only else FAMILIES, said.quick)
    took = time.monotonic() - begun
    laws = controller.text(rows)
    print(table(rows) + (f"\n\n{laws}" if laws else ""))
    said.json.parent.mkdir(parents=True, exist_ok=True)
    said.json.write_text(json.dumps({
        **machine(), "quick": said.quick, "seeds": said.seeds, "seconds": round(took, 1),
        "rows": [row.as_json() for row in rows]}, indent=1) + "\n")
    print(f"\n{len(rows)} rows in {took:.0f} s; as JSON: {said.json}"
          + (" (quick: figures mean little)" if said.quick else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
