# heap: 1088k
"""Readings from the registers to the usage points: what they are of, and what they say."""

import check
from edges import NOW
from metered import FIRST, Rig, mrid, point_mrid, single_phase
from north import LFDI
from sep2 import EPOCH
from server import status
from south import South
from told import Told


# -- usage points ----------------------------------------------------------


def test_both_usage_points_are_posted_with_all_their_types_and_the_list_read_again():
    rig = Rig()
    assert rig.asked() == ["GET /mup"]
    rig.flush(rig.telemetry)
    assert rig.asked()[1:] == ["POST /mup", "POST /mup"] and rig.telemetry.relist
    site, made = rig.sent("POST", "/mup")
    assert site.names() == (["mRID", "description", "roleFlags", "serviceCategoryKind", "status",
                             "deviceLFDI"] + ["MirrorMeterReading"] * 9)
    for doc, role, name in ((site, "03", "Site"), (made, "49", "DER")):
        assert doc.leaf("mRID") == str(LFDI, "ascii")[:22] + role + "00032473"
        assert doc.leaf("roleFlags") == role and doc.leaf("description") == name
        assert doc.leaf("serviceCategoryKind") == "0" and doc.leaf("status") == "1"
        assert doc.leaf("deviceLFDI") == str(LFDI, "ascii")
    types = [(int(d.leaf("uom")), int(d.leaf("phase")), d.leaf("mRID"), d.leaf("kind"),
              d.leaf("dataQualifier"), d.leaf("flowDirection"), d.leaf("powerOfTenMultiplier"),
              d.leaf("intervalLength"), d.leaf("commodity"))
             for d in site.parts("MirrorMeterReading")]
    assert types == [(uom, phase, mrid(uom, phase), "37", "2", "1", ten, "300", "1")
                     for uom, ten in ((38, "0"), (63, "0"), (29, "-1")) for phase in (128, 64, 32)]
    types = [(int(d.leaf("uom")), int(d.leaf("phase")), d.leaf("mRID"), d.leaf("flowDirection"))
             for d in made.parts("MirrorMeterReading")]
    assert types == [(38, 0, mrid(38, 0, "49"), "19"), (63, 0, mrid(63, 0, "49"), "19")]
    every = site.leaves("mRID") + made.leaves("mRID")
    assert len(set(every)) == len(every) == 13
    assert all([len(m) == 32 and m[-8:] == "00032473" and m == m.upper() for m in every])


def test_a_point_that_the_list_has_already_is_posted_once_all_the_same():
    rig = Rig()
    rig.points = {"03": point_mrid("03"), "49": point_mrid("49")}
    rig.read()
    assert rig.telemetry.site.href == "/mup/03"
    rig.flush(rig.telemetry)
    assert len(rig.sent("POST", "/mup")) == 2
    rig.read()
    rig.flush(rig.telemetry)
    assert len(rig.sent("POST", "/mup")) == 2


def test_a_meter_of_one_phase_has_three_channels_of_phase_a():
    rig = Rig(single_phase()).ready()
    site = rig.sent("POST", "/mup")[0]
    assert [(d.leaf("uom"), d.leaf("phase")) for d in site.parts("MirrorMeterReading")] == [
        ("38", "128"), ("63", "128"), ("29", "128")]
    rig.until(FIRST + 62)
    assert [row[:3] for row in rig.posts("03")[0]] == [
        [mrid(38, 128), FIRST, -700], [mrid(63, 128), FIRST, 90], [mrid(29, 128), FIRST, 2301]]


def test_a_meter_that_does_not_tell_its_phases_apart_gives_the_sum():
    south = South()
    for i in (19, 20, 21, 29, 30, 31):
        south.meter.put(south.meter.at(203, i), 0x8000)
    south.set(0, 1234)
    rig = Rig(south).ready()
    site = rig.sent("POST", "/mup")[0]
    assert [(d.leaf("uom"), d.leaf("phase")) for d in site.parts("MirrorMeterReading")] == [
        ("38", "0"), ("63", "0"), ("29", "128")]
    rig.until(FIRST + 62)
    assert [row[2] for row in rig.posts("03")[0]] == [1234, 90, 2301]


def test_no_point_is_made_before_a_device_has_measured():
    south = South()
    south.inverter.put(south.inverter.at(103, 14), 0x8000)
    rig = Rig(south).ready()
    assert [doc.leaf("roleFlags") for doc in rig.sent("POST", "/mup")] == ["03"]
    south.inverter.put(south.inverter.at(103, 14), 500)
    rig.live(3)
    rig.flush(rig.telemetry)
    assert [doc.leaf("roleFlags") for doc in rig.sent("POST", "/mup")] == ["03", "49"]


def test_a_server_without_a_list_or_behind_an_outage_gets_nothing():
    rig = Told(South().run(4000))
    rig.live(3)
    assert not rig.telemetry.is_due(rig.world.t)
    rig = Rig()
    rig.server.routes["/mup"] = status(503)
    rig.until(FIRST + 60)
    for role in (b"<roleFlags>03", b"<roleFlags>49"):
        at = [ticks for ticks, method, _, body in rig.server.requests
              if method == "POST" and role in bytes(body)]
        gaps = [(b - a) // 1000 for a, b in zip(at, at[1:])]
        assert len(gaps) >= 5
        for gap, due in zip(gaps, (2, 4, 8, 16, 32)):
            assert due <= gap <= due + 1, gaps


# -- readings --------------------------------------------------------------


def test_the_first_interval_is_not_whole_and_the_next_is_posted_right_after_its_end():
    rig = Rig().ready()
    rig.phases(1500, -2500, 300)
    rig.south.inverter.put(rig.south.inverter.at(103, 14), 3456)
    rig.until(FIRST + 59)
    assert rig.posts("03") == rig.posts("49") == []
    rig.until(FIRST + 70)
    at = [r[0] // 1000 for r in rig.server.requests if r[2] in ("/mup/03", "/mup/49")]
    assert len(at) == 2 and all([FIRST + 60 - NOW <= t <= FIRST + 63 - NOW for t in at]), at
    assert rig.posts("03") == [[
        [mrid(38, 128), FIRST, 1500, None], [mrid(38, 64), FIRST, -2500, None],
        [mrid(38, 32), FIRST, 300, None], [mrid(63, 128), FIRST, 40, None],
        [mrid(63, 64), FIRST, 30, None], [mrid(63, 32), FIRST, 20, None],
        [mrid(29, 128), FIRST, 2301, None], [mrid(29, 64), FIRST, 2302, None],
        [mrid(29, 32), FIRST, 2303, None]]]
    assert rig.posts("49") == [[[mrid(38, 0, "49"), FIRST, 3456, None],
                                [mrid(63, 0, "49"), FIRST, -123, None]]]
    doc = rig.sent("POST", "/mup/03")[0]
    assert doc.text.startswith('<MirrorMeterReadingList xmlns="urn:ieee:std:2030.5:ns" all="9" '
                               'results="9"><MirrorMeterReading><mRID>')
    one = doc.parts("MirrorMeterReading")[0]
    assert one.leaf("duration") == "60" and int(one.leaf("lastUpdateTime")) == FIRST + 60 + EPOCH
    assert rig.said.count("READINGS", "role=03", "intervals=1") == 1
    rig.until(FIRST + 190)
    assert rig.starts("03") == rig.starts("49") == [[0], [60], [120]]


def test_a_mean_is_that_of_the_samples_of_its_interval():
    rig = Rig().ready()
    rig.until(FIRST + 60, sending=False)
    rig.phases(1000, 0, 0)
    rig.until(FIRST + 90, sending=False)
    rig.phases(3001, 0, 0)
    rig.until(FIRST + 121, sending=False)
    rig.until(FIRST + 128)
    values = {row[0]: row[2] for row in rig.posts("03")[0]}
    assert abs(values[mrid(38, 128)] - 2000) <= 80, values  # a step falls within two seconds
    assert rig.starts("03") == [[60], [0]]  # the current interval goes first


def test_the_newer_profiles_say_valid_and_no_update_time():
    for profile in ("v1.3", "v1.3b-sto"):
        rig = Rig(profile=profile).ready()
        rig.until(FIRST + 65)
        assert {row[3] for row in rig.posts("03")[0]} == {"0001"}
        assert rig.sent("POST", "/mup/03")[0].leaf("lastUpdateTime") is None


def test_a_large_site_counts_in_tens_of_watts():
    south = South()
    rig = Rig(south, site_exp_w=100000)
    rig.phases(-30005, 25, 24)
    rig.south.inverter.put(rig.south.inverter.at(103, 14), 15995)
    rig.ready()
    site = rig.sent("POST", "/mup")[0].parts("MirrorMeterReading")
    assert [d.leaf("powerOfTenMultiplier") for d in site] == ["1"] * 6 + ["-1"] * 3
    rig.until(FIRST + 65)
    assert [row[2] for row in rig.posts("03")[0]] == [-3001, 3, 2, 4, 3, 2, 2301, 2302, 2303]
    assert rig.posts("49")[0][0][2] == 1600


def test_phases_and_powers_that_are_unknown_are_left_out():
    rig = Rig().ready()
    rig.south.meter.put(rig.south.meter.at(203, 20), 0x8000)
    rig.south.meter.put(rig.south.meter.at(203, 10), 0xFFFF)
    rig.until(FIRST + 65)
    sent = [row[0] for row in rig.posts("03")[0]]
    assert len(sent) == 7 and mrid(38, 64) not in sent and mrid(29, 32) not in sent
    assert rig.sent("POST", "/mup/03")[0].text.find('all="7" results="7"') > 0


def test_an_interval_of_which_nothing_was_seen_is_not_posted():
    rig = Rig().ready()
    rig.south.inverter.silent = True
    rig.until(FIRST + 130)
    assert rig.starts("03") == [[0], [60]]
    last = rig.posts("49")
    assert all([row[3] == "0010" for post in last for row in post]) and len(last) <= 1
    assert not rig.telemetry.der.ring.n and not rig.telemetry.der.backlog.waiting


def test_a_gap_makes_what_is_left_questionable():
    rig = Rig().ready()
    rig.until(FIRST + 20)
    rig.south.meter.silent = True
    rig.until(FIRST + 30)
    rig.south.meter.silent = False
    rig.until(FIRST + 125)
    quality = [{row[3] for row in post} for post in rig.posts("03")]
    assert quality == [{"0010"}, {None}], quality


def test_what_the_boards_own_clock_dated_is_questionable():
    rig = Rig()
    rig.clock.source = 1  # BOARD: as if no server had told the time yet
    rig.ready()
    rig.until(FIRST + 65)
    assert {row[3] for row in rig.posts("03")[0]} == {"0010"}
    assert {row[3] for row in rig.posts("49")[0]} == {"0010"}


def test_a_slow_line_does_not_make_every_reading_questionable():
    south = South(delay=190)  # two reads of 200 ms do not fit one after the other
    rig = Rig(south, ms=9000).ready()
    rig.until(FIRST + 245)
    quality = [row[3] for post in rig.posts("03") for row in post]
    assert quality[0] == "0010" and quality[-1] is None, quality
    assert 400 <= rig.telemetry.site.window.sample_ms <= 460


check.run(globals())
