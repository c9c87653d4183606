"""What rules now: the schedule and the envelope worked out each second, said and kept.

Enters: the schedule that discovery fills, the server's clock, what control saw obeyed.  Leaves:
the envelope that control holds, one LIMIT line for each change, the persisted default.

    limits = Limits(loop, clock, schedule, envelope, ramps, keep)
    loop.every(1000, limits)            # step(now): allocates nothing
    loop.supervise("limits", limits.run)
    limits.w[EXP]                       # the ramped limit that control holds, W

Handbook 7.7: without the network the known events run out, then the default holds; after a power
cut the persisted default holds before anything is read.  Limit: the resolution is one second.
"""

from array import array

import log
from der.envelope import EXP, GEN, IMP, LOAD, part_w
from der.record import (
    ABSENT, CONNECT, ENERGIZE, EXP_LIM_W, GEN_LIM_W, IMP_LIM_W, KEY_SIZE, MAX_LIM_W, MODES,
    REC_SIZE, VALUE,
)
from micropython import const

_DAY_MS = const(86400000)
_LATE_MS = const(10000)  # a ramp that was not stepped for longer goes on from there
_PERSISTED = const(2)
_FAILSAFE = const(4)

# By the numbers of der.envelope: EVENT .. OPEN.
SOURCES = ("event", "default", "persisted", "contract", "failsafe", "open")


class Limits:
    """See the module's text.

    `version` counts changes of the envelope; `obeyed` is a bitmap of the modes that control saw
    obeyed since the last of them.
    `complete`: the whole tree was read to its end at least once since boot.
    `wmax_w`: setMaxW of the site, 0 until the inverter told it.  `charge_w`: setMaxChargeRateW, 0
    where nothing charges.  `w`: the limits by EXP, IMP, GEN and LOAD where their ramps
    have brought them, ABSENT when open.  `ramps`: four of der.Ramp.
    """

    def __init__(self, loop, clock, schedule, envelope, ramps, keep):
        self._loop = loop
        self._clock = clock
        self._schedule = schedule
        self.envelope = envelope
        self._ramps = ramps
        self._keep = keep
        self.w = array("i", (0, 0, ABSENT, ABSENT))
        self._at = -1  # ticks of the last step of the ramps
        self._rec = array("i", bytes(4 * REC_SIZE))
        self._key = bytearray(KEY_SIZE)
        self._changed = loop.flag()
        self._seen = array("i", (ABSENT, ABSENT, ABSENT, 0, -1))  # exp, imp, gen, sources, winner
        self.version = 0
        self.obeyed = 0
        self.complete = False
        self.wmax_w = self.charge_w = 0
        self.restored = False

    def restore(self):
        """At boot: the default that was in force before the cut. Allocates.

        Without an identity nobody knows whose it is: of it and the failsafe the lower rules.
        """
        rec, e = self._rec, self.envelope
        if self._keep.load(rec):
            if not self._keep.lfdi:
                rec[VALUE + EXP_LIM_W] = min(rec[VALUE + EXP_LIM_W], e.exp_w)
                rec[VALUE + IMP_LIM_W] = min(rec[VALUE + IMP_LIM_W], e.imp_w)
            self._schedule.set_persisted(rec)
            self.restored = True
            log.info("DEFAULT_RESTORED", "from", "flash")
        self.step(self._loop.now())

    def step(self, now):
        """Evaluate, and confirm what control saw obeyed. Does not allocate."""
        schedule = self._schedule
        time = self._clock.now()
        changed = time >= 0 and schedule.evaluate(time)
        self.envelope.update(schedule, self.complete, self.wmax_w, self.charge_w)
        self._move()
        if self._differs() or changed:
            self.version += 1
            self.obeyed = 0
            self._changed.set()
        elif self.obeyed:
            self._confirm()

    def _move(self):
        now, e = self._loop.now(), self.envelope
        passed = 0 if self._at < 0 else min(_LATE_MS, self._loop.diff(now, self._at))
        self._at = now
        self._ramp(EXP, e.exp_w, self.wmax_w, passed)
        self._ramp(IMP, e.imp_w, self.wmax_w, passed)
        self._ramp(GEN, e.gen_w, self.wmax_w, passed)
        self._ramp(LOAD, e.load_w, self.charge_w, passed)

    def _ramp(self, limit, target_w, top_w, passed_ms):
        # Without a rating, or with a new one, the limit stands at once.
        e, ramp = self.envelope, self._ramps[limit]
        open_w = top_w if target_w == ABSENT else target_w
        source = e.source[limit]
        held = source == _PERSISTED or source == _FAILSAFE  # noqa: PLR1714 (no tuple)
        falls = open_w < ramp.value_w and (held or not e.connect or not e.energize)
        if top_w <= 0 or falls or ramp.wmax_w != self.wmax_w:
            ramp.wmax_w = self.wmax_w
            ramp.jump(open_w)
        else:
            ramp.aim(open_w, e.ramp[limit], self._schedule.grad)
            ramp.step(passed_ms)
        arrived = target_w == ABSENT and ramp.value_w >= open_w
        self.w[limit] = ABSENT if arrived else ramp.value_w

    def _differs(self):
        e, seen, winner = self.envelope, self._seen, self._schedule.winner[EXP_LIM_W]
        sources = e.source[0] | e.source[1] << 4 | e.source[2] << 8
        same = (seen[0] == e.exp_w and seen[1] == e.imp_w and seen[2] == e.gen_w
                and seen[3] == sources and seen[4] == winner)
        seen[0] = e.exp_w  # one by one: five at once would make a tuple
        seen[1] = e.imp_w
        seen[2] = e.gen_w
        seen[3] = sources
        seen[4] = winner
        return not same

    def _confirm(self):
        schedule = self._schedule
        for slot in range(schedule.slots):
            if schedule.active(slot) and not schedule.confirmed(slot):
                schedule.confirm(slot, self.obeyed)

    def floor_w(self, most_w):
        """What the devices may make when nobody tells them any more: most_w (the failsafe, W) or
        what the kept default says, where that is less.
        """
        rec = self._schedule.defaults.persisted
        for mode in (EXP_LIM_W, GEN_LIM_W, MAX_LIM_W, CONNECT, ENERGIZE):
            if rec[MODES] >> mode & 1:
                w = max(0, rec[VALUE + mode])
                if mode == MAX_LIM_W:
                    w = part_w(w, self.wmax_w)
                if mode > ENERGIZE or w == 0:
                    most_w = min(most_w, w)
        return most_w

    def supported(self, modes):
        """The modes that the fitted devices can carry out: no other is answered "started"."""
        self._schedule.supported = modes

    async def run(self):
        """Say each change and keep the default on flash; never returns."""
        while True:
            try:
                await self._loop.wait(self._changed, self._loop.after(_DAY_MS))
            except OSError:
                continue
            self._say()
            self.persist()

    def persist(self):
        """Keep the merged default, once programs have made it. Allocates when it changed."""
        if self.complete and self._schedule.merged_default(self._rec):
            try:
                if self._keep.save(self._rec):
                    self._schedule.set_persisted(self._rec)
                    log.info("DEFAULT_KEPT", "writes", self._keep.writes)
            except OSError as exc:
                log.error("FLASH_FAILED", "error", repr(exc))

    def _say(self):
        e = self.envelope
        source = e.source[0]
        pairs = ["exp_w", e.exp_w, "imp_w", e.imp_w,
                 "gen_w", "-" if e.gen_w == ABSENT else e.gen_w, "src", SOURCES[source]]
        for name, w in (("load_w", e.load_w), ("target_w", e.target_w),
                        ("storage_w", e.storage_w)):
            if w != ABSENT:
                pairs += [name, w]
        if source == 0:
            pairs += self._event()
        elif not self.complete:
            pairs += ["why", "the server's programs were not all read yet"]
        if self.w[EXP] != e.exp_w:
            pairs += ["from_w", self.w[EXP]]
        log.info("LIMIT", *pairs)

    def _event(self):
        # The event that supplies the export limit, and why it won.
        schedule = self._schedule
        for mode in (EXP_LIM_W, MAX_LIM_W, GEN_LIM_W):
            slot = schedule.winner[mode]
            if slot < 0:
                continue
            schedule.key_into(slot, self._key)
            mine = schedule.primacy(slot)
            return ["mrid", mrid_hex(self._key), "primacy", mine,
                    "why", self._why(slot, mine), "ends_in_s",
                    schedule.end_at(slot) - self._clock.now()]
        return []

    def _why(self, slot, mine):
        schedule = self._schedule
        others = 0
        for other in range(schedule.slots):
            if other != slot and schedule.active(other):
                others += 1
        if not others:
            return "the only event in force, primacy " + str(mine)
        return "primacy " + str(mine) + ", then the newest, before " + str(others) + " more"


def mrid_hex(key):
    """The first eight digits of an mRID key, enough for the log. Allocates."""
    return "".join(["%02X" % b for b in key[:4]])
