"""The crowd of boards: nobody is lost, and they come spread out."""

import random

import pytest
from tools.crowd import BOOT_S, LIT_S, SPREAD_S, blackout, outage, per_second

BOARDS = 3000


@pytest.mark.parametrize("ready_s", [BOOT_S, LIT_S])
def test_after_a_blackout_each_board_comes_once_within_the_spread(ready_s):
    seconds = per_second(blackout(BOARDS, SPREAD_S, random.Random(1), ready_s))
    assert sum(seconds) == BOARDS and len(seconds) <= ready_s + SPREAD_S
    assert max(seconds) < 4 * BOARDS / SPREAD_S
    together = per_second(blackout(BOARDS, 0, random.Random(1), ready_s))
    assert max(together) == BOARDS  # the control


def test_after_an_outage_all_are_back_within_a_minute_and_not_together():
    seconds = per_second(outage(BOARDS, random.Random(1)))
    assert sum(seconds) == BOARDS and len(seconds) <= 61
    assert max(seconds) < 4 * BOARDS / 60
    together = per_second(outage(BOARDS, random.Random(1), jitter=False))
    assert max(together) == BOARDS  # the control: without jitter the test would see it
