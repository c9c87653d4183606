"""What the fitted devices are and do, summed to the one DER that the utility knows.

Enters: the steered devices, each second.  Leaves: ratings, settings, states and the modes that can
be carried out, for DERCapability, DERSettings and DERStatus (requirements F; handbook 7.3); and
five times a second those that are obeyed.

    truth.look(devices, on)
    truth.modes                       # bitmap by the mode numbers of `der`
    truth.mark                        # another number whenever a status has changed
    truth.kept(site, devices, w, wmax_w)  # the modes that are seen to be obeyed

What no device says is ABSENT and is not claimed, nor what holds the site's generation where one of
its generators cannot.  Limit: devices of one site sum up to 1 MW.
"""

from array import array

from der.envelope import EXP, GEN, IMP, LOAD
from der.record import ABSENT
from micropython import const

# Kinds of devices (sitecontrol).
_PV = const(0)
_BATTERY = const(1)
_LOAD = const(2)
_BLIND = const(0)  # sitecontrol's STALE

RATINGS = const(8)  # W, VA, var, var negative, W charging, W discharging, Wh, 0.1 V
_DV = const(7)

_CONNECTED = const(1)
_AVAILABLE = const(2)
_OPERATING = const(4)
_FAULT_BIT = const(16)

# Operating states, the same numbers as DERStatus inverterStatus.
_OFF = const(1)
_STARTING = const(3)
_THROTTLED = const(5)
_FAULT = const(7)
_STANDBY = const(8)

# Of two devices' states the one that is said: any that runs, then what ails the others.
_RANKS = b"\x00\x01\x02\x06\x07\x08\x05\x04\x03"

# Charge states of sunspec.
_DISCHARGING = const(3)
_CHARGING = const(4)

# Bits of modes by their numbers in der.record.
_EXPORT_MODE = const(0x20)  # EXP_LIM_W
_EXPORT_MODES = const(0xA8)  # EXP_LIM_W, GEN_LIM_W, MAX_LIM_W
_IMPORT_MODES = const(0x140)  # IMP_LIM_W, LOAD_LIM_W
_SWITCH_MODES = const(0x03)  # CONNECT, ENERGIZE
_TARGET_MODES = const(0x14)  # FIXED_W, TARGET_W
_STORAGE_MODES = const(0x200)  # STORAGE_TARGET_W
_ANY = const(0x360)  # EXP_LIM_W, _IMPORT_MODES, _STORAGE_MODES: one device that can is enough
_ALL_MODES = const(0x3FF)
_EXPORT = const(0x28)  # EXP_LIM_W, MAX_LIM_W
_GEN = const(0x88)  # GEN_LIM_W, MAX_LIM_W
_IMPORT = const(0x40)  # IMP_LIM_W
_TAKING = const(0x100)  # LOAD_LIM_W


class Truth:
    """See the module's text.

    `rated`: counts changes of ratings or modes, 0 while no device is known.  `rtg`, `set`: by
    index W, VA, var, var absorbed, charge, discharge, Wh, 0.1 V.  `storage`, `pv`: such a device
    is fitted.
    `gen_conn`, `stor_conn`: genConnectStatus bits, ABSENT where there is no such device.  `st`:
    inverterStatus.  `alarms`: alarmStatus.  `operating`: 2 on, 1 off, 0 not known.  `soc_pct100`,
    `storage_mode` (0 charging, 1 discharging, 2 holding): ABSENT without a battery.
    """

    def __init__(self):
        self.rated = 0
        self.modes = 0
        self.rtg = array("i", (ABSENT,) * RATINGS)
        self.set = array("i", self.rtg)
        self._sums = array("i", bytes(8 * RATINGS))
        self.storage = self.pv = False
        self.mark = 0
        self.gen_conn = self.stor_conn = ABSENT
        self.st = self.alarms = self.operating = 0
        self.soc_pct100 = self.storage_mode = self.wh = ABSENT

    def look(self, devices, on):
        """Take stock of the devices (steered.Steered). `on`: they are allowed to be connected.

        Returns True when a status has changed. Allocates little.
        """
        self._rate(devices)
        mark = self.mark
        self.gen_conn = self.stor_conn = self.soc_pct100 = self.storage_mode = self.wh = ABSENT
        self.st = self.alarms = self.operating = 0
        for device in devices:
            self.storage = self.storage or device.kind == _BATTERY
            self.pv = self.pv or device.sunny
            if device.kind <= _BATTERY:
                self._take(device, on)
        self.mark = (self.gen_conn & 31 | (self.stor_conn & 31) << 5 | self.st << 10
                     | self.operating << 14 | (self.alarms & 0x7FF) << 16
                     | (self.storage_mode & 3) << 27 | (self.storage_mode < 0) << 29)
        return mark != self.mark

    def _rate(self, devices):
        # The sums of what every device says; a device that is silent on a value is left out.
        sums, modes, common = self._sums, 0, -1
        for i in range(2 * RATINGS):
            sums[i] = ABSENT
        for device in devices:
            if device.driver is None:  # never found: nothing of it is claimed
                continue
            able = self._modes(device)
            modes |= able
            if device.kind > _BATTERY:
                continue
            common &= able | _ANY
            for i in range(RATINGS):
                self._add(i, device.rtg(i))
                self._add(RATINGS + i, device.set(i))
        modes &= common
        changed = modes != self.modes
        for i in range(RATINGS):
            changed = changed or self.rtg[i] != sums[i] or self.set[i] != sums[RATINGS + i]
            self.rtg[i] = sums[i]
            self.set[i] = sums[RATINGS + i]
        self.modes = modes
        self.rated += changed

    def _add(self, i, value):
        sums = self._sums
        if value == ABSENT:
            return
        if sums[i] == ABSENT or i & _DV == _DV:  # the voltage is the same for all
            sums[i] = value
        else:
            sums[i] += value

    def _modes(self, device):
        if device.of_site:
            modes = _EXPORT_MODE
        elif device.kind == _PV:
            modes = _EXPORT_MODES | _TARGET_MODES
        elif device.kind == _BATTERY:
            modes = _EXPORT_MODES | _IMPORT_MODES | _TARGET_MODES
            if device.stores:
                modes |= _STORAGE_MODES
        else:
            return _IMPORT_MODES
        return modes | (_SWITCH_MODES if device.switch is not None else 0)

    def _take(self, device, on):
        conn = self._conn(device, on)
        if device.sunny:
            self.gen_conn = conn if self.gen_conn == ABSENT else self.gen_conn | conn
        if device.kind == _BATTERY:
            self.stor_conn = conn if self.stor_conn == ABSENT else self.stor_conn | conn
            self._store(device)
        if device.alarms != ABSENT:
            self.alarms |= device.alarms
        works = 2 if conn & _OPERATING else 1 if device.answers() else 0
        self.operating = max(self.operating, works)
        if device.st != ABSENT and _RANKS[device.st] > _RANKS[self.st]:
            self.st = device.st

    def _conn(self, device, on):
        # Connected, available, operating, fault. Curtailed to nothing is operating (J8): the state
        # decides and never the power.  Off counts once the device has taken it (D10).
        if not device.answers():
            return 0
        st = device.st
        conn = device.conn
        if conn == ABSENT:
            conn = _AVAILABLE | (_CONNECTED if device.on != 0 else 0)
        runs = _STARTING <= st <= _THROTTLED or (st == _STANDBY and device.high_w == 0)
        if st == ABSENT:
            runs = True
        conn &= ~_OPERATING
        off = device.on == 0 or (not on and device.switch is None and device.holds())
        if runs and not off and conn & _CONNECTED:
            conn |= _OPERATING
        if st == _FAULT:
            conn |= _FAULT_BIT
        return conn

    def _store(self, device):
        if device.soc_pct100 != ABSENT:
            self.soc_pct100 = device.soc_pct100
        if device.wh != ABSENT:
            self.wh = device.wh if self.wh == ABSENT else self.wh + device.wh
        w, state = device.w, device.cha_st
        if state == _DISCHARGING or state == _CHARGING:  # noqa: PLR1714 (no tuple)
            self.storage_mode = _CHARGING - state  # its own word: its sun may hide it in the power
        elif device.sunny:
            self.storage_mode = 2 if state != ABSENT else ABSENT
        elif w != ABSENT:
            self.storage_mode = 2 if abs(w) < 50 else 1 if w > 0 else 0

    def kept(self, site, fleet, w, wmax_w):
        """Bitmap of the modes that the last samples do not go against (fourth promise).

        Their bands stand and no power is beyond them: by the meter where it is seen, blind by each
        device.  w: limits in force by der.envelope's EXP .. LOAD, wmax_w: the site's rating; W.
        One look proves little: control.py wants a second of them.  Does not allocate.
        """
        tolerance = min(wmax_w * 4 // 100, 100)
        made = taken = stored = net = asleep = 0
        switched, modes = True, _ALL_MODES
        for device in fleet:
            p_w = device.p_w
            modes &= _kept_by(site, device, tolerance)
            if p_w == ABSENT or not modes:
                continue
            if device.kind != _LOAD:
                asleep |= device.w == ABSENT
                made += max(0, p_w)
                net += p_w
                switched = switched and (device.switch is None or device.on == site.on)
            # What panels give beside a battery is none of its power.
            stored += min(p_w, 0 if device.sunny else p_w) * (device.kind == _BATTERY)
            taken += max(0, -p_w)
        # What says nothing makes nothing, unless the site exports more than the others make.
        if asleep and site.state != _BLIND and site.export_w > made + site.others_w + tolerance:
            modes &= _EXPORT | _IMPORT
        if not switched or (not site.on and (made > tolerance or stored < -tolerance)):
            modes &= ~_SWITCH_MODES
        if w[GEN] != ABSENT and made > w[GEN] + tolerance:
            modes &= ~_GEN
        if w[LOAD] != ABSENT and taken > w[LOAD] + tolerance:
            modes &= ~_TAKING
        if site.state != _BLIND and site.export_w > w[EXP] + tolerance:
            modes &= ~_EXPORT
        if site.state != _BLIND and site.import_w > w[IMP] + tolerance:
            modes &= ~_IMPORT
        if _beyond_w(stored, site.storage_w) > tolerance:
            modes &= ~_STORAGE_MODES
        if _beyond_w(net, site.target_w) > tolerance:
            modes &= ~_TARGET_MODES
        return modes


def _kept_by(site, device, tolerance):
    # Bitmap of the modes that its last sample and its band do not go against.
    p_w = device.p_w
    holds = device.answers() and device.is_within()
    if p_w == ABSENT and device.of_site and holds and site.state != _BLIND:
        return _ALL_MODES & ~(_GEN | _TARGET_MODES | _SWITCH_MODES)  # the meter tells for the site
    if p_w == ABSENT or not holds:
        # A load makes nothing: without it the other modes can be kept.
        return _ALL_MODES & ~(_IMPORT | _TAKING) if device.kind == _LOAD else 0
    beyond = p_w > device.high_w + tolerance or p_w < device.low_w - tolerance
    if beyond and site.state == _BLIND:
        return 0  # nothing else tells how the site stands
    # A battery may rest where it is told to work; panels behind one band hide its power.
    idle = abs(p_w) <= tolerance < max(device.low_w, -device.high_w)
    if (idle and device.kind == _BATTERY and not (device.sunny and device.control.banded)
            and (site.storage_w != ABSENT or site.target_w != ABSENT)):
        return _ALL_MODES & ~(_STORAGE_MODES | _TARGET_MODES)
    return _ALL_MODES


def _beyond_w(w, target_w):
    # By how much it is not between nothing and the set point: sun or charge may not suffice.
    if target_w == ABSENT:
        return 0
    return max(w - max(0, target_w), min(0, target_w) - w)
