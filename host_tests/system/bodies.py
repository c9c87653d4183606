"""Every body that a device sent, judged by the XSD set of its profile.

Enters: a house that lived.  Leaves: nothing, or an AssertionError that names what is not valid.

    valid(house)

What a fault kept from the server's own judgement counts too.  Limit: the schema says nothing of
where a document belongs; the server's verdict does, and procedure.sound looks at that.
"""

from tools.utility.schema import Schema

WRONG = tuple("refused: " + what for what in ("not XML", "xsd", "values"))  # as verdicts begin


def valid(house):
    """AssertionError with (second, kind of resource, what is wrong) of each body."""
    errors = Schema.of(house.utility.profile).errors
    bad = [(at, kind, wrong) for at, kind, body in house.sent if (wrong := errors(body))]
    bad += [(e["at"], e["resource"], e["verdict"]) for e in house.requests()
            if e["verdict"].startswith(WRONG)]
    assert not bad, bad
