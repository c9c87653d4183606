"""A server that will not take a response yet: kept, tried again, in order, with its own time.

Requirements E6: only a 400 drops one. Whatever else a server says, the response comes later.
"""

import itertools

import pytest
from house import living

START, LASTS, MENDED = 40, 60, 200


@pytest.mark.parametrize("status", [302, 404, 409, 413, 501])
def test_response_that_is_not_taken_comes_later_in_order_with_its_own_time(tmp_path, status):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        event = house.publish(START, LASTS, exp_w=2500)
        house.boot()
        number = house.utility.faults.add("status", status=status, resource="rsp", method="POST")
        house.run_to(MENDED)
        assert not house.answers()
        house.utility.faults.clear(number)
        house.run_to(MENDED + 300)
        got = house.answers(event)
        assert [s for s, _, _ in got] == [1, 2, 3]
        received, began, ended = (created for _, created, _ in got)
        assert received < START and (began, ended) == (START, START + LASTS)
        assert got[0][2] > MENDED and got[2][2] - got[0][2] < 10

        tries = [e["at"] for e in house.requests("rsp", "POST") if e["at"] < MENDED]
        gaps = [b - a for a, b in itertools.pairwise(tries)]
        assert 4 <= len(tries) <= 9 and min(gaps) >= 2 and gaps[-1] >= 30, gaps
        assert not house.said("ANSWERS_LOST")
        # Nothing else was held up meanwhile.
        end = START + LASTS
        assert house.judge((3, START, 1500), (START, end, 2500), (end, MENDED, 1500)).passed
        assert max(house.gaps("dercl", 5, MENDED)) < 70


def test_event_whose_responses_are_refused_holds_up_no_other(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        first = house.publish(40, 60, exp_w=2500)
        house.boot()
        handle = house.utility.handle

        def picky(request, now):
            if request.method == "POST" and first.mrid.encode() in request.body:
                request = request._replace(path="/nowhere")
            return handle(request, now)

        house.utility.handle = picky
        house.run_to(150)
        second = house.publish(200, 60, exp_w=3000)
        house.run_to(300)
        assert house.answers(first) == []
        got = house.answers(second)
        assert [(s, c) for s, c, _ in got][1:] == [(2, 200), (3, 260)]
        assert got[1][2] < 206 and got[2][2] < 264, "as if nothing else were owed"
        house.utility.handle = handle
        house.run_to(600)
        assert [(s, c) for s, c, _ in house.answers(first)][1:] == [(2, 40), (3, 100)]


def test_response_that_a_400_ends_is_counted_and_said(tmp_path):
    with living(tmp_path) as house:
        event = house.publish(40, 60, exp_w=2500)
        house.boot()
        house.utility.faults.add("status", status=400, resource="rsp", count=1)
        house.run_to(120)
        assert house.statuses(event) == [2, 3]
        lost = house.said("ANSWERS_LOST")
        assert [line.pairs["refused"] for line in lost] == ["1"]
