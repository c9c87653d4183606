"""A Modbus unit: the devices behind one unit id, as one SunSpec chain and areas beside it.

Enters: the devices, the instant.  Leaves: registers by address, and where a write belongs.

    unit = Unit([inverter, meter])              # two devices in one chain, each with its model 1
    unit.read(3, 40000, 70, now=0.0, ticks=0)

Raises Refused as the device refuses.  The oddities of real chains are faults (tools.site.faults).
"""

from __future__ import annotations

from tools.site.controls import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE
from tools.site.values import LIVE

READ, READ_INPUT, WRITE_ONE, WRITE_MANY = 3, 4, 6, 16
SUNS = [0x5375, 0x6E53]
_END = [0xFFFF, 0]
_STRANGER, _REPEATED = 64412, 65230
_CONTROLS, _PCT_SF_OFFSET = 123, 23


class Refused(Exception):
    """A Modbus exception: `code` is 1, 2, 3, 4, 6 or 0x0B."""

    def __init__(self, code: int):
        """Keep the exception code."""
        super().__init__(f"Modbus exception {code}")
        self.code = code


class Unit:
    """One unit id."""

    def __init__(self, devices: list):
        """The first device is the one whose faults of the line and the chain hold."""
        self.devices = devices
        self.first = devices[0]
        self.unit = self.first.unit
        self._sunspec = any(d.sunspec for d in devices)
        self._places: list[tuple[int, int, int, object]] = []
        self._words: list[int] = []

    @property
    def base(self) -> int:
        """Address of its SunSpec map."""
        return self.first.settings.base

    def build(self, now: float, ticks: int) -> list[int]:
        """Registers from `base` on, at this instant; [] for a unit without SunSpec."""
        faults = self.first.faults
        words, places = SUNS.copy(), []

        def add(model: int, registers: list[int], device) -> None:
            places.append((self.base + len(words), model, len(registers), device))
            words.extend(registers)

        for device in self.devices:
            for model, registers in device.models(now, ticks):
                if model in LIVE and faults("chain_shift"):
                    add(_STRANGER, [_STRANGER, 6, 1, 2, 3, 4, 5, 6], device)
                short = model == 1 and faults("model1_short")
                add(model, [1, 65, *registers[2:67]] if short else registers, device)
                if model == 1 and faults("strangers"):
                    add(_STRANGER, [_STRANGER, 2, 0, 0], device)
        if faults("strangers"):
            for i in range(3):
                add(_REPEATED, [_REPEATED, 3, i, 0, 0], self.first)
        if not faults("end_missing"):
            words += [0] if faults("end_zero") else _END
        self._words, self._places = words if self._sunspec else [], places
        return self._words

    def read(self, function: int, address: int, count: int, now: float, ticks: int) -> list[int]:
        """Registers of one instant; raises Refused."""
        faults = self.first.faults
        if faults("read_max") and count > faults("read_max"):
            raise Refused(ILLEGAL_VALUE)
        areas = [area for d in self.devices for area in d.areas(function)]
        if function == READ and self._sunspec:
            areas.append((self.base, self._words or self.build(now, ticks)))
        if not areas:
            raise Refused(ILLEGAL_FUNCTION)
        for start, words in areas:
            at = address - start
            if at >= 0 and at + count <= len(words):
                if faults("controls_single"):
                    self._whole(address, count)
                return words[at:at + count]
        raise Refused(ILLEGAL_ADDRESS)

    def _whole(self, address: int, count: int) -> None:
        """Refuse to read a single register of model 123, its scale factor apart."""
        for start, model, size, _ in self._places:
            inside = start < address < start + size and address != start + _PCT_SF_OFFSET
            if model == _CONTROLS and inside and count == 1:
                raise Refused(ILLEGAL_ADDRESS)

    def write(self, address: int, words: list[int], function: int, now: float,
              ticks: int) -> int:
        """Write whole points or nothing: 0, or the exception code."""
        faults = self.first.faults
        refused = faults("writes_refused") or \
            faults("fc16_refused" if function == WRITE_MANY else "fc6_refused")
        if refused:
            return refused
        if self._sunspec and not self._words:
            self.build(now, ticks)
        for start, model, size, device in self._places:
            if start <= address < start + size:
                return device.write_model(model, address - start, words, now)
        for device in self.devices:
            if any(start <= address < start + len(area) for start, area in device.areas(READ)):
                return device.write_area(address, words, now)
        return ILLEGAL_ADDRESS

    def forget(self) -> None:
        """The instant is over."""
        self._words = []

    def silent(self) -> bool:
        """Whether it answers nothing at all."""
        return self.first.silent()
