"""Answers to controls: one DERControlResponse after the other, to the replyTo of its event.

Enters: what the schedule owes, the session.  Leaves: POSTs, and what became of them.

    answers = Answers(loop, schedule, session, writer, body, resolve, lfdi)
    handle = answers.handle(reply_to)      # a small int that the schedule keeps with the event
    if answers.is_due(now): await answers.send()

Requirements E: in order for each event, retried until delivered, dropped only on 400.  Silence, a
5xx and a 429 hold up all of them (2 .. 60 s, or as long as the server asks); any other status
holds up its own event alone, and those so held up are tried in turn (2 .. 256 s).  What is lost
(400, no room in the schedule, its program gone) is said when it grows.  Limit: a table of replyTo
addresses of fixed size; an event whose address finds no place is not answered.
"""

import log
from micropython import const
from sep2 import mrid_text, write_response

_RETRY_MAX_S = const(60)
_REFUSED_MAX_S = const(256)
_PACE_MAX_S = const(8)  # between the answers of several events that are refused one by one
_ALL = const(9999)

# Kinds of SessionError (session.py).
_BUSY = const(2)
_REFUSED = const(4)


class Answers:
    """See the module's text. `size`: how many different replyTo are kept, 1 .. 255."""

    def __init__(self, loop, schedule, session, writer, body, resolve, lfdi, size):
        self._loop = loop
        self._schedule = schedule
        self._session = session
        self._writer = writer
        self._body = body
        self._resolve = resolve
        self._lfdi = lfdi
        self._replies = [None] * size
        self._fails = 0
        self._due = self._again = loop.now()  # for what was not tried yet, for what was
        self._most = _ALL  # how many of those may go when their time has come
        self._stuck = 0  # answers owed when all of them had been tried, 0 when not
        self._lost = 0
        self.delivered = 0

    def handle(self, reply_to):
        """The number of an address, 0 for None or when there is no room for one more."""
        if reply_to is None:
            return 0
        free = -1
        for i, known in enumerate(self._replies):
            if known == reply_to:
                return i + 1
            if free < 0 and (known is None or not self._schedule.reply_in_use(i + 1)):
                free = i
        if free < 0:
            log.warn("REPLY_TO_FULL", "size", len(self._replies))
            return 0
        self._replies[free] = reply_to
        return free + 1

    def is_due(self, now):
        """True when an answer is owed and the last failure is long enough ago.

        Called all the time; says as well what was lost.
        """
        schedule = self._schedule
        owed = schedule.owed_count
        lost = schedule.owed_refused + schedule.owed_dropped + schedule.owed_removed
        if lost != self._lost:
            self._lost = lost
            self._stuck = 0
            log.warn("ANSWERS_LOST", "refused", schedule.owed_refused, "full",
                     schedule.owed_dropped, "removed", schedule.owed_removed)
        # What has passed is moved along, so that no instant grows older than the ticks can tell.
        if self._loop.diff(now, self._due) >= 0:
            self._due = now
        if self._loop.diff(now, self._again) >= 0:
            self._again = now
        return owed > 0 and now == (self._again if owed == self._stuck else self._due)

    async def send(self, failure):
        """Deliver one answer; `failure` is the session's exception class. False: none can go."""
        schedule = self._schedule
        retry = schedule.owed_count == self._stuck
        early = self._loop.diff(self._loop.now(), self._again) < 0
        if not schedule.next_owed(0 if early else self._most):
            self._stuck = schedule.owed_count
            return False
        status, key = schedule.owed_status, bytes(schedule.owed_key)
        href = self._replies[schedule.owed_reply - 1]
        self._writer.reset()
        n = write_response(self._writer, key, status, schedule.owed_created, self._lfdi)
        try:
            await self._session.send("POST", self._resolve(href), memoryview(self._body)[:n])
        except failure as exc:
            self._failed(exc, status, key, retry)
            return True
        except ValueError as exc:  # the replyTo is no address, until the list names another
            self._failed(failure(_REFUSED, str(exc)), status, key, retry)
            return True
        if retry or self._most > 1:  # not where one event alone is refused, and this is another
            self._fails = 0
        self.delivered += 1
        schedule.answered()
        log.info("ANSWER", "mrid", mrid_text(key), "status", status)
        return True

    def _failed(self, exc, status, key, retry):
        log.warn("ANSWER_FAILED", "mrid", mrid_text(key), "status", status, "why", exc.reason)
        if exc.status == 400:
            self._schedule.refused()
            return
        self._schedule.skip()
        self._fails += 1
        wait_s = 2 << min(self._fails - 1, 7)
        alone = exc.kind > _BUSY
        self._most = 1 if alone else _ALL
        again_s = max(min(wait_s, _REFUSED_MAX_S if alone else _RETRY_MAX_S), exc.wait_s)
        again = self._loop.after(again_s * 1000)
        pace_s = 2 if retry else min(wait_s, _PACE_MAX_S)
        self._due = self._loop.after(pace_s * 1000) if alone else again
        if not alone or self._loop.diff(again, self._again) > 0:
            self._again = again
