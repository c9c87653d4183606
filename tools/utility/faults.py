"""Faults that are switched on and off while the server runs.

Enters: a kind, how often, and which requests.  Leaves: for each request the fault that hits it.
Usage: `faults.add("status", status=500, count=3)`, `faults.clear()`.
Limit: a fault of the wire is only described here; the HTTP server enacts it.

Kinds: `status` (500 says COMMS DISABLED in plain text, 429 says Retry-After), `truncate` (whole
HTTP, half a document), `oversize`, `wrong` (another document), and on the wire: `slow`,
`cut_before`, `cut_head`, `cut_body` (closed, or reset with `reset`), `endless` (chunked, without
end), `silence` (until it is cleared).
"""

from dataclasses import asdict, dataclass, field

REPLIES = ("status", "truncate", "oversize", "wrong")
WIRES = ("slow", "cut_before", "cut_head", "cut_body", "endless", "silence")
UNSEEN = ("status", "cut_before", "silence")  # the request never reaches the resources
OVERSIZE = 10_000_000
DEFAULTS = {
    "status": {"status": 500, "body": "COMMS DISABLED", "retry_after": None},
    "truncate": {"keep": 0.5},
    "oversize": {"size": OVERSIZE},
    "wrong": {"body": "<html><body>Sign in</body></html>", "content_type": "text/html"},
    "slow": {"bytes": 16, "every_s": 0.2},
    "cut_before": {"reset": False},
    "cut_head": {"reset": False},
    "cut_body": {"keep": 0.5, "reset": False},
}


@dataclass
class Fault:
    """One fault: `count` requests long (None: until cleared), for requests that match."""

    number: int
    kind: str
    count: int | None = None
    resource: str | None = None  # kind of resource, as derc or mup; None: all
    method: str | None = None
    more: dict = field(default_factory=dict)

    def hits(self, method, resource):
        """Whether it is meant for this request."""
        return self.resource in (None, resource) and self.method in (None, method)


class Faults:
    """The faults now set, oldest first; the first that matches is the one."""

    def __init__(self):
        self._set = []
        self._number = 0

    def add(self, kind, *, count=None, resource=None, method=None, **more):
        """Set a fault; gives its number.  Raises ValueError for an unknown kind or parameter."""
        known = DEFAULTS.get(kind, {})
        if kind not in REPLIES + WIRES:
            raise ValueError(f"no such fault: {kind} (known: {', '.join(REPLIES + WIRES)})")
        if more.keys() - known.keys():
            raise ValueError(f"{kind} takes {', '.join(known) or 'no parameter'}")
        self._number += 1
        fault = Fault(self._number, kind, count, resource, method, {**known, **more})
        self._set.append(fault)
        return fault.number

    def clear(self, number=None):
        """Clear one fault, or all."""
        self._set = [f for f in self._set if number not in (None, f.number)]

    def take(self, method, resource):
        """The fault that hits this request, counted; or None."""
        for fault in self._set:
            if fault.hits(method, resource):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._set.remove(fault)
                return fault
        return None

    def still(self, fault):
        """Whether a fault is still set (a silence lasts until it is cleared)."""
        return fault in self._set

    def listed(self):
        """The faults as dicts."""
        return [asdict(f) for f in self._set]


def padded(body, size):
    """`body` grown to `size` bytes by white space before its root's end tag: still valid XML."""
    at = body.rfind(b"</")
    at = at if at >= 0 else len(body)
    return body[:at] + b" " * max(0, size - len(body)) + body[at:]
