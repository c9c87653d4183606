"""Answers to controls: one DERControlResponse after the other, to the replyTo of its event.

Enters: what the schedule owes, the session.  Leaves: POSTs, and what became of them.

    answers = Answers(loop, schedule, session, writer, body, resolve, lfdi)
    handle = answers.handle(reply_to)      # a small int that the schedule keeps with the event
    if answers.is_due(now): await answers.send()

Requirements E: in order for each event, retried until delivered, dropped only on 400.  Limit: a
table of replyTo addresses of fixed size; an event whose address finds no place is not answered.
"""

import log
from micropython import const
from sep2 import mrid_text, write_response

_RETRY_MAX_S = const(60)

# Kinds of session failures that say that this answer will never be taken.
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
        self._due = loop.now()
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
        """True when an answer is owed and the last failure is long enough ago."""
        return self._schedule.owed_count > 0 and self._loop.diff(now, self._due) >= 0

    async def send(self, failure):
        """Deliver one answer; `failure` is the session's exception class. False: none is owed."""
        schedule = self._schedule
        if not schedule.next_owed():
            return False
        status, key = schedule.owed_status, bytes(schedule.owed_key)
        href = self._replies[schedule.owed_reply - 1]
        self._writer.reset()
        n = write_response(self._writer, key, status, schedule.owed_created, self._lfdi)
        try:
            await self._session.send("POST", self._resolve(href), memoryview(self._body)[:n])
        except failure as exc:
            self._failed(exc, status, key)
            return True
        except ValueError as exc:  # the replyTo is no address: no try will do better
            self._failed(failure(_REFUSED, str(exc)), status, key)
            return True
        self._fails = 0
        self.delivered += 1
        schedule.answered()
        log.info("ANSWER", "mrid", mrid_text(key), "status", status)
        return True

    def _failed(self, exc, status, key):
        log.warn("ANSWER_FAILED", "mrid", mrid_text(key), "status", status, "why", exc.reason)
        if exc.kind == _REFUSED:
            self._schedule.refused()
            return
        self._schedule.skip()
        self._fails += 1
        wait_s = max(min(2 << min(self._fails - 1, 5), _RETRY_MAX_S), exc.wait_s)
        self._due = self._loop.after(wait_s * 1000)
