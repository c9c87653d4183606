"""The whole firmware as frozen code in 64 KiB of heap, 32-bit words, in virtual time.

Scenarios that the stock interpreter lives through in the other files, with the table of 132 slots:
first those of the whole client, then procedures of each family, each kind of device and control.
The harness's own clock, sockets and buffers stand in the same heap: what they take is measured
here and added.  Left out where there is no image, see host_tests/conftest.py.
"""

import functools
import os
import subprocess

import house
import pytest
from device import Device, texts
from house import living
from test_procedures_control import test_all_28_changing_ramp_rates as ramps
from test_procedures_load import (
    test_import_limit_takes_from_the_battery_what_the_house_needs as battery,
)
from test_procedures_monitoring import test_all_08_operational_mode_status as status
from test_procedures_monitoring import test_all_10_post_rate_change as post_rate
from test_procedures_monitoring import test_all_11_deenergise_and_energise as energise
from test_procedures_multiple import test_limits_hold_while_one_of_two_inverters_dies as two
from test_procedures_multiple import test_mul_02_aggregated_telemetry as sums
from test_procedures_multiple import test_mul_03_changed_settings_of_one_der as settings
from test_procedures_registration import (
    test_all_02_a_server_that_refuses_is_asked_at_its_rate_and_joined_later as registers,
)
from test_procedures_registration import test_all_03_connection_point as connection_point
from test_procedures_registration import test_sdvn_01_version_discovery as version
from test_procedures_storage import test_sto_03_storage_target_with_an_export_limit as target
from test_procedures_storage import test_sto_status_tells_charge_and_mode as charge
from test_procedures_traps import (
    test_c5_a_step_of_the_servers_clock_neither_repeats_nor_loses_an_event as clock_step,
)
from test_procedures_traps import (
    test_d3_an_event_that_vanished_goes_on_or_ends_as_it_is_set as vanished,
)
from test_procedures_traps import (
    test_j47_powers_far_beyond_the_rating_or_in_tenths_are_decoded_exactly as powers,
)

PROCEDURES = (ramps, battery, status, post_rate, energise, two, sums, settings, registers,
              connection_point, version, target, charge, clock_step, vanished, powers)

BOARD = "unix32/virtual"
HEAP_KIB = 64
HARNESS_KIB = 10  # its buffers, two sockets, its names

# What the harness has in the heap while a scenario runs: all of the firmware's code is there
# already, and its own board.
_MEASURE = """
import gc
import app
gc.collect()
before = gc.mem_alloc()
import board
board.ticks.new_socket("a", 1)
board.ticks.new_socket("b", 1)
gc.collect()
print(gc.mem_alloc() - before)
"""


@pytest.fixture
def image(need_image):
    return need_image(BOARD, texts("unix32"))


@pytest.fixture(autouse=True)
def on_the_image(monkeypatch, image):
    device = functools.partial(Device, image=image, heap=f"{HEAP_KIB + HARNESS_KIB}k")
    monkeypatch.setattr(house, "Device", device)


def test_harness_takes_what_is_added_for_it(image, tmp_path):
    down, to = os.pipe()
    try:
        said = subprocess.run([str(image), "-X", "heapsize=256k", "-c", _MEASURE, str(tmp_path),
                               str(down), str(to), "0", "0", "1", "0"], pass_fds=(down, to),
                              capture_output=True, text=True, check=True, cwd=tmp_path,
                              env={**os.environ, "MICROPYPATH": ".frozen"}).stdout
    finally:
        os.close(down)
        os.close(to)
    assert (HARNESS_KIB - 1) * 1024 < int(said) <= HARNESS_KIB * 1024


def test_first_light_with_full_tables(tmp_path):
    with living(tmp_path, load=[[0, 500], [100, 2600], [200, 400]]) as there:
        there.default(exp_w=1500, imp_w=1500)
        event = there.publish(60, 300, exp_w=2500)
        for program in ("p1", "p2"):
            for i in range(57):
                there.publish(3600 + 60 * i, 60, program, exp_w=10 * i)
        there.boot()
        there.run_to(430)
        ruled = [(round(at), w, src) for at, w, src in there.limits() if at > 1.5]
        assert next(row for row in ruled if row[2] == "event")[:2] == (60, 2500)
        assert ruled[-1][1:] == (1500, "default")
        assert there.statuses(event) == [1, 2, 3]
        assert len(there.answers()) == 57 * 2 + 3
        verdict = there.judge((5, 60, 1500), (60, 360, 2500), (360, 430, 1500))
        assert verdict.passed, verdict.line()
        assert {e["verdict"] for e in there.requests()} == {"ok"}
        assert not [line for line in there.log if line.level == "E"]


def test_communications_are_lost_while_events_run(tmp_path):
    """GEN-10's course: the events that are known are obeyed, then the default."""
    with living(tmp_path) as there:
        there.default(exp_w=1500)
        events = [there.publish(60 + 60 * i, 60, exp_w=2000 + 500 * i) for i in range(4)]
        there.boot()
        there.run_to(50)
        there.server_up(False)
        there.run_to(400)
        assert there.judge((3, 60, 1500), (60, 120, 2000), (120, 180, 2500), (180, 240, 3000),
                           (240, 300, 3500), (300, 400, 1500)).passed
        there.server_up(True)
        there.run_to(520)
        assert all(there.statuses(event) == [1, 2, 3] for event in events)


def test_power_is_cut_again_and_again(tmp_path):
    with living(tmp_path) as there:
        there.default(exp_w=1500, imp_w=1500)
        there.publish(20, 900, exp_w=4000)
        there.boot()
        there.run_until(lambda: there.said("DEFAULT_KEPT"), 10)
        for wait_s in (0, 0.03, 0.21, 1, 25):
            there.run(wait_s)
            there.power_cut()
            there.run(3)
            there.log.clear()
            there.boot()
            there.run(0.6)
            assert there.limits()[0][1:] == (1500, "persisted")
        there.run(20)
        assert there.limits()[-1][1:] == (4000, "event")


@pytest.mark.parametrize("how", ["refuse", "drop"])
def test_no_server_at_all_leaves_the_failsafe(tmp_path, how):
    with living(tmp_path) as there:
        there.server_up(False, how)
        there.boot()
        there.run(200)
        assert {(w, src) for _, w, src in there.limits()} == {(1000, "failsafe")}
        assert there.worst_export(15, 200) <= 1000 + house.tolerance_w(10000)


def test_half_an_hour_of_polls_and_events_wants_for_no_memory(tmp_path):
    with living(tmp_path, poll_s=30) as there:
        there.default(exp_w=1500)
        events = [there.publish(120 + 180 * i, 120, exp_w=2000 + 100 * i) for i in range(8)]
        there.boot()
        there.run_to(1800)
        pairs = there.said("READY")[0].pairs
        assert int(pairs["used"]) + int(pairs["free"]) < (HEAP_KIB + HARNESS_KIB) * 1024
        assert not [line for line in there.log if line.level == "E" or "MEMORY" in line.text]
        assert all(there.statuses(event) == [1, 2, 3] for event in events)


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda f: f.__name__[5:])
def test_procedure(tmp_path, procedure):
    procedure(tmp_path)
