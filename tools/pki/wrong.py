"""Bundles that a device must refuse, each with one thing wrong, and the one that it must take.

Enters: an authority, the device's public key, the time.  Leaves: a dict of name to `Bundle`: the
certificates as they might come from a provider, and the code that lib/p256 has for it.

    for name, bundle in bundles(Authority.create(), key.public_key(), now).items():
        print(name, bundle.code)

Limit: the bundles say nothing of a server's certificates; those are folder.py's.
"""

import copy
import datetime
import functools
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cryptography.x509.oid import NameOID

from tools.pki.authority import DAY, FOREVER, Authority, _usage

UNKNOWN_EXTENSION = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.4.1.32473.7"), b"\x05\x00")
FOREIGN_POLICY = x509.ObjectIdentifier("1.3.6.1.4.1.40733.1.1")  # next to the arc of the standard
YEAR = datetime.timedelta(days=365)


class Bundle(NamedTuple):
    """Certificates as DER, leaf first where there is an order, and the code they are refused with.

    `code` is "" for what must be taken; only what stands before ":" is told here.
    """

    ders: list
    code: str


def _with_mica(authority, *, key=None, ca=True, usage=None, digest=None, extra=(), above=None,
               name=None):
    """The authority with another MICA, of the same name unless `name` is given.

    `above`: the certificate and the key that issue it, in the place of the MCA's.
    """
    key = key or authority._keys[2]
    issuer, issuer_key = above or (authority.mca, authority._keys[1])
    builder = authority._builder(
        key.public_key(), name or _common(authority.mica), (authority._since, FOREVER))
    builder = builder.issuer_name(issuer.subject).add_extension(
        x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True
    ).add_extension(usage or _usage(ca=True), critical=True).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
        critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    other = copy.copy(authority)
    other._keys = [*authority._keys[:2], key]
    other.mica = authority._policies(builder).sign(issuer_key, digest or hashes.SHA256())
    return other


def _one_ca_too_many(authority, public_key):
    """A device below a CA below the MICA, whose path length is 0."""
    lower = _with_mica(authority, name="Lower CA", key=ec.generate_private_key(ec.SECP256R1()),
                       above=(authority.mica, authority._keys[2]))
    leaf, ca, mca, serca = _ders(lower.device(public_key=public_key))
    return [leaf, ca, authority.mica.public_bytes(serialization.Encoding.DER), mca, serca]


def _ders(issued, root=True):
    chain = [*issued.chain, issued.root] if root else issued.chain
    return [c.public_bytes(serialization.Encoding.DER) for c in chain]


def _spoilt(der):
    """The certificate with one bit of its signature wrong."""
    return der[:-1] + bytes([der[-1] ^ 1])


def bundles(authority, public_key, now):
    """Dict of name to Bundle for the device key `public_key`; `now` is naive UTC."""
    device = functools.partial(authority.device, public_key=public_key)
    good = _ders(device())
    leaf, mica, mca, serca = good
    twin = Authority.create(name=_common(authority.serca).rsplit(" ", 1)[0], now=now)
    foreign = Authority.create(name="Foreign", now=now)
    p384 = ec.generate_private_key(ec.SECP384R1())

    def below(**change):
        return _ders(_with_mica(authority, **change).device(public_key=public_key))

    return {
        "good": Bundle(good, ""),
        "good, shuffled": Bundle([mca, leaf, serca, mica], ""),
        "good, no SERCA": Bundle([leaf, mica, mca], ""),
        "good, each twice": Bundle(good + good, ""),
        "good, unknown extension": Bundle(
            _ders(device(extra=[(UNKNOWN_EXTENSION, False)])), ""),
        "good, and a stranger's": Bundle([*good, _ders(authority.device(serial="9"))[0]], ""),
        "expired": Bundle(
            _ders(device(since=now - 2 * YEAR, until=now - DAY)), "EXPIRED"),
        "not yet valid": Bundle(_ders(device(since=now + DAY)), "NOT_YET_VALID"),
        "foreign root": Bundle(_ders(foreign.device(public_key=public_key)), "FOREIGN_ROOT"),
        "foreign root of the same name": Bundle(
            _ders(twin.device(public_key=public_key)), "FOREIGN_ROOT"),
        "no MICA": Bundle([leaf, mca, serca], "NO_ISSUER"),
        "no MCA": Bundle([leaf, mica, serca], "NO_ISSUER"),
        "leaf alone": Bundle([leaf], "NO_ISSUER"),
        "wrong key": Bundle(_ders(authority.device()), "WRONG_KEY"),
        "CAs alone": Bundle([mica, mca, serca], "WRONG_KEY"),
        "P-384 device": Bundle(_ders(authority.device(public_key=p384.public_key())), "NOT_P256"),
        "P-384 MICA": Bundle(below(key=p384), "NOT_P256"),
        "MICA signed with SHA-384": Bundle(below(digest=hashes.SHA384()), "SIGNATURE_ALGORITHM"),
        "unknown critical extension": Bundle(
            _ders(device(extra=[(UNKNOWN_EXTENSION, True)])), "CRITICAL_EXTENSION"),
        "unknown critical extension in the MICA": Bundle(
            below(extra=[(UNKNOWN_EXTENSION, True)]), "CRITICAL_EXTENSION"),
        "policy of another arc": Bundle(
            _ders(device(policies=[FOREIGN_POLICY])), "POLICY" if authority.critical else ""),
        "MICA is no CA": Bundle(below(ca=False), "NO_CA"),
        "MICA may not sign": Bundle(below(usage=_usage(ca=False)), "KEY_USAGE"),
        "a CA below the MICA": Bundle(_one_ca_too_many(authority, public_key), "PATH_LENGTH"),
        "bit wrong in the leaf": Bundle([_spoilt(leaf), mica, mca, serca], "BAD_SIGNATURE"),
        "bit wrong in the MCA": Bundle([leaf, mica, _spoilt(mca), serca], "BAD_SIGNATURE"),
        "MICA with another key of the same name": Bundle(
            [leaf, _ders(twin.device())[1], mca, serca], "NO_ISSUER"),
        "cut short": Bundle([leaf[:-1], mica, mca, serca], "MALFORMED"),
    }


def _common(certificate):
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
