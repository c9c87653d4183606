"""For the unix port: the board's serial line under the firmware's bus, in real time.

Enters: a tty, how many ms to run, baud, parity, stop bits, the meter's period (the inverter has
twice that) and the time-out.  Leaves: one JSON line: what each operation last gave, the sampling
periods, the counts of the bus and what the log was told.
"""

import json
import sys
from array import array

import board
import log
from loop import Loop
from modbus import Rtu
from port import OK, WRITE, Bus, Op

LINE = tuple(int(text) for text in sys.argv[3:6])
PERIOD_MS = int(sys.argv[6])

said = []
log.setup(None, said.append)
loop = Loop(board.ticks, board.poller(), None, 100)


async def connect(_deadline):
    return board.serial(sys.argv[1], LINE[0], LINE[1], LINE[2])


class Sink:
    """Each good reading of the meter, in order; every fifth one sets off a write."""

    def __init__(self):
        self.values = []

    def took(self, op, now):
        if op.result == OK:
            self.values.append(op.regs[18])
            if len(self.values) % 5 == 0:
                limit.regs[0] = op.regs[18]
                bus.submit(limit)


class Last:
    """How the last one that has ended did end: the run may stop while one is on its way."""

    result = -1

    def took(self, op, now):
        self.result = op.result


class End:
    """Stops the loop."""

    def step(self, now):
        loop.stop()


bus = Bus(loop, Rtu(), connect, int(sys.argv[7]), "rs485", LINE)
sink = Sink()
meter = bus.add(Op(200, array("H", bytes(52)), addr=40069, count=26, period_ms=PERIOD_MS,
                   sink=sink, rank=0))
inverter = bus.add(Op(1, array("H", bytes(24)), addr=40080, count=12,
                      period_ms=2 * PERIOD_MS))
last = Last()
limit = bus.add(Op(1, array("H", bytes(10)), WRITE, 40240, 5, sink=last))
loop.supervise("bus", bus.run)
loop.every(int(sys.argv[2]), End())
loop.run()
print(json.dumps({"values": sink.values, "meter": list(meter.regs),
                  "inverter": list(inverter.regs),
                  "real_ms": [meter.real_ms, inverter.real_ms],
                  "results": [meter.result, inverter.result, last.result],
                  "counts": list(bus.counts), "said": said}))
