"""Starts the firmware in virtual time: firmware/main.py with another network and log sink.

Enters: the board's module, which talks to the test process.  Leaves: exit status 0 after a clean
stop that left the floor in the inverter, 1 when it did not, 2 for settings that cannot be used.
"""

import errno
import gc
import sys

gc.threshold(1024)  # as in firmware/main.py

import board
import config
import log
from app import App
from link import Link
from port import Op
from store import Store

PLAN = "install.txt"  # of a test that plays the installer


class Network(Link):
    """link.Link over the sockets of the test process, its TLS left out: HTTP in the clear."""

    async def connect(self, host, port, secure, deadline):
        if secure and self._context is None:
            raise ValueError("no device certificate: https is not possible")
        return await Link.connect(self, host, port, False, deadline)

    async def open_socket(self, host, port, deadline):
        sock = board.ticks.new_socket(host, port)
        try:
            await self._loop.writable(sock, deadline)
            if sock.failed:
                raise OSError(sock.failed)
            if not sock.opened:
                raise OSError(errno.ECONNRESET)
        except OSError:
            sock.close()
            raise
        return sock


class Told(Store):
    """A store that tells the test process of what it writes, byte for byte: FLASH in the log."""

    def write(self, name, data):
        board.ticks.say("- I FLASH file=" + name + " bytes=" + str(len(data)))
        Store.write(self, name, data)

    def append(self, name, data):
        board.ticks.say("- I FLASH file=" + name + " bytes=" + str(len(data)))
        Store.append(self, name, data)


async def install(app, store, meter_sign):
    """What an installer asks for: lines `second what` of a file; the answers are in the log."""
    from commissioning import decommission, record, response, scan, sign
    control = app.control
    parts = app.loop, control, control.devices, 0
    for line in store.read(PLAN).decode().split("\n"):
        second, what = line.split()
        await app.loop.sleep_until(app.loop.add(app.began, int(second) * 1000))
        if what == "sign":
            await sign(app.loop, control, 0, meter_sign)
        elif what == "response":
            await response(app.loop, control, 0)
        elif what == "record":
            await record(*parts)
        elif what == "decommission":
            await decommission(*parts)
        else:
            await scan(app.loop, control.fleet[0].bus, Op, 1, int(what))


def main():
    """Run until the test process says Ctrl-C."""
    global config
    setup = log.setup
    log.setup = lambda clock: setup(clock, board.ticks.say)
    store = Told(board.flash())
    try:
        conf = config.load(store)
    except config.ConfigError as exc:
        print("CONFIG_WRONG " + str(exc))
        sys.exit(2)
    del config, sys.modules["config"]
    board.GZIP = int(sys.argv[7])
    if board.GZIP:
        board.PAGE = 64  # a board that can hold a compressed list asks for the whole of it
    gc.collect()
    app = App(board, store, conf, Network)
    gc.threshold(gc.mem_free() // 4)
    if store.size(PLAN) >= 0:
        app.began = app.loop.now()
        app.loop.spawn("install", install(app, store, conf.meter_sign))
    parked = app.run()
    board.ticks.push()
    sys.exit(0 if parked else 1)


main()
