"""The bench: every row is there, the plant obeys its equations, each law does as described."""

import json
import os
import subprocess
import sys

import pytest
from tools.bench import __main__ as bench
from tools.bench import controller, house, laws, later, parse
from tools.bench.plant import (
    TOLERANCE_W,
    WMAX_W,
    Books,
    Day,
    Devices,
    Inverter,
    Meter,
    OrdinaryDay,
    Step,
    run,
)
from tools.bench.port import least
from tools.bench.relay import Records
from tools.bench.row import MET, NOT_MET, UNMEASURED, Aim, BenchError, Reading, Row, number, table
from tools.check_imports import ROOT

PLANNED = {f"{name}.{row.key}": row for name, family in bench.FAMILIES.items()
           for row in family.ROWS}


def said(tmp_path, *args):
    """The bench as a user starts it: (its output, its JSON)."""
    path = tmp_path / "bench.json"
    done = subprocess.run([sys.executable, "-m", "tools.bench", "--json", str(path), *args],
                          cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(path.read_text())


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return said(tmp_path_factory.mktemp("bench"), "--quick")


# The whole of it


def test_a_quick_run_has_every_row_in_table_and_json(quick):
    text, made = quick
    assert [row["key"] for row in made["rows"]] == list(PLANNED)
    lines = text.splitlines()
    for row in made["rows"]:
        line = next(line for line in lines if line.startswith(row["name"] + "  "))
        assert line.endswith(row["verdict"]), line
    assert made["quick"] and "figures mean little" in text


def test_other_seeds_are_taken_and_make_other_days(tmp_path):
    _, made = said(tmp_path, "--only", "later", "--seeds", "7,8")
    assert made["seeds"] == [7, 8]
    books = [run(controller.Ours(), Day(seed, 60), Devices(), 1500).score for seed in (7, 7, 8)]
    assert books[0] == books[1] != books[2]


def test_no_row_is_without_an_aim_a_source_and_something_it_is_measured_against():
    assert len(PLANNED) == sum(len(family.ROWS) for family in bench.FAMILIES.values())
    for key, row in PLANNED.items():
        assert row.aim.text(row.unit) and row.source and row.against and row.name, key


def test_all_that_can_be_measured_is_and_all_else_has_no_value(quick):
    for row in quick[1]["rows"]:
        measured = not row["key"].startswith("later.")
        if row["key"].startswith("image.") and "make image" in row["note"]:
            measured = bool(os.environ.get("MICROSEP2_IMAGE"))
        assert (row["verdict"] != UNMEASURED) == measured, row
        assert (row["value"] is not None) == measured, row


def test_the_tables_and_buffers_of_the_whole_client_stay_within_48_kib(quick):
    # Of a fixed size each, so that fewer events make no difference; the heap of 256 KiB holds all.
    rows = {row["key"]: row for row in quick[1]["rows"]}
    assert rows["client.data"]["verdict"] == MET, rows["client.data"]
    assert rows["client.heap"]["value"] <= 256 and rows["client.ready"]["value"] < 240


def test_what_is_measured_in_the_same_run_is_so_marked(quick):
    rows = {row["key"]: row for row in quick[1]["rows"]}
    for key in ("list.time.58", "list.memory.580", "controller.j.0.slow", "client.gets"):
        assert rows[key]["against_same_run"], key
        ratio = rows[key]["value"] / rows[key]["against_value"]
        assert rows[key]["ratio"] == pytest.approx(ratio), key
    assert not rows["client.heap"]["against_same_run"]


def test_only_one_family_is_measured_when_asked(tmp_path):
    text, made = said(tmp_path, "--only", "later")
    assert {row["key"].split(".")[0] for row in made["rows"]} == {"later"}
    assert len(made["rows"]) == len(later.ROWS) and UNMEASURED in text


def test_a_family_that_fails_says_why_and_invents_nothing(monkeypatch):
    def fails(_quick):
        raise BenchError("the wire is cut")

    monkeypatch.setattr(parse, "measure", fails)
    rows = bench.rows_of("list", True)
    assert len(rows) == len(parse.ROWS)
    for row in rows:
        assert row.value is None and row.verdict == UNMEASURED and row.note == "the wire is cut"
    assert all(row.note != "the wire is cut" for row in parse.ROWS)


# Rows


@pytest.mark.parametrize(("aim", "value", "against", "verdict"), [
    (Aim("<", 10), 9.9, None, MET), (Aim("<", 10), 9.9, 5, MET), (Aim("<", 10), 10, None, NOT_MET),
    (Aim("<=", 10), 10, None, MET), (Aim("<", None), 3, 4, MET), (Aim("<", None), 4, 4, NOT_MET),
    (Aim("<", None), 4, None, UNMEASURED), (Aim("<", 10), None, 5, UNMEASURED),
])
def test_a_verdict_follows_from_value_and_aim_alone(aim, value, against, verdict):
    row = Row("k", "name", "s", aim, "it", "here")
    if value is not None:
        row.take(Reading(value, against))
    assert row.verdict == verdict


def test_a_recorded_figure_gives_way_to_one_of_the_same_run():
    row = Row("k", "name", "ms", Aim("<", None), "it", "here", 12.6)
    assert "12.6 (recorded)" in table([row])
    row.take(Reading(6.0, 8.0, "a note"))
    assert row.ratio == 0.75 and "(recorded)" not in table([row]) and "a note" in table([row])
    row.take(Reading(5.0))
    assert row.note == "a note"


def test_a_ratio_to_nothing_is_none():
    row = Row("k", "name", "", Aim("<=", 0), "nothing", "here", 0)
    row.take(Reading(0))
    assert row.ratio is None and row.verdict == MET


def test_figures_have_the_digits_they_are_worth():
    assert [number(x) for x in (None, 0, 5.0, 12345.6, 12.34, 1.234, 0.01234)] == [
        "-", "0", "5", "12,346", "12.3", "1.23", "0.012"]


# Tools


@pytest.mark.parametrize("border", [10, 11, 500, 999, 1000])
def test_the_least_that_fits_is_found_to_the_step(border):
    found = least(lambda n: n >= border, 10, 1000, 1)
    assert found == border
    assert border <= least(lambda n: n >= border, 10, 1000, 7) < border + 7 + 3


def test_nothing_fits_is_none():
    assert least(lambda n: False, 1, 100, 1) is None


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_tls_records_are_counted_in_any_pieces(size):
    stream = (b"\x16\x03\x03\x00\x04abcd" + b"\x14\x03\x03\x00\x01\x01"
              + b"\x17\x03\x03\x01\x00" + bytes(256) + b"\x15\x03\x03\x00\x02xy")
    records = Records()
    for at in range(0, len(stream), size):
        records.feed(stream[at:at + size])
    assert (records.handshake, records.data) == (9 + 6 + 7, 261)


def test_a_record_that_was_cut_is_not_counted():
    records = Records()
    records.feed(b"\x17\x03\x03\x00\x05abcd")
    assert records.data == 0


@pytest.mark.parametrize("size", [1, 10, 255])
def test_the_pages_of_a_list_hold_all_its_events(size):
    data, found = parse.pages(58, size).read_bytes(), []
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        found.append(data[4:end].count(b"<DERControl "))
        data = data[end:]
    assert sum(found) == 58 and max(found) == min(size, 58)


# The plant


def test_a_cap_acts_after_the_dead_time_and_not_before():
    inverter = Inverter(Devices(dead_ms=1500, tau_ms=0), 9000)
    powers = [inverter.tick(4000, 9000) for _ in range(20)]
    assert powers[:15] == [9000] * 15 and powers[15:] == [4000] * 5


@pytest.mark.parametrize("tau_ms", [800, 2000])
def test_the_lag_is_that_of_the_first_order(tau_ms):
    inverter = Inverter(Devices(dead_ms=0, tau_ms=tau_ms), 9000)
    for n in range(1, 60):
        # Backward Euler of dP/dt = (cap - P) / tau.
        closed = 4000 + 5000 * (tau_ms / (tau_ms + 100)) ** n
        assert inverter.tick(4000, 9000) == pytest.approx(closed)
    at_tau = 4000 + 5000 * (tau_ms / (tau_ms + 100)) ** (tau_ms // 100)
    assert at_tau == pytest.approx(4000 + 5000 / 2.71828, abs=130)


def test_a_slew_limit_is_a_straight_line():
    inverter = Inverter(Devices(dead_ms=0, tau_ms=0, slew_w_s=8000), 9000)
    assert [inverter.tick(6000, 9000) for _ in range(5)] == [8200, 7400, 6600, 6000, 6000]


def test_the_sun_acts_at_once_and_a_cap_above_it_holds_nothing():
    inverter = Inverter(Devices(dead_ms=0, tau_ms=2000), 9000)
    assert inverter.tick(10000, 3000) == 3000
    assert inverter.tick(5000, 4000) == 4000
    assert inverter.tick(5000, 9000) < 4100  # now it is the cap that binds, through the lag
    assert inverter.tick(5000, 2000) == 2000


def test_the_meter_shows_a_value_that_is_already_old():
    meter, seen = Meter(Devices(meter_ms=1000, meter_age_ms=300)), []
    for i in range(25):
        meter.tick(i, 100 * i)
        seen.append(meter.sample)
    assert seen[9] == (0, 0) and seen[10] == seen[19] == (1000, 700) and seen[20] == (2000, 1700)


def test_the_books_count_energy_above_the_limit_once_over_the_tolerance():
    books = Books()
    for _ in range(10):
        books.note(limit_w=5000, sun_w=9000, load_w=400, pv_w=9000)
    assert books.over_wh == pytest.approx(1.0) and books.over_s == pytest.approx(1.0)
    for _ in range(10):
        books.note(5000, 9000, 400, 5400 + TOLERANCE_W)
    assert books.over_s == pytest.approx(1.0) and books.strict_s == pytest.approx(2.0)
    assert books.longest_s == pytest.approx(1.0) and books.curtailed_wh == 0


def test_the_books_count_only_lawful_energy_as_lost():
    books = Books()
    for _ in range(10):
        books.note(limit_w=5000, sun_w=9000, load_w=400, pv_w=1800)
    assert books.curtailed_wh == pytest.approx(1.0)
    books.note(5000, 1800, 400, 1800)
    assert books.curtailed_wh == pytest.approx(1.0)
    assert books.score == pytest.approx(1.0)


def test_a_law_that_does_nothing_lets_the_sun_through():
    class Nothing:
        def step(self, now, meter, inverter, limit_w):
            return None

    books = run(Nothing(), Step(60, 9000, 1000, 1000, 30), Devices(), 5000)
    assert books.over_s == pytest.approx(60) and books.writes == 0
    assert books.over_wh == pytest.approx(3000 / 60) and books.longest_s == pytest.approx(60)


def test_only_a_cap_that_changes_is_a_write_and_only_from_when_the_books_are_open():
    class Cycle:
        def step(self, now, meter, inverter, limit_w):
            return 5000 + 1000 * (now // 20000)

    day = Step(60, 9000, 1000, 1000, 30)
    assert run(Cycle(), day, Devices(), 5000).writes == 3
    assert run(Cycle(), day, Devices(), 5000, count_from_s=30).writes == 1
    assert run(Cycle(), day, Devices(step_w=5000), 5000).writes == 1
    books = run(Cycle(), day, Devices(), 5000)
    assert books.written == [0, 20000, 40000]
    assert [books.most_in(ms) for ms in (20000, 20001, 60000)] == [1, 2, 3]


def test_a_day_is_the_same_for_every_law_and_another_for_every_seed():
    one, again, other = Day(1, 600), Day(1, 600), Day(2, 600)
    assert one.sun == again.sun and one.load == again.load and one.load != other.load
    assert len(one.sun) == 6000 and min(one.load) > 250 and max(one.sun) <= WMAX_W


def test_values_that_are_lost_or_null_do_not_reach_the_law():
    class Listens:
        def __init__(self):
            self.meter, self.inverter = set(), set()

        def step(self, now, meter, inverter, limit_w):
            self.meter.add(meter[0] if meter else -1)
            self.inverter.add(inverter[0] if inverter else -1)

    counts = []
    for devices in (Devices(), Devices(lost=0.2, null=0.1)):
        law = Listens()
        run(law, Step(200, 9000, 1000, 1000, 30), devices, 5000)
        counts.append((len(law.meter), len(law.inverter)))
    assert counts[0] == (1000, 1000) and 750 < counts[1][0] < 850 and 850 < counts[1][1] < 950


def test_the_ordinary_day_is_always_the_same_and_what_it_says():
    day, again = OrdinaryDay(3), OrdinaryDay(3)
    assert day.sun == again.sun and day.load == again.load and len(day.sun) == 3 * 36000
    assert day.sun[0] < 10 and max(day.sun) > 5000 and max(day.load) > 2000 and min(day.load) > 200
    whole = OrdinaryDay()
    energy = sum(whole.sun) / 36000, sum(whole.load) / 36000  # Wh
    assert 45000 < energy[0] < 75000 and 6000 < energy[1] < 15000, energy


def test_a_house_without_bands_passes_the_limits_that_it_keeps_with_them():
    for imp_w, load_w in ((5000, None), (None, 4000)):
        ours, free = (house.steered(bands, 400, imp_w, load_w) for bands in (True, False))
        assert ours.longest_s <= 15 and free.over_wh > 2 * ours.over_wh, (imp_w, load_w)


# The laws, one step each


def test_open_dynamic_export_takes_means_of_5_s_and_moves_a_tenth_a_second():
    law = laws.OpenDynamicExport()
    assert law.step(0, (0, 8000), (0, 9000), 5000) == 6000  # 9000 - (8000 - 5000)
    assert law.step(200, (200, 9000), (200, 9000), 5000) is None
    # Means: export (8000 + 9000 + 13000) / 3, output 9000: 4000 would be two tenths away.
    assert law.step(1000, (1000, 13000), (1000, 9000), 5000) == 5000
    assert law.step(2000, (2000, 8000), (2000, 9000), 5000) == 4500  # mean export 9500
    caps = [law.step(now, (now, -9000), (now, 9000), 5000) for now in range(8000, 16000, 1000)]
    assert caps == [5500, 6500, 7500, 8500, 9500, 10000, 10000, 10000]
    assert law.step(21000, None, None, 5000) is None  # no sample of 5 s: it does nothing


def test_openems_moves_at_most_a_fifth_of_its_last_limit_and_never_below_1_percent():
    law = laws.OpenEMS()
    assert law.step(0, (0, 8000), (0, 9000), 5000) == 6000
    assert law.step(200, (200, 0), (200, 9000), 5000) is None
    assert law.step(1000, (1000, 8000), (1000, 6000), 5000) == 4800
    assert law.step(2000, (2000, -4000), (2000, 4800), 5000) == 5760
    law = laws.OpenEMS()
    assert law.step(0, (0, 9000), (0, 2000), 5000) == WMAX_W // 100


def test_feed_forward_says_what_it_sees():
    assert laws.FeedForward().step(0, (0, 8000), (0, 9000), 5000) == 6000
    assert laws.FeedForward().step(0, None, (0, 9000), 5000) is None


def test_the_integral_moves_by_an_eighth_of_the_error_of_each_new_sample():
    law = laws.Integral()
    assert law.step(0, (0, 5800), None, 5000) == WMAX_W - 100
    assert law.step(200, (0, 5800), None, 5000) is None
    assert law.step(400, (400, 5800), None, 5000) == WMAX_W - 200


def test_ffmin_cuts_to_the_least_load_at_once_and_rises_a_quarter_after_its_hold():
    margin = WMAX_W >> 7
    law = laws.FFMin(window=3)
    assert law.step(0, (0, 8000), (0, 9000), 5000) == 6000 - margin
    assert law.step(200, (200, 4000), (200, 9000), 5000) is None  # a load came: not trusted yet
    caps = [law.step(t, (t, 1000), (t, 5900), 5000) for t in range(400, 3000, 200)]
    first = next(cap for cap in caps if cap is not None)
    target = 4900 + 5000 - margin
    assert first == 5922 + ((target - 5922) >> 2) + 1
    assert caps.index(first) == 4  # five steps of hold, the second step of all was the first
    law = laws.FFMin(window=20)
    law.step(0, (0, 8000), (0, 9000), 5000)
    assert {law.step(t, (t, 1000), (t, 5900), 5000) for t in range(200, 4000, 200)} == {None}
    assert law.step(4000, (4000, 1000), (4000, 5900), 5000) > 5922


def test_settling_cuts_the_whole_excess_and_waits_before_it_cuts_again():
    law = laws.Settling(settle_ms=1200)
    assert law.step(0, (0, 8000), (0, 9000), 5000) == 9000 + 200 - 3050
    assert law.step(200, (200, 8500), (0, 9000), 5000) is None  # no worse by a sixteenth
    assert law.step(400, (400, 8700), (0, 9000), 5000) == 6150 - 700
    assert law.step(600, (600, 3000), (600, 5450), 5000) is None  # it waits
    assert law.step(1400, (1400, 4000), (1400, 5450), 5000) == 5450 + 475
    assert law.step(1600, (1600, 4000), (1600, 5450), 5000) is None
    assert law.step(1800, (1600, 4000), (1600, 5450), 5000) is None  # nothing new
    assert law.step(4000, (1600, 4000), (1600, 5450), 5000) == 5000  # the meter is lost


def test_ours_falls_at_once_and_is_raised_at_most_once_a_second():
    law, caps = laws.Ours(), []
    for t in range(0, 20000, 200):
        caps.append(law.step(t, (t, 4000), (t, 9000), 5000))
    assert law.step(20000, (20000, 9000), (20000, 9000), 5000) < 5000 < caps[-1]
    last, raised = law.site.high_w[0], []
    for t in range(20200, 60000, 200):
        load = 500 + t // 3000 * 500
        cap = law.step(t, (t, last - load), (t, last), 5000)
        raised += [t] * (cap > last)
        last = cap
    assert len(raised) > 4
    assert min(b - a for a, b in zip(raised, raised[1:])) >= 1000


def test_ours_gets_along_without_a_sample_of_the_inverter_for_two_seconds_only():
    law = laws.Ours()
    for t in range(0, 12000, 200):
        law.step(t, (t, 2000), (t, 9000), 5000)
    assert law.step(12000, (12000, 2000), (10000, 9000), 5000) > 9000
    assert law.step(12200, (12200, 2000), (10000, 9000), 5000) == 5000


# What is said about them


def test_a_vanished_load_is_above_the_limit_for_as_long_as_the_slew_takes():
    found = controller.load_drop()
    # From the limit's margin 2.5 kW too much, 800 W less in each tick once it was seen.
    assert 0.3 <= found["drop.time"].value <= 1.5
    assert found["drop.energy"].value < found["drop.energy"].against
    assert found["drop.time"].against > 2
    assert found["drop.rest"].value <= 2
    assert 0.4 < found["drop.nominal"].value <= 4 and 1.5 < found["drop.slow"].value <= 15


def test_the_score_is_compared_with_the_best_of_the_others_and_never_with_itself():
    books = {law: Books() for law in (controller.OURS, "a", "b")}
    books[controller.OURS].over_wh, books["a"].over_wh, books["b"].over_wh = 1, 3, 2
    reading = controller._score(books)
    assert (reading.value, reading.against) == (10, 20) and reading.note.endswith("is b")
    assert set(reading.detail) == set(books)


def test_the_laws_table_lists_every_law_of_a_measured_row_best_first():
    books = {law: Books() for law in (controller.OURS, "a")}
    books[controller.OURS].written = list(range(1000))
    row = Row("controller.j.0.slow", "score", "", Aim("<", None), "others", "here")
    row.take(controller._score(books))
    lines = controller.text([row]).splitlines()
    assert lines[0] == "score" and lines[2].split()[0] == "a" and lines[3].split()[0] == "ours"
    assert controller.text([]) == ""
