"""Lists read to their ends, and the cycle of a program list: its controls, then its defaults.

Enters: hrefs, the session, readers of `sep2`.  Leaves: programs placed, controls and defaults in
the schedule, and whether the tree is known completely.

    await reading.pages(href, reader, take, again)       # every item of a paged list
    rate_s = await reading.cycle(fsa, href, random16)    # program list, controls, defaults

A list that was not read to its end changes nothing but what it did say: nothing counts as removed
(requirements D3).  An item that cannot be understood leaves its list unread, so that a default
does not come into force in its place.  Limit: PAGES_MAX pages a list, FSAs and programs as the
board's sizes say.
"""

import log
from micropython import const
from sep2 import mrid_text, page

PAGES_MAX = const(600)
_OUTAGE = const(1)  # SessionError kinds, see session.py
_BUSY = const(2)
_GONE = const(3)
_UNREADABLE = const(5)

_NEW = const(0)  # results of Schedule.put
_CHANGED = const(2)
_REFUSED = const(4)


class Reading:
    """See the module's text. `page_size`: items asked for in one request, 1 .. 255.

    `drop_unlisted`: a control that is missing from a list that was read to its end, ends silently;
    else it goes on to its end (requirements D3).
    """

    def __init__(self, session, clock, resolve, programs, schedule, limits, answers,
                 derp, derc, dderc, fsas, page_size, failure, drop_unlisted=0):
        self._session = session
        self._clock = clock
        self._resolve = resolve
        self._programs = programs
        self._schedule = schedule
        self._limits = limits
        self._answers = answers
        self._derp = derp
        self._derc = derc
        self._dderc = dderc
        self.fsas = fsas
        self._page = page_size
        self._failure = failure
        self._drop_unlisted = drop_unlisted
        self._fsa_href = [None] * fsas
        self._derp_href = [None] * fsas
        self._fsa_seen = bytearray(fsas)
        self._fsa_refused = 0
        self._taken = 0
        self._unread = 0
        self._take = None
        self._program = 0
        self._fsa = 0
        self._bad = 0
        self._random16 = None
        self._first = 0  # the program at which the next cycle begins

    def url(self, href):
        """The address of an href. ValueError for what is none becomes a failure to read."""
        try:
            return self._resolve(href)
        except ValueError as exc:
            raise self._failure(_UNREADABLE, str(exc))

    async def pages(self, href, reader, take, again):
        """take(reader) for each item of the list; again() when it is begun anew.

        SessionError when a page could not be read, or when the list does not come to its end.
        """
        start, restarts, total, n = 0, 0, -1, 0
        self._take = take
        self._unread = 0
        while n < PAGES_MAX:
            n += 1
            self._taken = 0
            await self._session.read(self.url(page(href, start, self._page)), reader, self._item)
            if total >= 0 and reader.all != total and not restarts:
                restarts, start, total = 1, 0, -1  # it changed while we read: once more (B0)
                again()
                continue
            total = reader.all
            start += self._taken
            if total < 0 or start > total or self._unread:
                break
            if start >= total:
                return
            if not self._taken:  # it says that there is more, and gives nothing
                break
        raise self._failure(_UNREADABLE, "the list has no end, or an item that is none")

    def _item(self, reader):
        self._taken += 1
        if reader.bad is None or reader is self._derc:
            self._take(reader)
        else:
            self._unread += 1
            log.error("ITEM_UNREADABLE", "why", reader.bad)

    # -- FSAs -----------------------------------------------------------------

    def begin_fsas(self):
        """A read of the FunctionSetAssignmentsList begins."""
        self._fsa_refused = 0
        for i in range(self.fsas):
            self._fsa_seen[i] = 0

    def take_fsa(self, reader):
        """One item of the list."""
        free = -1
        for i in range(self.fsas):
            if self._fsa_href[i] == reader.href:
                free = i
                break
            if self._fsa_href[i] is None and free < 0:
                free = i
        if free < 0:
            self._fsa_refused += 1
            self._limits.complete = False
            log.error("FSAS_FULL", "size", self.fsas, "href", reader.href)
            return
        self._fsa_href[free] = reader.href
        if self._derp_href[free] is not None and reader.derp_href is None:
            self._programs.forget(free)  # nothing leads to them any more (requirements B7)
        self._derp_href[free] = reader.derp_href
        self._fsa_seen[free] = 1

    def end_fsas(self):
        """The list was read to its end: what it lacks goes at once, silently (requirements B7)."""
        for i in range(self.fsas):
            if self._fsa_href[i] is not None and not self._fsa_seen[i]:
                log.info("FSA_GONE", "href", self._fsa_href[i])
                self._fsa_href[i] = self._derp_href[i] = None
                self._programs.forget(i)

    def derp_href(self, fsa):
        """The DERProgramList of an FSA, None when there is none."""
        return self._derp_href[fsa]

    def forget(self):
        """Let go of all that the server said; limits go to the floor (wrong PIN)."""
        for i in range(self.fsas):
            self._programs.forget(i)
            self._fsa_href[i] = self._derp_href[i] = None
        self._limits.complete = False

    def settle(self, found, polls, first):
        """Decide whether the whole tree has been read once; it then stays so until forget().

        polls: polls.Polls, whose rows from `first` on are those of the program lists.
        """
        if self._limits.complete or not found or self._fsa_refused or self._programs.refused:
            return
        for i in range(self.fsas):
            # The list of our DER stands at a place that no assignment has.
            wanted = self._derp_href[i] is not None or polls.href[first + i] is not None
            if wanted and not polls.was_read[first + i]:
                return
        if self._programs.all_complete() and self._clock.now() >= 0:
            self._limits.complete = True
            log.info("TREE_COMPLETE", "programs", self._programs.count())

    # -- the cycle of a program list (requirements B8) --------------------------

    async def cycle(self, fsa, href, random16):
        """Read the program list, then every program's controls and default. Returns the rate."""
        self._fsa = fsa
        self._random16 = random16
        self._begin_programs()
        await self.pages(href, self._derp, self._take_program, self._begin_programs)
        rate = self._derp.poll_rate
        gone = self._programs.swept(fsa)
        if gone:
            log.info("PROGRAMS_GONE", "n", gone)
        failed = None
        n, first, self._first, lost = self._programs.size, self._first, 0, 0
        for k in range(n):
            i = (first + k) % n
            if not self._programs.in_fsa(i, fsa):
                continue
            try:
                await self._read_program(i)
                lost = 0
            except self._failure as exc:  # the other programs are read all the same
                log.warn("PROGRAM_UNREAD", "href", self._programs.href[i], "why", exc.reason)
                failed = exc
                lost += exc.kind == _OUTAGE and not exc.status
                if exc.kind == _BUSY or lost > 1:
                    self._first = i  # a pause is asked for, or nobody is there: later from here
                    break
        self._limits.persist()
        if failed is not None:
            raise failed
        return rate

    def _begin_programs(self):
        self._programs.begin(self._fsa)

    def _take_program(self, reader):
        i = self._programs.seen(self._fsa, reader.href, reader.primacy,
                                reader.derc_href, reader.dderc_href, reader.mrid)
        if self._programs.refused:  # its default, or that of one that gave way, is not known
            self._limits.complete = False
        if i < 0:
            log.error("PROGRAMS_FULL", "size", self._programs.size, "href", reader.href)

    async def _read_program(self, i):
        now = self._clock.now()
        if now < 0:
            raise self._failure(_UNREADABLE, "no server time yet: no event can run")
        whole = await self._read_controls(i)
        await self._read_default(i)
        if whole:
            self._programs.complete[i] = 1
        self._limits.step(0)

    async def _read_controls(self, i):
        href = self._programs.derc[i]
        if href is None:
            return True
        self._program = i
        self._begin_controls()
        await self.pages(href, self._derc, self._take_control, self._begin_controls)
        if self._bad:
            return False
        unlisted = self._schedule.end(i, self._clock.now())
        if unlisted and self._drop_unlisted:
            for slot in range(self._schedule.slots):
                if self._schedule.program(slot) == i and self._schedule.unlisted(slot):
                    self._schedule.drop(slot)
            log.info("UNLISTED", "events", unlisted, "why", "dropped, as set")
        elif unlisted:
            log.info("UNLISTED", "events", unlisted, "why", "they go on to their end")
        return True

    def _begin_controls(self):
        self._bad = 0
        self._schedule.begin(self._program)

    def _take_control(self, reader):
        if reader.bad is not None:
            self._bad += 1
            log.error("EVENT_UNREADABLE", "mrid", mrid_text(reader.key), "why", reader.bad)
            return
        handle = self._answers.handle(reader.reply_to)
        code = self._schedule.put(self._program, reader.key, reader.rec, handle,
                                  self._clock.now(), self._random16(), self._random16())
        if code == _NEW:
            log.info("EVENT", "mrid", mrid_text(reader.key), "is", "received", "start_in_s",
                     reader.rec[2] - self._clock.now(), "duration_s", reader.rec[3])
        elif code == _CHANGED:
            log.info("EVENT", "mrid", mrid_text(reader.key), "is", "changed")
        elif code == _REFUSED:
            log.warn("EVENTS_FULL", "mrid", mrid_text(reader.key))

    async def _read_default(self, i):
        # After it the program's default is known, be it that it has none; unknown stays one that
        # the persisted default was made of and that has no link now (requirements D6).
        href = self._programs.dderc[i]
        if href is not None:
            try:
                await self._session.read(self.url(href), self._dderc, None)
            except self._failure as exc:
                if exc.kind != _GONE:
                    raise
                href = None
        if href is None:
            if not self._programs.complete[i]:
                self._schedule.drop_default(i, self._programs.mrid[i])
            return
        if self._dderc.bad is not None:
            raise self._failure(_UNREADABLE, self._dderc.bad)
        self._schedule.set_default(i, self._dderc.rec, self._programs.mrid[i])
