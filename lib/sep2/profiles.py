"""The server profiles: what differs between the utilities that a client may meet.

Enters: a profile's name.  Leaves: its csipaus namespace, media type and habits.

    profile = PROFILES["eql"]

Limit: what differs in reading does not stand here; every namespace below is understood always.
"""

SEP2_NS = b"urn:ieee:std:2030.5:ns"

# For xmlpull.Reader. The first is sep2; the last stands in the server's answer of the handbook.
NAMESPACES = (
    SEP2_NS,
    b"https://csipaus.org/ns",
    b"https://csipaus.org/ns/v1.3",
    b"https://csipaus.org/ns/v1.3-beta/storage",
    b"https://csipaus.anu.edu.au/csipaus",
)


class Profile:
    """One kind of utility server (requirements 0.1)."""

    def __init__(self, name, csipaus_ns, media_type, storage, well_known):
        self.name = name
        self.csipaus_ns = csipaus_ns  # bytes, of the csipaus elements that we write
        self.media_type = media_type  # of Accept and Content-Type, the only one ever sent
        self.storage = storage  # knows opModStorageTargetW and its companions
        self.well_known = well_known  # the start path is learnt from /.well-known/csipaus


PROFILES = {
    "eql": Profile("eql", NAMESPACES[1], "application/sep+xml", False, False),
    "v1.3": Profile("v1.3", NAMESPACES[2], "application/sep+xml; csipaus=1.3", True, True),
    "v1.3b-sto": Profile("v1.3b-sto", NAMESPACES[3],
                         "application/sep+xml; csipaus=1.3-beta_storage", True, False),
}
