# heap: 192k
"""A backlog that is made when something has to wait, or where something waits from before."""

import check
from backlog import Backlog
from edges import Flash
from metering import MEAN, VALUES, Ring
from spill import Spill
from store import Store

KINDS = bytes((MEAN, MEAN))
ROW = [300, 300, 0, 11, 12]


def ring():
    return Ring(len(KINDS), 6)


def test_nothing_is_made_while_nothing_waits():
    flash = Flash()
    spill = Spill(Store(flash.folder), "site", KINDS)
    assert spill.waiting == 0 and spill._backlog is None


def test_a_row_makes_it_and_comes_back():
    flash = Flash()
    spill = Spill(Store(flash.folder), "site", KINDS)
    assert spill.append(ROW, 0) and spill.waiting == 1
    back = ring()
    assert spill.load(back, 4) == 1 and list(back.rows[VALUES:VALUES + 2]) == [11, 12]
    spill.done()
    assert spill.waiting == 0


def test_what_an_earlier_boot_left_waits_at_once():
    flash = Flash()
    assert Backlog(Store(flash.folder), "der", KINDS).append(ROW, 0)
    assert Spill(Store(flash.folder), "site", KINDS).waiting == 0
    spill = Spill(Store(flash.folder), "der", KINDS)
    assert spill.waiting == 1 and spill.load(ring(), 4) == 1


check.run(globals())
