"""Counts the write requests that each steered device got in its life, since some wear by them.

Enters: steered devices as they are found, and the moments to keep.  Leaves: their counts, in
Steered.writes and in a file of the flash.

    recall(devices, device)        # just found: it goes on where its count was left
    keep(store, fleet)             # once an hour and at a clean stop

    writes.txt, a line a device:   count TAB unit TAB line TAB serial number

A device is known by its line, its unit and its serial number; another one in its place begins at
0.  A power cut loses what came since the last keeping, an hour's writes at most.  What
commissioning writes is not in it.  Loaded on demand and let go of after each use.  Allocates.
"""

import sys

import log

_FILE = "writes.txt"
_MAX = 1024


def recall(devices, device):
    """Take over the count of the device that `devices` has just found, and say it. See above."""
    sys.modules.pop("wear", None)
    serial = devices.serial.replace("\n", " ")
    if device.serial == serial or (device.serial and not serial):
        return  # lost and found: its count was never lost
    device.serial = serial
    device.writes = 0
    try:
        for count, unit, line, who in _lines(devices.store):
            # A device that could not say who it is counts as the one that was there.
            if (unit, line) == (str(device.unit), device.bus.name) and (
                    who == serial or not serial):
                device.serial, device.writes = who, int(count)
    except (OSError, ValueError) as exc:
        log.warn("WRITES_UNREAD", "error", repr(exc))
    log.info("WRITES", "unit", device.unit, "n", device.writes)


def keep(store, fleet):
    """Write the counts down when one has grown. What was not found since boot keeps its line.

    OSError when the flash is full or read-only.
    """
    sys.modules.pop("wear", None)
    found = {}
    for device in fleet:
        if device.serial is not None:
            found[str(device.unit), device.bus.name] = device
    lines = [(str(device.writes), unit, line, device.serial)
             for (unit, line), device in found.items()]
    try:
        old = _lines(store)
    except (OSError, ValueError):  # damaged: recall() has said so
        old = []
    lines += [row for row in old if (row[1], row[2]) not in found]
    if sorted(lines) != sorted(old):
        store.write(_FILE, "".join("\t".join(row) + "\n" for row in lines).encode())


def _lines(store):
    # (count, unit, line, serial number), all texts.
    data = store.read(_FILE, _MAX) or b""
    rows = [tuple(row.split("\t", 3)) for row in data.decode().split("\n") if row]
    for row in rows:
        if len(row) < 4 or not row[0].isdigit():
            raise ValueError(_FILE)
    return rows
