"""Keys, signatures and certificates on P-256 for commissioning: loaded on demand, then let go of.

curve.py numbers and points; ecdsa.py keys and signatures; asn1.py DER and PEM; keys.py what is
written; certificate.py what is read; chain.py which certificates belong together.
"""

from .asn1 import P256Error, blocks, pem
from .certificate import FOREVER, Certificate
from .chain import chain
from .ecdsa import generate, public, run, sign, verify
from .keys import csr, pkcs8, read_key, sec1

__all__ = ("FOREVER", "Certificate", "P256Error", "blocks", "chain", "csr", "generate", "pem",
           "pkcs8", "public", "read_key", "run", "sec1", "sign", "verify")
