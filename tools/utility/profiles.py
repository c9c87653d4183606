"""The server profiles: what differs between the utilities that a CSIP-AUS client meets.

Enters: a profile's name.  Leaves: its namespace, media type, schema files and habits.
Usage: `PROFILES["eql"].media_type`.  Limit: a profile is a server, not a test harness.
"""

from dataclasses import dataclass

SEP2 = "urn:ieee:std:2030.5:ns"
BETA = "https://csipaus.org/ns/v1.3-beta/storage"


@dataclass(frozen=True)
class Profile:
    """One kind of utility server (requirements 0.1)."""

    name: str
    namespace: str  # of the csipaus elements
    media_type: str
    core: str  # schema file with the csipaus extensions of sep2 types
    core_namespace: str  # the namespace that the file itself says
    dcap: str | None  # start path; None: learnt from /.well-known/csipaus alone
    strict_media: bool  # 400, 406 and 415 for wrong Accept and Content-Type
    storage: bool  # opModStorageTargetW and its companions
    forbidden: int  # status where an act is not allowed: some say 404 to hide (J27)
    connection_point: bool
    bare_mup: bool  # takes a MirrorUsagePoint without MirrorMeterReadings (J10)
    int16_readings: bool  # refuses readings beyond 16 bits (G8)
    upper_mrid: bool  # case of the mRIDs it makes (J15)


PROFILES = {
    p.name: p for p in (
        Profile(
            "eql", "https://csipaus.org/ns", "application/sep+xml", "csipaus-core.xsd",
            "https://csipaus.org/ns", "/api/v2/dcap", strict_media=False, storage=False,
            forbidden=404, connection_point=False, bare_mup=True, int16_readings=True,
            upper_mrid=True,
        ),
        Profile(
            "v1.3", "https://csipaus.org/ns/v1.3", "application/sep+xml; csipaus=1.3",
            "csipaus-core-v1.3-beta_storage.xsd", BETA, None, strict_media=True, storage=True,
            forbidden=403, connection_point=True, bare_mup=False, int16_readings=False,
            upper_mrid=False,
        ),
        Profile(
            "v1.3b-sto", BETA, "application/sep+xml; csipaus=1.3-beta_storage",
            "csipaus-core-v1.3-beta_storage.xsd", BETA, "/dcap", strict_media=True, storage=True,
            forbidden=403, connection_point=True, bare_mup=False, int16_readings=False,
            upper_mrid=False,
        ),
    )
}


def same_media_type(said, wanted):
    """Compare media types: type and parameter names in any case, parameter values exactly."""
    def parts(text):
        kind, *rest = [p.strip() for p in text.split(";")]
        pairs = [p.partition("=") for p in rest if p]
        return kind.lower(), sorted((n.strip().lower(), v.strip().strip('"')) for n, _, v in pairs)

    return parts(said) == parts(wanted)
