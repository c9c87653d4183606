"""The response to a control, and the query of a page.

Enters: an mRID key, a status and a time.  Leaves: a body in the writer's buffer.

    n = write_response(writer, key, 2, now_s2020, own_lfdi)
    href = page("/derp/1/derc", 0, 255)  # "/derp/1/derc?s=0&l=255"

Limit: DERControlResponse alone; all other bodies are written by bodies.py itself.
"""

from xmlpull import XMLError

from .bodies import write
from .fields import AT, LFDI, RESPONSE, STATUS, SUBJECT
from .record import mrid_text


def write_response(writer, key, status, created_s2020, lfdi):
    """A DERControlResponse by an xmlpull.Writer, begun anew; returns its length in bytes.

    key: mRID key of the event, echoed as received.  status: 1, 2, 3, 6 or 7 (requirements E3).
    created_s2020: s since EPOCH.  lfdi: 40 upper-case digits.  XMLError when the buffer is too
    small; a response has 260 bytes at most.  Allocates a few short objects.
    """
    values = {AT: created_s2020, LFDI: lfdi, STATUS: status, SUBJECT: mrid_text(key)}
    if write(writer, RESPONSE, values, True):
        raise XMLError("full", writer.n)
    return writer.n


def page(href, start, limit):
    """The href of a list with the query of one page: `start` (from 0), at most `limit` items.

    Servers without it give one item (requirements B0).  Allocates.
    """
    joint = "&" if "?" in href else "?"
    return href + joint + "s=" + str(start) + "&l=" + str(limit)
