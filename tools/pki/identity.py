"""The identifiers that follow from a certificate: LFDI, SFDI, and the PIN's check digit.

Enters: the leaf certificate as DER.  Leaves: the 40 hex digits and the decimal number that a
utility knows the device by.  Limit: the leaf's DER only, never the PEM text nor the chain.

    lfdi(der)          # "3E4F45AB31EDFE5B67E343E5E4562E31E23E..."
    sfdi(lfdi(der))    # 167261211391
"""

import hashlib


def lfdi(der):
    """Long form device identifier: 20 bytes of SHA-256 over the DER, upper-case hex."""
    return hashlib.sha256(der).hexdigest()[:40].upper()


def sfdi(lfdi_hex):
    """Short form: the LFDI's first 36 bits in decimal with a digit that makes the sum end in 0."""
    number = int(lfdi_hex[:9], 16)
    return number * 10 + (10 - sum(map(int, str(number))) % 10) % 10


def registration_pin(five):
    """Registration PIN of six digits from the first five: the last is their sum modulo ten."""
    if not 0 <= five <= 99999:
        raise ValueError("five decimal digits")
    return five * 10 + sum(map(int, str(five))) % 10
