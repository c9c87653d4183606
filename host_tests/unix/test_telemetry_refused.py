# heap: 1600k
"""Readings that a server refuses or cannot be sent: what mends it, and what flash keeps."""

import check
from backlog import Backlog
from metered import FIRST, Rig
from server import status
from store import Store


# -- refusals --------------------------------------------------------------


def test_a_list_that_is_refused_brings_the_point_anew_then_single_readings():
    for code in (400, 405, 413, 415):
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
        assert rig.telemetry.dropped == 0 and rig.telemetry._der.backlog.waiting == 0


def test_readings_that_are_refused_in_every_form_are_dropped_and_counted():
    rig = Rig().ready()
    rig.answer("49", status(400))
    rig.until(FIRST + 110)
    assert rig.telemetry.dropped == 1 and rig.telemetry._der.backlog.waiting == 0
    assert rig.said.count("READINGS_DROPPED", "role=49", "intervals=1") == 1
    assert [len(post) for post in rig.posts("49")] == [2, 2, 1]
    assert rig.starts("03") == [[0]]
    rig.answer("49", status(201))
    rig.until(FIRST + 130)
    assert rig.starts("49")[-1] == [60] and len(rig.posts("49")[-1]) == 2


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
    assert rig.telemetry._der.backlog.waiting == 0


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


# -- outages ---------------------------------------------------------------


def test_an_outage_goes_to_flash_and_is_made_up_for_in_order_after_the_current_one():
    rig = Rig().ready()
    rig.until(FIRST + 65)
    for role in ("03", "49"):
        rig.answer(role, status(503, body=b"COMMS DISABLED"))
    rig.until(FIRST + 60 * 6 + 30)
    assert rig.telemetry._site.backlog.waiting >= 4
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
    assert rig.telemetry._site.backlog.waiting == rig.telemetry._der.backlog.waiting == 0
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
    assert rig.telemetry._site.backlog.waiting == 2 and not rig.telemetry._site.ring.n
    rig.answer("03", status(201))
    since = len(rig.server.requests)
    rig.live(61)
    rig.flash.unmount()
    tries = 0
    for _ in range(40):
        tries += rig.step(rig.telemetry)
        rig.live(1)
    assert tries <= 12, (tries, rig.starts("03", since))
    rig.flash.mount()
    rig.until(FIRST + 290)
    assert sorted([s for post in rig.starts("03", since) for s in post])[:2] == [0, 60]


def test_what_is_on_flash_outlives_the_board():
    rig = Rig().ready()
    rig.answer("03", status(503))
    rig.until(FIRST + 60 * 4 + 30)
    waiting = rig.telemetry._site.backlog.waiting
    assert waiting >= 3
    again = Backlog(Store(rig.flash.folder), "site", rig.telemetry._site.window._kinds)
    assert again.waiting == waiting


def test_a_server_that_is_away_for_good_leaves_what_waits_on_flash_within_a_minute():
    rig = Rig().ready()
    rig.until(FIRST + 64, sending=False)  # nobody sends: the walk is stuck elsewhere
    point = rig.telemetry._site
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
    assert rig.telemetry._site.backlog.waiting == 0 and rig.telemetry._site.ring.n == 3
    rig.until(FIRST + 290, sending=False)
    assert rig.telemetry._site.ring.n == 4
    rig.answer("03", status(201))
    since = len(rig.server.requests)
    rig.until(FIRST + 299)
    assert sorted([s for post in rig.starts("03", since) for s in post]) == [0, 60, 120, 180]
    rig.flash.reboot()


check.run(globals())
