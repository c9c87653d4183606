"""A board with memory to spare asks for compressed bodies, and lives through broken ones."""

import functools

import house

living = functools.partial(house.living, tight=True)


def test_lists_come_compressed_and_rule_as_they_do_plain(tmp_path):
    with living(tmp_path, gzip=4096) as house:
        house.default(exp_w=1500)
        events = [house.publish(20 + 60 * i, 60, exp_w=2000 + 100 * i) for i in range(40)]
        house.boot()
        house.run_to(100)
        lists = house.requests("dercl", "GET")
        assert lists and max(e["out"] for e in lists) < 2500  # ten controls are 7 kB
        assert house.statuses(events[0]) == [1, 2, 3] and house.statuses(events[1]) == [1, 2]
        assert house.limits()[-1][1:] == (2100, "event") and not house.said("GZIP_OFF")


def test_a_body_that_is_broken_turns_it_off_and_nothing_is_lost(tmp_path):
    with living(tmp_path, gzip=4096) as house:
        house.default(exp_w=1500)
        house.boot()
        house.run_to(30)

        def cut(kind, reply):
            packed = "Content-Encoding" in reply.headers
            return reply._replace(body=reply.body[:-3]) if packed and kind == "derpl" else reply

        house.tamper = cut
        event = house.publish(90, 60, exp_w=2500)
        house.run_to(130)
        assert len(house.said("GZIP_OFF")) == 1
        assert house.statuses(event) == [1, 2] and house.limits()[-1][1:] == (2500, "event")
