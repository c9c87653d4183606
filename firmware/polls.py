"""When each resource is read next: its own rate while all is well, a bounded retry when not.

Enters: rates, successes and failures.  Leaves: the instant at which a resource is due.

    polls = Polls(loop, (300, 86400))   # a resource is an index
    polls.want(0, href)                 # known now: due at once
    polls.succeeded(0, begun, random16)

Requirements A10, B0: a changed rate counts from the last read; a retry comes after 2, 4, 8, 16 s
and then never later than the resource's own rate or a minute, save where the server asks for more.
"""

from array import array

from micropython import const

RATE_MIN_S = const(5)  # below this a server would keep us busy with polling alone
RATE_MAX_S = const(86400)
_RETRY_MAX_S = const(60)
_FAILS_MAX = const(255)


class Polls:
    """Columns of resources, a row for each of `rates_s`: its rate while the server says none.

    href: None until it is known.  rate_s: in force.  due: ticks.  was_read: since it is wanted.
    """

    def __init__(self, loop, rates_s):
        n = len(rates_s)
        self._loop = loop
        self._default_s = rates_s
        self.rate_s = array("i", rates_s)
        self.href = [None] * n
        self.due = [0] * n
        self._read_at = [0] * n
        self.fails = bytearray(n)
        self.was_read = bytearray(n)

    def want(self, i, href):
        """The link of the resource; a new one is due at once, None forgets it.

        Failures are counted on: a link that leads nowhere may come again and again.
        """
        if href != self.href[i]:
            self.href[i] = href
            self.due[i] = self._loop.now()
            self.was_read[i] = 0

    def put_off(self, i, spread_s, random16):
        """Due at random within spread_s (0 .. 900) from now; returns in how many ms.

        Boards that come back together with the power arrive apart (handbook 7.7).
        """
        rest_ms = spread_s * 1000 * random16 >> 16
        self.due[i] = self._loop.after(rest_ms)
        return rest_ms

    def is_due(self, i, now):
        """True when it should be read now."""
        return self.href[i] is not None and self._loop.diff(now, self.due[i]) >= 0

    def set_rate(self, i, rate_s):
        """Take the server's pollRate (-1 when absent: the default); due moves at once (B0)."""
        rate_s = self._default_s[i] if rate_s <= 0 else rate_s
        self.rate_s[i] = max(RATE_MIN_S, min(RATE_MAX_S, rate_s))
        if self.was_read[i]:
            self.due[i] = self._loop.add(self._read_at[i], self.rate_s[i] * 1000)

    def succeeded(self, i, begun, random16):
        """It was read to its end, the request having begun at `begun`; jitter: 5 % either way."""
        self.fails[i] = 0
        self.was_read[i] = 1
        self._read_at[i] = begun
        spread = self.rate_s[i] * 100  # ms: a tenth of the rate
        shift = spread * random16 // 65536 - spread // 2
        self.due[i] = self._loop.add(begun, self.rate_s[i] * 1000 + shift)

    def failed(self, i, wait_s, random16):
        """It could not be read; `wait_s` is the server's own wish or -1."""
        self.fails[i] = fails = min(self.fails[i] + 1, _FAILS_MAX)
        retry_ms = min(2 << min(fails - 1, 5), _RETRY_MAX_S, self.rate_s[i]) * 1000
        retry_ms -= (retry_ms >> 3) * random16 // 65536
        self.due[i] = self._loop.add(self._loop.now(), max(retry_ms, wait_s * 1000))
