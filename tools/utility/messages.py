"""What goes in and out of the handlers: plain values, no sockets.

Enters and leaves: `Request`, `Reply`, the `Refusal` that becomes a sep2 Error, and `Page`.
Usage: `status, headers, body = utility.handle(request, now)[:3]`.
Limit: header names in a Request are lower case.
"""

from typing import Any, NamedTuple

PAGE_LIMIT = 500


class Request(NamedTuple):
    """One request of a client whose certificate has this LFDI."""

    method: str
    path: str
    query: dict
    headers: dict
    body: bytes
    lfdi: str


class Reply(NamedTuple):
    """One reply, with the server's own verdict, the resource's kind, and a fault of the wire."""

    status: int
    headers: dict
    body: bytes
    verdict: str = "ok"
    resource: str = "unknown"
    fault: Any = None


class Refusal(Exception):
    """A request that is refused: status, why (for the log), reasonCode, extra headers."""

    def __init__(self, status, why, reason=1, headers=None):
        super().__init__(why)
        self.status, self.why, self.reason = status, why, reason
        self.headers = headers or {}


class Page:
    """Which part of a list is asked for: one item where `l` is missing, as envoy does (B0)."""

    def __init__(self, query):
        try:
            self._start, self._limit = int(query.get("s", "0")), int(query.get("l", "1"))
        except ValueError:
            raise Refusal(400, "s and l are integers", 0) from None
        if self._start < 0 or self._limit < 0:
            raise Refusal(400, "s and l are not negative", 0)
        self.all = 0

    def cut(self, items):
        """The items of this page; `all` becomes the length of the whole list."""
        items = list(items)
        self.all = len(items)
        return items[self._start:self._start + min(self._limit, PAGE_LIMIT)]
