"""Makes the drivers of a device that was surveyed: loaded for each, and let go of after.

Enters: its Chain (survey.py), what commissioning recorded of it.  Leaves: what Steered.fit()
takes, a Meter, or None with a line in the log.

    from driver import steered      # inside a function: ON_DEMAND of tools/build/make.py
    found = await steered(devices, chain, PV, bus, unit, conf)

Allocates.
"""

import binascii
import sys
from array import array

import log
from micropython import const
from sunspec import (
    F_EXPORT,
    OK,
    Q_EVERY,
    Q_FLAGS,
    SILENT,
    Connect,
    Inverter,
    Limit,
    MappedLimit,
    Meter,
    Ratings,
    SunspecError,
)

_RVRT_S = const(120)
_BATTERY = const(1)
_OPEN_W = const(1 << 29)  # no limit of its own
_TOGGLE = "toggle"
_OWN_MAX = const(512)
_OP_MS = const(4000)
_RATINGS = const(9)  # blocks
_LONG = const(48)  # registers: the longest block of the ratings
_VALUE = const(3)  # exceptions of Modbus up to this: not so many registers


async def steered(devices, chain, kind, bus, unit, conf):
    """What Devices.find() gives; chain: False where the device may have another map."""
    sys.modules.pop("driver", None)
    own_w, keeps = _own(devices, bus, unit)
    floor_w = min(devices.rvrt_w, own_w)
    store_of = None
    if kind == _BATTERY:
        from battery import steered as banded
        store_of = banded
    try:
        if chain:
            # Its expiry may lead to what it keeps to by itself.
            safe = keeps and own_w <= devices.rvrt_w
            found = await _chained(devices, bus, unit, chain, store_of, conf, floor_w, safe)
        else:
            from mapped import limited
            found = await limited(devices, bus, unit, conf, floor_w)
        if found is None:
            return None
        if conf.per_phase and found[0].phases != 3:  # its power is on one phase of three
            raise SunspecError("per_phase: not a three-phase device")
    except SunspecError as exc:
        log.error("INVERTER_UNFIT", "unit", unit, "why", str(exc))
        return None
    log.info("INVERTER_READY", "unit", unit, "kind", kind, "wmax_w",
             found[1].wmax_w if chain else conf.inverter_w, "phases", found[0].phases)
    if keeps is None:
        log.info("OWN_LIMIT_UNKNOWN", "unit", unit)
    elif own_w < _OPEN_W:
        log.info("OWN_LIMIT", "unit", unit, "own_w", own_w, "keeps", int(keeps))
    return found + (own_w,)


async def _chained(devices, bus, unit, chain, store_of, conf, floor_w, safe):
    # What steered() gives, but for the last, of a device that speaks SunSpec; None: said why.
    quirk = devices.quirk
    mapped = conf.inverter_map
    inverter = Inverter(chain, 0)
    if inverter.live_count > _LONG:
        inverter = await _live(devices, bus, unit, inverter)
    ratings = Ratings(inverter)
    if await devices.run(bus, unit, ratings) == SILENT:
        log.error("INVERTER_SILENT", "bus", bus.name, "unit", unit, "while", "ratings")
        return None
    if ratings.wmax_w <= 0:
        from survey import in_parts
        await in_parts(devices, bus, unit, ratings, _RATINGS)
        inverter = await _live(devices, bus, unit, inverter)
    if ratings.wmax_w <= 0:  # model 120, 121 or 702 would say it
        ratings.wmax_w = conf.inverter_w
    store = switch = None
    if store_of:
        control, store = store_of(inverter, ratings, quirk, conf.battery_pv, floor_w,
                                  mapped == _TOGGLE)
    elif mapped and mapped != _TOGGLE:
        control = MappedLimit(mapped, ratings.wmax_w, quirk, floor_w, _RVRT_S)
    else:
        control = Limit(inverter, ratings, quirk, floor_w, 0)
        control.toggles = mapped
        if control.reverts or safe:
            control.rvrt_s = _RVRT_S
    try:
        switch = Connect(inverter, quirk)
    except SunspecError:  # not every device has one
        pass
    return inverter, ratings, control, switch, store, quirk[Q_EVERY] * 100


async def _live(devices, bus, unit, whole):
    # That Inverter: of power and frequency alone where that block is taken and the whole refused.
    inverter = whole
    for _ in range(2):
        op = devices.op_class(unit, array("H", bytes(2 * inverter.live_count)),
                              addr=inverter.live_addr, count=inverter.live_count)
        result = await bus.do(op, devices.loop.after(_OP_MS))
        if result == OK or not OK < result <= _VALUE:
            break
        inverter = Inverter(whole.walk, 0, brief=True)
        inverter.top_w = whole.top_w
    return inverter if result == OK else whole


def metering(devices, chain, unit, sign):
    """Meter of the first device of the chain that has one, or None; sign: as Devices.meter()."""
    sys.modules.pop("driver", None)
    sign = sign or (-1 if devices.quirk[Q_FLAGS] & F_EXPORT else 1)
    for device in range(chain.devices_n):
        try:
            meter = Meter(chain, device, sign)
        except SunspecError:
            continue
        log.info("METER_READY", "phases", meter.phases, "sign", sign)
        return meter
    log.error("METER_UNFIT", "unit", unit)
    return None


def _own(devices, bus, unit):
    # (limit of the maker's or installer's, whether the device keeps to it by itself); None
    # in the place of that where nothing was recorded.
    try:
        own = own_of(devices.store, bus, unit, devices.serial)
        if own is not None:
            return int(own[0]), own[1] == "1"
    except (IndexError, OSError, ValueError):
        log.error("OWN_LIMIT_UNREAD", "unit", unit)
        return devices.rvrt_w, False  # unknown is never unlimited
    return _OPEN_W, None


def own_of(store, bus, unit, serial):
    """What commissioning.record() wrote of that device, as texts; None: nothing. Allocates.

    (own limit in W, "1" when it keeps to that by itself, words that stood in its registers).
    One of another serial number is of another device.  ValueError when it is damaged.
    """
    data = store and store.read(own_name(bus, unit), _OWN_MAX)
    if data is None:
        return None
    if int.from_bytes(data[-4:], "little") != binascii.crc32(data[:-4]):
        raise ValueError
    line, who, own = data[:-4].decode().split("\n")
    if line != bus.name or (serial and who and serial != who):
        return None
    return own.split(" ")


def own_name(bus, unit):
    """The name of the file with that device's record. Allocates."""
    return "own." + str(unit) + "." + hex(binascii.crc32(bus.name.encode()))[2:]
