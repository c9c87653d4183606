"""When each resource is read next: its own rate while all is well, a bounded retry when not.

Enters: rates, successes and failures.  Leaves: the instant at which a resource is due.

    poll = Poll("derp", 300)
    poll.want(href, now)                # known now: due at once
    poll.succeeded(loop, rate_s, spread)

Requirements A10, B0: a changed rate counts from the last read; a retry comes after 2, 4, 8, 16 s
and then never later than the resource's own rate or a minute, save where the server asks for more.
"""

from micropython import const

RATE_MIN_S = const(5)  # below this a server would keep us busy with polling alone
RATE_MAX_S = const(86400)
_RETRY_MAX_S = const(60)


class Poll:
    """One resource. `href` is None until it is known; `parent` is read again when it is gone."""

    def __init__(self, name, rate_s, parent=None):
        self.name = name
        self.parent = parent
        self.href = None
        self.default_s = rate_s
        self.rate_s = rate_s
        self.due = 0
        self.fails = 0
        self.was_read = False
        self._read_at = 0

    def want(self, href, now):
        """The link of the resource; a new one is due at once, None forgets it.

        Failures are counted on: a link that leads nowhere may come again and again.
        """
        if href == self.href:
            return
        self.href = href
        self.due = now
        self.was_read = False

    def is_due(self, loop, now):
        """True when it should be read now."""
        return self.href is not None and loop.diff(now, self.due) >= 0

    def set_rate(self, loop, rate_s):
        """Take the server's pollRate (-1 when absent: the default); due moves at once (B0)."""
        rate_s = self.default_s if rate_s <= 0 else rate_s
        self.rate_s = max(RATE_MIN_S, min(RATE_MAX_S, rate_s))
        if self.was_read:
            self.due = loop.add(self._read_at, self.rate_s * 1000)

    def succeeded(self, loop, begun, random16):
        """It was read to its end, the request having begun at `begun`; jitter: 5 % either way."""
        self.fails = 0
        self.was_read = True
        self._read_at = begun
        spread = self.rate_s * 100  # ms: a tenth of the rate
        shift = spread * random16 // 65536 - spread // 2
        self.due = loop.add(begun, self.rate_s * 1000 + shift)

    def failed(self, loop, wait_s, random16):
        """It could not be read; `wait_s` is the server's own wish or -1."""
        self.fails += 1
        retry_ms = min(2 << min(self.fails - 1, 5), _RETRY_MAX_S, self.rate_s) * 1000
        retry_ms -= (retry_ms >> 3) * random16 // 65536
        self.due = loop.add(loop.now(), max(retry_ms, wait_s * 1000))
