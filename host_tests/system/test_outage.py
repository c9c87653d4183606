"""Without the network the known events run out, then the default holds (handbook 7.7, ALL-23)."""

import pytest
from house import living

WMAX_W = 10000
SHARES = (200, 20, 180, 70, 130)  # per cent of WMax, 60 s each
DOWN, UP = 75, 495


def begin(house, how):
    """The outage: 500 to everything, no connection, no answer, or a line that goes dead."""
    if how == "500":
        house.utility.faults.add("status", status=500)
    elif how == "silence":
        house.utility.faults.add("silence")
    else:
        house.server_up(False, how)


def end(house):
    """The server is well again."""
    house.utility.faults.clear()
    house.server_up(True)


@pytest.mark.parametrize("how", ["500", "refuse", "drop", "silence"])
def test_schedule_runs_out_and_then_the_default_holds(tmp_path, how):
    with living(tmp_path, load=[[0, 500], [300, 1500], [420, 300]]) as house:
        house.default(exp_w=0, imp_w=0)
        events = [house.publish(30 + 60 * i, 60, exp_w=WMAX_W * share // 100)
                  for i, share in enumerate(SHARES)]
        house.boot()
        house.at(DOWN, lambda: begin(house, how))
        house.run_to(UP)
        answered = len(house.answers())
        end(house)
        last = house.publish(UP + 5, 300, exp_w=5000)
        house.run_to(UP + 120)

        limits = [(30 + 60 * i, 90 + 60 * i, WMAX_W * s // 100) for i, s in enumerate(SHARES)]
        verdict = house.judge((3, 30, 0), *limits, (330, UP, 0))
        assert verdict.passed, verdict.line()
        assert [w for at, w, _ in house.limits() if 2 < at < UP] == [
            20000, 2000, 18000, 7000, 13000, 0]

        assert answered == 6  # five received, one started: nothing was taken meanwhile
        for i, event in enumerate(events):
            got = house.answers(event)
            assert [(s, c) for s, c, _ in got][1:] == [(2, 30 + 60 * i), (3, 90 + 60 * i)]
        assert all("ok" in e["verdict"] for e in house.requests() if 200 <= e["status"] < 300)

        read = [e["at"] for e in house.requests("dercl", "GET", UP) if e["status"] == 200]
        assert read[0] <= UP + 60, "the controls are read again within a minute"
        assert house.statuses(last)[:2] == [1, 2]
        assert house.limits()[-1][1:] == (5000, "event")


@pytest.mark.parametrize("status", [429, 503])
def test_server_that_names_a_pause_is_left_alone_so_long(tmp_path, status):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(30)
        house.utility.faults.add("status", status=status, retry_after=50)
        house.run_to(300)
        for kind in ("dcap", "derpl", "tm"):
            assert min(house.gaps(kind, 60)) >= 50
        assert house.judge((3, 300, 1500)).passed


def test_retries_never_wait_longer_than_the_rate(tmp_path):
    # Requirements A10.
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(100)
        house.utility.faults.add("status", status=500)
        house.run_to(1000)
        gaps = house.gaps("derpl", 100)
        assert len(gaps) > 10 and max(gaps) <= 66
        assert house.limits()[-1][1:] == (1500, "default")


def test_outage_before_the_first_complete_walk_holds_the_lower_rule(tmp_path):
    # The first program is read, the second never: what it might say is unknown.
    with living(tmp_path) as house:
        house.default("p1", exp_w=4000)
        house.default("p2", exp_w=500)
        broken = house.utility.site().programs["p2"].list_href

        def tamper(kind, reply):
            if kind == "dercl" and broken.encode() in reply.body:
                return reply._replace(status=500, body=b"COMMS DISABLED")
            return None

        house.tamper = tamper
        house.boot()
        house.run_to(120)
        assert {w for _, w, _ in house.limits()} == {1000}
        assert house.worst_export(15, 120) <= 1100
        house.tamper = None
        house.run_to(240)
        assert house.limits()[-1][1:] == (4000, "default")


def test_answer_that_cannot_be_delivered_waits_for_its_turn(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        event = house.publish(20, 30, exp_w=2500)
        house.utility.faults.add("status", status=500, resource="rsp", count=7)
        house.boot()
        house.run_to(200)
        assert [(s, c) for s, c, _ in house.answers(event)] == [(1, 1), (2, 20), (3, 50)]
        refused = house.requests("rsp", "POST")
        assert [e["status"] for e in refused].count(500) == 7


def test_answer_whose_reply_was_lost_is_not_taken_for_another(tmp_path):
    # The server took the POST and the line died before its reply: sent again, never skipped.
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        event = house.publish(20, 30, exp_w=2500)
        house.utility.faults.add("cut_head", resource="rsp", count=1, reset=True)
        house.boot()
        house.run_to(120)
        assert house.statuses(event) == [1, 1, 2, 3]
