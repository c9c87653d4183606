"""The event loop: one poll, tasks for what talks, steps for what must not allocate.

Enters: a clock (ticks_ms, ticks_add, ticks_diff) and a poller (register, modify, unregister,
ipoll).  Leaves: tasks driven, steps called with the time, and how late every step was.

    loop = Loop(time, select.poll())
    loop.every(200, sampler)                  # sampler.step(now), allocates nothing
    loop.supervise("session", session.run)    # restarted with backoff when it fails
    loop.run()

A task is an `async def`; it may await sleep_ms, sleep_until, readable, writable, wait and join,
all with a deadline.  Time is in ticks (ms, wrapping): compare by ticks_diff only.  Limit: a wait
is at most a day, so that ticks never wrap inside one.

    READY --run--> (READY | SLEEPING | WAITING | DONE)
    SLEEPING --due--> READY      WAITING --stream, flag or due--> READY
"""

import errno
import gc
import sys

import log
from micropython import const

READ = const(1)  # select.POLLIN
WRITE = const(4)  # select.POLLOUT

_READY = const(0)
_SLEEPING = const(1)  # until due
_WAITING = const(2)  # for a stream, a flag or a task, at most until due
_DONE = const(3)

_DAY_MS = const(86400000)
_IDLE_MS = const(1000)  # the longest poll: the watchdog is fed at least this often
_BACKOFF_MAX_MS = const(60000)


class Cancelled(Exception):
    """Thrown into a task by Loop.cancel(); the task cleans up and lets it pass."""


class Flag:
    """Set by a step or a task, awaited by one task: `await loop.wait(flag, deadline)`."""

    def __init__(self):
        self.up = False

    def set(self):
        """Raise the flag; does not allocate."""
        self.up = True


class Task:
    """One coroutine and what it waits for. Made by Loop.spawn only."""

    def __init__(self, name, coro, now):
        self.name = name
        self.coro = coro
        self.state = _READY
        self.due = now
        self.stream = None
        self.flag = None
        self.timed_out = False
        self.error = None

    def done(self):
        """True once the coroutine has returned or failed (`error` says with what)."""
        return self.state == _DONE


class Step:
    """A call of target.step(now) each `period` ms, with a record of how late it came."""

    def __init__(self, target, period, due):
        self.target = target
        self.period = period
        self.due = due
        self.count = 0
        self.missed = 0  # whole periods that passed without a call
        self.worst_ms = 0  # the latest call


class _Once:
    """Suspends the running task one time; shared by all awaitables, so awaiting is free.

    A task arms it and awaits it in one breath: no other task can run between the two.
    """

    def __init__(self, loop):
        self._loop = loop
        self.armed = False
        self._stop = StopIteration()

    def __iter__(self):
        return self

    def __next__(self):
        if self.armed:
            self.armed = False
            return None
        task = self._loop.current
        if task.timed_out:
            task.timed_out = False
            raise OSError(errno.ETIMEDOUT)
        self._stop.__traceback__ = None  # each raise adds to it, without end
        raise self._stop


class Loop:
    """See the module's text. `wdt` has feed() or is None; `backoff` is the first restart delay."""

    def __init__(self, clock, poller, wdt=None, backoff_ms=1000):
        self._clock = clock
        self._poller = poller
        self._wdt = wdt
        self._backoff_ms = backoff_ms
        self._tasks = []
        self._steps = []
        self._watches = []  # (stream, target)
        self._once = _Once(self)
        self._turn = 0
        self.current = None
        self.stopped = False

    # -- time ---------------------------------------------------------------

    def now(self):
        """Ticks in ms, wrapping; does not allocate."""
        return self._clock.ticks_ms()

    def after(self, ms):
        """The instant `ms` from now (0 .. one day), as a deadline."""
        return self._clock.ticks_add(self._clock.ticks_ms(), min(ms, _DAY_MS))

    def left(self, deadline):
        """Milliseconds until the deadline, negative when it has passed."""
        return self._clock.ticks_diff(deadline, self._clock.ticks_ms())

    def add(self, instant, ms):
        """The instant `ms` after another; does not allocate."""
        return self._clock.ticks_add(instant, ms)

    def flag(self):
        """A new Flag. Allocates."""
        return Flag()

    def diff(self, later, earlier):
        """later - earlier in ms, right across the wrap."""
        return self._clock.ticks_diff(later, earlier)

    # -- what a task may await ----------------------------------------------

    def sleep_until(self, due):
        """Await: resumes at the instant `due`. Does not allocate."""
        task = self.current
        task.state = _SLEEPING
        task.due = due
        self._once.armed = True
        return self._once

    def sleep_ms(self, ms):
        """Await: resumes after `ms` (0 gives way to the others)."""
        return self.sleep_until(self.after(ms))

    def readable(self, stream, deadline):
        """Await: the stream has bytes or has ended. OSError(ETIMEDOUT) at the deadline."""
        return self._stream(stream, READ, deadline)

    def writable(self, stream, deadline):
        """Await: the stream takes bytes. OSError(ETIMEDOUT) at the deadline."""
        return self._stream(stream, WRITE, deadline)

    def _stream(self, stream, mask, deadline):
        self._poller.register(stream, mask)
        task = self.current
        task.stream = stream
        return self._wait(task, deadline)

    def wait(self, flag, deadline):
        """Await: the flag is set (it is lowered again). OSError(ETIMEDOUT) at the deadline."""
        task = self.current
        task.flag = flag
        return self._wait(task, deadline)

    def _wait(self, task, deadline):
        task.state = _WAITING
        task.due = deadline
        self._once.armed = True
        return self._once

    async def join(self, task, deadline):
        """Wait for a task's end; raises what it failed with. OSError(ETIMEDOUT) when late."""
        while task.state != _DONE:
            if self.left(deadline) <= 0:
                raise OSError(errno.ETIMEDOUT)
            await self.sleep_ms(10)
        if task.error is not None:
            raise task.error

    # -- what hangs on the loop ---------------------------------------------

    def spawn(self, name, coro):
        """Start a coroutine; a failure is logged and kept in task.error. Allocates the task."""
        task = Task(name, coro, self.now())
        self._tasks.append(task)
        return task

    def supervise(self, name, factory):
        """Run `factory()` (an async function) for ever, again after each end, with backoff."""
        return self.spawn(name, self._supervised(name, factory))

    async def _supervised(self, name, factory):
        delay = self._backoff_ms
        while True:
            begun = self.now()
            try:
                await factory()
                log.warn("TASK_END", "task", name)
            except Cancelled:
                raise
            except Exception as exc:  # the one height at which a task's failure is caught
                self.report(name, exc)
            if self.diff(self.now(), begun) > 60000:
                delay = self._backoff_ms
            await self.sleep_ms(delay)
            delay = min(2 * delay, _BACKOFF_MAX_MS)

    def report(self, name, exc):
        """Log a task's failure: one line, and the trace on stderr's level of detail."""
        if isinstance(exc, MemoryError):
            gc.collect()
        log.error("TASK_FAILED", "task", name, "error", repr(exc))
        if log.verbose:
            sys.print_exception(exc)

    def cancel_named(self, name):
        """Throw Cancelled into every task of that name but the running one."""
        for task in [t for t in self._tasks if t.name == name]:
            self.cancel(task)

    def cancel(self, task):
        """Throw Cancelled into a task; a task that is done is left alone."""
        if task.state == _DONE or task is self.current:
            return
        self._unwait(task)
        self._drive(task, Cancelled())

    def every(self, period_ms, target):
        """Call target.step(now) each period; returns the Step with its lateness record."""
        step = Step(target, period_ms, self.after(period_ms))
        self._steps.append(step)
        return step

    def watch(self, stream, target):
        """Call target.step(now) whenever the stream has bytes, until unwatch(stream)."""
        self._poller.register(stream, READ)
        self._watches.append((stream, target))

    def unwatch(self, stream):
        """Forget the stream; one that was never watched is left alone."""
        for i in range(len(self._watches)):
            if self._watches[i][0] is stream:
                self._watches.pop(i)
                self._poller.unregister(stream)
                return

    # -- running ------------------------------------------------------------

    def run(self):
        """Turn until stop(); Ctrl-C passes through as KeyboardInterrupt.

        A step that fails is reported and called again when it is due: it never ends the loop.
        """
        while not self.stopped:
            try:
                self.turn()
            except Exception as exc:  # policy: nothing that comes from outside ends the loop
                self.report("step", exc)

    def stop(self):
        """Make run() return after this turn."""
        self.stopped = True

    def turn(self):
        """One turn: due steps, one ready task, then a poll that lasts until something is due."""
        if self._wdt is not None:
            self._wdt.feed()
        now = self.now()
        self._run_steps(now)
        task = self._next_ready(now)
        if task is not None:
            self._drive(task, None)
        self._poll(self._timeout())

    def _run_steps(self, now):
        for step in self._steps:
            late = self._clock.ticks_diff(now, step.due)
            if late < 0:
                continue
            step.count += 1
            if late >= step.period:
                step.missed += late // step.period
            step.worst_ms = max(step.worst_ms, late)
            step.due = self._clock.ticks_add(now, step.period - late % step.period)
            step.target.step(now)

    def _next_ready(self, now):
        # Round robin, so that a busy task cannot starve the others.
        tasks = self._tasks
        n = len(tasks)
        for i in range(n):
            task = tasks[(self._turn + i) % n]
            if self._is_ready(task, now):
                self._turn = (self._turn + i + 1) % n
                return task
        return None

    def _is_ready(self, task, now):
        if task.state == _READY:
            return True
        if task.state == _WAITING and task.flag is not None and task.flag.up:
            return True
        if self._clock.ticks_diff(task.due, now) > 0:
            return False
        task.timed_out = task.state == _WAITING
        return True

    def _unwait(self, task):
        if task.stream is not None:
            self._poller.unregister(task.stream)
            task.stream = None
        if task.flag is not None:
            task.flag.up = False
            task.flag = None
        task.state = _READY

    def _drive(self, task, thrown):
        self._unwait(task)
        before, self.current = self.current, task
        try:
            if thrown is None:
                task.coro.send(None)
            else:
                task.coro.throw(thrown)
        except StopIteration:
            self._finish(task, None)
        except Cancelled:
            self._finish(task, None)
        except Exception as exc:  # policy: a task's failure never ends the loop
            self._finish(task, exc)
            self.report(task.name, exc)
        finally:
            self.current = before

    def _finish(self, task, error):
        task.state = _DONE
        task.error = error
        self._tasks.remove(task)

    def _timeout(self):
        now = self.now()
        least = _IDLE_MS
        for task in self._tasks:
            if task.state == _READY or (task.flag is not None and task.flag.up):
                return 0
            left = self._clock.ticks_diff(task.due, now)
            least = min(least, left)
        for step in self._steps:
            left = self._clock.ticks_diff(step.due, now)
            least = min(least, left)
        return max(least, 0)

    def _poll(self, timeout):
        for event in self._poller.ipoll(timeout):
            self._wake(event[0])

    def _wake(self, stream):
        for watch in self._watches:
            if watch[0] is stream:
                watch[1].step(self.now())
                return
        for task in self._tasks:
            if task.stream is stream:
                self._unwait(task)
                return
