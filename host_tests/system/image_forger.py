"""Certificates with an extension that should not be there, for test_image_tls.

Enters: functions that add extensions to a certificate's builder.  Leaves: what `tools.pki` issues
with those in the place of certificatePolicies.

    authority.forge(lambda: authority.server("localhost"), policies("1.3.6.1.4.1.40733.1.1"))

Limit: extensions alone are forged; every signature is right.
"""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tools.pki import Authority
from tools.pki.authority import FOREVER

IN_ARC = "1.3.6.1.4.1.40732.1.1"
OUTSIDE = "1.3.6.1.4.1.40733.1.1"
ANY_POLICY = "2.5.29.32.0"
UNKNOWN = "1.3.6.1.4.1.99999.7"
NULL = b"\5\0"
POLICIES = "2.5.29.32"
SPARE = "2.5.29.127"  # as long as the OID of the policies


class Forger(Authority):
    """An authority that can put anything in the place of certificatePolicies."""

    instead = None

    def _policies(self, builder, oids=None):
        if self.instead is None:
            return super()._policies(builder, oids)
        return self.instead(builder)

    def forge(self, make, instead):
        """What `make()` issues with `instead(builder)` in the place of the policies."""
        self.instead = instead
        try:
            return make()
        finally:
            self.instead = None

    def server_on_p384(self):
        """A server certificate for localhost with a key on another curve."""
        key = ec.generate_private_key(ec.SECP384R1())
        san = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        return self._leaf(key, key.public_key(), "Utility server", san, (self._since, FOREVER))

    def again(self, level):
        """Another certificate for a CA's name and key: 1 the MICA, 2 the MCA, 3 the SERCA."""
        own = 3 - level
        old = (self.serca, self.mca, self.mica)[own]
        name = old.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        builder = self._builder(old.public_key(), name, (self._since, FOREVER))
        builder = builder.issuer_name(old.issuer).add_extension(
            x509.BasicConstraints(ca=True, path_length=2 - own), critical=True
        )
        return self._sign(self._policies(builder), max(own - 1, 0))

    def twice(self, make):
        """What `make()` issues with its policies extension standing there twice."""
        spare = raw(SPARE, policies_der(IN_ARC))
        issued = self.forge(make, both(policies(IN_ARC), spare))
        tbs = issued.chain[0].tbs_certificate_bytes
        assert tbs.count(oid_der(SPARE)) == 1
        tbs = tbs.replace(oid_der(SPARE), oid_der(POLICIES))
        signature = self._keys[2].sign(tbs, ec.ECDSA(hashes.SHA256()))
        algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
        body = tbs + algorithm + bytes([3, len(signature) + 1, 0]) + signature
        der = b"\x30\x82" + len(body).to_bytes(2, "big") + body
        issued.chain[0] = x509.load_der_x509_certificate(der)
        return issued


def by_another_reader(der):
    """Whether all policies are of the arc and bare, as the cryptography package reads them."""
    try:
        found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
            x509.CertificatePolicies).value
    except ValueError:
        return False
    return all(p.policy_identifier.dotted_string.startswith("1.3.6.1.4.1.40732.")
               and not p.policy_qualifiers for p in found)


def oid_der(dotted):
    """DER of an OID of 2.5.29, as it stands in an extension."""
    return bytes([6, 3, 0x55, 0x1D, int(dotted.split(".")[3])])


def policies_der(*oids):
    """The extension's value for policies without qualifiers."""
    information = [x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in oids]
    return x509.CertificatePolicies(information).public_bytes()


def policies(*oids, critical=True, qualifiers=None):
    """A function that adds certificatePolicies with these OIDs."""
    value = x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(oid), qualifiers) for oid in oids]
    )
    return lambda builder: builder.add_extension(value, critical=critical)


def raw(oid, value, critical=True):
    """A function that adds any extension, its value as DER."""
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
    return lambda builder: builder.add_extension(extension, critical=critical)


def both(first, second):
    return lambda builder: second(first(builder))


GOOD = policies(IN_ARC, "1.3.6.1.4.1.40732.2.1")

# What mbedTLS answers, from its public headers.
FEATURE_UNAVAILABLE = ["OSError", -0x2080]
UNKNOWN_CRITICAL = ["OSError", -0x2500 - 0x62]

# {what is wrong with a certificate: (what stands in the place of its policies, the error)}.
NOT_KNOWN = {
    "unknown critical": (both(GOOD, raw(UNKNOWN, NULL)), UNKNOWN_CRITICAL),
    "outside the arc": (policies(OUTSIDE), FEATURE_UNAVAILABLE),
    "mixed": (policies(IN_ARC, "1.3.6.1.4.1.99999.1"), FEATURE_UNAVAILABLE),
    "the arc itself": (policies("1.3.6.1.4.1.40732"), FEATURE_UNAVAILABLE),
    "anyPolicy and the arc": (policies(ANY_POLICY, IN_ARC), FEATURE_UNAVAILABLE),
    "a qualifier": (policies(IN_ARC, qualifiers=["https://example.org/cps"]),
                    FEATURE_UNAVAILABLE),
    # permitted: DNS names that end in a
    "critical nameConstraints": (
        both(GOOD, raw("2.5.29.30", bytes.fromhex("3007a0053003820161"))), UNKNOWN_CRITICAL),
    # requireExplicitPolicy 0
    "critical policyConstraints": (both(GOOD, raw("2.5.29.36", bytes.fromhex("3003800100"))),
                                   UNKNOWN_CRITICAL),
    "critical inhibitAnyPolicy": (both(GOOD, raw("2.5.29.54", bytes.fromhex("020100"))),
                                  UNKNOWN_CRITICAL),
}
MALFORMED = {
    "no policy": (raw(POLICIES, bytes.fromhex("3000")), ["OSError", -0x2566]),
    "cut off": (raw(POLICIES, policies_der(IN_ARC)[:-1]), ["OSError", -0x2560]),
}
REFUSED = {**NOT_KNOWN, **MALFORMED}
