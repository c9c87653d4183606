"""Time and flash as the firmware's tests want them: moved by hand, cut by hand.

Enters: what is to happen and when.  Leaves: a port's `time`, a poller, and a folder in RAM.

    world = World()
    loop = Loop(world, world)
    result = run(world, loop, coroutine)            # time jumps to whatever comes next
    flash = Flash()
    store = Store(flash.folder)
"""

import log
import vfs

WRAP = 1 << 30
_MASK = WRAP - 1  # a small int where words have 32 bits, as the ticks are
_HALF = WRAP >> 1
NOW = 200000000  # s since EPOCH: a day in May 2026, for tests that need a date


class World:
    """Ticks of a port and its poller in one: waiting costs nothing and moves the ticks.

    A stream that is registered may have `ready_in()`: ms until it has bytes, None for never.
    """

    def __init__(self, start=0):
        self.t = start
        self.end = None  # no jump goes beyond it
        self.events = []  # [at, function, argument], by time
        self.streams = []

    def ticks_ms(self):
        return self.t

    def ticks_add(self, t, ms):
        d = t - _MASK - 1 + ms  # never above a small int of 32-bit words
        return d if d >= 0 else d + _MASK + 1 & _MASK

    def ticks_diff(self, a, b):
        d = a - b
        return d if -_HALF <= d < _HALF else d - _MASK - 1 if d > 0 else d + _MASK + 1

    def time(self):
        return 0  # a wall clock that nobody has set

    def gmtime(self, _seconds):
        return (1970, 1, 1, 0, 0, 0, 0, 1)

    def register(self, stream, _mask):
        self.streams.append(stream)

    def unregister(self, stream):
        self.streams.remove(stream)

    def at(self, ms, function, argument):
        """Call function(argument) in ms."""
        self.events.append([self.ticks_add(self.t, ms), function, argument])
        self.events.sort(key=lambda event: self.ticks_diff(event[0], self.t))

    def ipoll(self, timeout):
        ready = []
        for stream in self.streams:
            ms = stream.ready_in()
            if ms == 0:
                ready.append((stream, 1))
            elif ms is not None and ms < timeout:
                timeout = ms
        if not ready:
            self._jump(timeout)
        return iter(ready)

    def _jump(self, ms):
        if self.end is not None:
            ms = min(ms, self.ticks_diff(self.end, self.t))
        ms = max(ms, 0)
        if self.events and self.ticks_diff(self.events[0][0], self.t) <= ms:
            self.t, function, argument = self.events.pop(0)
            function(argument)
        else:
            self.t = self.ticks_add(self.t, ms)


def run(world, loop, coro):
    """Drive a coroutine on the loop to its end; returns or raises what it did, at that instant."""
    got = []

    async def whole():
        try:
            got.append(await coro)
            got.append(None)
        except Exception as exc:  # handed on to the test
            got.append(None)
            got.append(exc)
        world.end = world.t

    task = loop.spawn("test", whole())
    for _ in range(100000):
        if task.done():
            break
        loop.turn()
    else:
        raise AssertionError("the coroutine does not end")
    world.end = None
    if got[1] is not None:
        raise got[1]
    return got[0]


def live(world, loop, ms):
    """Let ms pass on the loop."""
    world.end = world.ticks_add(world.t, ms)
    turns = 0
    while world.ticks_diff(world.end, world.t) > 0:
        loop.turn()
        turns += 1
        assert turns < 100 + 20 * ms, "the loop spins"
    loop.turn()
    world.end = None


class Said:
    """Takes the place of the console; `clock` gives the lines their time."""

    def __init__(self, clock=None):
        self.lines = []
        log.setup(clock, self.lines.append)

    def count(self, *words):
        """How many lines hold all these words."""
        return sum([all([w in line for w in words]) for line in self.lines])


class Flash:
    """A littlefs in RAM; `left` block writes from now on succeed, the power is then cut.

    There is one at a time: a new one takes the place of the last.
    """

    SIZE = 256
    here = False  # one is mounted

    def __init__(self, blocks=64):
        self._data = bytearray(blocks * self.SIZE)
        self._blocks = blocks
        self.left = -1
        self.writes = 0
        vfs.VfsLfs2.mkfs(self)
        self.folder = "/ram"
        if Flash.here:
            self.unmount()
        self.mount()

    def mount(self):
        self.left = -1
        self._fs = vfs.VfsLfs2(self)
        vfs.mount(self._fs, self.folder)
        Flash.here = True

    def unmount(self):
        vfs.umount(self.folder)
        Flash.here = False

    def reboot(self):
        """The power comes back."""
        self.unmount()
        self.mount()

    def readblocks(self, n, buf, offset=0):
        at = n * self.SIZE + offset
        for i in range(len(buf)):
            buf[i] = self._data[at + i]

    def writeblocks(self, n, buf, offset=0):
        if self.left == 0:
            return -5  # EIO: nothing reaches the flash any more
        self.left -= self.left > 0
        self.writes += 1
        at = n * self.SIZE + offset
        self._data[at:at + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return self._blocks
        if op == 5:
            return self.SIZE
        if op == 6 and self.left != 0:  # erase
            for i in range(arg * self.SIZE, (arg + 1) * self.SIZE):
                self._data[i] = 255
        return -5 if op == 6 and self.left == 0 else 0
