"""A folder with all the certificates that the demo and the tests ask for.

Enters: a folder and the server's host.  Leaves: `device/` and `server/`, each with key.pem,
key.der, cert.pem (leaf first), cert0.der, cert1.der, cert2.der, ca.pem, ca.der; `stranger/`, a
second device; `wrong/`, what must be refused.  Usage: `write_folder(path)["device"].lfdi`.
Limit: nothing is reused, a second call replaces every file.
"""

import datetime
from pathlib import Path

from tools.pki.authority import DAY, Authority

WRONG_HOST = "another.example"
YEAR = datetime.timedelta(days=365)


def issue_all(*, host="localhost", critical_policies=False, now=None):
    """Issue everything; gives {"device": Issued, "wrong/expired-server": Issued, ...}."""
    now = now or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    past = now - 2 * YEAR
    authority = Authority.create(now=past, critical_policies=critical_policies)
    foreign = Authority.create(name="Foreign", now=past, critical_policies=critical_policies)
    hosts = list(dict.fromkeys((host, "localhost", "127.0.0.1")))
    return {
        "device": authority.device(serial="1"),
        "stranger": authority.device(serial="2"),
        "server": authority.server(*hosts),
        "wrong/foreign-device": foreign.device(serial="1"),
        "wrong/foreign-server": foreign.server(*hosts),
        "wrong/expired-server": authority.server(*hosts, since=past, until=now - DAY),
        "wrong/future-server": authority.server(*hosts, since=now + YEAR),
        "wrong/other-host-server": authority.server(WRONG_HOST),
    }


def write_folder(out, **options):
    """Issue everything and write it below `out`; gives what `issue_all` gives."""
    issued = issue_all(**options)
    for name, item in issued.items():
        item.write(Path(out) / name)
    for name in ("ca.pem", "ca.der"):
        (Path(out) / name).write_bytes((Path(out) / "device" / name).read_bytes())
    return issued
