# heap: 120k
"""Averages over aligned intervals: closed forms, gaps, steps of the clock, changes of period."""

import math
from array import array

import check
from metering import (
    ABSENT, LAST, MAX, MEAN, MIN, QUESTIONABLE, RMS, START, VALUES, MeteringError, Window,
)

T0 = 200000100  # 13:25:00 of some day: a multiple of 300 s, not of 600
P = 300
ALL = bytes((MEAN, RMS, MIN, MAX, LAST))


class Feed:
    """Samples each 200 ms from T0 on; rows that come out, as lists."""

    def __init__(self, window, at=T0):
        self.window = window
        self.ms = 0  # since `at`
        self.at = at
        self.rows = []

    def now(self):
        return self.at + self.ms // 1000

    def run(self, seconds, values, step_ms=200):
        """values: a list, or a function of the time in ms, or None for a silent meter."""
        end = self.ms + round(seconds * 1000)
        while self.ms < end:
            got = values(self.ms) if callable(values) else values
            if self.window.put(got, self.now()) if got else self.window.tick(self.now()):
                self.rows.append(list(self.window.row))
            self.ms += step_ms if got else 1000
        return self

    def end(self):
        """The boundary is reached."""
        if self.window.tick(self.now()):
            self.rows.append(list(self.window.row))
        return self.rows


def opened(kinds, period=P, sample_ms=200):
    """A feed whose window is open and whole from T0 on."""
    window = Window(kinds, period, sample_ms)
    at = T0 // period * period
    assert not window.tick(at - 1) and not window.tick(at)
    return Feed(window, at)


def test_a_constant_is_itself_and_the_row_covers_the_interval_that_ends_at_its_boundary():
    feed = opened(ALL).run(P, [-1234, 2307, 49990, 49990, 5000])
    assert feed.rows == []
    rows = feed.end()
    assert rows == [[T0, P, 0, -1234, 2307, 49990, 49990, 5000]]
    w = feed.window
    assert w.due == 1500 and list(w.seen) == [1500] * 5
    assert (w.gaps, w.gap_s, w.partial) == (0, 0, 1)
    assert feed.end() == rows  # and once only


def test_a_sample_belongs_to_the_interval_in_which_it_arrived():
    feed = opened(bytes((MEAN,)), 60)
    feed.run(59.8, [0])
    feed.run(0.2, [300000])  # the last of this minute
    feed.run(0.2, [-300000])  # the first of the next closes this one, and is not in it
    assert feed.rows == [[T0, 60, 0, 1000]]
    feed.run(59.8, [0])
    assert feed.end()[1] == [T0 + 60, 60, 0, -1000]


def test_sine_load_equals_its_closed_form_to_one_unit():
    # 6 kW +- 5 kW in 97 s: no interval holds whole periods. The mean over [a, b) is an integral.
    def power(ms):
        return round(6000 + 5000 * math.sin(2 * math.pi * ms / 97000))

    def reactive(ms):
        return -round(300 + 200 * math.cos(2 * math.pi * ms / 41000))

    def voltage(ms):
        return round(2300 + 100 * math.sin(2 * math.pi * ms / 60000))

    feed = opened(bytes((MEAN, MEAN, RMS)))
    feed.run(5 * P, lambda ms: [power(ms), reactive(ms), voltage(ms)])
    rows = feed.end()
    assert [r[START] for r in rows] == [T0 + P * i for i in range(5)]
    for i, row in enumerate(rows):
        a, b = i * P, (i + 1) * P
        k = 2 * math.pi / 97
        w = 6000 + 5000 / k * (math.cos(k * a) - math.cos(k * b)) / P
        k = 2 * math.pi / 41
        var = -(300 + 200 / k * (math.sin(k * b) - math.sin(k * a)) / P)
        dv = math.sqrt(2300 * 2300 + 100 * 100 / 2)  # five whole periods
        assert abs(row[VALUES] - w) <= 1, (row, w)
        assert abs(row[VALUES + 1] - var) <= 1, (row, var)
        assert abs(row[VALUES + 2] - dv) <= 0.5 + 0.01, (row, dv)
        assert row[QUESTIONABLE] == 0
    assert round(dv) != 2300  # the root of the mean square is not the mean here


def test_square_and_ramp_equal_their_closed_forms():
    feed = opened(bytes((MEAN, MEAN)), 900)
    feed.run(900, lambda ms: [8000 if ms % 30000 < 10000 else -1000, ms // 100])
    assert feed.end()[0][VALUES:] == [2000, 4499]  # of 0 .. 8998, even


def test_means_are_rounded_to_nearest_and_halves_away_from_zero():
    for values, mean, root in (((1, 2), 2, 2), ((-1, -2), -2, ABSENT), ((0, 1), 1, 1),
                               ((0, -1), -1, 0), ((1, 1, 2), 1, 1), ((-1, -1, -2), -1, ABSENT),
                               ((3, 3, 4), 3, 3), ((-3, -3, -4), -3, ABSENT), ((0, 0, 1), 0, 1),
                               ((0, 0, -1), 0, 0), ((0, 0, 0, 0, 1), 0, 0),
                               ((0, 0, 0, 1), 0, 1), ((1, 1, 2, 2, 3, 2, 3, 2), 2, 2)):
        feed = opened(bytes((MEAN, RMS)), 60)
        for _ in range(10):
            for v in values:
                feed.run(1, [v, v], 1000)
        feed.run(60, None)
        assert feed.rows[0][VALUES:] == [mean, root], (values, feed.rows)


def test_the_root_is_right_to_one_unit_from_a_dead_line_to_the_highest_voltage():
    for low, high in ((0, 0), (0, 2300), (2070, 2530), (2299, 2300), (0, 32767), (32766, 32767),
                      (32767, 32767), (1, 1), (0, 1)):
        feed = opened(bytes((RMS,)), 60)
        feed.run(60, lambda ms: [low if ms % 400 else high])
        exact = (low * low + high * high) / 2
        got = feed.end()[0][VALUES]
        assert (got - 0.5) * abs(got - 0.5) <= exact <= (got + 0.5) * (got + 0.5), (low, high, got)


def test_an_hour_of_the_largest_values_of_either_sign():
    kinds = bytes((MEAN, MEAN, RMS))
    for step_ms, n in ((200, 18000), (111, 32433)):
        feed = opened(kinds, 3600, step_ms)
        feed.run(3600, [2000000, -2000000, 32767], step_ms)
        row = feed.end()[0]
        assert row[VALUES:] == [2000000, -2000000, 32767] and row[QUESTIONABLE] == 0
        assert abs(feed.window.seen[0] - n) <= 1


def test_missing_samples_leave_the_mean_of_those_seen_and_a_flag_below_90_percent():
    for silent, flag in ((0, 0), (29, 0), (30, 0), (31, 1), (40, 1), (299, 1)):
        feed = opened(bytes((MEAN,)))
        feed.run(P - silent, [1500]).run(silent, None)
        assert feed.end() == [[T0, P, flag, 1500]], (silent, feed.rows)
        assert feed.window.seen[0] == 5 * (P - silent)
        # The last second before the silence is not silent.
        assert feed.window.gap_s == (silent + 1 if silent > 1 else 0), silent


def test_a_meter_that_dies_for_40_s():
    feed = opened(bytes((MEAN, RMS)))
    feed.run(100, [1000, 2300]).run(40, None).run(160, [4000, 2310])
    row = feed.end()[0]
    assert row[VALUES] == round((1000 * 100 + 4000 * 160) / 260) and row[QUESTIONABLE] == 3
    w = feed.window
    assert (w.due, w.seen[0], w.gaps, w.gap_s) == (1500, 1300, 1, 41)
    # Over a boundary each interval has its part.
    feed.run(280, [1000, 2300]).run(60, None).run(260, [1000, 2300])
    feed.end()
    assert [r[QUESTIONABLE] for r in feed.rows] == [3, 0, 3]
    assert (w.gaps, w.gap_s) == (1, 40)


def test_nothing_seen_is_absent_and_never_zero():
    feed = opened(ALL).run(P, None)
    assert feed.end() == [[T0, P, 0, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT]]
    assert feed.window.gaps == 1 and feed.window.gap_s == P
    # A channel by itself: the meter has one phase, and the frequency is no frequency.
    feed = opened(ALL).run(P, [7, ABSENT, 0, 70000, ABSENT])
    assert feed.end() == [[T0, P, 0, 7, ABSENT, ABSENT, ABSENT, ABSENT]]


def test_values_out_of_range_count_as_not_seen():
    for bad in (2000001, -2000001, ABSENT, (1 << 30) - 1, -(1 << 30)):
        feed = opened(bytes((MEAN, RMS))).run(P / 2, [50, 50]).run(P / 2, [bad, bad])
        assert feed.end()[0][VALUES:] == [50, 50] and feed.rows[0][QUESTIONABLE] == 3, bad
    feed = opened(bytes((RMS,))).run(P / 2, [50]).run(P / 2, [-1])
    assert feed.end() == [[T0, P, 1, 50]]
    feed = opened(bytes((MIN, MAX, LAST)))
    feed.run(P / 2, [49900, 50100, 0]).run(P / 2, [39999, 60001, -1])
    assert feed.end()[0][VALUES:] == [49900, 50100, 0]


def test_least_greatest_and_last():
    feed = opened(bytes((MIN, MAX, LAST)))

    def values(ms):
        hz = 50000 + (ms // 200 * 7919) % 401 - 200
        return [hz, hz, ms]

    feed.run(2 * P, values)
    feed.end()
    assert [r[VALUES:] for r in feed.rows] == [[49800, 50200, 299800], [49800, 50200, 599800]]
    # Whichever minute had them.
    for minute in range(5):
        feed.run(P, lambda ms: [50000 + abs(ms // 60000 % 5 - minute),
                                50000 - abs(ms // 60000 % 5 - minute), 1])
        assert feed.end()[-1][VALUES:] == [50000, 50000, 1], minute
    # Stored energy is read seldom, and what it was last is whole.
    feed.run(P, lambda ms: [50000, 50000, ms if ms % 60000 == 0 else ABSENT])
    assert feed.end()[-1][VALUES:] == [50000, 50000, 2340000] and feed.rows[-1][QUESTIONABLE] == 0


def test_a_meter_that_updates_once_a_second_counts_as_such():
    feed = opened(bytes((MEAN,)), P, 1000).run(P, [10], 1000)
    assert feed.end() == [[T0, P, 0, 10]]
    assert feed.window.due == 300 and feed.window.seen[0] == 300 and feed.window.gaps == 0
    feed.window.sample_ms = 200  # had it been a fast one, that were a fifth of its samples
    assert feed.run(P, [10], 1000).end()[1] == [T0 + P, P, 1, 10]
    feed.window.sample_ms = 5000  # 4 s between two readings are no gap then, 11 s are
    feed.run(100, [10], 4000).run(10, None).run(190, [10], 4000)
    feed.end()
    assert feed.window.due == 60 and feed.window.gaps == 1 and feed.window.gap_s >= 10


def test_the_first_interval_after_boot_is_thrown_away_wherever_it_begins():
    for late in (0, 1, 150, 299):
        window = Window(bytes((MEAN,)))
        feed = Feed(window, T0 + late).run(P - late, [9999]).run(P, [1])
        assert feed.end() == [[T0 + P, P, 0, 1]] and window.partial == 1


def test_before_the_server_told_the_time_nothing_is_open():
    window = Window(bytes((MEAN,)))
    for _ in range(5000):
        assert not window.put([1 << 20], -1) and not window.tick(-1)
    feed = Feed(window, T0 - 1).run(1, [77]).run(P, [5])
    assert feed.end() == [[T0, P, 0, 5]]
    assert not window.tick(-1)  # lost again
    assert not window.put([1], -1)
    feed = Feed(window, T0).run(P, [8]).run(P, [6])
    assert feed.end() == [[T0 + P, P, 0, 6]]


# -- steps of the clock ----------------------------------------------------------


def stepped(by_s, told, at_s=100):
    """An interval of 1000 W whose clock is stepped after at_s seconds, and 900 s after it."""
    feed = opened(bytes((MEAN,))).run(at_s, [1000])
    feed.at += by_s
    if told:
        feed.window.stepped(by_s)
    feed.run(900 - feed.now() % P, [2000])
    feed.end()
    return feed


def test_a_step_of_one_second_is_no_step():
    for by_s in (1, -1):
        for at_s in (100, 0.4, 299.4):
            feed = stepped(by_s, True, at_s)
            assert feed.rows[0][:3] == [T0, P, 0] and feed.window.partial == 1, (by_s, at_s)
            seen = feed.rows[0][VALUES]
            assert abs(seen - (at_s * 1000 + (P - at_s) * 2000) / P) <= 4, (by_s, at_s, seen)
            assert [r[START] for r in feed.rows] == [T0 + P * i for i in range(len(feed.rows))]


def test_a_larger_step_throws_the_interval_away_and_the_rest_of_the_one_it_leads_to():
    for by_s in (2, -2, 90, -90, 86400, -86400, 7 * 86400 + 13):
        for at_s in (100, 299):
            feed = stepped(by_s, True, at_s)
            assert len(feed.rows) >= 2 and feed.window.partial >= 2
            first = (T0 + at_s + by_s) // P * P + P
            for i, row in enumerate(feed.rows):  # none has a sample from before the step
                assert row == [first + P * i, P, 0, 2000], (by_s, at_s, feed.rows)


def test_a_step_that_nobody_told_is_found_when_time_runs_back_or_leaps():
    for by_s in (-3, -90, -86400, 90, 86400):
        feed = stepped(by_s, False)
        first = (T0 + 100 + by_s) // P * P + P
        assert [r[START] for r in feed.rows] == [first + P * i for i in range(len(feed.rows))]
        assert feed.rows and all([r[VALUES:] == [2000] for r in feed.rows]), by_s


def test_a_leap_of_less_than_a_minute_leaves_its_mark_in_the_count():
    feed = stepped(50, False)
    assert feed.rows[0][:3] == [T0, P, 1] and feed.window.partial == 1


# -- changes of period -----------------------------------------------------------


def changed(old, new, at_s):
    feed = opened(bytes((MEAN, MAX)), 3600)
    feed.window.set_period(old)  # both have begun at the same full hour
    feed.run(old, [1, 50000])
    assert len(feed.end()) == 1
    del feed.rows[:]
    feed.run(at_s, [1000, 50100])
    feed.window.set_period(new)
    feed.run(3 * new, [2000, 50200])
    return feed


def test_a_shorter_period_begins_with_the_minute_under_way():
    # 13:27:20: the minute from 13:27 on was kept apart, so 13:28 has its reading (ALL-10).
    feed = changed(300, 60, 140)
    first = feed.at + 300 + 120
    assert [r[:3] for r in feed.rows] == [[first + 60 * i, 60, 0] for i in range(3)]
    assert feed.rows[0][VALUES:] == [round((20 * 1000 + 40 * 2000) / 60), 50200]
    assert feed.rows[1][VALUES:] == [2000, 50200]
    # In the first minute it is the interval itself.
    feed = changed(300, 60, 20)
    assert feed.rows[0] == [feed.at + 300, 60, 0, round((20 * 1000 + 40 * 2000) / 60), 50200]


def test_a_minute_that_was_not_whole_is_not_made_one_by_a_shorter_period():
    window = Window(bytes((MEAN,)))
    feed = Feed(window, T0 + 130).run(10, [9999])
    window.set_period(60)
    assert feed.run(40, [9999]).end() == []
    assert feed.run(60, [3]).end() == [[T0 + 180, 60, 0, 3]]


def test_a_longer_period_begins_at_its_next_boundary_unless_all_of_it_is_there():
    feed = changed(60, 300, 20)  # 13:01:20: the first minute was posted and is gone
    assert [r[:3] for r in feed.rows] == [[feed.at + 300 + 300 * i, 300, 0] for i in range(2)]
    assert feed.rows[0][VALUES:] == [2000, 50200]
    feed = changed(300, 600, 20)  # 13:05:20
    assert feed.rows[0] == [feed.at + 600, 600, 0, 2000, 50200]
    feed = opened(bytes((MEAN,)), 60).run(20, [1000])  # 13:25:20: both begin at 13:25
    feed.window.set_period(300)
    assert feed.run(280, [2000]).end() == [[T0, 300, 0, round((20000 + 560000) / 300)]]


def test_a_longer_period_that_began_with_the_old_interval_takes_all_of_it():
    feed = opened(bytes((MEAN,)), 1800)
    feed.window.set_period(300)
    feed.run(150, [1000])
    feed.window.set_period(600)  # both began at the full half hour, two minutes before this one
    assert feed.run(450, [2000]).end() == [[feed.at, 600, 0, 1750]]


def test_a_minute_of_too_many_samples_is_right_but_begins_no_interval():
    feed = opened(bytes((MEAN,)), 1800)
    feed.window.set_period(300)
    feed.run(120, [2000000], 50)
    feed.run(40, [-2000000], 50)  # 800 samples: part of this minute is summed up with the others
    feed.window.set_period(60)
    assert feed.run(20, [5], 50).end() == []
    assert feed.run(60, [5], 50).end() == [[feed.at + 180, 60, 0, 5]]
    feed.window.set_period(300)
    feed.run(60, [5])
    assert feed.run(300, [2000000], 50).end()[-1][VALUES] == 2000000


def test_other_periods_wait_for_their_boundary():
    feed = changed(300, 120, 200)  # 13:08:20, 120 s from 13:08 on: that minute was kept
    assert feed.rows[0][:3] == [feed.at + 480, 120, 0]
    feed = changed(300, 120, 260)  # 13:09:20: its interval began at 13:08
    assert feed.rows[0] == [feed.at + 600, 120, 0, 2000, 50200]
    assert feed.window.partial >= 1


def test_the_same_period_changes_nothing():
    feed = opened(bytes((MEAN,))).run(100, [1])
    for period in (300, 299, 241):
        feed.window.set_period(period)
    assert feed.run(200, [4]).end() == [[T0, P, 0, 3]] and feed.window.partial == 1


def test_periods_are_whole_minutes_from_one_to_sixty():
    for asked, period in ((1, 60), (-5, 60), (0, 60), (60, 60), (61, 120), (90, 120), (300, 300),
                          (3599, 3600), (3600, 3600), (86400, 3600), ((1 << 30) - 1, 3600)):
        window = Window(bytes((MEAN,)), asked)
        assert window.period == period
    window.set_period(61)
    assert window.period == 120


def test_channels_that_cannot_be_are_refused():
    for kinds in (b"", bytes(17), bytes((RMS, MEAN)), bytes((5,)), bytes((0, 255))):
        check.raises(MeteringError, Window, kinds)
    Window(bytes(16))


# -- the 200 ms path ---------------------------------------------------------------


class Path:
    """Every branch of put() and tick(): boundaries, gaps, steps, absent and extreme values."""

    def __init__(self):
        self.kinds = bytes((MEAN,) * 6 + (RMS,) * 3 + (MIN, MAX, LAST))
        self.window = Window(self.kinds)
        self.extreme = array("i", [2000000, -2000000] * 3 + [32767, 0, 2300, 45000, 55000, 9])
        self.absent = array("i", [ABSENT] * 12)
        self.clock = array("i", [T0])
        self.closed = 0

    def run(self):
        w = self.window
        s = self.clock[0]
        for i in range(9000):
            self.closed += w.put(self.absent if i % 9 == 0 else self.extreme, s + i // 5)
        for i in range(2200):  # a minute that has more samples than it may
            self.closed += w.put(self.extreme, s + 1800 + i // 20)
        s += 1910
        self.closed += w.tick(s + 40)
        w.put(self.extreme, s + 50)
        w.put(self.extreme, s + 49)
        w.tick(s + 200)
        w.stepped(-90)
        w.set_period(60)
        w.put(self.extreme, s)
        for i in range(200):
            self.closed += w.tick(s + i)
        w.set_period(3600)
        w.put(self.extreme, -1)
        return self.closed


def test_no_sample_allocates():
    # Five of 300 s and, after a change in the first minute, three of 60 s.
    assert check.locked(Path().run) == 8


check.run(globals())
