"""The rolling envelope of the handbook (7.5): 58 events a program, replaced every five minutes.

Enters: `now`.  Leaves: controls in the programs, twelve of five minutes and 46 of half an hour,
each round superseding the round before.  Usage: `utility.forecast.start(["p1"], now)`.
Limit: superseded controls stay listed for one round, then the server has run out of room for
them; limits follow a smooth day with a little noise from the run's seed.
"""

import math

SHORT_S, LONG_S = 300, 1800
SHORT_N, LONG_N = 12, 46
DAY_S = 86400


class Forecast:
    """Republishes by the clock: `tick(now)` does what is due."""

    def __init__(self, utility):
        self._utility = utility
        self._programs = []
        self._next = None
        self.exp_w, self.imp_w = 10000, 10000  # the largest limits of the day

    def start(self, programs, now):
        """Begin, with the first round at once."""
        self._programs = list(programs)
        self._next = now
        self.tick(now)

    def stop(self):
        """Publish no more."""
        self._next = None

    def tick(self, now):
        """Publish the round that is due at `now`, if one is."""
        if self._next is None or now < self._next:
            return
        slot = int(now) // SHORT_S * SHORT_S
        for site in self._utility.sites.values():
            for name in self._programs:
                if name in site.programs:
                    self._replace(site, site.programs[name], slot, now)
        self._next = slot + SHORT_S

    def _replace(self, site, program, slot, now):
        for control in list(program.controls):
            if control.ruling is not None or control.end <= now:
                site.forget(program, control)
        for i in range(SHORT_N):
            self._publish(site, program, slot + i * SHORT_S, SHORT_S, now)
        first = slot + SHORT_N * SHORT_S
        for i in range(LONG_N):
            self._publish(site, program, first + i * LONG_S, LONG_S, now)

    def _publish(self, site, program, start, duration, now):
        noon = math.cos((start % DAY_S) / DAY_S * 2 * math.pi)
        noise = self._utility.rng.uniform(0.9, 1.0)
        modes = {"exp_w": int(self.exp_w * (0.6 + 0.4 * noon) * noise),
                 "imp_w": int(self.imp_w * (0.8 - 0.2 * noon) * noise)}
        self._utility.publish(
            program.name, {"start": start, "duration": duration, "modes": modes}, now, site=site
        )
