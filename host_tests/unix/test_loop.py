# heap: 128k
"""The event loop on a clock and a poller that the test moves: no real time passes."""

import errno
import gc

import check
import log
from loop import Cancelled, Flag, Loop

_WRAP = 1 << 30
_MASK = _WRAP - 1
_HALF = _WRAP >> 1


class Time:
    """Ticks that the test moves; wrapping like the port's."""

    def __init__(self, start=0):
        self.t = start

    def ticks_ms(self):
        return self.t

    def ticks_add(self, t, ms):
        d = t - _MASK - 1 + ms  # never above a small int of 32-bit words
        return d if d >= 0 else d + _MASK + 1 & _MASK

    def ticks_diff(self, a, b):
        d = a - b
        return d if -_HALF <= d < _HALF else d - _MASK - 1 if d > 0 else d + _MASK + 1


class Poller:
    """Lets time pass as far as the loop asks; `ready` holds streams that have bytes."""

    def __init__(self, clock):
        self.clock = clock
        self.registered = []
        self.ready = []
        self.waits = []

    def register(self, stream, mask):
        self.registered.append(stream)

    def unregister(self, stream):
        self.registered.remove(stream)

    def ipoll(self, timeout):
        if len(self.waits) < 1000:
            self.waits.append(timeout)
        got = [(s, 1) for s in self.ready if s in self.registered]
        if not got:
            self.clock.t = self.clock.ticks_add(self.clock.t, timeout)
        return iter(got)


class Counter:
    def __init__(self, loop=None, after=0):
        self.times = []
        self.loop = loop
        self.after = after

    def step(self, now):
        self.times.append(now)
        if self.after and len(self.times) == self.after:
            self.loop.stop()


class Quiet:
    def __init__(self):
        self.lines = []

    def __call__(self, line):
        self.lines.append(line)


def make(start=0):
    clock = Time(start)
    poller = Poller(clock)
    said = Quiet()
    log.setup(None, said)
    return Loop(clock, poller), clock, poller, said


def test_a_step_keeps_its_grid_when_a_call_comes_late():
    loop, clock, _poller, _said = make()
    counter = Counter()
    step = loop.every(200, counter)
    for t in (200, 430, 600, 1250, 1400):
        clock.t = t
        loop._run_steps(t)
    assert counter.times == [200, 430, 600, 1250, 1400]
    assert step.missed == 2, step.missed  # 800 and 1000 passed without a call
    assert step.worst_ms == 450
    assert step.count == 5


def test_steps_run_across_the_wrap_of_the_ticks():
    loop, _clock, _poller, _said = make(_WRAP - 500)
    counter = Counter(loop, 10)
    loop.every(200, counter)
    loop.run()
    assert counter.times[0] == _WRAP - 300
    assert counter.times[-1] == 1500


def test_a_step_does_not_allocate():
    loop, clock, _poller, _said = make()

    class Bare:
        n = 0

        def step(self, now):
            self.n += 1

    bare = Bare()
    bare.n = 0
    loop.every(200, bare)
    clock.t = 400
    check.locked(loop._run_steps, 400)
    assert bare.n == 1


def test_sleeping_tasks_resume_in_order_and_on_time():
    loop, clock, _poller, _said = make()
    seen = []

    async def nap(name, ms):
        await loop.sleep_ms(ms)
        seen.append((name, clock.t))
        if name == "c":
            loop.stop()

    loop.spawn("b", nap("b", 50))
    loop.spawn("a", nap("a", 20))
    loop.spawn("c", nap("c", 90))
    loop.run()
    assert seen == [("a", 20), ("b", 50), ("c", 90)]


def test_a_busy_task_does_not_starve_another():
    loop, _clock, _poller, _said = make()
    seen = []

    async def busy():
        for _ in range(50):
            seen.append("busy")
            await loop.sleep_ms(0)
        loop.stop()

    async def other():
        for _ in range(3):
            seen.append("other")
            await loop.sleep_ms(0)

    loop.spawn("busy", busy())
    loop.spawn("other", other())
    loop.run()
    assert seen[:6] == ["busy", "other", "busy", "other", "busy", "other"]


def test_a_stream_wakes_its_task_and_is_registered_only_meanwhile():
    loop, clock, poller, _said = make()
    stream = object()
    seen = []

    async def reader():
        await loop.readable(stream, loop.after(5000))
        seen.append(clock.t)
        loop.stop()

    loop.spawn("reader", reader())
    loop.turn()
    assert poller.registered == [stream]
    poller.ready.append(stream)
    loop.run()
    assert poller.registered == [] and len(seen) == 1


def test_a_wait_ends_at_its_deadline_with_etimedout():
    loop, clock, poller, _said = make()
    stream, flag = object(), Flag()
    seen = []

    async def waits():
        for wait in (lambda: loop.readable(stream, loop.after(70)),
                     lambda: loop.wait(flag, loop.after(30))):
            try:
                await wait()
            except OSError as exc:
                seen.append((exc.errno, clock.t))
        await loop.sleep_ms(1)  # a time-out does not stick to the next wait
        loop.stop()

    loop.spawn("waits", waits())
    loop.run()
    assert seen == [(errno.ETIMEDOUT, 70), (errno.ETIMEDOUT, 100)], seen
    assert poller.registered == []


def test_a_flag_wakes_its_waiter_and_is_lowered():
    loop, clock, _poller, _said = make()
    flag = Flag()
    seen = []

    async def waiter():
        await loop.wait(flag, loop.after(5000))
        seen.append(clock.t)
        loop.stop()

    async def setter():
        await loop.sleep_ms(40)
        flag.set()

    loop.spawn("waiter", waiter())
    loop.spawn("setter", setter())
    loop.run()
    assert seen == [40] and not flag.up


def test_join_gives_the_failure_of_the_joined_task():
    loop, _clock, _poller, said = make()
    seen = []

    async def fails():
        await loop.sleep_ms(5)
        raise ValueError("broken")

    async def joins():
        task = loop.spawn("fails", fails())
        try:
            await loop.join(task, loop.after(100))
        except ValueError as exc:
            seen.append(str(exc))
        loop.stop()

    loop.spawn("joins", joins())
    loop.run()
    assert seen == ["broken"]
    assert "TASK_FAILED task=fails" in said.lines[0]


def test_the_supervisor_restarts_with_growing_delay():
    loop, clock, _poller, said = make()
    begun = []

    async def fails():
        begun.append(clock.t)
        if len(begun) == 5:
            loop.stop()
        raise OSError(errno.ECONNREFUSED)

    loop.supervise("fails", fails)
    loop.run()
    assert [b - a for a, b in zip(begun, begun[1:])] == [1000, 2000, 4000, 8000], begun
    assert len(said.lines) == 5


def test_cancel_lets_a_task_clean_up():
    loop, _clock, poller, _said = make()
    stream = object()
    seen = []

    async def stuck():
        try:
            await loop.readable(stream, loop.after(100000))
        except Cancelled:
            seen.append("cleaned")
            raise

    async def canceller():
        await loop.sleep_ms(10)
        loop.cancel(task)
        loop.stop()

    task = loop.spawn("stuck", stuck())
    loop.spawn("canceller", canceller())
    loop.run()
    assert seen == ["cleaned"] and task.done() and poller.registered == []


def test_a_watched_stream_calls_its_step():
    loop, _clock, poller, _said = make()
    stream = object()
    counter = Counter(loop, 3)
    loop.watch(stream, counter)
    poller.ready.append(stream)
    loop.run()
    assert len(counter.times) == 3
    loop.unwatch(stream)
    assert poller.registered == []
    loop.unwatch(stream)  # a second time is harmless


def test_the_watchdog_is_fed_every_turn_and_polls_are_bounded():
    clock = Time()
    poller = Poller(clock)

    class Dog:
        fed = 0

        def feed(self):
            self.fed += 1

    dog = Dog()
    loop = Loop(clock, poller, wdt=dog)
    for _ in range(5):
        loop.turn()
    assert dog.fed == 5 and max(poller.waits) == 1000


def test_a_step_that_fails_does_not_end_the_loop():
    clock = Time()
    loop = Loop(clock, Poller(clock))

    class Fails:
        def step(self, now):
            raise MemoryError

    loop.every(10, Fails())
    counter = Counter(loop, 3)
    loop.every(20, counter)
    loop.run()
    assert len(counter.times) == 3


def test_ten_thousand_waits_leave_the_heap_as_it_was():
    clock = Time()
    loop = Loop(clock, Poller(clock))

    async def idle():
        while True:
            await loop.sleep_ms(10)

    loop.spawn("idle", idle())
    for _ in range(100):
        loop.turn()
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(10000):
        loop.turn()
    loop._poller.waits.clear()
    gc.collect()
    assert gc.mem_alloc() - before < 256, gc.mem_alloc() - before


check.run(globals())
