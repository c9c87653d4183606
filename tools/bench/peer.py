"""py20305's own parse of a DERControlList, in a process of its own: what ours is measured against.

argv: FILE (one document) RUNS.  Leaves: one line of JSON: how many controls came out, the time of
each parse in ms (the first, which builds xsdata's tables, left out), the memory that the last one
took.

    python -m tools.bench.peer list.xml 9

Limit: it stops at py20305's objects, where ours goes on to the schedule's table; tracemalloc
sees Python's objects only, not lxml's tree.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import tracemalloc
from pathlib import Path

from py20305.models.sep.sep import DercontrolList
from py20305.xml.serialization import from_xml


def measure(document: bytes, runs: int) -> dict:
    """Parse once to warm up, `runs` times by the clock, once under tracemalloc."""
    made = from_xml(document, DercontrolList)
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        made = from_xml(document, DercontrolList)
        times.append((time.perf_counter() - begun) * 1000)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    del made
    tracemalloc.start()
    made = from_xml(document, DercontrolList)
    return {"n": len(made.dercontrol), "ms": times, "peak": tracemalloc.get_traced_memory()[1],
            "resident_kib": resident}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]).read_bytes(), int(sys.argv[2]))))
