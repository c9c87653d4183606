"""One step of lib/sitecontrol on the unix port: what it allocates and how long it takes.

argv: DEVICES STEPS.  Leaves: one line of JSON.  One device is PV; four are two PV, a battery and a
load.  The devices hold their bands, under a load that changes each second.
"""

import gc
import json
import sys
import time

import micropython
from sitecontrol import BATTERY, LOAD, PV, Site


def site_of(n):
    """A site of that many devices."""
    site = Site(n)
    site.devices = n
    site.add(PV, 10000)
    if n > 1:
        site.add(PV, 5000)
        site.add(BATTERY, 5000, 5000)
        site.add(LOAD, 0, 7000)
    site.exp_w, site.imp_w, site.gen_w, site.load_w = 3000, 6000, 12000, 9000
    return site


def run(site, steps):
    """Steps by the clock: (all, the longest) in us."""
    total = worst = changes = 0
    for k in range(steps):
        made = 0
        for i in range(site.devices):
            w = site.high_w[i] * 9 // 10 if site.kind[i] != LOAD else site.low_w[i]
            changes += w != site.power_w[i]
            site.power_w[i] = w
            made += w
        site.export_w = made - 500 - k // 5 * 977 % 6000 - k * 61 % 30
        site.import_w = -site.export_w
        begun = time.ticks_us()
        site.step()
        took = time.ticks_diff(time.ticks_us(), begun)
        total += took
        worst = max(worst, took)
    site.total, site.worst, site.changes = total, worst, changes


def locked(site, steps):
    """True when that many steps go by under a locked heap."""
    micropython.heap_lock()
    try:
        run(site, steps)
    except MemoryError:
        return False
    finally:
        micropython.heap_unlock()
    return True


def main(n, steps):
    """Measure, and say what was steered meanwhile, so that nobody measures an idle site."""
    site = site_of(n)
    run(site, 100)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    run(site, steps)
    allocated = gc.mem_alloc() - before
    gc.enable()
    print(json.dumps({
        "steps": steps, "bytes": allocated, "us": site.total, "worst_us": site.worst,
        "changes": site.changes, "state": site.state, "locked": locked(site, steps)}))


main(int(sys.argv[1]), int(sys.argv[2]))
