"""What an installer does once: looks who is on a line, tries meter and inverter, keeps a limit.

Enters: the parts of a running firmware (control, devices, a bus).  Leaves: (result, code), where
the code is one of docs/log.md and was said with what was measured; result None: refused.

    from commissioning import sign         # inside a function: ON_DEMAND of tools/build/make.py
    said, code = await sign(loop, control, 0, 1)        # 1, "SIGN_LEARNED"

A trial shuts its eyes to the meter (control.shut: every device alone stays under the limit, as
when blind) and holds a device below what the law allows (Steered.most_w): it only ever lowers.
All is put back at its end, whichever that is.  Limit: one trial at a time; allocates freely.
"""

import binascii
from array import array

import log
from micropython import const
from sunspec import ABSENT, FULL, OK, SILENT, Common, SunspecError, Walk

_MOST = const(16)  # devices that a scan tells
_MODELS = const(40)
_REST_MS = const(700)  # of a scan, behind each unit that is silent
_BACK_MS = const(10000)  # until the line is there again
_TURN_MS = const(100)  # between two reads of one that answers
_OP_MS = const(2000)
_TICK_MS = const(50)
_OLD_MS = const(2000)
_WINDOW_MS = const(5000)
_SETTLED_MS = const(2000)
_SLOW_MS = const(15000)  # longer than that no limit may be exceeded (handbook 7.6)
_GIVE_UP_MS = const(30000)
_OPEN_W = const(1 << 29)
_LOAD = const(2)  # of sitecontrol
_UNREAD = const(0xFFFF)
_GATEWAY = (10, 11)  # Modbus: it knows no such unit
_STORES = ((124, 124), (713, 713), (802, 802))
_PANELS = ((160, 160),)  # 714 has ports of batteries too


def _ended(code, result, *pairs):
    # What a function here gives, and says.
    (log.warn if result is None else log.info)(code, *pairs)
    return result, code


# -- who is there -----------------------------------------------------------------------


async def scan(loop, bus, op_class, first=1, last=247):
    """Who is on a line: ([(unit, kind, maker, model, version, serial, SunSpec models)], code).

    kind: "inverter", "battery", "hybrid", "meter" or "other".  A device behind another one's unit
    has a row of its own.  A unit has bus.timeout_ms to answer: `modbus_timeout_ms`, or what a
    device that was found there needs.  n silent units take n * (that + 700 ms), 247 of them seven
    minutes at 1 s, and more where others are slow; each that answers about ten seconds.  Those who
    are steered have the line for the 700 ms; from 1.5 s on, they become stale: kept as when blind.
    Codes: SCANNED, SCAN_FULL (more than 16), SCAN_LINE_DOWN.
    """
    rows = []
    op = op_class(first, array("H", bytes(128)))
    for unit in range(first, last + 1):
        end = loop.after(_BACK_MS)
        while not bus.up():
            if loop.left(end) <= 0:
                return _ended("SCAN_LINE_DOWN", None, "bus", bus.name, "unit", unit)
            await loop.sleep_ms(_TURN_MS)
        op.unit, op.kind, op.addr, op.count = unit, 3, 40000, 1
        # Behind slow answers of others; else given up first: three silences end a line.
        slow_ms = min(bus.slowest_ms, bus.timeout_ms)
        wait_ms = bus.timeout_ms + (6 * slow_ms if slow_ms > _TURN_MS else -1)
        result = await bus.do(op, loop.after(wait_ms))
        if result >= OK and result not in _GATEWAY:
            await _look(loop, bus, op, rows)
            if len(rows) > _MOST:
                return _ended("SCAN_FULL", rows[:_MOST], "bus", bus.name, "unit", unit)
        elif result < OK:
            await loop.sleep_ms(_REST_MS)
    return _ended("SCANNED", rows, "bus", bus.name, "devices", len(rows))


async def _look(loop, bus, op, rows):
    walk = Walk(_MODELS)
    if await _slowly(loop, bus, op, walk) not in (OK, FULL):
        rows.append((op.unit, "other", "", "", "", "", ()))
        log.info("SCAN_UNIT", "unit", op.unit, "kind", "other")
        return
    for device in range(walk.devices_n):
        ids = tuple([walk.ids[i] for i in range(walk.n) if walk.devices[i] == device])
        maker = model = version = serial = ""
        if walk.find(device, 1, 1) >= 0:
            common = Common(walk, device)
            await _slowly(loop, bus, op, common)
            maker, model = common.manufacturer, common.model
            version, serial = common.version, common.serial
        kind = _kind(walk, device)
        rows.append((op.unit, kind, maker, model, version, serial, ids))
        log.info("SCAN_UNIT", "unit", op.unit, "kind", kind, "maker", maker, "model", model,
                 "version", version, "models", " ".join([str(i) for i in ids]))


async def _slowly(loop, bus, op, seq):
    # As Devices.run(), with room for the others between two reads.
    while seq.next(op.regs):
        await loop.sleep_ms(_TURN_MS)
        op.kind, op.addr, op.count = seq.kind, seq.addr, seq.count
        wait_ms = max(_OP_MS, 2 * bus.timeout_ms) + 4 * bus.slowest_ms
        seq.took(await bus.do(op, loop.after(wait_ms)), op.regs)
    return seq.result


def _kind(walk, device):
    def has(ranges):
        return any([walk.find(device, a, b) >= 0 for a, b in ranges])
    if has(_STORES):
        return "hybrid" if has(_PANELS) else "battery"
    if has(((101, 103), (111, 113), (701, 701))):
        return "inverter"
    return "meter" if has(((201, 204), (211, 214))) else "other"


class _Trial:
    """A device that is held below what the law allows, and what meter and device then say."""

    def __init__(self, loop, control, i):
        self.loop, self.control = loop, control
        self.device = control.fleet[i]
        self._found = self.device.control
        self.before = self.set = self.device.most_w
        self.was_shut = control.shut
        control.shut = True

    def hold(self, w):
        """Hold it at or below that, in W."""
        self.set = self.device.most_w = min(self.before, w)

    def whole(self):
        """True while the device is still the one that was found, and answers."""
        device = self.device
        return device.control is self._found is not None and device.answers()

    def end(self):
        """As it was. A device that was found anew meanwhile has its own limit already."""
        self.control.shut = self.was_shut
        if self.device.most_w == self.set:
            self.device.most_w = self.before

    async def until(self, condition, ms):
        """The ms until it is met, None when it is not within `ms`."""
        begun = self.loop.now()
        while not condition():
            if self.loop.diff(self.loop.now(), begun) >= ms or not self.whole():
                return None
            await self.loop.sleep_ms(_TICK_MS)
        return self.loop.diff(self.loop.now(), begun)

    async def window(self, ms=_WINDOW_MS):
        """(mean of all that is made, mean at the meter, spread of both added); None: not known.

        The meter's watts are as `meter_sign` of the settings has them.
        """
        made = metered = n = 0
        low, high = _OPEN_W, -_OPEN_W
        end = self.loop.after(ms)
        while self.loop.left(end) > 0:
            await self.loop.sleep_ms(200)
            meter, pv_w = self.control.meter, self.control.pv_w
            if (not self.whole() or pv_w == ABSENT or meter is None or meter.w == ABSENT
                    or self.control.meter_age(self.loop.now()) > _OLD_MS):
                return None
            made += pv_w
            metered += meter.w
            n += 1
            low, high = min(low, meter.w), max(high, meter.w)
        return made // n, metered // n, high - low


async def sign(loop, control, i, meter_sign=0):
    """Which way the meter counts, by a small step down of device `i`: (1 or -1, code).

    The result is what `meter_sign` of the settings should be (1: import positive); the argument is
    what it is, 0: not set.  It takes up to two minutes.  Codes: SIGN_LEARNED; SIGN_NO_SIGHT (no
    fresh power of meter and devices), SIGN_DARK (it makes too little to take a step off it),
    SIGN_NOISY (what the house takes moves more than any step), SIGN_NO_STEP (the device does not
    follow), SIGN_NO_EFFECT (the meter does not see it), SIGN_AMBIGUOUS (something else moved).
    """
    trial = _Trial(loop, control, i)
    try:
        return await _sign(trial, meter_sign)
    finally:
        trial.end()


async def _sign(trial, meter_sign):
    device, control = trial.device, trial.control
    unit = device.unit
    await trial.until(lambda: control.site_w == ABSENT, 1000)
    await trial.loop.sleep_ms(_WINDOW_MS)  # the band of the blind comes into force
    first = await trial.window()
    if first is None:
        return _ended("SIGN_NO_SIGHT", None, "unit", unit)
    made_w = max(0, device.p_w)
    step_w = max(device.wmax_w // 20, 100)
    if made_w < step_w:
        return _ended("SIGN_DARK", None, "unit", unit, "w", made_w, "cap_w", device.high_w)
    step_w = max(step_w, 4 * first[2])
    if step_w > made_w:
        return _ended("SIGN_NOISY", None, "unit", unit, "w", made_w, "noise_w", first[2])
    trial.hold(made_w - step_w)
    least_w = made_w - step_w * 3 // 4
    if await trial.until(lambda: ABSENT < device.p_w <= least_w, _GIVE_UP_MS) is None:
        return _ended("SIGN_NO_STEP", None, "unit", unit, "w", device.p_w, "cap_w",
                      made_w - step_w)
    await trial.loop.sleep_ms(_SETTLED_MS)
    second = await trial.window()
    trial.hold(_OPEN_W)
    # Up again it may be slow: what counts is that the meter goes with it.
    await trial.until(lambda: device.p_w >= made_w - step_w // 4, _GIVE_UP_MS)
    await trial.loop.sleep_ms(_SETTLED_MS)
    third = await trial.window()
    if second is None or third is None:
        return _ended("SIGN_NO_SIGHT", None, "unit", unit)
    down = _share(first, second, step_w)
    up = _share(third, second, step_w)
    pairs = ("unit", unit, "step_w", step_w, "down_pct", down, "up_pct", up)
    if down is None or up is None:
        return _ended("SIGN_AMBIGUOUS", None, *pairs)
    if -25 < down < 25 and -25 < up < 25:
        return _ended("SIGN_NO_EFFECT", None, *pairs)
    for way in (1, -1):
        if 50 <= way * down <= 150 and 50 <= way * up <= 150:
            way_now = meter_sign or control.meter.sign  # it is in the reading already
            return _ended("SIGN_LEARNED", way * way_now, "sign", way * way_now, *pairs)
    return _ended("SIGN_AMBIGUOUS", None, *pairs)


def _share(more, less, step_w):
    # How much of the power made less came in at the meter, in percent; None: not much less.
    made = more[0] - less[0]
    return None if made < step_w // 2 else (less[1] - more[1]) * 100 // made


async def response(loop, control, i):
    """How device `i` follows: ((dead_ms, settle_ms, reached_w, asked_w, grain_w), code).

    dead_ms: from the end of the write until its power moves; settle_ms: until it is at or below
    the limit for good; both to 200 ms, the period of its samples.  grain_w: what it stays below
    the limit, or 0 within 1 % of WMax.  It takes up to two minutes.  Codes: RESPONSE_GOOD,
    RESPONSE_COARSE (good, in steps of 2 % of WMax and more), RESPONSE_SLOW (over 15 s),
    RESPONSE_DISOBEYS (stays above); RESPONSE_NO_SIGHT (no fresh power), RESPONSE_DARK (it makes
    too little), RESPONSE_REFUSED (the write is not taken), RESPONSE_AMBIGUOUS (its power does not
    come back: a cloud).
    """
    trial = _Trial(loop, control, i)
    try:
        return await _response(trial, loop)
    finally:
        trial.end()


async def _response(trial, loop):
    device, unit = trial.device, trial.device.unit
    await loop.sleep_ms(_WINDOW_MS)
    if not trial.whole() or device.p_w == ABSENT:
        return _ended("RESPONSE_NO_SIGHT", None, "unit", unit)
    made_w, wmax_w = device.p_w, device.wmax_w
    if made_w < max(wmax_w // 20, 100):
        return _ended("RESPONSE_DARK", None, "unit", unit, "w", made_w, "cap_w", device.high_w)
    asked_w = made_w // 2
    slack_w = max(wmax_w // 100, 20)
    trial.hold(asked_w)
    if await trial.until(lambda: device.holds() and device.high_w <= asked_w, 10000) is None:
        return _ended("RESPONSE_REFUSED", None, "unit", unit, "result", device.result)
    begun = loop.now()
    dead_ms = await trial.until(lambda: ABSENT < device.p_w < made_w - slack_w, _GIVE_UP_MS)
    settle_ms, since = None, loop.now()
    while loop.diff(loop.now(), begun) < _GIVE_UP_MS and trial.whole():
        await loop.sleep_ms(_TICK_MS)
        if device.p_w > asked_w + slack_w:
            since = loop.now()
        elif loop.diff(loop.now(), since) >= _SETTLED_MS + 1000:
            settle_ms = loop.diff(since, begun)
            break
    reached_w = device.p_w
    trial.hold(_OPEN_W)
    back = await trial.until(lambda: device.p_w >= made_w * 9 // 10 - slack_w, _GIVE_UP_MS)
    grain_w = max(0, asked_w - reached_w)
    result = (dead_ms, settle_ms, reached_w, asked_w, grain_w if grain_w > slack_w else 0)
    pairs = ("unit", unit, "dead_ms", dead_ms, "settle_ms", settle_ms, "reached_w", reached_w,
             "asked_w", asked_w)
    if reached_w == ABSENT:
        return _ended("RESPONSE_NO_SIGHT", None, "unit", unit)
    if settle_ms is None or dead_ms is None:
        return _ended("RESPONSE_DISOBEYS", result, *pairs)
    if back is None:
        return _ended("RESPONSE_AMBIGUOUS", None, *pairs)
    if settle_ms > _SLOW_MS:
        return _ended("RESPONSE_SLOW", result, *pairs)
    if grain_w > 2 * slack_w:
        return _ended("RESPONSE_COARSE", result, *pairs)
    return _ended("RESPONSE_GOOD", result, *pairs)


async def static(loop, control, i, static_w):
    """Whether device `i` keeps to a limit set in itself while ours lies well above it: (1, code).

    For record(): only then may its reversion time run out (its end means that our limit is off).
    Nothing is loosened for it, so the limits in force must leave it 10 % of WMax more.  Codes:
    STATIC_KEPT; STATIC_LIMITED (they do not), STATIC_DARK (it makes less by itself), STATIC_BEYOND
    (it makes more), STATIC_AMBIGUOUS (after a step down it does not come back to it).
    """
    device = control.fleet[i]
    unit, slack_w = device.unit, max(device.wmax_w // 50, 50)
    for again in (False, True):
        if again:
            trial = _Trial(loop, control, i)
            control.shut = trial.was_shut  # its limits stay as wide as they were
            try:
                trial.hold(static_w // 2)
                fell = await trial.until(lambda: device.p_w <= static_w // 2 + slack_w,
                                         _GIVE_UP_MS)
            finally:
                trial.end()
            await loop.sleep_ms(_GIVE_UP_MS)
            if fell is None:
                return _ended("STATIC_AMBIGUOUS", None, "unit", unit, "w", device.p_w)
        end = loop.after(20000)
        while loop.left(end) > 0:
            await loop.sleep_ms(200)
            w = device.p_w if device.answers() and device.stands else ABSENT
            if w > static_w + slack_w:
                return _ended("STATIC_BEYOND", None, "unit", unit, "w", w)
            if device.held_high < static_w + device.wmax_w // 10:
                return _ended("STATIC_LIMITED", None, "unit", unit, "cap_w", device.held_high)
            if w < static_w - slack_w:
                code = "STATIC_AMBIGUOUS" if again else "STATIC_DARK"
                return _ended(code, None, "unit", unit, "w", w)
    return _ended("STATIC_KEPT", 1, "unit", unit, "static_w", static_w)


async def record(loop, control, devices, i, own_w=None, keeps=0):
    """Keep the limit that stood in device `i` before ours, once: (W or -1 for none, code).

    What is recorded is never exceeded, from now on and at each boot, and is what decommission()
    gives back.  At the first meeting with a device what was found is the maker's or installer's;
    later it may be ours, and the installer says `own_w` (-1: none).  keeps: 1 when static() proved
    that the device keeps to `own_w` by itself.  Codes: OWN_LIMIT_KEPT; OWN_LIMIT_THERE (there
    is a record), OWN_LIMIT_NO_DEVICE (not found, not written to yet, or no answer),
    OWN_LIMIT_NOT_READ (its registers cannot be read: say own_w), FLASH_FAILED.
    """
    from driver import own_name
    device = control.fleet[i]
    bus, unit, parts = device.bus, device.unit, _parts(device)
    serial = await _serial(devices, device) if parts and device.stands else None
    if serial is None:
        return _ended("OWN_LIMIT_NO_DEVICE", None, "unit", unit)
    if devices.store.size(own_name(bus, unit)) >= 0:
        return _ended("OWN_LIMIT_THERE", None, "unit", unit)
    words = []
    limited = hasattr(parts[0], "found_w")
    if own_w is None or not limited:
        for part in parts:
            words += list(part.found)
        if min(words) == _UNREAD:
            return _ended("OWN_LIMIT_NOT_READ", None, "unit", unit)
    if own_w is None:
        own_w = parts[0].found_w() if limited else ABSENT
    own_w = own_w if 0 <= own_w < _OPEN_W else _OPEN_W
    numbers = " ".join([str(n) for n in [own_w, int(keeps)] + words])
    data = "\n".join((bus.name, serial, numbers)).encode()
    try:
        devices.store.write(own_name(bus, unit),
                            data + binascii.crc32(data).to_bytes(4, "little"))
    except OSError as exc:
        return _ended("FLASH_FAILED", None, "error", repr(exc))
    device.most_w = own_w
    device.part()  # found anew within seconds, with its record
    return _ended("OWN_LIMIT_KEPT", -1 if own_w == _OPEN_W else own_w, "unit", unit, "own_w",
                  own_w, "keeps", int(keeps))


async def decommission(loop, control, devices, i):
    """Give back what record() kept, connect it, and steer device `i` no more: (1, code).

    It counts as making all it can until the next boot, which steers it again unless the settings
    no longer name it.  Codes: DECOMMISSIONED; NOT_RECORDED (there is nothing to give back),
    NOT_RESTORED (silent, or not taken: it is steered on, the record stays).
    """
    from driver import own_name, own_of
    device = control.fleet[i]
    bus, unit, parts = device.bus, device.unit, _parts(device)
    try:
        own = parts and own_of(devices.store, bus, unit, await _serial(devices, device) or "")
    except (OSError, ValueError):
        own = None
    if not own:
        return _ended("NOT_RECORDED", None, "unit", unit)
    switch = None if device.on % 2 else device.switch  # told off, or perhaps
    device.retired = True
    device.part()
    try:
        result = await _restore(devices, bus, unit, parts, [int(n) for n in own])
        if switch is not None and result == OK:
            switch.begin(1)  # some say 0 while they generate: only silence is a failure
            result = SILENT if await devices.run(bus, unit, switch) == SILENT else OK
    except SunspecError:
        result = SILENT
    if result != OK:
        device.retired = False
        return _ended("NOT_RESTORED", None, "unit", unit, "result", result)
    devices.store.remove(own_name(bus, unit))
    return _ended("DECOMMISSIONED", 1, "unit", unit)


async def _restore(devices, bus, unit, parts, own):
    words = own[2:]
    result = OK
    for part in parts:
        if words:
            for k in range(len(part.found)):
                part.found[k] = words.pop(0)
            part.probe()  # what was found stays, and what can be read is known
            await devices.run(bus, unit, part)
            part.restore()
        elif own[0] < _OPEN_W:
            part.begin(own[0])
        else:
            part.begin(part.wmax_w, 0)
        result = result or await devices.run(bus, unit, part)
        if not own[2:]:
            break  # a limit that the installer named
    return result


def _parts(device):
    # The controls of a device: of a hybrid its limit, then its band.
    control = device.control
    if control is None or device.driver is None or device.kind == _LOAD:
        return ()
    return (control.limit, control.storage) if hasattr(control, "storage") else (control,)


async def _serial(devices, device):
    # Its serial number, "" where it has none, None when it does not answer.
    try:
        common = Common(device.driver.walk, 0)
    except (AttributeError, SunspecError):  # no chain, no model 1
        return ""
    result = await devices.run(device.bus, device.unit, common)
    return None if result == SILENT else common.serial
