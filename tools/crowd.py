"""100,000 boards that come back together: when do they arrive at the utility?

Enters: how many boards, the firmware's own rules of when to ask (firmware/polls.py).  Leaves:
first contacts a second after a blackout, of boards that it switched off and of such that their
batteries kept up, and after an outage of the server, in numbers and a picture.

    python -m tools.crowd                   # prints the peaks, writes build/crowd.png

Compared is the same crowd without spread and jitter.  Limit: a server that answers at once; one
poll of each board counts, that of its DeviceCapability.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RATE_S = 300
SPREAD_S = 300  # the default of `spread_s`
BOOT_S = 3  # boards of one make start alike
LIT_S = 1  # and so do they see the voltage again that stayed up
OUTAGE_S = 600
SHOWN_S = 900


def polls():
    """The firmware's module, as it runs on the device."""
    for folder in ("host_tests/cpython", "firmware"):
        if str(ROOT / folder) not in sys.path:
            sys.path.insert(0, str(ROOT / folder))
    import polls as module

    return module


class Clock:
    """What Polls ask of the loop: its time, in ms."""

    ms = 0

    def now(self):
        """The instant."""
        return self.ms

    def add(self, t, ms):
        """A later instant."""
        return t + ms

    def after(self, ms):
        """An instant from now."""
        return self.ms + ms

    def diff(self, a, b):
        """How much later a is than b."""
        return a - b


def blackout(boards: int, spread_s: int, rng: random.Random, ready_s: int = BOOT_S) -> list[int]:
    """ms after the power came back at which each board asks for the first time.

    ready_s: BOOT_S, or LIT_S for boards that never went down, which ask for their programs.
    """
    clock = Clock()
    clock.ms = ready_s * 1000
    crowd = polls().Polls(clock, (RATE_S,) * boards)  # a row for each board
    for i in range(boards):
        crowd.put_off(i, spread_s, rng.randrange(65536))
    return crowd.due


def outage(boards: int, rng: random.Random, jitter: bool = True) -> list[int]:
    """ms after the server came back at which each board reaches it again.

    The boards ran at their own phases when the server went away for OUTAGE_S.  Without jitter:
    each board tries again after the same waits, from the moment it noticed together.
    """
    clock = Clock()
    crowd = polls().Polls(clock, (RATE_S,) * boards)  # a row for each board
    heap = []
    for i in range(boards):
        crowd.want(i, "https://utility.test/dcap")
        crowd.due[i] = rng.randrange(RATE_S * 1000) if jitter else 0
        heap.append((crowd.due[i], i))
    heapq.heapify(heap)
    arrived = []
    while heap:
        clock.ms, i = heapq.heappop(heap)
        if clock.ms >= OUTAGE_S * 1000:
            arrived.append(clock.ms - OUTAGE_S * 1000)
            continue
        crowd.failed(i, -1, rng.randrange(65536) if jitter else 0)
        heapq.heappush(heap, (crowd.due[i], i))
    return arrived


def per_second(arrivals: list[int]) -> list[int]:
    """Arrivals in each second."""
    seconds = [0] * (max(arrivals) // 1000 + 1)
    for ms in arrivals:
        seconds[ms // 1000] += 1
    return seconds


def draw(path: Path, rows: list[tuple[str, list[int], list[int]]]) -> None:
    """The picture: arrivals a second, ours and without spread."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, all_axes = plt.subplots(len(rows), 1, figsize=(11, 3.5 * len(rows)), dpi=110,
                                    layout="constrained")
    for axes, (title, ours, bare) in zip(all_axes, rows):
        axes.plot(range(len(bare)), bare, color="#c1121f", lw=1.2,
                  label=f"without spread: at most {max(bare):,} a second")
        axes.fill_between(range(len(ours)), ours, color="#1b4965", alpha=0.85, step="post",
                          label=f"microsep2: at most {max(ours):,} a second")
        axes.set_yscale("symlog", linthresh=100)
        axes.set_xlim(0, min(SHOWN_S, max(len(ours), len(bare)) + 10))
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_ylabel("boards a second")
        axes.grid(alpha=0.25)
        axes.legend(loc="upper right")
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[-1].set_xlabel("seconds")
    figure.suptitle("100,000 boards come back together", fontsize=14, fontweight="bold", x=0.01,
                    ha="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)


def main(argv=None) -> None:
    """Print the peaks and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--boards", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--png", type=Path, default=ROOT / "build" / "crowd.png")
    args = parser.parse_args(argv)
    rng = random.Random(args.seed)
    rows = [
        ("the power comes back in a whole district",
         per_second(blackout(args.boards, SPREAD_S, rng)),
         per_second(blackout(args.boards, 0, rng))),
        ("the utility's server comes back after ten minutes", per_second(outage(args.boards, rng)),
         per_second(outage(args.boards, rng, jitter=False))),
        ("the power comes back where batteries kept the boards up",
         per_second(blackout(args.boards, SPREAD_S, rng, LIT_S)),
         per_second(blackout(args.boards, 0, rng, LIT_S))),
    ]
    for title, ours, bare in rows:
        print(f"{title}: at most {max(ours):,} boards a second over {len(ours)} s,"
              f" without spread {max(bare):,}")
    draw(args.png, rows)
    print(args.png)


if __name__ == "__main__":
    main()
