"""Each resource is read at its own rate, and a changed rate counts at once (ALL-19, ALL-20)."""

from house import living


def test_all_19_rate_of_the_assignments(tmp_path):
    with living(tmp_path, poll_s=60) as house:
        house.utility.set_rate("fsa", 300)
        house.boot()
        house.run_until(lambda: house.requests("fsal"), 30)

        def faster(kind, _asked):
            if kind == "fsal":
                house.utility.set_rate("fsa", 60)

        house.heard = faster
        first = house.run_until(lambda: len(house.requests("fsal")) == 2, 330)
        second = house.run_until(lambda: len(house.requests("fsal")) == 3, 120)
        assert 285 <= first <= 320 and second - first <= 70


def test_all_20_rate_of_the_programs(tmp_path):
    with living(tmp_path) as house:
        house.boot()
        house.run_to(60)
        house.utility.set_rate("derp", 120)
        slower = house.run_until(lambda: house.requests("derpl", since=60), 70)
        house.run_to(slower + 600)
        house.utility.set_rate("derp", 60)
        back = house.run_until(lambda: house.requests("derpl", since=slower + 600), 130)
        house.run_until(lambda: house.requests("derpl", since=back + 0.1), 90)
        gaps = house.gaps("derpl", slower - 1, back)
        assert all(105 <= gap <= 135 for gap in gaps), gaps


def test_every_resource_at_its_own_rate(tmp_path):
    rates = {"dcap": 100, "tm": 50, "edev": 70, "rg": 80, "fsa": 60, "derp": 30}
    kinds = {"edev": "edevl", "fsa": "fsal", "derp": "derpl"}
    with living(tmp_path) as house:
        for kind, seconds in rates.items():
            house.utility.set_rate(kind, seconds)
        house.boot()
        house.run(900)
        for kind, seconds in rates.items():
            gaps = house.gaps(kinds.get(kind, kind))
            mean = sum(gaps) / len(gaps)
            assert abs(mean - seconds) < seconds * 0.1, (kind, gaps)
            assert max(gaps) <= 1.5 * seconds and min(gaps) > 0.8 * seconds, (kind, gaps)
        # One cycle: the controls and defaults of both programs with every program list.
        assert len(house.requests("dercl")) == len(house.requests("dderc"))
        assert len(house.requests("dderc")) == 2 * len(house.requests("derpl"))


def test_rate_of_zero_or_of_a_second_does_not_flood_the_server(tmp_path):
    with living(tmp_path) as house:
        house.utility.set_rate("all", 1)
        house.boot()
        house.run(100)
        assert len(house.requests("tm")) <= 100 / 5 + 2


def test_control_published_between_polls_starts_within_a_cycle(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(100)
        event = house.publish(100, 300, exp_w=2500)
        house.run_until(lambda: house.limits()[-1][1] == 2500, 70)
        house.run(10)
        (one, two) = house.answers(event)
        assert two[1] >= one[1] >= 100  # late: its effective start is when it was seen


def test_long_lists_are_read_to_their_end(tmp_path):
    with living(tmp_path) as house:
        house.default(exp_w=1500)
        events = [house.publish(60 + 300 * i, 300, "p1", exp_w=1000 + i) for i in range(58)]
        events += [house.publish(60 + 300 * i, 300, "p2", exp_w=1000 + i) for i in range(58)]
        house.boot()
        house.run(60)
        assert len(house.answers()) == 116
        assert all(house.statuses(event) == [1] for event in events)
        assert house.said("TREE_COMPLETE")[0].at < 8
