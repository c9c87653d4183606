# heap: 1600k
"""Readings that a server refuses or cannot be sent: what mends it, and what flash keeps."""

import check
from backlog import Backlog
from metered import FIRST, Rig, mrid
from sep2 import EPOCH
from server import status
from store import Store
from told import Doc


# -- refusals --------------------------------------------------------------


def test_a_list_that_is_refused_brings_the_point_anew_then_single_readings():
    for code in (400, 405, 413, 415, 501):
        rig = Rig().ready()
        rig.answer("49", *([status(code)] * 2 + [status(201)]))
        rig.until(FIRST + 58)
        since = len(rig.server.requests)
        rig.until(FIRST + 100)
        asked = [a for a in rig.asked(since) if not a.endswith("/03")]
        assert asked == ["POST /mup/49", "POST /mup", "POST /mup/49"] + ["POST /mup/49"] * 2, asked
        assert [len(post) for post in rig.posts("49")] == [2, 2, 1, 1]
        assert sorted(rig.posts("49")[2] + rig.posts("49")[3]) == sorted(rig.posts("49")[0])
        single = rig.sent("POST", "/mup/49")[-1]
        assert single.text.startswith('<MirrorMeterReading xmlns="urn:ieee:std:2030.5:ns"><mRID>')
        rig.until(FIRST + 130)
        assert [len(post) for post in rig.posts("49")[4:]] == [1, 1]  # and it stays with them
        assert rig.telemetry.dropped == 0 and rig.telemetry.der.backlog.waiting == 0


def test_readings_that_are_refused_in_every_form_are_dropped_and_counted():
    rig = Rig().ready()
    rig.answer("49", status(400))
    rig.until(FIRST + 110)
    assert rig.telemetry.dropped == 2 and rig.telemetry.der.backlog.waiting == 0
    assert rig.said.count("READINGS_DROPPED", "role=49", "readings=2") == 1
    assert [len(post) for post in rig.posts("49")] == [2, 2, 1, 1]
    assert rig.starts("03") == [[0]]
    posted = rig.telemetry.posted
    rig.answer("49", status(201))
    rig.until(FIRST + 130)
    assert rig.starts("49")[-1] == [60] and len(rig.posts("49")[-1]) == 2
    assert posted == 1 and rig.telemetry.posted == 3


def refuses(rig, role, bad):
    """The server refuses whatever holds a reading of that start, of the first channel."""
    first = mrid(38, 0 if role == "49" else 128, role)

    def answer(_target, body):
        items = Doc(body).parts("MirrorMeterReading") or [Doc(body)]
        found = [d for d in items if d.leaf("mRID") == first
                 and int(d.leaf("start")) - EPOCH - FIRST == bad]
        return status(400 if found else 201)

    rig.server.routes["/mup/" + role] = answer


def test_one_refused_reading_is_left_out_and_all_the_others_are_delivered():
    rig = Rig().ready()
    rig.answer("03", status(503))
    rig.until(FIRST + 60 * 4 + 30)
    assert rig.telemetry.site.backlog.waiting == 4
    refuses(rig, "03", 120)
    taken = len(rig.server.requests)
    rig.until(FIRST + 60 * 7 + 50)
    posts = [post for post in rig.posts("03", taken)]
    alone = [post for post in posts if len(post) == 1]
    good = [post for post in posts if not any(
        [m == mrid(38, 128) and start - FIRST == 120 for m, start, _, _ in post])]
    got = {(m, start - FIRST) for post in good for m, start, _, _ in post}
    assert len(got) == 9 * 7 - 1, len(got)
    assert len(alone) >= 9 and rig.telemetry.dropped == 1
    assert rig.said.count("READINGS_DROPPED", "role=03", "readings=1") == 1
    assert rig.telemetry.site.backlog.waiting == 0
    assert len(posts[-1]) == 9  # a server that takes lists gets lists again


def test_a_server_without_lists_that_forgot_the_types_is_told_them_before_anything_is_dropped():
    rig = Rig().ready()
    rig.answer("49", *([status(501)] * 2 + [status(201)]))
    rig.until(FIRST + 100)
    assert [len(post) for post in rig.posts("49")] == [2, 2, 1, 1]
    rig.answer("49", status(400), status(201))
    rig.until(FIRST + 130)
    assert [len(post) for post in rig.posts("49")[4:]] == [1, 1, 1]
    assert [doc.leaf("roleFlags") for doc in rig.sent("POST", "/mup")] == ["03", "49", "49", "49"]
    assert rig.telemetry.dropped == 0 and rig.telemetry.der.backlog.waiting == 0


def test_a_point_that_is_refused_does_not_silence_the_other():
    for answer in (status(400), status(403), status(500), OSError(104)):
        rig = Rig()
        taken = rig.server.routes["/mup"]
        rig.server.routes["/mup"] = lambda target, body: (
            answer if b"<roleFlags>03" in bytes(body) else taken(target, body))
        rig.until(FIRST - 20)
        rig.read()
        rig.until(FIRST + 358)  # where no answer comes at all, each waits a minute at most
        assert sorted([s for post in rig.starts("49") for s in post]) == [60 * i for i in range(5)]
        tried = len([d for d in rig.sent("POST", "/mup") if d.leaf("roleFlags") == "03"])
        assert 6 <= tried <= 13 and not rig.posts("03"), tried
        rig.server.routes["/mup"] = taken
        rig.until(FIRST + 60 * 7 + 30)
        assert sorted([s for post in rig.starts("03") for s in post]) == [60 * i for i in range(7)]


def test_a_steady_refusal_is_asked_ever_more_seldom_up_to_each_minute():
    for code in (403, 404):
        rig = Rig().ready()
        rig.answer("03", status(code))
        rig.until(FIRST + 60)
        since = len(rig.server.requests)
        rig.until(FIRST + 660)
        assert 8 <= len(rig.posts("03", since)) <= 14, len(rig.posts("03", since))
        assert 2 <= len(rig.sent("POST", "/mup", since)) <= 5
        assert [s for post in rig.starts("49") for s in post] == [60 * i for i in range(10)]
        rig.answer("03", status(201))
        rig.until(FIRST + 780)
        assert sorted(set([s for post in rig.starts("03", since) for s in post])) == [
            60 * i for i in range(12)]
        assert rig.telemetry.site.fails == 0 and rig.telemetry.site.backlog.waiting == 0


def test_a_server_that_asks_for_patience_gets_it_for_both_points():
    rig = Rig().ready()
    rig.answer("03", status(429, "Retry-After: 40"))
    rig.until(FIRST + 62)
    since = len(rig.server.requests)
    rig.until(FIRST + 98)
    assert not rig.posts("03", since) and not rig.posts("49", since)
    rig.until(FIRST + 110)
    assert rig.starts("49") == [[0]]


def test_a_point_that_is_not_there_yet_is_waited_for_and_then_made_anew():
    rig = Rig().ready()
    rig.answer("49", status(404), status(404), status(201))
    rig.until(FIRST + 75)
    assert [len(post) for post in rig.posts("49")] == [2, 2, 2]
    assert len(rig.sent("POST", "/mup")) == 2
    rig.answer("49", status(404), status(404), status(404), status(201))
    rig.until(FIRST + 100)
    assert len(rig.sent("POST", "/mup")) == 2
    rig.until(FIRST + 150)
    assert [doc.leaf("roleFlags") for doc in rig.sent("POST", "/mup")] == ["03", "49", "49"]
    assert [post[0][1] - FIRST for post in rig.posts("49")] == [0] * 3 + [60] * 4
    assert rig.telemetry.der.backlog.waiting == 0


def test_a_point_that_its_list_lacks_is_made_anew():
    rig = Rig().ready()
    del rig.points["49"]
    rig.read()
    assert rig.said.count("USAGE_POINT_LOST", "role=b'49'") + rig.said.count(
        "USAGE_POINT_LOST", "role=49") == 1
    rig.flush(rig.telemetry)
    assert [doc.leaf("roleFlags") for doc in rig.sent("POST", "/mup")] == ["03", "49", "49"]
    rig.read()
    rig.until(FIRST + 65)
    assert rig.starts("49") == [[0]]


def test_a_server_that_never_lists_a_point_is_asked_at_the_lists_own_rate():
    rig = Rig(listed=False)
    rig.flush(rig.telemetry)
    assert rig.telemetry.relist  # as after the first making
    for n in range(3):
        rig.read()
        rig.flush(rig.telemetry)
        assert not rig.telemetry.relist and len(rig.sent("POST", "/mup")) == 4 + 2 * n
    rig.until(FIRST - FIRST % 300 + 605)
    assert rig.posts("03") and rig.posts("49")


def test_the_period_stays_while_the_points_are_lost_and_the_list_is_read_again():
    rig = Rig(rate=120).ready()
    assert rig.telemetry.period_s == 120
    for rate in (120, 180):
        rig.points.clear()
        rig.read()
        assert rig.telemetry.period_s == 120  # not the handbook's 300
        assert not rig.telemetry.relist
        rig.rate = rate
        rig.flush(rig.telemetry)
        assert rig.telemetry.relist
        rig.read()
        assert rig.telemetry.period_s == rate and not rig.telemetry.relist
    assert rig.said.count("POST_RATE") == 2


def test_a_rate_that_flaps_is_followed_and_written_once_an_hour():
    rig = Rig(rate=60).ready()
    rig.live(10)
    kept = rig.telemetry.store.read("period", 8)
    writes = []
    write = rig.telemetry.store.write
    rig.telemetry.store.write = lambda name, data: (
        writes.append(name) if name == "period" else None) or write(name, data)
    for n in range(40):
        rig.rate = 120 if n % 2 else 180
        rig.read()
        assert rig.telemetry.period_s == rig.rate
        rig.live(10)
    assert bytes(kept) == b"60" and not writes
    rig.telemetry._unkept_ms = 4000  # the hour is over
    rig.live(60)
    assert writes == ["period"] and bytes(rig.telemetry.store.read("period", 8)) == b"120"


def test_a_wait_that_is_long_over_stays_over_when_the_ticks_have_gone_half_round():
    rig = Rig().ready()
    tele, half = rig.telemetry, (1 << 29) - 5000
    rig.until(FIRST + 70)
    assert rig.loop.diff(rig.loop.now(), tele._due) <= 1000
    assert rig.loop.diff(rig.loop.now(), tele.site.due) <= 1000
    rig.until(FIRST + 130)
    tele._due = tele.site.due = rig.world.t - half if rig.world.t > half else 0
    rig.live(10)
    assert rig.loop.diff(rig.loop.now(), tele._due) <= 1000
    assert rig.loop.diff(rig.loop.now(), tele.site.due) <= 1000


# -- outages ---------------------------------------------------------------


def test_an_outage_goes_to_flash_and_is_made_up_for_in_order_after_the_current_one():
    rig = Rig().ready()
    rig.until(FIRST + 65)
    for role in ("03", "49"):
        rig.answer(role, status(503, body=b"COMMS DISABLED"))
    rig.until(FIRST + 60 * 6 + 30)
    assert rig.telemetry.site.backlog.waiting >= 4
    since = len(rig.server.requests)
    for role in ("03", "49"):
        rig.answer(role, status(201))
    rig.until(FIRST + 60 * 7 + 58)
    for role in ("03", "49"):
        starts = rig.starts(role, since)
        flat = [s for post in starts for s in post]
        assert sorted(flat) == [60 * i for i in range(1, 7)], starts
        old = [s for s in flat if s < 360]
        assert old == sorted(old) and max([len(post) for post in starts]) == 4
    assert rig.telemetry.site.backlog.waiting == rig.telemetry.der.backlog.waiting == 0
    posted = [(row[0], row[1]) for post in rig.posts("03", since) for row in post]
    assert len(posted) == len(set(posted)) == 9 * 6


def test_the_current_interval_goes_before_the_backlog():
    rig = Rig().ready()
    rig.answer("03", status(503))
    rig.until(FIRST + 60 * 6 + 50)
    rig.answer("03", status(201))
    rig.telemetry._due = rig.world.t + 13000  # as if the last try had just failed
    since = len(rig.server.requests)
    rig.until(FIRST + 60 * 7 + 30)
    assert rig.starts("03", since)[0] == [360], rig.starts("03", since)
    later = [s for post in rig.starts("03", since)[1:] for s in post]
    assert later == [60 * i for i in range(6)], later


def test_a_point_that_always_fails_does_not_hold_the_other_up():
    rig = Rig().ready()
    rig.answer("03", status(503))
    rig.until(FIRST + 430)
    assert sorted([s for post in rig.starts("49") for s in post]) >= [60 * i for i in range(6)]


def test_a_flash_that_does_not_answer_is_asked_again_without_haste():
    rig = Rig().ready()
    rig.answer("03", status(503))
    rig.until(FIRST + 130)
    rig.until(FIRST + 150, sending=False)
    assert rig.telemetry.site.backlog.waiting == 2 and not rig.telemetry.site.ring.n
    rig.answer("03", status(201))
    since = len(rig.server.requests)
    rig.live(61)
    rig.telemetry.site.due = rig.world.t  # its wait is over, the flash's own pace is what counts
    rig.flash.unmount()
    tries = 0
    for _ in range(40):
        tries += rig.step(rig.telemetry)
        rig.live(1)
    assert tries <= 18, (tries, rig.starts("03", since))
    rig.flash.mount()
    rig.until(FIRST + 290)
    assert sorted([s for post in rig.starts("03", since) for s in post])[:2] == [0, 60]


def test_what_is_on_flash_outlives_the_board():
    rig = Rig().ready()
    rig.answer("03", status(503))
    rig.until(FIRST + 60 * 4 + 30)
    waiting = rig.telemetry.site.backlog.waiting
    assert waiting >= 3
    again = Backlog(Store(rig.flash.folder), "site", rig.telemetry.site.window._kinds)
    assert again.waiting == waiting


def test_a_server_that_is_away_for_good_leaves_what_waits_on_flash_within_a_minute():
    rig = Rig().ready()
    rig.until(FIRST + 64, sending=False)  # nobody sends: the walk is stuck elsewhere
    point = rig.telemetry.site
    assert point.ring.n == 1 and not point.backlog.waiting
    rig.until(FIRST + 80, sending=False)
    assert point.ring.n == 0 and point.backlog.waiting == 1
    rig.until(FIRST + 128)
    assert rig.starts("03") == [[0], [60]]


def test_a_flash_that_refuses_leaves_what_waits_in_memory():
    rig = Rig().ready()
    rig.flash.left = 0
    rig.answer("03", status(503))
    rig.until(FIRST + 200)
    assert rig.telemetry.site.backlog.waiting == 0 and rig.telemetry.site.ring.n == 3
    rig.until(FIRST + 290, sending=False)
    assert rig.telemetry.site.ring.n == 4
    rig.answer("03", status(201))
    since = len(rig.server.requests)
    rig.until(FIRST + 299)
    assert sorted([s for post in rig.starts("03", since) for s in post]) == [0, 60, 120, 180]
    rig.flash.reboot()


check.run(globals())
