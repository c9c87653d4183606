"""The whole way down in virtual time: a default, an event, its answers, and what the site did."""

import pytest
from house import living
from tools.utility import PROFILES

# What arrives at once, the size of HTTP chunks, whether the server keeps the line.
SHAPES = {
    "whole": (None, None, False), "byte by byte": (1, None, False), "chunked": (None, 300, False),
    "chunks in pieces": (7, 64, False), "no keep-alive": (None, None, True),
}


def test_limit_follows_the_event_and_all_answers_arrive(tmp_path):
    with living(tmp_path, load=[[0, 500], [100, 2600], [200, 400]]) as house:
        house.default(exp_w=1500, imp_w=1500)
        event = house.publish(60, 300, exp_w=2500)
        house.boot()
        house.run_to(430)
        ruled = [(round(at), w, src) for at, w, src in house.limits() if at > 1.5]
        assert ruled == [(2, 1500, "default"), (60, 2500, "event"), (360, 1500, "default")]
        answers = house.answers(event)
        assert [(status, created) for status, created, _ in answers] == [(1, 1), (2, 60), (3, 360)]
        assert all(0 <= when - created < 15 for _, created, when in answers), answers
        verdict = house.judge((3, 60, 1500), (60, 360, 2500), (360, 430, 1500))
        assert verdict.passed, verdict.line()
        assert {e["verdict"] for e in house.requests()} == {"ok"}
        assert len({e["session"] for e in house.requests()}) == 1  # one connection, kept


def test_limit_stands_in_the_inverter_before_the_first_connection(tmp_path):
    with living(tmp_path) as house:
        house.boot()
        house.run(5)
        assert house.first("write") < house.first("connect", "utility.test")
        taken = next(w for w in house.site.write_log if not w["refused"])
        assert taken["time"] < 1


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_reply_is_understood(tmp_path, shape):
    with living(tmp_path) as house:
        house.piece, house.chunks, house.closes = SHAPES[shape]
        house.default(exp_w=1500)
        event = house.publish(30, 30, exp_w=2500)
        more = 2 if house.piece == 1 else 20  # the one shape that takes real time
        for i in range(more):
            house.publish(600 + 60 * i, 60, exp_w=100 * i)
        house.boot()
        house.run_to(70)
        assert house.statuses(event) == [1, 2, 3]
        assert len(house.answers()) == more + 3
        assert not [line for line in house.log if line.level != "I"]


@pytest.mark.parametrize("profile", [p for p in PROFILES if PROFILES[p].dcap])
def test_every_profile_with_a_known_start_works(tmp_path, profile):
    with living(tmp_path, profile=profile) as house:
        house.default(exp_w=1500)
        event = house.publish(20, 20, exp_w=2500)
        house.boot()
        house.run_to(50)
        assert house.statuses(event) == [1, 2, 3]


def test_meter_on_a_line_of_its_own(tmp_path):
    with living(tmp_path, meter_line=True) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run(60)
        assert house.said("BUS_UP", bus="meter.test:502") and house.said("SIGHTED")
        assert house.judge((3, 60, 1500)).passed


def test_server_clock_that_is_minutes_off_rules_the_events(tmp_path):
    with living(tmp_path) as house:
        house.utility.clock_offset = 90  # the server's second 150 is the house's second 60
        house.default(exp_w=1500)
        event = house.publish(150, 60, exp_w=2500)
        house.boot()
        house.run(140)
        changes = [at for at, w, _ in house.limits() if w == 2500]
        assert abs(changes[0] - 60) <= 1.5
        assert [(s, c) for s, c, _ in house.answers(event)][1:] == [(2, 150), (3, 210)]


def test_event_that_runs_already_starts_at_once(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        event = house.publish(-100, 140, exp_w=2500)
        house.boot()
        house.run(60)
        (_, (status, created, _), last) = house.answers(event)
        assert status == 2 and 0 <= created <= 3 and last[:2] == (3, 40)
