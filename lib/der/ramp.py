"""Moves a limit from where it stands to where it shall be, at the speed that was asked for.

Enters: a target in W with rampTms or setGradW, and the ms that passed.  Leaves: the limit in W.

    ramp = Ramp(wmax_w, value_w)
    ramp.aim(target_w, ramp_tms, grad)      # as often as one likes: the same aim changes nothing
    limit_w = ramp.step(200)

After t ms a limit has moved by exactly |distance| * t / rampTms or setGradW * setMaxW * t: floored
upward and ceiled downward, so that it is never above the line; remainders are carried.  The part
of a limit above setMaxW does not bind, and is passed at once.  Limit: setMaxW up to 1 MW, targets
0 or more; products stay below 2**30.
"""

from micropython import const

_CHUNK_MS = const(100)
_GRAD_MAX = const(65535)


class Ramp:
    """One limit, standing at `value_w` (0 ..); wmax_w is setMaxW, 0 .. 1,000,000."""

    def __init__(self, wmax_w, value_w=0):
        self.wmax_w = wmax_w
        self.jump(value_w)

    def jump(self, value_w):
        """Stand at a value with no ramp: at boot, and where a limit must fall at once."""
        self.value_w = value_w
        self.target_w = value_w
        self._goal = value_w
        self._tms = self._grad = -1
        self._start()

    def aim(self, target_w, ramp_tms, grad):
        """Move to target_w, in ramp_tms (1/100 s) or, when that is -1, at grad (0.01 %/s).

        grad: setGradW, 0 or -1: at once (requirements D8).  Does not allocate.
        """
        if target_w == self.target_w and ramp_tms == self._tms and grad == self._grad:
            return
        if target_w == self.target_w and self.value_w == target_w:
            return  # successive events with the same limit: nothing moves between them
        self.target_w = target_w
        self._tms = ramp_tms
        self._grad = grad
        if self.value_w > target_w:
            self.value_w = min(self.value_w, max(self.wmax_w, target_w))
        self._goal = max(self.value_w, min(target_w, self.wmax_w))
        if target_w < self.value_w:
            self._goal = target_w
        self._start()

    # W per ms as whole + rest / unit; for setGradW the rest has a rest of its own.
    def _start(self):
        down = self._goal < self.value_w
        if self._tms >= 0:
            self._unit = max(1, self._tms * 10)
            distance = abs(self._goal - self.value_w)
            self._whole = distance // self._unit
            self._part = distance % self._unit
            self._fine = 0
            self._left_ms = self._tms * 10
        else:
            # setGradW * setMaxW is in 1e-7 W per ms.
            grad = max(0, min(self._grad, _GRAD_MAX))
            low = grad * (self.wmax_w % 10000)
            a_second = grad * (self.wmax_w // 10000) + low // 10000
            self._unit = 1000
            self._whole = a_second // 1000
            self._part = a_second % 1000
            self._fine = low % 10000
            self._left_ms = 0 if grad == 0 else -1
        if self._goal == self.value_w:
            self._left_ms = 0
        self._acc = self._unit - 1 if down else 0
        self._fine_acc = 9999 if down else 0

    def step(self, dt_ms):
        """dt_ms (0 ..) have passed. Returns the limit now, W. Does not allocate."""
        if self.value_w == self.target_w:
            return self.value_w
        if self._left_ms == 0:
            return self._arrive()
        while dt_ms > 0 and self.value_w != self.target_w:
            dt = min(dt_ms, _CHUNK_MS)
            dt_ms -= dt
            self._advance(dt)
        return self.value_w

    def _advance(self, dt):
        if 0 <= self._left_ms <= dt:
            self._arrive()
            return
        if self._left_ms > 0:
            self._left_ms -= dt
        self._fine_acc += self._fine * dt
        self._acc += self._part * dt + self._fine_acc // 10000
        self._fine_acc %= 10000
        moved = self._whole * dt + self._acc // self._unit
        self._acc %= self._unit
        if moved >= abs(self._goal - self.value_w) and self._left_ms < 0:
            self._arrive()
        elif self._goal < self.value_w:
            self.value_w -= moved
        else:
            self.value_w += moved

    def _arrive(self):
        self.value_w = self.target_w
        return self.value_w
