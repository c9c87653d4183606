"""Where a server begins that speaks several versions: /.well-known/csipaus (SDVN-01).

Enters: its JSON.  Leaves: the path of the one version that we speak.

    dcap_path(b'{"supportedSchemaVersions": {"https://csipaus.org/ns": {"dcap": ["/dcap"]}}}',
              b"https://csipaus.org/ns")     # "/dcap"

Limit: JSON with at most 64 brackets and braces, since each takes heap of its own; whether they are
all closed is not looked at by the json of MicroPython 1.25.
"""

import json

from micropython import const

from .resource import HREF_MAX, Sep2Error

_NESTS_MAX = const(64)


def dcap_path(data, namespace):
    """The first path of exactly that csipaus namespace, as str of 1 .. HREF_MAX ASCII characters.

    data: bytes.  namespace: bytes, of a Profile.  Sep2Error when data is no JSON of that form,
    offers no such version, or a path that could not be requested.  Allocates some 16 bytes for
    each byte of data.
    """
    path, what = None, "too many"
    if data.count(b"[") + data.count(b"{") <= _NESTS_MAX:
        try:
            offered = json.loads(data)["supportedSchemaVersions"].get(str(namespace, "ascii"))
            paths = offered and offered["dcap"]
            path = isinstance(paths, list) and paths[0]
            what = "no path" if path else "not offered"
        except (ValueError, TypeError, AttributeError, LookupError, MemoryError):
            what = "unreadable"
    sound = isinstance(path, str) and 0 < len(path) <= HREF_MAX
    for c in path if sound else ():
        sound = sound and " " < c <= "~"
    if sound:
        return path
    raise Sep2Error("csipaus versions: " + what)
