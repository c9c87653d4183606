"""Rows that remember an mRID, and the answers (DERControlResponse) each of them still owes.

Enters: what became of an event, with its time.  Leaves: one answer after the other, in order.

    while rows.next_owed():
        # POST owed_status, owed_created, owed_key to the replyTo behind owed_reply
        rows.answered()                 # or refused() after a 400, skip() when it cannot go now
    rows.owed_refused, rows.owed_dropped, rows.owed_removed         # what was lost, and why

A row owes at most three answers: 1 received, 2 started and one of 3, 6, 7, strictly in that order
(requirements E4).  Each is marked once, where the event's state changes, so none can repeat.
Limit: rows are fixed; the subclasses decide which of them hold live events.
"""

from array import array

from micropython import const

from .record import KEY_SIZE

# Of a row. 3, 6 and 7 are the status of the answer as well.
FREE = const(0)
WAITING = const(1)
ACTIVE = const(2)  # its start was reached and it won a mode
COMPLETED = const(3)
LEFT_OUT = const(4)  # no slot for it, or not its time: taken up when it is listed again
PASSED = const(5)  # over without an answer: what it asked for was never confirmed
CANCELLED = const(6)
SUPERSEDED = const(7)

# Flags of a row.
LISTED = const(1)  # the server's list had it when last read to the end
SEEN = const(2)  # met in the present read
CONFIRMED = const(4)
CANCELLING = const(8)  # CancelledWithRandomization: ends as cancelled, a little later
SKIPPED = const(16)
WANTS_RECEIVED = const(32)  # responseRequired bit 0, and a replyTo
WANTS_SPECIFIC = const(64)  # responseRequired bit 1, and a replyTo
RAMPED = const(128)  # the event has a rampTms

# Answers: bit of `_owed` and place in `_times`.
RECEIVED = const(0)
BEGAN = const(1)
FINAL = const(2)

_MAY_OWE = b"\x01\x02\x04"  # WAITING, ACTIVE, LEFT_OUT


class Owed:
    """`rows` rows (1 ..), allocated once; the last public attributes are set by next_owed().

    owed_key: bytearray of KEY_SIZE.  owed_reply: handle of the replyTo, 1..255.  owed_status: 1,
    2, 3, 6 or 7.  owed_created: createdDateTime, s since EPOCH.  owed_count: answers owed now.
    Lost since boot: owed_refused after a 400, owed_dropped for want of room, owed_removed with a
    program that went.
    """

    def __init__(self, rows):
        self._rows = rows
        self._keys = bytearray(rows * KEY_SIZE)
        self._program = bytearray(rows)
        self._state = bytearray(rows)
        self._flags = bytearray(rows)
        self._reply = bytearray(rows)
        self._owed = bytearray(rows)
        self._received = array("i", bytes(4 * rows))
        self._began = array("i", bytes(4 * rows))
        self._end = array("i", bytes(4 * rows))  # of a live event its effective end
        self._times = (self._received, self._began, self._end)
        self._at = -1  # the row of the answer being delivered, -1 when it has gone
        self._bit = 0
        self._turn = -1  # the row that last had its turn after a skip()
        self.owed_key = bytearray(KEY_SIZE)
        self.owed_reply = 0
        self.owed_status = 0
        self.owed_created = 0
        self.owed_count = 0
        self.owed_refused = 0
        self.owed_dropped = 0
        self.owed_removed = 0

    # The row from `first` to below `last` that has the mRID, -1 when none. No allocation.
    def _seek(self, key, first, last):
        last *= KEY_SIZE
        at = self._keys.find(key, first * KEY_SIZE, last)
        while at >= 0:
            row = at // KEY_SIZE
            if at % KEY_SIZE == 0 and self._state[row] != FREE:
                return row
            at = self._keys.find(key, at + 1, last)
        return -1

    def key_into(self, row, buf):
        """Copy the mRID of a row into a buffer of KEY_SIZE bytes. No allocation."""
        at = row * KEY_SIZE
        for i in range(KEY_SIZE):
            buf[i] = self._keys[at + i]

    def state(self, row):
        """FREE, WAITING, ACTIVE, COMPLETED, LEFT_OUT, PASSED, CANCELLED or SUPERSEDED."""
        return self._state[row]

    def program(self, row):
        """The program that a row's event belongs to."""
        return self._program[row]

    def reply_in_use(self, reply):
        """True while some event may still answer to this replyTo handle. No allocation."""
        for row in range(self._rows):
            if self._reply[row] == reply and (self._owed[row] or self._state[row] in _MAY_OWE):
                return True
        return False

    def next_owed(self, most=9999):
        """True when an answer can go: it stands in owed_key .. owed_created. No allocation.

        Order over events (requirements E5): received, then cancelled and superseded, then
        completed, then started; the older first.  False when all that is owed was skipped: then
        `most` rows (0 ..), each in its turn, may go again at the next call.
        """
        flags, owed = self._flags, self._owed
        state, times = self._state, self._times
        found = -1
        best = 9
        since = bit = 0
        for row in range(self._rows):
            bits = owed[row]
            if bits == 0 or flags[row] & SKIPPED:
                continue
            if bits & 1:
                k = rank = 0
            elif bits & 2:
                k, rank = 1, 3
            else:
                k = 2
                rank = 2 if state[row] == COMPLETED else 1
            t = times[k][row]
            if rank < best or (rank == best and t < since):
                found, best = row, rank
                since, bit = t, k
        if found < 0:
            row = self._turn
            for _ in range(self._rows):
                row = row + 1 if row + 1 < self._rows else 0
                if most and flags[row] & SKIPPED:
                    flags[row] &= ~SKIPPED
                    most -= 1
                    self._turn = row
            return False
        self._at = found
        self._bit = bit
        self.key_into(found, self.owed_key)
        self.owed_reply = self._reply[found]
        self.owed_status = bit + 1 if bit < FINAL else state[found]
        self.owed_created = since
        return True

    def answered(self):
        """The answer was delivered. Harmless when its event has gone meanwhile (E7)."""
        row = self._at
        self._at = -1
        if row < 0 or not self._owed[row] & (1 << self._bit):
            return
        self._owed[row] &= ~(1 << self._bit)
        self.owed_count -= 1
        self._let_go(row)

    def refused(self):
        """The server refused the answer with 400: it is dropped and counted (E6)."""
        before = self.owed_count
        self.answered()
        self.owed_refused += before - self.owed_count

    def skip(self):
        """The answer cannot go now: others may, but no later one of the same event (E4)."""
        if self._at >= 0:
            self._flags[self._at] |= SKIPPED
        self._at = -1

    # An answer becomes owed, if the event asks for answers of its class (E2).
    def _owe(self, row, bit, t):
        self._times[bit][row] = t
        wants = WANTS_RECEIVED if bit == RECEIVED else WANTS_SPECIFIC
        if self._flags[row] & wants:
            self._owed[row] |= 1 << bit
            self.owed_count += 1

    # An mRID is remembered while it is listed, an answer is owed or the event is not over (D10.9).
    def _let_go(self, row):
        if self._state[row] >= COMPLETED and not (self._owed[row] or self._flags[row] & LISTED):
            self._free(row)

    # Forget a row and what it owes. Returns the number of answers that vanish.
    def _free(self, row):
        bits = self._owed[row]
        gone = (bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1)
        self.owed_count -= gone
        self._owed[row] = self._state[row] = self._flags[row] = 0
        if self._at == row:
            self._at = -1
        return gone

    # The answer being delivered moves along, so that answered() still finds it.
    def _move(self, row, to):
        keys = self._keys
        for i in range(KEY_SIZE):
            keys[to * KEY_SIZE + i] = keys[row * KEY_SIZE + i]
        for times in self._times:
            times[to] = times[row]
        self._program[to] = self._program[row]
        self._state[to] = self._state[row]
        self._flags[to] = self._flags[row]
        self._reply[to] = self._reply[row]
        self._owed[to] = self._owed[row]
        self._owed[row] = self._state[row] = self._flags[row] = 0
        if self._at == row:
            self._at = to
