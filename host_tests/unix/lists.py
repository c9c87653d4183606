"""DERControlLists of any length as chunks of bytes, never held whole.

Enters: how many events.  Leaves: an iterator of bytes, about 680 for each event.

    for chunk in lists.controls(58): ...

Five-minute events for an hour, half-hour ones from then on, as Energex and Ergon send them for a
day (58 events, handbook 7.5), each with an import and an export limit.
"""

START = 1682475300
FIVE_MINUTES = 12  # so many events of five minutes; all others last half an hour

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<DERControlList xmlns="urn:ieee:std:2030.5:ns" '
    'xmlns:csipaus="https://csipaus.org/ns" all="%d" results="%d" href="/api/v2/derp/PRG/derc">\n'
)
_EVENT = (
    '<DERControl subscribable="0" href="/api/v2/derp/PRG/derc/%s" '
    'replyTo="/api/v2/rsps/res-ms/rsp" responseRequired="03">'
    '<mRID>%s</mRID><creationTime>%d</creationTime>'
    "<EventStatus><currentStatus>0</currentStatus><dateTime>%d</dateTime>"
    "<potentiallySuperseded>false</potentiallySuperseded><reason/></EventStatus>"
    "<interval><duration>%d</duration><start>%d</start></interval>"
    "<DERControlBase><csipaus:opModImpLimW><multiplier>0</multiplier><value>%d</value>"
    "</csipaus:opModImpLimW><csipaus:opModExpLimW><multiplier>1</multiplier><value>%d</value>"
    "</csipaus:opModExpLimW></DERControlBase></DERControl>\n"
)


def start_of(i):
    """Unix time at which event i starts."""
    if i < FIVE_MINUTES:
        return START + 300 * i
    return START + 300 * FIVE_MINUTES + 1800 * (i - FIVE_MINUTES)


def duration_of(i):
    """Duration of event i in s."""
    return 300 if i < FIVE_MINUTES else 1800


def mrid_of(i):
    """mRID of event i: 32 digits, str."""
    return "%08XB27AC943B44AC87D00057269" % (0xA0000000 + 7919 * i)


def import_of(i):
    """Import limit of event i in W."""
    return 3000 + i


def export_of(i):
    """Export limit of event i in W."""
    return 10 * (100 + i)


def controls(n, start=0, results=None):
    """The document of a page: events start .. start + results of n, as an iterator of bytes."""
    results = n - start if results is None else min(results, n - start)
    yield (_HEAD % (n, results)).encode()
    for i in range(start, start + results):
        mrid = mrid_of(i)
        created = START - 600 + i
        yield (_EVENT % (mrid, mrid, created, created, duration_of(i), start_of(i),
                         import_of(i), export_of(i) // 10)).encode()
    yield b"</DERControlList>\n"
