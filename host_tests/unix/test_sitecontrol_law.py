# heap: 64k
"""The export law by itself: what a step answers to good, old, absurd and extreme values."""

import check
from sitecontrol import ABSENT, STALE, TRACKING, Controller, SiteControlError

_TOP = (1 << 30) - 1  # a saturated limit: none


def tracking(law, export_w, p_w, exp_w, gen_w=_TOP, steps=60):
    for _ in range(steps):
        cap = law.step(export_w, 100, p_w, 100, exp_w, gen_w)
    return cap


def near(cap_w, target_w):
    """A rise ends a little below its target: the last 1/512 of the rating is not worth a write."""
    return 0 <= target_w - cap_w < 10000 >> 9


def test_before_the_first_sample_the_inverter_alone_stays_under_the_limit():
    law = Controller(10000)
    assert law.state == STALE and law.cap_w == 0
    assert law.step(ABSENT, 0, ABSENT, 0, 1500, 10000) == 1500
    assert law.step(ABSENT, 0, ABSENT, 0, 0, 10000) == 0
    assert law.step(ABSENT, 0, ABSENT, 0, _TOP, _TOP) == 10000
    assert law.step(ABSENT, 0, ABSENT, 0, 5000, 4000) == 4000


def test_generation_that_nobody_steers_counts_when_the_meter_is_lost():
    law = Controller(10000, uncontrolled_gen_w=3000)
    assert law.step(ABSENT, 0, 5000, 0, 5000, 10000) == 2000
    assert law.step(ABSENT, 0, 5000, 0, 1500, 10000) == 0
    # Seen by the meter it is no more than a negative load.
    assert near(tracking(law, 3000, 4000, 5000), 1000 + 5000 - (10000 >> 7))


def test_a_meter_that_falls_silent_is_believed_for_2_s():
    law = Controller(10000)
    tracked = tracking(law, 2000, 8000, 5000)
    assert tracked > 9000 and law.state == TRACKING
    assert law.step(2000, 2000, 8000, 0, 5000, 10000) > 9000
    assert law.step(2000, 2001, 8000, 0, 5000, 10000) == 5000 and law.state == STALE


def test_absurd_values_count_as_lost():
    for export_w, p_w in ((30001, 8000), (-30001, 8000), (ABSENT, 8000), (2000, 20001),
                          (2000, -20001), (2000, ABSENT), (-(1 << 30), 0)):
        law = Controller(10000, site_max_w=30000)
        tracking(law, 2000, 8000, 5000)
        assert law.step(export_w, 0, p_w, 0, 5000, 10000) == 5000, (export_w, p_w)
        assert law.state == STALE
    law = Controller(10000, site_max_w=30000)
    law.step(-30000, 0, 20000, 0, 5000, 10000)
    assert law.state == TRACKING


def test_an_inverter_that_falls_silent_gets_an_open_loop_cap_although_the_meter_is_fresh():
    law = Controller(10000)
    tracking(law, 2000, 8000, 5000)
    assert law.step(2000, 100, 8000, 2001, 5000, 10000) == 5000
    assert law.step(2000, 100, ABSENT, 0, 5000, 10000) == 5000 and law.state == STALE
    # Back again the window begins anew: the old loads say nothing.
    law.step(-6000, 100, 0, 100, 5000, 10000)
    assert law.state == TRACKING
    assert tracking(law, -6000, 0, 5000) == 10000


def test_a_cut_is_immediate_and_a_rise_waits_and_is_gradual():
    law = Controller(10000, window=10)
    high = tracking(law, 2000, 8000, 5000)
    assert high == 10000
    assert law.step(8000, 0, 8000, 0, 5000, 10000) == 5000 - (10000 >> 7)
    caps = [law.step(2000, 0, 8000, 0, 5000, 10000) for _ in range(30)]
    assert caps[:9] == [caps[0]] * 9  # the window still holds the least load
    rises = [b - a for a, b in zip(caps, caps[1:])]
    assert min(rises) >= 0 and max(rises) <= (10000 - caps[0]) // 4 + 1
    assert caps[-1] > 9900


def test_a_cut_stands_for_a_second_however_short_the_window():
    law = Controller(10000, window=2)
    tracking(law, 2000, 8000, 5000)
    low = law.step(8000, 0, 8000, 0, 5000, 10000)
    law.step(8000, 0, 8000, 0, 5000, 10000)
    caps = [law.step(2000, 0, 8000, 0, 5000, 10000) for _ in range(10)]
    assert caps[:5] == [low] * 5 and caps[-1] > low, caps


def test_a_load_that_shows_for_less_than_the_window_raises_nothing():
    law = Controller(10000, window=10)
    base = tracking(law, 4500, 5000, 5000)
    for _ in range(20):
        for _ in range(9):
            law.step(1500, 0, 5000, 0, 5000, 10000)
        law.step(4500, 0, 5000, 0, 5000, 10000)
        assert law.cap_w <= base


def test_a_tighter_limit_cuts_in_the_same_step():
    law = Controller(10000)
    tracking(law, 2000, 8000, 5000)
    assert law.step(2000, 0, 8000, 0, 0, 10000) == 6000 - (10000 >> 7)
    assert law.step(2000, 0, 8000, 0, 0, 1000) == 1000
    assert law.step(2000, 0, 8000, 0, 0, 995) == 995  # however little
    assert law.step(2000, 0, 8000, 0, 0, 0) == 0
    assert law.step(2000, 0, 8000, 0, 0, -5) == 0


def test_limits_below_zero_count_as_zero():
    law = Controller(10000)
    assert law.step(ABSENT, 0, ABSENT, 0, -1, 10000) == 0
    assert law.step(ABSENT, 0, ABSENT, 0, ABSENT, 10000) == 0
    assert near(tracking(law, -1000, 0, -500), 1000 - (10000 >> 7))


def test_without_a_limit_the_inverter_is_free():
    law = Controller(10000)
    assert tracking(law, 9000, 9500, _TOP) == 10000


def test_the_cap_stays_within_the_rating_for_ratings_of_1_w_to_1_mw():
    for wmax in (1, 2, 100, 127, 511, 5000, 1000000):
        law = Controller(wmax)
        for export_w in (-2000000, -wmax, -1, 0, 1, wmax, 2000000):
            for p_w in (-wmax, 0, wmax):
                for exp_w in (0, 1, wmax, _TOP):
                    cap = law.step(export_w, 0, p_w, 0, exp_w, _TOP)
                    assert 0 <= cap <= wmax
        law = Controller(wmax)
        assert tracking(law, -wmax, 0, wmax) == wmax


def test_what_it_cannot_work_with_is_refused():
    for wmax, window, others, site in ((0, 10, 0, 1), (1000001, 10, 0, 1), (1, 1, 0, 1),
                                       (1, 65, 0, 1), (1, 2, -1, 1), (1, 2, 2000001, 1),
                                       (1, 2, 0, 0)):
        check.raises(SiteControlError, Controller, wmax, window, others, site)
    Controller(1000000, 64, 2000000, 1 << 29)


class Steps:
    """Every branch of a step, without anything made on the way."""

    def __init__(self):
        self.law = Controller(1000000, 64, 2000000)

    def run(self):
        law = self.law
        for _ in range(70):
            law.step(-2000000, 0, -2000000, 0, _TOP, _TOP)
            law.step(2000000, 0, -2000000, 0, 0, _TOP)
            law.step(ABSENT, 0, 0, 0, _TOP, 5)
            law.step(500000, 0, 900000, 0, 500000, _TOP)
            law.step(500000, 5000, 900000, 0, 0, 0)
        for i in range(70):
            law.step(500000 - i, 0, 900000, 0, 500000, _TOP)
        return law.cap_w


def test_a_step_does_not_allocate():
    assert check.locked(Steps().run) > 0


check.run(globals())
