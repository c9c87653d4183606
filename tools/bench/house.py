"""A house with a battery and a charger that draw too much, steered by lib/sitecontrol and not.

Enters: how long, an import limit or a load limit.  Leaves: plant.Books of that limit.

    steered(True, 1800, 5000, None).longest_s

The house is that of the law's own tests (host_tests/unix/premises.py): PV 5 kW, a battery of 5 kW
that keeps the meter at 0 by itself until it is told otherwise, a charger of 7 kW that is on for
ten minutes of fifteen, a hard day of sun and load.  Under the load limit the battery charges.

Limit: what no band could avoid, since the load that nobody steers draws it alone, is not counted.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

from tools.bench import laws  # lib/ becomes importable by it
from tools.bench.plant import TICK_MS, WH, Books
from tools.check_imports import ROOT

_SPEC = spec_from_file_location("premises", ROOT / "host_tests" / "unix" / "premises.py")
premises = module_from_spec(_SPEC)
_SPEC.loader.exec_module(premises)

_SEED = 4
_CHARGER_W = 7000
_ON_S, _CYCLE_S = 600, 900
_IMPORT, _LOAD = 1, 3                       # indexes of House.books


def steered(bands: bool, seconds: int, imp_w: int | None, load_w: int | None) -> Books:
    """What was beyond the one limit given; `bands` False: the devices do as they like."""
    house = premises.House(laws.Site(3))
    house.add(premises.PV, 5000)
    battery = house.add(premises.BATTERY, 5000, 5000)
    charger = house.add(premises.LOAD, 0, _CHARGER_W)
    house.day, site = premises.HardDay(_SEED), house.site
    if imp_w is not None:
        site.imp_w = imp_w
    else:
        site.load_w, battery.want_w = load_w, -5000
    for device in house.devices:
        device.deaf = not bands
    for second in range(seconds):
        charger.want_w = -_CHARGER_W if second % _CYCLE_S < _ON_S else 0
        house.run(1000)
    kept, books = house.books[_IMPORT if imp_w is not None else _LOAD], Books()
    books.over_s, books.longest_s = kept.ticks * TICK_MS / 1000, kept.longest * TICK_MS / 1000
    books.over_wh = kept.over_wt / WH
    return books

