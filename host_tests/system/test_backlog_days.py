"""Two days without a server, the power cut at random bytes of what goes to flash: nothing is lost.

The kernel cuts: a file may grow up to a random byte (RLIMIT_FSIZE), and the process is killed with
the write that goes beyond it. What was written up to there stays, as on a flash.
"""

import random
import resource
import signal
import struct
import zlib

from house import START, living

PERIOD_S = 300
PACE_MS = 30000
DAYS_S = 48 * 3600
CUTS = 10
FOUND_S = 3 * PACE_MS // 1000  # from boot until the meter is sampled
KEPT_S = 2 * PACE_MS // 1000  # from the end of an interval until it lies on the flash
EPOCH = 1577836800
FILES, FILE = 16, 4096  # what firmware/backlog.py states
CHANNELS = 9
WATTS = 38  # uom
SUN_W = 1500  # so little that no limit binds, and no trial of the meter either
APART_W = 70  # a sample in ten may belong to the step before, of 600 W at most


def newest(house, name):
    """The size of the file that grows."""
    files = [p for p in house.flash.glob(name + ".*") if p.suffix[1:].isdecimal()]
    return max(files, key=lambda p: int(p.suffix[1:])).stat().st_size if files else 0


def cut_at(house, size, names):
    """No file may grow beyond `size`; the power is cut with the write to `names` that would."""
    resource.prlimit(house.device.pid, resource.RLIMIT_CORE, (0, 0))
    resource.prlimit(house.device.pid, resource.RLIMIT_FSIZE, (size, size))
    house.run_until(lambda: house.device is None or any(
        p.stat().st_size == size for p in house.flash.glob(names)), 900)
    if house.device:  # the kernel has told it EFBIG
        house.power_cut()
    else:
        assert house.ended.code == -signal.SIGXFSZ, house.ended.output
    return house.now


def starts(house, role):
    """Seconds of the house at which intervals begin, of every channel; each has them alike."""
    found = set()
    for point in house.utility.site().usage_points.values():
        if int(point.role, 16) == role:
            by_channel = {mrid: set() for mrid in point.types}
            for (mrid, start), reading in point.readings.items():
                assert reading["duration"] == PERIOD_S
                by_channel[mrid].add(start - START)
            sets = list(by_channel.values())
            assert sets and all(s == sets[0] for s in sets)
            found = sets[0]
    return found


def load_w(start):
    """The house's own load from that second on: another one every ten minutes."""
    return 300 + 100 * (start // 600 % 7)


def taken_w(house):
    """{second at which an interval begins: mean W at the connection point}, phases together."""
    found = {}
    for point in house.utility.site().usage_points.values():
        if int(point.role, 16) == 3:
            for (mrid, start), reading in point.readings.items():
                kind = point.types[mrid]
                if kind["uom"] == WATTS:
                    w = reading["value"] * 10 ** (kind.get("powerOfTenMultiplier") or 0)
                    found[start - START] = found.get(start - START, 0) + w
    return found


def test_two_days_without_a_server_and_ten_cuts_lose_no_interval_and_invent_none(tmp_path):
    rng = random.Random(1)
    load = [[600 * i, load_w(600 * i)] for i in range(DAYS_S // 600 + 60)]
    with living(tmp_path, slow=PACE_MS, poll_s=PERIOD_S, load=load, pv=SUN_W,
                config={"site_exp_w": 20000}) as house:
        house.default(exp_w=12000)
        lives = [[0, None]]
        house.boot(ends=True)
        house.run_to(700)
        house.server_up(False)
        torn = 0
        for when in sorted(rng.sample(range(2000, DAYS_S - 4000, 1500), CUTS)):
            house.run_to(when)
            site = newest(house, "site")
            if site > FILE - 200:  # the next one begins a file
                house.run(4 * PERIOD_S)
                site = newest(house, "site")
            lives[-1][1] = cut_at(house, site + rng.randrange(1, 52), "site.*")
            torn += newest(house, "site") % 52 > 0
            house.run(rng.randrange(1, 400))
            lives.append([house.now, None])
            house.boot(ends=True)
        assert torn == CUTS
        house.run_to(DAYS_S + 700)
        house.server_up(True)
        # Once more while it is delivered: in the mark that says how far.
        house.run_until(lambda: len(starts(house, 3)) > 40, 1800)
        lives[-1][1] = cut_at(house, 7, "*.done.new")
        lives.append([house.now + 5, None])
        house.run(5)
        house.boot(ends=True)
        house.run_until(lambda: newest(house, "site") == newest(house, "der") == 0, 12000)
        lives[-1][1] = house.now
        whole, sure = set(), set()
        for on, off in lives:
            for start in range(0, round(off), PERIOD_S):
                if start >= on and start + PERIOD_S <= off:
                    whole.add(start)
                    if start >= on + FOUND_S and start + PERIOD_S + KEPT_S <= off:
                        sure.add(start)
        assert len(sure) > 530
        for role in (3, 0x49):
            got = starts(house, role)
            assert got <= whole, sorted(got - whole)
            assert sure <= got, sorted(sure - got)
        # Each under its own time: read so seldom, the meter steers nothing.
        wrong = {start: w for start, w in taken_w(house).items()
                 if start >= 600 and abs(w + SUN_W - load_w(start)) > APART_W}
        assert not wrong, wrong
        assert len(house.said("READINGS_LOST")) <= 2 * len(lives)
        assert not house.said("TASK_FAILED")


def record(start, kinds):
    """A record as firmware/backlog.py states it: the row, then a sum of it and its layout."""
    row = struct.pack(f"<{3 + CHANNELS}i", start, PERIOD_S, 0, *range(100, 100 + CHANNELS))
    layout = struct.pack("<i", zlib.crc32(kinds) & 0x3FFFFFFF)
    return row + struct.pack("<i", zlib.crc32(row + layout) & 0x3FFFFFFF)


def test_when_the_files_are_full_the_oldest_give_way_and_that_is_said(tmp_path):
    kinds = bytes((0,) * 6 + (1,) * 3)  # means, then r.m.s.
    size = 4 * (3 + CHANNELS + 1)
    each = FILE // size
    first = START - EPOCH - FILES * each * PERIOD_S
    with living(tmp_path, poll_s=PERIOD_S, config={"sample_ms": 1000}) as house:
        for number in range(FILES):
            rows = [record(first + (number * each + k) * PERIOD_S, kinds) for k in range(each)]
            if number == 5:
                rows[7] = bytes(size)  # what a cut can leave
            (house.flash / f"site.{number + 1}").write_bytes(b"".join(rows))
        house.server_up(False)
        house.boot()
        house.run_to(900)
        lost = house.said("READINGS_LOST", role="03")
        assert [int(line.pairs["flash"]) for line in lost] == [each]
        house.server_up(True)
        house.run_until(lambda: newest(house, "site") == 0, 900)
        got = sorted(starts(house, 3))
        begun = first + EPOCH - START
        gone = {begun + (5 * each + 7) * PERIOD_S}
        wanted = [begun + k * PERIOD_S for k in range(each, FILES * each)]
        assert [s for s in got if s < 0] == [s for s in wanted if s not in gone]
        assert {300, 600} <= set(got)
        assert house.said("READINGS_LOST")[-1].pairs["torn"] == "1"
        counts = [int(line.pairs["flash"]) for line in house.said("READINGS_LOST")]
        assert counts == sorted(counts) and len(counts) <= 3
