"""A SERCA with an MCA and a MICA below it, and what the MICA issues.

Enters: subject serials, host names, validity.  Leaves: `Issued`, a key with its chain, leaf first;
the authority itself as a folder of PEM files, and back.
Extensions follow the handbook's Annex C; whether certificatePolicies is critical is a choice,
since stock mbedTLS refuses a critical one.

    authority = Authority.create(critical_policies=False)
    server = authority.server("localhost")

Limit: one MICA for devices and servers alike.
"""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tools.pki.identity import lfdi, sfdi

ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
DEVICE_GENERIC = x509.ObjectIdentifier("1.3.6.1.4.1.40732.1.1")  # IEEE 2030.5 6.11.7.2
TEST_CERTIFICATE = x509.ObjectIdentifier("1.3.6.1.4.1.40732.2.1")  # IEEE 2030.5 6.11.7.3
HARDWARE_MODULE_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.4")  # RFC 4108
BULK_CERTIFICATE = x509.ObjectIdentifier("1.3.6.1.4.1.40732.2.4")  # the same clause
HARDWARE_TYPE = "1.3.6.1.4.1.32473.1"  # the enterprise number kept for examples, RFC 5612
FOREVER = datetime.datetime(9999, 12, 31, 23, 59, 59)  # IEEE 2030.5: never expires
DAY = datetime.timedelta(days=1)
LEVELS = ("serca", "mca", "mica")  # names of an authority's files, the root first


def _now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)


def _length(n):
    return bytes([n]) if n < 128 else bytes([0x81, n])


def _oid(dotted):
    """DER of an object identifier."""
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray([first * 40 + second])
    for number in rest:
        groups = [number & 127]
        higher = number >> 7
        while higher:
            groups.append(higher & 127 | 128)
            higher >>= 7
        out += bytes(reversed(groups))
    return b"\x06" + _length(len(out)) + bytes(out)


def hardware_module_name(type_oid, serial):
    """SAN entry HardwareModuleName: SEQUENCE of the type's OID and the serial's octets."""
    octets = serial.encode()
    body = _oid(type_oid) + b"\x04" + _length(len(octets)) + octets
    return x509.OtherName(HARDWARE_MODULE_NAME, b"\x30" + _length(len(body)) + body)


def _usage(*, ca):
    return x509.KeyUsage(
        digital_signature=not ca, key_agreement=not ca, key_cert_sign=ca, crl_sign=ca,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        encipher_only=False, decipher_only=False,
    )


def _name(common):
    if not common:
        return x509.Name([])  # a device's subject is empty, IEEE 2030.5 6.11.8
    return x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "microsep2 test"),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
    ])


def _private_key(path):
    if not path.exists():
        return None
    return serialization.load_pem_private_key(path.read_bytes(), None)


class Issued:
    """A private key and its chain, leaf first, with the SERCA that it ends in."""

    def __init__(self, key, chain, root):
        self.key = key
        self.chain = chain
        self.root = root

    @property
    def der(self):
        """The leaf as DER: what LFDI and SFDI are made from."""
        return self.chain[0].public_bytes(serialization.Encoding.DER)

    @property
    def lfdi(self):
        """40 upper-case hex digits."""
        return lfdi(self.der)

    @property
    def sfdi(self):
        """Decimal, an int."""
        return sfdi(self.lfdi)

    def key_bytes(self, encoding):
        """The key as RFC 5915 ECPrivateKey."""
        return self.key.private_bytes(
            encoding, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )

    def write(self, folder):
        """Write key, chain and root as PEM and DER into `folder`, made if missing; gives it."""
        pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for encoding, suffix in ((pem, "pem"), (der, "der")):
            key = folder / ("key." + suffix)
            key.write_bytes(self.key_bytes(encoding))
            key.chmod(0o600)
            (folder / ("ca." + suffix)).write_bytes(self.root.public_bytes(encoding))
        chain = b"".join(c.public_bytes(pem) for c in self.chain)
        (folder / "cert.pem").write_bytes(chain)
        for i, certificate in enumerate(self.chain):
            (folder / f"cert{i}.der").write_bytes(certificate.public_bytes(der))
        return folder


class Authority:
    """The three levels of certification authority, and what the lowest issues."""

    def __init__(self, name, now, critical_policies):
        self.critical = critical_policies
        self._since = now - DAY
        self._keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
        names = [f"{name} {level}" for level in ("SERCA", "MCA", "MICA")]
        levels = []
        for i, key in enumerate(self._keys):
            above = max(i - 1, 0)
            builder = self._builder(key.public_key(), names[i], (self._since, FOREVER))
            builder = builder.issuer_name(_name(names[above])).add_extension(
                x509.BasicConstraints(ca=True, path_length=2 - i), critical=True
            ).add_extension(_usage(ca=True), critical=True)
            builder = self._policies(builder, [ANY_POLICY] if i == 0 else None)
            levels.append(self._sign(builder, above))
        self.serca, self.mca, self.mica = levels

    def write(self, folder):
        """Write the three certificates and their keys as PEM into `folder`, made if missing."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, key, certificate in zip(LEVELS, self._keys, (self.serca, self.mca, self.mica)):
            (folder / f"{name}.pem").write_bytes(
                certificate.public_bytes(serialization.Encoding.PEM))
            if key is None:
                continue
            path = folder / f"{name}.key.pem"
            path.touch(mode=0o600)
            path.write_bytes(key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
        return folder

    @classmethod
    def read(cls, folder, now=None):
        """The authority that `write` left in `folder`; to issue, the MICA's key is enough."""
        folder = Path(folder)
        self = cls.__new__(cls)
        self.serca, self.mca, self.mica = (
            x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
            for name in LEVELS)
        self._keys = [_private_key(folder / f"{name}.key.pem") for name in LEVELS]
        self._since = (now or _now()) - DAY
        self.critical = self.mica.extensions.get_extension_for_class(
            x509.CertificatePolicies).critical
        return self

    @classmethod
    def create(cls, *, name="Example", now=None, critical_policies=False):
        """Make a new authority; `now` (naive UTC) backdates the start of its validity."""
        return cls(name, now or _now(), critical_policies)

    def device(self, *, serial="1", public_key=None, hardware_type=HARDWARE_TYPE, policies=None,
               since=None, until=None, extra=()):
        """Issue a device certificate: empty subject, HardwareModuleName, valid for ever.

        With `public_key` (from a CSR) the private key stays with its owner and `key` is None.
        `policies`: OIDs in the place of those of a test device.  `since`, `until`: naive UTC.
        `extra`: pairs of an extension and whether it is critical, for what should not be there.
        """
        key = None if public_key else ec.generate_private_key(ec.SECP256R1())
        san = x509.SubjectAlternativeName([hardware_module_name(hardware_type, serial)])
        public_key = public_key or key.public_key()
        valid = (since or self._since, until or FOREVER)
        return self._leaf(key, public_key, "", san, valid, policies, extra)

    def server(self, *hosts, since=None, until=None):
        """Issue a server certificate for DNS names and IP addresses, naive UTC validity."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = []
        for host in hosts:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                names.append(x509.DNSName(host))
        valid = (since or self._since, until or FOREVER)
        san = x509.SubjectAlternativeName(names)
        return self._leaf(key, key.public_key(), "Utility server", san, valid)

    def _leaf(self, key, public_key, subject, san, valid, policies=None, extra=()):
        builder = self._builder(public_key, subject, valid).issuer_name(self.mica.subject)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        ).add_extension(_usage(ca=False), critical=True)
        # RFC 5280 4.2.1.6: critical where the subject is empty.
        builder = builder.add_extension(san, critical=not subject)
        for extension, critical in extra:
            builder = builder.add_extension(extension, critical=critical)
        builder = self._policies(builder, policies) if policies else self._policies(builder)
        return Issued(key, [self._sign(builder, 2), self.mica, self.mca], self.serca)

    def _builder(self, public_key, subject, valid):
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(valid[0])
            .not_valid_after(valid[1])
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        )

    def _policies(self, builder, oids=None):
        oids = oids or [DEVICE_GENERIC, TEST_CERTIFICATE]
        policies = x509.CertificatePolicies([x509.PolicyInformation(o, None) for o in oids])
        return builder.add_extension(policies, critical=self.critical)

    def _sign(self, builder, level):
        key = self._keys[level]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        return builder.add_extension(issuer, critical=False).sign(key, hashes.SHA256())
