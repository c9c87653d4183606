"""The device's end of virtual time: clock, poller and sockets of one process, over two pipes.

Enters: the file descriptors of the test process (host_tests/system/house.py).  Leaves: an object
with the names of the port's `time` and of a poll object, and sockets that its poll knows.

    time = Lockstep(3, 4, ticks, unix_s)
    sock = time.new_socket("utility.test", 443)    # writable once the host has let it in

Time stands still while the firmware works.  Only a poll that has to wait moves it: what was
written goes to the host with the instant at which the wait ends, and back come the new instant,
what arrived, and the horizon before which nothing else can arrive.  A wait that ends before the
horizon costs no round trip.  Limit: ms of one boot fit 32 bits (49 days).

To the host, without a frame around it, one letter and what belongs to it (little endian):
    P now due       wait until `due`          C id port n host    open a connection
    L now n text    a line of the log         W id n bytes        written
    X id            closed                    A id n              so many bytes were taken
From the host, a head `bytes now horizon` and so many bytes of:
    O id            open                      F id errno          refused, or reset
    D id n bytes    arrived                   E id                ended by the peer
    K               Ctrl-C                M               say what the heap holds
"""

import gc
import struct
import time as port

from micropython import const

_MASK = const(0x3FFFFFFF)  # ticks wrap as on 32-bit ports
_HALF = const(0x20000000)
_WINDOW = const(1024)  # bytes that may lie unread in a socket; the host knows the same
_TX = const(2048)
_IN = const(4608)
_SPINS = const(5000)  # turns without a wait, after which time moves all the same

READ = const(1)
WRITE = const(4)
_EPIPE = const(32)
_ENOTCONN = const(107)


class Socket:
    """A non-blocking stream as the port's: readinto gives None, 0 at its end, or a number."""

    def __init__(self, step, number):
        self._step = step
        self.number = number
        self.buf = bytearray(_WINDOW)
        self._view = memoryview(self.buf)
        self.at = self.n = 0
        self.taken = 0  # bytes that the host has not been told of
        self.opened = False
        self.ended = False
        self.failed = 0
        self.mask = 0  # what the poll waits for

    def readinto(self, buf):
        left = self.n - self.at
        if not left:
            if self.failed:
                raise OSError(self.failed)
            return 0 if self.ended else None
        k = min(left, len(buf))
        buf[:k] = self._view[self.at:self.at + k]
        self.at += k
        self.taken += k
        if self.at == self.n:
            self.at = self.n = 0
        return k

    def write(self, buf, n=-1):
        if self.failed:
            raise OSError(self.failed)
        if not self.opened:
            raise OSError(_ENOTCONN)
        n = len(buf) if n < 0 else min(n, len(buf))
        self._step.wrote(self.number, buf, n)
        return n

    def close(self):
        self._step.closed(self)

    def ready(self):
        bad = self.ended or self.failed
        if self.mask & READ and (self.at < self.n or bad):
            return True
        return bool(self.mask & WRITE and (self.opened or bad))


class Lockstep:
    """See the module's text. `ticks` is what ticks_ms says at boot, `unix_s` the wall clock."""

    def __init__(self, fd_in, fd_out, ticks, unix_s):
        self._in = open(fd_in, "rb")
        self._out = open(fd_out, "wb")
        self._now = 0
        self._horizon = 0
        self._ticks = ticks
        self._unix_s = unix_s
        self._head = bytearray(12)
        self._got = bytearray(_IN)
        self._got_view = memoryview(self._got)
        self._tx = bytearray(_TX)
        self._n = 0
        self._sockets = []
        self._numbers = 0
        self._spins = 0
        self._ready = []

    # -- the port's time ------------------------------------------------------

    def ticks_ms(self):
        return self.ticks_add(self._ticks, self._now & _MASK)

    def ticks_add(self, ticks, ms):
        d = ticks - _MASK - 1 + ms  # never above a small int of 32-bit words
        return d if d >= 0 else d + _MASK + 1 & _MASK

    def ticks_diff(self, later, earlier):
        d = later - earlier
        return d if -_HALF <= d < _HALF else d - _MASK - 1 if d > 0 else d + _MASK + 1

    def time(self):
        return self._unix_s + self._now // 1000

    def gmtime(self, seconds):
        return port.gmtime(seconds)

    # -- the port's poll ------------------------------------------------------

    def register(self, stream, mask):
        stream.mask = mask

    modify = register

    def unregister(self, stream):
        stream.mask = 0

    def ipoll(self, timeout):
        """(stream, events) of each that is ready, after at most `timeout` ms of virtual time."""
        ready = self._look()
        if ready or (not timeout and self._spins < _SPINS):
            self._spins += 1
            return ready
        due = self._now + max(timeout, 1)
        self._spins = 0
        if not self._n and due < self._horizon:
            self._now = due
            return ready
        self._exchange(due)
        return self._look()

    def _look(self):
        ready = self._ready
        ready.clear()
        for sock in self._sockets:
            if sock.mask and sock.ready():
                ready.append((sock, sock.mask))
        return ready

    # -- what goes out --------------------------------------------------------

    def new_socket(self, host, port):
        """A socket that is being connected. Allocates."""
        self._numbers += 1
        sock = Socket(self, self._numbers)
        self._sockets.append(sock)
        name = host.encode()
        self._put(struct.pack("<BIHH", 0x43, sock.number, port, len(name)))
        self._put(name)
        return sock

    def say(self, line):
        """One line of the log, with the instant."""
        data = line.encode()
        self._put(struct.pack("<BIH", 0x4C, self._now, len(data)))
        self._put(data)

    def wrote(self, number, buf, n):
        self._put(struct.pack("<BIH", 0x57, number, n))
        self._put(buf if n == len(buf) else memoryview(buf)[:n])

    def closed(self, sock):
        if sock in self._sockets:
            self._sockets.remove(sock)
            sock.failed = _EPIPE
            sock.mask = sock.at = sock.n = 0
            self._put(struct.pack("<BI", 0x58, sock.number))

    def _put(self, data):
        n = len(data)
        if self._n + n > _TX:
            self.push()
        if n > _TX:
            self._out.write(data)
            return
        self._tx[self._n:self._n + n] = data
        self._n += n

    def push(self):
        """Send what waits: at the end, when no poll will."""
        if self._n:
            self._out.write(self._tx, self._n)
            self._n = 0

    # -- what comes in --------------------------------------------------------

    def _exchange(self, due):
        for sock in self._sockets:
            if sock.taken:
                self._put(struct.pack("<BIH", 0x41, sock.number, sock.taken))
                sock.taken = 0
        self._put(struct.pack("<BII", 0x50, self._now, due))
        self.push()
        if self._in.readinto(self._head) != len(self._head):
            raise SystemExit(3)  # the test process has gone
        n, self._now, self._horizon = struct.unpack("<III", self._head)
        if n:
            self._in.readinto(self._got_view[:n])
            self._take(n)

    def _take(self, end):
        got, at = self._got, 0
        while at < end:
            what = got[at]
            at += 1
            if what == 0x4B:  # K
                raise KeyboardInterrupt
            if what == 0x4D:  # M
                self._weigh()
                continue
            number, = struct.unpack_from("<I", got, at)
            at += 4
            size = 0
            if what in (0x44, 0x46):  # D, F
                size, = struct.unpack_from("<H", got, at)
                at += 2
            sock = self._find(number)
            if what == 0x44:
                if sock is not None:
                    self._arrived(sock, at, size)
                at += size
            elif sock is None:
                continue
            elif what == 0x46:
                sock.failed = size
            elif what == 0x45:  # E
                sock.ended = True
            else:
                sock.opened = True

    def _weigh(self):
        gc.collect()
        used = gc.mem_alloc()
        low, high = 0, gc.mem_free()
        while high - low > 64:
            middle = low + high >> 1
            try:
                bytearray(middle)
                low = middle
            except MemoryError:
                high = middle
            gc.collect()
        self.say("- I HEAP used=" + str(used) + " piece=" + str(low))

    def _find(self, number):
        for sock in self._sockets:
            if sock.number == number:
                return sock
        return None

    def _arrived(self, sock, at, n):
        left = sock.n - sock.at
        if sock.at:
            sock.buf[:left] = bytes(sock.buf[sock.at:sock.n])
            sock.at = 0
        sock.buf[left:left + n] = self._got_view[at:at + n]
        sock.n = left + n
