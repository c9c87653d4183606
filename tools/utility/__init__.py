"""Stand-in utility server: CSIP-AUS (IEEE 2030.5) as strictly as real ones serve it.

Enters: requests over mutual TLS, or `Request` values.  Leaves: replies that validate against the
XSD, a log with a verdict on each request, and the stored responses, documents and readings.

    utility = Utility(PROFILES["eql"], seed=1)
    async with Server(utility, pki_folder / "server") as server:
        print(server.port, server.admin_port)

Limit: loopback only, one direct device a site, no subscriptions, pricing or demand response.
"""

from tools.utility.core import Options, Utility
from tools.utility.messages import Reply, Request
from tools.utility.profiles import PROFILES, Profile
from tools.utility.schema import Schema
from tools.utility.server import Server

__all__ = ["PROFILES", "Options", "Profile", "Reply", "Request", "Schema", "Server", "Utility"]
