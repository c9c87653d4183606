"""Which certificates belong together: from ours up to the CA, whatever order they came in.

Enters: a bag of Certificates, our public key, the CA, the time.  Leaves: the chain, leaf first.

    bag = [Certificate(der) for _label, der in blocks(data)]
    path, root = run(chain(bag, own, ca, now))       # device, MICA, MCA; SERCA

RFC 5280 6 as far as IEEE 2030.5 uses it: signatures, dates, CA flags, path lengths, unknown
critical extensions.  Limit: no revocation (IEEE 2030.5 has none), no name constraints.
"""

from micropython import const

from .asn1 import P256Error
from .certificate import DIGITAL_SIGNATURE, KEY_CERT_SIGN

_DEPTH_MAX = const(4)  # certificates below the root


def chain(bag, own, root, now):
    """(path, root): the Certificates from the one of the key `own` up to below the root.

    A generator.  `own`: 65 bytes.  `root`: the CA's Certificate, of any level; None takes the
    self-signed one that the bag holds.  `now`: s since 2020, checked against every certificate.
    P256Error says what is wrong, see README.md; the certificate's name stands behind the code.
    """
    leaf = _leaf(bag, own)
    _usable(leaf, now, -1)
    path = [leaf]
    rest = [one for one in bag if one.der != leaf.der]
    while True:
        below = path[-1]
        if root is not None and (yield from _vouches(root, below)):
            break
        above = yield from _issuer(rest, below, root)
        _usable(above, now, _cas(path))
        if _fits(above, above):  # names alone would take a CA's new key for a root
            if root is not None:
                raise P256Error("FOREIGN_ROOT:" + above.subject)
            if not (yield from above.signed_by(above)):
                raise P256Error("BAD_SIGNATURE:" + above.subject)
            return path, above
        rest.remove(above)
        path.append(above)
        if len(path) > _DEPTH_MAX:
            raise P256Error("TOO_LONG")
    _usable(root, now, _cas(path))
    return path, root


def _leaf(bag, own):
    # Ours; of several the one that began last.
    leaf = None
    for one in bag:
        if one.key == own and (leaf is None or one.not_before > leaf.not_before):
            leaf = one
    if leaf is None:
        alien = [one for one in bag if not one.ca and one.key is None]
        raise P256Error("NOT_P256:" + alien[0].subject if alien else "WRONG_KEY")
    return leaf


def _usable(one, now, below):
    # `below`: how many CAs stand below this one, -1 when it is the leaf.
    code = None
    if now > one.not_after:
        code = "EXPIRED:"
    elif now < one.not_before:
        code = "NOT_YET_VALID:"
    elif one.critical:
        raise P256Error("CRITICAL_EXTENSION:" + one.critical[0])
    elif one.odd_policy:
        raise P256Error("POLICY:" + one.odd_policy)
    elif one.ca == (below < 0):
        code = "NO_CA:" if below >= 0 else "LEAF_IS_CA:"
    elif not one.usage & (DIGITAL_SIGNATURE if below < 0 else KEY_CERT_SIGN):
        code = "KEY_USAGE:"
    elif 0 <= one.path < below:
        code = "PATH_LENGTH:"
    if code:
        raise P256Error(code + one.subject)


def _cas(path):
    # CAs that count for a path length: a CA's certificate for its own new key does not.
    return len([one for one in path[1:] if one.issuer != one.subject])


def _fits(above, below):
    # Names and, where both say one, key identifiers agree: no proof, a signature is.
    return above.subject.lower() == below.issuer.lower() and (
        above.own_id is None or below.issuer_id is None or above.own_id == below.issuer_id)


def _vouches(root, below):
    return _fits(root, below) and (yield from below.signed_by(root))


def _issuer(rest, below, root):
    bad = root is not None and _fits(root, below)
    for above in rest:
        if _fits(above, below):
            if (yield from below.signed_by(above)):
                return above
            bad = True
    if bad:
        raise P256Error("BAD_SIGNATURE:" + below.subject)
    if root is not None and root.subject.lower() == below.issuer.lower():
        raise P256Error("FOREIGN_ROOT:" + below.issuer)
    raise P256Error("NO_ISSUER:" + below.issuer)
