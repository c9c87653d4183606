"""Makes our usage points, here and on the server: loaded for that, and let go of again.

Enters: Telemetry, what meter and devices have said by now.  Leaves: its Points, and the parts of a
MirrorUsagePoint (requirements G2).

    from mirror import fit          # inside a function: ON_DEMAND of tools/build/make.py
    fit(telemetry, meter, known, now)
    body.many(types_of(point, me, pen, period_s, profile))

Allocates.  Limit: two usage points, of the site and of the DER.
"""

import sys

from der.record import ABSENT
from metering import LAST, MEAN, RMS
from micropython import const
from sep2 import fields, mup_mrid

_SHAPE_FILE = "channels"
_WAITS = const(20)  # for devices that are silent when the DER's point is made
_SHAPE = const(5)  # numbers of its shape
_SHAPE_MAX = const(1 << 29)
_DV_TEN = const(-1)

# Units of measure (G5).
_W = const(38)
_VAR = const(63)
_V = const(29)
_WH = const(72)
_PHASES = (128, 64, 32)  # A, B, C


def fit(telemetry, meter, known, now):
    """Make the usage points of what has said a power by now; known: generators and batteries."""
    if telemetry.site is None and meter is not None and meter.w != ABSENT:
        phases = _phases(0 if meter.phases == 3 and meter.w_a == ABSENT else meter.phases)
        types = [(uom, phase or (_PHASES[0] if uom == _V else 0))
                 for uom in (_W, _VAR, _V) for phase in phases]
        kinds = bytes((MEAN,) * (2 * len(phases)) + (RMS,) * len(phases))
        telemetry.site = _point(telemetry, b"03", "site", types, kinds, now)
    if telemetry.der is None and known:
        telemetry.waits += 1
        shape = _shape_of(known, telemetry.shape, telemetry.waits)
        if shape:
            if shape != telemetry.shape:
                telemetry.keep(_SHAPE_FILE, " ".join([str(n) for n in shape]))
            _n, phases, stores, w, wh = shape
            types = [(uom, phase) for uom in (_W, _VAR) for phase in _phases(phases)]
            telemetry.der = _point(telemetry, b"49", "der", types + [(_WH, 0)] * stores,
                                   bytes((MEAN,) * len(types) + (LAST,) * stores), now)
            telemetry.der.fit(w, wh)
    if telemetry.site is not None and (telemetry.der is not None or not known):
        sys.modules.pop("mirror", None)  # else it is asked again in a second


def _point(telemetry, role, name, types, kinds, now):
    point = telemetry.point_class(role, types, kinds, telemetry.ten,
                                  telemetry.backlog_class(telemetry.store, name, kinds))
    point.window.set_period(telemetry.period_s)
    point.due = now
    return point


def _phases(n):
    # Each for itself, the only one, or the sum of all where nobody tells them apart.
    return _PHASES if n == 3 else _PHASES[:1] if n == 1 else (0,)


def _shape_of(known, kept, waits):
    # [devices, phases, stores, W, Wh] of the DER's point as all say it, None while some still may.
    # Then `kept`, of an earlier boot: mRIDs and backlog stay what they were; else what some say.
    n, phases, patient = len(known), 0, waits < _WAITS
    told = [d for d in known if d.answers() and d.w != ABSENT]
    if len(told) == n and not (patient and any([d.store is not None and d.wh_rtg == ABSENT
                                                for d in known])):
        if all([d.driver.phases == 3 and d.driver.w_a != ABSENT for d in known]):
            phases = 3
        elif all([d.driver.phases == 1 for d in known]):
            phases = 1
    elif patient:
        return None
    elif (len(kept) == _SHAPE and kept[0] == n and kept[1] in (0, 1, 3) and kept[2] in (0, 1)
          and 0 <= min(kept) and max(kept) < _SHAPE_MAX):
        return kept
    elif not told:
        return None
    w, wh = [max(d.wmax_w, d.charge_w) for d in known], [max(0, d.wh_rtg) for d in known]
    return [n, phases, int(any([d.store is not None for d in known])), sum(w), sum(wh)]


def types_of(point, me, pen, period_s, profile):
    """The parts of its MirrorUsagePoint (G2), for session.Body."""
    sys.modules.pop("mirror", None)
    yield (fields.MUP_HEAD, {
        fields.MRID: mup_mrid(me.lfdi, point.role, pen), fields.ROLE: point.role,
        fields.DESCRIPTION: "Site" if point.role == b"03" else "DER",
        fields.LFDI: me.lfdi}, profile)
    for i in range(len(point.types)):
        uom, phase = point.types[i]
        ten = _DV_TEN if uom == _V else point.wh_ten if uom == _WH else point.ten
        yield (fields.MUP_TYPE, {
            fields.MRID: point.mrid(i, me, pen), fields.DESCRIPTION: point.what(i),
            fields.UOM: uom, fields.PHASE: phase, fields.TEN: ten,
            fields.QUALIFIER: 0 if uom == _WH else 2,
            fields.READING_KIND: 12 if uom == _WH else 37,
            fields.FLOW: 1 if point.role == b"03" else 19, fields.DURATION: period_s}, None)
    yield fields.MUP_TAIL, None, None
